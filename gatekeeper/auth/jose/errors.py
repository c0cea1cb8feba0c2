"""Why a token is refused, and why a key cannot be used.

Two readers, two texts: the operator's log gets `reason` and `log`, the client gets `description`. None of them holds
anything of the token, its claims or a key, so both can be written anywhere.
"""

import enum
from typing import ClassVar, Final


class Reason(enum.StrEnum):
    """Why a token is refused, as logs and metrics name it. The names stay as they are."""

    MALFORMED = "malformed"
    """It is no signed token: segments, base64url, JSON, or a header of the wrong type."""
    TOO_LONG = "too-long"
    ENCRYPTED = "encrypted"
    """It is a JWE."""
    UNSUPPORTED_HEADER = "unsupported-header"
    """The header asks for something that must be understood and is not."""
    WRONG_TYPE = "wrong-type"
    """It is another kind of token."""
    WRONG_ALGORITHM = "wrong-algorithm"
    """An algorithm that is not allowed."""
    WRONG_KEY = "wrong-key"
    """The key that the token names is not one for its algorithm."""
    UNKNOWN_KEY = "unknown-key"
    """There is no key that it could be signed with."""
    BAD_SIGNATURE = "bad-signature"
    WRONG_ISSUER = "wrong-issuer"
    """Somebody else's token, or nobody's."""
    WRONG_AUDIENCE = "wrong-audience"
    """A token for somebody else, or for nobody."""
    BAD_CLAIM = "bad-claim"
    """A claim is missing or has the wrong type."""
    EXPIRED = "expired"
    NOT_YET_VALID = "not-yet-valid"
    """Its time has not come, or it was issued in the future."""
    REQUIRED_CLAIMS = "required-claims"
    """The claims are sound, but not those that are asked for here."""


_DESCRIPTIONS: Final = {
    Reason.MALFORMED: "The access token is malformed",
    Reason.TOO_LONG: "The access token is too long",
    Reason.ENCRYPTED: "The access token is encrypted; only signed ones are accepted",
    Reason.UNSUPPORTED_HEADER: "The access token has a header that is not supported",
    Reason.WRONG_TYPE: "The token is not an access token",
    Reason.WRONG_ALGORITHM: "The access token is signed with an algorithm that is not accepted",
    Reason.WRONG_KEY: "The signature of the access token is not valid",
    Reason.UNKNOWN_KEY: "The signature of the access token is not valid",
    Reason.BAD_SIGNATURE: "The signature of the access token is not valid",
    Reason.WRONG_ISSUER: "The access token is from an issuer that is not accepted",
    Reason.WRONG_AUDIENCE: "The access token is meant for another audience",
    Reason.BAD_CLAIM: "The access token has a claim that is missing or malformed",
    Reason.EXPIRED: "The access token has expired",
    Reason.NOT_YET_VALID: "The access token is not valid yet",
    Reason.REQUIRED_CLAIMS: "The access token lacks what is asked for here",
}


class TokenError(Exception):
    """A token that is refused. `log` says more to the operator, in fixed words."""

    error: ClassVar[str] = "invalid_token"
    """The `error` of the challenge (RFC 6750 section 3.1)."""

    def __init__(self, reason: Reason, log: str = "", *, newer_keys: bool = False) -> None:
        super().__init__(f"{reason}: {log}" if log else str(reason))
        self.reason: Final = reason
        self.log: Final = log
        self.newer_keys: Final = newer_keys
        """Whether newer keys of the issuer could know better, so that fetching them may help."""

    @property
    def description(self) -> str:
        """The `error_description` of the challenge: for the client, the same for all tokens of this reason."""
        return _DESCRIPTIONS[self.reason]


class KeysError(ValueError):
    """Keys that cannot be used. The message holds nothing of them."""

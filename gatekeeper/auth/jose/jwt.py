"""JSON Web Tokens: reading them strictly, checking their signature, making them.

Three steps, each of which refuses: `read` says what a token claims, `claims.check_claims` whether that would do, and
`verify` whether it is true. Nothing of a token may be believed before the last of them. The second comes before the
third because it is cheap and needs no key: who sends tokens that would not do causes no key to be fetched.

What a header offers as a key (`jku`, `x5u`, `x5c`, `jwk`) is never looked at (RFC 8725 section 3.10), and a `kid` is only
ever compared.

Measured on one core, in µs, claims of 380 bytes: 13 to read a token and 2 to check its claims, beside 3 to 500 for its
signature (`keys`); 1 to refuse a megabyte, and 50 to refuse 5,800 brackets.
"""

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from gatekeeper.auth.jose.encoding import decode, encode, parse_object
from gatekeeper.auth.jose.errors import Reason, TokenError


if TYPE_CHECKING:
    from gatekeeper.auth.jose.keys import Key, KeySet

LONGEST: Final = 8 * 1024
"""Bytes of a token."""
LONGEST_KID: Final = 256
"""Characters of a key id, in a key and in a token."""

_UNSUPPORTED: Final = ("crit", "b64", "zip", "enc")


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Token:
    """What a token says. None of it is true before `verify` has said so."""

    algorithm: str
    kid: str | None
    type: str | None
    """Its media type as `media_type` writes it."""
    claims: Mapping[str, Any]
    signed: bytes
    """What the signature is over (RFC 7515 section 5.2)."""
    signature: bytes

    @property
    def issuer(self) -> str | None:
        """Who claims to have issued it."""
        issuer = self.claims.get("iss")
        return issuer if isinstance(issuer, str) else None

    def __repr__(self) -> str:
        return f"<Token {self.algorithm}>"


def read(token: str | bytes, *, longest: int = LONGEST) -> Token:
    """Read a token in the compact form (RFC 7515 section 7.1).

    Raises:
        TokenError: it is none, or asks for something that is not supported. RFC 7797 section 7 and RFC 7515 section
            4.1.11: `b64` and `crit` are refused wherever they stand.

    """
    if len(token) > longest:
        raise TokenError(Reason.TOO_LONG)
    if isinstance(token, str):
        if not token.isascii():
            raise TokenError(Reason.MALFORMED, "it is not ASCII")
        token = token.encode("ascii")
    parts = token.split(b".")
    if len(parts) == 5:
        raise TokenError(Reason.ENCRYPTED)
    if len(parts) != 3:
        raise TokenError(Reason.MALFORMED, "it does not have three segments")
    header = _parse(parts[0], "header")
    _check_header(header)
    claims = _parse(parts[1], "payload")
    try:
        signature = decode(parts[2])
    except ValueError as error:
        raise TokenError(Reason.MALFORMED, f"signature: {error}") from None
    if not signature:
        raise TokenError(Reason.MALFORMED, "it is not signed")
    return Token(
        algorithm=header["alg"],
        kid=header.get("kid"),
        type=media_type(header["typ"]) if "typ" in header else None,
        claims=claims,
        signed=token[: len(parts[0]) + 1 + len(parts[1])],
        signature=signature,
    )


def verify(token: Token, keys: "KeySet", algorithms: Collection[str]) -> "Key":
    """Return the key that has signed a token.

    The algorithm must be one of these, whatever the keys could do (RFC 8725 section 3.1). Where `newer_keys` is set in
    the refusal, the issuer may have keys that we do not know yet.

    Raises:
        TokenError: none has.

    """
    if token.algorithm not in algorithms:
        raise TokenError(Reason.WRONG_ALGORITHM)
    found = keys.find(token.kid, token.algorithm)
    for key in found:
        if key.verifies(token.algorithm, token.signed, token.signature):
            return key
    if keys.has(token.kid):
        raise TokenError(Reason.BAD_SIGNATURE if found else Reason.WRONG_KEY)
    raise TokenError(Reason.BAD_SIGNATURE if found else Reason.UNKNOWN_KEY, newer_keys=True)


def sign(
    claims: Mapping[str, object],
    key: "Key",
    algorithm: str,
    *,
    kid: str | None = None,
    typ: str = "JWT",
) -> str:
    """Make a token. `kid` is that of the key, unless another is given.

    Raises:
        KeysError: the key does not sign, or not with this algorithm.
        ValueError: the claims are not JSON.

    """
    header = {"alg": algorithm, "typ": typ}
    named = kid if kid is not None else key.kid
    if named is not None:
        header["kid"] = named
    signed = ".".join(
        encode(json.dumps(part, allow_nan=False, separators=(",", ":")).encode())
        for part in (header, dict(claims))
    )
    return f"{signed}.{encode(key.sign(algorithm, signed.encode()))}"


def media_type(name: str) -> str:
    """A media type as it is compared: in lower case, without `application/` (RFC 7515 section 4.1.9)."""
    short = name.lower().removeprefix("application/")
    return short if "/" not in short else name.lower()


def _parse(segment: bytes, name: str) -> dict[str, Any]:
    try:
        return parse_object(decode(segment))
    except ValueError as error:
        raise TokenError(Reason.MALFORMED, f"{name}: {error}") from None


def _check_header(header: Mapping[str, object]) -> None:
    if not isinstance(header.get("alg"), str):
        raise TokenError(Reason.MALFORMED, "`alg` is missing or not a text")
    kid = header.get("kid", "")
    if not isinstance(kid, str) or len(kid) > LONGEST_KID:
        raise TokenError(Reason.MALFORMED, f"`kid` is not a text of at most {LONGEST_KID} characters")
    kind = header.get("typ", "")
    if not isinstance(kind, str) or not kind.isascii():
        raise TokenError(Reason.MALFORMED, "`typ` is not a media type")
    for name in _UNSUPPORTED:
        if name in header:
            raise TokenError(Reason.UNSUPPORTED_HEADER, f"it has `{name}`")

"""What a token must claim, and what its claims say.

Times are seconds since the epoch, and `now` is handed in. At the edges (RFC 7519 sections 4.1.4 to 4.1.6), with a
leeway of L seconds:

- `exp` is the first moment at which a token is not accepted: it is at `exp + L`, and is not a second before it.
- `nbf` is the first moment at which it is: at `nbf - L` it is accepted, and is not a second before it.
- `iat` is treated as `nbf` is: a token that was issued later than now is somebody's mistake or forgery.

Which kinds of token are accepted (RFC 8725 section 3.11): with `token_type`, that one alone, and it must be there, as RFC
9068 section 4 demands of `at+jwt`. Without, `JWT`, `at+jwt` and no type at all, which is what issuers of access tokens
write; whatever names itself otherwise (`logout+jwt`, `dpop+jwt`, `secevent+jwt`) is another kind, and so is what holds
`events`, as logout tokens do that were made before they had a type (RFC 8417 section 2.2).
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import attrs

from gatekeeper.auth.jose.algorithms import ALGORITHMS, SYMMETRIC
from gatekeeper.auth.jose.errors import Reason, TokenError
from gatekeeper.auth.jose.jwt import Token, media_type


_ACCESS_TOKENS: Final = frozenset({None, "jwt", "at+jwt"})
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def _is_text(_instance: object, attribute: "attrs.Attribute[str]", value: object) -> None:
    if not isinstance(value, str) or not value:
        raise ValueError(f"`{attribute.name}` is not a text, or empty")


def _are_texts(_instance: object, attribute: "attrs.Attribute[Any]", value: object) -> None:
    if value is None:
        return
    if not isinstance(value, tuple) or not value or not all(isinstance(one, str) and one for one in value):
        raise ValueError(f"`{attribute.name}` is no tuple of texts, or one of them is empty")


def _are_algorithms(_instance: object, _attribute: object, names: frozenset[str]) -> None:
    if not names:
        raise ValueError("no algorithm is accepted; name one")
    unknown = sorted(names - ALGORITHMS.keys())
    if unknown:
        known = ", ".join(ALGORITHMS)
        raise ValueError(f"`{unknown[0]}` is not an algorithm that is accepted; there are {known}")
    if names & SYMMETRIC and names - SYMMETRIC:
        raise ValueError(
            "algorithms with a shared secret (HS256, HS384, HS512) stand beside those with a public key; name only"
            " one of the two kinds, so that no public key is ever taken for a secret"
        )


def _is_leeway(_instance: object, _attribute: object, value: float) -> None:
    if not math.isfinite(value) or value < 0:
        raise ValueError("`leeway` is not a number of seconds")


def _as_names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(names)


def _as_type(name: str | None) -> str | None:
    return None if name is None else media_type(name)


def _anything(_claims: Mapping[str, Any], /) -> bool:
    return True


@attrs.frozen(kw_only=True)
class TokenPolicy:
    """What a token must say to be accepted.

    Raises:
        ValueError: it would accept what nobody should.

    """

    issuer: str = attrs.field(validator=_is_text)
    """Compared exactly, byte by byte: a slash at the end makes another."""
    audiences: tuple[str, ...] | None = attrs.field(validator=_are_texts)
    """A token is for one of them, at least; None accepts what is meant for anybody."""
    algorithms: frozenset[str] = attrs.field(converter=_as_names, validator=_are_algorithms)
    leeway: float = attrs.field(default=30.0, validator=_is_leeway)
    """Seconds that clocks may differ by."""
    token_type: str | None = attrs.field(
        default=None, converter=_as_type, validator=attrs.validators.optional(_is_text)
    )
    """The only media type that is accepted; None for all that an access token may have."""
    required: Callable[[Mapping[str, Any]], bool] = attrs.field(default=_anything, eq=False, repr=False)
    """Whether these claims are those that are asked for, once all others have been checked."""


def check_claims(token: Token, policy: TokenPolicy, now: float) -> None:
    """Check everything about a token but its algorithm and its signature.

    `iss`, `exp` and, unless anybody's tokens are accepted, `aud` are required. The issuer comes first: where it is
    another one, nothing else about the token matters here.

    Raises:
        TokenError: it is refused.

    """
    claims = token.claims
    if claims.get("iss") != policy.issuer:
        raise TokenError(Reason.WRONG_ISSUER, "" if "iss" in claims else "`iss` is missing")
    for name in ("sub", "jti"):
        if name in claims and not isinstance(claims[name], str):
            raise TokenError(Reason.BAD_CLAIM, f"`{name}` is not a text")
    _check_type(token, policy)
    _check_audience(claims, policy)
    _check_times(claims, now, policy.leeway)
    if not policy.required(claims):
        raise TokenError(Reason.REQUIRED_CLAIMS)


def _check_type(token: Token, policy: TokenPolicy) -> None:
    if policy.token_type is not None:
        if token.type != policy.token_type:
            raise TokenError(Reason.WRONG_TYPE)
    elif token.type not in _ACCESS_TOKENS:
        raise TokenError(Reason.WRONG_TYPE)
    elif "events" in token.claims:
        raise TokenError(Reason.WRONG_TYPE, "it has `events`, as a logout token has")


def _check_audience(claims: Mapping[str, Any], policy: TokenPolicy) -> None:
    audience = claims.get("aud", [])
    named = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(name, str) for name in named):
        raise TokenError(Reason.BAD_CLAIM, "`aud` is not a text or a list of texts")
    if policy.audiences is not None and not any(name in policy.audiences for name in named):
        raise TokenError(Reason.WRONG_AUDIENCE, "" if "aud" in claims else "`aud` is missing")


def _check_times(claims: Mapping[str, Any], now: float, leeway: float) -> None:
    # the leeway moves now and not the claims, which may be of any size
    expires = _time(claims, "exp")
    if expires is None:
        raise TokenError(Reason.BAD_CLAIM, "`exp` is missing")
    if now - leeway >= expires:
        raise TokenError(Reason.EXPIRED)
    for name in ("nbf", "iat"):
        begins = _time(claims, name)
        if begins is not None and now + leeway < begins:
            raise TokenError(Reason.NOT_YET_VALID, f"`{name}` is in the future")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenError(Reason.BAD_CLAIM, f"`{name}` is not a number")
    return value


def scopes(value: object) -> frozenset[str]:
    """The scopes that a claim grants: a text with blanks between them (RFC 8693 section 4.2), or a list of them.

    They are compared as a whole: `readonly` is not `read`, and what a list holds is one scope, blanks or not.

    Raises:
        TokenError: the claim is neither.

    """
    if value is None:
        return frozenset()
    if isinstance(value, str):
        return frozenset(name for name in value.split(" ") if name)
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return frozenset(name for name in value if name)
    raise TokenError(Reason.BAD_CLAIM, "a claim with scopes is not a text or a list of texts")


def claim_text(value: object) -> str:
    """A claim as a text that can stand in a header field and in a log: one line that reads as what it is.

    A text stands for itself, nothing (None) for an empty one, and the rest is JSON in ASCII.

    Raises:
        TokenError: it is a text with control characters, or with blanks around it, which would be lost on the way.

    """
    if value is None:
        return ""
    if not isinstance(value, str):
        return json.dumps(value, separators=(",", ":"))
    if _CONTROL.search(value) is not None or value != value.strip():
        raise TokenError(Reason.BAD_CLAIM, "a claim has control characters in it, or blanks around it")
    return value

"""Short-lived tokens by which the gateway tells a service who asks (RFC 7519): signed, so that nobody else can.

A token is made once for a consumer and shown again for half of its time: to sign costs 11 µs (HS256) to 270 (RS256). One that
says something of the request itself is made for each attempt. The service checks it by the public half of the key.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from gatekeeper.core.clock import Clock
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.identity import Consumer
from gatekeeper.core.message import InvalidField, check_editable
from gatekeeper.core.text import Text, is_of_consumer
from gatekeeper.extend.vocabulary import Duration, Refusal, help_line, is_positive


if TYPE_CHECKING:
    from gatekeeper.auth.jose.keys import Key

PREFERRED: Final = ("EdDSA", "ES256", "ES384", "ES512", "RS256", "HS256", "HS384", "HS512")
"""What a key signs with: the first of these that is one for it."""
OWN: Final = frozenset({"iss", "aud", "sub", "iat", "exp"})
"""Claims that the gateway makes itself."""
HEADER: Final = "x-identity-token"


def _is_field(_instance: object, _attribute: object, name: str) -> None:
    try:
        check_editable(name)
    except InvalidField as error:
        raise Refusal(str(error)) from None
    if name.lower() in {"authorization", "cookie"}:
        raise Refusal(f"`{name}` is what clients send, and theirs would be dropped; choose another")


def _are_free(_instance: object, _attribute: object, claims: Mapping[str, Text]) -> None:
    taken = next((name for name in claims if name in OWN), None)
    if taken is not None:
        raise Refusal(f"`{taken}` is made by the gateway; choose another name")


@attrs.frozen(kw_only=True)
class IdentityTokenConfig:
    """A token of the gateway's own that says who asks."""

    issuer: str = attrs.field(metadata=help_line("its `iss`: what the service knows the gateway by"))
    key: str = attrs.field(
        repr=False,
        metadata={
            **help_line("what signs it: a private key in PEM, a private JWK, or a secret; as `${file:...}`"),
            "secret": True,
        },
    )
    audience: str = attrs.field(metadata=help_line("its `aud`: whom it is for"))
    ttl: Duration = attrs.field(
        default=60.0, validator=is_positive, metadata=help_line("for how long it is good")
    )
    claims: Mapping[str, Text] = attrs.field(
        factory=dict,
        validator=_are_free,
        metadata=help_line("what it says besides `sub`, `roles`, `scope` and `plan`"),
    )
    header: str = attrs.field(
        default=HEADER,
        validator=_is_field,
        metadata=help_line("the field that holds it; clients cannot send it"),
    )


class IdentityToken:
    """Makes tokens of consumers."""

    def __init__(self, config: IdentityTokenConfig, clock: Clock) -> None:
        """Read the key.

        Raises:
            ValueError: it cannot sign, or what it needs is not installed.

        """
        self.field: Final = config.header.encode()
        self._config: Final = config
        self._wall: Final = clock.wall
        self._key, self._algorithm = _signing(config.key)
        self._is_same: Final = all(
            is_of_consumer(name) for text in config.claims.values() for name in text.names
        )
        self._note: Final = object()

    def make(self, exchange: Exchange) -> bytes | None:
        """The token for who asks; None where nobody is proven to."""
        consumer = exchange.consumer
        if consumer is None:
            return None
        now = self._wall()
        if self._is_same:
            made: tuple[float, bytes] | None = consumer.notes.get(self._note)
            if made is not None and 0 <= now - made[0] < self._config.ttl / 2:
                return made[1]
        token = self._sign(exchange, consumer, now)
        if self._is_same:
            consumer.notes[self._note] = now, token
        return token

    def _sign(self, exchange: Exchange, consumer: Consumer, now: float) -> bytes:
        from gatekeeper.auth.jose.jwt import sign  # noqa: PLC0415 - needs an extra

        config = self._config
        claims: dict[str, Any] = {
            "iss": config.issuer,
            "aud": config.audience,
            "sub": consumer.name,
            "iat": int(now),
            "exp": int(now + config.ttl),
            "roles": sorted(consumer.roles),
            "scope": " ".join(sorted(consumer.scopes)),
        }
        if consumer.plan:
            claims["plan"] = consumer.plan
        claims |= {name: text.render(exchange) for name, text in config.claims.items()}
        return sign(claims, self._key, self._algorithm).encode()


def _signing(content: str) -> "tuple[Key, str]":
    try:
        from gatekeeper.auth.jose.content import parse_signing_key  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ValueError("`identity_jwt` needs more: `pip install 'gatekeeper-gateway[jwt]'`") from error
    key = parse_signing_key(content)
    algorithm = next((name for name in PREFERRED if name in key.algorithms), None)
    if algorithm is None:
        raise ValueError("the `key` is one for none of the algorithms that are signed with")
    return key, algorithm

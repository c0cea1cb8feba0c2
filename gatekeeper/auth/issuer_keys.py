"""The keys of an issuer: fetched once for all who need them, and again when they may have changed.

They come from a JWK Set at an address, which is known or which the issuer tells (OpenID Connect Discovery 1.0). Whoever comes
first waits; later on they are renewed beside the requests. A token that names a key which is not known makes the gateway ask
again, at most once in `COOL_DOWN`: anybody can invent names. Where the issuer cannot be asked, the last good keys are believed
for `keep` seconds, and nobody passes after that.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from gatekeeper.extend.calls import CallFailed, Calls, Reply, SingleFlight, json_object
from gatekeeper.extend.running import RunningGateway


if TYPE_CHECKING:
    from gatekeeper.auth.jose.keys import KeySet

RENEW: Final = 300.0
"""Seconds after which keys are asked for again: a key that the issuer has withdrawn is believed no longer than this and a call."""
COOL_DOWN: Final = 30.0
"""Seconds between two calls that were made because a token named an unknown key."""
AGAIN: Final = 1.0
"""Seconds after a call that has failed in which nobody tries again."""
TIMEOUT: Final = 5.0
LARGEST: Final = 256 * 1024
"""Bytes of a key set."""
WELL_KNOWN: Final = "/.well-known/openid-configuration"


class IssuerKeys:
    """The keys of one issuer. They outlive the configurations that use them."""

    def __init__(self, name: str, issuer: str, address: str, keep: float, gateway: RunningGateway) -> None:
        """Ask nobody yet. The issuer is asked for the address where none is given."""
        self._issuer: Final = issuer
        self._address: Final = address
        self._keep: Final = keep
        self._now: Final = gateway.clock.monotonic
        self._calls: Final = Calls(name, gateway, timeout=TIMEOUT, limit=1, largest=LARGEST)
        self._flights: Final = SingleFlight[str, "KeySet"](name, gateway.spawn)
        self._keys: KeySet | None = None
        self._since = 0.0
        """When they were fetched."""
        self._failed = float("-inf")
        """When a call failed last."""
        self._pressed = float("-inf")
        """When an unknown key made the gateway ask."""

    async def get(self) -> "KeySet":
        """The keys, if need be after a call.

        Raises:
            CallFailed: there are none, and none can be had now.

        """
        keys, age = self._keys, self._now() - self._since
        if keys is not None and age < self._keep:
            if age >= RENEW and not self._has_just_failed():
                self._flights.begin("keys", self._fetch)
            return keys
        if self._has_just_failed():
            raise CallFailed("unreachable", "its keys could not be fetched a moment ago")
        return await self._flights.join("keys", self._fetch)

    async def newer(self) -> "KeySet | None":
        """The keys as they are now, for a token that none of those before could have signed; None where it is too early.

        Raises:
            CallFailed: the issuer cannot be asked.

        """
        now = self._now()
        if not len(self._flights):
            if now - self._pressed < COOL_DOWN or self._has_just_failed():
                return None
            self._pressed = now
        return await self._flights.join("keys", self._fetch)

    def _has_just_failed(self) -> bool:
        return self._now() - self._failed < AGAIN

    async def _fetch(self) -> "KeySet":
        try:
            address = self._address or await self._calls.ask(
                self._told_address, "GET", self._issuer.removesuffix("/") + WELL_KNOWN
            )
            body = await self._calls.ask(_body, "GET", address, headers=[("Accept", "application/json")])
            # a hundred keys take a hundredth of a second
            keys = await asyncio.to_thread(_parsed, body)
        except CallFailed:
            self._failed = self._now()
            raise
        if self._keys is None or _told(self._keys) != _told(keys):
            # equal ones stay the same object: what was verified by them is remembered
            self._keys = keys
        self._since = self._now()
        return self._keys

    def _told_address(self, reply: Reply) -> str:
        """The address that a discovery document tells; it must be about this issuer, to the letter."""
        document = json_object(reply)
        if document.get("issuer") != self._issuer:
            raise CallFailed("answer", "its discovery document is about another issuer")
        address = document.get("jwks_uri")
        secure = self._issuer.startswith("https://")
        if not isinstance(address, str) or not address.startswith("https://" if secure else "http"):
            raise CallFailed("answer", "its discovery document tells no `jwks_uri` that could be trusted")
        return address


def _told(keys: "KeySet") -> list[tuple[str | None, str, frozenset[str]]]:
    return [(key.kid, key.thumbprint, key.algorithms) for key in keys.keys]


def _body(reply: Reply) -> bytes:
    if reply.status != 200:
        raise CallFailed("status", f"it answered {reply.status}")
    return reply.body


def _parsed(body: bytes) -> "KeySet":
    from gatekeeper.auth.jose.errors import KeysError  # noqa: PLC0415 - with what only tokens need
    from gatekeeper.auth.jose.jwk import parse_keys  # noqa: PLC0415

    try:
        return parse_keys(body)
    except KeysError as error:
        raise CallFailed("answer", f"its keys are of no use: {error}") from None

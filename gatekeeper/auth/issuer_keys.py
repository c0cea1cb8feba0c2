"""The keys of an issuer: fetched once for all who need them, and again when they may have changed.

They come from a JWK Set at an address, which is known or which the issuer tells (OpenID Connect Discovery 1.0). Whoever comes
first waits; later on they are renewed beside the requests. Who comes after a long silence waits, too: a key may have been
withdrawn meanwhile. A token that names a key which is not known makes the gateway ask again, at most once in `COOL_DOWN`:
anybody can invent names. Where the issuer cannot be asked, the last good keys are believed for `keep` seconds, nobody passes
after that, and nobody can say of an unknown key that there is none.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from gatekeeper.extend.calls import CallFailed, Calls, Reply, SingleFlight, check_endpoint, json_object
from gatekeeper.extend.running import RunningGateway


if TYPE_CHECKING:
    from gatekeeper.auth.jose.keys import KeySet

RENEW: Final = 300.0
"""Seconds after which keys are asked for again, if somebody needs them; those of twice this age are waited for."""
COOL_DOWN: Final = 30.0
"""Seconds between two calls that were made because a token named an unknown key."""
AGAIN: Final = 1.0
"""Seconds after a call that has failed in which nobody tries again."""
PATIENCE: Final = 1.0
"""Seconds to wait for an issuer that could not be asked before."""
TIMEOUT: Final = 5.0
LARGEST: Final = 256 * 1024
"""Bytes of a key set."""
WELL_KNOWN: Final = "/.well-known/openid-configuration"

_NEVER: Final = float("-inf")


class IssuerKeys:
    """The keys of one issuer. They outlive the configurations that use them."""

    def __init__(self, name: str, issuer: str, address: str, keep: float, gateway: RunningGateway) -> None:
        """Ask nobody yet. The issuer is asked for the address where none is given; `keep` is in seconds."""
        self._issuer: Final = issuer
        self._address: Final = address
        self._keep: Final = keep
        self._renew: Final = min(RENEW, keep / 2)
        self._now: Final = gateway.clock.monotonic
        self._calls: Final = Calls(name, gateway, timeout=TIMEOUT, limit=1, largest=LARGEST)
        self._flights: Final = SingleFlight[str, "KeySet"](name, gateway.spawn)
        self._keys: KeySet | None = None
        self._since = _NEVER
        """When they were asked for."""
        self._failed = _NEVER
        """When a call failed last."""
        self._is_down = False
        """Whether the last call has failed."""
        self._pressed = _NEVER
        """When an unknown key made the gateway ask."""

    def young(self) -> "KeySet | None":
        """The keys, where nothing has to be done to have them; else `get` does."""
        return self._keys if self._now() - self._since < self._renew else None

    async def get(self) -> "KeySet":
        """The keys, if need be after a call.

        Raises:
            CallFailed: there are none, and none can be had now.

        """
        if (young := self.young()) is not None:
            return young
        known = self._believed()
        if self._has_just_failed():
            if known is None:
                raise CallFailed("unreachable", "its keys could not be fetched a moment ago")
            return known
        if known is not None and (self._is_down or self._now() - self._since < 2 * self._renew):
            self._flights.begin("keys", self._fetch)
            return known
        try:
            return await self._wait()
        except CallFailed:
            if (known := self._believed()) is None:
                raise
            return known

    async def newer(self, than: "KeySet") -> "KeySet":
        """The keys as they are now, for a token that none of those in `than` can have signed.

        They are `than` where there are no others, or where it is too early to ask again.

        Raises:
            CallFailed: the issuer cannot be asked.

        """
        if self._keys is not None and self._keys is not than:
            return self._keys
        if not len(self._flights):
            now = self._now()
            if now - self._pressed < COOL_DOWN or self._has_just_failed():
                if self._is_down:
                    raise CallFailed("unreachable", "it may have newer ones, and cannot be asked")
                return than
            self._pressed = now
        return await self._wait()

    async def _wait(self) -> "KeySet":
        """Wait for the call: not for long where the one before has failed, or one issuer that hangs would hold all requests."""
        try:
            async with asyncio.timeout(PATIENCE if self._is_down else None):
                return await self._flights.join("keys", self._fetch)
        except TimeoutError:
            raise CallFailed(
                "timeout", f"it has failed before, and not answered for {PATIENCE:g} s"
            ) from None

    def _believed(self) -> "KeySet | None":
        return self._keys if self._now() - self._since < self._keep else None

    def _has_just_failed(self) -> bool:
        return self._now() - self._failed < AGAIN

    async def _fetch(self) -> "KeySet":
        began = self._now()
        try:
            address = self._address or await self._calls.ask(
                self._told_address, "GET", self._issuer.removesuffix("/") + WELL_KNOWN
            )
            # a hundred keys take a hundredth of a second
            keys = await self._calls.ask(
                _parsed, "GET", address, headers=[("Accept", "application/json")], in_thread=True
            )
        except Exception:
            self._failed, self._is_down = self._now(), True
            raise
        if self._keys is None or _told(self._keys) != _told(keys):
            # equal ones stay the same object: what was verified by them is remembered
            self._keys = keys
        self._since, self._is_down = began, False
        return self._keys

    def _told_address(self, reply: Reply) -> str:
        """The address that a discovery document tells; it must be about this issuer, to the letter."""
        document = json_object(reply)
        if document.get("issuer") != self._issuer:
            raise CallFailed("answer", "its discovery document is about another issuer")
        address = document.get("jwks_uri")
        if not isinstance(address, str) or not _is_as_secure(address, self._issuer):
            raise CallFailed("answer", "its discovery document tells no `jwks_uri` that could be trusted")
        return address


def _is_as_secure(address: str, issuer: str) -> bool:
    """Whether it can be called, and by nobody else be answered who could not answer for the issuer, too."""
    try:
        check_endpoint(address, "")
    except ValueError:
        return False
    return address.startswith("https://") or not issuer.startswith("https://")


def _told(keys: "KeySet") -> list[tuple[str | None, str, frozenset[str]]]:
    return [(key.kid, key.thumbprint, key.algorithms) for key in keys.keys]


def _parsed(reply: Reply) -> "KeySet":
    from gatekeeper.auth.jose.errors import KeysError  # noqa: PLC0415 - with what only tokens need
    from gatekeeper.auth.jose.jwk import parse_keys  # noqa: PLC0415

    if reply.status != 200:
        raise CallFailed("status", f"it answered {reply.status}")
    # whatever type it says: many do not say theirs (RFC 7517 section 8.5.2)
    try:
        return parse_keys(reply.body)
    except KeysError as error:
        raise CallFailed("answer", f"its keys are of no use: {error}") from None

"""Which service a route sends a request to: pins first, then what is sticky, then chance."""

import re
from collections.abc import Mapping
from http import cookies
from random import Random
from typing import Final

import attrs

from gatekeeper.config.model import StickyConfig
from gatekeeper.core.chain import Chain, Handler, Predicate
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Response
from gatekeeper.core.text import Text, cookie_value
from gatekeeper.core.text import cookies as cookies_of
from gatekeeper.policy.split import Split


_TOKEN: Final = re.compile(r"[0-9a-f]{32}")


@attrs.frozen
class Odds:
    """How likely a service is to get a request, 0 to 1, and why."""

    service: str
    share: float
    why: str = ""


class Targets:
    """The services of a route.

    What is sticky decides by a hash, so that all gateways decide alike and none has to remember. A cookie holds a random
    token and not the name of a service: a client cannot choose where it goes, and one whose service has gone goes on.
    """

    def __init__(
        self,
        weights: Mapping[str, int],
        pins: Mapping[str, Predicate],
        sticky: StickyConfig | None,
        random: Random,
    ) -> None:
        self._split = Split(weights)
        # the order in a mapping has no meaning: where several pins hold, the first by name wins
        self._pins = tuple(sorted(pins.items()))
        self._sticky = sticky
        self._random = random
        self._cookie = sticky.cookie if sticky is not None else None

    def choose(self, exchange: Exchange) -> tuple[str, bytes | None]:
        """Return the service, and the cookie that the client is to get."""
        for name, holds in self._pins:
            if holds(exchange):
                return name, None
        if self._sticky is None:
            return self._split.by_chance(self._random.random()), None
        if self._cookie is not None:
            token = cookie_value(cookies_of(exchange), self._cookie.name)
            if _TOKEN.fullmatch(token):
                return self._split.by_key(token), None
            token = f"{self._random.getrandbits(128):032x}"
            return self._split.by_key(token), self._set_cookie(token, exchange.request.scheme)
        key = self._key(exchange)
        if key:
            return self._split.by_key(key), None
        return self._split.by_chance(self._random.random()), None

    def odds(self, exchange: Exchange) -> list[Odds]:
        """Every service with its part, for this request."""
        for name, holds in self._pins:
            if holds(exchange):
                return [Odds(name, 1.0, "pinned")]
        key = ""
        if self._cookie is not None:
            token = cookie_value(cookies_of(exchange), self._cookie.name)
            key = token if _TOKEN.fullmatch(token) else ""
        elif self._sticky is not None:
            key = self._key(exchange)
        if key:
            return [Odds(self._split.by_key(key), 1.0, "sticky")]
        return [Odds(name, share) for name, share in self._split.shares.items()]

    def _key(self, exchange: Exchange) -> str:
        """What is sticky about an exchange; empty where all of it is missing."""
        assert self._sticky is not None
        values = [value.read(exchange) for value in self._sticky.by]
        return "\0".join(values) if any(values) else ""

    def _set_cookie(self, token: str, scheme: str) -> bytes:
        assert self._cookie is not None
        jar = cookies.SimpleCookie({self._cookie.name: token})
        morsel = jar[self._cookie.name]
        morsel["path"], morsel["httponly"], morsel["samesite"] = "/", True, "Lax"
        morsel["max-age"] = str(round(self._cookie.ttl))
        if scheme == "https":
            morsel["secure"] = True
        return morsel.OutputString().encode()


def send_to(service: str, chain: Chain) -> Chain:
    """What a route with one service ends in."""
    handler = chain.handler

    async def to_service(exchange: Exchange) -> Response:
        exchange.service = service
        return await handler(exchange)

    return attrs.evolve(chain, handler=to_service)


def send_to_chosen(targets: Targets, chains: Mapping[str, Chain]) -> Chain:
    """What a route with several services ends in."""
    handlers = _handlers(chains)

    async def to_chosen(exchange: Exchange) -> Response:
        service, cookie = targets.choose(exchange)
        exchange.service = service
        response = await handlers[service](exchange)
        if cookie is not None:
            response.headers.fields.append((b"set-cookie", cookie))
        return response

    return _joined(to_chosen, chains)


def send_to_captured(name: Text, chains: Mapping[str, Chain]) -> Chain:
    """What a route ends in whose path names the service: its capture takes nothing else."""
    handlers = _handlers(chains)
    read = name.render

    async def to_captured(exchange: Exchange) -> Response:
        exchange.service = read(exchange)
        return await handlers[exchange.service](exchange)

    return _joined(to_captured, chains)


def _handlers(chains: Mapping[str, Chain]) -> dict[str, Handler]:
    return {name: chain.handler for name, chain in chains.items()}


def _joined(handler: Handler, chains: Mapping[str, Chain]) -> Chain:
    request_buffer = max((chain.request_buffer for chain in chains.values()), default=0)
    response_buffer = max((chain.response_buffer for chain in chains.values()), default=0)
    answers_preflights = any(chain.answers_preflights for chain in chains.values())
    return Chain(handler, (), request_buffer, response_buffer, answers_preflights)

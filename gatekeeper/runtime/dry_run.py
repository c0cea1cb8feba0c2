"""One request through each chain that is new, before a configuration comes into force: what crashes refuses it.

A configuration can be sound in every value and still fail for every client, because a filter raises as soon as it is used.
So the filters that are about to serve are folded once more, round an answer of 200 in the place of `forward`, and each chain
gets a request that its route takes. Nothing is sent to a service, and neither the gateway's metrics nor its access log hear
of it. What a filter does beyond its exchange it leaves out where it finds `DRY_RUN`.

Only what nobody has served by yet is judged: a filter that runs already with the same options may fail because another
system is down, and that must not keep a configuration from changing. Of routes with the same filters one is enough. Not tried
are filters whose condition the request does not fulfil; what stands behind one that answers; a filter that keeps something
which is yet to be reconfigured, with what stands behind it; routes for which no request is found (`routing.example`); and what
is left when the time is over, or waits then.

Measured: 56 µs for a route with a filter of its own, so 10,000 of them take 0.6 s of the loop, 3 ms at a time; 0.1 s in the
thread to find that none of them is new.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Final

import attrs

from gatekeeper.config.model import InstanceConfig, RouteConfig
from gatekeeper.config.problems import Place, Problem, problem_at
from gatekeeper.core.chain import AttemptLink, Chain, Handler
from gatekeeper.core.errors import GatewayError
from gatekeeper.core.exchange import Exchange, Route
from gatekeeper.core.instance import Instance
from gatekeeper.edge.dry import read_request
from gatekeeper.extend.context import DRY_RUN
from gatekeeper.routing.conditions import AllOf, AnyOf, Condition, Custom, Negation
from gatekeeper.routing.entry import Entry
from gatekeeper.routing.example import HOST, Example, example
from gatekeeper.runtime.folding import AnyLink, Ending, Folding, Key, flat, ids, key_of, past_the_end, told
from gatekeeper.runtime.snapshot import answer_no_route
from gatekeeper.runtime.targets import send_to


log = logging.getLogger(__name__)

SECONDS: Final = 1.0
"""Time for all requests together."""
AT_ONCE: Final = 20
"""Requests under way at the same time."""
PATIENCE: Final = 0.1
"""Seconds for what waits to end when it is cancelled."""

Parts = Mapping[Key, object]
"""What chains are made of, as it was written."""


@attrs.frozen
class _Way:
    """What requests of a route pass, or those of none; `end` is what that puts round the chain of a service."""

    route: Route
    links: Sequence[AnyLink]
    end: Callable[[Chain], Chain]
    services: tuple[str, ...] = ()
    entries: Sequence[Entry[Route]] = ()
    asks: bool = False
    """Whether its conditions ask a plugin."""
    place: Place = attrs.field(factory=Place)

    @property
    def match(self) -> Key:
        """The name of its conditions."""
        return f"route {self.route.name}", "match", ""


@attrs.frozen
class _Try:
    """A handler, and where its requests come from."""

    way: _Way
    service: str
    handler: Handler
    asks_anew: bool
    """Whether the conditions of the route are new."""


class DryRun:
    """The chains of one configuration that is being prepared, and a request for each."""

    def __init__(self, clock: Callable[[], float], host: str = HOST, listener: str = "main") -> None:
        """Requests ask for `host` and come in at `listener` where the routes do not say otherwise."""
        self.parts: dict[Key, object] = {}
        """What the chains are made of; known once they are folded."""
        self._clock: Final = clock
        self._host: Final = host
        self._listener: Final = listener
        self._services: dict[str, Ending] = {}
        self._ways: list[_Way] = []
        self._tries: list[_Try] = []
        self._problems: dict[tuple[Place, str], Problem] = {}

    # ---- what there is ----------------------------------------------------------------------------------------------

    def add_service(
        self, name: str, links: Iterable[AnyLink], attempt_links: Iterable[AttemptLink], first: InstanceConfig
    ) -> None:
        """Take note of the filters of a service; `first` is one of its instances."""
        url = first.url
        instance = Instance(name, first.id, url.scheme, url.host, url.port, url.path)
        self._services[name] = Ending(tuple(links), tuple(attempt_links), instance)

    def add_route(
        self,
        route: Route,
        links: Sequence[AnyLink],
        entries: Sequence[Entry[Route]],
        config: RouteConfig,
        end: Callable[[Chain], Chain],
    ) -> None:
        """Take note of the filters that a request of a route passes before the service; `end` is put round that."""
        to = config.to
        services = () if to is None else tuple(to) if isinstance(to, Mapping) else tuple(self._services)
        asks = any(_asks_plugin(one) for entry in entries for one in entry.conditions)
        way = _Way(route, links, end, services, entries, asks, config.place)
        self._ways.append(way)
        if asks:
            self.parts[way.match] = config.match

    def add_no_route(self, route: Route, links: Sequence[AnyLink]) -> None:
        """Take note of the filters of requests that no route takes."""
        self._ways.append(_Way(route, links, lambda _: Chain(answer_no_route)))

    # ---- preparing --------------------------------------------------------------------------------------------------

    def fold(self, known: Parts, changing: Collection[tuple[str, ...]]) -> None:
        """Make the chains to try: those that have parts which are not `known`. May be done in any thread.

        `changing` are the keys of what is kept and the commit reconfigures: owner, name of the filter, and its own.
        """
        every = [link for way in self._ways for link in way.links]
        every += [link for service in self._services.values() for link in service.all_links]
        self.parts |= {key_of(link): link.config for link in flat(every)}
        new = {key for key, part in self.parts.items() if known.get(key) != part}
        folding = Folding(new, {key[:2] for key in changing}, self._clock, self._report)
        tried = set()
        for way in self._ways:
            is_new = way.match in new or folding.has_new(way.links)
            for name in way.services or ("",):
                service = self._services.get(name)
                inner = service.all_links if service is not None else ()
                # a service without filters answers like any other
                alike = (
                    ids(way.links),
                    ids(inner),
                    bool(name),
                    way.route if way.asks or not way.entries else None,
                )
                if alike in tried or not (is_new or folding.has_new(inner)):
                    continue
                tried.add(alike)
                end = way.end(folding.service(service) if service is not None else Chain(past_the_end))
                chain = folding.chain(way.links, send_to(name, end) if name else end)
                self._tries.append(_Try(way, name, chain.handler, way.match in new))
        # nothing is held for longer than it is needed: whoever prepares may have put the collector off
        self._ways.clear()
        self._services.clear()

    def _report(self, place: Place, message: str) -> None:
        self._problems.setdefault((place, message), problem_at("fails", place, message))

    # ---- trying -----------------------------------------------------------------------------------------------------

    async def run(self) -> list[Problem]:
        """Send the requests, and say what is wrong; once."""
        loop = asyncio.get_running_loop()
        until = loop.time() + SECONDS
        tries, self._tries = self._tries[::-1], []
        running: set[asyncio.Task[None]] = set()
        try:
            while tries and loop.time() < until:
                one = tries.pop()
                task = loop.create_task(self._send(one), name=one.way.route.name)
                running.add(task)
                task.add_done_callback(running.discard)
                if len(running) >= AT_ONCE:
                    await asyncio.wait(
                        running, timeout=until - loop.time(), return_when=asyncio.FIRST_COMPLETED
                    )
            if running:
                await asyncio.wait(running, timeout=max(0.0, until - loop.time()))
            if tries or running:
                log.warning(
                    "not all chains were tried within %g s; requests may meet filters that fail",
                    SECONDS,
                    extra={"routes": sorted({task.get_name() for task in running}), "left": len(tries)},
                )
        finally:
            left = list(running)
            for task in left:
                task.cancel()
        if left:
            await asyncio.wait(left, timeout=PATIENCE)
        return list(self._problems.values())

    async def _send(self, one: _Try) -> None:
        """Send one request through a chain, as the edge would."""
        exchange = self._exchange(one)
        if exchange is None:
            return
        try:
            response = await one.handler(exchange)
            exchange.status = response.status
            await response.body.discard()
        except Exception as error:
            log.debug("the answer of %s breaks off", one.way.route.name, exc_info=True)
            self._report(one.way.place, f"the body of its first answer fails: {told(error)}")
        finally:
            exchange.complete()
            # attempts know their exchange
            exchange.attempts.clear()

    def _exchange(self, one: _Try) -> Exchange | None:
        """A request that the route takes; None where none is found."""
        for entry in one.way.entries or (None,):
            exchange = self._read(entry, one.service)
            if exchange is None:
                continue
            exchange.route = one.way.route
            if entry is None or self._holds(entry, exchange, judged=one.asks_anew):
                return exchange
        return None

    def _read(self, entry: Entry[Route] | None, service: str) -> Exchange | None:
        asked = (
            Example(host=self._host) if entry is None else example(entry, host=self._host, service=service)
        )
        if asked is None:
            return None
        try:
            exchange = read_request(
                asked.method,
                asked.target,
                [("Host", asked.host), *asked.headers],
                address=asked.address,
                listener=asked.listener or self._listener,
                scheme=asked.scheme,
            )
        except (GatewayError, ValueError):
            return None
        exchange.started = exchange.mark = self._clock()
        exchange[DRY_RUN] = True
        return exchange

    def _holds(self, entry: Entry[Route], exchange: Exchange, *, judged: bool) -> bool:
        """Whether the request is one of this route; notes what the route captures from it."""
        captures = entry.path.fits(exchange.request.path)
        if captures is None:
            return False
        exchange.captures = captures
        for condition in entry.conditions:
            try:
                if not condition.holds(exchange):
                    return False
            except Exception as error:
                log.debug("the condition %s failed", condition.text, exc_info=True)
                message = f"the condition `{condition.key}` fails on its first request: {told(error)}"
                if judged:
                    self._report(entry.place, message)
                return False
        return True


def _asks_plugin(condition: Condition) -> bool:
    match condition:
        case AllOf() | AnyOf():
            return any(map(_asks_plugin, condition.conditions))
        case Negation():
            return _asks_plugin(condition.condition)
    return isinstance(condition, Custom)

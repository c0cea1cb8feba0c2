"""Why a request goes where it goes: the decisions that the gateway would make, each with its reason and its place.

Nothing here decides anything. The request is read by the edge's reader, the candidates are the trace of the table that
serves, the route is the one that the snapshot finds, and conditions, targets and rewrites are asked as they are for
traffic. Only of the filters not all run (`runtime.steps`).
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from difflib import SequenceMatcher
from random import Random
from typing import Any, Final

import attrs

from gatekeeper.config.model import GatewayConfig, RouteConfig
from gatekeeper.config.show import show_options
from gatekeeper.core.errors import GatewayError, MethodNotAllowed, Misdirected, RouteNotFound
from gatekeeper.core.exchange import ALLOW, Exchange, Route
from gatekeeper.core.text import Text
from gatekeeper.core.tunnel import Upgrades
from gatekeeper.edge.dry import read_request
from gatekeeper.extend.host import PluginHost
from gatekeeper.routing.conditions import NOTHING, Condition, HostCondition, PathCondition
from gatekeeper.routing.index import beginning
from gatekeeper.routing.pathmatch import Path
from gatekeeper.routing.table import Entry, Step
from gatekeeper.routing.template import PathTemplate, Segment
from gatekeeper.runtime.build import Builder
from gatekeeper.runtime.edge_settings import edge_settings
from gatekeeper.runtime.explanation import (
    Candidate,
    Explanation,
    Failure,
    InstanceShare,
    RequestFacts,
    Result,
    Switch,
    TargetStep,
)
from gatekeeper.runtime.gateway import rehearse
from gatekeeper.runtime.matching import shown
from gatekeeper.runtime.rewriting import rewrite_of
from gatekeeper.runtime.snapshot import PREFLIGHT, asked_with, refusal
from gatekeeper.runtime.steps import Parts, Walk, chance, failure, shown_place
from gatekeeper.runtime.targets import Odds, Targets


HOSTS: Final = "hosts"
"""What a request for another host fails at: the key of the gateway, before any route is looked at."""
NEAREST: Final = 3
"""How many routes a request without one is told about."""
LIKENESS: Final = 0.5
"""How much a path must be like that of a route, 0 to 1, to be near."""
SLIP: Final = 0.7
"""How much a segment must be like a literal one to be taken for a slip."""
SHIFTED: Final = 0.9
"""What a likeness is worth of which the first segment is left out."""


@asynccontextmanager
async def open_explainer(config: GatewayConfig, host: PluginHost) -> "AsyncIterator[Explainer]":
    """Build a configuration that has been checked, for questions instead of traffic; nothing is connected to.

    Raises:
        ConfigError: what only shows when parts are put together.

    """
    async with rehearse(config, host) as builder:
        # it reads the files of certificates
        yield await asyncio.to_thread(Explainer, config, builder)


class Explainer:
    """Explains requests to one configuration."""

    def __init__(self, config: GatewayConfig, builder: Builder) -> None:
        self.config: Final = config
        prepared = builder.prepare(config, revision=0)
        self.parts: Final = Parts(config, builder.catalog, builder.conditions(config), prepared.filter)
        self.snapshot: Final = prepared.snapshot

    def explain(
        self,
        method: str,
        url: str,
        headers: Iterable[tuple[str, str]] = (),
        *,
        address: str = "127.0.0.1",
        listener: str = "",
        route: str = "",
        all_routes: bool = False,
    ) -> Explanation:
        """Explain a request; the first arguments are those of `read_request`, with the first listener if none is named.

        With `route` the candidates are the ways to this route only, also where they are none. With `all_routes` all
        others are listed, too.

        Raises:
            ValueError: this is no request at all; the message says what to write.

        """
        server = self.config.server
        try:
            exchange = read_request(
                method,
                url,
                headers,
                address=address,
                listener=listener or next(iter(server.listen)),
                settings=edge_settings(self.config),
            )
        except GatewayError as error:
            return Explanation(request=None, result=_refused(error))
        facts = _facts(url, exchange)
        if facts.path == server.health_path:
            return Explanation(request=facts, result=Result(answered_by="server.health_path"))

        found = self.snapshot.match(exchange)
        misdirected = isinstance(refusal(exchange), Misdirected)
        no_candidate = _no_host if misdirected else _no_candidate
        others: list[Candidate] = []
        with asked_with(exchange.request, exchange.get(PREFLIGHT, exchange.request.method)):
            steps = [] if misdirected else self.snapshot.table.trace(exchange)
            tried = {id(step.entry) for step in steps}
            rest = [entry for entry in self.snapshot.table.entries if id(entry) not in tried]
            shown_steps = [step for step in steps if route in {"", step.entry.name}]
            candidates = [_candidate(step, exchange) for step in shown_steps]
            if route:
                candidates += [no_candidate(entry, exchange) for entry in rest if entry.name == route]
            elif all_routes:
                others += [no_candidate(entry, exchange) for entry in rest]
        elsewhere = {one.name for one in rest} - {step.entry.name for step in steps}

        walk = Walk(self.parts, exchange)
        filters = tuple(walk.all(found))
        result = self._result(found, exchange, walk)
        misses = _nearest(rest, exchange) if result.code == RouteNotFound.code else ()
        return Explanation(
            request=facts,
            result=result,
            candidates=tuple(candidates),
            others=tuple(others),
            elsewhere=0 if route or misdirected else len(elsewhere),
            nearest=tuple(_no_candidate(entry, exchange) for entry in misses),
            filters=filters,
            targets=() if walk.answered_by or result.code else tuple(self._targets(found, exchange)),
        )

    def _result(self, found: Route, exchange: Exchange, walk: Walk) -> Result:
        route = self.config.routes.get(found.name)
        # a preflight that no filter answers ends with the chain of its route
        if route is not None and (walk.answered_by or not exchange.get(PREFLIGHT, "")):
            return Result(
                route=found.name,
                place=shown_place(route.place),
                captures=exchange.captures,
                status=walk.status,
                answered_by=walk.answered_by,
                max_body=found.max_body,
                upgrades=_switch(found.upgrades),
            )
        if walk.answered_by:
            return Result(status=walk.status, answered_by=walk.answered_by)
        error = refusal(exchange)
        return attrs.evolve(
            _refused(error),
            allow=exchange.get(ALLOW, ()) if isinstance(error, MethodNotAllowed) else (),
            hosts=self.config.hosts if isinstance(error, Misdirected) else (),
        )

    # ---- targets --------------------------------------------------------------------------------------------------

    def _targets(self, found: Route, exchange: Exchange) -> Iterator[TargetStep]:
        """The services that the route may send to, likeliest first."""
        route = self.config.routes.get(found.name)
        if route is None or route.to is None:
            return
        if isinstance(route.to, Text):
            odds = [Odds(route.to.render(exchange), 1.0, "captured")]
        elif len(route.to) == 1:
            odds = [Odds(service, 1.0) for service in route.to]
        else:
            odds = self._odds(found.name, route, exchange)
        rewrite = rewrite_of(route)
        # a chain of several services does not tell which of their filters do nothing
        alone = isinstance(route.to, Mapping) and len(route.to) == 1
        names = found.chain.names if alone else None
        for one in sorted(odds, key=lambda one: (-one.share, one.service)):
            service = self.config.services[one.service]
            asked = exchange.fork(exchange.id)
            asked.service = one.service
            detail = ""
            try:
                if rewrite is not None:
                    rewrite.apply(asked)
            except GatewayError as error:
                detail = error.detail or error.title
            walk = Walk(self.parts, asked, names)
            if detail:
                walk.answered_by = "rewrite"
            instances = service.instances
            yield TargetStep(
                service=one.service,
                place=shown_place(service.place),
                share=one.share,
                why=one.why,
                method="" if detail else asked.request.method,
                target="" if detail else asked.request.target.decode(),
                detail=detail,
                filters=tuple(walk.steps(service.filters, f"service {one.service}")),
                instances=tuple(
                    InstanceShare(id=instance.id, url=str(instance.url), share=1 / len(instances))
                    for instance in instances
                ),
                concurrency=show_options(service.concurrency),
                timeouts=show_options(service.timeouts),
            )

    def _odds(self, name: str, route: RouteConfig, exchange: Exchange) -> list[Odds]:
        """The odds of several services; a pin that holds by chance takes its part of what is left to it."""
        assert isinstance(route.to, Mapping)
        pins = {service: target.pin for service, target in route.to.items() if target.pin}
        chances = {
            service: chance(self.parts.conditions.any_of(pin), exchange)
            for service, pin in sorted(pins.items())
        }
        if all(share in {0.0, 1.0} for share in chances.values()):
            return self.snapshot.targets[name].odds(exchange)
        shares = dict.fromkeys(route.to, 0.0)
        left = 1.0
        for service, share in chances.items():
            shares[service] += left * share
            left *= 1 - share
        weights = {service: target.weight for service, target in route.to.items()}
        for one in Targets(weights, {}, route.sticky, Random()).odds(exchange):  # noqa: S311 - not asked
            shares[one.service] += left * one.share
        return [Odds(service, share, "pinned by chance") for service, share in shares.items()]


# ---- routes ---------------------------------------------------------------------------------------------------------


def _candidate(step: Step[Route], exchange: Exchange) -> Candidate:
    if not step.reached:
        return _described(step.entry, "not reached")
    if step.failed is None:
        return _described(step.entry, "matched")
    return _described(step.entry, "failed", failure(step.failed, exchange))


def _no_candidate(entry: Entry[Route], exchange: Exchange) -> Candidate:
    fits = entry.path.fits(exchange.request.path) is not None
    why: Condition = HostCondition((entry.host,)) if fits else PathCondition((entry.path,))
    return _described(entry, "no candidate", failure(why, exchange))


def _no_host(entry: Entry[Route], exchange: Exchange) -> Candidate:
    return _described(entry, "no candidate", Failure(condition=HOSTS, found=exchange.request.host or NOTHING))


def _described(entry: Entry[Route], verdict: Any, failed: Failure | None = None) -> Candidate:
    return Candidate(
        route=entry.name,
        place=shown_place(entry.place),
        rule=shown(entry),
        conditions=tuple(condition.text for condition in entry.conditions),
        priority=entry.priority,
        verdict=verdict,
        failed=failed,
    )


def _nearest(entries: Iterable[Entry[Route]], exchange: Exchange) -> list[Entry[Route]]:
    """The entries that take this path on another host, or nearly this path on this one; nearest first."""
    path = exchange.request.path
    found: list[tuple[float, int, Entry[Route]]] = []
    for number, entry in enumerate(entries):
        fits = entry.path.fits(path) is not None
        likeness = 1.0 if fits else _likeness(entry.path, path)
        if likeness >= LIKENESS and (fits or HostCondition((entry.host,)).holds(exchange)):
            found.append((-likeness, number, entry))
    best: dict[str, Entry[Route]] = {}
    for _, _, entry in sorted(found, key=lambda one: one[:2]):
        best.setdefault(entry.name, entry)
    return [*best.values()][:NEAREST]


def _likeness(wanted: Path, path: str) -> float:
    """How much a path is like one that fits, 0 to 1; a segment too many or too few at the start is a slip, too."""
    theirs = path.split("/")[1:]
    if not isinstance(wanted, PathTemplate):
        whole, start = beginning(wanted)
        return _alike([*whole, start] if start else whole, theirs, prefix=True)
    mine = wanted.segments
    return max(
        _alike(mine, theirs, wanted.prefix),
        _alike(mine[1:], theirs, wanted.prefix) * SHIFTED,
        _alike(mine, theirs[1:], wanted.prefix) * SHIFTED,
    )


def _alike(wanted: Sequence[Segment], segments: Sequence[str], prefix: bool) -> float:
    if not any(isinstance(mine, str) for mine, _ in zip(wanted, segments, strict=False)):
        return 0.0
    total = 0.0
    for mine, theirs in zip(wanted, segments, strict=False):
        if mine == theirs:
            total += 1
        elif isinstance(mine, str):
            matcher = SequenceMatcher(None, mine, theirs)
            # a look at the lengths is enough for most
            if matcher.real_quick_ratio() < SLIP or (likeness := matcher.ratio()) < SLIP:
                return 0.0
            total += likeness
        else:
            total += bool(mine.accepts(theirs))
    return total / (len(wanted) if prefix else max(len(wanted), len(segments)))


# ---- facts ----------------------------------------------------------------------------------------------------------


def _facts(url: str, exchange: Exchange) -> RequestFacts:
    request = exchange.request
    return RequestFacts(
        method=request.method,
        sent=url,
        path=request.path,
        forwarded=request.target.decode(),
        query=request.query,
        host=request.host,
        scheme=request.scheme,
        client=request.client,
        listener=request.listener,
    )


def _switch(upgrades: Upgrades | None) -> Switch | None:
    if upgrades is None:
        return None
    return Switch(
        protocols=tuple(sorted(upgrades.protocols)),
        origins=tuple(sorted(upgrades.origins or ())),
        lifetime=upgrades.lifetime,
    )


def _refused(error: GatewayError) -> Result:
    return Result(status=error.status, code=error.code, detail=error.detail or error.title)

"""The filters that a request passes, in the order they run, and why each of them does or does not.

Those that only look at the request are run for it, so that what stands after them sees what they change. Of any other
it is known whether its turn comes, and that a terminal kind answers.
"""

import math
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import attrs

from gatekeeper.config.filters import FilterEntry, changes_of, flatten
from gatekeeper.config.model import FilterConfig, GatewayConfig, UseConfig
from gatekeeper.config.problems import Place
from gatekeeper.config.show import show_options
from gatekeeper.config.wording import keys, whole
from gatekeeper.core.errors import GatewayError
from gatekeeper.core.exchange import Exchange, Route
from gatekeeper.core.message import Response
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import ALL_ROUTES
from gatekeeper.routing.conditions import AllOf, AnyOf, Condition, Negation, Share
from gatekeeper.runtime.explanation import Failure, FilterStep, State, When
from gatekeeper.runtime.matching import Conditions


HARMLESS: Final = frozenset({"transform", "static", "redirect", "options", "cors", "security_headers"})
"""The kinds that nothing but the request decides about, which wait for nothing and leave no trace."""


@attrs.frozen
class Parts:
    """What the filters of a configuration are made with; `make` makes one of its configuration and its owner."""

    config: GatewayConfig
    catalog: Catalog
    conditions: Conditions
    make: Callable[[FilterConfig, str], Any]
    _known: dict[int, tuple[dict[str, Any], dict[str, Any]]] = attrs.field(
        factory=dict, init=False, eq=False, repr=False
    )

    def split(self, options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Options of this configuration as `split_options` has them; they are asked for again and again."""
        found = self._known.get(id(options))
        if found is None:
            found = self._known[id(options)] = split_options(options)
        return found


class Walk:
    """A way along lists of filters, until one answers.

    `names` are those that were compiled into the chain; None where that is not known. `answered_by` is the filter that
    ends the way, and `status` what it answers, 0 where only it knows.
    """

    def __init__(self, parts: Parts, exchange: Exchange, names: Sequence[str] | None = None) -> None:
        self.answered_by = ""
        self.status = 0
        self._parts = parts
        self._exchange = exchange
        self._names = names
        self._override: Mapping[str, Any] = {}
        self._route_place = ""

    def all(self, found: Route) -> Iterator[FilterStep]:
        """The global filters and those of the route."""
        config = self._parts.config
        self._names = found.chain.names
        route = config.routes.get(found.name)
        if route is not None:
            inherited = flatten(config.filters, config.chains)
            self._override, self._route_place = changes_of(route, inherited), shown_place(route.place)
        yield from self.steps(config.filters, ALL_ROUTES)
        if route is not None:
            yield from self.steps(route.filters, f"route {found.name}")

    def steps(self, items: Sequence[FilterEntry], owner: str) -> Iterator[FilterStep]:
        """The filters of a list in the order they run, those of chains in their places; `owner` is whose list it is."""
        yield from self._steps(items, owner, "filters" if owner == ALL_ROUTES else owner, (), ())

    def _steps(
        self,
        items: Sequence[FilterEntry],
        owner: str,
        source: str,
        used: tuple[str, ...],
        around: tuple[When, ...],
    ) -> Iterator[FilterStep]:
        for item in items:
            if isinstance(item, UseConfig):
                when = (*around, *self._when(item, f"chain {item.use}"))
                inner, places = self._parts.config.chains[item.use], (*used, shown_place(item.place))
                yield from self._steps(inner, owner, f"chain {item.use}", places, when)
            else:
                yield self._step(item, owner, source, used, (*around, *self._when(item, item.name)))

    def _step(
        self, base: FilterConfig, owner: str, source: str, used: tuple[str, ...], when: tuple[When, ...]
    ) -> FilterStep:
        item = self._override.get(base.name, base)
        override = ""
        if item is not base:
            override = shown_place(item.place) if item else self._route_place
        kind = self._parts.catalog.filters[base.kind]
        state = "dropped" if item is False else self._state(base.name, kind.scope, when)
        if state == "runs" and base.kind in HARMLESS:
            state = self._run(item, owner)
        elif state == "runs" and kind.terminal:
            state = "answers"
        if state == "answers":
            self.answered_by = base.name
        changed, defaults = self._parts.split((item or base).options)
        return FilterStep(
            name=base.name,
            kind=base.kind,
            source=source,
            place=shown_place(base.place),
            used=used,
            override=override,
            scope=kind.scope,
            when=when,
            state=state,
            if_error=base.if_error,
            options=changed,
            defaults=defaults,
        )

    def _state(self, name: str, scope: str, when: tuple[When, ...]) -> State:
        if self.answered_by:
            return "not reached"
        if self._names is not None and name not in self._names and scope == "exchange":
            return "idle"
        likely = math.prod(one.chance for one in when)
        return "runs" if likely == 1 else "by chance" if likely else "passed over"

    def _run(self, item: FilterConfig, owner: str) -> State:
        """Let a filter do to the request what it does."""
        passed = False

        async def following(_: Exchange) -> Response:
            nonlocal passed
            passed = True
            return Response(200)

        handler = self._parts.make(item, owner).wrap(following)
        if handler is following:
            return "idle"
        work = cast("Coroutine[Any, Any, Response]", handler(self._exchange))
        try:
            work.send(None)
        except StopIteration as done:
            self.status = 0 if passed else done.value.status
        except GatewayError as error:
            self.status = 0 if passed else error.status
        return "runs" if passed else "answers"

    def _when(self, item: FilterEntry, of: str) -> tuple[When, ...]:
        if not item.when:
            return ()
        condition = self._parts.conditions.any_of(item.when)
        likely = chance(condition, self._exchange)
        failed = None if likely else failure(condition, self._exchange)
        return (When(of=of, text=condition.text, chance=likely, failed=failed),)


# ---- conditions -----------------------------------------------------------------------------------------------------


def chance(condition: Condition, exchange: Exchange) -> float:
    """How likely a condition is to hold, 0 to 1: only `share` leaves anything open."""
    match condition:
        case AllOf():
            return math.prod(chance(one, exchange) for one in condition.conditions)
        case AnyOf():
            return 1 - math.prod(1 - chance(one, exchange) for one in condition.conditions)
        case Negation():
            return 1 - chance(condition.condition, exchange)
        case Share():
            return condition.share
    return float(condition.holds(exchange))


def failure(condition: Condition, exchange: Exchange) -> Failure:
    """The part of a condition that does not hold, and what the request has instead."""
    if isinstance(condition, AllOf):
        return failure(next(one for one in condition.conditions if not chance(one, exchange)), exchange)
    return Failure(condition=condition.text, found=condition.found(exchange))


# ---- words ----------------------------------------------------------------------------------------------------------


def shown_place(place: Place) -> str:
    """`file:line`, empty where it is not known."""
    return str(place) if place.line else ""


def split_options(options: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The long form of options: those that differ from the defaults, and the others.

    Options that are one value, like the condition of `authorize`, have the name of that value here: a list has no keys.
    """
    written = show_options(options)
    field = whole(type(options))
    if field is not None:
        return {field.name: written}, {}
    changed: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    for key, one in keys(attrs.resolve_types(type(options))).items():
        if key not in written:
            continue
        value = getattr(options, one.name)
        if value == _default(one, options):
            defaults[key] = written[key]
        elif attrs.has(type(value)) and isinstance(written[key], dict):
            changed[key], inner = split_options(value)
            if inner:
                defaults[key] = inner
        else:
            changed[key] = written[key]
    return changed, defaults


def _default(field: "attrs.Attribute[Any]", options: Any) -> Any:
    default: Any = field.default
    if hasattr(default, "takes_self"):
        return default.factory(options) if default.takes_self else default.factory()
    return default

"""Conditions of a configuration → entries of the routing table, and questions about exchanges."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from random import Random
from typing import Any, Final, TypeVar

import attrs

from gatekeeper.config.conditions import ConditionConfig, MatcherConfig
from gatekeeper.config.model import GatewayConfig, RouteConfig
from gatekeeper.config.problems import Problem, problem_at
from gatekeeper.config.show import show_options
from gatekeeper.core.chain import Predicate
from gatekeeper.core.exchange import Exchange
from gatekeeper.routing.conditions import (
    AddressCondition,
    AllOf,
    AnyOf,
    Condition,
    CookieCondition,
    Custom,
    HeaderCondition,
    HostCondition,
    ListenerCondition,
    MethodCondition,
    Negation,
    PathCondition,
    QueryCondition,
    SchemeCondition,
    Share,
)
from gatekeeper.routing.identity import (
    AuthenticatorCondition,
    ClaimCondition,
    ConsumerCondition,
    PlanCondition,
    RoleCondition,
    ScopeCondition,
)
from gatekeeper.routing.matcher import (
    Contains,
    Exact,
    Matcher,
    Not,
    OneOf,
    Pattern,
    Prefix,
    Present,
    Suffix,
)
from gatekeeper.routing.pathmatch import PathMatcher
from gatekeeper.routing.table import Entry, Table
from gatekeeper.routing.template import PathTemplate


T = TypeVar("T")

ANY_HOST: Final = "*"
ANY_PATH: Final = "/**"

AskPlugin = Callable[[str, Any], Predicate]
"""Makes the question of a plugin's predicate from its kind and options."""


def never_asked(kind: str, options: Any) -> Predicate:  # noqa: ARG001
    """Stand for the predicates of plugins where nothing is matched, and only what is written is compared."""

    def ask(exchange: Exchange) -> bool:
        raise AssertionError(f"`{kind}` was asked about {exchange!r}")

    return ask


@attrs.frozen
class Conditions:
    """Makes conditions. Captures of type `service` take the names of `services`.

    `parse` reads path templates, for whoever has read them before.
    """

    services: Collection[str]
    ask_plugin: AskPlugin
    random: Random
    parse: Callable[[str], PathTemplate] = PathTemplate.parse

    def entries(self, name: str, target: T, route: RouteConfig) -> list[Entry[T]]:
        """The entries of a route: one for each host and path of each alternative."""
        found = []
        for condition in route.match:
            methods = frozenset(condition.method) or None
            rest = tuple(self._beyond(condition))
            for host in condition.host or (ANY_HOST,):
                for pattern in condition.path or (ANY_PATH,):
                    path = self.path(pattern)
                    found.append(
                        Entry(target, name, path, host, methods, rest, route.priority, condition.place)
                    )
        return found

    def predicate(self, conditions: Sequence[ConditionConfig]) -> Predicate | None:
        """The question that a condition asks; None where there is none."""
        return self.any_of(conditions).holds if conditions else None

    def any_of(self, conditions: Sequence[ConditionConfig]) -> Condition:
        """One of these holds."""
        made = tuple(self._whole(condition) for condition in conditions)
        return made[0] if len(made) == 1 else AnyOf(made)

    def path(self, pattern: str | MatcherConfig) -> PathTemplate | PathMatcher:
        """A path pattern, ready to be compared."""
        if isinstance(pattern, str):
            template = self.parse(pattern)
            return template.bind(self.services) if ":service}" in pattern else template
        form, value = pattern.form
        if form == "not_":
            return PathMatcher.none_of(tuple(self.path(inner) for inner in value))
        return PathMatcher.of(form, value)

    def _whole(self, condition: ConditionConfig) -> Condition:
        parts: list[Condition] = []
        if condition.host:
            parts.append(HostCondition(condition.host))
        if condition.path:
            parts.append(PathCondition(tuple(self.path(pattern) for pattern in condition.path)))
        if condition.method:
            parts.append(MethodCondition(frozenset(condition.method)))
        parts += self._beyond(condition)
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _beyond(self, condition: ConditionConfig) -> Iterable[Condition]:
        """What a condition says beyond host, path and method, cheap questions first."""
        if condition.scheme:
            yield SchemeCondition(frozenset(condition.scheme))
        if condition.listener:
            yield ListenerCondition(frozenset(condition.listener))
        if condition.address:
            yield AddressCondition(condition.address)
        for name, matcher in condition.header.items():
            yield HeaderCondition(name.encode(), one_of(matcher))
        for name, matcher in condition.query.items():
            yield QueryCondition(name, one_of(matcher))
        for name, matcher in condition.cookie.items():
            yield CookieCondition(name, one_of(matcher))
        if condition.consumer:
            yield ConsumerCondition(frozenset(condition.consumer))
        if condition.role:
            yield RoleCondition(frozenset(condition.role))
        if condition.scope:
            yield ScopeCondition(frozenset(condition.scope))
        if condition.plan:
            yield PlanCondition(frozenset(condition.plan))
        if condition.authenticator:
            yield AuthenticatorCondition(frozenset(condition.authenticator))
        for name, matcher in condition.claim.items():
            yield ClaimCondition(name, one_of(matcher))
        if condition.not_:
            yield Negation(self.any_of(condition.not_))
        for kind, options in condition.predicates.items():
            text = json.dumps(show_options(options), ensure_ascii=False)
            yield Custom(kind, f"{kind}: {text}", self.ask_plugin(kind, options))
        if condition.share is not None:
            yield Share(condition.share, self.random)


def one_of(matchers: Sequence[str | MatcherConfig]) -> Matcher:
    """What a value must be."""
    exact = [
        matcher.exact
        for matcher in matchers
        if isinstance(matcher, MatcherConfig) and matcher.exact is not None
    ]
    made: list[Matcher] = [Exact(frozenset(exact))] if exact else []
    for matcher in matchers:
        assert isinstance(matcher, MatcherConfig), "a path template is no matcher of values"
        form, value = matcher.form
        if form == "not_":
            made.append(Not(one_of(value)))
        elif form != "exact":
            made.append(_MATCHERS[form](value))
    return made[0] if len(made) == 1 else OneOf(tuple(made))


_MATCHERS: Final[Mapping[str, Callable[[Any], Matcher]]] = {
    "prefix": Prefix,
    "suffix": Suffix,
    "contains": Contains,
    "regex": Pattern,
    "present": Present,
}


def table_of(
    config: GatewayConfig,
    broken: Collection[str] = (),
    parse: Callable[[str], PathTemplate] = PathTemplate.parse,
) -> Table[str]:
    """The table of all routes, for comparison: what a condition of a plugin says is not known to it.

    Routes whose names are in `broken` are left out.
    """
    conditions = Conditions(config.services, never_asked, Random(0), parse)  # noqa: S311 - for nothing here
    return Table(
        entry
        for name, route in config.routes.items()
        if name not in broken
        for entry in conditions.entries(name, name, route)
    )


def check_routes(
    config: GatewayConfig,
    broken: Collection[str] = (),
    parse: Callable[[str], PathTemplate] = PathTemplate.parse,
) -> list[Problem]:
    """Return what is wrong between routes: those that rank the same and overlap, and those that nothing ever reaches.

    Routes whose names are in `broken` are left out.
    """
    table = table_of(config, broken, parse)
    problems = []
    told = set()
    for pair in table.conflicts():
        # the later of the two is the one that was added
        first, second = sorted(pair, key=_position)
        if _position(second) in told:
            continue
        told.add(_position(second))
        message = (
            f"`{_whole(second)}` and `{_whole(first)}` of route `{first.name}`{_there(first, second)} match the same "
            f"requests with equal rank; set `priority` on one"
        )
        problems.append(_problem("ambiguous", second, message))
    for entry, by in table.shadowed():
        message = f"`{_whole(entry)}` can never match: route `{by.name}`{_there(by, entry)} takes all of it"
        problems.append(_problem("shadowed", entry, message))
    return problems


def shown(entry: Entry[Any]) -> str:
    """An entry in one line: methods, host, path."""
    methods = " ".join(sorted(entry.methods or ()))
    host = "" if entry.host == ANY_HOST else entry.host
    match entry.path:
        case PathMatcher(matcher=Pattern(regex=regex)):
            path = regex.source
        case other:
            path = str(other)
    return f"{methods} {host}{path if path.startswith('/') else f' path {path}'}".strip()


def _whole(entry: Entry[Any]) -> str:
    """An entry with all that it asks for."""
    return ", ".join([shown(entry), *(condition.text for condition in entry.conditions)])


def _position(entry: Entry[Any]) -> tuple[str, int, int, str]:
    place = entry.place
    return place.file, place.line, place.column, entry.name


def _there(other: Entry[Any], entry: Entry[Any]) -> str:
    place = other.place
    if not place.line:
        return ""
    return f" (line {place.line})" if place.file == entry.place.file else f" ({place.file}:{place.line})"


def _problem(problem_id: str, entry: Entry[Any], message: str) -> Problem:
    return problem_at(problem_id, entry.place, message)

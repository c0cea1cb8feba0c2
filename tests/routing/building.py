"""What the brute-force matcher takes, made into what the table takes: routes into entries, requests into exchanges."""

import functools
import ipaddress
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Headers, Request
from gatekeeper.policy.regex import Regex
from gatekeeper.routing.conditions import (
    AddressCondition,
    AllOf,
    AnyOf,
    Condition,
    CookieCondition,
    HeaderCondition,
    HostCondition,
    ListenerCondition,
    MethodCondition,
    Negation,
    PathCondition,
    QueryCondition,
    SchemeCondition,
)
from gatekeeper.routing.entry import Entry
from gatekeeper.routing.matcher import Contains, Exact, Matcher, Not, OneOf, Pattern, Prefix, Present, Suffix
from gatekeeper.routing.path import canonical
from gatekeeper.routing.pathmatch import Path, PathMatcher
from gatekeeper.routing.table import Table
from gatekeeper.routing.template import PathTemplate
from tests.routing.brute import Asked, Route


SERVICES = ("users",)


# reading one costs more than all else, and there are few
regex = functools.cache(Regex.parse)


def listed(value: Any) -> list[Any]:
    """One value, or a list of them."""
    return value if isinstance(value, list) else [value]


def matcher(written: Any) -> Matcher:
    """A matcher as it is written."""
    if isinstance(written, list):
        return OneOf(tuple(map(matcher, written)))
    if isinstance(written, str):
        return Exact(frozenset({written}))
    ((form, value),) = written.items()
    if form == "not":
        return Not(matcher(value))
    if form == "exact":
        return Exact(frozenset({value}))
    if form == "regex":
        return Pattern(regex(value))
    makers: Mapping[str, Any] = {"prefix": Prefix, "suffix": Suffix, "contains": Contains, "present": Present}
    made: Matcher = makers[form](value)
    return made


def path(written: Any, services: Collection[str] = SERVICES) -> Path:
    """A path pattern as it is written."""
    if isinstance(written, str):
        return PathTemplate.parse(written, services)
    ((form, value),) = written.items()
    if form == "not":
        return PathMatcher.none_of([path(one, services) for one in listed(value)])
    return PathMatcher.of(form, regex(value) if form == "regex" else value)


def condition(written: Any) -> Condition:
    """A condition as it is written, where nothing is indexed."""
    if isinstance(written, list):
        return AnyOf(tuple(map(condition, written)))
    if isinstance(written, str):
        written = {"path": written}
    parts = tuple(parts_of(written))
    return parts[0] if len(parts) == 1 else AllOf(parts)


def parts_of(written: Mapping[str, Any]) -> Iterator[Condition]:
    """A condition for each key of a mapping, and each name."""
    for key, value in written.items():
        values = listed(value)
        match key:
            case "not":
                yield Negation(condition(value))
            case "path":
                yield PathCondition(tuple(path(one) for one in values))
            case "host":
                yield HostCondition(tuple(values))
            case "method":
                yield MethodCondition(frozenset(values))
            case "scheme":
                yield SchemeCondition(frozenset(values))
            case "listener":
                yield ListenerCondition(frozenset(values))
            case "address":
                yield AddressCondition(tuple(map(ipaddress.ip_network, values)))
            case "header":
                yield from (
                    HeaderCondition(name.lower().encode(), matcher(one)) for name, one in value.items()
                )
            case "query":
                yield from (QueryCondition(name, matcher(one)) for name, one in value.items())
            case "cookie":
                yield from (CookieCondition(name, matcher(one)) for name, one in value.items())


def entries(route: Route) -> list[Entry[str]]:
    """The entries of a route, whose target is its name."""
    found = []
    for written in listed(route.match):
        alternative = {"path": written} if isinstance(written, str) else written
        rest = {key: value for key, value in alternative.items() if key not in {"host", "path", "method"}}
        methods = frozenset(listed(alternative["method"])) if "method" in alternative else None
        found += [
            Entry(route.name, route.name, path(pattern), host, methods, tuple(parts_of(rest)), route.priority)
            for host in listed(alternative.get("host", "*"))
            for pattern in listed(alternative.get("path", "/**"))
        ]
    return found


def table(routes: Iterable[Route]) -> Table[str]:
    """The table of some routes."""
    return Table(entry for route in routes for entry in entries(route))


def exchange(asked: Asked) -> Exchange:
    """The exchange of a request, as the edge would make it."""
    decided, target = canonical(asked.path.encode())
    headers = Headers([(name.encode("latin-1"), value.encode("latin-1")) for name, value in asked.headers])
    request = Request(
        asked.method,
        decided,
        target,
        asked.query,
        asked.host,
        asked.host.encode(),
        headers,
        scheme=asked.scheme,
        client=asked.client,
        listener=asked.listener,
    )
    return Exchange("test", request, 0.0)

"""The routes as a list says them: what is tried for a request, in the order in which it is tried."""

from collections.abc import Mapping
from typing import Any

from gatekeeper.config.filters import changes_of, flatten
from gatekeeper.config.model import GatewayConfig, RouteConfig
from gatekeeper.routing.entry import Entry


def describe(rank: int, entry: Entry[Any], config: GatewayConfig) -> dict[str, Any]:
    """One way to a route, as plain data; `rank` is its place in the order."""
    route = config.routes[entry.name]
    changes = changes_of(route, flatten(config.filters, config.chains))
    names = [
        item.name
        for item in flatten((*config.filters, *route.filters), config.chains)
        if changes.get(item.name) is not False
    ]
    return {
        "rank": rank,
        "route": entry.name,
        "priority": entry.priority,
        "methods": sorted(entry.methods or ()),
        "host": entry.host,
        "path": str(entry.path),
        "conditions": [condition.text for condition in entry.conditions],
        "to": _targets(route),
        "filters": names,
        "place": str(entry.place) if entry.place.line else "",
    }


def _targets(route: RouteConfig) -> dict[str, int] | str:
    """Services with their weights, or the text that names one; empty where a filter answers."""
    if route.to is None:
        return ""
    if isinstance(route.to, Mapping):
        return {service: target.weight for service, target in route.to.items()}
    return route.to.source

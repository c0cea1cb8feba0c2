"""The keys and kinds of the grammar whose feature is not built yet: they are refused as such, never ignored.

When a feature comes, its words leave this table.
"""

from collections.abc import Mapping
from typing import Final

from gatekeeper.config.problems import Path


_SECTIONS: Final[Mapping[str, str]] = {
    "": "stores plugins tenants tests cluster history",
    "server.concurrency.limit": "auto",
    "server.reload": "run_tests",
    "admin": "tls",
    "observe": "log access_log metrics tracing request_id debug",
    "observe.audit.to": "stdout syslog",
    "admin.users.*": "tenants",
    "providers.*": "tenant variables",
    "providers.*.may_provide": "consumers plans chains authenticators",
    "plans.*": "limits",
    "services.*": "hedge breaker for_tenants",
    "services.*.concurrency.limit": "auto",
    "services.*.instances": "dns consul etcd kubernetes file",
    "routes.*": "like timeouts retries hedge balance observe",
    "routes.*.to.*": "rollout",
    "defaults.services": "hedge breaker",
    "defaults.routes": "observe",
    "filters": "timeout budget if_over",
    "filters.transform": "buffer",
    "filters.transform.request": "body",
    "filters.transform.response": "status body",
    "filters.static.body": "template",
}

_KEYS: Final = {section: frozenset(words.split()) for section, words in _SECTIONS.items()}

_KINDS: Final = "ratelimit concurrency cache validate compress fallback mirror fault aggregate oidc"
LATER_KINDS: Final = frozenset(_KINDS.split())
"""Kinds of filters."""
_KINDS_OF: Final = {
    "filter": LATER_KINDS,
    "authenticator": frozenset({"oidc", "http_signature"}),
    "provider": frozenset({"sql", "consul", "etcd"}),
}
"""The same for all sorts of parts, by the place that hints call them."""


def is_later(path: Path) -> bool:
    """Whether the key that the path ends in is one of these."""
    return path[-1] in _KEYS.get(section(path[:-1]), ())


def later_in(place: str) -> frozenset[str]:
    """The keys of a place that are these; those of `filter`, `authenticator` and `provider` are kinds."""
    return _KINDS_OF.get(place) or _KEYS.get(place, frozenset())


def section(path: Path) -> str:
    """What kind of place a path leads to: names are `*`, indices left out, and filters the same wherever they stand."""
    steps = list(path)
    # a service or a route may be called `filters`; what stands in a list of filters has an index
    lists = [
        index for index, step in enumerate(steps[1:]) if isinstance(step, int) and steps[index] == "filters"
    ]
    if lists:
        del steps[: lists[0]]
    elif steps[:1] == ["chains"] and len(steps) > 2:
        steps[:3] = ["filters"]
    elif steps[:1] == ["routes"] and steps[2:3] == ["override"] and len(steps) > 3:
        # the name is nearly always that of the kind
        steps[:3] = ["filters"]
    elif steps[:1] in (["services"], ["routes"]):
        _name(steps, 1)
        if steps[2:3] == ["to"]:
            _name(steps, 3)
    elif steps[:1] == ["defaults"] and len(steps) > 2:
        steps[:2] = [str(steps[1]), "*"]
    elif steps[:1] in (["providers"], ["authenticators"], ["plans"], ["consumers"]):
        _name(steps, 1)
    elif steps[:2] in (["server", "listen"], ["admin", "users"]):
        _name(steps, 2)
    return ".".join(step for step in steps if isinstance(step, str))


def _name(steps: list[str | int], index: int) -> None:
    """Let a step be a name, where the path is as long: what holds names is another place than one of them."""
    if index < len(steps):
        steps[index] = "*"

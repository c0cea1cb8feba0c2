"""The keys and kinds of the grammar whose feature is not built yet: they are refused as such, never ignored.

When a feature comes, its words leave this table.
"""

from collections.abc import Mapping
from typing import Final

from gatekeeper.config.problems import Path


_SECTIONS: Final[Mapping[str, str]] = {
    "": "include environments hosts stores database observe plugins providers defaults authenticators plans consumers"
    " chains tenants tests cluster history",
    "server": "workers limits concurrency underscore_headers reload",
    "server.listen.*": "tls proxy_protocol",
    "admin": "tls users",
    "services.*": "like balance health outliers retries hedge breaker concurrency pool host_header for_tenants"
    " description labels",
    "services.*.instances": "weight zone priority dns consul etcd kubernetes file",
    "services.*.timeouts": "stream",
    "routes.*": "priority sticky override public max_body websocket encoded_slashes timeouts retries hedge balance"
    " observe description labels",
    "routes.*.match": "host scheme listener header query cookie claim address consumer role scope plan authenticator"
    " share not",
    "filters": "when timeout budget if_over",
    "filters.transform": "buffer",
    "filters.transform.request": "body",
    "filters.transform.response": "status body",
    "filters.static.body": "template",
}

_KEYS: Final = {section: frozenset(words.split()) for section, words in _SECTIONS.items()}

_KINDS: Final = (
    "use auth authorize ratelimit concurrency cache validate cors security_headers compress fallback mirror fault"
    " aggregate oidc upstream_auth"
)
LATER_KINDS: Final = frozenset(_KINDS.split())
"""Kinds of filters, and `use`, which stands in their place."""


def is_later(path: Path) -> bool:
    """Whether the key that the path ends in is one of these."""
    return path[-1] in _KEYS.get(section(path[:-1]), ())


def section(path: Path) -> str:
    """What kind of place a path leads to: names are `*`, indices left out, and filters the same wherever they stand."""
    steps = list(path)
    # a service or a route may be called `filters`; what stands in a list of filters has an index
    lists = [
        index for index, step in enumerate(steps[1:]) if isinstance(step, int) and steps[index] == "filters"
    ]
    if lists:
        del steps[: lists[0]]
    elif steps[:1] in (["services"], ["routes"]):
        steps[1:2] = ["*"]
    elif steps[:2] == ["server", "listen"]:
        steps[2:3] = ["*"]
    return ".".join(step for step in steps if isinstance(step, str))

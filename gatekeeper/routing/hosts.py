"""Host patterns: `api.example.com`, `*.example.com` for exactly one label more, `*` for any.

What a pattern is compared with is canonical already (`edge.host`): lower case, no port, no final dot. So
`EXAMPLE.com.:80` is `example.com` here, and there is one virtual host for all its spellings. A request of HTTP/1.0
without `Host` has the empty host, which only `*` takes.
"""

from typing import Final


ANY: Final = "*"
_ONE_LABEL: Final = "*."
EXACT: Final = 2
"""The form of a pattern that is one host."""


def form(pattern: str) -> int:
    """How specific it is: exact (2), one wildcard label, any (0)."""
    if pattern == ANY:
        return 0
    return 1 if pattern.startswith(_ONE_LABEL) else EXACT


def parent(name: str) -> str:
    """What follows the first label: the key under which a wildcard is found; empty where nothing does."""
    label, _, rest = name.partition(".")
    return rest if label else ""


def fits(pattern: str, host: str) -> bool:
    """Whether a canonical host is one of the pattern's."""
    if pattern == ANY:
        return True
    if pattern.startswith(_ONE_LABEL):
        return parent(host) == pattern[2:]
    return host == pattern


def covers(wide: str, narrow: str) -> bool:
    """Whether each host of one pattern is one of the other's."""
    return wide == narrow or (narrow != ANY and fits(wide, narrow))


def overlap(one: str, other: str) -> bool:
    """Whether some host is of both."""
    return covers(one, other) or covers(other, one)

"""One way to a route: a host and a path, what else must hold, and how it ranks against others.

Rank says what is tried first, never the order in which entries stand: priority, then the host (exact, wildcard, any),
then the path (exact, template, prefix, the rest; more literal text first), then the number of other keys.
"""

from typing import Any, Generic, TypeVar

import attrs

from gatekeeper.routing import hosts
from gatekeeper.routing.conditions import Condition, HostCondition, MethodCondition, PathCondition
from gatekeeper.routing.pathmatch import Path


T = TypeVar("T")

Rank = tuple[int, int, tuple[int, int, int], int]


@attrs.frozen
class Entry(Generic[T]):
    """What answers the requests of a host and a path that fulfil the conditions; `name` is that of the route.

    A route has an entry for each alternative, host and path that it names. No `methods` means any; GET includes HEAD.
    `place` is where it was written, for whoever reports what is wrong with it.
    """

    target: T
    name: str
    path: Path
    host: str = hosts.ANY
    methods: frozenset[str] | None = None
    conditions: tuple[Condition, ...] = ()
    priority: int = 0
    place: Any = attrs.field(default=None, eq=False)

    @property
    def rank(self) -> Rank:
        """Greater comes first; entries of equal rank must not overlap."""
        keys = sum(condition.weight for condition in self.conditions) + (self.methods is not None)
        return self.priority, hosts.form(self.host), self.path.rank, keys

    @property
    def order(self) -> tuple[object, ...]:
        """Less comes first: the rank, and what keeps the order of equals from depending on the file."""
        priority, host, (form, literal, segments), keys = self.rank
        rest = sorted(self.methods or ()), [condition.text for condition in self.conditions]
        return (
            -priority,
            -host,
            -form,
            -literal,
            -segments,
            -keys,
            self.name,
            self.host,
            str(self.path),
            *rest,
        )

    @property
    def accepted(self) -> frozenset[str] | None:
        """The methods with what they include; None for any."""
        return None if self.methods is None else MethodCondition(self.methods).accepted

    @property
    def facts(self) -> tuple[Condition, ...]:
        """All that must hold of a request that it answers."""
        found: list[Condition] = [PathCondition((self.path,))]
        if self.host != hosts.ANY:
            found.append(HostCondition((self.host,)))
        if self.methods is not None:
            found.append(MethodCondition(self.methods))
        return *found, *self.conditions

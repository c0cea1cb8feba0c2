"""A service as it runs: its instances, who is next, and what is going on."""

from collections.abc import Sequence
from typing import Final

from gatekeeper.core.instance import Instance
from gatekeeper.policy.balance import RoundRobin


class Service:
    """A named group of equal instances."""

    __slots__ = ("_balancer", "instances", "name")

    def __init__(self, name: str, instances: Sequence[Instance]) -> None:
        self.name: Final = name
        self.instances: Final = tuple(instances)
        self._balancer = RoundRobin(self.instances)

    @property
    def in_flight(self) -> int:
        """Attempts under way at all instances."""
        return sum(instance.in_flight for instance in self.instances)

    def pick(self, tried: Sequence[Instance] = ()) -> Instance | None:
        """The instance for the next attempt, if possible none that was tried before."""
        return self._balancer.pick(tried)

    def __repr__(self) -> str:
        return f"<Service {self.name} {len(self.instances)} instances {self.in_flight} in flight round_robin>"

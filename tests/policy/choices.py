"""Instances to choose from, and numbers that a test throws itself."""

from collections.abc import Iterable, Sequence
from random import Random as Dice
from string import ascii_lowercase

from gatekeeper.core.instance import Instance
from gatekeeper.policy.balance import Balancer, Choice
from gatekeeper.testing import make_exchange


EXCHANGE = make_exchange()


def make_instance(name: str) -> Instance:
    """An instance of this id."""
    return Instance("users", name, "http", f"{name}.example", 8080)


def make_choices(*weights: float) -> list[Choice]:
    """The instances a, b, c and so on, with these weights."""
    return [
        Choice(make_instance(name), weight) for name, weight in zip(ascii_lowercase, weights, strict=False)
    ]


def names(instances: Iterable[Instance | None]) -> str:
    """The ids in one word; - for nobody."""
    return "".join([instance.id if instance is not None else "-" for instance in instances])


def pick(balancer: Balancer, tried: Sequence[Instance] = ()) -> Instance:
    """Somebody, of whom there has to be one."""
    picked = balancer.pick(EXCHANGE, tried)
    assert picked is not None
    return picked


class Loaded(Dice):
    """Dice that show the numbers they were given, again and again."""

    def __init__(self, *numbers: float) -> None:
        super().__init__()
        self._numbers = numbers
        self._thrown = 0

    def random(self) -> float:
        """The next number."""
        number = self._numbers[self._thrown % len(self._numbers)]
        self._thrown += 1
        return number

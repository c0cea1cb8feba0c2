"""Where the choices of the fuzzing come from: numbers from a seed, or from hypothesis, which makes finds small."""

import random
from collections.abc import Sequence
from typing import Protocol, TypeVar


T = TypeVar("T")


class Choice(Protocol):
    """Makes choices. The simplest one is always the first, so that smaller numbers make simpler messages."""

    def below(self, count: int) -> int:
        """A number from 0 to `count - 1`."""
        ...


class Dice:
    """Choices from a seed."""

    __slots__ = ("_random",)

    def __init__(self, seed: int | str) -> None:
        self._random = random.Random(seed).random

    def below(self, count: int) -> int:
        """A number from 0 to `count - 1`."""
        return int(self._random() * count)


def pick(choice: Choice, things: Sequence[T]) -> T:
    """One of them."""
    return things[choice.below(len(things))]


def one_in(choice: Choice, count: int) -> bool:
    """True once in so many times."""
    return choice.below(count) == count - 1

"""Which instance is next."""

from collections.abc import Sequence
from typing import Generic, TypeVar


T = TypeVar("T")


class RoundRobin(Generic[T]):
    """One after the other. What was tried already is passed over while there is anything else."""

    __slots__ = ("_choices", "_next")

    def __init__(self, choices: Sequence[T]) -> None:
        self._choices = tuple(choices)
        self._next = 0

    def pick(self, tried: Sequence[T] = ()) -> T | None:
        """The next choice, or None where there is none at all."""
        choices = self._choices
        count = len(choices)
        if not count:
            return None
        index = self._next
        if tried:
            # a retry takes nobody's turn: else, of two instances of which one is dead, every request would meet it first
            for _ in range(count):
                if choices[index] not in tried:
                    break
                index = (index + 1) % count
        else:
            self._next = (index + 1) % count
        return choices[index]

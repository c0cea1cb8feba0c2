"""What happens again and again is told a few times, and then once a second with a number.

Whoever floods a gateway with wrong keys must not be able to fill its disk, nor its memory with names of his own. So the
things that are told apart are bounded, and so is what is told in a second, of all of them together: what goes beyond
stands under one name for all.
"""

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

import attrs


T = TypeVar("T")

AT_ONCE: Final = 5
"""Of the same things, so many are told as they come."""
QUIET: Final = 10.0
"""Seconds without it, after which a thing is new again."""
KEYS: Final = 1000
"""Things that are told apart."""
PER_SECOND: Final = 100
"""Of all things together, so many are told in a second; others wait for a summary, which counts them."""


@attrs.define
class _Known(Generic[T]):
    told: int
    last: float
    waiting: int = 0
    latest: T | None = None


class Repeats(Generic[T]):
    """Decides what is told at once. Times are seconds of a clock that does not go back."""

    def __init__(self) -> None:
        self._known: Final[dict[Hashable, _Known[T]]] = {}
        self._others = 0
        self._latest_other: T | None = None
        self._second = 0
        self._told = 0

    def take(self, key: Hashable, thing: T, now: float, count: int = 1) -> bool:
        """Note a thing that happened, or `count` of them; whether it is to be told at once, else `collect` has it."""
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= KEYS:
                self._others += count
                self._latest_other = thing
                return False
            known = self._known[key] = _Known(0, now)
        known.last = now
        if known.told + count <= AT_ONCE and self._may_tell(now):
            known.told += count
            return True
        known.waiting += count
        known.latest = thing
        return False

    def collect(self, now: float, *, last: bool = False) -> list[tuple[T, int, bool]]:
        """What has waited since the last time: the latest thing of each name, how many, and whether it is of many names.

        Call it once a second while `is_busy`. Names that were quiet for a while are forgotten. The `last` time all of it
        is told.
        """
        found: list[tuple[T, int, bool]] = []
        for key, known in list(self._known.items()):
            if known.waiting and known.latest is not None and (last or self._may_tell(now)):
                found.append((known.latest, known.waiting, False))
                known.waiting, known.latest = 0, None
                known.told = AT_ONCE
                # behind all others: where there are more than a second has room for, each has its turn
                self._known[key] = self._known.pop(key)
            elif not known.waiting and now - known.last >= QUIET:
                del self._known[key]
        if self._others and self._latest_other is not None:
            found.append((self._latest_other, self._others, True))
            self._others, self._latest_other = 0, None
        return found

    @property
    def is_busy(self) -> bool:
        """Whether there is anything to collect, or to forget."""
        return bool(self._known or self._others)

    def _may_tell(self, now: float) -> bool:
        second = int(now)
        if second != self._second:
            self._second, self._told = second, 0
        self._told += 1
        return self._told <= PER_SECOND

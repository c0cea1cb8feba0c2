"""When what changes has come to rest, so that nobody reads half of it.

A change has come to rest some time after it looked different for the last time. An editor that replaces a file is done
at once, and a copy over a slow line may rest in between: so a file that is being written has more time.
"""

import math
from collections.abc import Mapping
from typing import Any, Final


GRAIN: Final = 0.05
"""Seconds by which the time of a change may lie before the change: kernels stamp files by a clock of coarse ticks."""
APART: Final = 1.0
"""Seconds between the end of a call and the next one."""
PATIENCE: Final = 10
"""How many times longer a change may go on while a file is being written: half a file may be a valid one."""


class Settling:
    """Tells when what changes has come to rest. It sees nothing itself, and knows no clock.

    A change has come to rest `debounce` seconds after it looked different for the last time; while a file of it is
    being written, `at_most` seconds after. What never rests is due after `at_most` seconds (`PATIENCE` times that while
    a file is being written), and `overdue` then.
    """

    __slots__ = ("_at_most", "_began", "_changed", "_changes", "_debounce", "_ended", "_looked", "overdue")

    def __init__(self, debounce: float, at_most: float) -> None:
        self._debounce: Final = debounce
        self._at_most: Final = at_most
        self._changes: Mapping[Any, object] = {}
        self._began = self._changed = self._looked = self._ended = -math.inf
        self.overdue = False

    def look(
        self,
        changes: Mapping[Any, object],
        now: float,
        *,
        age: float | None = None,
        being_written: bool = False,
    ) -> float:
        """Return the seconds until it is time to act: 0 is now, infinite where there are no changes.

        `changes` is how everything looks that does not look as it did. `age` is the number of seconds since the last of
        them, as far as file systems tell.
        """
        gap, self._looked = now - self._looked, now
        if not changes:
            self._changes = changes
            return math.inf
        if not self._changes:
            self._began = now
        if changes != self._changes:
            self._changes = changes
            # it has happened since the last look: a file system that says otherwise has another clock, or means the
            # time at which a file was written that only now stands here
            is_true = age is not None and 0 <= age <= gap + GRAIN
            self._changed = now - age if age is not None and is_true else now
        left = self._at_most * (PATIENCE if being_written else 1) - (now - self._began)
        self.overdue = left <= 0
        rest = (self._at_most if being_written else self._debounce) - (now - self._changed)
        return max(min(rest, left), self._ended + APART - now, 0.0)

    def end(self, now: float, *, called: bool) -> None:
        """Take what was seen last for settled; `called` if somebody was told."""
        self._changes = {}
        if called:
            self._ended = now

"""Time and timers: the only module that asks the operating system what time it is.

`Wheel` is a coarse timer wheel: adding and cancelling a timer costs about 0.2 µs together, against 1 to 1.6 µs for
`loop.call_later` and 3 to 5 µs for `asyncio.timeout`. One wheel per process serves all deadlines of all requests; the
price is that a timer of whole ticks fires up to one tick (100 ms) late, any other up to two, and none early, as long as
the wheel itself is advanced in time: what is added after a pause of the loop, before the wheel has heard of it, counts
from before the pause.
"""

import math
import time
from collections.abc import Callable
from typing import Final, Protocol


TICK: Final = 0.1


class Clock(Protocol):
    """What parts of the gateway may ask about time; tests pass one that they move by hand."""

    def monotonic(self) -> float:
        """Seconds that never go back, for durations and deadlines."""
        ...

    def wall(self) -> float:
        """Seconds since the epoch, for people and for tokens."""
        ...


class SystemClock:
    """The operating system's clocks.

    `perf_counter` and not `loop.time()`: under uvloop the latter is cached for one loop iteration, so that durations
    come out as whole milliseconds.
    """

    monotonic = staticmethod(time.perf_counter)
    wall = staticmethod(time.time)


class Timer:
    """One pending call; `cancel` it, or let it fire once."""

    __slots__ = ("_slot", "callback")

    def __init__(self, callback: Callable[[], None], slot: "set[Timer]") -> None:
        self.callback = callback
        self._slot = slot

    def cancel(self) -> None:
        """Forget the call; harmless when it has fired already."""
        self._slot.discard(self)


class Wheel:
    """Timers in slots of one tick each; `advance` fires what is due.

    `now` is the coarse time of the last tick: free to read, at most one tick old.
    """

    __slots__ = ("_slots", "_tick", "now", "on_error")

    def __init__(self, now: float, on_error: Callable[[Exception], None] | None = None) -> None:
        self.now = now
        self.on_error = on_error
        self._tick = int(now / TICK)
        self._slots: dict[int, set[Timer]] = {}

    def add(self, seconds: float, callback: Callable[[], None]) -> Timer:
        """Call back after `seconds`, up to one tick later (two where they are no whole ticks)."""
        # from the start of the next tick, so that a timer is late rather than early
        tick = self._tick + math.ceil(seconds / TICK) + 1
        slot = self._slots.get(tick)
        if slot is None:
            slot = self._slots[tick] = set()
        timer = Timer(callback, slot)
        slot.add(timer)
        return timer

    def advance(self, now: float) -> None:
        """Fire everything due at `now`; an exception in one call does not keep the others from firing.

        Raises:
            Exception: whatever a callback raised, where no `on_error` was given.

        """
        self.now = now
        target = int(now / TICK)
        while self._tick < target:
            self._tick += 1
            slot = self._slots.pop(self._tick, None)
            while slot:
                timer = slot.pop()
                try:
                    timer.callback()
                except Exception as error:
                    if self.on_error is None:
                        raise
                    self.on_error(error)

    def __len__(self) -> int:
        return sum(map(len, self._slots.values()))

    def __repr__(self) -> str:
        return f"<Wheel {len(self)} pending>"

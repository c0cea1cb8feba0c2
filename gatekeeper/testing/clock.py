"""Time that a test moves by hand."""

from gatekeeper.core.clock import TICK, Wheel


class FakeClock:
    """A clock that stands still until it is advanced; timers of its wheel fire as it passes them."""

    def __init__(self, now: float = 1000.0, wall: float = 1_700_000_000.0) -> None:
        self._now = now
        self._wall = wall
        self.wheel = Wheel(now)
        """A wheel that this clock drives; `drive` adds others."""
        self._wheels = [self.wheel]

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return self._now

    def wall(self) -> float:
        """Seconds since the epoch."""
        return self._wall

    def drive(self, wheel: Wheel) -> Wheel:
        """Advance this wheel, too, from now on; it is set to the time of this clock."""
        wheel.advance(self._now)
        self._wheels.append(wheel)
        return wheel

    def advance(self, seconds: float) -> None:
        """Let time pass, tick by tick, so that a timer that fires sees the time at which it does.

        Raises:
            ValueError: time does not go back.

        """
        if seconds < 0:
            raise ValueError("time does not go back")
        end, end_of_wall = self._now + seconds, self._wall + seconds
        while self._now < end:
            self._now = min(end, self._now + TICK)
            self._wall = end_of_wall - (end - self._now)
            for wheel in self._wheels:
                wheel.advance(self._now)

    def __repr__(self) -> str:
        return f"<FakeClock {self._now:g} {len(self.wheel)} pending>"

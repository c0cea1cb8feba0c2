"""Time and timers."""

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.clock import TICK, SystemClock, Timer, Wheel


# floats of ticks are compared with this much room
DUST = 1e-6


def run_until_fired(wheel: Wheel, fired: list[float], limit: float) -> None:
    """Advance tick by tick, as the gateway does."""
    start, step = wheel.now, 0
    while not fired and wheel.now < limit:
        step += 1
        wheel.advance(start + step * TICK)


@given(
    start=st.integers(0, 10**6),
    phase=st.floats(0.01, 0.99),
    late=st.floats(0, TICK, exclude_max=True),
    seconds=st.floats(0, 30),
)
def test_a_timer_is_never_early_and_at_most_two_ticks_late(
    start: int, phase: float, late: float, seconds: float
) -> None:
    """Wherever within a tick it was added."""
    wheel = Wheel((start + phase) * TICK)
    fired: list[float] = []
    due = wheel.now + late + seconds

    wheel.add(seconds, lambda: fired.append(wheel.now))
    run_until_fired(wheel, fired, due + 10 * TICK)

    assert 1 == len(fired)
    assert due - DUST <= fired[0] <= due + 2 * TICK + DUST


@given(start=st.integers(0, 10**6), late=st.floats(0, TICK, exclude_max=True), ticks=st.integers(0, 300))
def test_a_timer_of_whole_ticks_is_at_most_one_tick_late(start: int, late: float, ticks: int) -> None:
    """So are all that people write: `5s`, `250ms` is the exception."""
    wheel = Wheel(start * TICK + TICK / 2)
    fired: list[float] = []
    due = wheel.now + late + ticks * TICK

    wheel.add(ticks * TICK, lambda: fired.append(wheel.now))
    run_until_fired(wheel, fired, due + 10 * TICK)

    assert 1 == len(fired)
    # the product of ticks may be a hair more than whole, and then counts as one more
    slack = TICK if math.ceil(ticks * TICK / TICK) > ticks else 0
    assert due - DUST <= fired[0] <= due + TICK + slack + DUST


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=30))
def test_timers_fire_once_and_in_order_unless_cancelled(timers: list[tuple[float, bool]]) -> None:
    """Whoever is due later fires no earlier; who was cancelled never."""
    wheel = Wheel(1000.0)
    fired: list[tuple[int, float]] = []
    for index, (seconds, cancelled) in enumerate(timers):
        timer = wheel.add(seconds, lambda index=index: fired.append((index, wheel.now)))  # type: ignore[misc]
        if cancelled:
            timer.cancel()
    expected = [index for index, (_, cancelled) in enumerate(timers) if not cancelled]

    for step in range(100):
        wheel.advance(1000.0 + step * TICK)

    assert expected == sorted(index for index, _ in fired)
    assert 0 == len(wheel)
    times = dict(fired)
    for first in expected:
        for second in expected:
            if timers[first][0] < timers[second][0]:
                assert times[first] <= times[second]


def test_a_jump_fires_everything_on_the_way() -> None:
    """After a pause of the loop nothing is forgotten."""
    wheel = Wheel(1000.0)
    fired: list[str] = []
    for name, seconds in (("a", 0.1), ("b", 2.0), ("c", 60.0)):
        wheel.add(seconds, lambda name=name: fired.append(name))  # type: ignore[misc]

    wheel.advance(1010.0)

    assert ["a", "b"] == fired
    assert 1 == len(wheel)


def test_a_timer_may_add_a_timer() -> None:
    """It is due from then on; even one of no time waits for a tick."""
    wheel = Wheel(1000.0)
    fired: list[float] = []

    def again() -> None:
        fired.append(wheel.now)
        wheel.add(0, again)

    wheel.add(0, again)
    for step in range(1, 11):
        wheel.advance(1000.05 + step * TICK)

    assert 10 >= len(fired) >= 4
    assert len(fired) == len(set(fired))


def test_a_timer_may_cancel_another_of_the_same_tick() -> None:
    """Which then does not fire, though its slot is being emptied."""
    wheel = Wheel(1000.0)
    fired: list[int] = []
    timers: list[Timer] = []
    for index in range(2):

        def fire(index: int = index) -> None:
            fired.append(index)
            timers[1 - index].cancel()

        timers.append(wheel.add(1.0, fire))

    wheel.advance(1002.0)

    assert 1 == len(fired)


def test_cancelling_twice_or_after_firing_does_no_harm() -> None:
    """Whoever ends something need not know what else has."""
    wheel = Wheel(1000.0)
    fired: list[int] = []
    timer = wheel.add(1.0, lambda: fired.append(1))

    wheel.advance(1002.0)
    timer.cancel()
    timer.cancel()

    assert [1] == fired


def test_one_bad_callback_keeps_no_other_from_firing() -> None:
    """Its error goes to `on_error`."""
    errors: list[Exception] = []
    fired: list[int] = []
    wheel = Wheel(1000.0, errors.append)
    for index in range(5):
        wheel.add(1.0, lambda index=index: fired.append(index))  # type: ignore[misc]
        wheel.add(1.0, lambda: 1 / 0)  # type: ignore[arg-type]

    wheel.advance(1002.0)

    assert list(range(5)) == sorted(fired)
    assert [ZeroDivisionError] * 5 == [type(error) for error in errors]


def test_without_anybody_to_tell_a_bad_callback_raises() -> None:
    """In tests, say."""
    wheel = Wheel(1000.0)
    wheel.add(1.0, lambda: 1 / 0)  # type: ignore[arg-type]

    with pytest.raises(ZeroDivisionError):
        wheel.advance(1002.0)


def test_a_wheel_tells_what_is_pending() -> None:
    """For whoever looks at it in a debugger."""
    wheel = Wheel(0.0)
    wheel.add(1.0, print)
    wheel.add(2.0, print)

    assert "<Wheel 2 pending>" == repr(wheel)


def test_the_system_clock_is_the_system_s() -> None:
    """One that never goes back, and one for people."""
    clock = SystemClock()

    assert clock.monotonic() <= clock.monotonic()
    assert abs(time.time() - clock.wall()) < 5

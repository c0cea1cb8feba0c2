"""Time that a test moves."""

import pytest

from gatekeeper.core.clock import Wheel
from gatekeeper.testing import FakeClock


def test_time_stands_still_until_it_is_moved(clock: FakeClock) -> None:
    """Both kinds of it."""
    before = clock.monotonic(), clock.wall()
    assert before == (clock.monotonic(), clock.wall())

    clock.advance(1.5)

    assert (before[0] + 1.5, before[1] + 1.5) == (clock.monotonic(), clock.wall())


def test_a_timer_sees_the_time_at_which_it_fires(clock: FakeClock) -> None:
    """However far time is moved at once."""
    seen: list[float] = []
    clock.wheel.add(1.0, lambda: seen.append(clock.monotonic()))
    clock.wheel.add(5.0, lambda: seen.append(clock.monotonic()))

    clock.advance(60)

    assert [1001.0, 1005.0] == pytest.approx(seen, abs=0.21)
    assert [1001.0, 1005.0] <= seen


def test_other_wheels_may_be_driven(clock: FakeClock) -> None:
    """Those of a running gateway, say."""
    wheel = clock.drive(Wheel(0.0))
    fired: list[int] = []
    wheel.add(1.0, lambda: fired.append(1))

    clock.advance(0.8)
    assert [] == fired
    clock.advance(0.5)

    assert [1] == fired
    assert clock.monotonic() == wheel.now


def test_time_does_not_go_back(clock: FakeClock) -> None:
    """Nor does it in production."""
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)
    assert "<FakeClock 1000 0 pending>" == repr(clock)

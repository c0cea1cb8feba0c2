"""When a worker that has died is replaced."""

import pytest

from gatekeeper.policy.respawn import LONG_ENOUGH, LONGEST, Respawn


def test_one_that_has_served_is_replaced_at_once() -> None:
    """However often that happens."""
    respawn = Respawn()

    assert [0.0] * 100 == [respawn.delay(LONG_ENOUGH) for _ in range(100)]


def test_those_that_die_young_are_waited_for_longer_and_longer() -> None:
    """Two may be an accident."""
    respawn = Respawn()

    assert [0.0, 0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0] == [respawn.delay(0.1) for _ in range(10)]


def test_one_that_serves_ends_the_wait() -> None:
    """The next crash is a new story."""
    respawn = Respawn()
    for _ in range(5):
        respawn.delay(0.0)

    assert [0.0, 0.0, 0.0, 0.5] == [respawn.delay(lived) for lived in (LONG_ENOUGH, 0.0, 0.0, 0.0)]


@pytest.mark.parametrize("times", [1000, 5000])
def test_the_wait_has_an_end(times: int) -> None:
    """After months, too."""
    respawn = Respawn()

    assert LONGEST == [respawn.delay(0.0) for _ in range(times)][-1]

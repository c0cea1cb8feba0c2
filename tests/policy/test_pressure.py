"""How short memory is."""

import pytest

from gatekeeper.policy.pressure import Pressure, pressure


@pytest.mark.parametrize(
    ("shares", "levels"),
    [
        pytest.param([0.0, 0.5, 0.84, 0.8499], "0000", id="enough"),
        pytest.param([0.85, 0.9, 0.9499], "111", id="tight"),
        pytest.param([0.95, 1.0, 1.5], "222", id="short"),
        pytest.param([0.85, 0.84, 0.80, 0.79, 0.84], "11100", id="tight-is-over-later-than-it-begins"),
        pytest.param([0.96, 0.91, 0.90, 0.89, 0.94, 0.81, 0.79], "2221110", id="short-ends-in-steps"),
        pytest.param([0.96, 0.5], "20", id="at-once-where-much-is-free"),
        pytest.param([0.96, 0.82], "21", id="short-to-tight"),
    ],
)
def test_a_level_is_left_later_than_it_is_entered(shares: list[float], levels: str) -> None:
    """So that it does not flap."""
    level, found = Pressure.NONE, ""
    for share in shares:
        level = pressure(share, level)
        found += str(int(level))

    assert levels == found

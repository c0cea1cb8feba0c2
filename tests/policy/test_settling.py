"""When a change has come to rest, by tables of what is seen at which time."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.policy.settling import APART, GRAIN, PATIENCE, Settling


NEVER = math.inf


def settling() -> Settling:
    """A quarter of a second for what changes, two for what does not end."""
    return Settling(0.25, 2.0)


@pytest.mark.parametrize(
    "looks",
    [
        # at which time, what differs, how old it is, whether it is being written -> seconds to wait
        pytest.param([(0.5, "", None, False, NEVER), (1.0, "", None, False, NEVER)], id="nothing"),
        pytest.param([(1.0, "a", None, False, 0.25), (1.25, "a", None, False, 0)], id="one change"),
        pytest.param([(1.0, "a", None, False, 0.25), (1.125, "a", None, False, 0.125)], id="too early"),
        pytest.param(
            [(1.0, "a", None, False, 0.25), (1.25, "b", None, False, 0.25), (1.5, "b", None, False, 0)],
            id="another change",
        ),
        pytest.param([(1.0, "a", None, False, 0.25), (1.25, "", None, False, NEVER)], id="taken back"),
        pytest.param(
            [
                (1.0, "a", None, False, 0.25),
                (1.25, "", None, False, NEVER),
                (1.5, "a", None, False, 0.25),
                (3.25, "b", None, False, 0.25),
            ],
            id="what was taken back began anew",
        ),
        pytest.param([(0.5, "", None, False, NEVER), (1.0, "a", 0.25, False, 0)], id="old enough"),
        pytest.param(
            [(0.5, "", None, False, NEVER), (1.0, "a", 0.125, False, 0.125)], id="old, but not enough"
        ),
        pytest.param(
            [(0.5, "", None, False, NEVER), (1.0, "a", 0.5, False, 0)], id="as old as the last look"
        ),
        pytest.param(
            [(0.5, "", None, False, NEVER), (1.0, "a", 0.5 + GRAIN, False, 0)], id="as old as a clock may err"
        ),
        pytest.param(
            [(0.5, "", None, False, NEVER), (1.0, "a", 0.6, False, 0.25), (1.125, "a", 0.725, False, 0.125)],
            id="older than it can be",
        ),
        pytest.param([(0.5, "", None, False, NEVER), (1.0, "a", -0.1, False, 0.25)], id="not yet written"),
        pytest.param([(1.0, "a", 9.0, False, 0)], id="whatever was before the first look"),
        pytest.param(
            [
                (1.0, "a", None, True, 2.0),
                (1.5, "b", None, True, 2.0),
                (2.0, "b", None, True, 1.5),
                (2.5, "b", None, False, 0),
            ],
            id="written to its end",
        ),
        pytest.param(
            [(1.0, "a", None, True, 2.0), (3.0, "a", None, True, 0)], id="open, and nothing is written"
        ),
        pytest.param(
            [(1.0, "a", None, False, 0.25), (1.0, "b", None, False, 0.25), (2.875, "c", None, False, 0.125)],
            id="what never rests is due soon",
        ),
        pytest.param(
            [(1.0, "a", None, False, 0.25), (3.0, "b", None, False, 0)], id="what never rests is due"
        ),
        pytest.param(
            [(1.0, "a", None, True, 2.0), (19.5, "b", None, True, 1.5), (21.0, "c", None, True, 0)],
            id="what is written without end is due",
        ),
    ],
)
def test_what_is_seen_decides(looks: list[tuple[float, str, float | None, bool, float]]) -> None:
    """CFG-06, CFG-09: rest, age, and two limits."""
    told = settling()

    for now, seen, age, being_written, wait in looks:
        changes = {"gateway.yaml": seen} if seen else {}
        assert wait == told.look(changes, now, age=age, being_written=being_written)


@pytest.mark.parametrize(
    ("now", "being_written", "overdue"),
    [
        pytest.param(1.25, False, False, id="at rest"),
        pytest.param(2.75, False, False, id="not quite"),
        pytest.param(3.0, False, True, id="too long"),
        pytest.param(3.0, True, False, id="too long, if it were not being written"),
        pytest.param(1.0 + 2.0 * PATIENCE, True, True, id="too long for anything"),
    ],
)
def test_what_is_due_without_rest_is_told_from_what_rests(
    now: float, *, being_written: bool, overdue: bool
) -> None:
    """Whoever acts on the latter can still wait if it changes under his hands."""
    told = settling()
    told.look({"a": 1}, 1.0)
    told.look({"a": 2}, now, being_written=being_written)

    assert overdue is told.overdue


def test_what_follows_a_call_waits_its_turn() -> None:
    """A second after the end of the call, however old it is."""
    told = settling()
    told.look({"a": 1}, 10.0)
    told.end(12.0, called=True)

    assert APART == told.look({"a": 2}, 12.0)
    assert 0.5 == told.look({"a": 2}, 12.5)
    assert 0 == told.look({"a": 2}, 13.0)


def test_what_follows_a_change_that_was_none_does_not_wait() -> None:
    """Nobody was called."""
    told = settling()
    told.look({"a": 1}, 10.0)
    told.end(10.25, called=False)

    assert 0.25 == told.look({"a": 2}, 10.5)


def test_what_is_settled_is_forgotten() -> None:
    """The next change begins when it is seen, though there was none in between without one."""
    told = settling()
    told.look({"a": 1}, 10.0)
    told.end(10.25, called=False)
    told.look({"a": 2}, 11.9)

    assert 0.25 == told.look({"a": 3}, 12.1)
    assert not told.overdue


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.01, 0.1, 0.25, 0.5]),
            st.integers(0, 2),
            st.none() | st.floats(-1, 3),
            st.booleans(),
        ),
        max_size=60,
    )
)
def test_no_change_waits_longer_than_it_may(looks: list[tuple[float, int, Any, bool]]) -> None:
    """Nor is anything due that is being written, or has just changed, before the limit."""
    told, now, began, before = settling(), 100.0, None, 0
    for step, seen, age, being_written in looks:
        now += step
        began = None if not seen else now if not before else began
        wait = told.look({"a": seen} if seen else {}, now, age=age, being_written=being_written)
        before = seen
        if began is None:
            assert NEVER == wait
            continue
        assert wait <= max(began + 2.0 * (PATIENCE if being_written else 1) - now, 0)
        if told.overdue:
            assert 0 == wait

"""What is told of things that happen again and again, and what is held."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.policy.repeats import AT_ONCE, KEYS, PER_SECOND, QUIET, Repeats


def test_the_first_ones_are_told_and_the_rest_is_counted() -> None:
    """(KEY-07) Ten thousand of the same are six things to tell."""
    repeats: Repeats[int] = Repeats()
    told = [repeats.take("k", number, 0.5) for number in range(10_000)]

    assert [True] * AT_ONCE + [False] * (10_000 - AT_ONCE) == told
    assert [(9_999, 10_000 - AT_ONCE, False)] == repeats.collect(1.5)
    assert [] == repeats.collect(2.5)


def test_behind_a_summary_all_are_counted() -> None:
    """Until it was quiet: then it is new."""
    repeats: Repeats[str] = Repeats()
    for _ in range(AT_ONCE + 1):
        repeats.take("k", "a", 0.0)
    repeats.collect(1.0)

    assert not repeats.take("k", "b", 1.5)
    assert [("b", 1, False)] == repeats.collect(2.0)
    assert [] == repeats.collect(1.5 + QUIET - 0.1)
    assert [] == repeats.collect(1.5 + QUIET)
    assert repeats.take("k", "c", 20.0)


@pytest.mark.parametrize(("seconds", "expected"), [(0.0, True), (QUIET - 0.1, True), (QUIET, False)])
def test_it_is_busy_until_all_was_quiet(seconds: float, expected: bool) -> None:
    """So that its timer can rest."""
    repeats: Repeats[str] = Repeats()
    repeats.take("k", "a", 0.0)
    repeats.collect(seconds)

    assert expected is repeats.is_busy


def test_names_that_are_made_up_share_one() -> None:
    """What is held is bounded, and so is what is told in a second; nothing goes uncounted."""
    repeats: Repeats[int] = Repeats()
    told = sum(repeats.take(number, number, 0.5) for number in range(100_000))
    found = repeats.collect(1.5)
    more = [repeats.collect(second + 0.5, last=second == 20) for second in range(2, 21)]

    assert PER_SECOND == told
    assert PER_SECOND + 1 == len(found)
    assert (99_999, 100_000 - KEYS, True) == found[-1]
    assert 100_000 == told + sum(count for part in [found, *more] for _, count, _ in part)
    assert all(len(part) <= PER_SECOND for part in more)


def test_several_at_once_count_as_many() -> None:
    """A worker has counted them already."""
    repeats: Repeats[str] = Repeats()

    assert not repeats.take("k", "a", 0.0, AT_ONCE + 1)
    assert [("a", AT_ONCE + 1, False)] == repeats.collect(1.0)


def test_all_have_their_turn() -> None:
    """Where more wait than a second has room for."""
    repeats: Repeats[int] = Repeats()
    seen: set[int] = set()
    for second in range(20):
        for number in range(KEYS):
            repeats.take(number, number, float(second), AT_ONCE + 1)
        seen.update(thing for thing, _, _ in repeats.collect(second + 0.9))

    assert set(range(KEYS)) == seen


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.floats(0, 2)), max_size=60))
def test_nothing_is_lost_or_told_twice(events: list[tuple[int, int, float]]) -> None:
    """Whatever comes when."""
    repeats: Repeats[int] = Repeats()
    now, told = 0.0, 0
    for key, count, pause in events:
        now += pause
        told += count if repeats.take(key, key, now, count) else 0
        told += sum(many for _, many, _ in repeats.collect(now)) if pause > 1 else 0
    told += sum(many for _, many, _ in repeats.collect(now, last=True))

    assert told == sum(count for _, count, _ in events)

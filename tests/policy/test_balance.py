"""Which instance is next."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.policy.balance import RoundRobin


@given(st.integers(1, 8), st.integers(1, 5))
def test_everybody_has_the_same_number_of_turns(count: int, rounds: int) -> None:
    """In a fixed order."""
    balancer = RoundRobin(range(count))

    picked = [balancer.pick() for _ in range(count * rounds)]

    assert list(range(count)) * rounds == picked


@given(st.integers(1, 6), st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=20))
def test_what_was_tried_is_passed_over_while_there_is_anything_else(
    count: int, requests: list[list[int]]
) -> None:
    """And picked again rather than nothing."""
    balancer = RoundRobin(range(count))

    for tried in requests:
        picked = balancer.pick(tried)
        assert picked in range(count)
        if set(range(count)) - set(tried):
            assert picked not in tried


def test_nothing_to_choose_from_is_none() -> None:
    """A service may have lost all its instances."""
    assert None is RoundRobin[int](()).pick()


def test_passing_over_does_not_give_the_next_one_two_turns_for_ever() -> None:
    """Retries leave the turns fair in the long run."""
    balancer = RoundRobin("abc")

    picked = Counter(balancer.pick(tried) for _ in range(300) for tried in ((), ("a",)))

    assert max(picked.values()) <= 2 * 300 * 2 / 3
    assert {"a", "b", "c"} == set(picked)


def test_of_two_of_which_one_is_dead_only_every_other_request_meets_the_dead_one() -> None:
    """A retry does not use up a turn."""
    balancer = RoundRobin(("dead", "alive"))
    met = []
    for _ in range(10):
        first = balancer.pick()
        met.append(first)
        if first == "dead":
            assert "alive" == balancer.pick(("dead",))

    assert ["dead", "alive"] * 5 == met

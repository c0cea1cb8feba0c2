"""Choosing between weighted names."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.policy.split import Split


WEIGHTS = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.integers(0, 100), min_size=1).filter(
    lambda weights: any(weights.values())
)


@given(WEIGHTS)
def test_the_shares_are_the_whole(weights: dict[str, int]) -> None:
    """Each in proportion to its weight."""
    shares = Split(weights).shares

    assert pytest.approx(1.0) == sum(shares.values())
    assert {name: pytest.approx(weight / sum(weights.values())) for name, weight in weights.items()} == shares


@given(WEIGHTS, st.floats(0, 1, exclude_max=True), st.text())
def test_only_who_has_a_weight_is_chosen(weights: dict[str, int], number: float, key: str) -> None:
    """Whatever the number or the key."""
    split = Split(weights)

    assert weights[split.by_chance(number)] > 0
    assert weights[split.by_key(key)] > 0


def test_chance_gives_each_its_part_exactly() -> None:
    """Numbers that are spread evenly are divided like the weights."""
    split = Split({"users": 95, "canary": 5})

    counted = Counter(split.by_chance(number / 1000) for number in range(1000))

    assert {"users": 950, "canary": 50} == counted


@pytest.mark.parametrize(
    ("number", "name"),
    [(0.0, "a"), (0.049, "a"), (0.051, "b"), (0.449, "b"), (0.451, "d"), (1 - 2**-53, "d")],
)
def test_chance_goes_by_the_order_of_the_names(number: float, name: str) -> None:
    """Whatever the order in which they are written; none is for who has no weight."""
    split = Split({"d": 55, "e": 0, "c": 0, "b": 40, "a": 5})

    assert name == split.by_chance(number)


def test_one_name_takes_all() -> None:
    """If no other has a weight."""
    split = Split({"b": 0, "a": 3})

    assert {"a"} == {split.by_chance(number / 10) for number in range(10)}
    assert {"a"} == {split.by_key(str(number)) for number in range(10)}
    assert {"b": 0.0, "a": 1.0} == split.shares


@given(WEIGHTS, st.text())
def test_a_key_leads_to_the_same_name_whatever_the_order(weights: dict[str, int], key: str) -> None:
    """On every gateway."""
    turned = dict(reversed(weights.items()))

    assert Split(weights).by_key(key) == Split(turned).by_key(key)


def test_keys_are_divided_like_the_weights() -> None:
    """Within what chance explains (four standard deviations)."""
    split = Split({"a": 60, "b": 30, "c": 10, "none": 0})

    counted = Counter(split.by_key(f"user-{number}") for number in range(10_000))

    assert set(counted) == {"a", "b", "c"}
    assert abs(counted["a"] - 6000) < 196
    assert abs(counted["b"] - 3000) < 184
    assert abs(counted["c"] - 1000) < 120


def test_a_change_of_weights_moves_only_who_has_to_move() -> None:
    """A canary that grows from 5 to 20 in 100 keeps those it had, and nobody leaves it."""
    before, after = Split({"users": 95, "canary": 5}), Split({"users": 80, "canary": 20})
    keys = [f"user-{number}" for number in range(2000)]

    moved = {(before.by_key(key), after.by_key(key)) for key in keys}

    assert {("users", "users"), ("users", "canary"), ("canary", "canary")} == moved

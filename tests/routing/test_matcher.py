"""Matchers: what they accept, how they are told, and how they compare."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.policy.regex import Regex
from gatekeeper.routing.matcher import Contains, Exact, Matcher, Not, OneOf, Pattern, Prefix, Present, Suffix
from tests.routing.building import matcher
from tests.routing.drawn import MATCHERS


VALUES = ["", "1", "2", "11", "12", "21", "121", "211", "x", None]


@pytest.mark.parametrize(
    ("written", "text", "fitting"),
    [
        pytest.param("1", "1", ["1"], id="exact"),
        pytest.param("", '""', [""], id="empty"),
        pytest.param({"prefix": "1"}, "begins with 1", ["1", "11", "12", "121"], id="prefix"),
        pytest.param({"suffix": "1"}, "ends with 1", ["1", "11", "21", "121", "211"], id="suffix"),
        pytest.param({"contains": "21"}, "contains 21", ["21", "121", "211"], id="contains"),
        pytest.param({"regex": "1+"}, "matches 1+", ["1", "11"], id="PTH-13-regex-takes-the-whole"),
        pytest.param({"present": True}, "is there", VALUES[:-1], id="present"),
        pytest.param({"present": False}, "is not there", [None], id="missing"),
        pytest.param(
            {"not": {"prefix": "1"}}, "not begins with 1", ["", "2", "21", "211", "x", None], id="not"
        ),
        pytest.param({"not": {"present": False}}, "not is not there", VALUES[:-1], id="not-missing"),
        pytest.param(["x", {"suffix": "12"}], "x or ends with 12", ["12", "x"], id="one-of"),
        pytest.param(
            {"not": ["1", {"present": False}]},
            "not 1 or is not there",
            [*VALUES[:1], *VALUES[2:-1]],
            id="none-of",
        ),
    ],
)
def test_a_matcher_accepts_values(written: Any, text: str, fitting: list[str | None]) -> None:
    """A value that is missing fits `present: false`, and `not` of what it does not fit."""
    made = matcher(written)

    assert fitting == [value for value in VALUES if made.accepts(value)]
    assert text == made.text


def test_several_values_are_one_matcher() -> None:
    """And one look-up."""
    made = Exact(frozenset("dbeca"))

    assert made.text == "one of a, b, c, d, e"
    assert made.accepts("a")
    assert not made.accepts("f")


ONE = Exact(frozenset({"1"}))
ANY_ONES = Pattern(Regex.parse("1+"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ONE, Exact(frozenset({"2", "3"}))),
        (ONE, Prefix("2")),
        (Exact(frozenset({"1", "2"})), Prefix("3")),
        (Prefix("12"), Prefix("13")),
        (Suffix("12"), Suffix("13")),
        (ANY_ONES, Prefix("2")),
        (ANY_ONES, Pattern(Regex.parse("2.*"))),
        (Present(True), Present(False)),
        (Present(False), Contains("1")),
        (Present(False), Not(Present(False))),
        (Present(True), Not(Present(True))),
        (Not(Prefix("1")), ANY_ONES),
        (Not(Prefix("1")), Prefix("12")),
        (OneOf((ONE, Prefix("2"))), Prefix("3")),
        (OneOf((Prefix("1"), Prefix("2"))), OneOf((Prefix("3"), Prefix("4")))),
    ],
)
def test_matchers_exclude_each_other(one: Matcher, other: Matcher) -> None:
    """No value fits both, and both know it."""
    assert one.excludes(other)
    assert other.excludes(one)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (Prefix("1"), Exact(frozenset({"1", "12"}))),
        (Prefix("1"), Prefix("12")),
        (Prefix("1"), ANY_ONES),
        (Prefix("1"), Pattern(Regex.parse("12.*"))),
        (Suffix("1"), Suffix("21")),
        (Contains("1"), Contains("212")),
        (Contains("1"), Prefix("212")),
        (Contains("1"), Suffix("212")),
        (Contains("1"), ANY_ONES),
        (ANY_ONES, Pattern(Regex.parse("1{2,3}"))),
        (Pattern(Regex.parse("1.*")), Prefix("12")),
        (Present(True), Prefix("1")),
        (Present(True), Not(Present(False))),
        (Not(Present(False)), Present(True)),
        (Not(ONE), Present(False)),
        (Not(ONE), Prefix("2")),
        (Not(Prefix("12")), Not(Prefix("1"))),
        (OneOf((ONE, Prefix("2"))), Prefix("22")),
        (OneOf((ONE, Prefix("2"))), Exact(frozenset({"1", "2"}))),
        (OneOf((Prefix("1"), Prefix("2"))), OneOf((Prefix("21"), Prefix("11")))),
    ],
)
def test_a_matcher_covers_another(wide: Matcher, narrow: Matcher) -> None:
    """Each covers itself."""
    assert wide.covers(narrow)
    assert wide.covers(wide)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (ONE, Exact(frozenset({"1", "2"}))),
        (ONE, Prefix("1")),
        (Prefix("1"), Exact(frozenset({"1", "2"}))),
        (Prefix("1"), OneOf((Prefix("12"), Prefix("2")))),
        (Prefix("12"), Prefix("1")),
        (Prefix("1"), Suffix("1")),
        (Prefix("12"), ANY_ONES),
        (Prefix("1"), Pattern(Regex.parse("[12]+"))),
        (Prefix("1"), Present(True)),
        (Prefix("1"), Present(False)),
        (Suffix("21"), Suffix("1")),
        (Suffix("1"), Prefix("1")),
        (Suffix("1"), ANY_ONES),
        (Contains("12"), Contains("1")),
        (Contains("12"), Prefix("1")),
        (Contains("12"), Suffix("2")),
        (Contains("2"), ANY_ONES),
        (Contains("1"), Present(True)),
        (Pattern(Regex.parse("1{2,3}")), ANY_ONES),
        (Pattern(Regex.parse("1{2,3}")), Prefix("1")),
        (ANY_ONES, Suffix("1")),
        (Present(True), Present(False)),
        (Present(True), Not(ONE)),
        (Present(False), Present(True)),
        (Present(False), Prefix("1")),
        (Not(ONE), Prefix("1")),
        (Not(Present(False)), Not(ONE)),
        (Not(Prefix("1")), Not(Prefix("12"))),
        (OneOf((ONE, Prefix("2"))), Prefix("3")),
        (OneOf((ONE, Prefix("2"))), Exact(frozenset({"1", "3"}))),
    ],
)
def test_a_matcher_does_not_cover_what_goes_beyond_it(wide: Matcher, narrow: Matcher) -> None:
    """Some value fits the other only."""
    assert not wide.covers(narrow)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Exact(frozenset({"1", "2"})), Exact(frozenset({"2", "3"}))),
        (Exact(frozenset({"1", "2"})), Prefix("1")),
        (Prefix("1"), Prefix("12")),
        (Prefix("1"), OneOf((Prefix("2"), Prefix("12")))),
        (Suffix("1"), Suffix("21")),
        (ANY_ONES, Prefix("1")),
        (ANY_ONES, Pattern(Regex.parse("[12]{2}"))),
        (Present(True), Prefix("1")),
        (Present(True), Not(ONE)),
        (Present(False), Not(ONE)),
        (Not(Prefix("12")), Prefix("1")),
        (OneOf((ONE, Prefix("2"))), Prefix("22")),
    ],
)
def test_matchers_that_share_a_value_do_not_exclude_each_other(one: Matcher, other: Matcher) -> None:
    """One is enough."""
    assert not one.excludes(other)
    assert not other.excludes(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Contains("1"), Contains("2")),
        (Prefix("1"), Suffix("2")),
        (Suffix("1"), ANY_ONES),
        (Prefix("€"), Pattern(Regex.parse(".*"))),
        (Not(ONE), Not(Exact(frozenset({"2"})))),
    ],
)
def test_in_doubt_matchers_overlap(one: Matcher, other: Matcher) -> None:
    """Nothing is claimed that is not known, also where no expression can name a character."""
    assert not one.excludes(other)
    assert not other.excludes(one)


def test_a_prefix_that_no_expression_can_name_is_not_covered_by_one() -> None:
    """In doubt it is not."""
    assert not Pattern(Regex.parse(".*")).covers(Prefix("€"))


def flat(written: Any) -> Any:
    """A list in a list is no matcher."""
    if not isinstance(written, list):
        return written
    return [item for one in written for item in (flat(one) if isinstance(one, list) else [one])]


NESTED = st.recursive(
    MATCHERS,
    lambda inner: st.one_of(inner.map(lambda one: {"not": one}), st.lists(inner, min_size=1, max_size=2)),
    max_leaves=3,
).map(flat)


@given(NESTED, NESTED)
def test_what_is_claimed_of_two_matchers_is_true(one: Any, other: Any) -> None:
    """Of any value."""
    first, second = matcher(one), matcher(other)
    both = [(first.accepts(value), second.accepts(value)) for value in VALUES]

    assert not (first.excludes(second) and (True, True) in both)
    assert not (first.covers(second) and (False, True) in both)

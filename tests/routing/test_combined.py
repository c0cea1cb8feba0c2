"""Conditions together: all of them, any of them, not this one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.routing.conditions import AllOf, AnyOf, Condition, Negation, SchemeCondition, first_failed
from gatekeeper.testing.exchange import make_exchange
from tests.routing.brute import Asked, holds
from tests.routing.building import SERVICES, condition, exchange
from tests.routing.drawn import conditions, requests


A = condition({"header": {"a": "1"}})
B = condition({"query": {"b": {"prefix": "1"}}})
C = condition({"method": "GET"})
ASKED = make_exchange("PUT", "/?b=12", {"a": "2"})


@pytest.mark.parametrize(
    ("made", "text", "weight", "expected", "found"),
    [
        (AllOf((A, B)), "header a: 1 and query b: begins with 1", 2, False, "2"),
        (AllOf((B, A)), "query b: begins with 1 and header a: 1", 2, False, "2"),
        (AllOf((A, C)), "header a: 1 and method GET", 2, False, "2"),
        (AllOf((B, Negation(C))), "query b: begins with 1 and not (method GET)", 2, True, "12, PUT"),
        (AnyOf((A, B)), "header a: 1 or query b: begins with 1", 1, True, "2, 12"),
        (AnyOf((A, C)), "header a: 1 or method GET", 1, False, "2, PUT"),
        (
            AnyOf((AllOf((A, B)), AllOf((A, B, C)))),
            f"({A.text} and {B.text}) or ({A.text} and {B.text} and {C.text})",
            2,
            False,
            "2",
        ),
        (Negation(A), "not (header a: 1)", 1, True, "2"),
        (Negation(AllOf((A, B))), "not (header a: 1 and query b: begins with 1)", 1, True, "2"),
        (
            Negation(AllOf((B, Negation(A)))),
            "not (query b: begins with 1 and not (header a: 1))",
            1,
            False,
            "12, 2",
        ),
        (
            AllOf((AnyOf((A, C)), B)),
            "(header a: 1 or method GET) and query b: begins with 1",
            2,
            False,
            "2, PUT",
        ),
        (
            AnyOf((AllOf((A, B)), C)),
            "(header a: 1 and query b: begins with 1) or method GET",
            1,
            False,
            "2, PUT",
        ),
    ],
)
def test_conditions_combine(made: Condition, text: str, weight: int, expected: bool, found: str) -> None:
    """And say what they are, and what a request has instead."""
    assert text == made.text
    assert weight == made.weight
    assert expected is made.holds(ASKED)
    assert found == made.found(ASKED)


def test_combinations_have_keys() -> None:
    """As conditions of one thing have."""
    assert ["all", "any", "not"] == [made.key for made in (AllOf((A,)), AnyOf((A,)), Negation(A))]


def test_the_first_that_fails_is_named() -> None:
    """In the order given."""
    assert A is first_failed((B, A, C), ASKED)
    assert None is first_failed((B,), ASKED)
    assert None is first_failed((), ASKED)


HTTP, HTTPS = (SchemeCondition(frozenset({scheme})) for scheme in ("http", "https"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (HTTP, HTTPS),
        (HTTP, Negation(HTTP)),
        (AllOf((A, HTTP)), HTTPS),
        (AllOf((A, HTTP)), AllOf((HTTPS, B))),
        (AnyOf((HTTP, AllOf((HTTP, A)))), HTTPS),
        (AnyOf((HTTP, HTTPS)), Negation(AnyOf((HTTPS, HTTP)))),
        (AllOf((A, B)), Negation(B)),
        (AllOf((A, HTTP)), AnyOf((HTTPS, Negation(A)))),
    ],
)
def test_conditions_exclude_each_other(one: Condition, other: Condition) -> None:
    """No request fulfils both, and both know it."""
    assert one.excludes(other)
    assert other.excludes(one)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (HTTP, AllOf((A, HTTP))),
        (HTTP, AnyOf((HTTP, AllOf((HTTP, A))))),
        (AnyOf((A, HTTP)), HTTP),
        (AnyOf((A, HTTP)), AnyOf((HTTP, AllOf((A, B))))),
        (AllOf((A, B)), AllOf((C, B, A))),
        (Negation(HTTP), HTTPS),
        (Negation(AllOf((A, B))), Negation(A)),
        (Negation(HTTP), AnyOf((HTTPS, AllOf((HTTPS, A))))),
    ],
)
def test_a_condition_covers_another(wide: Condition, narrow: Condition) -> None:
    """Whatever fulfils the one fulfils the other; each covers itself."""
    assert wide.covers(narrow)
    assert wide.covers(wide)
    assert narrow.covers(narrow)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (Negation(A), B),
        (Negation(A), Negation(B)),
        (Negation(A), A),
        (AllOf((A, B)), A),
        (A, AnyOf((A, B))),
        (AnyOf((A, B)), C),
        (AnyOf((A, B)), AnyOf((A, C))),
        (HTTP, Negation(HTTP)),
    ],
)
def test_what_is_fulfilled_in_part_is_not_covered(wide: Condition, narrow: Condition) -> None:
    """Nor what may be for all that is known."""
    assert not wide.covers(narrow)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (A, B),
        (A, Negation(B)),
        (Negation(A), Negation(B)),
        (AllOf((A, B)), AnyOf((A, C))),
        (AnyOf((HTTP, A)), HTTPS),
    ],
)
def test_in_doubt_conditions_overlap(one: Condition, other: Condition) -> None:
    """Some request may fulfil both."""
    assert not one.excludes(other)
    assert not other.excludes(one)


@given(conditions(), conditions(), st.lists(requests(), min_size=3, max_size=6))
def test_what_is_claimed_of_two_conditions_is_true(one: Any, other: Any, asked: list[Asked]) -> None:
    """Of any request; and whether each holds is what brute force says."""
    first, second = condition(one), condition(other)
    for request in asked:
        subject = exchange(request)
        both = first.holds(subject), second.holds(subject)

        assert both == (holds(one, request, SERVICES), holds(other, request, SERVICES))
        assert not (first.excludes(second) and both == (True, True))
        assert not (first.covers(second) and both == (False, True))
        assert first.found(subject)

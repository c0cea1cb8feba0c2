"""Conditions as values."""

from pathlib import PurePath

import attrs
import pytest

from gatekeeper.config.conditions import FORMS, HIDDEN, ConditionConfig, MatcherConfig
from gatekeeper.config.problems import Place
from gatekeeper.policy.regex import Regex


@pytest.mark.parametrize(
    ("matcher", "form"),
    [
        (MatcherConfig(exact=""), ("exact", "")),
        (MatcherConfig(prefix="a"), ("prefix", "a")),
        (MatcherConfig(regex=Regex.parse("a+")), ("regex", Regex.parse("a+"))),
        (MatcherConfig(present=False), ("present", False)),
        (MatcherConfig(not_=(MatcherConfig(exact="a"),)), ("not_", (MatcherConfig(exact="a"),))),
    ],
)
def test_a_matcher_has_one_form(matcher: MatcherConfig, form: tuple[str, object]) -> None:
    """Also where its value is empty, or false."""
    assert form == matcher.form
    assert form[0] in FORMS


def test_a_condition_holds_those_that_it_negates() -> None:
    """The outer one first, however deep they stand."""
    inner = ConditionConfig(method=("GET",))
    middle = ConditionConfig(not_=(inner,))
    other = ConditionConfig(path=("/x",))
    outer = ConditionConfig(not_=(middle, other))

    assert [outer, middle, inner, other] == list(outer.inner())


def test_where_a_condition_stands_is_no_part_of_it() -> None:
    """Moving a line changes nothing."""
    here = ConditionConfig(path=("/x",), place=Place(("a",), str(PurePath("f")), 1, 1))

    assert here == ConditionConfig(path=("/x",))
    assert attrs.fields(ConditionConfig).place.metadata == HIDDEN

"""What a class has against its values."""

from typing import Any, Literal

import attrs
import pytest

from gatekeeper.config.problems import Fault, Refusal
from gatekeeper.config.validation import failed_validators, id_of, is_meant, message_of
from gatekeeper.core.text import BadPlaceholderError


def _is_even(_instance: object, attribute: "attrs.Attribute[int]", value: int) -> None:
    if value % 2:
        raise Refusal(f"`{attribute.name}` must be even", "odd")


def _is_below_first(instance: "Numbers", _attribute: object, value: int) -> None:
    if value >= instance.first:
        raise TypeError("too large", value)


@attrs.frozen(kw_only=True)
class Numbers:
    first: int = attrs.field(default=10, validator=_is_even)
    second: int = attrs.field(factory=lambda: 2, validator=[_is_even, _is_below_first])
    third: int = attrs.field(
        default=attrs.Factory(lambda self: self.first, takes_self=True), validator=_is_even
    )


@pytest.mark.parametrize(
    ("values", "failed"),
    [
        ({}, []),
        ({"first": 4, "second": 2}, []),
        (
            {"first": 1, "third": 3},
            ["first: `first` must be even [odd]", "third: `third` must be even [odd]"],
        ),
        ({"second": 12}, ["second: too large [bad-value]"]),
        ({"first": 2, "second": 4}, ["second: too large [bad-value]"]),
    ],
)
def test_all_validators_are_heard(values: dict[str, int], failed: list[str]) -> None:
    """Also those behind the first that fails; each sees the other values, and the defaults of those that are missing."""
    found = failed_validators(Numbers, values)

    assert failed == [f"{key}: {message_of(error)} [{id_of(error)}]" for key, error in found]


@pytest.mark.parametrize(
    ("error", "message", "problem_id"),
    [
        (ValueError("no"), "no", "bad-value"),
        (ValueError("no", object(), 5), "no", "bad-value"),
        (ValueError(), "ValueError", "bad-value"),
        (Refusal("no", "no-unit"), "no", "no-unit"),
        (BadPlaceholderError("no"), "no", "bad-placeholder"),
    ],
)
def test_an_error_becomes_a_problem(error: Exception, message: str, problem_id: str) -> None:
    """With the first thing it says, and its own id where it has one."""
    assert (message, problem_id) == (message_of(error), id_of(error))


HERE = ("server", "half_close")
WORDS = Literal["wait", "abort"]


@pytest.mark.parametrize(
    ("arm", "value", "fault", "expected"),
    [
        pytest.param(float, "x", Fault("wrong-type", HERE, ""), False, id="of another type"),
        pytest.param(float, "5", Fault("no-unit", HERE, ""), True, id="of this type"),
        pytest.param(dict, {}, Fault("wrong-type", (*HERE, "a"), ""), True, id="something in it"),
        pytest.param(WORDS, "wiat", Fault("bad-value", HERE, ""), True, id="nearly a word"),
        pytest.param(WORDS, "5sec", Fault("bad-value", HERE, ""), False, id="no word"),
        pytest.param(WORDS, "auto", Fault("not-available", HERE, ""), True, id="a word to come"),
    ],
)
def test_which_member_of_a_union_was_meant(arm: Any, value: Any, fault: Fault, expected: bool) -> None:
    """Its faults are told; those of the others would mislead."""
    assert expected is is_meant(arm, value, [fault], HERE)

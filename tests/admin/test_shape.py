"""What is sent, held against a schema: the same verdict as a whole implementation, in words for people."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from gatekeeper.admin.shape import KEYWORDS, Shape, faults


SHAPE: Shape = {
    "type": "object",
    "properties": {
        "weight": {"type": "integer", "minimum": 0, "maximum": 10},
        "share": {"type": "number", "minimum": 0},
        "drain": {"type": "boolean"},
        "state": {"type": "string", "enum": ["fit", "out"]},
        "name": {"type": "string", "minLength": 1},
        "word": {"type": "string", "minLength": 3},
        "tags": {"type": "array", "items": {"type": ["string", "null"]}},
        "more": {"type": "object", "additionalProperties": {"type": "integer"}},
        "rest": {"type": "object", "additionalProperties": {}},
        "any": {},
    },
    "required": ["name"],
    "additionalProperties": False,
    "minProperties": 1,
}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        pytest.param({"name": "a"}, [], id="good"),
        pytest.param({"name": "a", "weight": 10, "share": 0, "tags": ["x", None], "any": [{}]}, [], id="all"),
        pytest.param({"name": "a", "weight": 3.0}, [], id="a-whole-number"),
        pytest.param([], ["the body must be an object"], id="no-object"),
        pytest.param(None, ["the body must be an object"], id="null"),
        pytest.param({}, ["`name` is missing", "the body says nothing; there are "], id="empty"),
        pytest.param(
            {"name": "a", "wieght": 1}, ["there is no `wieght`; did you mean `weight`?"], id="mistyped"
        ),
        pytest.param({"name": "a", "zzz": 1}, ["there is no `zzz`; there are `weight`, "], id="unknown"),
        pytest.param({"name": "a", "weight": True}, ["`weight` must be an integer"], id="bool-is-no-number"),
        pytest.param({"name": "a", "drain": 1}, ["`drain` must be a boolean"], id="number-is-no-bool"),
        pytest.param({"name": "a", "drain": "true"}, ["`drain` must be a boolean"], id="text-is-no-bool"),
        pytest.param({"name": "a", "weight": 1.5}, ["`weight` must be an integer"], id="fraction"),
        pytest.param({"name": "a", "weight": "1"}, ["`weight` must be an integer"], id="text"),
        pytest.param({"name": "a", "weight": -1}, ["`weight` must be at least 0 and at most 10"], id="low"),
        pytest.param({"name": "a", "weight": 11}, ["`weight` must be at least 0 and at most 10"], id="high"),
        pytest.param({"name": "a", "share": -0.5}, ["`share` must be at least 0"], id="negative"),
        pytest.param({"name": "a", "state": "on"}, ["`state` must be one of `fit`, `out`"], id="enum"),
        pytest.param({"name": ""}, ["`name` is empty"], id="empty-text"),
        pytest.param({"name": "a", "word": "abc"}, [], id="long-enough"),
        pytest.param({"name": "a", "word": "ab"}, ["`word` is too short"], id="too-short"),
        pytest.param({"name": "a", "rest": {"x": 1, "y": []}}, [], id="whatever"),
        pytest.param({"name": "a", "tags": {}}, ["`tags` must be an array"], id="no-list"),
        pytest.param({"name": "a", "tags": ["x", 1]}, ["`tags[1]` must be a string or null"], id="in-a-list"),
        pytest.param({"name": "a", "more": {"x": "1"}}, ["`more.x` must be an integer"], id="in-a-mapping"),
        pytest.param(
            {"name": 1, "weight": -1, "x": 2},
            ["`name` must be a string", "`weight` must be at least", "there is no `x`"],
            id="all-at-once",
        ),
    ],
)
def test_what_is_wrong_is_said(value: Any, found: list[str]) -> None:
    """All of it, with what to send."""
    said = list(faults(value, SHAPE))

    assert len(found) == len(said)
    assert all(one.startswith(start) for start, one in zip(found, said, strict=True)), said


def test_what_is_missing_further_in() -> None:
    """With its path."""
    shape = {"type": "object", "properties": {"a": {"type": "object", "required": ["b"]}}}

    assert ["`a.b` is missing"] == list(faults({"a": {}}, shape))


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 15)
    | st.floats(-5, 15)
    | st.sampled_from(["", "a", "abc", "abcd", "A", "fit"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*SHAPE["properties"], "other"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES | st.dictionaries(st.sampled_from([*SHAPE["properties"], "other"]), VALUES, max_size=5))
def test_the_verdict_is_that_of_the_standard(value: Any) -> None:
    """JSON Schema 2020-12, as far as it goes here."""
    assert Draft202012Validator(SHAPE).is_valid(value) == (not list(faults(value, SHAPE)))


def test_this_test_uses_what_there_is() -> None:
    """Each keyword that says something about values."""
    used = set(SHAPE) | {key for part in SHAPE["properties"].values() for key in part}

    assert {"description", "examples"} == KEYWORDS - used

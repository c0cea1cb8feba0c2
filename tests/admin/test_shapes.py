"""The schemas themselves."""

from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gatekeeper.admin import shapes
from gatekeeper.admin.shape import KEYWORDS, faults


NAMED = [pytest.param(shape, id=name) for name, shape in shapes.NAMED.items()]
SENT = [
    shapes.NEW_SERVICE,
    shapes.NEW_INSTANCE,
    shapes.NEW_RULE,
    shapes.OVERRIDE,
    shapes.NEW_KEY,
    shapes.ROTATION,
]


def inner(shape: Any) -> Iterator[dict[str, Any]]:
    """A schema and all within it."""
    yield shape
    for part in (
        *shape.get("properties", {}).values(),
        shape.get("items"),
        shape.get("additionalProperties"),
    ):
        if isinstance(part, dict):
            yield from inner(part)


@pytest.mark.parametrize("shape", NAMED)
def test_each_is_a_schema(shape: dict[str, Any]) -> None:
    """As the standard has it, and of words that are understood here."""
    Draft202012Validator.check_schema(shape)
    assert set() == {key for part in inner(shape) for key in part} - KEYWORDS


@pytest.mark.parametrize("shape", SENT)
def test_the_examples_are_good(shape: dict[str, Any]) -> None:
    """Whoever copies one is not refused."""
    assert shape["examples"]
    for example in shape["examples"]:
        assert [] == list(faults(example, shape))


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"state": "fit"}, id="ADM-11-what-is-told-is-not-taken"),
        pytest.param({"weight": 1, "url": "http://evil"}, id="ADM-11-nor-beside-what-is"),
        pytest.param({"weight": -1}, id="negative"),
        pytest.param({"weight": 1.5}, id="fraction"),
        pytest.param({"weight": None}, id="null"),
        pytest.param({"drain": "yes"}, id="text"),
    ],
)
def test_an_override_takes_three_things(body: dict[str, Any]) -> None:
    """No more, and one at least."""
    assert list(faults(body, shapes.OVERRIDE))

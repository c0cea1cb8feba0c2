"""What fields of config classes have in common."""

from typing import Any

import attrs
import pytest

from gatekeeper.config.fields import AtLeast, help_line, is_positive, is_some
from gatekeeper.config.problems import Refusal


@attrs.frozen
class Settings:
    """A time, a count and a size, which may all be off."""

    wait: float | bool = attrs.field(default=1.0, validator=is_positive, metadata=help_line("how long"))
    count: int | bool = attrs.field(default=2, validator=AtLeast(2))
    size: int | bool = attrs.field(default=1, validator=is_some)


@pytest.mark.parametrize(
    "values",
    [{}, {"wait": 0.001}, {"wait": False}, {"count": 9}, {"count": False}, {"size": 5}, {"size": False}],
)
def test_what_is_in_range_is_taken(values: dict[str, Any]) -> None:
    """And so is what is off: the type decides whether it may be."""
    assert Settings(**values) == Settings(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"wait": 0.0}, "`wait` must be longer than 0s"),
        ({"wait": -1.0}, "`wait` must be longer than 0s"),
        ({"count": 1}, "`count` must be 2 or more"),
        ({"count": -1}, "`count` must be 2 or more"),
        ({"size": 0}, "`size` must be more than 0B"),
    ],
)
def test_what_is_out_of_range_is_refused(values: dict[str, Any], message: str) -> None:
    """By the name of the field."""
    with pytest.raises(Refusal) as caught:
        Settings(**values)

    assert message == str(caught.value)


def test_a_line_of_help_is_metadata() -> None:
    """For documentation and schema."""
    assert {"help": "how long"} == attrs.fields(Settings).wait.metadata

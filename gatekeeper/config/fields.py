"""What config classes have in common: a line about each field, what numbers and times must be, and what people note."""

from collections.abc import Mapping
from typing import Any, Final, Literal

import attrs

from gatekeeper.config.problems import Refusal


HIDDEN_SECRET: Final = "***"  # noqa: S105 - what stands for one
"""What is shown of a field with `secret` in its metadata."""


def help_line(text: str) -> dict[str, Any]:
    """Metadata of a field: one line about it, for documentation and schema."""
    return {"help": text}


@attrs.frozen(kw_only=True)
class InfoConfig:
    """What people want to know about it."""

    description: str = attrs.field(default="", metadata=help_line("one line for people"))
    labels: Mapping[str, str] = attrs.field(factory=dict, metadata=help_line("names and values of your own"))


def is_positive(_instance: object, attribute: "attrs.Attribute[Any]", value: float | Literal[False]) -> None:
    """Check a time that cannot be none; `false` is for the type to allow.

    Raises:
        Refusal: it is `0s`.

    """
    if value is not False and value <= 0:
        raise Refusal(f"`{attribute.name}` must be longer than 0s")


def is_some(_instance: object, attribute: "attrs.Attribute[Any]", value: int | Literal[False]) -> None:
    """Check a size that cannot be none; `false` is for the type to allow.

    Raises:
        Refusal: it is `0B`.

    """
    if value is not False and value <= 0:
        raise Refusal(f"`{attribute.name}` must be more than 0B")


@attrs.frozen
class AtLeast:
    """Checks a number that has a least value; `false` and words are for the type to allow."""

    least: int

    def __call__(self, _instance: object, attribute: "attrs.Attribute[Any]", value: int | str) -> None:
        """Check it.

        Raises:
            Refusal: it is less.

        """
        if value is not False and not isinstance(value, str) and value < self.least:
            raise Refusal(f"`{attribute.name}` must be {self.least} or more")

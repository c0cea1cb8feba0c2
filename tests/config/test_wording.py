"""Types and values in the words of messages."""

import enum
from typing import Any, Literal

import attrs
import pytest

from gatekeeper.config.addresses import Url
from gatekeeper.config.units import Duration, File
from gatekeeper.config.wording import describe, expected, keys, number_hint, origin, written
from gatekeeper.core.text import Text


class Colour(enum.Enum):
    RED = "red"


@attrs.frozen
class Rule:
    if_: str = ""
    tail_: str = ""
    made: int = attrs.field(default=1, init=False)


class Parsed:
    @classmethod
    def parse(cls, text: str) -> None: ...


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (str, "text"),
        (int, "a whole number"),
        (float, "a number"),
        (bool, "true or false"),
        (Text, "text"),
        (File, "a file"),
        (Duration, "a time like `5s`"),
        (Url, "an address like `http://host:8080`"),
        (Literal["a", False], "`a` or `false`"),
        (Colour, "`red`"),
        (Parsed, "text"),
        (list[str], "a list"),
        (tuple, "a list"),
        (dict[str, str], "a mapping"),
        (Rule, "a mapping"),
        (int | Literal["a"] | None, "a whole number or `a`"),
    ],
)
def test_a_type_says_what_it_expects(kind: Any, words: str) -> None:
    """With an example, where it has a notation."""
    assert words == expected(kind)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (True, "`true`"),
        (5, "the number 5"),
        (1.5, "the number 1.5"),
        ("x", "the text `x`"),
        ([], "a list"),
        ({}, "a mapping"),
    ],
)
def test_a_value_is_described(value: object, words: str) -> None:
    """As what it is in the file."""
    assert words == describe(value)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("5", "; write 5"),
        ("+5", "; write 5"),
        ("017", "; write 17"),
        ("0o17", "; write 15"),
        ("1_000", "; write 1000"),
        ("1e3", "; write 1000"),
        ("1.5e0", "; write 1.5"),
        (".5", "; write 0.5"),
        ("1.2.3", ""),
        ("12ab", ""),
        (".", ""),
        ("x", ""),
        (True, ""),
    ],
)
def test_what_others_read_as_a_number_is_written_plainly(value: object, hint: str) -> None:
    """CFG-05: the number that was probably meant."""
    assert hint == number_hint(value)


def test_the_keys_of_a_class_are_its_fields() -> None:
    """A keyword of Python has an underscore behind it there, and none in a file."""
    assert list(keys(Rule)) == ["if", "tail_"]


def test_small_words() -> None:
    """A boolean is written in lower case; a type without arguments is its own origin."""
    assert written(True) == "true"
    assert written(5) == "5"
    assert origin(list[str]) is list
    assert origin(int) is int

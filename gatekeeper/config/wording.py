"""Types of values, and values, in the words of messages."""

import enum
import keyword
import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import NoneType, UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

import attrs

from gatekeeper.config.units import UNITS, File
from gatekeeper.core.text import Text


LISTS: Final[Mapping[Any, Callable[[list[Any]], Any]]] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    Sequence: tuple,
    AbstractSet: frozenset,
}
"""The types that are written as a list, and how they are made of one."""


_KEYS: "Final[dict[Any, dict[str, attrs.Attribute[Any]]]]" = {}


def origin(kind: Any) -> Any:
    """What a type is without its arguments: `list` of `list[str]`."""
    return get_origin(kind) or kind


def keys(cls: Any) -> "dict[str, attrs.Attribute[Any]]":
    """The fields of an attrs class by the key that sets them: `if_` is the key `if`, which no field can be called.

    Fields with `hidden` in their metadata are no keys.
    """
    known = _KEYS.get(cls)
    if known is not None:
        return known
    found = {}
    for field in attrs.fields(cls):
        if field.init and not field.metadata.get("hidden"):
            key = field.alias or field.name
            found[key[:-1] if key.endswith("_") and keyword.iskeyword(key[:-1]) else key] = field
    _KEYS[cls] = found
    return found


def whole(cls: Any) -> "attrs.Attribute[Any] | None":
    """The field that is all of a class: what is written in its place is the value of this field."""
    if not attrs.has(cls):
        return None
    return next(
        (field for field in attrs.fields(attrs.resolve_types(cls)) if field.metadata.get("whole")), None
    )


def is_enum(kind: Any) -> bool:
    """Whether the type is an enum."""
    return isinstance(kind, type) and issubclass(kind, enum.Enum)


def is_parsed(kind: Any) -> bool:
    """Whether the type reads its own notation, by a class method `parse`."""
    return isinstance(kind, type) and callable(getattr(kind, "parse", None))


def takes_true(kind: Any) -> bool:
    """Whether `true` is a value of the type that means all defaults: a class of which no key has to be given."""
    return attrs.has(kind) and all(field.default is not attrs.NOTHING for field in keys(kind).values())


def written(value: Any) -> str:
    """The value as a file has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def describe(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, bool):
        return f"`{written(value)}`"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text `{value}`"
    return "a list" if isinstance(value, list) else "a mapping"


def expected(kind: Any) -> str:
    """What a type expects, in words."""
    names = {
        str: "text",
        int: "a whole number",
        float: "a number",
        bool: "true or false",
        Text: "text",
        File: "a file",
    }
    if kind in UNITS:
        return UNITS[kind].written
    if kind in names:
        return names[kind]
    if origin(kind) in {Union, UnionType}:
        return " or ".join(expected(arm) for arm in get_args(kind) if arm is not NoneType)
    if origin(kind) is Literal:
        return " or ".join(f"`{written(choice)}`" for choice in get_args(kind))
    if is_enum(kind):
        return " or ".join(f"`{written(member.value)}`" for member in kind)
    if is_parsed(kind):
        return "text"
    # a class may say how it is mostly written
    return "a list" if origin(kind) in LISTS else str(getattr(kind, "WRITTEN", "a mapping"))


def number_hint(value: Any) -> str:
    """What to write instead of a text that some read as a number: `017`, `1e3`, `1_000`, `0x1F`, "5"."""
    if not isinstance(value, str):
        return ""
    text = value.replace("_", "")
    for base in (10, 0):
        if re.fullmatch(r"[+-]?[0-9][0-9a-fA-Fxob]*", text):
            try:
                return f"; write {int(text, base)}"
            except ValueError:
                continue
    if re.fullmatch(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?", text):
        number = float(text)
        return f"; write {int(number) if number.is_integer() else number}"
    return ""

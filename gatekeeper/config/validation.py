"""What an attrs class has against its values, in full: its validators, and what their errors say."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, get_args

import attrs

from gatekeeper.config.document import BROKEN
from gatekeeper.config.fields import HIDDEN_SECRET
from gatekeeper.config.problems import Fault, Path, nearest
from gatekeeper.config.wording import keys, origin, written


Read = Callable[[Any, Any], Any]
"""Reads a value as one of a type."""


def failed_validators(cls: Any, values: Mapping[str, Any]) -> list[tuple[str, Exception]]:
    """Run the validators of all values, by key, of which attrs runs those before the first that fails."""
    draft = cls.__new__(cls)
    given = {field: values[key] for key, field in keys(cls).items() if key in values}
    for field in attrs.fields(cls):
        default = field.default
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class that is typed as a function
            default = default.factory(draft) if default.takes_self else default.factory()
        object.__setattr__(draft, field.name, given.get(field, default))
    failed: list[tuple[str, Exception]] = []
    for key, field in keys(cls).items():
        if field.validator is not None and key in values:
            try:
                field.validator(draft, field, values[key])
            except (ValueError, TypeError) as error:
                failed.append((key, error))
    return failed


def tell(
    cls: Any, values: Mapping[str, Any], error: Exception, refuse: Callable[..., Any], *, is_whole: bool
) -> Any:
    """Say why a class does not take the values, its validators first, and return BROKEN."""
    faults = failed_validators(cls, values)
    for key, fault in faults:
        refuse(message_of(fault), id_of(fault), key)
    if is_whole and not faults:
        refuse(message_of(error), id_of(error))
    return BROKEN


def is_meant(arm: Any, value: Any, faults: Sequence[Fault], here: Path) -> bool:
    """Whether somebody meant this member of a union, which has found these faults.

    They did if the value had its type, or is nearly one of its words; a text that is none of some words may be anything.
    """
    found = [(fault.id, fault.path) for fault in faults]
    if found == [("wrong-type", here)]:
        return False
    is_none_of_them = origin(arm) is Literal and found == [("bad-value", here)]
    return not is_none_of_them or nearest(str(value), map(written, get_args(arm))) is not None


def unless_shown(
    read: Read, field: "attrs.Attribute[Any]", refuse: Callable[[str], Any], faults: list[Fault]
) -> Read:
    """What reads a field; of a secret it refuses what stands for it where one is shown, and shows no other."""
    if not field.metadata.get("secret"):
        return read
    message = (
        f"`{HIDDEN_SECRET}` stands for what is not shown; write the value, or the `${{...}}` that brings it"
    )

    def hook(value: Any, kind: Any) -> Any:
        if HIDDEN_SECRET in (value if isinstance(value, list) else [value]):
            return refuse(message)
        before = len(faults)
        found = read(value, kind)
        # what has another type may be the secret itself
        faults[before:] = [
            attrs.evolve(fault, message=fault.message.partition(", not ")[0])
            if fault.id == "wrong-type"
            else fault
            for fault in faults[before:]
        ]
        return found

    return hook


def id_of(error: Exception) -> str:
    """The id of the problem that an error is."""
    return str(getattr(error, "id", "bad-value"))


def message_of(error: Exception) -> str:
    """What an error says; the validators of attrs quote names in their own way, and put more behind the message."""
    message = str(error.args[0]) if error.args else type(error).__name__
    return re.sub(r"^'(\w+)' must", r"`\1` must", message)

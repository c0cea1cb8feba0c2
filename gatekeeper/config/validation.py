"""What an attrs class has against its values, in full: its validators, and what their errors say."""

import re
from collections.abc import Mapping
from typing import Any

import attrs

from gatekeeper.config.wording import keys


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


def id_of(error: Exception) -> str:
    """The id of the problem that an error is."""
    return str(getattr(error, "id", "bad-value"))


def message_of(error: Exception) -> str:
    """What an error says; the validators of attrs quote names in their own way, and put more behind the message."""
    message = str(error.args[0]) if error.args else type(error).__name__
    return re.sub(r"^'(\w+)' must", r"`\1` must", message)

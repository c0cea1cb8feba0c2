"""What came into a configuration from outside goes out of it as the `${...}` that brought it."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final


SHORT: Final = 4
"""Characters of a value below which it is told from other text only where it stands alone."""


_REFERENCE: Final = re.compile(r"\$?\$\{[^}]*\}?")


def references(texts: Iterable[str]) -> set[str]:
    """All `${...}` that texts hold."""
    return {found for text in texts for found in _REFERENCE.findall(text) if not found.startswith("$$")}


def redact(shown: Any, outside: Mapping[str, str]) -> Any:
    """Plain data without what came from outside: `outside` has what was put in, with the reference that put it there."""
    longest_first = sorted(outside.items(), key=lambda item: -len(item[0]))
    return _redact(shown, longest_first)


def _redact(value: Any, outside: list[tuple[str, str]]) -> Any:
    if isinstance(value, dict):
        return {key: _redact(item, outside) for key, item in value.items()}
    if isinstance(value, list):
        return [_redact(item, outside) for item in value]
    if not isinstance(value, str):
        return value
    for text, reference in outside:
        if value == text:
            return reference
        if len(text) >= SHORT:
            value = value.replace(text, reference)
    return value

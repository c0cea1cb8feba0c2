"""Checks what is sent against the same JSON Schema that the OpenAPI document shows, with messages for people.

It knows the few keywords that those schemas use, and takes 2 µs a value; a test holds it against a whole implementation.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final


Shape = dict[str, Any]
"""A JSON Schema (2020-12)."""

KEYWORDS: Final = frozenset(
    {
        *("type", "properties", "required", "additionalProperties", "minProperties", "items"),
        *("enum", "minimum", "maximum", "minLength"),
        *("description", "examples"),
    }
)
"""All that is understood; the last two say nothing about values."""

_CLASSES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


def faults(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """What is wrong with a value, each with its path and what to send."""
    name = f"`{path}`" if path else "the body"
    types = shape.get("type", list(_CLASSES))
    types = [types] if isinstance(types, str) else types
    if not any(_is(value, kind) for kind in types):
        yield f"{name} must be {' or '.join(map(_called, types))}"
    elif "enum" in shape and value not in shape["enum"]:
        yield f"{name} must be one of {', '.join(f'`{one}`' for one in shape['enum'])}"
    elif isinstance(value, dict):
        yield from _object_faults(value, shape, path, name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from faults(item, shape.get("items", {}), f"{path}[{index}]")
    elif isinstance(value, str):
        if len(value) < shape.get("minLength", 0):
            yield f"{name} is too short" if value else f"{name} is empty"
    elif not isinstance(value, bool) and value is not None:
        low, high = shape.get("minimum", value), shape.get("maximum", value)
        if not low <= value <= high:
            yield f"{name} must be " + " and ".join(
                f"{words} {shape[key]}"
                for key, words in (("minimum", "at least"), ("maximum", "at most"))
                if key in shape
            )


def _object_faults(value: dict[str, Any], shape: Shape, path: str, name: str) -> Iterator[str]:
    known = shape.get("properties", {})
    for key in shape.get("required", []):
        if key not in value:
            yield f"`{path}.{key}` is missing" if path else f"`{key}` is missing"
    if len(value) < shape.get("minProperties", 0):
        yield f"{name} says nothing; there are {', '.join(f'`{key}`' for key in known)}"
    others = shape.get("additionalProperties", True)
    for key, item in value.items():
        inner = f"{path}.{key}" if path else key
        if key in known:
            yield from faults(item, known[key], inner)
        elif others is False:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean `{near[0]}`?" if near else f"there are {', '.join(f'`{k}`' for k in known)}"
            yield f"there is no `{inner}`; {hint}"
        elif isinstance(others, dict):
            yield from faults(item, others, inner)


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _CLASSES[kind])


def _called(kind: str) -> str:
    article = {"object": "an", "array": "an", "integer": "an", "null": ""}.get(kind, "a")
    return f"{article} {kind}".strip()

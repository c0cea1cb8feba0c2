"""Base64url and JSON, read so strictly that no two readers can disagree about what a token says.

The decoders of the standard library are kind: base64 drops what it does not know and ignores bits that are left over;
JSON takes the last of two members of one name, `NaN`, numbers beyond all bounds, and goes as deep as its stack. Each of
these is a way to have one token mean two things (RFC 8725 section 2.4, RFC 7519 section 4), or to fail instead of to
refuse. So they are turned off here, and whatever is refused is a ValueError.
"""

import binascii
import json
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any, Final


DEEPEST: Final = 32
"""How deep arrays and objects of a document may stand in each other; claims of real issuers stay below 10."""
LONGEST_NUMBER: Final = 64
"""Characters of a number; 128 bits need 40."""

_BRACKET: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
_ESCAPED_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def encode(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: bytes) -> bytes:
    """Read base64url without padding.

    Only the one text that `encode` makes is taken: no padding, no blanks, no letters of the other alphabet, no bits
    that are left over.

    Raises:
        ValueError: it is none.

    """
    try:
        data = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("it is not base64url") from None
    if urlsafe_b64encode(data).rstrip(b"=") != text:
        raise ValueError("it is not canonical base64url without padding")
    return data


def parse_object(data: bytes) -> dict[str, Any]:
    """Read a JSON object.

    It is UTF-8 without a byte order mark; no object in it has two members of one name, no text half of a surrogate
    pair, no number is infinite, not one or longer than `LONGEST_NUMBER`, and nothing is deeper than `DEEPEST`
    (RFC 7493 section 2, but for numbers that a double cannot hold exactly).

    Raises:
        ValueError: it is none. The message holds nothing of it.

    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    if _is_too_deep(text):
        raise ValueError(f"it is nested more than {DEEPEST} deep")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError:
        raise ValueError("it is not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004
    if _ESCAPED_SURROGATE.search(text) is not None:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise ValueError("a text in it holds half of a surrogate pair") from None
    return value


def _is_too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    depth = 0
    for found in _BRACKET.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth > DEEPEST:
                return True
        elif found[0] in "]}":
            depth -= 1
    return False


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) != len(members):
        raise ValueError("an object in it has two members of one name")
    return value


def _integer(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number in it has more than {LONGEST_NUMBER} characters")
    return int(text)


def _float(text: str) -> float:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number in it has more than {LONGEST_NUMBER} characters")
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number in it is too large")
    return value


def _constant(_text: str) -> float:
    raise ValueError("it holds `NaN` or `Infinity`, which is not JSON")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)

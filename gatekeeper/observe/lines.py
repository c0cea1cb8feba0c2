"""How a line of a log looks: JSON for machines, text for a person at a terminal.

Both logs use the same names (`time`, `level`, `logger`, then their own), and a line is a line whatever is in
it: a record that orjson refuses (half a surrogate pair, an object, a number of 70 bits) is repaired, not
lost. Control characters cannot start a second line or move a terminal's cursor.

Costs, best of 15 on Debian's python3.11: `timestamp` 0.2 µs (`datetime.isoformat` 1.1), `redact_query` 0.04
without a query, then 0.15 and 0.2 a parameter, `json_line` 0.8 a record of 25 fields (OPT_NON_STR_KEYS would
add 0.4: foreign keys are repaired instead), `render_text` 4.
"""

from __future__ import annotations

import functools
import re
import time
import urllib.parse
from collections.abc import Collection, Mapping
from typing import Any, Final

import orjson


HIDDEN: Final = "***"
DEPTH_LIMIT: Final = 20  # levels of nesting a repaired record keeps
NAME_LIMIT: Final = 64  # characters of a parameter name worth remembering

_MILLISECONDS = tuple(f".{number:03d}Z" for number in range(1000))
_second: tuple[int, str] = (-1, "")


def timestamp(wall_seconds: float) -> str:
    """Return seconds since 1970 as RFC 3339 in UTC with milliseconds: `2026-11-22T22:17:00.123Z`."""
    # one tuple, so that two threads never see the number of one second with the text of another
    global _second  # noqa: PLW0603 - the process has one clock
    whole = int(wall_seconds)
    second, text = _second
    if whole != second:
        text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))
        _second = (whole, text)
    return text + _MILLISECONDS[int((wall_seconds - whole) * 1000)]


# --- JSON ---

# orjson escapes what JSON demands, which leaves characters that some terminals and line readers act on: C1
# controls (U+009B starts an escape sequence, U+0085 ends a line for Python), line separators U+2028 and U+2029
_LIVE = re.compile(rb"\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]")


def json_line(record: Mapping[str, Any]) -> bytes:
    """Return one line of JSON with its line end; never raises."""
    try:
        line = orjson.dumps(record, as_text, orjson.OPT_APPEND_NEWLINE)
    except TypeError:
        line = orjson.dumps(plain(record), option=orjson.OPT_APPEND_NEWLINE)
    return line if line.isascii() else _LIVE.sub(_escape_live, line)


def as_text(value: object) -> str:
    """Return the text of a value that JSON has no form for; never raises."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - whatever a foreign __str__ does, the line must go out
        return f"<{type(value).__name__}>"


def plain(value: object, depth: int = DEPTH_LIMIT) -> Any:
    """Return a copy that any JSON writer takes: repaired text, text keys, bounded depth, no huge integers."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -(1 << 63) <= value < 1 << 63 else str(value)
    if isinstance(value, str):
        return repaired(value)
    if not depth and isinstance(value, Mapping | list | tuple | set | frozenset):
        return "..."
    if isinstance(value, Mapping):
        return {repaired(as_text(key)): plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item, depth - 1) for item in value]
    return repaired(as_text(value))


def repaired(text: str) -> str:
    """Return text that UTF-8 can hold: surrogates that stand alone become U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escape_live(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match[0].decode())


# --- text ---

_RESET = "\x1b[0m"
_DIM = "\x1b[2m"
_COLOURS = {2: "\x1b[32m", 3: "\x1b[36m", 4: "\x1b[33m", 5: "\x1b[31m"}


def escape(text: str) -> str:
    """Return text that stays in its line and cannot steer a terminal or reorder what it shows."""
    if text.isprintable():
        return text
    return "".join([one if one.isprintable() else one.encode("unicode_escape").decode() for one in text])


def clock(stamp: str) -> str:
    """Return the part of a `timestamp` that a person watching a terminal wants: `22:17:00.123`."""
    return stamp[11:23]


def render_text(record: Mapping[str, Any], *, colour: bool = False) -> str:
    """Return an access record as one readable line, without line end and without the fields that it lacks.

    `22:17:00.123 GET /users/7 200 1.9 ms users -> users 127.0.0.1:9001 00000001`
    """

    def text(name: str) -> str:
        value = record.get(name)
        return "" if value is None else escape(as_text(value))

    status = record.get("status")
    shown_status = text("status")
    paint = _COLOURS.get(status // 100) if colour and isinstance(status, int) else None
    duration = record.get("duration_ms")
    query = text("query")
    target = " ".join(filter(None, (text("service"), text("instance"))))
    stopped_by = text("stopped_by")
    parts = (
        clock(text("time")),
        text("method"),
        f"{text('path')}?{query}" if query else text("path"),
        f"{paint}{shown_status}{_RESET}" if paint else shown_status,
        f"{duration:.1f} ms" if isinstance(duration, int | float) else "",
        f"{text('route')} -> {target}" if target else text("route"),
        f"stopped by {stopped_by}" if stopped_by else "",
        text("error"),
        # the tail of an id is its counter: what tells one line from the next
        f"{_DIM}{text('request_id')[-8:]}{_RESET}" if colour else text("request_id")[-8:],
    )
    return " ".join(filter(None, parts))


# --- redaction ---

# names are compared as lower-case letters and digits: `X-Amz-Security-Token`, `access_token` and `apiKey` alike
_STEMS = re.compile(
    r"token|secret|passw|pwd|passphrase|credential|signature|jwt|authorization|apikey|accesskey|privatekey"
    r"|subscriptionkey|sessionid|sessid",
)
_WORDS = frozenset(
    (
        "key",
        "code",
        "sig",
        "auth",
        "session",
        "sid",
        "pass",
        "pin",
        "otp",
        "ticket",
        "assertion",
        "samlresponse",
        "hmac",
    ),
)
_NOT_NAME = re.compile(r"[^a-z0-9]+")
# what starts another parameter inside one: `;` for old servers, the rest in an address
_NESTED = re.compile(r"([;?#])")
_DECODED = re.compile(r"[&;?#]")


def redact_query(query: str, names: Collection[str] = ()) -> str:
    """Return a query string with `***` for the values of credential-like parameters, and of those of these names.

    Also those behind `;`, and those of an address that is itself a value (`next=/login?code=...`); one whose
    parameters are percent-encoded is hidden whole.
    """
    if "=" not in query:
        return query
    parts = query.split("&")
    for number, part in enumerate(parts):
        name, equals, value = part.partition("=")
        if not equals:
            continue
        if _is_credential(name) or (names and urllib.parse.unquote_plus(name) in names):
            parts[number] = f"{name}={HIDDEN}"
        elif "=" in value or "%3" in value or ";" in name:
            parts[number] = _redact_inside(part)
    return "&".join(parts)


def _redact_inside(part: str) -> str:
    pieces = _NESTED.split(part)
    for number, piece in enumerate(pieces):
        name, equals, _ = piece.partition("=")
        if equals and _is_credential(name):
            pieces[number] = f"{name}={HIDDEN}"
    part = "".join(pieces)
    name, _, value = part.partition("=")
    # one level of decoding only: what a server decodes once can be read here, and the work stays linear
    if "%3" in value and _holds_credential(urllib.parse.unquote_plus(value)):
        return f"{name}={HIDDEN}"
    return part


def _holds_credential(text: str) -> bool:
    names = (piece.partition("=") for piece in _DECODED.split(text))
    return any(equals and _is_credential(name) for name, equals, _ in names)


def _is_credential(name: str) -> bool:
    # names are the client's to invent: remember the short ones only, so that the memory stays small
    return _judge_remembered(name) if len(name) <= NAME_LIMIT else _judge(name)


def _judge(name: str) -> bool:
    decoded = urllib.parse.unquote_plus(name) if "%" in name else name
    word = _NOT_NAME.sub("", decoded.lower())
    return word in _WORDS or _STEMS.search(word) is not None


_judge_remembered = functools.lru_cache(maxsize=1024)(_judge)

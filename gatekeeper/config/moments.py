"""Moments as people write them, with their zone (RFC 3339 section 5.6), and as seconds since 1970."""

import re
from datetime import UTC, datetime
from typing import Final

from gatekeeper.config.problems import Refusal


_LOCAL: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?"
TIME: Final = rf"{_LOCAL}(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})"
"""What a moment looks like."""


def parse_time(text: str) -> float:
    """Return a moment as seconds since 1970.

    Raises:
        Refusal: it has no zone, or is no time (RFC 3339).

    """
    example = 'write it like "2027-01-01T00:00:00Z"'
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise Refusal(f'`{text}` is a day and no moment; write "{text}T00:00:00Z"')
    if not re.fullmatch(TIME, text):
        zone = "has no zone; " if re.fullmatch(_LOCAL, text) else "is no time; "
        raise Refusal(f"`{text}` {zone}{example}")
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError as error:
        raise Refusal(f"`{text}` is no time; {example}") from error


def show_time(seconds: float) -> str:
    """Seconds since 1970 as `parse_time` reads them."""
    text = datetime.fromtimestamp(seconds, UTC).isoformat()
    return text.replace("+00:00", "Z")

"""What both directions of the fuzzing have in common."""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Sequence
from typing import Any, Final

import attrs

from tests.fuzz.memory import Arriving
from tests.wire.messages import Field


BYTEWISE: Final = 1500
"""Bytes beyond which a message is not given byte by byte: it would take longer than a hundred others."""


@attrs.frozen
class Outcome:
    """What has come of one message."""

    kind: str
    """For counting: `refused 400`, `answered 1`, ..."""
    finds: tuple[str, ...] = ()
    """What must not be."""


def alike(field: Field) -> Field:
    """A field as the referees tell it."""
    name, value = field[0].lower(), field[1].strip(b" \t")
    return name, value.lower() if name == b"transfer-encoding" else value


def divisions(raw: bytes, cuts: Sequence[int]) -> list[tuple[str, list[bytes]]]:
    """The ways to divide some bytes, beside leaving them in one piece."""
    found = []
    borders = sorted({position % len(raw) for position in cuts} - {0}) if raw else []
    if borders:
        pieces = [raw[start:end] for start, end in zip([0, *borders], [*borders, len(raw)], strict=True)]
        found.append((f"divided at {borders}", pieces))
    if 1 < len(raw) <= BYTEWISE:
        found.append(("byte by byte", [raw[at : at + 1] for at in range(len(raw))]))
    return found


class _Errors(logging.Handler):
    def __init__(self, found: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._found = found

    def emit(self, record: logging.LogRecord) -> None:
        """Put it down."""
        trace = logging.Formatter().format(record)
        self._found.append(f"in the log: {trace[-1500:]}")


@contextlib.contextmanager
def failures() -> Iterator[list[str]]:
    """Collect what goes wrong beside: errors in the log, and what nobody caught; needs a running loop."""
    found: list[str] = []
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()

    def unhandled(_: object, context: dict[str, Any]) -> None:
        found.append(f"nobody caught {context.get('exception') or context['message']!r}")

    handler = _Errors(found)
    logger = logging.getLogger("gatekeeper")
    loop.set_exception_handler(unhandled)
    logger.addHandler(handler)
    try:
        yield found
    finally:
        logger.removeHandler(handler)
        loop.set_exception_handler(before)


def wrong_with_rest(arriving: Arriving) -> str:
    """What is wrong where the gateway has left a request unfinished."""
    if arriving.rest and not arriving.ended:
        return f"the instance waits for the rest of a request: {arriving.rest[:300]!r}"
    return ""

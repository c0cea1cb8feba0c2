"""Bodies in chunks (RFC 9112 section 7.1), read strictly: what two readers could divide differently is refused.

Extensions and trailers are read and dropped: nothing behind the gateway ever sees them. Both are bounded, and so is what
a sender may spend on framing: 16 KiB and twice the data beyond sixteen bytes a chunk, the measure of Go's reader.
"""

import re
from collections.abc import Callable
from typing import Final

from gatekeeper.core.errors import BadRequest, GatewayError, HeadersTooLarge


LINE_LIMIT: Final = 4096
"""Bytes of the line before a chunk."""
OVERHEAD_LIMIT: Final = 16 * 1024
"""Bytes of framing beyond what the data explains."""
TRAILER_LIMIT: Final = 8 * 1024
"""Bytes of all trailers."""
TRAILER_COUNT: Final = 64

_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_EXTENSION: Final = (
    rb";[ \t]*"
    + _TOKEN
    + rb"(?:[ \t]*=[ \t]*(?:"
    + _TOKEN
    + rb'|"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?'
)
# no blank behind the size: some readers stop there, some do not
_is_size: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:" + _EXTENSION + rb")*\r\n").fullmatch
_plain_size: Final = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n").match
_may_be_size: Final = re.compile(rb"[0-9A-Fa-f]{1,15}(?:;[^\r\n]*)?\r?").fullmatch
_is_trailer: Final = re.compile(_TOKEN + rb":[\t !-~\x80-\xff]*\r\n").fullmatch
_may_be_trailer: Final = re.compile(rb"(?:" + _TOKEN + rb"(?::[\t !-~\x80-\xff]*)?)?\r?").fullmatch

_LINE_END: Final = b"\r\n"
_SIZE: Final = -1
_BEHIND: Final = -2
_TRAILERS: Final = -3


class Chunks:
    """Takes a body apart as it arrives."""

    __slots__ = ("_left", "_line", "_overhead", "_trailer_count", "_trailer_size")

    def __init__(self) -> None:
        self._left = _SIZE  # bytes of the chunk that are still to come, or what comes instead
        self._line = b""  # what has come of a line
        self._overhead = 0
        self._trailer_size = 0
        self._trailer_count = 0

    def feed(self, data: bytes, into: list[bytes]) -> int:
        """Append the pieces of the body; return where it ended in `data`, -1 where it goes on.

        Raises:
            BadRequest: it is malformed.
            HeadersTooLarge: too many trailers, or too large ones.

        """
        position, size = 0, len(data)
        while position < size:
            left = self._left
            if left > 0:
                end = position + left
                if end > size:
                    into.append(data[position:])
                    self._left = end - size
                    return -1
                into.append(data[position:end])
                position = end
                self._left = _BEHIND
                continue
            if left == _SIZE and not self._line and (found := _plain_size(data, position)) is not None:
                # a whole chunk as nearly all are written, four times as fast: there can be very many
                begin = found.end()
                length = int(found[1], 16)
                end = begin + length
                if length and data.startswith(_LINE_END, end):
                    if self._overhead:
                        self._count_framing(begin - position, length)
                    into.append(data[begin:end])
                    position = end + 2
                    continue
            end = data.find(b"\n", position) + 1
            if not end:
                self._line += data[position:]
                self._check_line()
                return -1
            line = self._line + data[position:end] if self._line else data[position:end]
            self._line = b""
            position = end
            if left == _SIZE:
                self._begin(line)
            elif left == _BEHIND:
                if line != b"\r\n":
                    raise BadRequest("the body is malformed", log="a chunk is longer than its size")
                self._left = _SIZE
            elif line == b"\r\n":
                return position
            else:
                self._check_trailer(line, _is_trailer)
                self._trailer_size += len(line)
                self._trailer_count += 1
        return -1

    def _begin(self, line: bytes) -> None:
        found = _is_size(line) if len(line) <= LINE_LIMIT else None
        if found is None:
            raise BadRequest("the body is malformed", log=f"a chunk begins with {line[:40]!r}")
        size = int(found[1], 16)
        self._count_framing(len(line), size)
        self._left = size or _TRAILERS

    def _count_framing(self, line: int, size: int) -> None:
        self._overhead = max(0, self._overhead + line + 2 - 16 - 2 * size)
        if self._overhead > OVERHEAD_LIMIT:
            raise BadRequest("the body is malformed", log="more framing than data between chunks")

    def _check_line(self) -> None:
        """Refuse a line at once that cannot become a good one."""
        line = self._line
        if self._left == _SIZE:
            good = len(line) <= LINE_LIMIT and _may_be_size(line) is not None
        elif self._left == _BEHIND or line == b"\r":
            good = line == b"\r"
        else:
            self._check_trailer(line, _may_be_trailer)
            return
        if not good:
            raise BadRequest("the body is malformed", log=f"a line between chunks begins with {line[:40]!r}")

    def _check_trailer(self, line: bytes, check: Callable[[bytes], object]) -> None:
        """Refuse a trailer, or what has come of one; of what is wrong the first counts, however it was cut."""
        room = TRAILER_LIMIT - self._trailer_size
        if self._trailer_count == TRAILER_COUNT:
            raise _too_large()
        if not (check(line) if len(line) <= room else _may_be_trailer(line[:room])):
            raise BadRequest("the body is malformed", log=f"a trailer begins with {line[:40]!r}")
        if len(line) > room:
            raise _too_large()


def _too_large() -> GatewayError:
    return HeadersTooLarge(log="trailers beyond their limits")

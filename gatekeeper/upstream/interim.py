"""Where an answer begins, and the interim answers that may come before it (RFC 9110 section 15.2).

The parser takes `RTSP/1.0` and `ICE/1.0` for versions of HTTP, and passes over line ends before a status line, so the
bytes of each status line are looked at before it sees them. For that it gets interim answers one by one; an instance
may send as many as it likes, so they are counted and weighed.
"""

from typing import Final

from gatekeeper.core.errors import BadAnswer
from gatekeeper.core.message import Field
from gatekeeper.upstream.fields import ACTIONS, BLANK_LINE, BLANKS, KEPT, REASON, Action
from gatekeeper.upstream.head import connection_options, without


FINAL: Final = frozenset(
    b"HTTP/%b %d" % (version, hundred) for version in (b"1.1", b"1.0") for hundred in range(2, 6)
)
"""The first ten bytes of an answer."""
INTERIM_COUNT: Final = 16
"""Interim answers before one answer."""
INTERIM_SIZE: Final = 64 * 1024
"""Bytes of all of them."""

_INTERIM: Final = frozenset({b"HTTP/1.1 1", b"HTTP/1.0 1"})


class Beginning:
    """Everything before the status line of an answer. Only made where that is not what comes first, and in one piece."""

    __slots__ = ("_count", "_inside", "_size", "_start", "final")

    def __init__(self) -> None:
        self.final = False
        """What was returned last begins with the status line of an answer."""
        self._start = b""  # bytes that may be one
        self._inside: bytes | None = None  # the last bytes of an interim answer that is still coming
        self._count = 0
        self._size = 0

    def cut(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what may be parsed now, no more than one interim answer, and what comes behind it.

        Raises:
            BadAnswer: neither an interim answer nor another begins here, or they are too large.

        """
        if self._inside is None:
            data = self._start + data
            if data[:10] in FINAL:
                self.final = True
                return data, b""
            if data[:10] not in _INTERIM:
                if not any(begin.startswith(data) for begin in FINAL | _INTERIM):
                    raise BadAnswer(log=f"no status line of HTTP/1.1: {data[:20]!r}")
                self._start = data
                return b"", b""
            self._inside = self._start = b""
        end = (self._inside + data).find(BLANK_LINE)
        if end < 0:
            self._inside = (self._inside + data)[-3:]
            size = len(data)
        else:
            size = end + len(BLANK_LINE) - len(self._inside)
            self._inside = None
        self._size += size
        if self._size > INTERIM_SIZE:
            raise BadAnswer(log=f"interim answers of more than {INTERIM_SIZE} bytes")
        return data[:size], data[size:]

    def clean(self, raw: list[Field], reason: bytes) -> list[Field]:
        """Return the fields of the next interim answer that may be passed on.

        Raises:
            BadAnswer: there are too many of them, or the reason has control characters.

        """
        if not REASON.fullmatch(reason):
            raise BadAnswer(log="control characters in the reason phrase")
        self._count += 1
        if self._count > INTERIM_COUNT:
            raise BadAnswer(log=f"more than {INTERIM_COUNT} interim answers")
        fields: list[Field] = []
        nominated: frozenset[bytes] = frozenset()
        for name, value in raw:
            action = ACTIONS[name]
            if action is None:
                fields.append((name, value.rstrip(BLANKS)))
            elif action is Action.CONNECTION:
                nominated |= connection_options(value)
        return without(nominated - KEPT, fields)

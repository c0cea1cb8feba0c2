"""The head of an answer: its fields, and what they say about the body and the connection.

httptools has accepted the head by then, so that its lines are `name:value` with one CRLF each; taking them apart again
with one regular expression costs half of what a call back for each field does. What httptools lets pass and must not
is refused here (RFC 9112): transfer codings other than exactly `chunked`, lengths that are no plain numbers, statuses
beyond 599, control characters in the reason.
"""

import re
from typing import Final

from gatekeeper.core.errors import BadAnswer
from gatekeeper.core.message import REASONS, Field
from gatekeeper.upstream.fields import ACTIONS, CONTENT_LENGTH, KEPT, REASON, Action


HEAD_LIMIT: Final = 64 * 1024
"""Bytes of a head."""
FIELD_LIMIT: Final = 128

_fields = re.compile(rb"([^:\r\n]+):[ \t]*([^\r\n]*)\r\n").findall
_KNOWN_REASONS: Final = frozenset({b"", *REASONS.values()})
_CONTENT_LENGTH, _TRANSFER_ENCODING = Action.CONTENT_LENGTH, Action.TRANSFER_ENCODING
_CONNECTION = Action.CONNECTION


class Head:
    """A head that has been understood; `length` is that of `Content-Length`, None without one."""

    __slots__ = ("chunked", "fields", "keep_alive", "length", "reason", "status")

    def __init__(self, block: bytes, status: int, version: str) -> None:
        """Read the bytes of a head, from its status line to the end of its last field, both with their CRLF.

        Raises:
            BadAnswer: two readers could understand it differently, or it is too large.

        """
        if len(block) > HEAD_LIMIT:
            raise BadAnswer(log=f"a head of more than {HEAD_LIMIT} bytes")
        if not 200 <= status <= 599:
            raise BadAnswer(log=f"status {status}")
        if version not in {"1.1", "1.0"}:
            raise BadAnswer(log=f"version HTTP/{version}")
        line_end = block.index(b"\r\n")
        reason = block[13:line_end]
        if reason not in _KNOWN_REASONS and not REASON.fullmatch(reason):
            raise BadAnswer(log="control characters in the reason phrase")
        found: list[Field] = _fields(block, line_end + 2)
        if len(found) != block.count(b"\r\n") - 1:
            raise BadAnswer(log="a line of the head is no field")
        if len(found) > FIELD_LIMIT:
            raise BadAnswer(log=f"more than {FIELD_LIMIT} header fields")
        if b" \r\n" in block or b"\t\r\n" in block:
            found = [(name, value.rstrip(b" \t")) for name, value in found]
        self.status = status
        self.reason = reason
        self.length: int | None = None
        self.chunked = False
        self.keep_alive = version == "1.1"
        fields: list[Field] = []
        nominated: bytes | None = None
        for field in found:
            action = ACTIONS[field[0]]
            if action is None:
                fields.append(field)
            elif action is _CONTENT_LENGTH:
                self.length = _length(field[1])
            elif action is _TRANSFER_ENCODING:
                if field[1].lower() != b"chunked" or self.chunked:
                    raise BadAnswer(log=f"Transfer-Encoding {field[1]!r}")
                self.chunked = True
            elif action is _CONNECTION:
                nominated = field[1] if nominated is None else nominated + b"," + field[1]
        if self.chunked and (version == "1.0" or self.length is not None):
            raise BadAnswer(log="Transfer-Encoding beside Content-Length or in HTTP/1.0")
        self.fields = fields
        if nominated is not None:
            self._heed_connection(nominated, version)

    def _heed_connection(self, value: bytes, version: str) -> None:
        # RFC 9110 section 7.6.1: "Intermediaries MUST parse a received Connection header field before a message is
        # forwarded and, for each connection-option in this field, remove any header or trailer field(s) from the
        # message with the same name"
        options = {option.strip(b" \t") for option in value.lower().split(b",")}
        if b"close" in options:
            self.keep_alive = False
        elif version == "1.0" and b"keep-alive" in options:
            self.keep_alive = True
        gone = options - KEPT - {b"close", b"keep-alive", b""}
        if gone:
            self.fields = [field for field in self.fields if field[0].lower() not in gone]


def _length(value: bytes) -> int:
    if not CONTENT_LENGTH.fullmatch(value):
        raise BadAnswer(log=f"Content-Length {value!r}")
    return int(value)

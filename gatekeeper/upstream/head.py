"""The head of an answer: its fields, and what they say about the body and the connection.

What httptools lets pass and must not is refused here (RFC 9112): transfer codings other than exactly `chunked`, lengths
that are no plain numbers, versions other than 1.0 and 1.1, statuses beyond 599, control characters in the reason.
"""

from typing import Final

from gatekeeper.core.errors import BadAnswer
from gatekeeper.core.message import REASONS, Field
from gatekeeper.upstream.fields import ACTIONS, BLANKS, CONTENT_LENGTH, KEPT, REASON, Action


HEAD_LIMIT: Final = 64 * 1024
"""Bytes of a head."""
FIELD_LIMIT: Final = 128

_KNOWN_REASONS: Final = frozenset({b"", *REASONS.values()})
_CONTENT_LENGTH, _TRANSFER_ENCODING = Action.CONTENT_LENGTH, Action.TRANSFER_ENCODING
_CONNECTION, _TRAILER = Action.CONNECTION, Action.TRAILER
_NOTHING: Final = frozenset[bytes]()
_OPTIONS: Final = frozenset({b"", b"close", b"keep-alive", b"upgrade"})


class Head:
    """A head that has been understood; `length` is that of `Content-Length`, None without one.

    `nominated` are the names that `Connection` makes fields of the hop, and `announced` is the field `Trailer`.
    """

    __slots__ = ("announced", "chunked", "fields", "keep_alive", "length", "nominated")

    def __init__(self, raw: list[Field], status: int, version: str, reason: bytes) -> None:
        """Read the fields as they came.

        Raises:
            BadAnswer: two readers could understand the head differently, or it has too many fields.

        """
        if not 200 <= status <= 599:
            raise BadAnswer(log=f"status {status}")
        self.keep_alive = version == "1.1"
        if not self.keep_alive and version != "1.0":
            raise BadAnswer(log=f"version HTTP/{version}")
        if reason not in _KNOWN_REASONS and not REASON.fullmatch(reason):
            raise BadAnswer(log="control characters in the reason phrase")
        if len(raw) > FIELD_LIMIT:
            raise BadAnswer(log=f"more than {FIELD_LIMIT} header fields")
        self.length: int | None = None
        self.chunked = False
        self.announced: Field | None = None
        self.nominated: frozenset[bytes] = _NOTHING
        fields: list[Field] = []
        nominated: bytes | None = None
        for name, value in raw:
            action = ACTIONS[name]
            if action is None:
                fields.append((name, value.rstrip(BLANKS)))  # the parser leaves those at the end
            elif action is _CONTENT_LENGTH:
                self.length = _length(value.rstrip(BLANKS))
            elif action is _TRANSFER_ENCODING:
                # the parser passes over blanks behind it, and does not over tabs
                if value.rstrip(b" ").lower() != b"chunked" or self.chunked:
                    raise BadAnswer(log=f"Transfer-Encoding {value!r}")
                self.chunked = True
            elif action is _CONNECTION:
                nominated = value if nominated is None else nominated + b"," + value
            elif action is _TRAILER:
                self.announced = (name, value.rstrip(BLANKS))
        if self.chunked and (version == "1.0" or self.length is not None):
            raise BadAnswer(log="Transfer-Encoding beside Content-Length or in HTTP/1.0")
        self.fields = fields
        if nominated is not None:
            self._heed_connection(nominated, version)

    def _heed_connection(self, value: bytes, version: str) -> None:
        options = connection_options(value)
        if b"close" in options:
            self.keep_alive = False
        elif version == "1.0" and b"keep-alive" in options:
            self.keep_alive = True
        self.nominated = options - _OPTIONS - KEPT
        self.fields = without(self.nominated, self.fields)
        if b"trailer" in self.nominated:
            self.announced = None


def size_of(fields: list[Field]) -> int:
    """Bytes of the fields on the wire."""
    return sum(len(name) + len(value) + 4 for name, value in fields)


def connection_options(value: bytes) -> frozenset[bytes]:
    """The options of a `Connection` field, in lower case."""
    return frozenset(option.strip(BLANKS) for option in value.lower().split(b","))


def without(nominated: frozenset[bytes], fields: list[Field]) -> list[Field]:
    """The fields that `Connection` does not name.

    RFC 9110 section 7.6.1: "Intermediaries MUST parse a received Connection header field before a message is forwarded
    and, for each connection-option in this field, remove any header or trailer field(s) from the message with the same
    name".
    """
    if not nominated:
        return fields
    return [field for field in fields if field[0].lower() not in nominated]


def _length(value: bytes) -> int:
    if not CONTENT_LENGTH.fullmatch(value):
        raise BadAnswer(log=f"Content-Length {value!r}")
    return int(value)

"""The referees: six parsers of five makers, strict and lenient, which must read what the proxy sent in the same way.

Each gets the bytes of one message, as our own strict reader has cut them out, with another request behind it. Whoever
sees another boundary than we do reads something else where that one should be.
"""

import asyncio
import contextlib
import functools
import io
import re
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Final

import attrs
import h11
import httptools
from aiohttp import http_parser
from aiohttp.base_protocol import BaseProtocol

from tests.wire.messages import Field, Message, Reader, WrongError


BEHIND: Final = b"GET /behind HTTP/1.1\r\nHost: behind\r\n\r\n"
_LIMIT: Final = 1 << 20
_MOST: Final = 100
"""Fields beyond which the standard library reads none."""
_KNOWN: Final = frozenset(b"GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT".split())
"""Methods of which llhttp knows all; of others it refuses most, whatever the rest is."""
_IDS: Final = (b"x-request-id", b"traceparent")
_ID: Final = re.compile(rb"[0-9A-Za-z-]{16,}")


@attrs.frozen
class Parsed:
    """What a referee makes of a request: names of fields in lower case, values without blanks around them."""

    method: bytes
    target: bytes
    fields: tuple[Field, ...]
    body: bytes


Referee = Callable[[bytes], list[Parsed]]


def _field(name: bytes, value: bytes) -> Field:
    name, value = name.lower(), value.strip(b" \t")
    # h11 writes the name of the coding in lower case
    return name, value.lower() if name == b"transfer-encoding" else value


def _ours(data: bytes) -> list[Parsed]:
    reader = Reader(answers=False)
    found = reader.feed(data)
    if reader.head is not None or reader.rest:
        raise WrongError(f"bytes that belong to nothing: {reader.rest[:80]!r}")
    return [
        Parsed(one.method, one.target, tuple(_field(*field) for field in one.fields), one.body)
        for one in found
    ]


def _h11(data: bytes) -> list[Parsed]:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=_LIMIT)
    connection.receive_data(data)
    found: list[Parsed] = []
    body = bytearray()
    head: h11.Request | None = None
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None
            fields = tuple(_field(name, value) for name, value in head.headers)
            found.append(Parsed(head.method, head.target, fields, bytes(body)))
            body.clear()
            if connection.our_state is h11.SEND_RESPONSE:
                connection.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
            if connection.their_state is not h11.DONE or connection.our_state is not h11.DONE:
                return found  # the message ends the connection, or changes it
            connection.start_next_cycle()
        elif event is h11.NEED_DATA:
            return found
        else:
            raise WrongError(f"h11 sees {event!r}")


class _Collector:
    """The callbacks of httptools."""

    def __init__(self) -> None:
        self.found: list[Parsed] = []
        self.parser = httptools.HttpRequestParser(self)
        self.on_message_begin()

    def on_message_begin(self) -> None:
        self._target = b""
        self._fields: list[Field] = []
        self._body = b""
        self._in_trailers = False

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_trailers:
            self._fields.append(_field(name, value))

    def on_headers_complete(self) -> None:
        self._in_trailers = True

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.found.append(Parsed(self.parser.get_method(), self._target, tuple(self._fields), self._body))


def _httptools(data: bytes) -> list[Parsed]:
    collector = _Collector()
    with contextlib.suppress(httptools.HttpParserUpgrade):
        collector.parser.feed_data(data)
    return collector.found


def _aiohttp(parser: type) -> Referee:
    def read(data: bytes) -> list[Parsed]:
        loop = asyncio.get_running_loop()
        protocol = BaseProtocol(loop)
        one = parser(
            protocol,
            loop,
            1 << 26,
            max_line_size=_LIMIT,
            max_field_size=_LIMIT,
            max_headers=10_000,
            auto_decompress=False,
        )
        messages, _, _ = one.feed_data(data)
        found = []
        for message, payload in messages:
            if payload.exception() is not None:
                raise payload.exception()
            if not payload.is_eof():
                raise WrongError("aiohttp waits for more of the body")
            fields = tuple(_field(name, value) for name, value in message.raw_headers)
            target = message.path.encode("utf-8", "surrogateescape")
            found.append(Parsed(message.method.encode(), target, fields, payload.read_nowait()))
        return found

    return read


class _Lenient(BaseHTTPRequestHandler):
    """The standard library's: it takes what it can get."""

    def __init__(self, data: bytes) -> None:
        self.rfile = io.BytesIO(data)
        self.client_address = ("", 0)

    def next(self) -> Parsed | None:
        """The next request; None at the end of the bytes."""
        self.raw_requestline = self.rfile.readline()
        if not self.raw_requestline:
            return None
        if not self.parse_request():
            raise WrongError("no request")
        method, target, *_ = self.raw_requestline.split()
        names = ((name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items())
        return Parsed(method, target, tuple(_field(*one) for one in names), self._body())

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", "0")))
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse."""
        raise WrongError(f"{code} {message} {explain}")


def _lenient(data: bytes) -> list[Parsed]:
    reader = _Lenient(data)
    found = []
    while (one := reader.next()) is not None:
        found.append(one)
    return found


REFEREES: Final[Mapping[str, Referee]] = {
    "ours": _ours,
    "h11": _h11,
    "httptools": _httptools,
    "aiohttp in C": _aiohttp(http_parser.HttpRequestParserC),
    "aiohttp in Python": _aiohttp(http_parser.HttpRequestParserPy),
    "the standard library": _lenient,
}


def disagreements(request: Message) -> tuple[str, ...]:
    """What the referees do not agree about; needs a running loop.

    Ids that differ from request to request are made equal before, so that the same message is read once only.
    """
    ids = [value for name in _IDS for value in request.all(name) if _ID.fullmatch(value)]

    def plain(data: bytes) -> bytes:
        for value in ids:
            data = data.replace(value, b"0" * len(value))
        return data

    fields = tuple((name, plain(value)) for name, value in request.fields)
    return _disagreements(attrs.evolve(request, fields=fields, raw=plain(request.raw)))


@functools.lru_cache(maxsize=4096)
def _disagreements(request: Message) -> tuple[str, ...]:
    return compared(request, REFEREES)


def compared(request: Message, referees: Mapping[str, Referee]) -> tuple[str, ...]:
    """What these referees do not agree about."""
    fields = tuple(_field(*field) for field in request.fields)
    expected = [Parsed(request.method, request.target, fields, request.body)]
    changes = b"upgrade" in request.tokens(b"connection") or request.method == b"CONNECT"
    ends = b"close" in request.tokens(b"connection") or request.version != b"HTTP/1.1"
    if not changes and not ends:
        expected.append(Parsed(b"GET", b"/behind", ((b"host", b"behind"),), b""))
    data = request.raw if changes or ends else request.raw + BEHIND
    found = []
    for name, referee in referees.items():
        if referee is _lenient and len(request.fields) > _MOST:
            continue
        if referee is _httptools and request.method not in _KNOWN:
            continue
        try:
            read = referee(data)
        except Exception as error:  # noqa: BLE001 - whatever a parser raises is its verdict
            found.append(f"{name} refuses it: {error!r}")
            continue
        if read != expected:
            found.append(f"{name} reads {_difference(read, expected)}")
    return tuple(found)


def _difference(read: Sequence[Parsed], expected: Sequence[Parsed]) -> str:
    if len(read) != len(expected):
        return f"{len(read)} messages, not {len(expected)}"
    for one, other in zip(read, expected, strict=True):
        for name in ("method", "target", "fields", "body"):
            if getattr(one, name) != getattr(other, name):
                return f"{name} {getattr(one, name)!r:.300}, not {getattr(other, name)!r:.300}"
    return "the same"

"""Parsers of four makers for answers: what clients make of some bytes, with the end of the connection or without."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import attrs
import h11
import httptools
from aiohttp import http_parser
from aiohttp.base_protocol import BaseProtocol

from tests.fuzz.judging import alike
from tests.wire.messages import Field, Reader, WrongError


_LIMIT: Final = 1 << 20
_BODILESS: Final = frozenset({204, 304})


@attrs.frozen
class Read:
    """What a referee makes of the final answer."""

    status: int
    fields: tuple[Field, ...]
    """Without trailers, as far as the referee tells them apart."""
    body: bytes
    whole: bool
    """Whether its end has come."""
    interim: tuple[int, ...] = ()


Referee = Callable[[bytes, str, bool], Read | None]
"""The bytes, the method of the request, and whether the connection has ended behind them; None where no final head has
come. It raises what it likes at what is no HTTP."""


def _ours(data: bytes, method: str, ended: bool) -> Read | None:
    reader = Reader(answers=True, to_head=(0,) if method == "HEAD" else ())
    found = reader.feed(data)
    if (last := reader.end()) is not None:
        found.append(attrs.evolve(last, complete=last.complete and ended))
    interim: list[int] = []
    for one in found:
        fields = tuple(map(alike, one.fields))
        if one.status == 101:
            return Read(101, fields, bytes(reader.tunnel), whole=True, interim=tuple(interim))
        if one.status >= 200:
            return Read(one.status, fields, one.body, one.complete, tuple(interim))
        interim.append(one.status)
    return None


def _h11(data: bytes, method: str, ended: bool) -> Read | None:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LIMIT)
    connection.send(
        h11.Request(
            method=method, target="/", headers=[("Host", "a"), ("Connection", "upgrade"), ("Upgrade", "x")]
        )
    )
    connection.send(h11.EndOfMessage())
    connection.receive_data(data)
    if ended:
        connection.receive_data(b"")
    head: h11.Response | None = None
    body = bytearray()
    interim: list[int] = []
    while True:
        try:
            event = connection.next_event()
        except h11.RemoteProtocolError:
            if head is None or not ended:
                raise
            return Read(head.status_code, _told(head), bytes(body), whole=False, interim=tuple(interim))
        if isinstance(event, h11.InformationalResponse):
            if event.status_code == 101:
                rest, _ = connection.trailing_data
                return Read(101, _told(event), rest, whole=True, interim=tuple(interim))
            interim.append(event.status_code)
        elif isinstance(event, h11.Response):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif event is h11.NEED_DATA or event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
            if head is None:
                return None
            return Read(head.status_code, _told(head), bytes(body), whole=False, interim=tuple(interim))
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None
            return Read(head.status_code, _told(head), bytes(body), whole=True, interim=tuple(interim))


def _told(head: h11.Response | h11.InformationalResponse) -> tuple[Field, ...]:
    return tuple(alike((bytes(name), bytes(value))) for name, value in head.headers)


class _Collector:
    """The callbacks of httptools."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.interim: list[int] = []
        self.status = 0
        self.fields: list[Field] = []
        self.body = b""
        self.whole = False
        self._raw: list[Field] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self._raw.append(alike((name, value)))

    def on_headers_complete(self) -> None:
        status = self.parser.get_status_code()
        raw, self._raw = self._raw, []
        if self.status:
            return
        if 100 <= status < 200 and status != 101:
            self.interim.append(status)
        else:
            self.status, self.fields = status, raw

    def on_body(self, body: bytes) -> None:
        if not self.whole:
            self.body += body

    def on_message_complete(self) -> None:
        if self.status:
            self.whole = True


def _httptools(data: bytes, method: str, ended: bool) -> Read | None:
    if method == "HEAD":
        raise WrongError("it cannot be told about HEAD")
    collector = _Collector()
    rest = b""
    try:
        collector.parser.feed_data(data)
    except httptools.HttpParserUpgrade as stop:
        rest = data[stop.args[0] :]
    except httptools.HttpParserError:
        if not collector.whole:
            raise
    status = collector.status
    if not status:
        return None
    names = {name for name, _ in collector.fields}
    until_end = (
        not names & {b"content-length", b"transfer-encoding"} and status not in _BODILESS and status != 101
    )
    whole = ended if until_end else collector.whole
    body = rest if status == 101 else collector.body
    return Read(status, tuple(collector.fields), body, whole or status == 101, tuple(collector.interim))


def _aiohttp(parser: type) -> Referee:
    def read(data: bytes, method: str, ended: bool) -> Read | None:
        loop = asyncio.get_running_loop()
        one = parser(
            BaseProtocol(loop),
            loop,
            1 << 26,
            max_line_size=_LIMIT,
            max_field_size=_LIMIT,
            max_headers=10_000,
            response_with_body=method != "HEAD",
            read_until_eof=True,
            auto_decompress=False,
        )
        messages, _, rest = one.feed_data(data)
        interim: list[int] = []
        for message, payload in messages:
            fields = tuple(alike(field) for field in message.raw_headers)
            if message.code == 101:
                return Read(101, fields, rest, whole=True, interim=tuple(interim))
            if message.code < 200:
                interim.append(message.code)
                continue
            if ended and not payload.is_eof():
                one.feed_eof()
            whole = payload.is_eof() and payload.exception() is None
            body = b"" if payload.exception() is not None else payload.read_nowait()
            return Read(message.code, fields, body, whole, tuple(interim))
        return None

    return read


REFEREES: Final[Mapping[str, Referee]] = {
    "ours": _ours,
    "h11": _h11,
    "httptools": _httptools,
    "aiohttp in C": _aiohttp(http_parser.HttpResponseParserC),
    "aiohttp in Python": _aiohttp(http_parser.HttpResponseParserPy),
}


def readings(data: bytes, method: str, *, ended: bool) -> Mapping[str, Read | Exception | None]:
    """What each of them makes of it."""
    found: dict[str, Read | Exception | None] = {}
    for name, referee in REFEREES.items():
        try:
            found[name] = referee(data, method, ended)
        except Exception as error:  # noqa: BLE001 - whatever a parser raises is its verdict
            found[name] = error
    return found


def names(fields: Sequence[Field]) -> frozenset[bytes]:
    """The names, in lower case."""
    return frozenset(name for name, _ in fields)

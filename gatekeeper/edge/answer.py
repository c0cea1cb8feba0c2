"""Responses onto the wire: what is complete in one write, everything else pumped with backpressure.

`web.Response` costs as much as all the rest together, so the bytes go to the transport from here.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Final

from gatekeeper.core.body import Body
from gatekeeper.core.errors import AnswerTruncated, ClientGone
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import REASONS, Field, Response
from gatekeeper.core.transport import reset_at_end


if TYPE_CHECKING:
    from gatekeeper.edge.protocol import StrictProtocol

ONE_WRITE: Final = 64 * 1024
"""Bytes up to which a complete body is joined with its head."""

_STATUS_LINES: Final = {status: b"HTTP/1.1 %d %b" % (status, reason) for status, reason in REASONS.items()}
_BODILESS: Final = frozenset({204, 304})
_LAST_CHUNK: Final = b"0\r\n\r\n"
_join_field: Final = b": ".join


class DateField:
    """`Date`, made once a second (RFC 9110 section 6.6.1: added where an answer came without)."""

    __slots__ = ("_line", "_second")

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def line(self, now: float) -> bytes:
        """The field for this wall-clock time."""
        second = int(now)
        if second != self._second:
            self._second = second
            self._line = time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT", time.gmtime(second)).encode()
        return self._line


def serialise(
    response: Response, exchange: Exchange, *, close: bool, date: bytes
) -> tuple[bytes, bool, bool]:
    """Return the head, whether the body goes out in chunks, and whether the connection must end with it."""
    status = response.status
    request = exchange.request
    reason = response.reason
    line = _STATUS_LINES.get(status) if reason is None else None
    if line is None:
        line = b"HTTP/1.1 %d %b" % (status, reason or b"")
    lines = [line, *map(_join_field, response.headers.fields), b"x-request-id: " + exchange.id.encode()]
    if response.headers.get(b"date") is None:
        lines.append(date)
    body = response.body
    length = body.length
    chunked = False
    if request.method == "HEAD" or status in _BODILESS:
        if length is not None and status != 204 and (length or status != 304):
            lines.append(b"Content-Length: %d" % length)
    elif length is not None and not (body.chunked and request.version == "1.1"):
        lines.append(b"Content-Length: %d" % length)
    elif request.version == "1.1":
        chunked = True
        lines.append(b"Transfer-Encoding: chunked")
    else:
        close = True
    if close:
        lines.append(b"Connection: close")
    elif request.version == "1.0":
        lines.append(b"Connection: keep-alive")
    lines.append(b"\r\n")
    return b"\r\n".join(lines), chunked, close


async def send(
    response: Response, exchange: Exchange, protocol: "StrictProtocol", *, close: bool, date: bytes
) -> bool:
    """Write the response; whether the connection may take another request.

    Raises:
        ClientGone: the client went away, or stopped reading for too long.
        AnswerTruncated: the body broke off after the head was out; the connection has been cut.

    """
    transport = protocol.transport
    if transport is None:
        raise ClientGone
    body = response.body
    head, chunked, close = serialise(response, exchange, close=close, date=date)
    data = body.data
    if data is not None or exchange.request.method == "HEAD" or response.status in _BODILESS:
        if data is None:
            body.abort()
            data = b""
        elif exchange.request.method == "HEAD" or response.status in _BODILESS:
            data = b""
        exchange.bytes_out = len(data)
        if chunked:
            chunk = b"%x\r\n%b\r\n" % (len(data), data) if data else b""
            transport.write(head + chunk + _last_chunk(body))
        elif len(data) <= ONE_WRITE:
            transport.write(head + data if data else head)
        else:
            transport.write(head)
            transport.write(data)
        if protocol.writing_paused:
            await _drain(protocol)
    else:
        transport.write(head)
        await _pump(body, exchange, protocol, transport, chunked=chunked)
    return not close


async def _pump(
    body: Body,
    exchange: Exchange,
    protocol: "StrictProtocol",
    transport: asyncio.Transport,
    *,
    chunked: bool,
) -> None:
    expected = body.length
    sent = 0
    exchange.hang_up = protocol.abort
    try:
        while chunk := await body.next():
            sent += len(chunk)
            if expected is not None and sent > expected:
                raise AnswerTruncated(log=f"a body of more than the {expected} bytes that it announced")
            if protocol.transport is None:
                raise ClientGone
            transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
            exchange.bytes_out = sent
            if protocol.writing_paused:
                await _drain(protocol)
        if expected is not None and sent != expected:
            raise AnswerTruncated(log=f"a body of {sent} bytes that had announced {expected}")
    except BaseException:
        body.abort()
        # what is incomplete must be seen to be: no final chunk, and no clean end of the connection
        if expected is None and not chunked:
            reset_at_end(transport)
        transport.abort()
        raise
    if chunked:
        transport.write(_last_chunk(body))


def _last_chunk(body: Body) -> bytes:
    """The end of a body, with the fields that stand behind it."""
    if not body.trailers:
        return _LAST_CHUNK
    return b"0\r\n%b\r\n\r\n" % b"\r\n".join(map(_join_field, body.trailers))


def interim(status: int, fields: list[Field]) -> bytes:
    """An interim answer (RFC 9110 section 15.2)."""
    line = _STATUS_LINES.get(status) or b"HTTP/1.1 %d " % status
    return b"\r\n".join([line, *map(_join_field, fields), b"\r\n"])


async def switch(
    response: Response, exchange: Exchange, protocol: "StrictProtocol", lifetime: float | None
) -> None:
    """Answer 101, and let the two connections speak to each other until both have ended.

    Raises:
        ClientGone: the client has gone before.

    """
    transport, tunnel = protocol.transport, response.tunnel
    assert tunnel is not None
    if transport is None:
        tunnel.abort()
        raise ClientGone
    lines = [
        _STATUS_LINES[101],
        b"Connection: upgrade",
        *map(_join_field, response.headers.fields),
        b"x-request-id: " + exchange.id.encode(),
        b"\r\n",
    ]
    transport.write(b"\r\n".join(lines))
    protocol.switch(tunnel, lifetime)
    try:
        await asyncio.shield(tunnel.closed)
    except asyncio.CancelledError:
        # the connection of the client has ended; the instance still gets what was written to it
        tunnel.close()
        await asyncio.shield(tunnel.closed)
        raise
    finally:
        if tunnel.client is not None:
            exchange.bytes_in = tunnel.client.bytes_in
        exchange.bytes_out = tunnel.instance.bytes_in


async def _drain(protocol: "StrictProtocol") -> None:
    """Wait until the client has read on; one that does not for too long is gone."""
    edge = protocol.edge
    timer = edge.wheel.add(edge.settings.timeouts.write, protocol.abort)
    edge.connected.blocked[protocol] = edge.wheel.now
    try:
        await protocol._drain_helper()
    except ConnectionError as error:
        raise ClientGone from error
    finally:
        timer.cancel()
        del edge.connected.blocked[protocol]

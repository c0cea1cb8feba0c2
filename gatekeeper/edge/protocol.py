"""aiohttp's RequestHandler, made strict.

What this closes (each has a test on the wire, on both event loops):

- a trailer of a chunked request becomes the first header of the next request on the connection: the parser is given
  one message at a time, and is replaced after every chunked one;
- good requests before a bad one in the same segment are lost: as above, each head is fed alone;
- a bad chunk in a later segment than the head never reaches whoever reads the body;
- there is no limit on the time for a head, on its whole size, and none on silence in a body;
- error pages show the server's version and the client's bytes.

It overrides and reads names that aiohttp does not promise; `tests/edge/test_contract.py` lists each of them.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from aiohttp.http_parser import HttpRequestParser
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader
from aiohttp.web_protocol import RequestPayloadError, _ErrInfo

from gatekeeper.core.clock import Timer
from gatekeeper.core.errors import BadRequest, GatewayError, HeadersTooLarge, RequestTimeout, UriTooLong
from gatekeeper.edge.forwarded import Address, Network, is_trusted


if TYPE_CHECKING:
    from gatekeeper.edge.listener import Listener
    from gatekeeper.edge.server import EdgeServer

LINE_LIMIT: Final = 8190
"""Bytes of a request target."""
FIELD_LIMIT: Final = 8192
"""Bytes of one header field; not equal to LINE_LIMIT, because the parser's error tells only the limit that was met."""
FIELD_COUNT: Final = 100
HEAD_LIMIT: Final = 64 * 1024
"""Bytes of a whole head."""
BLANK_LIMIT: Final = 256
"""Bytes of blank lines before a head; each is fed alone."""
LINGER: Final = 2.0
"""Seconds that what is unwanted is read away before its connection is closed."""
LINGER_LIMIT: Final = 256 * 1024
"""Bytes that are read away behind a refusal."""
READ_BUFFER: Final = 128 * 1024

log = logging.getLogger(__name__)

_BLANK: Final = b"\r\n\r\n"
_EXPECTING_HEAD: Final = -1
_IN_CHUNKS: Final = -2
_REFUSED: Final = -3
_IN_TRAILERS: Final = -1


class BodyBroken(BadRequest):
    """The body's framing is broken."""


class StrictProtocol(web.RequestHandler):
    """One client connection."""

    __slots__ = (
        "_backlog",
        "_chunk_left",
        "_chunk_line",
        "_head_size",
        "_head_timer",
        "_left",
        "_linger",
        "_linger_left",
        "_payload",
        "_seen",
        "accepted_by",
        "edge",
        "forwarded",
        "listener",
        "peer",
        "scheme",
        "trusted",
    )

    accepted_by: "Listener"  # as soon as it serves one

    def __init__(self, edge: "EdgeServer", listener: str, **options: Any) -> None:
        super().__init__(
            edge,
            access_log=None,  # type: ignore[arg-type]  # its own check is for truth
            auto_decompress=False,
            max_line_size=LINE_LIMIT,
            max_field_size=FIELD_LIMIT,
            max_headers=FIELD_COUNT,
            read_bufsize=READ_BUFFER,
            **options,
        )
        self.edge = edge
        self.listener = listener
        self.peer = ""
        self.scheme = "http"
        self.trusted = False
        self.forwarded: list[tuple[bytes, bytes]] = []
        """The forwarding fields that every request of a client who is not trusted gets."""
        self._left = _EXPECTING_HEAD  # or what a body of known length still has, or one of the above
        self._payload: StreamReader | None = None
        self._backlog = b""  # what may be fed only once the reader of a body has caught up
        self._seen = b""  # the last bytes fed of a head: its blank line can be cut anywhere
        self._chunk_left = 0  # bytes until the next line of a chunked body, or _IN_TRAILERS
        self._chunk_line = b""  # what has come of that line
        self._head_size = 0
        self._head_timer: Timer | None = None
        self._linger: asyncio.Future[None] | None = None
        self._linger_left = LINGER_LIMIT

    # ---- the connection -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember who it is, once for all its requests."""
        super().connection_made(transport)
        self.edge.introduce(self, transport)

    def meet(self, address: Address | None, scheme: str, networks: Sequence[Network]) -> None:
        """Settle who the peer is, and what its requests are given; `networks` are those of trusted proxies."""
        self.peer = str(address) if address is not None else ""
        self.scheme = scheme
        self.trusted = bool(networks) and address is not None and is_trusted(address, networks)
        self.forwarded = [(b"X-Forwarded-For", self.peer.encode()), (b"X-Forwarded-Proto", scheme.encode())]

    async def start(self) -> None:
        """Serve the connection's requests, one after the other, in this one task.

        aiohttp's own makes a task, a request and a writer for each of them (3 µs), and has its say about the answer.
        """
        messages = self._messages
        try:
            while not (self._close or self._force_close):
                if not messages:
                    self._waiter = self._loop.create_future()
                    try:
                        await self._waiter
                    finally:
                        self._waiter = None
                message, payload = messages.popleft()
                if self._parser is not None:
                    self._parser.message_consumed()
                if self._buffer_paused and len(messages) <= self._msg_queue_resume_size:
                    self._resume_reading_if_drained()
                if isinstance(message, _ErrInfo):
                    await self.edge.refuse(self, as_error(message))
                    await self._linger_on()
                    break
                if not await self.edge.handle(message, payload, self):
                    if not payload.is_eof():
                        await self._linger_on()
                    break
                self._become_idle()
        except asyncio.CancelledError:
            pass  # the client is gone, or the gateway
        except Exception:
            log.exception("a connection failed")
        finally:
            self.force_close()

    def _become_idle(self) -> None:
        close_time = self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None:
            self._keepalive_handle = self._loop.call_at(close_time, self._process_keepalive)

    def force_close(self) -> None:
        """Close once everything is sent; a client that does not read it in time is cut off."""
        transport = self.transport
        super().force_close()
        if transport is not None and transport.get_write_buffer_size():
            self.edge.wheel.add(self.edge.timeouts.write, transport.abort)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the timer."""
        self._stop_head_timer()
        super().connection_lost(exc)

    # ---- bytes ----------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Feed the parser one message at a time, and only while somebody keeps up with what comes out of it."""
        if not data:
            # aiohttp itself calls this when reading may go on
            self._feed(b"")
            data, self._backlog = self._backlog, b""
        elif self._backlog:
            self._backlog += data
            return
        while data:
            if self._force_close or self._close or self._left == _REFUSED:
                self._throw_away(data)
                return
            if self._reading_paused or len(self._messages) >= self._max_msg_queue_size:
                self._backlog = data
                return
            if self._left == _EXPECTING_HEAD:
                data = self._feed_head(data)
            elif self._left == _IN_CHUNKS:
                data = self._feed_chunks(data)
            else:
                data = self._feed_length(data)

    def _feed(self, piece: bytes) -> None:
        """Let the parser have bytes that hold the end of one message at most."""
        count = self._request_count
        super().data_received(piece)
        if self._upgraded:
            # declined: what follows is another request
            self._upgraded = False
            if self._parser is not None:
                self._parser.set_upgraded(False)
        if self._left != _IN_CHUNKS or self._payload is None:
            return
        if self._request_count != count:
            # aiohttp queues the error behind the request whose body it is: whoever reads that body waits for ever
            self._messages.pop()
            self._break_body("malformed chunk")
        elif self._payload.is_eof():
            self._left = _EXPECTING_HEAD
            self._payload = None
            self._replace_parser()

    def _feed_head(self, data: bytes) -> bytes:
        end = self._find_blank(data)
        piece = data if end == len(data) else data[:end]
        count = self._request_count
        self._feed(piece)
        if self._request_count == count:
            # no head yet; a lone blank line before a request is allowed and counts as part of it
            self._head_size += len(piece)
            if self._head_size > HEAD_LIMIT:
                self._refuse(HeadersTooLarge())
                return b""
            if not self._seen and self._head_size > BLANK_LIMIT:
                self._refuse(BadRequest(log="nothing but blank lines"))
                return b""
            if self._head_timer is None:
                self._head_timer = self.edge.wheel.add(self.edge.timeouts.head, self._head_timed_out)
                if self._keepalive_handle is not None:
                    # no longer idle; aiohttp sets it again behind the answer
                    self._keepalive_handle.cancel()
                    self._keepalive_handle = None
            return data[end:]
        size, self._head_size = self._head_size + len(piece), 0
        self._seen = b""
        if self._head_timer is not None:
            self._stop_head_timer()
        message, payload = self._messages[-1]
        if isinstance(message, _ErrInfo):
            # nothing behind a bad head can be trusted
            self._left = _REFUSED
            return b""
        if size > HEAD_LIMIT:
            self._messages.pop()
            self._refuse(HeadersTooLarge())
            return b""
        if not payload.is_eof():
            self._payload = payload
            self._left = _IN_CHUNKS if message.chunked else int(message.headers["Content-Length"])
            self._chunk_left = 0
            self._chunk_line = b""
        return data[end:] if end != len(data) else b""

    def _feed_length(self, data: bytes) -> bytes:
        left = self._left
        if len(data) < left:
            self._left = left - len(data)
            self._feed(data)
            return b""
        self._left = _EXPECTING_HEAD
        self._feed(data if len(data) == left else data[:left])
        return data[left:]

    def _feed_chunks(self, data: bytes) -> bytes:
        end = self._find_last_chunk(data)
        if len(self._chunk_line) > FIELD_LIMIT:
            self._break_body("a line of more than the limit between two chunks")
            return b""
        self._feed(data if end == len(data) else data[:end])
        return data[end:]

    def _break_body(self, why: str) -> None:
        assert self._payload is not None
        self._payload.set_exception(BodyBroken(log=why))
        self._close = True

    def _replace_parser(self) -> None:
        """Forget the last trailer: the C parser keeps it and gives it to the next message."""
        self._parser = HttpRequestParser(
            self,
            self._loop,
            READ_BUFFER,
            max_line_size=LINE_LIMIT,
            max_field_size=FIELD_LIMIT,
            max_headers=FIELD_COUNT,
            payload_exception=RequestPayloadError,
            auto_decompress=False,
            max_msg_queue_size=self._max_msg_queue_size,
        )

    def _find_last_chunk(self, data: bytes) -> int:
        """Where a chunked body ends, the whole length if it goes on. What is malformed the parser will refuse."""
        position, size = 0, len(data)
        while True:
            if self._chunk_left > 0:
                if self._chunk_left >= size - position:
                    self._chunk_left -= size - position
                    return size
                position += self._chunk_left
                self._chunk_left = 0
            end = data.find(b"\n", position)
            if end < 0:
                self._chunk_line += data[position:]
                return size
            line = self._chunk_line + data[position:end]
            if len(line) > FIELD_LIMIT:
                self._chunk_line = line
                return size
            self._chunk_line = b""
            position = end + 1
            if self._chunk_left == _IN_TRAILERS:
                if line in {b"\r", b""}:
                    return position
                continue
            try:
                length = int(line.partition(b";")[0], 16)
            except ValueError:
                return size
            self._chunk_left = length + 2 if length else _IN_TRAILERS

    def _find_blank(self, data: bytes) -> int:
        """Where the first blank line ends, which may have begun in an earlier segment; the whole length if nowhere."""
        seen = self._seen
        if seen:
            start = (seen + data[:3]).find(_BLANK)
            if start >= 0:
                self._seen = b""
                return start + 4 - len(seen)
        start = data.find(_BLANK)
        if start >= 0:
            self._seen = b""
            return start + 4
        self._seen = (seen + data)[-3:]
        return len(data)

    # ---- refusals -------------------------------------------------------------------------------------------------

    def _head_timed_out(self) -> None:
        self._head_timer = None
        self._refuse(RequestTimeout(log="the head did not arrive in time"))

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, error: GatewayError) -> None:
        """End the connection with an error, behind the answers that are still to be given."""
        self._stop_head_timer()
        self._left = _REFUSED
        self._request_count += 1
        self._messages.append((_ErrInfo(error.status, error, ""), EMPTY_PAYLOAD))
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _linger_on(self) -> None:
        """Half-close, and read on for a moment: to close over unread bytes resets the connection and loses the answer."""
        transport = self.transport
        if transport is None or not transport.can_write_eof():
            return
        self._close = True
        if self._reading_paused or self._buffer_paused:
            self._resume_transport_reading()
        transport.write_eof()
        linger = self._linger = self._loop.create_future()
        timer = self.edge.wheel.add(LINGER, self._stop_lingering)
        try:
            await linger
        finally:
            timer.cancel()

    def _throw_away(self, data: bytes) -> None:
        self._linger_left -= len(data)
        if self._linger_left < 0:
            self._stop_lingering()

    def _stop_lingering(self) -> None:
        if self._linger is not None and not self._linger.done():
            self._linger.set_result(None)

    def cut(self) -> "asyncio.Task[None] | None":
        """End the connection and whatever it is doing; returns the task that does it."""
        task = self._task_handler
        if task is not None:
            task.cancel()
        self.abort()
        return task

    def abort(self) -> None:
        """Cut the connection; what was not sent is dropped."""
        if self.transport is not None:
            self.transport.abort()


def as_error(info: _ErrInfo) -> GatewayError:
    """What a head is refused with that could not be parsed."""
    error = info.exc
    if isinstance(error, GatewayError):
        return error
    if isinstance(error, LineTooLong):
        return UriTooLong() if str(error.args[1]) == str(LINE_LIMIT) else HeadersTooLarge()
    if "Too many headers" in info.message:
        return HeadersTooLarge()
    return BadRequest(log=info.message)

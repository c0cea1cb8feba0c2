"""One client connection: aiohttp's RequestHandler with a reading of requests that is strict, and ours.

What comes in is taken apart one message at a time (`incoming.py`): a head (`head.py`), the body that its framing announces
(`chunks.py`, `body.py`), and only when that request is answered the next head; what arrives before waits as bytes. So requests
are answered in order, a bad one behind good ones costs them nothing, and a thousand requests in one segment cost no more
than the segment.

aiohttp's own parser and queue are not used: in 3.14.5 the last trailer of a message becomes the first field of the next
one, a bad chunk in a later segment hangs whoever reads the body, good requests before a bad one in the same segment are
lost, and heads are limited neither in size nor in time. Reading them here also costs 8 µs less for a GET and 20 µs less
for a small POST.

It uses names that aiohttp does not promise; `tests/edge/test_contract.py` lists each of them.
"""

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from aiohttp import web

from gatekeeper.core.clock import Timer
from gatekeeper.core.errors import ClientGone, GatewayError, RequestTimeout
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Field
from gatekeeper.core.transport import cut, unsent
from gatekeeper.core.tunnel import End, Tunnel
from gatekeeper.edge.answer import interim
from gatekeeper.edge.incoming import BODY, DEAF, HEAD, Incoming


if TYPE_CHECKING:
    from gatekeeper.edge.listener import Listener
    from gatekeeper.edge.peer import Peer
    from gatekeeper.edge.proxied import Told
    from gatekeeper.edge.server import EdgeServer

LINGER: Final = 2.0
"""Seconds that what is unwanted is read away before its connection is closed."""
LINGER_LIMIT: Final = 256 * 1024
"""Bytes that are read away behind a refusal."""
log = logging.getLogger(__name__)

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_TURNED_AWAY: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
)


class StrictProtocol(web.RequestHandler):
    """One client connection."""

    __slots__ = (
        "_end",
        "_eof",
        "_half_close_timer",
        "_head_timer",
        "_idle_since",
        "_idle_timer",
        "_incoming",
        "_linger",
        "_linger_left",
        "_next",
        "_paused_reading",
        "_tunnel",
        "_wake",
        "accepted_by",
        "edge",
        "last",
        "peer",
        "told",
    )

    peer: "Peer"  # as soon as it is connected
    accepted_by: "Listener"  # as soon as it serves one

    def __init__(self, edge: "EdgeServer", loop: asyncio.AbstractEventLoop) -> None:
        # no time between requests: aiohttp would start a timer for it on each connection, and ours is cheaper
        super().__init__(edge, loop=loop, keepalive_timeout=0, access_log=None)  # type: ignore[arg-type]
        self._parser = None
        self.edge = edge
        self.told: Told | None = None
        """What a proxy has said of its client, before the connection was served."""
        self.last = False
        """Whether the request that is answered now is the last one."""
        self._incoming = Incoming(self)
        self._next: tuple[Exchange, GatewayError | None] | None = None  # read, and not taken by the task yet
        self._wake: asyncio.Future[None] | None = None  # of the task, while there is nothing to do
        self._paused_reading = False
        self._idle_since = edge.wheel.now
        self._idle_timer: Timer | None = None
        self._head_timer: Timer | None = None
        self._half_close_timer: asyncio.TimerHandle | None = None
        self._eof = False
        self._end: End | None = None
        self._tunnel: Tunnel | None = None
        self._linger: asyncio.Future[None] | None = None
        self._linger_left = LINGER_LIMIT

    # ---- the connection -------------------------------------------------------------------------------------------

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that serves it."""
        return self._loop

    @property
    def is_idle(self) -> bool:
        """Whether no part of a request is here."""
        return self._wake is not None and not self._incoming.head.begun

    @property
    def idle_since(self) -> float | None:
        """The time of the wheel since when that is so; None where it is not."""
        return self._idle_since if self.is_idle else None

    @property
    def has_asked(self) -> bool:
        """Whether it has ever sent a request."""
        return self._incoming.requests > 0

    @property
    def is_waiting(self) -> bool:
        """Whether it has nothing to answer."""
        return self._wake is not None

    @property
    def is_receiving(self) -> bool:
        """Whether a part of the request is still to come, or what follows it cannot be understood."""
        return self._incoming.state in {BODY, DEAF}

    @property
    def has_begun_head(self) -> bool:
        """Whether a part of a request's head has come, and not all of it."""
        return self._head_timer is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember who it is, once for all its requests; where there are too many, turn it away."""
        super().connection_made(transport)
        if self.edge.admit(self, transport):
            self._idle_timer = self.edge.wheel.add(self.edge.settings.timeouts.idle, self._check_idle)
            return
        self._incoming.stop()
        assert self.transport is not None
        self.transport.write(_TURNED_AWAY)
        if not self.edge.connected.may_linger(self):
            self.transport.close()
            return
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._idle_timer = self.edge.wheel.add(LINGER, self.abort)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End what goes on; aiohttp cancels the task."""
        for timer in (self._idle_timer, self._head_timer, self._half_close_timer):
            if timer is not None:
                timer.cancel()
        self._idle_timer = self._head_timer = self._half_close_timer = None
        self._incoming.stop(ClientGone(log="the client went away inside its body"))
        end, self._end = self._end, None
        super().connection_lost(exc)
        if end is not None:
            end.lost()
        self.edge.dismiss(self)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Nothing more will come; True keeps the connection open for the answer to what has."""
        if self._end is not None:
            return self._end.eof()
        self._eof = True
        if self._incoming.state == BODY or self._wake is not None or self._linger is not None:
            return False
        # TLS knows no half-closed connections
        return self.transport is not None and self.transport.can_write_eof() and self._wait_half_closed()

    def _wait_half_closed(self) -> bool:
        """Give a client that has sent all it wants to some time; one that has closed looks the same (RFC 9112 9.6)."""
        patience = self.edge.settings.half_close
        if patience is None:
            return True
        if not patience:
            return False
        if self._half_close_timer is not None:
            self._half_close_timer.cancel()
        self._half_close_timer = self._loop.call_later(patience, self.abort)
        return True

    async def start(self) -> None:
        """Serve the connection's requests, one after the other, in this one task.

        aiohttp's own makes a task, a request and a writer for each of them (3 µs), and has its say about the answer.
        """
        edge = self.edge
        try:
            while True:
                if self._next is None:
                    if self._eof:
                        break
                    self._wake = self._loop.create_future()
                    try:
                        await self._wake
                    finally:
                        self._wake = None
                exchange, error = self._next  # type: ignore[misc]  # whoever wakes us has set it
                self._next = None
                if not await edge.handle(exchange, error, self):
                    if self.is_receiving or self._incoming.waits:
                        await self._linger_on()
                    break
                self._go_on()
        except asyncio.CancelledError:
            pass  # the client is gone, or the gateway
        except Exception:
            log.exception("a connection failed")
        finally:
            self.force_close()

    def _go_on(self) -> None:
        """The request is answered: read the next one."""
        self._idle_since = self.edge.wheel.now
        if self._half_close_timer is not None:
            self._wait_half_closed()
        incoming = self._incoming
        incoming.go_on()
        if self._paused_reading and incoming.state == HEAD:
            self.resume_client()

    def reset_idle(self) -> None:
        """Be idle from now on, with the time that is set now."""
        self._idle_since = self.edge.wheel.now
        self._incoming.head.limits = self.edge.settings.limits
        if self._idle_timer is not None and self._incoming.state != DEAF:
            self._idle_timer.cancel()
            self._idle_timer = self.edge.wheel.add(self.edge.settings.timeouts.idle, self._check_idle)

    def _check_idle(self) -> None:
        wheel, limit = self.edge.wheel, self.edge.settings.timeouts.idle
        silent = wheel.now - self._idle_since if self.is_idle else 0.0
        if silent >= limit:
            self._idle_timer = None
            self.force_close()
        else:
            self._idle_timer = wheel.add(limit - silent, self._check_idle)

    def force_close(self) -> None:
        """Close once everything is sent; a client that does not read it in time is cut off."""
        transport = self.transport
        if transport is None:
            return
        self._incoming.stop()
        transport.close()
        if unsent(transport):
            self.edge.wheel.add(self.edge.settings.timeouts.write, partial(cut, transport))

    def cut(self) -> "asyncio.Task[None] | None":
        """End the connection and whatever it is doing; returns the task that does it."""
        task = self._task_handler
        if task is not None:
            task.cancel()
        if self._tunnel is not None:
            self._tunnel.abort()
        self.abort()
        return task

    def abort(self) -> None:
        """Cut the connection; what was not sent is dropped."""
        if self.transport is not None:
            cut(self.transport)

    # ---- bytes ----------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Give bytes to what they belong to."""
        if self._end is not None:
            self._end.received(data)
        elif self._incoming.state != DEAF:
            self._incoming.feed(data)
        else:
            self._linger_left -= len(data)
            if self._linger_left < 0:
                self._stop_lingering()

    def head_begins(self) -> None:
        """A part of a head has come: the rest has a time of its own."""
        if self._head_timer is None:
            self._head_timer = self.edge.wheel.add(self.edge.settings.timeouts.head, self._head_timed_out)

    def hand_over(self, exchange: Exchange, error: GatewayError | None) -> None:
        """Let the task answer a request, or an error instead of one."""
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
        incoming = self._incoming
        limit = self.edge.settings.limits.requests_per_connection
        self.last = incoming.head.last or (limit is not None and incoming.requests >= limit)
        self._next = (exchange, error)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def pause_client(self) -> None:
        """Stop reading."""
        if not self._paused_reading and self.transport is not None:
            self._paused_reading = True
            self.transport.pause_reading()

    def let_others(self) -> None:
        """Read on only in the next turn of the loop: uvloop reads one connection as long as there is something."""
        if not self._paused_reading:
            self.pause_client()
            self._loop.call_soon(self.resume_client)

    def resume_client(self) -> None:
        """Read on, if that was stopped."""
        if self._paused_reading:
            self._paused_reading = False
            if self.transport is not None and not self.transport.is_closing():
                self.transport.resume_reading()

    # ---- beside the answer ------------------------------------------------------------------------------------------

    def limit_body(self, limit: int) -> None:
        """Let the body that is arriving be no larger."""
        self._incoming.limit_body(limit)

    def write_continue(self) -> None:
        """Tell the client that its body is wanted."""
        if self.transport is not None:
            self.transport.write(_CONTINUE)

    def write_interim(self, status: int, fields: list[Field]) -> None:
        """Pass an interim answer on."""
        if self.transport is not None:
            self.transport.write(interim(status, fields))

    def switch(self, tunnel: Tunnel, lifetime: float | None) -> None:
        """Speak another protocol from now on: what has come behind the request belongs to it, and all that comes."""
        assert self.transport is not None
        self._tunnel = tunnel
        self._end = tunnel.join(self.transport, self._incoming.take_backlog(), lifetime)
        if self.writing_paused:
            self._end.pause()
        self.resume_client()

    def pause_writing(self) -> None:
        """The client does not keep up reading."""
        super().pause_writing()
        if self._end is not None:
            self._end.pause()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        if self._end is not None:
            self._end.resume()

    # ---- refusals -------------------------------------------------------------------------------------------------

    def refuse(self, error: GatewayError) -> None:
        """End the connection with an error instead of a request."""
        self._incoming.stop()
        self.hand_over(self.edge.unreadable(self._incoming.head, self.peer), error)

    def _head_timed_out(self) -> None:
        self._head_timer = None
        self.refuse(RequestTimeout(log="the head did not arrive in time"))

    async def _linger_on(self) -> None:
        """Half-close, and read on for a moment: to close over unread bytes resets the connection and loses the answer."""
        transport = self.transport
        if transport is None or not transport.can_write_eof() or self._eof:
            return
        self._incoming.stop()
        self.resume_client()
        transport.write_eof()
        linger = self._linger = self._loop.create_future()
        timer = self.edge.wheel.add(LINGER, self._stop_lingering)
        try:
            await linger
        finally:
            timer.cancel()

    def _stop_lingering(self) -> None:
        if self._linger is not None and not self._linger.done():
            self._linger.set_result(None)

"""The listeners: every request from its first byte to the end of its answer, and going away without losing one."""

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, cast

from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from gatekeeper.core.body import Body
from gatekeeper.core.clock import Clock, Wheel
from gatekeeper.core.errors import AnswerTruncated, ClientGone, GatewayError
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Headers, Response
from gatekeeper.edge.answer import DateField, send
from gatekeeper.edge.forwarded import Network, parse_address
from gatekeeper.edge.protocol import StrictProtocol
from gatekeeper.edge.request import Reader
from gatekeeper.observe.observer import Observer
from gatekeeper.observe.request_id import RequestIds


if TYPE_CHECKING:
    from gatekeeper.runtime.snapshot import Snapshot

log = logging.getLogger(__name__)

BACKLOG: Final = 1024
IDLE_GRACE: Final = 5.0
"""Seconds at most that a drain leaves idle connections, so that a client's next request meets an answer."""


class EdgeTimeouts(Protocol):
    """Seconds: for a whole head, for silence in a body, between requests, for a client that does not read."""

    @property
    def head(self) -> float:
        """For a whole head."""
        ...

    @property
    def body(self) -> float:
        """Of silence in a body."""
        ...

    @property
    def idle(self) -> float:
        """Between two requests."""
        ...

    @property
    def write(self) -> float:
        """Without reading from an answer."""
        ...


class EdgeServer(web.Server):
    """Takes connections and hands clean exchanges to the chain of the route they match."""

    def __init__(
        self,
        snapshot: "Callable[[], Snapshot]",
        observer: Observer,
        wheel: Wheel,
        clock: Clock,
        timeouts: EdgeTimeouts,
        *,
        networks: Sequence[Network] = (),
        health_path: str | None = None,
        getrandbits: Callable[[int], int],
    ) -> None:
        super().__init__(_unused, handler_cancellation=True)
        self.wheel: Final = wheel
        self.timeouts: Final = timeouts
        self.draining = False
        self._snapshot = snapshot
        self._observer = observer
        self._clock = clock.monotonic
        self._wall = clock.wall
        self._networks = tuple(networks)
        self._health_path = health_path
        self._reader = Reader(RequestIds(), getrandbits, self._networks)
        self._date = DateField()
        self._servers: list[asyncio.Server] = []
        self._in_flight = 0
        self._quiet = asyncio.Event()

    # ---- listening ------------------------------------------------------------------------------------------------

    async def listen(self, sockets: Mapping[str, socket.socket]) -> None:
        """Accept connections on bound sockets, by the name of the listener."""
        for name, sock in sockets.items():
            server = await self._loop.create_server(
                partial(self._connection, name), sock=sock, backlog=BACKLOG
            )
            self._servers.append(server)

    def _connection(self, listener: str) -> StrictProtocol:
        return StrictProtocol(self, listener, loop=self._loop, keepalive_timeout=self.timeouts.idle)

    def introduce(self, protocol: StrictProtocol, transport: asyncio.BaseTransport) -> None:
        """Settle, once per connection, who the peer is and what its requests are given."""
        peername = transport.get_extra_info("peername")
        address = parse_address(str(peername[0])) if isinstance(peername, tuple) and peername else None
        scheme = "https" if transport.get_extra_info("sslcontext") is not None else "http"
        protocol.meet(address, scheme, self._networks)

    # ---- one request ----------------------------------------------------------------------------------------------

    async def handle(
        self, message: RawRequestMessage, payload: StreamReader, protocol: StrictProtocol
    ) -> bool:
        """Answer one request; whether the connection may take another."""
        started = self._clock()
        self._in_flight += 1
        self._observer.in_flight.value += 1
        try:
            exchange = self._reader.read(message, payload, protocol, started)
        except GatewayError as error:
            exchange = self._reader.unreadable(message.method, message.path, protocol, started)
            # what could not be read may hide where the next request begins
            return await self._answer(exchange, exchange.reject(error), protocol, payload, close=True)
        request = exchange.request
        if request.path == self._health_path:
            return await self._answer(exchange, self._health(), protocol, payload, close=message.should_close)
        snapshot = self._snapshot()
        snapshot.leases += 1
        try:
            try:
                chain = snapshot.match(exchange).chain
                if request.body.data is None:
                    request.body.limit = chain.request_buffer
                response = await chain.handler(exchange)
            except asyncio.CancelledError:
                self._finish(exchange, ClientGone(log="the client hung up before its answer"))
                raise
            except Exception as error:
                log.exception("%r failed", exchange, extra={"request_id": exchange.id})
                response = exchange.reject(GatewayError(log=repr(error)))
            return await self._answer(exchange, response, protocol, payload, close=message.should_close)
        finally:
            snapshot.release()

    async def refuse(self, protocol: StrictProtocol, error: GatewayError) -> None:
        """Answer a message that could not be parsed; the connection ends with it."""
        self._in_flight += 1
        self._observer.in_flight.value += 1
        exchange = self._reader.unreadable("-", "", protocol, self._clock())
        await self._answer(exchange, exchange.reject(error), protocol, EMPTY_PAYLOAD, close=True)

    async def _answer(
        self,
        exchange: Exchange,
        response: Response,
        protocol: StrictProtocol,
        payload: StreamReader,
        *,
        close: bool,
    ) -> bool:
        error = response.error
        exchange.status = response.status
        if self.draining or not payload.is_eof() or (error is not None and error.close):
            close = True
        try:
            keep = await send(response, exchange, protocol, close=close, date=self._date.line(self._wall()))
        except asyncio.CancelledError:
            error, keep = ClientGone(log="the client hung up inside its answer"), False
            raise
        except GatewayError as failure:
            error, keep = failure, False
        except Exception as failure:
            log.exception("the body of the answer failed", extra={"request_id": exchange.id})
            error, keep = AnswerTruncated(log=repr(failure)), False
        finally:
            self._finish(exchange, error)
        return keep

    def _finish(self, exchange: Exchange, error: GatewayError | None) -> None:
        if error is not None:
            exchange.error = error
            if not exchange.status:
                exchange.status = error.status
        exchange.request.body.abort()
        exchange.complete()
        self._observer.finish(exchange)
        exchange.attempts.clear()  # attempts know their exchange: without this, only the collector would free both
        self._in_flight -= 1
        if self.draining and not self._in_flight:
            self._quiet.set()

    def _health(self) -> Response:
        status, text = (503, b"draining\n") if self.draining else (200, b"ok\n")
        return Response(status, Headers([(b"content-type", b"text/plain")]), Body(text))

    # ---- going away -----------------------------------------------------------------------------------------------

    async def drain(self, grace: float) -> int:
        """Stop accepting, let every request that was begun be answered; return how many were not within `grace`.

        aiohttp's own shutdown throws bytes away that have arrived and were not read yet. Here idle connections are
        left alone until their next request, which is answered with `Connection: close`, or until the time is up.
        """
        self.draining = True
        self._quiet.clear()
        for server in self._servers:
            server.close()
        deadline = self._loop.time() + grace
        idle_until = self._loop.time() + min(grace, IDLE_GRACE)
        while self.connections and self._loop.time() < deadline:
            if self._in_flight:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(deadline):
                        await self._quiet.wait()
                self._quiet.clear()
            elif self._loop.time() < idle_until:
                await asyncio.sleep(0.05)
            else:
                break
        lost = self._in_flight
        connections = cast(list[StrictProtocol], self.connections)
        tasks = [task for connection in connections if (task := connection.cut()) is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=1)
        return lost


async def _unused(_request: object) -> web.StreamResponse:
    raise AssertionError("aiohttp's own loop over requests is replaced")


def bind(host: str, port: int) -> socket.socket:
    """Return a bound socket, not yet listening.

    Raises:
        OSError: the address cannot be used.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ipaddress.ip_address(host)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock

"""The listeners: every request from its first byte to the end of its answer, and going away without losing one."""

import asyncio
import contextlib
import logging
import math
import socket
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, cast

from aiohttp import web

from gatekeeper.core.body import Body
from gatekeeper.core.clock import Clock, Wheel
from gatekeeper.core.concurrency import SCARCE
from gatekeeper.core.errors import AnswerTruncated, ClientGone, ContentTooLarge, GatewayError
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Headers, Response
from gatekeeper.core.transport import cut, unsent
from gatekeeper.edge.answer import DateField, send, switch
from gatekeeper.edge.connected import Connected
from gatekeeper.edge.doors import Doors
from gatekeeper.edge.head import HeadReader
from gatekeeper.edge.listener import Listener
from gatekeeper.edge.peer import Peer, peer_of
from gatekeeper.edge.protocol import StrictProtocol
from gatekeeper.edge.proxied import Told
from gatekeeper.edge.reception import Arrivals
from gatekeeper.edge.request import ALLOW, LAST_HOP, Reader
from gatekeeper.edge.settings import EdgeSettings
from gatekeeper.edge.tls import ServerTls
from gatekeeper.edge.upgrade import settle
from gatekeeper.observe.observer import Observer
from gatekeeper.observe.request_id import RequestIds


if TYPE_CHECKING:
    from gatekeeper.runtime.snapshot import Snapshot

log = logging.getLogger(__name__)

LINGER: Final = 5.0
"""Seconds at most that a drain still accepts connections, where somebody follows whether the gateway is ready."""
FOLLOWS: Final = 60.0
"""Seconds within which one who follows that asks again."""
TOLD: Final = 3
"""Times that they are told of the drain before they can be expected to send nobody any more."""
QUIET: Final = 1.0
"""Seconds without a request, after which they do not."""
IDLE_GRACE: Final = 5.0
"""Seconds at most that a drain leaves idle connections, so that a client's next request meets an answer."""


class EdgeServer(web.Server):
    """Takes connections and hands clean exchanges to the chain of the route they match."""

    def __init__(
        self,
        snapshot: "Callable[[], Snapshot]",
        observer: Observer,
        wheel: Wheel,
        clock: Clock,
        settings: EdgeSettings,
        *,
        getrandbits: Callable[[int], int],
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(_unused, handler_cancellation=True)
        self.wheel: Final = wheel
        self.draining = False
        self.connected: Final = Connected(observer.displaced)
        self._snapshot = snapshot
        self.observer: Final = observer
        self._clock = clock.monotonic
        self._wall = clock.wall
        self._ids = RequestIds()
        self._getrandbits = getrandbits
        self._ready = ready
        self._date = DateField()
        self._doors: Final = Doors()
        self._arrivals: Final = Arrivals(lambda: self.settings, observer.not_told, clock.monotonic)
        self._in_flight = 0
        self._quiet = asyncio.Event()
        self._followed_at = -math.inf
        self._told = 0  # times that somebody who follows was told of the drain
        self._last_answers = 0  # on connections that end with them, but for those to who follows
        self.reconfigure(settings)

    # ---- listening ------------------------------------------------------------------------------------------------

    @property
    def listeners(self) -> dict[str, socket.socket]:
        """The sockets that connections are accepted from, by the names of the listeners."""
        return {name: listener.sock for name, listener in self._doors.open.items()}

    async def open(
        self,
        name: str,
        sock: socket.socket,
        tls: ServerTls | None = None,
        *,
        proxied: bool = False,
        lent: bool = False,
    ) -> None:
        """Accept connections on a bound socket, which is the edge's from now on.

        Another listener of that name is closed as soon as this one accepts; in a drain, so is this one. Where they come
        `proxied`, trusted proxies say first who the client is (PROXY protocol), and nobody else is listened to. A socket
        that is `lent` has an owner elsewhere, who keeps those in line when it is closed here.

        Raises:
            OSError: somebody else has begun to listen on the address; nothing else has changed then.

        """
        arrivals = self._arrivals if proxied else None
        patience = self.settings.timeouts.head
        await self._doors.add(
            Listener(name, sock, self._connection, tls, patience, arrivals=arrivals, lent=lent)
        )

    def adopt(self, name: str, connections: Sequence[socket.socket]) -> None:
        """Serve connections that were accepted elsewhere for a listener; they end where it has gone."""
        self._doors.adopt(name, connections)

    async def close_listener(self, name: str) -> None:
        """Accept no more connections there; those that are open get one more answer each.

        Who asks for nothing more is hung up on when the time between two requests has passed. Where another listener
        has a duplicate of the socket, it goes on with those who wait to be accepted.
        """
        await self._doors.remove(name)

    def _connection(self, listener: Listener, told: Told | None = None) -> StrictProtocol:
        protocol = StrictProtocol(self, self._loop)
        protocol.accepted_by = listener
        protocol.told = told
        return protocol

    def admit(self, protocol: StrictProtocol, transport: asyncio.BaseTransport) -> bool:
        """Settle who the peer is and what its requests are given; False where no more connections are taken."""
        protocol.peer, counted = peer_of(
            transport, protocol.told, protocol.accepted_by.name, self.settings.networks
        )
        met = self.connected.enter(protocol, counted, self.settings.limits, self.wheel.now)
        if met is not None:
            self.observer.turned_away(met)
        return met is None

    def dismiss(self, protocol: StrictProtocol) -> None:
        """Note that a connection has ended."""
        self.connected.leave(protocol)

    def reconfigure(self, settings: EdgeSettings) -> None:
        """Let other settings hold, for all requests from the next one on; who is idle is so from now on.

        A connection that is open keeps what was settled when it came: whether its peer is trusted. What a trusted peer
        says of others is judged by the new networks.
        """
        self.settings = settings
        self._health_path = settings.health_path
        self._reader = Reader(self._ids, self._getrandbits, settings, self._clock())
        for connection in cast(list[StrictProtocol], self.connections):
            connection.reset_idle()

    # ---- one request ----------------------------------------------------------------------------------------------

    def read(self, head: HeadReader, peer: Peer) -> Exchange:
        """Make an exchange of a head that is complete.

        Raises:
            GatewayError: the request is refused.

        """
        return self._reader.read(head, peer, self._clock())

    def unreadable(self, head: HeadReader, peer: Peer) -> Exchange:
        """Make an exchange of what is refused before it is understood."""
        return self._reader.unreadable(head, peer, self._clock())

    async def handle(self, exchange: Exchange, error: GatewayError | None, protocol: StrictProtocol) -> bool:
        """Answer one request, or what was refused instead of one; whether the connection may take another."""
        self._in_flight += 1
        self.observer.in_flight.value += 1
        if error is not None:
            return await self._answer(exchange, exchange.reject(error), protocol, close=True)
        request = exchange.request
        if request.path == self._health_path:
            return await self._answer(exchange, self._health(), protocol, close=protocol.last)
        if request.method == "OPTIONS" and (request.path == "*" or exchange.get(LAST_HOP, default=False)):
            response = Response(200, Headers([ALLOW]))
            return await self._answer(exchange, response, protocol, close=protocol.last)
        places = self.settings.concurrency
        snapshot: Snapshot | None = None
        entered = False
        try:
            try:
                if request.body.data is None and places.is_scarce:
                    await request.body.gather(SCARCE)
                if not places.try_enter():
                    await places.enter(self._make_way)
                entered = True
                snapshot = self._snapshot()
                snapshot.leases += 1
                self._reader.revise(exchange)
                response = await self._ask(exchange, snapshot, protocol)
            except asyncio.CancelledError:
                self._finish(exchange, ClientGone(log="the client hung up before its answer"))
                raise
            except GatewayError as refusal:
                response = exchange.reject(refusal)
            except Exception as failure:
                log.exception("%r failed", exchange, extra={"request_id": exchange.id})
                response = exchange.reject(GatewayError(log=repr(failure)))
            if response.tunnel is not None:
                # what it takes from here on are two connections, and they have limits of their own
                entered = False
                places.leave()
                return await self._switch(exchange, response, protocol)
            return await self._answer(exchange, response, protocol, close=protocol.last)
        finally:
            if entered:
                places.leave()
            if snapshot is not None:
                snapshot.release()

    def _make_way(self, count: int) -> None:
        self.connected.make_way(count, self.wheel.now)

    async def _ask(self, exchange: Exchange, snapshot: "Snapshot", protocol: StrictProtocol) -> Response:
        """Send the exchange through the chain of its route."""
        route = snapshot.match(exchange)
        chain, request = route.chain, exchange.request
        body = request.body
        if request.version == "1.1":
            exchange.interim = protocol.write_interim
        if body.data is None:
            body.limit = chain.request_buffer
            if route.max_body is not None:
                if body.length is not None and body.length > route.max_body:
                    raise ContentTooLarge(log=f"a body of {body.length} bytes")
                protocol.limit_body(route.max_body)
        elif route.max_body is not None and len(body.data) > route.max_body:
            raise ContentTooLarge(log=f"a body of {len(body.data)} bytes")
        if request.upgrade:
            settle(request, route.upgrades)
        return await chain.handler(exchange)

    async def _switch(self, exchange: Exchange, response: Response, protocol: StrictProtocol) -> bool:
        route = exchange.route
        lifetime = route.upgrades.lifetime if route is not None and route.upgrades is not None else None
        exchange.status = response.status
        error: GatewayError | None = None
        try:
            await switch(response, exchange, protocol, lifetime)
        except GatewayError as failure:
            error = failure
        finally:
            self._finish(exchange, error)
        return False

    async def _answer(
        self,
        exchange: Exchange,
        response: Response,
        protocol: StrictProtocol,
        *,
        close: bool,
    ) -> bool:
        error = response.error
        exchange.status = response.status
        if protocol.accepted_by.leaving:
            close = True
            self._last_answers += 1
        elif protocol.is_receiving or (error is not None and error.close):
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
        self.observer.finish(exchange)
        exchange.attempts.clear()  # attempts know their exchange: without this, only the collector would free both
        self._in_flight -= 1
        if self.draining and not self._in_flight:
            self._quiet.set()

    def _health(self) -> Response:
        self.followed()
        if self.draining and not self._doors.handed_over:
            # it will be counted as all are, and does not mean that anybody is still sent here
            self._last_answers -= 1
            status, text = 503, b"draining\n"
        elif not self._ready():
            status, text = 503, b"starting\n"
        else:
            status, text = 200, b"ok\n"
        return Response(status, Headers([(b"content-type", b"text/plain")]), Body(text))

    # ---- going away -----------------------------------------------------------------------------------------------

    def followed(self) -> None:
        """Note that somebody is told whether this gateway is ready; for whoever answers that."""
        self._followed_at = self._clock()
        if self.draining:
            self._told += 1

    async def drain(self, grace: float, *, linger: bool = True, hand_over: bool = False) -> int:
        """Go, within `grace` seconds; return how many requests were not answered by then.

        With `hand_over`, somebody else has its sockets too, and takes whoever waits: the gateway stays. So its health is
        what it was, and idle connections have all the time.

        From its first moment, each answer is the last one on its connection, and the health is 503. With `linger` and
        where somebody follows that, connections are accepted for up to `LINGER` seconds more: until nobody is sent here
        any more. Then the listeners close, without resetting anybody, and what was begun is finished.

        aiohttp's own shutdown throws bytes away that have arrived and were not read yet. Here idle connections are
        left alone until their next request, or until `IDLE_GRACE` is over. A request that is on its way in the moment
        when such a connection is closed meets nobody: HTTP/1.1 has no means against that, and clients try again.
        """
        self.draining = True
        self._quiet.clear()
        self._doors.leave(hand_over=hand_over)
        now = self._loop.time()
        deadline = now + grace
        if linger and self._doors.open and self._clock() - self._followed_at < FOLLOWS:
            await self._linger(min(now + LINGER, deadline))
        now = self._loop.time()
        await self._doors.close(deadline - now)
        await self._finish_all(deadline if hand_over else min(now + IDLE_GRACE, deadline), deadline)
        await self._arrivals.cut()
        self._doors.cut()
        lost = self._in_flight + len(self._unsent())
        tasks = []
        for connection, transport in list(self._connections.items()):
            task = cast(StrictProtocol, connection).cut()
            # one that is closing already does not know it any more
            cut(transport)
            if task is not None:
                tasks.append(task)
        if tasks:
            await asyncio.wait(tasks, timeout=1)
        return lost

    async def _linger(self, until: float) -> None:
        """Wait until those who follow have been told that the gateway goes, and send nobody any more."""
        answers, now = self._last_answers, self._loop.time()
        quiet_since = now
        while now < until and (self._told < TOLD or now < quiet_since + QUIET):
            await asyncio.sleep(0.05)
            now = self._loop.time()
            if self._last_answers != answers:
                answers, quiet_since = self._last_answers, now

    async def _finish_all(self, idle_until: float, deadline: float) -> None:
        """Wait until all connections have ended; idle ones, and all that is after the deadline, are given up."""
        while (self.connections or self._doors.closing or self._arrivals) and (
            now := self._loop.time()
        ) < deadline:
            if self._in_flight:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(deadline):
                        await self._quiet.wait()
                self._quiet.clear()
            elif now < idle_until or self._arrivals or self._unsent() or self._has_begun_heads():
                await asyncio.sleep(0.05)
            else:
                return

    def _unsent(self) -> list[asyncio.Transport]:
        """Where the last bytes of an answer that is done wait for a client that reads slowly."""
        return [
            transport
            for connection, transport in self._connections.items()
            if (cast(StrictProtocol, connection).is_waiting or transport.is_closing()) and unsent(transport)
        ]

    def _has_begun_heads(self) -> bool:
        """Whether a part of a request has come; the rest has a time of its own."""
        return any(cast(StrictProtocol, connection).has_begun_head for connection in self._connections)


async def _unused(_request: object) -> web.StreamResponse:
    raise AssertionError("aiohttp's own loop over requests is replaced")

"""A gateway without sockets: the real front, sender and pool, between transports that are only memory.

All of the path of a request is gatekeeper's own, from the bytes of the client to those of the instance and back: only the
chain is the shortest there is. A request costs 0.3 ms that way and no time passes unless somebody waits, so that what has
come of some bytes is known for certain as soon as the loop has nothing to do.
"""

import asyncio
import collections
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, Final, Literal, cast

import attrs

from gatekeeper.core.body import Tee
from gatekeeper.core.chain import Chain
from gatekeeper.core.clock import Wheel
from gatekeeper.core.errors import GatewayError
from gatekeeper.core.exchange import Attempt, Exchange, Route
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Response
from gatekeeper.core.tunnel import Upgrades
from gatekeeper.edge.head import HeadReader
from gatekeeper.edge.incoming import WHOLE
from gatekeeper.edge.listener import Listener
from gatekeeper.edge.peer import Peer
from gatekeeper.edge.protocol import StrictProtocol
from gatekeeper.edge.server import EdgeServer
from gatekeeper.edge.settings import EdgeSettings
from gatekeeper.observe.observer import Observer
from gatekeeper.runtime.snapshot import Snapshot
from gatekeeper.upstream.connection import Connection
from gatekeeper.upstream.pool import Pool
from gatekeeper.upstream.send import Sender
from tests.wire.messages import Field, Message, Reader, WrongError


CLIENT: Final = "203.0.113.7"
"""Where clients come from."""
MAX_BODY: Final = 16 << 20
"""Bytes of a request's body, as a route says it by default."""

_LISTENER: Final = cast("Listener", SimpleNamespace(name="main", leaving=False))
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


async def settle() -> None:
    """Wait until nothing is left to do but to wait."""
    ready: collections.deque[object] = cast("Any", asyncio.get_running_loop())._ready
    while ready:  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0)


Ending = Literal["", "half", "fin", "rst"]
"""Not at all, for writing only, properly, or with a reset."""


class Transport(asyncio.Transport):
    """One side of a connection; what is written stays here, what comes is fed by hand."""

    def __init__(self, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self.written = bytearray()
        self.ended: Ending = ""
        """How this side has ended the connection."""
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._inbox: collections.deque[bytes] = collections.deque()
        self._paused = False
        self._closing = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return (CLIENT, 1) if name == "peername" else default

    def is_closing(self) -> bool:
        return self._closing

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closing:
            self.written += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        if not self.ended:
            self.ended = "half"

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self._close("fin")

    def abort(self) -> None:
        self._close("rst")

    def _close(self, how: Ending) -> None:
        if not self._closing:
            self._closing = True
            self.ended = how
            self._loop.call_soon(self._protocol.connection_lost, None)

    def pause_reading(self) -> None:
        self._paused = True

    def resume_reading(self) -> None:
        if self._paused:
            self._paused = False
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        while self._inbox and not self._paused and not self._closing:
            self._protocol.data_received(self._inbox.popleft())

    # ---- the other side ---------------------------------------------------------------------------------------------

    async def feed(self, pieces: Sequence[bytes]) -> None:
        """Let these come in, each when all is done about the one before."""
        for piece in pieces:
            if self._closing:
                return
            self._inbox.append(piece)
            self._deliver()
            await settle()

    async def finish(self) -> None:
        """The other side has nothing more to say."""
        if not self._closing and not self._protocol.eof_received():
            self._close("fin")
        await settle()

    async def lose(self) -> None:
        """The other side has gone."""
        if not self._closing:
            self._closing = True
            self._protocol.connection_lost(ConnectionResetError("reset by peer"))
        await settle()


class _Protocol(StrictProtocol):
    """Counts what has come."""

    came = 0

    def data_received(self, data: bytes) -> None:
        self.came += len(data)
        super().data_received(data)


@attrs.define
class Taken:
    """A request as the front has understood it."""

    method: bytes
    target: bytes
    fields: tuple[Field, ...]
    """As they were read, before anything was done to them."""
    exchange: Exchange
    forwarded: bool = False
    end: int | None = None
    """Where it has ended among the client's bytes; None where it has not been whole."""
    tee: Tee | None = None

    @property
    def body(self) -> bytes | None:
        """All of its body, where it was forwarded."""
        return None if self.tee is None else self.tee.data


@attrs.frozen
class Handled:
    """What has been answered: a request, or an error instead of one."""

    exchange: Exchange
    taken: Taken | None
    error: GatewayError | None


class Front(EdgeServer):
    """The front, which tells what it has understood."""

    def __init__(self, memory: "Memory", settings: EdgeSettings) -> None:
        clock = SimpleNamespace(monotonic=lambda: 0.0, wall=lambda: 1_700_000_000.0)
        super().__init__(
            lambda: cast("Snapshot", memory),
            cast("Observer", memory),
            memory.wheel,
            clock,
            settings,
            getrandbits=lambda bits: (1 << bits) - 1,
        )
        self.taken: list[Taken] = []
        self.handled: list[Handled] = []
        """All requests and refusals, in the order of their answers."""
        self._by_id: dict[str, Taken] = {}

    def read(self, head: HeadReader, peer: Peer) -> Exchange:
        """Note what is handed over."""
        exchange = super().read(head, peer)
        taken = Taken(head.method, head.target, tuple(head.fields), exchange)
        self.taken.append(taken)
        self._by_id[exchange.id] = taken
        return exchange

    async def handle(self, exchange: Exchange, error: GatewayError | None, protocol: StrictProtocol) -> bool:
        """Note where the request has ended."""
        taken = self._by_id.get(exchange.id)
        self.handled.append(Handled(exchange, taken, error))
        try:
            return await super().handle(exchange, error, protocol)
        finally:
            incoming = protocol._incoming
            if taken is not None and incoming.state == WHOLE:
                taken.end = cast("_Protocol", protocol).came - incoming._backlog_size

    def passes(self, exchange: Exchange) -> None:
        """A request is on its way to the instance."""
        taken = self._by_id[exchange.id]
        taken.forwarded = True
        taken.tee = exchange.request.body.tee(MAX_BODY)

    def connect(self) -> tuple[Transport, StrictProtocol]:
        """A client comes."""
        protocol = _Protocol(self, asyncio.get_running_loop())
        protocol.accepted_by = _LISTENER
        transport = Transport(protocol)
        protocol.connection_made(transport)
        return transport, protocol


class Arriving(Transport):
    """A connection to the instance, from its side: what the gateway writes is read strictly."""

    def __init__(self, connection: Connection, memory: "Memory") -> None:
        super().__init__(connection)
        self.wrong = ""
        """Why what came is no request."""
        self._memory = memory
        self._reader = Reader(answers=False)
        self._head: Message | None = None

    @property
    def rest(self) -> bytes:
        """Bytes that are no whole request."""
        return self._reader.rest

    def write(self, data: bytes | bytearray | memoryview) -> None:
        super().write(data)
        if self._closing or self.wrong:
            return
        try:
            found = self._reader.feed(bytes(data))
        except WrongError as error:
            self.wrong = str(error)
            return
        for message in found:
            if self._head is None:
                self._memory.heard(self, message, whole=False)
            self._head = None
            self._memory.heard(self, message, whole=True)
        if self._reader.head is not None and self._head is None:
            self._head = self._reader.head
            self._memory.heard(self, self._head, whole=False)
            if self._head.all(b"expect"):
                # not before the gateway has begun to wait for it, which over a network it always has
                self._loop.call_soon(self._loop.call_soon, self.say, _CONTINUE)

    def say(self, data: bytes) -> None:
        """Send bytes to the gateway."""
        if not self._closing:
            self._inbox.append(data)
            self._deliver()

    def hang_up(self) -> None:
        """Send nothing more."""
        if not self._closing and not self._protocol.eof_received():
            self._close("fin")


class _Pool(Pool):
    """Opens connections to nowhere."""

    def __init__(self, memory: "Memory") -> None:
        super().__init__(memory.instance, memory.wheel)
        self._memory = memory

    async def _connect(self) -> Connection:
        connection = Connection(self, asyncio.get_running_loop())
        transport = Arriving(connection, self._memory)
        self._memory.arriving.append(transport)
        connection.connection_made(transport)
        return connection


Hears = Callable[[Arriving, Message], None]


class Memory:
    """A gateway with one route to one instance; needs a running loop, and is used for one conversation.

    `on_head` and `on_request` are what the instance does about a request: when it has its head, and when it has all of it.
    With `holds` the gateway takes all of a body before it sends it on, as it does where it could have to send it again.
    For the front this is what a snapshot and an observer would be.
    """

    def __init__(
        self,
        *,
        on_head: Hears | None = None,
        on_request: Hears | None = None,
        upgrades: Upgrades | None = None,
        settings: EdgeSettings | None = None,
        holds: bool = False,
    ) -> None:
        self.wheel = Wheel(0.0)
        self.instance = Instance("origin", "i", "http", "127.0.0.1", 80)
        self.arriving: list[Arriving] = []
        """All connections to the instance."""
        self.requests: list[Message] = []
        """All that the instance has got whole, in order."""
        self.leases = 0
        self.in_flight = SimpleNamespace(value=0)
        self.finished = 0
        self.pool = _Pool(self)
        self.on_head = on_head
        self.on_request = on_request
        limits = SimpleNamespace(connect=1.0, first_byte=1.0, read=1.0, write=1.0, stream=1.0)
        self._send = Sender({"i": self.pool}, limits, self.wheel, lambda: 0.0)
        self._route = Route("all", Chain(self._forward), max_body=MAX_BODY, upgrades=upgrades)
        self._holds = holds
        self.front = Front(self, settings or EdgeSettings())

    def heard(self, arriving: Arriving, message: Message, *, whole: bool) -> None:
        """Let the instance do something, as soon as the gateway is done with writing."""
        if whole:
            self.requests.append(message)
        do = self.on_request if whole else self.on_head
        if do is not None:
            asyncio.get_running_loop().call_soon(do, arriving, message)

    async def _forward(self, exchange: Exchange) -> Response:
        self.front.passes(exchange)
        body = exchange.request.body
        if self._holds and body.data is None and not body.expects_continue:
            await body.read(MAX_BODY)
        attempt = Attempt(exchange, self.instance, 1, 0.0)
        exchange.attempts.append(attempt)
        try:
            response = await self._send(attempt)
        except GatewayError as error:
            attempt.complete(error)
            raise
        if response.body.data is not None and response.tunnel is None:
            attempt.complete()
        return response

    @property
    def left(self) -> str:
        """What has not ended, when all clients have gone."""
        front = self.front
        counts = {
            "requests": front._in_flight,
            "attempts": self.instance.in_flight,
            "leases": self.leases,
            "places": front.settings.concurrency.in_flight,
            "connections": len(front.connected),
            "unfinished": len(front.handled) - self.finished,
        }
        return ", ".join(f"{count} {name}" for name, count in counts.items() if count)

    # ---- as a snapshot ----------------------------------------------------------------------------------------------

    def match(self, exchange: Exchange) -> Route:
        """All requests take the one route."""
        exchange.route = self._route
        return self._route

    def release(self) -> None:
        """A request is over."""
        self.leases -= 1

    # ---- as an observer ---------------------------------------------------------------------------------------------

    def finish(self, exchange: Exchange) -> None:
        """A request has been answered."""
        self.finished += 1

    def displaced(self) -> None:
        """A connection has made room."""
        raise AssertionError

    def not_told(self, reason: str) -> None:
        """Nobody has said who a client is."""
        raise AssertionError(reason)

    def turned_away(self, met: str) -> None:
        """A connection has been refused."""
        raise AssertionError(met)

"""Sending without an edge: a `Sender` and its pool before an origin that does exactly what a test says."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self, cast

import attrs

from gatekeeper.core.clock import TICK, SystemClock, Wheel
from gatekeeper.core.exchange import Attempt, Exchange
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Field, Response
from gatekeeper.core.tunnel import End, Tunnel
from gatekeeper.testing import make_exchange
from gatekeeper.upstream.pool import Pool, TlsIdentity
from gatekeeper.upstream.send import Sender
from tests.edge.wire import OK, Origin, Script, until


_OF_REQUEST: tuple[str, ...] = ("upgrade", "takes_trailers")
_OF_BODY: tuple[str, ...] = ("chunked", "expects_continue")


@attrs.frozen
class Limits:
    """Times in seconds that no test reaches unless it moves the wheel."""

    connect: float = 5.0
    first_byte: float = 30.0
    read: float = 30.0
    write: float = 30.0
    stream: float = 3600.0


def ok(*fields: bytes, body: bytes = b"", status: bytes = b"200 OK") -> bytes:
    """Return an answer with these field lines."""
    return b"\r\n".join((b"HTTP/1.1 " + status, *fields, b"", body))


def replying(*answers: bytes) -> Script:
    """Give one answer after the other, piece by piece where an answer is cut with `|`."""
    left = list(answers)

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await origin.request(reader):
            for piece in (left.pop(0) if left else OK).split(b"|"):
                writer.write(piece)
                for _ in range(4):  # the gateway reads on the same loop
                    await asyncio.sleep(0)

    return script


class Sending:
    """Sends requests to an origin, and knows what was passed on before their answers."""

    def __init__(self, origin: Origin, limits: Limits, tls: TlsIdentity | None = None) -> None:
        self.origin = origin
        self.limits = limits
        self.wheel = Wheel(0.0)
        self.instance = Instance("s", "i", origin.scheme, *origin.address)
        self.pool = Pool(self.instance, self.wheel, tls)
        self.exchanges: list[Exchange] = []
        self.interim: list[tuple[int, list[Field]]] = []

    def exchange(self, method: str = "GET", path: str = "/", **options: Any) -> Exchange:
        """Make an exchange; what `make_exchange` does not know is said of the request, or of its body."""
        said = {name: options.pop(name) for name in _OF_REQUEST + _OF_BODY if name in options}
        exchange = make_exchange(method, path, **options)
        exchange.interim = lambda status, fields: self.interim.append((status, fields))
        for name, value in said.items():
            if name in _OF_REQUEST:
                setattr(exchange.request, name, value)
            elif value:  # a request without a body shares one with all others
                setattr(exchange.request.body, name, value)
        return exchange

    async def ask(self, method: str = "GET", path: str = "/", **options: Any) -> Response:
        """Send a request that `exchange` makes."""
        return await self.send(self.exchange(method, path, **options))

    async def send(self, exchange: Exchange) -> Response:
        """Send the request of an exchange."""
        sender = Sender({"i": self.pool}, self.limits, self.wheel, SystemClock.monotonic)
        self.exchanges.append(exchange)
        attempt = Attempt(exchange, self.instance, 1, SystemClock.monotonic())
        exchange.attempts.append(attempt)
        return await sender(attempt)

    def pass_time(self, seconds: float) -> None:
        """Fire what is due after so many seconds."""
        self.wheel.advance(self.wheel.now + seconds + 2 * TICK)


@asynccontextmanager
async def sending(
    does: bytes | Script = OK,
    *,
    limits: Limits | None = None,
    tls: tuple[ssl.SSLContext, TlsIdentity] | None = None,
) -> AsyncIterator[Sending]:
    """Start an origin, and stop it; each exchange ends.

    Raises:
        AssertionError: an attempt has not ended with it.

    """
    origin = Origin(does) if isinstance(does, bytes) else Origin(script=does)
    await origin.start(tls[0] if tls is not None else None)
    play = Sending(origin, limits or Limits(), tls[1] if tls is not None else None)
    try:
        yield play
        for exchange in play.exchanges:
            exchange.complete()
        assert play.instance.in_flight == 0
    finally:
        play.pool.abort()
        await origin.stop()
        await until(lambda: not play.pool.open_count)


class Endless:
    """A body without end."""

    def __init__(self) -> None:
        self.aborted = False

    async def read(self) -> bytes:
        """Return the next byte."""
        await asyncio.sleep(0.001)
        return b"x"

    def abort(self) -> None:
        """Note that nobody reads on."""
        self.aborted = True


class Client(asyncio.Protocol):
    """A client that has been joined to a tunnel: the protocol as the edge has it, and the streams of the other side."""

    def __init__(self) -> None:
        self.end: End | None = None
        self.transport: asyncio.Transport | None = None
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    @classmethod
    async def join(cls, tunnel: Tunnel, early: bytes = b"") -> Self:
        """Connect somebody, and join him."""
        ours, theirs = socket.socketpair()
        _, client = await asyncio.get_running_loop().create_unix_connection(cls, sock=ours)
        client.reader, client.writer = await asyncio.open_unix_connection(sock=theirs)
        assert client.transport is not None
        client.end = tunnel.join(client.transport, early)
        return client

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        assert self.end is not None
        self.end.received(data)

    def eof_received(self) -> bool:
        assert self.end is not None
        return self.end.eof()

    def connection_lost(self, exc: Exception | None) -> None:
        assert self.end is not None
        self.end.lost()

    def pause_writing(self) -> None:
        assert self.end is not None
        self.end.pause()

    def resume_writing(self) -> None:
        assert self.end is not None
        self.end.resume()

"""Raw bytes against a running gateway: a client and an origin that know no more of HTTP than where a message ends."""

import asyncio
import functools
import inspect
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self, cast

import attrs
import pytest

from gatekeeper.config.addresses import Listen, Url, parse_network
from gatekeeper.config.conditions import ConditionConfig
from gatekeeper.config.model import (
    AdminConfig,
    FilterConfig,
    GatewayConfig,
    InstanceConfig,
    ListenerConfig,
    RouteConfig,
    ServerConfig,
    ServerTimeoutsConfig,
    ServiceConfig,
    TargetConfig,
    TimeoutsConfig,
    TlsServiceConfig,
)
from gatekeeper.core.chain import Chain, Handler
from gatekeeper.edge.server import EdgeServer
from gatekeeper.extend.host import PluginHost
from gatekeeper.routing.table import Match
from gatekeeper.runtime.front import LocalFront
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.testing import make_exchange
from gatekeeper.upstream.pool import Pool


LIMIT = 20.0
"""Seconds that one test may take."""
SOON = 5.0
"""Seconds that one step of a test may take."""

_PLUGINS = PluginHost()

Field = tuple[bytes, bytes]
HOST = b"Host: example.test\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def on_both_loops(
    test: Callable[..., Coroutine[Any, Any, None]],
) -> Callable[..., Coroutine[Any, Any, None]]:
    """Run an asynchronous test on asyncio's event loop and on uvloop, within the limit of time."""

    @functools.wraps(test)
    async def run(**arguments: Any) -> None:
        async with asyncio.timeout(LIMIT):
            await test(**arguments)

    both: Callable[..., Coroutine[Any, Any, None]] = pytest.mark.both_loops(pytest.mark.asyncio(run))
    return both


def _text(condition: Callable[[], object]) -> str:
    return inspect.getsource(condition).strip() if inspect.isfunction(condition) else repr(condition)


async def until(condition: Callable[[], object], within: float = SOON) -> None:
    """Wait until something holds."""
    end = time.monotonic() + within
    while not condition():
        assert time.monotonic() < end, f"not within {within} s: {_text(condition)}"
        await asyncio.sleep(0.01)


class Stalls:
    """How long the loop does nothing else: the longest time between two turns that should be a millisecond apart."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task: asyncio.Task[None] | None = None

    async def _watch(self) -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            self.longest = max(self.longest, now - last)
            last = now

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()


@attrs.frozen
class Message:
    """A request or an answer as it was on the wire; `body` without its framing."""

    line: bytes
    fields: tuple[Field, ...]
    body: bytes
    connection: int = 0

    def all(self, name: bytes) -> list[bytes]:
        """The values of a field."""
        return [value for field, value in self.fields if field.lower() == name.lower()]

    @property
    def status(self) -> int:
        """The status of an answer."""
        return int(self.line.split(b" ")[1])

    @property
    def target(self) -> bytes:
        """The target of a request."""
        return self.line.split(b" ")[1]


class Broken(Exception):
    """The connection ended inside a message."""


async def read_head(reader: asyncio.StreamReader) -> Message | None:
    """Read a head; None where the connection ends cleanly before it."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise Broken(error.partial) from error
    except ConnectionError as error:
        raise Broken(b"reset") from error
    line, *lines = head[:-4].split(b"\r\n")
    fields = []
    for text in lines:
        name, colon, value = text.partition(b": ")
        assert colon, text
        fields.append((name, value))
    return Message(line, tuple(fields), b"")


async def read_body(reader: asyncio.StreamReader, head: Message, *, to_the_end: bool) -> bytes:
    """Read what the framing of the head announces, strictly."""
    codings, lengths = head.all(b"transfer-encoding"), head.all(b"content-length")
    assert len(codings) + len(lengths) <= 1, head
    try:
        if lengths:
            return await reader.readexactly(int(lengths[0]))
        if not codings:
            return await reader.read() if to_the_end else b""
        assert codings == [b"chunked"]
        parts = []
        while size := int((await reader.readuntil(b"\r\n"))[:-2], 16):
            parts.append(await reader.readexactly(size))
            assert await reader.readexactly(2) == b"\r\n"
        assert await reader.readexactly(2) == b"\r\n"
        return b"".join(parts)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise Broken(repr(error)) from error


def transport_of(writer: asyncio.StreamWriter) -> asyncio.Transport:
    """The transport, which reads as well as it writes."""
    return cast(asyncio.Transport, writer.transport)


class Client:
    """A connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, *parts: bytes) -> None:
        """Write, each part in a segment of its own as far as the kernel allows."""
        for part in parts:
            if not self.writer.is_closing():
                self.writer.write(part)

    async def cut(self, data: bytes, *positions: int) -> None:
        """Write the bytes in segments that end at the positions, and let each arrive before the next."""
        for start, end in zip((0, *positions), (*positions, len(data)), strict=True):
            self.send(data[start:end])
            for _ in range(3):  # the gateway reads on the same loop
                await asyncio.sleep(0)

    async def interim(self) -> Message:
        """Read an interim answer."""
        async with asyncio.timeout(SOON):
            head = await read_head(self.reader)
        assert head is not None
        assert head.status < 200
        return head

    async def head(self) -> Message:
        """Read the head of an answer."""
        async with asyncio.timeout(SOON):
            head = await read_head(self.reader)
        assert head is not None, "the connection ended before an answer"
        return head

    async def answer(self, *, to_head: bool = False, within: float = SOON) -> Message:
        """Read a whole answer."""
        async with asyncio.timeout(within):
            head = await read_head(self.reader)
            assert head is not None, "the connection ended before an answer"
            assert head.status >= 200
            if to_head or head.status in {204, 304}:
                return head
            return attrs.evolve(head, body=await read_body(self.reader, head, to_the_end=True))

    async def ask(self, *parts: bytes, to_head: bool = False) -> Message:
        """Write a request and read its answer."""
        self.send(*parts)
        return await self.answer(to_head=to_head)

    async def ended(self, within: float = SOON) -> bytes:
        """Read to the end of the connection, however it ends; what came before it."""
        parts = []
        async with asyncio.timeout(within):
            try:
                while part := await self.reader.read(65536):
                    parts.append(part)
            except ConnectionError:
                pass
        return b"".join(parts)

    def reset(self) -> None:
        """End the connection with a RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Reply = bytes | Callable[[Message], bytes]
Script = Callable[["Origin", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Origin:
    """A server that records each request and answers with the bytes of `reply`, or does what its script says."""

    def __init__(self, reply: Reply = OK, *, script: Script | None = None) -> None:
        self.reply = reply
        self.script = script
        self.requests: list[Message] = []
        self.connections = 0
        self.open = 0
        self.ended = 0
        """Connections that the gateway has ended."""
        self.cut = 0
        """Connections that ended inside a request."""
        self.address = ("127.0.0.1", 0)
        self.scheme = "http"
        self.writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, tls: ssl.SSLContext | None = None) -> Self:
        """Listen, on the address that it had before if it had one."""
        self.scheme = "http" if tls is None else "https"
        self._server = await asyncio.start_server(
            self._serve, *self.address, ssl=tls, limit=1 << 17, reuse_address=True
        )
        self.address = self._server.sockets[0].getsockname()[:2]
        return self

    async def stop(self) -> None:
        """Stop listening and hang up."""
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        for writer in list(self.writers):
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def hang_up(self) -> None:
        """Close all connections, properly."""
        for writer in list(self.writers):
            writer.close()

    async def request(self, reader: asyncio.StreamReader) -> Message | None:
        """Read and record a request; None at the end of the connection."""
        head = await read_head(reader)
        if head is None:
            return None
        body = await read_body(reader, head, to_the_end=False)
        request = attrs.evolve(head, body=body, connection=self.connections)
        self.requests.append(request)
        return request

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        self.writers.add(writer)
        try:
            if self.script is not None:
                await self.script(self, reader, writer)
            else:
                while request := await self.request(reader):
                    writer.write(self.reply if isinstance(self.reply, bytes) else self.reply(request))
                self.ended += 1
        except Broken:
            self.cut += 1
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self.writers.discard(writer)
            self._tasks.discard(task)
            writer.close()


class Wire:
    """A running gateway whose route `all` leads to the origins."""

    def __init__(self, gateway: Gateway, origins: Sequence[Origin], records: list[dict[str, Any]]) -> None:
        self.gateway = gateway
        self.origins = origins
        self.origin = origins[0] if origins else Origin()
        self.records = records
        self.address = ("", 0)
        """Where the gateway listens, or did."""
        self._clients: list[Client] = []

    @property
    def edge(self) -> EdgeServer:
        """The edge of the gateway."""
        front = self.gateway.front
        assert isinstance(front, LocalFront)
        return front.edge

    async def client(self, *, limit: int = 1 << 20, receive_buffer: int = 0) -> Client:
        """Connect to the gateway."""
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setblocking(False)
        try:
            await asyncio.get_running_loop().sock_connect(sock, self.address)
        except OSError:
            sock.close()
            raise
        reader, writer = await asyncio.open_connection(sock=sock, limit=limit)
        client = Client(reader, writer)
        self._clients.append(client)
        return client

    async def ask(self, *parts: bytes, to_head: bool = False) -> Message:
        """Send one request over a connection of its own and read its answer."""
        client = await self.client()
        try:
            return await client.ask(*parts, to_head=to_head)
        finally:
            client.writer.close()

    @property
    def chain(self) -> Chain:
        """The chain of the route."""
        assert self.gateway.snapshot is not None
        found = self.gateway.snapshot.table.lookup(make_exchange())
        assert isinstance(found, Match)
        return found.target.chain

    def answer_by(self, handler: Handler) -> None:
        """Let this take the place of the route's chain."""
        object.__setattr__(self.chain, "handler", handler)

    @property
    def in_flight(self) -> tuple[float, int]:
        """Requests under way as the metrics count them, and attempts as the instances do."""
        gateway = self.gateway
        assert gateway.snapshot is not None
        (sample,) = gateway.metrics.snapshot()["gatekeeper_requests_in_flight"]["samples"]
        return sample["value"], sum(service.in_flight for service in gateway.snapshot.services.values())

    @property
    def pools(self) -> list[Pool]:
        """The pools of connections to the origins."""
        assert self.gateway.snapshot is not None
        return self.gateway.keep.things("pool")

    async def quiet(self, within: float = SOON) -> None:
        """Wait until nothing is in flight any more."""
        await until(lambda: self.in_flight == (0, 0), within)

    async def close_clients(self) -> None:
        """Hang up."""
        for client in self._clients:
            client.writer.transport.abort()
        self._clients.clear()
        await asyncio.sleep(0)


def configuration(
    origins: Sequence[Origin],
    *,
    server: ServerTimeoutsConfig | None = None,
    service: TimeoutsConfig | None = None,
    tls: TlsServiceConfig | None = None,
    trusted: Sequence[str] = (),
    filters: Sequence[FilterConfig] = (),
    host: str = "127.0.0.1",
    route: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> GatewayConfig:
    """One route to one service with these origins; `route` and `settings` are more of the route and of the server."""
    instances = tuple(
        InstanceConfig(url=Url.parse(f"{origin.scheme}://{host}:{origin.address[1]}")) for origin in origins
    )
    return GatewayConfig(
        version=1,
        server=ServerConfig(
            listen={"main": ListenerConfig(address=Listen("127.0.0.1", 0))},
            timeouts=server or ServerTimeoutsConfig(),
            trusted_proxies=tuple(map(parse_network, trusted)),
            health_path="/healthz",
            **(settings or {}),
        ),
        admin=AdminConfig(listen=False),
        services={
            "origin": ServiceConfig(
                instances=instances,
                timeouts=service or TimeoutsConfig(),
                tls=tls or TlsServiceConfig(),
                health=False,
            )
        },
        routes={
            "all": RouteConfig(
                match=(ConditionConfig(),),
                to={"origin": TargetConfig()},
                filters=tuple(filters),
                **(route or {}),
            )
        },
    )


@asynccontextmanager
async def running(*origins: Origin, **options: Any) -> AsyncIterator[Wire]:
    """Run origins (one that answers 200, if none is given) with a gateway in front of them."""
    origins = origins or (Origin(),)
    for origin in origins:
        if not origin.address[1]:
            await origin.start()
    records: list[dict[str, Any]] = []
    front = functools.partial(LocalFront, write_access=records.append)
    gateway = Gateway(configuration(origins, **options), _PLUGINS, front=front)
    wire = Wire(gateway, origins, records)
    await gateway.start()
    host, _, port = gateway.listeners["main"].rpartition(":")
    wire.address = (host, int(port))
    try:
        yield wire
    finally:
        await wire.close_clients()
        await gateway.stop(0)
        for origin in origins:
            await origin.stop()

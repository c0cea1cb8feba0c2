"""The upstream: it keeps the exact bytes of each request and answers as the row says.

A request belongs to the run whose name stands in its head. What belongs to no run, or comes when its run is over, is a
stray: evidence that some row has made two messages of one.
"""

import asyncio
import contextlib
import itertools
import re
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Final, Self, cast

import attrs

from tests.wire.messages import Message, Reader, WrongError
from tests.wire.row import EXTRA, RUN, End, Pause, Received, Reply, When


_NAME: Final = re.compile(rb"run[0-9a-f]{5}", re.IGNORECASE)
_LARGEST: Final = 32 << 20


@attrs.define
class Record:
    """What came of one request, as far as it came."""

    service: str
    connection: int
    message: Message | None = None
    """None where the bytes are no request."""
    wrong: str = ""
    """Why they are none."""
    raw: bytes = b""
    """The bytes, where they are none."""
    complete: bool = False
    """The whole request came."""
    answered: bool = False
    """The reply went out to its end."""
    cut: bool = False
    """The proxy has ended the connection before the end of the request, or of the reply."""
    tunnel: bytearray = attrs.field(factory=bytearray)
    """What came behind an upgrade."""

    @property
    def settled(self) -> bool:
        """Nothing more will come of it."""
        return (self.answered and self.complete) or self.cut or bool(self.wrong)


@attrs.define
class Run:
    """What the upstream does and sees for one run of a row."""

    name: bytes
    replies: Sequence[Reply]
    records: list[Record] = attrs.field(factory=list)
    over: bool = False
    changed: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def wait(self, condition: Callable[[], object], patience: float) -> None:
        """Wait until it holds, but not for ever."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while not condition():
                    self.changed.clear()
                    await self.changed.wait()

    async def heads(self, count: int, patience: float) -> None:
        """Wait for so many requests."""
        await self.wait(lambda: len(self.records) >= count, patience)

    def reply(self, number: int, head: Message, service: str) -> Reply:
        """What to do about a request; `number` begins with 0."""
        if number < len(self.replies) and not head.target.endswith(b"/tail"):
            steps = tuple(
                step.replace(RUN, self.name) if isinstance(step, bytes) else step
                for step in self.replies[number].steps
            )
            return attrs.evolve(self.replies[number], steps=steps)
        return told(head, service)


def told(head: Message, service: str) -> Reply:
    """The ordinary answer: which service it is, and the target as it came."""
    body = told_body(head.target)
    return Reply(
        (
            b"HTTP/1.1 200 OK\r\nX-Origin: %b\r\nContent-Length: %d\r\n\r\n" % (service.encode(), len(body))
            + (b"" if head.method == b"HEAD" else body),
        )
    )


def told_body(target: bytes) -> bytes:
    """Its body."""
    return b"origin " + target


TAIL: Final = told_body(EXTRA)


class Upstream:
    """Some services, each on a port of its own, and a trap, to which nobody may connect."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.ports: dict[str, int] = {}
        self.strays: list[tuple[bytes, str]] = []
        """What belongs to no run, or comes when it is over: the name in it, if there is one, and what it is."""
        self.connections = 0
        self._runs: dict[bytes, Run] = {}
        self._numbers = itertools.count()
        self._open: set[Connection] = set()
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for name in self.names:
            port = 0
            # `localhost` may mean either
            for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
                with contextlib.suppress(OSError):
                    server = await loop.create_server(
                        self._factory(name), host, port, family=family, backlog=1024
                    )
                    port = server.sockets[0].getsockname()[1]
                    self._servers.append(server)
            self.ports[name] = port
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
        for connection in list(self._open):
            connection.abort()
        await asyncio.sleep(0)

    def _factory(self, name: str) -> "Callable[[], Connection]":
        return lambda: Connection(self, name)

    def begin(self, replies: Sequence[Reply]) -> Run:
        """Expect requests of a new run."""
        name = b"run%05x" % next(self._numbers)
        run = self._runs[name] = Run(name, replies)
        return run

    def hang_up(self) -> None:
        """Close what is idle, as a server does that has waited long enough."""
        for connection in list(self._open):
            connection.hang_up()

    def find(self, data: bytes) -> Run | None:
        """The run whose name stands in some bytes, if it is not over."""
        for match in _NAME.finditer(data):
            run = self._runs.get(match[0].lower())
            if run is not None:
                return None if run.over else run
        return None

    def stray(self, data: bytes, what: str) -> None:
        """Put down what belongs to no run."""
        match = _NAME.search(data)
        self.strays.append((b"" if match is None else match[0].lower(), f"{what}: {data[:300]!r}"))

    def joined(self, connection: "Connection") -> None:
        """A connection has come."""
        self.connections += 1
        connection.number = self.connections
        self._open.add(connection)
        if connection.service == "trap":
            self.strays.append((b"", "a connection to the trap"))

    def left(self, connection: "Connection") -> None:
        """A connection has ended."""
        self._open.discard(connection)


@attrs.define
class _Exchange:
    record: Record
    run: Run | None
    reply: Reply


class Connection(asyncio.Protocol):
    """One connection from the proxy."""

    def __init__(self, upstream: Upstream, service: str) -> None:
        self.service = service
        self.number = 0
        self._upstream = upstream
        self._reader = Reader(answers=False)
        self._coming: _Exchange | None = None
        """Its head is there, the rest of it is not."""
        self._waiting: list[_Exchange] = []
        """In the order in which they are answered."""
        self._task: asyncio.Task[None] | None = None
        self._tunnel: Record | None = None
        self._came = 0
        self._broken = False
        self._moved = asyncio.Event()
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be known."""
        self._transport = cast("asyncio.Transport", transport)
        self._upstream.joined(self)

    def data_received(self, data: bytes) -> None:
        """Cut it into requests, and answer them one after the other."""
        self._came += len(data)
        if self._tunnel is not None:
            self._tunnel.tunnel += data
            self._moved.set()
        elif not self._broken:
            try:
                found = self._reader.feed(data)
            except WrongError as error:
                self._refuse(str(error))
                return
            for message in found:
                self._came = 0
                self._complete(message)
            if self._reader.head is not None and self._coming is None:
                self._coming = self._recognise(self._reader.head)
        if self._came > _LARGEST:
            self.abort()

    def _recognise(self, head: Message) -> _Exchange:
        run = self._upstream.find(head.raw)
        record = Record(self.service, self.number, head)
        if run is None:
            self._upstream.stray(head.raw, "a request that no run has sent")
            reply = told(head, self.service)
        else:
            reply = run.reply(len(run.records), head, self.service)
            run.records.append(record)
            run.changed.set()
        exchange = _Exchange(record, run, reply)
        if reply.when is When.HEAD:
            self._answer(exchange)
        return exchange

    def _complete(self, message: Message) -> None:
        exchange = self._coming or self._recognise(message)
        self._coming = None
        exchange.record.message = message
        exchange.record.complete = True
        if exchange.reply.when is not When.HEAD:
            self._answer(exchange)

    def _answer(self, exchange: _Exchange) -> None:
        self._waiting.append(exchange)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._answer_all())

    async def _answer_all(self) -> None:
        while self._waiting:
            exchange = self._waiting[0]
            if not exchange.reply.steps:
                break
            await self._do(exchange)
            exchange.record.answered = True
            self._waiting.remove(exchange)
            if exchange.run is not None:
                exchange.run.changed.set()
        self._task = None

    async def _do(self, exchange: _Exchange) -> None:
        for step in exchange.reply.steps:
            if isinstance(step, bytes):
                if step.startswith(b"HTTP/1.1 101"):
                    self._tunnel = exchange.record
                    self._tunnel.tunnel += self._reader.rest
                self._transport.write(step)
                await self._may_write.wait()
            elif isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
            elif isinstance(step, Received):
                while len(exchange.record.tunnel) < step.count:
                    self._moved.clear()
                    await self._moved.wait()
            elif step is End.HALF:
                self._transport.write_eof()
            elif step is End.FIN:
                self._transport.close()
            else:
                reset(self._transport)

    def _refuse(self, why: str) -> None:
        self._broken = True
        rest = self._reader.rest
        exchange, self._coming = self._coming, None
        record = exchange.record if exchange is not None else Record(self.service, self.number)
        record.wrong = why
        record.raw = rest
        run = exchange.run if exchange is not None else self._upstream.find(rest)
        if run is None:
            self._upstream.stray(rest, why)
        else:
            if exchange is None:
                run.records.append(record)
            run.changed.set()
        self._transport.close()

    def pause_writing(self) -> None:
        """Nobody reads."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Somebody does again."""
        self._may_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell whose request or answer is cut by that."""
        self._upstream.left(self)
        if self._task is not None:
            self._task.cancel()
        if self._reader.rest and self._coming is None and not self._broken and self._tunnel is None:
            self._refuse("the end of the connection inside a head")
        if self._coming is not None:
            self._coming.record.message = self._reader.end()
            if self._coming not in self._waiting:
                self._waiting.append(self._coming)
        for exchange in self._waiting:
            exchange.record.cut = True
            if exchange.run is not None:
                exchange.run.changed.set()

    def hang_up(self) -> None:
        """Close, if nothing is under way."""
        if self._coming is None and not self._waiting:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()


def reset(transport: asyncio.WriteTransport) -> None:
    """End a connection with a RST."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()

"""Real servers on loopback that do exactly what a test says, and remember exactly what they were sent.

A script is a row of pieces for one request: bytes are written as they are, numbers are waits in seconds, an
`asyncio.Event` waits until it is set, a function gets the request and returns another piece
or a list of them, and four words do the rest:
`EARLY` (first piece) begins before the request's body has been read, `FIN` closes, `RST` resets, `HANG` does nothing
ever after. `answer(...)` makes the bytes of a whole answer.

    users = await origin()
    users.play(answer(200, body=b"abcdef")[:-3], RST)  # the next request
    users.always(answer(200, json={"id": 7}))  # all for which nothing is left to play
"""

import asyncio
import contextlib
import enum
import re
import socket
import ssl
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import orjson

from gatekeeper.core.message import Field
from gatekeeper.testing.exchange import Fields, as_fields
from gatekeeper.testing.wire import (
    LIMIT,
    WireError,
    body_length,
    parse_fields,
    read_chunks,
    read_exactly,
    read_head,
)


PATIENCE: Final = 5.0
"""Seconds of real time after which a test that waits is stuck."""

_REQUEST_LINE: Final = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~]+) HTTP/1\.([01])")


class Move(enum.Enum):
    """What a script may do besides writing and waiting."""

    EARLY = "early"
    FIN = "fin"
    RST = "rst"
    HANG = "hang"


EARLY: Final = Move.EARLY
FIN: Final = Move.FIN
RST: Final = Move.RST
HANG: Final = Move.HANG

Piece = bytes | float | Move | asyncio.Event | Callable[["Received"], Any]


def answer(
    status: int = 200,
    headers: Fields = (),
    body: bytes | Iterable[bytes] = b"",
    *,
    json: Any = None,
    reason: str | None = None,
    trailers: Fields = (),
) -> bytes:
    """Return the bytes of an answer. A body of several pieces goes out in chunks, one each, with the trailers behind."""
    fields = [(name, value) for name, value in as_fields(headers)]
    if json is not None:
        body = orjson.dumps(json)
        fields.append((b"Content-Type", b"application/json"))
    if reason is None:
        reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    if isinstance(body, bytes):
        data = body
        if status >= 200 and status not in {204, 304}:
            fields.append((b"Content-Length", b"%d" % len(body)))
    else:
        fields.append((b"Transfer-Encoding", b"chunked"))
        chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in body]
        data = b"".join([*chunks, b"0\r\n", *_lines(as_fields(trailers)), b"\r\n"])
    return b"".join([b"HTTP/1.1 %d %b\r\n" % (status, reason.encode()), *_lines(fields), b"\r\n", data])


def _lines(fields: list[Field]) -> list[bytes]:
    return [name + b": " + value + b"\r\n" for name, value in fields]


class Received:
    """A request as it came. `body` grows while it comes; `complete` tells whether it is all there."""

    def __init__(self, head: bytes, connection: "OriginConnection") -> None:
        """Parse the head.

        Raises:
            WireError: it is malformed.

        """
        start, *lines = head[:-4].split(b"\r\n")
        found = _REQUEST_LINE.fullmatch(start.decode("latin-1"))
        if found is None:
            raise WireError(f"no request line: {start!r}")
        self.head: Final = head
        self.connection: Final = connection
        self.method, self.target, minor = found.groups()
        self.version = f"1.{minor}"
        self.headers: list[Field] = parse_fields(lines)
        self.trailers: list[Field] = []
        self.body = bytearray()
        self.complete = False

    def get(self, name: str) -> str | None:
        """The value of a field; None where there is none.

        Raises:
            WireError: there are several.

        """
        values = self.get_all(name)
        if len(values) > 1:
            raise WireError(f"{name} stands {len(values)} times: {values}")
        return values[0] if values else None

    def get_all(self, name: str) -> list[str]:
        """All values of a field."""
        wanted = name.lower().encode()
        return [value.decode("latin-1") for field, value in self.headers if field.lower() == wanted]

    def json(self) -> Any:
        """The body as what it means."""
        return orjson.loads(self.body)

    def __repr__(self) -> str:
        state = "complete" if self.complete else "incomplete"
        return f"<Received {self.method} {self.target} {len(self.body)} bytes {state}>"


class OriginConnection:
    """One connection that somebody opened."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader: Final = reader
        self.writer: Final = writer
        self.requests: list[Received] = []
        self.ended = asyncio.Event()
        """Set when the other side, or the script, has ended it."""

    def close(self) -> None:
        """Close it cleanly, idle or not."""
        self.writer.close()

    def reset(self) -> None:
        """End it with a reset."""
        sock = self.writer.get_extra_info("socket")
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.abort()

    def abort(self) -> None:
        """End it now, whatever was still to be written."""
        # the TLS transport of Python 3.11 cannot be aborted once it has ended
        with contextlib.suppress(AttributeError):
            self.writer.transport.abort()


class Origin:
    """A scripted server. `requests` and `connections` are in the order they came; `faults` says what was no HTTP."""

    def __init__(self) -> None:
        self.requests: list[Received] = []
        self.connections: list[OriginConnection] = []
        self.faults: list[str] = []
        self.host = ""
        self.port = 0
        self.path: Path | None = None
        self._scripts: deque[tuple[Piece, ...]] = deque()
        self._always: tuple[Piece, ...] = (answer(200, body=b"ok"),)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._scheme = "http"

    @property
    def url(self) -> str:
        """The address, as `services` takes it."""
        return f"unix://{self.path}" if self.path is not None else f"{self._scheme}://{self.host}:{self.port}"

    @property
    def request(self) -> Received:
        """The only request.

        Raises:
            AssertionError: there were none or several.

        """
        assert len(self.requests) == 1, f"the origin got {self.requests}"
        return self.requests[0]

    # ---- scripts --------------------------------------------------------------------------------------------------

    def play(self, *pieces: Piece) -> "Origin":
        """Script the next request for which nothing is scripted yet."""
        self._scripts.append(pieces)
        return self

    def always(self, *pieces: Piece) -> "Origin":
        """Script every request for which nothing else is."""
        self._always = pieces
        return self

    # ---- the life of it -------------------------------------------------------------------------------------------

    async def start(
        self, *, tls: ssl.SSLContext | None = None, path: Path | None = None, host: str = "127.0.0.1"
    ) -> "Origin":
        """Listen on a free port, or on the socket file `path`."""
        self._scheme = "https" if tls is not None else "http"
        if path is not None:
            self.path = path
            self._server = await asyncio.start_unix_server(self._accept, path, limit=LIMIT)
        else:
            self._server = await asyncio.start_server(self._accept, host, 0, ssl=tls, limit=LIMIT)
            self.host, self.port = self._server.sockets[0].getsockname()[:2]
        return self

    def stop_listening(self) -> None:
        """Refuse new connections; those that are open stay."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def close_idle(self) -> None:
        """Close all connections cleanly, as a server does with those that have been idle for too long."""
        for connection in self.connections:
            connection.close()

    async def stop(self) -> None:
        """End everything."""
        self.stop_listening()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in self.connections:
            connection.abort()
            with contextlib.suppress(OSError):
                await connection.writer.wait_closed()

    async def received(self, count: int = 1, within: float = PATIENCE) -> Received:
        """Wait until so many requests are there, with their bodies; return the last of them.

        Raises:
            AssertionError: they did not come.

        """
        try:
            async with asyncio.timeout(within):
                while len(self.requests) < count or not self.requests[count - 1].complete:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"the origin got {self.requests} {self.faults}") from None
        return self.requests[count - 1]

    # ---- one connection -------------------------------------------------------------------------------------------

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = OriginConnection(reader, writer)
        self.connections.append(connection)
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: OriginConnection) -> None:
        try:
            while await self._exchange(connection):
                pass
        except WireError as error:
            self.faults.append(str(error))
        except ConnectionError:
            pass
        finally:
            connection.ended.set()
            self._changed.set()
            connection.close()

    async def _exchange(self, connection: OriginConnection) -> bool:
        """Serve one request; whether another may follow."""
        head = await read_head(connection.reader)
        if head is None:
            return False
        request = Received(head.raw, connection)
        length = body_length(head)
        self.requests.append(request)
        connection.requests.append(request)
        self._changed.set()
        script = deque(self._scripts.popleft() if self._scripts else self._always)
        early = bool(script) and script[0] is EARLY
        if not early:
            await self._read_body(request, length)
        goes_on = await self._play(script, request)
        if early and goes_on:
            await self._read_body(request, length)
        return goes_on

    async def _read_body(self, request: Received, length: int | None) -> None:
        reader = request.connection.reader
        if length is None:
            request.trailers = await read_chunks(reader, request.body)
        elif length > 0:
            await read_exactly(reader, length, request.body)
        request.complete = True
        self._changed.set()

    async def _play(self, script: deque[Piece], request: Received) -> bool:
        connection = request.connection
        writer = connection.writer
        while script:
            piece = script.popleft()
            if isinstance(piece, bytes):
                writer.write(piece)
                await writer.drain()
            elif isinstance(piece, int | float):
                await asyncio.sleep(piece)
            elif isinstance(piece, asyncio.Event):
                await piece.wait()
            elif piece is HANG:
                # hears when the other side gives up
                while await connection.reader.read(LIMIT):
                    pass
                return False
            elif piece is RST:
                connection.reset()
                return False
            elif piece is FIN:
                return False
            elif not isinstance(piece, Move):
                more = piece(request)
                script.extendleft(reversed(more if isinstance(more, list | tuple) else [more]))
        return True

    def __repr__(self) -> str:
        return f"<Origin {self.url} {len(self.requests)} requests on {len(self.connections)} connections>"


StartOrigin = Callable[..., Awaitable[Origin]]
"""What the fixture `origin` is."""

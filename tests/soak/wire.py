"""HTTP/1.1 as the soak speaks it, at both ends: small enough to be right, and without a retry anywhere.

A client may open another connection only after it has read `Connection: close`; whatever else ends a connection is noted.
"""

import asyncio
import hashlib
import random
import time
from collections.abc import Callable
from typing import Final, cast


PATIENCE: Final = 20.0
"""Seconds for an answer; a gateway that needs them has failed."""
BLOCK: Final = 1 << 16
_NOISE: Final = random.Random(0).randbytes(BLOCK) * 2


class BrokenError(Exception):
    """What came is not what HTTP, or the request, promises."""


def piece(seed: int, begin: int, size: int) -> bytes:
    """Bytes of the content that both ends know by its seed; at most `BLOCK` of them."""
    assert size <= BLOCK
    offset = (seed * 7919 + begin) % BLOCK
    return _NOISE[offset : offset + size]


def chunk(data: bytes) -> bytes:
    """A chunk of a body; the last one for no data."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def receipt(size: int, digest: "hashlib._Hash") -> bytes:
    """What an instance answers to a body."""
    return b"%d %b" % (size, digest.hexdigest().encode())


class Message:
    """A request or an answer as it comes in: its head, then its body piece by piece."""

    __slots__ = ("_buffer", "_chunked", "_left", "_take", "begun", "complete", "fields", "line", "size")

    def __init__(self, take: Callable[[bytes], object]) -> None:
        """`take` gets the pieces of the body."""
        self.line = b""
        self.fields: dict[bytes, bytes] = {}
        self.begun = False
        self.complete = False
        self.size = 0
        self._take = take
        self._buffer = b""
        self._chunked = False
        self._left = 0

    @property
    def status(self) -> int:
        """Of an answer."""
        return int(self.line.split(b" ", 2)[1])

    @property
    def closes(self) -> bool:
        """Whether it is the last one on its connection."""
        return self.fields.get(b"connection", b"").lower() == b"close"

    def feed(self, data: bytes) -> bytes:
        """Take what came; return what stands behind the message.

        Raises:
            BrokenError: it is none.

        """
        if not self.begun:
            data = self._buffer + data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._buffer = data
                return b""
            self._buffer = b""
            self._read_head(data[:end])
            data = data[end + 4 :]
        return self._feed_chunks(data) if self._chunked else self._feed_length(data)

    def _read_head(self, head: bytes) -> None:
        self.line, *lines = head.split(b"\r\n")
        for line in lines:
            name, colon, value = line.partition(b":")
            name = name.lower()
            if not colon or name in self.fields:
                raise BrokenError(f"a field line that is wrong, or twice there: {line!r}")
            self.fields[name] = value.strip()
        self.begun = True
        length = self.fields.get(b"content-length")
        self._chunked = self.fields.get(b"transfer-encoding") == b"chunked"
        needs_framing = self.line.startswith(b"HTTP/") and self.status != 204
        if self._chunked == (length is not None) and (self._chunked or needs_framing):
            raise BrokenError(f"both framings, or none: {head!r}")
        self._left = int(length or 0)

    def _feed_length(self, data: bytes) -> bytes:
        body, rest = data[: self._left], data[self._left :]
        self._left -= len(body)
        self._pass_on(body)
        self.complete = not self._left
        return rest

    def _feed_chunks(self, data: bytes) -> bytes:
        data = self._buffer + data
        while (end := data.find(b"\r\n")) >= 0:
            try:
                size = int(data[:end], 16)
            except ValueError:
                raise BrokenError(f"no chunk begins with {data[:40]!r}") from None
            if len(data) < end + size + 4:
                break
            if data[end + 2 + size : end + size + 4] != b"\r\n":
                raise BrokenError(f"a chunk of {size} bytes does not end there")
            self._pass_on(data[end + 2 : end + 2 + size])
            data = data[end + size + 4 :]
            if not size:
                self.complete = True
                self._buffer = b""
                return data
        self._buffer = data
        return b""

    def _pass_on(self, body: bytes) -> None:
        if body:
            self.size += len(body)
            self._take(body)


class Client(asyncio.Protocol):
    """One connection, with one request on its way at most."""

    def __init__(self) -> None:
        self.is_open = False
        self.idle_since = 0.0
        self.on_idle_end: Callable[[float], object] = _ignore
        """Told of a connection that the other side has ended between two requests, and how long it was idle."""
        self.transport: asyncio.Transport
        self._message: Message | None = None
        self._answer: asyncio.Future[Message] | None = None

    @classmethod
    async def open(cls, port: int) -> "Client":
        """Connect to a port of this machine.

        Raises:
            BrokenError: nobody is there.

        """
        try:
            _, client = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        except OSError as error:
            raise BrokenError(f"no connection: {error}") from error
        return client

    async def ask(
        self, request: bytes, take: Callable[[bytes], object], patience: float | None = PATIENCE
    ) -> Message:
        """Send a request, or what is there of it; return the whole answer, when its last byte is there.

        Raises:
            BrokenError: the connection ended before that, or what came is no answer.

        """
        answer = self.begin(request, take)
        try:
            async with asyncio.timeout(patience):
                return await answer
        except TimeoutError:
            raise BrokenError(f"no whole answer within {patience:g} s") from None
        finally:
            if answer.cancelled():
                self.transport.abort()

    def begin(self, request: bytes, take: Callable[[bytes], object]) -> "asyncio.Future[Message]":
        """Send a request, or what is there of it; the answer will be complete."""
        if not self.is_open:
            raise BrokenError("the connection had ended before the request")
        self._answer = asyncio.get_running_loop().create_future()
        self._message = Message(take)
        self.transport.write(request)
        return self._answer

    def close(self) -> None:
        """End it, as a client that wants nothing more."""
        self.on_idle_end = _ignore
        self.transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember it."""
        self.transport = cast("asyncio.Transport", transport)
        self.is_open = True
        self.idle_since = time.monotonic()

    def data_received(self, data: bytes) -> None:
        """Read on."""
        answer, message = self._answer, self._message
        if answer is None or message is None or answer.done():
            self._fail(f"{len(data)} bytes that nobody has asked for: {data[:80]!r}")
            return
        try:
            rest = message.feed(data)
            if rest:
                raise BrokenError(f"{len(rest)} bytes behind the answer: {rest[:80]!r}")
        except BrokenError as error:
            self._fail(str(error))
            return
        if message.complete:
            self._answer, self.idle_since = None, time.monotonic()
            if message.closes:
                self.close()
                self.is_open = False
            answer.set_result(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits."""
        was_open, self.is_open = self.is_open, False
        if self._answer is not None:
            got = self._message.size if self._message is not None and self._message.begun else None
            self._fail(
                f"the connection ended ({exc!r}) with {'no answer' if got is None else f'{got} bytes'}"
            )
        elif was_open:
            self.on_idle_end(time.monotonic() - self.idle_since)

    def _fail(self, why: str) -> None:
        answer, self._answer = self._answer, None
        self.transport.abort()
        if answer is not None and not answer.done():
            answer.set_exception(BrokenError(why))


def _ignore(_: float) -> None:
    pass


async def fetch(
    port: int, method: str, path: str, body: bytes = b"", content_type: str = "application/json"
) -> tuple[int, bytes]:
    """One request on a connection of its own: status and body.

    Raises:
        BrokenError: there is no whole answer.

    """
    fields = f"Host: 127.0.0.1:{port}\r\nConnection: close\r\n"
    if body:
        fields += f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
    client = await Client.open(port)
    found: list[bytes] = []
    try:
        message = await client.ask(f"{method} {path} HTTP/1.1\r\n{fields}\r\n".encode() + body, found.append)
    finally:
        client.close()
    return message.status, b"".join(found)

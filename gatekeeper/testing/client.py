"""A client with real sockets that believes nothing: it reads answers strictly and reuses what it may reuse."""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import Iterable
from typing import Any, Final, Self

import attrs
import orjson

from gatekeeper.core.message import Field
from gatekeeper.testing.exchange import Fields, as_fields
from gatekeeper.testing.wire import LIMIT, WireError, body_length, read_chunks, read_exactly, read_head


PATIENCE: Final = 10.0
"""Seconds of real time after which an answer is given up."""

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([\t -~\x80-\xff]*)")


@attrs.frozen
class Answer:
    """An answer, complete. `interim` are the statuses of 1xx answers that came before it."""

    status: int
    reason: bytes
    headers: list[Field]
    body: bytes
    head: bytes
    trailers: list[Field] = attrs.field(factory=list)
    interim: tuple[int, ...] = ()

    def get(self, name: str) -> str | None:
        """The value of a field; None where there is none, and several are an error.

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

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as what it means."""
        return orjson.loads(self.body)

    @property
    def keeps_connection(self) -> bool:
        """Whether the connection may be used again."""
        return self.get("connection") != "close"


def _target(address: str) -> tuple[socket.AddressFamily, Any]:
    """What a socket takes for an address."""
    if address.startswith("unix://"):
        return socket.AF_UNIX, address.removeprefix("unix://")
    host, _, port = address.rpartition(":")
    return socket.AF_INET6 if ":" in host else socket.AF_INET, (host.strip("[]"), int(port))


class Connection:
    """One connection, as raw as a test wants it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader: Final = reader
        self.writer: Final = writer

    @classmethod
    async def open(cls, address: str, tls: ssl.SSLContext | None = None, *, receive_buffer: int = 0) -> Self:
        """Connect to `host:port` or `unix:///path`; a small `receive_buffer` makes a client that reads slowly.

        Raises:
            OSError: nobody listens.

        """
        family, where = _target(address)
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            if receive_buffer:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            sock.setblocking(False)
            await asyncio.get_running_loop().sock_connect(sock, where)
            return cls(
                *await asyncio.open_connection(
                    sock=sock,
                    ssl=tls,
                    server_hostname="localhost" if tls is not None else None,
                    limit=receive_buffer or LIMIT,
                )
            )
        except BaseException:
            sock.close()
            raise

    async def send(self, data: bytes) -> None:
        """Write bytes, and wait until they are on their way."""
        self.writer.write(data)
        await self.writer.drain()

    def finish(self) -> None:
        """Half-close: nothing more will be sent."""
        self.writer.write_eof()

    async def answer(self, method: str = "GET", within: float = PATIENCE) -> Answer:
        """Read one answer to a request with this method.

        Raises:
            WireError: it breaks off, is malformed, or does not come in time.

        """
        try:
            async with asyncio.timeout(within):
                return await self._answer(method)
        except TimeoutError:
            raise WireError(f"no complete answer within {within:g} s") from None
        except ConnectionError as error:
            raise WireError(f"the connection broke: {error!r}") from error

    async def _answer(self, method: str) -> Answer:
        interim: list[int] = []
        while True:
            head = await read_head(self.reader)
            if head is None:
                raise WireError("the connection was closed without an answer")
            found = _STATUS_LINE.fullmatch(head.start)
            if found is None:
                raise WireError(f"no status line: {head.start!r}")
            status = int(found[1])
            if status >= 200:
                break
            interim.append(status)
        body = bytearray()
        trailers: list[Field] = []
        length = body_length(head)
        if status == 204 and length != -1:
            raise WireError("a 204 with a field about the length of its body")
        if method != "HEAD" and status not in {204, 304}:
            if length is None:
                trailers = await read_chunks(self.reader, body)
            elif length >= 0:
                await read_exactly(self.reader, length, body)
            else:
                body += await self.reader.read()
        return Answer(status, found[2], head.fields, bytes(body), head.raw, trailers, tuple(interim))

    async def rest(self, within: float = PATIENCE) -> bytes:
        """Read until the other side closes; a reset counts as that.

        Raises:
            WireError: it does not close in time.

        """
        seen = bytearray()
        try:
            async with asyncio.timeout(within):
                while data := await self.reader.read(LIMIT):
                    seen += data
        except TimeoutError:
            raise WireError(
                f"the connection is still open after {within:g} s; it gave {bytes(seen)!r}"
            ) from None
        except ConnectionError:
            pass
        return bytes(seen)

    def reset(self) -> None:
        """Go away with a reset instead of a clean end."""
        linger = struct.pack("ii", 1, 0)
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.writer.transport.abort()

    async def close(self) -> None:
        """Close."""
        self.writer.close()
        try:
            async with asyncio.timeout(1):
                await self.writer.wait_closed()
        except (OSError, TimeoutError):
            self.writer.transport.abort()


class Client:
    """Sends one request after the other, on one connection as long as it is kept."""

    def __init__(self, address: str, tls: ssl.SSLContext | None = None) -> None:
        self.address: Final = address
        self._tls = tls
        self._connection: Connection | None = None
        self.opened = 0
        """Connections that were needed so far."""

    async def request(
        self,
        method: str,
        target: str = "/",
        headers: Fields = (),
        body: bytes | Iterable[bytes] = b"",
        *,
        json: Any = None,
        host: str = "example.com",
        within: float = PATIENCE,
    ) -> Answer:
        """Send a request and read its answer; a body of several pieces is sent in chunks.

        Raises:
            WireError: the answer breaks off, is malformed, or does not come in time.

        """
        fields = as_fields(headers)
        if json is not None:
            body = orjson.dumps(json)
            fields.append((b"Content-Type", b"application/json"))
        lines = [f"{method} {target} HTTP/1.1".encode()]
        if not any(name.lower() == b"host" for name, _ in fields):
            lines.append(b"Host: " + host.encode())
        lines += [name + b": " + value for name, value in fields]
        if not isinstance(body, bytes):
            lines.append(b"Transfer-Encoding: chunked")
            data = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in body) + b"0\r\n\r\n"
        else:
            data = body
            if body or method in {"POST", "PUT", "PATCH"}:
                lines.append(b"Content-Length: %d" % len(body))
        if self._connection is None or self._connection.reader.at_eof():
            await self.close()
            self._connection = await Connection.open(self.address, self._tls)
            self.opened += 1
        connection = self._connection
        connection.writer.write(b"\r\n".join([*lines, b"", b""]) + data)
        answer = await connection.answer(method, within)
        if not answer.keeps_connection:
            await self.close()
        return answer

    async def get(self, target: str = "/", headers: Fields = (), **options: Any) -> Answer:
        """Send a GET and read its answer.

        Raises:
            WireError: the answer breaks off, is malformed, or does not come in time.

        """
        return await self.request("GET", target, headers, **options)

    async def close(self) -> None:
        """Close the connection, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

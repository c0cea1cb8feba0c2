"""The upstream of the benchmark: a raw protocol that answers 1 KB of JSON, sends and swallows large bodies, and counts.

Run as a process of its own (`python -m tests.bench.origin`); the first line on stdout is the port. It is kept cheap,
so that on the core it shares with the load it is not what the measured proxy waits for.
"""

import asyncio
import re
import sys
from typing import cast

import orjson
import uvloop

from tests.bench import payload


LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
SIZE = re.compile(rb"[?&]size=(\d+)")
CHUNK = bytes(256 * 1024)
STALL = (
    0.3  # before every large body is read, so that a proxy that does not push back must show it in its memory
)
UNREADABLE = b"HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Counters:
    """What the origin saw since it started."""

    requests = 0
    via = 0
    connections = 0
    body_bytes = 0


class Origin(asyncio.Protocol):
    """One connection."""

    __slots__ = ("_counters", "_head", "_left_in", "_left_out", "_transport", "_writable")

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._head = b""
        self._left_in = 0
        self._left_out = 0
        self._writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._counters.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._left_out = 0

    def data_received(self, data: bytes) -> None:
        if self._left_in:
            data = self._swallow(data)
        while data:
            data = self._head + data if self._head else data
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._head = data
                return
            self._head = b""
            data = self._request(data[:end], data[end + 4 :])

    def _request(self, head: bytes, rest: bytes) -> bytes:
        """Take one head; return what stands behind the part of the body that has arrived."""
        if head.startswith(b"GET "):
            if payload.CONTROL_PATH.encode() in head[:64]:
                self._report()
                return rest
            self._count(head)
            if size := SIZE.search(head, 0, 128):
                self._send_large(int(size[1]))
            else:
                self._transport.write(payload.ANSWER)
            return rest
        self._count(head)
        length = LENGTH.search(head)
        if length is None:
            self._transport.write(UNREADABLE)
            self._transport.close()
            return b""
        self._left_in = int(length[1])
        if self._left_in > len(CHUNK):
            self._transport.pause_reading()
            asyncio.get_running_loop().call_later(STALL, self._transport.resume_reading)
        return self._swallow(rest) if self._left_in else rest

    def _count(self, head: bytes) -> None:
        self._counters.requests += 1
        if b"\r\nvia:" in head or b"\r\nVia:" in head:
            self._counters.via += 1

    def _swallow(self, data: bytes) -> bytes:
        """Take body bytes, answer after the last one; return what stands behind it."""
        self._counters.body_bytes += min(len(data), self._left_in)
        if len(data) < self._left_in:
            self._left_in -= len(data)
            return b""
        rest = data[self._left_in :]
        self._left_in = 0
        self._transport.write(payload.ANSWER)
        return rest

    def _report(self) -> None:
        seen = self._counters
        body = orjson.dumps(
            {
                "requests": seen.requests,
                "via": seen.via,
                "connections": seen.connections,
                "body_bytes": seen.body_bytes,
            }
        )
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body)
        )
        self._transport.close()

    def _send_large(self, size: int) -> None:
        self._transport.write(payload.large_answer_head(size))
        self._left_out = size
        self._pump()

    def _pump(self) -> None:
        while self._left_out and self._writable:
            part = CHUNK if self._left_out >= len(CHUNK) else CHUNK[: self._left_out]
            self._left_out -= len(part)
            self._transport.write(part)

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        self._pump()


async def serve() -> None:
    """Listen on a free port, print it, and serve until the process is ended."""
    counters = Counters()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Origin(counters), "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())

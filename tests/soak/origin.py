"""An instance behind the gateway of a soak (`python -m tests.soak.origin [PORT]`); the first line on stdout is its port.

GET  /...?seed=N&size=N               the content of that seed, at once
POST /...                             how many bytes came, and their SHA-256
GET  .../drip?seed=N&size=N           the same in pieces, `RATE` bytes a second
GET  .../drip?seed=N                  without an end, until `/stop`
GET  /events?seed=N                   one event a second, until `/stop`
GET  /stop                            what has no end, ends; how long each was, by seed
GET  /connections                     how many there were until now
"""

import asyncio
import hashlib
import re
import sys
from typing import Final, cast

import orjson
import uvloop

from tests.soak.wire import BrokenError, Message, chunk, piece, receipt


TICK: Final = 0.5
RATE: Final = 4096
"""Bytes a second of a slow transfer."""

_SEED: Final = re.compile(rb"[?&]seed=(\d+)")
_SIZE: Final = re.compile(rb"[?&]size=(\d+)")


class Connection(asyncio.Protocol):
    """Reads requests, one after the other; who inherits answers them, and says when to wait for the next one."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.next()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember it."""
        self.transport = cast("asyncio.Transport", transport)

    def next(self) -> None:
        """Wait for the next request."""
        self._digest = hashlib.sha256()
        self.message = Message(self._digest.update)

    @property
    def receipt(self) -> bytes:
        """What tells the client what has come."""
        return receipt(self.message.size, self._digest)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        while data:
            had_begun = self.message.begun
            try:
                data = self.message.feed(data)
            except BrokenError as error:
                print(error, file=sys.stderr, flush=True)
                self.transport.abort()
                return
            if self.message.begun and not had_begun:
                self.begin()
            if self.message.complete:
                self.answer()

    def begin(self) -> None:
        """The head of a request is there."""

    def answer(self) -> None:
        """All of it is there."""
        raise NotImplementedError


class Drip:
    """An answer that comes slowly; `size` is -1 for one without an end."""

    def __init__(self, origin: "Origin", seed: int, size: int) -> None:
        self.origin = origin
        self.seed = seed
        self.size = size
        self.sent = 0

    @property
    def head(self) -> bytes:
        """What comes first."""
        framing = b"Transfer-Encoding: chunked" if self.size < 0 else b"Content-Length: %d" % self.size
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n%b\r\n\r\n" % framing

    def tick(self, number: int) -> bool:
        """Send what is due; whether that was the last of it."""
        size = int(RATE * TICK)
        if self.size >= 0:
            size = min(size, self.size - self.sent)
        data = piece(self.seed, self.sent, size)
        self.sent += size
        self.origin.transport.write(chunk(data) if self.size < 0 else data)
        return self.sent == self.size

    def stop(self) -> None:
        """End what has no end."""
        self.origin.transport.write(chunk(b""))


class Events(Drip):
    """A stream of numbered events."""

    @property
    def head(self) -> bytes:
        """What comes first."""
        return (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )

    def tick(self, number: int) -> bool:
        """Send an event each second."""
        if number % round(1 / TICK) == 0:
            self.sent += 1
            self.origin.transport.write(chunk(b"id: %d\ndata: of %d\n\n" % (self.sent, self.seed)))
        return False

    def stop(self) -> None:
        """End it with an event."""
        self.origin.transport.write(chunk(b"event: end\ndata: %d\n\n" % self.sent) + chunk(b""))


class Instance:
    """What all connections share."""

    def __init__(self) -> None:
        self.drips: set[Drip] = set()
        self.endless: dict[int, int] = {}
        self.connections = 0
        self._number = 0

    def tick(self) -> None:
        """Let everything that is slow go on."""
        self._number += 1
        for drip in [drip for drip in self.drips if drip.tick(self._number)]:
            self.drips.discard(drip)
            drip.origin.next()
        asyncio.get_running_loop().call_later(TICK, self.tick)

    def stop(self) -> bytes:
        """End what has no end; how much of each was sent."""
        for drip in [drip for drip in self.drips if drip.size < 0]:
            drip.stop()
            self.endless[drip.seed] = drip.sent
            self.drips.discard(drip)
            drip.origin.next()
        found = {str(seed): sent for seed, sent in self.endless.items()}
        self.endless = {}
        return orjson.dumps(found)


class Origin(Connection):
    """One connection."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._drip: Drip | None = None
        super().__init__()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it."""
        super().connection_made(transport)
        self._instance.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was on its way."""
        if self._drip is not None:
            self._instance.drips.discard(self._drip)

    def next(self) -> None:
        """Wait for the next request."""
        super().next()
        self._drip = None

    def answer(self) -> None:
        """At once, or begin to."""
        method, target, _ = self.message.line.split(b" ")
        seed, size = _SEED.search(target), _SIZE.search(target)
        is_stream = target.startswith(b"/events")
        if (is_stream or b"/drip?" in target) and seed is not None:
            kind = Events if is_stream else Drip
            self._drip = kind(self, int(seed[1]), int(size[1]) if size is not None else -1)
            self._instance.drips.add(self._drip)
            self.transport.write(self._drip.head)
            return
        if target == b"/stop":
            body = self._instance.stop()
        elif target == b"/connections":
            body = b"%d" % self._instance.connections
        elif method == b"POST":
            body = self.receipt
        elif seed is not None and size is not None:
            body = piece(int(seed[1]), 0, int(size[1]))
        else:
            body = b"ok"
        if seed is not None and int(seed[1]) % 4 == 0:
            framed = b"Transfer-Encoding: chunked\r\n\r\n" + (chunk(body) if body else b"") + chunk(b"")
        else:
            framed = b"Content-Length: %d\r\n\r\n" % len(body) + body
        self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + framed)
        self.next()


async def serve(port: int) -> None:
    """Listen on a port, a free one for 0, print it, and serve until the process is ended."""
    instance = Instance()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Origin(instance), "127.0.0.1", port, backlog=1024)
    instance.tick()
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]) if len(sys.argv) > 1 else 0))

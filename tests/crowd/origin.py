"""An instance behind the gateway of a crowd (`python -m tests.crowd.origin`); the first line on stdout is its port.

GET  /large                     100 MiB, as fast as they are taken
GET  /...?seed=N&size=N&ms=N    the content of that seed, after so many milliseconds
POST /...                       how many bytes came, and their SHA-256
GET  /most                      how many requests were under way at the same time, at most

Each `CLOSES`th answer is the last one on its connection, so that new ones are wanted all the time.
"""

import asyncio
import re
import socket
from typing import Final

import uvloop

from tests.crowd.allowance import allow_descriptors
from tests.soak.origin import Connection
from tests.soak.wire import BLOCK, piece


LARGE: Final = 100 << 20
CLOSES: Final = 5

_FIELD: Final = re.compile(rb"[?&](seed|size|ms)=(\d+)")


class Instance:
    """What all connections share."""

    def __init__(self) -> None:
        self.answers = 0
        self.under_way = 0
        self.most = 0


class Origin(Connection):
    """One connection."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._under_way = False
        self._left = 0
        self._paused = False
        super().__init__()

    def begin(self) -> None:
        """Count it."""
        instance = self._instance
        self._under_way = True
        instance.under_way += 1
        if b" /most " not in self.message.line:
            instance.most = max(instance.most, instance.under_way)

    def answer(self) -> None:
        """After the time that it is to take."""
        line = self.message.line
        if line.startswith(b"GET /large"):
            self._head(LARGE)
            self._left = LARGE
            self._pump()
            return
        fields = {name: int(value) for name, value in _FIELD.findall(line)}
        if line.startswith(b"POST"):
            body = self.receipt
        elif b" /most " in line:
            body = b"%d" % self._instance.most
        else:
            body = piece(fields.get(b"seed", 0), 0, fields.get(b"size", 0))
        if wait := fields.get(b"ms", 0):
            asyncio.get_running_loop().call_later(wait / 1000, self._answer, body)
        else:
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        if self.transport.is_closing():
            return
        self._instance.answers += 1
        closes = self._instance.answers % CLOSES == 0
        self._head(len(body), b"Connection: close\r\n" if closes else b"")
        self.transport.write(body)
        self._end()
        self.next()
        if closes:
            self.transport.close()

    def _head(self, length: int, fields: bytes = b"") -> None:
        self.transport.write(b"HTTP/1.1 200 OK\r\n%bContent-Length: %d\r\n\r\n" % (fields, length))

    def pause_writing(self) -> None:
        """The gateway does not keep up."""
        self._paused = True

    def resume_writing(self) -> None:
        """It reads again."""
        self._paused = False
        if self._left:
            self._pump()

    def _pump(self) -> None:
        while self._left and not self._paused:
            data = piece(0, 0, min(BLOCK, self._left))
            self._left -= len(data)
            self.transport.write(data)
        if not self._left:
            self._end()
            self.next()

    def _end(self) -> None:
        if self._under_way:
            self._under_way = False
            self._instance.under_way -= 1

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is under way there any more."""
        self._left = 0
        self._end()


async def serve() -> None:
    """Listen on a free port, print it, and serve until the process is ended."""
    allow_descriptors()
    instance = Instance()
    loop = asyncio.get_running_loop()
    sock = socket.create_server(("127.0.0.1", 0), backlog=4096)
    # what the kernel takes for connections is to be that of the gateway
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BLOCK)
    server = await loop.create_server(lambda: Origin(instance), sock=sock, backlog=4096)
    print(sock.getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())

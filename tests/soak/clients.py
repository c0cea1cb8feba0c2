"""Clients that send at a steady rate whether anybody keeps up or not, and nothing twice.

They keep their connections: who is free longest sends next; where nobody is free, somebody new comes. A connection that
said `Connection: close`, or that ended before anything was sent on it, is replaced.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Coroutine
from random import Random
from time import monotonic
from typing import Any, Final

from tests.soak.wire import BLOCK, Client, Message, chunk, receipt


TURN: Final = 0.005
SIZES: Final = (0, 1, 100, 1_000, 5_000, 30_000)
"""Of bodies."""


class Clients:
    """What all of them share; who inherits says what is sent."""

    def __init__(self, port: int, rate: int, random: Random) -> None:
        """`rate` is per second."""
        self.due = 0
        self.sent = 0
        """Of those that are due."""
        self.connections = 0
        self._port = port
        self._rate = rate
        self._random = random
        self._idle: deque[Client] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Send until it is stopped; returns when the last answer is there."""
        begun = monotonic()
        while not self._stopped.is_set():
            self.due = int((monotonic() - begun) * self._rate)
            while self.sent < self.due:
                self.sent += 1
                self.begin(self._send(begun + self.sent / self._rate))
            await asyncio.sleep(TURN)
        if self._tasks:
            await asyncio.wait(self._tasks)
        for client in self._idle:
            client.close()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside; `run` waits for its end."""
        begin(work, self._tasks)

    def stop(self) -> None:
        """Send no more."""
        self._stopped.set()

    async def _send(self, due: float) -> None:
        """Send one request, on a connection that is free."""
        raise NotImplementedError

    def _hung_up(self, idle: float) -> None:
        """Note that a connection has ended that was idle for so long."""
        raise NotImplementedError

    async def _open(self, port: int) -> Client:
        client = await Client.open(port)
        client.on_idle_end = self._hung_up
        self.connections += 1
        return client

    def _free(self) -> Client | None:
        while self._idle:
            client = self._idle.popleft()
            # how it ended was noted when it did
            if client.is_open:
                return client
        return None


def begin(work: Coroutine[Any, Any, None], among: "set[asyncio.Task[None]]") -> None:
    """Start a task, which is among these until its end."""
    task = asyncio.get_running_loop().create_task(work)
    among.add(task)
    task.add_done_callback(among.discard)


async def get(client: Client, line: bytes, take: Callable[[bytes], object]) -> Message:
    """Ask for a target; `line` is what stands behind the method, with `Host`.

    Raises:
        BrokenError: there is no whole answer.

    """
    return await client.ask(b"GET %b\r\n" % line, take)


async def post(
    client: Client, line: bytes, content: bytes, take: Callable[[bytes], object], *, chunked: bool
) -> Message:
    """Send a body at once, in two chunks or with its length.

    Raises:
        BrokenError: there is no whole answer.

    """
    if not chunked or not content:
        framed = b"Content-Length: %d\r\n\r\n%b" % (len(content), content)
    else:
        half = len(content) // 2
        pieces = (content[:half], content[half:]) if half else (content,)
        framed = b"Transfer-Encoding: chunked\r\n\r\n" + b"".join(map(chunk, pieces)) + chunk(b"")
    return await client.ask(b"POST %b%b" % (line, framed), take)


def received(content: bytes) -> bytes:
    """What an instance answers to this body."""
    return receipt(len(content), hashlib.sha256(content))


assert max(SIZES) <= BLOCK

"""Requests at a steady rate, whether the gateway keeps up or not, from clients that keep their connections.

Who is free longest sends next; where nobody is free, somebody new comes. No request is sent twice. A latency counts from
the moment at which the request was due, so that a pause of the gateway is in the figures of all that it kept waiting.
"""

import asyncio
import hashlib
import time
from collections import deque
from collections.abc import Coroutine
from random import Random
from typing import Any, Final

from tests.soak.ledger import Ledger
from tests.soak.shape import Ports
from tests.soak.wire import BLOCK, BrokenError, Client, Message, chunk, piece


CLIENTS: Final = 40
GUESTS: Final = 4
GUEST_PAUSE: Final = 0.1
TURN: Final = 0.005
SIZES: Final = (0, 1, 100, 1_000, 5_000, 30_000)


class Load:
    """The clients of a soak."""

    def __init__(self, ports: Ports, ledger: Ledger, rate: int, random: Random) -> None:
        self.ledger = ledger
        self.latencies: list[float] = []
        self.sent = 0
        self.due = 0
        self.reopened = 0
        """Connections that ended with an answer which said so."""
        self.connections = 0
        self._ports = ports
        self._rate = rate
        self._random = random
        self._idle: deque[Client] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._guests: set[asyncio.Task[None]] = set()
        self._stopped = False

    async def run(self) -> None:
        """Send until it is stopped; returns when the last answer is there."""
        self._idle.extend([await self._open(self._ports.main) for _ in range(CLIENTS)])
        begun = time.monotonic()
        while not self._stopped:
            self.due = int((time.monotonic() - begun) * self._rate)
            while self.sent < self.due:
                self.sent += 1
                self._start(self._send(begun + self.sent / self._rate), self._tasks)
            await asyncio.sleep(TURN)
        if self._tasks:
            await asyncio.wait(self._tasks)
        for client in self._idle:
            client.close()

    def stop(self) -> None:
        """Send no more."""
        self._stopped = True

    async def _send(self, due: float) -> None:
        try:
            client = await self._free()
            await self._ask(client, "fast", self._random.randrange(1_000_000))
        except BrokenError as error:
            self.ledger.fault("failed", error)
            return
        self.latencies.append(time.monotonic() - due)
        if client.is_open:
            self._idle.append(client)
        else:
            self.reopened += 1

    async def _free(self) -> Client:
        while self._idle:
            client = self._idle.popleft()
            # how it ended was noted when it did
            if client.is_open:
                return client
        return await self._open(self._ports.main)

    async def _open(self, port: int) -> Client:
        client = await Client.open(port)
        client.on_idle_end = self._hung_up
        self.connections += 1
        return client

    def _hung_up(self, idle: float) -> None:
        # nobody here is idle for as long as `server.timeouts.idle`
        self.ledger.fault("hung up", f"a connection that was idle for {idle:.3f} s has ended")

    async def _ask(self, client: Client, path: str, seed: int) -> None:
        size = SIZES[seed % len(SIZES)]
        data = piece(seed, 0, size)
        request = f"/{path}/{seed}?seed={seed}&size={size} HTTP/1.1\r\nHost: soak.example\r\n".encode()
        if seed % 3:
            request, expected = b"GET %b\r\n" % request, data
        else:
            expected = b"%d %b" % (size, hashlib.sha256(data).hexdigest().encode())
            if seed % 2 and size:
                body = chunk(data[: size // 2]) if size > 1 else b""
                body += chunk(data[size // 2 :]) + chunk(b"")
                request = b"POST %bTransfer-Encoding: chunked\r\n\r\n%b" % (request, body)
            else:
                request = b"POST %bContent-Length: %d\r\n\r\n%b" % (request, size, data)
        found: list[bytes] = []
        floor = self.ledger.highest
        message = await client.ask(request, found.append)
        try:
            self.ledger.check(message, floor)
            if b"".join(found) != expected:
                raise BrokenError(f"another body than that of seed {seed}: {message.size} bytes")
        except BrokenError:
            client.close()
            raise

    # ---- others -----------------------------------------------------------------------------------------------------

    async def visit(self, path: str, count: int) -> None:
        """Send some requests at once, on connections of their own."""

        async def one(seed: int) -> None:
            try:
                client = await self._open(self._ports.main)
                await self._ask(client, path, seed)
                client.close()
            except BrokenError as error:
                self.ledger.fault("failed", f"on /{path}: {error}")

        await asyncio.gather(*(one(self._random.randrange(1_000_000)) for _ in range(count)))

    async def look(self, path: str) -> int:
        """The status of an answer, which may be any."""
        floor = self.ledger.highest
        client = await Client.open(self._ports.main)
        try:
            message: Message = await client.ask(
                f"GET /{path} HTTP/1.1\r\nHost: soak.example\r\n\r\n".encode(), lambda _: None
            )
        finally:
            client.close()
        self.ledger.check_revision(message, floor)
        return message.status

    def welcome(self) -> None:
        """Let guests come, by the second listener."""
        for _ in range(GUESTS):
            self._start(self._be_guest(), self._guests)

    async def dismissed(self, patience: float) -> int:
        """Wait until all guests were told that they get no more answers; how many were not."""
        if self._guests:
            await asyncio.wait(self._guests, timeout=patience)
        left = len(self._guests)
        for task in list(self._guests):
            task.cancel()
        return left

    async def _be_guest(self) -> None:
        try:
            client = await self._open(self._ports.guest)
            while client.is_open:
                await self._ask(client, "fast", self._random.randrange(1_000_000))
                await asyncio.sleep(GUEST_PAUSE)
        except BrokenError as error:
            self.ledger.fault("guest", error)

    def _start(self, work: Coroutine[Any, Any, None], among: "set[asyncio.Task[None]]") -> None:
        task = asyncio.get_running_loop().create_task(work)
        among.add(task)
        task.add_done_callback(among.discard)


assert max(SIZES) <= BLOCK

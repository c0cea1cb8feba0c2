"""Requests to a gateway whose file is edited, each of which must be answered by a revision that may be in force.

A latency counts from the moment at which the request was due, so that a pause of the gateway is in the figures of all that
it kept waiting.
"""

import asyncio
from random import Random
from time import monotonic
from typing import Final

from tests.soak.clients import SIZES, Clients, begin, get, post, received
from tests.soak.reload.ledger import Ledger
from tests.soak.reload.shape import Ports
from tests.soak.wire import BrokenError, Client, Message, piece


CLIENTS: Final = 40
GUESTS: Final = 4
GUEST_PAUSE: Final = 0.1


class Load(Clients):
    """The clients of a soak."""

    def __init__(self, ports: Ports, ledger: Ledger, rate: int, random: Random) -> None:
        super().__init__(ports.main, rate, random)
        self.ledger = ledger
        self.latencies: list[float] = []
        self.reopened = 0
        """Connections that ended with an answer which said so."""
        self._guest = ports.guest
        self._guests: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send until it is stopped; returns when the last answer is there."""
        self._idle.extend([await self._open(self._port) for _ in range(CLIENTS)])
        await super().run()

    async def _send(self, due: float) -> None:
        try:
            client = self._free() or await self._open(self._port)
            await self._ask(client, "fast", self._random.randrange(1_000_000))
        except BrokenError as error:
            self.ledger.fault("failed", error)
            return
        self.latencies.append(monotonic() - due)
        if client.is_open:
            self._idle.append(client)
        else:
            self.reopened += 1

    def _hung_up(self, idle: float) -> None:
        # nobody here is idle for as long as `server.timeouts.idle`
        self.ledger.fault("hung up", f"a connection that was idle for {idle:.3f} s has ended")

    async def _ask(self, client: Client, path: str, seed: int) -> None:
        content = piece(seed, 0, SIZES[seed % len(SIZES)])
        line = f"/{path}/{seed}?seed={seed}&size={len(content)} HTTP/1.1\r\nHost: soak.example\r\n".encode()
        found: list[bytes] = []
        floor = self.ledger.highest
        if seed % 3:
            expected, message = content, await get(client, line, found.append)
        else:
            expected = received(content)
            message = await post(client, line, content, found.append, chunked=bool(seed % 2))
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
                client = await self._open(self._port)
                await self._ask(client, path, seed)
                client.close()
            except BrokenError as error:
                self.ledger.fault("failed", f"on /{path}: {error}")

        await asyncio.gather(*(one(self._random.randrange(1_000_000)) for _ in range(count)))

    async def look(self, path: str) -> int:
        """The status of an answer, which may be any."""
        floor = self.ledger.highest
        client = await Client.open(self._port)
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
            begin(self._be_guest(), self._guests)

    async def dismissed(self, patience: float) -> int:
        """Wait until all guests were told that they get no more answers; how many were not."""
        if self._guests:
            await asyncio.wait(self._guests, timeout=patience)
        left = len(self._guests)
        for task in list(self._guests):
            task.cancel()
        return left

    async def _be_guest(self) -> None:
        client: Client | None = None
        try:
            client = await self._open(self._guest)
            while client.is_open:
                await self._ask(client, "fast", self._random.randrange(1_000_000))
                await asyncio.sleep(GUEST_PAUSE)
        except BrokenError as error:
            self.ledger.fault("guest", error)
        finally:
            if client is not None:
                client.close()

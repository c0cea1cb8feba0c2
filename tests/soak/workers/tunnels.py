"""Connections that have switched to another protocol, and say something now and then."""

import asyncio
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Final


EVERY: Final = 2.0
"""Seconds between two words on one of them."""
PATIENCE: Final = 15.0
HELLO: Final = b"GET /echo HTTP/1.1\r\nHost: soak.example\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"


class Tunnels:
    """Many of them, from `open` to `close`."""

    def __init__(self, port: int, random: Random) -> None:
        self.open_now = 0
        self.words = 0
        """That came back as they were sent."""
        self.dropped: Counter[str] = Counter()
        """Why others ended."""
        self._port = port
        self._random = random
        self._tasks: list[asyncio.Task[None]] = []
        self._closing = asyncio.Event()

    async def open(self, count: int) -> None:
        """Open so many; returns when all are, or have failed."""
        gates = [asyncio.Event() for _ in range(count)]
        for number, gate in enumerate(gates):
            self._tasks.append(asyncio.create_task(self._live(number, gate.set)))
            if not number % 50:
                await asyncio.sleep(0.02)
        await asyncio.gather(*(gate.wait() for gate in gates))

    async def close(self) -> None:
        """End all of them."""
        self._closing.set()
        await asyncio.gather(*self._tasks)

    async def _live(self, number: int, opened: Callable[[], None]) -> None:
        writer = None
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.write(HELLO)
                head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 101"):
                raise ConnectionError(f"no tunnel: {head[:40]!r}")
            self.open_now += 1
            opened()
            try:
                await self._talk(number, reader, writer)
            finally:
                self.open_now -= 1
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            self.dropped[repr(error)] += 1
            opened()
        finally:
            if writer is not None:
                writer.close()

    async def _talk(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = 0
        while not self._closing.is_set():
            word = b"%d:%d;" % (number, said)
            writer.write(word)
            async with asyncio.timeout(PATIENCE):
                heard = await reader.readexactly(len(word))
            if heard != word:
                raise ConnectionError(f"{heard!r} instead of {word!r}")
            self.words += 1
            said += 1
            try:
                async with asyncio.timeout(EVERY * self._random.uniform(0.5, 1.5)):
                    await self._closing.wait()
            except TimeoutError:
                continue

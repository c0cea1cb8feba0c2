"""What takes longer than a configuration is in force: downloads and uploads of a few KB a second, streams of events.

Half of the transfers span the whole soak; the others begin anew as soon as they have ended, so that snapshots of many
ages are leased at any moment. Each must end whole: what came is compared by SHA-256 with what was sent.
"""

import asyncio
import hashlib
from collections.abc import Callable
from random import Random
from time import monotonic
from typing import Final

import attrs
import orjson

from tests.soak.origin import RATE, TICK
from tests.soak.reload.ledger import Ledger
from tests.soak.reload.shape import DRAIN, Ports
from tests.soak.wire import BLOCK, BrokenError, Client, chunk, fetch, piece, receipt


VISIT: Final = DRAIN / 2
"""Seconds of a download from a service that goes meanwhile."""
LAST: Final = 30.0
"""Seconds for the end of all, or until the next bytes of what is open; silence has a bar of its own."""


@attrs.frozen
class Counts:
    """How much is open at any moment."""

    downloads: int = 100
    uploads: int = 100
    streams: int = 20
    shortest: float = 5.0
    longest: float = 60.0
    """Seconds of a transfer that does not span the whole time."""


class Slow:
    """All transfers and streams of a soak."""

    def __init__(self, ports: Ports, ledger: Ledger, random: Random, counts: Counts) -> None:
        self.ledger = ledger
        self.whole = 0
        self.streams = 0
        """Those that came to their end without a gap."""
        self.events = 0
        self.silence = 0.0
        """Seconds for which nothing came on something that was open, at most."""
        self._ports = ports
        self._random = random
        self._counts = counts
        self._stopping = asyncio.Event()
        self._leaving = asyncio.Event()
        self._reported = asyncio.Event()
        self._endless: dict[int, int] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin everything."""
        counts = self._counts
        work = [
            *(self._endless_download(seed) for seed in range(counts.downloads // 2)),
            *(self._downloads() for _ in range(counts.downloads - counts.downloads // 2)),
            *(self._endless_upload() for _ in range(counts.uploads // 2)),
            *(self._uploads() for _ in range(counts.uploads - counts.uploads // 2)),
            *(self._stream(10_000 + seed) for seed in range(counts.streams)),
        ]
        self._tasks = [asyncio.create_task(one) for one in work]

    def visit(self, path: str, count: int) -> None:
        """Let some come who download from there, one after the other, until they are to leave."""
        self._leaving = asyncio.Event()
        self._tasks += [asyncio.create_task(self._visits(path, self._leaving)) for _ in range(count)]

    def leave(self) -> None:
        """Let them come no more; what they have begun ends before an instance has drained that is taken out."""
        self._leaving.set()

    async def _visits(self, path: str, leaving: asyncio.Event) -> None:
        while not leaving.is_set():
            await self._download(path, int(VISIT * RATE))

    async def stop(self) -> None:
        """Let everything come to its end; what does not in time was not whole."""
        self._stopping.set()
        for port in self._ports.origins:
            status, body = await fetch(port, "GET", "/stop")
            assert status == 200
            self._endless |= {int(seed): sent for seed, sent in orjson.loads(body).items()}
        self._reported.set()
        done, left = await asyncio.wait(self._tasks, timeout=self._counts.longest + LAST)
        for task in left:
            self.ledger.fault("slow", "one did not come to its end")
            task.cancel()
        for task in done:
            task.result()

    # ---- down -------------------------------------------------------------------------------------------------------

    async def _downloads(self) -> None:
        while not self._stopping.is_set():
            await self._download("/drip", self._size())

    async def _download(self, path: str, size: int) -> None:
        seed, found = self._random.randrange(1_000_000), _Found()
        try:
            await self._get(f"{path}?seed={seed}&size={size}", found.add)
            found.check(seed, size)
            self.whole += 1
        except BrokenError as error:
            self.ledger.fault("slow", f"download of {size} bytes from {path}: {error}")
            await asyncio.sleep(1)

    async def _endless_download(self, seed: int) -> None:
        found = _Found()
        try:
            await self._get(f"/drip?seed={seed}", found.add)
            await self._reported.wait()
            found.check(seed, self._endless.get(seed, -1))
            self.whole += 1
        except BrokenError as error:
            self.ledger.fault("slow", f"download without end: {error}")

    async def _stream(self, seed: int) -> None:
        reader = _Events(seed)
        try:
            await self._get(f"/events?seed={seed}", reader.add)
            reader.check()
            self.streams += 1
        except BrokenError as error:
            self.ledger.fault("stream", f"after {reader.number} events: {error}")
        self.events += reader.number

    async def _get(self, target: str, take: Callable[[bytes], object]) -> None:
        client = await Client.open(self._ports.main)
        floor = self.ledger.highest
        heard = monotonic()

        def note(data: bytes) -> None:
            nonlocal heard
            now = monotonic()
            self.silence, heard = max(self.silence, now - heard), now
            take(data)

        answer = client.begin(f"GET {target} HTTP/1.1\r\nHost: soak.example\r\n\r\n".encode(), note)
        try:
            while not answer.done():
                await asyncio.wait([answer], timeout=LAST)
                if not answer.done() and monotonic() - heard > LAST:
                    raise BrokenError(f"nothing has come for {LAST:g} s")
            self.ledger.check(await answer, floor)
        finally:
            answer.cancel()
            client.close()

    # ---- up ---------------------------------------------------------------------------------------------------------

    async def _uploads(self) -> None:
        while not self._stopping.is_set():
            size = self._size()
            await self._upload(b"Content-Length: %d" % size, size)

    async def _endless_upload(self) -> None:
        await self._upload(b"Transfer-Encoding: chunked", -1)

    async def _upload(self, framing: bytes, size: int) -> None:
        seed, sent, digest = self._random.randrange(1_000_000), 0, hashlib.sha256()
        found: list[bytes] = []
        try:
            client = await Client.open(self._ports.main)
            floor = self.ledger.highest
            head = b"POST /upload HTTP/1.1\r\nHost: soak.example\r\n%b\r\n\r\n" % framing
            answer = client.begin(head, found.append)
            try:
                while sent != size and not (size < 0 and self._stopping.is_set()):
                    data = piece(seed, sent, int(RATE * TICK))
                    data = data[: size - sent] if size >= 0 else data
                    client.transport.write(chunk(data) if size < 0 else data)
                    digest.update(data)
                    sent += len(data)
                    await asyncio.wait([answer], timeout=TICK)
                    if answer.done() and sent != size:
                        raise BrokenError(f"answered after {sent} bytes: {(await answer).line!r}")
                if size < 0:
                    client.transport.write(chunk(b""))
                await asyncio.wait([answer], timeout=LAST)
                if not answer.done():
                    raise BrokenError(f"no answer to {sent} bytes")
                self.ledger.check(await answer, floor)
            finally:
                answer.cancel()
                client.close()
            if b"".join(found) != receipt(sent, digest):
                raise BrokenError(f"of {sent} bytes there came {found}")
            self.whole += 1
        except BrokenError as error:
            self.ledger.fault("slow", f"upload: {error}")
            await asyncio.sleep(1)

    def _size(self) -> int:
        return int(self._random.uniform(self._counts.shortest, self._counts.longest) * RATE)


class _Found:
    """What a download has brought."""

    def __init__(self) -> None:
        self._size = 0
        self._digest = hashlib.sha256()

    def add(self, data: bytes) -> None:
        self._size += len(data)
        self._digest.update(data)

    def check(self, seed: int, size: int) -> None:
        if self._size != size:
            raise BrokenError(f"{self._size} bytes came of {size}")
        expected = hashlib.sha256()
        for begin in range(0, size, BLOCK):
            expected.update(piece(seed, begin, min(BLOCK, size - begin)))
        if expected.digest() != self._digest.digest():
            raise BrokenError(f"{size} bytes came, and others than were sent")


class _Events:
    """What a stream has brought."""

    def __init__(self, seed: int) -> None:
        self.number = 0
        self._seed = seed
        self._ended = False
        self._text = b""

    def add(self, data: bytes) -> None:
        *whole, self._text = (self._text + data).split(b"\n\n")
        for event in whole:
            if event == b"event: end\ndata: %d" % self.number:
                self._ended = True
                continue
            self.number += 1
            if event != b"id: %d\ndata: of %d" % (self.number, self._seed):
                raise BrokenError(f"event {self.number} is {event!r}")

    def check(self) -> None:
        if not self._ended or self._text:
            raise BrokenError(f"no end, {self._text!r}")

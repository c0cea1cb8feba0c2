"""Who else is there while a row runs: a canary, a crowd, and somebody who feels the target's pulse."""

import asyncio
import contextlib
import re
import socket
import threading
import time
from collections.abc import AsyncIterator
from typing import Final, Protocol

from tests.wire.client import Client
from tests.wire.row import Crowd, Pause, Reply, Row
from tests.wire.upstream import Run, Upstream


CANARY: Final = 1.0
"""Seconds that the canary may take."""
TRIES: Final = 3
"""How often in a row something may be too slow."""
SLOW: Final = re.compile(
    r"it was over after|it took|no answer within|the pulse took|one of the crowd has no answer; it was open"
)
"""What is said of what is only slow."""
PULSE: Final = 0.02
"""Seconds between two pulses of a row that must not hold up others."""

_CANARY_REQUEST: Final = b"GET /%b/canary HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n"
_CROWD_REQUEST: Final = b"GET /%b/crowd HTTP/1.1\r\nHost: example.test\r\n\r\n"
_PULSE_REQUEST: Final = b"GET /healthz HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n"
_BUSY: Final = b"HTTP/1.1 200 OK\r\nX-Origin: origin\r\nContent-Length: 4\r\n\r\nbusy"


class Lane(Protocol):
    """A running target, as far as the engine needs to know it."""

    port: int
    patience: float
    """What the patience of rows is multiplied with; a listener that never answers deserves less."""
    house: bool
    """Whether the rules of this gateway hold for it."""
    canary: bool
    """Whether it forwards at all."""

    def resident(self) -> int:
        """Bytes of memory."""


async def canary(upstream: Upstream, port: int) -> str:
    """Send a plain request over a connection of its own; what is wrong with that."""
    run = upstream.begin(())
    client = Client(())
    begun = time.monotonic()
    try:
        await client.connect(port)
    except OSError as error:
        return f"no connection: {error}"
    try:
        client.send(_CANARY_REQUEST % run.name)
        await client.has(1, CANARY)
    finally:
        await client.close()
        run.over = True
    took = time.monotonic() - begun
    if not client.answers:
        return f"no answer within {took:.2f} s"
    answer = client.answers[0]
    if answer.status != 200 or answer.body != b"origin /%b/canary" % run.name:
        return f"{answer.raw[:200]!r}"
    return "" if took < CANARY else f"it took {took:.2f} s"


class Crowded:
    """The crowd of a row."""

    def __init__(self, upstream: Upstream, lane: Lane) -> None:
        self.ids: list[bytes] = []
        self._upstream = upstream
        self._lane = lane
        self._clients: list[tuple[Client, Run]] = []

    async def come(self, crowd: Crowd) -> None:
        """Connect, and have an answer, or wait for one."""
        for _ in range(crowd.count):
            replies = (Reply((Pause(crowd.busy), _BUSY)),) if crowd.busy else ()
            run = self._upstream.begin(replies)
            client = Client(())
            await client.connect(self._lane.port)
            self._clients.append((client, run))
            client.send(_CROWD_REQUEST % run.name)
            await (run.heads(1, CANARY) if crowd.busy else client.has(1, CANARY))

    async def wrong(self) -> str:
        """What is wrong with them, who should not have noticed anything."""
        for client, run in self._clients:
            await client.has(1, CANARY * 3)
            client.send(_CROWD_REQUEST % run.name)
            if not await client.has(2, CANARY):
                return f"one of the crowd has no answer; it was {client.end}"
            if any(answer.status != 200 for answer in client.answers):
                return f"one of the crowd has {[answer.status for answer in client.answers]}"
        return ""

    async def go(self) -> None:
        """Hang up."""
        for client, run in self._clients:
            self.ids += [one for answer in client.answers for one in answer.all(b"x-request-id")]
            await client.close()
            run.over = True
        self._clients.clear()


@contextlib.asynccontextmanager
async def crowded(upstream: Upstream, lane: Lane, row: Row) -> AsyncIterator[Crowded]:
    """Let the crowd of a row be there."""
    others = Crowded(upstream, lane)
    try:
        if row.crowd is not None and lane.canary:
            await others.come(row.crowd)
        yield others
    finally:
        await others.go()


@contextlib.asynccontextmanager
async def pulse(lane: Lane, row: Row) -> AsyncIterator[list[str]]:
    """Feel the target's pulse all the time, from a thread: this loop may be the one that is busy. What was late."""
    late: list[str] = []
    over = threading.Event()
    task = None
    if row.calm is not None and lane.canary:
        task = asyncio.create_task(asyncio.to_thread(beat, lane.port, row.calm, late, over))
    try:
        yield late
    finally:
        over.set()
        if task is not None:
            await task


def beat(port: int, limit: float, late: list[str], over: threading.Event) -> None:
    """Ask again and again for what the target answers by itself, until it is over; put down what took too long."""
    while not over.wait(PULSE):
        begun = time.monotonic()
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5.0) as client:
                client.sendall(_PULSE_REQUEST)
                data = client.recv(65536)
        except OSError as error:
            late.append(f"no pulse: {error}")
            continue
        took = time.monotonic() - begun
        if took > limit:
            late.append(f"the pulse took {took:.2f} s")
        if b" 200 " not in data[:16]:
            late.append(f"the pulse was {data[:80]!r}")

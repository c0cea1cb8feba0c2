"""The load of the benchmark: N keep-alive connections, one request at a time on each, for a fixed time.

Run as a process of its own (`python -m tests.bench.load PORT GET|POST CONNECTIONS SECONDS`); it prints one JSON object.
Every answer is checked: status 200, `Content-Length`, the exact body; and it is counted whether it carried an
`x-request-id`. When the time is up each connection waits for its last answer, so that the count is exact on all sides.
"""

import asyncio
import sys
import time
from typing import cast

import orjson
import uvloop

from tests.bench import payload


REQUESTS = {"GET": payload.GET, "POST": payload.POST}
BODY = payload.ANSWER_BODY
LENGTH = b"ength: %d\r\n" % len(BODY)
MAX_ERRORS = 100
PATIENCE = 10.0


class Run:
    """What all connections of one run share."""

    def __init__(self, port: int, request: bytes, seconds: float) -> None:
        self.port = port
        self.request = request
        self.seconds = seconds
        self.deadline = 0.0
        self.latencies: list[float] = []
        self.ids = 0
        self.errors: list[str] = []
        self.reconnects = 0
        self.open = 0
        self.finished = asyncio.Event()
        self.tasks: set[asyncio.Task[None]] = set()

    async def connect(self) -> "Connection":
        """Open one connection; it is silent until told to send."""
        _, connection = await asyncio.get_running_loop().create_connection(
            lambda: Connection(self), "127.0.0.1", self.port
        )
        return connection

    def replace(self) -> None:
        """Open another connection in place of one that ended."""
        self.reconnects += 1
        task = asyncio.get_running_loop().create_task(self._replace())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _replace(self) -> None:
        try:
            (await self.connect()).send()
        except OSError as error:
            self.errors.append(f"reconnect: {error}")
            self.leave()

    def leave(self) -> None:
        """Count one connection as done."""
        self.open -= 1
        if not self.open:
            self.finished.set()

    async def play(self, connections: int) -> dict[str, object]:
        """Drive all connections until the time is up; return the figures."""
        self.open = connections
        try:
            ready = [await self.connect() for _ in range(connections)]
        except OSError as error:
            self.errors.append(f"connect: {error}")
            self.finished.set()
            ready = []
        begun = time.perf_counter()
        self.deadline = begun + self.seconds
        for connection in ready:
            connection.send()
        try:
            await asyncio.wait_for(self.finished.wait(), self.seconds + PATIENCE)
        except TimeoutError:
            self.errors.append(f"{self.open} connections without an answer for {PATIENCE:.0f} s")
        seconds = time.perf_counter() - begun
        ordered = sorted(self.latencies) or [0.0]
        return {
            "requests": len(self.latencies),
            "seconds": seconds,
            "p50_us": ordered[len(ordered) // 2] * 1e6,
            "p99_us": ordered[len(ordered) * 99 // 100] * 1e6,
            "ids": self.ids,
            "reconnects": self.reconnects,
            "errors": len(self.errors),
            "first_errors": self.errors[:3],
            "cpu_seconds": time.process_time(),
        }


class Connection(asyncio.Protocol):
    """One connection with at most one request on the way."""

    __slots__ = ("_begun", "_busy", "_parts", "_run", "_transport")

    def __init__(self, run: Run) -> None:
        self._run = run
        self._parts = b""
        self._busy = False
        self._begun = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self) -> None:
        """Send the next request."""
        self._busy = True
        self._begun = time.perf_counter()
        self._transport.write(self._run.request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        if self._parts:
            data = self._parts + data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._parts = data
            return
        head = data[: end + 2]
        if not head.startswith(b"HTTP/1.1 200 ") or LENGTH not in head:
            self._fail(f"unexpected answer: {head[:200]!r}")
            return
        if len(data) < end + 4 + len(BODY):
            self._parts = data
            return
        if len(data) != end + 4 + len(BODY) or not data.endswith(BODY):
            self._fail(f"unexpected body of {len(data) - end - 4} bytes")
            return
        run = self._run
        run.latencies.append(now - self._begun)
        if b"\r\nx-request-id: " in head or b"\r\nX-Request-Id: " in head or b"\r\nX-Request-ID: " in head:
            run.ids += 1
        self._parts = b""
        self._busy = False
        if now >= run.deadline:
            self._transport.close()
            run.leave()
        elif b"onnection: close" in head:
            self._transport.close()
            run.replace()
        else:
            self.send()

    def _fail(self, why: str) -> None:
        run = self._run
        run.errors.append(why)
        self._busy = False
        self._transport.abort()
        if time.perf_counter() >= run.deadline or len(run.errors) >= MAX_ERRORS:
            run.leave()
        else:
            run.replace()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._busy:
            self._fail(f"connection ended without an answer: {exc!r}")


async def main() -> None:
    """Read the arguments, play, print."""
    port, method, connections, seconds = sys.argv[1:]
    run = Run(int(port), REQUESTS[method], float(seconds))
    sys.stdout.write(orjson.dumps(await run.play(int(connections))).decode() + "\n")


if __name__ == "__main__":
    uvloop.run(main())

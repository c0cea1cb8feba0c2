"""An instance that may be killed at any moment, and what it leaves behind (`python -m tests.soak.failover.instance PORT LOG`).

It writes down a request when its head is there, and again when it is answered: what was on it when it was killed stands
there as begun, and not as ended.
"""

import asyncio
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic
from typing import Final

import attrs
import uvloop

from tests.soak.origin import Connection
from tests.soak.process import spawn, stop
from tests.soak.wire import piece


_FIELD: Final = re.compile(rb"[?&](id|seed|size|ms)=(\d+)")


class Origin(Connection):
    """One connection. `unwell` is shared: while it is set, `/health` answers 503."""

    def __init__(self, log: int, unwell: asyncio.Event) -> None:
        self._log = log
        self._unwell = unwell
        self._fields: dict[bytes, int] = {}
        super().__init__()

    def begin(self) -> None:
        """Write it down."""
        self._fields = {name: int(value) for name, value in _FIELD.findall(self.message.line)}
        self._note(b"begun")

    def answer(self) -> None:
        """After the time that it is to take."""
        asyncio.get_running_loop().call_later(self._fields.get(b"ms", 0) / 1000, self._answer)

    def _note(self, what: bytes) -> None:
        if b"id" in self._fields:
            os.write(self._log, b"%b %d %.6f\n" % (what, self._fields[b"id"], monotonic()))

    def _answer(self) -> None:
        fields, status, body = self._fields, b"200 OK", b"ok"
        if self.message.line.startswith(b"POST"):
            body = self.receipt
        elif b"id" in fields:
            body = piece(fields[b"seed"], 0, fields[b"size"])
        elif self._unwell.is_set():
            status = b"503 Service Unavailable"
        if self.transport.is_closing():
            return
        self._note(b"ended")
        self.transport.write(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
        self.next()


async def serve(port: int, path: Path) -> None:
    """Be an instance, as soon as a line comes on stdin: what a start takes is over by then. SIGUSR1 makes it unwell."""
    loop, unwell = asyncio.get_running_loop(), asyncio.Event()
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    loop.add_signal_handler(signal.SIGUSR1, unwell.set)
    loop.add_signal_handler(signal.SIGUSR2, unwell.clear)
    if not await asyncio.to_thread(sys.stdin.readline):
        return
    server = await loop.create_server(lambda: Origin(log, unwell), "127.0.0.1", port, backlog=1024)
    print("listening", flush=True)
    await server.serve_forever()


@attrs.frozen
class Begun:
    """A request as an instance has seen it; times are those of `time.monotonic`."""

    id: int
    instance: str
    at: float
    ended: float | None = None


class Instance:
    """An instance as seen from outside, whichever process it is now."""

    def __init__(self, name: str, port: int, folder: Path) -> None:
        self.name: Final = name
        self.port: Final = port
        self._log: Final = folder / f"{name}.log"
        self._log.touch()
        self._process: subprocess.Popen[str] | None = None
        self._spare: subprocess.Popen[str] | None = self._spawn()

    def _spawn(self) -> "subprocess.Popen[str]":
        return spawn("tests.soak.failover.instance", str(self.port), str(self._log))

    async def start(self) -> None:
        """Let it listen."""
        process, self._spare = self._spare, None
        self._process = process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n")
        process.stdin.flush()
        await asyncio.to_thread(process.stdout.readline)

    def kill(self) -> float:
        """End it as `kill -9` does; when that was."""
        assert self._process is not None
        stop(self._process)
        died = monotonic()
        self._spare = self._spawn()
        return died

    def send(self, number: int) -> None:
        """Send a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def close(self) -> None:
        """End everything."""
        for process in (self._process, self._spare):
            if process is not None:
                stop(process)

    def read(self) -> list[Begun]:
        """All that it has written down."""
        found: dict[int, list[Begun]] = {}
        for line in self._log.read_bytes().splitlines():
            what, number, at = line.split()
            seen = found.setdefault(int(number), [])
            if what == b"begun":
                seen.append(Begun(int(number), self.name, float(at)))
            else:
                seen[-1] = attrs.evolve(seen[-1], ended=float(at))
        return [one for seen in found.values() for one in seen]


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), Path(sys.argv[2])))

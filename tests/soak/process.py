"""The gateway of a soak as a process: its log, its admin listener, and what the kernel knows of it."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import attrs
import orjson

from tests.cli.running import COMMAND, ENVIRONMENT
from tests.soak import probe
from tests.soak.wire import BrokenError, fetch


ROOT: Final = Path(__file__).parents[2]
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
START: Final = 30.0
END: Final = 30.0

_ACCESS: Final = b'"logger":"gatekeeper.access"'
_PYTHON: Final = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}


def quiet_ports(count: int) -> list[int]:
    """Ports that are free, and below those that the kernel gives to whoever connects: they stay free while nobody listens."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found: dict[int, socket.socket] = {}
    while len(found) < count:
        port = random.SystemRandom().randrange(lowest // 2, lowest)
        try:
            found.setdefault(port, socket.create_server(("127.0.0.1", port)))
        except OSError:
            continue
    for sock in found.values():
        sock.close()
    return list(found)


def spawn(module: str, *arguments: str) -> "subprocess.Popen[str]":
    """A process that runs a module of these tests, with pipes to and from it."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env=_PYTHON,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def stop(process: "subprocess.Popen[str]") -> None:
    """End it as `kill -9` does."""
    process.kill()
    process.communicate()


def start_origin(stack: ExitStack) -> int:
    """Start an instance, which ends with the stack; its port."""
    process = spawn("tests.soak.origin")
    stack.callback(stop, process)
    assert process.stdout is not None
    return int(process.stdout.readline())


@attrs.frozen
class Sample:
    """What the process takes at one moment; `at` is in seconds since the load began."""

    at: float
    resident: int
    descriptors: int


class Log:
    """What the gateway has said but for its access log, line by line as it is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self.lines: list[dict[str, Any]] = []
        self.answers = 0
        """Lines of the access log."""

    def read(self) -> list[dict[str, Any]]:
        """All lines until now."""
        with self._path.open("rb") as file:
            file.seek(self._position)
            data = file.read()
        whole = data.rpartition(b"\n")[0]
        if whole:
            self._position += len(whole) + 1
            for line in whole.split(b"\n"):
                if _ACCESS in line:
                    self.answers += 1
                else:
                    self.lines.append(_parsed(line))
        return self.lines

    def count(self, message: str) -> int:
        """How many lines have this message."""
        return sum(line["message"] == message for line in self.read())


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError:
        # what Python itself says when nobody catches it
        return {"level": "error", "message": line.decode(errors="replace")}
    return found


class GatewayProcess:
    """A running `gatekeeper serve -c gateway.yaml`."""

    def __init__(
        self, folder: Path, admin: int, plugins: Sequence[Path] = (), env: Mapping[str, str] | None = None
    ) -> None:
        self.path: Final = folder / "gateway.yaml"
        self.log: Final = Log(folder / "log")
        self.admin: Final = admin
        flags = [flag for plugin in (Path(probe.__file__), *plugins) for flag in ("--plugin", str(plugin))]
        with (folder / "log").open("wb") as log:
            self.process: Final = subprocess.Popen(
                [*COMMAND, "serve", "-c", self.path.name, *flags],
                cwd=folder,
                env={**_PYTHON, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    async def started(self) -> None:
        """Wait until it listens.

        Raises:
            BrokenError: it does not.

        """
        async with asyncio.timeout(START):
            while not self.log.count("listening"):
                if self.process.poll() is not None:
                    raise BrokenError(f"the gateway has ended: {self.log.lines}")
                await asyncio.sleep(0.05)

    async def get(self, path: str) -> Any:
        """What its admin listener has at a path.

        Raises:
            BrokenError: nothing.

        """
        status, body = await fetch(self.admin, "GET", path)
        if status != 200:
            raise BrokenError(f"{status} for {path}: {body[:200]!r}")
        return orjson.loads(body)

    async def change(
        self, method: str, path: str, body: bytes = b"", content_type: str = "application/json"
    ) -> tuple[int, Any]:
        """What it answers to a request to change something; None where that has no body.

        Raises:
            BrokenError: nothing.

        """
        status, answer = await fetch(self.admin, method, path, body, content_type)
        return status, orjson.loads(answer) if answer else None

    def hang_up(self) -> None:
        """Send SIGHUP."""
        self.process.send_signal(signal.SIGHUP)

    def sample(self, at: float) -> Sample:
        """Ask the kernel."""
        place = Path("/proc") / str(self.process.pid)
        resident = int((place / "statm").read_text().split()[1]) * PAGE
        return Sample(at, resident, len(os.listdir(place / "fd")))  # noqa: PTH208 - names are enough

    async def end(self) -> int | None:
        """Send SIGTERM; the exit code, None where there is none within `END` seconds."""
        self.process.terminate()
        try:
            return await asyncio.to_thread(self.process.wait, END)
        except subprocess.TimeoutExpired:
            return None

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

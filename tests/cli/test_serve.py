"""`gatekeeper serve` as a process: start, refusals, signals, what it costs to start; ids name the row of reliability.md."""

import errno
import http.client
import os
import pty
import shlex
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatekeeper.cli import process
from gatekeeper.config.addresses import Listen
from gatekeeper.config.model import GatewayConfig, ListenerConfig, ServerConfig
from gatekeeper.edge.server import LINGER
from gatekeeper.runtime import sockets
from gatekeeper.runtime.activation import Handed
from tests.cli.running import COMMAND, ENVIRONMENT, PATIENCE, Gatekeeper, free_ports, run, wait_for


CONFIG = """\
version: 1
server: {listen: "127.0.0.1:0", health_path: /healthz}
admin: {listen: "127.0.0.1:0"}
services:
  app: URL
routes:
  all: {match: /**, to: app}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose service nobody runs."""
    path = tmp_path / "gateway.yaml"
    path.write_text(CONFIG.replace("URL", "http://127.0.0.1:9"))
    return path


@pytest.fixture
def serve() -> Callable[..., Gatekeeper]:
    """`gatekeeper serve ...`."""
    return lambda *arguments, **options: Gatekeeper("serve", *arguments, **options)


@pytest.fixture
def slow(config: Path) -> "Iterator[tuple[Path, socket.socket]]":
    """A service that answers when the test wants it to."""
    with socket.create_server(("127.0.0.1", 0)) as service:
        address = f"127.0.0.1:{service.getsockname()[1]}"
        config.write_text(config.read_text().replace("127.0.0.1:9", address))
        service.settimeout(10)
        yield config, service


Serve = Callable[..., Gatekeeper]


def test_gateway_yaml_is_served(serve: Serve, config: Path) -> None:
    """The file of that name in the folder it is started in."""
    with serve(cwd=config.parent) as gatekeeper:
        assert gatekeeper.get("/healthz") == (200, "ok\n")
        assert gatekeeper.end(signal.SIGINT) == 0


def test_the_variable_names_another_file(serve: Serve, config: Path) -> None:
    """As `-c` does."""
    other = config.rename(config.with_name("other.yaml"))
    with serve(env={"GATEKEEPER_CONFIG": str(other)}) as gatekeeper:
        assert gatekeeper.get("/healthz") == (200, "ok\n")


def test_lines_are_json_on_a_pipe(serve: Serve, config: Path) -> None:
    """Both logs share stdout; the access line is there when the process has ended."""
    with serve("-c", str(config)) as gatekeeper:
        assert gatekeeper.get("/x")[0] == 502
        gatekeeper.end()

        (line,) = gatekeeper.lines(logger="gatekeeper.access")
        assert (line["path"], line["status"]) == ("/x", 502)
        assert len(gatekeeper.lines()) == len(gatekeeper.output)
        assert gatekeeper.lines()[-1]["message"] == "stopped"


def test_the_logs_tell_what_they_lost(serve: Serve, config: Path) -> None:
    """As two gauges of the admin listener."""
    with serve("-c", str(config)) as gatekeeper:
        _, metrics = gatekeeper.get("/metrics", gatekeeper.admin)

        assert "gatekeeper_access_log_dropped_lines 0.0" in metrics
        assert "gatekeeper_log_dropped_lines 0.0" in metrics


def test_a_terminal_gets_words(serve: Serve, config: Path) -> None:
    """What listens, then a readable line for each request, without colour where NO_COLOR is set."""
    with serve("-c", str(config), terminal=True, env={"NO_COLOR": "1"}) as gatekeeper:
        gatekeeper.says("Ctrl-C ends it")
        address = gatekeeper.text.partition("listening  http://")[2].split()[0]
        gatekeeper.get("/x", address)
        gatekeeper.says("GET /x 502")

        assert gatekeeper.end(signal.SIGINT) == 0
        assert "\x1b" not in gatekeeper.text


def test_a_terminal_shows_a_socket_file(serve: Serve, config: Path) -> None:
    """As it is written."""
    path = config.with_name("a.sock")
    config.write_text(config.read_text().replace("127.0.0.1:0", f"unix://{path}", 1))
    with serve("-c", str(config), terminal=True) as gatekeeper:
        gatekeeper.says(f"listening  unix://{path}")

        assert gatekeeper.end(signal.SIGINT) == 0
    assert not path.exists()


def test_json_is_json_on_a_terminal_too(serve: Serve, config: Path) -> None:
    """`--log-format` decides."""
    with serve("-c", str(config), "--log-format", "json", terminal=True) as gatekeeper:
        gatekeeper.says('"listening"')


CRASHING = """\
import attrs
from gatekeeper import hookimpl

@attrs.frozen
class CrashConfig:
    "Crash, as soon as somebody asks for something."

class Crash:
    def wrap(self, next, /):
        async def crash(exchange):
            raise ValueError("no model")
        return crash

@hookimpl
def gatekeeper_register(catalog):
    catalog.filter("crash", CrashConfig, lambda config, context: Crash())
"""


OPENING = """\
from contextlib import asynccontextmanager
from pathlib import Path
from gatekeeper import hookimpl

@hookimpl
@asynccontextmanager
async def gatekeeper_lifespan(gateway):
    Path("{marker}").touch()
    yield
"""


class TestRefusals:
    """Exit code, message on stderr, no traceback."""

    def test_no_configuration(self, tmp_path: Path) -> None:
        """The message says what to do, and that is right: what `init` writes is served."""
        done = run("serve", cwd=tmp_path)

        assert done.returncode == 2
        assert "there is no gateway.yaml" in done.stderr
        assert "gatekeeper serve --demo" in done.stderr
        commands = [shlex.split(line) for line in done.stderr.splitlines() if line.startswith("    ")]
        assert [["gatekeeper", "serve", "--demo"], ["gatekeeper", "init", "--upstream"]] == [
            command[:3] for command in commands
        ]
        path = tmp_path / "gateway.yaml"
        assert run(*commands[1][1:-1], "http://127.0.0.1:9", cwd=tmp_path).returncode == 0
        text = path.read_text().replace("127.0.0.1:8080", "127.0.0.1:0")
        path.write_text(f"{text}\nadmin: {{listen: '127.0.0.1:0'}}\n")
        with Gatekeeper("serve", cwd=tmp_path) as gatekeeper:
            assert gatekeeper.get("/api/x")[0] == 502

    def test_a_wrong_configuration(self, config: Path) -> None:
        """All that is wrong, with the lines."""
        config.write_text(
            config.read_text().replace("routes:", "rotues:").replace("health_path", "heath_path")
        )
        done = run("serve", "-c", str(config))

        assert done.returncode == 2
        assert f"{config} has 2 problems\n{config}:2:" in done.stderr
        assert "did you mean `routes`?" in done.stderr
        assert "Traceback" not in done.stderr

    def test_a_key_of_the_future(self, config: Path) -> None:
        """It is refused, never ignored."""
        config.write_text(config.read_text() + "tenants: {}\n")
        done = run("serve", "-c", str(config))

        assert done.returncode == 2
        assert "`tenants` is not available yet" in done.stderr

    def test_what_shows_only_when_put_together(self, config: Path) -> None:
        """Ambiguous routes are an error of the configuration too."""
        config.write_text(
            config.read_text() + "  one: {match: '/a/{x}', to: app}\n  two: {match: '/a/{y}', to: app}\n"
        )
        done = run("serve", "-c", str(config))

        assert done.returncode == 2
        assert "[ambiguous]" in done.stderr
        assert "Traceback" not in done.stderr + done.stdout

    def test_a_filter_that_fails_at_once(self, config: Path, tmp_path: Path) -> None:
        """CFG-13: with its line. `check` does not try it: filters may need what a gateway opens when it starts."""
        plugin = tmp_path / "plugin.py"
        plugin.write_text(CRASHING)
        config.write_text(config.read_text().replace("to: app}", "to: app, filters: [crash]}"))
        flags = ("-c", str(config), "--plugin", str(plugin))

        done = run("serve", *flags)

        assert done.returncode == 2
        message = f"{config}:7:40: routes.all.filters[0]: `crash` fails on its first request: ValueError: no model [fails]"
        assert done.stderr.splitlines()[:3] == [
            f"gatekeeper: {config} has a problem",
            message,
            "    7 |   all: {match: /**, to: app, filters: [crash]}",
        ]
        assert "Traceback" not in done.stderr + done.stdout
        assert run("check", *flags).returncode == 0

    @pytest.mark.parametrize("key", ["server.listen.main", "admin.listen"])
    def test_a_port_in_use(self, config: Path, key: str) -> None:
        """LIF-08: it is named, with the key to change; exit code 1."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            name = key.partition(".")[0]
            text = config.read_text()
            at = text.index(name)
            config.write_text(text[:at] + text[at:].replace("127.0.0.1:0", f"127.0.0.1:{port}", 1))
            done = run("serve", "-c", str(config))

        assert done.returncode == 1
        assert f"cannot listen on 127.0.0.1:{port}: address already in use" in done.stderr
        assert f"change `{key}` in {config}" in done.stderr
        assert "Traceback" not in done.stderr + done.stdout

    def test_nothing_is_half_started(self, config: Path, tmp_path: Path) -> None:
        """LIF-08: where one address of several is taken, nobody has listened on the others."""
        plugin, marker = tmp_path / "plugin.py", tmp_path / "marker"
        plugin.write_text(OPENING.format(marker=str(marker)))
        (free,) = free_ports(1)
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            listen = f'listen: {{one: "127.0.0.1:{free}", two: "127.0.0.1:{port}"}}'
            config.write_text(config.read_text().replace('listen: "127.0.0.1:0"', listen, 1))
            done = run("serve", "-c", str(config), "--plugin", str(plugin))

        assert done.returncode == 1
        assert f"change `server.listen.two` in {config}" in done.stderr
        assert not marker.exists()
        assert _refuses(f"127.0.0.1:{free}")

    def test_a_certificate_that_is_none(self, config: Path) -> None:
        """LIF-08: the service is named that needs it; exit code 2."""
        config.with_name("ca.pem").write_text("this is no certificate")
        service = "app: {instances: ['https://127.0.0.1:9'], tls: {ca: ca.pem}}"
        config.write_text(config.read_text().replace("app: http://127.0.0.1:9", service))
        done = run("serve", "-c", str(config))

        assert done.returncode == 2
        assert "services.app.tls: the files of `tls` cannot be used: no certificate" in done.stderr
        assert "Traceback" not in done.stderr + done.stdout

    @pytest.mark.parametrize(
        ("number", "expected"),
        [
            pytest.param(
                errno.EACCES,
                "permission denied; ports below 1024 take a permission (CAP_NET_BIND_SERVICE): give it that, or change",
                id="LIF-08-permission",
            ),
            pytest.param(
                errno.EADDRNOTAVAIL,
                "cannot assign requested address; this machine has no such address: change",
                id="LIF-08-no-such-address",
            ),
            pytest.param(
                errno.EAFNOSUPPORT, "address family not supported by protocol; change", id="LIF-08-other"
            ),
        ],
    )
    def test_an_address_that_cannot_be_had(
        self, monkeypatch: pytest.MonkeyPatch, number: int, expected: str
    ) -> None:
        """What helps depends on why."""
        error = OSError(number, os.strerror(number))

        def refuse(address: Listen, handed: Handed) -> socket.socket:
            raise error

        monkeypatch.setattr(sockets, "open_socket", refuse)
        config = GatewayConfig(
            server=ServerConfig(listen={"main": ListenerConfig(address=Listen("::1", 80))})
        )

        assert (
            f"cannot listen on [::1]:80: {expected} `server.listen.main` in gateway.yaml"
            == process._explain(error, config, Path("gateway.yaml"))
        )

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            ("file", "there is something of that name that is no socket; move that away, or change"),
            ("socket", "address already in use; end what uses it, or change"),
            ("no folder", "no such file or directory; make its folder, or change"),
        ],
    )
    def test_a_socket_file_that_cannot_be_had(self, config: Path, kind: str, expected: str) -> None:
        """LIF-08: what is in the way stays there."""
        path = config.with_name("no") / "a.sock" if kind == "no folder" else config.with_name("a.sock")
        with socket.socket(socket.AF_UNIX) as other:
            if kind == "socket":
                other.bind(str(path))
                other.listen()
            elif kind == "file":
                path.write_text("precious")
            config.write_text(config.read_text().replace("127.0.0.1:0", f"unix://{path}", 1))
            done = run("serve", "-c", str(config))

        assert done.returncode == 1
        assert f"cannot listen on unix://{path}: {expected} `server.listen.main` in {config}" in done.stderr
        assert path.exists() is (kind != "no folder")

    def test_an_admin_listener_for_everybody(self, config: Path) -> None:
        """ADM-02: without users it is for this machine only."""
        config.write_text(
            config.read_text().replace('admin: {listen: "127.0.0.1:0"}', 'admin: {listen: "0.0.0.0:0"}')
        )
        done = run("serve", "-c", str(config))

        assert done.returncode == 2
        assert "[insecure]" in done.stderr
        assert "admin.listen" in done.stderr

    def test_an_unknown_level(self, config: Path) -> None:
        """By its variable."""
        done = run("serve", "-c", str(config), env={"GATEKEEPER_LOG_LEVEL": "loud"})

        assert done.returncode == 2
        assert "GATEKEEPER_LOG_LEVEL: 'loud' is none of debug, info, warning, error" in done.stderr


class TestSignals:
    """A request that was begun is answered."""

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_the_first_one_drains(
        self, slow: tuple[Path, socket.socket], serve: Serve, number: signal.Signals
    ) -> None:
        """Nothing is cut: 0."""
        path, service = slow
        with (
            serve("-c", str(path)) as gatekeeper,
            _ask(gatekeeper.address) as client,
            service.accept()[0] as connection,
        ):
            connection.recv(4096)
            gatekeeper.process.send_signal(number)
            gatekeeper.says('"draining"')
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

            assert client.recv(4096).startswith(b"HTTP/1.1 200")
            assert gatekeeper.wait() == 0

    def test_those_who_follow_are_told_first(self, serve: Serve, config: Path) -> None:
        """LIF-02: they see 503 while requests are still taken, each with the end of its connection."""
        with serve("-c", str(config)) as gatekeeper:
            assert gatekeeper.get("/healthz") == (200, "ok\n")
            gatekeeper.process.send_signal(signal.SIGTERM)
            gatekeeper.says('"draining"')
            for _ in range(3):
                assert gatekeeper.get("/healthz") == (503, "draining\n")
                with _ask(gatekeeper.address) as client:
                    assert b"\r\nConnection: close\r\n" in client.recv(4096)
            assert gatekeeper.wait() == 0
            assert gatekeeper.lines()[-1]["message"] == "stopped"

    def test_who_presses_ctrl_c_does_not_wait_for_them(
        self, slow: tuple[Path, socket.socket], serve: Serve
    ) -> None:
        """Nobody is let in any more, long before they would have been told."""
        path, service = slow
        with (
            serve("-c", str(path)) as gatekeeper,
            _ask(gatekeeper.address) as client,
            service.accept()[0] as connection,
        ):
            assert gatekeeper.get("/healthz") == (200, "ok\n")
            gatekeeper.process.send_signal(signal.SIGINT)
            wait_for(lambda: _refuses(gatekeeper.address), "the end of the listener", LINGER - 1)
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 204")
            assert gatekeeper.wait() == 0

    def test_nobody_loses_a_request(self, serve: Serve, config: Path) -> None:
        """LIF-02: neither on kept connections nor on new ones; who is refused was never let in."""
        seen: Counter[str] = Counter()

        def come(address: str, *, stays: bool) -> None:
            host, _, port = address.rpartition(":")
            while True:
                client = http.client.HTTPConnection(host, int(port), timeout=0.5)
                try:
                    client.connect()
                except (ConnectionRefusedError, TimeoutError):
                    return
                try:
                    while client.sock is not None:
                        client.request("GET", "/nothing", headers={} if stays else {"Connection": "close"})
                        response = client.getresponse()
                        response.read()
                        seen[str(response.status)] += 1
                except (OSError, http.client.HTTPException) as error:
                    seen[repr(error)] += 1
                client.close()

        with serve("-c", str(config), "--log-level", "error") as gatekeeper:
            address = f"127.0.0.1:{_port_of(config)}"
            wait_for(lambda: not _refuses(address), "the listener")
            crowd = [
                threading.Thread(target=come, args=(address,), kwargs={"stays": number % 2 == 0})
                for number in range(8)
            ]
            for thread in crowd:
                thread.start()
            wait_for(lambda: seen.total() > 200, "some answers")
            assert gatekeeper.end() == 0
            for thread in crowd:
                thread.join(PATIENCE)
        assert list(seen) == ["502"]

    def test_an_operator_ends_it_too(self, serve: Serve, config: Path) -> None:
        """As SIGTERM does."""
        with serve("-c", str(config)) as gatekeeper:
            assert gatekeeper.get("/gateway/drain", gatekeeper.admin, "POST")[0] == 202
            assert gatekeeper.wait() == 0
            assert gatekeeper.lines()[-1]["message"] == "stopped"

    def test_what_takes_longer_is_cut(self, slow: tuple[Path, socket.socket], serve: Serve) -> None:
        """After `server.drain`: 1."""
        path, service = slow
        path.write_text(path.read_text().replace("health_path: /healthz", "drain: 200ms"))
        with serve("-c", str(path)) as gatekeeper:
            with _ask(gatekeeper.address), service.accept()[0] as connection:
                connection.recv(4096)

                assert gatekeeper.end() == 1
            assert gatekeeper.lines(message="stopped, requests were cut off")[0]["cut"] == 1

    @pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
    def test_the_second_one_ends_it_at_once(
        self, slow: tuple[Path, socket.socket], serve: Serve, number: signal.Signals, code: int
    ) -> None:
        """LIF-04: 128 and the number of the signal."""
        path, service = slow
        with (
            serve("-c", str(path)) as gatekeeper,
            _ask(gatekeeper.address),
            service.accept()[0] as connection,
        ):
            connection.recv(4096)
            gatekeeper.process.send_signal(number)
            gatekeeper.says('"draining"')

            assert gatekeeper.end(number) == code


def _ask(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    client = socket.create_connection((host, int(port)), timeout=10)
    client.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
    return client


def _refuses(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
    except ConnectionRefusedError:
        return True
    except TimeoutError:
        pass
    return False


def _port_of(config: Path) -> int:
    """A port of its own for a gateway that says nothing."""
    (port,) = free_ports(1)
    config.write_text(config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}", 1))
    return port


PLUGIN = """\
from pathlib import Path
from gatekeeper import hookimpl

@hookimpl
def gatekeeper_validate(config):
    return [1 / 0] if Path("{marker}").exists() else []
"""


class TestReload:
    """SIGHUP reads the configuration again."""

    @pytest.fixture
    def config(self, config: Path) -> Path:
        """It is not looked at without being told."""
        config.write_text(
            config.read_text().replace("health_path: /healthz", "health_path: /one, reload: {watch: false}")
        )
        return config

    def test_what_it_says_now_is_served(self, serve: Serve, config: Path) -> None:
        """By the same options; open connections go on, and a listener that is new serves."""
        (port,) = free_ports(1)
        text = config.read_text().replace('listen: "127.0.0.1:0"', 'listen: {main: "127.0.0.1:0"}', 1)
        config.write_text(text.replace("/one", "'${HEALTH}'") + "environments: {test: test.yaml}\n")
        listeners = config.with_name("test.yaml")
        listeners.write_text("server: {listen: {second: '127.0.0.1:0'}}\n")
        variables = config.with_name("variables")
        variables.write_text("HEALTH=/one\n")
        with serve("-c", str(config), "--env", "test", "--env-file", str(variables)) as gatekeeper:
            host, _, main = gatekeeper.address.rpartition(":")
            kept = http.client.HTTPConnection(host, int(main), timeout=PATIENCE)
            kept.request("GET", "/one")
            assert kept.getresponse().read() == b"ok\n"
            connection = kept.sock
            variables.write_text("HEALTH=/two\n")
            listeners.write_text(f"server: {{listen: {{second: '127.0.0.1:{port}'}}}}\n")
            gatekeeper.process.send_signal(signal.SIGHUP)
            wait_for(lambda: not _refuses(f"127.0.0.1:{port}"), "the listener")
            assert gatekeeper.get("/two", f"127.0.0.1:{port}") == (200, "ok\n")
            kept.request("GET", "/two")
            assert kept.getresponse().read() == b"ok\n"
            assert kept.sock is connection
            kept.close()
            assert gatekeeper.end(signal.SIGINT) == 0
            assert len(gatekeeper.lines(message="configuration in force", why="SIGHUP")) == 1

    def test_what_is_wrong_changes_nothing(self, serve: Serve, config: Path) -> None:
        """It is logged, and the next one counts again."""
        right = config.read_text()
        with serve("-c", str(config)) as gatekeeper:
            assert gatekeeper.get("/one")[0] == 200
            config.write_text("rotues: {}")
            gatekeeper.process.send_signal(signal.SIGHUP)
            gatekeeper.says("did you mean `routes`?")
            assert gatekeeper.get("/one")[0] == 200
            config.unlink()
            gatekeeper.process.send_signal(signal.SIGHUP)
            gatekeeper.says("does not exist")
            assert gatekeeper.get("/one")[0] == 200
            config.write_text(right.replace("/one", "/two, drain: 7s"))
            gatekeeper.process.send_signal(signal.SIGHUP)
            wait_for(lambda: gatekeeper.get("/two")[0] == 200, "the reload")
            assert gatekeeper.end(signal.SIGINT) == 0
            assert gatekeeper.lines(message="draining")[0]["grace"] == 7

    def test_a_plugin_that_breaks_does_not_end_it(self, serve: Serve, config: Path, tmp_path: Path) -> None:
        """What it has raised is in the log and in what `reload` says, and the next SIGHUP counts."""
        plugin, marker = tmp_path / "plugin.py", tmp_path / "marker"
        plugin.write_text(PLUGIN.format(marker=str(marker)))
        with serve("-c", str(config), "--plugin", str(plugin)) as gatekeeper:
            assert gatekeeper.get("/one")[0] == 200
            marker.touch()
            config.write_text(config.read_text().replace("/one", "/two"))
            gatekeeper.process.send_signal(signal.SIGHUP)
            gatekeeper.says("ZeroDivisionError")
            assert gatekeeper.get("/one")[0] == 200
            asked = run("reload", "--admin", f"http://{gatekeeper.admin}")
            assert asked.returncode == 2
            assert "plugin `plugin` failed to check the configuration: ZeroDivisionError" in asked.stdout
            marker.unlink()
            gatekeeper.process.send_signal(signal.SIGHUP)
            wait_for(lambda: gatekeeper.get("/two")[0] == 200, "the reload")

    def test_one_that_is_going_reads_nothing(self, serve: Serve, slow: tuple[Path, socket.socket]) -> None:
        """LIF-04: it says so, and goes."""
        config, service = slow
        with (
            serve("-c", str(config)) as gatekeeper,
            _ask(gatekeeper.address) as client,
            service.accept()[0] as connection,
        ):
            gatekeeper.process.send_signal(signal.SIGTERM)
            gatekeeper.says('"draining"')
            config.write_text("rotues: {}")
            gatekeeper.process.send_signal(signal.SIGHUP)
            gatekeeper.says("no reload")
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 204")
            assert gatekeeper.wait() == 0
            assert "rotues" not in gatekeeper.text

    def test_one_that_reads_goes_all_the_same(self, serve: Serve, slow: tuple[Path, socket.socket]) -> None:
        """LIF-04: SIGTERM drains at once, and what was being read does not come into force."""
        config, service = slow
        text = config.read_text()
        with (
            serve("-c", str(config)) as gatekeeper,
            _ask(gatekeeper.address) as client,
            service.accept()[0] as connection,
        ):
            config.unlink()
            os.mkfifo(config)
            gatekeeper.process.send_signal(signal.SIGHUP)
            with config.open("w") as pipe:
                gatekeeper.process.send_signal(signal.SIGTERM)
                gatekeeper.says('"draining"')
                pipe.write(text)
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 204")
            assert gatekeeper.wait() == 0
            assert not gatekeeper.lines(message="configuration in force")


@pytest.mark.parametrize("ending", [False, True], ids=["serving", "ending"])
def test_a_terminal_that_is_closed_ends_it(slow: tuple[Path, socket.socket], ending: bool) -> None:
    """As Ctrl-C does, which nobody can press any more, but not as a second one; while it is open, SIGHUP reloads."""
    config, service = slow
    config.write_text(config.read_text().replace("health_path: /healthz", "reload: {watch: false}"))
    address = f"127.0.0.1:{_port_of(config)}"
    outside, inside = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, "serve", "-c", str(config)],
        env=ENVIRONMENT,
        stdin=inside,
        stdout=inside,
        stderr=inside,
    ) as process:
        os.close(inside)
        _read_until(outside, b"Ctrl-C ends it")
        config.write_text("rotues: {}")
        process.send_signal(signal.SIGHUP)
        _read_until(outside, b"did you mean `routes`?")
        with _ask(address) as client, service.accept()[0] as connection:
            if ending:
                process.send_signal(signal.SIGINT)
                _read_until(outside, b"Finishing what was begun")
            os.close(outside)
            process.send_signal(signal.SIGHUP)
            wait_for(lambda: _refuses(address), "the end of the listener")
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            assert client.recv(4096).startswith(b"HTTP/1.1 204")
        assert process.wait(PATIENCE) == 0


def _read_until(descriptor: int, text: bytes) -> None:
    seen = b""
    while text not in seen:
        seen += os.read(descriptor, 65536)


def test_a_log_that_nobody_takes_harms_no_request(config: Path) -> None:
    """LIF-10: the reader of the pipe has gone."""
    port = _port_of(config)
    with subprocess.Popen(
        [*COMMAND, "serve", "-c", str(config)], env=ENVIRONMENT, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert b'"listening"' in process.stdout.readline()
        process.stdout.close()
        for _ in range(3):
            with _ask(f"127.0.0.1:{port}") as client:
                assert client.recv(4096).startswith(b"HTTP/1.1 502")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_memory_after_the_start(serve: Serve, config: Path) -> None:
    """At most 64 MiB are resident; it was 61 on Python 3.11, of which aiohttp takes a quarter."""
    with serve("-c", str(config)) as gatekeeper:
        gatekeeper.get("/healthz")
        status = Path(f"/proc/{gatekeeper.process.pid}/status").read_text()
        (resident,) = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]

        assert int(resident) <= 64 * 1024


# does what systemd does: what is to be handed over is descriptor 3, and said to be for the process that begins here
ACTIVATE = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3);"
    " os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1', LISTEN_FDNAMES='web');"
    " os.execv(sys.executable, [sys.executable, '-m', 'gatekeeper', *sys.argv[2:]])"
)


class TestActivation:
    """Sockets that systemd has opened: its unit has them, and we have them while we run."""

    @staticmethod
    def activate(sock: socket.socket, config: Path, *arguments: str) -> Gatekeeper:
        """Start a gateway that is handed a socket."""
        number = sock.fileno()
        command = (sys.executable, "-c", ACTIVATE, str(number), "serve", "-c", str(config), *arguments)
        return Gatekeeper(command=command, pass_fds=[number])

    @pytest.fixture
    def handed(self, config: Path) -> Path:
        """A configuration that listens on what is handed over."""
        config.write_text(config.read_text().replace('"127.0.0.1:0"', '"systemd:web"', 1))
        return config

    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_nobody_is_lost_between_two_processes(self, handed: Path, workers: str) -> None:
        """Who connects while nobody serves is answered by the next one; a reload leaves the socket alone."""
        with socket.create_server(("127.0.0.1", 0)) as sock:
            address = f"127.0.0.1:{sock.getsockname()[1]}"
            with self.activate(sock, handed, "--workers", workers) as gatekeeper:
                assert gatekeeper.address == address
                assert gatekeeper.get("/healthz") == (200, "ok\n")
                handed.write_text(handed.read_text().replace("/healthz", "/well"))
                gatekeeper.process.send_signal(signal.SIGHUP)
                gatekeeper.says("configuration in force")
                assert gatekeeper.get("/well") == (200, "ok\n")
                assert gatekeeper.end() == 0
            with socket.create_connection(sock.getsockname(), timeout=PATIENCE) as client:
                client.sendall(b"GET /well HTTP/1.1\r\nHost: a\r\n\r\n")
                with self.activate(sock, handed, "--workers", workers):
                    assert client.recv(15) == b"HTTP/1.1 200 OK"

    def test_its_file_stays(self, handed: Path) -> None:
        """It is the unit's."""
        path = handed.with_name("a.sock")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(path))
            sock.listen()
            with self.activate(sock, handed) as gatekeeper:
                assert gatekeeper.address == f"unix://{path}"
                assert gatekeeper.end() == 0
            assert path.is_socket()

    def test_what_nobody_takes_is_told(self, config: Path) -> None:
        """Its clients would wait for ever."""
        with socket.create_server(("127.0.0.1", 0)) as sock, self.activate(sock, config) as gatekeeper:
            gatekeeper.says('no listener takes; write \\"systemd:web\\" for it')

    def test_without_a_unit(self, handed: Path) -> None:
        """LIF-08: the message says what it needs."""
        done = run("serve", "-c", str(handed))

        assert done.returncode == 1
        assert (
            "cannot listen on systemd:web: systemd has handed over no socket (no unit has opened one); a .socket unit of the"
            " service's name, with `ListenStream=`, opens one; or change `server.listen.main`"
        ) in done.stderr

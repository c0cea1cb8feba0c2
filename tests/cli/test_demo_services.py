"""The services of the demo, in this process."""

import hashlib
import http.client
import json
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gatekeeper.cli import demo, demo_services
from gatekeeper.cli.flags import CommandError
from gatekeeper.config.model import GatewayConfig
from gatekeeper.extend.catalog import Catalog
from gatekeeper.routing.template import PathTemplate
from tests.cli.running import free_ports
from tests.config.loading import load_text


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[http.client.HTTPConnection]:
    """A connection to one of `users`."""
    monkeypatch.setattr(demo_services.Service, "name", "users")
    monkeypatch.setattr(demo_services.Service, "instance", "users-1")
    server = demo_services.Server(("127.0.0.1", 0), demo_services.Service)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    yield connection
    connection.close()
    server.shutdown()
    thread.join()
    server.server_close()


def _ask(connection: http.client.HTTPConnection, method: str, path: str, **options: Any) -> tuple[int, bytes]:
    connection.request(method, path, **options)
    response = connection.getresponse()
    return response.status, response.read()


def test_says_what_arrived(service: http.client.HTTPConnection) -> None:
    """On one connection, one request after the other."""
    for method in ("GET", "DELETE", "PATCH", "OPTIONS"):
        _, body = _ask(service, method, "/users/7?x=1", headers={"X-A": "b"})
        seen = json.loads(body)

        assert (seen["service"], seen["instance"]) == ("users", "users-1")
        assert (seen["method"], seen["path"], seen["query"]) == (method, "/users/7", "x=1")
        assert seen["headers"]["x-a"] == "b"


@pytest.mark.parametrize("path", ["/health", "/users", "/users/export?mib=3"])
def test_head_has_no_body(service: http.client.HTTPConnection, path: str) -> None:
    """But the length of the one that GET gets."""
    service.request("HEAD", path)
    response = service.getresponse()

    assert response.read() == b""
    assert int(response.headers["content-length"]) > 0


def test_exports(service: http.client.HTTPConnection) -> None:
    """As long as was asked for."""
    assert len(_ask(service, "GET", "/users/7/export?mib=2")[1]) == 2 << 20
    assert len(_ask(service, "GET", "/users/7/export")[1]) == 1 << 20
    assert _ask(service, "GET", "/users/7/export?mib=-1")[0] == 400


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_uploads(service: http.client.HTTPConnection, method: str, chunked: bool) -> None:
    """Counted and hashed, with and without a length."""
    data = bytes(range(256)) * 1000
    body: Any = iter([data[:100_000], data[100_000:]]) if chunked else data
    _, answer = _ask(service, method, "/users/7/photo", body=body, encode_chunked=chunked)
    seen = json.loads(answer)

    assert (seen["bytes"], seen["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_it_runs_until_its_input_ends(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """And is called after its port where nobody named it."""
    nothing = tmp_path / "nothing"
    nothing.touch()
    (port,) = free_ports(1)
    with nothing.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(demo_services, "Server", _Idle)
        assert demo_services.main(["users", str(port)]) == 0

    _Idle.made.pop().server_close()
    assert demo_services.Service.instance == f"users-{port}"


class _Idle(demo_services.Server):
    """A server that is not asked anything."""

    made: ClassVar[list[demo_services.Server]] = []

    def server_activate(self) -> None:
        """Remember it."""
        super().server_activate()
        self.made.append(self)

    def serve_forever(self, poll_interval: float = 0.5) -> None:
        """End at once."""


def test_a_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    """It says so where the gateway listens for "ready"."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert demo_services.main(["users", str(taken.getsockname()[1])]) == 1

    assert capsys.readouterr().out == "Address already in use\n"


def test_a_peer_that_hangs_up_is_nothing_to_talk_about(capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback among the lines of the demo."""
    demo_services.Server.handle_error(None, None, None)  # type: ignore[arg-type]

    assert capsys.readouterr() == ("", "")


# ---- how the gateway takes services that are not well -------------------------------------------------------------

SICK = """\
import http.server, sys
class Sick(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(500)
    def log_message(self, *arguments):
        pass
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[2])), Sick)
print("ready", flush=True)
server.serve_forever()
"""
MUTE = "import sys\nprint('ready', flush=True)\nsys.stdin.read()\n"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param(SICK, "is not healthy: 500 on /health", id="sick"),
        pytest.param(MUTE, "does not answer: ConnectionRefusedError", id="mute"),
        pytest.param("raise SystemExit(3)", "it did not start", id="ended"),
    ],
)
def test_a_service_that_is_not_well_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    """By name, and all of them are ended, also one that does not listen to the end of its input."""
    (tmp_path / "demo_services.py").write_text(source)
    monkeypatch.setattr(demo, "CONFIG", tmp_path / "demo.yaml")

    with pytest.raises(CommandError, match=message) as refused, demo.services(_config()):
        pass

    assert "the demo's app" in str(refused.value)


def _config() -> GatewayConfig:
    (port,) = free_ports(1)
    text = f"version: 1\nservices: {{app: 'http://127.0.0.1:{port}'}}\nroutes: {{all: {{match: /**, to: app}}}}\n"
    return load_text(text, Catalog(), template=PathTemplate.parse)


def test_the_story_names_all_services() -> None:
    """And a line to try for each lesson."""
    text = "\n".join(demo.story(_config(), "127.0.0.1:8080"))

    assert "  app        127.0.0.1:" in text
    assert text.count("curl ") == len(demo.TRIES)

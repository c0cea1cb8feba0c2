"""`serve --demo`: real services in processes of their own, and a terminal that says what to try."""

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatekeeper.cli import demo
from tests.cli.running import Gatekeeper, free_ports, move_demo, run, wait_for


ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's configuration on free ports."""
    return move_demo(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def running(moved: Path) -> Iterator[Gatekeeper]:
    """A demo on a pipe."""
    with Gatekeeper("serve", "--demo", "-c", str(moved)) as gatekeeper:
        yield gatekeeper.says('"listening"')
        # SIGTERM would wait for those who have asked for its health, and nobody does any more
        assert gatekeeper.end(signal.SIGINT) == 0


def test_the_package_and_the_checkout_have_the_same_file() -> None:
    """`gatekeeper serve` in the checkout serves what the demo does."""
    assert (ROOT / "gateway.yaml").read_text() == demo.CONFIG.read_text()


def test_two_instances_take_turns(running: Gatekeeper) -> None:
    """The first thing that a stranger sees."""
    answered = [running.get("/users/7")[1]["instance"] for _ in range(4)]

    assert sorted(answered) == ["users-1", "users-1", "users-2", "users-2"]


def test_rewrite_and_transform(running: Gatekeeper) -> None:
    """The service sees another path, a header made of the path, and not the query parameter that was dropped."""
    _, seen = running.get("/shops/berlin/orders/42?debug=1&page=2")

    assert (seen["path"], seen["query"], seen["headers"]["x-shop"]) == ("/orders/42", "page=2", "berlin")
    assert seen["headers"]["via"] == "1.1 gatekeeper"


def test_answers_of_the_gateway_itself(running: Gatekeeper) -> None:
    """Static, redirect, health, 404 and 405."""
    assert running.get("/")[1]["hello"] == "you are 127.0.0.1"
    assert running.get("/people/7")[0] == 308
    assert running.get("/people/x")[0] == 404
    assert running.get("/healthz") == (200, "ok\n")
    status, problem = running.get("/users/7", method="DELETE")
    assert (status, problem["code"]) == (405, "method-not-allowed")


def test_large_files_stream_both_ways(running: Gatekeeper) -> None:
    """64 MiB with and without announced length; the service's hash is that of what was sent."""
    host, _, port = running.address.rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    connection.request("GET", "/users/7/export?mib=64")
    response = connection.getresponse()
    digest, size = hashlib.sha256(), 0
    while chunk := response.read(1 << 20):
        digest.update(chunk)
        size += len(chunk)
    assert size == 64 << 20

    piece = bytes(range(256)) * 4096
    for options in ({"headers": {"content-length": str(64 << 20)}}, {"encode_chunked": True}):
        connection.request("PUT", "/users/7/photo", iter([piece] * 64), **options)
        answer = json.loads(connection.getresponse().read())
        assert (answer["bytes"], answer["sha256"]) == (64 << 20, digest.hexdigest())
    connection.close()


def test_a_terminal_says_what_to_try(tmp_path: Path) -> None:
    """What listens, three lines to paste that work, one readable line for each request."""
    with Gatekeeper("serve", "--demo", "-c", str(move_demo(tmp_path)), terminal=True) as gatekeeper:
        gatekeeper.says("Ctrl-C ends it")
        lines = [line.split() for line in gatekeeper.text.splitlines() if line.startswith("  curl ")]
        assert len(lines) == len(demo.TRIES) == 3
        statuses = []
        for words in lines:
            address, _, path = words[-1].partition("/")
            method = words[words.index("-X") + 1] if "-X" in words else "GET"
            statuses.append(gatekeeper.get(f"/{path}", address, method)[0])
            gatekeeper.says(f"{method} /{path} ")

        assert statuses == [200, 200, 405]
        assert gatekeeper.end(signal.SIGINT) == 0


def _services(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in children.split()]


needs_children = pytest.mark.skipif(
    not Path(f"/proc/self/task/{os.getpid()}/children").exists(), reason="needs /proc"
)


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@needs_children
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_services_end_with_the_gateway(tmp_path: Path, number: signal.Signals) -> None:
    """However it ends."""
    (port,) = free_ports(1)
    path = _small(tmp_path, port)
    with Gatekeeper("serve", "--demo", "-c", str(path)) as gatekeeper:
        gatekeeper.says('"listening"')
        services = _services(gatekeeper.process.pid)
        assert len(services) == 1
        gatekeeper.end(number)

        wait_for(lambda: all(map(_is_gone, services)), "the services to end")


@needs_children
def test_killing_one_of_two_instances_fails_no_request(tmp_path: Path) -> None:
    """What the demo invites to try."""
    ports = free_ports(2)
    with Gatekeeper("serve", "--demo", "-c", str(_small(tmp_path, *ports))) as gatekeeper:
        gatekeeper.get("/")
        os.kill(_services(gatekeeper.process.pid)[0], signal.SIGKILL)

        assert {gatekeeper.get("/x")[0] for _ in range(10)} == {200}


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    """With what to do; nothing is left running."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--demo", "-c", str(_small(tmp_path, port)))

    assert done.returncode == 1
    assert f"the demo's app cannot listen on 127.0.0.1:{port}: address already in use" in done.stderr
    assert "serve --demo -c COPY" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_configuration_without_local_instances_has_no_demo(tmp_path: Path) -> None:
    """There is nothing to stand in for."""
    path = tmp_path / "gateway.yaml"
    path.write_text("version: 1\nservices: {app: http://app.test}\nroutes: {all: {match: /**, to: app}}\n")
    done = run("serve", "--demo", "-c", str(path))

    assert done.returncode == 1
    assert "names no instance on 127.0.0.1" in done.stderr


def test_a_service_can_be_run_by_hand() -> None:
    """It ends when its standard input does."""
    (port,) = free_ports(1)
    service = subprocess.Popen(
        [sys.executable, "-m", "gatekeeper.cli.demo_services", "users", str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert service.stdin is not None
    assert service.stdout is not None
    with service:
        assert service.stdout.readline() == b"ready\n"
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for path, status in (("/health", 200), ("/users/export?mib=x", 400)):
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            assert response.status == status
        connection.close()
        service.stdin.close()

        assert service.wait(10) == 0


def _small(folder: Path, *ports: int) -> Path:
    instances = ", ".join(f'"http://127.0.0.1:{port}"' for port in ports)
    path = folder / "gateway.yaml"
    path.write_text(
        f"""\
version: 1
server: {{listen: "127.0.0.1:0"}}
admin: {{listen: "127.0.0.1:0"}}
services: {{app: {{instances: [{instances}]}}}}
routes: {{all: {{match: /**, to: app}}}}
"""
    )
    return path

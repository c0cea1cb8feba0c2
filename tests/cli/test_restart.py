"""`gatekeeper restart`, and a gateway of several workers as processes; ids name the row of reliability.md."""

import os
import signal
import socket
import time
from pathlib import Path

import psutil
import pytest

from gatekeeper.cli.main import main
from tests.admin.memory import MemoryNode
from tests.cli.answering import listening
from tests.cli.running import Gatekeeper, run, wait_for


HELLO = """\
version: 1
server: {listen: "127.0.0.1:0", drain: 5s, health_path: /healthz}
admin: {listen: "127.0.0.1:0"}
routes: {all: {match: /**, filters: [static: {body: {text: hello}}]}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A gateway that says hello."""
    path = tmp_path / "gateway.yaml"
    path.write_text(HELLO)
    return path


def serve(config: Path, *flags: str) -> Gatekeeper:
    """Two workers."""
    return Gatekeeper("serve", "-c", str(config), "--workers", "2", *flags)


def workers_of(gatekeeper: Gatekeeper) -> list[int]:
    """Their numbers."""
    gatekeeper.says('"listening"')
    return sorted(child.pid for child in psutil.Process(gatekeeper.process.pid).children())


def test_workers_are_renewed(capsys: pytest.CaptureFixture[str]) -> None:
    """By the admin API."""
    node = MemoryNode()
    with listening(node) as address:
        assert 0 == main(["restart", "--admin", address])

    assert ["restart"] == node.calls
    assert capsys.readouterr().out.startswith("all workers are renewed")


def test_one_process_cannot_be_renewed(config: Path) -> None:
    """And says so; also to a signal, of which it would die otherwise."""
    with Gatekeeper("serve", "-c", str(config)) as gatekeeper:
        refused = run("restart", "--admin", f"http://{gatekeeper.admin}")
        gatekeeper.process.send_signal(signal.SIGUSR2)
        gatekeeper.says('"level":"error"')

        assert (200, "hello") == gatekeeper.get("/")
    assert (2, True) == (refused.returncode, "this gateway is one process" in refused.stderr)
    assert gatekeeper.lines(level="error")[0]["message"].startswith("this gateway is one process")


@pytest.mark.parametrize("how", ["command", "signal"])
def test_all_workers_of_a_running_gateway_are_renewed(config: Path, how: str) -> None:
    """LIF-05: by the command, and by SIGUSR2."""
    with serve(config) as gatekeeper:
        before = workers_of(gatekeeper)
        if how == "command":
            assert 0 == run("restart", "--admin", f"http://{gatekeeper.admin}").returncode
        else:
            gatekeeper.process.send_signal(signal.SIGUSR2)
        wait_for(lambda: len(gatekeeper.lines(logger="gatekeeper.workers.crew", level="info")) == 2, "both")
        wait_for(lambda: len(workers_of(gatekeeper)) == 2, "the end of those before")

        assert not set(before) & set(workers_of(gatekeeper))
        assert (200, "hello") == gatekeeper.get("/")
        assert 0 == gatekeeper.end(signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_all_of_it(config: Path, number: signal.Signals) -> None:
    """LIF-02: with 0, and with nobody left."""
    with serve(config) as gatekeeper:
        workers = workers_of(gatekeeper)
        assert (200, "hello") == gatekeeper.get("/")
        assert 0 == gatekeeper.end(number)

    assert not [pid for pid in workers if psutil.pid_exists(pid)]
    assert 1 == len(gatekeeper.lines(logger="gatekeeper.access"))


def test_a_second_signal_ends_all_of_it_at_once(config: Path) -> None:
    """LIF-04: also workers that have something to finish."""
    config.write_text(
        HELLO.replace("filters: [static: {body: {text: hello}}]", "to: app")
        + "services: {app: 'http://127.0.0.1:9'}\n"
    )
    with serve(config) as gatekeeper:
        workers = workers_of(gatekeeper)
        host, port = gatekeeper.address.split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
            time.sleep(0.2)
            gatekeeper.process.send_signal(signal.SIGTERM)
            gatekeeper.says('"draining"')
            assert 143 == gatekeeper.end(signal.SIGTERM)

    wait_for(lambda: not [pid for pid in workers if psutil.pid_exists(pid)], "the end of the workers")


def test_workers_do_not_outlive_their_supervisor(config: Path) -> None:
    """They finish what was begun, and go."""
    with serve(config) as gatekeeper:
        workers = workers_of(gatekeeper)
        os.kill(gatekeeper.process.pid, signal.SIGKILL)
        gatekeeper.process.wait()

        wait_for(lambda: not [pid for pid in workers if psutil.pid_exists(pid)], "their end", 20)


def test_a_worker_that_cannot_begin_ends_the_start(config: Path, tmp_path: Path) -> None:
    """LIF-08: with the reason."""
    plugin = tmp_path / "own.py"
    plugin.write_text(
        "from contextlib import asynccontextmanager\n"
        "from gatekeeper import hookimpl\n"
        "@hookimpl\n"
        "@asynccontextmanager\n"
        "async def gatekeeper_lifespan(gateway):\n"
        "    if gateway.role == 'worker': raise OSError('no licence')\n"
        "    yield\n"
    )
    refused = run("serve", "-c", str(config), "--workers", "2", "--plugin", str(plugin))

    assert 1 == refused.returncode
    assert "could not begin: no licence" in refused.stderr


@pytest.mark.parametrize("number", ["0", "-1", "two", "1.5", ""])
def test_a_number_that_is_none(config: Path, number: str) -> None:
    """It is said what can be written; nothing is what the file says."""
    refused = run("serve", "-c", str(config), "--workers", number, "--log-level", "nonsense")

    assert 2 == refused.returncode
    assert "neither `auto` nor a number from 1 on" in refused.stderr


def test_a_change_of_their_number_takes_a_restart(config: Path) -> None:
    """The rest is in force."""
    config.write_text(HELLO.replace("server: {", "server: {workers: 2, "))
    with Gatekeeper("serve", "-c", str(config)) as gatekeeper:
        before = workers_of(gatekeeper)
        config.write_text(HELLO.replace("server: {", "server: {workers: 3, ").replace("hello", "bye"))
        gatekeeper.says("`server.workers` has changed: that takes a restart")
        gatekeeper.says("configuration in force")

        assert (200, "bye") == gatekeeper.get("/")
        assert before == workers_of(gatekeeper)

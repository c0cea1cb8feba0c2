"""What the service manager is told, over a real socket."""

import asyncio
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from gatekeeper.cli.notify import Notifier
from tests.cli.running import PATIENCE, Gatekeeper
from tests.edge.wire import SOON, on_both_loops


CONFIG = """\
version: 1
server: {{listen: "127.0.0.1:0", drain: 5s, reload: {{watch: false}}}}
admin: {{listen: false}}
routes: {{all: {{match: /**, filters: [static: {{body: {{text: {word}}}}}]}}}}
"""


@attrs.frozen
class Manager:
    """A service manager, as far as it hears."""

    sock: socket.socket
    address: str

    def hear(self) -> dict[str, str]:
        """The next message that is no sign of life."""
        while "WATCHDOG" in (told := self.message()):
            pass
        return told

    def message(self) -> dict[str, str]:
        """The next message."""
        fields = self.sock.recv(4096).decode().split("\n")
        return dict(field.split("=", 1) for field in fields)


@pytest.fixture(params=["file", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    """By a file, and by a name that is none."""
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(path if request.param == "file" else f"\0{path}")
        sock.settimeout(PATIENCE)
        yield Manager(sock, path if request.param == "file" else f"@{path}")


def test_what_is_told(manager: Manager) -> None:
    """As sd_notify(3) has it; the time of a reload is that of the system since its start, in microseconds."""
    notifier = Notifier(manager.address)
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notifier.ready("listening")
    notifier.reloading()
    notifier.stopping("finishing")

    assert {"READY": "1", "STATUS": "listening"} == manager.message()
    told = manager.message()
    assert before <= int(told.pop("MONOTONIC_USEC")) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    assert {"RELOADING": "1", "STATUS": "reloading"} == told
    assert {"STOPPING": "1", "STATUS": "finishing"} == manager.message()


def test_a_status_is_one_line(manager: Manager) -> None:
    """Else it could say anything."""
    Notifier(manager.address).ready("refused:\nSTOPPING=1")

    assert {"READY": "1", "STATUS": "refused: STOPPING=1"} == manager.message()


@on_both_loops
async def test_signs_of_life(tmp_path: Path) -> None:
    """Two in the time that is given, for as long as the loop turns."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        watching = asyncio.create_task(Notifier(str(tmp_path / "notify"), 0.02).watch())
        async with asyncio.timeout(SOON):
            told = [await asyncio.get_running_loop().sock_recv(sock, 100) for _ in range(3)]
        watching.cancel()

        assert [b"WATCHDOG=1"] * 3 == told


@pytest.mark.parametrize("notifier", [Notifier(), Notifier("/nowhere"), Notifier("", 1.0)])
async def test_nobody_wants_signs_of_life(notifier: Notifier) -> None:
    """There is nothing to wait for."""
    async with asyncio.timeout(SOON):
        await notifier.watch()


@pytest.mark.parametrize("address", ["", "/nowhere/at/all", "@nobody", "/" + "x" * 200, "/a\0b"])
def test_nobody_hears(address: str) -> None:
    """That is nobody's fault."""
    Notifier(address).ready("listening")


@pytest.mark.parametrize(
    ("environ", "address", "watchdog"),
    [
        ({}, "", None),
        ({"NOTIFY_SOCKET": "/run/n"}, "/run/n", None),
        ({"NOTIFY_SOCKET": "@n"}, "\0n", None),
        ({"NOTIFY_SOCKET": "vsock:2:1234"}, "", None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "20000000"}, "/run/n", 20.0),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "500000", "WATCHDOG_PID": "7"}, "/run/n", 0.5),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "500000", "WATCHDOG_PID": "8"}, "/run/n", None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "0"}, "/run/n", None),
        ({"NOTIFY_SOCKET": "/run/n", "WATCHDOG_USEC": "soon"}, "/run/n", None),
        ({"WATCHDOG_USEC": "20000000"}, "", None),
    ],
)
def test_what_the_environment_says(environ: dict[str, str], address: str, watchdog: float | None) -> None:
    """It is for this process, and gone afterwards."""
    notifier = Notifier.take(environ, 7)

    assert (address, watchdog) == (notifier._address, notifier._watchdog)
    assert {} == environ


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_gateway_tells(manager: Manager, tmp_path: Path, workers: str) -> None:
    """When it serves, reads its configuration again, sound or not, and goes; and that it lives."""
    config = tmp_path / "gateway.yaml"
    config.write_text(CONFIG.format(word="one"))
    env = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "200000"}
    with Gatekeeper("serve", "-c", str(config), "--workers", workers, env=env) as gatekeeper:
        assert {"WATCHDOG": "1"} == manager.message()
        told = manager.hear()
        assert ("1", f"revision 1, listening on {gatekeeper.address}") == (told["READY"], told["STATUS"])
        config.write_text(CONFIG.format(word="two"))
        gatekeeper.process.send_signal(signal.SIGHUP)
        before, after = manager.hear(), manager.hear()
        assert ("1", "1") == (before["RELOADING"], after["READY"])
        assert after["STATUS"].startswith("revision 2, ")
        assert gatekeeper.get("/") == (200, "two")
        config.write_text("version: 1\nroutes: {}\nnonsense: 1\n")
        gatekeeper.process.send_signal(signal.SIGHUP)
        before, after = manager.hear(), manager.hear()
        assert ("1", "1") == (before["RELOADING"], after["READY"])
        assert "the last change was refused" in after["STATUS"]
        assert "nonsense" in after["STATUS"]
        assert gatekeeper.end() == 0
        told = manager.hear()
        assert ("1", "finishing what was begun, for 5 s at most") == (told["STOPPING"], told["STATUS"])


def test_a_manager_that_does_not_hear_is_no_harm(tmp_path: Path) -> None:
    """The gateway serves."""
    config = tmp_path / "gateway.yaml"
    config.write_text(CONFIG.format(word="one"))
    env = {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "100000"}
    with Gatekeeper("serve", "-c", str(config), env=env) as gatekeeper:
        assert gatekeeper.get("/") == (200, "one")
        assert gatekeeper.end() == 0

"""The units: systemd knows all that they say, and their numbers are those of the configuration."""

import shutil
import subprocess
from pathlib import Path

import pytest

from gatekeeper.edge.listener import BACKLOG
from gatekeeper.runtime.descriptors import for_clients
from tests.cli.running import Gatekeeper, run
from tests.examples.deploying import DEPLOY, Moved, seconds, shop, unit


UNITS = ("gatekeeper.service", "gatekeeper.socket")
SERVICE = unit("gatekeeper.service")["Service"]


def known() -> dict[str, set[str]]:
    """The directives that systemd has, by section."""
    sections: dict[str, set[str]] = {}
    names: set[str] = set()
    for line in Path(__file__).with_name("directives.txt").read_text().splitlines():
        if line.startswith("["):
            names = sections.setdefault(line.strip("[]"), set())
        elif not line.startswith("#"):
            names.update(line.split())
    return sections


@pytest.mark.parametrize("name", UNITS)
def test_every_directive_is_one(name: str) -> None:
    """Systemd itself ignores what it does not know."""
    directives = known()

    assert [] == [
        f"[{section}] {key}"
        for section, keys in unit(name).items()
        for key in keys.keys() - directives[section]
    ]


@pytest.mark.parametrize("name", UNITS)
def test_systemd_says_nothing_against_them(name: str, tmp_path: Path) -> None:
    """Where there is a systemd to ask; the program is not installed where it would look for it."""
    for each in UNITS:
        text = (DEPLOY / "systemd" / each).read_text().replace("/opt/gatekeeper/bin/gatekeeper", "/bin/true")
        (tmp_path / each).write_text(text)
    program = shutil.which("systemd-analyze")
    command = [program, "verify", "--man=no", str(tmp_path / name)] if program else ["true"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert ("", 0) == (done.stderr, done.returncode)


def test_the_socket_is_that_of_the_service() -> None:
    """By its name, and with as many who may wait as the gateway itself allows."""
    (socket,) = (name for name in UNITS if name.endswith(".socket"))

    assert "gatekeeper.service" == socket.replace(".socket", ".service")
    assert [str(BACKLOG)] == unit(socket)["Socket"]["Backlog"]


def test_a_drain_has_time(tmp_path: Path) -> None:
    """Before systemd kills."""
    assert Moved("systemd/gateway.yaml", tmp_path, also=shop(tmp_path)).load().server.drain < seconds(
        f"{SERVICE['TimeoutStopSec'][0]}s"
    )


def test_descriptors_are_enough(tmp_path: Path) -> None:
    """For as many connections as the configuration lets in, as `gatekeeper doctor` counts them."""
    server = Moved("systemd/gateway.yaml", tmp_path, also=shop(tmp_path)).load().server
    (descriptors,) = map(int, SERVICE["LimitNOFILE"])

    assert server.limits.connections <= for_clients(descriptors, server.concurrency.limit)


def test_a_wrong_configuration_is_not_tried_again(tmp_path: Path) -> None:
    """Its exit code is the one that the unit names."""
    path = tmp_path / "gateway.yaml"
    path.write_text("version: 1\nservcies: {}\n")

    assert SERVICE["RestartPreventExitStatus"] == [str(run("serve", "-c", str(path)).returncode)]


def test_the_key_is_where_systemd_puts_it() -> None:
    """Under the name of the credential, for the unit of this name."""
    name, _, source = SERVICE["LoadCredential"][0].partition(":")
    written = (DEPLOY / "systemd" / "gateway.yaml").read_text()

    assert f"key: /run/credentials/gatekeeper.service/{name}}}" in written
    assert source.startswith("/etc/gatekeeper/tls/")


def test_it_is_started_reloaded_and_ended(tmp_path: Path) -> None:
    """By what the unit does: ExecStart, the signal of ExecReload, and SIGTERM for the main process."""
    path = tmp_path / "gateway.yaml"
    path.write_text(Moved("systemd/gateway.yaml", tmp_path, also=shop(tmp_path)).text)
    words = SERVICE["ExecStart"][0].replace("/etc/gatekeeper/gateway.yaml", str(path)).split()[1:]
    with Gatekeeper(*words, env={"GATEKEEPER_WORKERS": "2"}) as gateway:
        plain = gateway.says('"listening"').lines(message="listening")[0]["listeners"]["plain"]

        assert 308 == gateway.get("/shop", plain)[0]
        assert 200 == gateway.get("/healthz", plain)[0]
        reload = SERVICE["ExecReload"][0].replace("$MAINPID", str(gateway.process.pid))
        subprocess.run(reload.split(), check=True)
        gateway.says("SIGHUP")
        assert ["mixed"] == SERVICE["KillMode"]
        assert 0 == gateway.end()

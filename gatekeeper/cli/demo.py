"""`gatekeeper serve --demo`: real services behind the gateway, in processes of their own, and what to try with them."""

import contextlib
import http.client
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gatekeeper.cli.flags import CommandError
from gatekeeper.config.model import GatewayConfig, InstanceConfig


CONFIG: Final = Path(__file__).with_name("demo.yaml")
HOST: Final = "127.0.0.1"
PATIENCE: Final = 10.0
"""Seconds that a service may take to start, and to be healthy."""

TRIES: Final = (
    ("two instances of `users` take turns: ask twice, and see `instance`", "curl -s {base}/users/7"),
    (
        "the service sees another path, and a header that was made of it",
        "curl -s {base}/shops/berlin/orders/42",
    ),
    (
        "what no route takes is refused, as problem+json with the request's id",
        "curl -si -X DELETE {base}/users/7",
    ),
)
"""What a line teaches, and the line."""


class _Instance:
    """A service process. It ends when the pipe to it does."""

    def __init__(self, service: str, config: InstanceConfig) -> None:
        self.service = service
        self.config = config
        self.process = subprocess.Popen(  # noqa: S603 - our own module and the words of a checked configuration
            # isolated and without site-packages: it needs the standard library only, and starts twice as fast
            [
                sys.executable,
                "-IS",
                str(CONFIG.with_name("demo_services.py")),
                service,
                str(config.url.port),
                config.id,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C is for the gateway, which still needs its services while it drains
            start_new_session=True,
        )

    def wait_until_healthy(self) -> None:
        """Return when it answers.

        Raises:
            CommandError: it does not.

        """
        assert self.process.stdout is not None
        said = self.process.stdout.readline().strip()
        if said != "ready":
            raise CommandError(
                f"the demo's {self.service} cannot listen on {HOST}:{self.config.url.port}: "
                f"{said.lower() or 'it did not start'}; end what uses this port, or serve a copy of "
                f"{CONFIG} that names another one: gatekeeper serve --demo -c COPY"
            )
        connection = http.client.HTTPConnection(HOST, self.config.url.port, timeout=PATIENCE)
        try:
            connection.request("GET", "/health")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            raise CommandError(f"the demo's {self.service} does not answer: {error!r}") from error
        finally:
            connection.close()
        if status != 200:
            raise CommandError(f"the demo's {self.service} is not healthy: {status} on /health")

    def stop(self) -> None:
        """End it."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@contextlib.contextmanager
def services(config: GatewayConfig) -> Iterator[None]:
    """Run a stand-in for each instance on 127.0.0.1 that the configuration names.

    Raises:
        CommandError: one of them cannot run.

    """
    with contextlib.ExitStack() as stack:
        running = []
        for name, service in config.services.items():
            for instance in service.instances:
                if instance.url.host == HOST:
                    running.append(_Instance(name, instance))
                    stack.callback(running[-1].stop)
        if not running:
            raise CommandError(f"--demo: the configuration names no instance on {HOST} to stand in for")
        for one in running:
            one.wait_until_healthy()
        yield


def story(config: GatewayConfig, address: str) -> list[str]:
    """What is running, and what to try, in lines for a terminal."""
    lines = []
    for name, service in config.services.items():
        addresses = "  ".join(f"{one.url.host}:{one.url.port}" for one in service.instances)
        lines.append(f"  {name:9}  {addresses}")
    lines += ["", "Try, in another terminal:"]
    for lesson, line in TRIES:
        lines += ["", f"  # {lesson}", f"  {line.format(base=address)}"]
    return lines

"""What the Dockerfile builds, run as its users run it: a user without rights, files that cannot be written, two workers."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import attrs
import psutil
import pytest

from tests.cli.running import Gatekeeper, wait_for
from tests.examples.deploying import Moved, documents, seconds
from tests.examples.image import Image, last


@attrs.frozen
class Container:
    """A gateway that runs in the image, and its configuration."""

    gateway: Gatekeeper
    config: Moved
    image: Image

    def health(self) -> int:
        """The exit code of the command of HEALTHCHECK, with the port that is used here."""
        words = [word.replace("8080", str(self.config.port)) for word in last("HEALTHCHECK").words]
        return self.image.run(words).returncode


@pytest.fixture
def run(image: Image, shared_folder: Path) -> Iterator[Callable[[], Container]]:
    """Start the gateway of compose.yaml, with two workers."""
    config = Moved("gateway/gateway.yaml", shared_folder, "app-1:8000", "app-2:8000")
    with ExitStack() as stack:

        def start() -> Container:
            gateway = stack.enter_context(image.start(config.text, GATEKEEPER_WORKERS="2"))
            return Container(gateway, config, image)

        yield start


def test_the_wheel_is_all_that_is_installed(image: Image) -> None:
    """Beside what virtual environments bring along."""
    others = [name for name in image.packages if not name.startswith(("pip-", "setuptools-"))]

    assert [name for name in others if name.startswith("gatekeeper_gateway-")] == others


def test_it_is_the_wheel_that_runs(image: Image) -> None:
    """Not the checkout, nor what is installed where these tests run; and all that it imports is required by it."""
    done = image.run(["python", "-c", "import gatekeeper.cli.process as p; print(p.__file__)"])

    assert done.stdout.startswith(f"{image.root}/opt/gatekeeper/"), done.stderr


def test_it_serves_and_ends(run: Callable[[], Container]) -> None:
    """Healthy by the command of HEALTHCHECK, 0 at SIGTERM before anybody would kill it, and not one file more."""
    container = run()
    before = container.image.files()
    gateway = container.gateway.says('"listening"')

    assert 0 == container.health()
    gateway.process.send_signal(signal.SIGTERM)
    grace = seconds(documents("compose.yaml")[0]["services"]["gateway-1"]["stop_grace_period"])
    wait_for(lambda: container.health() != 0, "503")
    assert 0 == gateway.process.wait(grace)
    assert before == container.image.files()


def test_nobody_of_it_has_rights(run: Callable[[], Container]) -> None:
    """The supervisor and its two workers are who the Dockerfile says."""
    container = run()
    supervisor = psutil.Process(container.gateway.says('"listening"').process.pid)

    assert [container.image.user] * 3 == [
        one.uids().effective for one in [supervisor, *supervisor.children()]
    ]


def test_before_it_serves_it_is_not_healthy(run: Callable[[], Container]) -> None:
    """The command says so by its exit code, not by an answer."""
    container = run()
    container.gateway.says('"listening"')
    container.gateway.end(signal.SIGKILL)

    assert 1 == container.health()


def test_commands_find_the_configuration(image: Image, run: Callable[[], Container]) -> None:
    """In the working directory: `docker compose exec gateway-1 gatekeeper routes`."""
    run().gateway.says('"listening"')

    assert "/**" in image.run(["gatekeeper", "routes"]).stdout

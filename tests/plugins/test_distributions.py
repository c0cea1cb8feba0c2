"""The distributions in `plugins/`, installed as pip installs them, in a gateway that runs."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.running import Gatekeeper, run


ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/setup.cfg"))

CONFIG = """\
version: 1
server: {{listen: "127.0.0.1:0"}}
admin: {{listen: "127.0.0.1:0"}}
services: {{app: http://127.0.0.1:9}}
routes:
  app: {{match: /**, to: app, filters: [maintenance: {switch}]}}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all of them installed; from copies, since building writes beside the sources, and offline."""
    folder = tmp_path_factory.mktemp("plugins")
    for name in DISTRIBUTIONS:
        ignored = shutil.ignore_patterns("build", "*.egg-info", "__pycache__")
        shutil.copytree(ROOT / "plugins" / name, folder / name, ignore=ignored)
    target = folder / "site"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    command += ["--no-deps", "--no-build-isolation", "--target", str(target)]
    done = subprocess.run(
        [*command, *(str(folder / name) for name in DISTRIBUTIONS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return target


def test_they_are_listed(installed: Path) -> None:
    """With their distribution, its version and their kinds."""
    done = run("plugin", "list", "--json", env={"PYTHONPATH": str(installed)})

    assert {"name": "maintenance", "origin": "gatekeeper-maintenance 0.1.0", "kinds": ["maintenance"]} in (
        json.loads(done.stdout)
    )


def test_a_blocked_one_is_not_loaded(installed: Path, tmp_path: Path) -> None:
    """Its kind is unknown then, and the configuration that uses it refused."""
    config = tmp_path / "gateway.yaml"
    config.write_text(CONFIG.format(switch=tmp_path / "switch"))
    env = {"PYTHONPATH": str(installed), "GATEKEEPER_BLOCK_PLUGINS": "maintenance"}
    done = run("serve", "-c", str(config), env=env)

    assert done.returncode == 2
    assert "[unknown-kind]" in done.stderr


def test_maintenance_at_work(installed: Path, tmp_path: Path) -> None:
    """In a gateway process, switched on by a file, refused with the options' own messages."""
    switch, config = tmp_path / "switch", tmp_path / "gateway.yaml"
    config.write_text(CONFIG.format(switch=switch))
    switch.touch()
    with Gatekeeper("serve", "-c", str(config), env={"PYTHONPATH": str(installed)}) as gatekeeper:
        status, problem = gatekeeper.get("/")
        assert (status, problem["detail"]) == (503, "We are working on it.")
        _, metrics = gatekeeper.get("/metrics", gatekeeper.admin)
        assert 'gatekeeper_maintenance_refused_total{owner="route app"} 1.0' in metrics
        assert gatekeeper.end() == 0
        assert gatekeeper.lines(path="/")[0]["stopped_by"] == "maintenance"

    config.write_text(config.read_text().replace(f"maintenance: {switch}", "maintenance: {retry_after: 60}"))
    done = run("serve", "-c", str(config), env={"PYTHONPATH": str(installed)})
    assert done.returncode == 2
    assert "60 has no unit: write 60s" in done.stderr

"""Where a configuration comes from, and how it is read."""

import asyncio
from pathlib import Path

import attrs
import pytest

from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import ConfigError
from gatekeeper.config.provided import Provided
from gatekeeper.runtime.source import Source
from gatekeeper.testing import default_host


FILE = """\
version: 1
hosts: ["${HOST}", "${OTHER:-b.example}"]
environments: {prod: prod.yaml}
include: [more.yaml]
"""
PROVIDED = Provided("portal", {"services": {"late": "http://127.0.0.1:9"}})


def shorter(config: GatewayConfig) -> GatewayConfig:
    return attrs.evolve(config, server=attrs.evolve(config.server, drain=1.0))


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A file with others beside it."""
    (tmp_path / "gateway.yaml").write_text(FILE)
    (tmp_path / "prod.yaml").write_text("server: {health_path: /up}\n")
    (tmp_path / "more.yaml").write_text("services: {users: http://127.0.0.1:1}\n")
    (tmp_path / "vars").write_text("OTHER=c.example\n")
    return Source(
        host=default_host(),
        path=tmp_path / "gateway.yaml",
        environment="prod",
        env_file=tmp_path / "vars",
        environ={"HOST": "a.example"},
        adjust=shorter,
    )


@pytest.mark.parametrize("as_text", [False, True])
def test_a_file_is_read_the_same_way_each_time(source: Source, *, as_text: bool) -> None:
    """By the same options; a text is read as if it stood in the file."""
    loaded = source.load_text(FILE, [PROVIDED]) if as_text else source.load([PROVIDED])

    config = loaded.config
    assert ("a.example", "c.example") == config.hosts
    assert ("/up", 1.0) == (config.server.health_path, config.server.drain)
    assert {"users", "late"} == config.services.keys()
    assert {("services", "users"): "file", ("services", "late"): "portal"} == loaded.origins
    assert {"a.example": "${HOST}", "c.example": "${OTHER:-b.example}"} == loaded.outside
    files = {"prod.yaml", "more.yaml", "vars"} | (set() if as_text else {"gateway.yaml"})
    assert files <= {file.name for file in loaded.files}
    assert loaded.read_at > 1_600_000_000


def test_what_is_wrong_is_told_with_the_files_to_look_at(source: Source) -> None:
    """So that whoever waits for them to change knows where."""
    source.path.write_text(FILE + "colour: red\n")

    with pytest.raises(ConfigError) as caught:
        source.load()

    assert ["unknown-key"] == [problem.id for problem in caught.value.problems]
    assert {"gateway.yaml", "prod.yaml", "more.yaml"} <= {file.name for file in caught.value.files}
    with pytest.raises(ConfigError):
        source.load_text("version: 2\n")


def test_an_instance_is_read_as_in_a_configuration(source: Source) -> None:
    """In the long form and in the short one."""
    long = source.read_instance("users", {"url": "http://127.0.0.1:2", "weight": 3, "id": "two"})
    short = source.read_instance("users", "http://127.0.0.1:2")

    assert ("two", 3, "http://127.0.0.1:2") == (long.id, long.weight, str(long.url))
    assert ("http://127.0.0.1:2", 1) == (short.id, short.weight)
    with pytest.raises(ConfigError):
        source.read_instance("users", {"url": "users:8080"})


async def test_reading_is_for_a_thread(source: Source) -> None:
    """It may be called in any."""
    loaded = await asyncio.to_thread(source.load)

    assert ("a.example", "c.example") == loaded.config.hosts

"""Configurations read with the kinds of the plugin of these tests (`tests.config.plugin`)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from gatekeeper.config.kinds import Kinds
from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import ConfigError
from gatekeeper.extend.host import PluginHost
from gatekeeper.routing.template import PathTemplate
from tests.config import plugin
from tests.config.loading import load_text


ENVIRON: Mapping[str, str] = {"SERVICE": "users", "PORT": "8081", "OFF": "false", "EMPTY": "", "WAIT": "5"}

Load = Callable[[str], GatewayConfig]
Problems = Callable[[str], list[str]]


@pytest.fixture
def kinds() -> Kinds:
    """The kinds that configurations of these tests may use."""
    return plugin.KINDS


@pytest.fixture(scope="session")
def host() -> PluginHost:
    """All built-in plugins, and the one of these tests."""
    host = PluginHost()
    host.add("plugin", "tests", plugin)
    return host


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Reads a configuration as the gateway does."""

    def load(text: str) -> GatewayConfig:
        return load_text(
            dedent(text), plugin.KINDS, template=PathTemplate.parse, environ=ENVIRON, base=tmp_path
        )

    return load


@pytest.fixture
def problems(load: Load) -> Problems:
    """What is wrong with a configuration, in the words of its messages, without the name of the file."""

    def problems(text: str) -> list[str]:
        try:
            load(text)
        except ConfigError as error:
            return [str(problem).removeprefix("gateway.yaml:") for problem in error.problems]
        return []

    return problems

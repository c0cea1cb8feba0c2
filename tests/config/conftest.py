"""Kinds of filters as plugins would declare them, and configurations read with them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any, Literal

import attrs
import pytest

from gatekeeper.config.load import load_text
from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import ConfigError
from gatekeeper.config.units import Duration, Size
from gatekeeper.core.text import Text
from gatekeeper.routing.template import PathTemplate


ENVIRON: Mapping[str, str] = {"SERVICE": "users", "PORT": "8081", "OFF": "false", "EMPTY": "", "WAIT": "5"}


@attrs.frozen
class Kind:
    config: type
    main: str | None = None
    terminal: bool = False
    scope: str = "exchange"


@attrs.frozen
class NoOptions:
    """Nothing to set."""


@attrs.frozen(kw_only=True)
class Window:
    size: Duration
    steps: int = attrs.field(default=10, validator=attrs.validators.ge(1))


@attrs.frozen(kw_only=True)
class LimitOptions:
    most: Size = 1024
    mode: Literal["drop", "wait"] = "drop"
    windows: tuple[Window, ...] = ()
    off: bool = False


@attrs.frozen(kw_only=True)
class MoveOptions:
    to: Text
    status: int = attrs.field(default=308, validator=attrs.validators.in_([301, 308]))


@attrs.frozen(kw_only=True)
class SetOptions:
    request: dict[str, Text] = attrs.field(factory=dict)
    response: list[Text] = attrs.field(factory=list)


KINDS: Mapping[str, Kind] = {
    "limit": Kind(LimitOptions, main="most"),
    "move": Kind(MoveOptions, main="to", terminal=True),
    "set": Kind(SetOptions),
    "stamp": Kind(NoOptions),
    "sign": Kind(NoOptions, scope="attempt"),
    "forward": Kind(NoOptions),
}

Load = Callable[[str], GatewayConfig]
Problems = Callable[[str], list[str]]


@pytest.fixture
def kinds() -> Mapping[str, Any]:
    """The kinds that configurations of these tests may use."""
    return KINDS


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Reads a configuration as the gateway does."""

    def load(text: str) -> GatewayConfig:
        return load_text(dedent(text), KINDS, template=PathTemplate.parse, environ=ENVIRON, base=tmp_path)

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

"""Which configuration is meant, and how one that is wrong ends a command."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.cli import configuration
from gatekeeper.cli.flags import CommandError, Parser
from gatekeeper.extend.host import PluginHost


GOOD = "version: 1\nservices: {a: http://a}\nroutes: {x: {match: /, to: a}}\n"

Parse = Callable[..., Namespace]


@pytest.fixture
def parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parse:
    """The flags of a command, in a folder without files."""
    monkeypatch.chdir(tmp_path)

    def parse(*arguments: str, **environment: str) -> Namespace:
        parser = Parser("test", "")
        configuration.add_flags(parser)
        return parser.parse(arguments, environment)

    return parse


@pytest.mark.parametrize(
    ("there", "expected"),
    [
        ([], "gateway.yaml"),
        (["gateway.json"], "gateway.json"),
        (["gateway.yml", "gateway.json"], "gateway.yml"),
        (["gateway.yaml", "gateway.yml"], "gateway.yaml"),
    ],
)
def test_the_file_that_is_there_is_meant(there: list[str], expected: str, parse: Parse) -> None:
    """In the working directory, unless one is named."""
    for name in there:
        Path(name).touch()

    assert Path(expected) == configuration.config_path(parse())
    assert Path("other") == configuration.config_path(parse("-c", "other"))
    assert Path("variable") == configuration.config_path(parse(GATEKEEPER_CONFIG="variable"))


def test_the_file_of_variables(parse: Parse) -> None:
    """The loader's own choice, a file, or none."""
    assert configuration.env_file(parse()) is None
    assert configuration.env_file(parse("--env-file", "x")) == Path("x")
    assert configuration.env_file(parse(GATEKEEPER_ENV_FILE="x")) == Path("x")
    assert configuration.env_file(parse("--no-env-file", "--env-file", "x")) is False


def test_a_configuration_is_loaded(parse: Parse) -> None:
    """With its environment and its variables."""
    Path("gateway.yaml").write_text(
        GOOD.replace("http://a", '"http://${HOST_OF_A}"') + "environments: {dev: dev.yaml}\n"
    )
    Path("dev.yaml").write_text("server: {drain: 7s}")
    Path("more.env").write_text("HOST_OF_A=b")

    loaded = configuration.load(parse("--env", "dev", "--env-file", "more.env"), PluginHost())

    assert loaded.config.server.drain == 7.0
    assert str(loaded.config.services["a"].instances[0].url) == "http://b"


def test_another_file_may_be_given(parse: Parse) -> None:
    """By a command that has one of its own."""
    Path("demo.yaml").write_text(GOOD)

    assert configuration.load(parse(), PluginHost(), Path("demo.yaml")).config.routes


def test_without_a_file_it_says_how_to_begin(parse: Parse) -> None:
    """The first thing that people see."""
    with pytest.raises(CommandError) as caught:
        configuration.load(parse(), PluginHost())

    assert caught.value.code == 2
    assert str(caught.value).startswith("there is no gateway.yaml.\n")
    assert "gatekeeper init" in str(caught.value)
    assert "gatekeeper serve --demo" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "count"), [(GOOD + "server: {drain: 5}", "a problem"), ("version: 2\nroute: {}", "2 problems")]
)
def test_all_that_is_wrong_is_shown(text: str, count: str, parse: Parse) -> None:
    """With excerpts; exit code 2."""
    Path("gateway.yaml").write_text(text)

    with pytest.raises(CommandError) as caught:
        configuration.load(parse(), PluginHost())

    assert caught.value.code == 2
    assert str(caught.value).startswith(f"gateway.yaml has {count}\ngateway.yaml:")
    assert "^" in str(caught.value)


@pytest.mark.parametrize(
    ("terminal", "no_colour", "expected"), [(True, "", True), (True, "1", False), (False, "", False)]
)
def test_colour_is_for_terminals(
    terminal: bool, no_colour: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And for those who want it."""
    monkeypatch.setenv("NO_COLOR", no_colour)

    assert expected == configuration.is_coloured(terminal)

"""`gatekeeper plugin list`, and plugins that cannot be used."""

import json
from pathlib import Path

import pytest

from tests.cli.running import Gatekeeper, run


PLUGIN = """\
import attrs
from gatekeeper import hookimpl

@attrs.frozen
class Options:
    pass

@hookimpl
def gatekeeper_register(catalog):
    catalog.filter("shout", Options, lambda config, context: None)
"""


@pytest.fixture
def shout(tmp_path: Path) -> Path:
    """A plugin in a file."""
    path = tmp_path / "shout.py"
    path.write_text(PLUGIN)
    return path


def test_the_list_for_people(shout: Path) -> None:
    """What, from where, which kinds."""
    done = run("plugin", "list", "--plugin", str(shout))

    rows = [line.split() for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert rows[0] == ["PLUGIN", "FROM", "KINDS"]
    assert ["transform", "built-in", "transform"] in rows
    assert rows[-1] == ["shout", str(shout), "shout"]


def test_the_list_for_programs(shout: Path) -> None:
    """The same as JSON; the variable names files too."""
    done = run("plugin", "list", "--json", env={"GATEKEEPER_PLUGIN": str(shout)})

    assert json.loads(done.stdout)[-1] == {"name": "shout", "origin": str(shout), "kinds": ["shout"]}


def test_blocked_plugins_are_not_there() -> None:
    """Several by the variable, one by the flag."""
    listed = run("plugin", "list", "--json", env={"GATEKEEPER_BLOCK_PLUGINS": "static,redirect"})
    names = [row["name"] for row in json.loads(listed.stdout)]

    assert "transform" in names
    assert not {"static", "redirect"} & set(names)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        pytest.param("import nowhere_to_be_found", "cannot be imported: ModuleNotFoundError", id="import"),
        pytest.param("def f(:", "cannot be imported: SyntaxError", id="syntax"),
        pytest.param(PLUGIN.replace("_register", "_regster"), "gatekeeper_register", id="misspelt-hook"),
        pytest.param(PLUGIN.replace('"shout"', '"static"'), "which plugin 'static' has declared", id="twice"),
        pytest.param(PLUGIN.replace("@attrs.frozen", ""), "not an attrs class", id="no-attrs"),
        pytest.param(PLUGIN.replace('"shout"', '"Shout!"'), "is no name for a kind", id="bad-name"),
        pytest.param(PLUGIN.replace("catalog.filter(", "1 / 0; ("), "ZeroDivisionError", id="raises"),
    ],
)
@pytest.mark.parametrize("command", [("plugin", "list"), ("serve",)])
def test_an_unusable_plugin_is_named(
    shout: Path, source: str, message: str, command: tuple[str, ...]
) -> None:
    """Exit code 2, no traceback, before anything listens."""
    shout.write_text(source)
    done = run(*command, "--plugin", str(shout))

    assert done.returncode == 2
    assert str(shout) in done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["--plugin", "nowhere.py"], "nowhere.py: there is no such Python file", id="no-file"),
        pytest.param(["--block-plugin", "statik"], "cannot block statik: no such plugin", id="unknown-name"),
    ],
)
def test_what_is_not_there_is_said(arguments: list[str], message: str) -> None:
    """A typo must not pass for a block."""
    done = run("plugin", "list", *arguments)

    assert done.returncode == 2
    assert message in done.stderr


def test_a_file_is_served(tmp_path: Path) -> None:
    """`serve --plugin FILE.py`, the shortest way to a filter of one's own."""
    plugin = tmp_path / "teapot.py"
    plugin.write_text(
        PLUGIN.replace("shout", "teapot").replace(
            "lambda config, context: None",
            "lambda config, context: Teapot()",
        )
        + """
from gatekeeper import Response

class Teapot:
    def wrap(self, next):
        async def teapot(exchange):
            return Response(418)
        return teapot
"""
    )
    config = tmp_path / "gateway.yaml"
    config.write_text(
        """\
version: 1
server: {listen: "127.0.0.1:0"}
admin: {listen: "127.0.0.1:0"}
services: {app: http://127.0.0.1:9}
routes: {all: {match: /**, to: app, filters: [teapot]}}
"""
    )
    with Gatekeeper("serve", "-c", str(config), "--plugin", str(plugin)) as gatekeeper:
        assert gatekeeper.get("/")[0] == 418


def test_a_plugin_that_fails_at_the_start_stops_it(shout: Path, tmp_path: Path) -> None:
    """Exit code 1, one line on stderr, the traceback in the log."""
    shout.write_text(
        """\
from gatekeeper import hookimpl

@hookimpl
def gatekeeper_lifespan(gateway):
    raise LookupError("no database")
"""
    )
    config = tmp_path / "gateway.yaml"
    config.write_text(
        """\
version: 1
server: {listen: "127.0.0.1:0"}
admin: {listen: "127.0.0.1:0"}
services: {app: http://127.0.0.1:9}
routes: {all: {match: /**, to: app}}
"""
    )
    done = run("serve", "-c", str(config), "--plugin", str(shout))

    assert done.returncode == 1
    assert done.stderr == (
        "gatekeeper: the gateway could not start: LookupError('no database'); its log has the details\n"
    )
    assert "Traceback" in json.loads(done.stdout.splitlines()[-1])["exception"]

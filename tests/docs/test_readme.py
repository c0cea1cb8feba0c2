"""README.md says nothing that has not been run: each block goes through the real thing."""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import attrs
import pytest

from gatekeeper.cli import (
    audit,
    check,
    demo,
    doc,
    drain,
    explain,
    init,
    keys,
    plugin,
    reload,
    routes,
    schema,
    serve,
    services,
)
from gatekeeper.cli.flags import Parser
from gatekeeper.config import model
from gatekeeper.config.wording import is_parsed
from gatekeeper.config.wording import keys as keys_of
from gatekeeper.core import text as values
from gatekeeper.extend.host import PluginHost
from gatekeeper.runtime.loading import load_gateway_text
from tests.cli.running import ENVIRONMENT, Gatekeeper, move_demo, moved_ports
from tests.docs.readme import (
    LANGUAGES,
    README,
    ROOT,
    Block,
    blocks,
    expectation,
    parameters,
    transcript,
)


EXAMPLE = ROOT / "examples" / "your-own-filter"


@attrs.frozen
class Demo:
    """A running demo on free ports, and a folder to work in."""

    ports: Mapping[int, int]
    folder: Path

    def run(self, command: str) -> str:
        """Run a line with a shell; what it says, with the ports of the README."""
        for fixed, port in self.ports.items():
            command = command.replace(f":{fixed}", f":{port}")
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder,
            env={**ENVIRONMENT, "PATH": f"{self.folder / 'bin'}:{ENVIRONMENT['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=30,
            check=False,
        )
        said = done.stdout
        for fixed, port in self.ports.items():
            said = said.replace(f":{port}", f":{fixed}")
        return said


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo, with `gatekeeper` on the path and the files of the example."""
    folder = tmp_path_factory.mktemp("readme")
    config = move_demo(folder)
    with config.open("a") as file:
        file.write("observe: {audit: true}\n")
    fixed, moved = [
        [int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", path.read_text())]
        for path in (demo.CONFIG, config)
    ]
    ports = dict(zip(fixed, moved, strict=True))
    shutil.copy(EXAMPLE / "require.py", folder)
    command = folder / "bin" / "gatekeeper"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gatekeeper "$@"\n')
    command.chmod(0o755)
    with Gatekeeper("serve", "--demo", "-c", str(config)) as gatekeeper:
        # the metrics of README.md are those of a gateway that has been asked for orders
        gatekeeper.get("/shops/berlin/orders/1")
        yield Demo(ports, folder)


def test_every_block_is_of_a_kind_that_is_run() -> None:
    """A block without a language would be a hole."""
    assert {block.language for block in blocks()} == LANGUAGES


def test_the_first_two_commands() -> None:
    """One line each: a demo, and the tests; they are run from a clean checkout by `.ci/run`."""
    first, second = [block.text for block in blocks() if block.language == "sh"][:2]
    begin = "python3 -m venv .venv && .venv/bin/pip install "

    assert first == f"{begin}. && .venv/bin/gatekeeper serve --demo\n"
    assert second == f"{begin}-e '.[test]' && .venv/bin/pytest -q -n auto\n"


def test_ci_runs_the_second_command() -> None:
    """With the very program that `.ci/run` takes it out with."""
    script = (ROOT / ".ci" / "run").read_text()
    found = re.search(r"awk '(.*?)'", script)
    assert found
    done = subprocess.run(["awk", found[1], str(README)], capture_output=True, text=True, check=True)

    assert done.stdout == [block.text for block in blocks() if block.language == "sh"][1]


needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")


@needs_curl
@pytest.mark.parametrize("block", parameters("sh", skip=2))
def test_commands(running: Demo, block: Block) -> None:
    """They work, and the file that comes down goes up again unharmed."""
    said = running.run(f"set -e\n{block.text}")

    size, digest, own = re.findall(r"bytes\": (\d+)|([0-9a-f]{64})", said)
    assert int(size[0]) == 100 << 20
    assert digest[1] == own[1]


@needs_curl
@pytest.mark.parametrize("block", parameters("console"))
def test_transcripts(running: Demo, block: Block) -> None:
    """Each command says what stands below it; `...` is anything."""
    for command, expected in transcript(block.text):
        said = running.run(command).replace("\r", "")
        said = re.sub(r"^(Date|Content-Length): .*\n", "", said, flags=re.MULTILINE | re.IGNORECASE)

        assert re.fullmatch(expectation(expected), said.rstrip()), f"{command}\n{said}"


@pytest.mark.parametrize("block", parameters("yaml"))
def test_configurations(block: Block) -> None:
    """The loader takes them; the files of the example are known to it."""
    host = PluginHost([EXAMPLE / "require.py"])

    assert load_gateway_text(block.text, host).config.routes


@pytest.mark.parametrize("block", parameters("python"))
def test_code_is_that_of_the_example(block: Block) -> None:
    """Which is checked, and run below."""
    sources = [path.read_text() for path in EXAMPLE.glob("*.py")]

    assert block.text in sources


def test_the_example_is_that_of_the_readme() -> None:
    """Its configuration, too."""
    assert (EXAMPLE / "gateway.yaml").read_text() in [block.text for block in blocks()]


def test_the_tests_of_the_example_pass() -> None:
    """As a stranger runs them: in their folder."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=EXAMPLE,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_the_example_is_served(tmp_path: Path) -> None:
    """With and without the field."""
    config = tmp_path / "gateway.yaml"
    config.write_text((EXAMPLE / "gateway.yaml").read_text() + 'admin: {listen: "127.0.0.1:9901"}\n')
    text = config.read_text()
    for fixed, port in moved_ports(text).items():
        text = text.replace(f":{fixed}", f":{port}")
    config.write_text(text)
    plugin_file = str(EXAMPLE / "require.py")
    with Gatekeeper("serve", "--demo", "-c", str(config), "--plugin", plugin_file) as gatekeeper:
        status, problem = gatekeeper.get("/users/7")

        assert (status, problem["detail"]) == (400, "send a `x-team` header")


# ---- what the reference must not leave out ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [serve, init, check, explain, routes, doc, schema, plugin, services, keys, reload, drain, audit],
)
def test_every_flag_and_variable_is_there(command: Any) -> None:
    """As the help has them."""
    parser = Parser("test", "")
    command.add_arguments(parser)
    text = README.read_text()
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction):
            assert all(
                f"{name}`" in text or f"{name} " in text or f"{name}]" in text
                for name in action.option_strings
            )
    for variable in re.findall(r"GATEKEEPER_\w+", parser.format_help()):
        assert f"`{variable}`" in text


def _keys(cls: type, seen: frozenset[type] = frozenset()) -> Iterator[str]:
    """The keys of a class of the configuration and of those that its fields hold."""
    for key, field in keys_of(attrs.resolve_types(cls)).items():
        if key not in {"options", "kind", "predicates"}:
            yield key
            for inner in _classes(field.type):
                if inner not in seen:
                    yield from _keys(inner, seen | {cls})


def _classes(kind: Any) -> Iterator[type]:
    if isinstance(kind, type) and attrs.has(kind) and not is_parsed(kind):
        yield kind
    for argument in get_args(kind):
        yield from _classes(argument)


KINDS = PluginHost().catalog
OPTIONS = [
    model.GatewayConfig,
    *(one.config for one in KINDS.filters.values()),
    *(one.config for one in KINDS.authenticators.values()),
    *(one.credential for one in KINDS.authenticators.values() if one.credential is not None),
]


@pytest.mark.parametrize("cls", OPTIONS)
def test_every_key_is_in_the_reference(cls: type) -> None:
    """So that nobody has to look for one in the code."""
    reference = README.read_text().partition("### gateway.yaml")[2].partition("### What it tells")[0]
    missing = {key for key in _keys(cls) if not re.search(rf"\b{key}\b", reference)}

    assert not missing


def test_every_value_is_in_the_reference() -> None:
    """What may stand in braces."""
    text = README.read_text()

    assert not {name for name in values._PLAIN if f"`{name}`" not in text}
    assert not {name for name in values._NAMED if f"`{name}.NAME`" not in text}

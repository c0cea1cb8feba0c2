"""Finding commands, help, version, and what goes wrong before a command runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gatekeeper.cli.main import main
from gatekeeper.version import VERSION
from tests.cli.running import ENVIRONMENT, run


HEAVY = ("aiohttp", "attr", "attrs", "asyncio", "pluggy", "yaml")


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_and_version_import_nothing_heavy(argument: str) -> None:
    """They answer at once, whatever serving needs."""
    code = (
        f"import sys; from gatekeeper.cli.main import main; assert main([{argument!r}]) == 0; "
        f"print(sorted(set(sys.modules) & set({HEAVY!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.endswith("[]\n")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """The number, alone after the name."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"gatekeeper {VERSION}\n"


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """With a line each, and where a newcomer begins."""
    assert main(["--help"]) == 0

    said = capsys.readouterr().out
    assert re.search("^  serve +run the gateway$", said, re.MULTILINE)
    assert "gatekeeper serve --demo" in said


def test_without_a_command_the_help_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """It is an error to ask for nothing."""
    assert main([]) == 2
    assert "usage: gatekeeper COMMAND" in capsys.readouterr().err


def test_a_misspelt_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    """With the one that was meant."""
    assert main(["sreve"]) == 2
    assert "no command 'sreve'. Did you mean `gatekeeper serve`?" in capsys.readouterr().err


def test_a_wrong_flag_is_two_lines() -> None:
    """What is wrong and where help is; no usage of all flags."""
    done = run("serve", "--demmo")

    assert done.returncode == 2
    assert done.stderr == (
        "gatekeeper serve: unrecognized arguments: --demmo\nTry `gatekeeper serve --help`.\n"
    )


class TestCommandsOfPlugins:
    """They come from the entry-point group `gatekeeper.commands`."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """An installed distribution with two commands."""
        (tmp_path / "greeting.py").write_text(
            "SUMMARY = 'Greet.'\n"
            "def add_arguments(parser):\n    parser.value('--whom', variable='WHOM', metavar='X', help_='who')\n"
            "def run(options):\n    print('hello', options.whom)\n    return 7\n"
        )
        info = tmp_path / "greeting-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: greeting\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(
            "[gatekeeper.commands]\ngreet = greeting\nbroken = missing_module\nserve = greeting\n"
        )
        return tmp_path

    def test_they_are_listed_without_being_imported(self, folder: Path) -> None:
        """The broken one too; a built-in command cannot be replaced."""
        done = run("--help", env={"PYTHONPATH": str(folder)})

        rows = [line.split(maxsplit=1) for line in done.stdout.splitlines() if line.startswith("  ")]
        assert ["greet", "from greeting"] in rows
        assert ["broken", "from greeting"] in rows
        assert ["serve", "run the gateway"] in rows
        assert done.stdout.count("  serve ") == 1

    def test_they_run(self, folder: Path) -> None:
        """With flags, their variables, and their exit code."""
        done = run("greet", env={"PYTHONPATH": str(folder), "GATEKEEPER_WHOM": "world"})

        assert (done.returncode, done.stdout) == (7, "hello world\n")

    def test_a_broken_one_is_named_when_it_is_used(self, folder: Path) -> None:
        """With its distribution."""
        done = run("broken", env={"PYTHONPATH": str(folder)})

        assert done.returncode == 2
        assert "command 'broken' of greeting cannot be imported: ModuleNotFoundError" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_reader_that_has_seen_enough_is_no_crash() -> None:
    """`gatekeeper plugin list | head -0`."""
    command = f"{sys.executable} -m gatekeeper plugin list --json | sleep 0"
    done = subprocess.run(
        ["sh", "-c", command], env=ENVIRONMENT, capture_output=True, text=True, timeout=20, check=False
    )

    assert done.stderr == ""


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_a_reader_that_goes_away_is_no_error(argument: str) -> None:
    """`gatekeeper --help | head -1` has seen enough."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "gatekeeper", argument], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)

    assert (1, b"") == (done.returncode, done.stderr)

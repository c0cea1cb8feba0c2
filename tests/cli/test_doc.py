"""`gatekeeper doc`."""

import json
import re
from pathlib import Path

import pytest

from gatekeeper.cli.main import main


EXAMPLE = Path(__file__).parents[2] / "examples" / "your-own-filter" / "require.py"


def test_without_a_topic_it_tells_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Keys and kinds."""
    assert main(["doc"]) == 0

    said = capsys.readouterr().out
    assert re.search(r"^  services +who answers, by name$", said, re.MULTILINE)
    assert "  transform         Change header fields" in said


def test_a_topic(capsys: pytest.CaptureFixture[str]) -> None:
    """For people, or as JSON."""
    assert main(["doc", "services.timeouts"]) == 0
    assert "  connect     Duration           5s" in capsys.readouterr().out

    assert main(["doc", "services.timeouts", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "services.timeouts"


def test_kinds_of_plugins_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """As those that come with the gateway."""
    assert main(["doc", "require", "--plugin", str(EXAMPLE)]) == 0
    assert "`require: x` for `require: {header: x}`" in capsys.readouterr().out


def test_what_there_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, and what is meant."""
    assert main(["doc", "services.timeuots"]) == 2
    assert capsys.readouterr().err == (
        "gatekeeper: no key `timeuots` in `services`; did you mean `timeouts`?\n"
    )

"""`gatekeeper schema`."""

import json
from pathlib import Path

import pytest

from gatekeeper.cli.main import main
from gatekeeper.config.schema import schema
from gatekeeper.extend.host import PluginHost


ROOT = Path(__file__).parents[2]


def test_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """For the plugins that are loaded."""
    plugin = ROOT / "examples" / "your-own-filter" / "require.py"

    assert main(["schema", "--plugin", str(plugin)]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(schema(PluginHost([plugin]).catalog)))


def test_it_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To a file, without a word; again and again."""
    file = tmp_path / "gateway.schema.json"

    assert main(["schema", "-o", str(file)]) == main(["schema", "--output", str(file)]) == 0
    assert capsys.readouterr().out == ""
    assert json.loads(file.read_text())["title"] == "gateway.yaml"


def test_what_cannot_be_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1."""
    assert main(["schema", "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"gatekeeper: {tmp_path} cannot be written: Is a directory\n"


def test_the_help_tells_what_editors_need(capsys: pytest.CaptureFixture[str]) -> None:
    """The first line of gateway.yaml."""
    with pytest.raises(SystemExit):
        main(["schema", "--help"])

    assert "# yaml-language-server: $schema=gateway.schema.json" in " ".join(capsys.readouterr().out.split())

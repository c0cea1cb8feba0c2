"""`gatekeeper reload`: what it says, and its exit code."""

import json
from pathlib import Path

import pytest

from gatekeeper.cli.main import main
from gatekeeper.cli.remote import Remote
from tests.admin.memory import PROBLEM, WARNING, MemoryNode
from tests.cli.answering import listening


TEXT = "version: 1\n\n\n\n\n\n    to: usres\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def reload(node: MemoryNode, *arguments: str) -> int:
    with listening(node) as address:
        return main(["reload", "--admin", address, *arguments])


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    """One line."""
    node = MemoryNode()

    assert 0 == reload(node)
    assert ("revision 3 is in force\n", "") == capsys.readouterr()
    assert [(None, False)] == node.applied


def test_warnings_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """They refuse nothing."""
    node = MemoryNode()
    node.problems = [WARNING]

    assert 0 == reload(node)
    assert [
        "gateway.yaml:7:9: warning: routes.users.to: used by nothing [unused]",
        "revision 3 is in force",
    ] == capsys.readouterr().out.splitlines()


def test_errors_are_shown_with_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """As `check` shows them, where the file is here."""
    Path("gateway.yaml").write_text(TEXT)
    node = MemoryNode()
    node.problems = [PROBLEM, WARNING, PROBLEM]

    assert 2 == reload(node)
    said = capsys.readouterr()
    assert [
        "gateway.yaml:7:9: routes.users.to: no service `usres`; did you mean `users`? [unknown-name]",
        "    7 |     to: usres",
        "      |         ^",
    ] == said.out.splitlines()[:3]
    assert "2 errors; revision 3 stays in force" == said.out.splitlines()[-1]
    assert "" == said.err


@pytest.mark.parametrize("data", [None, b"\xff"], ids=["not-there", "no-text"])
def test_errors_of_files_that_are_not_here(capsys: pytest.CaptureFixture[str], data: bytes | None) -> None:
    """Without the lines."""
    if data is not None:
        Path("gateway.yaml").write_bytes(data)
    node = MemoryNode()
    node.problems = [PROBLEM]

    assert 2 == reload(node)
    assert [
        "gateway.yaml:7:9: routes.users.to: no service `usres`; did you mean `users`? [unknown-name]",
        "1 error; revision 3 stays in force",
    ] == capsys.readouterr().out.splitlines()


def test_files_of_another_machine(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the same name that are here are others."""
    monkeypatch.setattr(Remote, "is_here", False)
    Path("gateway.yaml").write_text(TEXT)
    node = MemoryNode()
    node.problems = [PROBLEM]
    reload(node)

    assert 2 == len(capsys.readouterr().out.splitlines())


@pytest.mark.parametrize("problems", [[], [WARNING], [PROBLEM]], ids=["good", "warning", "error"])
def test_json(capsys: pytest.CaptureFixture[str], problems: list[dict[str, object]]) -> None:
    """The same members whether it was refused or not."""
    node = MemoryNode()
    node.problems = problems
    code = reload(node, "--json")
    found = json.loads(capsys.readouterr().out)

    assert {"applied": PROBLEM not in problems, "revision": 3, "problems": problems} == found
    assert (2 if PROBLEM in problems else 0) == code


def test_another_refusal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Is told as what it is."""

    async def refuse(*_: object, **__: object) -> None:
        raise ValueError("this gateway has no file")

    monkeypatch.setattr(MemoryNode, "apply", refuse)

    assert 2 == reload(MemoryNode())
    assert ("", "gatekeeper: this gateway has no file\n") == capsys.readouterr()

"""`gatekeeper init`: the first file is right, and nothing is lost."""

from pathlib import Path

import pytest

from gatekeeper.cli.init import STARTER
from gatekeeper.cli.main import BUILT_IN, main
from gatekeeper.extend.host import PluginHost
from gatekeeper.runtime.loading import load_gateway


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_starter_has_nothing_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    """Not even a warning; it says what to run next."""
    assert main(["init"]) == 0
    assert capsys.readouterr().out.startswith("gateway.yaml is written. Next:\n\n    gatekeeper check  ")
    assert main(["check", "--strict"]) == 0


def test_the_starter_is_read_in_a_minute() -> None:
    """Short lines, with comments; it teaches the parts of a configuration."""
    lines = STARTER.read_text().splitlines()

    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    for word in (
        "services:",
        "routes:",
        "filters:",
        "when:",
        "health_path:",
        "gatekeeper check",
        "gatekeeper serve",
    ):
        assert any(word in line for line in lines), word


def test_the_service_is_yours() -> None:
    """By its address."""
    assert main(["init", "--upstream", "https://users.internal:8443"]) == 0

    config = load_gateway(Path("gateway.yaml"), PluginHost(), environ={}).config
    assert [str(instance.url) for instance in config.services["app"].instances] == [
        "https://users.internal:8443"
    ]


@pytest.mark.parametrize("upstream", ["http://[::1]:80", "unix:///run/my app.sock", "http://a"])
def test_any_address_can_be_yours(upstream: str) -> None:
    """It is quoted as YAML wants it."""
    assert main(["init", "--upstream", upstream]) == main(["check"]) == 0


@pytest.mark.parametrize(
    ("path", "file"), [("other.yaml", "other.yaml"), (".", "gateway.yaml"), ("deep", "deep/gateway.yaml")]
)
def test_a_file_or_a_folder(path: str, file: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In a folder it is gateway.yaml."""
    Path("deep").mkdir()

    assert main(["init", path]) == 0
    assert Path(file).is_file()
    assert capsys.readouterr().out.startswith(f"{file} is written.")


def test_nothing_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    """What is there stays."""
    Path("gateway.yaml").write_text("mine")

    assert main(["init"]) == 2
    assert "gateway.yaml is there already" in capsys.readouterr().err
    assert Path("gateway.yaml").read_text() == "mine"


def test_it_can_be_printed(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """By `-`, whatever is there."""
    assert main(["init", "-"]) == 0
    assert capsys.readouterr().out == STARTER.read_text()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--upstream", "localhost:3000"], 2, "write `http://localhost:3000`"),
        (["nowhere/gateway.yaml"], 1, "nowhere/gateway.yaml cannot be written: No such file or directory"),
    ],
)
def test_what_cannot_be_done_is_said(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is written."""
    assert code == main(["init", *arguments])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", ["check", "doc", "init", "schema"])
def test_it_is_a_command(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With help."""
    assert name in BUILT_IN
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    assert f"usage: gatekeeper {name}" in capsys.readouterr().out

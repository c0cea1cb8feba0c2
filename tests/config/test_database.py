"""Where what outlives the process is kept."""

from pathlib import Path

import pytest

from gatekeeper.config.database import Database
from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import Refusal
from gatekeeper.extend.host import PluginHost
from gatekeeper.runtime.loading import load_gateway, load_gateway_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("sqlite:///gatekeeper.db", "/etc/gk/gatekeeper.db", id="a-name"),
        pytest.param("sqlite:///data/keys.db", "/etc/gk/data/keys.db", id="a-folder"),
        pytest.param("sqlite:////var/lib/keys.db", "/var/lib/keys.db", id="a-whole-path"),
        pytest.param("sqlite:///a b%20c.db", "/etc/gk/a b%20c.db", id="as-it-stands"),
    ],
)
def test_a_file(text: str, expected: str) -> None:
    """From the folder of the configuration, and back to the text."""
    database = Database.parse(text)

    assert Path(expected) == database.within(Path("/etc/gk")).file
    assert text == str(database)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("gatekeeper.db", "a database is written `sqlite:///gatekeeper.db`", id="a-path"),
        pytest.param("./data/k.db", "a database is written `sqlite:///./data/k.db`", id="a-path-from-here"),
        pytest.param("sqlite://k.db", "a database is written `sqlite:///k.db`", id="two-slashes"),
        pytest.param("sqlite:k.db", "a database is written `sqlite:///k.db`", id="no-slash"),
        pytest.param("user:hunter2@db", "a database is written `sqlite:///gatekeeper.db`", id="a-password"),
        pytest.param(
            "sqlite:///",
            "a database in memory would end with the process; write `sqlite:///gatekeeper.db`",
            id="memory",
        ),
        pytest.param(
            "sqlite:///k.db?mode=ro",
            "a database is a file, without `?` and `#`; write one like `sqlite:///gatekeeper.db`",
            id="options",
        ),
        pytest.param(
            "sqlite:///data/",
            "a database is a file, without `?` and `#`; write one like `sqlite:///gatekeeper.db`",
            id="a-folder",
        ),
        pytest.param(
            "sqlite:///k\0.db",
            "a database is a file, without `?` and `#`; write one like `sqlite:///gatekeeper.db`",
            id="nul",
        ),
        pytest.param(
            "mongodb://hunter2@db",
            "`mongodb` is no database that is known here; write `sqlite:///gatekeeper.db`",
            id="something-else",
        ),
    ],
)
def test_what_is_none(text: str, expected: str) -> None:
    """With what to write; a password is not repeated."""
    with pytest.raises(Refusal) as refusal:
        Database.parse(text)

    assert (expected, "bad-value") == (str(refusal.value), refusal.value.id)
    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg", "mysql", "mariadb"])
def test_what_is_to_come(scheme: str) -> None:
    """Refused as such."""
    with pytest.raises(Refusal) as refusal:
        Database.parse(f"{scheme}://gatekeeper:hunter2@db/gatekeeper")

    name = scheme.partition("+")[0]
    assert f"`{name}` is not available yet; write `sqlite:///gatekeeper.db`" == str(refusal.value)
    assert "not-available" == refusal.value.id


def test_the_folder_is_that_of_the_configuration(tmp_path: Path, host: PluginHost) -> None:
    """Whatever the working directory is; equal configurations are equal in all folders."""
    file = tmp_path / "gateway.yaml"
    file.write_text("version: 1\n")
    loaded = load_gateway(file, host).config
    text = load_gateway_text("version: 1", host, base=tmp_path / "x").config

    assert tmp_path / "gatekeeper.db" == loaded.database.file
    assert tmp_path / "x" / "gatekeeper.db" == text.database.file
    assert GatewayConfig().database == loaded.database == text.database


def test_the_folder_of_a_relative_name_is_a_whole_path(
    tmp_path: Path, host: PluginHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that workers mean the same file."""
    monkeypatch.chdir(tmp_path)
    Path("gateway.yaml").write_text("version: 1\n")

    assert tmp_path / "gatekeeper.db" == load_gateway(Path("gateway.yaml"), host).config.database.file

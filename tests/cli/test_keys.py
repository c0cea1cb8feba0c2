"""`gatekeeper keys`: what it does to the database, what it says, and its exit codes."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.cli.main import main
from gatekeeper.core.clock import SystemClock
from gatekeeper.stores.apikey import digest_of, is_key
from gatekeeper.stores.keys import KeyBook
from tests.cli.running import Gatekeeper, run


WHO = "authenticators: {api_key: api_key}\nconsumers: {acme: {}}\n"
"""The consumers and authenticators of the configurations here."""
TEXT = f"""\
version: 1
server: {{listen: "127.0.0.1:0"}}
admin: {{listen: "127.0.0.1:0"}}
routes: {{all: {{match: /**, public: true, filters: [static: {{status: 204}}]}}}}
{WHO}"""


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "gateway.yaml"
    path.write_text(TEXT)
    return path


def made(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """What a command says as JSON."""
    assert 0 == main(["keys", *arguments, "--json"])
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The exit code, and what is said; nothing comes to stdout."""
    try:
        code = main(["keys", *arguments])
    except SystemExit as end:
        code = int(str(end.code))
    out, err = capsys.readouterr()
    assert "" == out
    return code, err


def test_a_key_comes_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """So that it can go into a variable; what else there is to know goes to the terminal."""
    assert 0 == main(["keys", "create", "acme", "--scopes", "a, b", "--note", "CI"])
    out, err = capsys.readouterr()
    (record,) = KeyBook(tmp_path / "gatekeeper.db", SystemClock()).list()

    assert is_key(out.removesuffix("\n"))
    assert digest_of(out.removesuffix("\n")) == record.digest
    assert f"The key is shown only now, and stored as a hash: it is `{record.id}`, for `acme`.\n" == err
    assert ("acme", ("a", "b"), "CI", None) == (record.consumer, record.scopes, record.note, record.expires)


def test_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    """Of all, and of one consumer; the keys themselves are not to be had."""
    first = made(capsys, "create", "acme", "--scopes", "a,b", "--expires", "2100-01-01T00:00Z")
    second = made(capsys, "create", "acme")
    made(capsys, "revoke", second["id"])

    assert 0 == main(["keys", "list"])
    header, *rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    created = time.strftime("%Y-%m-%dT%H:%MZ", time.gmtime(first["created"]))
    assert ["ID", "CONSUMER", "KEY", "SCOPES", "CREATED", "EXPIRES", "STATE"] == header
    assert [first["id"], "acme", f"...{first['hint']}", "a,b", created, "2100-01-01T00:00Z", "live"] == rows[
        0
    ]
    assert [second["id"], "-", "-", "revoked"] == [rows[1][index] for index in (0, 3, 5, 6)]

    listed = made(capsys, "list", "acme")
    assert [first["id"], second["id"]] == [one["id"] for one in listed]
    assert not any("key" in one or "digest" in one for one in listed)
    assert [] == made(capsys, "list", "other")


def test_where_there_are_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Nothing is created by looking."""
    assert 0 == main(["keys", "list"])
    assert "there are no keys\n" == capsys.readouterr().out
    assert not (tmp_path / "gatekeeper.db").exists()
    made(capsys, "create", "acme")
    assert 0 == main(["keys", "list", "acmee"])
    assert "there are no keys of `acmee`; did you mean `acme`?\n" == capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("90d", 90 * 86400.0, id="after-a-time"),
        pytest.param("1h30m", 5400.0, id="after-hours"),
    ],
)
def test_a_key_that_expires_after_a_time(
    capsys: pytest.CaptureFixture[str], text: str, expected: float
) -> None:
    """From now on."""
    found = made(capsys, "create", "acme", "--expires", text)

    assert expected == pytest.approx(found["expires"] - found["created"], abs=30)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2100-01-01", 4102444800.0, id="a-day"),
        pytest.param("2100-01-01T12:00Z", 4102444800.0 + 43200, id="utc"),
        pytest.param("2100-01-01T12:00", 4102444800.0 + 43200, id="nothing-said"),
        pytest.param("2100-01-01T12:00+02:00", 4102444800.0 + 36000, id="elsewhere"),
    ],
)
def test_a_key_that_expires_at_a_time(capsys: pytest.CaptureFixture[str], text: str, expected: float) -> None:
    """In UTC where nothing else is said."""
    assert expected == made(capsys, "create", "acme", "--expires", text)["expires"]


def test_rotation(capsys: pytest.CaptureFixture[str]) -> None:
    """The new key comes alone, and it is said how long the old one is good for."""
    old = made(capsys, "create", "acme")
    assert 0 == main(["keys", "rotate", old["id"], "--grace", "1h"])
    out, err = capsys.readouterr()
    listed = made(capsys, "list")

    assert is_key(out.strip())
    assert (
        f"`{old['id']}` is good until {time.strftime('%Y-%m-%dT%H:%MZ', time.gmtime(listed[0]['expires']))}"
        in err
    )
    assert 3600 == pytest.approx(listed[0]["expires"] - listed[1]["created"])
    again = made(capsys, "rotate", listed[1]["id"])
    assert is_key(again["key"])
    assert 86400 == pytest.approx(made(capsys, "list")[1]["expires"] - again["created"])


def test_revocation(capsys: pytest.CaptureFixture[str]) -> None:
    """Twice is no error."""
    key = made(capsys, "create", "acme")
    for _ in range(2):
        assert 0 == main(["keys", "revoke", key["id"]])
        assert f"`{key['id']}`, a key of `acme`, is revoked since" in capsys.readouterr().out
    assert "revoked" == made(capsys, "revoke", key["id"])["state"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["create"], "which consumer? write `gatekeeper keys create CONSUMER`", id="nobody"),
        pytest.param(["rotate"], "which key? write `gatekeeper keys rotate ID`", id="rotate-nothing"),
        pytest.param(["revoke"], "which key? write `gatekeeper keys revoke ID`", id="revoke-nothing"),
        pytest.param(["revoke", "k_1"], "there is no key `k_1`", id="unknown"),
        pytest.param(["revoke", "gk_1"], "that is no id of a key", id="a-key"),
        pytest.param(["list", "--grace", "1h"], "`--grace` is for `gatekeeper keys rotate`", id="grace"),
        pytest.param(
            ["rotate", "k_1", "--note", "x"], "`--note` is for `gatekeeper keys create`", id="note-of-another"
        ),
        pytest.param(["creat", "acme"], "invalid choice: 'creat'", id="action"),
        pytest.param(["create", "acme", "--scopes", "a,,b"], "a scope has no spaces", id="empty-scope"),
        pytest.param(
            ["create", "acme", "--expires", "soon"], "`soon` is no time; write one like 90d", id="soon"
        ),
        pytest.param(["create", "acme", "--expires", "90"], "`90` is no time", id="no-unit"),
        pytest.param(["create", "acme", "--expires", "2001-01-01"], "is not in the future", id="past"),
        pytest.param(["rotate", "k_1", "--grace", "1"], "1 has no unit: write 1s", id="grace-without-unit"),
    ],
)
def test_what_is_refused(capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    """Exit code 2, and what to write."""
    code, said = refused(capsys, *arguments)

    assert 2 == code
    assert message in said


def test_key_05_a_database_that_cannot_be_used(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Exit code 1: the command was right."""
    (tmp_path / "gatekeeper.db").write_text("version: 1\n" * 500)

    for arguments in (["list"], ["create", "acme"], ["revoke", "k_1"], ["rotate", "k_1"]):
        code, said = refused(capsys, *arguments)
        assert 1 == code
        assert "gatekeeper.db cannot be used: file is not a database" in said


# ---- which database -------------------------------------------------------------------------------------------------


def test_the_database_stands_in_the_configuration(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From its folder, wherever the command runs."""
    folder, elsewhere = tmp_path / "etc", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    file = folder / "gateway.yaml"
    file.write_text(TEXT + "database: sqlite:///${NAME}.db\n")
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("NAME", "partners")
    key = made(capsys, "create", "acme", "-c", str(file))

    assert ["gateway.yaml", "partners.db"] == sorted(one.name for one in folder.iterdir())
    assert [key["id"]] == [one["id"] for one in made(capsys, "list", "-c", "../etc/gateway.yaml")]


def test_keys_are_revoked_where_something_else_is_wrong(
    capsys: pytest.CaptureFixture[str], config: Path
) -> None:
    """Nobody has to repair a configuration before; but nobody gets a key by one, either."""
    key = made(capsys, "create", "acme")
    config.write_text(TEXT + "services: {users: {instances: 5}}\nroots: {}\n")

    assert 0 == main(["keys", "revoke", key["id"]])
    assert "is revoked since" in capsys.readouterr().out
    code, said = refused(capsys, "create", "acme")
    assert 2 == code
    assert "unknown key `roots`" in said


@pytest.mark.parametrize("action", ["list", "create", "rotate", "revoke"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "version: 1\ndatabase: postgresql://u:hunter2@db/x\n",
            "`postgresql` is not available yet; write `sqlite:///gatekeeper.db`",
            id="later",
        ),
        pytest.param("version: [1\n", "gateway.yaml:1:12: did not find", id="no-yaml"),
        pytest.param("version: 1\nenvironments: {prod: prod.yaml}\n", "with --env", id="environment"),
    ],
)
def test_a_configuration_that_names_no_database(
    capsys: pytest.CaptureFixture[str], config: Path, action: str, text: str, message: str
) -> None:
    """It is not another one's that is written to."""
    config.write_text(text)
    (config.parent / "prod.yaml").write_text("database: sqlite:///prod.db\n")
    code, said = refused(capsys, action, "k_1")

    assert 2 == code
    assert message in said
    assert [] == list(config.parent.glob("*.db"))


def test_the_database_of_an_environment(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """Each has its own."""
    config.write_text(TEXT + "environments: {prod: prod.yaml}\n")
    (config.parent / "prod.yaml").write_text("database: sqlite:///prod.db\n")
    key = made(capsys, "create", "acme", "--env", "prod")

    assert ["prod.db"] == [one.name for one in config.parent.glob("*.db")]
    assert [key["id"]] == [one["id"] for one in made(capsys, "list", "--env", "prod")]


def test_there_is_no_configuration(capsys: pytest.CaptureFixture[str], config: Path) -> None:
    """It says how to begin."""
    config.unlink()
    for action in ("list", "create"):
        code, said = refused(capsys, action, "acme")
        assert 2 == code
        assert "there is no gateway.yaml" in said


# ---- beside a gateway -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_gateway_and_the_command_have_the_same_keys(config: Path, workers: str) -> None:
    """The file is what both of them read and write; the admin side is one, however many workers there are."""
    with Gatekeeper("serve", "-c", str(config), "--workers", workers) as gatekeeper:
        said = run("keys", "create", "acme", "--json", cwd=config.parent)
        made = json.loads(said.stdout)
        status, listed = gatekeeper.get("/gateway/keys", gatekeeper.admin)
        assert (200, [made["id"]], ["live"]) == (
            status,
            [one["id"] for one in listed],
            [one["state"] for one in listed],
        )
        assert (204, "") == gatekeeper.get(f"/gateway/keys/{made['id']}", gatekeeper.admin, "DELETE")
        listed = json.loads(run("keys", "list", "--json", cwd=config.parent).stdout)
        assert ["revoked"] == [one["state"] for one in listed]
        assert 0 == gatekeeper.end()
    assert made["key"] not in gatekeeper.text
    assert made["key"].encode() not in (config.parent / "gatekeeper.db").read_bytes()

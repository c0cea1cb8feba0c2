"""`gatekeeper check`: what it says, to whom, and its exit code."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from gatekeeper.cli.main import main
from tests.cli.running import Gatekeeper, run


GOOD = """\
version: 1
services: {users: http://a, orders: http://b}
filters: [{transform: {response: {headers: {remove: [server]}}}}]
routes: {users: {match: /users/**, to: users}, orders: {match: /orders/**, to: orders}}
"""
WRONG = GOOD.replace("to: orders", "to: ordres") + "server: {drain: 30}\n"
DOUBTFUL = GOOD.replace("services: {", "services: {spare: http://c, ")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, and no flags from outside."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "ENV", "ENV_FILE", "STRICT", "PLUGIN"):
        monkeypatch.delenv(f"GATEKEEPER_{name}", raising=False)
    return tmp_path


def write(text: str, name: str = "gateway.yaml") -> None:
    path = Path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def check(*arguments: str) -> int:
    return main(["check", *arguments])


def test_a_good_file(capsys: pytest.CaptureFixture[str]) -> None:
    """One line, with what it holds."""
    write(GOOD)

    assert check() == 0
    assert capsys.readouterr() == ("gateway.yaml is fine: 2 services, 2 routes, 1 filter\n", "")


def test_a_file_with_errors(capsys: pytest.CaptureFixture[str]) -> None:
    """All of them, each with its line, and how many there are."""
    write(WRONG, "other.yaml")

    assert check("other.yaml") == 2
    said = capsys.readouterr()
    assert said.err == ""
    lines = said.out.splitlines()
    assert lines[0].startswith("other.yaml:4:")
    assert "did you mean `orders`" in lines[0]
    assert lines[2].endswith("^")
    assert "5:17: server.drain: 30 has no unit" in said.out
    assert lines[-1].startswith("other.yaml: 2 errors")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(b"version: 1\nroutes: {a: [}\n", "2:14: ", id="CFG-01-syntax-error"),
        pytest.param(b"", "1:1: the file is empty", id="CFG-01-empty"),
        pytest.param(b"version: 1\nx-a: \x00\n", "2:6: control characters are not allowed", id="CFG-01-nul"),
        pytest.param(GOOD.encode("utf-16"), "1:1: this looks like UTF-16", id="CFG-01-utf-16"),
        pytest.param(b"version: 1\nx-a: \xe9\n", "2:6: this is no UTF-8", id="CFG-01-latin-1"),
    ],
)
def test_a_file_that_cannot_be_read(data: bytes, expected: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The line and the column of what is in the way."""
    Path("gateway.yaml").write_bytes(data)

    assert check() == 2
    assert capsys.readouterr().out.startswith(f"gateway.yaml:{expected}")


@pytest.mark.parametrize(
    "data",
    [b"\xef\xbb\xbf" + GOOD.encode(), GOOD.replace("\n", "\r\n").encode()],
    ids=["CFG-01-byte-order-mark", "CFG-01-crlf"],
)
def test_what_editors_add_is_no_mistake(data: bytes) -> None:
    """A mark at the beginning, and two characters at the end of a line."""
    Path("gateway.yaml").write_bytes(data)

    assert check() == 0


def test_who_leads_to_the_admin_listener_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """ADM-10: it is served; --strict refuses it."""
    write("version: 1\nservices: {me: 'http://localhost:9901'}\nroutes: {all: {match: /**, to: me}}\n")

    assert [0, 2] == [check(), check("--strict")]
    said = capsys.readouterr().out
    assert (
        "gateway.yaml:2:16: warning: services.me: `http://localhost:9901` is `admin.listen` of this gateway"
        in said
    )


def test_what_only_shows_when_parts_are_put_together(capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is no certificate, say; nothing is connected to."""
    write("this is no certificate", "ca.pem")
    write(GOOD.replace("orders: http://b", "orders: {instances: ['https://b'], tls: {ca: ca.pem}}"))

    assert check() == 2
    said = capsys.readouterr().out
    assert "2:37: services.orders.tls: the files of `tls` cannot be used: no certificate or crl found" in said
    assert said.endswith("gateway.yaml: 1 error\n")


def test_warnings_are_for_reading(capsys: pytest.CaptureFixture[str]) -> None:
    """Unless --strict refuses them."""
    write(DOUBTFUL)

    assert check() == 0
    said = capsys.readouterr().out
    assert "warning: services.spare: " in said
    assert said.endswith("gateway.yaml is fine (1 warning): 3 services, 2 routes, 1 filter\n")
    assert check("--strict") == 2
    assert capsys.readouterr().out.endswith("gateway.yaml: 1 warning, which --strict refuses\n")


@pytest.mark.parametrize(
    ("text", "arguments", "code", "problems"),
    [
        (GOOD, [], 0, []),
        (DOUBTFUL, [], 0, [("unused", "warning", "services.spare")]),
        (DOUBTFUL, ["--strict"], 2, [("unused", "warning", "services.spare")]),
    ],
)
def test_json(
    text: str, arguments: list[str], code: int, problems: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """For programs: one object."""
    write(text)

    assert code == check("--json", *arguments)
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] == (code == 0)
    assert found["files"] == ["gateway.yaml"]
    assert problems == [(one["id"], one["severity"], one["path"]) for one in found["problems"]]
    assert all(
        list(one) == ["id", "severity", "file", "line", "column", "path", "message"]
        for one in found["problems"]
    )


def test_the_effective_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    """As YAML that is checked in turn, or as JSON; warnings go beside it."""
    write(DOUBTFUL)

    assert check("--effective") == 0
    said = capsys.readouterr()
    assert "warning" in said.err
    assert yaml.safe_load(said.out)["server"]["timeouts"]["head"] == "10s"
    write(said.out, "effective.yaml")
    assert check("effective.yaml", "--effective", "--json") == 0
    assert json.loads(capsys.readouterr().out) == yaml.safe_load(said.out)


def test_errors_are_no_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing lands in the file that the effective one goes to."""
    write(WRONG)

    assert check("--effective") == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "gateway.yaml: 2 errors" in said.err


def test_stdin(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """By `-`."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(WRONG.encode())))
    assert check("-") == 2
    assert capsys.readouterr().out.startswith("stdin:4:")

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a: \xff")))
    assert check("-") == 2
    assert capsys.readouterr().err == "gatekeeper: stdin is no UTF-8\n"


def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    """Says how to begin."""
    assert check("nowhere.yaml") == 2
    assert capsys.readouterr().err.startswith("gatekeeper: there is no nowhere.yaml.\n")


ENVIRONMENTS = (
    GOOD + "environments: {dev: env/dev.yaml, prod: [env/prod.yaml, env/more.yaml], same: env/same.yaml}\n"
)


def write_environments(prod: str = "routes: {orders: false}\nx-a: 1\n") -> None:
    write(ENVIRONMENTS)
    write("services: {users: {timeouts: {read: 1s}}, extra: http://e}\nserver: {drain: 1s}\n", "env/dev.yaml")
    write(prod, "env/prod.yaml")
    write("server: {drain: 2s}\nservices: {orders: false}\n", "env/more.yaml")
    write("{}", "env/same.yaml")


def test_each_environment_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    """With what its files add, change and take out."""
    write_environments()

    assert check() == 0
    assert capsys.readouterr().out.splitlines()[-3:] == [
        (
            "gateway.yaml, environment dev is fine (1 warning): 3 services, 2 routes, 1 filter;"
            " it adds services.extra, server; changes services.users"
        ),
        (
            "gateway.yaml, environment prod is fine: 1 service, 1 route, 1 filter;"
            " it adds server; removes routes.orders, services.orders"
        ),
        "gateway.yaml, environment same is fine: 2 services, 2 routes, 1 filter; it changes nothing",
    ]


def test_what_is_wrong_in_one_environment_is_told_there(capsys: pytest.CaptureFixture[str]) -> None:
    """And what is wrong in all of them once."""
    write_environments("{services: {users: false}, routes: {orders: false}}")
    write(ENVIRONMENTS + "admin: {listen: 1.5}\n")

    assert check() == 2
    said = capsys.readouterr().out
    assert said.count("admin.listen") == 1
    assert said.index("admin.listen") < said.index("in the environment prod:")
    assert "no service `users`" in said.partition("in the environment prod:")[2]
    assert check("--json") == 2
    found = json.loads(capsys.readouterr().out)
    assert ["dev", "prod", "same"] in [one["environments"] for one in found["problems"]]
    assert ["prod"] in [one["environments"] for one in found["problems"]]
    assert found["environments"]["prod"] == {
        "adds": ["server"],
        "changes": [],
        "removes": ["services.users", "routes.orders", "services.orders"],
    }
    assert found["files"] == [
        "gateway.yaml",
        "env/dev.yaml",
        "env/prod.yaml",
        "env/more.yaml",
        "env/same.yaml",
    ]


def test_one_environment_is_checked_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """By --env, without a word about the others."""
    write_environments()

    assert check("--env", "prod") == 0
    assert capsys.readouterr().out == "gateway.yaml, environment prod is fine: 1 service, 1 route, 1 filter\n"
    assert check("--env", "prdo") == 2
    assert "did you mean `prod`?" in capsys.readouterr().out


def test_the_effective_configuration_is_that_of_one_environment(capsys: pytest.CaptureFixture[str]) -> None:
    """It has to be chosen."""
    write_environments()

    assert check("--effective") == 2
    assert capsys.readouterr().err == "gatekeeper: gateway.yaml has environments; choose one with --env\n"
    assert check("--effective", "--env", "prod") == 0
    assert yaml.safe_load(capsys.readouterr().out)["server"]["drain"] == "2s"


def test_variables_of_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    """`.env` beside the configuration, another one, or none."""
    write(GOOD.replace("http://a", '"http://${CHECK_TEST_HOST}"'))
    write("CHECK_TEST_HOST=a\n", ".env")

    assert check() == 0
    assert check("--no-env-file") == 2
    assert "`${CHECK_TEST_HOST}` is not set" in capsys.readouterr().out


def test_as_a_command(folder: Path) -> None:
    """In a process of its own, with a plugin; a terminal sees colours."""
    plugin = folder / "loud.py"
    plugin.write_text(
        "import attrs\nfrom gatekeeper import hookimpl\n\n\n@attrs.frozen\nclass Options:\n    pass\n\n\nclass Loud:\n    def wrap(self, following):\n        return following\n\n\n@hookimpl\n"
        "def gatekeeper_register(catalog):\n    catalog.filter('loud', Options, lambda config, context: Loud())\n"
    )
    write(GOOD.replace("filters: [", "filters: [loud, "))
    write(WRONG, "wrong.yaml")

    done = run("check", "--plugin", "loud.py", cwd=folder)
    assert (0, "") == (done.returncode, done.stderr)
    assert run("check", cwd=folder).returncode == 2
    with Gatekeeper("check", "wrong.yaml", cwd=folder, terminal=True) as coloured:
        assert coloured.wait() == 2
    assert "\x1b[" in coloured.text
    with Gatekeeper("check", "wrong.yaml", cwd=folder, env={"NO_COLOR": "1"}, terminal=True) as plain:
        assert plain.wait() == 2
    assert "\x1b[" not in plain.text

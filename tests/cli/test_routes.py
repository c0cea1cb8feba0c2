"""`gatekeeper routes`: the list in matching order, also of what is refused."""

import json
from pathlib import Path

import pytest

from gatekeeper.cli.main import main
from tests.cli.running import run


CONFIG = """\
version: 1
services: {users: http://127.0.0.1:1, next: http://127.0.0.1:2}
filters:
  - transform: {response: {headers: {remove: [server]}}}
    name: hide
chains:
  partner: [{static: {status: 403}, name: stop, when: {method: PUT}}]
routes:
  all: {match: /**, to: users, filters: [use: partner], override: {hide: false}}
  users:
    match: [{path: "/users/{id:int}", method: [POST, GET], header: {x-team: blue}}, {host: a.example, path: /people}]
    to: {users: 95, next: 5}
    priority: 2
  named: {match: "/{service:service}/**", to: "{path.service}"}
"""

SHADOWED = """\
version: 1
routes:
  wide: {match: /a/**, priority: 1, filters: [static: {status: 200}]}
  narrow: {match: /a/b, filters: [static: {status: 200}]}
  one: {match: "/x/{a}", filters: [static: {status: 200}]}
  other: {match: "/x/{b}", filters: [static: {status: 200}]}
  broken: {match: /b, to: nobody}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration, in the working directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "gateway.yaml"
    path.write_text(CONFIG)
    return path


def test_the_list_for_people(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In matching order; a route with two ways stands there twice."""
    assert file.exists()
    main(["routes"])
    header, *lines = capsys.readouterr().out.splitlines()
    starts = [
        header.index(name)
        for name in ("#", "ROUTE", "METHODS", "HOST", "PATH", "AND", "TO", "FILTERS", "WHERE")
    ]
    rows = [
        [line[start:end].strip() for start, end in zip(starts, [*starts[1:], None], strict=True)]
        for line in lines
    ]

    assert rows == [
        [
            "1",
            "users",
            "-",
            "a.example",
            "/people",
            "priority 2",
            "users 95, next 5",
            "hide",
            "gateway.yaml:11",
        ],
        [
            *(
                "2",
                "users",
                "GET POST",
                "-",
                "/users/{id:int}",
                "header x-team: blue, priority 2",
                "users 95, next 5",
            ),
            *("hide", "gateway.yaml:11"),
        ],
        ["3", "named", "-", "-", "/{service:service}/**", "-", "{path.service}", "hide", "gateway.yaml:14"],
        ["4", "all", "-", "-", "/**", "-", "users", "stop", "gateway.yaml:9"],
    ]


def test_a_column_in_which_nothing_stands_is_left_out(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Most have no hosts."""
    assert file.exists()
    main(["routes", "all"])

    assert ["#", "ROUTE", "PATH", "TO", "FILTERS", "WHERE"] == capsys.readouterr().out.splitlines()[0].split()


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        pytest.param("use", ["users", "users"], id="a-name"),
        pytest.param("people", ["users"], id="a-path"),
        pytest.param("a.example", ["users"], id="a-host"),
        pytest.param("zzz", [], id="nothing"),
    ],
)
def test_some_of_them(file: Path, capsys: pytest.CaptureFixture[str], pattern: str, found: list[str]) -> None:
    """Their ranks are those of the whole list."""
    assert file.exists()
    assert 0 == main(["routes", pattern, "--json"])
    rows = json.loads(capsys.readouterr().out)["routes"]

    assert found == [row["route"] for row in rows]


def test_the_list_for_programs(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same as JSON."""
    assert file.exists()
    assert 0 == main(["routes", "--json"])
    found = json.loads(capsys.readouterr().out)

    assert (0, []) == (found["problems"], found["broken"])
    assert {
        "rank": 2,
        "route": "users",
        "priority": 2,
        "methods": ["GET", "POST"],
        "host": "*",
        "path": "/users/{id:int}",
        "conditions": ["header x-team: blue"],
        "to": {"users": 95, "next": 5},
        "filters": ["hide"],
        "place": "gateway.yaml:11",
        "shadowed_by": "",
        "ambiguous_with": "",
    } == found["routes"][1]


def test_what_is_refused_is_listed(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what hides it, or ranks the same; the exit code is that of a configuration with errors."""
    file.write_text(SHADOWED)
    code = main(["routes"])
    lines = capsys.readouterr().out.splitlines()

    assert 2 == code
    assert [
        "never reached, hidden by wide (gateway.yaml:3)",
        "ranks the same as other (gateway.yaml:6)",
        "ranks the same as one (gateway.yaml:5)",
    ] == [line.strip() for line in lines if line.startswith("   ")]
    assert lines[-2:] == [
        "not listed, because of errors: broken",
        "3 problems; `gatekeeper check` says more",
    ]


def test_what_cannot_be_understood_at_all(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """There is nothing to list."""
    file.write_text("version: [\n")

    assert 2 == main(["routes"])
    assert "gateway.yaml has a problem" in capsys.readouterr().err


def test_a_file_that_is_not_there(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is said how to get one."""
    file.unlink()

    assert 2 == main(["routes"])
    assert "there is no gateway.yaml" in capsys.readouterr().err


def test_it_runs_as_a_process(file: Path) -> None:
    """The file may be named by the environment."""
    done = run("routes", env={"GATEKEEPER_CONFIG": str(file)})

    assert (0, "") == (done.returncode, done.stderr)
    assert 5 == len(done.stdout.splitlines())

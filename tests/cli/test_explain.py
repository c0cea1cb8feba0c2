"""`gatekeeper explain`: what it prints, for people and for programs, and its exit codes.

The files of `tests/cli/explain` are command lines with what they print.
"""

import json
import shlex
from pathlib import Path

import attrs
import pytest

from gatekeeper.cli.explain import render
from gatekeeper.cli.main import main
from gatekeeper.runtime.explanation import (
    Candidate,
    Explanation,
    Failure,
    FilterStep,
    InstanceShare,
    RequestFacts,
    Result,
    TargetStep,
    When,
)
from tests.cli.running import run


CASES = Path(__file__).with_name("explain")


@pytest.fixture(autouse=True)
def _in_the_folder_of_the_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that places are `gateway.yaml:12`, wherever the tests run."""
    monkeypatch.chdir(CASES)


@pytest.mark.parametrize("case", [pytest.param(path, id=path.stem) for path in sorted(CASES.glob("*.txt"))])
def test_what_is_printed(case: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Word for word."""
    command, *_ = case.read_text().splitlines()
    code = main(shlex.split(command.removeprefix("$ gatekeeper ")))
    printed = capsys.readouterr()

    assert "" == printed.err
    assert case.read_text() == f"{command}\n{printed.out}exit code {code}\n"


@pytest.mark.parametrize("case", [pytest.param(path, id=path.stem) for path in sorted(CASES.glob("*.txt"))])
def test_lines_are_no_wider_than_a_terminal(case: Path) -> None:
    """What is printed, without the command line."""
    assert [] == [line for line in case.read_text().splitlines()[1:] if len(line) > 100]


def test_the_same_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """All that is known, as JSON."""
    code = main(["explain", "--json", "http://api.example.com/users/7", "-H", "X-Beta: 1"])
    found = json.loads(capsys.readouterr().out)

    assert 0 == code
    assert "users" == found["result"]["route"]
    assert ["failed", "matched"] == [one["verdict"] for one in found["candidates"]]
    assert ["users-next"] == [one["service"] for one in found["targets"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["users/7"], "`users/7` is no URL", id="no-url"),
        pytest.param(["GET", "/", "/x"], "one request at a time", id="two-urls"),
        pytest.param(["/", "--from", "here"], "`here` is no address", id="no-address"),
        pytest.param(
            ["/", "--listener", "insde"], "no listener `insde`; did you mean `inside`?", id="listener"
        ),
        pytest.param(["/", "--route", "zzz"], "no route `zzz`; there are `users`, ", id="route"),
        pytest.param(["/", "-c", "nowhere.yaml"], "there is no nowhere.yaml", id="no-file"),
    ],
)
def test_what_cannot_be_explained(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, and what to write."""
    assert 2 == main(["explain", *arguments])
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("field", ["X-Team", ": blue", ""])
def test_a_header_field_has_a_name_and_a_colon(field: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever else it has."""
    with pytest.raises(SystemExit) as ended:
        main(["explain", "/", "-H", field])

    assert 2 == ended.value.code
    assert "write 'Name: value'" in capsys.readouterr().err


def test_a_configuration_with_errors_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As `check` refuses it: what is said of it would not be true of anything."""
    path = tmp_path / "gateway.yaml"
    path.write_text("version: 1\nroutes: {a: {match: /a, to: nobody}}\n")

    assert 2 == main(["explain", "/", "-c", str(path)])
    assert "[unknown-name]" in capsys.readouterr().err


def test_what_only_shows_when_it_is_built_is_refused_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A certificate that is none, say."""
    (tmp_path / "ca.pem").write_text("no certificate")
    path = tmp_path / "gateway.yaml"
    path.write_text(
        "version: 1\nservices: {a: {instances: ['https://127.0.0.1:9'], tls: {ca: ca.pem}}}\n"
        "routes: {a: {match: /a, to: a}}\n"
    )

    assert 2 == main(["explain", "/", "-c", str(path)])
    assert "services.a.tls" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["POST", "URL", "-H", "X-Team: blue", "--json"], id="behind"),
        pytest.param(["-H", "X-Team: blue", "--json", "POST", "URL"], id="in-front"),
        pytest.param(["POST", "-H", "X-Team: blue", "--json", "URL"], id="between"),
        pytest.param(["--json", "POST", "-H", "X-Team: blue", "--", "URL"], id="before-a-double-hyphen"),
    ],
)
def test_flags_may_stand_anywhere(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """As with `curl`."""
    main(["explain", *(word.replace("URL", "http://api.example.com/users/7") for word in words)])
    found = json.loads(capsys.readouterr().out)

    assert ("POST", "users-blue") == (found["request"]["method"], found["result"]["route"])


def test_it_runs_as_a_process() -> None:
    """Without a terminal there are no colours."""
    done = run(
        "explain",
        "GET",
        "http://api.example.com/users/7",
        cwd=CASES,
        env={"GATEKEEPER_CONFIG": "gateway.yaml"},
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert done.stdout.startswith("request     GET /users/7\n")
    assert "\x1b" not in done.stdout


def test_a_method_is_taken_as_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    """One in lower case is another one, and refused as it is on the wire."""
    assert 1 == main(["explain", "get", "/users/7"])
    assert "400 bad-request" in capsys.readouterr().out


# ---- rendering ------------------------------------------------------------------------------------------------------

REQUEST = RequestFacts(
    method="GET",
    sent="/",
    path="/",
    forwarded="/",
    query="",
    host="",
    scheme="http",
    client="::1",
    listener="main",
)


def step(**changes: object) -> FilterStep:
    """A filter."""
    fields: dict[str, object] = {
        "name": "a",
        "kind": "static",
        "source": "filters",
        "place": "x:1",
        "state": "runs",
    }
    return FilterStep(**{**fields, **changes})  # type: ignore[arg-type]


def test_colours_are_there_for_a_terminal() -> None:
    """What takes the request is green, what does not is dim."""
    one = Candidate(route="a", place="x:1", rule="/", conditions=(), priority=0, verdict="matched")
    other = Candidate(
        route="b",
        place="",
        rule="/",
        conditions=(),
        priority=7,
        verdict="failed",
        failed=Failure(condition="c", found="d"),
    )
    text = render(
        Explanation(request=REQUEST, result=Result(route="a"), candidates=(one, other)), colour=True
    )

    assert "\x1b[1mcandidates  \x1b[0m\x1b[32myes  a  /" in text
    assert "\x1b[2mno   b  /, priority 7" in text
    assert "\x1b[2m        fails at c (is: d)\x1b[0m" in text


def test_what_a_request_holds_does_not_steer_the_terminal() -> None:
    """Control characters are shown as `?`."""
    one = Candidate(
        route="a",
        place="",
        rule="/",
        conditions=(),
        priority=0,
        verdict="failed",
        failed=Failure(condition="c", found="\x1b[2J"),
    )

    assert "(is: ?[2J)" in render(Explanation(request=REQUEST, result=Result(status=404), candidates=(one,)))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        pytest.param({"if_error": "skip"}, "        if_error: skip", id="if-error"),
        pytest.param({"scope": "attempt"}, "runs    a  static  filters, per attempt", id="attempt"),
        pytest.param({"state": "idle"}, "idle    a  static  filters", id="idle"),
        pytest.param(
            {"when": (When(of="chain c", text="x or 20% of requests", chance=0.2),)},
            "        when of chain c: x or 20% of requests, which holds for 20% of requests",
            id="by-chance",
        ),
        pytest.param(
            {"when": (When(of="a", text="x and y", chance=0, failed=Failure(condition="y", found="z")),)},
            "        when: x and y; y (is: z)",
            id="a-part-of-a-condition",
        ),
    ],
)
def test_notes_on_filters(changes: dict[str, object], line: str) -> None:
    """What else there is to know about one."""
    text = render(Explanation(request=REQUEST, result=Result(route="a"), filters=(step(**changes),)))

    assert line in "\n".join(part[12:].partition("  x:1")[0].rstrip() for part in text.splitlines())


def test_a_rewrite_that_is_refused() -> None:
    """Nobody is asked then."""
    target = TargetStep(
        service="a",
        place="x:1",
        share=0.1234,
        why="",
        method="",
        target="",
        detail="the path is bad",
        instances=(InstanceShare(id="i", url="u", share=1),),
    )
    text = render(Explanation(request=REQUEST, result=Result(route="a"), targets=(target,)))

    assert "a  12.34%" in text
    assert "the rewrite is refused: the path is bad" in text
    assert "100%" not in text


@pytest.mark.parametrize(
    ("host", "text"),
    [
        pytest.param("c.example", "host c.example is not in `hosts`", id="another"),
        pytest.param("", "the request names no host", id="none"),
    ],
)
def test_hosts_of_the_gateway(host: str, text: str) -> None:
    """Many of them take several lines, and none is cut in two."""
    hosts = ("a.example", *(f"this-is-host-{number}.example" for number in range(20)))
    result = Result(status=421, code="misdirected", hosts=hosts)
    page = render(Explanation(request=attrs.evolve(REQUEST, host=host), result=result))

    assert f"{text}\n            the gateway answers for `a.example`, " in page
    assert all(f"`{name}`" in page for name in hosts)
    assert 100 >= max(len(line) for line in page.splitlines())


def test_one_other_route_is_one() -> None:
    """And not "1 routes"."""
    text = render(Explanation(request=REQUEST, result=Result(status=404, code="x"), elsewhere=1))

    assert "1 route has another host or path" in text

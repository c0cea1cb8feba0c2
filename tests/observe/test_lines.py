"""Lines: one record, one line, whatever is in it; and no credential in a query."""

import json
from typing import Any

import orjson
import pytest

from gatekeeper.observe import lines
from gatekeeper.observe.lines import (
    as_text,
    escape,
    json_line,
    plain,
    redact_query,
    render_text,
    timestamp,
)


class Rude:
    """An object that cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError


# --- time ---


@pytest.mark.parametrize(
    ("expected", "seconds"),
    [
        pytest.param("1970-01-01T00:00:00.000Z", 0.0, id="epoch"),
        pytest.param("2026-11-22T22:17:00.125Z", 1795385820.125, id="milliseconds"),
        pytest.param("2026-11-22T22:17:00.999Z", 1795385820.9999998, id="never-rounds-into-the-next-second"),
        pytest.param("2026-11-22T22:17:01.000Z", 1795385821, id="whole"),
    ],
)
def test_a_timestamp_is_rfc_3339_in_utc_with_milliseconds(expected: str, seconds: float) -> None:
    """The second part is remembered, and still right for every second."""
    assert expected == timestamp(seconds)
    assert expected == timestamp(seconds)


# --- JSON ---


def test_a_record_is_one_line_of_json() -> None:
    """Compact, with its line end."""
    assert (
        json_line({"status": 200, "phases": {"connect": 0.5}}) == b'{"status":200,"phases":{"connect":0.5}}\n'
    )


@pytest.mark.parametrize(
    ("expected", "value"),
    [
        pytest.param("a\r\nb", "a\r\nb", id="OBS-01-crlf"),
        pytest.param("\x1b[31m", "\x1b[31m", id="OBS-01-ansi"),
        pytest.param('"\\', '"\\', id="OBS-01-quotes"),
        pytest.param("\u2028\u2029\x85\x9b", "\u2028\u2029\x85\x9b", id="OBS-01-line-separators-and-c1"),
        pytest.param("é\U0001f600", "é\U0001f600", id="other-scripts"),
        pytest.param("a\ufffdb", "a\udcffb", id="OBS-01-invalid-utf-8"),
        pytest.param("\U0001f600", "\ud83d\ude00", id="surrogate-pair-in-two-halves"),
        pytest.param("a\ufffd", b"a\xff", id="bytes"),
        pytest.param("<Rude>", Rude(), id="object-that-cannot-be-shown"),
        pytest.param(str(1 << 70), 1 << 70, id="large-number"),
        pytest.param({"7": ["x"]}, {7: {"x"}}, id="foreign-key-and-set"),
        pytest.param(
            {"a": "\ufffd", "b": [None, True, 1.5, 2]},
            {"a": "\udc00", "b": (None, True, 1.5, 2)},
            id="nested",
        ),
        pytest.param({"\ufffd": 1}, {"\udc00": 1}, id="surrogate-in-a-key"),
    ],
)
def test_whatever_is_in_a_record_it_is_one_valid_line(expected: object, value: object) -> None:
    """What JSON cannot hold is repaired, what a terminal would obey is escaped."""
    line = json_line({"value": value}).decode()

    assert {"value": expected} == json.loads(line)
    assert [line.rstrip("\n")] == line.splitlines()
    assert not {"\x1b", "\x85", "\x9b", "\u2028"} & set(line)


def test_a_record_that_contains_itself_ends() -> None:
    """Depth is bounded."""
    record: dict[str, Any] = {}
    record["self"] = [record]

    assert json_line(record).count(b"self") == 10


def test_what_a_terminal_would_obey_is_escaped_and_nothing_beside_it() -> None:
    """C1 controls and line separators, in the middle of other scripts."""
    assert b'{"a":"\xc3\xa9\\u009b\\u2028"}\n' == json_line({"a": "é\x9b\u2028"})


def test_plain_data_is_left_alone() -> None:
    """A repaired record still says what it said."""
    data = {"text": "x", "number": -(1 << 63), "nothing": None, "list": [1.5, True]}

    assert data == plain(data)
    assert orjson.dumps(data)


def test_text_of_a_value_is_its_str() -> None:
    """For what JSON has no form for."""
    assert as_text(range(3)) == "range(0, 3)"


# --- text ---


def test_escaped_text_stays_in_its_line() -> None:
    """Control characters, bidirectional overrides and half pairs become visible."""
    assert escape("a\nb\x1b[31m\u202e\udc00é") == r"a\nb\x1b[31m\u202e\udc00é"


RECORD = {
    "time": "2026-11-22T22:17:00.123Z",
    "request_id": "aaaaaaaaaaaaaaaa0000001f",
    "method": "GET",
    "path": "/users/7",
    "query": "page=2",
    "status": 200,
    "route": "users",
    "service": "people",
    "instance": "127.0.0.1:9001",
    "duration_ms": 1.94,
}


def test_an_access_line_for_a_person_says_what_happened() -> None:
    """Time, request, status, duration, where it went, and the tail of its id."""
    expected = "22:17:00.123 GET /users/7?page=2 200 1.9 ms users -> people 127.0.0.1:9001 0000001f"

    assert expected == render_text(RECORD)


@pytest.mark.parametrize(
    ("expected", "status"),
    [
        pytest.param("\x1b[32m204\x1b[0m", 204, id="good"),
        pytest.param("\x1b[36m301\x1b[0m", 301, id="redirect"),
        pytest.param("\x1b[33m404\x1b[0m", 404, id="client-error"),
        pytest.param("\x1b[31m502\x1b[0m", 502, id="server-error"),
        pytest.param(" 101 ", 101, id="no-colour-of-its-own"),
        pytest.param(" odd ", "odd", id="no-number"),
    ],
)
def test_the_status_is_coloured_by_its_class(expected: str, status: object) -> None:
    """Green, cyan, yellow, red."""
    line = render_text({**RECORD, "status": status}, colour=True)

    assert expected in line
    assert line.endswith("\x1b[2m0000001f\x1b[0m")


def test_an_access_line_leaves_out_what_is_not_known() -> None:
    """A refused request has no service; why it was refused is said."""
    record = {
        "method": "GET",
        "status": 401,
        "route": "users",
        "service": None,
        "stopped_by": "auth",
        "error": "no_token",
    }

    assert render_text(record) == "GET 401 users stopped by auth no_token"


def test_an_access_line_cannot_be_forged_or_steer_a_terminal() -> None:
    """OBS-01: what the client wrote is escaped."""
    assert (
        render_text({"method": "GET", "path": "/\x1b[2J\n22:17", "status": 200}) == r"GET /\x1b[2J\n22:17 200"
    )


# --- redaction ---


@pytest.mark.parametrize(
    ("expected", "query"),
    [
        pytest.param("", "", id="empty"),
        pytest.param("token", "token", id="no-value"),
        pytest.param("page=2&q=a%20b&flag", "page=2&q=a%20b&flag", id="nothing-to-hide"),
        pytest.param("token=***", "token=abc", id="token"),
        pytest.param("a=1&access_token=***&b=2", "a=1&access_token=x.y.z&b=2", id="in-the-middle"),
        pytest.param("ID_Token=***", "ID_Token=x", id="case"),
        pytest.param("t%6Fken=***", "t%6Fken=x", id="encoded-name"),
        pytest.param("api-key=***&apiKey=***&X-Api-Key=***", "api-key=1&apiKey=2&X-Api-Key=3", id="api-key"),
        pytest.param("key=***&code=***&sig=***&auth=***", "key=1&code=2&sig=3&auth=4", id="short-names"),
        pytest.param("client_secret=***&password=***", "client_secret=1&password=2", id="secret-password"),
        pytest.param("X-Amz-Signature=***", "X-Amz-Signature=1", id="amazon"),
        pytest.param(
            "jwt=***&Authorization=***&session=***", "jwt=1&Authorization=2&session=3", id="jwt-session"
        ),
        pytest.param("JSESSIONID=***&PHPSESSID=***", "JSESSIONID=1&PHPSESSID=2", id="session-cookies"),
        pytest.param("token=***", "token=a=b==", id="value-with-equal-signs"),
        pytest.param("data=YWJj==", "data=YWJj==", id="base64-is-no-parameter"),
        pytest.param(
            "keyboard=us&encode=1&author=x", "keyboard=us&encode=1&author=x", id="harmless-neighbours"
        ),
        pytest.param("=x&a=", "=x&a=", id="empty-name-empty-value"),
        pytest.param("a=1;token=***;b=2", "a=1;token=x;b=2", id="semicolons"),
        pytest.param("a;token=***", "a;token=x", id="semicolon-in-the-first-name"),
        pytest.param("token=***", "token=x;y", id="semicolon-in-a-hidden-value"),
        pytest.param("next=/cb?code=***", "next=/cb?code=x", id="inside-an-address"),
        pytest.param("next=***", "next=%2Fcb%3Fcode%3Dx", id="inside-an-encoded-address"),
        pytest.param("next=***&a=1", "next=/cb?a=1%26token%3dx&a=1", id="half-encoded-address"),
        pytest.param("next=%2Fcb%3Fpage%3D2", "next=%2Fcb%3Fpage%3D2", id="harmless-encoded-address"),
        pytest.param("#token=***", "#token=x", id="fragment"),
        pytest.param(f"{'x' * 100}token=***", f"{'x' * 100}token=secret", id="long-name"),
        pytest.param("x" * 100 + "=1", "x" * 100 + "=1", id="long-harmless-name"),
    ],
)
def test_values_of_credentials_are_hidden_and_nothing_else(expected: str, query: str) -> None:
    """OBS-02: by name, however the name is written."""
    assert expected == redact_query(query)


def test_names_that_clients_invent_do_not_fill_the_memory() -> None:
    """Short ones are remembered up to a bound, long ones never."""
    lines._judge_remembered.cache_clear()

    redact_query("&".join(f"{number}{'x' * 70}=1&{number}=1" for number in range(3000)))

    assert lines._judge_remembered.cache_info().currsize == 1024


def test_names_of_a_configuration_are_hidden_too() -> None:
    """However they are written; others stay."""
    assert "kennwort=***&a=1&ken%6Ewort=***" == redact_query("kennwort=x&a=1&ken%6Ewort=y", {"kennwort"})
    assert "kennwort=x" == redact_query("kennwort=x")

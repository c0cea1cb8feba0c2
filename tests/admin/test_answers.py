"""What goes back."""

from typing import Any

import orjson
import pytest
from aiohttp import web

from gatekeeper.admin.answers import as_json, problem, title
from gatekeeper.admin.table import ENDPOINTS


def body(response: web.Response) -> Any:
    assert isinstance(response.body, bytes)
    return orjson.loads(response.body)


def test_json_for_people_and_programs() -> None:
    """Indented, with a line break at the end."""
    answer = as_json({"a": [1, None], "b": "ü"}, 201, {"Location": "/x"})

    assert (201, "application/json", "/x") == (
        answer.status,
        answer.headers["Content-Type"],
        answer.headers["Location"],
    )
    assert '{\n  "a": [\n    1,\n    null\n  ],\n  "b": "ü"\n}\n'.encode() == answer.body


@pytest.mark.parametrize(
    ("status", "code", "title"),
    [
        (404, "not-found", "Not Found"),
        (413, "content-too-large", "Content Too Large"),
        (422, "unprocessable-content", "Unprocessable Content"),
        (429, "too-many-requests", "Too Many Requests"),
        (494, "error", "Error"),
    ],
)
def test_a_problem(status: int, code: str, title: str) -> None:
    """RFC 9457, with the members that problems on the data side have."""
    answer = problem(status, "why", {"Allow": "GET"}, {"revision": 3})

    assert (status, "application/problem+json", "GET") == (
        answer.status,
        answer.headers["Content-Type"],
        answer.headers["Allow"],
    )
    assert {
        "type": f"urn:gatekeeper:error:{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": "why",
        "revision": 3,
    } == body(answer)


def test_each_status_that_is_answered_has_a_name() -> None:
    """Codes are for programs: they must not change with the version of Python."""
    named = {status for endpoint in ENDPOINTS for status in endpoint.fails}

    assert {"Error"}.isdisjoint(
        title(status) for status in {*named, 400, 401, 403, 405, 408, 413, 415, 429, 500}
    )

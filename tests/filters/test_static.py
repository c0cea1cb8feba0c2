"""`static`: each option, each refusal, and what it answers."""

from typing import Any

import orjson
import pytest

from gatekeeper.testing import RunFilter, config_problems, make_exchange


async def test_by_itself_it_answers_an_empty_200(run_filter: RunFilter) -> None:
    """Nothing has to be said."""
    response = await run_filter("static").response()

    assert (200, [], b"") == (response.status, response.headers.fields, response.body.data)


@pytest.mark.parametrize("status", [200, 204, 301, 404, 418, 503, 599])
async def test_any_final_status_will_do(run_filter: RunFilter, status: int) -> None:
    """Also those that have no name."""
    assert status == (await run_filter("static", {"status": status}).response()).status


async def test_a_text_is_plain_text(run_filter: RunFilter) -> None:
    """With what it inserts."""
    exchange = make_exchange(captures={"name": "Ada"})

    response = await run_filter("static", {"body": {"text": "Hello, {path.name}!\n"}}, exchange).response()

    assert "text/plain; charset=utf-8" == response.headers.text(b"content-type")
    assert b"Hello, Ada!\n" == response.body.data


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        (
            {"id": "{path.id}", "n": 1, "deep": [{"x": "{request.method}"}, None]},
            {"id": '7"', "n": 1, "deep": [{"x": "GET"}, None]},
        ),
        ([], []),
        ({}, {}),
        (0, 0),
        (False, False),
        ("{path.id}", '7"'),
        (1.5, 1.5),
    ],
)
async def test_json_is_rendered_as_data(run_filter: RunFilter, value: Any, rendered: Any) -> None:
    """What is inserted cannot break out of its string."""
    exchange = make_exchange(captures={"id": '7"'})

    response = await run_filter("static", {"body": {"json": value}}, exchange).response()

    assert "application/json" == response.headers.text(b"content-type")
    assert rendered == orjson.loads(response.body.data or b"")


@pytest.mark.parametrize(
    ("options", "content_type"),
    [
        ({"body": {"text": "<p>", "content_type": "text/html"}}, "text/html"),
        ({"body": {"text": "<p>"}, "headers": {"Content-Type": "text/html"}}, "text/html"),
        ({"body": {"json": {}, "content_type": "application/ld+json"}}, "application/ld+json"),
    ],
)
async def test_the_content_type_may_be_another(
    run_filter: RunFilter, options: Any, content_type: str
) -> None:
    """Said in either place, it is sent once."""
    response = await run_filter("static", options).response()

    assert [content_type.encode()] == response.headers.get_all(b"content-type")


async def test_headers_are_texts(run_filter: RunFilter) -> None:
    """Under the name that was written."""
    options = {"status": 503, "headers": {"Retry-After": "30", "X-Path": "{request.path}"}}

    response = await run_filter("static", options, make_exchange(path="/a")).response()

    assert [(b"Retry-After", b"30"), (b"X-Path", b"/a")] == response.headers.fields


async def test_what_a_client_sends_cannot_break_a_header(run_filter: RunFilter) -> None:
    """A line break in a value would begin another field."""
    exchange = make_exchange("GET", "/?x=%0Ay")

    response = await run_filter("static", {"headers": {"x": "{query.x}"}}, exchange).response()

    assert 400 == response.status
    assert response.error is not None
    assert "is not a header field value" in response.error.log


async def test_one_answer_does_not_change_the_next(run_filter: RunFilter) -> None:
    """Filters behind it may change what they get."""
    call = run_filter("static", {"headers": {"x": "1"}, "body": {"text": "ok"}})
    first = await call.response()
    first.headers.set(b"x", b"2")

    second = await call.filter.wrap(None)(make_exchange())

    assert "1" == second.headers.text(b"x")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"status": 100}, "100 is no status of an answer"),
        ({"status": 600}, "600 is no status of an answer"),
        ({"status": "ok"}, "expected a whole number"),
        ({"headers": {"a b": "x"}}, "is not a header field name"),
        ({"headers": {"a": "x\ny"}}, "is not a header field value"),
        ({"headers": {"a": "{nothing}"}}, "is no value"),
        ({"body": {}}, "either `json` or `text`"),
        ({"body": {"json": 1, "text": "x"}}, "either `json` or `text`"),
        ({"body": {"json": {"a": ["{nothing}"]}}}, "`{nothing}` is no value"),
        ({"body": {"text": "x", "content_type": "a\nb"}}, "is not a header field value"),
        ({"body": "ok"}, "expected a mapping"),
        ({"headers": {"Content-Length": "3"}}, "written by the gateway itself"),
        ({"headers": {"transfer-encoding": "chunked"}}, "written by the gateway itself"),
        ({"headers": {"Connection": "close"}}, "written by the gateway itself"),
    ],
)
def test_what_it_refuses(options: Any, problem: str) -> None:
    """When the file is read."""
    found = config_problems("static", options)

    assert 1 == len(found)
    assert problem in found[0].message

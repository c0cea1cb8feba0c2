"""`transform`: each option, each refusal, and what it changes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.config.structure import structure_options
from gatekeeper.core.message import UNTOUCHABLE
from gatekeeper.filters.transform import EditsConfig, TransformConfig, _query_editor
from gatekeeper.testing import RunFilter, config_problems, make_exchange


FIELDS = [("A", "1"), ("b", "2"), ("a", "3")]


def request_headers(**edits: Any) -> dict[str, Any]:
    return {"request": {"headers": edits}}


@pytest.mark.parametrize(
    ("edits", "after"),
    [
        ({"remove": ["A"]}, [(b"b", b"2")]),
        ({"remove": ["none"]}, [(b"A", b"1"), (b"b", b"2"), (b"a", b"3")]),
        ({"rename": {"a": "X-A"}}, [(b"X-A", b"1"), (b"b", b"2"), (b"X-A", b"3")]),
        ({"set": {"a": "9"}}, [(b"b", b"2"), (b"a", b"9")]),
        ({"add": {"a": "9"}}, [(b"A", b"1"), (b"b", b"2"), (b"a", b"3"), (b"a", b"9")]),
        (
            {"set": {"c": "{request.method}{header.b}"}},
            [(b"A", b"1"), (b"b", b"2"), (b"a", b"3"), (b"c", b"GET2")],
        ),
        ({"remove": ["b"], "rename": {"a": "b"}}, [(b"b", b"1"), (b"b", b"3")]),
        ({"rename": {"a": "b"}, "set": {"b": "9"}}, [(b"b", b"9")]),
        ({"remove": ["a"], "set": {"c": "{header.a}"}}, [(b"b", b"2"), (b"c", b"1")]),
        ({"set": {"a": "8"}, "add": {"A": "9"}}, [(b"b", b"2"), (b"a", b"8"), (b"A", b"9")]),
    ],
)
@pytest.mark.parametrize("side", ["request", "response"])
async def test_header_fields_are_edited_in_order(
    run_filter: RunFilter, side: str, edits: dict[str, Any], after: list[tuple[bytes, bytes]]
) -> None:
    """Remove, rename, set, add; placeholders read the request as it came in."""
    call = run_filter("transform", {side: {"headers": edits}}, make_exchange(headers=FIELDS))
    played = await call.upstream()
    seen = played.exchange.request.headers.fields
    played.respond(200, FIELDS)
    response = await call.response()

    unchanged = [(name.encode(), value.encode()) for name, value in FIELDS]
    expected = (after, unchanged) if side == "request" else (unchanged, after)
    assert expected == (seen, response.headers.fields)


@pytest.mark.parametrize(
    ("edits", "query", "after"),
    [
        ({"remove": ["b"]}, "a=1&b=2&a=%203", "a=1&a=%203"),
        ({"remove": ["a", "b"]}, "a=1&b=2", ""),
        ({"remove": ["a b"]}, "a%20b=1&a+b=2&c", "c"),
        ({"rename": {"a": "x y"}}, "a=%31&b=2&a", "x%20y=%31&b=2&x%20y"),
        ({"set": {"a": "{request.method} &="}}, "a=1&b=2&a=3", "b=2&a=GET%20%26%3D"),
        ({"set": {"a": "1"}}, "", "a=1"),
        ({"add": {"a": "ä"}}, "a=1", "a=1&a=%C3%A4"),
        ({"rename": {"a": "b"}, "set": {"b": "9"}}, "a=1&c=3", "c=3&b=9"),
        ({"remove": ["none"]}, "a&&b=%zz", "a&&b=%zz"),
    ],
)
async def test_the_query_is_edited_and_what_is_not_named_keeps_its_bytes(
    run_filter: RunFilter, edits: dict[str, Any], query: str, after: str
) -> None:
    """In what is forwarded as in what decisions see."""
    exchange = make_exchange("GET", f"/p?{query}" if query else "/p")
    call = run_filter("transform", {"request": {"query": edits}}, exchange)
    (await call.upstream()).respond()
    await call.response()

    assert after == exchange.request.query
    assert (f"/p?{after}" if after else "/p").encode() == exchange.request.target


@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), max_size=40))
def test_a_query_that_is_not_concerned_is_not_touched(query: str) -> None:
    """Whatever it looks like."""
    exchange = make_exchange()
    exchange.request.query, exchange.request.target = query, b"/?" + query.encode()
    editor = _query_editor(EditsConfig(remove=("certainly not there",)))
    assert editor is not None

    editor(exchange.request, exchange)

    assert query == exchange.request.query


async def test_without_edits_it_is_not_there(run_filter: RunFilter) -> None:
    """It returns `next` itself."""
    call = run_filter("transform", {"request": {"headers": {"remove": []}}, "response": {}})
    (await call.upstream()).respond()

    assert call.passed_over
    assert 200 == (await call.response()).status


async def test_a_streamed_answer_stays_streamed(run_filter: RunFilter) -> None:
    """Header edits need no body."""
    call = run_filter("transform", {"response": {"headers": {"set": {"server": "us"}}}})
    source = (await call.upstream()).stream(b"a", b"b")

    response = await call.response()

    assert (0, "us") == (source.reads, response.headers.text(b"server"))
    assert None is response.body.data


async def test_what_a_client_sends_cannot_break_a_header(run_filter: RunFilter) -> None:
    """Nor change anything before it is found out."""
    exchange = make_exchange("GET", "/?x=%0Ay", headers={"a": "1"})
    call = run_filter("transform", request_headers(remove=["a"], set={"x": "{query.x}"}), exchange)

    response = await call.response()

    assert 400 == response.status
    assert "1" == exchange.request.headers.text(b"a")


@pytest.mark.parametrize("name", sorted(UNTOUCHABLE))
@pytest.mark.parametrize(
    "edits", [lambda n: {"remove": [n]}, lambda n: {"rename": {n: "x"}}, lambda n: {"rename": {"x": n}}, lambda n: {"set": {n: "x"}}, lambda n: {"add": {n.upper(): "x"}}],
    ids=["remove", "rename from", "rename to", "set", "add"],
)  # fmt: skip
def test_what_framing_and_routing_are_made_of_cannot_be_touched(name: str, edits: Any) -> None:
    """On neither side, by no edit."""
    for side in ("request", "response"):
        found = config_problems("transform", {side: {"headers": edits(name)}})
        assert 1 == len(found)
        assert "is written by the gateway itself" in found[0].message


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (request_headers(set={"a b": "x"}), "is not a header field name"),
        (request_headers(remove=["a:"]), "is not a header field name"),
        (request_headers(rename={"a": ""}), "is not a header field name"),
        (request_headers(add={"a": "x\r\ny"}), "is not a header field value"),
        (request_headers(add={"a": " x"}), "is not a header field value"),
        (request_headers(set={"a": "{nothing}"}), "is no value"),
        (request_headers(remove="a"), "expected a list"),
        (request_headers(delete=["a"]), "unknown key `delete`"),
        ({"request": {"query": {"set": {"a": 1}}}}, "expected text"),
        ({"response": {"query": {}}}, "unknown key `query`"),
        ([], "expected a mapping"),
    ],
)
def test_what_it_refuses(options: Any, problem: str) -> None:
    """When the file is read."""
    found = config_problems("transform", options)

    assert 1 == len(found)
    assert problem in found[0].message


def test_equal_options_are_equal() -> None:
    """So that a reload can tell what has not changed."""
    options = request_headers(set={"a": "{request.id}"})

    assert structure_options(TransformConfig, options) == structure_options(TransformConfig, options)

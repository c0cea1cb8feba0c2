"""Exchanges without a socket."""

import pytest

from gatekeeper.core.body import Body
from gatekeeper.core.errors import BadTarget, ClientGone
from gatekeeper.core.message import InvalidField
from gatekeeper.testing import Chunks, make_exchange


def test_an_exchange_is_as_the_edge_would_make_it() -> None:
    """Path canonical, query apart, host without port and in lower case."""
    request = make_exchange(
        "PUT", "/a/%7Eb/../c?x=%20", {"X-A": "1"}, b"data", host="Example.com:8080"
    ).request

    assert ("PUT", "/a/c", b"/a/c?x=%20", "x=%20") == (
        request.method,
        request.path,
        request.target,
        request.query,
    )
    assert ("example.com", b"Example.com:8080") == (request.host, request.authority)
    assert ("203.0.113.7", "203.0.113.7") == (request.client, request.peer)
    assert ([(b"X-A", b"1")], b"data") == (request.headers.fields, request.body.data)


@pytest.mark.parametrize(
    ("host", "name"), [("[2001:db8::1]:80", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"), ("A", "a")]
)
def test_a_host_loses_its_port_and_brackets(host: str, name: str) -> None:
    """As on the wire."""
    assert name == make_exchange(host=host).request.host


def test_what_the_edge_would_refuse_is_refused() -> None:
    """A test must not prove what cannot happen."""
    with pytest.raises(BadTarget):
        make_exchange("GET", "/a%00b")
    with pytest.raises(InvalidField):
        make_exchange(headers={"a": "x\r\ny"})


def test_json_is_a_body_with_its_type() -> None:
    """Unless the test says another."""
    exchange = make_exchange("POST", json={"a": 1})
    other = make_exchange("POST", headers={"Content-Type": "application/x"}, json=[])

    assert (b'{"a":1}', "application/json") == (
        exchange.request.body.data,
        exchange.request.headers.text(b"content-type"),
    )
    assert [b"application/x"] == other.request.headers.get_all(b"content-type")


async def test_chunks_come_one_by_one_and_errors_break_off() -> None:
    """The source knows what became of it."""
    exchange = make_exchange("POST", body=[b"a", b"b", ClientGone()], length=10)
    body = exchange.request.body

    assert (10, b"a", b"b") == (body.length, await body.next(), await body.next())
    with pytest.raises(ClientGone):
        await body.next()


async def test_a_source_counts() -> None:
    """Reads, and what is left."""
    source = Chunks(b"a", b"b")
    body = Body.stream(source, None)
    await body.next()
    body.abort()

    assert (1, 1, True) == (source.reads, source.left, source.aborted)
    assert body is make_exchange(body=body).request.body

"""Requests that came from nowhere are read as those on the wire are."""

from ipaddress import ip_network

import pytest

from gatekeeper.core.errors import (
    BadRequest,
    BadTarget,
    ExpectationFailed,
    GatewayError,
    HeadersTooLarge,
    LoopDetected,
    MethodNotAllowed,
    NotSupported,
    UriTooLong,
)
from gatekeeper.edge.dry import read_request
from gatekeeper.edge.settings import EdgeSettings
from gatekeeper.testing import StartGateway
from gatekeeper.testing.client import Connection


@pytest.mark.parametrize(
    ("url", "host", "path", "target", "scheme"),
    [
        pytest.param("/users/7?x=1", "localhost", "/users/7", b"/users/7?x=1", "http", id="a-path"),
        pytest.param("/a/../b%41//c", "localhost", "/bA/c", b"/b%41//c", "http", id="as-it-was-typed"),
        pytest.param("http://Api.Example:80/x", "api.example", "/x", b"/x", "http", id="a-url"),
        pytest.param("https://a.example", "a.example", "/", b"/", "https", id="no-path"),
        pytest.param("HTTP://a.example?q", "a.example", "/", b"/?q", "http", id="only-a-query"),
        pytest.param("http://a.example/x#part", "a.example", "/x", b"/x", "http", id="a-fragment"),
    ],
)
def test_what_is_typed_is_what_is_asked(url: str, host: str, path: str, target: bytes, scheme: str) -> None:
    """A path, or a whole URL; nobody tidies it up."""
    request = read_request("GET", url).request

    assert (host, path, target, scheme) == (request.host, request.path, request.target, request.scheme)


def test_fields_are_those_of_the_request() -> None:
    """A Host among them wins, names that are dropped on the wire are dropped here."""
    request = read_request(
        "GET", "http://a.example/", [("HOST", "b.example"), ("X-Team", "blue"), ("X-Real-IP", "1.2.3.4")]
    ).request

    assert "b.example" == request.host
    assert "blue" == request.headers.text(b"x-team")
    assert b"x-real-ip" not in request.headers


def test_who_asks_and_where() -> None:
    """The address of the connection, and the name of the listener."""
    request = read_request("GET", "/", address="[2001:db8::7]:99", listener="inside", scheme="https").request

    assert ("2001:db8::7", "2001:db8::7", "inside", "https") == (
        request.client,
        request.peer,
        request.listener,
        request.scheme,
    )


@pytest.mark.parametrize(
    ("address", "client", "scheme", "host"),
    [
        pytest.param("10.0.0.1", "198.51.100.7", "https", "c.example", id="trusted"),
        pytest.param("203.0.113.9", "203.0.113.9", "http", "localhost", id="a-stranger"),
    ],
)
def test_only_a_trusted_proxy_is_believed(address: str, client: str, scheme: str, host: str) -> None:
    """As on the wire: the same code settles it."""
    said = [
        ("X-Forwarded-For", "6.6.6.6, 198.51.100.7"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "c.example"),
    ]
    request = read_request(
        "GET", "/", said, address=address, settings=EdgeSettings(networks=(ip_network("10.0.0.0/8"),))
    ).request

    assert (client, address, scheme, host) == (request.client, request.peer, request.scheme, request.host)


def test_a_body_that_is_announced_is_not_there() -> None:
    """Whoever asks about a request with a body has none to send."""
    for framing in (("Content-Length", "5"), ("Transfer-Encoding", "chunked")):
        request = read_request("POST", "/", [framing]).request

        assert b"" == request.body.data
        assert 0 == len([name for name, _ in request.headers if name == framing[0].encode()])


def test_the_whole_server_can_be_asked() -> None:
    """With OPTIONS, which is nobody's path."""
    request = read_request("OPTIONS", "*").request

    assert ("*", b"*", "localhost") == (request.path, request.target, request.host)


def test_a_wish_to_switch_is_part_of_it() -> None:
    """Whether the route grants it is settled later."""
    fields = [("Connection", "upgrade"), ("Upgrade", "websocket")]

    assert "websocket" == read_request("GET", "/", fields).request.upgrade


REFUSED = [
    pytest.param("get", "/", [], BadRequest, id="a-method-in-lower-case"),
    pytest.param("FETCH", "/", [], NotSupported, id="an-unknown-method"),
    pytest.param("CONNECT", "/", [], MethodNotAllowed, id="connect"),
    pytest.param("GET", "/a b", [], BadRequest, id="a-blank"),
    pytest.param("GET", "/é", [], BadRequest, id="bytes-that-need-escapes"),
    pytest.param("GET", "/%zz", [], BadTarget, id="a-bad-escape"),
    pytest.param("GET", "/a#b", [], BadTarget, id="a-fragment-in-a-path"),
    pytest.param("GET", "*", [], BadTarget, id="an-asterisk"),
    pytest.param("", "/", [], BadRequest, id="no-method"),
    pytest.param("GET", "/", [("Content-Length", "x")], BadRequest, id="no-length"),
    pytest.param("GET", "/", [("Transfer-Encoding", "gzip, chunked")], NotSupported, id="another-coding"),
    pytest.param("GET", "/" + "x" * 9000, [], UriTooLong, id="a-long-target"),
    pytest.param("GET", "/", [("a", "x" * 9000)], HeadersTooLarge, id="a-long-field"),
    pytest.param("GET", "/", [("a", "x" * 8000)] * 9, HeadersTooLarge, id="a-long-head"),
    pytest.param("GET", "/", [("a", "x")] * 101, HeadersTooLarge, id="many-fields"),
    pytest.param("GET", "/", [("Host", "a"), ("Host", "b")], BadRequest, id="two-hosts"),
    pytest.param("GET", "/", [("Host", "a b")], BadRequest, id="no-host"),
    pytest.param("GET", "/", [("", "x")], BadRequest, id="a-field-without-name"),
    pytest.param("GET", "/", [("a", "\0")], BadRequest, id="a-control-character"),
    pytest.param("GET", "/", [("X-Api-Key", "a"), ("x-api-key", "b")], BadRequest, id="two-keys"),
    pytest.param("GET", "/", [("Expect", "x")], ExpectationFailed, id="an-expectation"),
    pytest.param("GET", "/", [("Via", "1.1 gatekeeper")] * 5, LoopDetected, id="a-loop"),
]


@pytest.mark.parametrize(("method", "url", "headers", "error"), REFUSED)
def test_what_the_edge_refuses_is_refused(
    method: str, url: str, headers: list[tuple[str, str]], error: type[GatewayError]
) -> None:
    """With the error that the edge answers with."""
    with pytest.raises(error):
        read_request(method, url, headers)


@pytest.mark.parametrize(("method", "url", "headers", "error"), REFUSED)
async def test_the_wire_says_the_same(
    gateway: StartGateway, method: str, url: str, headers: list[tuple[str, str]], error: type[GatewayError]
) -> None:
    """The same bytes, sent: the status is that of the error."""
    live = await gateway("version: 1\nroutes: {all: {match: /**, filters: [static: {status: 204}]}}\n")
    fields = headers if any(name == "Host" for name, _ in headers) else [("Host", "localhost"), *headers]
    lines = [f"{method} {url} HTTP/1.1", *(f"{name}: {value}" for name, value in fields), "", ""]
    connection = await Connection.open(live.address)
    await connection.send("\r\n".join(lines).encode())

    assert error.status == (await connection.answer()).status
    await connection.close()


@pytest.mark.parametrize(
    ("method", "url", "headers", "address", "message"),
    [
        pytest.param("GET", "users/7", [], "::1", "`users/7` is no URL: write `/users/7` or `http://users/7`", id="no-url"),
        pytest.param("GET", "/", [], "localhost", "`localhost` is no address", id="no-address"),
        pytest.param("GET", "/\r\nHost: x", [], "::1", "holds a line break", id="a-line-break-in-the-url"),
        pytest.param("GET", "/", [("a", "b\nc: d")], "::1", "holds a line break", id="a-line-break-in-a-field"),
    ],
)  # fmt: skip
def test_what_is_no_request_at_all(
    method: str, url: str, headers: list[tuple[str, str]], address: str, message: str
) -> None:
    """No client can send it, so nothing can be said of it."""
    with pytest.raises(ValueError, match=message):
        read_request(method, url, headers, address=address)

"""To which protocols a connection may switch; ids name the row of reliability.md."""

import pytest

from gatekeeper.core.body import EMPTY, Body
from gatekeeper.core.errors import BadRequest, GatewayError, OriginRefused, UpgradeRequired
from gatekeeper.core.message import Field, Headers, Request
from gatekeeper.core.tunnel import Upgrades
from gatekeeper.edge.upgrade import settle
from gatekeeper.testing.exchange import Chunks


KEY = (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ==")
VERSION = (b"Sec-WebSocket-Version", b"13")
ANY = Upgrades()
OURS = Upgrades(origins=frozenset({"https://app.example", "http://localhost:3000"}))


def request(upgrade: str, *fields: Field, method: str = "GET", body: Body = EMPTY) -> Request:
    return Request(method, "/", b"/", "", "a", b"a", Headers(fields), body, upgrade=upgrade)


@pytest.mark.parametrize(
    ("wanted", "protocols", "settled"),
    [
        pytest.param("irc", {"irc"}, "irc", id="the-one"),
        pytest.param("irc", {"websocket"}, "", id="another"),
        pytest.param("", {"irc"}, "", id="none"),
        pytest.param("h2c, irc", {"irc"}, "irc", id="the-second"),
        pytest.param("b,a", {"a", "b"}, "b", id="the-client-prefers-the-first"),
        pytest.param(" ,\tirc\t,", {"irc"}, "irc", id="blanks-and-commas"),
        pytest.param(",", {"irc"}, "", id="nothing-but-a-comma"),
        pytest.param("irc/6.9", {"irc"}, "", id="a-version-that-is-not-meant"),
        pytest.param("irc/6.9", {"irc/6.9"}, "irc/6.9", id="a-version-that-is"),
        pytest.param("irc x", {"irc"}, "", id="two-words"),
        pytest.param("ircx", {"irc"}, "", id="a-longer-word"),
    ],
)
def test_only_what_the_route_allows_is_left(wanted: str, protocols: set[str], settled: str) -> None:
    """Anything else makes an ordinary request, and is not sent on (RFC 9110 section 7.8)."""
    asked = request(wanted)
    settle(asked, Upgrades(frozenset(protocols)))

    assert settled == asked.upgrade


@pytest.mark.parametrize("wanted", ["websocket", "h2c", "", "websocket, irc"])
def test_a_route_without_upgrades_has_ordinary_requests_only(wanted: str) -> None:
    """Also where they ask for more, or ask badly."""
    asked = request(wanted)
    settle(asked, None)

    assert "" == asked.upgrade


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(Body(b"x"), id="complete"),
        pytest.param(Body.stream(Chunks(b"x"), 1), id="to-come"),
        pytest.param(Body.stream(Chunks(), None), id="of-unknown-length"),
    ],
)
def test_a_request_with_a_body_does_not_switch(body: Body) -> None:
    """Its bytes could be taken for those of the other protocol."""
    asked = request("websocket", KEY, VERSION, method="POST", body=body)
    settle(asked, ANY)

    assert "" == asked.upgrade


# ---- WebSocket (RFC 6455 section 4.2.1) -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(b"dGhlIHNhbXBsZSBub25jZQ==", id="of-the-standard"),
        pytest.param(b"AAAAAAAAAAAAAAAAAAAAAA==", id="zeros"),
        pytest.param(b"+/+/+/+/+/+/+/+/+/+/+w==", id="signs"),
    ],
)
def test_a_handshake_passes(key: bytes) -> None:
    """With a key of sixteen bytes."""
    asked = request("websocket", (b"SEC-WEBSOCKET-KEY", key), (b"sec-websocket-version", b"13"))
    settle(asked, ANY)

    assert "websocket" == asked.upgrade


@pytest.mark.parametrize(
    ("method", "fields", "error"),
    [
        pytest.param("POST", [KEY, VERSION], BadRequest, id="CLI-09-another-method"),
        pytest.param("HEAD", [KEY, VERSION], BadRequest, id="CLI-09-head"),
        pytest.param("GET", [KEY], UpgradeRequired, id="CLI-09-no-version"),
        pytest.param("GET", [KEY, (VERSION[0], b"8")], UpgradeRequired, id="CLI-09-an-older-version"),
        pytest.param("GET", [KEY, (VERSION[0], b"14")], UpgradeRequired, id="CLI-09-a-newer-version"),
        pytest.param("GET", [KEY, (VERSION[0], b"13, 8")], UpgradeRequired, id="CLI-09-two-versions"),
        pytest.param("GET", [KEY, (VERSION[0], b"013")], UpgradeRequired, id="CLI-09-a-zero-before"),
        pytest.param("GET", [KEY, VERSION, VERSION], UpgradeRequired, id="CLI-09-the-version-twice"),
        pytest.param("GET", [VERSION], BadRequest, id="CLI-09-no-key"),
        pytest.param("GET", [KEY, KEY, VERSION], BadRequest, id="CLI-09-two-keys"),
        *(
            pytest.param("GET", [(KEY[0], key), VERSION], BadRequest, id=f"CLI-09-{key!r}")
            for key in (
                b"", b"x", KEY[1][:-1], KEY[1] + b"=", b"=" * 24, b"dGhlIHNhbXBsZSBub25jZZ==", b"dGhlIHNhbXBsZSBub25jZQ=A",
                b"dGhlIHNhbXBsZSBub25jZ_==", b"dGhlIHNhbXBsZSBub25j ZQ==", KEY[1] + b"\n",
            )
        ),
    ],
)  # fmt: skip
def test_a_handshake_that_is_none_is_refused(
    method: str, fields: list[Field], error: type[GatewayError]
) -> None:
    """Nobody is dialled for it."""
    with pytest.raises(error):
        settle(request("websocket", *fields, method=method), ANY)


def test_who_speaks_another_version_is_told_the_one() -> None:
    """CLI-09: as RFC 6455 section 4.4 and RFC 9110 section 15.5.22 ask."""
    with pytest.raises(UpgradeRequired) as caught:
        settle(request("websocket", KEY), ANY)

    assert (
        (b"upgrade", b"websocket"),
        (b"connection", b"upgrade"),
        (b"sec-websocket-version", b"13"),
    ) == caught.value.headers


def test_another_protocol_needs_no_handshake_of_this_one() -> None:
    """Also beside it in the list."""
    asked = request("irc, websocket", method="POST")
    settle(asked, Upgrades(frozenset({"irc", "websocket"}), frozenset()))

    assert "irc" == asked.upgrade


@pytest.mark.parametrize(
    "origin", [b"https://app.example", b"HTTPS://App.Example", b"http://localhost:3000", None, b""]
)
def test_pages_that_may_open_a_websocket(origin: bytes | None) -> None:
    """CLI-13: those of the list, and who is no page."""
    fields = [KEY, VERSION, *([] if origin is None else [(b"Origin", origin)])]
    asked = request("websocket", *fields)
    settle(asked, OURS)

    assert "websocket" == asked.upgrade


@pytest.mark.parametrize(
    "origin",
    [
        b"https://evil.example", b"null", b"http://app.example", b"https://app.example:8443", b"https://app.example.evil.example",
        b"https://app.example/", b"app.example", b"https://app.example, https://evil.example", b"https://xapp.example", b"*",
    ],
)  # fmt: skip
def test_pages_that_may_not(origin: bytes) -> None:
    """CLI-13: whatever they resemble; a browser would send the user's cookies along."""
    with pytest.raises(OriginRefused):
        settle(request("websocket", KEY, VERSION, (b"Origin", origin)), OURS)


@pytest.mark.parametrize("origin", [b"https://evil.example", b"null"])
def test_any_page_may_where_the_route_says_so(origin: bytes) -> None:
    """CLI-13: `origins: any`."""
    asked = request("websocket", KEY, VERSION, (b"Origin", origin))
    settle(asked, ANY)

    assert "websocket" == asked.upgrade


def test_no_page_may_where_none_is_named() -> None:
    """CLI-13: an empty list is not "any"."""
    with pytest.raises(OriginRefused):
        settle(request("websocket", KEY, VERSION, (b"Origin", b"https://a")), Upgrades(origins=frozenset()))

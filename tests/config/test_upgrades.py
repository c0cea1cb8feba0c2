"""What connections may switch to, and the pages that may ask for it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.config.problems import Refusal
from gatekeeper.config.upgrades import WEBSOCKET, Origin, Protocol, WebsocketConfig


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://app.example.com", "https://app.example.com"),
        ("https://App.Example.com", "https://app.example.com"),
        ("HTTPS://app.example.com:443", "https://app.example.com"),
        ("http://app.example.com:80", "http://app.example.com"),
        ("http://app.example.com:0080", "http://app.example.com"),
        ("https://app.example.com:80", "https://app.example.com:80"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:3000", "http://[::1]:3000"),
        ("http://[2001:DB8:0::1]", "http://[2001:db8::1]"),
        ("capacitor://localhost", "capacitor://localhost"),
        (
            "chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai",
            "chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai",
        ),
    ],
)
def test_an_origin_has_the_form_that_browsers_send(text: str, expected: str) -> None:
    """RFC 6454 section 6.2: in lower case, and without the usual port."""
    assert expected == str(Origin.parse(text))
    assert Origin.parse(text) == Origin.parse(expected)
    assert re.fullmatch(Origin.PATTERN, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("null", "`null` is no origin, which has scheme and host"),
        ("a.example/x", "`a.example/x` is no origin, which has scheme and host: write `https://a.example`"),
        ("https://*.a.example", "`https://*.a.example`: name each origin by itself, or write `origins: any`"),
        ("https://a.example/", "an origin has no path: write `https://a.example`"),
        ("https://a.example?x", "an origin has no path: write `https://a.example`"),
        (
            "https://me@a.example",
            "`https://me@a.example` is no origin; write one like `https://app.example.com`",
        ),
        ("https://a.example:0", "no port `0`; there are 1 to 65535"),
        (
            "https://a..example",
            "`a..example` is no host name; it has letters, digits and `-`, with dots between",
        ),
        ("http://[::x]", "`http://[::x]` is no origin; write one like `https://app.example.com`"),
        ("http://[1:2]", "`1:2` is no IPv6 address"),
    ],
)
def test_what_no_browser_sends_is_refused(text: str, message: str) -> None:
    """It would never fit, and nobody would find out why."""
    with pytest.raises(Refusal) as caught:
        Origin.parse(text)

    assert message == str(caught.value)


@pytest.mark.parametrize("text", ["websocket", "mqtt", "mqtt/5", "irc+tls"])
def test_a_protocol_is_a_token(text: str) -> None:
    """RFC 9110 section 7.8: with a version or without."""
    assert text == str(Protocol.parse(text))
    assert re.fullmatch(Protocol.PATTERN, text)


@pytest.mark.parametrize(
    "text", ["h2c", "H2C", "h2", "h3", "http", "HTTP/1.1", "http/2.0", "http/", "tls", "TLS/1.3", "tls/1.0"]
)
def test_nothing_carries_requests_past_the_gateway(text: str) -> None:
    """Each of these is HTTP again, or hides it."""
    with pytest.raises(Refusal) as caught:
        Protocol.parse(text)

    assert caught.value.id in {"insecure", "bad-value"}
    assert not re.fullmatch(Protocol.PATTERN, text)


@given(st.text(max_size=12))
def test_whatever_is_read_is_a_token_in_lower_case(text: str) -> None:
    """And is written as it was read."""
    try:
        protocol = Protocol.parse(text)
    except Refusal:
        return

    assert text == str(protocol) == text.lower()
    assert re.fullmatch(r"[!-~]+", text)
    assert protocol == Protocol.parse(str(protocol))


def test_all_pages_may_open_websockets_where_nothing_is_said() -> None:
    """`websocket: true` is no more than that."""
    config = WebsocketConfig()

    assert ("any", False, (WEBSOCKET,)) == (config.origins, config.lifetime, config.protocols)


def test_origins_are_asked_of_websockets_only() -> None:
    """No other protocol has them."""
    with pytest.raises(Refusal) as caught:
        WebsocketConfig(origins=(Origin("https://a.example"),), protocols=(Protocol("mqtt"),))

    assert "conflict" == caught.value.id

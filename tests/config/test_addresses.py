"""Addresses: what they read, and how they are written again. What they refuse is told in the tests of units."""

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.config.addresses import (
    Listen,
    Url,
    parse_host,
    parse_host_pattern,
    parse_network,
    parse_proxies,
)
from gatekeeper.config.problems import Refusal


@pytest.mark.parametrize(
    "written",
    [
        "http://a",
        "https://a:8443",
        "http://a:443",
        "https://[::1]",
        "http://[::1]:81",
        "unix:///run/app.sock",
    ],
)
def test_an_address_is_written_in_one_way(written: str) -> None:
    """The usual port is left out."""
    assert written == str(Url.parse(written))


@pytest.mark.parametrize(("written", "shown"), [("http://a:80", "http://a"), ("https://A:443/", "https://a")])
def test_the_usual_port_is_left_out(written: str, shown: str) -> None:
    """It is that of the scheme."""
    assert shown == str(Url.parse(written))


@pytest.mark.parametrize(
    "written", ["0.0.0.0:8080", "[::1]:80", "localhost:0", "unix:///run/a.sock", "systemd", "systemd:web"]
)
def test_a_listener_is_written_with_its_host(written: str) -> None:
    """A port alone has become an address."""
    assert written == str(Listen.parse(written))


@pytest.mark.parametrize("port", [0, 1, 8080, 65535])
def test_a_port_alone_listens_everywhere(port: int) -> None:
    """On all IPv4 addresses; 0 lets the system choose."""
    assert Listen("0.0.0.0", port) == Listen.parse(port)


@pytest.mark.parametrize(
    "host", ["a", "api.example.com", "user_service-1", "127.0.0.1", "::1", "xn--bcher-kva.example", "a" * 63]
)
def test_a_host_is_itself(host: str) -> None:
    """Names and addresses."""
    assert host == parse_host(host) == parse_host_pattern(host)


@pytest.mark.parametrize("pattern", ["*", "*.example.com", "*.a"])
def test_a_pattern_may_begin_with_a_wildcard(pattern: str) -> None:
    """And a host may not."""
    assert pattern == parse_host_pattern(pattern)
    with pytest.raises(Refusal):
        parse_host(pattern)


@pytest.mark.parametrize("host", ["", ".", "a.", ".a", "-a", "a-", "127.1", "1", "a.0x1f", "a" * 64, "a b"])
def test_what_is_no_host_is_refused(host: str) -> None:
    """Also what some would read as another address."""
    with pytest.raises(Refusal):
        parse_host(host)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    """And what has been read is read again from what it is written as."""
    for parse in (parse_host, parse_host_pattern, parse_network, Url.parse, Listen.parse):
        try:
            found = parse(text)
        except Refusal as refusal:
            assert str(refusal)
        else:
            assert found == parse(str(found))


def test_proxies_are_some_networks() -> None:
    """And not all there is."""
    assert parse_proxies("10.0.0.0/8") == ip_network("10.0.0.0/8")
    with pytest.raises(Refusal) as caught:
        parse_proxies("0.0.0.0/0")
    assert caught.value.id == "insecure"

"""PROXY headers: what they say, and that nothing behind them is touched; ids name the row of reliability.md."""

import contextlib
from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatekeeper.edge.proxied import LONGEST, MalformedHeader, Told, read
from tests.edge.headers import (
    LOCAL,
    PROXY,
    SIGNATURE,
    TCP4,
    TCP6,
    UNIX,
    UNSPECIFIED,
    addresses,
    binary,
    block,
    extension,
    text,
)


REQUEST = b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"
CLIENT = Told(ip_address("198.51.100.7"))
CLIENT6 = Told(ip_address("2001:db8::7"))


def fill(length: int) -> bytes:
    """A header of version 2 of this length."""
    return binary("198.51.100.7", extension(4, bytes(length - 16 - 12 - 3)))


SOUND = [
    pytest.param(text("198.51.100.7"), CLIENT, id="text-4"),
    pytest.param(text("2001:db8::7"), CLIENT6, id="text-6"),
    pytest.param(text("2001:DB8:0:0:0:0:0:7"), CLIENT6, id="text-6-long"),
    pytest.param(text("0.0.0.0", "0.0.0.0", (0, 0)), Told(ip_address("0.0.0.0")), id="text-shortest"),
    pytest.param(text("255.255.255.255", "255.255.255.255", (65535, 65535)), Told(ip_address("255.255.255.255")), id="text-4-longest"),
    pytest.param(text("ffff:" * 7 + "ffff", "ffff:" * 7 + "ffff", (65535, 65535)), Told(ip_address("ffff:" * 7 + "ffff")), id="text-6-longest"),
    pytest.param(text("::ffff:198.51.100.7"), CLIENT, id="text-mapped"),
    pytest.param(b"PROXY UNKNOWN\r\n", Told(), id="text-unknown"),
    pytest.param(b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", Told(), id="text-unknown-with-addresses"),
    pytest.param(b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n", Told(), id="text-longest"),
    pytest.param(binary("198.51.100.7"), CLIENT, id="binary-4"),
    pytest.param(binary("2001:db8::7"), CLIENT6, id="binary-6"),
    pytest.param(binary("::ffff:198.51.100.7"), CLIENT, id="binary-mapped"),
    pytest.param(binary("198.51.100.7", extension(1, b"h2") + extension(0x20, bytes(300))), CLIENT, id="binary-extensions"),
    pytest.param(binary("198.51.100.7", b"\xff"), CLIENT, id="binary-broken-extension"),
    pytest.param(fill(LONGEST), CLIENT, id="binary-longest"),
    pytest.param(block(PROXY, UNIX, bytes(216)), Told(), id="binary-unix"),
    pytest.param(block(PROXY, UNSPECIFIED, b""), Told(), id="binary-unspecified"),
    pytest.param(block(PROXY, UNSPECIFIED, bytes(20)), Told(), id="binary-unspecified-with-more"),
    pytest.param(block(LOCAL, UNSPECIFIED, b""), Told(is_own=True), id="binary-local"),
    pytest.param(block(LOCAL, TCP4, addresses("198.51.100.7")), Told(is_own=True), id="binary-local-with-addresses"),
    pytest.param(block(LOCAL, 0xFF, bytes(3)), Told(is_own=True), id="binary-local-of-any-family"),
]  # fmt: skip


@pytest.mark.parametrize(("header", "told"), SOUND)
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_header_is_read_however_it_comes(header: bytes, told: Told, size: int) -> None:
    """FWD-06: piece by piece, and never a byte of what is behind it."""
    stream = header + REQUEST
    data = b""
    while isinstance(found := read(data), int):
        assert 0 < found
        data = stream[: len(data) + min(found, size)]
        assert header.startswith(data)

    assert (told, header) == (found, data)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(REQUEST, "does not begin with one", id="a-request"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01", "does not begin with one", id="a-handshake"),
        pytest.param(b"proxy TCP4", "does not begin with one", id="lower-case"),
        pytest.param(b"\r\n\r\n\0\r\nQUIT\r", "does not begin with one", id="another-signature"),
        pytest.param(b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n ", "CRLF", id="bare-lf"),
        pytest.param(b"PROXY TCP4 1.2.3.4 \r1.2.3.4", "CRLF", id="bare-cr"),
        pytest.param(b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2" + b" " * 76, "longer than 107", id="text-too-long"),
        pytest.param(b"PROXY UNKNOWN " + b"x" * 92, "longer than 107", id="unknown-too-long"),
        pytest.param(b"PROXY UNKNOWNS\r\n", "none of the protocol", id="another-word"),
        pytest.param(b"PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n", "none of the protocol", id="family"),
        pytest.param(b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", "none of the protocol", id="datagrams"),
        pytest.param(b"PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n", "none of the protocol", id="two-spaces"),
        pytest.param(b"PROXY\tTCP4 1.2.3.4 1.2.3.4 1 2\r\n", "begin", id="tab"),
        pytest.param(b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "none of the protocol", id="one-port"),
        pytest.param(b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", "none of the protocol", id="three-ports"),
        pytest.param(b"PROXY TCP4 1.2.3.4 1.2.3.4 01 2\r\n", "none of the protocol", id="port-with-zero"),
        pytest.param(b"PROXY TCP4 1.2.3.4 1.2.3.4 -1 2\r\n", "none of the protocol", id="port-with-sign"),
        pytest.param(b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", "65535", id="port-too-high"),
        pytest.param(b"PROXY TCP4 1.2.3.04 1.2.3.4 1 2\r\n", "addresses are none", id="octal"),
        pytest.param(b"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", "addresses are none", id="short-address"),
        pytest.param(b"PROXY TCP4 1.2.3.4 1.2.3.256 1 2\r\n", "addresses are none", id="target-too-high"),
        pytest.param(b"PROXY TCP4 ::1 ::1 1 2\r\n", "none of the protocol", id="other-family"),
        pytest.param(b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", "addresses are none", id="other-family-6"),
        pytest.param(b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n", "none of the protocol", id="scope"),
        pytest.param(b"PROXY TCP4 1.2.3.\xb2 1.2.3.4 1 2\r\n", "none of the protocol", id="no-ascii"),
        pytest.param(block(0x11, TCP4, addresses("1.2.3.4")), "0x11", id="version-1"),
        pytest.param(block(0x31, TCP4, addresses("1.2.3.4")), "0x31", id="version-3"),
        pytest.param(block(0x22, TCP4, addresses("1.2.3.4")), "0x22", id="command"),
        pytest.param(block(PROXY, 0x12, addresses("1.2.3.4")), "family 0x12", id="datagrams-4"),
        pytest.param(block(PROXY, 0x22, addresses("::1")), "family 0x22", id="datagrams-6"),
        pytest.param(block(PROXY, 0x32, bytes(216)), "family 0x32", id="datagrams-unix"),
        pytest.param(block(PROXY, 0x10, addresses("1.2.3.4")), "family 0x10", id="no-transport"),
        pytest.param(block(PROXY, 0x41, addresses("1.2.3.4")), "family 0x41", id="unassigned"),
        pytest.param(block(PROXY, TCP4, addresses("1.2.3.4")[:-1]), "11 bytes are no addresses", id="short-4"),
        pytest.param(block(PROXY, TCP6, addresses("1.2.3.4")), "12 bytes are no addresses", id="short-6"),
        pytest.param(block(PROXY, UNIX, bytes(215)), "215 bytes are no addresses", id="short-unix"),
        pytest.param(fill(LONGEST + 1)[:16], "longer than 4096", id="binary-too-long"),
        pytest.param(SIGNATURE + b"\x21\x11\xff\xff", "longer than 4096", id="binary-longest-of-all"),
    ],
)  # fmt: skip
def test_what_is_no_header_is_refused(data: bytes, why: str) -> None:
    """FWD-06: whole, or as soon as it can be seen."""
    with pytest.raises(MalformedHeader, match=why):
        read(data)


@given(
    st.binary(max_size=40), st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE, SIGNATURE + b"\x21"])
)
@example(b"", b"")
def test_any_bytes_end(rest: bytes, start: bytes) -> None:
    """In a header, a refusal, or the wish for more of what surely belongs to it."""
    data = start + rest
    with contextlib.suppress(MalformedHeader):
        found = read(data)
        assert not isinstance(found, int) or 0 < found <= LONGEST

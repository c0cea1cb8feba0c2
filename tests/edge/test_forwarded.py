"""Who the client is; ids name the row of reliability.md."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.edge.forwarded import HOPS, is_trusted, parse_address, parse_forwarded, walk


OURS = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1 ", "192.0.2.1"),
        ("192.0.2.1:80", "192.0.2.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("[::1]:80", "::1"),
        ("2001:DB8::7", "2001:db8::7"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:1", "192.0.2.1"),
    ],
)
def test_an_address_is_read_with_or_without_its_port(text: str, address: str) -> None:
    """FWD-03: mapped addresses are what they map."""
    assert ipaddress.ip_address(address) == parse_address(text)


@pytest.mark.parametrize(
    "text",
    ["", "unknown", "_hidden", "127.1", "0177.0.0.1", "0x7f.1", "1.2.3.4.5", "1.2.3.4:x", "1.2.3.4:123456", "fe80::1%eth0",
     "[::1", "[127.0.0.1]:x", "example.test", "1.2.3.4, 5.6.7.8", "१.2.3.4"],
)  # fmt: skip
def test_what_is_no_address_is_none(text: str) -> None:
    """FWD-03: nothing that two readers could understand differently."""
    assert None is parse_address(text)


@pytest.mark.parametrize(
    ("chain", "client", "believed"),
    [
        ([], "10.0.0.1", ["10.0.0.1"]),
        (["192.0.2.1"], "192.0.2.1", ["192.0.2.1", "10.0.0.1"]),
        (["6.6.6.6", "192.0.2.1"], "192.0.2.1", ["192.0.2.1", "10.0.0.1"]),
        (["192.0.2.1", "10.0.0.2"], "192.0.2.1", ["192.0.2.1", "10.0.0.2", "10.0.0.1"]),
        (["10.0.0.3", "10.0.0.2"], "10.0.0.3", ["10.0.0.3", "10.0.0.2", "10.0.0.1"]),
        (["192.0.2.1", "unknown", "10.0.0.2"], "10.0.0.2", ["10.0.0.2", "10.0.0.1"]),
        (["192.0.2.1", "fd00::2"], "192.0.2.1", ["192.0.2.1", "fd00::2", "10.0.0.1"]),
    ],
)
def test_a_list_is_walked_from_the_right(chain: list[str], client: str, believed: list[str]) -> None:
    """FWD-02: to the first that is no trusted proxy."""
    assert (client, believed) == walk(chain, "10.0.0.1", OURS)


def test_only_so_many_entries_are_looked_at() -> None:
    """FWD-03."""
    chain = ["192.0.2.1"] + ["10.0.0.2"] * 100_000
    client, believed = walk(chain, "10.0.0.1", OURS)
    assert (client, len(believed)) == ("10.0.0.2", HOPS + 1)


def test_families_are_not_mixed_up() -> None:
    """An address is compared with networks of its own family."""
    assert is_trusted(ipaddress.ip_address("fd00::1"), OURS)
    assert not is_trusted(ipaddress.ip_address("::a00:1"), OURS)
    assert not is_trusted(ipaddress.ip_address("10.0.0.1"), [])


@pytest.mark.parametrize(
    ("value", "elements"),
    [
        ("for=192.0.2.1", [{"for": "192.0.2.1"}]),
        ('For="[::1]:80"; proto=HTTP ;host=a', [{"for": "[::1]:80", "proto": "HTTP", "host": "a"}]),
        ("for=a, for=b;by=c", [{"for": "a"}, {"for": "b", "by": "c"}]),
        ("for=a;for=b", None),
        ("for=a;", None),
        ("for", None),
        ('for="a', None),
        ("", None),
    ],
)
def test_the_standard_field_is_read_strictly(value: str, elements: list[dict[str, str]] | None) -> None:
    """FWD-04: RFC 7239 section 4."""
    assert elements == parse_forwarded(value)


@given(st.text(max_size=50), st.lists(st.text(max_size=20), max_size=5))
def test_any_text_is_read_or_refused(value: str, chain: list[str]) -> None:
    """FWD-03: never an exception, and never a client that is no address."""
    parse_forwarded(value)
    client, believed = walk([value, *chain], "10.0.0.1", OURS)
    assert client == believed[0] == str(ipaddress.ip_address(client))

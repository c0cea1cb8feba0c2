"""Who is at the other end; ids name the row of reliability.md."""

from ipaddress import ip_address, ip_network

import pytest

from gatekeeper.edge.forwarded import Address
from gatekeeper.edge.peer import Peer


OURS = [ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")]


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        pytest.param(ip_address("10.1.2.3"), True, id="inside"),
        pytest.param(ip_address("11.0.0.1"), False, id="outside"),
        pytest.param(ip_address("2001:db8::7"), True, id="inside-of-the-other-kind"),
        pytest.param(ip_address("::1"), False, id="outside-of-the-other-kind"),
        pytest.param(ip_address("::a00:1"), False, id="the-same-number-of-the-other-kind"),
        pytest.param(None, False, id="no-address"),
    ],
)
def test_who_is_trusted(address: Address | None, *, trusted: bool) -> None:
    """FWD-01: whose address is in one of the networks."""
    assert trusted is Peer(address, "http", "main", OURS).trusted


def test_nobody_is_trusted_without_networks() -> None:
    """FWD-01: not even this host."""
    assert not Peer(ip_address("127.0.0.1"), "http", "main").trusted


@pytest.mark.parametrize(
    ("address", "scheme", "text"),
    [
        pytest.param(ip_address("192.0.2.1"), "http", "192.0.2.1", id="4"),
        pytest.param(ip_address("2001:DB8::7"), "https", "2001:db8::7", id="6"),
        pytest.param(None, "http", "", id="no-address"),
    ],
)
def test_what_instances_are_told(address: Address | None, scheme: str, text: str) -> None:
    """FWD-01: where the connection comes from, and nothing that the client says."""
    peer = Peer(address, scheme, "inside")

    assert (text, scheme, "inside") == (peer.address, peer.scheme, peer.listener)
    assert [(b"X-Forwarded-For", text.encode()), (b"X-Forwarded-Proto", scheme.encode())] == peer.forwarded

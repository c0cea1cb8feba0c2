"""Who is at the other end; ids name the row of reliability.md."""

import asyncio
import ssl
from ipaddress import ip_address, ip_network

import pytest

from gatekeeper.edge.forwarded import Address
from gatekeeper.edge.peer import Peer, peer_of
from gatekeeper.edge.proxied import Told


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
    ],
)
def test_what_instances_are_told(address: Address | None, scheme: str, text: str) -> None:
    """FWD-01: where the connection comes from, and nothing that the client says."""
    peer = Peer(address, scheme, "inside")

    assert (text, scheme, "inside") == (peer.address, peer.scheme, peer.listener)
    assert [(b"X-Forwarded-For", text.encode()), (b"X-Forwarded-Proto", scheme.encode())] == peer.forwarded


def test_what_instances_are_told_of_who_has_no_address() -> None:
    """FWD-01: that it is unknown, as proxies say it (RFC 7239 section 6.2)."""
    peer = Peer(None, "http", "local")

    assert "" == peer.address
    assert [(b"X-Forwarded-For", b"unknown"), (b"X-Forwarded-Proto", b"http")] == peer.forwarded


class Transport(asyncio.BaseTransport):
    """Comes from an address of ours."""

    def __init__(
        self, peername: object = ("10.1.2.3", 1234), tls: object = None, shaken: object = None
    ) -> None:
        super().__init__({"peername": peername, "sslcontext": tls, "ssl_object": shaken})


TOLD = ip_address("198.51.100.7")


@pytest.mark.parametrize(
    ("transport", "told", "expected"),
    [
        pytest.param(Transport(), None, ("10.1.2.3", True, None), id="a-proxy"),
        pytest.param(Transport(("11.0.0.1", 1)), None, ("11.0.0.1", False, ip_address("11.0.0.1")), id="somebody"),
        pytest.param(Transport(("2001:db8::7", 1, 0, 0)), None, ("2001:db8::7", True, None), id="a-proxy-6"),
        pytest.param(Transport(""), None, ("", False, None), id="no-address"),
        pytest.param(Transport(None), None, ("", False, None), id="gone"),
        pytest.param(Transport(), Told(TOLD), ("198.51.100.7", False, TOLD), id="told"),
        pytest.param(Transport(), Told(ip_address("10.7.7.7")), ("10.7.7.7", True, None), id="told-a-proxy"),
        pytest.param(Transport(), Told(is_own=True), ("10.1.2.3", True, None), id="the-proxy-itself"),
        pytest.param(Transport(), Told(), ("10.1.2.3", False, None), id="told-nothing"),
    ],
)  # fmt: skip
def test_who_is_at_the_other_end(
    transport: Transport, told: Told | None, expected: tuple[str, bool, Address | None]
) -> None:
    """FWD-06: the address that was told, judged as if it had come itself, and for whom the connection counts."""
    peer, counted = peer_of(transport, told, "main", OURS)

    assert expected == (peer.address, peer.trusted, counted)
    assert ("http", "main", None) == (peer.scheme, peer.listener, peer.certificate)


class Shaken:
    """A handshake that is done."""

    def getpeercert(self, *, binary_form: bool) -> bytes:
        """The certificate that was shown."""
        assert binary_form
        return b"der"


@pytest.mark.parametrize("told", [None, Told(TOLD), Told(is_own=True), Told()])
def test_the_scheme_and_the_certificate_are_those_of_the_connection(told: Told | None) -> None:
    """With TLS it is https; whoever is told to be the client, it has shown the certificate, if it was asked for one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    transport = Transport(tls=context, shaken=Shaken())

    unasked = peer_of(transport, told, "main", OURS)[0]
    context.verify_mode = ssl.CERT_OPTIONAL
    asked = peer_of(transport, told, "main", OURS)[0]

    assert ("https", "https") == (unasked.scheme, asked.scheme)
    assert None is unasked.certificate
    assert asked.certificate is not None
    assert b"der" == asked.certificate.der

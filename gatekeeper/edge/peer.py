"""Who is at the other end of a client's connection: settled once, for all its requests."""

import asyncio
from collections.abc import Sequence

from gatekeeper.core.message import ClientCertificate, Field
from gatekeeper.edge.certificate import certificate_of
from gatekeeper.edge.forwarded import Address, Network, is_trusted, parse_address
from gatekeeper.edge.proxied import Told


class Peer:
    """The address that a connection comes from, and what follows from it.

    `forwarded` are the forwarding fields that every request of a peer gets that is no trusted proxy. Who has come by a
    socket file has no address, and is `unknown` there, as RFC 7239 section 6.2 calls it. `certificate` is what it has
    proven to be of.
    """

    __slots__ = ("address", "certificate", "forwarded", "listener", "scheme", "trusted")

    def __init__(
        self,
        address: Address | None,
        scheme: str,
        listener: str,
        networks: Sequence[Network] = (),
        certificate: ClientCertificate | None = None,
    ) -> None:
        """`networks` are those of trusted proxies."""
        self.address = str(address) if address is not None else ""
        self.scheme = scheme
        self.listener = listener
        self.certificate = certificate
        self.trusted = bool(networks) and address is not None and is_trusted(address, networks)
        self.forwarded: list[Field] = [
            (b"X-Forwarded-For", self.address.encode() or b"unknown"),
            (b"X-Forwarded-Proto", scheme.encode()),
        ]


def peer_of(
    transport: asyncio.BaseTransport, told: Told | None, listener: str, networks: Sequence[Network]
) -> tuple[Peer, Address | None]:
    """Who is at the other end, and the address that its connections count for; None where they count for none.

    `told` is what a proxy has said of its client (PROXY protocol). What that client says of others is believed as if it
    had come here itself. Where the proxy does not know it, it is somebody: the address is that of the proxy, and nothing
    that comes from there is believed.
    """
    if told is not None and told.address is not None:
        address: Address | None = told.address
    else:
        peername = transport.get_extra_info("peername")
        address = parse_address(str(peername[0])) if isinstance(peername, tuple) and peername else None
    context = transport.get_extra_info("sslcontext")
    scheme = "https" if context is not None else "http"
    certificate = certificate_of(transport, context) if context is not None else None
    if told is not None and told.address is None and not told.is_own:
        return Peer(address, scheme, listener, certificate=certificate), None
    peer = Peer(address, scheme, listener, networks, certificate)
    return peer, address if not peer.trusted else None

"""Who is at the other end of a client's connection: settled once, for all its requests."""

from collections.abc import Sequence

from gatekeeper.core.message import Field
from gatekeeper.edge.forwarded import Address, Network, is_trusted


class Peer:
    """The address that a connection comes from, and what follows from it.

    `forwarded` are the forwarding fields that every request of a peer gets that is no trusted proxy.
    """

    __slots__ = ("address", "forwarded", "listener", "scheme", "trusted")

    def __init__(
        self, address: Address | None, scheme: str, listener: str, networks: Sequence[Network] = ()
    ) -> None:
        """`networks` are those of trusted proxies."""
        self.address = str(address) if address is not None else ""
        self.scheme = scheme
        self.listener = listener
        self.trusted = bool(networks) and address is not None and is_trusted(address, networks)
        self.forwarded: list[Field] = [
            (b"X-Forwarded-For", self.address.encode()),
            (b"X-Forwarded-Proto", scheme.encode()),
        ]

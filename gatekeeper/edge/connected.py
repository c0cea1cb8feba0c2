"""How many connections are open, in all and from each address."""

from gatekeeper.edge.forwarded import Address
from gatekeeper.edge.settings import EdgeLimits


class Connected:
    """Counts connections; each is whatever object stands for it."""

    __slots__ = ("_by_address", "_keys")

    def __init__(self) -> None:
        self._keys: dict[object, bytes] = {}  # of those that are in, by what they count for beside all
        self._by_address: dict[bytes, int] = {}

    def enter(self, connection: object, address: Address | None, limits: EdgeLimits) -> str | None:
        """Count a connection in; the name of the limit that it meets if it is refused.

        Without an address it counts among all only. Who has one address of IPv6 has a network of them, so that it is
        the network (/64) that counts.
        """
        if len(self._keys) >= limits.connections:
            return "connections"
        key = address.packed[:8] if address is not None else b""
        if key:
            count = self._by_address.get(key, 0)
            if limits.connections_per_address is not None and count >= limits.connections_per_address:
                return "connections_per_address"
            self._by_address[key] = count + 1
        self._keys[connection] = key
        return None

    def leave(self, connection: object) -> None:
        """Count a connection out; harmless for one that never was in."""
        key = self._keys.pop(connection, b"")
        if not key:
            return
        count = self._by_address[key] - 1
        if count:
            self._by_address[key] = count
        else:
            del self._by_address[key]

    def __len__(self) -> int:
        return len(self._keys)

"""Which connections are open, in all and from each address, and who makes room where all places are taken.

A client that asks for nothing holds its place against nobody: where there is none left, whoever has been idle longest is
hung up on, first those who have never asked for anything. So ten thousand idle connections keep nobody out, and of a
crowd that comes all at once only those who are busy do. Looking for them takes 3 ms among ten thousand, and finds up to
`FOUND` at once.
"""

import heapq
import math
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice
from typing import Final, Protocol

from gatekeeper.core.concurrency import PATIENCE
from gatekeeper.edge.forwarded import Address
from gatekeeper.edge.settings import EdgeLimits


IDLE: Final = 1.0
"""Seconds without a request, after which a connection can be taken for one that makes room; and between two looks in vain."""
FOUND: Final = 1000
"""Idle connections that are remembered for it."""
LINGERING: Final = 32
"""Connections too many whose clients are given a moment to read so; others are closed at once."""


class Client(Protocol):
    """A connection, as far as it matters here."""

    @property
    def idle_since(self) -> float | None:
        """Since when it has waited for a request; None where it does not."""
        ...

    @property
    def has_asked(self) -> bool:
        """Whether it has ever sent a request."""
        ...

    def force_close(self) -> None:
        """End it."""
        ...

    def abort(self) -> None:
        """Cut it off inside its answer."""
        ...


def _ignore() -> None:
    pass


class Connected:
    """Counts connections."""

    __slots__ = (
        *("_by_address", "_idle", "_keys", "_lingering", "_looked", "_on_displaced"),
        *("blocked", "is_tight"),
    )

    def __init__(self, on_displaced: Callable[[], None] = _ignore) -> None:
        """`on_displaced` is called for each connection that is ended to make room."""
        self.blocked: Final[dict[Client, float]] = {}
        """Whose clients do not keep up reading, and since when; who comes first has not for longest."""
        self.is_tight = False
        """Whether there is memory for no more connections than there are."""
        self._keys: dict[Client, bytes] = {}  # of those that are in, by what they count for beside all
        self._by_address: dict[bytes, int] = {}
        self._idle: OrderedDict[Client, float] = (
            OrderedDict()
        )  # who makes room next, and since when it is idle
        self._looked = -math.inf
        self._lingering: set[Client] = set()
        self._on_displaced = on_displaced

    def enter(
        self, connection: Client, address: Address | None, limits: EdgeLimits, now: float
    ) -> str | None:
        """Count a connection in; the name of the limit that it meets if it is refused.

        Without an address it counts among all only. Who has one address of IPv6 has a network of them, so that it is
        the network (/64) that counts.
        """
        key = address.packed[:8] if address is not None else b""
        count = self._by_address.get(key, 0)
        if key and limits.connections_per_address is not None and count >= limits.connections_per_address:
            return "connections_per_address"
        if len(self._keys) >= limits.connections and not self._make_room(now):
            return "connections"
        if self.is_tight and not self._make_room(now):
            return "memory"
        if key:
            # who has made room may have come from the same address
            self._by_address[key] = self._by_address.get(key, 0) + 1
        self._keys[connection] = key
        return None

    def leave(self, connection: Client) -> None:
        """Count a connection out; harmless for one that never was in."""
        self._idle.pop(connection, None)
        self._lingering.discard(connection)
        key = self._keys.pop(connection, b"")
        if not key:
            return
        count = self._by_address[key] - 1
        if count:
            self._by_address[key] = count
        else:
            del self._by_address[key]

    def may_linger(self, connection: Client) -> bool:
        """Whether a connection that was refused may stay for a moment, until it has left."""
        if len(self._lingering) >= LINGERING:
            return False
        self._lingering.add(connection)
        return True

    def make_way(self, count: int, now: float) -> None:
        """Cut off so many clients at most that do not read, so that those who wait for a place get theirs."""
        late = [one for one, since in islice(self.blocked.items(), count) if now - since >= PATIENCE]
        for connection in late:
            connection.abort()

    def _make_room(self, now: float) -> bool:
        """End an idle connection; False where there is none."""
        while self._idle or self._look(now):
            connection, since = self._idle.popitem(last=False)
            if connection.idle_since == since:
                connection.force_close()
                self.leave(connection)
                self._on_displaced()
                return True
        return False

    def _look(self, now: float) -> bool:
        """Find idle connections; not again for a while where there were none."""
        if now - self._looked < IDLE:
            return False
        idle = [
            (connection.has_asked, since, connection)
            for connection in self._keys
            if (since := connection.idle_since) is not None and now - since >= IDLE
        ]
        for _, since, connection in heapq.nsmallest(FOUND, idle, key=_patience):
            self._idle[connection] = since
        if not self._idle:
            self._looked = now
        return bool(self._idle)

    def __len__(self) -> int:
        return len(self._keys)


def _patience(found: tuple[bool, float, Client]) -> tuple[bool, float]:
    return found[:2]

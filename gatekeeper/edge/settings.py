"""What the edge lets clients do: sizes, counts and times. The defaults are those of the grammar."""

from typing import Final, Literal

import attrs

from gatekeeper.core.concurrency import Concurrency
from gatekeeper.edge.forwarded import Network


@attrs.frozen(kw_only=True)
class EdgeTimeouts:
    """Seconds that clients may take."""

    head: float = 10.0
    """For the whole head of a request, from its first byte."""
    body: float = 30.0
    """Of silence inside a body."""
    idle: float = 75.0
    """Between two requests of a connection."""
    write: float = 60.0
    """Until a client that does not keep up has read what was written to it."""


@attrs.frozen(kw_only=True)
class EdgeLimits:
    """What clients may send, and how many of them there may be; None is no limit."""

    target: int = 8192
    """Bytes of a request's target."""
    header_line: int = 8192
    """Bytes of one header field."""
    header_count: int = 100
    """Header fields."""
    header_block: int = 65536
    """Bytes of a whole head."""
    body_rate: int | None = 100
    """Bytes a second of a body that is waited for, over ten seconds."""
    connections: int = 10_000
    """Connections that are open at the same time."""
    connections_per_address: int | None = 1000
    """Of these, from one address; trusted proxies are not counted."""
    requests_per_connection: int | None = 10_000
    """Requests after which a connection ends."""


@attrs.frozen(kw_only=True)
class EdgeSettings:
    """All that a reload may change of the edge."""

    timeouts: EdgeTimeouts = attrs.field(factory=EdgeTimeouts)
    limits: EdgeLimits = attrs.field(factory=EdgeLimits)
    networks: tuple[Network, ...] = ()
    """Of proxies that are trusted."""
    health_path: str | None = None
    """Answered by the gateway itself."""
    half_close: float | None = 1.0
    """Seconds that a client who has half-closed its connection waits for an answer at most; None for ever."""
    underscore_headers: Literal["drop", "keep", "reject"] = "drop"
    """What happens to header fields with `_` in their names."""
    identity_headers: frozenset[bytes] = frozenset()
    """Header fields, in lower case, by which services are told who asks: those of clients are dropped."""
    concurrency: Concurrency = attrs.field(factory=lambda: Concurrency(limit=2000, queue=500, wait=1.0))
    """How many requests may be under way."""


DEFAULTS: Final = EdgeSettings()
"""What the edge goes by where nothing else is said."""

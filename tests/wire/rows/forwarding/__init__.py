"""FWD: who the client is, and whose word on that counts."""

from collections.abc import Iterator

from tests.wire.row import Row
from tests.wire.rows.forwarding import claims, identity, preambles, traces, trusted


def rows() -> Iterator[Row]:
    """All rows of the family."""
    yield from claims.rows()
    yield from identity.rows()
    yield from trusted.rows()
    yield from preambles.rows()
    yield from traces.rows()

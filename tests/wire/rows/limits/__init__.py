"""LIM: how large, how long, how many."""

from collections.abc import Iterator

from tests.wire.row import Row
from tests.wire.rows.limits import bodies, clients, heads, times


def rows() -> Iterator[Row]:
    """All rows of the family."""
    yield from heads.rows()
    yield from bodies.rows()
    yield from times.rows()
    yield from clients.rows()

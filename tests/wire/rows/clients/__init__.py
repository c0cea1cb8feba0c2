"""CLI: what a client can do wrong, how it can leave, and tunnels."""

from collections.abc import Iterator

from tests.wire.row import Row
from tests.wire.rows.clients import opening


def rows() -> Iterator[Row]:
    """All rows of the family."""
    yield from opening.rows()

"""CLI: what a client can do wrong, how it can leave, and tunnels."""

from collections.abc import Iterator

from tests.wire.row import Row
from tests.wire.rows.clients import declining, expecting, halves, leaving, opening, pipelines, tunnels


def rows() -> Iterator[Row]:
    """All rows of the family."""
    yield from opening.rows()
    yield from declining.rows()
    yield from tunnels.rows()
    yield from leaving.rows()
    yield from halves.rows()
    yield from pipelines.rows()
    yield from expecting.rows()

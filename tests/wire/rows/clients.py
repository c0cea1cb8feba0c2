"""CLI: what a client can do wrong, and tunnels."""

from collections.abc import Iterator

from tests.wire.row import Row


def rows() -> Iterator[Row]:
    """All rows of the family."""
    yield from ()

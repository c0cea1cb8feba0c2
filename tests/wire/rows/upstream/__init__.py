"""UPS: what an instance can do wrong, and what it does right and must arrive so."""

from collections.abc import Iterator

from tests.wire.row import Row
from tests.wire.rows.upstream import (
    behind,
    bodiless,
    chunked,
    cuts,
    early,
    fields,
    framing,
    heads,
    interim,
    passing,
    sizes,
    trailers,
)


def rows() -> Iterator[Row]:
    """All rows of the family."""
    yield from framing.rows()
    yield from chunked.rows()
    yield from trailers.rows()
    yield from heads.rows()
    yield from sizes.rows()
    yield from interim.rows()
    yield from bodiless.rows()
    yield from cuts.rows()
    yield from behind.rows()
    yield from early.rows()
    yield from passing.rows()
    yield from fields.rows()

"""FRM: where a message ends, what belongs to it, and which bytes are none."""

from collections.abc import Iterator

from tests.wire.row import Row
from tests.wire.rows.framing import chunked, cuts, expecting, fields, first_lines, hosts, lengths, lines


def rows() -> Iterator[Row]:
    """All rows of the family."""
    yield from lengths.rows()
    yield from chunked.rows()
    yield from lines.rows()
    yield from hosts.rows()
    yield from first_lines.rows()
    yield from expecting.rows()
    yield from fields.rows()
    yield from cuts.rows()

"""PTH: one path for every decision, and the same one for the upstream.

Which route a path leads to shows in the service that gets it: what lies below `/named/` is another one's. So a request
that gets to the one, but would be understood as one for the other, has gone round whatever stands before that.
"""

from collections.abc import Iterator

from tests.wire.row import Row
from tests.wire.rows.paths import bytes_, dots, hosts, mapped, queries, segments, slashes


def rows() -> Iterator[Row]:
    """All rows of the family."""
    yield from dots.rows()
    yield from slashes.rows()
    yield from bytes_.rows()
    yield from segments.rows()
    yield from queries.rows()
    yield from hosts.rows()
    yield from mapped.rows()

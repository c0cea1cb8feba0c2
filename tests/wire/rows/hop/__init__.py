"""HOP: what is meant for one hop only, and what must arrive as it was sent."""

from collections.abc import Iterator

from tests.wire.row import Row
from tests.wire.rows.hop import answers, circles, framing, kept, loops, nominated, requests


def rows() -> Iterator[Row]:
    """All rows of the family."""
    yield from requests.rows()
    yield from answers.rows()
    yield from nominated.rows()
    yield from framing.rows()
    yield from kept.rows()
    yield from loops.rows()
    yield from circles.rows()

"""The rows, family by family."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from tests.wire.row import Row
from tests.wire.rows import clients, forwarding, framing, hop, limits, paths, upstream


FAMILIES: Final[Mapping[str, Callable[[], Iterable[Row]]]] = {
    "FRM": framing.rows,
    "LIM": limits.rows,
    "HOP": hop.rows,
    "FWD": forwarding.rows,
    "PTH": paths.rows,
    "UPS": upstream.rows,
    "CLI": clients.rows,
}
"""What makes the rows of each family of the reference."""


def rows(only: Iterable[str] = ()) -> list[Row]:
    """All rows, or those whose id begins with one of the words given."""
    begins = tuple(only)
    found = [row for make in FAMILIES.values() for row in make()]
    return [row for row in found if not begins or row.id.startswith(begins)]

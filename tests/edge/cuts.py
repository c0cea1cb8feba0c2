"""Tables of bytes, and the same bytes in other pieces: where they are cut must never matter."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import attrs
import pytest
from hypothesis import strategies as st


@attrs.frozen
class Case:
    """A row of a table: bytes, and what they are taken for."""

    raw: bytes
    expected: tuple[object, ...]
    id: str


def case(raw: bytes, *expected: object, id: str) -> Case:  # noqa: A002  # as pytest calls it
    """Make a row."""
    return Case(raw, expected, id)


def every(name: str, cases: Sequence[Case]) -> pytest.MarkDecorator:
    """Run a test for each row; `name` lists its arguments."""
    return pytest.mark.parametrize(
        name.split(), [pytest.param(one.raw, *one.expected, id=one.id) for one in cases]
    )


def in_two(data: bytes, behind: bytes = b"") -> Iterator[list[bytes]]:
    """Cut at every position; what follows comes with the second piece."""
    for position in range(1, len(data)):
        yield [data[:position], data[position:] + behind]


def one_by_one(data: bytes) -> list[bytes]:
    """Byte after byte."""
    return [data[position : position + 1] for position in range(len(data))]


def every_way(data: bytes, behind: bytes = b"") -> Iterator[list[bytes]]:
    """In one piece, in two, and byte after byte; with what follows, and without it."""
    yield [data]
    yield [data + behind]
    yield from in_two(data, behind)
    yield one_by_one(data)
    yield one_by_one(data + behind)


def pieces(data: bytes, size: int) -> list[bytes]:
    """Pieces of one size."""
    return [data[position : position + size] for position in range(0, len(data), size)]


def at(data: bytes, positions: Sequence[int]) -> list[bytes]:
    """Cut at these positions, as far as there are any."""
    borders = sorted({0, len(data), *(position % (len(data) + 1) for position in positions)})
    return [data[start:end] for start, end in pairwise(borders)]


POSITIONS = st.lists(st.integers(0, 1000), max_size=6)
"""Where to cut."""


@st.composite
def damaged(draw: st.DrawFn, originals: Sequence[bytes], alphabet: Sequence[bytes]) -> bytes:
    """One of these, with a few pieces inserted, left out, doubled or replaced."""
    data = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 6)))
        what = draw(st.sampled_from([*alphabet, data[start:end] * 2, b""]))
        data = data[:start] + what + data[end:]
    return data

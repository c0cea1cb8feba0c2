"""What is done to bytes: each mutation is small, and knows just enough of HTTP to hit what matters."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from tests.fuzz.choice import Choice, one_in, pick
from tests.fuzz.words import CHUNKS, FIELDS, NUMBERS, ODD


Mutation = Callable[[Choice, bytes, Sequence[bytes]], bytes]
"""Bytes, and others of their kind, to mutated bytes."""

_NUMBER: Final = re.compile(rb"(?i)(?<=content-length:)[ \t]*[0-9]+|(?<=\n)[0-9a-f]+(?=[;\r\n])|[0-9]+")
_BREAK: Final = re.compile(rb"\r\n|\r|\n")
_WORD: Final = re.compile(rb"[A-Za-z]{2,}")


def _flip(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    at = choice.below(len(data))
    return data[:at] + bytes([data[at] ^ (1 << choice.below(8))]) + data[at + 1 :]


def _replace(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    at = choice.below(len(data))
    return data[:at] + pick(choice, ODD) + data[at + 1 :]


def _insert(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    at = choice.below(len(data) + 1)
    return data[:at] + pick(choice, ODD) + data[at:]


def _insert_at_break(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    """Beside a line end or a colon, where parsers differ most."""
    places = [at for at, byte in enumerate(data) if byte in b"\r\n:"]
    if not places:
        return data + pick(choice, ODD)
    at = pick(choice, places) + choice.below(2)
    return data[:at] + pick(choice, ODD) + data[at:]


def _delete(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    at = choice.below(len(data))
    return data[:at] + data[at + 1 + choice.below(4) :]


def _truncate(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: choice.below(len(data)) + 1]


def _repeat(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    """A piece twice."""
    at = choice.below(len(data))
    end = at + 1 + choice.below(20)
    return data[:end] + data[at:end] + data[end:]


def _lines(change: Callable[[Choice, list[bytes]], None]) -> Mutation:
    def mutate(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
        lines = data.split(b"\r\n")
        change(choice, lines)
        return b"\r\n".join(lines)

    return mutate


def _duplicate(choice: Choice, lines: list[bytes]) -> None:
    lines.insert(choice.below(len(lines)), pick(choice, lines))


def _drop(choice: Choice, lines: list[bytes]) -> None:
    del lines[choice.below(len(lines))]


def _swap(choice: Choice, lines: list[bytes]) -> None:
    one, other = choice.below(len(lines)), choice.below(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def _add_field(choice: Choice, lines: list[bytes]) -> None:
    lines.insert(1 + choice.below(max(1, min(len(lines) - 1, 8))), pick(choice, FIELDS))


def _add_chunk(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    """Into the body, at the end of a line, mostly."""
    begin = data.find(b"\r\n\r\n") + 4
    places = [found.end() for found in _BREAK.finditer(data, max(begin - 1, 0))] or [len(data)]
    at = pick(choice, places)
    return data[:at] + pick(choice, CHUNKS) + data[at:]


def _number(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    found = list(_NUMBER.finditer(data))
    if not found:
        return data + pick(choice, NUMBERS)
    one = pick(choice, found)
    if one_in(choice, 3) and one[0].strip().isdigit() and len(one[0]) < 10:
        new = b"%d" % max(0, int(one[0]) + choice.below(5) - 2)
    else:
        new = pick(choice, NUMBERS)
    return data[: one.start()] + new + data[one.end() :]


def _line_end(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    found = list(_BREAK.finditer(data))
    if not found:
        return data + b"\r\n"
    one = pick(choice, found)
    ends = (
        b"\n",
        b"\r",
        b"\r\r\n",
        b"\n\r",
        b"",
        b"\r\n\r\n",
        b" \r\n",
        b"\t\r\n",
        b"\r\n ",
        b"\r \n",
        b"\x00\r\n",
    )
    return data[: one.start()] + pick(choice, ends) + data[one.end() :]


def _case(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    found = list(_WORD.finditer(data))
    if not found:
        return data
    one = pick(choice, found)
    return (
        data[: one.start()]
        + pick(choice, (one[0].upper(), one[0].lower(), one[0].swapcase()))
        + data[one.end() :]
    )


def _splice(choice: Choice, data: bytes, others: Sequence[bytes]) -> bytes:
    """The beginning of one, and the end of another."""
    other = pick(choice, others)
    return data[: choice.below(len(data) + 1)] + other[choice.below(len(other) + 1) :]


def _append(choice: Choice, data: bytes, others: Sequence[bytes]) -> bytes:
    """Another one behind it."""
    return data + pick(choice, others)


MUTATIONS: Final[Sequence[Mutation]] = (
    *(
        _number,
        _insert_at_break,
        _line_end,
        _lines(_add_field),
        _lines(_duplicate),
        _lines(_drop),
        _lines(_swap),
    ),
    *(_add_chunk, _insert, _replace, _delete, _case, _flip, _truncate, _repeat, _splice, _append),
)
MOST: Final = 4
"""Mutations of one message."""
LONGEST: Final = 6000
"""Bytes that are left of one that was shorter before."""


def mutated(choice: Choice, data: bytes, others: Sequence[bytes]) -> bytes:
    """Mutate it a few times, or not at all."""
    longest = max(LONGEST, len(data) + LONGEST // 4)
    for _ in range((1, 1, 0, 1, 2, 1, 0, MOST)[choice.below(8)]):
        data = pick(choice, MUTATIONS)(choice, data, others)[:longest] or b"\r\n"
    return data

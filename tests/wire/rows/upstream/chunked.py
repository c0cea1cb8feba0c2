"""UPS-22: chunks of an answer that are none, and those that are."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Expectation, Pause, Row, Sent, reply
from tests.wire.rows.framing.chunked import (
    BAD_EXTENSIONS,
    BAD_SIZES,
    BAD_TRAILERS,
    BIG_TRAILERS,
    EXTENSIONS,
    LINES,
    LONG_EXTENSIONS,
    SOUND_SIZES,
)
from tests.wire.rows.parts import CHUNKED, chunks, request
from tests.wire.rows.upstream.answers import EVIL, HOLD, answer, both_ways, closed, cut, in_chunks


MISPLACED: Final[Mapping[str, bytes]] = {
    # behind a good chunk: what is wrong comes when the head is long gone
    "a size and nothing behind it": b"5\r\nhello\r\n5",
    "a size cut by a lf": b"5\r\nhello\r\n\n",
    "an answer": b"5\r\nhello\r\n" + EVIL,
    "a body without chunks": b"5\r\nhello\r\nworld",
    "a size of all the letters": b"5\r\nhello\r\n" + b"abcdef" * 3 + b"\r\n",
    "zeros without an end": b"5\r\nhello\r\n" + b"0" * 1_000_000,
    "an extension without an end": b"5\r\nhello\r\n1;" + b"a" * 200_000,
    "a trailer without an end": b"5\r\nhello\r\n0\r\nX-Sum: " + b"1" * 200_000,
    "a name of a trailer without an end": b"5\r\nhello\r\n0\r\n" + b"X" * 200_000,
    "trailers without an end": b"5\r\nhello\r\n0\r\n" + b"X-Sum: 1\r\n" * 20_000,
}
HUGE: Final = frozenset({"16-times-f", "2-to-63"})


def rows() -> Iterator[Row]:
    """UPS-22."""
    yield from _bad()
    yield from _sound()


def _broken(name: str, body: bytes) -> Iterator[Row]:
    for place, steps in both_ways(answer(CHUNKED), body):
        expect = cut(sent=Sent(cut=True))
        yield Row(f"UPS-22 {name}{place}", request(), expect, replies=reply(*steps, HOLD))


def _bad() -> Iterator[Row]:
    for name, size in BAD_SIZES.items():
        if name in HUGE:
            # nobody has so much to send; until the connection ends, it could be so
            huge = size + b"\r\nhello\r\n0\r\n\r\n"
            for place, steps in both_ways(answer(CHUNKED), huge):
                yield Row(f"UPS-22 size {name}{place}", request(), cut(), replies=closed(*steps))
            continue
        yield from _broken(f"size {name}", size + b"\r\nhello\r\n0\r\n\r\n")
        yield from _broken(f"second size {name}", b"3\r\nabc\r\n" + size + b"\r\nhello\r\n0\r\n\r\n")
    for name, size in {
        "plus": b"+0",
        "minus": b"-0",
        "prefix": b"0x0",
        "blank": b"0 ",
        "underscore": b"0_0",
        "letter": b"0h",
    }.items():
        yield from _broken(f"last size {name}", b"5\r\nhello\r\n" + size + b"\r\n\r\n")
    for name, body in LINES.items():
        yield from _broken(f"line {name}", body)
    for name, size in BAD_EXTENSIONS.items():
        yield from _broken(f"extension {name}", size + b"\r\nhello\r\n0\r\n\r\n")
    for name, size in LONG_EXTENSIONS.items():
        for place, steps in both_ways(answer(CHUNKED), size + b"\r\nhello\r\n0\r\n\r\n"):
            whole = Expectation(answers=(in_chunks(b"hello"),), requests=(Sent(),), closes=False)
            expect = cut() if "without an end" in name else (whole, *cut())
            yield Row(f"UPS-22 extension {name}{place}", request(), expect, replies=reply(*steps))
    for table in (BAD_TRAILERS, BIG_TRAILERS):
        for name, lines in table.items():
            yield from _broken(f"trailer {name}", b"5\r\nhello\r\n0\r\n" + lines + b"\r\n")
    for name, body in MISPLACED.items():
        if "without an end" in name:
            yield from _broken(name, body)
            continue
        for place, steps in both_ways(answer(CHUNKED), body):
            yield Row(f"UPS-22 {name}, closed{place}", request(), cut(), replies=closed(*steps))


def _sound() -> Iterator[Row]:
    def whole(name: str, body: bytes, content: bytes) -> Iterator[Row]:
        expect = Expectation(answers=(in_chunks(content),), requests=(Sent(),), closes=False)
        for place, steps in both_ways(answer(CHUNKED), body):
            yield Row(f"UPS-22 sound {name}{place}", request(), expect, replies=reply(*steps))

    for name, (body, content) in SOUND_SIZES.items():
        if content:
            yield from whole(name, body, content)
    for name, size in EXTENSIONS.items():
        if name != "blanks":
            yield from whole(f"extension {name}", size + b"\r\nhello\r\n0\r\n\r\n", b"hello")
    yield from whole("extension of the last chunk", b"5\r\nhello\r\n0;a=b\r\n\r\n", b"hello")
    yield from whole(
        "chunks of one byte",
        chunks(*(b"%c" % (n % 256) for n in range(5_000))),
        bytes(n % 256 for n in range(5_000)),
    )
    yield from whole("a chunk of 256 KiB", chunks(b"x" * (1 << 18)), b"x" * (1 << 18))
    yield from whole("a thousand chunks of a thousand bytes", chunks(*[b"y" * 1000] * 1000), b"y" * 1_000_000)
    body = chunks(b"hello", b"world")
    drops = tuple(step for at in range(len(body)) for step in (body[at : at + 1], Pause(0.002)))
    yield Row(
        "UPS-22 sound byte by byte",
        request(),
        Expectation(answers=(in_chunks(b"helloworld"),), requests=(Sent(),), closes=False),
        replies=reply(answer(CHUNKED), *drops),
    )

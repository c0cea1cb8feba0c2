"""UPS-06: answers of which two readers could see different ends."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import Expectation, Row, Sent, answered, reply
from tests.wire.rows.framing.lengths import (
    BAD_CODINGS,
    BAD_LENGTHS,
    BODY,
    BOTH,
    HUGE_LENGTHS,
    NOT_LAST,
    SOUND_CODINGS,
    SOUND_LENGTHS,
    TWICE,
    UNKNOWN_CODINGS,
)
from tests.wire.rows.parts import CHUNKED, request
from tests.wire.rows.upstream.answers import (
    EVIL,
    HOLD,
    answer,
    bad,
    both_ways,
    closed,
    cut,
    in_chunks,
    kept,
    passed,
)


NAMES: Final[Mapping[str, bytes]] = {
    "blank before the colon of a length": b"Content-Length : 15",
    "tab before the colon of a length": b"Content-Length\t: 15",
    "blank before the colon of a coding": b"Transfer-Encoding : chunked",
    "tab before the colon of a coding": b"Transfer-Encoding\t: chunked",
    "folded length": b"Content-Length:\r\n 15",
    "folded coding": b"Transfer-Encoding:\r\n chunked",
    "length behind a bare lf": b"X-Two: 2\nContent-Length: 15",
    "length behind a bare cr": b"X-Two: 2\rContent-Length: 15",
    "coding behind a bare lf": b"X-Two: 2\nTransfer-Encoding: chunked",
    "coding behind a bare cr": b"X-Two: 2\rTransfer-Encoding: chunked",
    "cr in front of a length": b"\rContent-Length: 15",
    "blank in front of a length": b" Content-Length: 15",
    "nul in the name of a length": b"Content-\x00Length: 15",
    "soft hyphen in the name of a length": b"Content\xadLength: 15",
}

UNFRAMED: Final[Mapping[str, bytes]] = {
    # names that are almost those of framing frame nothing: the body ends with the connection
    "underscore in the name of a length": b"Content_Length: 3",
    "underscore in the name of a coding": b"Transfer_Encoding: chunked",
    "letter missing in the name of a length": b"Content-Lengt: 3",
    "te instead of a coding": b"TE: chunked",
    "content-encoding chunked": b"Content-Encoding: chunked",
}

NOT_CHUNKS: Final[Mapping[str, bytes]] = {
    "text": b"hello",
    "json": b'{"a": 1}',
    "markup": b"<html></html>",
    "a blank line": b"\r\n\r\n",
    "an answer": EVIL,
}


def rows() -> Iterator[Row]:
    """UPS-06."""
    yield from _heads()
    yield from _lengths()
    yield from _sound()


def _refused(name: str, *fields: bytes, choice: bool = False) -> Row:
    return Row(
        f"UPS-06 {name}", request(), bad(), replies=kept(answer(*fields, body=BODY + EVIL)), choice=choice
    )


def _heads() -> Iterator[Row]:
    for name, fields in BOTH.items():
        yield _refused(f"both {name}", *fields)
    for name, (fields, choice) in TWICE.items():
        yield _refused(f"twice {name}", *fields, choice=choice)
    for tables in (BAD_LENGTHS, HUGE_LENGTHS):
        for name, value in tables.items():
            if name == "2-to-63-less-1":
                continue  # a length like any other, of which not all comes
            yield _refused(f"length {name}", b"Content-Length: " + value)
    for name, value in BAD_CODINGS.items():
        yield _refused(f"coding {name}", b"Transfer-Encoding: " + value)
        yield _refused(f"coding {name} and a length", b"Transfer-Encoding: " + value, b"Content-Length: 15")
    for table in (UNKNOWN_CODINGS, NOT_LAST):
        for name, fields in table.items():
            yield _refused(f"coding {name}", *fields)
    empty = {
        "empty": b"",
        "blank": b" ",
        "comma": b",",
        "comma before": b",chunked",
        "comma behind": b"chunked,",
    }
    for name, value in empty.items():
        choice = name.startswith("comma ")
        yield _refused(f"coding {name}", b"Transfer-Encoding:" + value, choice=choice)
        yield _refused(f"coding {name} and a length", b"Transfer-Encoding:" + value, b"Content-Length: 15")
    for name, line in NAMES.items():
        yield _refused(name, line)
    for name, fields in {
        "alone": (CHUNKED,),
        "and keep-alive": (CHUNKED, b"Connection: keep-alive"),
        "and a length": (CHUNKED, b"Content-Length: 15"),
        "gzip": (b"Transfer-Encoding: gzip",),
    }.items():
        old = answer(*fields, line=b"HTTP/1.0 200 OK", body=BODY)
        yield Row(f"UPS-06 coding in 1.0 {name}", request(), bad(), replies=kept(old))


def _lengths() -> Iterator[Row]:
    """Lengths that do not fit what comes."""
    for name, said in {
        "one": 6,
        "many": 5_000,
        "a terabyte": 1 << 40,
        "2-to-63-less-1": (1 << 63) - 1,
    }.items():
        short = answer(b"Content-Length: %d" % said, body=b"hello")
        yield Row(f"UPS-06 {name} announced", request(), cut(body=b"hello"), replies=closed(short))
    beyond = answer(b"Content-Length: 5", body=b"hello, world")
    first = Expectation(answers=(answered(200, body=b"hello"),), requests=(Sent(cut=True),))
    yield Row("UPS-06 more than announced", request(), first, replies=kept(beyond))
    yield Row(
        "UPS-06 more than nothing",
        request(),
        attrs.evolve(first, answers=(answered(200, body=b""),)),
        replies=kept(answer(b"Content-Length: 0", body=b"hello")),
    )
    for name, body in NOT_CHUNKS.items():
        for place, steps in both_ways(answer(CHUNKED), body):
            expect = cut(sent=Sent(cut=True), body=b"")
            yield Row(
                f"UPS-06 {name} instead of chunks{place}", request(), expect, replies=reply(*steps, HOLD)
            )
    for name, line in UNFRAMED.items():
        whole = passed(BODY, closes=None, absent=(b"te",))
        yield Row(f"UPS-06 {name}", request(), whole, replies=closed(answer(line, body=BODY)))


def _sound() -> Iterator[Row]:
    for name, line in SOUND_LENGTHS.items():
        expect = passed(b"hello", fields={b"content-length": b"5"})
        yield Row(
            f"UPS-06 sound length {name}", request(), expect, replies=reply(answer(line, body=b"hello"))
        )
    for name, line in SOUND_CODINGS.items():
        expect = Expectation(answers=(in_chunks(b"hello"),), requests=(Sent(),), closes=False)
        strict = bad(held=False) if name.startswith("tab") else expect
        yield Row(
            f"UPS-06 sound coding {name}", request(), (expect, strict), replies=reply(answer(line, body=BODY))
        )
    for name, value in {"two": b"0015", "nine": b"000000000015", "nothing but noughts": b"000"}.items():
        noughts = answer(b"Content-Length: " + value, body=BODY if name != "nothing but noughts" else b"")
        clean = passed(
            BODY if name != "nothing but noughts" else b"", fields={b"content-length": b"%d" % int(value)}
        )
        yield Row(f"UPS-06 noughts {name}", request(), (clean, bad(held=False)), replies=reply(noughts))

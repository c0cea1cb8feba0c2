"""FRM-16 to FRM-18: the lines of a head, the bytes in them, and blank lines before them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tests.wire.row import Expectation, Pause, Row, Sent, forwarded, hung_up, refused
from tests.wire.rows.parts import BEHIND, HOST, OTHERS, PATH, placed, request


BAD_LINES: Final[Mapping[str, tuple[bytes, bool]]] = {
    # the second: whether a recipient may read it otherwise (RFC 9112 sections 2.2 and 5.2)
    "lf for an end": (b"X-Two: 2\nX-Three: 3", True),
    "cr in the value": (b"X-Two: 2\r3", False),
    "cr for an end": (b"X-Two: 2\rX-Three: 3", False),
    "cr at the end of the value": (b"X-Two: 2\r", False),
    "cr in the name": (b"X-T\rwo: 2", False),
    "folded with a blank": (b"X-Two: 2\r\n 3", True),
    "folded with a tab": (b"X-Two: 2\r\n\t3", True),
    "folded to nothing": (b"X-Two: 2\r\n ", True),
    "folded framing": (b"X-Two: 2\r\n Content-Length: 5", True),
    "blank before the colon": (b"X-Two : 2", False),
    "tab before the colon": (b"X-Two\t: 2", False),
    "no colon": (b"X-Two", False),
    "no colon but a value": (b"X-Two 2", False),
    "empty name": (b": 2", False),
    "nothing but a colon": (b":", False),
    "blank for a name": (b" : 2", False),
    "two names": (b"X-Two X-Three: 2", False),
    "lf before the name": (b"\nX-Two: 2", True),
    "lf cr for an end": (b"X-Two: 2\n\rX-Three: 3", False),
    "a request": (b"GET /RUN00000/hidden HTTP/1.1", False),
    "length behind lf": (b"X-Two: 2\nContent-Length: 5", True),
    "coding behind cr": (b"X-Two: 2\rTransfer-Encoding: chunked", False),
}

FIRST: Final[Mapping[str, bytes]] = {
    "folded request line": b"GET /RUN00000 HTTP/1.1\r\n Host: example.test\r\n\r\n",
    "folded with a tab behind the request line": b"GET /RUN00000 HTTP/1.1\r\n\tX: 1\r\nHost: example.test\r\n\r\n",
    "cr in the request line": b"GET /RUN00000\r HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "cr for the end of the request line": b"GET /RUN00000 HTTP/1.1\rHost: example.test\r\n\r\n",
    "cr everywhere": b"GET /RUN00000 HTTP/1.1\rHost: example.test\r\r",
    "cr cr lf everywhere": b"GET /RUN00000 HTTP/1.1\r\r\nHost: example.test\r\r\n\r\r\n",
    "cr cr lf at the end": b"GET /RUN00000 HTTP/1.1\r\nHost: example.test\r\n\r\r\n",
    "blanks for a blank line": b"GET /RUN00000 HTTP/1.1\r\nHost: example.test\r\n \r\n\r\n",
    "vertical tab for an end": b"GET /RUN00000 HTTP/1.1\x0bHost: example.test\r\n\r\n",
    "nul for an end": b"GET /RUN00000 HTTP/1.1\x00Host: example.test\r\n\r\n",
    "next line for an end": b"GET /RUN00000 HTTP/1.1\x85Host: example.test\r\n\r\n",
    "line separator for an end": "GET /RUN00000 HTTP/1.1\u2028Host: example.test\r\n\r\n".encode(),
}

LF: Final[Mapping[str, bytes]] = {
    "everywhere": b"GET /RUN00000 HTTP/1.1\nHost: example.test\n\n",
    "behind the request line": b"GET /RUN00000 HTTP/1.1\nHost: example.test\r\n\r\n",
    "behind a field": b"GET /RUN00000 HTTP/1.1\r\nHost: example.test\nX: 1\r\n\r\n",
    "behind the last field": b"GET /RUN00000 HTTP/1.1\r\nHost: example.test\n\r\n",
    "for the blank line": b"GET /RUN00000 HTTP/1.1\r\nHost: example.test\r\n\n",
    "twice at the end": b"GET /RUN00000 HTTP/1.1\r\nHost: example.test\n\n",
}

CONTROLS: Final = (*(byte for byte in range(0x20) if byte not in b"\t\n\r"), 0x7F)
SEPARATORS: Final = b'"(),/;<=>?@[\\]{}'
AROUND: Final[Mapping[str, bytes]] = {
    # what `strip` of some languages takes away, and the wire does not
    "vertical tab": b"\x0b",
    "form feed": b"\x0c",
    "file separator": b"\x1c",
    "unit separator": b"\x1f",
    "nul": b"\x00",
    "delete": b"\x7f",
}
SOUND_VALUES: Final[Mapping[str, bytes]] = {
    "latin-1": b"caf\xe9",
    "utf-8": "caf\u00e9 \u2603".encode(),
    "every byte beyond ascii": bytes(range(0x80, 0x100)),
    "tab inside": b"a\tb",
    "blanks inside": b"a   b",
    "every visible byte": bytes(range(0x21, 0x7F)),
    "empty": b"",
    "quotes": b'"a, b"; c="d',
    "colons": b"::a::",
    "markup": b"<script>alert(1)</script>",
    "template": b"{{7*7}} ${7*7} {7} %s %n",
    "no-break space at its ends": b"\xa0a\xa0",
    "next line at its ends": b"\x85a\x85",
}
NOT_FIRST: Final[Mapping[str, bytes]] = {
    "nul": b"\x00",
    "blank": b" ",
    "tab": b"\t",
    "vertical tab": b"\x0b",
    "byte order mark": b"\xef\xbb\xbf",
    "cr": b"\r",
    "cr cr lf": b"\r\r\n",
    "blank line with a blank": b" \r\n",
    "a letter and a line end": b"x\r\n",
    "cr lf blank": b"\r\n ",
}


def rows() -> Iterator[Row]:
    """FRM-16 to FRM-18."""
    yield from _lines()
    yield from _bytes()
    yield from _before()


def _lines() -> Iterator[Row]:
    for name, (line, choice) in BAD_LINES.items():
        for place, head in placed(line):
            send = request(*head, host=None) + BEHIND
            yield Row(f"FRM-16 {name} {place}", send, refused(400), choice=choice)
    for name, send in FIRST.items():
        yield Row(f"FRM-16 {name}", send + BEHIND, refused(400))
    for name, send in LF.items():
        yield Row(f"FRM-16 lf {name}", send + BEHIND, refused(400), choice=True)
    body = request(b"Content-Length: 5", method=b"POST").replace(b"\r\n", b"\n") + b"hello"
    yield Row("FRM-16 lf everywhere before a body", body + BEHIND, refused(400), choice=True)


def _bytes() -> Iterator[Row]:
    for byte in CONTROLS:
        raw = bytes((byte,))
        name = f"0x{byte:02x}"
        # of those in a value only NUL must be refused; the others may be
        send = request(b"X-Two: a" + raw + b"b") + BEHIND
        yield Row(f"FRM-17 {name} in a value", send, refused(400), choice=byte != 0)
        yield Row(f"FRM-17 {name} in a name", request(b"X-T" + raw + b"wo: 2") + BEHIND, refused(400))
    for name, raw in AROUND.items():
        for place, value in {"before": raw + b"a", "behind": b"a" + raw, "alone": raw}.items():
            send = request(b"X-Two: " + value) + BEHIND
            yield Row(f"FRM-17 {name} {place} a value", send, refused(400), choice=raw != b"\x00")
        for place, line in {"before": raw + b"X-Two: 2", "behind": b"X-Two" + raw + b": 2"}.items():
            yield Row(f"FRM-17 {name} {place} a name", request(line) + BEHIND, refused(400))
    for byte in SEPARATORS:
        raw = bytes((byte,))
        yield Row(f"FRM-17 {raw.decode()} in a name", request(b"X" + raw + b"Two: 2") + BEHIND, refused(400))
    for name, line in {
        "latin-1": b"X-\xe9: 1",
        "utf-8": "X-\u00e9: 1".encode(),
        "fullwidth colon": "X-Two\uff1a 2".encode(),
        "no-break space": b"\xa0X-Two: 2",
        "soft hyphen": b"Content\xadLength: 5",
    }.items():
        yield Row(f"FRM-17 {name} in a name", request(line) + BEHIND, refused(400))
    for name, value in SOUND_VALUES.items():
        expect = forwarded(Sent(fields={b"x-two": value}), Sent())
        yield Row(f"FRM-17 sound {name}", request(b"X-Two: " + value) + BEHIND, expect)
    tokens = b"!#$%&'*+-.^`|~0aZ"
    yield Row(
        "FRM-17 sound every byte of a name", request(tokens + b": 1"), forwarded(Sent(fields={tokens: b"1"}))
    )
    for name, value in {"blanks": b"  a  ", "tabs": b"\ta\t", "both": b" \t a \t "}.items():
        expect = forwarded(Sent(fields={b"x-two": b"a"}))
        yield Row(f"FRM-17 sound {name} around a value", request(b"X-Two:" + value), expect)


def _before() -> Iterator[Row]:
    get = request()
    served = forwarded(Sent(target=PATH))
    for name, lead in {"one": b"\r\n", "two": b"\r\n" * 2, "twenty": b"\r\n" * 20}.items():
        yield Row(f"FRM-18 {name} blank lines", lead + get, served, segments=((), (1,), (len(lead),), None))
    post = request(b"Content-Length: 5", method=b"POST", body=b"hello")
    both = forwarded(Sent(body=b"hello"), Sent(target=PATH + b"/behind"))
    yield Row("FRM-18 a blank line behind a body", post + b"\r\n" + BEHIND, both)
    yield Row(
        "FRM-18 a blank line behind a body, and nothing", post + b"\r\n", forwarded(Sent(body=b"hello"))
    )
    yield Row("FRM-18 a line feed first", b"\n" + get, (served, refused(400)))
    for name, lead in NOT_FIRST.items():
        yield Row(f"FRM-18 {name} first", lead + get + BEHIND, refused(400))
    ended: Sequence[Expectation] = (refused(400, 408), hung_up())
    yield Row("FRM-18 ten thousand blank lines", b"\r\n" * 10_000, ended, patience=15.0)
    dripped = tuple(step for _ in range(20) for step in (b"\r\n", Pause(0.15)))
    for within in (2.5,):
        timed = (refused(400, 408, within=within), hung_up(within=within))
        yield Row("FRM-18 blank lines for ever", dripped, timed, profile="impatient")
    crowded = request(*OTHERS, HOST, host=None)
    yield Row("FRM-18 nothing before it", crowded, served)

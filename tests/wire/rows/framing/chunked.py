"""FRM-10 to FRM-15: chunks, their sizes, ends and extensions, and trailers."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import Expectation, Row, Sent, answered, broken, forwarded
from tests.wire.rows.parts import BEHIND, CHUNKED, PATH, request


BAD_SIZES: Final[Mapping[str, bytes]] = {
    "plus": b"+5",
    "minus": b"-5",
    "minus-nought": b"-0",
    "hexadecimal-prefix": b"0x5",
    "underscore": b"5_",
    "underscore-inside": b"0_5",
    "blank-behind": b"5 ",
    "tab-behind": b"5\t",
    "blank-before": b" 5",
    "tab-before": b"\t5",
    "vertical-tab-behind": b"5\x0b",
    "form-feed-before": b"\x0c5",
    "empty": b"",
    "no-digit": b"g",
    "letter-behind": b"5g",
    "17-times-f": b"F" * 17,
    "16-times-f": b"F" * 16,
    "2-to-63": b"8" + b"0" * 15,
    "2-to-64-and-5": b"1" + b"0" * 15 + b"5",
    "2-to-32-times-2-to-32": b"1" + b"0" * 31,
    "fraction": b"5.0",
    "comma": b"5,",
    "two-numbers": b"5 5",
    "nul-behind": b"5\x00",
    "nul-before": b"\x005",
    "fullwidth-digit": "\uff15".encode(),
    "superscript": b"\xb2",
    "quoted": b'"5"',
    "h-behind": b"5h",
    "backslash": b"\\x5",
    "minus-two-complement": b"-FFFFFFFFFFFFFFFB",
    "colon": b"5:",
    "equals": b"5=5",
    "percent": b"%35",
}

SOUND_SIZES: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "lower-case": (b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "upper-case": (b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    "noughts before": (b"005\r\nhello\r\n0\r\n\r\n", b"hello"),
    "several noughts at the end": (b"5\r\nhello\r\n000\r\n\r\n", b"hello"),
    "two chunks": (b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", b"hello"),
    "no chunk": (b"0\r\n\r\n", b""),
    "line ends inside": (b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
    "a last chunk inside": (b"9\r\n0\r\n\r\nGET \r\n0\r\n\r\n", b"0\r\n\r\nGET "),
}

LINES: Final[Mapping[str, bytes]] = {
    "lf everywhere": b"5\nhello\n0\n\n",
    "lf behind the size": b"5\nhello\r\n0\r\n\r\n",
    "lf behind the data": b"5\r\nhello\n0\r\n\r\n",
    "lf behind the last size": b"5\r\nhello\r\n0\n\r\n",
    "lf at the end": b"5\r\nhello\r\n0\r\n\n",
    "two lf at the end": b"5\r\nhello\r\n0\n\n",
    "cr everywhere": b"5\rhello\r0\r\r",
    "cr behind the size": b"5\rhello\r\n0\r\n\r\n",
    "cr cr lf behind the size": b"5\r\r\nhello\r\n0\r\n\r\n",
    "lf cr lf behind the size": b"5\n\r\nhello\r\n0\r\n\r\n",
    "cr cr lf at the end": b"5\r\nhello\r\n0\r\n\r\r\n",
    "nothing behind the data": b"5\r\nhello0\r\n\r\n",
    "two other bytes behind the data": b"5\r\nhelloXX0\r\n\r\n",
    "cr and another byte behind the data": b"5\r\nhello\rX0\r\n\r\n",
    "more data than the size": b"3\r\nhello\r\n0\r\n\r\n",
    "much more data than the size": b"1\r\n" + b"h" * 100 + b"\r\n0\r\n\r\n",
    "less data than the size": b"7\r\nhello\r\n0\r\n\r\n",
    "a blank line before the size": b"\r\n5\r\nhello\r\n0\r\n\r\n",
    "a blank line between chunks": b"5\r\nhello\r\n\r\n0\r\n\r\n",
    "a blank behind the data": b"5\r\nhello \r\n0\r\n\r\n",
    "no size": b"hello\r\n0\r\n\r\n",
    "a size without a line end": b"5hello\r\n0\r\n\r\n",
    "a request for a size": b"GET / HTTP/1.1\r\n\r\n0\r\n\r\n",
}

EXTENSIONS: Final[Mapping[str, bytes]] = {
    "name": b"5;a",
    "value": b"5;a=b",
    "two": b"5;a=b;c=d",
    "quoted": b'5;a="b"',
    "quoted semicolon": b'5;a="b;c"',
    "quoted pair": b'5;a="\\""',
    "blanks": b"5 ; a = b",
    "hexadecimal": b"5;5",
    "another size": b"5;chunk=6",
    "1000 bytes": b"5;a=" + b"b" * 1000,
}

BAD_EXTENSIONS: Final[Mapping[str, bytes]] = {
    "lf": b"5;a\nb",
    "lf then a size": b"5;\n5",
    "cr": b"5;a\rb",
    "cr at its end": b"5;a\r",
    "nul": b"5;a\x00b",
    "delete": b"5;a\x7fb",
    "escape": b"5;a\x1bb",
    "backspace": b"5;\x08",
    "lf in quotes": b'5;a="b\nc"',
    "cr lf in quotes": b'5;a="b\r\nc"',
}

LONG_EXTENSIONS: Final[Mapping[str, bytes]] = {
    "9 KiB": b"5;a=" + b"b" * 9216,
    "64 KiB": b"5;a=" + b"b" * 65536,
    "quoted, without an end": b'5;a="' + b"b" * 20000,
}

TRAILERS: Final[Mapping[str, bytes]] = {
    "content-length": b"Content-Length: 5",
    "transfer-encoding": b"Transfer-Encoding: chunked",
    "host": b"Host: second.test",
    "authorization": b"Authorization: Basic YWRtaW46YWRtaW4=",
    "cookie": b"Cookie: session=stolen",
    "x-user-id": b"X-User-Id: admin",
    "connection": b"Connection: close",
    "connection-names": b"Connection: X-One",
    "content-type": b"Content-Type: text/html",
    "content-encoding": b"Content-Encoding: gzip",
    "x-forwarded-for": b"X-Forwarded-For: 6.6.6.6",
    "expect": b"Expect: 100-continue",
    "upgrade": b"Upgrade: websocket",
    "te": b"TE: trailers",
    "set-cookie": b"Set-Cookie: a=b",
    "x-request-id": b"X-Request-Id: forged",
    "proxy-authorization": b"Proxy-Authorization: Basic eDp5",
    "cache-control": b"Cache-Control: no-store",
    "range": b"Range: bytes=0-1",
    "x-http-method-override": b"X-HTTP-Method-Override: DELETE",
}

BAD_TRAILERS: Final[Mapping[str, bytes]] = {
    "no colon": b"X-Sum\r\n",
    "a request": b"GET /RUN00000/hidden HTTP/1.1\r\n",
    "empty name": b": 1\r\n",
    "blank before the colon": b"X-Sum : 1\r\n",
    "blank in front": b" X-Sum: 1\r\n",
    "folded": b"X-Sum: 1\r\n 2\r\n",
    "nul in the value": b"X-Sum: 1\x002\r\n",
    "nul in the name": b"X-S\x00um: 1\r\n",
    "cr in the value": b"X-Sum: 1\r2\r\n",
    "lf for an end": b"X-Sum: 1\n",
    "lf in the value": b"X-Sum: 1\nX-Two: 2\r\n",
    "slash in the name": b"X/Sum: 1\r\n",
}

BIG_TRAILERS: Final[Mapping[str, bytes]] = {
    "129 fields": b"".join(b"X-%d: 1\r\n" % number for number in range(129)),
    "9 KiB": b"X-Sum: " + b"1" * 9216 + b"\r\n",
    "64 KiB in 60 fields": b"".join(b"X-%d: %b\r\n" % (number, b"1" * 1200) for number in range(60)),
}

_MERGED: Final = (
    b"authorization",
    b"cookie",
    b"x-user-id",
    b"content-type",
    b"content-encoding",
    b"expect",
    b"upgrade",
    b"set-cookie",
    b"proxy-authorization",
    b"cache-control",
    b"range",
    b"x-http-method-override",
    b"x-sum",
)
"""What must not have come out of a trailer."""


def rows() -> Iterator[Row]:
    """FRM-10 to FRM-15."""
    yield from _sizes()
    yield from _lines()
    yield from _extensions()
    yield from _trailers()


def _post(body: bytes, *fields: bytes) -> bytes:
    return request(CHUNKED, *fields, method=b"POST", body=body)


def _divided(send: bytes) -> tuple[tuple[int, ...], ...]:
    """In one segment, and with the body in another one than the head."""
    return (), (send.index(b"\r\n\r\n") + 4,)


def _broken(name: str, body: bytes, *statuses: int) -> Iterator[Row]:
    send = _post(body) + BEHIND
    yield Row(name, send, broken(*statuses), segments=_divided(send))


def _sizes() -> Iterator[Row]:
    for name, size in BAD_SIZES.items():
        large = name.startswith(("1", "2-to"))
        statuses = (400, 413) if large else (400,)
        yield from _broken(f"FRM-10 {name}", size + b"\r\nhello\r\n0\r\n\r\n", *statuses)
        yield from _broken(
            f"FRM-10 {name} second", b"3\r\nabc\r\n" + size + b"\r\nhello\r\n0\r\n\r\n", *statuses
        )
    for name, size in {
        "plus": b"+0",
        "minus": b"-0",
        "prefix": b"0x0",
        "blank": b"0 ",
        "underscore": b"0_0",
        "letter": b"0h",
    }.items():
        yield from _broken(f"FRM-10 last {name}", b"5\r\nhello\r\n" + size + b"\r\n\r\n", 400)
    for name, (body, content) in SOUND_SIZES.items():
        send = _post(body) + BEHIND
        expect = forwarded(Sent(body=content), Sent(target=PATH + b"/behind"))
        yield Row(f"FRM-10 sound {name}", send, expect, segments=_divided(send))
    many = b"1\r\nx\r\n" * (1 << 20) + b"0\r\n\r\n"
    expect = forwarded(Sent(length=1 << 20))
    yield Row("FRM-13 a mebibyte in chunks of one byte", _post(many), expect, calm=0.5, patience=20.0)
    yield Row(
        "FRM-13 64 KiB in chunks of one byte",
        _post(many[: 6 << 16] + b"0\r\n\r\n"),
        forwarded(Sent(length=1 << 16)),
        calm=0.25,
    )


def _lines() -> Iterator[Row]:
    for name, body in LINES.items():
        yield from _broken(f"FRM-11 {name}", body, 400)
    yield from _broken("FRM-11 no blank line at the end", b"5\r\nhello\r\n0\r\n", 400)


def _extensions() -> Iterator[Row]:
    for name, size in EXTENSIONS.items():
        send = _post(size + b"\r\nhello\r\n0\r\n\r\n") + BEHIND
        clean = forwarded(Sent(body=b"hello"), Sent())
        # RFC 9112 section 7.1.1 calls blanks there bad, which is to say: read them, or refuse them
        expect = (clean, *broken(400)) if name == "blanks" else (clean,)
        yield Row(f"FRM-12 sound {name}", send, expect, segments=_divided(send))
    send = _post(b"5\r\nhello\r\n0;a=b\r\n\r\n") + BEHIND
    yield Row(
        "FRM-12 sound at the last", send, forwarded(Sent(body=b"hello"), Sent()), segments=_divided(send)
    )
    for name, size in BAD_EXTENSIONS.items():
        yield from _broken(f"FRM-12 {name}", size + b"\r\nhello\r\n0\r\n\r\n", 400)
        yield from _broken(
            f"FRM-12 {name} at the last", b"5\r\nhello\r\n" + size.replace(b"5", b"0", 1) + b"\r\n\r\n", 400
        )
    for name, size in LONG_EXTENSIONS.items():
        yield from _broken(f"FRM-12 {name}", size + b"\r\nhello\r\n0\r\n\r\n", 400, 413)
    spendthrift = b"".join(b"1;%b\r\nx\r\n" % (b"a" * 1000) for _ in range(2000)) + b"0\r\n\r\n"
    yield Row("FRM-12 a thousand bytes for each byte", _post(spendthrift), broken(400, 413), patience=10.0)


def _trailers() -> Iterator[Row]:
    for name, field in TRAILERS.items():
        send = _post(b"5\r\nhello\r\n0\r\n" + field + b"\r\n\r\n") + BEHIND
        yield Row(f"FRM-14 {name}", send, _dropped(), segments=(*_divided(send), (send.index(field) + 4,)))
    named = _post(b"5\r\nhello\r\n0\r\nX-User-Id: admin\r\n\r\n", b"Trailer: X-User-Id") + BEHIND
    yield Row("FRM-14 announced", named, _dropped())
    own = request(CHUNKED, b"X-User-Id: me", method=b"POST", body=b"0\r\nX-User-Id: admin\r\n\r\n")
    expect = forwarded(Sent(absent=(b"x-user-id",)), Sent(absent=(b"x-user-id",)))
    mine = forwarded(Sent(fields={b"x-user-id": b"me"}), Sent(absent=(b"x-user-id",)))
    yield Row("FRM-14 beside a field of that name", own + BEHIND, (mine, expect, *broken(400)))
    for name, trailer in {
        "plain": b"X-Sum: 1\r\n",
        "two": b"X-Sum: 1\r\nX-Sum: 2\r\n",
        "8000 bytes": b"X-Sum: " + b"1" * 8000 + b"\r\n",
    }.items():
        for place, fields in {"announced": (b"Trailer: X-Sum",), "unannounced": ()}.items():
            send = _post(b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n", *fields) + BEHIND
            expect = forwarded(Sent(body=b"hello", absent=(b"x-sum", b"trailer")), Sent(absent=(b"x-sum",)))
            yield Row(f"FRM-15 {name} {place}", send, expect, segments=_divided(send), choice=True)
    for name, trailer in BAD_TRAILERS.items():
        yield from _broken(f"FRM-15 malformed {name}", b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n", 400)
    for name, trailer in BIG_TRAILERS.items():
        yield from _broken(f"FRM-15 {name}", b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n", 400, 431)


def _dropped() -> tuple[Expectation, ...]:
    """The trailer is gone, or the request is refused; what follows knows nothing of it in either case."""
    first = Sent(body=b"hello", absent=_MERGED, fields={b"host": b"example.test"}, service="origin")
    second = Sent(
        method=b"GET",
        target=PATH + b"/behind",
        absent=_MERGED,
        fields={b"host": b"example.test"},
        service="origin",
    )
    passed = forwarded(first, second)
    ended = Expectation(answers=(answered(200),), requests=(first,), closes=True)
    return passed, ended, *(attrs.evolve(one) for one in broken(400))

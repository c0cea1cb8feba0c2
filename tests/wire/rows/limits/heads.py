"""LIM-01 to LIM-04 and LIM-14: heads that are too large, what an error says of them, and heads that are work to read."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import Row, Sent, broken, declined, forwarded, refused
from tests.wire.rows.parts import BEHIND, CHUNKED, PATH, request


LINE: Final = 8192
BLOCK: Final = 65536
TARGET: Final = 8192
COUNT: Final = 100

SECRETS: Final[Mapping[str, bytes]] = {
    # RUN00000 stands where it could be shown
    "method": b"RUN00000 / HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "method and markup": b"<RUN00000> / HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "target": b"GET RUN00000 HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "target and a nul": b"GET /RUN00000\x00 HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "target and markup": b"GET /<script>RUN00000</script>%00 HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "version": b"GET / HTTP/RUN00000\r\nHost: example.test\r\n\r\n",
    "name": b"GET / HTTP/1.1\r\nHost: example.test\r\nRUN00000 X: 1\r\n\r\n",
    "value": b"GET / HTTP/1.1\r\nHost: example.test\r\nX: RUN00000\x00\r\n\r\n",
    "cookie": b"GET / HTTP/1.1\r\nHost: example.test\r\nCookie: s=RUN00000\r\nBad Name: 1\r\n\r\n",
    "authorization": b"GET / HTTP/1.1\r\nHost: example.test\r\nAuthorization: Bearer RUN00000\r\nBad Name: 1\r\n\r\n",
    "host": b"GET / HTTP/1.1\r\nHost: RUN00000 x\r\n\r\n",
    "length": b"POST / HTTP/1.1\r\nHost: example.test\r\nContent-Length: RUN00000\r\n\r\n",
    "coding": b"POST / HTTP/1.1\r\nHost: example.test\r\nTransfer-Encoding: RUN00000\r\n\r\n",
    "expectation": b"POST / HTTP/1.1\r\nHost: example.test\r\nExpect: RUN00000\r\nContent-Length: 1\r\n\r\nx",
    "line without a colon": b"GET / HTTP/1.1\r\nHost: example.test\r\nRUN00000\r\n\r\n",
    "no http": b"RUN00000\r\n\r\n",
    "escape sequence": b"GET /\x1b[31mRUN00000 HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "1.0": b"GET / HTTP/1.0\r\nRUN00000 X: 1\r\n\r\n",
    "path escape": b"GET /RUN00000/%zz HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "accept html": b"GET /RUN00000/%zz HTTP/1.1\r\nHost: example.test\r\nAccept: text/html\r\n\r\n",
}

WORK: Final[Mapping[str, tuple[bytes, tuple[bytes, ...]]]] = {
    # target, fields; all within the limits
    "1600 cookies": (PATH, (b"Cookie: " + b"; ".join([b"a=1"] * 1600),)),
    "90 cookie fields": (PATH, tuple(b"Cookie: a%d=1" % number for number in range(90))),
    "2700 parameters": (PATH + b"?" + b"a=1&" * 2000, ()),
    "8000 ampersands": (PATH + b"?" + b"&" * 8000, ()),
    "8000 question marks": (PATH + b"?" * 8000, ()),
    "4000 segments": (PATH + b"/a" * 4000, ()),
    "8000 slashes": (PATH + b"/" * 8000, ()),
    "4000 dots": (PATH + b"/." * 4000, ()),
    "2000 times up and down": (PATH + b"/a/.." * 1500, ()),
    "2600 times up": (PATH + b"/.." * 2600, ()),
    "encoded dots": (PATH + b"/%2e%2e" * 1100, ()),
    "2700 escapes": (PATH + b"/" + b"%61" * 2700, ()),
    "8000 semicolons": (PATH + b"/a" + b";" * 8000, ()),
    "2700 escapes in the query": (PATH + b"?" + b"%61" * 2700, ()),
    "8 KiB of one segment": (PATH + b"/" + b"a" * 8100, ()),
    "forwarded for 1000": (PATH, (b"X-Forwarded-For: " + b", ".join([b"1.2.3.4"] * 900),)),
    "forwarded 400": (PATH, (b"Forwarded: " + b", ".join([b"for=1.2.3.4"] * 600),)),
    "forwarded quotes": (PATH, (b'Forwarded: for="' + b'\\"' * 4000 + b'"',)),
    "via 500": (PATH, (b"Via: " + b", ".join([b"1.1 somebody"] * 500),)),
    "tracestate": (PATH, (b"tracestate: " + b",".join([b"a=1"] * 2000),)),
    "baggage": (PATH, (b"baggage: " + b",".join([b"a=1"] * 2000),)),
    "accept": (PATH, (b"Accept: " + b",".join([b"a/b;q=0.1"] * 800),)),
    "accept-encoding": (PATH, (b"Accept-Encoding: " + b",".join([b"x;q=0.001"] * 800),)),
    "range": (PATH, (b"Range: bytes=" + b",".join([b"0-1"] * 2000),)),
    "if-none-match": (PATH, (b"If-None-Match: " + b",".join([b'"a"'] * 2000),)),
    "commas": (PATH, (b"X-One: " + b"," * 8000,)),
    "blanks": (PATH, (b"X-One: " + b" " * 8000 + b"a",)),
    "blanks inside": (PATH, (b"X-One: a" + b" " * 8000 + b"a",)),
    "colons": (PATH, (b"X-One: " + b":" * 8000,)),
    "a name of 8000": (PATH, (b"X" * 8000 + b": 1",)),
    "97 names of one letter": (PATH, tuple(b"X%d: " % number for number in range(97))),
    "one name 97 times": (PATH, (b"X-One: 1",) * 97),
    "expensive pattern": (PATH + b"/" + b"a" * 4000 + b"!", ()),
}


def rows() -> Iterator[Row]:
    """LIM-01 to LIM-04, LIM-14."""
    for row in (*_lines(), *_blocks(), *_targets()):
        # how much is too much is nobody's but the server's business, and so is, but for 414, how it says so
        yield attrs.evolve(row, choice=True)
    for name, send in SECRETS.items():
        yield Row(f"LIM-04 {name}", send, declined(400, 417, 501, 505))
        if b"HTTP/1.1" in send[:80] and send.startswith(b"GET"):
            head = b"HEAD" + send[3:]
            yield Row(f"LIM-04 {name} of HEAD", head, declined(400, 417, 501, 505), to_head=(0,))
    send = request(CHUNKED, method=b"POST", body=b"RUN00000\r\nx\r\n0\r\n\r\n")
    yield Row("LIM-04 size of a chunk", send, broken(400))
    long = request(b"X-Two: " + b"RUN00000" * 2000)
    yield Row("LIM-04 value that is too long", long, refused(431))
    for name, (target, fields) in WORK.items():
        expect = (forwarded(Sent(method=b"GET")), declined(400), refused(414), refused(431))
        yield Row(f"LIM-14 {name}", request(b"X-Run: RUN00000", *fields, target=target), expect, calm=0.25)


def _field(size: int, name: bytes = b"X-Two") -> bytes:
    """A field line of so many bytes."""
    return name + b": " + b"v" * (size - len(name) - 2)


def _lines() -> Iterator[Row]:
    # whether the blank behind the colon counts is not said
    for size in (1000, LINE - 4):
        expect = forwarded(Sent(fields={b"x-two": b"v" * (size - 7)}), Sent())
        yield Row(f"LIM-01 line of {size}", request(_field(size)) + BEHIND, expect)
    for size in (LINE + 4, 9_000, 20_000, 60_000, 100_000, 1_000_000):
        send = request(_field(size)) + BEHIND
        middle = send.index(b"vvv") + 5000
        yield Row(
            f"LIM-01 line of {size}", send, refused(431), segments=((), (middle,), (middle, middle + 3000))
        )
    for size in (9_000, 60_000):
        yield Row(f"LIM-01 name of {size}", request(b"X" * size + b": 1") + BEHIND, refused(400, 431))
        yield Row(f"LIM-01 first line of {size}", request(_field(size), host=None) + BEHIND, refused(431))
        old = request(_field(size), version=b"HTTP/1.0") + BEHIND
        yield Row(f"LIM-01 line of {size} in 1.0", old, refused(431))
        post = request(_field(size), b"Content-Length: 5", method=b"POST", body=b"hello") + BEHIND
        yield Row(f"LIM-01 line of {size} before a body", post, refused(431))
        second = request() + request(_field(size)) + BEHIND
        yield Row(f"LIM-01 line of {size} in the second request", second, refused(431, behind=1))
    for name in (b"Cookie", b"Authorization", b"User-Agent", b"Referer", b"X-Forwarded-For", b"Connection"):
        yield Row(
            f"LIM-01 {name.decode()} of 20000", request(_field(20_000, name)) + BEHIND, refused(400, 431)
        )
    endless = b"GET /RUN00000 HTTP/1.1\r\nHost: example.test\r\nX-Two: " + b"v" * 100_000
    yield Row("LIM-01 line without an end", endless, refused(431, within=3.0), patience=8.0)
    endless = b"GET /RUN00000 HTTP/1.1\r\nHost: example.test\r\n" + b"X" * 100_000
    yield Row("LIM-01 name without an end", endless, refused(400, 431, within=3.0), patience=8.0)
    for count in (2, COUNT // 2, COUNT):
        fields = tuple(b"X-%d: 1" % number for number in range(count - 1))
        yield Row(f"LIM-01 {count} fields", request(*fields), forwarded(Sent(fields={b"x-0": b"1"})))
    for count in (COUNT + 1, COUNT + 2, 200, 1000, 10_000):
        fields = tuple(b"X-%d: 1" % number for number in range(count - 1))
        yield Row(f"LIM-01 {count} fields", request(*fields) + BEHIND, refused(431))
    fields = (b"X-One: 1",) * COUNT
    yield Row("LIM-01 101 fields of one name", request(*fields) + BEHIND, refused(431))
    fields = (b"X:",) * COUNT
    yield Row("LIM-01 101 short fields", request(*fields) + BEHIND, refused(431))


def _blocks() -> Iterator[Row]:
    for count, size in ((60, 1000), (8, 8000), (98, 600)):
        fields = tuple(_field(size, b"X-%d" % number) for number in range(count))
        yield Row(
            f"LIM-02 {count} of {size}", request(*fields), forwarded(Sent()), segments=((), (20_000, 40_000))
        )
    for count, size in ((70, 1000), (9, 8000), (98, 8000), (98, 700)):
        fields = tuple(_field(size, b"X-%d" % number) for number in range(count))
        send = request(*fields) + BEHIND
        yield Row(f"LIM-02 {count} of {size}", send, refused(431), segments=((), (20_000, 40_000, 60_000)))
    fields = tuple(_field(8000, b"X-%d" % number) for number in range(120))
    yield Row("LIM-02 120 of 8000", request(*fields) + BEHIND, refused(431))
    endless = request(*(_field(1000, b"X-%d" % number) for number in range(70)))[:-2]
    yield Row("LIM-02 without an end", endless, refused(431, within=3.0), patience=8.0)
    post = request(
        *(_field(8000, b"X-%d" % number) for number in range(20)),
        b"Content-Length: 5",
        method=b"POST",
        body=b"hello",
    )
    yield Row("LIM-02 before a body", post + BEHIND, refused(431))


def _targets() -> Iterator[Row]:
    def of(size: int, filler: bytes = b"a", start: bytes = PATH + b"/") -> bytes:
        return (start + filler * size)[:size]

    for size in (1000, TARGET - 1, TARGET):
        yield Row(f"LIM-03 path of {size}", request(target=of(size)), forwarded(Sent(target=of(size))))
        query = of(size, b"q", PATH + b"?")
        yield Row(f"LIM-03 query of {size}", request(target=query), forwarded(Sent(target=query)))
    for size in (TARGET + 1, 8300, 9_000, 20_000, 70_000, 1_000_000):
        send = request(target=of(size)) + BEHIND
        expect = refused(414) if size < BLOCK else refused(414, 431)
        yield Row(f"LIM-03 path of {size}", send, expect, segments=((), (4000, 8000, 8180)))
        send = request(target=of(size, b"q", PATH + b"?")) + BEHIND
        yield Row(f"LIM-03 query of {size}", send, expect)
    for size in (9_000, 20_000):
        for name, start in {
            "absolute": b"http://second.test/RUN00000/",
            "escapes": PATH + b"/%61",
            "authority": b"http://",
        }.items():
            send = request(b"X-Run: RUN00000", target=of(size, start=start)) + BEHIND
            yield Row(f"LIM-03 {name} of {size}", send, refused(414))
        for method in (b"POST", b"HEAD", b"OPTIONS"):
            to_head = (0,) if method == b"HEAD" else ()
            send = request(target=of(size), method=method) + BEHIND
            yield Row(f"LIM-03 {method.decode()} of {size}", send, refused(414), to_head=to_head)
        old = request(target=of(size), version=b"HTTP/1.0") + BEHIND
        yield Row(f"LIM-03 path of {size} in 1.0", old, refused(414))
    endless = b"GET " + of(100_000)
    yield Row("LIM-03 without an end", endless, refused(414, 431, within=3.0), patience=8.0)
    second = request() + request(target=of(9_000)) + BEHIND
    yield Row("LIM-03 in the second request", second, refused(414, behind=1))
    cuts = ((len(request()),), (len(request()) + 6000,))
    yield Row("LIM-03 in the second request, cut", second, refused(414, behind=1), segments=cuts)

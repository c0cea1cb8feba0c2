"""FRM-38: what the network does to the bytes on their way changes nothing.

Each message is sent once for every position in it, divided there, and once byte by byte.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Expectation, Row, Segments, Sent, answered, broken, forwarded, refused
from tests.wire.rows.parts import BEHIND, CHUNKED, HOST, OTHERS, PATH, chunks, request


FIVE: Final = b"Content-Length: 5"


def everywhere(data: bytes) -> tuple[Segments, ...]:
    """Divided at each position, and at all of them."""
    return *((position,) for position in range(1, len(data))), None


_LATER: Final = Sent(target=PATH + b"/behind")
_HELLO: Final = Sent(body=b"hello")

LEGAL: Final[Mapping[str, tuple[bytes, Expectation]]] = {
    "get": (request(), forwarded(Sent(target=PATH))),
    "two gets": (request() + BEHIND, forwarded(Sent(target=PATH), _LATER)),
    "many fields": (request(*OTHERS), forwarded(Sent(fields={b"x-one": b"1"}))),
    "length": (request(FIVE, method=b"POST", body=b"hello"), forwarded(_HELLO)),
    "length and a get": (request(FIVE, method=b"POST", body=b"hello") + BEHIND, forwarded(_HELLO, _LATER)),
    "a request for a body": (
        request(b"Content-Length: 18", method=b"POST", body=b"GET / HTTP/1.1\r\n\r\n") + BEHIND,
        forwarded(Sent(body=b"GET / HTTP/1.1\r\n\r\n"), _LATER),
    ),
    "chunked": (request(CHUNKED, method=b"POST", body=chunks(b"hello")), forwarded(_HELLO)),
    "two chunks and a get": (
        request(CHUNKED, method=b"POST", body=chunks(b"he", b"llo")) + BEHIND,
        forwarded(_HELLO, _LATER),
    ),
    "extension": (
        request(CHUNKED, method=b"POST", body=b'5;a="b"\r\nhello\r\n0;c\r\n\r\n') + BEHIND,
        forwarded(_HELLO, _LATER),
    ),
    "trailer": (
        request(CHUNKED, method=b"POST", body=b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n") + BEHIND,
        forwarded(
            Sent(body=b"hello", absent=(b"x-sum",)), Sent(target=PATH + b"/behind", absent=(b"x-sum",))
        ),
    ),
    "line ends in a chunk": (
        request(CHUNKED, method=b"POST", body=chunks(b"\r\n\r\n0\r\n\r\n")) + BEHIND,
        forwarded(Sent(body=b"\r\n\r\n0\r\n\r\n"), _LATER),
    ),
    "blank lines first": (b"\r\n\r\n" + request(), forwarded(Sent(target=PATH))),
    "a blank line between": (
        request(FIVE, method=b"POST", body=b"hello") + b"\r\n" + BEHIND,
        forwarded(_HELLO, _LATER),
    ),
    "absolute": (
        request(target=b"http://second.test/RUN00000"),
        forwarded(Sent(target=PATH, service="second", fields={b"host": b"second.test"})),
    ),
    "1.0": (request(version=b"HTTP/1.0"), forwarded(Sent(target=PATH), closes=True)),
    "close": (request(b"Connection: close"), forwarded(Sent(target=PATH), closes=True)),
    "hop by hop": (
        request(b"Connection: X-One, keep-alive", b"X-One: 1", b"Keep-Alive: timeout=5"),
        forwarded(Sent(absent=(b"x-one", b"keep-alive"))),
    ),
    "declined upgrade": (
        request(b"Connection: Upgrade", b"Upgrade: h2c") + BEHIND,
        forwarded(Sent(absent=(b"upgrade",)), _LATER),
    ),
    "escapes": (request(target=PATH + b"/%7Ea/../b?c=%2f"), forwarded(Sent(target=PATH + b"/b?c=%2f"))),
}

REFUSED: Final[Mapping[str, tuple[bytes, tuple[Expectation, ...]]]] = {
    "both framings": (
        request(FIVE, CHUNKED, method=b"POST", body=chunks(b"hello")) + BEHIND,
        (refused(400),),
    ),
    "blank before a colon": (request(b"X-Two : 1") + BEHIND, (refused(400),)),
    "folded": (request(b"X-Two: 1\r\n 2") + BEHIND, (refused(400),)),
    "lf": (b"GET /RUN00000 HTTP/1.1\nHost: example.test\n\n" + BEHIND, (refused(400),)),
    "nul": (request(b"X-Two: a\x00b") + BEHIND, (refused(400),)),
    "two hosts": (request(HOST) + BEHIND, (refused(400),)),
    "2.0": (request(version=b"HTTP/2.0") + BEHIND, (refused(505),)),
    "bad chunk": (
        request(CHUNKED, method=b"POST", body=b"5\r\nhello\r\n0x0\r\n\r\n") + BEHIND,
        broken(400),
    ),
    "data beyond its chunk": (
        request(CHUNKED, method=b"POST", body=b"3\r\nhello\r\n0\r\n\r\n") + BEHIND,
        broken(400),
    ),
    "bad trailer": (
        request(CHUNKED, method=b"POST", body=b"5\r\nhello\r\n0\r\nX-Sum : 1\r\n\r\n") + BEHIND,
        broken(400),
    ),
    "one good, one bad": (request() + request(b"Bad Name: 1") + BEHIND, (refused(400, behind=1),)),
}


def rows() -> Iterator[Row]:
    """FRM-38."""
    for name, (send, expect) in LEGAL.items():
        yield Row(f"FRM-38 {name}", send, expect, segments=everywhere(send))
    for name, (send, alternatives) in REFUSED.items():
        yield Row(f"FRM-38 refused {name}", send, alternatives, segments=everywhere(send))
    head = request(method=b"HEAD") + BEHIND
    expect = Expectation(
        answers=(answered(200), answered(200)), requests=(Sent(method=b"HEAD"), _LATER), closes=False
    )
    yield Row("FRM-38 head", head, expect, segments=everywhere(head), to_head=(0,))

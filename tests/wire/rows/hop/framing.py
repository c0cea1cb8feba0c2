"""HOP-05 and HOP-06: however a body comes, it goes on with exactly one framing, and that is right."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import End, Expectation, Row, Sent, answered, declined, forwarded, reply
from tests.wire.rows.parts import BEHIND, CHUNKED, chunks, length, request


METHODS: Final = (b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")
BODIES: Final[Mapping[str, bytes]] = {
    "one byte": b"x",
    "line ends": b"\r\n\r\n",
    "a request": b"GET /RUN00000/hidden HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "a last chunk": b"0\r\n\r\n",
    "every byte": bytes(range(256)),
    "noughts": bytes(1000),
    "64 KiB": b"0123456789abcdef" * 4096,
    "200 KB": b"0123456789" * 20_000,
}

ANSWERS: Final[Mapping[str, tuple[bytes, bytes, str]]] = {
    # the answer, its body, and how it must go on: as it came, for a body that is known
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", "length"),
    "length nought": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"", "length"),
    "length in lower case": (b"HTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\nhello", b"hello", "length"),
    "length with blanks": (b"HTTP/1.1 200 OK\r\nContent-Length: \t 5 \t\r\n\r\nhello", b"hello", "length"),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        b"hello",
        "chunked",
    ),
    "chunked in upper case": (
        b"HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"hello",
        "chunked",
    ),
    "chunked and empty": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"", "chunked"),
    "chunked with extensions": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0;c\r\n\r\n",
        b"hello",
        "chunked",
    ),
    "chunked, trailers nobody asked for": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
        b"hello",
        "chunked",
    ),
}


def rows() -> Iterator[Row]:
    """HOP-05 and HOP-06."""
    yield from _requests()
    yield from _none()
    yield from _answers()
    yield from _without_body()


def _requests() -> Iterator[Row]:
    for method in METHODS:
        name = method.decode()
        for kind, (line, body) in {
            "length": (length(b"hello"), b"hello"),
            "chunked": (CHUNKED, chunks(b"he", b"llo")),
        }.items():
            send = request(line, method=method, body=body) + BEHIND
            expect = forwarded(Sent(method=method, body=b"hello", framing=kind), Sent())
            yield Row(f"HOP-05 {name} {kind}", send, expect)
        head = Expectation(answers=(answered(200),), requests=(Sent(method=b"HEAD", body=b"hello"),))
    for kind, (line, body) in {
        "length": (length(b"hello"), b"hello"),
        "chunked": (CHUNKED, chunks(b"hello")),
    }.items():
        send = request(line, method=b"HEAD", body=body)
        head = Expectation(
            answers=(answered(200, body=b""),), requests=(Sent(method=b"HEAD", body=b"hello"),), closes=False
        )
        yield Row(f"HOP-05 HEAD {kind}", send, (head, declined(400)), to_head=(0,))
    for name, body in BODIES.items():
        send = request(length(body), method=b"POST", body=body) + BEHIND
        yield Row(f"HOP-05 {name}, length", send, forwarded(Sent(body=body, framing="length"), Sent()))
        send = (
            request(CHUNKED, method=b"POST", body=chunks(body[:1], body[1:]) if body[1:] else chunks(body))
            + BEHIND
        )
        yield Row(f"HOP-05 {name}, chunked", send, forwarded(Sent(body=body), Sent()))
    tiny = chunks(*(b"%c" % byte for byte in b"hello world"))
    send = request(CHUNKED, method=b"POST", body=tiny) + BEHIND
    yield Row("HOP-05 chunks of one byte", send, forwarded(Sent(body=b"hello world"), Sent()))
    send = (
        request(CHUNKED, b"TE: trailers", b"Connection: TE", method=b"POST", body=chunks(b"hello")) + BEHIND
    )
    yield Row("HOP-05 chunked from one who takes trailers", send, forwarded(Sent(body=b"hello"), Sent()))
    old = request(b"Content-Length: 5", version=b"HTTP/1.0", method=b"POST", body=b"hello")
    yield Row("HOP-05 length in 1.0", old, forwarded(Sent(body=b"hello", framing="length"), closes=True))


def _none() -> Iterator[Row]:
    for method in METHODS:
        # RFC 9110 section 8.6: who sends no body with POST, PUT or PATCH says so
        framing = "length" if method in {b"POST", b"PUT", b"PATCH"} else "none"
        expect = forwarded(Sent(method=method, body=b"", framing=framing), Sent())
        zero = forwarded(Sent(method=method, body=b""), Sent())
        name = method.decode()
        yield Row(f"HOP-05 {name} no body", request(method=method) + BEHIND, expect, choice=True)
        send = request(b"Content-Length: 0", method=method) + BEHIND
        yield Row(f"HOP-05 {name} a length of nought", send, zero)
        send = request(CHUNKED, method=method, body=b"0\r\n\r\n") + BEHIND
        yield Row(f"HOP-05 {name} no chunks", send, zero)


def _answers() -> Iterator[Row]:
    for name, (answer, body, kind) in ANSWERS.items():
        fields = (
            {b"content-length": b"%d" % len(body)} if kind == "length" else {b"transfer-encoding": b"chunked"}
        )
        other = b"transfer-encoding" if kind == "length" else b"content-length"
        one = answered(200, body=body, fields=fields, absent=(other, b"trailer"))
        expect = Expectation(answers=(one,), requests=(Sent(),), closes=False)
        yield Row(f"HOP-06 {name}", request(), expect, replies=reply(answer))
        yield Row(f"HOP-06 {name}, a close behind it", request(), expect, replies=reply(answer, End.FIN))
        either = answered(200, body=body, absent=(b"transfer-encoding", b"trailer"))
        old = Expectation(answers=(either,), requests=(Sent(),), closes=True)
        yield Row(f"HOP-06 {name}, to 1.0", request(version=b"HTTP/1.0"), old, replies=reply(answer))
    framed = answered(
        200, body=b"hello", fields={b"transfer-encoding": b"chunked"}, absent=(b"content-length",)
    )
    counted = answered(200, body=b"hello", fields={b"content-length": b"5"}, absent=(b"transfer-encoding",))
    until_close = {
        "until close": b"HTTP/1.1 200 OK\r\n\r\nhello",
        "until close, told": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        "until close, in 1.0": b"HTTP/1.0 200 OK\r\n\r\nhello",
    }
    for name, answer in until_close.items():
        either_way = tuple(
            Expectation(answers=(one,), requests=(Sent(),), closes=False) for one in (framed, counted)
        )
        yield Row(f"HOP-06 {name}", request(), either_way, replies=reply(answer, End.FIN))
        bare = answered(200, body=b"hello", absent=(b"transfer-encoding",))
        old = Expectation(answers=(bare,), requests=(Sent(),), closes=True)
        yield Row(f"HOP-06 {name}, to 1.0", request(version=b"HTTP/1.0"), old, replies=reply(answer, End.FIN))
    expect = Expectation(answers=(counted,), requests=(Sent(),), closes=False)
    answer = b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    yield Row("HOP-06 length in 1.0", request(), expect, replies=reply(answer, End.FIN))
    answer = b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"
    yield Row("HOP-06 length in 1.0, kept alive", request(), expect, replies=reply(answer))
    for name, body in BODIES.items():
        for kind, answer in {
            "length": b"HTTP/1.1 200 OK\r\n%b\r\n\r\n%b" % (length(body), body),
            "chunked": b"HTTP/1.1 200 OK\r\n%b\r\n\r\n%b" % (CHUNKED, chunks(body)),
        }.items():
            expect = Expectation(answers=(answered(200, body=body),), requests=(Sent(),), closes=False)
            yield Row(f"HOP-06 {name}, {kind}", request(), expect, replies=reply(answer))


def _without_body() -> Iterator[Row]:
    for name, answer in {
        "length": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "neither": b"HTTP/1.1 200 OK\r\n\r\n",
        "length of nought": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    }.items():
        fields = {b"content-length": b"5"} if name == "length" else {}
        one = answered(200, body=b"", fields=fields)
        expect = Expectation(answers=(one,), requests=(Sent(method=b"HEAD"),), closes=False)
        send = request(method=b"HEAD")
        yield Row(f"HOP-06 HEAD {name}", send, expect, replies=reply(answer), to_head=(0,))
        twice = Expectation(answers=(one, answered(200)), requests=(Sent(), Sent()), closes=False)
        yield Row(
            f"HOP-06 HEAD {name}, another behind", send + BEHIND, twice, replies=reply(answer), to_head=(0,)
        )
    for name, status, answer in (
        ("204", 204, b"HTTP/1.1 204 No Content\r\n\r\n"),
        ("304", 304, b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n'),
        ("304 with a length", 304, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        ("304 with a coding", 304, b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("204 with a length of nought", 204, b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
    ):
        one = answered(status, body=b"")
        expect = Expectation(answers=(one, answered(200)), requests=(Sent(), Sent()), closes=False)
        yield Row(f"HOP-06 {name}", request() + BEHIND, expect, replies=reply(answer))
    answer = b"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"
    expect = Expectation(
        answers=(answered(205, body=b""), answered(200)), requests=(Sent(), Sent()), closes=False
    )
    yield Row("HOP-06 205", request() + BEHIND, expect, replies=reply(answer))

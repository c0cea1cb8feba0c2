"""UPS-11: bodies where none may be."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Answers, Expectation, Pause, Row, Sent, answered, reply
from tests.wire.rows.parts import CHUNKED, PATH, chunks, request
from tests.wire.rows.upstream.answers import EVIL, HOLD, LATER, OK, answer, bad, closed, told


FIVE: Final = b"Content-Length: 5"
BODIES: Final[Mapping[str, tuple[tuple[bytes, ...], bytes]]] = {
    "a length and its body": ((FIVE,), b"hello"),
    "a length and less": ((FIVE,), b"he"),
    "a length and more": ((FIVE,), b"hello, world"),
    "a length of nought and a body": ((b"Content-Length: 0",), b"hello"),
    "chunks": ((CHUNKED,), chunks(b"hello")),
    "no chunk": ((CHUNKED,), chunks()),
    "half a chunk": ((CHUNKED,), b"5\r\nhe"),
    "bad chunks": ((CHUNKED,), b"hello"),
    "a body without framing": ((), b"hello"),
    "a line end": ((), b"\r\n"),
    "a byte": ((), b"x"),
    "an answer": ((), EVIL),
    "an answer for a body": ((b"Content-Length: %d" % len(EVIL),), EVIL),
    "an answer for chunks": ((CHUNKED,), EVIL),
    "half an answer": ((), EVIL[:20]),
    "a body, then an answer": ((FIVE,), b"hello" + EVIL),
}

ANNOUNCED: Final[Mapping[str, tuple[bytes, ...]]] = {
    "nothing": (),
    "a length": (FIVE,),
    "a length of nought": (b"Content-Length: 0",),
    "chunks": (CHUNKED,),
    "a large length": (b"Content-Length: 1000000000000",),
}

KINDS: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "HEAD": (b"HEAD", b"HTTP/1.1 200 OK"),
    "204": (b"GET", b"HTTP/1.1 204 No Content"),
    "304": (b"GET", b"HTTP/1.1 304 Not Modified"),
    "404 to HEAD": (b"HEAD", b"HTTP/1.1 404 Not Found"),
    "204 to HEAD": (b"HEAD", b"HTTP/1.1 204 No Content"),
    "304 to HEAD": (b"HEAD", b"HTTP/1.1 304 Not Modified"),
    "204 to POST": (b"POST", b"HTTP/1.1 204 No Content"),
    "204 in 1.0": (b"GET", b"HTTP/1.0 204 No Content"),
    "304 in 1.0": (b"GET", b"HTTP/1.0 304 Not Modified"),
}


def rows() -> Iterator[Row]:
    """UPS-11."""
    for kind, (method, line) in KINDS.items():
        yield from _bodies(kind, method, line)
        yield from _heads(kind, method, line)
    yield from _refused()
    yield from _others()


def _bodies(kind: str, method: bytes, line: bytes) -> Iterator[Row]:
    """The client sees none of the body; where one came, the connection to the instance has ended."""
    status = int(line.split(b" ")[1])
    absent = (b"content-length", b"transfer-encoding") if status == 204 else ()
    first = answered(status, body=b"", absent=absent)
    to_head = (0,) if method == b"HEAD" else ()
    send = request(method=method) + request(target=PATH + b"/next")
    for name, (fields, body) in BODIES.items():
        if CHUNKED in fields and b"1.0" in line:
            continue
        last = answered(200, body=b"origin " + PATH + b"/next")
        expect = Expectation(answers=(first, last), requests=(Sent(cut=True), Sent()), closes=False)
        one = reply(answer(*fields, line=line, body=body), HOLD)
        yield Row(f"UPS-11 {kind} with {name}", send, expect, replies=one, to_head=to_head)
    if b"1.0" in line:
        return
    # in a read of its own, what comes is bytes on an idle connection
    alone = (request(method=method), Answers(1), Pause(0.2), request(target=PATH + b"/next"))
    for name in ("a length and its body", "chunks", "a body without framing", "an answer"):
        fields, body = BODIES[name]
        last = answered(200, body=b"origin " + PATH + b"/next")
        expect = Expectation(answers=(first, last), requests=(Sent(), Sent()), closes=False)
        late = reply(answer(*fields, line=line), LATER, body)
        yield Row(
            f"UPS-11 {kind} with {name}, later", alone, expect, replies=late, to_head=to_head, alone=True
        )


def _heads(kind: str, method: bytes, line: bytes) -> Iterator[Row]:
    """What is announced to them is what a body would have; it is passed on where it means that."""
    status = int(line.split(b" ")[1])
    to_head = (0,) if method == b"HEAD" else ()
    for name, fields in ANNOUNCED.items():
        if line.startswith(b"HTTP/1.0") and CHUNKED in fields:
            continue
        lengths = [field.partition(b": ")[2] for field in fields if field.startswith(b"Content")]
        same: dict[bytes, bytes] = {}
        absent: tuple[bytes, ...] = (b"content-length",)
        if status != 204 and lengths:
            same, absent = {b"content-length": lengths[0]}, ()
        one = answered(status, body=b"", fields=same, absent=absent)
        expect: tuple[Expectation, ...] = (Expectation(answers=(one,), requests=(Sent(),), closes=False),)
        if name == "a length of nought":
            # RFC 9110 section 8.6: it may be left out, and where it is wrong for a 304 it better is
            none = answered(status, body=b"", absent=(b"content-length",))
            expect = (*expect, Expectation(answers=(none,), requests=(Sent(),), closes=False))
        whole = reply(answer(*fields, line=line))
        yield Row(
            f"UPS-11 {kind} announcing {name}", request(method=method), expect, replies=whole, to_head=to_head
        )


def _refused() -> Iterator[Row]:
    """A head that is none stays so, whether a body follows it or not."""
    for kind, (method, line) in KINDS.items():
        to_head = (0,) if method == b"HEAD" else ()
        for name, fields in {
            "two lengths": (FIVE, b"Content-Length: 6"),
            "a length and chunks": (FIVE, CHUNKED),
            "a length that is none": (b"Content-Length: -5",),
            "a coding that is none": (b"Transfer-Encoding: xchunked",),
            "gzip": (b"Transfer-Encoding: gzip, chunked",),
            "a control character": (b"X-Two: \x01",),
            "a folded field": (b"X-Two: 2\r\n 3",),
        }.items():
            one = reply(answer(*fields, line=line), HOLD)
            yield Row(
                f"UPS-11 {kind} with {name}", request(method=method), bad(), replies=one, to_head=to_head
            )


def _others() -> Iterator[Row]:
    send = request() + request(target=PATH + b"/next")
    last = answered(200, body=b"origin " + PATH + b"/next")
    for name, (fields, body) in {
        "a body": ((FIVE,), b"hello"),
        "none": ((b"Content-Length: 0",), b""),
    }.items():
        # RFC 9110 section 15.3.6 lets a server send none with 205; who gets one all the same knows where it ends
        reset = answer(*fields, line=b"HTTP/1.1 205 Reset Content", body=body)
        expect = Expectation(answers=(answered(205), last), requests=(Sent(), Sent()), closes=False)
        refused = Expectation(answers=(answered(502), last), requests=(Sent(), Sent()), closes=False)
        yield Row(f"UPS-11 205 with {name}", send, (expect, refused), replies=reply(reset))
    modified = answer(
        b'ETag: "x"', b"Cache-Control: max-age=1", b"Vary: Accept", line=b"HTTP/1.1 304 Not Modified"
    )
    one = answered(
        304, fields={b"etag": b'"x"', b"cache-control": b"max-age=1", b"vary": b"Accept"}, body=b""
    )
    expect = Expectation(answers=(one,), requests=(Sent(fields={b"if-none-match": b'"x"'}),), closes=False)
    yield Row("UPS-11 304 as asked for", request(b'If-None-Match: "x"'), expect, replies=reply(modified))
    for number in (2, 5):
        heads = b"".join(request(method=b"HEAD", target=PATH + b"/%d" % n) for n in range(number))
        one = answered(200, fields={b"content-length": b"2"}, body=b"")
        expect = Expectation(answers=(one,) * number, requests=(Sent(),) * number, closes=False)
        replies = (reply(answer(b"Content-Length: 2")),) * number
        yield Row(f"UPS-11 HEAD {number} times", heads, expect, replies=replies, to_head=tuple(range(number)))
    mixed = request(method=b"HEAD") + request(target=PATH + b"/next")
    expect = Expectation(
        answers=(answered(200, body=b""), answered(200, body=b"ok")), requests=(Sent(), Sent()), closes=False
    )
    head = reply(answer(b"Content-Length: 2"))
    yield Row("UPS-11 HEAD, then GET", mixed, expect, replies=(head, reply(OK)), to_head=(0,))
    ended = Expectation(answers=(answered(200, body=b""),), requests=(Sent(),), closes=False)
    for name, announced in ANNOUNCED.items():
        data = answer(*announced)
        yield Row(
            f"UPS-11 HEAD announcing {name}, and closes",
            request(method=b"HEAD"),
            ended,
            replies=closed(data),
            to_head=(0,),
            alone=True,
        )
    old = answer(line=b"HTTP/1.0 200 OK")
    yield Row("UPS-11 HEAD in 1.0", request(method=b"HEAD"), ended, replies=closed(old), to_head=(0,))
    large = told(b"x" * 100_000)
    cut = Expectation(
        answers=(answered(200, body=b"", fields={b"content-length": b"100000"}),),
        requests=(Sent(cut=True),),
        closes=False,
    )
    yield Row(
        "UPS-11 HEAD with 100 KB", request(method=b"HEAD"), cut, replies=reply(large, HOLD), to_head=(0,)
    )

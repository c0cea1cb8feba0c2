"""FRM-30 to FRM-35: several requests on one connection, and `Expect`."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import (
    Answers,
    Expectation,
    Heads,
    Pause,
    Row,
    Sent,
    When,
    answered,
    declined,
    forwarded,
    refused,
    reply,
)
from tests.wire.rows.parts import BEHIND, CHUNKED, PATH, chunks, length, request


EXPECT: Final = b"Expect: 100-continue"
FIVE: Final = b"Content-Length: 5"
HIDDEN: Final = request(target=PATH + b"/hidden")
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
UNAUTHORIZED: Final = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"

UNMET: Final[Mapping[str, bytes]] = {
    "unknown": b"foo",
    "another status": b"200-ok",
    "parameter": b"100-continue;q=1",
    "quoted": b'"100-continue"',
    "two": b"100-continue, foo",
    "number": b"100",
    "misspelt": b"100-continued",
    "value": b"100-continue=1",
}


def rows() -> Iterator[Row]:
    """FRM-30 to FRM-35."""
    yield from _bodies()
    yield from _pipelines()
    yield from _continue()


def _bodies() -> Iterator[Row]:
    second = Sent(method=b"GET", target=PATH + b"/behind", framing="none")
    for method in (b"GET", b"HEAD", b"DELETE", b"OPTIONS"):
        to_head = (0,) if method == b"HEAD" else ()
        for name, fields, body, content in (
            ("length", (FIVE,), b"hello", b"hello"),
            ("chunked", (CHUNKED,), chunks(b"hello"), b"hello"),
            ("a request for a body", (length(HIDDEN),), HIDDEN, HIDDEN),
            ("a request for a chunk", (CHUNKED,), chunks(HIDDEN), HIDDEN),
            ("no length", (b"Content-Length: 0",), b"", b""),
            ("no chunk", (CHUNKED,), chunks(), b""),
        ):
            send = request(*fields, method=method, body=body) + BEHIND
            expect = forwarded(Sent(method=method, body=content), second)
            yield Row(f"FRM-30 {method.decode()} {name}", send, (expect, refused(400)), to_head=to_head)
    send = request(method=b"POST") + BEHIND
    yield Row("FRM-30 POST without framing", send, forwarded(Sent(method=b"POST", body=b""), second))
    send = request(method=b"POST", body=HIDDEN)
    expect = forwarded(Sent(method=b"POST", body=b""), Sent(target=PATH + b"/hidden"))
    yield Row("FRM-30 POST without framing before a request", send, expect)


def _pipelines() -> Iterator[Row]:
    def get(number: int) -> bytes:
        return request(target=PATH + b"/%d" % number)

    def told(number: int) -> tuple[Expectation, ...]:
        return (
            Expectation(
                answers=tuple(answered(200, body=b"origin /RUN00000/%d" % one) for one in range(number)),
                requests=tuple(Sent(target=PATH + b"/%d" % one) for one in range(number)),
                closes=False,
            ),
        )

    three = b"".join(map(get, range(3)))
    yield Row("FRM-31 three", three, told(3), segments=((), (len(get(0)),), (10, 70), None))
    slow = reply(Pause(0.3), b"HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\norigin /RUN00000/0")
    yield Row("FRM-31 three, the first slow", three, told(3), replies=slow)
    many = b"".join(map(get, range(1000)))
    yield Row("FRM-31 a thousand", many, told(1000), patience=10.0)
    yield Row("FRM-31 a thousand, the first slow", many, told(1000), replies=slow, patience=10.0)
    flood = b"".join(map(get, range(9_000)))
    yield Row(
        "FRM-31 nine thousand, the first slow", flood, told(9_000),
        replies=slow, patience=20.0, alone=True, grows=4 << 20,
    )  # fmt: skip
    post = request(FIVE, method=b"POST", body=b"hello")
    head = request(method=b"HEAD", target=PATH + b"/head")
    mixed = forwarded(
        Sent(method=b"GET"), Sent(method=b"POST", body=b"hello"), Sent(method=b"HEAD"), Sent(method=b"GET")
    )
    yield Row("FRM-31 get post head get", get(0) + post + head + get(1), mixed, to_head=(2,))
    chunked = request(CHUNKED, method=b"POST", body=chunks(b"hel", b"lo"))
    expect = forwarded(Sent(body=b"hello"), Sent(), Sent(body=b"hello"))
    yield Row("FRM-31 chunked get chunked", chunked + get(0) + chunked, expect)
    bad = request(b"Bad Name: 1", target=PATH + b"/bad")
    for good in (1, 2, 5):
        send = b"".join(map(get, range(good))) + bad + BEHIND
        cuts = ((), (len(get(0)),), (send.index(b"Bad Name"),), (len(send) - 10,), None)
        yield Row(f"FRM-31 {good} good, one bad", send, refused(400, behind=good), segments=cuts)
    send = post + request(b"Content-Length: 5", CHUNKED, method=b"POST", body=b"hello") + BEHIND
    yield Row("FRM-31 a body, then both framings", send, refused(400, behind=1))
    last = get(0) + request(b"Connection: close", target=PATH + b"/last") + BEHIND
    yield Row(
        "FRM-31 close in the middle", last, forwarded(Sent(), Sent(target=PATH + b"/last"), closes=True)
    )
    half = get(0) + get(1)[:-10]
    yield Row("FRM-31 one and a half, then the rest", (half, Answers(1), get(1)[-10:]), told(2))


def _continue() -> Iterator[Row]:
    one = Expectation(answers=(answered(200, interim=(100,)),), requests=(Sent(body=b"hello"),), closes=False)
    none = forwarded(Sent(body=b"hello"))
    for name, fields, body in (("length", (FIVE,), b"hello"), ("chunked", (CHUNKED,), chunks(b"hello"))):
        head = request(EXPECT, *fields, method=b"POST")
        yield Row(f"FRM-32 {name}", (head, Answers(1), body), one)
        yield Row(f"FRM-32 {name} in two parts", (head, Answers(1), body[:3], Pause(0.05), body[3:]), one)
        yield Row(f"FRM-32 {name} not waited for", head + body, (one, none))
        yield Row(
            f"FRM-32 {name} and another request",
            head + body + BEHIND,
            (
                forwarded(Sent(body=b"hello"), Sent()),
                Expectation(
                    answers=(answered(200, interim=(100,)), answered(200)),
                    requests=(Sent(body=b"hello"), Sent()),
                    closes=False,
                ),
            ),
        )
    for name, field in {"upper case": b"EXPECT: 100-CONTINUE", "blanks": b"Expect:  100-continue  "}.items():
        yield Row(f"FRM-32 {name}", (request(field, FIVE, method=b"POST"), Answers(1), b"hello"), one)
    yield Row("FRM-32 put", (request(EXPECT, FIVE, method=b"PUT"), Answers(1), b"hello"), one)
    yield Row("FRM-32 no body", request(EXPECT), forwarded(Sent(method=b"GET", body=b"")))
    yield Row(
        "FRM-32 a length of nought",
        request(EXPECT, b"Content-Length: 0", method=b"POST"),
        forwarded(Sent(body=b"")),
    )
    old = request(EXPECT, FIVE, method=b"POST", version=b"HTTP/1.0", body=b"hello")
    yield Row("FRM-32 in 1.0", old, forwarded(Sent(body=b"hello"), closes=True))
    first = request(FIVE, method=b"POST", body=b"hello")
    waits = (first + request(EXPECT, FIVE, method=b"POST", target=PATH + b"/2"), Answers(2), b"hello")
    yield Row(
        "FRM-32 on the second request",
        waits,
        Expectation(
            answers=(answered(200), answered(200, interim=(100,))),
            requests=(Sent(), Sent(body=b"hello")),
            closes=False,
        ),
    )
    yield Row(
        "FRM-32 the upstream says 100, and 200 later",
        (request(EXPECT, FIVE, method=b"POST"), Answers(1), b"hello"),
        one,
        replies=reply(b"HTTP/1.1 100 Continue\r\n\r\n", Pause(0.3), OK, when=When.HEAD),
    )
    large = request(EXPECT, b"Content-Length: 1000000000", method=b"POST")
    yield Row("FRM-33 too long", large, refused(413))
    yield Row("FRM-33 too long, and sent", large + b"x" * 100_000, refused(413))
    yield Row("FRM-33 both framings", request(EXPECT, FIVE, CHUNKED, method=b"POST"), refused(400))
    yield Row("FRM-33 trace", request(EXPECT, FIVE, method=b"TRACE"), refused(400, 405))
    yield Row("FRM-33 bad host", request(EXPECT, FIVE, method=b"POST", host=b"Host: a b"), refused(400))
    yield Row("FRM-33 bad path", request(EXPECT, FIVE, method=b"POST", target=PATH + b"/%00"), refused(400))
    for name, value in UNMET.items():
        send = request(b"Expect: " + value, FIVE, method=b"POST", body=b"hello")
        yield Row(f"FRM-34 {name}", send, declined(417), choice=True)
        yield Row(f"FRM-34 {name} get", request(b"Expect: " + value), declined(417), choice=True)
    empty = request(b"Expect:", FIVE, method=b"POST", body=b"hello")
    yield Row("FRM-34 empty", empty, (declined(417), none), choice=True)
    twice = request(EXPECT, EXPECT, FIVE, method=b"POST", body=b"hello")
    yield Row("FRM-34 twice", twice, (declined(417), none, one))
    yield from _final()


def _final() -> Iterator[Row]:
    """The upstream answers before the body, and does not want it."""
    early = reply(UNAUTHORIZED, when=When.HEAD)
    unwanted = Expectation(
        answers=(answered(401, body=b"no"),), requests=(Sent(cut=True, body=b""),), closes=True
    )
    for name, fields in {"length": FIVE, "chunked": CHUNKED, "long": b"Content-Length: 100000"}.items():
        send = request(EXPECT, fields, method=b"POST")
        yield Row(f"FRM-35 {name}", (send, Answers(1)), unwanted, replies=early)
    steps = (request(EXPECT, FIVE, method=b"POST"), Heads(1), Pause(0.3), b"hello")
    late = Expectation(answers=(answered(401, interim=None, body=b"no"),), requests=None)
    yield Row("FRM-35 and sent all the same", steps, late, replies=early)
    ended = reply(UNAUTHORIZED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), when=When.HEAD)
    yield Row(
        "FRM-35 and closes", (request(EXPECT, FIVE, method=b"POST"), Answers(1)), unwanted, replies=ended
    )
    met = reply(b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n", when=When.HEAD)
    refusal = Expectation(answers=(answered(417),), requests=(Sent(cut=True, body=b""),), closes=True)
    yield Row("FRM-35 417", (request(EXPECT, FIVE, method=b"POST"), Answers(1)), refusal, replies=met)

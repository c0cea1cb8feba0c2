"""UPS-20, UPS-21 and UPS-24: what is right arrives as it was sent, and when it was sent."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import End, Expectation, Heads, Pause, Row, Sent, answered, reply
from tests.wire.rows.parts import CHUNKED, PATH, chunks, request
from tests.wire.rows.upstream.answers import (
    LATER,
    OK,
    answer,
    both_ways,
    closed,
    in_chunks,
    told,
)


BODIES: Final[Mapping[str, bytes]] = {
    "nothing": b"",
    "a byte": b"x",
    "a nul": b"\x00",
    "a line end": b"\r\n",
    "blank lines": b"\r\n\r\n\r\n\r\n",
    "every byte": bytes(range(256)) * 4,
    "what looks like an answer": OK,
    "what looks like a last chunk": b"0\r\n\r\n",
    "what looks like a request": b"GET / HTTP/1.1\r\n\r\n",
    "utf-8 that is cut": "\u2603".encode()[:2],
    "64 KiB": b"x" * 65_536,
    "64 KiB and a byte": b"x" * 65_537,
    "256 KiB": b"y" * 262_144,
    "1 MiB": bytes(range(256)) * 4_096,
}

STATUSES: Final = (
    *(200, 201, 202, 203, 206, 207, 208, 226, 299),
    *(300, 301, 302, 303, 305, 306, 307, 308, 399),
    *(
        400,
        401,
        402,
        403,
        404,
        405,
        406,
        407,
        408,
        409,
        410,
        411,
        412,
        413,
        414,
        415,
        416,
        417,
        418,
        421,
        422,
        423,
    ),
    *(424, 425, 426, 428, 429, 431, 451, 499),
    *(500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511, 520, 599),
)


def rows() -> Iterator[Row]:
    """UPS-20, UPS-21, UPS-24."""
    yield from _framing()
    yield from _statuses()
    yield from _streams()
    yield from _pieces()


def _framing() -> Iterator[Row]:
    """A length stays a length, chunks stay chunks, and there is never more than one of them."""
    for name, body in BODIES.items():
        size = b"Content-Length: %d" % len(body)
        kept = answered(200, body=body, fields={b"content-length": size[16:]}, absent=(b"transfer-encoding",))
        by_length = Expectation(answers=(kept,), requests=(Sent(),), closes=False)
        by_chunks = Expectation(answers=(in_chunks(body),), requests=(Sent(),), closes=False)
        old = Expectation(
            answers=(answered(200, body=body, absent=(b"transfer-encoding",)),), requests=(Sent(),)
        )
        for place, steps in both_ways(answer(size), body):
            if place and not body:
                continue
            yield Row(f"UPS-24 length {name}{place}", request(), by_length, replies=reply(*steps))
            yield Row(
                f"UPS-24 length {name}{place}, to 1.0",
                request(version=b"HTTP/1.0"),
                attrs.evolve(old, answers=(kept,)),
                replies=reply(*steps),
            )
        for place, steps in both_ways(answer(CHUNKED), chunks(*([body] if body else []))):
            yield Row(f"UPS-24 chunks {name}{place}", request(), by_chunks, replies=reply(*steps))
            yield Row(
                f"UPS-24 chunks {name}{place}, to 1.0",
                request(version=b"HTTP/1.0"),
                old,
                replies=reply(*steps),
            )
    alive = request(b"Connection: keep-alive", version=b"HTTP/1.0")
    two = alive + alive.replace(b"/RUN00000", b"/RUN00000/next")
    both = Expectation(answers=(answered(200, body=b"ok"), answered(200)), requests=(Sent(), Sent()))
    yield Row("UPS-24 length, twice to 1.0", two, both, replies=reply(OK))
    first = Expectation(answers=(answered(200, body=b"ok"),), requests=(Sent(),), closes=True)
    in_pieces = reply(answer(CHUNKED), LATER, chunks(b"ok"))
    # it ends with the connection, so that what is behind it has no answer
    yield Row("UPS-24 chunks, twice to 1.0", two, (first, both), replies=in_pieces)


def _statuses() -> Iterator[Row]:
    for status in STATUSES:
        data = told(b"ok", line=b"HTTP/1.1 %d Said" % status)
        expect = Expectation(answers=(answered(status, body=b"ok"),), requests=(Sent(),), closes=False)
        yield Row(f"UPS-24 status {status}", request(), expect, replies=reply(data))
    for status in (200, 404, 500, 503):
        data = answer(CHUNKED, line=b"HTTP/1.1 %d " % status, body=chunks(b"ok"))
        expect = Expectation(answers=(answered(status, body=b"ok"),), requests=(Sent(),), closes=False)
        yield Row(f"UPS-24 status {status} in chunks", request(), expect, replies=reply(data))
        closes = closed(answer(line=b"HTTP/1.0 %d Said" % status, body=b"ok"))
        yield Row(f"UPS-24 status {status} until the end of 1.0", request(), expect, replies=closes)


def _streams() -> Iterator[Row]:
    """What has come goes on at once: a client that half-closes, and is cut off for it, has it by then."""
    event = b"data: 1\n\n"
    send = (request(), Heads(1), Pause(0.4), End.HALF)
    for name, head, first in (
        (
            "events in chunks",
            answer(b"Content-Type: text/event-stream", CHUNKED),
            b"%x\r\n%b\r\n" % (len(event), event),
        ),
        ("events until the end", answer(b"Content-Type: text/event-stream"), event),
        (
            "text in chunks",
            answer(b"Content-Type: text/plain", CHUNKED),
            b"%x\r\n%b\r\n" % (len(event), event),
        ),
        ("a length", answer(b"Content-Length: 100"), event),
        ("gzip in chunks", answer(b"Content-Encoding: gzip", CHUNKED), b"%x\r\n%b\r\n" % (len(event), event)),
        ("a type that nobody knows", answer(CHUNKED), b"%x\r\n%b\r\n" % (len(event), event)),
        ("a small length", answer(b"Content-Length: 10"), event),
    ):
        one = answered(200, body=event, cut=True)
        expect = Expectation(answers=(one,), requests=(Sent(cut=True),), ends=True, within=1.2)
        for place, steps in both_ways(head, first):
            stream = reply(*steps, Pause(10.0))
            yield Row(f"UPS-21 first of {name}{place}", send, expect, replies=stream, profile="aborting")
        seen = answered(200, body=b"", cut=True)
        silent = reply(head, Pause(10.0))
        expect = Expectation(answers=(seen,), requests=(Sent(cut=True),), ends=True, within=1.2)
        # the head goes on as soon as it is there, too
        yield Row(f"UPS-21 head of {name}", send, expect, replies=silent, profile="aborting")
    drops = tuple(step for n in range(20) for step in (b"9\r\ndata: %d\n\n\r\n" % (n % 10), Pause(0.03)))
    body = b"".join(b"data: %d\n\n" % (n % 10) for n in range(20))
    head = answer(b"Content-Type: text/event-stream", CHUNKED)
    expect = Expectation(answers=(in_chunks(body),), requests=(Sent(),), closes=False)
    yield Row("UPS-21 twenty events", request(), expect, replies=reply(head, *drops, b"0\r\n\r\n"))
    large = 48 << 20
    long = reply(answer(b"Content-Length: %d" % large), *([b"x" * (4 << 20)] * 12))
    whole = Expectation(answers=(answered(200, length=large),), requests=(Sent(),), closes=False)
    yield Row("UPS-20 48 MiB", request(), whole, replies=long, alone=True, grows=10 << 20, patience=20.0)
    in_parts = reply(answer(CHUNKED), *([chunks(b"x" * (4 << 20))[:-5]] * 12), b"0\r\n\r\n")
    yield Row(
        "UPS-20 48 MiB in chunks",
        request(),
        whole,
        replies=in_parts,
        alone=True,
        grows=10 << 20,
        patience=20.0,
    )


def _pieces() -> Iterator[Row]:
    """However the bytes of an answer are cut: one request for each position."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    for name, data, one, method in (
        ("length", told(b"hello"), answered(200, body=b"hello"), b"GET"),
        ("chunks", answer(CHUNKED, body=chunks(b"he", b"llo")), in_chunks(b"hello"), b"GET"),
        (
            "trailers",
            answer(CHUNKED, body=b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
            in_chunks(b"hello"),
            b"GET",
        ),
        ("nothing", told(b""), answered(200, body=b""), b"GET"),
        ("204", answer(line=b"HTTP/1.1 204 No Content"), answered(204, body=b""), b"GET"),
        ("HEAD", answer(b"Content-Length: 5"), answered(200, body=b""), b"HEAD"),
        ("an interim answer", hints + told(b"hello"), answered(200, body=b"hello", interim=(103,)), b"GET"),
    ):
        count = len(data) - 1
        send = b"".join(request(method=method, target=PATH + b"/%d" % at) for at in range(1, len(data)))
        expect = Expectation(answers=(one,) * count, requests=(Sent(),) * count, closes=False)
        replies = tuple(reply(data[:at], Pause(0.005), data[at:]) for at in range(1, len(data)))
        to_head = tuple(range(count)) if method == b"HEAD" else ()
        yield Row(
            f"UPS-24 cut everywhere: {name}", send, expect, replies=replies, to_head=to_head, patience=10.0
        )
        drops = reply(*(step for at in range(len(data)) for step in (data[at : at + 1], Pause(0.002))))
        expect = Expectation(answers=(one,), requests=(Sent(),), closes=False)
        yield Row(
            f"UPS-24 byte by byte: {name}", request(method=method), expect, replies=drops, to_head=to_head[:1]
        )

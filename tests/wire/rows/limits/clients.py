"""LIM-08 to LIM-10, LIM-16: how many clients there may be, and how much each may ask."""

from collections.abc import Iterator

from tests.wire.row import Answers, Crowd, Expectation, Row, Sent, answered, declined, forwarded, refused
from tests.wire.rows.parts import BEHIND, CHUNKED, PATH, chunks, request


IDLE = 12 << 10
"""Bytes that an idle connection may take."""


def rows() -> Iterator[Row]:
    """LIM-08 to LIM-10, LIM-16."""
    yield from _connections()
    yield from _requests()
    yield from _flights()


def _connections() -> Iterator[Row]:
    turned_away = (refused(503), Expectation(answers=(), ends=True))
    for name, profile in {"of one address": "narrow", "in total": "full"}.items():
        for crowd in (1, 3):
            send, expect = request(), forwarded(Sent())
            yield Row(
                f"LIM-08 {crowd + 1} {name}", send, expect, profile=profile, alone=True, crowd=Crowd(crowd)
            )
        for what, send in {
            "request": request(),
            "body": request(b"Content-Length: 5", method=b"POST", body=b"hello"),
            "half a head": b"GET /RUN00000 HT",
            "no HTTP": b"\x16\x03\x01",
        }.items():
            yield Row(
                f"LIM-08 too many {name}, {what}", send, turned_away,
                profile=profile, alone=True, crowd=Crowd(4), house=False,
            )  # fmt: skip
    yield Row(
        "LIM-10 900 idle connections",
        request(),
        forwarded(Sent()),
        alone=True,
        crowd=Crowd(900),
        grows=900 * IDLE,
    )


def _requests() -> Iterator[Row]:
    def get(number: int) -> bytes:
        return request(target=PATH + b"/%d" % number)

    def served(count: int) -> Expectation:
        return forwarded(*(Sent(target=PATH + b"/%d" % number) for number in range(count)), closes=True)

    for sent in (3, 4, 10):
        send = b"".join(map(get, range(sent)))
        yield Row(f"LIM-09 {sent} of 3 at once", send, served(3), profile="small")
    steps = (get(0), Answers(1), get(1), Answers(2), get(2))
    yield Row("LIM-09 3 of 3, one after the other", steps, served(3), profile="small")
    steps = (get(0), Answers(1), get(1), Answers(2), get(2) + get(3))
    yield Row("LIM-09 4 of 3, the last two at once", steps, served(3), profile="small")
    post = request(CHUNKED, method=b"POST", body=chunks(b"hello"), target=PATH + b"/2")
    yield Row("LIM-09 the third has a body", get(0) + get(1) + post + BEHIND, served(3), profile="small")
    head = request(method=b"HEAD", target=PATH + b"/2")
    yield Row(
        "LIM-09 the third is HEAD", get(0) + get(1) + head + BEHIND, served(3), profile="small", to_head=(2,)
    )
    refusal = request(target=PATH + b"/%zz")
    expect = Expectation(
        answers=(answered(200), answered(200), answered(400)), requests=(Sent(), Sent()), closes=True
    )
    yield Row("LIM-09 the third is refused", get(0) + get(1) + refusal + BEHIND, expect, profile="small")
    yield Row("LIM-09 2 of 3", get(0) + get(1), forwarded(Sent(), Sent()), profile="small")


def _flights() -> Iterator[Row]:
    def shed(within: float) -> Expectation:
        return Expectation(answers=(answered(503, present=(b"retry-after",)),), closes=True, within=within)

    last = b"Connection: close"  # another request would find no place either
    for name, send in {
        "get": request(last),
        "length": request(last, b"Content-Length: 5", method=b"POST", body=b"hello"),
        "chunked": request(last, CHUNKED, method=b"POST", body=chunks(b"hello")),
        "expected": request(last, b"Expect: 100-continue", b"Content-Length: 5", method=b"POST"),
    }.items():
        yield Row(
            f"LIM-16 no place, {name}", send, shed(0.5), profile="busy", alone=True, crowd=Crowd(2, busy=1.0)
        )
        yield Row(
            f"LIM-16 no place in time, {name}",
            send,
            shed(1.0),
            profile="queueing",
            alone=True,
            crowd=Crowd(2, busy=1.5),
        )
    for name, profile, crowd in (
        ("a place", "busy", Crowd(1, busy=1.0)),
        ("a place in time", "queueing", Crowd(2, busy=0.15)),
        ("a place behind others", "busy", Crowd(2)),
    ):
        yield Row(f"LIM-16 {name}", request(), forwarded(Sent()), profile=profile, alone=True, crowd=crowd)
    yield Row(
        "LIM-16 no place, a bad request",
        request(b"Bad Name: 1"),
        refused(400),
        profile="busy",
        alone=True,
        crowd=Crowd(2, busy=1.0),
    )
    yield Row(
        "LIM-16 no place, a bad target",
        request(target=PATH + b"/%zz"),
        declined(400),
        profile="busy",
        alone=True,
        crowd=Crowd(2, busy=1.0),
    )

"""LIM-06 and LIM-07: clients that take their time."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tests.wire.row import (
    Answers,
    Expectation,
    Pause,
    Row,
    Sent,
    Step,
    answered,
    broken,
    forwarded,
    hung_up,
    refused,
)
from tests.wire.rows.parts import BEHIND, CHUNKED, PATH, request


EXPECT: Final = b"Expect: 100-continue"
LATE: Final = 2.5
"""Seconds after which what may take one must be over."""

_GET: Final = request(b"X-Two: 2")
PARTS: Final[Mapping[str, bytes]] = {
    "one byte": b"G",
    "method": b"GET",
    "method and a blank": b"GET ",
    "half the target": b"GET /RUN0",
    "target": b"GET /RUN00000",
    "half the version": b"GET /RUN00000 HTTP/1",
    "version": b"GET /RUN00000 HTTP/1.1",
    "version and cr": b"GET /RUN00000 HTTP/1.1\r",
    "first line": b"GET /RUN00000 HTTP/1.1\r\n",
    "half a name": b"GET /RUN00000 HTTP/1.1\r\nHo",
    "name": b"GET /RUN00000 HTTP/1.1\r\nHost",
    "colon": b"GET /RUN00000 HTTP/1.1\r\nHost:",
    "half a value": b"GET /RUN00000 HTTP/1.1\r\nHost: exam",
    "value and cr": b"GET /RUN00000 HTTP/1.1\r\nHost: example.test\r",
    "field": b"GET /RUN00000 HTTP/1.1\r\nHost: example.test\r\n",
    "all but cr lf": _GET[:-2],
    "all but lf": _GET[:-1],
    "blank line": b"\r\n",
    "blank line and a byte": b"\r\nG",
    "half a cr lf": b"\r",
}

BODIES: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "length, nothing": (b"Content-Length: 10", b""),
    "length, half": (b"Content-Length: 10", b"hello"),
    "length, all but one": (b"Content-Length: 10", b"hello wor"),
    "chunked, nothing": (CHUNKED, b""),
    "chunked, half a size": (CHUNKED, b"1"),
    "chunked, size": (CHUNKED, b"5"),
    "chunked, size and cr": (CHUNKED, b"5\r"),
    "chunked, size line": (CHUNKED, b"5\r\n"),
    "chunked, half an extension": (CHUNKED, b"5;a="),
    "chunked, half the data": (CHUNKED, b"5\r\nhe"),
    "chunked, data": (CHUNKED, b"5\r\nhello"),
    "chunked, data and cr": (CHUNKED, b"5\r\nhello\r"),
    "chunked, one chunk": (CHUNKED, b"5\r\nhello\r\n"),
    "chunked, last size": (CHUNKED, b"5\r\nhello\r\n0"),
    "chunked, last size line": (CHUNKED, b"5\r\nhello\r\n0\r\n"),
    "chunked, half a trailer": (CHUNKED, b"5\r\nhello\r\n0\r\nX-Su"),
    "chunked, trailer": (CHUNKED, b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n"),
    "chunked, last cr": (CHUNKED, b"5\r\nhello\r\n0\r\n\r"),
}


def rows() -> Iterator[Row]:
    """LIM-06 and LIM-07."""
    yield from _heads()
    yield from _bodies()


def _given_up(within: float) -> tuple[Expectation, ...]:
    return refused(408, within=within), hung_up(within=within)


def _dripped(data: bytes, every: float, size: int = 1) -> tuple[Step, ...]:
    pieces = [data[start : start + size] for start in range(0, len(data), size)]
    return tuple(step for piece in pieces for step in (piece, Pause(every)))


def _heads() -> Iterator[Row]:
    for name, part in PARTS.items():
        yield Row(f"LIM-06 {name}", part, _given_up(LATE), profile="impatient", patience=4.0)
        again: Sequence[Step] = (request() + part,)
        ended = (
            refused(408, behind=1, within=LATE + 1),
            Expectation(answers=(answered(200),), requests=(Sent(),), ends=True, within=LATE + 1),
        )
        yield Row(f"LIM-06 {name} of a second request", again, ended, profile="impatient", patience=4.0)
    idle = Expectation(answers=(answered(200),), requests=(Sent(),), ends=True, within=LATE)
    yield Row("LIM-06 nothing", (Pause(0.0),), _given_up(LATE), profile="impatient", patience=4.0)
    yield Row(
        "LIM-06 nothing behind an answer", (request(), Answers(1), Pause(3.0)), idle, profile="impatient"
    )
    post = request(b"Content-Length: 5", method=b"POST", body=b"hello")
    yield Row("LIM-06 nothing behind a body", (post, Answers(1), Pause(3.0)), idle, profile="impatient")
    for name, data, every, size in (
        ("byte by byte", _GET, 0.1, 1),
        ("ten bytes at a time", request(b"X-Two: " + b"v" * 500), 0.1, 10),
        ("field by field", request(*(b"X-%02d: 12345" % number for number in range(60))), 0.15, 13),
        ("byte by byte, fast", request(b"X-Two: " + b"v" * 2000), 0.01, 1),
    ):
        yield Row(
            f"LIM-06 {name}", _dripped(data, every, size), _given_up(LATE), profile="impatient", patience=4.0
        )
    slow = (
        request(),
        Answers(1),
        Pause(0.6),
        request(target=PATH + b"/2"),
        Answers(2),
        Pause(0.6),
        request(target=PATH + b"/3"),
    )
    yield Row("LIM-06 in time, three times", slow, forwarded(Sent(), Sent(), Sent()), profile="impatient")
    half = len(_GET) // 2
    yield Row(
        "LIM-06 in two halves, in time",
        (_GET[:half], Pause(0.5), _GET[half:]),
        forwarded(Sent()),
        profile="impatient",
    )


def _bodies() -> Iterator[Row]:
    for name, (field, body) in BODIES.items():
        send = request(field, method=b"POST", body=body)
        timed = broken(408)
        yield Row(f"LIM-07 {name}", send, timed, profile="impatient", patience=4.0)
        early = (
            (request(field, method=b"POST"), Pause(0.2), body) if body else (request(field, method=b"PUT"),)
        )
        yield Row(f"LIM-07 {name}, later than the head", early, timed, profile="impatient", patience=4.0)
    for name, field in {"length": b"Content-Length: 5", "chunked": CHUNKED}.items():
        waits = tuple(
            Expectation(answers=(answered(408, interim=(100,)),), requests=requests, closes=True, within=LATE)
            for requests in ((), (Sent(cut=True),))
        )
        send = request(EXPECT, field, method=b"POST")
        yield Row(f"LIM-07 expected, {name}", send, waits, profile="impatient", patience=4.0)
    fine = (request(b"Content-Length: 5", method=b"POST"), *_dripped(b"hello", 0.4))
    yield Row("LIM-07 slow, but in time", fine, forwarded(Sent(body=b"hello")), profile="impatient")
    drip = (request(CHUNKED, method=b"POST"), *_dripped(b"1;" + b"a" * 20, 0.2))
    yield Row("LIM-07 an extension byte by byte", drip, broken(408), profile="impatient")
    second = (request(), Answers(1), request(b"Content-Length: 10", method=b"POST", body=b"hello"))
    yield Row("LIM-07 of a second request", second, broken(408, behind=1), profile="impatient", patience=4.0)
    yield from _rates()


def _rates() -> Iterator[Row]:
    """A hundred bytes a second are asked for, over ten seconds of waiting."""
    head = request(b"Content-Length: 100000", method=b"POST")
    chunked = request(CHUNKED, method=b"POST")
    slow = broken(408)
    for name, start, data, every, size in (
        ("a byte every half second", head, b"x" * 40, 0.5, 1),
        ("ten bytes a second", head, b"x" * 160, 0.5, 5),
        ("eighty bytes a second", head, b"x" * 1280, 0.25, 20),
        ("a chunk every half second", chunked, b"1\r\nx\r\n" * 40, 0.5, 6),
        ("a byte of a chunk every half second", chunked, b"64\r\n" + b"x" * 40, 0.5, 1),
    ):
        steps = (start, *_dripped(data, every, size), Pause(3.0))
        yield Row(f"LIM-07 {name}", steps, slow, patience=15.0)
    enough = b"x" * 4600
    send = (request(b"Content-Length: 4600", method=b"POST"), *_dripped(enough, 0.25, 100))
    yield Row("LIM-07 four hundred bytes a second", send, forwarded(Sent(body=enough)), patience=15.0)
    burst = (
        request(b"Content-Length: 20001", method=b"POST", body=b"x" * 20_000),
        *_dripped(b"x", 8.0),
        BEHIND,
    )
    yield Row(
        "LIM-07 much at once, the last byte late",
        (burst[0], Pause(8.0), b"x" + BEHIND),
        forwarded(Sent(length=20_001), Sent()),
        patience=15.0,
    )

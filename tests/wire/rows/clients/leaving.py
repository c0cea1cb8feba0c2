"""CLI-03, CLI-04 and CLI-07: clients that go, in whatever they are: the instance is let go, too.

A client that has gone with a FIN looks like one that half-closes: it is given a second more.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import (
    SILENCE,
    Answers,
    Crowd,
    End,
    Expectation,
    Heads,
    Pause,
    Reply,
    Row,
    Sent,
    Step,
    When,
    answered,
    reply,
)
from tests.wire.rows.parts import BEHIND, CHUNKED, PATH, chunks, request
from tests.wire.rows.upstream.answers import HOLD, OK, answer


ENDS: Final[Mapping[str, End]] = {"fin": End.FIN, "reset": End.RST, "half-closed": End.HALF}
PATIENCE: Final = 1.6
MOMENT: Final = Heads(1_000)
"""Never comes: what is done until the row's patience is over is that the gateway's second passes."""
EXPECT: Final = b"Expect: 100-continue"

WAITING: Final[Mapping[str, bytes]] = {
    "get": request(),
    "head": request(method=b"HEAD"),
    "post": request(b"Content-Length: 5", method=b"POST", body=b"hello"),
    "post in chunks": request(CHUNKED, method=b"POST", body=chunks(b"hello")),
    "put": request(b"Content-Length: 5", method=b"PUT", body=b"hello"),
    "the first of two": request() + BEHIND,
    "with half a request behind it": request() + BEHIND[:20],
    "1.0": request(version=b"HTTP/1.0"),
    "last": request(b"Connection: close"),
}

UPLOADS: Final[Mapping[str, tuple[Step, ...]]] = {
    "a length": (request(b"Content-Length: 10", method=b"POST", body=b"hello"),),
    "a length, nothing of it": (request(b"Content-Length: 10", method=b"POST"),),
    "a length, all but a byte": (request(b"Content-Length: 10", method=b"POST", body=b"helloworl"),),
    "chunks": (request(CHUNKED, method=b"POST", body=chunks(b"hello")[:-5]),),
    "a chunk": (request(CHUNKED, method=b"POST", body=b"5\r\nhe"),),
    "a size": (request(CHUNKED, method=b"POST", body=b"5"),),
    "the last chunk": (request(CHUNKED, method=b"POST", body=chunks(b"hello")[:-2]),),
    "the line end at the end": (request(CHUNKED, method=b"POST", body=chunks(b"hello")[:-1]),),
    "trailers": (request(CHUNKED, method=b"POST", body=b"5\r\nhello\r\n0\r\nX-Su"),),
    "1 MB": (request(b"Content-Length: 2000000", method=b"POST", body=b"x" * 1_000_000),),
    "a put": (request(b"Content-Length: 100000", method=b"PUT", body=b"hello"),),
}

DOWNLOADS: Final[Mapping[str, Reply]] = {
    "a length": reply(answer(b"Content-Length: 100") + b"hello", HOLD),
    "a length, nothing of it": reply(answer(b"Content-Length: 100"), HOLD),
    "chunks": reply(answer(CHUNKED) + b"5\r\nhello\r\n", HOLD),
    "a chunk": reply(answer(CHUNKED) + b"50\r\nhello", HOLD),
    "the last chunk": reply(answer(CHUNKED) + b"5\r\nhello\r\n0\r\n", HOLD),
    "what ends with the connection": reply(answer() + b"hello", HOLD),
    "events": reply(answer(b"Content-Type: text/event-stream", CHUNKED) + b"5\r\nhello\r\n", HOLD),
    "a head": reply(b"HTTP/1.1 200 OK\r\nX-Two", HOLD),
}


def rows() -> Iterator[Row]:
    """CLI-03, CLI-04, CLI-07."""
    yield from _waiting()
    yield from _uploading()
    yield from _downloading()
    yield from _between()


def _left(*, ends: bool) -> tuple[Expectation, ...]:
    """Nothing was answered; the instance has been let go. Who has only half-closed sees the end, and perhaps why."""
    gone = Expectation(answers=(), requests=(Sent(cut=True),), ends=ends)
    told = Expectation(answers=(answered(400, 408, 499, 504),), requests=(Sent(cut=True),), ends=True)
    return (gone, told) if ends else (gone,)


def _waiting() -> Iterator[Row]:
    for name, send in WAITING.items():
        to_head = (0,) if name == "head" else ()
        for kind, end in ENDS.items():
            expect = _left(ends=end is End.HALF)
            steps: tuple[Step, ...] = (send, Heads(1), Pause(0.05), end, MOMENT)
            yield Row(
                f"CLI-03 {kind} while {name} waits", steps, expect,
                replies=SILENCE, patience=PATIENCE, to_head=to_head, choice=end is not End.RST,
            )  # fmt: skip
    # where half-closed clients are not waited for, all ends are alike
    for kind, end in ENDS.items():
        expect = _left(ends=end is End.HALF)
        steps = (request(), Heads(1), Pause(0.05), end)
        yield Row(
            f"CLI-03 {kind} while get waits, aborting", steps, expect, replies=SILENCE, profile="aborting"
        )
    waits = (request(), Heads(1), Pause(0.05), End.RST)
    yield Row(
        "CLI-03 reset while get waits, waiting", waits, _left(ends=False), replies=SILENCE, profile="waiting"
    )
    # RST behind FIN: then it is known at once
    by_name = (request(target=b"/named" + PATH), Heads(1), End.RST)
    yield Row(
        "CLI-03 reset while an instance known by name thinks", by_name, _left(ends=False), replies=SILENCE
    )
    many = b"".join(request(target=PATH + b"/%d" % n) for n in range(100))
    steps = (many, Heads(1), Pause(0.05), End.RST)
    yield Row("CLI-03 reset while a hundred wait", steps, _left(ends=False), replies=SILENCE)
    quiet = Crowd(8, busy=1.0)
    yield Row("CLI-03 reset while others wait, too", waits, _left(ends=False), replies=SILENCE, crowd=quiet)


def _uploading() -> Iterator[Row]:
    for name, send in UPLOADS.items():
        for kind, end in ENDS.items():
            expect = _left(ends=end is End.HALF)
            yield Row(
                f"CLI-04 {kind} inside {name}", (*send, Heads(1), Pause(0.05), end), expect, replies=SILENCE
            )
    for kind, end in ENDS.items():
        for name, framing in {"a length": b"Content-Length: 10", "chunks": CHUNKED}.items():
            # whoever waits to hear that the body is wanted may have gone before
            asks = request(EXPECT, framing, method=b"POST")
            steps: tuple[Step, ...] = (asks, Heads(1), end)
            expect = _left(ends=end is End.HALF)
            yield Row(f"CLI-04 {kind} instead of {name} that is waited for", steps, expect, replies=SILENCE)
        # an answer is under way as well
        early = reply(answer(b"Content-Length: 100") + b"hello", HOLD, when=When.HEAD)
        steps = (*UPLOADS["a length"], Heads(1), Pause(0.2), end, MOMENT)
        seen = _cut(ends=end is End.HALF)
        yield Row(
            f"CLI-04 {kind} inside a length and its answer", steps, seen, replies=early, patience=PATIENCE
        )


def _cut(*, ends: bool) -> Expectation:
    """What had been answered until then, and the instance has been let go."""
    return Expectation(answers=(answered(200, cut=True),), requests=(Sent(cut=True),), ends=ends)


def _downloading() -> Iterator[Row]:
    for name, answers in DOWNLOADS.items():
        for kind, end in ENDS.items():
            steps = (request(), Heads(1), Pause(0.2), end, MOMENT)
            ends = end is End.HALF
            expect = _left(ends=ends) if name == "a head" else _cut(ends=ends)
            yield Row(
                f"CLI-04 {kind} inside the answer: {name}", steps, expect, replies=answers, patience=PATIENCE
            )
    flood = tuple(step for _ in range(200) for step in (b"x" * 10_000, Pause(0.02)))
    endless = reply(answer(), *flood)
    parts = (b"x" * 1_000_000, Pause(0.001)) * 150
    lump = reply(answer(b"Content-Length: 150000000"), *parts)
    for kind, end in {"fin": End.FIN, "reset": End.RST}.items():
        # who writes to a client that has closed hears of it
        steps = (request(), Heads(1), Pause(0.2), end, MOMENT)
        for name, answers in {"what never ends": endless, "150 MB": lump}.items():
            expect = _cut(ends=False)
            yield Row(
                f"CLI-04 {kind} inside {name}",
                steps,
                expect,
                replies=answers,
                patience=0.4,
                alone=name == "150 MB",
            )


def _between() -> Iterator[Row]:
    """Between two requests, and inside the second head: nobody is told anything."""
    for kind, end in ENDS.items():
        for name, more in {
            "behind an answer": b"",
            "inside the next head": b"GET /RUN00000/ne",
            "inside a field of the next head": request(target=PATH + b"/next")[:-12],
            "before the end of the next head": request(target=PATH + b"/next")[:-1],
            "behind a blank line": b"\r\n",
        }.items():
            first = answered(200, body=b"ok")
            gone = Expectation(answers=(first,), requests=(Sent(),), ends=end is End.HALF)
            told = Expectation(answers=(first, answered(400, 408)), requests=(Sent(),), ends=True)
            steps = (request(), Answers(1), *((more, Pause(0.05)) if more else ()), end)
            yield Row(
                f"CLI-07 {kind} {name}", steps, (gone, told) if end is End.HALF else gone, replies=reply(OK)
            )
    crowd = Crowd(20)
    steps = (request(), Answers(1), End.RST)
    gone = Expectation(answers=(answered(200),), requests=(Sent(),))
    yield Row("CLI-07 reset among twenty", steps, gone, replies=reply(OK), crowd=crowd)

"""CLI-17: `Expect: 100-continue`, whoever waits for whom; FRM-32 to FRM-35 have the simple cases."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import (
    Answers,
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
from tests.wire.rows.upstream.answers import HOLD, LATER, OK, answer, told


EXPECT: Final = b"Expect: 100-continue"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
HINTS: Final = b"HTTP/1.1 103 Early Hints\r\n\r\n"
NO: Final = told(b"no", line=b"HTTP/1.1 401 Unauthorized")
FAILED: Final = told(b"", line=b"HTTP/1.1 417 Expectation Failed")

FRAMINGS: Final[Mapping[str, tuple[bytes, tuple[bytes, ...]]]] = {
    "length": (b"Content-Length: 5", (b"he", b"llo")),
    "chunks": (CHUNKED, (b"2\r\nhe\r\n", b"3\r\nllo\r\n0\r\n\r\n")),
}

WILLING: Final[Mapping[str, Reply]] = {
    # an instance that takes the body, and answers when it has it
    "says nothing": reply(OK),
    "100 at once": reply(CONTINUE, Pause(0.5), OK, when=When.HEAD),
    "100 soon": reply(Pause(0.05), CONTINUE, Pause(0.5), OK, when=When.HEAD),
    "100 too late": reply(Pause(0.3), CONTINUE, Pause(0.3), OK, when=When.HEAD),
    "100 with the answer": reply(CONTINUE + OK),
    "100 behind the body": reply(CONTINUE, LATER, OK),
    "100 twice": reply(CONTINUE * 2, Pause(0.5), OK, when=When.HEAD),
    "100 in pieces": reply(CONTINUE[:12], LATER, CONTINUE[12:], Pause(0.5), OK, when=When.HEAD),
    "100 with a field": reply(CONTINUE[:-2] + b"X-Two: 2\r\n\r\n", Pause(0.5), OK, when=When.HEAD),
}

UNWILLING: Final[Mapping[str, tuple[Reply, int]]] = {
    # one that answers without the body
    "401": (reply(NO, HOLD, when=When.HEAD), 401),
    "417": (reply(FAILED, HOLD, when=When.HEAD), 417),
    "200": (reply(told(b"no"), HOLD, when=When.HEAD), 200),
    "204": (reply(answer(line=b"HTTP/1.1 204 No Content"), HOLD, when=When.HEAD), 204),
    "413 in chunks": (
        reply(
            answer(CHUNKED, line=b"HTTP/1.1 413 Content Too Large", body=chunks(b"no")), HOLD, when=When.HEAD
        ),
        413,
    ),
    "302": (reply(told(b"", b"Location: /x", line=b"HTTP/1.1 302 Found"), HOLD, when=When.HEAD), 302),
    "500": (reply(told(b"no", line=b"HTTP/1.1 500 Internal Server Error"), HOLD, when=When.HEAD), 500),
    "401 soon": (reply(Pause(0.03), NO, HOLD, when=When.HEAD), 401),
    "401 in pieces": (reply(NO[:20], Pause(0.02), NO[20:], HOLD, when=When.HEAD), 401),
    "401 whose body comes later": (reply(NO[:-2], Pause(0.3), NO[-2:], HOLD, when=When.HEAD), 401),
}


def rows() -> Iterator[Row]:
    """CLI-17."""
    for name, (field, parts) in FRAMINGS.items():
        yield from _willing(name, field, parts)
        yield from _unwilling(name, field, parts)
        yield from _failing(name, field, parts)
    yield from _others()


def _asks(field: bytes, *, method: bytes = b"POST", target: bytes = PATH) -> bytes:
    return request(EXPECT, field, method=method, target=target)


def _taken(
    *, interim: tuple[int, ...] | None = (100,), closes: bool | None = False, **more: object
) -> Expectation:
    """All of it, once; the instance has been told to expect it, or has it with its head."""
    one = answered(200, interim=interim)
    return Expectation(answers=(one,), requests=(Sent(body=b"hello", **more),), closes=closes)  # type: ignore[arg-type]


def _willing(name: str, field: bytes, parts: tuple[bytes, ...]) -> Iterator[Row]:
    whole = b"".join(parts)
    for what, answers in WILLING.items():
        waited = _taken(
            fields={b"expect": b"100-continue"}, framing="chunked" if field == CHUNKED else "length"
        )
        yield Row(f"CLI-17 {name}, waits; {what}", (_asks(field), Answers(1), whole), waited, replies=answers)
        slow = (_asks(field), Answers(1), parts[0], Pause(0.1), parts[1])
        yield Row(f"CLI-17 {name}, waits and is slow; {what}", slow, waited, replies=answers)
        # RFC 9110 section 10.1.1: a client need not wait, and no 100 is due to one that did not
        either = attrs.evolve(waited, answers=(answered(200, interim=None),), requests=(Sent(body=b"hello"),))
        yield Row(f"CLI-17 {name}, does not wait; {what}", _asks(field) + whole, either, replies=answers)
        yield Row(
            f"CLI-17 {name}, waits for a moment; {what}",
            (_asks(field), Pause(0.05), whole),
            either,
            replies=answers,
        )
        begun = (_asks(field) + parts[0], Pause(0.1), parts[1])
        yield Row(f"CLI-17 {name}, sends half; {what}", begun, either, replies=answers)
        two = Expectation(
            answers=(answered(200, interim=None), answered(200)),
            requests=(Sent(body=b"hello"), Sent(target=PATH + b"/behind")),
            closes=False,
        )
        yield Row(
            f"CLI-17 {name}, does not wait, a request behind; {what}",
            _asks(field) + whole + BEHIND,
            two,
            replies=answers,
        )
        behind = (_asks(field), Answers(1), whole + BEHIND)
        yield Row(f"CLI-17 {name}, waits, a request behind; {what}", behind, two, replies=answers)
        old = request(EXPECT, field, method=b"POST", version=b"HTTP/1.0") if field != CHUNKED else None
        if old is not None:
            # RFC 9110 section 10.1.1: in HTTP/1.0 it says nothing
            none = Expectation(answers=(answered(200),), requests=(Sent(body=b"hello", absent=(b"expect",)),))
            yield Row(f"CLI-17 {name} in 1.0; {what}", old + whole, none, replies=answers)
            yield Row(f"CLI-17 {name} in 1.0, in parts; {what}", (old, LATER, whole), none, replies=answers)


def _unwilling(name: str, field: bytes, parts: tuple[bytes, ...]) -> Iterator[Row]:
    """The answer comes, without a 100; the body is never asked for; neither connection goes on."""
    whole = b"".join(parts)
    for what, (answers, status) in UNWILLING.items():
        one = answered(status)
        unread = Expectation(answers=(one,), requests=(Sent(body=b"", cut=True),), closes=True)
        yield Row(
            f"CLI-17 {name}, waits; {what}", (_asks(field), Answers(1)), unread, replies=answers, choice=True
        )
        # who sends it all the same has not sent another request
        yield Row(
            f"CLI-17 {name}, waits and sends it; {what}",
            (_asks(field), Answers(1), whole + BEHIND),
            unread,
            replies=answers,
            choice=True,
        )
        hidden = request(target=PATH + b"/hidden")
        yield Row(
            f"CLI-17 {name}, waits and asks on; {what}",
            (_asks(field), Answers(1), hidden),
            unread,
            replies=answers,
            choice=True,
        )
        any_end = Expectation(answers=(answered(status, interim=None),), requests=None)
        yield Row(
            f"CLI-17 {name}, sends half; {what}",
            _asks(field) + parts[0],
            attrs.evolve(any_end, closes=True),
            replies=answers,
            choice=True,
        )
    slow = reply(Pause(0.4), NO, when=When.HEAD)
    # too late to spare the client its body: it has been told to go on
    late = Expectation(answers=(answered(401, interim=(100,)),), requests=None)
    yield Row(f"CLI-17 {name}, waits; 401 too late", (_asks(field), Answers(1), whole), late, replies=slow)
    taken = reply(CONTINUE, LATER, FAILED, when=When.HEAD)
    after = Expectation(answers=(answered(417, interim=None),), requests=None)
    yield Row(f"CLI-17 {name}, waits; 100, then 417", (_asks(field), Answers(1), whole), after, replies=taken)


def _failing(name: str, field: bytes, parts: tuple[bytes, ...]) -> Iterator[Row]:
    """What is no answer is told as such, with no 100 before it where none was due."""
    whole = b"".join(parts)
    for what, steps in {
        "no http": (b"SSH-2.0-x\r\n", HOLD),
        "two lengths": (answer(b"Content-Length: 2", b"Content-Length: 3"), HOLD),
        "a switch of protocol": (
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
            HOLD,
        ),
        "a control character": (answer(b"X-Two: \x01"), HOLD),
        "a flood of 100": (CONTINUE * 1_000, HOLD),
    }.items():
        bad: tuple[Step, ...] = (_asks(field), Answers(1))
        interim = None if what == "a flood of 100" else ()
        expect = Expectation(
            answers=(answered(502, interim=interim),), requests=(Sent(cut=True),), closes=True
        )
        yield Row(
            f"CLI-17 {name}, waits; {what}", bad, expect, replies=reply(*steps, when=When.HEAD), choice=True
        )
    for what, end in {"fin": End.FIN, "reset": End.RST}.items():
        gone = Expectation(answers=(answered(502, interim=None),), requests=None)
        at_once = reply(Pause(0.03), end, when=When.HEAD)
        yield Row(f"CLI-17 {name}, waits; {what}", (_asks(field), Answers(1)), gone, replies=at_once)
        behind = reply(CONTINUE, Pause(0.05), end, when=When.HEAD)
        yield Row(
            f"CLI-17 {name}, waits; 100, then {what}", (_asks(field), Answers(1), whole), gone, replies=behind
        )
        half = reply(NO[:30], Pause(0.03), end, when=When.HEAD)
        yield Row(
            f"CLI-17 {name}, waits; half an answer, then {what}",
            (_asks(field), Answers(1)),
            gone,
            replies=half,
        )
        short = reply(NO[:-1], Pause(0.05), end, when=When.HEAD)
        cut = Expectation(answers=(answered(401, cut=True),), requests=None, ends=True)
        told_so = Expectation(answers=(answered(502),), requests=None)
        yield Row(
            f"CLI-17 {name}, waits; an answer that is cut by {what}",
            (_asks(field), Answers(1)),
            (cut, told_so),
            replies=short,
        )


def _others() -> Iterator[Row]:
    for method in (b"PUT", b"PATCH", b"DELETE", b"GET"):
        expect = Expectation(
            answers=(answered(200, interim=(100,)),),
            requests=(Sent(body=b"hello", method=method),),
            closes=False,
        )
        send = (_asks(b"Content-Length: 5", method=method), Answers(1), b"hello")
        yield Row(f"CLI-17 {method.decode()}, waits", send, expect, replies=reply(OK))
    hints = reply(HINTS, LATER, CONTINUE, Pause(0.5), OK, when=When.HEAD)
    expect = Expectation(
        answers=(answered(200, interim=(103, 100)),), requests=(Sent(body=b"hello"),), closes=False
    )
    yield Row(
        "CLI-17 a 103 before the 100",
        (_asks(b"Content-Length: 5"), Answers(2), b"hello"),
        expect,
        replies=hints,
    )
    after = reply(CONTINUE, Pause(0.2), HINTS, Pause(0.2), OK, when=When.HEAD)
    expect = Expectation(
        answers=(answered(200, interim=(100, 103)),), requests=(Sent(body=b"hello"),), closes=False
    )
    yield Row(
        "CLI-17 a 103 behind the 100",
        (_asks(b"Content-Length: 5"), Answers(1), b"hello"),
        expect,
        replies=after,
    )
    large = b"x" * 300_000
    sent = Sent(length=300_000)
    expect = Expectation(answers=(answered(200, interim=(100,)),), requests=(sent,), closes=False)
    send = (_asks(b"Content-Length: 300000"), Answers(1), large)
    yield Row("CLI-17 300 KB, waits", send, expect, replies=reply(OK))
    for count in (2, 5):
        steps = tuple(
            step
            for n in range(count)
            for step in (
                _asks(b"Content-Length: 5", target=PATH + b"/%d" % n),
                Answers(2 * n + 1),
                b"hello",
                Answers(2 * n + 2),
            )
        )
        expect = Expectation(
            answers=(answered(200, interim=(100,)),) * count,
            requests=(Sent(body=b"hello"),) * count,
            closes=False,
        )
        yield Row(f"CLI-17 {count} times, waits", steps, expect, replies=(reply(OK),) * count)
    again = Expectation(answers=(answered(502),), requests=None)
    yield Row(
        "CLI-17 PATCH, waits; fin", (_asks(b"Content-Length: 5", method=b"PATCH"), Answers(1)), again,
        replies=reply(Pause(0.03), End.FIN, when=When.HEAD),
    )  # fmt: skip
    small = request(EXPECT, b"Content-Length: 2000", method=b"POST")
    expect = Expectation(answers=(answered(413),), requests=(), closes=True)
    yield Row("CLI-17 more than the route takes", small, expect, profile="small")
    chunked = (
        request(EXPECT, CHUNKED, method=b"POST"),
        Answers(1),
        b"7d0\r\n" + b"x" * 2_000 + b"\r\n0\r\n\r\n",
    )
    over = Expectation(answers=(answered(413, interim=(100,)),), requests=(Sent(cut=True),), closes=True)
    yield Row("CLI-17 more than the route takes, in chunks", chunked, over, profile="small")
    nobody = (_asks(b"Content-Length: 5"), Heads(1), Pause(0.3))
    expect = Expectation(answers=(answered(408, interim=(100,)),), requests=(Sent(cut=True),), closes=True)
    yield Row("CLI-17 told to go on, and does not", nobody, expect, profile="impatient", patience=5.0)

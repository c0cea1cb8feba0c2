"""CLI-05: clients that have said all, and half-close: they get their answers."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import Answers, End, Expectation, Heads, Pause, Row, Sent, Step, When, answered, reply
from tests.wire.rows.parts import BEHIND, CHUNKED, PATH, chunks, request
from tests.wire.rows.upstream.answers import LATER, OK, answer, bad, closed, kept, told


WHOLE: Final[Mapping[str, tuple[bytes, Sent]]] = {
    "get": (request(), Sent(method=b"GET")),
    "get that is the last": (request(b"Connection: close"), Sent(method=b"GET")),
    "get in 1.0": (request(version=b"HTTP/1.0"), Sent(method=b"GET")),
    "options": (request(method=b"OPTIONS"), Sent(method=b"OPTIONS")),
    "post": (request(b"Content-Length: 5", method=b"POST", body=b"hello"), Sent(body=b"hello")),
    "post in chunks": (request(CHUNKED, method=b"POST", body=chunks(b"hello")), Sent(body=b"hello")),
    "post of nothing": (request(b"Content-Length: 0", method=b"POST"), Sent(body=b"")),
    "post of 300 KB": (
        request(b"Content-Length: 300000", method=b"POST", body=b"x" * 300_000),
        Sent(length=300_000),
    ),
    "get by name": (request(target=b"/named" + PATH), Sent(service="named")),
}


def rows() -> Iterator[Row]:
    """CLI-05."""
    yield from _answered()
    yield from _several()
    yield from _late()
    yield from _unfinished()


def _seen(sent: Sent | None = None, *, within: float | None = 2.0, **more: object) -> Expectation:
    one = answered(200, **more)
    return Expectation(answers=(one,), requests=(Sent() if sent is None else sent,), ends=True, within=within)


def _answered() -> Iterator[Row]:
    for name, (send, sent) in WHOLE.items():
        for when, wait in {"at once": (), "when the request is there": (Heads(1),)}.items():
            yield Row(
                f"CLI-05 {name}, half-closed {when}",
                (send, *wait, End.HALF),
                _seen(sent, body=b"ok"),
                replies=reply(OK),
            )
            slow = reply(Pause(0.5), OK)
            yield Row(
                f"CLI-05 {name}, half-closed {when}, answered late",
                (send, *wait, End.HALF),
                _seen(sent, body=b"ok"),
                replies=slow,
            )
    head = Expectation(answers=(answered(200, body=b""),), requests=(Sent(),), ends=True)
    yield Row(
        "CLI-05 head",
        (request(method=b"HEAD"), End.HALF),
        head,
        replies=reply(Pause(0.2), answer(b"Content-Length: 5")),
        to_head=(0,),
    )
    for name, steps, body in (
        ("1 MB", (told(b"x" * 1_000_000),), b"x" * 1_000_000),
        ("1 MB in chunks", (answer(CHUNKED, body=chunks(*[b"x" * 1_000] * 1_000)),), b"x" * 1_000_000),
        (
            "in pieces",
            (answer(b"Content-Length: 10"), Pause(0.2), b"hello", Pause(0.2), b"world"),
            b"helloworld",
        ),
        (
            "chunks in pieces",
            (answer(CHUNKED), Pause(0.2), b"5\r\nhello\r\n", Pause(0.2), b"0\r\n\r\n"),
            b"hello",
        ),
        ("until the end", (answer(), Pause(0.2), b"hello", Pause(0.2), End.FIN), b"hello"),
        ("nothing", (told(b""),), b""),
    ):
        yield Row(
            f"CLI-05 get answered with {name}", (request(), End.HALF), _seen(body=body), replies=reply(*steps)
        )
    hints = reply(b"HTTP/1.1 103 Early Hints\r\n\r\n", Pause(0.2), OK)
    yield Row(
        "CLI-05 get with an interim answer", (request(), End.HALF), _seen(interim=(103,)), replies=hints
    )
    broken = Expectation(answers=(answered(502),), requests=(Sent(cut=True),), ends=True)
    yield Row("CLI-05 get answered badly", (request(), End.HALF), broken, replies=kept(b"SSH-2.0-x\r\n"))
    cut = Expectation(answers=(answered(200, body=b"hello", cut=True),), requests=(Sent(),), ends=True)
    short = closed(answer(b"Content-Length: 10"), LATER, b"hello", Pause(0.2))
    yield Row("CLI-05 get answered in part", (request(), End.HALF), cut, replies=short)
    again = Expectation(answers=(answered(200),), requests=(Sent(), Sent()), ends=True)
    yield Row(
        "CLI-05 get that is sent again", (request(), End.HALF), again, replies=reply(End.FIN), choice=True
    )
    refused = Expectation(answers=(answered(400),), requests=(), closes=True)
    yield Row("CLI-05 a request that is refused", (request(b"Bad Name: 1"), End.HALF), refused)
    missing = request(b"X-Run: RUN00000", target=b"/healthz")
    own = Expectation(answers=(answered(200),), requests=(), ends=True)
    yield Row("CLI-05 what the gateway answers itself", (missing, End.HALF), own, replies=reply(OK))
    waits = (
        request(b"Expect: 100-continue", b"Content-Length: 5", method=b"POST"),
        Answers(1),
        b"hello",
        End.HALF,
    )
    yield Row(
        "CLI-05 post that was waited for",
        waits,
        _seen(Sent(body=b"hello"), interim=(100,)),
        replies=reply(Pause(0.3), OK),
    )
    early = reply(answer(b"Content-Length: 4"), Pause(0.3), b"here", when=When.HEAD)
    both = (request(b"Content-Length: 10", method=b"POST", body=b"hello"), Heads(1), b"world", End.HALF)
    yield Row(
        "CLI-05 post that is answered meanwhile",
        both,
        _seen(Sent(body=b"helloworld"), body=b"here"),
        replies=early,
    )


def _several() -> Iterator[Row]:
    """All that was asked is answered, though nothing more will be."""
    for count in (2, 3, 10):
        send = b"".join(request(target=PATH + b"/%d" % n) for n in range(count))
        expect = Expectation(
            answers=tuple(answered(200, body=b"origin " + PATH + b"/%d" % n) for n in range(count)),
            requests=(Sent(),) * count,
            ends=True,
        )
        yield Row(f"CLI-05 {count} requests", (send, End.HALF), expect)
        ok = Expectation(answers=(answered(200),) * count, requests=(Sent(),) * count, ends=True)
        slow = (reply(Pause(0.4), OK),)
        yield Row(f"CLI-05 {count} requests, the first slow", (send, End.HALF), ok, replies=slow)
    mixed = (
        request(b"Content-Length: 5", method=b"POST", body=b"hello")
        + BEHIND
        + request(CHUNKED, method=b"PUT", body=chunks(b"x"))
    )
    three = Expectation(
        answers=(answered(200),) * 3, requests=(Sent(body=b"hello"), Sent(), Sent(body=b"x")), ends=True
    )
    yield Row("CLI-05 post, get and put", (mixed, End.HALF), three)
    # each has a second of its own
    each = Expectation(answers=(answered(200),) * 3, requests=(Sent(),) * 3, ends=True)
    send = b"".join(request(target=PATH + b"/%d" % n) for n in range(3))
    yield Row(
        "CLI-05 three requests, each slow",
        (send, End.HALF),
        each,
        replies=(reply(Pause(0.6), OK),) * 3,
        choice=True,
    )
    good_bad = request() + request(b"Bad Name: 1") + BEHIND
    expect = Expectation(answers=(answered(200), answered(400)), requests=(Sent(),), closes=True)
    yield Row("CLI-05 a bad one behind a good one", (good_bad, End.HALF), expect)
    half = request() + BEHIND[:-10]
    one = Expectation(answers=(answered(200),), requests=(Sent(),), ends=True)
    told_so = Expectation(answers=(answered(200), answered(400, 408)), requests=(Sent(),), ends=True)
    yield Row("CLI-05 one and a half", (half, End.HALF), (one, told_so))


def _late() -> Iterator[Row]:
    """A client that has closed looks the same, so that nobody is waited for much longer than a second."""
    slow = reply(Pause(2.5), OK)
    send: tuple[Step, ...] = (request(), Heads(1), End.HALF)
    gone = Expectation(answers=(), requests=(Sent(cut=True),), ends=True, within=1.6)
    yield Row("CLI-05 answered too late", send, gone, replies=slow, choice=True)
    behind = (request() + BEHIND, Heads(1), End.HALF)
    yield Row("CLI-05 answered too late, and one behind it", behind, gone, replies=slow, choice=True)
    begun = reply(answer(b"Content-Length: 10") + b"hello", Pause(2.5), b"world")
    cut = Expectation(
        answers=(answered(200, body=b"hello", cut=True),), requests=(Sent(cut=True),), ends=True, within=1.8
    )
    yield Row("CLI-05 answered in part, and too late", send, cut, replies=begun, choice=True)
    yield Row(
        "CLI-05 answered late where that is waited for",
        send,
        _seen(body=b"ok", within=None),
        replies=reply(Pause(1.6), OK),
        profile="waiting",
    )
    patient = reply(answer(b"Content-Length: 10") + b"hello", Pause(1.6), b"world")
    yield Row(
        "CLI-05 answered in part where that is waited for",
        send,
        _seen(body=b"helloworld", within=None),
        replies=patient,
        profile="waiting",
    )
    at_once = Expectation(answers=(), requests=(Sent(cut=True),), ends=True, within=0.6)
    yield Row("CLI-05 not waited for", send, at_once, replies=slow, profile="aborting")


def _unfinished() -> Iterator[Row]:
    """What can never be whole ends at once."""
    for name, send in {
        "a length": request(b"Content-Length: 10", method=b"POST", body=b"hello"),
        "chunks": request(CHUNKED, method=b"POST", body=chunks(b"hello")[:-5]),
        "a last chunk": request(CHUNKED, method=b"POST", body=chunks(b"hello")[:-2]),
    }.items():
        gone = Expectation(answers=(), requests=(Sent(cut=True),), ends=True, within=0.7)
        said = Expectation(answers=(answered(400, 408),), requests=(Sent(cut=True),), ends=True, within=0.7)
        yield Row(f"CLI-05 inside {name}", (send, Heads(1), End.HALF), (gone, said))
    for name, more in {
        "a head": BEHIND[:-10],
        "a target": b"GET /RUN00000/be",
        "a blank line": b"\r\n",
        "nothing": b"",
    }.items():
        first = answered(200, body=b"ok")
        gone = Expectation(answers=(first,), requests=(Sent(),), ends=True, within=0.7)
        said = Expectation(answers=(first, answered(400, 408)), requests=(Sent(),), ends=True, within=0.7)
        steps = (request(), Answers(1), *((more,) if more else ()), End.HALF)
        yield Row(f"CLI-05 behind an answer, {name}", steps, (gone, said), replies=reply(OK))
    held = Expectation(answers=(answered(502),), requests=(Sent(),), ends=True)
    yield Row(
        "CLI-05 a POST whose instance hangs up",
        (WHOLE["post"][0], End.HALF),
        held,
        replies=reply(Pause(0.1), End.FIN),
    )
    yield Row(
        "CLI-05 a POST with an answer that is none",
        (WHOLE["post"][0], End.HALF),
        attrs.evolve(bad(), ends=True),
        replies=kept(b"\x00\x01\x02\x03"),
    )

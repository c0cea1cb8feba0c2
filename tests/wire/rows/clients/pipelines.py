"""CLI-08 and CLI-16: bodies that nobody reads, and what is written behind a request that goes wrong."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import Answers, End, Expectation, Pause, Row, Sent, answered, reply
from tests.wire.rows.clients.handshakes import handshake
from tests.wire.rows.parts import BEHIND, CHUNKED, HOST, PATH, chunks, request
from tests.wire.rows.upstream.answers import HOLD, LATER, OK, answer, closed, kept, told


HEALTH: Final = b"/healthz"
OWN: Final[Mapping[str, tuple[bytes, bytes]]] = {
    # what the gateway answers without reading what comes with it
    "health": (b"POST", HEALTH),
    "options of the server": (b"OPTIONS", b"*"),
}

BAD: Final[Mapping[str, tuple[bytes, tuple[int, ...]]]] = {
    "no method": (b" /RUN00000 HTTP/1.1\r\nHost: example.test\r\n\r\n", (400,)),
    "unknown method": (request(method=b"BREW"), (400, 405, 501)),
    "connect": (request(b"X-Run: RUN00000", method=b"CONNECT", target=b"example.test:80"), (400, 405, 501)),
    "no http": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", (400,)),
    "preface of 2.0": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 501, 505)),
    "another version": (request(version=b"HTTP/3.0"), (400, 505)),
    "no host": (request(host=None), (400,)),
    "two hosts": (request(HOST), (400,)),
    "bad host": (request(host=b"Host: a b"), (400,)),
    "bad path": (request(target=PATH + b"/%00"), (400,)),
    "nul": (request(b"X-Two: \x00"), (400,)),
    "folded": (request(b"X-Two: 2\r\n 3"), (400,)),
    "two lengths": (request(b"Content-Length: 1", b"Content-Length: 2", method=b"POST"), (400,)),
    "both framings": (request(b"Content-Length: 5", CHUNKED, method=b"POST", body=chunks(b"hello")), (400,)),
    "unknown coding": (request(b"Transfer-Encoding: gzip, chunked", method=b"POST"), (400, 501)),
    "too long": (request(target=PATH + b"/" + b"a" * 10_000), (414, 400)),
    "too many fields": (request(*(b"X-%d: 1" % n for n in range(200))), (431, 400)),
    "too large": (request(b"Content-Length: 1000000000", method=b"POST"), (413,)),
    "bare lf": (request().replace(b"\r\n", b"\n"), (400,)),
}

LAST: Final[Mapping[str, bytes]] = {
    "close": request(b"Connection: close", target=PATH + b"/last"),
    "close among others": request(b"Connection: x-two, close", target=PATH + b"/last"),
    "close with a body": request(
        b"Connection: close", b"Content-Length: 5", method=b"POST", target=PATH + b"/last", body=b"hello"
    ),
    "1.0": request(target=PATH + b"/last", version=b"HTTP/1.0"),
}


def rows() -> Iterator[Row]:
    """CLI-08 and CLI-16."""
    yield from _unread()
    yield from _bad_behind()
    yield from _middle()
    yield from _last()
    yield from _answered_badly()


def _unread() -> Iterator[Row]:
    """CLI-08: it is read away where it is small, or the connection ends; it is never taken for a request."""
    hidden = request(target=PATH + b"/hidden")
    for what, (method, target) in OWN.items():
        for name, fields, body in (
            ("5 bytes", (b"Content-Length: 5",), b"hello"),
            ("a request", (b"Content-Length: %d" % len(hidden),), hidden),
            ("chunks", (CHUNKED,), chunks(b"hello")),
            ("a request in a chunk", (CHUNKED,), chunks(hidden)),
            ("60 KB", (b"Content-Length: 60000",), b"x" * 60_000),
            ("1 MB", (b"Content-Length: 1000000",), b"x" * 1_000_000),
            ("1 MB in chunks", (CHUNKED,), chunks(*[b"x" * 1_000] * 1_000)),
        ):
            head = request(b"X-Run: RUN00000", *fields, method=method, target=target)
            first = answered(200)
            on = Expectation(
                answers=(first, answered(200)), requests=(Sent(target=PATH + b"/behind"),), closes=False
            )
            last = Expectation(answers=(first,), requests=(), closes=True)
            # replies are for what is behind it: the gateway's own answer is no refusal, and no problem
            told_so = reply(told(b"behind"))
            yield Row(
                f"CLI-08 {what} with {name}", head + body + BEHIND, (on, last), replies=told_so, patience=5.0
            )
            parts = (head, LATER, body, BEHIND)
            yield Row(f"CLI-08 {what} with {name}, later", parts, (on, last), replies=told_so, patience=5.0)
        for name, announced, body in (
            ("a length", (b"Content-Length: 100",), b"hello"),
            ("chunks", (CHUNKED,), b"5\r\nhello\r\n"),
            ("a length, waited for", (b"Content-Length: 100", b"Expect: 100-continue"), b""),
        ):
            head = request(b"X-Run: RUN00000", *announced, method=method, target=target)
            ended = Expectation(answers=(answered(200),), requests=(), closes=True)
            yield Row(f"CLI-08 {what} with half of {name}", head + body, ended, replies=reply(OK))
            yield Row(
                f"CLI-08 {what} with half of {name}, then a request",
                (head + body, Answers(1), hidden),
                ended,
                replies=reply(told(b"x")),
            )
    for name, body in {"a length": b"Content-Length: 1000000", "chunks": CHUNKED}.items():
        # refused for what stands in its head: what comes of its body is read away
        head = request(body, method=b"POST", host=b"Host: a b")
        for much, data in {"little": b"x" * 100, "much": b"x" * 500_000}.items():
            ended = Expectation(answers=(answered(400),), requests=(), closes=True)
            reset = Expectation(answers=(answered(400),), requests=(), ends=True)
            yield Row(
                f"CLI-08 refused with {much} of {name}",
                head + data,
                (ended, reset) if much == "much" else ended,
            )


def _bad_behind() -> Iterator[Row]:
    """The good one is answered first, however slow it is; nothing behind the bad one is served."""
    for name, (bad, statuses) in BAD.items():
        first = answered(200, body=b"origin " + PATH)
        expect = Expectation(answers=(first, answered(*statuses)), requests=(Sent(),), closes=True)
        send = request() + bad + BEHIND
        yield Row(
            f"CLI-16 {name} behind a good one",
            send,
            expect,
            segments=((), (len(request()),), (len(request()) + 3,)),
        )
        slow = reply(Pause(0.3), told(b"slow"))
        late = Expectation(
            answers=(answered(200, body=b"slow"), answered(*statuses)), requests=(Sent(),), closes=True
        )
        yield Row(f"CLI-16 {name} behind a slow one", send, late, replies=slow)
        apart = (request(), Pause(0.1), bad + BEHIND)
        yield Row(f"CLI-16 {name} while a slow one goes on", apart, late, replies=slow)
        three = Expectation(
            answers=(*(answered(200),) * 3, answered(*statuses)), requests=(Sent(),) * 3, closes=True
        )
        many = request() * 3 + bad + BEHIND * 5
        yield Row(f"CLI-16 {name} behind three good ones", many, three)
        head = Expectation(
            answers=(answered(200), answered(*statuses)), requests=(Sent(method=b"HEAD"),), closes=True
        )
        yield Row(f"CLI-16 {name} behind a HEAD", request(method=b"HEAD") + bad + BEHIND, head, to_head=(0,))
        post = request(b"Content-Length: 5", method=b"POST", body=b"hello")
        body = Expectation(
            answers=(answered(200), answered(*statuses)), requests=(Sent(body=b"hello"),), closes=True
        )
        yield Row(f"CLI-16 {name} behind a body", post + bad + BEHIND, body)
        chunked = request(CHUNKED, method=b"POST", body=chunks(b"hello"))
        yield Row(f"CLI-16 {name} behind chunks", chunked + bad + BEHIND, body)


def _middle() -> Iterator[Row]:
    """Answers stay in order, and each belongs to its request."""
    slow = reply(Pause(0.3), told(b"one"))
    two, three = reply(told(b"two")), reply(told(b"three"))
    send = b"".join(request(target=PATH + b"/%d" % n) for n in (1, 2, 3))
    sent = tuple(Sent(target=PATH + b"/%d" % n) for n in (1, 2, 3))
    in_order = Expectation(
        answers=tuple(answered(200, body=body) for body in (b"one", b"two", b"three")),
        requests=sent,
        closes=False,
    )
    yield Row("CLI-16 three in order, the first slow", send, in_order, replies=(slow, two, three))
    for name, second, status in (
        ("404", told(b"two", line=b"HTTP/1.1 404 Not Found"), 404),
        ("204", answer(line=b"HTTP/1.1 204 No Content"), 204),
        ("304", answer(b"Content-Length: 5", line=b"HTTP/1.1 304 Not Modified"), 304),
        ("500", told(b"two", line=b"HTTP/1.1 500 Internal Server Error"), 500),
        ("chunks", answer(CHUNKED, body=chunks(b"two")), 200),
        ("an interim answer", b"HTTP/1.1 103 Early Hints\r\n\r\n" + told(b"two"), 200),
    ):
        middle = answered(status, interim=(103,) if name == "an interim answer" else ())
        expect = Expectation(
            answers=(answered(200, body=b"one"), middle, answered(200, body=b"three")),
            requests=sent,
            closes=False,
        )
        yield Row(f"CLI-16 {name} in the middle", send, expect, replies=(slow, reply(second), three))
    bad = Expectation(
        answers=(answered(200, body=b"one"), answered(502), answered(200, body=b"three")),
        requests=(sent[0], Sent(target=PATH + b"/2", cut=True), sent[2]),
        closes=False,
    )
    yield Row(
        "CLI-16 an answer that is none in the middle",
        send,
        bad,
        replies=(slow, kept(b"SSH-2.0-x\r\n"), three),
    )
    cut = Expectation(
        answers=(answered(200, body=b"one"), answered(200, cut=True)), requests=sent[:2], ends=True
    )
    short = closed(answer(b"Content-Length: 10"), LATER, b"two")
    yield Row("CLI-16 an answer that is cut in the middle", send, cut, replies=(slow, short, three))
    named = request() + request(target=b"/named" + PATH) + request(host=b"Host: second.test")
    services = Expectation(
        answers=(answered(200),) * 3,
        requests=(Sent(service="origin"), Sent(service="named"), Sent(service="second")),
        closes=False,
    )
    yield Row("CLI-16 to three services", named, services)
    refused = request() + handshake() + BEHIND
    no = reply(told(b"no", line=b"HTTP/1.1 403 Forbidden"), HOLD)
    expect = Expectation(
        answers=(answered(200), answered(403), answered(200)),
        requests=(Sent(), Sent(target=b"/ws" + PATH, cut=True), Sent()),
        closes=False,
    )
    yield Row("CLI-16 a handshake that is refused in the middle", refused, expect, replies=(reply(OK), no))
    waits = (
        request()
        + request(b"Expect: 100-continue", b"Content-Length: 5", method=b"POST", body=b"hello")
        + BEHIND
    )
    ok = Expectation(
        answers=(answered(200), answered(200, interim=None), answered(200)),
        requests=(Sent(), Sent(body=b"hello"), Sent()),
        closes=False,
    )
    yield Row("CLI-16 an expectation in the middle", waits, ok)
    empty = request() + b"\r\n" + BEHIND + b"\r\n\r\n" + BEHIND
    thrice = Expectation(answers=(answered(200),) * 3, requests=(Sent(),) * 3, closes=False)
    yield Row("CLI-16 blank lines between", empty, thrice)


def _last() -> Iterator[Row]:
    """Behind the last request nothing is served, however it is sent."""
    for name, last in LAST.items():
        one = Expectation(answers=(answered(200),), requests=(Sent(target=PATH + b"/last"),), closes=True)
        yield Row(f"CLI-16 behind {name}", last + BEHIND, one)
        yield Row(f"CLI-16 behind {name}, bad", last + b"\x00\x01\x02\r\n\r\n", one)
        two = Expectation(answers=(answered(200), answered(200)), requests=(Sent(), Sent()), closes=True)
        yield Row(f"CLI-16 behind {name}, which is the second", request() + last + BEHIND, two)
        # what is sent to a closed connection may reset it
        late = attrs.evolve(one, closes=None, ends=True)
        yield Row(f"CLI-16 behind {name}, when it is answered", (last, Answers(1), BEHIND), late)
        slow = reply(Pause(0.3), OK)
        yield Row(f"CLI-16 behind {name}, which is slow", (last, Pause(0.1), BEHIND), one, replies=slow)
        ended = Expectation(answers=(answered(200, body=b"until the end"),), requests=(Sent(),), closes=True)
        until = reply(answer(), b"until the end", LATER, End.FIN)
        yield Row(f"CLI-16 behind {name}, until the end", last + BEHIND, ended, replies=until)


def _answered_badly() -> Iterator[Row]:
    """One after the other, good and bad: each answer is that of its own request."""
    good = told(b"good")
    for name, bad in {
        "no http": b"SSH-2.0-x\r\n",
        "two lengths": answer(b"Content-Length: 2", b"Content-Length: 3", body=b"ok"),
        "a bad coding": answer(b"Transfer-Encoding: xchunked", body=b"ok"),
        "a control character": answer(b"X-Two: \x01"),
        "a switch of protocol": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    }.items():
        count = 6
        send = b"".join(request(target=PATH + b"/%d" % n) for n in range(count))
        expect = Expectation(
            answers=tuple(answered(502) if n % 2 else answered(200, body=b"good") for n in range(count)),
            requests=tuple(Sent(target=PATH + b"/%d" % n, cut=bool(n % 2)) for n in range(count)),
            closes=False,
        )
        replies = tuple(kept(bad) if n % 2 else reply(good) for n in range(count))
        yield Row(f"CLI-16 every second answer: {name}", send, expect, replies=replies)

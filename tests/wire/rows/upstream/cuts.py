"""UPS-05 and UPS-12: answers that end too early, and those that never begin."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import Answers, End, Expectation, Pause, Row, Sent, answered, reply
from tests.wire.rows.parts import CHUNKED, PATH, chunks, request
from tests.wire.rows.upstream.answers import LATER, MARK, OF_ITS_OWN, OK, answer, bad, closed, cut, passed


SOON: Final = Pause(0.1)
"""So that what was sent is read before the reset destroys it."""
TEN: Final = answer(b"Content-Length: 10", body=b"helloworld")
IN_CHUNKS: Final = answer(CHUNKED)
ENDS: Final[Mapping[str, End]] = {"fin": End.FIN, "reset": End.RST, "half-closed": End.HALF}

HEADS: Final[Mapping[str, bytes]] = {
    "in the version": b"HTT",
    "behind the version": b"HTTP/1.1",
    "in the status": b"HTTP/1.1 20",
    "behind the status": b"HTTP/1.1 200",
    "in the reason": b"HTTP/1.1 200 O",
    "behind the reason": b"HTTP/1.1 200 OK",
    "inside the first line end": b"HTTP/1.1 200 OK\r",
    "behind the first line": b"HTTP/1.1 200 OK\r\n",
    "in a name": b"HTTP/1.1 200 OK\r\nX-Ori",
    "behind a name": b"HTTP/1.1 200 OK\r\nX-Origin",
    "behind a colon": b"HTTP/1.1 200 OK\r\nX-Origin:",
    "in a value": b"HTTP/1.1 200 OK\r\nX-Origin: ori",
    "behind a value": b"HTTP/1.1 200 OK\r\nX-Origin: origin",
    "in a length": b"HTTP/1.1 200 OK\r\nX-Origin: origin\r\nContent-Length: 1",
    "in a coding": b"HTTP/1.1 200 OK\r\nX-Origin: origin\r\nTransfer-Encoding: chun",
    "inside a line end": b"HTTP/1.1 200 OK\r\nX-Origin: origin\r",
    "behind a field": b"HTTP/1.1 200 OK\r\nX-Origin: origin\r\n",
    "inside the blank line": b"HTTP/1.1 200 OK\r\nX-Origin: origin\r\nContent-Length: 10\r\n\r",
    "behind the length": b"HTTP/1.1 200 OK\r\nX-Origin: origin\r\nContent-Length: 0\r\n",
}

BODIES: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "before the body": (TEN[:-10], b""),
    "behind a byte": (TEN[:-10], b"h"),
    "in the middle": (TEN[:-10], b"hello"),
    "a byte too early": (TEN[:-10], b"helloworl"),
    "in 100 KB": (answer(b"Content-Length: 200000"), b"x" * 100_000),
    "before the first chunk": (IN_CHUNKS, b""),
    "in a size": (IN_CHUNKS, b"1"),
    "behind a size": (IN_CHUNKS, b"5"),
    "inside the line end of a size": (IN_CHUNKS, b"5\r"),
    "in an extension": (IN_CHUNKS, b"5;a="),
    "behind the line of a size": (IN_CHUNKS, b"5\r\n"),
    "in a chunk": (IN_CHUNKS, b"5\r\nhe"),
    "behind the data of a chunk": (IN_CHUNKS, b"5\r\nhello"),
    "inside the line end of a chunk": (IN_CHUNKS, b"5\r\nhello\r"),
    "behind a chunk": (IN_CHUNKS, b"5\r\nhello\r\n"),
    "behind two chunks": (IN_CHUNKS, chunks(b"hello", b"world")[:-5]),
    "in the last size": (IN_CHUNKS, b"5\r\nhello\r\n0"),
    "inside the last line end": (IN_CHUNKS, b"5\r\nhello\r\n0\r"),
    "behind the last chunk": (IN_CHUNKS, b"5\r\nhello\r\n0\r\n"),
    "inside the line end at the end": (IN_CHUNKS, b"5\r\nhello\r\n0\r\n\r"),
    "in a trailer": (IN_CHUNKS, b"5\r\nhello\r\n0\r\nX-Su"),
    "behind a trailer": (IN_CHUNKS, b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n"),
    "inside the end behind a trailer": (IN_CHUNKS, b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r"),
    "in a chunk of 100 KB": (IN_CHUNKS, b"30d40\r\n" + b"x" * 100_000),
}

SAFE: Final[Mapping[str, bytes]] = {
    "GET": request(),
    "HEAD": request(method=b"HEAD"),
    "OPTIONS": request(method=b"OPTIONS"),
    "DELETE": request(method=b"DELETE"),
    "PUT": request(b"Content-Length: 5", method=b"PUT", body=b"hello"),
    "PUT in chunks": request(CHUNKED, method=b"PUT", body=chunks(b"hello")),
    "DELETE with a body": request(b"Content-Length: 5", method=b"DELETE", body=b"hello"),
    "PUT of 60 KB": request(b"Content-Length: 60000", method=b"PUT", body=b"x" * 60_000),
}
UNSAFE: Final[Mapping[str, bytes]] = {
    "POST": request(b"Content-Length: 5", method=b"POST", body=b"hello"),
    "POST without a body": request(b"Content-Length: 0", method=b"POST"),
    "POST in chunks": request(CHUNKED, method=b"POST", body=chunks(b"hello")),
    "PATCH": request(b"Content-Length: 5", method=b"PATCH", body=b"hello"),
}


def rows() -> Iterator[Row]:
    """UPS-05 and UPS-12."""
    yield from _heads()
    yield from _bodies()
    yield from _until_the_end()
    yield from _nothing()
    yield from _stale()


def _heads() -> Iterator[Row]:
    """Inside the head: something has come, so that nobody is asked again."""
    for name, data in HEADS.items():
        for kind, end in ENDS.items():
            expect = bad(held=False)
            yield Row(f"UPS-05 {kind} {name}", UNSAFE["POST"], expect, replies=reply(data, SOON, end))
        yield Row(f"UPS-05 fin {name} at once", request(), bad(held=False), replies=closed(data))
        yield Row(
            f"UPS-05 fin {name} to HEAD",
            request(method=b"HEAD"),
            bad(held=False),
            replies=closed(data),
            to_head=(0,),
        )


def _bodies() -> Iterator[Row]:
    for name, (head, body) in BODIES.items():
        for kind, end in ENDS.items():
            yield Row(f"UPS-05 {kind} {name}", UNSAFE["POST"], cut(), replies=reply(head + body, SOON, end))
            if body:
                late = reply(head, LATER, body, SOON, end)
                yield Row(f"UPS-05 {kind} {name}, later", UNSAFE["POST"], cut(), replies=late)
        yield Row(f"UPS-05 fin {name} at once", request(), cut(), replies=closed(head + body))
        for version, fields in {"1.0": (), "1.0, kept alive": (b"Connection: keep-alive",)}.items():
            # with chunks, nothing but a reset can tell such a client that it has not got all
            old = request(*fields, version=b"HTTP/1.0")
            late = reply(head, LATER, body, SOON, End.FIN) if body else reply(head, SOON, End.FIN)
            yield Row(f"UPS-05 fin {name}, to {version}", old, cut(), replies=late)
    two = request() + request(target=PATH + b"/next")
    for name in ("in the middle", "behind a chunk", "behind the last chunk"):
        head, body = BODIES[name]
        # what is pipelined behind it has no answer: nobody could tell where it begins
        late = reply(head, LATER, body, SOON, End.FIN)
        yield Row(f"UPS-05 fin {name}, and a request behind", two, cut(), replies=late)


def _until_the_end() -> Iterator[Row]:
    """Bodies that end with the connection: a FIN ends them, a reset cuts them."""
    for name, body in {
        "text": b"hello",
        "nothing": b"",
        "what looks like chunks": chunks(b"hello"),
        "what looks like an answer": OK,
        "100 KB": b"x" * 100_000,
    }.items():
        for version, line in {"1.1": b"HTTP/1.1 200 OK", "1.0": b"HTTP/1.0 200 OK"}.items():
            data = answer(line=line, body=body)
            head = answer(line=line)
            whole = answered(200, body=body)
            expect = passed(body, closes=None)
            yield Row(f"UPS-05 until the end of {version}: {name}", request(), expect, replies=closed(data))
            late = closed(head, LATER, body) if body else closed(head, LATER)
            yield Row(f"UPS-05 until the end of {version}: {name}, later", request(), expect, replies=late)
            half = reply(data, LATER, End.HALF)
            yield Row(
                f"UPS-05 until the half-closed end of {version}: {name}", request(), expect, replies=half
            )
            old = Expectation(answers=(whole,), requests=(Sent(),))
            send = request(version=b"HTTP/1.0")
            yield Row(f"UPS-05 until the end of {version}: {name}, to 1.0", send, old, replies=late)
            reset = reply(head, LATER, body, SOON, End.RST) if body else reply(head, SOON, End.RST)
            yield Row(f"UPS-05 until the reset of {version}: {name}", UNSAFE["POST"], cut(), replies=reset)
            send = request(b"Content-Length: 5", method=b"POST", version=b"HTTP/1.0", body=b"hello")
            yield Row(f"UPS-05 until the reset of {version}: {name}, to 1.0", send, cut(), replies=reset)


def _nothing() -> Iterator[Row]:
    """Nothing has come: what may be sent twice is sent once more, at once; nothing else is."""
    for end in (End.FIN, End.RST, End.HALF):
        none = reply(end)
        for name, send in SAFE.items():
            to_head = (0,) if name == "HEAD" else ()
            again = Expectation(answers=(answered(200),), requests=(Sent(), Sent()), closes=False)
            yield Row(
                f"UPS-12 {end.value} instead of an answer to {name}",
                send,
                again,
                replies=none,
                to_head=to_head,
                choice=True,
            )
            # once, and not for ever
            given_up = Expectation(answers=(OF_ITS_OWN,), requests=(Sent(), Sent()), closes=False)
            replies = (none,) * 4
            yield Row(
                f"UPS-12 {end.value} again and again to {name}",
                send,
                given_up,
                replies=replies,
                to_head=to_head,
                choice=True,
            )
        for name, send in UNSAFE.items():
            once = Expectation(answers=(OF_ITS_OWN,), requests=(Sent(),), closes=False)
            yield Row(f"UPS-12 {end.value} instead of an answer to {name}", send, once, replies=none)
        asks = request(
            b"Connection: upgrade",
            b"Upgrade: websocket",
            b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            target=b"/ws" + PATH,
        )
        once = Expectation(answers=(OF_ITS_OWN,), requests=(Sent(),), closes=False)
        yield Row(f"UPS-12 {end.value} instead of an answer to a handshake", asks, once, replies=none)
    large = request(b"Content-Length: 200000", method=b"PUT", body=b"x" * 200_000)
    once = Expectation(answers=(OF_ITS_OWN,), requests=(Sent(),))
    yield Row(
        "UPS-12 fin instead of an answer to PUT of 200 KB", large, once, replies=reply(End.FIN), choice=True
    )


def _stale() -> Iterator[Row]:
    """The instance closes a connection when it has answered, or soon after: alone, or another row could meet that."""
    post = request(b"Content-Length: 5", method=b"POST", target=PATH + b"/next", body=b"hello")
    nexts = {
        "GET": request(target=PATH + b"/next"),
        "POST": post,
        "PUT": post.replace(b"POST", b"PUT"),
    }
    both = Expectation(answers=(answered(200), answered(200)), requests=(Sent(), Sent()), closes=False)
    again = attrs.evolve(both, requests=(Sent(), Sent(cut=True), Sent()))
    lost = Expectation(answers=(answered(200), answered(502)), requests=(Sent(),), closes=False)
    begun = attrs.evolve(lost, requests=(Sent(), Sent(cut=True)))
    for kind, end in ENDS.items():
        for name, following in nexts.items():
            # a request that may not be sent twice can be lost in the moment of the end, and only then
            ways = (both, lost, begun) if name == "POST" else (both, again)
            at_once = (request(), Answers(1), following)
            yield Row(
                f"UPS-12 {kind} behind an answer, then {name}",
                at_once,
                ways,
                replies=reply(OK, end),
                alone=True,
            )
            idle = (request(), Answers(1), Pause(0.4), following)
            yield Row(
                f"UPS-12 {kind} of an idle connection, then {name}",
                idle,
                both,
                replies=reply(OK, Pause(0.15), end),
                alone=True,
            )
    for name, fields in {
        "close": (b"Connection: close",),
        "close in capitals": (b"CONNECTION: CLOSE",),
        "close among others": (b"Connection: x-two, close, x-three",),
        "close and keep-alive": (b"Connection: close, keep-alive",),
        "keep-alive and close": (b"Connection: keep-alive", b"Connection: close"),
    }.items():
        # it says that it will, and does not: whoever writes on would write to nobody
        said = answer(*fields, b"Content-Length: 2", body=b"ok")
        expect = Expectation(
            answers=(answered(200, body=b"ok", absent=(b"connection",)), answered(200)),
            requests=(Sent(cut=True), Sent()),
            closes=False,
        )
        send = request() + nexts["GET"]
        yield Row(f"UPS-12 {name}", send, expect, replies=reply(said, Pause(3.0)))
        nothing = answer(*fields, b"Content-Length: 0")
        yield Row(
            f"UPS-12 {name}, with no body",
            send,
            attrs.evolve(expect, answers=(answered(200, body=b""), answered(200))),
            replies=reply(nothing, Pause(3.0)),
        )
    old = b"HTTP/1.0 200 OK\r\n" + MARK + b"\r\nContent-Length: 2\r\n\r\nok"
    expect = Expectation(
        answers=(answered(200), answered(200)), requests=(Sent(cut=True), Sent()), closes=False
    )
    yield Row("UPS-12 1.0 with a length", request() + nexts["GET"], expect, replies=reply(old, Pause(3.0)))
    alive = old.replace(b"\r\n\r\n", b"\r\nConnection: keep-alive\r\n\r\n")
    yield Row(
        "UPS-12 1.0 with a length, kept alive",
        request() + nexts["GET"],
        both,
        replies=(reply(alive), reply(alive)),
    )
    many = tuple(step for n in range(20) for step in (request(target=PATH + b"/%d" % n), Answers(n + 1)))
    expect = Expectation(answers=(answered(200),) * 20, requests=(Sent(),) * 20, closes=False)
    yield Row(
        "UPS-12 fin behind each of twenty answers", many, expect, replies=(closed(OK),) * 20, alone=True
    )

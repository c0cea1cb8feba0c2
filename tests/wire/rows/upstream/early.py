"""UPS-23: answers that come before the whole request has gone out, and instances that do not take it."""

from collections.abc import Iterator
from typing import Final

import attrs

from tests.wire.row import Answers, End, Expectation, Heads, Pause, Row, Sent, When, answered, reply
from tests.wire.rows.parts import BEHIND, CHUNKED, PATH, chunks, request
from tests.wire.rows.upstream.answers import HOLD, LATER, OF_ITS_OWN, answer, cut, told


LONG: Final = b"Content-Length: 1000000"
BEGUN: Final = {
    "length": request(LONG, method=b"POST", body=b"x" * 1_000),
    "chunks": request(CHUNKED, method=b"POST", body=b"3e8\r\n" + b"x" * 1_000 + b"\r\n"),
    "half a chunk": request(CHUNKED, method=b"POST", body=b"186a0\r\n" + b"x" * 1_000),
    "length, nothing of it": request(LONG, method=b"POST"),
    "chunks, nothing of them": request(CHUNKED, method=b"POST"),
    "put": request(LONG, method=b"PUT", body=b"x" * 1_000),
    "get": request(LONG, body=b"x" * 1_000),
}
FAR: Final = told(b"no", line=b"HTTP/1.1 413 Content Too Large")
HIDDEN: Final = request(target=PATH + b"/hidden")


def rows() -> Iterator[Row]:
    """UPS-23."""
    yield from _early()
    yield from _kinds()
    yield from _both_at_once()
    yield from _the_rest()
    yield from _gone()


def _ended(status: int, body: bytes | None, **more: object) -> Expectation:
    """The answer, the last one on both connections: what else was announced could be taken for a request."""
    one = answered(status, body=body, **more)
    return Expectation(answers=(one,), requests=(Sent(cut=True),), closes=True)


def _early() -> Iterator[Row]:
    for name, send in BEGUN.items():
        early = reply(FAR, HOLD, when=When.HEAD)
        yield Row(f"UPS-23 early to {name}", send, _ended(413, b"no"), replies=early, choice=True)
        said = FAR.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        closes = Expectation(answers=(answered(413, body=b"no"),), requests=None, closes=True)
        for kind, end in {"closes": End.FIN, "half-closes": End.HALF}.items():
            early = reply(said, LATER, end, when=When.HEAD)
            yield Row(f"UPS-23 early to {name}, and {kind}", send, closes, replies=early, choice=True)
        early = reply(said, Pause(0.1), End.RST, when=When.HEAD)
        yield Row(f"UPS-23 early to {name}, and resets", send, closes, replies=early, choice=True)


def _kinds() -> Iterator[Row]:
    send = BEGUN["length"]
    for name, data, expect in (
        ("200", told(b"ok"), _ended(200, b"ok")),
        (
            "401",
            told(b"no", b"WWW-Authenticate: Basic", line=b"HTTP/1.1 401 Unauthorized"),
            _ended(401, b"no"),
        ),
        ("302", told(b"", b"Location: /RUN00000/x", line=b"HTTP/1.1 302 Found"), _ended(302, b"")),
        ("204", answer(line=b"HTTP/1.1 204 No Content"), _ended(204, b"")),
        ("304", answer(line=b"HTTP/1.1 304 Not Modified"), _ended(304, b"")),
        ("500", told(b"no", line=b"HTTP/1.1 500 Internal Server Error"), _ended(500, b"no")),
        ("chunks", answer(CHUNKED, body=chunks(b"ok")), _ended(200, b"ok")),
        ("100 KB", told(b"x" * 100_000), _ended(200, b"x" * 100_000)),
        ("with an answer behind it", told(b"ok") + told(b"evil"), _ended(200, b"ok")),
        ("with garbage behind it", told(b"ok") + b"\x00\x01", _ended(200, b"ok")),
    ):
        yield Row(
            f"UPS-23 early {name}", send, expect, replies=reply(data, HOLD, when=When.HEAD), choice=True
        )
    bad = Expectation(answers=(OF_ITS_OWN,), requests=(Sent(cut=True),), closes=True)
    for name, data in {
        "two lengths": answer(b"Content-Length: 2", b"Content-Length: 3", body=b"ok"),
        "a control character": answer(b"X-Two: \x01", b"Content-Length: 2", body=b"ok"),
        "no http": b"SSH-2.0-OpenSSH_9.2\r\n",
        "a coding that is none": answer(b"Transfer-Encoding: xchunked", body=b"ok"),
    }.items():
        yield Row(f"UPS-23 early {name}", send, bad, replies=reply(data, HOLD, when=When.HEAD), choice=True)
    for name, head, body in (
        ("length", answer(b"Content-Length: 10"), b"hello"),
        ("chunk", answer(CHUNKED), b"5\r\nhe"),
        ("chunks", answer(CHUNKED), b"5\r\nhello\r\n"),
    ):
        early = reply(head, LATER, body, LATER, End.FIN, when=When.HEAD)
        alternatives = tuple(attrs.evolve(one, requests=None) for one in cut())
        yield Row(f"UPS-23 early and cut in its {name}", send, alternatives, replies=early)
    for kind, end in {"fin": End.FIN, "reset": End.RST}.items():
        for name, begun in BEGUN.items():
            # part of it is there: not even a PUT is sent again
            none = Expectation(answers=(answered(502),), requests=None, closes=True)
            early = reply(Pause(0.1), end, when=When.HEAD)
            yield Row(f"UPS-23 {kind} inside {name}", begun, none, replies=early, choice=True)
        half = Expectation(answers=(answered(502),), requests=None, closes=True)
        early = reply(b"HTTP/1.1 413 Cont", Pause(0.1), end, when=When.HEAD)
        yield Row(
            f"UPS-23 {kind} inside a length, behind half a head", send, half, replies=early, choice=True
        )


def _both_at_once() -> Iterator[Row]:
    """The answer begins before the request ends, and both come to their ends."""
    for name, fields, first, rest in (
        ("length", b"Content-Length: 10", b"hello", b"world"),
        ("chunks", CHUNKED, b"5\r\nhello\r\n", b"5\r\nworld\r\n0\r\n\r\n"),
    ):
        send = (request(fields, method=b"POST", body=first), Heads(1), Pause(0.1), rest)
        for kind, head, begins, ends in (
            ("length", answer(b"Content-Length: 4"), b"he", b"re"),
            ("chunks", answer(CHUNKED), b"2\r\nhe\r\n", b"2\r\nre\r\n0\r\n\r\n"),
        ):
            streams = reply(head + begins, Pause(0.5), ends, when=When.HEAD)
            whole = Expectation(answers=(answered(200, body=b"here"),), requests=(Sent(body=b"helloworld"),))
            yield Row(f"UPS-23 {kind} while {name} goes on", send, whole, replies=streams)
        streams = reply(answer() + b"he", Pause(0.5), b"re", End.FIN, when=When.HEAD)
        whole = Expectation(answers=(answered(200, body=b"here"),), requests=(Sent(body=b"helloworld"),))
        yield Row(f"UPS-23 until the end while {name} goes on", send, whole, replies=streams)
        # it answers when it has seen enough, and the rest comes before anybody has hung up
        enough = reply(Pause(0.05), told(b"ok"), when=When.HEAD)
        soon = request(fields, method=b"POST", body=first + rest)
        ok = Expectation(answers=(answered(200, body=b"ok"),), requests=(Sent(body=b"helloworld"),))
        yield Row(f"UPS-23 when the whole of {name} is there", soon, ok, replies=enough)


def _the_rest() -> Iterator[Row]:
    """What the client goes on to send belongs to the request that has been answered, and to no other."""
    early = reply(FAR, HOLD, when=When.HEAD)
    for name, rest in {
        "a request": HIDDEN,
        "requests": HIDDEN * 100,
        "the rest of it": b"x" * 1_000,
        "100 KB": b"x" * 100_000,
        "garbage": b"\x00\x01\x02",
    }.items():
        for kind in ("length", "length, nothing of it"):
            send = (BEGUN[kind], Answers(1), rest)
            yield Row(f"UPS-23 early to {kind}, then {name}", send, _ended(413, b"no"), replies=early)
    for name, rest in {"a request": HIDDEN, "the last chunk, and a request": b"0\r\n\r\n" + HIDDEN}.items():
        send = (BEGUN["chunks"], Answers(1), rest)
        yield Row(f"UPS-23 early to chunks, then {name}", send, _ended(413, b"no"), replies=early)
    # the client cannot stop: it reads its answer when it has sent all it had
    large = request(LONG, method=b"POST", body=b"x" * 200_000)
    expect = Expectation(answers=(answered(413, body=b"no"),), requests=None, closes=True)
    yield Row("UPS-23 early to a client that goes on", large, expect, replies=early)
    whole = request(b"Content-Length: 300000", method=b"POST", body=b"x" * 300_000) + BEHIND
    answers = answered(413, body=b"no")
    last = Expectation(answers=(answers,), requests=None, closes=True)
    on = Expectation(answers=(answers, answered(200)), requests=None, closes=False)
    yield Row("UPS-23 early, all of it comes, and a request behind", whole, (last, on), replies=early)


def _gone() -> Iterator[Row]:
    """Who has been sent a body and answered nothing is not sent it again."""
    for kind, end in {"fin": End.FIN, "reset": End.RST}.items():
        send = (request(b"Content-Length: 10", method=b"POST", body=b"hello"), Heads(1), Pause(0.3), b"world")
        once = Expectation(answers=(answered(502),), requests=None)
        yield Row(
            f"UPS-23 {kind} between the parts of a body",
            send,
            once,
            replies=reply(Pause(0.1), end, when=When.HEAD),
        )
        chunked = (
            request(CHUNKED, method=b"PUT", body=chunks(b"hello")[:-5]),
            Heads(1),
            Pause(0.3),
            b"0\r\n\r\n",
        )
        yield Row(
            f"UPS-23 {kind} between the chunks of a PUT",
            chunked,
            once,
            replies=reply(Pause(0.1), end, when=When.HEAD),
        )

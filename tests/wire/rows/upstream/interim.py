"""UPS-10: answers before the answer, and switches of protocol that nobody asked for."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Answers, Expectation, Pause, Row, Sent, When, answered, reply
from tests.wire.rows.parts import CHUNKED, chunks, request
from tests.wire.rows.upstream.answers import HOLD, LATER, OF_ITS_OWN, OK, answer, bad, closed, kept


HINTS: Final = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
PROCESSING: Final = b"HTTP/1.1 102 Processing\r\n\r\n"
SWITCH: Final = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
ACCEPT: Final = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

PASSED: Final[Mapping[str, tuple[bytes, tuple[int, ...]]]] = {
    "103": (HINTS, (103,)),
    "103 without fields": (b"HTTP/1.1 103 Early Hints\r\n\r\n", (103,)),
    "103 without a reason": (b"HTTP/1.1 103 \r\nLink: </a>\r\n\r\n", (103,)),
    "102": (PROCESSING, (102,)),
    "104": (b"HTTP/1.1 104 Upload Resumption Supported\r\n\r\n", (104,)),
    "199": (b"HTTP/1.1 199 Unknown\r\nX-Two: 2\r\n\r\n", (199,)),
    "two": (HINTS * 2, (103, 103)),
    "102 and 103": (PROCESSING + HINTS, (102, 103)),
    "sixteen": (HINTS * 16, (103,) * 16),
    "16 KiB": (b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 8_000 + b"\r\n\r\n", (103,)),
    "a field of the hop": (
        b"HTTP/1.1 103 Early Hints\r\nConnection: X-Two\r\nX-Two: 2\r\nKeep-Alive: 5\r\n\r\n",
        (103,),
    ),
    "130 fields": (b"HTTP/1.1 103 Early Hints\r\n" + b"Link: </a>\r\n" * 130 + b"\r\n", (103,)),
    "an id": (b"HTTP/1.1 103 Early Hints\r\nX-Request-Id: forged\r\n\r\n", (103,)),
}

SWALLOWED: Final[Mapping[str, bytes]] = {
    "100": CONTINUE,
    "100 without a reason": b"HTTP/1.1 100 \r\n\r\n",
    "100 with fields": b"HTTP/1.1 100 Continue\r\nX-Two: 2\r\n\r\n",
    "two 100": CONTINUE * 2,
    "sixteen 100": CONTINUE * 16,
}

BAD: Final[Mapping[str, bytes]] = {
    "control character in a field": b"HTTP/1.1 103 Early Hints\r\nLink: a\x01b\r\n\r\n",
    "nul in a field": b"HTTP/1.1 103 Early Hints\r\nLink: a\x00b\r\n\r\n",
    "folded field": b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n b\r\n\r\n",
    "bare cr in a field": b"HTTP/1.1 103 Early Hints\r\nLink: a\rX-Evil: 1\r\n\r\n",
    "bare lf in a field": b"HTTP/1.1 103 Early Hints\r\nLink: a\nX-Evil: 1\r\n\r\n",
    "blank before a colon": b"HTTP/1.1 103 Early Hints\r\nLink : a\r\n\r\n",
    "lf for line ends": HINTS.replace(b"\r\n", b"\n"),
    "version 2.0": b"HTTP/2.0 103 Early Hints\r\n\r\n",
    "version 0.9": b"HTTP/0.9 103 Early Hints\r\n\r\n",
    "70 KB of small fields": b"HTTP/1.1 103 Early Hints\r\n" + b"X-Two: 2\r\n" * 7_000 + b"\r\n",
    "70 KB in one": b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 70_000 + b"\r\n\r\n",
    "70 KB in ten": (b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 7_000 + b"\r\n\r\n") * 10,
    "seventeen": HINTS * 17,
    "a thousand": HINTS * 1_000,
    "seventeen 100": CONTINUE * 17,
    "a flood of 100": CONTINUE * 20_000,
    "a body": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhello",
    "a body in chunks": b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(b"hello"),
    "a 100 with a body": b"HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nhello",
    "a body of an answer": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 100\r\n\r\nHTTP/1.1",
    "two lengths": b"HTTP/1.1 103 Early Hints\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
    "control character in the reason": b"HTTP/1.1 103 Early\x01Hints\r\n\r\n",
    "status 1": b"HTTP/1.1 1 One\r\n\r\n",
    "status 10": b"HTTP/1.1 10 Ten\r\n\r\n",
}

UNASKED: Final[Mapping[str, bytes]] = {
    "websocket": SWITCH + ACCEPT + b"\r\n",
    "h2c": b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "no token": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "without connection": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    "without upgrade": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\r\n",
    "with a length": SWITCH + b"Content-Length: 5\r\n\r\nhello",
    "with a length of nought": SWITCH + b"Content-Length: 0\r\n\r\n",
    "with chunks": SWITCH + b"Transfer-Encoding: chunked\r\n\r\n" + chunks(b"hello"),
    "in 1.0": (SWITCH + b"\r\n").replace(b"1.1", b"1.0", 1),
    "with bytes behind it": SWITCH + ACCEPT + b"\r\n\x81\x05hello",
    "with an answer behind it": SWITCH + b"\r\n" + OK,
    "without a token, and an answer behind it": b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + OK,
    "behind a 103": HINTS + SWITCH + b"\r\n",
    "behind a 100": CONTINUE + SWITCH + b"\r\n",
}


def rows() -> Iterator[Row]:
    """UPS-10."""
    yield from _good()
    yield from _refused()
    yield from _unasked()
    yield from _while_uploading()


def _seen(*interim: int, **more: object) -> Expectation:
    one = answered(200, body=b"ok", interim=interim, **more)
    return Expectation(answers=(one,), requests=(Sent(),), closes=False)


def _good() -> Iterator[Row]:
    for name, (before, statuses) in PASSED.items():
        yield Row(f"UPS-10 interim {name}", request(), _seen(*statuses), replies=reply(before + OK))
        late = reply(before, LATER, OK)
        yield Row(f"UPS-10 interim {name}, then the answer", request(), _seen(*statuses), replies=late)
        old = request(b"Connection: keep-alive", version=b"HTTP/1.0")
        # RFC 9110 section 15.2: there are none in HTTP/1.0
        none = Expectation(answers=(answered(200, body=b"ok"),), requests=(Sent(),))
        yield Row(f"UPS-10 interim {name}, to 1.0", old, none, replies=late)
    for name, before in SWALLOWED.items():
        yield Row(f"UPS-10 swallowed {name}", request(), _seen(), replies=reply(before + OK))
        yield Row(
            f"UPS-10 swallowed {name}, then the answer", request(), _seen(), replies=reply(before, LATER, OK)
        )
    mixed = CONTINUE + HINTS + CONTINUE + PROCESSING
    yield Row("UPS-10 interim all kinds", request(), _seen(103, 102), replies=reply(mixed + OK))
    head = request(method=b"HEAD")
    to_head = Expectation(answers=(answered(200, interim=(103,)),), requests=(Sent(),), closes=False)
    yield Row(
        "UPS-10 interim 103 to HEAD",
        head,
        to_head,
        replies=reply(HINTS + answer(b"Content-Length: 5")),
        to_head=(0,),
    )
    empty = answer(line=b"HTTP/1.1 204 No Content")
    expect = Expectation(answers=(answered(204, interim=(103,)),), requests=(Sent(),), closes=False)
    yield Row("UPS-10 interim 103 before a 204", request(), expect, replies=reply(HINTS + empty))
    # passed when it comes, not with the answer
    soon = reply(HINTS, Pause(0.4), OK)
    yield Row("UPS-10 interim 103 at once", (request(), Answers(1)), _seen(103), replies=soon)
    split = reply(HINTS[:20], LATER, HINTS[20:50], LATER, HINTS[50:] + OK[:9], LATER, OK[9:])
    yield Row("UPS-10 interim 103 in pieces", request(), _seen(103), replies=split)
    two = request() + request(target=b"/RUN00000/next")
    both = Expectation(
        answers=(answered(200, interim=(103,)), answered(200)), requests=(Sent(), Sent()), closes=False
    )
    yield Row("UPS-10 interim 103 to the first of two", two, both, replies=reply(HINTS + OK))


def _refused() -> Iterator[Row]:
    for name, before in BAD.items():
        yield Row(f"UPS-10 bad interim {name}", request(), bad(interim=None), replies=kept(before + OK))
        late = reply(before, LATER, OK, HOLD)
        yield Row(f"UPS-10 bad interim {name}, then the answer", request(), bad(interim=None), replies=late)
    for name, before in {"103": HINTS, "100": CONTINUE}.items():
        # what ends with an answer that is not the last one? a server that copies its fields there means the last
        closing = before.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        either = (_seen(*((103,) if name == "103" else ())), bad(held=False, interim=None))
        yield Row(
            f"UPS-10 interim {name} that says close",
            request(),
            either,
            replies=reply(closing + OK),
            choice=True,
        )
    for name, end in {"cut": HINTS[:30], "and nothing": HINTS, "and half an answer": HINTS + OK[:30]}.items():
        # something has come: to ask again could carry it out twice
        yield Row(f"UPS-10 interim 103 {name}", request(), bad(held=False, interim=None), replies=closed(end))
    ended = bad(held=False)
    yield Row("UPS-10 swallowed 100 and nothing", request(method=b"POST"), ended, replies=closed(CONTINUE))
    old = HINTS.replace(b"HTTP/1.1", b"HTTP/1.0")
    any_way = (_seen(), _seen(103), bad(held=False, interim=None))
    yield Row("UPS-10 interim in 1.0", request(), any_way, replies=reply(old + OK))
    # behind the answer it is nobody's
    first = Expectation(answers=(answered(200, body=b"ok"),), requests=(Sent(cut=True),), closes=False)
    for name, behind in {"103": HINTS, "100": CONTINUE, "101": SWITCH + b"\r\n"}.items():
        yield Row(f"UPS-10 {name} behind the answer", request(), first, replies=kept(OK + behind))


def _unasked() -> Iterator[Row]:
    asks = (
        b"Connection: upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    )
    for name, data in UNASKED.items():
        interim = (103,) if name == "behind a 103" else ()
        refused = bad(interim=interim)
        yield Row(f"UPS-10 101 {name}", request(), refused, replies=kept(data))
        # the route allows no upgrade, so that the instance was not asked for one either
        one = Expectation(
            answers=(answered(502, interim=interim),), requests=(Sent(cut=True, absent=(b"upgrade",)),)
        )
        yield Row(f"UPS-10 101 {name}, asked for in vain", request(*asks), one, replies=kept(data))
    post = request(b"Content-Length: 5", method=b"POST", body=b"hello")
    yield Row("UPS-10 101 to a POST", post, bad(), replies=kept(UNASKED["websocket"]))
    head = Expectation(answers=(OF_ITS_OWN,), requests=(Sent(cut=True),))
    yield Row(
        "UPS-10 101 to HEAD", request(method=b"HEAD"), head, replies=kept(UNASKED["websocket"]), to_head=(0,)
    )


def _while_uploading() -> Iterator[Row]:
    for name, fields, first, rest in (
        ("length", b"Content-Length: 10", b"hello", b"world"),
        ("chunks", CHUNKED, b"5\r\nhello\r\n", b"5\r\nworld\r\n0\r\n\r\n"),
    ):
        send = request(fields, method=b"POST", body=first)
        whole = Sent(body=b"helloworld")
        seen = Expectation(answers=(answered(200, body=b"ok", interim=(103,)),), requests=(whole,))
        early = reply(HINTS, Pause(0.3), OK, when=When.HEAD)
        # the answer comes when the rest of the body has long been sent
        yield Row(
            f"UPS-10 interim 103 inside an upload, {name}", (send, Answers(1), rest), seen, replies=early
        )
        swallowed = Expectation(answers=(answered(200, body=b"ok"),), requests=(whole,))
        early = reply(CONTINUE, Pause(0.3), OK, when=When.HEAD)
        yield Row(
            f"UPS-10 swallowed 100 inside an upload, {name}",
            (send, Pause(0.1), rest),
            swallowed,
            replies=early,
        )
        switched = Expectation(answers=(OF_ITS_OWN,), requests=(Sent(cut=True),), closes=True)
        early = reply(UNASKED["websocket"], HOLD, when=When.HEAD)
        yield Row(f"UPS-10 101 inside an upload, {name}", send, switched, replies=early)

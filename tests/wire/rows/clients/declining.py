"""CLI-09, CLI-10 and CLI-15: who asks to switch, and does not; the answer is one as any other."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import (
    Answers,
    End,
    Expectation,
    Heads,
    Pause,
    Row,
    Sent,
    answered,
    declined,
    forwarded,
    refused,
    reply,
)
from tests.wire.rows.clients.handshakes import (
    ACCEPTS,
    ASKED,
    ASKS,
    CHAT,
    CHATS,
    CONNECTION,
    KEY,
    SWITCH,
    VERSION,
    WEBSOCKET,
    WS,
    handshake,
)
from tests.wire.rows.parts import BEHIND, CHUNKED, PATH, chunks, request
from tests.wire.rows.upstream.answers import HOLD, OK, answer, bad, closed, told


ORDINARY: Final[Mapping[str, tuple[bytes, ...]]] = {
    # who does not ask properly asks for a page
    "without connection": (WEBSOCKET, VERSION, b"Sec-WebSocket-Key: " + KEY),
    "connection names something else": (
        b"Connection: keep-alive",
        WEBSOCKET,
        VERSION,
        b"Sec-WebSocket-Key: " + KEY,
    ),
    "connection upgrades": (b"Connection: upgrades", WEBSOCKET, VERSION, b"Sec-WebSocket-Key: " + KEY),
    "without upgrade": (CONNECTION, VERSION, b"Sec-WebSocket-Key: " + KEY),
    "empty upgrade": (CONNECTION, b"Upgrade:", VERSION, b"Sec-WebSocket-Key: " + KEY),
    "another token": (CONNECTION, b"Upgrade: websockets", VERSION, b"Sec-WebSocket-Key: " + KEY),
    "a token with a version": (CONNECTION, b"Upgrade: websocket/13", VERSION, b"Sec-WebSocket-Key: " + KEY),
    "a quoted token": (CONNECTION, b'Upgrade: "websocket"', VERSION, b"Sec-WebSocket-Key: " + KEY),
    "a parameter": (CONNECTION, b"Upgrade: websocket;q=1", VERSION, b"Sec-WebSocket-Key: " + KEY),
}

TOKENS: Final = (
    b"h2c", b"h2", b"HTTP/2.0", b"http/1.1", b"HTTP/3", b"TLS/1.0", b"TLS/1.2, HTTP/1.1", b"IRC/6.9", b"RTA/x11", b"SHTTP/1.3",
    b"connect-udp", b"connect-ip", b"spdy/3.1", b"tcp", b"PTTH/1.0", b"*", b"%77ebsocket", b"web socket", b"a" * 4_000,
)  # fmt: skip

REFUSALS: Final[Mapping[str, tuple[int, bytes, bytes]]] = {
    "403": (403, told(b"no", line=b"HTTP/1.1 403 Forbidden"), b"no"),
    "401": (401, told(b"no", b"WWW-Authenticate: Bearer", line=b"HTTP/1.1 401 Unauthorized"), b"no"),
    "200": (200, OK, b"ok"),
    "204": (204, answer(line=b"HTTP/1.1 204 No Content"), b""),
    "302": (302, told(b"", b"Location: /x", line=b"HTTP/1.1 302 Found"), b""),
    "400": (400, told(b"bad", line=b"HTTP/1.1 400 Bad Request"), b"bad"),
    "404 in chunks": (404, answer(CHUNKED, line=b"HTTP/1.1 404 Not Found", body=chunks(b"none")), b"none"),
    "426": (426, told(b"13", b"Sec-WebSocket-Version: 13", line=b"HTTP/1.1 426 Upgrade Required"), b"13"),
    "500": (500, told(b"oh", line=b"HTTP/1.1 500 Internal Server Error"), b"oh"),
    "503": (503, told(b"", b"Retry-After: 1", line=b"HTTP/1.1 503 Service Unavailable"), b""),
    "200 with an upgrade": (200, told(b"ok", CONNECTION, WEBSOCKET), b"ok"),
    "200 with all of a 101": (200, told(b"ok", *ACCEPTS), b"ok"),
    "1.0": (403, told(b"no", line=b"HTTP/1.0 403 Forbidden"), b"no"),
}

ASKED_FOR_A_PAGE: Final = Sent(absent=(b"upgrade", b"connection", b"http2-settings"), framing="none")


def rows() -> Iterator[Row]:
    """CLI-09, CLI-10 and CLI-15."""
    yield from _ordinary()
    yield from _tokens()
    yield from _relayed()


def _ordinary() -> Iterator[Row]:
    """No upgrade reaches the instance; the request does, and what is behind it, too."""
    for name, fields in ORDINARY.items():
        expect = forwarded(ASKED_FOR_A_PAGE, Sent(target=PATH + b"/behind"))
        yield Row(f"CLI-09 ordinary {name}", request(*fields, target=WS) + BEHIND, expect, choice=True)
        # RFC 9110 section 7.8: an instance that switches all the same was not asked to
        yield Row(
            f"CLI-09 ordinary {name}, and switched",
            request(*fields, target=WS),
            bad(),
            replies=reply(SWITCH, HOLD),
            choice=True,
        )
    old = request(*ASKS, b"Connection: keep-alive", target=WS, version=b"HTTP/1.0")
    one = Expectation(answers=(answered(200),), requests=(ASKED_FOR_A_PAGE,))
    yield Row("CLI-09 ordinary in 1.0", old, one)
    for name, framing, body, content in (
        ("length", b"Content-Length: 5", b"hello", b"hello"),
        ("chunks", CHUNKED, chunks(b"hello"), b"hello"),
    ):
        # a body and a switch of protocol in one request: where would the other protocol begin?
        sent = Sent(absent=(b"upgrade", b"connection"), body=content)
        either = (forwarded(sent, Sent()), declined(400), refused(400))
        yield Row(
            f"CLI-09 with a body, {name}", request(*ASKS, framing, target=WS, body=body) + BEHIND, either
        )
        post = request(*ASKS, framing, method=b"POST", target=WS, body=body) + BEHIND
        yield Row(f"CLI-09 POST with a body, {name}", post, either)
    for name, target in {"plain": PATH, "by name": b"/named" + PATH, "almost": b"/wsx" + PATH}.items():
        expect = forwarded(ASKED_FOR_A_PAGE, Sent())
        yield Row(f"CLI-09 not allowed on {name}", handshake(target=target) + BEHIND, expect, choice=True)
        yield Row(
            f"CLI-09 not allowed on {name}, and switched",
            handshake(target=target),
            bad(),
            replies=reply(SWITCH, HOLD),
            choice=True,
        )
        # frames of a client that does not wait are no request
        frames = handshake(target=target) + b"\x81\x85\x00\x00\x00\x00hello"
        expect = Expectation(
            answers=(answered(200), answered(400)), requests=(ASKED_FOR_A_PAGE,), closes=True
        )
        yield Row(f"CLI-09 not allowed on {name}, frames behind", frames, expect, choice=True)


def _tokens() -> Iterator[Row]:
    """Protocols that would go round the gateway, or that nobody has allowed."""
    for token in TOKENS:
        name = token[:20].decode()
        for place, target in {"": PATH, " on ws": WS, " on chat": CHAT}.items():
            fields = (
                b"Connection: Upgrade, HTTP2-Settings",
                b"Upgrade: " + token,
                b"HTTP2-Settings: AAMAAABkAAQAAP__",
            )
            expect = forwarded(ASKED_FOR_A_PAGE, Sent(target=PATH + b"/behind"))
            yield Row(f"CLI-15 {name}{place}", request(*fields, target=target) + BEHIND, expect, choice=True)
    prior = (
        request(b"Connection: Upgrade", b"Upgrade: h2c", target=CHAT) + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    )
    expect = Expectation(
        answers=(answered(200), answered(400, 501, 505)), requests=(ASKED_FOR_A_PAGE,), closes=True
    )
    yield Row("CLI-15 h2c and a preface behind it", prior, expect, choice=True)
    chats = request(b"Connection: upgrade", b"Upgrade: chat", target=CHAT)
    one = answered(101, fields={b"upgrade": b"chat"}, present=(b"connection",))
    sent = Sent(target=CHAT, fields={b"upgrade": b"chat"})
    expect = Expectation(answers=(one,), requests=(sent,), tunnel=b"")
    yield Row("CLI-15 chat", (chats, Answers(1), End.FIN), expect, replies=reply(CHATS))
    upper = chats.replace(b"chat\r\n", b"CHAT\r\n")
    yield Row("CLI-15 chat in capitals", (upper, Answers(1), End.FIN), expect, replies=reply(CHATS))
    page = forwarded(ASKED_FOR_A_PAGE, Sent())
    for place, target in {"plain": PATH, "ws": WS}.items():
        send = request(b"Connection: upgrade", b"Upgrade: chat", target=target)
        yield Row(f"CLI-15 chat on {place}", send + BEHIND, page, choice=True)
        yield Row(
            f"CLI-15 chat on {place}, and switched", send, bad(), replies=reply(CHATS, HOLD), choice=True
        )
    # on a route that allows both, the instance gets the first that is allowed, alone
    for wanted, first in {
        b"chat, websocket": b"chat",
        b"websocket, chat": b"websocket",
        b"h2c, chat": b"chat",
    }.items():
        asks = (CONNECTION, b"Upgrade: " + wanted, VERSION, b"Sec-WebSocket-Key: " + KEY)
        data = SWITCH if first == b"websocket" else CHATS
        sent = Sent(fields={b"upgrade": first})
        expect = Expectation(
            answers=(answered(101, fields={b"upgrade": first}),), requests=(sent,), tunnel=b""
        )
        yield Row(
            f"CLI-15 of {wanted.decode()}",
            (request(*asks, target=CHAT), Answers(1), End.FIN),
            expect,
            replies=reply(data),
            choice=True,
        )
        other = CHATS if first == b"websocket" else SWITCH
        yield Row(
            f"CLI-15 of {wanted.decode()}, the other",
            request(*asks, target=CHAT),
            bad(),
            replies=reply(other, HOLD),
            choice=True,
        )


def _relayed() -> Iterator[Row]:
    """A refusal is an answer as any other; the next request is answered once, and not over that connection."""
    for name, (status, data, body) in REFUSALS.items():
        one = answered(status, body=body, absent=(b"upgrade",))
        both = Expectation(
            answers=(one, answered(200)),
            requests=(attrs.evolve(ASKED, cut=True), Sent(target=PATH + b"/behind")),
            closes=False,
        )
        yield Row(f"CLI-10 {name}, a request behind", handshake() + BEHIND, both, replies=reply(data, HOLD))
        later = (handshake(), Answers(1), BEHIND)
        yield Row(f"CLI-10 {name}, then a request", later, both, replies=reply(data, HOLD))
        frames = handshake() + b"\x81\x85\x00\x00\x00\x00hello"
        # a client that does not wait for its 101: what it sends is none of the instance's business
        stopped = Expectation(
            answers=(one, answered(400)), requests=(attrs.evolve(ASKED, cut=True),), closes=True
        )
        yield Row(f"CLI-10 {name}, frames behind", frames, stopped, replies=reply(Pause(0.1), data, HOLD))
    streamed = closed(answer(line=b"HTTP/1.1 403 Forbidden"), Pause(0.1), b"until the end")
    one = answered(403, body=b"until the end")
    both = Expectation(answers=(one, answered(200)), requests=(ASKED, Sent()), closes=False)
    yield Row("CLI-10 until the end, a request behind", handshake() + BEHIND, both, replies=streamed)
    cut = Expectation(answers=(answered(403, cut=True),), requests=(ASKED,), ends=True)
    broken = closed(answer(b"Content-Length: 100", line=b"HTTP/1.1 403 Forbidden"), Pause(0.1), b"no")
    yield Row("CLI-10 cut, a request behind", handshake() + BEHIND, cut, replies=broken)
    for kind, end in {"fin": End.FIN, "reset": End.RST}.items():
        # nobody is asked twice to switch
        none = Expectation(answers=(answered(502), answered(200)), requests=(ASKED, Sent()), closes=False)
        yield Row(
            f"CLI-10 {kind}, a request behind", handshake() + BEHIND, none, replies=reply(Pause(0.1), end)
        )
    many = handshake() * 3 + BEHIND
    no = answered(403, body=b"no")
    thrice = Expectation(
        answers=(no, no, no, answered(200)), requests=(ASKED, ASKED, ASKED, Sent()), closes=False
    )
    yield Row("CLI-10 403 three times", many, thrice, replies=(reply(REFUSALS["403"][1]),) * 3)
    page = (handshake(), Heads(1), Pause(0.1), BEHIND)
    ok = Expectation(
        answers=(answered(200, body=b"ok"), answered(200)), requests=(ASKED, Sent()), closes=False
    )
    yield Row("CLI-10 a request while the instance thinks", page, ok, replies=reply(Pause(0.3), OK))

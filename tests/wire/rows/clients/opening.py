"""CLI-09 and CLI-10: who may switch to another protocol, to which, and what becomes of everybody else."""

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
    ACCEPT,
    ACCEPTS,
    ASKS,
    CHAT,
    CHATS,
    CONNECTION,
    KEY,
    SWITCH,
    SWITCHED,
    VERSION,
    WEBSOCKET,
    WS,
    handshake,
    switch,
)
from tests.wire.rows.parts import BEHIND, CHUNKED, PATH, chunks, request
from tests.wire.rows.upstream.answers import HOLD, OK, answer, bad, closed, told


BAD_KEYS: Final[Mapping[str, bytes]] = {
    "empty": b"",
    "short": b"dGhlIHNhbXBsZQ==",
    "long": b"dGhlIHNhbXBsZSBub25jZSE=AAAA",
    "17 bytes": b"dGhlIHNhbXBsZSBub25jZSE=",
    "15 bytes": b"dGhlIHNhbXBsZSBub25j",
    "without padding": b"dGhlIHNhbXBsZSBub25jZQ",
    "with more padding": b"dGhlIHNhbXBsZSBub25jZQ===",
    "letters that are none": b"dGhlIHNhbXBsZSBub25j*Q==",
    "url letters": b"-_hlIHNhbXBsZSBub25jZQ==",
    "bits behind its end": b"dGhlIHNhbXBsZSBub25jZR==",
    "blank inside": b"dGhlIHNh bXBsZSBub25jZQ==",
    "plain text": b"the sample nonce",
    "two in one": KEY + b", " + KEY,
    "quoted": b'"' + KEY + b'"',
    "8 KB": b"A" * 8_000,
}

BAD_VERSIONS: Final[Mapping[str, bytes]] = {
    "empty": b"",
    "0": b"0",
    "8": b"8",
    "12": b"12",
    "14": b"14",
    "013": b"013",
    "13.0": b"13.0",
    "a list": b"13, 8",
    "a word": b"thirteen",
    "255": b"255",
    "a million": b"1000000",
    "plus": b"+13",
}

ORDINARY: Final[Mapping[str, tuple[bytes, ...]]] = {
    # who does not ask properly asks for a page
    "without connection": (WEBSOCKET, VERSION, b"Sec-WebSocket-Key: " + KEY),
    "connection names something else": (b"Connection: keep-alive", WEBSOCKET, VERSION, b"Sec-WebSocket-Key: " + KEY),
    "connection upgrades": (b"Connection: upgrades", WEBSOCKET, VERSION, b"Sec-WebSocket-Key: " + KEY),
    "without upgrade": (CONNECTION, VERSION, b"Sec-WebSocket-Key: " + KEY),
    "empty upgrade": (CONNECTION, b"Upgrade:", VERSION, b"Sec-WebSocket-Key: " + KEY),
    "another token": (CONNECTION, b"Upgrade: websockets", VERSION, b"Sec-WebSocket-Key: " + KEY),
    "a token with a version": (CONNECTION, b"Upgrade: websocket/13", VERSION, b"Sec-WebSocket-Key: " + KEY),
    "a quoted token": (CONNECTION, b'Upgrade: "websocket"', VERSION, b"Sec-WebSocket-Key: " + KEY),
    "a parameter": (CONNECTION, b"Upgrade: websocket;q=1", VERSION, b"Sec-WebSocket-Key: " + KEY),
}

SOUND: Final[Mapping[str, tuple[bytes, ...]]] = {
    "plain": ASKS,
    "lower case": tuple(line.replace(b"Upgrade: w", b"upgrade: w") for line in ASKS),
    "token in other case": (CONNECTION, b"Upgrade: WebSocket", *ASKS[2:]),
    "token in capitals": (CONNECTION, b"Upgrade: WEBSOCKET", *ASKS[2:]),
    "keep-alive, too": (b"Connection: keep-alive, Upgrade", *ASKS[1:]),
    "two connection fields": (b"Connection: keep-alive", CONNECTION, *ASKS[1:]),
    "another first": (CONNECTION, b"Upgrade: irc, websocket", *ASKS[2:]),
    "another behind it": (CONNECTION, b"Upgrade: websocket, irc", *ASKS[2:]),
    "another in a field of its own": (CONNECTION, b"Upgrade: irc", WEBSOCKET, *ASKS[2:]),
    "h2c beside it": (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c, websocket", b"HTTP2-Settings: AAMAAABkAAQAAP__", *ASKS[2:]),
    "names something": (b"Connection: Upgrade, X-Two", b"X-Two: 2", *ASKS[1:]),
    "an origin": (*ASKS, b"Origin: https://example.test"),
    "a foreign origin": (*ASKS, b"Origin: https://evil.test"),
    "a null origin": (*ASKS, b"Origin: null"),
    "protocols": (*ASKS, b"Sec-WebSocket-Protocol: chat, superchat"),
    "a hundred protocols": (*ASKS, b"Sec-WebSocket-Protocol: " + b", ".join(b"p%d" % n for n in range(100))),
    "an extension": (*ASKS, b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"),
    "a length of nought": (*ASKS, b"Content-Length: 0"),
    "cookies": (*ASKS, b"Cookie: a=1", b"Authorization: Bearer x"),
    "te": (b"Connection: Upgrade, TE", b"TE: trailers", *ASKS[1:]),
    "expect": (*ASKS, b"Expect: 100-continue"),
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

BAD_SWITCHES: Final[Mapping[str, bytes]] = {
    "no accept": switch(CONNECTION, WEBSOCKET),
    "another accept": switch(CONNECTION, WEBSOCKET, b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    "the key for an accept": switch(CONNECTION, WEBSOCKET, b"Sec-WebSocket-Accept: " + KEY),
    "an empty accept": switch(CONNECTION, WEBSOCKET, b"Sec-WebSocket-Accept:"),
    "an accept in other case": switch(CONNECTION, WEBSOCKET, b"Sec-WebSocket-Accept: " + ACCEPT.swapcase()),
    "two accepts": switch(*ACCEPTS, ACCEPTS[-1]),
    "two different accepts": switch(*ACCEPTS, b"Sec-WebSocket-Accept: AAAA"),
    "no connection": switch(WEBSOCKET, ACCEPTS[-1]),
    "connection says close": switch(b"Connection: close", WEBSOCKET, ACCEPTS[-1]),
    "connection says keep-alive": switch(b"Connection: keep-alive", WEBSOCKET, ACCEPTS[-1]),
    "no upgrade": switch(CONNECTION, ACCEPTS[-1]),
    "an empty upgrade": switch(CONNECTION, b"Upgrade:", ACCEPTS[-1]),
    "another protocol": switch(CONNECTION, b"Upgrade: h2c", ACCEPTS[-1]),
    "two protocols": switch(CONNECTION, b"Upgrade: websocket, h2c", ACCEPTS[-1]),
    "two upgrades": switch(CONNECTION, WEBSOCKET, b"Upgrade: h2c", ACCEPTS[-1]),
    "a length": switch(*ACCEPTS, b"Content-Length: 5") + b"hello",
    "a length of nought": switch(*ACCEPTS, b"Content-Length: 0"),
    "chunks": switch(*ACCEPTS, CHUNKED) + chunks(b"hello"),
    "1.0": SWITCH.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "2.0": SWITCH.replace(b"HTTP/1.1", b"HTTP/2.0"),
    "a control character": switch(*ACCEPTS, b"X-Two: \x01"),
    "a nul in the accept": switch(CONNECTION, WEBSOCKET, ACCEPTS[-1] + b"\x00"),
    "a folded field": switch(*ACCEPTS, b"X-Two: 2\r\n 3"),
    "a bare lf": switch(*ACCEPTS, b"X-Two: 2\nX-Three: 3"),
    "200 fields": switch(*ACCEPTS, *(b"X-%d: 1" % n for n in range(200))),
    "70 KB": switch(*ACCEPTS, b"X-Two: " + b"x" * 70_000),
}
"""To a handshake that was sound."""


def rows() -> Iterator[Row]:
    """CLI-09 and CLI-10."""
    yield from _sound()
    yield from _malformed()
    yield from _ordinary()
    yield from _tokens()
    yield from _relayed()
    yield from _bad_switches()


ASKED: Final = Sent(
    method=b"GET",
    target=WS,
    fields={
        b"connection": b"upgrade",
        b"upgrade": b"websocket",
        b"sec-websocket-version": b"13",
        b"sec-websocket-key": KEY,
    },
    framing="none",
)
ASKED_FOR_A_PAGE: Final = Sent(absent=(b"upgrade", b"connection", b"http2-settings"), framing="none")


def _sound() -> Iterator[Row]:
    """Both agree; the client leaves."""
    for name, fields in SOUND.items():
        names = {line.partition(b":")[0].lower(): line.partition(b": ")[2] for line in fields}
        passes = (b"origin", b"sec-websocket-protocol", b"sec-websocket-extensions", b"cookie", b"authorization")
        own = {field: value for field, value in names.items() if field in passes}
        sent = attrs.evolve(
            ASKED,
            fields={**ASKED.fields, **own} if name != "te" else own,
            absent=(b"x-two", b"http2-settings", b"expect", b"content-length"),
        )
        expect = Expectation(answers=(SWITCHED,), requests=(sent,), tunnel=b"")
        send = (request(*fields, target=WS), Answers(1), End.FIN)
        yield Row(f"CLI-09 sound {name}", send, expect, replies=reply(SWITCH))
    chosen = switch(*ACCEPTS, b"Sec-WebSocket-Protocol: chat", b"Sec-WebSocket-Extensions: permessage-deflate", b"X-Two: 2", b"Set-Cookie: a=1")
    fields = {
        **SWITCHED.fields,
        b"sec-websocket-protocol": b"chat",
        b"sec-websocket-extensions": b"permessage-deflate",
        b"x-two": b"2",
        b"set-cookie": b"a=1",
    }
    expect = Expectation(answers=(attrs.evolve(SWITCHED, fields=fields),), requests=(ASKED,), tunnel=b"")
    yield Row("CLI-09 sound with what was chosen", (handshake(), Answers(1), End.FIN), expect, replies=reply(chosen))
    for name, data in {
        "token in other case": switch(CONNECTION, b"Upgrade: WebSocket", ACCEPTS[-1]),
        "connection in a list": switch(b"Connection: keep-alive, upgrade", *ACCEPTS[1:]),
        "blanks behind the accept": switch(*ACCEPTS[:2], ACCEPTS[-1] + b"  "),
        "names something": switch(b"Connection: upgrade, X-Two", b"X-Two: 2", *ACCEPTS[1:]),
        "hop by hop": switch(*ACCEPTS, b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive"),
        "no reason": SWITCH.replace(b"Switching Protocols", b""),
    }.items():
        one = answered(101, present=(b"upgrade", b"connection"), absent=(b"x-two", b"keep-alive", b"proxy-connection"))
        expect = Expectation(answers=(one,), requests=(ASKED,), tunnel=b"")
        yield Row(f"CLI-09 switched, {name}", (handshake(), Answers(1), End.FIN), expect, replies=reply(data))
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    for name, before, interim in (("103", hints, (103,)), ("100", b"HTTP/1.1 100 Continue\r\n\r\n", ())):
        one = attrs.evolve(SWITCHED, interim=interim)
        expect = Expectation(answers=(one,), requests=(ASKED,), tunnel=b"")
        send = (handshake(), Answers(1 + len(interim)), End.FIN)
        yield Row(f"CLI-09 switched behind a {name}", send, expect, replies=reply(before + SWITCH))


def _malformed() -> Iterator[Row]:
    """Refused here: no instance has to know how."""
    bad_key = declined(400)
    for name, key in BAD_KEYS.items():
        fields = (CONNECTION, WEBSOCKET, VERSION, b"Sec-WebSocket-Key: " + key)
        yield Row(f"CLI-09 key {name}", request(*fields, target=WS), bad_key, choice=True)
    yield Row("CLI-09 key missing", request(CONNECTION, WEBSOCKET, VERSION, target=WS), bad_key, choice=True)
    twice = request(*ASKS, b"Sec-WebSocket-Key: " + KEY, target=WS)
    yield Row("CLI-09 key twice", twice, bad_key, choice=True)
    other = declined(426, 400, fields={b"sec-websocket-version": b"13"})
    for name, version in BAD_VERSIONS.items():
        fields = (CONNECTION, WEBSOCKET, b"Sec-WebSocket-Version: " + version, b"Sec-WebSocket-Key: " + KEY)
        yield Row(f"CLI-09 version {name}", request(*fields, target=WS), other, choice=True)
    missing = request(CONNECTION, WEBSOCKET, b"Sec-WebSocket-Key: " + KEY, target=WS)
    yield Row("CLI-09 version missing", missing, other, choice=True)
    twice = request(*ASKS, VERSION, target=WS)
    yield Row("CLI-09 version twice", twice, declined(400, 426), choice=True)
    for method in (b"HEAD", b"OPTIONS", b"DELETE"):
        send = request(*ASKS, method=method, target=WS)
        to_head = (0,) if method == b"HEAD" else ()
        yield Row(f"CLI-09 {method.decode()}", send, declined(400, 405), to_head=to_head, choice=True)
    empty = request(*ASKS, b"Content-Length: 0", method=b"POST", target=WS)
    yield Row("CLI-09 POST of nothing", empty, declined(400, 405), choice=True)
    many = request(*ASKS, *(b"X-%d: 1" % number for number in range(200)), target=WS)
    yield Row("CLI-09 200 fields", many, refused(431, 400))
    protocols = b"Sec-WebSocket-Protocol: " + b", ".join(b"p%d" % number for number in range(3_000))
    yield Row("CLI-09 3000 protocols", request(*ASKS, protocols, target=WS), refused(431, 400))
    for name, fields in {"no host": ASKS, "two hosts": (*ASKS, b"Host: a.test", b"Host: b.test")}.items():
        yield Row(f"CLI-09 {name}", request(*fields, target=WS, host=None), refused(400))
    bad_path = request(*ASKS, target=b"/ws/RUN00000/%00")
    yield Row("CLI-09 bad path", bad_path, refused(400))
    nothing = request(*ASKS, b"Connection: " + b", ".join(b"x%d" % number for number in range(100)), target=WS)
    yield Row("CLI-09 a hundred names in Connection", nothing, refused(400))


def _ordinary() -> Iterator[Row]:
    """No upgrade reaches the instance; the request does, and what is behind it, too."""
    for name, fields in ORDINARY.items():
        expect = forwarded(ASKED_FOR_A_PAGE, Sent(target=PATH + b"/behind"))
        yield Row(f"CLI-09 ordinary {name}", request(*fields, target=WS) + BEHIND, expect, choice=True)
        # RFC 9110 section 7.8: an instance that switches all the same was not asked to
        yield Row(f"CLI-09 ordinary {name}, and switched", request(*fields, target=WS), bad(), replies=reply(SWITCH, HOLD), choice=True)
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
        yield Row(f"CLI-09 with a body, {name}", request(*ASKS, framing, target=WS, body=body) + BEHIND, either)
        post = request(*ASKS, framing, method=b"POST", target=WS, body=body) + BEHIND
        yield Row(f"CLI-09 POST with a body, {name}", post, either)
    for name, target in {"plain": PATH, "by name": b"/named" + PATH, "almost": b"/wsx" + PATH}.items():
        expect = forwarded(ASKED_FOR_A_PAGE, Sent())
        yield Row(f"CLI-09 not allowed on {name}", handshake(target=target) + BEHIND, expect)
        yield Row(f"CLI-09 not allowed on {name}, and switched", handshake(target=target), bad(), replies=reply(SWITCH, HOLD))
        # frames of a client that does not wait are no request
        frames = handshake(target=target) + b"\x81\x85\x00\x00\x00\x00hello"
        expect = Expectation(answers=(answered(200), answered(400)), requests=(ASKED_FOR_A_PAGE,), closes=True)
        yield Row(f"CLI-09 not allowed on {name}, frames behind", frames, expect)


def _tokens() -> Iterator[Row]:
    """Protocols that would go round the gateway, or that nobody has allowed."""
    for token in TOKENS:
        name = token[:20].decode()
        for place, target in {"": PATH, " on ws": WS, " on chat": CHAT}.items():
            fields = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: " + token, b"HTTP2-Settings: AAMAAABkAAQAAP__")
            expect = forwarded(ASKED_FOR_A_PAGE, Sent(target=PATH + b"/behind"))
            yield Row(f"CLI-15 {name}{place}", request(*fields, target=target) + BEHIND, expect)
    prior = request(b"Connection: Upgrade", b"Upgrade: h2c", target=CHAT) + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    expect = Expectation(answers=(answered(200), answered(400, 501, 505)), requests=(ASKED_FOR_A_PAGE,), closes=True)
    yield Row("CLI-15 h2c and a preface behind it", prior, expect)
    chats = request(b"Connection: upgrade", b"Upgrade: chat", target=CHAT)
    one = answered(101, fields={b"upgrade": b"chat"}, present=(b"connection",))
    sent = Sent(target=CHAT, fields={b"upgrade": b"chat", b"connection": b"upgrade"})
    expect = Expectation(answers=(one,), requests=(sent,), tunnel=b"")
    yield Row("CLI-15 chat", (chats, Answers(1), End.FIN), expect, replies=reply(CHATS))
    upper = chats.replace(b"chat\r\n", b"CHAT\r\n")
    yield Row("CLI-15 chat in capitals", (upper, Answers(1), End.FIN), expect, replies=reply(CHATS))
    page = forwarded(ASKED_FOR_A_PAGE, Sent())
    for place, target in {"plain": PATH, "ws": WS}.items():
        send = request(b"Connection: upgrade", b"Upgrade: chat", target=target)
        yield Row(f"CLI-15 chat on {place}", send + BEHIND, page)
        yield Row(f"CLI-15 chat on {place}, and switched", send, bad(), replies=reply(CHATS, HOLD))
    # on a route that allows both, the instance gets the first that is allowed, alone
    for wanted, first in {b"chat, websocket": b"chat", b"websocket, chat": b"websocket", b"h2c, chat": b"chat"}.items():
        fields = (CONNECTION, b"Upgrade: " + wanted, VERSION, b"Sec-WebSocket-Key: " + KEY)
        data = SWITCH if first == b"websocket" else CHATS
        sent = Sent(fields={b"upgrade": first})
        expect = Expectation(answers=(answered(101, fields={b"upgrade": first}),), requests=(sent,), tunnel=b"")
        yield Row(f"CLI-15 of {wanted.decode()}", (request(*fields, target=CHAT), Answers(1), End.FIN), expect, replies=reply(data))
        other = CHATS if first == b"websocket" else SWITCH
        yield Row(f"CLI-15 of {wanted.decode()}, the other", request(*fields, target=CHAT), bad(), replies=reply(other, HOLD))


def _relayed() -> Iterator[Row]:
    """A refusal is an answer as any other; the next request is answered once, and not over that connection."""
    for name, (status, data, body) in REFUSALS.items():
        one = answered(status, body=body, absent=(b"upgrade",))
        both = Expectation(
            answers=(one, answered(200)), requests=(attrs.evolve(ASKED, cut=True), Sent(target=PATH + b"/behind")), closes=False
        )
        yield Row(f"CLI-10 {name}, a request behind", handshake() + BEHIND, both, replies=reply(data, HOLD))
        later = (handshake(), Answers(1), BEHIND)
        yield Row(f"CLI-10 {name}, then a request", later, both, replies=reply(data, HOLD))
        frames = handshake() + b"\x81\x85\x00\x00\x00\x00hello"
        # a client that does not wait for its 101: what it sends is none of the instance's business
        stopped = Expectation(answers=(one, answered(400)), requests=(attrs.evolve(ASKED, cut=True),), closes=True)
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
        yield Row(f"CLI-10 {kind}, a request behind", handshake() + BEHIND, none, replies=reply(Pause(0.1), end))
    many = handshake() * 3 + BEHIND
    no = answered(403, body=b"no")
    thrice = Expectation(answers=(no, no, no, answered(200)), requests=(ASKED, ASKED, ASKED, Sent()), closes=False)
    yield Row("CLI-10 403 three times", many, thrice, replies=(reply(REFUSALS["403"][1]),) * 3)


def _bad_switches() -> Iterator[Row]:
    for name, data in BAD_SWITCHES.items():
        one = answered(502, absent=(b"upgrade", b"sec-websocket-accept", b"x-origin"))
        expect = Expectation(answers=(one,), requests=(attrs.evolve(ASKED, cut=True),))
        yield Row(f"CLI-09 switched with {name}", handshake(), expect, replies=reply(data, HOLD))
        both = Expectation(answers=(one, answered(200)), requests=(attrs.evolve(ASKED, cut=True), Sent()), closes=False)
        yield Row(f"CLI-09 switched with {name}, a request behind", handshake() + BEHIND, both, replies=reply(data + b"\x81\x05hello", HOLD))
    for name, token in {"websocket": b"websocket", "h2c": b"h2c", "nothing": b""}.items():
        other = switch(CONNECTION, b"Upgrade: " + token, ACCEPTS[-1])
        send = request(b"Connection: upgrade", b"Upgrade: chat", target=CHAT)
        yield Row(f"CLI-15 chat switched to {name}", send, bad(), replies=reply(other, HOLD))
    cut = Expectation(answers=(answered(502),), requests=(ASKED,))
    for name, end in {"in its first line": 20, "in a field": 50, "before its end": len(SWITCH) - 2}.items():
        yield Row(f"CLI-09 switched and cut {name}", handshake(), cut, replies=closed(SWITCH[:end]))
    page = (handshake(), Heads(1), Pause(0.1), BEHIND)
    ok = Expectation(answers=(answered(200, body=b"ok"), answered(200)), requests=(ASKED, Sent()), closes=False)
    yield Row("CLI-10 a request while the instance thinks", page, ok, replies=reply(Pause(0.3), OK))

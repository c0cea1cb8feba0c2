"""CLI-09: handshakes that are sound, those that are not, and answers to them."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import (
    Answers,
    End,
    Expectation,
    Row,
    Sent,
    answered,
    declined,
    refused,
    reply,
)
from tests.wire.rows.clients.handshakes import (
    ACCEPT,
    ACCEPTS,
    ASKED,
    ASKS,
    CHAT,
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
from tests.wire.rows.parts import BEHIND, CHUNKED, chunks, request
from tests.wire.rows.upstream.answers import HOLD, bad, closed


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
    "h2c beside it": (
        b"Connection: Upgrade, HTTP2-Settings",
        b"Upgrade: h2c, websocket",
        b"HTTP2-Settings: AAMAAABkAAQAAP__",
        *ASKS[2:],
    ),
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
    """CLI-09, and CLI-15 as far as instances switch to something else."""
    yield from _sound()
    yield from _malformed()
    yield from _bad_switches()


def _sound() -> Iterator[Row]:
    """Both agree; the client leaves."""
    for name, fields in SOUND.items():
        names = {line.partition(b":")[0].lower(): line.partition(b": ")[2] for line in fields}
        passes = (
            b"origin",
            b"sec-websocket-protocol",
            b"sec-websocket-extensions",
            b"cookie",
            b"authorization",
        )
        own = {field: value for field, value in names.items() if field in passes}
        sent = attrs.evolve(
            ASKED,
            fields={**ASKED.fields, **own} if name != "te" else own,
            absent=(b"x-two", b"http2-settings", b"expect", b"content-length"),
        )
        expect = Expectation(answers=(SWITCHED,), requests=(sent,), tunnel=b"")
        send = (request(*fields, target=WS), Answers(1), End.FIN)
        yield Row(f"CLI-09 sound {name}", send, expect, replies=reply(SWITCH))
    named = tuple(
        attrs.evolve(ASKED, fields={**ASKED.fields, b"connection": value})
        for value in (b"upgrade", b"Upgrade")
    )
    says = tuple(Expectation(answers=(SWITCHED,), requests=(one,), tunnel=b"") for one in named)
    yield Row(
        "CLI-09 sound and said so to the instance",
        (handshake(b"X-One: 1"), Answers(1), End.FIN),
        says,
        replies=reply(SWITCH),
    )
    chosen = switch(
        *ACCEPTS,
        b"Sec-WebSocket-Protocol: chat",
        b"Sec-WebSocket-Extensions: permessage-deflate",
        b"X-Two: 2",
        b"Set-Cookie: a=1",
    )
    told = {
        **SWITCHED.fields,
        b"sec-websocket-protocol": b"chat",
        b"sec-websocket-extensions": b"permessage-deflate",
        b"x-two": b"2",
        b"set-cookie": b"a=1",
    }
    expect = Expectation(answers=(attrs.evolve(SWITCHED, fields=told),), requests=(ASKED,), tunnel=b"")
    yield Row(
        "CLI-09 sound with what was chosen", (handshake(), Answers(1), End.FIN), expect, replies=reply(chosen)
    )
    for name, data in {
        "token in other case": switch(CONNECTION, b"Upgrade: WebSocket", ACCEPTS[-1]),
        "connection in a list": switch(b"Connection: keep-alive, upgrade", *ACCEPTS[1:]),
        "blanks behind the accept": switch(*ACCEPTS[:2], ACCEPTS[-1] + b"  "),
        "names something": switch(b"Connection: upgrade, X-Two", b"X-Two: 2", *ACCEPTS[1:]),
        "hop by hop": switch(*ACCEPTS, b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive"),
        "no reason": SWITCH.replace(b"Switching Protocols", b""),
    }.items():
        one = answered(
            101, present=(b"upgrade", b"connection"), absent=(b"x-two", b"keep-alive", b"proxy-connection")
        )
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
    hosts: dict[str, tuple[bytes, ...]] = {"no host": (), "two hosts": (b"Host: a.test", b"Host: b.test")}
    for name, lines in hosts.items():
        yield Row(f"CLI-09 {name}", request(*ASKS, *lines, target=WS, host=None), refused(400))
    bad_path = request(*ASKS, target=b"/ws/RUN00000/%00")
    yield Row("CLI-09 bad path", bad_path, refused(400))
    nothing = request(
        *ASKS, b"Connection: " + b", ".join(b"x%d" % number for number in range(100)), target=WS
    )
    yield Row("CLI-09 a hundred names in Connection", nothing, refused(400))


def _bad_switches() -> Iterator[Row]:
    for name, data in BAD_SWITCHES.items():
        one = answered(502, absent=(b"upgrade", b"sec-websocket-accept", b"x-origin"))
        expect = Expectation(answers=(one,), requests=(attrs.evolve(ASKED, cut=True),))
        yield Row(f"CLI-09 switched with {name}", handshake(), expect, replies=reply(data, HOLD))
        both = Expectation(
            answers=(one, answered(200)), requests=(attrs.evolve(ASKED, cut=True), Sent()), closes=False
        )
        yield Row(
            f"CLI-09 switched with {name}, a request behind",
            handshake() + BEHIND,
            both,
            replies=reply(data + b"\x81\x05hello", HOLD),
        )
    for name, token in {"websocket": b"websocket", "h2c": b"h2c", "nothing": b""}.items():
        other = switch(CONNECTION, b"Upgrade: " + token, ACCEPTS[-1])
        send = request(b"Connection: upgrade", b"Upgrade: chat", target=CHAT)
        yield Row(f"CLI-15 chat switched to {name}", send, bad(), replies=reply(other, HOLD))
    cut = Expectation(answers=(answered(502),), requests=(ASKED,))
    for name, end in {"in its first line": 20, "in a field": 50, "before its end": len(SWITCH) - 2}.items():
        yield Row(f"CLI-09 switched and cut {name}", handshake(), cut, replies=closed(SWITCH[:end]))

"""CLI-11 and CLI-12: what passes through a tunnel, untouched, and how tunnels end."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Answers, End, Expectation, Heads, Pause, Received, Row, Sent, Step, answered, reply
from tests.wire.rows.clients.handshakes import (
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
)
from tests.wire.rows.parts import PATH, request
from tests.wire.rows.upstream.answers import HOLD, OK


MASK: Final = b"\x00\x00\x00\x00"

FRAMES: Final[Mapping[str, bytes]] = {
    # the gateway does not read them: who understands them judges them
    "text": b"\x81\x05hello",
    "masked text": b"\x81\x85" + MASK + b"hello",
    "binary": b"\x82\x04\x00\x01\x02\x03",
    "empty": b"\x81\x00",
    "ping": b"\x89\x04ping",
    "pong": b"\x8a\x04pong",
    "close": b"\x88\x02\x03\xe8",
    "close without a code": b"\x88\x00",
    "close with half a code": b"\x88\x01\x03",
    "close 999": b"\x88\x02\x03\xe7",
    "close 1005": b"\x88\x02\x03\xed",
    "close 5000": b"\x88\x02\x13\x88",
    "reserved bit 1": b"\xc1\x05hello",
    "reserved bits": b"\xf1\x05hello",
    "opcode 3": b"\x83\x05hello",
    "opcode 15": b"\x8f\x05hello",
    "ping of 126 bytes": b"\x89\x7e\x00\x7e" + b"x" * 126,
    "ping in fragments": b"\x09\x02hi",
    "invalid utf-8": b"\x81\x02\xc3\x28",
    "a fragment without an end": b"\x01\x05hello",
    "a continuation of nothing": b"\x80\x05hello",
    "half a frame": b"\x81\x7f\x00\x00",
    "a length of 2-to-63": b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00",
    "a length that is longer than needed": b"\x81\x7e\x00\x05hello",
    "a thousand pings": b"\x89\x00" * 1_000,
    "64 KiB": b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00" + b"x" * 65_536,
    "what is no frame": b"\xff" * 100,
    "every byte": bytes(range(256)),
    "a request": b"GET /hidden HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "an answer": OK,
    "a bad request": b"\x00 / HTTP/9\r\n\r\n",
    "line ends": b"\r\n\r\n",
    "a last chunk": b"0\r\n\r\n",
    "another handshake": request(*ASKS, target=b"/ws"),
}


def rows() -> Iterator[Row]:
    """CLI-11 and CLI-12."""
    yield from _frames()
    yield from _early()
    yield from _ends()
    yield from _time()


def _through(
    tunnel: bytes | None, *, cut: bool = False, ends: bool = False, within: float | None = None
) -> Expectation:
    return Expectation(
        answers=(SWITCHED,), requests=(Sent(target=WS, cut=cut),), tunnel=tunnel, ends=ends, within=within
    )


def _frames() -> Iterator[Row]:
    for name, frame in FRAMES.items():
        both = reply(SWITCH, Received(len(frame)), b"seen")
        send: tuple[Step, ...] = (handshake(), Answers(1), frame, Received(4), End.FIN)
        yield Row(f"CLI-11 {name}", send, _through(b"seen"), replies=both)
        back: tuple[Step, ...] = (handshake(), Answers(1), b"go", Received(len(frame)), End.FIN)
        yield Row(
            f"CLI-11 {name} from the instance",
            back,
            _through(frame),
            replies=reply(SWITCH, Received(2), frame),
        )
    for name, size in {"64 KiB": 1 << 16, "1 MiB": 1 << 20, "8 MiB": 8 << 20}.items():
        data = bytes(range(256)) * (size // 256)
        both = reply(SWITCH, Received(size), b"seen")
        send = (handshake(), Answers(1), data, Received(4), End.FIN)
        yield Row(f"CLI-12 {name} there", send, _through(b"seen"), replies=both, patience=10.0)
        back = (handshake(), Answers(1), b"go", Received(size), End.FIN)
        yield Row(
            f"CLI-12 {name} back",
            back,
            _through(data),
            replies=reply(SWITCH, Received(2), data),
            patience=10.0,
        )
        cross = (handshake(), Answers(1), data, Received(size + 4), End.FIN)
        meets = reply(SWITCH, data, Received(size), b"done")
        yield Row(f"CLI-12 {name} both ways", cross, _through(data + b"done"), replies=meets, patience=10.0)
    drops = tuple(step for _ in range(40) for step in (Pause(0.01), b"x"))
    send = (handshake(), Answers(1), *drops, Received(4), End.FIN)
    yield Row(
        "CLI-12 byte by byte there", send, _through(b"seen"), replies=reply(SWITCH, Received(40), b"seen")
    )
    back = (handshake(), Answers(1), Received(40), End.FIN)
    yield Row("CLI-12 byte by byte back", back, _through(b"x" * 40), replies=reply(SWITCH, *drops))
    turns = tuple(step for n in range(1, 21) for step in (b"ping", Received(4 * n)))
    answers = tuple(step for n in range(1, 21) for step in (Received(4 * n), b"pong"))
    send = (handshake(), Answers(1), *turns, End.FIN)
    yield Row("CLI-12 twenty turns", send, _through(b"pong" * 20), replies=reply(SWITCH, *answers))
    chats = (
        request(b"Connection: upgrade", b"Upgrade: chat", target=CHAT),
        Answers(1),
        b"\x00\xff",
        Received(256),
        End.FIN,
    )
    expect = Expectation(
        answers=(answered(101, fields={b"upgrade": b"chat"}),),
        requests=(Sent(target=CHAT),),
        tunnel=bytes(range(256)),
    )
    yield Row("CLI-12 another protocol", chats, expect, replies=reply(CHATS, Received(2), bytes(range(256))))


def _early() -> Iterator[Row]:
    """Bytes that do not wait for the 101, and those in one segment with it."""
    for name, early in {
        "a frame": b"\x81\x85" + MASK + b"hello",
        "a byte": b"\x81",
        "a request": b"GET / HTTP/1.1\r\n\r\n",
        "10 KB": b"x" * 10_000,
    }.items():
        size = len(early)
        one = reply(Pause(0.2), SWITCH, Received(size), b"seen")
        expect = _through(b"seen")
        yield Row(
            f"CLI-12 {name} before the 101", (handshake() + early, Received(4), End.FIN), expect, replies=one
        )
        apart = (handshake(), Pause(0.05), early, Received(4), End.FIN)
        yield Row(f"CLI-12 {name} before the 101, apart", apart, expect, replies=one)
        more = reply(Pause(0.2), SWITCH, Received(size + 4), b"seen")
        joined = (handshake() + early, Answers(1), b"more", Received(4), End.FIN)
        yield Row(f"CLI-12 {name} before the 101, and more behind it", joined, expect, replies=more)
    for name, early in {
        "a frame": b"\x81\x05hello",
        "a byte": b"\x81",
        "an answer": OK,
        "200 KB": b"x" * 200_000,
    }.items():
        size = len(early)
        send: tuple[Step, ...] = (handshake(), Received(size), End.FIN)
        yield Row(f"CLI-12 {name} behind the 101", send, _through(early), replies=reply(SWITCH + early))
        yield Row(
            f"CLI-12 {name} behind the 101, apart",
            send,
            _through(early),
            replies=reply(SWITCH, Pause(0.05), early),
        )
        middle = len(SWITCH) - 10
        cut = reply(SWITCH[:middle], Pause(0.05), SWITCH[middle:] + early)
        yield Row(f"CLI-12 {name} behind the end of the 101", send, _through(early), replies=cut)
        asked = (handshake(), Answers(1), b"more", Received(size + 4), End.FIN)
        then = reply(SWITCH + early, Received(4), b"seen")
        yield Row(f"CLI-12 {name} behind the 101, and more", asked, _through(early + b"seen"), replies=then)
    crossing = (handshake() + b"mine!", Received(10), End.FIN)
    meets = reply(SWITCH + b"yours", Received(5), b"done!")
    yield Row("CLI-12 bytes that meet", crossing, _through(b"yoursdone!"), replies=meets)
    late = reply(SWITCH[:20], Pause(0.05), SWITCH[20:60], Pause(0.05), SWITCH[60:], Received(2), b"seen")
    send = (handshake(), Answers(1), b"go", Received(4), End.FIN)
    yield Row("CLI-12 a 101 in pieces", send, _through(b"seen"), replies=late)
    data = handshake()
    cuts = ((20,), (60, 90), (len(data) - 2,), None)
    yield Row(
        "CLI-12 a handshake in pieces",
        send,
        _through(b"seen"),
        replies=reply(SWITCH, Received(2), b"seen"),
        segments=((), *cuts),
    )
    two = request(target=PATH + b"/first") + handshake()
    expect = Expectation(
        answers=(answered(200), SWITCHED),
        requests=(Sent(target=PATH + b"/first"), Sent(target=WS)),
        tunnel=b"seen",
    )
    replies = (reply(OK), reply(SWITCH, Received(2), b"seen"))
    yield Row(
        "CLI-12 behind another request",
        (two, Answers(2), b"go", Received(4), End.FIN),
        expect,
        replies=replies,
    )


def _ends() -> Iterator[Row]:
    """Where one side has gone, the other one is told."""
    for kind, end in {"fin": End.FIN, "reset": End.RST}.items():
        for name, steps in {
            "at once": (),
            "when bytes have passed": (b"ping", Received(4)),
            "with bytes under way": (b"x" * 100_000,),
        }.items():
            answer = reply(SWITCH, Received(4), b"pong", HOLD) if b"ping" in steps else reply(SWITCH, HOLD)
            tunnel = b"pong" if b"ping" in steps else b""
            send: tuple[Step, ...] = (handshake(), Answers(1), *steps, end)
            yield Row(f"CLI-12 {kind} of the client {name}", send, _through(tunnel, cut=True), replies=answer)
        for name, data in {"at once": b"", "behind bytes": b"last", "behind 100 KB": b"x" * 100_000}.items():
            goes = (data, Pause(0.1), end) if data else (Pause(0.1), end)
            whole = data if end is End.FIN or len(data) < 1_000 else None
            expect = _through(whole, ends=True, within=1.5)
            send = (handshake(), Answers(1), Pause(3.0))
            yield Row(f"CLI-12 {kind} of the instance {name}", send, expect, replies=reply(SWITCH, *goes))
        gone = reply(SWITCH + b"last", end)
        if end is End.FIN:
            yield Row(
                "CLI-12 fin of the instance in one with its 101",
                (handshake(), Answers(1), Pause(3.0)),
                _through(b"last", ends=True, within=1.5),
                replies=gone,
            )
    halved = (handshake(), Answers(1), b"bye", Received(8), End.HALF)
    answer = reply(SWITCH, Received(3), b"farewell", HOLD)
    # the upstream of these rows closes when it hears that nothing more will come
    yield Row(
        "CLI-12 half-closed by the client",
        halved,
        _through(b"farewell", cut=True, ends=True, within=1.0),
        replies=answer,
    )
    at_once = (handshake(), Answers(1), End.HALF)
    yield Row(
        "CLI-12 half-closed by the client at once",
        at_once,
        _through(b"", cut=True, ends=True, within=1.0),
        replies=reply(SWITCH, HOLD),
    )
    early = handshake() + b"early"
    for kind, end in {"fin": End.FIN, "reset": End.RST}.items():
        # gone before anybody has switched
        send = (early, Heads(1), end)
        expect = Expectation(answers=(), requests=(Sent(target=WS, cut=True),))
        yield Row(
            f"CLI-12 {kind} before the 101",
            (*send, Heads(2)),
            expect,
            replies=reply(Pause(2.5), SWITCH, HOLD),
            patience=1.4,
        )
    half = reply(SWITCH, b"last", End.HALF, Received(1_000))
    send = (handshake(), Answers(1), Pause(3.0))
    yield Row(
        "CLI-12 half-closed by the instance",
        send,
        _through(b"last", cut=True, ends=True, within=1.0),
        replies=half,
    )


def _time() -> Iterator[Row]:
    """No time of HTTP counts in a tunnel."""
    answer = reply(SWITCH, Received(4), b"pong")
    send: tuple[Step, ...] = (handshake(), Answers(1), Pause(2.5), b"ping", Received(4), End.FIN)
    yield Row(
        "CLI-12 silent for longer than a connection may be idle",
        send,
        _through(b"pong"),
        replies=answer,
        profile="impatient",
    )
    drops = tuple(step for _ in range(5) for step in (Pause(0.5), b"x"))
    send = (handshake(), Answers(1), *drops, Received(4), End.FIN)
    slow = reply(SWITCH, Received(5), b"pong")
    yield Row("CLI-12 slower than a body may be", send, _through(b"pong"), replies=slow, profile="impatient")
    for profile in ("aborting", "waiting"):
        send = (handshake(), Answers(1), b"bye", Received(8), End.HALF)
        answer = reply(SWITCH, Received(3), b"farewell", HOLD)
        expect = _through(b"farewell", cut=True, ends=True, within=1.0)
        yield Row(
            f"CLI-12 half-closed by the client, {profile}", send, expect, replies=answer, profile=profile
        )
    listed = (CONNECTION, WEBSOCKET, VERSION, b"Sec-WebSocket-Key: " + KEY)
    send = (request(*listed, target=WS), Answers(1), b"ping", Received(4), End.FIN)
    yield Row(
        "CLI-12 on a connection that may take three requests",
        send,
        _through(b"pong"),
        replies=reply(SWITCH, Received(4), b"pong"),
        profile="small",
    )

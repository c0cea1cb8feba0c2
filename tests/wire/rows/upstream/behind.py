"""UPS-13: what an instance sends behind an answer, and to nobody."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Answers, Expectation, Pause, Row, Sent, answered, reply
from tests.wire.rows.parts import CHUNKED, PATH, chunks, request
from tests.wire.rows.upstream.answers import EVIL, HOLD, OK, answer, told


BEHIND: Final[Mapping[str, bytes]] = {
    "an answer": EVIL,
    "two answers": EVIL * 2,
    "the same answer": OK,
    "half an answer": EVIL[:30],
    "the first byte of an answer": b"H",
    "an answer without framing": answer(body=b"evil"),
    "an answer in chunks": answer(CHUNKED, body=chunks(b"evil")),
    "an interim answer": b"HTTP/1.1 103 Early Hints\r\n\r\n",
    "a timeout": b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "a switch of protocol": b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    "a line end": b"\r\n",
    "a lf": b"\n",
    "a cr": b"\r",
    "ten line ends": b"\r\n" * 10,
    "a blank": b" ",
    "a nul": b"\x00",
    "a letter": b"x",
    "text": b"hello, world",
    "markup": b"<html></html>",
    "a last chunk": b"0\r\n\r\n",
    "a request": b"GET /RUN00000/hidden HTTP/1.1\r\nHost: example.test\r\n\r\n",
    "64 KB": b"x" * 65_536,
    "1 MB": b"x" * 1_000_000,
    "a websocket frame": b"\x81\x05hello",
    "a tls alert": b"\x15\x03\x01\x00\x02\x02\x46",
}

LONG: Final = 1_000
"""Bytes that may be more than what the kernel takes at once."""

FIRST: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "a length": (OK, b"ok"),
    "a length of nought": (told(b""), b""),
    "chunks": (answer(CHUNKED, body=chunks(b"ok")), b"ok"),
}


def rows() -> Iterator[Row]:
    """UPS-13."""
    two = request() + request(target=PATH + b"/next")
    apart = (request(), Answers(1), Pause(0.25), request(target=PATH + b"/next"))
    last = answered(200, body=b"origin " + PATH + b"/next", absent=(b"x-evil",))
    for kind, (first, body) in FIRST.items():
        answers = (answered(200, body=body, absent=(b"x-evil",)), last)
        for name, behind in BEHIND.items():
            expect = Expectation(answers=answers, requests=(Sent(cut=True), Sent()), closes=False)
            yield Row(f"UPS-13 {name} behind {kind}", two, expect, replies=reply(first + behind, HOLD))
    for name, behind in BEHIND.items():
        # on a connection that waits for another user's request; what is long may be cut while it is being sent
        held = Sent(cut=None if len(behind) > LONG else False)
        answers = (answered(200, body=b"ok"), last)
        expect = Expectation(answers=answers, requests=(held, Sent()), closes=False)
        idle = reply(OK, Pause(0.1), behind)
        yield Row(f"UPS-13 {name} on an idle connection", apart, expect, replies=idle, alone=True)
    by_name = request(target=b"/named" + PATH) + request(target=b"/named" + PATH + b"/next")
    to_name = answered(200, body=b"origin /named" + PATH + b"/next")
    expect = Expectation(answers=(answered(200), to_name), requests=(Sent(cut=True), Sent()), closes=False)
    yield Row("UPS-13 an answer behind a length, by name", by_name, expect, replies=reply(OK + EVIL, HOLD))
    # the head, then all the rest, and what is behind it, in reads of their own
    for name, cuts in {"in two reads": (-2,), "in four reads": (20, 40, -1)}.items():
        data = OK + EVIL
        at = [0, *(cut if cut > 0 else len(OK) + cut for cut in cuts), len(data)]
        parts = [data[start:stop] for start, stop in itertools.pairwise(at)]
        steps = [step for part in parts for step in (part, Pause(0.05))]
        answers = (answered(200, body=b"ok"), last)
        expect = Expectation(answers=answers, requests=(Sent(cut=True), Sent()), closes=False)
        yield Row(f"UPS-13 an answer behind a length, {name}", two, expect, replies=reply(*steps, HOLD))
    many = b"".join(request(target=PATH + b"/%d" % number) for number in range(10))
    ten = tuple(answered(200, body=b"%d" % number) for number in range(10))
    expect = Expectation(answers=ten, requests=(Sent(),) * 10, closes=False)
    replies = tuple(reply(told(b"%d" % number) + EVIL) for number in range(10))
    yield Row("UPS-13 an answer behind each of ten", many, expect, replies=replies)

"""Answers of an instance, good and bad, and what a client must see of them.

All that an instance sends has `X-Origin`: an answer without it is one of the gateway.
"""

from collections.abc import Iterator
from typing import Final

from tests.wire.row import Answered, End, Expectation, Pause, Reply, Sent, answered, reply


MARK: Final = b"X-Origin: origin"
HOLD: Final = Pause(1.5)
"""The instance keeps the connection open; whoever lets go of it ends that."""
LATER: Final = Pause(0.05)
"""So that what follows comes in a read of its own."""

Steps = tuple[bytes | Pause, ...]


def answer(*fields: bytes, line: bytes = b"HTTP/1.1 200 OK", body: bytes = b"") -> bytes:
    """The bytes of an answer; nothing is checked, and no framing is added."""
    return b"\r\n".join((line, MARK, *fields)) + b"\r\n\r\n" + body


def told(body: bytes, *fields: bytes, line: bytes = b"HTTP/1.1 200 OK") -> bytes:
    """An answer with its length."""
    return answer(b"Content-Length: %d" % len(body), *fields, line=line, body=body)


OK: Final = told(b"ok")
EVIL: Final = told(b"evil", b"X-Evil: 1", line=b"HTTP/1.1 203 Evil")
"""An answer to nobody."""
OF_ITS_OWN: Final = answered(502, absent=(b"x-origin", b"x-evil"))
"""What the gateway says instead of an answer that is none."""


def kept(data: bytes) -> Reply:
    """Send this, and keep the connection open."""
    return reply(data, HOLD)


def closed(*steps: bytes | Pause) -> Reply:
    """Send this, and close the connection."""
    return reply(*steps, End.FIN)


def bad(*, held: bool = True, interim: tuple[int, ...] | None = ()) -> Expectation:
    """502, and the gateway lets go of a connection that the instance holds; the client's own may go on."""
    one = answered(502, absent=(b"x-origin", b"x-evil"), interim=interim)
    return Expectation(answers=(one,), requests=(Sent(cut=held),))


def cut(*, sent: Sent | None = None, **more: object) -> tuple[Expectation, ...]:
    """An answer of which not all came: none of it arrives, or what does can be seen to be cut."""
    requests = (Sent() if sent is None else sent,)
    return (
        Expectation(answers=(OF_ITS_OWN,), requests=requests),
        Expectation(answers=(answered(200, cut=True, **more),), requests=requests, ends=True),
    )


def passed(
    body: bytes | None = b"ok", *, sent: Sent | None = None, closes: bool | None = False, **more: object
) -> Expectation:
    """200 and this, whole; the client's connection goes on, or may (None) where the instance's has ended."""
    requests = (Sent() if sent is None else sent,)
    return Expectation(answers=(answered(200, body=body, **more),), requests=requests, closes=closes)


def in_chunks(body: bytes, **more: object) -> Answered:
    """200 and this, in chunks."""
    fields = {b"transfer-encoding": b"chunked"}
    return answered(200, body=body, fields=fields, absent=(b"content-length",), **more)


def both_ways(head: bytes, body: bytes) -> Iterator[tuple[str, Steps]]:
    """An answer in one piece, and with its body in a read of its own."""
    yield "", (head + body,)
    yield ", later", (head, LATER, body)

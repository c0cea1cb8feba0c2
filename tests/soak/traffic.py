"""Requests of several kinds, and what became of each of them."""

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from time import monotonic
from typing import Final

import attrs

from tests.soak.clients import SIZES, Clients, get, post, received
from tests.soak.origin import RATE
from tests.soak.wire import PATIENCE, BrokenError, Client, Message, chunk, piece


SLOW: Final = 1.0
"""Seconds that a slow body takes."""
PIECES: Final = 10


@attrs.define
class Asked:
    """A request, and what became of it; times are those of `time.monotonic`."""

    id: int
    kind: str
    sent: float = 0.0
    ended: float = 0.0
    status: int = 0
    closes: bool = False
    """Whether the answer was the last one on its connection."""
    by: str = ""
    """Who had the connection."""
    why: str = ""
    """What went wrong; empty if it was answered with what it should be."""

    @property
    def is_post(self) -> bool:
        """Whether it may be carried out once only."""
        return self.kind in {"POST", "up"}


class Traffic(Clients):
    """Requests whose `kinds` are drawn from: GET and POST, `up` and `down` (each with a body of a second).

    Answers are asked to take up to `slowness` milliseconds.
    """

    def __init__(self, port: int, rate: int, random: Random, kinds: Sequence[str], slowness: int = 0) -> None:
        super().__init__(port, rate, random)
        self.asked: list[Asked] = []
        self.idle_ends: list[float] = []
        """How long those connections had been idle that ended before anything was sent on them."""
        self.whose: Callable[[int], str] = lambda _: ""
        """Who has the connection that comes from this port."""
        self._kinds = kinds
        self._slowness = slowness

    async def visit(self, pause: float) -> None:
        """Be one more client, who asks only now and then on a connection of its own."""
        client: Client | None = None
        while not self._stopped.is_set():
            client = await self._ask("GET", client)
            try:
                async with asyncio.timeout(pause):
                    await self._stopped.wait()
            except TimeoutError:
                continue
        if client is not None:
            client.close()

    async def _send(self, due: float) -> None:
        client = await self._ask(self._random.choice(self._kinds), self._free())
        if client is not None:
            self._idle.append(client)

    def _hung_up(self, idle: float) -> None:
        self.idle_ends.append(idle)

    async def _ask(self, kind: str, client: Client | None) -> Client | None:
        """Send a request; the connection, if it may be used again."""
        asked = Asked(len(self.asked), kind, sent=monotonic())
        self.asked.append(asked)
        try:
            if client is None or not client.is_open:
                client = await self._open(self._port)
            port = client.transport.get_extra_info("sockname")[1]
            try:
                message = await self._exchange(client, asked)
            finally:
                asked.ended = monotonic()
                asked.by = self.whose(port)
            asked.status, asked.closes = message.status, message.closes
            if message.status != 200 and not asked.why:
                asked.why = f"answered {message.status}"
        except BrokenError as error:
            asked.ended = monotonic()
            asked.why = str(error)
        return client if client is not None and client.is_open else None

    async def _exchange(self, client: Client, asked: Asked) -> Message:
        number = asked.id
        size = int(RATE * SLOW) if asked.kind in {"up", "down"} else SIZES[self._random.randrange(len(SIZES))]
        content = piece(number, 0, size)
        found: list[bytes] = []
        path = "drip" if asked.kind == "down" else "at-once"
        slowness = self._random.randint(0, self._slowness)
        line = f"/{path}?id={number}&seed={number}&size={size}&ms={slowness} HTTP/1.1\r\nHost: soak.example\r\n".encode()
        asked.sent = monotonic()
        if asked.kind == "up":
            message = await _upload(client, line, content, found.append, chunked=bool(number % 2))
        elif asked.is_post:
            message = await post(client, line, content, found.append, chunked=bool(number % 2))
        else:
            message = await get(client, line, found.append)
        expected = received(content) if asked.is_post else content
        if message.status == 200 and b"".join(found) != expected:
            asked.why = f"another body than that of {number}: {message.size} bytes"
        return message


async def _upload(
    client: Client, line: bytes, content: bytes, take: Callable[[bytes], object], *, chunked: bool
) -> Message:
    """Send a body that takes a second."""
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(content)
    answer = client.begin(b"POST %b%b\r\n\r\n" % (line, framing), take)
    step = -(-len(content) // PIECES)
    for begin in range(0, len(content), step):
        await asyncio.wait([answer], timeout=SLOW / PIECES)
        if answer.done():
            break
        data = content[begin : begin + step]
        client.transport.write(chunk(data) if chunked else data)
    if chunked and not answer.done():
        client.transport.write(chunk(b""))
    try:
        async with asyncio.timeout(PATIENCE):
            return await answer
    except TimeoutError:
        raise BrokenError(f"no whole answer within {PATIENCE:g} s") from None

"""A steady load of small requests that remembers no more than counts, however long it lasts."""

import asyncio
import itertools
from collections import Counter
from random import Random
from time import monotonic
from typing import Final

import attrs

from tests.soak.clients import Clients, get, post, received
from tests.soak.wire import BrokenError, Client, Message, piece


SIZES: Final = (0, 100, 1_000, 1_000, 1_000, 5_000, 30_000)
FRESH: Final = 0.04
"""Of the requests have a connection of their own."""
POSTS: Final = 0.2


@attrs.define
class Counts:
    """What became of the requests."""

    answered: int = 0
    failed: Counter[str] = attrs.field(factory=Counter)
    """Why, for those that nothing excuses."""
    excused: int = 0
    """POSTs that were at an instance when it was killed."""


class Load(Clients):
    """Sends `rate` requests a second."""

    def __init__(self, port: int, rate: int, random: Random) -> None:
        super().__init__(port, rate, random)
        self.counts: Final = Counts()
        self.excuse_until = 0.0
        """Until then, a POST may have been cut with its instance (`time.monotonic`)."""
        self._numbers: Final = itertools.count(1)

    async def run_for(self, seconds: float) -> None:
        """Send for so long."""
        asyncio.get_running_loop().call_later(seconds, self.stop)
        await self.run()

    def _hung_up(self, idle: float) -> None:
        """Nothing was sent on it."""

    async def _send(self, due: float) -> None:
        is_post = self._random.random() < POSTS
        is_fresh = self._random.random() < FRESH
        asked = monotonic()
        client: Client | None = None
        try:
            client = (None if is_fresh else self._free()) or await self._open(self._port)
            size = SIZES[self._random.randrange(len(SIZES))]
            why = await self._exchange(client, next(self._numbers), size, is_post=is_post)
        except BrokenError as error:
            why = str(error)
            client = None
        if not why:
            self.counts.answered += 1
        elif is_post and asked < self.excuse_until:
            self.counts.excused += 1
        else:
            self.counts.failed[f"{'POST' if is_post else 'GET'}: {why}"] += 1
        if client is not None and client.is_open:
            if is_fresh:
                client.close()
            else:
                self._idle.append(client)

    async def _exchange(self, client: Client, number: int, size: int, *, is_post: bool) -> str:
        """Send one request; what is wrong with its answer."""
        found: list[bytes] = []
        content = piece(number, 0, size)
        line = b"/x?seed=%d&size=%d HTTP/1.1\r\nHost: soak.example\r\n" % (number, size)
        message: Message
        if is_post:
            message = await post(client, line, content, found.append, chunked=bool(number % 2))
        else:
            message = await get(client, line, found.append)
        if message.status != 200:
            return f"answered {message.status}"
        return "" if b"".join(found) == (received(content) if is_post else content) else "another body"

"""One connection to an instance: idle, busy with one answer, or switched to another protocol and one end of a tunnel."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from gatekeeper.core.transport import cut


if TYPE_CHECKING:
    from gatekeeper.core.tunnel import End
    from gatekeeper.upstream.answer import Answer
    from gatekeeper.upstream.pool import Pool


class Connection(asyncio.Protocol):
    """A connection to one instance: idle, busy with one answer, or the end of a tunnel."""

    __slots__ = (
        "_drain",
        "_ended",
        "answer",
        "end",
        "idle_since",
        "loop",
        "pool",
        "requests",
        "transport",
        "writing_paused",
    )

    def __init__(self, pool: "Pool", loop: asyncio.AbstractEventLoop) -> None:
        self.pool = pool
        self.loop = loop
        self.transport: asyncio.Transport | None = None
        self.answer: Answer | None = None
        self.end: End | None = None
        self.writing_paused = False
        self.idle_since = 0.0
        self.requests = 0
        self._drain: deque[asyncio.Future[None]] | None = None
        self._ended: Callable[[], object] | None = None

    @property
    def is_open(self) -> bool:
        """Whether a request can be written."""
        return self.transport is not None and not self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        """Pass bytes to the answer they belong to; bytes that belong to none end the connection."""
        if self.answer is not None:
            self.answer.feed(data)
        elif self.end is not None:
            self.end.received(data)
        else:
            self.close()

    def eof_received(self) -> bool:
        """The instance half-closed: there is nothing more to come, and in HTTP nothing more to send."""
        if self.end is not None:
            return self.end.eof()
        if self.answer is not None:
            self.answer.end_of_stream()
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Tell everybody who waits."""
        self.transport = None
        if self.end is not None:
            self.end.lost()
        if self._ended is not None:
            self._ended()
        self.resume_writing()
        answer, self.answer = self.answer, None
        if answer is not None:
            answer.end_of_stream(cut=True)
        self.pool.forget(self)

    def pause_writing(self) -> None:
        """The instance does not keep up reading."""
        self.writing_paused = True
        if self.end is not None:
            self.end.pause()

    def resume_writing(self) -> None:
        """The instance reads again, or is gone: go on either way."""
        self.writing_paused = False
        if self.end is not None:
            self.end.resume()
        if self._drain is not None:
            for waiter in self._drain:
                if not waiter.done():
                    waiter.set_result(None)
            self._drain = None

    async def drain(self) -> None:
        """Wait until the instance has read on."""
        if self.writing_paused:
            waiter = self.loop.create_future()
            if self._drain is None:
                self._drain = deque()
            self._drain.append(waiter)
            await waiter

    def pause_reading(self) -> None:
        """Stop reading from the instance."""
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Read on."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.resume_reading()

    def switch(self, end: "End", ended: Callable[[], object]) -> None:
        """Pass what comes to the end of a tunnel from here on; call back when the connection has ended.

        It leaves its pool: a place there is for a request, and a tunnel may last for days.
        """
        self.answer, self.end, self._ended = None, end, ended
        self.pool.forget(self)

    def close(self) -> None:
        """End the connection now; what was not sent is dropped."""
        if self.transport is not None:
            cut(self.transport)

    def __repr__(self) -> str:
        state = "tunnel" if self.end is not None else "idle" if self.answer is None else "busy"
        if not self.is_open:
            state = "closed"
        return f"<Connection {self.pool.name} {state} after {self.requests} requests>"

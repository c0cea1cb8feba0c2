"""A TCP balancer that does what those before a gateway do.

It asks each `/readyz` every 200 ms, sends new connections to those that say 200, and leaves open ones alone. It tries
nobody else when a connection is refused: the client sees that.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final, cast

import attrs

from tests.soak.clients import begin
from tests.soak.wire import BrokenError, fetch


@attrs.define
class Backend:
    """A gateway, as the balancer knows it."""

    name: str
    port: int
    admin: int
    is_in: bool = False
    refused: int = 0
    """Connections that it did not take although it was in."""
    told: float = 0.0
    """When it first said that it is not ready, after it was (`time.monotonic`)."""


class _Side(asyncio.Protocol):
    """One of the two connections of a pair. Bodies are small here: nobody is told to read more slowly."""

    def __init__(self, made: "Callable[[_Side], None] | None" = None) -> None:
        self.transport: asyncio.Transport
        self.other: _Side | None = None
        self._held: list[bytes] = []
        self._made = made

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        if self._made is not None:
            self._made(self)

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._held.append(data)
        else:
            self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other is None:
            return
        if exc is None:
            self.other.transport.close()
        else:
            self.other.transport.abort()

    def join(self, other: "_Side") -> None:
        """Pass on what comes, and what has come."""
        self.other, other.other = other, self
        other.transport.writelines(self._held)
        if self.transport.is_closing():
            other.transport.close()


class Balancer:
    """Sends the bytes of each new connection to the next one of those that are ready."""

    every: Final = 0.2

    def __init__(self, port: int, backends: Sequence[Backend]) -> None:
        self.backends: Final = {one.name: one for one in backends}
        self.lonely = 0
        """Connections for which there was nobody."""
        self._port = port
        self._turn = 0
        self._whose: dict[int, str] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def whose(self, port: int) -> str:
        """Who has, or had last, the connection that comes from this port."""
        return self._whose.get(port, "")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Listen, and follow who is ready."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: _Side(self._take), "127.0.0.1", self._port, backlog=1024)
        for backend in self.backends.values():
            begin(self._follow(backend), self._tasks)
        try:
            yield
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _follow(self, backend: Backend) -> None:
        while True:
            is_ready = False
            try:
                async with asyncio.timeout(1.0):
                    is_ready = (await fetch(backend.admin, "GET", "/readyz"))[0] == 200
            except (BrokenError, TimeoutError):
                pass
            if backend.is_in and not is_ready:
                backend.told = monotonic()
            backend.is_in = is_ready
            await asyncio.sleep(self.every)

    def _take(self, side: _Side) -> None:
        begin(self._connect(side), self._tasks)

    async def _connect(self, side: _Side) -> None:
        able = [one for one in self.backends.values() if one.is_in]
        if not able:
            self.lonely += 1
            side.transport.abort()
            return
        self._turn += 1
        backend = able[self._turn % len(able)]
        self._whose[side.transport.get_extra_info("peername")[1]] = backend.name
        try:
            _, other = await asyncio.get_running_loop().create_connection(_Side, "127.0.0.1", backend.port)
        except OSError:
            backend.refused += 1
            side.transport.abort()
            return
        side.join(other)

"""The client of a row: one connection to the target, and all that comes over it."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Sequence

import attrs

from tests.wire.messages import Message, Reader, WrongError
from tests.wire.row import End
from tests.wire.upstream import reset
from tests.wire.verdict import Ending


class Client:
    """One connection to the target, and all that comes over it."""

    def __init__(self, to_head: Sequence[int]) -> None:
        self.answers: list[Message] = []
        self.finals = 0
        """How many of them are not interim ones."""
        self.wrong = ""
        self.end: Ending = "open"
        self.last_came = time.monotonic()
        self._reader = Reader(answers=True, to_head=to_head)
        self._stream: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._task: asyncio.Task[None]
        self._moved = asyncio.Event()

    async def connect(self, port: int) -> None:
        """Connect, and read on from now on."""
        self._stream, self._writer = await asyncio.open_connection("127.0.0.1", port)
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        try:
            while data := await self._stream.read(1 << 18):
                self.last_came = time.monotonic()
                if not self.wrong:
                    try:
                        found = self._reader.feed(data)
                        self.answers += found
                        self.finals += sum(answer.status >= 200 or answer.status == 101 for answer in found)
                    except WrongError as error:
                        self.wrong = str(error)
                self._moved.set()
            self.end = "fin"
        except ConnectionError:
            self.end = "reset"
        self.last_came = time.monotonic()
        if not self.wrong and (last := self._reader.end()) is not None:
            self.answers.append(attrs.evolve(last, complete=last.complete and self.end == "fin"))
            self.finals += 1
        self._moved.set()

    @property
    def rest(self) -> bytes:
        """Bytes that are no answer."""
        return self._reader.rest

    @property
    def tunnel(self) -> bytes:
        """Bytes behind a 101."""
        return bytes(self._reader.tunnel)

    @property
    def head(self) -> Message | None:
        """The head of an answer that is not complete."""
        return self._reader.head

    def send(self, data: bytes) -> None:
        """Write; a target that has hung up is found out by reading."""
        if not self._writer.is_closing() and self.end == "open":
            self._writer.write(data)

    async def wait(self, condition: Callable[[], object], patience: float) -> bool:
        """Wait until it holds, the connection has ended, or nothing has come for too long."""
        while not condition():
            if self.end != "open" or self.wrong:
                return False
            self._moved.clear()
            try:
                async with asyncio.timeout(patience):
                    await self._moved.wait()
            except TimeoutError:
                return False
        return True

    async def has(self, count: int, patience: float) -> bool:
        """Wait for so many answers, interim ones included."""
        return await self.wait(lambda: len(self.answers) >= count, patience)

    async def pause(self, seconds: float) -> None:
        """Wait, but not for an end that has come."""
        end = time.monotonic() + seconds
        while self.end == "open" and (left := end - time.monotonic()) > 0:
            self._moved.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._moved.wait()

    async def drain(self, patience: float) -> None:
        """Wait until what was written has left."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(patience):
                await self._writer.drain()

    def finish(self, how: End) -> None:
        """End the connection, or this direction of it."""
        if self.end != "open":
            return
        if how is End.HALF:
            with contextlib.suppress(OSError):
                self._writer.write_eof()
        elif how is End.FIN:
            self._writer.close()
        else:
            reset(self._writer.transport)
        if how is not End.HALF:
            self.end = "client"

    async def close(self) -> None:
        """Be gone."""
        self._task.cancel()
        self._writer.transport.abort()
        await asyncio.gather(self._task, return_exceptions=True)

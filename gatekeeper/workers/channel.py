"""Messages between the supervisor and a worker, over one Unix socket: asked and answered in both directions.

What is said is plain data (JSON), so that neither side has to trust what the other one is made of; bytes that only the
asker understands and open sockets may come along. Answers come in any order, messages that ask for none in theirs.

    frame = lengths of both parts (4 bytes each), number of sockets (2), the message, the bytes
"""

import asyncio
import itertools
import logging
import socket
import struct
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import attrs
import orjson


log = logging.getLogger(__name__)

_HEADER: Final = struct.Struct("!IIH")
_INT: Final = struct.Struct("@i")
_READ: Final = 1 << 18
_FLAGS: Final = getattr(socket, "MSG_CMSG_CLOEXEC", 0)
_AT_ONCE: Final = 128
"""Descriptors that go with one system call; Linux takes 253."""


class ChannelClosed(Exception):
    """The other side has gone, or went before it answered."""


class Refused(Exception):
    """The other side did not do what it was asked for; `data` says why."""

    def __init__(self, data: Any) -> None:
        super().__init__(str(data))
        self.data: Final = data


@attrs.frozen
class Message:
    """What the other side says: plain data, and the bytes and the sockets that came along."""

    data: Any
    blob: bytes = b""
    sockets: tuple[socket.socket, ...] = ()


Answering = Callable[[Message], Awaitable[Any]]
"""Does what is asked for and returns plain data; raises `Refused` where it does not."""
Hearing = Callable[[Any], object]
"""Takes what is said without being asked for anything; at once."""


class Channel:
    """One end of the socket, in the running loop. `on_end` is called once, when the other side has gone."""

    def __init__(
        self,
        sock: socket.socket,
        *,
        asked: Mapping[str, Answering],
        told: Mapping[str, Hearing],
        on_end: Callable[[], object] = lambda: None,
    ) -> None:
        sock.setblocking(False)
        self.closed = False
        self._sock: Final = sock
        self._asked: Final = asked
        self._told: Final = told
        self._on_end: Final = on_end
        self._loop: Final = asyncio.get_running_loop()
        self._ids: Final = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._out: deque[tuple[memoryview, Sequence[socket.socket]]] = deque()
        self._in = bytearray()
        self._descriptors: deque[int] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = False
        self._loop.add_reader(sock, self._read)

    # ---- to the other side ----------------------------------------------------------------------------------------

    async def ask(
        self, name: str, data: Any = None, blob: bytes = b"", sockets: Sequence[socket.socket] = ()
    ) -> Any:
        """Ask for something, and return the answer.

        Raises:
            Refused: it is not done.
            ChannelClosed: the other side has gone.

        """
        if self.closed:
            raise ChannelClosed
        number = next(self._ids)
        future = self._waiting[number] = self._loop.create_future()
        self._send(["ask", number, name, data], blob, sockets)
        try:
            return await future
        finally:
            self._waiting.pop(number, None)

    def tell(self, name: str, data: Any = None) -> None:
        """Say something that asks for no answer; lost where the other side has gone."""
        if not self.closed:
            self._send(["tell", 0, name, data])

    @property
    def waiting(self) -> int:
        """How many messages the other side has not taken yet, while it is busy or stands still."""
        return len(self._out)

    def close(self) -> None:
        """End it, from this side."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._sock)
        if self._writing:
            self._loop.remove_writer(self._sock)
        self._out.clear()
        self._sock.close()
        for descriptor in self._descriptors:
            socket.close(descriptor)
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ChannelClosed())
        for task in list(self._tasks):
            task.cancel()

    def _send(self, message: list[Any], blob: bytes = b"", sockets: Sequence[socket.socket] = ()) -> None:
        body = orjson.dumps(message)
        frame = memoryview(_HEADER.pack(len(body), len(blob), len(sockets)) + body + blob)
        # each part of the sockets needs bytes to go with: there are more bytes than parts
        for start in range(0, max(len(sockets) - 1, 0) // _AT_ONCE * _AT_ONCE, _AT_ONCE):
            self._out.append((frame[:1], sockets[start : start + _AT_ONCE]))
            frame = frame[1:]
        self._out.append((frame, sockets[-(len(sockets) % _AT_ONCE or _AT_ONCE) :] if sockets else ()))
        if not self._writing:
            self._write()

    def _write(self) -> None:
        while self._out:
            data, sockets = self._out[0]
            ancillary = (
                [
                    (
                        socket.SOL_SOCKET,
                        socket.SCM_RIGHTS,
                        b"".join(_INT.pack(sock.fileno()) for sock in sockets),
                    )
                ]
                if sockets
                else []
            )
            try:
                sent = self._sock.sendmsg([data], ancillary)
            except (BlockingIOError, InterruptedError):
                if not self._writing:
                    self._writing = True
                    self._loop.add_writer(self._sock, self._write)
                return
            except OSError:
                # it has gone; reading tells that, with whatever it has said before
                self._out.clear()
                break
            self._out.popleft()
            if sent < len(data):
                self._out.appendleft((data[sent:], ()))
        if self._writing:
            self._writing = False
            self._loop.remove_writer(self._sock)

    # ---- from the other side --------------------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            # not `recv_fds`, which leaves the flags out
            data, ancillary, _, _ = self._sock.recvmsg(_READ, socket.CMSG_SPACE(_AT_ONCE * _INT.size), _FLAGS)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data, ancillary = b"", []
        for _, kind, content in ancillary:
            if kind == socket.SCM_RIGHTS:
                self._descriptors.extend(number for (number,) in _INT.iter_unpack(content))
        if not data:
            self.close()
            self._on_end()
            return
        self._in += data
        while not self.closed and (frame := self._frame()) is not None:
            self._take(*frame)

    def _frame(self) -> tuple[Any, Message] | None:
        """The next frame that is complete."""
        if len(self._in) < _HEADER.size:
            return None
        body, blob, count = _HEADER.unpack_from(self._in)
        end = _HEADER.size + body + blob
        if len(self._in) < end:
            return None
        message = orjson.loads(self._in[_HEADER.size : _HEADER.size + body])
        extra = bytes(self._in[_HEADER.size + body : end])
        del self._in[:end]
        sockets = tuple(socket.socket(fileno=self._descriptors.popleft()) for _ in range(count))
        return message, Message(message[3], extra, sockets)

    def _take(self, head: Any, message: Message) -> None:
        kind, number, name, data = head
        if kind == "tell":
            try:
                self._told[name](data)
            except Exception:
                # what came behind it must not wait for what comes next
                log.exception("what was told failed: %s", name)
        elif kind == "ask":
            task = self._loop.create_task(self._answer(number, name, message), name=f"answer to {name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif (future := self._waiting.get(number)) is not None and not future.done():
            if kind == "answer":
                future.set_result(data)
            else:
                future.set_exception(Refused(data))

    async def _answer(self, number: int, name: str, message: Message) -> None:
        try:
            kind, data = "answer", await self._asked[name](message)
        except Refused as refusal:
            kind, data = "refusal", refusal.data
        except Exception as error:
            log.exception("what was asked for failed: %s", name)
            kind, data = "refusal", {"error": repr(error)}
        if not self.closed:
            self._send([kind, number, name, data])

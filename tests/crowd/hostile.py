"""One kind of hostile client, many of them, as a process (`python -m tests.crowd.hostile '{"kind": "heads", ...}'`).

A line on stdin is a command: with `come` all of them come, with `stay away` nobody comes again who was sent away, and with
`leave` all of them go. `ask` lets idle clients ask once more; `report` answers with a line of JSON. It ends with stdin.
"""

import asyncio
import contextlib
import select
import socket
import struct
import sys
import threading
from abc import abstractmethod
from collections.abc import Callable, Coroutine, Mapping
from time import monotonic
from typing import Any, Final, cast

import attrs
import orjson
import uvloop

from tests.crowd.allowance import allow_descriptors


TICK: Final = 0.1
AGAIN: Final = 1.0
"""Seconds after which somebody comes again who was turned away."""
SHOWN: Final = 5
BESIDE: Final = 100
"""Who connect at the same time."""
PATIENCE: Final = 30.0
"""Seconds for a connection."""
WAIT: Final = 0.01
"""Seconds for a connection that is reset at once."""
_RESET: Final = struct.pack("ii", 1, 0)


@attrs.frozen
class Options:
    """Who comes, from where, and how fast."""

    kind: str
    port: int
    count: int = 0
    network: int = 1
    """They come from 127.0.NETWORK.1 and so on."""
    addresses: int = 200
    pace: int = 1000
    """Connections a second at most."""
    pause: float = 3.0
    """Seconds between two bytes of who is slow."""

    def address(self, number: int) -> str:
        """Where one comes from."""
        return f"127.0.{self.network}.{1 + number % self.addresses}"


@attrs.define
class Figures:
    """What has become of them."""

    wanted: int = 0
    made: int = 0
    """Connections."""
    open: int = 0
    unconnected: int = 0
    """Who did not get a connection."""
    refused: int = 0
    """Who were told 503 and `Retry-After`, and then hung up on."""
    dropped: int = 0
    """Whose connections ended without a word."""
    wrong: list[str] = attrs.field(factory=list)
    """Some of the answers that should have been others."""
    cuts: list[tuple[int, float]] = attrs.field(factory=list)
    """With which status, and how many seconds after their first byte, slow ones were sent away."""
    idle: list[float] = attrs.field(factory=list)
    """How long those had been idle who were hung up on."""
    asked: int = 0
    """Who are idle, and asked once more."""
    answered: int = 0
    """Of these."""
    reset: int = 0
    """Who do not read, and would hear that they were cut if they did."""


class Hostile(asyncio.Protocol):
    """One client; who inherits says what it sends."""

    def __init__(self, crowd: "Crowd", number: int) -> None:
        self.crowd = crowd
        self.number = number
        self.transport: asyncio.Transport
        self.begun = self.due = 0.0
        self.head = b""
        self.answers = 0
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.transport = cast("asyncio.Transport", transport)
        self.crowd.open.add(self)
        self.begun = monotonic()
        self.due = self.begun + self.crowd.options.pause
        self.transport.write(self.first)

    @property
    @abstractmethod
    def first(self) -> bytes:
        """What it sends at first."""

    def tick(self, now: float) -> None:
        """Send a byte if it is time."""
        if now >= self.due:
            self.due = now + self.crowd.options.pause
            self.transport.write(b"x")

    def data_received(self, data: bytes) -> None:
        """Read a head; no answer here has a body that matters."""
        self.head += data
        if self.answers or b"\r\n\r\n" not in self.head:
            return
        self.answers = 1
        status = int(self.head.split(b" ", 2)[1])
        figures = self.crowd.figures
        if status == 503 and b"\r\nretry-after: " in self.head.lower():
            figures.refused += 1
        elif not self.answer(status) and len(figures.wrong) < SHOWN:
            figures.wrong.append(self.head[:200].decode("latin-1"))

    def answer(self, status: int) -> bool:
        """Take note; whether it is an answer that should come."""
        self.crowd.figures.cuts.append((status, monotonic() - self.begun))
        return status == 408

    def connection_lost(self, exc: Exception | None) -> None:
        """Come again."""
        self.closed = True
        self.crowd.open.discard(self)
        figures = self.crowd.figures
        if not self.answers:
            figures.dropped += 1
        was_cut = self.answers and self.head.startswith(b"HTTP/1.1 408")
        self.crowd.again(self.number, 0.0 if was_cut else AGAIN)


class Idle(Hostile):
    """Asks once, and never again."""

    is_in = False

    @property
    def first(self) -> bytes:
        """A whole request."""
        return b"GET /idle HTTP/1.1\r\nHost: crowd.example\r\n\r\n"

    def tick(self, now: float) -> None:
        """Do nothing."""

    def answer(self, status: int) -> bool:
        """200 is what it should be."""
        if self.is_in:
            self.crowd.figures.answered += status == 200
        self.is_in = status == 200
        self.begun = monotonic()
        return status == 200

    def ask(self) -> None:
        """Ask once more."""
        if self.is_in:
            self.crowd.figures.asked += 1
            self.head, self.answers = b"", 0
            self.transport.write(self.first)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stay away."""
        self.crowd.open.discard(self)
        figures = self.crowd.figures
        if not self.answers:
            figures.dropped += 1
        elif self.is_in:
            figures.idle.append(monotonic() - self.begun)


class Heads(Hostile):
    """Sends a head that never ends."""

    @property
    def first(self) -> bytes:
        """Its beginning."""
        return b"GET /head HTTP/1.1\r\nHost: crowd.example\r\nx-slow: "


class Bodies(Hostile):
    """Sends a body that hardly goes on; each second one has chunks."""

    @property
    def first(self) -> bytes:
        """A head, and one byte."""
        framing = b"Transfer-Encoding: chunked" if self.number % 2 else b"Content-Length: 100000"
        byte = b"186a0\r\nx" if self.number % 2 else b"x"
        return b"POST /body HTTP/1.1\r\nHost: crowd.example\r\n%b\r\n\r\n%b" % (framing, byte)


class Crowd:
    """All of them, and what has become of them."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.figures = Figures()
        self.open: set[Hostile] = set()
        self.coming = False
        """Whether somebody may come."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Semaphore(BESIDE)
        self._commands: Mapping[str, Callable[[], None]] = {
            "come": self.come,
            "stay away": self.stay_away,
            "leave": self.leave,
            "ask": self.ask,
        }

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def command(self, text: str) -> dict[str, Any] | None:
        """Do what a line says; what is to be answered."""
        if text == "report":
            self.figures.open = self.count()
            return attrs.asdict(self.figures)
        self._commands[text]()
        return None

    def come(self) -> None:
        """Let all of them come, and count from the beginning."""
        self.figures = Figures(wanted=self.options.count)
        self.coming = True
        self.begin(self._come_all())
        self.begin(self._tick())

    def stay_away(self) -> None:
        """Let nobody come any more."""
        self.coming = False

    def leave(self) -> None:
        """Let all of them go."""
        self.coming = False
        for one in [*self.open]:
            one.transport.abort()

    def ask(self) -> None:
        """Let those ask once more who are idle."""
        for one in [*self.open]:
            if isinstance(one, Idle):
                one.ask()

    def again(self, number: int, after: float) -> None:
        """Let one come again."""
        asyncio.get_running_loop().call_later(after, lambda: self.begin(self._come(number)))

    def count(self) -> int:
        """Connections that are open."""
        return len(self.open)

    async def _come_all(self) -> None:
        begun = monotonic()
        for number in range(self.options.count):
            await asyncio.sleep(max(0.0, begun + number / self.options.pace - monotonic()))
            self.begin(self._come(number))

    async def _come(self, number: int) -> None:
        async with self._gate:
            if not self.coming:
                return
            try:
                sock = await self.connect(number)
            except (OSError, TimeoutError):
                self.figures.unconnected += 1
                return
            self.figures.made += 1
            await self.use(sock, number)

    async def use(self, sock: socket.socket, number: int) -> None:
        """Do what one came for."""
        kind = KINDS[self.options.kind]
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().create_connection(lambda: kind(self, number), sock=sock)

    async def connect(self, number: int) -> socket.socket:
        """A connection from the address of one.

        Raises:
            OSError: there is none.
            TimeoutError: there is none in time.

        """
        sock = socket.socket()
        try:
            self.prepare(sock)
            sock.bind((self.options.address(number), 0))
            async with asyncio.timeout(PATIENCE):
                await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.options.port))
        except BaseException:
            sock.close()
            raise
        return sock

    def prepare(self, sock: socket.socket) -> None:
        """Set what must be set before it connects."""
        sock.setblocking(False)
        # whole networks of ports for each address, and not one for all
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)

    async def _tick(self) -> None:
        while self.coming or self.open:
            await asyncio.sleep(TICK)
            now = monotonic()
            for one in [*self.open]:
                one.tick(now)


class Deaf(Crowd):
    """Those who ask for much and read nothing of it. Nobody listens on their sockets, so that no byte is taken from the kernel."""

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._socks: list[socket.socket] = []

    def prepare(self, sock: socket.socket) -> None:
        """The less fits into the kernel, the sooner it is the gateway that has it."""
        super().prepare(sock)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)

    async def use(self, sock: socket.socket, number: int) -> None:
        """Ask."""
        self._socks.append(sock)
        await asyncio.get_running_loop().sock_sendall(
            sock, b"GET /large HTTP/1.1\r\nHost: crowd.example\r\n\r\n"
        )

    def leave(self) -> None:
        """Close what is open."""
        super().leave()
        while self._socks:
            self._socks.pop().close()

    def count(self) -> int:
        """Those who would read the beginning of a good answer if they looked."""
        figures, found = self.figures, 0
        figures.refused = figures.dropped = figures.reset = 0
        figures.wrong.clear()
        poll = select.poll()
        for sock in self._socks:
            poll.register(sock, 0)
        figures.reset = sum(events & select.POLLERR != 0 for _, events in poll.poll(0))
        for sock in self._socks:
            try:
                head = sock.recv(400, socket.MSG_PEEK)
            except BlockingIOError:
                continue
            except OSError:
                head = b""
            if head.startswith(b"HTTP/1.1 200"):
                found += 1
            elif b"\r\nretry-after: " in head.lower():
                figures.refused += 1
            elif head:
                figures.wrong.append(head.decode("latin-1"))
            else:
                figures.dropped += 1
        del figures.wrong[SHOWN:]
        return found


class Resets(Crowd):
    """Those who have gone by reset as soon as they were there."""

    async def _come_all(self) -> None:
        begun, number, pace = monotonic(), 0, self.options.pace
        while self.coming:
            due = int((monotonic() - begun) * pace)
            # who is late by more than a tenth of a second does not come at all
            for each in range(max(number, due - pace // 10), due):
                self._reset(each)
            self.figures.wanted = number = due
            await asyncio.sleep(0.005)

    def _reset(self, number: int) -> None:
        """As fast as can be: on this machine, a handshake takes no waiting where somebody accepts."""
        with socket.socket() as sock:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_BIND_ADDRESS_NO_PORT, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            sock.settimeout(WAIT)
            try:
                sock.bind((self.options.address(number), 0))
                sock.connect(("127.0.0.1", self.options.port))
                self.figures.made += 1
            except OSError:
                self.figures.unconnected += 1


KINDS: Final[Mapping[str, type[Hostile]]] = {"idle": Idle, "heads": Heads, "bodies": Bodies}
CROWDS: Final[Mapping[str, type[Crowd]]] = {"deaf": Deaf, "resets": Resets}


async def main(options: Options) -> None:
    """Be hostile until nobody gives commands any more."""
    allow_descriptors()
    loop, commands = asyncio.get_running_loop(), asyncio.Queue[str]()

    def listen() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(commands.put_nowait, line.strip())
        loop.call_soon_threadsafe(commands.put_nowait, "")

    crowd = CROWDS.get(options.kind, Crowd)(options)
    threading.Thread(target=listen, daemon=True).start()
    while command := await commands.get():
        answer = crowd.command(command)
        if answer is not None:
            sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(main(Options(**orjson.loads(sys.argv[1]))))

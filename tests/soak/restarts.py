"""Restarts in turn: two gateways behind a TCP balancer, one of which is always ending or starting (LIF-02, LIF-03).

    python -m tests.soak.restarts --times 50
    python -m tests.soak.restarts --times 2 --sabotage "closes at once"     a gateway that must be found out

The balancer does what those before a gateway do: it asks each `/readyz` every 200 ms, sends new connections to those that
say 200, and leaves open ones alone. It tries nobody else when a connection is refused: the client sees that. It is in
this process, as are the clients, so that a busy machine makes it late: the gateway has to bear with that.

The clients send at a steady rate whether anybody keeps up or not, and nothing twice. A connection that said
`Connection: close`, or that ended before anything was sent on it, is replaced; all else that ends one is a failure.
"""

import argparse
import asyncio
import hashlib
import sys
import tempfile
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, Final, cast

import attrs
import uvloop

from tests.soak import checks
from tests.soak.checks import Check
from tests.soak.origin import RATE
from tests.soak.process import END, START, GatewayProcess, quiet_ports, start_origin, stop_origin
from tests.soak.wire import BrokenError, Client, Message, chunk, fetch, piece


TURN: Final = 0.005
SIZES: Final = (0, 1, 100, 1_000, 5_000, 30_000)
SLOW: Final = 1.0
"""Seconds that a slow body takes."""
PIECES: Final = 10
KEPT_UP: Final = 0.99
"""Of the requests that are due are sent."""
SHOWN: Final = 5


# ---- clients --------------------------------------------------------------------------------------------------------


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


class Traffic:
    """Clients that keep their connections: who is free longest sends next; where nobody is free, somebody new comes.

    `kinds` are drawn from: GET and POST, `up` and `down` (each with a body of a second). Answers are asked to take up to
    `slowness` milliseconds.
    """

    def __init__(self, port: int, rate: int, random: Random, kinds: Sequence[str], slowness: int = 0) -> None:
        self.asked: list[Asked] = []
        self.due = 0
        self.sent = 0
        """Of those that are due."""
        self.connections = 0
        self.idle_ends: list[float] = []
        """How long those connections had been idle that ended before anything was sent on them."""
        self.whose: Callable[[int], str] = lambda _: ""
        """Who has the connection that comes from this port."""
        self._port = port
        self._rate = rate
        self._random = random
        self._kinds = kinds
        self._slowness = slowness
        self._idle: deque[Client] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Send until it is stopped; returns when the last answer is there."""
        begun = monotonic()
        while not self._stopped.is_set():
            self.due = int((monotonic() - begun) * self._rate)
            while self.sent < self.due:
                self.sent += 1
                self.begin(self._send(self._random.choice(self._kinds)))
            await asyncio.sleep(TURN)
        if self._tasks:
            await asyncio.wait(self._tasks)
        for client in self._idle:
            client.close()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside; `run` waits for its end."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """Send no more."""
        self._stopped.set()

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

    async def _send(self, kind: str) -> None:
        client = None
        while self._idle and client is None:
            client = self._idle.popleft()
            client = client if client.is_open else None
        client = await self._ask(kind, client)
        if client is not None:
            self._idle.append(client)

    async def _ask(self, kind: str, client: Client | None) -> Client | None:
        """Send a request; the connection, if it may be used again."""
        asked = Asked(len(self.asked), kind, sent=monotonic())
        self.asked.append(asked)
        try:
            if client is None or not client.is_open:
                client = await Client.open(self._port)
                client.on_idle_end = self.idle_ends.append
                self.connections += 1
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
        expected = content
        asked.sent = monotonic()
        if asked.is_post:
            expected = b"%d %b" % (size, hashlib.sha256(content).hexdigest().encode())
            if asked.kind == "up" and number % 2:
                message = await _upload(
                    client, b"POST %bTransfer-Encoding: chunked\r\n\r\n" % line, content, found
                )
            elif asked.kind == "up":
                message = await _upload(
                    client, b"POST %bContent-Length: %d\r\n\r\n" % (line, size), content, found, chunked=False
                )
            elif number % 2 and content:
                body = chunk(content) + chunk(b"")
                message = await client.ask(
                    b"POST %bTransfer-Encoding: chunked\r\n\r\n%b" % (line, body), found.append
                )
            else:
                message = await client.ask(
                    b"POST %bContent-Length: %d\r\n\r\n%b" % (line, size, content), found.append
                )
        else:
            message = await client.ask(b"GET %b\r\n" % line, found.append)
        if message.status == 200 and b"".join(found) != expected:
            asked.why = f"another body than that of {number}: {message.size} bytes"
        return message


async def _upload(
    client: Client, head: bytes, content: bytes, found: list[bytes], *, chunked: bool = True
) -> Message:
    """Send a body that takes a second."""
    answer = client.begin(head, found.append)
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
        async with asyncio.timeout(END):
            return await answer
    except TimeoutError:
        raise BrokenError(f"no whole answer within {END:g} s") from None


# ---- the balancer ---------------------------------------------------------------------------------------------------


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
            self._begin(self._follow(backend))
        try:
            yield
        finally:
            server.close()
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

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
        self._begin(self._connect(side))

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


# ---- what is done ---------------------------------------------------------------------------------------------------


SABOTAGES: Final[Mapping[str, str]] = {
    "closes at once": """
from gatekeeper.edge import server

server.LINGER = 0.0
""",
    "never says close": """
from gatekeeper.edge.listener import Listener

Listener.leaving = property(lambda self: False, lambda self, value: None)
""",
    "impatient": """
from gatekeeper.edge.server import EdgeServer

drain = EdgeServer.drain
EdgeServer.drain = lambda self, grace, **options: drain(self, 0.1, **options)
""",
    "stays": """
import asyncio
from gatekeeper.edge.server import EdgeServer

drain = EdgeServer.drain


async def stay(self, grace, **options):
    await asyncio.sleep(grace)
    return await drain(self, grace, **options)


EdgeServer.drain = stay
""",
}
"""Plugins that spoil the end of a gateway, by name."""


@attrs.frozen
class Options:
    """How much is restarted."""

    times: int = 50
    rate: int = 100
    seed: int = 0
    grace: float = 15.0
    """Seconds, `server.drain`."""
    pauses: Sequence[float] = (1.0, 2.0, 9.0, 13.0)
    """Of clients that ask rarely; those above `IDLE_GRACE` let a drain wait for them, and are hung up on."""
    sabotage: str = ""


@attrs.frozen
class Life:
    """One restart; times are those of `time.monotonic`."""

    name: str
    asked: float
    """When SIGTERM was sent."""
    told: float
    """When the balancer heard of it; 0 if it never did before the end."""
    ended: float
    code: int | None
    ready: float
    """When the next one was."""
    complaints: Sequence[str] = ()


@attrs.define
class Story:
    """All that was seen."""

    options: Options
    asked: Sequence[Asked] = ()
    lives: list[Life] = attrs.field(factory=list)
    sent: int = 0
    due: int = 0
    connections: int = 0
    idle_ends: Sequence[float] = ()
    refused: int = 0
    lonely: int = 0
    broken: str = ""
    """What kept it from its end."""


TEXT: Final = """\
version: 1
server: {{listen: "127.0.0.1:{port}", drain: {grace:g}s}}
admin: {{listen: "127.0.0.1:{admin}"}}
services:
  app:
    instances: ["http://127.0.0.1:{origins[0]}", "http://127.0.0.1:{origins[1]}"]
    health: {{http: /health, every: 2s}}
routes:
  all: {{match: /**, to: app}}
"""
KINDS: Final = (*("GET", "POST") * 12, "up", "down")


class _Gateways:
    """The two, whichever processes they are now."""

    def __init__(
        self, folder: Path, backends: Sequence[Backend], origins: Sequence[int], options: Options
    ) -> None:
        self.processes: dict[str, GatewayProcess] = {}
        self._folder = folder
        self._backends = {one.name: one for one in backends}
        self._plugins: list[Path] = []
        for one in backends:
            (folder / one.name).mkdir()
            text = TEXT.format(port=one.port, admin=one.admin, origins=origins, grace=options.grace)
            (folder / one.name / "gateway.yaml").write_text(text)
        if options.sabotage:
            self._plugins.append(folder / "sabotage.py")
            self._plugins[0].write_text(SABOTAGES[options.sabotage])

    async def start(self, name: str) -> None:
        """Start one, and wait until it listens."""
        backend = self._backends[name]
        gateway = self.processes[name] = GatewayProcess(self._folder / name, backend.admin, self._plugins)
        await gateway.started()

    async def end(self, name: str) -> Life:
        """Send SIGTERM to one, and wait for its end."""
        gateway, backend = self.processes[name], self._backends[name]
        asked = monotonic()
        code = await gateway.end()
        ended = monotonic()
        told = backend.told if backend.told > asked else 0.0
        gateway.kill()
        complaints = [
            str(line) for line in gateway.log.read() if line["level"] in {"error", "critical", "warning"}
        ]
        return Life(name, asked, told, ended, code, 0.0, complaints)

    def kill(self) -> None:
        """End both at once."""
        for gateway in self.processes.values():
            gateway.kill()


async def run(options: Options) -> Story:
    """Restart them in turn; what was seen."""
    story = Story(options)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatekeeper-restarts-")))
        origins = []
        for _ in range(2):
            process, port = start_origin()
            stack.callback(stop_origin, process)
            origins.append(port)
        front, *ports = quiet_ports(5)
        backends = [Backend("A", ports[0], ports[1]), Backend("B", ports[2], ports[3])]
        gateways = _Gateways(folder, backends, origins, options)
        stack.callback(gateways.kill)
        balancer = Balancer(front, backends)
        traffic = Traffic(front, options.rate, Random(options.seed), KINDS)
        traffic.whose = balancer.whose
        story.asked, story.idle_ends = traffic.asked, traffic.idle_ends
        await asyncio.gather(*(gateways.start(one.name) for one in backends))
        async with balancer.opened():
            await _until_in(*backends)
            loading = asyncio.create_task(traffic.run())
            for pause in options.pauses:
                traffic.begin(traffic.visit(pause))
            await asyncio.sleep(1.0)
            try:
                for number in range(options.times):
                    backend = backends[number % 2]
                    life = await gateways.end(backend.name)
                    await gateways.start(backend.name)
                    await _until_in(backend)
                    story.lives.append(attrs.evolve(life, ready=monotonic()))
            except (BrokenError, TimeoutError) as error:
                story.broken = repr(error)
            finally:
                traffic.stop()
                await asyncio.wait([loading])
            loading.result()
        story.sent, story.due, story.connections = traffic.sent, traffic.due, traffic.connections
        story.refused, story.lonely = sum(one.refused for one in backends), balancer.lonely
    return story


async def _until_in(*backends: Backend) -> None:
    async with asyncio.timeout(START):
        while not all(one.is_in for one in backends):  # noqa: ASYNC110 - the balancer knows nothing of who waits
            await asyncio.sleep(0.02)


# ---- what came of it ------------------------------------------------------------------------------------------------


def last_answers(story: Story) -> list[Asked]:
    """What a gateway was asked, and answered, after it had said that it goes."""
    return [
        asked
        for asked in story.asked
        if asked.status
        and any(
            life.name == asked.by and life.told and life.told < asked.sent < life.ended
            for life in story.lives
        )
    ]


def judge(story: Story) -> list[Check]:
    """All checks."""
    options, lives = story.options, story.lives
    last = last_answers(story)
    answered = Counter(asked.kind for asked in story.asked if not asked.why)
    failed = Counter(asked.kind for asked in story.asked if asked.why)
    kinds = {
        "GET": "GETs failed",
        "POST": "POSTs failed",
        "up": "slow uploads failed",
        "down": "slow downloads failed",
    }
    return [
        checks.all_of("restarts", len(lives), options.times),
        checks.all_of("exit code 0", sum(life.code == 0 for life in lives), options.times),
        checks.all_of(
            "balancer heard of the drain first", sum(life.told > 0 for life in lives), options.times
        ),
        checks.at_most(
            "SIGTERM to the end, longest",
            max((one.ended - one.asked for one in lives), default=0),
            options.grace,
            "s",
        ),
        Check(
            "requests sent in time",
            f">= {KEPT_UP:.0%}",
            f"{story.sent} of {story.due}",
            story.sent >= KEPT_UP * story.due > 0,
        ),
        *(
            Check(
                name,
                f"0 of {least} at least",
                f"{failed[kind]} of {failed[kind] + answered[kind]}",
                not failed[kind] and answered[kind] >= least,
            )
            for (kind, name), least in zip(kinds.items(), (20, 20, 1, 1), strict=True)
        ),
        checks.none_of("connections refused by one that was ready", story.refused),
        checks.none_of("connections for which nobody was ready", story.lonely),
        checks.all_of(
            "answers while draining say close", sum(asked.closes for asked in last), len(last), options.times
        ),
        checks.none_of("complaints in the logs", sum(len(life.complaints) for life in lives)),
        checks.same("what kept it from its end", "", story.broken),
    ]


def describe(story: Story) -> str:
    """Figures that are no checks."""
    lives = story.lives
    took = [one.ended - one.asked for one in lives]
    told = [one.told - one.asked for one in lives if one.told]
    away = [one.ready - one.ended for one in lives]
    waited = [asked.ended - asked.sent for asked in story.asked if asked.kind in {"GET", "POST"}]
    rows = [("SECONDS", "p50", "max")]
    for name, figures in (
        ("SIGTERM to 503 seen", told),
        ("SIGTERM to the end", took),
        ("end to ready again", away),
        ("GET or POST", waited),
    ):
        rows.append((name, f"{checks.median(figures):.3f}", f"{checks.share(figures, 1.0):.3f}"))
    head = (
        f"{len(lives)} restarts, {len(story.asked)} requests on {story.connections} connections,"
        f" {len(story.idle_ends)} of which ended while they were idle; seed {story.options.seed}"
    )
    lines = [head, "", checks.table(rows)]
    failed = [asked for asked in story.asked if asked.why]
    lines += [str(asked) for asked in failed[:SHOWN]]
    lines += [complaint for life in lives for complaint in life.complaints][:SHOWN]
    for asked in failed[:SHOWN]:
        near = [life for life in lives if life.asked - 1 < asked.sent < life.ready + 1]
        lines += [
            f"  {asked.id}: {asked.sent - life.asked:+.3f} s after SIGTERM to {life.name}, which took {life.ended - life.asked:.3f} s"
            for life in near
        ]
    return "\n".join(lines)


def main() -> int:
    """Restart, print what came of it; return 0, or 1 if a check does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak.restarts", description="Restart two gateways in turn."
    )
    parser.add_argument("--times", type=int, default=50, help="how often (50)")
    parser.add_argument("--rate", type=int, default=100, help="requests a second (100)")
    parser.add_argument("--seed", type=int, default=0, help="another one asks in another order (0)")
    parser.add_argument(
        "--pauses", default="1,2,9,13", help="of clients that ask rarely, in seconds (1,2,9,13)"
    )
    parser.add_argument("--sabotage", choices=sorted(SABOTAGES), default="", help="spoil the gateways")
    given = parser.parse_args()
    pauses = [float(pause) for pause in given.pauses.split(",")]
    options = Options(given.times, given.rate, given.seed, pauses=pauses, sabotage=given.sabotage)
    story = uvloop.run(run(options))
    found = judge(story)
    print(describe(story), checks.report(found), sep="\n\n")
    return 0 if all(one.holds for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())

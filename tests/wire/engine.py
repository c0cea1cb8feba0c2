"""Runs rows: sends what they say, watches both ends, and hands what was observed to the verdict.

Rows run side by side. Behind each one stands a canary, a plain request on a connection of its own. Where the connection of
a row should go on, one more request on it shows that both sides still agree where they are.
"""

import asyncio
import contextlib
import itertools
import socket
import threading
import time
from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol

import attrs

from tests.wire.messages import Message, Reader, WrongError
from tests.wire.parsers import disagreements
from tests.wire.row import (
    EXTRA,
    RUN,
    TRAP,
    Answers,
    Crowd,
    End,
    Heads,
    Pause,
    Received,
    Reply,
    Row,
    Segments,
    Step,
)
from tests.wire.upstream import TAIL, Record, Run, Upstream, reset
from tests.wire.verdict import Arrival, Ending, Observation, complaints, house


GAP: Final = 0.002
"""Seconds between two segments, so that they are read one by one."""
SETTLE: Final = 1.0
"""Seconds in which the proxy must have told the upstream what became of the client."""
CANARY: Final = 1.0
"""Seconds that the canary may take."""
WAITING: Final = 64
"""Rows beside the others that do little but wait."""
PULSE: Final = 0.02
"""Seconds between two pulses of a row that must not hold up others."""
TRACED: Final = 1 << 18
"""Bytes of a request beyond which the referees do not read it: they would take longer than all the rest."""

_TAIL_REQUEST: Final = b"GET %b HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n" % EXTRA
_PULSE_REQUEST: Final = b"GET /healthz HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n"
_CANARY_REQUEST: Final = b"GET /%b/canary HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n"

_CROWD_REQUEST: Final = b"GET /%b/crowd HTTP/1.1\r\nHost: example.test\r\n\r\n"
_BUSY: Final = b"HTTP/1.1 200 OK\r\nX-Origin: origin\r\nContent-Length: 4\r\n\r\nbusy"

_numbers = itertools.count()


class Lane(Protocol):
    """A running target, as far as the engine needs to know it."""

    port: int
    patience: float
    """What the patience of rows is multiplied with; a listener that never answers deserves less."""
    house: bool
    """Whether the rules of this gateway hold for it."""
    canary: bool
    """Whether it forwards at all."""

    def resident(self) -> int:
        """Bytes of memory."""


@attrs.frozen
class Outcome:
    """What came of a row."""

    row: Row
    complaints: tuple[str, ...]
    ids: tuple[bytes, ...] = ()
    """Request ids of all answers."""
    names: tuple[bytes, ...] = ()
    """Of its runs."""
    left: tuple[str, ...] = ()
    """What it has left behind, as seen from outside."""

    @property
    def passed(self) -> bool:
        """Whether there is nothing to complain about."""
        return not self.complaints and not self.left


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
                        self.finals += sum(answer.status >= 200 for answer in found)
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

    async def wait(self, condition: "Condition", patience: float) -> bool:
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
            transport = self._writer.transport
            reset(transport)
        if how is not End.HALF:
            self.end = "client"

    async def close(self) -> None:
        """Be gone."""
        self._task.cancel()
        self._writer.transport.abort()
        await asyncio.gather(self._task, return_exceptions=True)


class Condition(Protocol):
    """Something to wait for."""

    def __call__(self) -> bool: ...


class Engine:
    """Runs rows against one target."""

    def __init__(self, upstream: Upstream, lane: Lane) -> None:
        self._upstream = upstream
        self._lane = lane

    async def run(self, row: Row) -> Outcome:
        """Run a row once for each of its segmentations."""
        found: list[str] = []
        ids: list[bytes] = []
        names: list[bytes] = []
        before = self._lane.resident() if row.grows is not None else 0
        async with self._crowd(row) as crowd, self._pulse(row) as late:
            for segments in row.segments:
                seen, run = await self._run(row, segments)
                names.append(run.name)
                ids += [one for answer in seen.answers for one in answer.all(b"x-request-id")]
                grown = self._lane.resident() - before if row.grows is not None else 0
                elsewhere = "; ".join(late[:1])
                if segments is row.segments[-1] and self._lane.canary:
                    elsewhere = elsewhere or await crowd.wrong()
                    await crowd.go()
                    wrong, more = await self.canary()
                    elsewhere = elsewhere or wrong
                    ids += more
                await self._settle(run)
                seen = attrs.evolve(seen, arrivals=_arrivals(run), canary=elsewhere, grown=grown)
                run.over = True
                ours = house(row, seen) if self._lane.house and row.house else []
                place = "" if len(row.segments) == 1 else f"{_named(segments)}: "
                found += [place + what for what in complaints(row, seen) + ours]
                if len(found) > 3:
                    break
        return Outcome(row, tuple(found), (*ids, *crowd.ids), tuple(names))

    async def _run(self, row: Row, segments: Segments) -> tuple[Observation, Run]:
        run = self._upstream.begin(b"run%05x" % next(_numbers), row.replies)
        client = Client(row.to_head)
        patience = row.patience * self._lane.patience
        try:
            await client.connect(self._lane.port)
        except OSError as error:
            return Observation((), None, "open", wrong=f"no connection: {error}"), run
        begun = time.monotonic()
        try:
            await self._talk(row, client, run, segments, patience)
        finally:
            await client.close()
        answers = [_plain(answer, run) for answer in client.answers]
        tail = answers.pop() if answers and answers[-1].body == TAIL else None
        seen = Observation(
            tuple(answers),
            tail,
            client.end,
            wrong=client.wrong,
            rest=client.rest,
            tunnel=client.tunnel,
            seconds=client.last_came - begun,
        )
        return seen, run

    async def _talk(self, row: Row, client: Client, run: Run, segments: Segments, patience: float) -> None:
        first, *steps = row.send
        if isinstance(first, bytes):
            data = self._filled(first, run)
            positions = range(1, len(data)) if segments is None else segments
            for start, stop in itertools.pairwise((0, *positions, len(data))):
                client.send(data[start:stop])
                if stop != len(data):
                    await asyncio.sleep(GAP)
            await client.drain(patience)
        else:
            steps.insert(0, first)
        for step in steps:
            await self._step(step, client, run, patience)
        wanted = min(len(one.answers) for one in row.expect)
        there = await client.wait(lambda: client.finals >= wanted, patience)
        if client.end == "client" or not there:
            return
        last = client.answers[-1] if client.answers else None
        if (
            last is not None
            and b"close" not in last.tokens(b"connection")
            and last.version == b"HTTP/1.1"
            and last.status != 101
            and End.HALF not in row.send
            and not all(one.closes or one.ends for one in row.expect)
            and client.end == "open"
        ):
            client.send(self._filled(_TAIL_REQUEST, run))
        await client.wait(lambda: False, patience)

    async def _step(self, step: Step, client: Client, run: Run, patience: float) -> None:
        if isinstance(step, bytes):
            client.send(self._filled(step, run))
            await client.drain(patience)
        elif isinstance(step, Pause):
            await client.pause(step.seconds * self._lane.patience)
        elif isinstance(step, Answers):
            await client.wait(lambda: len(client.answers) >= step.count, patience)
        elif isinstance(step, Received):
            await client.wait(lambda: len(client.tunnel) >= step.count, patience)
        elif isinstance(step, Heads):
            await _until(run, lambda: len(run.records) >= step.count, patience)
        else:
            client.finish(step)

    def _filled(self, data: bytes, run: Run) -> bytes:
        data = data.replace(RUN, run.name)
        return data.replace(TRAP, b"%05d" % self._upstream.ports["trap"]) if TRAP in data else data

    async def canary(self, limit: float = CANARY) -> tuple[str, list[bytes]]:
        """A plain request on a connection of its own: what is wrong with it, and the ids of its answers."""
        name = b"run%05x" % next(_numbers)
        self._upstream.begin(name, ())
        client = Client(())
        begun = time.monotonic()
        try:
            await client.connect(self._lane.port)
        except OSError as error:
            return f"no connection: {error}", []
        try:
            client.send(_CANARY_REQUEST % name)
            await client.wait(lambda: bool(client.answers), CANARY)
        finally:
            await client.close()
        took = time.monotonic() - begun
        if not client.answers:
            return f"no answer within {took:.2f} s", []
        answer = client.answers[0]
        if answer.status != 200 or answer.body != b"origin /%b/canary" % name:
            return f"{answer.raw[:200]!r}", []
        return ("" if took < limit else f"it took {took:.2f} s"), list(answer.all(b"x-request-id"))

    @contextlib.asynccontextmanager
    async def _crowd(self, row: Row) -> AsyncIterator["Others"]:
        others = Others(self._upstream, self._lane)
        try:
            if row.crowd is not None and self._lane.canary:
                await others.come(row.crowd)
            yield others
        finally:
            await others.go()

    @contextlib.asynccontextmanager
    async def _pulse(self, row: Row) -> AsyncIterator[list[str]]:
        """Feel the target's pulse all the time, from a thread: this loop may be the one that is busy. What was late."""
        late: list[str] = []
        over = threading.Event()
        task = None
        if row.calm is not None and self._lane.canary:
            task = asyncio.create_task(asyncio.to_thread(beat, self._lane.port, row.calm, late, over))
        try:
            yield late
        finally:
            over.set()
            if task is not None:
                await task

    async def _settle(self, run: Run) -> None:
        await _until(run, lambda: all(record.settled for record in run.records), SETTLE * self._lane.patience)


class Others:
    """The crowd of a row."""

    def __init__(self, upstream: Upstream, lane: Lane) -> None:
        self.ids: list[bytes] = []
        self._upstream = upstream
        self._lane = lane
        self._clients: list[tuple[Client, Run]] = []

    async def come(self, crowd: Crowd) -> None:
        """Connect, and have an answer, or wait for one."""
        for _ in range(crowd.count):
            replies = (Reply((Pause(crowd.busy), _BUSY)),) if crowd.busy else ()
            run = self._upstream.begin(b"run%05x" % next(_numbers), replies)
            client = Client(())
            await client.connect(self._lane.port)
            self._clients.append((client, run))
            client.send(_CROWD_REQUEST % run.name)
            if crowd.busy:
                await _until(run, lambda run=run: bool(run.records), CANARY)
            else:
                await client.wait(lambda client=client: bool(client.answers), CANARY)

    async def wrong(self) -> str:
        """What is wrong with them, who should not have noticed anything."""
        for client, run in self._clients:
            if not client.answers:
                await client.wait(lambda client=client: bool(client.answers), CANARY * 3)
            client.send(_CROWD_REQUEST % run.name)
            if not await client.wait(lambda client=client: len(client.answers) >= 2, CANARY):
                return f"one of the crowd has no answer; it was {client.end}"
            if any(answer.status != 200 for answer in client.answers):
                return f"one of the crowd has {[answer.status for answer in client.answers]}"
        return ""

    async def go(self) -> None:
        """Hang up."""
        for client, run in self._clients:
            self.ids += [one for answer in client.answers for one in answer.all(b"x-request-id")]
            await client.close()
            run.over = True
        self._clients.clear()


def beat(port: int, limit: float, late: list[str], over: threading.Event) -> None:
    """Ask again and again for what the target answers by itself, until it is over; put down what took too long."""
    while not over.wait(PULSE):
        begun = time.monotonic()
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5.0) as client:
                client.sendall(_PULSE_REQUEST)
                data = client.recv(65536)
        except OSError as error:
            late.append(f"no pulse: {error}")
            continue
        took = time.monotonic() - begun
        if took > limit:
            late.append(f"the pulse took {took:.2f} s")
        if b" 200 " not in data[:16]:
            late.append(f"the pulse was {data[:80]!r}")


async def _until(run: Run, condition: Condition, patience: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while not condition():
                run.changed.clear()
                await run.changed.wait()


def _named(segments: Segments) -> str:
    if segments is None:
        return "byte by byte"
    return f"divided at {', '.join(map(str, segments))}" if segments else "in one piece"


def _plain(message: Message, run: Run) -> Message:
    """The message with the name of the run put back."""

    def back(data: bytes) -> bytes:
        return data.replace(run.name, RUN)

    return attrs.evolve(
        message,
        line=back(message.line),
        fields=tuple((name, back(value)) for name, value in message.fields),
        body=back(message.body),
        raw=back(message.raw),
    )


def _arrivals(run: Run) -> tuple[Arrival, ...]:
    tail = EXTRA.replace(RUN, run.name)
    own = [one for one in run.records if one.message is None or one.message.target != tail]
    return tuple(_arrival(record, run) for record in own)


def _arrival(record: Record, run: Run) -> Arrival:
    message = None if record.message is None else _plain(record.message, run)
    disagree: tuple[str, ...] = ()
    if message is not None and record.complete and len(message.raw) < TRACED:
        disagree = disagreements(message)
    return Arrival(
        record.service,
        message,
        record.complete,
        record.cut,
        f"{record.wrong}: {record.raw[:300]!r}" if record.wrong else "",
        disagree,
        bytes(record.tunnel),
    )


async def run_all(engine: Engine, rows: Sequence[Row], beside: int) -> list[Outcome]:
    """Run rows in company, and then those that want none; in the order of the rows.

    `beside` rows run at the same time, and with them some more of those that do little but wait.
    """
    busy, idle = asyncio.Semaphore(beside), asyncio.Semaphore(WAITING)
    outcomes: dict[str, Outcome] = {}

    async def one(row: Row) -> None:
        async with idle if row.waits else busy:
            outcomes[row.id] = await engine.run(row)

    await asyncio.gather(*(one(row) for row in rows if not row.is_alone))
    for row in rows:
        if row.is_alone:
            outcomes[row.id] = await engine.run(row)
    return [outcomes[row.id] for row in rows]

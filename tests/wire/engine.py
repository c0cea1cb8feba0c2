"""Runs rows: sends what they say, watches both ends, and hands what was observed to the verdict.

Rows run side by side. Where the connection of a row should go on, one more request on it shows that both sides still agree where
they are; where it has ended, a canary follows, a plain request on a connection of its own.
"""

import asyncio
import itertools
import time
from typing import Final

import attrs

from tests.wire.client import Client
from tests.wire.messages import Message
from tests.wire.others import Lane, canary, crowded, pulse
from tests.wire.parsers import disagreements
from tests.wire.row import (
    EXTRA,
    RUN,
    TRAP,
    Answers,
    End,
    Heads,
    Pause,
    Received,
    Row,
    Segments,
    Step,
)
from tests.wire.upstream import TAIL, Record, Run, Upstream
from tests.wire.verdict import Arrival, Observation, complaints, house


GAP: Final = 0.002
"""Seconds between two segments, so that they are read one by one."""
SETTLE: Final = 1.0
"""Seconds in which the proxy must have told the upstream what became of the client."""
TRACED: Final = 1 << 18
"""Bytes of a request beyond which the referees do not read it: they would take longer than all the rest."""

_TAIL_REQUEST: Final = b"GET %b HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n" % EXTRA


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
        async with crowded(self._upstream, self._lane, row) as crowd, pulse(self._lane, row) as late:
            for segments in row.segments:
                seen, run = await self._run(row, segments)
                names.append(run.name)
                ids += [one for answer in seen.answers for one in answer.all(b"x-request-id")]
                grown = self._lane.resident() - before if row.grows is not None else 0
                elsewhere = "; ".join(late[:1])
                if segments is row.segments[-1] and self._lane.canary:
                    elsewhere = elsewhere or await crowd.wrong()
                    await crowd.go()
                if self._lane.canary and (seen.tail is None or row.is_alone):
                    # what the target has sent before it is there, too, when its answer is
                    elsewhere = elsewhere or await canary(self._upstream, self._lane.port)
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
        run = self._upstream.begin(row.replies)
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
            await client.has(step.count, patience)
        elif isinstance(step, Received):
            await client.wait(lambda: len(client.tunnel) >= step.count, patience)
        elif isinstance(step, Heads):
            await run.heads(step.count, patience)
        else:
            client.finish(step)

    def _filled(self, data: bytes, run: Run) -> bytes:
        data = data.replace(RUN, run.name)
        return data.replace(TRAP, b"%05d" % self._upstream.ports["trap"]) if TRAP in data else data

    async def _settle(self, run: Run) -> None:
        await run.wait(lambda: all(record.settled for record in run.records), SETTLE * self._lane.patience)


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

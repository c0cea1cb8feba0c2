"""The same over real sockets: a gateway in a process of its own must do what the one in memory has done.

So what is true in memory, where much more can be tried, is true of the whole: of uvloop, of the real filters and pools,
of what the kernel makes of segments. Connections to the instance are kept, so that each message follows many others.
"""

import asyncio
import contextlib
import itertools
import re
import time
from collections.abc import AsyncIterator, Sequence
from typing import Final, TextIO, cast

import attrs

from tests.fuzz import answers, cases, loop, requests
from tests.fuzz.answers import Asked
from tests.fuzz.choice import Dice
from tests.fuzz.loop import Find, Tally
from tests.fuzz.referees import REFEREES, Read
from tests.fuzz.requests import Behaviour
from tests.wire import targets
from tests.wire.messages import Message, Reader, WrongError
from tests.wire.targets import Running


SOON: Final = 5.0
"""Seconds for whatever is awaited."""
GAP: Final = 0.002
"""Seconds between two segments."""
BETWEEN: Final = 200
"""Messages between two looks at the process."""

_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
_BEHAVIOURS: Final = (Behaviour.LENGTH, Behaviour.LENGTH, Behaviour.CHUNKED)
_APART: Final = frozenset({b"traceparent", b"x-forwarded-for", b"x-request-id", b"date", b"expect"})
"""What differs from one gateway to the other."""
_SKIPPED: Final = re.compile(rb"(?i)/ws|/chat|/healthz|%2f|%5c|;")
"""What is not the same for the two: one of them has routes that mind these, and one has not."""


class Instance(asyncio.Protocol):
    """A connection from the gateway."""

    def __init__(self, service: "Service") -> None:
        self.wrong = ""
        self._service = service
        self._reader = Reader(answers=False)
        self._told = False
        self._transport: asyncio.Transport

    @property
    def rest(self) -> bytes:
        """Bytes that are no whole request."""
        return self._reader.rest

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be known."""
        self._transport = cast("asyncio.Transport", transport)
        self._service.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Be gone."""
        self._service.open.discard(self)

    def data_received(self, data: bytes) -> None:
        """Read strictly, and answer."""
        try:
            found = self._reader.feed(data)
        except WrongError as error:
            self._service.wrong.append(f"{error}: {self._reader.rest[:300]!r}")
            self._transport.abort()
            return
        for message in found:
            self._told = False
            self._service.requests.append(message)
            self._answer(message)
        head = self._reader.head
        if head is not None and head.all(b"expect") and not self._told:
            self._told = True
            self._transport.write(_CONTINUE)

    def _answer(self, message: Message) -> None:
        said, self._service.says = self._service.says, None
        if said is not None:
            self._transport.write(said)
            self._transport.close()
            return
        self._transport.write(requests.answer(self._service.behaviour, message))

    def abort(self) -> None:
        """Go."""
        self._transport.abort()


class Service:
    """All services of the gateway in one, and what has come to it."""

    def __init__(self) -> None:
        self.behaviour = Behaviour.LENGTH
        self.says: bytes | None = None
        """What it says to the next request, before it hangs up."""
        self.requests: list[Message] = []
        self.wrong: list[str] = []
        self.open: set[Instance] = set()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[dict[str, int]]:
        """Listen; the ports by the names of the services."""
        running = asyncio.get_running_loop()
        server = await running.create_server(lambda: Instance(self), "127.0.0.1", 0)
        try:
            yield dict.fromkeys(targets.SERVICES, server.sockets[0].getsockname()[1])
        finally:
            server.close()
            self.hang_up()
            await asyncio.sleep(0)

    def hang_up(self) -> None:
        """Close all connections."""
        for one in list(self.open):
            one.abort()

    async def unfinished(self) -> bytes:
        """What the gateway does not go on with, though it has had a moment and keeps the connection."""
        for _ in range(int(SOON / GAP)):
            if not any(one.rest for one in self.open):
                return b""
            await asyncio.sleep(GAP)
        return b"".join(one.rest for one in self.open)


class Client:
    """A connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.data = b""
        self.ended = False
        self.was_reset = False
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, port: int) -> "Client":
        """Come."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, pieces: Sequence[bytes]) -> None:
        """Write them one by one."""
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(GAP)
            self._writer.write(piece)
        with contextlib.suppress(ConnectionError):
            await self._writer.drain()

    def finish(self) -> None:
        """Have nothing more to say."""
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    async def read(self) -> bool:
        """Read what comes; False at the end of the connection, or if nothing comes for too long."""
        try:
            async with asyncio.timeout(SOON):
                part = await self._reader.read(1 << 16)
        except TimeoutError:
            return False
        except ConnectionError:
            part, self.was_reset = b"", True
        self.data += part
        self.ended = not part
        return bool(part)

    async def close(self) -> None:
        """Go."""
        self._writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await self._writer.wait_closed()


@attrs.define
class Bench:
    """A running gateway with its service."""

    target: Running
    service: Service
    ids: list[bytes] = attrs.field(factory=list)
    """Of all answers, whose lines must be in the log."""

    async def judge(self, case: cases.Case) -> tuple[str, tuple[str, ...]]:
        """What kind of case it was, and what differs from what has come of it in memory."""
        if isinstance(case, requests.Case):
            return await self._requests(case)
        return await self._answers(case)

    async def _requests(self, case: requests.Case) -> tuple[str, tuple[str, ...]]:
        expected = await requests.run(case, [case.raw])
        state, wanted, _ = requests.verdict(expected)
        service, begin = self.service, len(self.service.requests)
        service.behaviour = case.behaviour
        client = await Client.connect(self.target.port)
        try:
            borders = sorted({0, len(case.raw), *(at % (len(case.raw) + 1) for at in case.cuts)})
            await client.send([case.raw[start:end] for start, end in itertools.pairwise(borders)])
            to_head = [
                n
                for n, one in enumerate(expected.memory.front.handled)
                if one.exchange.request.method == "HEAD"
            ]
            idle = state.startswith("idle")
            before = len(wanted) - (1 if idle else 0)
            while len(_finals(client.data, to_head)) < before and await client.read():
                pass
            if idle:
                await client.send([requests.CANARY])
                while len(_finals(client.data, to_head)) < len(wanted) and await client.read():
                    pass
            client.finish()
            while await client.read():
                pass
        finally:
            await client.close()
        finals = _finals(client.data, to_head, ended=client.ended)
        self.ids += [one for final in finals for one in final.all(b"x-request-id")]
        found = tuple(
            (one.status, one.framing, one.complete, b"close" in one.tokens(b"connection")) for one in finals
        )
        finds = []
        if found != wanted:
            finds.append(f"over sockets the answers are {found}, not {wanted}")
        if not client.ended:
            finds.append("the connection does not end")
        if rest := await service.unfinished():
            finds.append(f"the instance waits for the rest of a request: {rest[:300]!r}")
        came = [_plain(one) for one in service.requests[begin:]]
        should = [_plain(one) for one in expected.memory.requests]
        if came != should:
            finds.append(f"over sockets the instance got {came}, not {should}")
        return state, tuple(finds)

    async def _answers(self, case: answers.Case) -> tuple[str, tuple[str, ...]]:
        expected = await answers.run(case, [case.raw])
        read = REFEREES["ours"]
        wanted = read(expected.after, case.asked.method, expected.ended_after in {"fin", "half"})
        service = self.service
        service.behaviour = Behaviour.LENGTH
        service.says = case.raw
        client = await Client.connect(self.target.port)
        seen: Read | None = None
        try:
            await client.send([case.asked.value])
            while await client.read():
                seen = read(client.data, case.asked.method, False)
                if seen is not None and seen.whole:
                    break
            if client.ended:
                seen = read(client.data, case.asked.method, not client.was_reset)
        finally:
            await client.close()
        service.says = None
        finds = []
        if seen is None:
            finds.append(f"over sockets there is no answer: {client.data[:300]!r}")
        elif not expected.relayed or wanted is None or not wanted.whole:
            # the gateway tries again where it may
            if seen.whole and seen.status < 500 and seen.body != b"origin /a":
                finds.append(f"over sockets it is {seen}, and in memory it was broken")
        elif (seen.status, seen.body, seen.whole, seen.interim) != (
            wanted.status,
            wanted.body,
            wanted.whole,
            wanted.interim,
        ):
            finds.append(f"over sockets it is {seen}, not {wanted}")
        if rest := await service.unfinished():
            finds.append(f"the instance waits for the rest of a request: {rest[:300]!r}")
        return "broken" if wanted is None or not expected.relayed or not wanted.whole else "whole", tuple(
            finds
        )

    async def canary(self) -> str:
        """What is wrong with a plain request."""
        self.service.behaviour = Behaviour.LENGTH
        client = await Client.connect(self.target.port)
        try:
            await client.send([requests.CANARY])
            while not _finals(client.data, ()) and await client.read():
                pass
        finally:
            await client.close()
        return (
            "" if client.data.endswith(b"\r\n\r\norigin /canary") else f"the canary got {client.data[:300]!r}"
        )

    async def look(self, level: int) -> list[str]:
        """What is wrong with the process."""
        self.service.hang_up()
        found = [what for what in (self.target.ended, await self.canary(), *self.service.wrong) if what]
        self.service.wrong.clear()
        self.service.hang_up()
        if what := await self.target.quiet(level):
            found.append(what)
        end = time.monotonic() + SOON
        while True:
            lines, errors = self.target.lines()
            odd = [one for one in self.ids if lines[one] != 1]
            if not odd or time.monotonic() > end:
                break
            await asyncio.sleep(0.05)
        found += [f"{lines[one]} lines of the access log for the answer {one.decode()}" for one in odd[:3]]
        self.ids.clear()
        return found + [f"in the log: {what}" for what in errors[:3]]


def _finals(data: bytes, to_head: Sequence[int], *, ended: bool = False) -> list[Message]:
    reader = Reader(answers=True, to_head=to_head)
    try:
        found = reader.feed(data)
    except WrongError as error:
        raise AssertionError(f"{error}: {data[:1000]!r}") from error
    if ended and (last := reader.end()) is not None:
        found.append(last)
    return [one for one in found if one.status >= 200]


def _plain(message: Message) -> tuple[object, ...]:
    fields = tuple(field for field in message.fields if field[0].lower() not in _APART)
    return message.line, fields, message.body, message.framing


def _case(seed: int, number: int) -> cases.Case | None:
    """A case that is the same for both gateways; None where there is none."""
    dice = Dice(f"{seed}/sockets/{number}")
    if number % 3 == 2:
        asked = (Asked.GET, Asked.HEAD, Asked.OLD, Asked.TRAILERS, Asked.POST)[dice.below(5)]
        return answers.Case(cases.answer_bytes(dice), asked)
    # several of them on one connection
    raw = b"".join(cases.request_bytes(dice) for _ in range(1 + dice.below(3)))
    cuts = tuple(dice.below(1 << 13) for _ in range(3)) if dice.below(4) == 3 else ()
    case = requests.Case(raw, _BEHAVIOURS[dice.below(len(_BEHAVIOURS))], cuts)
    return None if _SKIPPED.search(raw) else case


async def run(
    seed: int, *, messages: int | None = None, seconds: float | None = None, out: TextIO | None = None
) -> Tally:
    """Send so many messages, or for so long."""
    tally = Tally()
    begun = time.monotonic()
    service = Service()
    async with service.listening() as ports, targets.running("gatekeeper", "plain", ports) as target:
        bench = Bench(target, service)
        await bench.canary()
        service.hang_up()
        await asyncio.sleep(0.3)
        level = target.descriptors()
        for number in itertools.count():
            over = seconds is not None and time.monotonic() - begun > seconds
            over = over or (messages is not None and tally.messages >= messages)
            case = None if over else _case(seed, number)
            if case is not None:
                kind, finds = await bench.judge(case)
                tally.messages += 1
                tally.kinds[kind] += 1
                if finds:
                    _note(tally, Find(number, case, finds), out)
            if over or number % BETWEEN == BETWEEN - 1:
                for what in await bench.look(level):
                    _note(tally, Find(number, requests.Case(b""), (f"behind all up to this: {what}",)), out)
                if over:
                    return tally
    raise AssertionError("numbers have no end")


def _note(tally: Tally, find: Find, out: TextIO | None) -> None:
    tally.found[find.kind] += 1
    if tally.found[find.kind] <= loop.SHOWN:
        tally.finds.append(find)
        if out is not None:
            print(f"over sockets, {find}", file=out, flush=True)

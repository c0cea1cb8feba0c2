"""The harness itself: proxies with one fault each, and the rows that must find it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.wire.engine import Outcome
from tests.wire.messages import Message, Reader, WrongError
from tests.wire.others import beat
from tests.wire.row import (
    Answers,
    Crowd,
    End,
    Expectation,
    Heads,
    Pause,
    Row,
    Sent,
    When,
    answered,
    broken,
    forwarded,
    refused,
    reply,
)
from tests.wire.rows.parts import BEHIND, CHUNKED, chunks, request
from tests.wire.session import Bench
from tests.wire.targets import Running
from tests.wire.upstream import Upstream


REFUSAL = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Toy:
    """A proxy that is right about the little that it knows, but for its fault."""

    def __init__(self, port: int, fault: str) -> None:
        self._port = port
        self._fault = fault

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of a client."""
        messages = Reader(answers=False)
        with contextlib.suppress(ConnectionError):
            goes_on = True
            while goes_on and (data := await reader.read(65536)):
                try:
                    found = messages.feed(data)
                except WrongError:
                    if self._fault != "says nothing":
                        writer.write(REFUSAL)
                    if self._fault == "stays open":
                        await reader.read()
                    break
                for message in found:
                    goes_on = goes_on and await self._forward(message, writer)
        writer.close()

    async def _forward(self, request: Message, writer: asyncio.StreamWriter) -> bool:
        raw = self._spoiled(request)
        answer = await self._ask(raw)
        if self._fault == "asks twice":
            await self._ask(raw)
        if self._fault == "asks on its own":
            await self._ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        if self._fault == "asks again later" and b"/canary" not in raw:
            asyncio.get_running_loop().call_later(0.1, lambda: asyncio.ensure_future(self._ask(raw)))
        if self._fault == "answers twice":
            answer += answer
        if self._fault == "answers with more":
            answer += b"x"
        closes = b"close" in request.tokens(b"connection")
        if closes and self._fault != "says no close":
            answer = answer.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        writer.write(answer)
        return not closes

    def _spoiled(self, request: Message) -> bytes:
        raw = request.raw
        match self._fault:
            case "two lengths":
                return raw.replace(b"\r\n\r\n", b"\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", 1)
            case "changes the target":
                return raw.replace(b" HTTP/", b"/x HTTP/", 1)
            case "adds a field":
                return raw.replace(b"\r\n", b"\r\nX-Two: 2\r\n", 1)
            case "length beside chunks":
                return raw.replace(b"Transfer-Encoding", b"Content-Length: 5\r\nTransfer-Encoding", 1)
            case _:
                return raw

    async def _ask(self, raw: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(raw)
            messages = Reader(answers=True, to_head=(0,) if raw.startswith(b"HEAD") else ())
            found: list[Message] = []
            while not found and (data := await reader.read(65536)):
                found = messages.feed(data)
            return b"".join(one.raw for one in found)
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def bench(fault: str = "") -> AsyncIterator[Bench]:
    """A bench with a toy on it."""
    async with Upstream(("origin", "trap")) as upstream:
        toy = Toy(upstream.ports["origin"], fault)
        server = await asyncio.start_server(toy.serve, "127.0.0.1", 0)
        yield Bench(upstream, Running(server.sockets[0].getsockname()[1], patience=0.2))
        await asyncio.sleep(0.15)  # what comes later
        server.close()


async def judge(row: Row, fault: str = "") -> Outcome:
    """What comes of a row."""
    async with bench(fault) as one:
        (outcome,) = await one.judge([row], 1)
    return outcome


GET = Row("X get", request(), forwarded(Sent(method=b"GET", target=b"/RUN00000", absent=(b"x-two",))))
LATE = Row("X late", (request(), Answers(1), Pause(2.0)), forwarded(Sent()))
CHUNKS = Row(
    "X chunks", request(CHUNKED, method=b"POST", body=chunks(b"hello")), forwarded(Sent(body=b"hello"))
)
BAD = Row("X bad", request(b"Bad Name: 1") + BEHIND, refused(400))


@pytest.mark.parametrize(
    "row",
    [
        GET,
        CHUNKS,
        BAD,
        Row(
            "X head", request(method=b"HEAD") + BEHIND, forwarded(Sent(method=b"HEAD"), Sent()), to_head=(0,)
        ),
        Row("X segments", request() + BEHIND, forwarded(Sent(), Sent()), segments=((), (3, 9), None)),
        Row("X close", request(b"Connection: close"), forwarded(Sent(), closes=True)),
        Row(
            "X steps",
            (request()[:20], Pause(0.01), request()[20:], Answers(1), BEHIND, Heads(2)),
            forwarded(Sent(), Sent()),
        ),
        Row("X half-close", (request(b"Connection: close"), End.HALF), forwarded(Sent(), closes=True)),
        Row("X gone", (request(), Heads(1), End.RST), Expectation(answers=(), requests=(Sent(),))),
        Row("X crowd", request(), forwarded(Sent()), crowd=Crowd(3)),
        Row("X busy crowd", request(), forwarded(Sent()), crowd=Crowd(2, busy=0.1)),
        Row(
            "X scripted",
            request(method=b"POST"),
            Expectation(answers=(answered(201, body=b"hi"),), requests=(Sent(),), closes=False),
            replies=reply(b"HTTP/1.1 201 Created\r\n", Pause(0.01), b"Content-Length: 2\r\n\r\nhi"),
        ),
        Row(
            "X early",
            request(),
            Expectation(answers=(answered(200),), requests=(Sent(),), closes=False),
            replies=reply(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", when=When.HEAD),
        ),
    ],
    ids=lambda row: row.id,
)
async def test_what_is_right_passes(row: Row) -> None:
    """Against a proxy without a fault."""
    outcome = await judge(row)

    assert outcome.passed, (outcome.complaints, outcome.left)


@pytest.mark.parametrize(
    ("fault", "row", "why"),
    [
        pytest.param("says nothing", BAD, "0 answers", id="nothing"),
        pytest.param("stays open", BAD, "FIN", id="open"),
        pytest.param("asks twice", GET, "got 2 requests", id="twice"),
        pytest.param("asks on its own", GET, "no run has sent", id="a request that nobody sent"),
        pytest.param("asks again later", LATE, "got 2 requests", id="a request behind the answer"),
        pytest.param("answers twice", GET, "answers", id="two answers"),
        pytest.param("answers with more", GET, "not HTTP", id="bytes behind an answer"),
        pytest.param(
            "says no close",
            Row("X close", request(b"Connection: close"), forwarded(Sent(), closes=True)),
            "does not say",
            id="no close",
        ),
        pytest.param("two lengths", GET, "upstream got what is not HTTP", id="two lengths"),
        pytest.param("length beside chunks", CHUNKS, "upstream got what is not HTTP", id="both framings"),
        pytest.param("changes the target", GET, "/RUN00000/x", id="target"),
        pytest.param("adds a field", GET, "x-two is there", id="field"),
    ],
)
async def test_each_fault_is_found(fault: str, row: Row, why: str) -> None:
    """By what is observed at either end."""
    outcome = await judge(row, fault)
    told = (*outcome.complaints, *outcome.left)

    assert any(why in what for what in told), told


async def test_a_request_to_the_trap_is_found() -> None:
    """No row may lead there."""
    async with Upstream(("origin", "trap")) as upstream:
        _, writer = await asyncio.open_connection("127.0.0.1", upstream.ports["trap"])
        await asyncio.sleep(0.01)
        writer.close()

        assert [(b"", "a connection to the trap")] == upstream.strays


async def test_what_comes_late_is_laid_at_the_door_of_its_row() -> None:
    """Not at that of the row that runs then."""
    async with bench("asks again later") as one:
        outcomes = await one.judge([GET, LATE], 2)

    assert ["X get"] == [outcome.row.id for outcome in outcomes if outcome.left]


async def test_a_broken_body_may_have_begun_at_the_upstream() -> None:
    """But must not have ended there; a toy that waits for the whole request never begins."""
    send = request(CHUNKED, method=b"POST", body=b"5\r\nhello\r\nx\r\n\r\n") + BEHIND

    assert (await judge(Row("X broken", send, broken(400)))).passed


async def test_the_pulse_tells_what_was_late() -> None:
    """And what was no answer."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        await asyncio.sleep(0.05)
        writer.write(b"HTTP/1.1 500 No\r\n\r\n")
        writer.close()

    class Twice:
        """Is over when it has been asked twice."""

        asked = 0

        def wait(self, _: float) -> bool:
            self.asked += 1
            return self.asked > 1

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    late: list[str] = []
    await asyncio.to_thread(beat, server.sockets[0].getsockname()[1], 0.01, late, Twice())  # type: ignore[arg-type]
    server.close()

    assert ["the pulse took", "the pulse was "] == [what[:14] for what in late]

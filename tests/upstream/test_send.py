"""An exchange at several instances, and over connections that have gone stale; ids name the row of reliability.md."""

import asyncio
import collections
import random
import socket
from contextlib import closing

import pytest

from gatekeeper.config.model import TimeoutsConfig
from gatekeeper.core.body import Body
from gatekeeper.core.message import Headers, Request
from gatekeeper.testing import Chunks
from gatekeeper.upstream.send import serialise
from tests.edge.wire import HOST, OK, Message, Origin, Wire, on_both_loops, running, until


GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"


def numbered(method: bytes, number: int) -> bytes:
    body = b"Content-Length: 1\r\n\r\nx" if method in {b"POST", b"PUT"} else b"\r\n"
    return b"%b /%d HTTP/1.1\r\n%b%b" % (method, number, HOST, body)


class Dead(Origin):
    """An address that is taken, and at which nobody listens."""

    def __init__(self) -> None:
        super().__init__()
        self.bound = socket.socket()
        self.bound.bind(self.address)
        self.address = self.bound.getsockname()

    async def stop(self) -> None:
        """Give the address back."""
        self.bound.close()


# ---- stale connections --------------------------------------------------------------------------------------------


class Fickle(Origin):
    """Answers, and closes the connection at about the time at which the next request comes."""

    def __init__(self, seed: int) -> None:
        super().__init__(script=self._play)
        self.random = random.Random(seed)
        self.acted: collections.Counter[bytes] = collections.Counter()

    async def _play(self, _: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await self.request(reader):
            self.acted[request.target] += 1
            writer.write(OK)
            for _turn in range(self.random.randrange(12)):
                await asyncio.sleep(0)
            if self.random.random() < 0.7:
                return


class Restarted(Origin):
    """Answers the first request on a connection, and hangs up on the second one: whoever was connected is no more."""

    def __init__(self) -> None:
        super().__init__(script=self._play)

    async def _play(self, _: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await self.request(reader):
            writer.write(OK)
            await self.request(reader)


@on_both_loops
async def test_a_pool_full_of_stale_connections_costs_no_get() -> None:
    """UPS-12: after one of them, none of the others is tried."""
    async with running(Restarted()) as wire:
        clients = [await wire.client() for _ in range(5)]
        first = await asyncio.gather(*(client.ask(GET) for client in clients))
        kept = wire.pools[0].idle_count
        second = [(await clients[0].ask(GET)).status for _ in range(3)]

    assert [200] * 5 == [answer.status for answer in first]
    assert kept > 2
    assert [200] * 3 == second


@on_both_loops
async def test_a_connection_that_was_closed_just_then_costs_no_get() -> None:
    """UPS-12: a request that may be repeated is, and its client does not notice."""
    async with running(Fickle(1)) as wire:
        client = await wire.client()
        statuses = [(await client.ask(numbered(b"GET", number))).status for number in range(400)]
        assert statuses == [200] * 400
        assert len(wire.records) == 400


@on_both_loops
@pytest.mark.parametrize("streamed", [False, True], ids=["buffered", "streamed"])
async def test_a_connection_that_was_closed_just_then_never_doubles_a_post(*, streamed: bool) -> None:
    """UPS-12: whatever becomes of it, the instance acts on it once."""
    origin = Fickle(2)
    async with running(origin) as wire:
        client = await wire.client()
        statuses = collections.Counter[int]()
        for number in range(400):
            data = numbered(b"POST", number)
            if streamed:
                await client.cut(data, len(data) - 1)
            else:
                client.send(data)
            answer = await client.answer()
            statuses[answer.status] += 1
            if answer.all(b"connection"):
                client = await wire.client()
        assert {200, 502} >= set(statuses)
        assert max(origin.acted.values()) == 1
        assert statuses[200] >= 200


@on_both_loops
async def test_a_request_that_was_answered_with_nothing_is_repeated_once() -> None:
    """UPS-09: where it may be, on a fresh connection."""

    async def closing(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.request(reader)

    async with running(Origin(script=closing)) as wire:
        for method, tries in ((b"GET", 2), (b"PUT", 2), (b"DELETE", 2), (b"POST", 1)):
            wire.origin.requests.clear()
            answer = await wire.ask(numbered(method, 1))
            assert (method, 502, tries) == (method, answer.status, len(wire.origin.requests))
            assert b"upstream-reset" in answer.body
            assert (["retried"] if tries > 1 else None) == wire.records[-1].get("flags")
        await wire.quiet()


# ---- several instances --------------------------------------------------------------------------------------------


@on_both_loops
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_an_instance_that_refuses_connections_costs_no_request(method: bytes) -> None:
    """UPS-01: nothing was sent, so that any method moves to the other instance."""
    async with running(Dead(), Origin()) as wire:
        for number in range(10):
            assert (await wire.ask(numbered(method, number))).status == 200
        assert len(wire.origins[1].requests) == 10
        assert max(record["attempts"] for record in wire.records) == 2


@on_both_loops
async def test_an_upload_moves_to_the_other_instance_whole() -> None:
    """UPS-01: a body that is still coming has not been touched when no connection could be opened."""
    async with running(Dead(), Origin()) as wire:
        for _ in range(2):
            client = await wire.client()
            await client.cut(numbered(b"POST", 1), 40)
            assert (await client.answer()).status == 200
        assert [seen.body for seen in wire.origins[1].requests] == [b"x", b"x"]


@on_both_loops
async def test_killing_one_of_two_instances_fails_no_get() -> None:
    """Connections that were open die in the middle; those that wait, too."""

    async def slow(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await origin.request(reader):
            await asyncio.sleep(0.005)
            writer.write(OK)

    async with running(Origin(script=slow), Origin(script=slow)) as wire:
        statuses = collections.Counter[int]()

        async def ask() -> None:
            client = await wire.client()
            for _ in range(30):
                statuses[(await client.ask(GET)).status] += 1

        asking = asyncio.gather(*(ask() for _ in range(8)))
        await until(lambda: sum(statuses.values()) > 60)
        await wire.origin.stop()
        await asking
        assert statuses == {200: 240}
        await wire.quiet()


@on_both_loops
async def test_nobody_there_is_said_at_once() -> None:
    """UPS-01: 502 when all that may be tried has been."""
    async with running(Dead(), Dead()) as wire:
        answer = await wire.ask(GET)
        assert (answer.status, answer.line) == (502, b"HTTP/1.1 502 Bad Gateway")
        assert b"127.0.0.1" not in answer.body
        (record,) = wire.records
        assert (record["error"], record["attempts"]) == ("upstream-connect-failed", 2)
        assert record["duration_ms"] < 100


class Full:
    """A listening socket whose queue is full: connecting to it takes for ever."""

    def __init__(self) -> None:
        self.listening = socket.socket()
        self.listening.bind(("127.0.0.1", 0))
        self.listening.listen(0)
        self.fillers = []
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(self.listening.getsockname())
            self.fillers.append(filler)
        self.origin = Origin()
        self.origin.address = self.listening.getsockname()

    def close(self) -> None:
        for filler in self.fillers:
            filler.close()
        self.listening.close()


@on_both_loops
async def test_an_instance_that_does_not_take_connections_is_given_up() -> None:
    """UPS-02: 504 in the time for connecting; where there is no other instance, nothing is tried once more."""
    with closing(Full()) as full:
        async with running(full.origin, service=TimeoutsConfig(connect=0.2)) as wire:
            client = await wire.client()
            client.send(GET)
            assert (await client.answer(within=1.5)).status == 504
            (record,) = wire.records
            assert ("upstream-connect-timeout", 1) == (record["error"], record["attempts"])
            assert 180 <= record["duration_ms"] < 400


@on_both_loops
@pytest.mark.parametrize("total", [0.3, 0.45])
async def test_the_total_time_holds_while_connecting_too(total: float) -> None:
    """UPS-02: whatever the time for connecting is."""
    with closing(Full()) as full:
        async with running(full.origin, service=TimeoutsConfig(connect=5.0, total=total)) as wire:
            client = await wire.client()
            client.send(GET)
            answer = await client.answer(within=2.0)
            assert answer.status == 504
            assert 1000 * total - 20 <= wire.records[0]["duration_ms"] < 1000 * (total + 0.4)
            await wire.quiet()


@on_both_loops
async def test_the_total_time_holds_while_waiting_for_a_place_too() -> None:
    """A pool that is full is no reason to wait longer."""

    async def silent(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.request(reader)
        await reader.read()

    async with running(Origin(script=silent), service=TimeoutsConfig(total=0.4)) as wire:
        wire.pools[0].max_connections = 1
        clients = [await wire.client() for _ in range(3)]
        for client in clients:
            client.send(GET)
        first, *others = [(await client.answer(within=1.5)).status for client in clients]
        assert first == 504
        # a place that is given up at the very end may go to one that has no time left to connect
        assert {503, 504} >= set(others)
        await wire.quiet()


# ---- what is sent -------------------------------------------------------------------------------------------------


@on_both_loops
@pytest.mark.parametrize("size", [0, 1, 65536, 65537, 200_000, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
async def test_a_body_arrives_as_it_was_sent(size: int, *, chunked: bool) -> None:
    """HOP-05: with one framing field that matches it."""
    body = random.Random(size).randbytes(size)
    async with running() as wire:
        head = b"PUT /a HTTP/1.1\r\n" + HOST
        if chunked:
            pieces = [body[n : n + 50_000] for n in range(0, size, 50_000)]
            data = head + b"Transfer-Encoding: chunked\r\n\r\n"
            data += b"".join(b"%X\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        else:
            data = head + b"Content-Length: %d\r\n\r\n" % size + body
        client = await wire.client()
        assert (await client.ask(data)).status == 200
        assert (await client.ask(GET)).status == 200
        first, second = wire.origin.requests
        assert (body == first.body, second.body) == (True, b"")
        assert len(first.all(b"content-length") + first.all(b"transfer-encoding")) == 1
        assert size == wire.records[0]["bytes_in"]


@on_both_loops
async def test_many_at_once_get_their_own_answers() -> None:
    """Uploads and downloads of several sizes, over shared connections."""

    def echo(request: Message) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body) + request.body

    async with running(Origin(echo), Origin(echo)) as wire:

        async def ask(seed: int) -> None:
            chance = random.Random(seed)
            client = await wire.client()
            for _ in range(8):
                body = chance.randbytes(chance.choice([0, 10, 1000, 70_000, 300_000]))
                client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(body), body)
                assert body == (await client.answer()).body

        await asyncio.gather(*map(ask, range(16)))
        await wire.quiet()
        assert len(wire.records) == 128


async def _bad_upload(wire: Wire) -> None:
    client = await wire.client()
    client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    await until(lambda: wire.origin.connections)
    client.send(b"zz\r\n")
    assert (await client.answer()).status == 400


@on_both_loops
async def test_a_broken_upload_is_not_repeated_elsewhere() -> None:
    """The client's fault is no reason to ask another instance."""
    async with running(Origin(), Origin()) as wire:
        await _bad_upload(wire)
        await wire.quiet()
        assert wire.records[0]["attempts"] == 1


@pytest.mark.parametrize(
    ("upgrade", "takes_trailers", "expected"),
    [
        pytest.param("", False, [], id="neither"),
        pytest.param("", True, [b"Connection: TE", b"TE: trailers"], id="HOP-11-trailers"),
        pytest.param("websocket", False, [b"Connection: upgrade", b"Upgrade: websocket"], id="upgrade"),
        pytest.param(
            "websocket", True, [b"Connection: upgrade, TE", b"Upgrade: websocket", b"TE: trailers"], id="both"
        ),
    ],
)
def test_what_is_for_the_next_hop_is_said_in_one_field(
    upgrade: str, takes_trailers: bool, expected: list[bytes]
) -> None:
    """RFC 9110 section 7.6.1: what `Connection` does not name would be passed on."""
    request = Request(
        "GET",
        "/",
        b"/a?b",
        "b",
        "h",
        b"h",
        Headers([(b"X", b"1")]),
        upgrade=upgrade,
        takes_trailers=takes_trailers,
    )

    lines = serialise(request, b"host").split(b"\r\n")

    assert [
        b"GET /a?b HTTP/1.1",
        b"Host: host",
        b"X: 1",
        b"Via: 1.1 gatekeeper",
        *expected,
        b"",
        b"",
    ] == lines


@pytest.mark.parametrize(
    ("method", "body", "chunked", "expects", "expected"),
    [
        pytest.param("GET", Body(), False, False, [], id="nothing"),
        pytest.param("POST", Body(), False, False, [b"Content-Length: 0"], id="empty"),
        pytest.param("GET", Body(b"a"), False, False, [b"Content-Length: 1"], id="complete"),
        pytest.param("GET", Body(b"a"), True, False, [b"Transfer-Encoding: chunked"], id="chunked"),
        pytest.param("GET", Body(b""), True, False, [b"Transfer-Encoding: chunked"], id="chunked-and-empty"),
        pytest.param("PUT", Body(b"a"), False, True, [b"Content-Length: 1"], id="here-already"),
        pytest.param(
            "PUT",
            Body.stream(Chunks(), 5),
            False,
            True,
            [b"Content-Length: 5", b"Expect: 100-continue"],
            id="FRM-32-expected",
        ),
        pytest.param("PUT", Body.stream(Chunks(), None), False, False, [b"Transfer-Encoding: chunked"], id="streamed"),
    ],
)  # fmt: skip
def test_a_head_says_how_its_body_is_framed(
    method: str, body: Body, chunked: bool, expects: bool, expected: list[bytes]
) -> None:
    """HOP-05: once, or not at all."""
    body.chunked, body.expects_continue = chunked, expects
    request = Request(method, "/", b"/", "", "h", b"h", Headers(), body)

    assert expected == serialise(request, b"host").split(b"\r\n")[3:-2]

"""Connections that clients merely hold, while others wait for them."""

import asyncio

import pytest

from gatekeeper.config.model import TimeoutsConfig
from gatekeeper.upstream import pool
from tests.edge.wire import HOST, OK, Origin, on_both_loops, running, until


GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
LARGE = b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n"
UPLOAD = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 100000\r\n\r\n"
SIZE = 30_000_000
CONNECT = TimeoutsConfig(connect=5.0)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "PATIENCE", 0.3)
    monkeypatch.setattr(pool, "CLEAR", 0.05)


def origin() -> Origin:
    """Large answers and small ones."""
    large = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE + b"x" * SIZE
    return Origin(lambda request: large if request.target == b"/large" else OK)


@on_both_loops
async def test_who_does_not_read_makes_room_for_who_waits() -> None:
    """Its answer is cut, as its own fault, and nobody else's fails."""
    async with running(origin(), service=CONNECT) as wire:
        wire.pools[0].max_connections = 2
        for _ in range(2):
            (await wire.client(limit=1024, receive_buffer=4096)).send(LARGE)
        await until(lambda: len(wire.origin.requests) == 2)

        answers = await asyncio.gather(*(wire.ask(GET) for _ in range(5)))

        assert [200] * 5 == [answer.status for answer in answers]
        await wire.close_clients()
        await wire.quiet()
        large = [record for record in wire.records if record["path"] == "/large"]
        assert ["client-gone"] * 2 == [record["error"] for record in large]


@on_both_loops
async def test_who_hardly_sends_makes_room_for_who_waits() -> None:
    """408, as when it had been slow for too long."""
    async with running(origin(), service=CONNECT) as wire:
        wire.pools[0].max_connections = 1
        slow = await wire.client()
        slow.send(UPLOAD, b"x")
        await until(lambda: wire.pools[0].open_count)

        assert 200 == (await wire.ask(GET)).status
        assert 408 == (await slow.answer()).status


@on_both_loops
async def test_who_reads_and_who_sends_is_waited_for() -> None:
    """However long it takes: there is no connection left, but nobody who merely holds one."""
    async with running(origin(), service=TimeoutsConfig(connect=1.0)) as wire:
        wire.pools[0].max_connections = 2
        sending, reading = await wire.client(), await wire.client(limit=1024, receive_buffer=65536)
        sending.send(UPLOAD)
        reading.send(LARGE)
        await reading.head()
        await until(lambda: wire.pools[0].open_count == 2)

        async def go_on() -> None:
            for _ in range(24):
                sending.send(bytes(1000))
                await reading.reader.readexactly(300_000)
                await asyncio.sleep(0.05)

        task = asyncio.create_task(go_on())
        assert 503 == (await wire.ask(GET)).status
        await task

        assert ["upstream-pool-exhausted"] == [record["error"] for record in wire.records]


@on_both_loops
async def test_an_instance_that_is_slow_is_waited_for() -> None:
    """Its clients hold nothing."""

    async def silent(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.request(reader)
        await asyncio.sleep(1.5)
        writer.write(OK)

    async with running(Origin(script=silent), service=TimeoutsConfig(connect=0.8)) as wire:
        wire.pools[0].max_connections = 1
        first = await wire.client()
        first.send(GET)
        await until(lambda: wire.origin.requests)

        assert 503 == (await wire.ask(GET)).status
        assert 200 == (await first.answer()).status


@on_both_loops
async def test_nobody_gives_up_anything_while_there_are_connections() -> None:
    """Those who do not read have their minute."""
    async with running(origin(), service=CONNECT) as wire:
        client = await wire.client(limit=1024, receive_buffer=4096)
        client.send(LARGE)
        await until(lambda: wire.origin.requests)

        for _ in range(10):
            assert 200 == (await wire.ask(GET)).status
            await asyncio.sleep(0.05)

        assert not [record for record in wire.records if record["path"] == "/large"]
        assert pool.CLEAR < 1


@on_both_loops
async def test_where_connections_are_scarce_an_upload_gets_one_when_it_is_here() -> None:
    """Nobody waits for its client in the meantime."""
    async with running(origin(), service=CONNECT) as wire:
        wire.pools[0].max_connections = 3
        for _ in range(2):
            (await wire.client(limit=1024, receive_buffer=4096)).send(LARGE)
        await until(lambda: len(wire.origin.requests) == 2)
        uploads = [await wire.client() for _ in range(3)]
        for client in uploads:
            client.send(UPLOAD, b"x")
        await until(lambda: wire.in_flight[0] == 5)

        assert [200] * 3 == [(await wire.ask(GET)).status for _ in range(3)]
        assert 3 == wire.origin.connections
        for client in uploads:
            client.send(bytes(99_999))
        assert [200] * 3 == [(await client.answer()).status for client in uploads]
        assert 3 == len([one for one in wire.origin.requests if len(one.body) == 100_000])

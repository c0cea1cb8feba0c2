"""Connections kept, shared, counted and given up; ids name the row of reliability.md."""

import asyncio
import os
import socket
import time

import pytest

from gatekeeper.config.model import TimeoutsConfig
from gatekeeper.core.clock import SystemClock, Wheel
from gatekeeper.core.errors import ConnectFailed, PoolExhausted
from gatekeeper.core.instance import Instance
from gatekeeper.upstream.connection import Connection
from gatekeeper.upstream.pool import Pool
from tests.edge.wire import HOST, OK, Origin, Wire, on_both_loops, running, until


GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"


def idle(pool: Pool) -> list[Connection]:
    return list(pool._idle)


async def arrived(wire: Wire, count: int, started: int = 0) -> None:
    """Wait until so many requests are at the origin or in line, and so many of them at the origin."""
    seen, line = wire.origin.requests, wire.pools[0]._waiters
    await until(lambda: len(seen) + len(line) == count and len(seen) >= started)


@on_both_loops
async def test_a_connection_is_used_again() -> None:
    """One after the other over one connection, many at once over many, and the last used first."""
    async with running() as wire:
        client = await wire.client()
        for _ in range(20):
            await client.ask(GET)
        assert wire.origin.connections == 1
        clients = [await wire.client() for _ in range(5)]
        await asyncio.gather(*(client.ask(GET) for client in clients))
        assert wire.pools[0].open_count == wire.pools[0].idle_count == wire.origin.connections > 1
        last = wire.pools[0]._idle[-1]
        await client.ask(GET)
        assert last is wire.pools[0]._idle[-1]


@on_both_loops
@pytest.mark.parametrize("data", [b"\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"x"], ids=repr)
async def test_bytes_on_an_idle_connection_close_it(data: bytes) -> None:
    """UPS-13: nobody asked for them."""
    async with running() as wire:
        assert (await wire.ask(GET)).status == 200
        (writer,) = wire.origin.writers
        writer.write(data)
        await until(lambda: not wire.pools[0].open_count)
        assert ((await wire.ask(GET)).status, wire.origin.connections) == (200, 2)


@on_both_loops
async def test_a_connection_that_the_instance_closes_is_forgotten() -> None:
    """Before anybody meets it."""
    async with running() as wire:
        assert (await wire.ask(GET)).status == 200
        wire.origin.hang_up()
        await until(lambda: not wire.pools[0].open_count)
        assert wire.pools[0].idle_count == 0


@on_both_loops
async def test_a_connection_that_was_idle_too_long_is_closed() -> None:
    """One that is used is not."""
    async with running() as wire:
        (pool,) = wire.pools
        pool.idle_timeout = 0.2
        for times in (1, 2, 3):
            # also when a look has found nobody, and after that
            assert (await wire.ask(GET)).status == 200
            assert pool.open_count == 1
            await until(lambda: not pool.open_count, 3.0)
            await until(lambda: wire.origin.ended == times)  # noqa: B023 - it is waited for here


@on_both_loops
async def test_a_full_pool_is_waited_for_in_line() -> None:
    """No more connections than the limit, and everybody is served, the first come first."""
    busy = most = 0
    turns = asyncio.Semaphore(0)

    async def counting(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal busy, most
        while await origin.request(reader):
            busy += 1
            most = max(most, busy)
            await turns.acquire()
            busy -= 1
            writer.write(OK)

    async with running(Origin(script=counting)) as wire:
        wire.pools[0].max_connections = 2
        clients = [await wire.client() for _ in range(12)]
        for number in range(8):
            clients[number].send(b"GET /%d HTTP/1.1\r\n%b\r\n" % (number, HOST))
            await arrived(wire, number + 1)
        for answered in range(1, 13):
            turns.release()
            # some come when a connection becomes free, and do not go before those who wait
            coming = answered + 7
            if coming < 12:
                clients[coming].send(b"GET /%d HTTP/1.1\r\n%b\r\n" % (coming, HOST))
            await arrived(wire, min(answered + 8, 12), started=min(answered + 2, 12))
        assert [200] * 12 == [(await client.answer()).status for client in clients]
        assert (most, wire.origin.connections) == (2, 2)
        assert [b"/%d" % number for number in range(12)] == [seen.target for seen in wire.origin.requests]


@on_both_loops
async def test_the_line_stays_in_order_while_connections_are_closed_and_opened() -> None:
    """Opening a connection does not send the first of those who wait to the end of the line."""
    all_wait = asyncio.Event()

    async def closing(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await origin.request(reader):
            await all_wait.wait()
            writer.write(OK.replace(b"Content", b"Connection: close\r\nContent"))

    async with running(Origin(script=closing)) as wire:
        wire.pools[0].max_connections = 1
        clients = [await wire.client() for _ in range(8)]
        for number, client in enumerate(clients):
            client.send(b"GET /%d HTTP/1.1\r\n%b\r\n" % (number, HOST))
            await arrived(wire, number + 1)
        all_wait.set()
        assert [200] * 8 == [(await client.answer()).status for client in clients]
        assert [b"/%d" % number for number in range(8)] == [seen.target for seen in wire.origin.requests]


@on_both_loops
async def test_who_waits_too_long_is_told_that_the_pool_is_full() -> None:
    """503, and nothing is left over."""

    async def silent(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.request(reader)
        await reader.read()

    async with running(Origin(script=silent), service=TimeoutsConfig(connect=0.2)) as wire:
        wire.pools[0].max_connections = 1
        first = await wire.client()
        first.send(GET)
        await until(lambda: wire.origin.requests)
        answer = await wire.ask(GET)
        assert answer.status == 503
        assert b"upstream-pool-exhausted" in answer.body
        first.writer.close()
        await wire.quiet()
        assert (len(wire.pools[0]._waiters), wire.pools[0].open_count) == (0, 0)


@on_both_loops
async def test_the_limit_is_exact_while_clients_come_and_go() -> None:
    """Who gives up waiting passes the place on; in the end all places are free."""
    busy = most = 0

    async def counting(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal busy, most
        while await origin.request(reader):
            busy += 1
            most = max(most, busy)
            try:
                await asyncio.sleep(0.003)
            finally:
                busy -= 1
            writer.write(OK)

    async with running(Origin(script=counting)) as wire:
        (pool,) = wire.pools
        pool.max_connections = 3

        async def come_and_go(number: int) -> None:
            for turn in range(6):
                client = await wire.client()
                client.send(GET)
                if (number + turn) % 2:
                    await asyncio.sleep(0.001 * (number % 7))
                    client.reset()
                else:
                    assert (await client.answer()).status == 200

        await asyncio.gather(*map(come_and_go, range(20)))
        await wire.quiet()
        assert (len(pool._waiters), pool._opening) == (0, 0)
        assert pool.open_count <= 3
        # a connection may be closed here before the origin sees it
        assert most <= 3 + 3
        assert (await wire.ask(GET)).status == 200


@on_both_loops
async def test_a_place_that_comes_too_late_for_one_is_not_lost_for_the_next() -> None:
    """A waiter whose time ends in the moment in which it is woken hands its turn on."""
    origin = await Origin().start()
    try:
        wheel = Wheel(SystemClock.monotonic())
        pool = Pool(Instance("s", "i", "http", *origin.address), wheel, max_connections=1)
        held = await pool.open(1.0)
        first = asyncio.create_task(pool.open(0.05))
        second = asyncio.create_task(pool.open(2.0))
        await asyncio.sleep(0.01)
        time.sleep(0.06)  # noqa: ASYNC251
        pool.release(held)  # the first is woken in the turn of the loop in which its time ends
        with pytest.raises(PoolExhausted):
            connection = await first
            pool.release(connection)
            raise PoolExhausted
        async with asyncio.timeout(1.0):
            assert held is await second
        pool.abort()
        await until(lambda: not pool.open_count)
    finally:
        await origin.stop()


@on_both_loops
async def test_a_connection_that_is_to_be_proven_and_has_been_hung_up_is_not_taken() -> None:
    """UPS-12: the kernel knows before the loop does."""
    origin = await Origin().start()
    try:
        pool = Pool(Instance("s", "i", "http", *origin.address), Wheel(100.0))
        alive, dead = await pool.open(1.0), await pool.open(1.0)
        for connection in (alive, dead):
            pool.release(connection)
            connection.idle_since = 0.0
        await until(lambda: len(origin.writers) == 2)
        assert dead.transport is not None
        name = dead.transport.get_extra_info("sockname")
        (writer,) = (w for w in origin.writers if w.get_extra_info("peername") == name)
        sock = socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno()))
        sock.shutdown(socket.SHUT_WR)
        sock.close()
        assert alive is pool.take(proven=True)
        assert None is pool.take(proven=True)
        pool.abort()
        await until(lambda: not pool.open_count)
    finally:
        await origin.stop()


@on_both_loops
async def test_places_of_connections_that_end_go_to_those_who_wait() -> None:
    """One each; and who has waited for nothing hands on what comes too late."""
    origin = await Origin().start()
    try:
        pool = Pool(Instance("s", "i", "http", *origin.address), Wheel(0.0), max_connections=2)
        held = [await pool.open(1.0), await pool.open(1.0)]
        waiting = [asyncio.create_task(pool.open(2.0)) for _ in range(3)]
        await asyncio.sleep(0.01)
        held[0].close()
        await until(waiting[0].done)
        held[1].close()
        while not pool._opening:  # noqa: ASYNC110  # the very next turn counts
            await asyncio.sleep(0)
        waiting[1].cancel()  # woken, or connecting: its place goes on
        assert (await waiting[2]).is_open
        assert (pool.open_count, pool._opening, len(pool._waiters)) == (2, 0, 0)
        pool.abort()
        await until(lambda: not pool.open_count)
    finally:
        await origin.stop()


@on_both_loops
async def test_a_pool_that_is_closed_lets_the_busy_finish() -> None:
    """Idle connections go at once, busy ones when their answer is complete."""
    origin = await Origin().start()
    try:
        pool = Pool(Instance("s", "i", "http", *origin.address), Wheel(0.0))
        resting, busy = await pool.open(1.0), await pool.open(1.0)
        pool.release(resting)
        assert f"<Pool http://127.0.0.1:{origin.address[1]} 2 open/1 idle>" == repr(pool)
        pool.close()
        await until(lambda: pool.open_count == 1)
        pool.release(busy)
        await until(lambda: pool.open_count == 0)
    finally:
        await origin.stop()


@on_both_loops
async def test_a_name_that_does_not_exist_is_an_error_of_connecting() -> None:
    """UPS-18: also one that cannot be asked for."""
    for name in ("gatekeeper.invalid", "a" * 70 + ".test"):
        pool = Pool(Instance("s", "i", "http", name, 80), Wheel(0.0))
        with pytest.raises(ConnectFailed):
            await pool.open(5.0)
        assert pool._opening == 0


@on_both_loops
async def test_a_new_connection_may_take_the_place_of_one_that_is_idle() -> None:
    """Where a pooled one is not wanted, a pool that is full of them is no reason to wait."""
    origin = await Origin().start()
    try:
        pool = Pool(Instance("s", "i", "http", *origin.address), Wheel(0.0), max_connections=2)
        oldest, latest = await pool.open(1.0), await pool.open(1.0)
        pool.release(oldest)
        pool.release(latest)

        fresh = await pool.open(1.0)

        assert fresh not in {oldest, latest}
        assert (2, [latest], False) == (pool.open_count, idle(pool), oldest.is_open)
        pool.abort()
        await until(lambda: not pool.open_count)
    finally:
        await origin.stop()

"""One connection to an instance."""

import asyncio
import socket

import pytest

from gatekeeper.core.clock import Wheel
from gatekeeper.core.instance import Instance
from gatekeeper.upstream.connection import Connection
from gatekeeper.upstream.pool import Pool
from tests.edge.wire import Origin, on_both_loops, transport_of, until


async def connected(origin: Origin) -> tuple[Pool, Connection]:
    if not origin.address[1]:
        await origin.start()
    pool = Pool(Instance("s", "i", "http", *origin.address), Wheel(0.0))
    return pool, await pool.open(1.0)


@on_both_loops
async def test_who_waits_for_an_instance_to_read_on_is_woken_when_it_does_or_has_gone() -> None:
    """Backpressure has an end either way."""
    reading = asyncio.Event()

    async def slow(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transport_of(writer).pause_reading()
        await reading.wait()
        transport_of(writer).resume_reading()
        await asyncio.sleep(0.2)
        writer.transport.abort()

    origin = Origin(script=slow)
    pool, connection = await connected(origin)
    try:
        assert connection.transport is not None
        await connection.drain()  # nothing to wait for
        while not connection.writing_paused:
            connection.transport.write(b"x" * 1_000_000)
        waiting = [asyncio.create_task(connection.drain()) for _ in range(3)]
        await asyncio.sleep(0.02)
        assert not any(task.done() for task in waiting)
        waiting[0].cancel()
        reading.set()
        await asyncio.wait(waiting[1:], timeout=1.0)
        assert all(task.done() for task in waiting)
        await until(lambda: not pool.open_count)
        await connection.drain()
    finally:
        pool.abort()
        await origin.stop()


@on_both_loops
async def test_a_connection_says_what_it_is_doing() -> None:
    """For logs and debuggers; and closing twice does no harm."""
    origin = Origin()
    pool, connection = await connected(origin)
    try:
        assert f"<Connection http://127.0.0.1:{origin.address[1]} idle after 0 requests>" == repr(connection)
        assert connection.is_open
        connection.close()
        connection.close()
        await until(lambda: not pool.open_count)
        connection.pause_reading()
        connection.resume_reading()
        connection.close()
        assert repr(connection).endswith("closed after 0 requests>")
    finally:
        pool.abort()
        await origin.stop()


@on_both_loops
async def test_a_connection_over_a_socket_file(tmp_path_factory: pytest.TempPathFactory) -> None:
    """An instance on the same machine."""
    path = str(tmp_path_factory.mktemp("s") / "o")
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    server = await asyncio.start_unix_server(lambda reader, writer: writer.close(), sock=sock)
    pool = Pool(Instance("s", "i", "http", "", 80, path), Wheel(0.0))
    connection = await pool.open(1.0)
    assert path in repr(connection)
    pool.release(connection)
    await until(lambda: not pool.open_count)
    server.close()

"""One connection to an instance; ids name the row of reliability.md."""

import asyncio
import random
import socket
import ssl
from collections.abc import Awaitable, Callable

import pytest
import trustme

from gatekeeper.core.clock import Wheel
from gatekeeper.core.instance import Instance
from gatekeeper.core.tunnel import Tunnel
from gatekeeper.upstream.connection import Connection
from gatekeeper.upstream.pool import Pool, TlsIdentity
from tests.edge.wire import Origin, Script, on_both_loops, read_head, transport_of, until
from tests.upstream.sending import Client, Sending, ok, sending


@pytest.fixture(scope="module")
def identity() -> tuple[ssl.SSLContext, TlsIdentity]:
    """What a server of TLS shows, and who believes it."""
    authority = trustme.CA()
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(theirs)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    return theirs, TlsIdentity(("test",), ours)


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


# ---- tunnels ------------------------------------------------------------------------------------------------------

SWITCHED = ok(b"Connection: upgrade", b"Upgrade: opc", status=b"101 Switching Protocols")


def switching(then: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> Script:
    """Switch protocols, and do this then."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await read_head(reader)
        writer.write(SWITCHED)
        await then(reader, writer)

    return script


async def switched(play: Sending) -> Tunnel:
    response = await play.ask(upgrade="opc")
    assert response.tunnel is not None
    return response.tunnel


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes, and end when it ends."""
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()


@on_both_loops
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_megabytes_pass_through_a_tunnel_and_back(
    *, tls: bool, identity: tuple[ssl.SSLContext, TlsIdentity]
) -> None:
    """CLI-12: each byte, with the brakes on: who sends waits for who reads."""
    data = random.Random(1).randbytes(1 << 20) * 8
    async with sending(switching(echo), tls=identity if tls else None) as play:
        tunnel = await switched(play)
        client = await Client.join(tunnel)

        async def send() -> None:
            client.writer.write(data)
            await client.writer.drain()

        sending_ = asyncio.create_task(send())
        await asyncio.sleep(0.1)  # nobody reads
        assert tunnel.instance.bytes_in < len(data)
        assert data == await client.reader.readexactly(len(data))
        await sending_
        assert tunnel.client is not None
        assert (len(data), len(data)) == (tunnel.client.bytes_in, tunnel.instance.bytes_in)
        client.writer.close()
        await tunnel.closed


@on_both_loops
async def test_a_client_that_half_closes_gets_its_answer() -> None:
    """CLI-12: the instance sees the end, and may still speak."""

    async def answer_at_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read()
        await asyncio.sleep(0.05)
        writer.write(b"got " + data)

    async with sending(switching(answer_at_the_end)) as play:
        tunnel = await switched(play)
        client = await Client.join(tunnel)
        client.writer.write(b"it")
        client.writer.write_eof()

        assert b"got it" == await client.reader.read()
        client.writer.close()
        await tunnel.closed


@on_both_loops
async def test_an_instance_that_half_closes_still_hears_the_client() -> None:
    """CLI-12: the other way round."""
    heard = asyncio.Event()

    async def say_and_listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"that is all")
        writer.write_eof()
        if b"understood" == await reader.read():
            heard.set()

    async with sending(switching(say_and_listen)) as play:
        tunnel = await switched(play)
        client = await Client.join(tunnel)

        assert b"that is all" == await client.reader.read()
        await asyncio.sleep(0.02)
        client.writer.write(b"understood")
        client.writer.close()
        await heard.wait()
        await tunnel.closed


@on_both_loops
async def test_the_end_of_a_tunnel_over_tls_reaches_both_sides(
    identity: tuple[ssl.SSLContext, TlsIdentity],
) -> None:
    """TLS cannot half-close: what was written goes out, and then all of it ends."""
    heard = bytearray()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.extend(await reader.read())

    async with sending(switching(listen), tls=identity) as play:
        tunnel = await switched(play)
        client = await Client.join(tunnel, b"early ")
        client.writer.write(b"late")
        client.writer.write_eof()

        assert b"" == await client.reader.read()
        client.writer.close()
        await tunnel.closed
        await until(lambda: heard == b"early late")


@on_both_loops
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_an_instance_that_goes_ends_the_client(
    how: str, *, tls: bool, identity: tuple[ssl.SSLContext, TlsIdentity]
) -> None:
    """With the last of what it said, where it said goodbye."""

    async def go(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(2)
        writer.write(b"bye")
        if how == "reset":
            await asyncio.sleep(0.02)
            writer.transport.abort()

    async with sending(switching(go), tls=identity if tls else None) as play:
        tunnel = await switched(play)
        client = await Client.join(tunnel, b"go")

        assert b"bye" == await client.reader.read()
        client.writer.close()
        await tunnel.closed
        assert 0 == play.instance.in_flight


@on_both_loops
async def test_a_client_that_is_reset_ends_the_instance() -> None:
    """CLI-12: in whatever state the two are."""
    async with sending(switching(echo)) as play:
        tunnel = await switched(play)
        client = await Client.join(tunnel, b"x" * 100_000)
        client.writer.transport.abort()

        await tunnel.closed
        await until(lambda: play.origin.open == 0)


@on_both_loops
async def test_a_peer_that_does_not_read_its_end_is_cut_off() -> None:
    """CLI-12: in the time for writing."""
    left = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transport_of(writer).pause_reading()
        await left.wait()

    async with sending(switching(hold)) as play:
        tunnel = await switched(play)
        client = await Client.join(tunnel, b"x" * 8_000_000)
        await asyncio.sleep(0.02)
        tunnel.close()
        await asyncio.sleep(0.05)
        assert not tunnel.closed.done()

        play.pass_time(play.limits.write)
        await tunnel.closed
        left.set()
        client.writer.close()


@on_both_loops
async def test_a_connection_that_is_a_tunnel_says_so() -> None:
    """For logs and debuggers."""
    async with sending(switching(echo)) as play:
        tunnel = await switched(play)
        connection = tunnel.instance.transport.get_protocol()

        assert repr(connection).endswith("tunnel after 1 requests>")
        tunnel.abort()
        await until(lambda: "closed" in repr(connection))

"""Listening, one request from end to end, and going away; ids name the row of reliability.md."""

import asyncio
import socket
import time

import pytest

from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Response
from gatekeeper.edge.server import bind
from tests.edge.wire import HOST, OK, Origin, Script, Wire, on_both_loops, running, until


GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"


def slow(seconds: float) -> Script:
    """Answer after a time."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await origin.request(reader):
            await asyncio.sleep(seconds)
            writer.write(OK)

    return script


async def refused(wire: Wire) -> bool:
    """Whether new connections are."""
    try:
        client = await wire.client()
    except ConnectionError:
        return True
    client.writer.transport.abort()
    return False


@on_both_loops
async def test_each_answer_leaves_one_record() -> None:
    """Also what was refused, not routed, or answered by the gateway itself."""
    async with running() as wire:
        client = await wire.client()
        for data in (GET, HEALTH, b"GET /%2f HTTP/1.1\r\n" + HOST + b"\r\n"):
            await client.ask(data)
        await wire.ask(b"nonsense\r\n\r\n")
        await wire.quiet()
        assert [record["status"] for record in wire.records] == [200, 200, 400, 400]
        assert len({record["request_id"] for record in wire.records}) == 4
        record = wire.records[0]
        assert tuple(record[key] for key in ("route", "service", "attempts", "bytes_out", "bytes_in")) == (
            "all",
            "origin",
            1,
            2,
            0,
        )
        assert [record["method"] for record in wire.records] == ["GET", "GET", "GET", "-"]


@on_both_loops
async def test_health_is_answered_without_an_instance() -> None:
    """For load balancers, which like short answers."""
    async with running() as wire:
        answer = await wire.ask(HEALTH)
        assert (answer.status, answer.body, wire.origin.requests) == (200, b"ok\n", [])


@on_both_loops
async def test_a_failure_of_the_gateway_is_no_failure_of_the_connection(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """500 that says nothing of what was wrong; the log says all."""
    async with running() as wire:

        async def failing(exchange: Exchange) -> Response:
            raise ZeroDivisionError("secret")

        wire.answer_by(failing)
        client = await wire.client()
        answer = await client.ask(GET)
        assert answer.status == 500
        assert b"secret" not in answer.body
        assert "ZeroDivisionError" in caplog.text
        assert (await client.ask(HEALTH)).status == 200
        await wire.quiet()


# ---- going away ---------------------------------------------------------------------------------------------------


@on_both_loops
async def test_a_request_under_way_is_answered_before_the_gateway_goes() -> None:
    """With the end of its connection, and nobody new comes in meanwhile."""
    async with running(Origin(script=slow(0.3))) as wire:
        client = await wire.client()
        client.send(GET)
        await until(lambda: wire.origin.requests)
        stopping = asyncio.create_task(wire.gateway.stop(5.0))
        await asyncio.sleep(0.05)
        assert await refused(wire)
        answer = await client.answer()
        assert (answer.status, answer.body, answer.all(b"connection")) == (200, b"ok", [b"close"])
        assert await client.ended() == b""
        assert await stopping == 0


@on_both_loops
async def test_an_upload_under_way_is_finished_before_the_gateway_goes() -> None:
    """Aiohttp's own shutdown throws its bytes away."""
    async with running() as wire:
        client = await wire.client()
        client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nhello")
        await until(lambda: wire.in_flight == (1, 1))
        stopping = asyncio.create_task(wire.gateway.stop(5.0))
        await asyncio.sleep(0.2)
        answer = await client.ask(b"hello")
        assert (answer.status, answer.all(b"connection")) == (200, [b"close"])
        assert await stopping == 0
        assert wire.origin.requests[0].body == b"hellohello"


@on_both_loops
async def test_a_head_under_way_is_answered_before_the_gateway_goes() -> None:
    """Bytes that have arrived are not thrown away."""
    async with running() as wire:
        client = await wire.client()
        await client.cut(GET, 10)
        client2 = await wire.client()
        client2.send(GET[:10])
        await asyncio.sleep(0.05)
        stopping = asyncio.create_task(wire.gateway.stop(5.0))
        await asyncio.sleep(0.1)
        assert (await client.answer()).status == 200
        answer = await client2.ask(GET[10:])
        assert (answer.status, answer.all(b"connection")) == (200, [b"close"])
        client.writer.close()
        assert await stopping == 0


@on_both_loops
async def test_idle_connections_are_answered_once_more() -> None:
    """They are not hung up on: a client's next request may be on its way."""
    async with running() as wire:
        clients = [await wire.client() for _ in range(3)]
        for client in clients:
            assert (await client.ask(GET)).status == 200
        stopping = asyncio.create_task(wire.gateway.stop(5.0))
        await asyncio.sleep(0.2)
        started = time.monotonic()
        for client in clients:
            answer = await client.ask(GET)
            assert (answer.status, answer.all(b"connection")) == (200, [b"close"])
        assert await stopping == 0
        assert time.monotonic() - started < 1.0


@on_both_loops
async def test_the_health_says_that_the_gateway_is_going() -> None:
    """So that a load balancer looks for another one."""
    async with running() as wire:
        client = await wire.client()
        assert (await client.ask(HEALTH)).status == 200
        stopping = asyncio.create_task(wire.gateway.stop(5.0))
        await asyncio.sleep(0.05)
        answer = await client.ask(HEALTH)
        assert (answer.status, answer.body) == (503, b"draining\n")
        assert await stopping == 0


@on_both_loops
async def test_what_is_not_done_in_time_is_cut_off_and_counted() -> None:
    """Idle connections are no loss."""
    async with running(Origin(script=slow(10))) as wire:
        busy = [await wire.client() for _ in range(2)]
        idle = await wire.client()
        assert (await idle.ask(HEALTH)).status == 200
        for client in busy:
            client.send(GET)
        await until(lambda: len(wire.origin.requests) == 2)
        started = time.monotonic()
        assert await wire.gateway.stop(0.3) == 2
        assert time.monotonic() - started < 2.0
        for client in [*busy, idle]:
            assert await client.ended(1.0) == b""
        await wire.quiet()
        await until(lambda: not wire.pools[0].open_count)


@on_both_loops
async def test_a_gateway_that_stops_at_once_leaves_nobody_waiting() -> None:
    """No time at all is a time, too."""
    async with running() as wire:
        client = await wire.client()
        assert (await client.ask(GET)).status == 200
        assert await wire.gateway.stop(0) == 0
        assert await client.ended(1.0) == b""


# ---- sockets ------------------------------------------------------------------------------------------------------


def test_an_address_is_bound() -> None:
    """Of both families; a port of nothing is any port."""
    for host, family in (("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)):
        try:
            sock = bind(host, 0)
        except OSError:
            assert family is socket.AF_INET6, "no IPv4"
            continue
        with sock:
            assert (family, host, False) == (sock.family, sock.getsockname()[0], sock.getblocking())


def test_an_address_that_is_taken_is_an_error() -> None:
    """Nothing is left open behind it."""
    with bind("127.0.0.1", 0) as sock, pytest.raises(OSError, match="in use"):
        sock.listen()
        bind("127.0.0.1", sock.getsockname()[1])


def test_a_name_is_no_address() -> None:
    """What is listened on must not depend on somebody's name server."""
    with pytest.raises(ValueError, match="localhost"):
        bind("localhost", 0)

"""Listening, one request from end to end, and going away; ids name the row of reliability.md."""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest

from gatekeeper.config.model import ServerTimeoutsConfig
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Response
from gatekeeper.edge import answer as answer_module
from gatekeeper.edge import doors
from gatekeeper.edge import server as module
from gatekeeper.edge.listener import bind
from gatekeeper.edge.settings import EdgeSettings, EdgeTimeouts
from tests.edge.wire import (
    HOST,
    OK,
    SOON,
    Client,
    Message,
    Origin,
    Script,
    Wire,
    on_both_loops,
    running,
    until,
)


GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
HEALTH = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"


def slow(seconds: float) -> Script:
    """Answer after a time."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await origin.request(reader):
            await asyncio.sleep(seconds)
            writer.write(OK)

    return script


def address_of(sock: socket.socket) -> tuple[str, int]:
    """Where it is bound."""
    host, port = sock.getsockname()
    return host, port


async def refused(address: tuple[str, int]) -> bool:
    """Whether new connections are."""
    try:
        _, writer = await asyncio.open_connection(*address)
    except ConnectionRefusedError:
        return True
    writer.transport.abort()
    return False


async def has_closed(wire: Wire) -> None:
    """Wait until the gateway accepts nobody any more."""
    await until(lambda: not wire.edge.listeners and not wire.edge._doors.closing)


async def connect(wire: Wire, address: tuple[str, int]) -> Client:
    """Connect to one of the listeners."""
    client = Client(*await asyncio.open_connection(*address))
    wire._clients.append(client)
    return client


async def ask(address: tuple[str, int], data: bytes = GET) -> Message:
    """Send one request over a connection of its own and read its answer."""
    client = Client(*await asyncio.open_connection(*address))
    try:
        return await client.ask(data)
    finally:
        client.writer.close()


def ends(answer: Message) -> tuple[int, bool]:
    """The status, and whether the connection ends with the answer."""
    return answer.status, answer.all(b"connection") == [b"close"]


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
    """LIF-02: with the end of its connection, and nobody new comes in meanwhile."""
    async with running(Origin(script=slow(0.4))) as wire:
        client = await wire.client()
        client.send(GET)
        await until(lambda: wire.origin.requests)
        stopping = asyncio.create_task(wire.gateway.stop(5.0))
        await has_closed(wire)
        assert await refused(wire.address)
        answer = await client.answer()
        assert (answer.body, *ends(answer)) == (b"ok", 200, True)
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
        await has_closed(wire)
        assert ends(await client.ask(b"hello")) == (200, True)
        assert await stopping == 0
        assert wire.origin.requests[0].body == b"hellohello"


@on_both_loops
async def test_a_head_under_way_is_answered_before_the_gateway_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that have arrived are not thrown away, and their connection is not idle."""
    monkeypatch.setattr(module, "IDLE_GRACE", 0.0)
    async with running() as wire:
        client = await wire.client()
        await client.cut(GET, 10)
        client2 = await wire.client()
        client2.send(GET[:10])
        await asyncio.sleep(0.05)
        stopping = asyncio.create_task(wire.gateway.stop(5.0))
        await has_closed(wire)
        assert (await client.answer()).status == 200
        await asyncio.sleep(0.2)
        assert ends(await client2.ask(GET[10:])) == (200, True)
        client.writer.close()
        assert await stopping == 0


@on_both_loops
async def test_idle_connections_are_answered_once_more() -> None:
    """They are not hung up on: a client's next request may be on its way."""
    async with running() as wire:
        clients = [await wire.client() for _ in range(3)]
        for client in clients:
            assert ends(await client.ask(GET)) == (200, False)
        stopping = asyncio.create_task(wire.gateway.stop(60))
        await has_closed(wire)
        for client in clients:
            assert ends(await client.ask(GET)) == (200, True)
        assert await asyncio.wait_for(stopping, SOON) == 0


@on_both_loops
async def test_idle_connections_are_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ends properly, with nothing on it; that is no loss, and no request that goes on is harmed."""
    monkeypatch.setattr(module, "IDLE_GRACE", 0.2)
    async with running() as wire:
        used, unused = await wire.client(), await wire.client()
        assert (await used.ask(GET)).status == 200
        assert await asyncio.wait_for(wire.gateway.stop(60), SOON) == 0
        for client in (used, unused):
            assert await client.reader.read() == b""


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
        assert await asyncio.wait_for(wire.gateway.stop(0.3), SOON) == 2
        for client in [*busy, idle]:
            assert await client.ended(1.0) == b""
        await wire.quiet()
        await until(lambda: not any(pool.open_count for pool in wire.pools))


@on_both_loops
async def test_an_answer_that_is_read_slowly_is_sent_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is done, but its last bytes wait for the client: also of a connection that would be idle."""
    monkeypatch.setattr(module, "IDLE_GRACE", 0.0)
    async with unread(monkeypatch) as (wire, clients):
        stopping = asyncio.create_task(wire.gateway.stop(60))
        await has_closed(wire)
        await asyncio.sleep(0.2)
        for client in clients:
            assert len((await client.answer()).body) == UNREAD
        assert await asyncio.wait_for(stopping, SOON) == 0


@on_both_loops
async def test_an_answer_that_is_not_read_in_time_is_cut_off_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It breaks off where it was."""
    async with unread(monkeypatch) as (wire, clients):
        assert await asyncio.wait_for(wire.gateway.stop(0.3), SOON) == len(clients)
        for client in clients:
            assert len(await client.ended()) < UNREAD


UNREAD = 8_000_000
"""Bytes of an answer that no buffer of a socket holds."""


@contextlib.asynccontextmanager
async def unread(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Wire, list[Client]]]:
    """A gateway that has answered two requests, one the last of its connection, and nobody has read the answers."""
    # so that it does not wait for the client, but is done with the request
    monkeypatch.setattr(answer_module, "_drain", no_drain)
    reply = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % UNREAD + b"x" * UNREAD
    async with running(Origin(reply)) as wire:
        clients = [await wire.client(limit=1024, receive_buffer=4096) for _ in range(2)]
        for client, data in zip(clients, (GET, GET[:-2] + b"Connection: close\r\n\r\n"), strict=True):
            client.send(data)
        await until(lambda: len(wire.records) == len(clients))
        yield wire, clients


async def no_drain(protocol: object) -> None:
    """Wait for nobody."""


@on_both_loops
async def test_a_request_whose_answer_nobody_reads_is_one_loss() -> None:
    """Not two: it is under way, and there are bytes that were not sent."""
    async with running(
        Origin(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % UNREAD + b"x" * UNREAD)
    ) as wire:
        client = await wire.client(limit=1024, receive_buffer=4096)
        client.send(GET)
        await until(lambda: wire.edge.connections[0].writing_paused)
        assert await asyncio.wait_for(wire.gateway.stop(0.3), SOON) == 1


@on_both_loops
async def test_handshakes_are_not_waited_for_longer_than_the_drain_may_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also when no time is left at all."""
    monkeypatch.setattr(doors, "HANDSHAKES", 60.0)
    for grace in (0.2, 0, -1):
        async with running() as wire:
            assert await asyncio.wait_for(wire.gateway.stop(grace), SOON) == 0


@on_both_loops
async def test_a_gateway_that_stops_at_once_leaves_nobody_waiting() -> None:
    """No time at all is a time, too."""
    async with running() as wire:
        client = await wire.client()
        assert (await client.ask(GET)).status == 200
        assert await wire.gateway.stop(0) == 0
        assert await client.ended(1.0) == b""


@on_both_loops
async def test_nobody_who_connects_while_the_gateway_goes_is_reset() -> None:
    """LIF-05: who was let in is answered, through all the phases of a drain."""
    async with running() as wire:
        seen: list[object] = []

        async def come() -> None:
            while True:
                try:
                    async with asyncio.timeout(0.5):
                        client = Client(*await asyncio.open_connection(*wire.address))
                except (ConnectionRefusedError, TimeoutError):
                    return
                try:
                    seen.append((await client.ask(GET)).status)
                except Exception as error:  # noqa: BLE001 - whatever it is, the client has lost its request
                    seen.append(error)
                client.writer.close()

        crowd = [asyncio.create_task(come()) for _ in range(20)]
        await until(lambda: len(seen) > 50)
        assert await asyncio.wait_for(wire.gateway.stop(60), SOON) == 0
        await asyncio.gather(*crowd)
        assert set(seen) == {200}


# ---- somebody follows whether it is ready -------------------------------------------------------------------------


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who follow are waited for long, but their silence is believed soon."""
    monkeypatch.setattr(module, "LINGER", 60.0)
    monkeypatch.setattr(module, "QUIET", 0.2)


@on_both_loops
async def test_those_who_follow_are_told_first(quickly: None) -> None:
    """LIF-02: the health is 503 while everybody is still let in, until nobody comes any more."""
    async with running() as wire:
        kept = await wire.client()
        assert ends(await kept.ask(GET)) == (200, False)
        assert (await wire.ask(HEALTH)).status == 200
        stopping = asyncio.create_task(wire.gateway.stop(60))
        await asyncio.sleep(0)
        for _ in range(module.TOLD):
            answer = await wire.ask(HEALTH)
            assert (answer.body, *ends(answer)) == (b"draining\n", 503, True)
            assert ends(await wire.ask(GET)) == (200, True)
        assert ends(await kept.ask(GET)) == (200, True)
        assert wire.edge.listeners
        await has_closed(wire)
        assert await asyncio.wait_for(stopping, SOON) == 0


@on_both_loops
@pytest.mark.parametrize("how", ["health-path", "admin"])
async def test_it_is_not_over_before_they_have_been_told_often_enough(how: str, quickly: None) -> None:
    """They believe no single answer; whoever else answers for the gateway counts with it."""
    async with running() as wire:
        edge = wire.edge

        async def follow() -> None:
            if how == "admin":
                edge.followed()
            else:
                await wire.ask(HEALTH)

        await follow()
        stopping = asyncio.create_task(wire.gateway.stop(60))
        await asyncio.sleep(0)
        for _ in range(module.TOLD - 1):
            await follow()
        await asyncio.sleep(0.4)
        assert edge.listeners
        await follow()
        assert await asyncio.wait_for(stopping, SOON) == 0


@on_both_loops
async def test_checks_do_not_keep_it_from_ending(quickly: None) -> None:
    """A balancer goes on with them for ever; requests are what counts."""
    async with running() as wire:
        edge = wire.edge
        await wire.ask(HEALTH)
        stopping = asyncio.create_task(wire.gateway.stop(60))
        await asyncio.sleep(0)
        counts = []
        for request in (HEALTH, GET, HEALTH, HEALTH):
            assert ends(await wire.ask(request))[1]
            counts.append(edge._last_answers)
        assert counts == [0, 1, 1, 1]
        while edge.listeners:
            with contextlib.suppress(ConnectionRefusedError, TimeoutError):
                async with asyncio.timeout(0.1):
                    await wire.ask(HEALTH)
            await asyncio.sleep(0.01)
        assert await asyncio.wait_for(stopping, SOON) == 0


async def test_it_is_not_over_while_requests_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of silence counts from the last one."""
    async with running() as wire:
        edge = wire.edge
        edge._told = module.TOLD
        now = 100.0

        def time() -> float:
            nonlocal now
            now += module.QUIET / 4
            if now < 110:
                edge._last_answers += 1
            return now

        with monkeypatch.context() as changed:
            changed.setattr(edge, "_loop", SimpleNamespace(time=time))
            await edge._linger(1000)
        assert 110 + module.QUIET / 2 < now < 110 + module.QUIET * 2


@on_both_loops
@pytest.mark.parametrize(("linger", "grace"), [(0.3, 60), (60, 0.3)])
async def test_those_who_follow_are_not_waited_for_for_ever(
    linger: float, grace: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not when nobody asks again, and never for longer than the drain may take."""
    monkeypatch.setattr(module, "LINGER", linger)
    async with running() as wire:
        await wire.ask(HEALTH)
        stopping = asyncio.create_task(wire.gateway.stop(grace))
        await asyncio.sleep(0.1)
        assert ends(await wire.ask(GET)) == (200, True)
        assert await asyncio.wait_for(stopping, SOON) == 0


@on_both_loops
@pytest.mark.parametrize("how", ["nobody", "long-ago", "not-wanted"])
async def test_where_nobody_follows_nobody_is_waited_for(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a terminal: Ctrl-C ends it. Nor is anybody once it is over."""
    monkeypatch.setattr(module, "LINGER", 60.0)
    async with running() as wire:
        if how != "nobody":
            await wire.ask(HEALTH)
        if how == "long-ago":
            wire.edge._followed_at -= module.FOLLOWS
        assert await asyncio.wait_for(wire.gateway.stop(60, linger=how != "not-wanted"), SOON) == 0
        wire.edge.followed()
        assert await asyncio.wait_for(wire.edge.drain(60), SOON) == 0


# ---- listeners come and go ----------------------------------------------------------------------------------------


@on_both_loops
async def test_a_listener_is_added() -> None:
    """It serves at once, by its name; the others go on."""
    async with running() as wire:
        kept = await wire.client()
        assert (await kept.ask(GET)).status == 200
        edge = wire.edge
        main = edge.listeners["main"]
        sock = bind("127.0.0.1", 0)
        await edge.open("second", sock)
        assert edge.listeners == {"main": main, "second": sock}
        listeners: list[str] = []

        async def note(exchange: Exchange) -> Response:
            listeners.append(exchange.request.listener)
            return Response(204)

        wire.answer_by(note)
        for address in (address_of(sock), wire.address):
            assert ends(await ask(address)) == (204, False)
        assert ends(await kept.ask(GET)) == (204, False)
        assert listeners == ["second", "main", "main"]


@on_both_loops
async def test_a_listener_is_removed() -> None:
    """Who is in line is served, connections are answered once more, and the others go on."""
    async with running() as wire:
        edge = wire.edge
        sock = bind("127.0.0.1", 0)
        address = address_of(sock)
        await edge.open("second", sock)
        kept, other = await connect(wire, address), await wire.client()
        for client in (kept, other):
            assert ends(await client.ask(GET)) == (200, False)
        line = [asyncio.create_task(ask(address)) for _ in range(20)]
        await asyncio.sleep(0)
        await edge.close_listener("second")
        assert list(edge.listeners) == ["main"]
        assert {ends(await waiting) for waiting in line} == {(200, True)}
        assert await refused(address)
        assert ends(await kept.ask(GET)) == (200, True)
        assert await kept.ended() == b""
        assert ends(await other.ask(GET)) == (200, False)
        assert ends(await wire.ask(GET)) == (200, False)
        await edge.close_listener("second")


@on_both_loops
async def test_a_listener_moves() -> None:
    """To another address under its name: the old one is closed once the new one serves."""
    async with running() as wire:
        edge = wire.edge
        kept = await wire.client()
        assert (await kept.ask(GET)).status == 200
        sock = bind("127.0.0.1", 0)
        await edge.open("main", sock)
        assert edge.listeners == {"main": sock}
        assert ends(await ask(address_of(sock))) == (200, False)
        assert await refused(wire.address)
        assert ends(await kept.ask(GET)) == (200, True)


@on_both_loops
async def test_a_listener_gets_another_name() -> None:
    """By a duplicate of its socket: nobody is refused."""
    async with running() as wire:
        edge = wire.edge
        kept = await wire.client()
        assert (await kept.ask(GET)).status == 200
        await edge.open("public", edge.listeners["main"].dup())
        await edge.close_listener("main")
        assert ends(await wire.ask(GET)) == (200, False)
        assert ends(await kept.ask(GET)) == (200, True)


@on_both_loops
async def test_listeners_change_places() -> None:
    """Each gets the other's address: nobody stays deaf."""
    async with running() as wire:
        edge = wire.edge
        sock = bind("127.0.0.1", 0)
        address = address_of(sock)
        await edge.open("second", sock)
        changed = {"main": sock.dup(), "second": edge.listeners["main"].dup()}
        for name, duplicate in changed.items():
            await edge.open(name, duplicate)
        assert edge.listeners == changed
        for one in (address, wire.address):
            assert ends(await ask(one)) == (200, False)


@on_both_loops
async def test_an_address_that_cannot_be_listened_on_changes_nothing() -> None:
    """Somebody else was faster."""
    async with running() as wire:
        edge = wire.edge
        before = edge.listeners
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            thief.bind(("127.0.0.1", 0))
            sock = bind(*address_of(thief))
            thief.listen()
            with pytest.raises(OSError, match="in use"):
                await edge.open("main", sock)
        assert (edge.listeners, sock.fileno()) == (before, -1)
        assert ends(await wire.ask(GET)) == (200, False)


@on_both_loops
async def test_listeners_of_a_gateway_that_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """None opens any more, and one that is closing is waited for."""
    async with running() as wire:
        edge = wire.edge
        sock, late = bind("127.0.0.1", 0), bind("127.0.0.1", 0)
        address = address_of(late)
        await edge.open("second", sock)
        monkeypatch.setattr(doors, "HANDSHAKES", 0.4)
        closing = asyncio.create_task(edge.close_listener("second"))
        await asyncio.sleep(0)
        monkeypatch.setattr(doors, "HANDSHAKES", 0.0)
        assert await asyncio.wait_for(wire.gateway.stop(60), SOON) == 0
        assert (sock.fileno(), edge.listeners) == (-1, {})
        await closing
        await edge.open("late", late)
        assert edge.listeners == {}
        assert await refused(address)


# ---- settings change ----------------------------------------------------------------------------------------------

SHORT = EdgeTimeouts(head=0.3, body=0.3, idle=0.3)


@on_both_loops
@pytest.mark.parametrize("how", ["head", "body", "idle", "idle-new"])
async def test_other_timeouts_hold_from_the_next_request_on(how: str) -> None:
    """Also on connections that were open before, of which one never was used."""
    async with running() as wire:
        used, unused = await wire.client(), await wire.client()
        assert (await used.ask(GET)).status == 200
        wire.edge.reconfigure(EdgeSettings(timeouts=SHORT))
        if how == "head":
            assert (await used.ask(GET[:10])).status == 408
        elif how == "body":
            assert (await used.ask(GET[:-2] + b"Content-Length: 9\r\n\r\nhi")).status == 408
        elif how == "idle":
            for client in (used, unused):
                assert await client.ended() == b""
        else:
            assert await (await wire.client()).ended() == b""


@on_both_loops
async def test_a_longer_time_between_requests_holds_for_those_who_wait() -> None:
    """Not the one that had begun."""
    async with running(server=ServerTimeoutsConfig(head=0.3, body=0.3, idle=0.3)) as wire:
        client = await wire.client()
        assert (await client.ask(GET)).status == 200
        wire.edge.reconfigure(EdgeSettings())
        await asyncio.sleep(0.5)
        assert (await client.ask(GET)).status == 200


@on_both_loops
async def test_another_health_path_holds_from_the_next_request_on() -> None:
    """The old one is a path like any other."""
    async with running() as wire:
        client = await wire.client()
        wire.edge.reconfigure(EdgeSettings(health_path="/live"))
        assert (await client.ask(HEALTH.replace(b"healthz", b"live"))).body == b"ok\n"
        assert (await client.ask(HEALTH)).body == b"ok"
        wire.edge.reconfigure(EdgeSettings())
        assert (await client.ask(HEALTH.replace(b"healthz", b"live"))).body == b"ok"


@on_both_loops
async def test_other_trusted_networks_hold_for_whoever_connects_from_now_on() -> None:
    """An open connection keeps its peer; what a trusted one says of others is judged anew."""
    nets = {name: ipaddress.ip_network(name) for name in ("127.0.0.0/8", "10.0.0.0/8")}
    request = GET[:-2] + b"X-Forwarded-For: 192.0.2.1, 10.0.0.1\r\n\r\n"
    async with running() as wire:
        before = await wire.client()
        wire.edge.reconfigure(EdgeSettings(networks=tuple(nets.values())))
        trusted = await wire.client()
        for client in (before, trusted):
            assert (await client.ask(request)).status == 200
        wire.edge.reconfigure(EdgeSettings(networks=(nets["127.0.0.0/8"],)))
        assert (await trusted.ask(request)).status == 200
        await until(lambda: len(wire.records) == 3)
        assert [record["client"] for record in wire.records] == ["127.0.0.1", "192.0.2.1", "10.0.0.1"]


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

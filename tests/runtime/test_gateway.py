"""The gateway object, from its first listener to the end of its drain."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import web

from gatekeeper import ConfigApplied, DrainBegun, Event, Listening, RunningGateway, hookimpl
from gatekeeper.config.addresses import Listen
from gatekeeper.config.model import GatewayConfig, ListenerConfig
from gatekeeper.config.problems import ConfigError, Problem
from gatekeeper.core.clock import SystemClock
from gatekeeper.policy.health import Status
from gatekeeper.runtime.client import CALLS
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.testing import (
    HANG,
    FakeClock,
    Origin,
    StartGateway,
    StartOrigin,
    answer,
    load_config,
    make_host,
    move_listeners,
    open_gateway,
)


CONFIG = "version: 1\nroutes: {all: {match: /**, filters: [static: {status: 204}]}}\n"


class Lifespan:
    """A plugin whose life is written down."""

    def __init__(self, name: str, notes: list[str], *, fails: bool = False) -> None:
        self.__name__ = name
        self.notes = notes
        self.fails = fails

    @hookimpl
    def gatekeeper_lifespan(self, gateway: RunningGateway) -> AbstractAsyncContextManager[None]:
        return self.life()

    @asynccontextmanager
    async def life(self) -> AsyncIterator[None]:
        if self.fails:
            raise RuntimeError(f"{self.__name__} does not start")
        self.notes.append(f"{self.__name__} in")
        yield
        self.notes.append(f"{self.__name__} out")


class Listener:
    """A plugin that hears of everything."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    @hookimpl
    def gatekeeper_event(self, event: Event) -> None:
        self.events.append(event)


# ---- the life of it -------------------------------------------------------------------------------------------------


async def test_lifespans_are_entered_in_loading_order_and_left_in_reverse() -> None:
    """Before the gateway listens, and after it has drained."""
    notes: list[str] = []

    async with open_gateway(CONFIG, [Lifespan("a", notes), Lifespan("b", notes)]) as gw:
        assert ["a in", "b in"] == notes
        assert 204 == (await gw.get()).status

    assert ["a in", "b in", "b out", "a out"] == notes


async def test_events_tell_what_happens(gateway: StartGateway) -> None:
    """Applied, listening; and when it goes away, that it does."""
    listener = Listener()
    async with open_gateway(CONFIG, [listener]) as gw:
        assert [ConfigApplied(1), Listening(dict(gw.addresses))] == listener.events

    assert [DrainBegun(0)] == listener.events[2:]


async def test_a_plugin_that_cannot_hear_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """It is named in the log, and the others hear all the same."""

    class Deaf:
        @hookimpl
        def gatekeeper_event(self, event: Event) -> None:
            raise ZeroDivisionError

    listener = Listener()
    async with open_gateway(CONFIG, [Deaf(), listener]):
        pass

    assert 3 == len(listener.events)
    assert "plugin Deaf failed to hear of ConfigApplied(revision=1)" in caplog.text


async def test_a_start_that_fails_half_way_closes_everything() -> None:
    """Whose life had begun, it ends; sockets and tasks are gone."""
    notes: list[str] = []
    host = await asyncio.to_thread(make_host, [Lifespan("a", notes), Lifespan("b", notes, fails=True)])
    port = _free_port()
    config = _listening_on(await load_config(CONFIG, host), port)
    gateway = Gateway(config, host)

    with pytest.raises(RuntimeError, match="b does not start"):
        await gateway.start()

    assert ["a in", "a out"] == notes
    _bind(port).close()


async def test_an_address_that_is_taken_is_an_error_and_frees_the_others() -> None:
    """Those that were bound before."""
    host = await asyncio.to_thread(make_host)
    port = _free_port()
    config = _listening_on(await load_config(CONFIG, host), port)
    with _bind(0) as taken:
        taken.listen()
        second = ListenerConfig(address=Listen("127.0.0.1", taken.getsockname()[1]))
        server = attrs.evolve(config.server, listen={**config.server.listen, "second": second})

        with pytest.raises(OSError, match="in use"):
            await Gateway(attrs.evolve(config, server=server), host).start()

    _bind(port).close()


async def test_a_listener_that_fails_closes_those_before_it() -> None:
    """Another process may take an address between the moment it is bound and the moment it is listened on."""
    first, second = _free_port(), _free_port()

    class Thief:
        @hookimpl
        @asynccontextmanager
        async def gatekeeper_lifespan(self, gateway: RunningGateway) -> AsyncIterator[None]:
            with socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(("127.0.0.1", second))
                sock.listen()
                yield

    host = await asyncio.to_thread(make_host, [Thief()])
    config = _listening_on(await load_config(CONFIG, host), first)
    listener = ListenerConfig(address=Listen("127.0.0.1", second))
    server = attrs.evolve(config.server, listen={**config.server.listen, "second": listener})

    with pytest.raises(OSError, match="in use"):
        await Gateway(attrs.evolve(config, server=server), host).start()

    _bind(first).close()


async def test_an_admin_route_that_cannot_be_mounted_frees_the_listeners() -> None:
    """Nothing of a plugin may leave a socket behind."""

    class Bad:
        @hookimpl
        def gatekeeper_admin_routes(self, gateway: RunningGateway) -> list[Any]:
            raise ZeroDivisionError

    host = await asyncio.to_thread(make_host, [Bad()])
    port = _free_port()
    config = _listening_on(await load_config(CONFIG, host), port)

    with pytest.raises(ZeroDivisionError):
        await Gateway(config, host).start()

    _bind(port).close()


async def test_a_configuration_that_cannot_be_put_together_opens_nothing() -> None:
    """It is found before the first socket."""
    both = (
        "version: 1\nroutes: {a: {match: '/{a}', filters: [static]}, b: {match: '/{b}', filters: [static]}}\n"
    )
    with pytest.raises(ConfigError, match="ambiguous"):
        async with open_gateway(both):
            pass


async def test_plugins_may_refuse_a_configuration() -> None:
    """All that they find is reported."""

    class Strict:
        @hookimpl
        def gatekeeper_validate(self, config: GatewayConfig) -> list[Problem]:
            return [Problem("strict", f"routes.{name}", "not like this") for name in config.routes]

    with pytest.raises(ConfigError, match=r"routes\.all: not like this"):
        async with open_gateway(CONFIG, [Strict()]):
            pass


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


class Jumping(SystemClock):
    """Each look at the wall finds it an hour or a year from where it was."""

    def __init__(self) -> None:
        self.looks = 0

    def wall(self) -> float:
        self.looks += 1
        return SystemClock.wall() + (0, 3600, -3600, 31_536_000, -31_536_000)[self.looks % 5]


async def test_the_wall_clock_may_jump(gateway: StartGateway, origin: StartOrigin) -> None:
    """LIF-11: it is for people; times, limits and checks go by another one."""
    users = await origin()
    users.always(answer(200, body=b"users"))
    clock = Jumping()
    gw = await gateway(
        f"""
        version: 1
        services:
          users: {{instances: ["{users.url}"], health: {{http: /health, every: 20ms, timeout: 20ms}}}}
        routes: {{all: {{match: /**, to: users}}}}
        """,
        clock=clock,
        checks=True,
    )
    (member,) = gw.gateway.services["users"].members
    await until(lambda: member.health.status is Status.HEALTHY)
    statuses = {(await gw.get()).status for _ in range(100)}
    await until(lambda: member.health.successes > 20)
    record = await gw.record(100)

    assert ({200}, Status.HEALTHY) == (statuses, member.health.status)
    assert 0 < record["duration_ms"] < 60_000
    assert clock.looks > 20


async def test_it_starts_where_nobody_answers_yet(gateway: StartGateway, tmp_path: Path) -> None:
    """LIF-14: it is ready, says 502 to those who ask, and heals by itself as soon as somebody is there."""
    path = tmp_path / "users.sock"
    gw = await gateway(
        f"""
        version: 1
        services:
          users: {{instances: ["unix://{path}"], health: {{http: /health, every: 50ms, unhealthy_after: 1, healthy_after: 1}}}}
        routes: {{all: {{match: /**, to: users}}}}
        """,
        checks=True,
    )
    (member,) = gw.gateway.services["users"].members
    await until(lambda: not member.health.fit)
    assert (200, True) == (
        (await gw.admin.get("/readyz", host="localhost")).status,
        gw.gateway.state == "running",
    )
    assert (await gw.get()).status in {502, 503}

    users = Origin()
    users.always(answer(200, json={"at": "users"}))
    await users.start(path=path)
    try:
        await until(lambda: member.health.fit)
        assert 200 == (await gw.get()).status
    finally:
        await users.stop()


async def test_a_gateway_is_a_context_manager() -> None:
    """Started and stopped."""
    host = await asyncio.to_thread(make_host)
    config = move_listeners(await load_config(CONFIG + "server: {drain: 0s}\n", host))

    async with Gateway(config, host) as gateway:
        assert gateway.snapshot is not None
        assert ["main"] == list(gateway.listeners)


async def test_requests_that_are_cut_off_are_counted(gateway: StartGateway, origin: StartOrigin) -> None:
    """Drain gives them the time it was given."""
    users = await origin()
    users.always(HANG)
    gw = await gateway(
        f"version: 1\nservices: {{users: {users.url}}}\nroutes: {{all: {{match: /**, to: users}}}}\n"
    )
    connection = await gw.connect()
    await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await users.received()

    lost = await gw.gateway.stop(grace=0.1)

    assert 1 == lost
    record = await gw.record()
    assert "client_gone" in record["flags"]


async def test_connections_to_instances_end_with_the_gateway(
    gateway: StartGateway, origin: StartOrigin
) -> None:
    """Those of a request that will not end, too; and with its end, what it has opened since."""
    users = await origin()
    gw = await gateway(
        f"version: 1\nservices: {{users: {users.url}}}\nroutes: {{all: {{match: /**, to: users}}}}\n"
    )
    await gw.get()
    await gw.record()
    snapshot = gw.gateway.snapshot
    assert snapshot is not None
    (pool,) = gw.gateway.keep.things("pool")
    assert 1 == pool.open_count
    snapshot.leases += 1

    await gw.gateway.stop(grace=0)
    await asyncio.sleep(0)
    assert 0 == pool.open_count

    connection = await pool.open(1.0)
    pool.release(connection)
    assert not connection.is_open
    snapshot.release()


# ---- for plugins ----------------------------------------------------------------------------------------------------


async def test_what_was_spawned_ends_with_the_gateway() -> None:
    """It is cancelled."""
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async with open_gateway(CONFIG) as gw:
        task = gw.gateway.spawn("work", work())
        await asyncio.sleep(0)
        assert "work" == task.get_name()

    assert ended.is_set()
    assert task.cancelled()


async def test_what_was_spawned_and_fails_is_logged(
    gateway: StartGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """With its name; nobody else is there to hear of it."""
    gw = await gateway(CONFIG)

    async def work() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await gw.gateway.spawn("work", work())
    await asyncio.sleep(0)

    assert "task work failed" in caplog.text


async def test_the_client_for_other_systems_is_made_when_it_is_asked_for(
    gateway: StartGateway, origin: StartOrigin
) -> None:
    """One for all; it keeps no cookies and is closed with the gateway."""
    other = await origin()
    other.always(answer(200, {"Set-Cookie": "a=1"}, b"hi"))
    async with open_gateway(CONFIG) as gw:
        session = gw.gateway.http
        for _ in range(2):
            async with session.get(other.url) as response:
                assert "hi" == await response.text()
        assert session is gw.gateway.http
        assert session.connector is not None
        assert CALLS == session.connector.limit

    assert session.closed
    assert None is other.requests[1].get("cookie")


async def test_a_timer_that_fails_is_logged(gateway: StartGateway, caplog: pytest.LogCaptureFixture) -> None:
    """And the wheel turns on."""
    clock = FakeClock()
    gw = await gateway(CONFIG, clock=clock)
    fired: list[int] = []
    gw.gateway.wheel.add(1.0, lambda: 1 / 0)  # type: ignore[arg-type]
    gw.gateway.wheel.add(1.0, lambda: fired.append(1))

    clock.drive(gw.gateway.wheel)
    clock.advance(2.0)

    assert [1] == fired
    assert ["a timer failed"] == [
        record.message for record in caplog.records if record.levelno == logging.ERROR
    ]


async def test_connections_to_instances_are_counted(gateway: StartGateway, origin: StartOrigin) -> None:
    """By a metric that asks the pools."""
    users = await origin()
    gw = await gateway(
        f"version: 1\nservices: {{users: {users.url}}}\nroutes: {{all: {{match: /**, to: users}}}}\n"
    )
    await gw.get()

    assert 1.0 == gw.metric("gatekeeper_upstream_connections")
    assert 1.0 == gw.metric("gatekeeper_build_info")


async def test_a_gateway_listens_on_version_6_too(gateway: StartGateway) -> None:
    """Its address stands in brackets."""
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")

    def change(config: GatewayConfig) -> GatewayConfig:
        listener = {"six": ListenerConfig(address=Listen("::1", 0))}
        return attrs.evolve(config, server=attrs.evolve(config.server, listen=listener))

    try:
        gw = await gateway(CONFIG, change=change)
    except OSError:
        pytest.skip("this machine has no IPv6")

    assert gw.address.startswith("[::1]:")
    assert 204 == (await gw.get()).status


async def test_several_gateways_run_in_one_process(gateway: StartGateway) -> None:
    """Each with plugins, metrics and routes of its own."""
    first = await gateway(CONFIG)
    second = await gateway(CONFIG.replace("204", "418"))

    assert [204, 418] == [(await gw.get()).status for gw in (first, second)]
    assert 0.0 == first.metric("gatekeeper_requests_total", status="418")


async def test_admin_routes_of_plugins_are_mounted_below_their_name(gateway: StartGateway) -> None:
    """Their own application, on the admin listener only."""

    class Mine:
        @hookimpl
        def gatekeeper_admin_routes(self, gateway: RunningGateway) -> list[web.AbstractRouteDef]:
            async def hello(request: web.Request) -> web.Response:
                return web.Response(text="hello")

            return [web.get("/hello", hello)]

    gw = await gateway(CONFIG, [Mine()])

    assert "hello" == (await gw.admin.get("/plugins/Mine/hello", host="localhost")).text
    assert b"" == (await gw.get("/plugins/Mine/hello")).body


# ---- the means ------------------------------------------------------------------------------------------------------


def _bind(port: int) -> socket.socket:
    sock = socket.socket()
    sock.bind(("127.0.0.1", port))
    return sock


def _free_port() -> int:
    with _bind(0) as sock:
        port: int = sock.getsockname()[1]
    return port


def _listening_on(config: GatewayConfig, port: int) -> GatewayConfig:
    config = move_listeners(config)
    listener = {"main": ListenerConfig(address=Listen("127.0.0.1", port))}
    return attrs.evolve(config, server=attrs.evolve(config.server, listen=listener))

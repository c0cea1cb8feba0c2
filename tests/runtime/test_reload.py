"""A new configuration for a gateway that serves: prepared, in force, or refused."""

import asyncio
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import attrs
import pytest

from gatekeeper import DRY_RUN, hookimpl
from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.provided import ADMIN, Provided
from gatekeeper.extend.events import ConfigApplied, ConfigRefused
from gatekeeper.runtime.change import ConfigState
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.runtime.source import Source
from gatekeeper.testing import (
    HANG,
    Client,
    FakeClock,
    StartGateway,
    StartOrigin,
    default_host,
    make_host,
    move_listeners,
)


def text(word: str, more: str = "") -> str:
    """A configuration that answers with a word."""
    return (
        f"version: 1\n{more}routes: {{all: {{match: /**, filters: [static: {{body: {{text: {word}}}}}]}}}}\n"
    )


class Hearing:
    """A plugin that hears of everything."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    @hookimpl
    def gatekeeper_event(self, event: Any) -> None:
        self.events.append(event)


@attrs.define
class Served:
    """A gateway that serves a file."""

    file: Path
    gateway: Gateway
    client: Client

    def write(self, content: str) -> None:
        self.file.write_text(content)

    async def write_later(self, content: str) -> None:
        await asyncio.to_thread(self.write, content)

    async def word(self) -> str:
        return (await self.client.request("GET", "/")).body.decode()

    @property
    def state(self) -> ConfigState:
        return self.gateway.reloader.state

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Serve a file of this content."""
    served: list[Served] = []

    async def start(content: str, plugins: tuple[Any, ...] = (), name: str = "gateway.yaml") -> Served:
        file = tmp_path / name
        await asyncio.to_thread(file.write_text, content)
        host = await asyncio.to_thread(make_host, plugins)
        source = Source(host=host, path=file, adjust=move_listeners, environ={"WORD": "outside"})
        loaded = await asyncio.to_thread(source.load)
        gateway = Gateway(loaded.config, host, source=source, read=loaded)
        await gateway.start()
        made = Served(file, gateway, Client(gateway.listeners["main"]))
        served.append(made)
        return made

    yield start
    for one in served:
        await one.client.close()
        await one.gateway.stop(grace=0)


# ---- from the file --------------------------------------------------------------------------------------------------


async def test_an_edit_is_in_force_soon(serve: Serve) -> None:
    """Nobody has to say anything."""
    served = await serve(text("one"))
    assert "one" == await served.word()

    await served.write_later(text("two"))
    await served.until(lambda: served.state.revision == 2)

    assert "two" == await served.word()


async def test_a_broken_edit_changes_nothing_and_is_told_once(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log, in the state, as an event, as a metric; a sound one clears it."""
    hearing = Hearing()
    served = await serve(text("one"), (hearing,))

    with caplog.at_level(logging.INFO):
        await served.write_later(text("two", "colour: red\n"))
        await served.until(lambda: bool(served.state.error))

    place = f"{served.file.name}:2:1"
    assert "one" == await served.word()
    assert place in served.state.error
    assert "unknown key `colour`" in served.state.error
    assert (1, ["unknown-key"]) == (served.state.revision, [problem.id for problem in served.state.problems])
    refused = [event for event in hearing.events if isinstance(event, ConfigRefused)]
    assert [served.state.error] == [event.error for event in refused]
    assert 1 == sum("configuration refused" in message for message in caplog.messages)
    results = served.gateway.metrics.snapshot()
    assert 0 == results["gatekeeper_config_last_reload_successful"]["samples"][0]["value"]
    assert [("applied", 1), ("refused", 1)] == [
        (sample["labels"]["result"], sample["value"])
        for sample in results["gatekeeper_config_reloads_total"]["samples"]
    ]

    await served.write_later(text("three"))
    await served.until(lambda: served.state.revision == 2)
    assert ("three", "") == (await served.word(), served.state.error)
    assert [1, 2] == [event.revision for event in hearing.events if isinstance(event, ConfigApplied)]


@pytest.mark.parametrize(
    ("data", "place"),
    [
        pytest.param(b"version: 1\nroutes: {a: [}\n", "2:14", id="CFG-01-syntax-error"),
        pytest.param(b"", "1:1", id="CFG-01-empty"),
        pytest.param(b"version: 1\nx-a: \x00\n", "2:6", id="CFG-01-nul"),
        pytest.param(text("two").encode("utf-16"), "1:1", id="CFG-01-utf-16"),
    ],
)
async def test_what_cannot_be_read_changes_nothing(serve: Serve, data: bytes, place: str) -> None:
    """Its place is told, and the next edit is the cure."""
    served = await serve(text("one"))

    await asyncio.to_thread(served.file.write_bytes, data)
    outcome = await served.gateway.reload("a test")

    assert not outcome.applied
    assert f"{served.file}:{place}" == outcome.errors[0].place
    assert served.state.error.startswith(f"{served.file}:{place}: ")
    results = served.gateway.metrics.snapshot()["gatekeeper_config_last_reload_successful"]
    assert ("one", 0) == (await served.word(), results["samples"][0]["value"])
    await served.write_later(text("two"))
    assert (await served.gateway.reload("a test")).applied
    assert "two" == await served.word()


@pytest.mark.parametrize(
    "data",
    [b"\xef\xbb\xbf" + text("two").encode(), text("two").replace("\n", "\r\n").encode()],
    ids=["CFG-01-byte-order-mark", "CFG-01-crlf"],
)
async def test_what_editors_add_is_no_mistake(serve: Serve, data: bytes) -> None:
    """A mark at the beginning, and two characters at the end of a line."""
    served = await serve(text("one"))

    await asyncio.to_thread(served.file.write_bytes, data)

    assert (await served.gateway.reload("a test")).applied
    assert "two" == await served.word()


async def test_an_edit_that_says_the_same_is_no_revision(serve: Serve) -> None:
    """A comment; and back to what is in force after something broken."""
    served = await serve(text("one"))
    await served.write_later("nonsense: [")
    await served.until(lambda: bool(served.state.error))

    await served.write_later("# new\n" + text("one"))
    await served.until(lambda: not served.state.error)

    assert 1 == served.state.revision
    outcome = await served.gateway.reload("a test")
    assert (True, 2) == (outcome.applied, outcome.revision)


async def test_a_file_that_is_missing_is_waited_for(serve: Serve) -> None:
    """An included one, which a broken configuration names, appears later."""
    served = await serve(text("one"))
    included = "version: 1\ninclude: [more.yaml]\n"
    await served.write_later(included)
    await served.until(lambda: bool(served.state.error))

    more = text("two").removeprefix("version: 1\n")
    await asyncio.to_thread((served.file.parent / "more.yaml").write_text, more)
    await served.until(lambda: served.state.revision == 2)

    assert "two" == await served.word()


async def test_a_file_that_has_gone_is_no_reason_to_stop(serve: Serve) -> None:
    """What is in force stays until it is there again."""
    served = await serve(text("one"))
    await asyncio.to_thread(os.rename, served.file, f"{served.file}.old")
    await served.until(lambda: bool(served.state.error))
    assert "one" == await served.word()

    await served.write_later(text("two"))
    await served.until(lambda: served.state.revision == 2)

    assert "two" == await served.word()


async def test_what_cannot_be_put_together_is_watched_on(serve: Serve) -> None:
    """The file was read, and the next edit of it is the cure."""

    class Plugin:
        @hookimpl
        def gatekeeper_register(self, catalog: Any) -> None:
            def build(config: Any, context: Any) -> Any:
                raise RuntimeError("no")

            catalog.filter("odd", Options, build)

    @attrs.frozen
    class Options:
        """None."""

    served = await serve(text("one"), (Plugin(),))
    await served.write_later(text("two").replace("filters: [", "filters: [odd: {}, "))
    await served.until(lambda: bool(served.state.error))

    await served.write_later(text("three"))
    await served.until(lambda: served.state.revision == 2)

    assert "three" == await served.word()


async def test_what_somebody_asked_for_is_not_told_again(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever watches the file finds it changed, too, a moment after SIGHUP has told what is wrong with it."""
    served = await serve(text("one"))
    await served.write_later(text("two", "colour: red\n"))
    asked_for = await served.gateway.reload("a test")
    told = served.state

    again = await served.gateway.reload("a file has changed", always=False)

    assert asked_for.errors == again.errors
    assert told == served.state
    assert 1 == sum("configuration refused" in message for message in caplog.messages)
    await served.gateway.reload("a test")
    assert 2 == sum("configuration refused" in message for message in caplog.messages)


async def test_what_was_applied_is_not_undone_by_an_older_edit(serve: Serve) -> None:
    """The file was read before the text came: whoever watches the file finds that out later."""
    served = await serve(text("one"))
    await served.write_later(text("two"))
    await served.gateway.reload("a test")
    await served.gateway.reloader.apply(text("three"), "a test")
    await served.gateway.reloader.apply("nonsense: [", "a test")
    told = served.state

    await served.gateway.reload("a file has changed", always=False)

    assert ("three", told) == (await served.word(), served.state)
    await served.write_later(text("four"))
    await served.gateway.reload("a file has changed", always=False)
    assert ("four", "") == (await served.word(), served.state.error)


async def test_watching_can_be_switched_off(serve: Serve) -> None:
    """Then only who asks for it gets a reload; which may switch it on again."""
    served = await serve(text("one", "server: {reload: {watch: false}}\n"))
    await served.write_later(text("two"))
    await asyncio.sleep(1.2)
    assert "one" == await served.word()

    await served.gateway.reload("a test")
    assert "two" == await served.word()
    await served.write_later(text("three"))
    await served.until(lambda: served.state.revision == 3)


# ---- what changes, and what lives on --------------------------------------------------------------------------------


SERVICES = """\
version: 1
services:
  users: {{instances: [{{url: {one}, weight: {weight}}}{two}], health: false}}
  {third}
routes:
  all: {{match: /**, to: users}}
"""


async def test_what_a_reload_did_not_touch_lives_on(gateway: StartGateway, origin: StartOrigin) -> None:
    """A service with its turn, an instance with its counts, a pool with its connections."""
    one, two = await origin(), await origin()

    def config(weight: int = 1, second: str = "", third: str = "") -> str:
        return SERVICES.format(one=one.url, weight=weight, two=second, third=third)

    gw = await gateway(config())
    await gw.get()
    service = gw.gateway.services["users"]
    (member,) = service.members
    (pool,) = gw.gateway.keep.things("pool")
    (connection,) = pool._connections

    assert (await gw.apply(config(third=f"other: {two.url}"))).applied
    assert service is gw.gateway.services["users"]
    await gw.get()
    assert [connection] == list(pool._connections)

    service.override(one.url, weight=7)
    assert (await gw.apply(config(second=f", {two.url}"))).applied
    after = gw.gateway.services["users"]
    assert service is not after
    assert member is after.members[0]
    assert 1 == member.weight
    await gw.get()
    assert [connection] == list(pool._connections)
    assert 3 == gw.gateway.reloader.state.revision


async def test_a_service_that_has_gone_gives_its_connections_back(
    gateway: StartGateway, origin: StartOrigin
) -> None:
    """When the last request of the configuration that had it has ended, and not before."""
    one, two = await origin(), await origin()
    gw = await gateway(SERVICES.format(one=one.url, weight=1, two="", third=""))
    await gw.get()
    (pool,) = gw.gateway.keep.things("pool")
    before = gw.gateway.snapshot
    assert before is not None
    before.leases += 1

    await gw.apply(SERVICES.format(one=two.url, weight=1, two="", third=""))
    assert (await gw.get()).status == 200
    assert (1, False) == (pool.open_count, pool.closed)

    before.release()
    await asyncio.sleep(0)
    assert (0, True) == (pool.open_count, pool.closed)
    assert [one for one in gw.gateway.keep.things("pool") if one is not pool] == gw.gateway.keep.things(
        "pool"
    )
    assert [1, 1] == [len(one.requests), len(two.requests)]


@pytest.mark.parametrize("goes", [True, False])
async def test_streams_of_what_has_gone_have_some_time_to_end(
    gateway: StartGateway, origin: StartOrigin, *, goes: bool
) -> None:
    """That of a drain; where only the settings of the pool have changed, they go on for as long as they like."""
    one = await origin()
    one.play(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", HANG)
    clock = FakeClock()
    drain = "server: {drain: 5s}\n"
    config = drain + SERVICES.format(one=one.url, weight=1, two="", third="")
    gw = await gateway(config, clock=clock)
    connection = await gw.connect()
    await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await one.received()
    (pool,) = gw.gateway.keep.things("pool")

    other, pooled = ("http://127.0.0.1:1", "") if goes else (one.url, ", pool: {idle: 1s}")
    after = config.replace(one.url, other).replace("health: false", f"health: false{pooled}")
    assert (await gw.apply(after)).applied
    for seconds, expected in ((4.9, 1), (0.3, 0 if goes else 1)):
        clock.advance(seconds)
        gw.gateway.wheel.advance(clock.monotonic())
        await asyncio.sleep(0)
        assert expected == pool.open_count


async def test_streams_of_what_comes_back_go_on(gateway: StartGateway, origin: StartOrigin) -> None:
    """An instance that is taken out and put back is no other; out again, its streams have the whole time once more."""
    one = await origin()
    one.play(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n", HANG)
    clock = FakeClock()
    here = "server: {drain: 5s}\n" + SERVICES.format(one=one.url, weight=1, two="", third="")
    away = here.replace(one.url, "http://127.0.0.1:1")
    gw = await gateway(here, clock=clock)
    connection = await gw.connect()
    await connection.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await one.received()
    (pool,) = gw.gateway.keep.things("pool")

    for config, seconds, expected in ((away, 4.0, 1), (here, 4.0, 1), (away, 4.9, 1), (away, 0.3, 0)):
        await gw.apply(config)
        clock.advance(seconds)
        gw.gateway.wheel.advance(clock.monotonic())
        await asyncio.sleep(0)
        assert expected == pool.open_count


async def test_a_request_ends_as_it_began(gateway: StartGateway, origin: StartOrigin) -> None:
    """By the configuration that was in force when it came."""
    reached, go_on = asyncio.Event(), asyncio.Event()
    gw = await gateway(
        text("old").replace("filters: [", "filters: [wait, "), [waiting_plugin(reached, go_on)]
    )
    asked = asyncio.create_task(gw.get())
    await reached.wait()

    await gw.apply(text("new"))
    go_on.set()

    assert b"old" == (await asked).body
    assert b"new" == (await gw.get()).body


def waiting_plugin(reached: asyncio.Event, go_on: asyncio.Event) -> Any:
    """A plugin with the filter `wait`, which waits."""

    @attrs.frozen
    class WaitConfig:
        """Wait."""

    class Wait:
        def wrap(self, following: Any) -> Any:
            async def wait(exchange: Any) -> Any:
                if exchange.get(DRY_RUN, False):
                    return await following(exchange)
                reached.set()
                await go_on.wait()
                return await following(exchange)

            return wait

    class Plugin:
        @hookimpl
        def gatekeeper_register(self, catalog: Any) -> None:
            catalog.filter("wait", WaitConfig, lambda config, context: Wait())

    return Plugin()


class Counting:
    """A plugin whose filter counts through reloads."""

    @hookimpl
    def gatekeeper_register(self, catalog: Any) -> None:
        @attrs.frozen
        class CountConfig:
            """Count."""

            step: int = 1

        class Count:
            def __init__(self, table: dict[str, int], step: int) -> None:
                self.table, self.step = table, step

            def wrap(self, following: Any) -> Any:
                async def count(exchange: Any) -> Any:
                    step = 0 if exchange.get(DRY_RUN, False) else self.step
                    self.table["n"] = self.table.get("n", 0) + step
                    response = await following(exchange)
                    response.headers.add(b"x-count", str(self.table["n"]).encode())
                    return response

                return count

        def build(config: Any, context: Any) -> Count:
            return Count(context.keep("table", lambda _: {}, None), config.step)

        catalog.filter("count", CountConfig, build, main="step")


async def test_a_filter_keeps_its_state(gateway: StartGateway) -> None:
    """By its name and whose it is; a filter that a route changes is that route's."""
    counted = text("x").replace("filters: [", "filters: [count: 1, ")
    gw = await gateway(counted, [Counting()])
    await gw.get()

    await gw.apply(counted.replace("count: 1", "count: 10"))
    answer = await gw.get()

    assert "11" == answer.get("x-count")
    everywhere = counted.replace("count: 1, ", "").replace("routes:", "filters: [count: 1]\nroutes:")
    split = everywhere.rstrip()[:-2] + ", override: {count: 5}}, b: {match: /b, filters: [static: {}]}}\n"
    await gw.apply(split)
    counts = [(await gw.get(path)).get("x-count") for path in ("/", "/b", "/b", "/")]
    assert ["16", "1", "2", "21"] == counts


# ---- listeners ------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@asynccontextmanager
async def on_ports(config: str, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway whose listeners stay where they are."""
    host = await asyncio.to_thread(default_host)
    source = Source(host=host, path=tmp_path / "gateway.yaml", environ={})
    loaded = await asyncio.to_thread(source.load_text, config)
    gateway = Gateway(loaded.config, host, source=source)
    await gateway.start()
    try:
        yield gateway
    finally:
        await gateway.stop(grace=0)


def listening(word: str, **ports: int) -> str:
    listeners = ", ".join(f'{name}: "127.0.0.1:{port}"' for name, port in ports.items())
    return text(word, f"admin: {{listen: false}}\nserver: {{listen: {{{listeners}}}}}\n")


async def asked(port: int) -> str:
    client = Client(f"127.0.0.1:{port}")
    try:
        return (await client.request("GET", "/")).body.decode()
    finally:
        await client.close()


async def test_listeners_come_and_go(tmp_path: Path) -> None:
    """One is renamed and keeps its socket, one is new, one has gone."""
    one, two, three = free_port(), free_port(), free_port()
    async with on_ports(listening("a", first=one, second=two), tmp_path) as gateway:
        assert ["a", "a"] == [await asked(one), await asked(two)]
        kept = Client(f"127.0.0.1:{two}")
        assert b"a" == (await kept.request("GET", "/")).body

        outcome = await gateway.reloader.apply(listening("b", other=one, third=three), "a test")

        assert outcome.applied, outcome.problems
        assert ["b", "b"] == [await asked(one), await asked(three)]
        assert {"other", "third"} == gateway.listeners.keys()
        with pytest.raises(OSError, match=str(two)):
            await asked(two)
        last = await kept.request("GET", "/")
        assert (b"b", "close") == (last.body, last.get("connection"))
        await kept.close()


async def test_an_address_that_is_taken_refuses_the_whole(tmp_path: Path) -> None:
    """Nothing of it is in force, and nothing is left open."""
    one, new = free_port(), free_port()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with on_ports(listening("a", first=one), tmp_path) as gateway:
            outcome = await gateway.reloader.apply(
                listening("b", first=one, second=new, third=port), "a test"
            )

            assert not outcome.applied
            expected = f"gateway.yaml:3:79: server.listen.third: cannot listen on 127.0.0.1:{port}: address already in use"
            assert [expected] == [str(problem).partition(" [")[0] for problem in outcome.errors]
            assert "a" == await asked(one)
            with pytest.raises(OSError, match=str(new)):
                await asked(new)


async def test_settings_of_the_edge_hold_at_once(gateway: StartGateway) -> None:
    """The path of the health, for one."""
    gw = await gateway(text("x"))
    assert b"x" == (await gw.get("/up")).body

    await gw.apply(text("x", "server: {health_path: /up}\n"))

    assert b"ok\n" == (await gw.get("/up")).body


async def test_what_takes_a_restart_is_said(gateway: StartGateway, caplog: pytest.LogCaptureFixture) -> None:
    """The rest is in force."""

    def on_admin(config: GatewayConfig) -> GatewayConfig:
        return config

    gw = await gateway(text("x"), change=on_admin)

    with caplog.at_level(logging.WARNING):
        await gw.apply(text("y", "admin: {listen: false}\n"))

    assert b"y" == (await gw.get()).body
    assert ["`admin` has changed: that takes a restart; the rest is in force"] == caplog.messages


async def test_another_database_takes_a_restart(
    gateway: StartGateway, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said each time; what is in force, and told to workers, names the one before."""
    gw = await gateway(text("x"))
    before = gw.gateway.config.database

    with caplog.at_level(logging.WARNING):
        for body in ("y", "z"):
            await gw.apply(text(body, "database: sqlite:///other.db\n"))

    assert b"z" == (await gw.get()).body
    assert before == gw.gateway.config.database
    assert ["`database` has changed: that takes a restart; the rest is in force"] * 2 == caplog.messages


# ---- other ways to a configuration ----------------------------------------------------------------------------------


async def test_a_dry_run_changes_nothing(gateway: StartGateway) -> None:
    """It only says what would be."""
    gw = await gateway(text("x"))
    reloader = gw.gateway.reloader

    sound = await reloader.apply(text("y"), "a test", dry_run=True)
    broken = await reloader.apply("version: 2\n", "a test", dry_run=True)

    assert b"x" == (await gw.get()).body
    assert (False, (), 1) == (sound.applied, sound.errors, sound.revision)
    assert not broken.applied
    assert broken.errors
    assert ("", 1) == (reloader.state.error, reloader.state.revision)


async def test_a_gateway_without_a_file_has_nothing_to_reload() -> None:
    """It is part of another program."""
    host = await asyncio.to_thread(default_host)
    async with Gateway(move_listeners(GatewayConfig()), host) as gateway:
        for outcome in (
            await gateway.reload("a test"),
            await gateway.reloader.apply(text("x"), "a test"),
            await gateway.reloader.add_instance("users", "http://127.0.0.1:1"),
        ):
            assert ["this gateway was not started from a file"] == [
                problem.message for problem in outcome.errors
            ]
            assert not outcome.applied
        assert (1, "") == (gateway.reloader.state.revision, gateway.reloader.origin("routes", "x"))


async def test_changes_come_one_after_the_other(serve: Serve) -> None:
    """However many are asked for at the same time."""
    served = await serve(text("one"))

    outcomes = await asyncio.gather(*(served.gateway.reload(f"test {number}") for number in range(5)))

    assert [2, 3, 4, 5, 6] == sorted(outcome.revision for outcome in outcomes)
    assert all(outcome.applied for outcome in outcomes)


async def test_a_gateway_that_goes_away_takes_no_configuration(serve: Serve) -> None:
    """It says so, and nothing breaks."""
    served = await serve(text("one"))
    await served.gateway.stop(grace=0)

    outcome = await served.gateway.reload("a test")

    assert ["the gateway is going away"] == [problem.message for problem in outcome.errors]


async def test_a_plugin_that_fails_to_build_refuses_the_configuration(gateway: StartGateway) -> None:
    """What was opened for it is closed again."""
    closed: list[int] = []

    class Thing:
        def close(self) -> None:
            closed.append(1)

    class Plugin:
        @hookimpl
        def gatekeeper_register(self, catalog: Any) -> None:
            @attrs.frozen
            class OddConfig:
                """Odd."""

                mood: str = "good"

            def build(config: Any, context: Any) -> Any:
                context.keep(f"thing {config.mood}", lambda _: Thing(), None)
                if config.mood == "bad":
                    raise RuntimeError("no")
                return type("Odd", (), {"wrap": lambda self, following: following})()

            catalog.filter("odd", OddConfig, build, main="mood")

    odd = text("x").replace("filters: [", "filters: [odd: good, ")
    gw = await gateway(odd, [Plugin()])

    outcome = await gw.apply(odd.replace("odd: good", "odd: bad"))

    assert not outcome.applied
    assert [1] == closed
    assert b"x" == (await gw.get()).body


class Unsure:
    """A plugin that fails to check a configuration, or to put a filter round the next one, while it is told to."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.fails = False

    def fail(self, where: str) -> None:
        if self.fails and self.where == where:
            raise ZeroDivisionError(where)

    @hookimpl
    def gatekeeper_validate(self, config: GatewayConfig) -> list[Any]:
        self.fail("validate")
        return []

    @hookimpl
    def gatekeeper_register(self, catalog: Any) -> None:
        @attrs.frozen
        class UnsureConfig:
            """Unsure."""

        class Filter:
            def wrap(_, following: Any) -> Any:  # noqa: N805 - `self` is the plugin
                self.fail("wrap")

                async def unsure(exchange: Any) -> Any:
                    return await following(exchange)

                return unsure

        catalog.filter("unsure", UnsureConfig, lambda config, context: Filter())


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("validate", "plugin `Unsure` failed to check the configuration: ZeroDivisionError('validate')"),
        (
            "wrap",
            "the configuration could not be put together: ZeroDivisionError('wrap'); the log has the details",
        ),
    ],
)
async def test_an_exception_of_a_plugin_refuses_the_configuration(
    serve: Serve, where: str, message: str
) -> None:
    """PLG-01: nobody takes it for success; a sound edit is the cure, and so is a plugin that has come to its senses."""
    plugin, hearing = Unsure(where), Hearing()
    served = await serve(text("one").replace("filters: [", "filters: [unsure: {}, "), (plugin, hearing))
    plugin.fails = True

    await served.write_later(text("two").replace("filters: [", "filters: [unsure: {}, "))
    await served.until(lambda: bool(served.state.error))

    assert "one" == await served.word()
    assert f"{message} [fails]" == served.state.error
    assert [served.state.error] == [
        event.error for event in hearing.events if isinstance(event, ConfigRefused)
    ]
    outcome = await served.gateway.reload("a test")
    assert (False, [message]) == (outcome.applied, [problem.message for problem in outcome.errors])
    plugin.fails = False
    assert (await served.gateway.reload("a test")).applied
    assert ("two", "") == (await served.word(), served.state.error)


async def test_what_cannot_even_be_read_is_refused(
    gateway: StartGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it was that nobody expected."""
    gw = await gateway(text("one"))

    def fail(*_: Any) -> Any:
        raise RuntimeError("no")

    monkeypatch.setattr(Source, "load", fail)
    outcome = await gw.gateway.reload("a test")

    assert ["the configuration could not be put together: RuntimeError('no'); the log has the details"] == [
        problem.message for problem in outcome.errors
    ]
    assert b"one" == (await gw.get()).body
    assert gw.gateway.reloader.state.error


# ---- providers ------------------------------------------------------------------------------------------------------


def provided(name: str, word: str) -> Provided:
    answer = [{"static": {"body": {"text": word}}}]
    return Provided(name, {"routes": {word: {"match": f"/{word}", "filters": answer}}})


async def test_what_is_provided_joins_the_file(serve: Serve) -> None:
    """It stays through reloads, and goes when it is taken back."""
    served = await serve(text("one"))
    reloader = served.gateway.reloader

    assert (await reloader.provide(provided("portal", "a"), "portal", "a test")).applied
    assert (await reloader.provide(provided(ADMIN, "b"), ADMIN, "a test")).applied
    await served.gateway.reload("a test")

    assert ("file", "portal", ADMIN, "") == tuple(
        reloader.origin("routes", name) for name in ("all", "a", "b", "c")
    )
    answers = [(await served.client.request("GET", f"/{path}")).body for path in ("a", "b", "c")]
    assert [b"a", b"b", b"one"] == answers
    assert provided("portal", "a") == reloader.provided("portal")

    await reloader.provide(None, "portal", "a test")
    assert b"one" == (await served.client.request("GET", "/a")).body
    assert None is reloader.provided("portal")


async def test_an_unsound_state_of_a_provider_is_refused_whole(serve: Serve) -> None:
    """What it said before stays in force."""
    served = await serve(text("one"))
    reloader = served.gateway.reloader
    await reloader.provide(provided("portal", "a"), "portal", "a test")
    broken = Provided("portal", {"routes": {"b": {"match": "/b", "to": "nobody"}}})

    outcome = await reloader.provide(broken, "portal", "a test")

    assert not outcome.applied
    assert "nobody" in str(outcome.errors[0])
    assert b"a" == (await served.client.request("GET", "/a")).body
    assert (await served.gateway.reload("a test")).applied
    assert b"a" == (await served.client.request("GET", "/a")).body


async def test_an_instance_joins_a_service_of_the_file(gateway: StartGateway, origin: StartOrigin) -> None:
    """And leaves it again; through reloads, as long as the service is there."""
    one, two = await origin(), await origin()
    config = SERVICES.format(one=one.url, weight=1, two="", third="")
    gw = await gateway(config)
    reloader = gw.gateway.reloader

    await gw.apply(config)

    outcome = await reloader.add_instance("users", {"url": two.url, "weight": 2})

    assert outcome.applied, outcome.problems
    assert [two.url] == list(reloader.added("users"))
    members = gw.gateway.services["users"].members
    assert [(one.url, 1), (two.url, 2)] == [(member.instance.id, member.weight) for member in members]
    await gw.apply(config + "x-note: changed\n")
    assert 2 == len(gw.gateway.services["users"].members)
    await reloader.remove_instance("users", two.url)
    assert 1 == len(gw.gateway.services["users"].members)


async def test_an_unsound_instance_does_not_join(gateway: StartGateway, origin: StartOrigin) -> None:
    """What is there goes on."""
    one = await origin()
    gw = await gateway(SERVICES.format(one=one.url, weight=1, two="", third=""))

    for body in ({"url": "nonsense"}, {"url": one.url, "weight": -1}, 7):
        outcome = await gw.gateway.reloader.add_instance("users", body)
        assert not outcome.applied
        assert outcome.errors
    assert {} == gw.gateway.reloader.added("users")


async def test_what_was_applied_stays_when_something_else_changes(serve: Serve) -> None:
    """A provider that speaks brings the file back no more than an instance that joins."""
    served = await serve(text("file"))
    reloader = served.gateway.reloader
    await reloader.apply(text("applied"), "a test")

    await reloader.provide(provided("portal", "a"), "portal", "a test")

    assert "applied" == await served.word()
    assert b"a" == (await served.client.request("GET", "/a")).body
    await served.gateway.reload("a test")
    assert "file" == await served.word()
    assert b"a" == (await served.client.request("GET", "/a")).body

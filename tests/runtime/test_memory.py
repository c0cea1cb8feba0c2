"""Memory that comes to its end; ids name the row of reliability.md."""

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.policy.pressure import Pressure
from gatekeeper.runtime import cgroup
from gatekeeper.runtime.cgroup import MemoryLimit
from gatekeeper.runtime.front import LocalFront
from gatekeeper.testing import Client, LiveGateway, StartGateway
from tests.edge.wire import until


HELLO = "version: 1\nserver: {health_path: /healthz}\nroutes: {all: {match: /**, filters: [static: {body: {text: hello}}]}}\n"
Use = Callable[[float], None]


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Use:
    """Say how much memory is in use."""
    limit, usage, stat = (tmp_path / name for name in ("limit", "usage", "stat"))

    def use(share: float) -> None:
        # in one piece: it is read all the time
        descriptor = os.open(usage, os.O_WRONLY | os.O_CREAT)
        os.pwrite(descriptor, f"{int(share * 1_000_000):08}\n".encode(), 0)
        os.close(descriptor)

    limit.write_text("1000000\n")
    stat.write_text("inactive_file 0\n")
    use(0.5)
    monkeypatch.setattr(cgroup, "find", lambda: [MemoryLimit.open(limit, usage, stat)])
    return use


def edge_of(gw: LiveGateway) -> LocalFront:
    """What takes its requests."""
    front = gw.gateway.front
    assert isinstance(front, LocalFront)
    return front


async def pressed(gw: LiveGateway, level: Pressure) -> None:
    """Wait until the gateway knows."""
    gauge = gw.gateway.metrics.gauge("gatekeeper_memory_pressure", "", once=True).child()
    await until(lambda: gauge.value == level, 5)


async def test_new_requests_are_refused_where_memory_is_short(
    gateway: StartGateway, use: Use, caplog: pytest.LogCaptureFixture
) -> None:  # LIF-09
    """But for the health; and let in again when there is some."""
    caplog.set_level("INFO", "gatekeeper.runtime.memory")
    gw = await gateway(HELLO)
    before = await gw.client.get("/")
    use(0.96)
    await pressed(gw, Pressure.SHORT)
    refused = await gw.client.get("/")
    health = await gw.client.get("/healthz")
    use(0.5)
    await pressed(gw, Pressure.NONE)

    assert (200, 503, 200, 200) == (
        before.status,
        refused.status,
        health.status,
        (await gw.client.get("/")).status,
    )
    assert "1" == refused.get("retry-after")
    assert ["memory is short: new requests are refused", "memory suffices again"] == caplog.messages


async def test_a_reload_lets_nobody_in(gateway: StartGateway, use: Use) -> None:
    """Other figures are for later."""
    gw = await gateway(HELLO)
    use(0.97)
    await pressed(gw, Pressure.SHORT)
    await gw.apply(HELLO.replace("server: {", "server: {concurrency: {limit: 7}, "))
    refused = await gw.client.get("/")
    use(0.2)
    await pressed(gw, Pressure.NONE)

    assert 503 == refused.status
    assert 7 == edge_of(gw).edge.settings.concurrency.limit
    assert 200 == (await gw.client.get("/")).status


async def test_idle_connections_make_room_where_memory_is_tight(gateway: StartGateway, use: Use) -> None:
    """Each new one takes the place of one that waits; where nobody does, it is refused."""
    gw = await gateway(HELLO)
    idle = Client(gw.client.address)
    await idle.get("/")
    await asyncio.sleep(1.2)  # whoever has just been answered is not idle yet
    use(0.9)
    await pressed(gw, Pressure.TIGHT)

    one, other = Client(gw.client.address), Client(gw.client.address)
    first = await one.get("/")
    second = await other.get("/")
    for client in (idle, one, other):
        await client.close()

    assert (200, 503) == (first.status, second.status)
    refused = gw.gateway.metrics.counter("gatekeeper_connections_refused_total", "", ("limit",)).child(
        "memory"
    )
    assert 1 == refused.value


async def test_a_group_that_goes_is_no_shortage(
    gateway: StartGateway, use: Use, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody can tell any more."""
    gw = await gateway(HELLO)
    use(0.97)
    await pressed(gw, Pressure.SHORT)
    (tmp_path / "usage").write_text("")
    await pressed(gw, Pressure.NONE)

    assert 200 == (await gw.client.get("/")).status
    assert "memory cannot be watched any more: its control group has gone" == caplog.messages[-1]

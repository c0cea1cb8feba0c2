"""A gateway of several workers, as its admin side sees it."""

import asyncio
import os
import re
import signal

import orjson
import pytest

from gatekeeper.runtime.node import Node
from gatekeeper.testing import StartOrigin, answer
from tests.edge.wire import until
from tests.workers.supervising import HELLO, Supervise, Supervisor


SERVICE = """\
services: {{app: {{instances: [{{url: "{url}", id: a}}], health: false}}}}
routes: {{all: {{match: /**, to: app}}}}
"""


async def total(supervisor: Supervisor) -> int:
    """Requests answered, as the metrics have it."""
    found: int = (await supervisor.node.requests())["total"]
    return found


async def test_it_is_a_node(supervise: Supervise) -> None:
    """With plain data."""
    supervisor = await supervise()
    node: Node = supervisor.node

    for found in (
        await node.status(),
        await node.metrics(),
        await node.system(),
        await node.requests(),
        await node.services(),
        await node.rules(),
        await node.config(),
    ):
        assert found == orjson.loads(orjson.dumps(found))


async def test_the_status_has_all_workers(supervise: Supervise) -> None:
    """Each with its place, its number and what it does."""
    supervisor = await supervise()
    status = await supervisor.node.status()

    assert [(1, supervisor.pids[0], "serving"), (2, supervisor.pids[1], "serving")] == [
        (worker["worker"], worker["pid"], worker["state"]) for worker in status["workers"]
    ]
    assert status["ready"]


async def test_it_is_not_ready_without_workers(supervise: Supervise) -> None:
    """Nobody would answer."""
    supervisor = await supervise()
    for pid in supervisor.pids:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: not supervisor.pids, 5)

    before = await supervisor.node.status()
    await until(lambda: len(supervisor.pids) == 2, 20)

    assert (False, True) == (before["ready"], (await supervisor.node.status())["ready"])


async def test_metrics_are_those_of_all(supervise: Supervise) -> None:
    """Exactly."""
    supervisor = await supervise()
    await supervisor.everybody(times=37)

    text, kind = await supervisor.node.exposition("")

    assert 37 == await total(supervisor)
    assert [b"37.0"] == re.findall(rb"^gatekeeper_requests_total\{.*\} (.*)$", text, re.MULTILINE)
    assert [b"2.0"] == re.findall(rb"^gatekeeper_workers (.*)$", text, re.MULTILINE)
    assert [b"1.0"] == re.findall(rb"^gatekeeper_config_revision (.*)$", text, re.MULTILINE)
    assert [b"1.0"] == re.findall(rb"^gatekeeper_build_info\{.*\} (.*)$", text, re.MULTILINE)
    assert b"process_resident_memory_bytes" in text
    assert kind.startswith("text/plain")


async def test_no_count_is_lost_in_a_renewal(supervise: Supervise) -> None:
    """Who goes tells its last one."""
    supervisor = await supervise()
    await supervisor.everybody(times=20)
    await supervisor.fleet.restart()
    await supervisor.everybody(times=20)
    await until(lambda: len(supervisor.crew.workers) == 2, 10)

    assert 40 == await total(supervisor)


async def test_counts_do_not_go_down_with_a_death(supervise: Supervise) -> None:
    """What was known of a worker stays."""
    supervisor = await supervise()
    await supervisor.everybody(times=20)
    before = await total(supervisor)
    for pid in supervisor.pids:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: not supervisor.pids, 5)
    between = await total(supervisor)
    await until(lambda: len(supervisor.pids) == 2, 20)
    await supervisor.everybody(times=5)

    assert (20, 20, 25) == (before, between, await total(supervisor))


async def test_one_that_does_not_answer_keeps_nobody(supervise: Supervise) -> None:
    """Its last word counts."""
    supervisor = await supervise()
    await supervisor.everybody(times=20)
    before = await total(supervisor)
    os.kill(supervisor.pids[0], signal.SIGSTOP)

    async with asyncio.timeout(5):
        stopped = await total(supervisor)

    assert (20, 20) == (before, stopped)


async def test_what_all_take_is_added_up(supervise: Supervise) -> None:
    """Three interpreters."""
    supervisor = await supervise()
    system = await supervisor.node.system()

    assert os.getpid() == system["pid"]
    assert system["memory_resident"] > 3 * 20 * 1024 * 1024
    assert system["threads"] >= 6


async def test_services_are_seen_by_all(supervise: Supervise, origin: StartOrigin) -> None:
    """What is under way is added up; the latency is that of the slowest."""
    gate = asyncio.Event()
    app = await origin()
    app.always(gate, answer(200))
    supervisor = await supervise(SERVICE.format(url=app.url))
    waiting = [asyncio.create_task(supervisor.get()) for _ in range(12)]
    await until(lambda: len(app.requests) == 12, 5)

    [busy] = await supervisor.node.services()
    gate.set()
    await asyncio.gather(*waiting)
    quiet = await supervisor.node.service("app")

    [instance] = busy["instances"]
    assert (12, 12, 12, 1) == (busy["in_flight"], instance["in_flight"], instance["connections"], busy["fit"])
    assert (0, 0) == (quiet["in_flight"], quiet["instances"][0]["in_flight"])
    assert quiet["instances"][0]["latency"] > 0
    with pytest.raises(LookupError, match="there are app"):
        await supervisor.node.service("other")


async def test_an_operator_is_heard_by_all(supervise: Supervise, origin: StartOrigin) -> None:
    """Also by a worker that comes later; and until the service changes."""
    app = await origin()
    app.always(answer(200, body=b"app"))
    supervisor = await supervise(SERVICE.format(url=app.url))

    found = await supervisor.node.override("app", "a", {"disable": True})
    await asyncio.sleep(0.1)
    disabled = await supervisor.everybody()
    await supervisor.fleet.restart()
    later = await supervisor.everybody()
    await supervisor.node.override("app", "a", {"disable": False})
    await asyncio.sleep(0.1)

    assert "disabled" == found["state"]
    assert {503} == {status for status, _ in disabled | later}
    assert {(200, b"app")} == await supervisor.everybody()


async def test_workers_are_renewed_by_it(supervise: Supervise) -> None:
    """As by a signal."""
    supervisor = await supervise(HELLO)
    before = supervisor.pids

    await supervisor.node.restart()

    assert not set(before) & set(supervisor.pids)

"""Workers that live and die: replaced, renewed, put down, and ended; ids name the row of reliability.md."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import ConfigError
from gatekeeper.policy.health import Health, Status
from gatekeeper.testing import HANG, StartOrigin, WireError, answer
from gatekeeper.workers import crew as module
from gatekeeper.workers.blob import pack
from gatekeeper.workers.fleet import Fleet
from gatekeeper.workers.process import WorkerProcess
from tests.edge.wire import until
from tests.workers.supervising import HELLO, Supervise


FORWARD = """\
server: {{drain: 20s}}
services: {{app: {url}}}
routes: {{all: {{match: /**, to: app}}}}
"""

STUCK = """\
import time, attrs
from gatekeeper import hookimpl

@attrs.frozen
class Config:
    pass

class Stuck:
    def __init__(self, config, context):
        pass

    def wrap(self, next):
        async def stuck(exchange):
            if exchange.request.path == "/stuck":
                time.sleep(60)
            return await next(exchange)
        return stuck

@hookimpl
def gatekeeper_register(catalog):
    catalog.filter("stuck", Config, Stuck)
"""

DIES = """\
import os
from contextlib import asynccontextmanager
from pathlib import Path
from gatekeeper import hookimpl

@hookimpl
@asynccontextmanager
async def gatekeeper_lifespan(gateway):
    if gateway.role == "worker" and Path(__file__).with_name("deadly").exists():
        {how}
    yield
"""


@pytest.mark.parametrize("both", [False, True])
async def test_a_worker_that_is_killed_is_replaced(supervise: Supervise, both: bool) -> None:  # LIF-06
    """Within a second on a machine that has nothing else to do, and both places at the same time."""
    supervisor = await supervise()
    before = supervisor.pids

    for pid in before if both else before[:1]:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: len(supervisor.pids) < 2, 5)
    await until(lambda: len(supervisor.pids) == 2, 20)

    assert {(200, b"hello")} == await supervisor.everybody()
    assert (2 if both else 1) == len(set(supervisor.pids) - set(before))


async def test_who_waits_to_be_accepted_meets_the_next_worker(supervise: Supervise) -> None:  # LIF-05
    """The sockets stay: nobody is refused, not even while there is no worker at all."""
    supervisor = await supervise()
    for pid in supervisor.pids:
        os.kill(pid, signal.SIGKILL)
    await until(lambda: not supervisor.pids, 5)

    assert {(200, b"hello")} == await supervisor.everybody(times=8)


async def test_the_death_is_told(supervise: Supervise, caplog: pytest.LogCaptureFixture) -> None:
    """In the log with its signal, and in the metrics."""
    supervisor = await supervise()
    pid = supervisor.pids[0]
    os.kill(pid, signal.SIGSEGV)
    await until(lambda: pid not in supervisor.pids, 10)

    assert f"worker 1 (pid {pid}) has died: it was killed by SIGSEGV" in caplog.messages
    deaths = (await supervisor.node.metrics())["gatekeeper_worker_deaths_total"]["samples"]
    assert [{"labels": {}, "value": 1}] == deaths


async def test_a_worker_that_is_stopped_is_replaced(
    supervise: Supervise, caplog: pytest.LogCaptureFixture
) -> None:  # LIF-07
    """It gives no sign of life."""
    supervisor = await supervise()
    pid = supervisor.pids[1]
    os.kill(pid, signal.SIGSTOP)
    await until(lambda: pid not in supervisor.pids, 10)
    await until(lambda: len(supervisor.pids) == 2, 20)

    [told] = [message for message in caplog.messages if "stuck" in message]
    assert told.startswith(f"worker 2 (pid {pid}) is stuck")
    assert "SIGSTOP" in told
    assert {(200, b"hello")} == await supervisor.everybody()


async def test_a_worker_that_hangs_shows_where(
    supervise: Supervise, plugin: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    """With the lines of code that its loop is in."""
    text = "routes: {all: {match: /**, filters: [stuck, static: {body: {text: hello}}]}}\n"
    supervisor = await supervise(text, plugins=[plugin(STUCK)])
    before = set(supervisor.pids)

    hanging = asyncio.create_task(supervisor.get("/stuck"))
    await until(lambda: set(supervisor.pids) != before, 10)
    await asyncio.gather(hanging, return_exceptions=True)
    await until(lambda: len(supervisor.pids) == 2, 20)

    [told] = [message for message in caplog.messages if "is stuck" in message]
    assert "own.py" in told
    assert "in stuck" in told
    assert {(200, b"hello")} == await supervisor.everybody()


async def test_one_that_stands_still_itself_puts_nobody_down(
    supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a machine has slept, everybody looks silent."""
    supervisor = await supervise()
    before = supervisor.pids
    monkeypatch.setattr(module, "LATE", -1.0)
    for worker in supervisor.crew.workers:
        worker.heard -= 1000

    await asyncio.sleep(3 * module.LOOK)

    assert before == supervisor.pids


async def test_a_crash_loop_backs_off(
    supervise: Supervise,
    plugin: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # LIF-06
    """Each wait is longer; what serves, serves on, and what can, comes back."""
    waits: list[float] = []
    sleep = asyncio.sleep

    async def note(seconds: float) -> None:
        if seconds >= 0.5 and seconds != module.COUNT:
            waits.append(seconds)
        await sleep(min(seconds, 0.2))

    supervisor = await supervise(plugins=[plugin(DIES.format(how="os._exit(3)"))])
    monkeypatch.setattr(asyncio, "sleep", note)
    (tmp_path / "deadly").touch()
    os.kill(supervisor.pids[0], signal.SIGKILL)
    await until(lambda: len(waits) >= 3, 60)

    # also those whom the kernel would have led to the empty place
    assert {(200, b"hello")} == await supervisor.everybody()
    (tmp_path / "deadly").unlink()
    await until(lambda: len(supervisor.pids) == 2, 30)

    assert waits == sorted(waits)
    assert [0.5, 1.0, 2.0] == waits[:3]
    assert any("died before it served" in message for message in caplog.messages)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("os._exit(3)", "died before it served"),
        ("raise OSError('no licence')", "no licence"),
        ("raise RuntimeError('no licence')", "no licence"),
    ],
)
async def test_a_gateway_whose_workers_cannot_begin_does_not_start(
    supervise: Supervise, plugin: Callable[[str], Path], tmp_path: Path, how: str, reason: str
) -> None:  # LIF-08
    """With the reason, and with nobody left."""
    (tmp_path / "deadly").touch()

    with pytest.raises(OSError, match=reason):
        await supervise(plugins=[plugin(DIES.format(how=how))])


async def test_workers_are_renewed_one_by_one(supervise: Supervise) -> None:
    """A kept connection is answered once more; whoever comes then meets a successor."""
    supervisor = await supervise()
    before = supervisor.pids
    first = await supervisor.client.get("/")

    await supervisor.fleet.restart()
    await asyncio.sleep(0.2)
    second = await supervisor.client.get("/")

    assert [(200, None), (200, "close")] == [(one.status, one.get("connection")) for one in (first, second)]
    assert not set(before) & set(supervisor.pids)
    assert {(200, b"hello")} == await supervisor.everybody()
    await until(lambda: [worker.pid for worker in supervisor.crew.workers] == supervisor.pids, 10)


async def test_what_was_begun_is_finished(supervise: Supervise, origin: StartOrigin) -> None:
    """By the worker that began it, while its successor serves."""
    gate = asyncio.Event()
    app = await origin()
    app.always(gate, answer(200, body=b"late"))
    supervisor = await supervise(FORWARD.format(url=app.url))
    waiting = [asyncio.create_task(supervisor.get()) for _ in range(12)]
    await until(lambda: len(app.requests) == 12, 5)

    await supervisor.fleet.restart()
    gate.set()

    assert [(200, b"late")] * 12 == await asyncio.gather(*waiting)


async def test_new_code_of_a_plugin_comes_with_new_workers(
    supervise: Supervise, plugin: Callable[[str], Path]
) -> None:
    """And with no others."""
    path = plugin(STUCK)
    text = "routes: {all: {match: /**, filters: [stuck, static: {body: {text: hello}}]}}\n"
    supervisor = await supervise(text, plugins=[path])
    path.write_text(
        STUCK.replace("await next(exchange)", "exchange.reject(Rejection('new code'))").replace(
            "hookimpl", "Rejection, hookimpl", 1
        )
    )
    before = await supervisor.everybody()

    await supervisor.fleet.restart()

    assert {(200, b"hello")} == before
    # those before them may still accept somebody
    await until(lambda: len(supervisor.crew.workers) == 2, 5)
    assert {400} == {status for status, _ in await supervisor.everybody()}


async def test_a_successor_that_cannot_begin_replaces_nobody(
    supervise: Supervise, plugin: Callable[[str], Path]
) -> None:
    """Who serves, serves on, and whoever asked is told why."""
    path = plugin(STUCK)
    text = "routes: {all: {match: /**, filters: [stuck, static: {body: {text: hello}}]}}\n"
    supervisor = await supervise(text, plugins=[path])
    before = supervisor.pids
    path.write_text("import nothing_of_that_name\n")

    with pytest.raises(ValueError, match=r"serve on: .*nothing_of_that_name"):
        await supervisor.fleet.restart()

    assert before == supervisor.pids
    assert {(200, b"hello")} == await supervisor.everybody()


async def test_a_gateway_that_goes_renews_nobody(supervise: Supervise) -> None:
    """It says so."""
    supervisor = await supervise()
    await supervisor.gateway.stop(0, linger=False)

    with pytest.raises(ValueError, match="going away"):
        await supervisor.fleet.restart()


async def test_a_drain_ends_all_of_them(supervise: Supervise, origin: StartOrigin) -> None:
    """What was begun is answered, and nothing is left."""
    gate = asyncio.Event()
    app = await origin()
    app.always(gate, answer(200, body=b"late"))
    supervisor = await supervise(FORWARD.format(url=app.url))
    workers = list(supervisor.crew.workers)
    waiting = [asyncio.create_task(supervisor.get()) for _ in range(12)]
    await until(lambda: len(app.requests) == 12, 5)

    stopping = asyncio.create_task(supervisor.gateway.stop(linger=False))
    await asyncio.sleep(0.3)
    gate.set()

    assert [(200, b"late")] * 12 == await asyncio.gather(*waiting)
    assert 0 == await stopping
    assert [0, 0] == [worker.process.returncode for worker in workers]


async def test_what_is_cut_is_counted(supervise: Supervise, origin: StartOrigin) -> None:
    """Over all workers."""
    app = await origin()
    app.always(HANG)
    supervisor = await supervise(FORWARD.format(url=app.url))
    waiting = [asyncio.create_task(supervisor.get()) for _ in range(12)]
    await until(lambda: len(app.requests) == 12, 5)

    lost = await supervisor.gateway.stop(0.5, linger=False)

    assert 12 == lost
    assert {WireError} == {type(cut) for cut in await asyncio.gather(*waiting, return_exceptions=True)}


async def test_all_can_be_ended_at_once(supervise: Supervise) -> None:
    """After a second signal."""
    supervisor = await supervise()
    workers = list(supervisor.crew.workers)

    supervisor.fleet.kill()
    supervisor.crew._draining = True

    assert [-signal.SIGKILL] * 2 == [await worker.process.wait() for worker in workers]


async def test_a_configuration_that_workers_refuse_does_not_start(
    supervise: Supervise, plugin: Callable[[str], Path]
) -> None:
    """A filter may fail only there."""
    code = STUCK.replace(
        "def __init__(self, config, context):\n        pass",
        "def __init__(self, config, context):\n"
        "        if context.gateway.role == 'worker': raise ValueError('not in workers')",
    )
    text = "routes: {all: {match: /**, filters: [stuck, static: {body: {text: hello}}]}}\n"

    with pytest.raises(ConfigError, match="not in workers"):
        await supervise(text, plugins=[plugin(code)])


async def test_one_that_dies_while_it_is_renewed_has_one_successor(
    supervise: Supervise, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not two, of which one would serve what was in force then, for ever."""
    supervisor = await supervise()
    begin = Fleet._begin
    first = supervisor.pids[0]

    async def deadly(fleet: Fleet, worker: WorkerProcess) -> None:
        if worker.slot == 0 and first in supervisor.pids:
            os.kill(first, signal.SIGKILL)
            await until(lambda: first not in supervisor.pids, 5)
        await begin(fleet, worker)

    monkeypatch.setattr(Fleet, "_begin", deadly)
    await supervisor.fleet.restart()
    await asyncio.sleep(2.0)
    await until(lambda: len(supervisor.crew.workers) == 2, 10)

    assert [worker.pid for worker in supervisor.crew.serving] == supervisor.pids
    assert sorted(supervisor.pids) == sorted(worker.pid for worker in supervisor.crew.workers)


@pytest.mark.parametrize("how", ["renewal", "death"])
async def test_a_drain_does_not_wait_for_one_that_comes_too_late(
    supervise: Supervise, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Which serves nobody."""
    supervisor = await supervise("server: {drain: 60s}\n" + HELLO)
    begin = Fleet._begin
    comes, gate = asyncio.Event(), asyncio.Event()

    async def late(fleet: Fleet, worker: WorkerProcess) -> None:
        await begin(fleet, worker)
        comes.set()
        await gate.wait()

    monkeypatch.setattr(Fleet, "_begin", late)
    renewing = None
    if how == "renewal":
        renewing = asyncio.create_task(supervisor.fleet.restart())
    else:
        os.kill(supervisor.pids[0], signal.SIGKILL)
    async with asyncio.timeout(20):
        await comes.wait()
        stopping = asyncio.create_task(supervisor.gateway.stop(linger=False))
        await until(lambda: supervisor.crew._draining, 5)
        gate.set()
        await stopping
        if renewing is not None:
            await renewing

    assert [] == supervisor.crew.workers


async def test_what_is_found_while_a_worker_begins_is_heard_by_it(
    supervise: Supervise, origin: StartOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The newest holds, whenever it came."""
    app = await origin()
    app.always(answer(200, body=b"app"))
    supervisor = await supervise(FORWARD.format(url=app.url))
    member = supervisor.gateway.services["app"].members[0]
    real = pack

    def slow(config: GatewayConfig) -> bytes:
        packed = real(config)
        if member.health.status is not Status.UNHEALTHY:
            member.health = Health(status=Status.UNHEALTHY, reason="down")
            loop.call_soon_threadsafe(supervisor.fleet.health_changed, "app", member)
            time.sleep(0.2)
        return packed

    loop = asyncio.get_running_loop()
    monkeypatch.setattr("gatekeeper.workers.fleet.pack", slow)
    await supervisor.fleet.restart()

    assert {503} == {status for status, _ in await supervisor.everybody()}

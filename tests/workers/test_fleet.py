"""What changes, changes in all workers or in none; ids name the row of reliability.md."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.config.problems import Problem
from gatekeeper.observe.audit_tail import lines, lock
from gatekeeper.policy.health import Status
from gatekeeper.policy.ledger_check import Line, inspect
from gatekeeper.testing import Client, Origin, StartOrigin, answer
from gatekeeper.workers.fleet import count_of
from tests.cli.running import free_ports
from tests.edge.wire import until
from tests.workers.supervising import HELLO, Supervise, Supervisor


HALF = """\
import attrs
from pathlib import Path
from gatekeeper import hookimpl

@attrs.frozen(kw_only=True)
class Config:
    word: str

class Half:
    def __init__(self, config, context):
        claim = Path(__file__).with_name("claimed")
        if config.word == "fails" and context.gateway.role == "worker":
            try:
                claim.touch(exist_ok=False)
            except FileExistsError:
                raise ValueError("somebody has it already")

    def wrap(self, next):
        return next

@hookimpl
def gatekeeper_register(catalog):
    catalog.filter("half", Config, Half, main="word")
"""
ON_FILE = """\
server: {{listen: "unix://{path}", drain: 2s}}
routes: {{all: {{match: /**, filters: [static: {{body: {{text: {word}}}}}]}}}}
"""


def on_file(path: Path, word: str = "hello") -> str:
    """A configuration that listens on a file."""
    return ON_FILE.format(path=path, word=word)


SAYS = "routes: {{all: {{match: /**, filters: [static: {{body: {{text: {word}}}}}]}}}}\n"


async def test_a_change_comes_into_force_in_all_of_them(supervise: Supervise) -> None:
    """With one revision."""
    supervisor = await supervise(SAYS.format(word="one"))
    before = await supervisor.everybody()
    pids = supervisor.pids

    outcome = await supervisor.write(SAYS.format(word="two"))

    assert {(200, b"one")} == before
    assert (True, 2) == (outcome.applied, outcome.revision)
    assert {(200, b"two")} == await supervisor.everybody()
    assert pids == supervisor.pids


async def test_a_broken_change_comes_into_force_nowhere(supervise: Supervise) -> None:
    """The supervisor sees it."""
    supervisor = await supervise(SAYS.format(word="one"))

    outcome = await supervisor.write("routes: {all: {match: nowhere}}\n")

    assert not outcome.applied
    assert {(200, b"one")} == await supervisor.everybody()


async def test_what_one_worker_refuses_none_serves_by(
    supervise: Supervise, plugin: Callable[[str], Path], tmp_path: Path
) -> None:
    """All of them, or none; and the next change is as good as any."""
    text = "routes: {{all: {{match: /**, filters: [half: {half}, static: {{body: {{text: {word}}}}}]}}}}\n"
    supervisor = await supervise(text.format(half="works", word="one"), plugins=[plugin(HALF)])

    refused = await supervisor.write(text.format(half="fails", word="two"))
    after = await supervisor.everybody()
    (tmp_path / "claimed").unlink()
    applied = await supervisor.write(text.format(half="works", word="three"))

    assert not refused.applied
    assert "somebody has it already" in str(refused.errors[0])
    assert "filters" in refused.errors[0].path
    assert {(200, b"one")} == after
    assert (True, 2) == (applied.applied, applied.revision)
    assert {(200, b"three")} == await supervisor.everybody()


async def test_a_dry_run_changes_nothing(supervise: Supervise) -> None:
    """It only looks, and what was prepared is forgotten."""
    supervisor = await supervise(SAYS.format(word="one"))
    text = f"version: 1\nadmin: {{listen: false}}\n{SAYS.format(word='two')}"

    looked = await supervisor.gateway.reloader.apply(text, "test", dry_run=True)
    after = await supervisor.everybody()
    applied = await supervisor.gateway.reloader.apply(text, "test")

    assert (True, True) == (not looked.errors, applied.applied)
    assert {(200, b"one")} == after
    assert {(200, b"two")} == await supervisor.everybody()


async def test_a_worker_that_comes_later_serves_what_is_in_force(supervise: Supervise) -> None:
    """After changes, with their revision, what was heard, and what an operator has said."""
    supervisor = await supervise(SAYS.format(word="one"))
    await supervisor.write(SAYS.format(word="two"))
    await supervisor.write(SAYS.format(word="three"))

    await supervisor.fleet.restart()

    assert {(200, b"three")} == await supervisor.everybody()
    assert (await supervisor.write(SAYS.format(word="four"))).applied
    assert {(200, b"four")} == await supervisor.everybody()


async def test_workers_that_die_in_a_change_do_not_stop_it(supervise: Supervise) -> None:
    """Their successors begin with what is in force."""
    supervisor = await supervise(SAYS.format(word="one"))
    for pid in supervisor.pids:
        os.kill(pid, signal.SIGKILL)

    outcome = await supervisor.write(SAYS.format(word="two"))
    await until(lambda: len(supervisor.pids) == 2, 20)

    assert outcome.applied
    assert {(200, b"two")} == await supervisor.everybody()


async def test_changes_and_renewals_stand_each_other(supervise: Supervise) -> None:
    """Whoever comes in between has the newest."""
    supervisor = await supervise(SAYS.format(word="one"))

    async def change() -> None:
        for number in range(12):
            assert (await supervisor.write(SAYS.format(word=f"word{number}"))).applied

    async def renew() -> None:
        for _ in range(3):
            await supervisor.fleet.restart()

    await asyncio.gather(change(), renew())

    assert {(200, b"word11")} == await supervisor.everybody()


ONE = "server: {{listen: {{main: '127.0.0.1:{one}'}}, drain: 2s}}\n" + HELLO.replace("{", "{{").replace(
    "}", "}}"
)
BOTH = ONE.replace("}}, drain", ", more: '127.0.0.1:{other}'}}, drain")


async def test_listeners_come_and_go(supervise: Supervise) -> None:
    """In all workers; the one that stays is not touched."""
    one, other = free_ports(2)
    supervisor = await supervise(ONE.format(one=one), move=False)
    before = dict(supervisor.gateway.listeners)

    await supervisor.write(BOTH.format(one=one, other=other))
    more = Supervisor(supervisor.gateway, supervisor.path, Client(f"127.0.0.1:{other}"))
    found = await more.everybody()
    await supervisor.write(ONE.format(one=one))

    assert {(200, b"hello")} == found
    assert before == supervisor.gateway.listeners
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", other)
    assert {(200, b"hello")} == await supervisor.everybody()


PROXIED = """\
server:
  listen: {main: {address: "127.0.0.1:0", proxy_protocol: true}}
  trusted_proxies: [127.0.0.1]
routes: {all: {match: /**, filters: [static: {body: {text: "from {address}."}}]}}
"""


async def test_all_of_them_listen_to_proxies(supervise: Supervise) -> None:
    """And to nobody else."""
    supervisor = await supervise(PROXIED, move=False)
    host, _, port = supervisor.gateway.listeners["main"].rpartition(":")
    bodies = set()
    for _ in range(12):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"PROXY TCP4 198.51.100.7 192.0.2.1 1 2\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )
        bodies.add((await asyncio.wait_for(reader.read(), 5)).rpartition(b"\r\n\r\n")[2])
        writer.close()

    assert {b"from 198.51.100.7."} == bodies


async def test_all_of_them_listen_on_one_file(supervise: Supervise, tmp_path: Path) -> None:
    """It goes on with changes, renewals and deaths, moves with a change, and goes with the gateway."""
    path, other = tmp_path / "gateway.sock", tmp_path / "other.sock"
    supervisor = await supervise(on_file(path), move=False)
    assert {"main": f"unix://{path}"} == supervisor.gateway.listeners
    before = await asyncio.to_thread(path.lstat)
    assert (await supervisor.write(on_file(path, "again"))).applied
    os.kill(supervisor.pids[0], signal.SIGKILL)
    waiting = [asyncio.create_task(supervisor.get()) for _ in range(20)]
    await supervisor.fleet.restart()

    assert {(200, b"again")} == {await one for one in waiting} | await supervisor.everybody()
    assert before.st_ino == (await asyncio.to_thread(path.lstat)).st_ino
    waiting = [asyncio.create_task(supervisor.get()) for _ in range(20)]
    await asyncio.sleep(0)
    assert (await supervisor.write(on_file(other))).applied
    assert {(200, b"hello")} >= {await one for one in waiting} - {(200, b"again")}
    assert (False, True) == (await asyncio.to_thread(path.exists), await asyncio.to_thread(other.exists))
    await supervisor.client.close()
    supervisor.client = Client(f"unix://{other}")
    waiting = [asyncio.create_task(supervisor.get()) for _ in range(20)]
    await asyncio.sleep(0)
    assert 0 == await supervisor.gateway.stop(5, linger=False)
    assert {(200, b"hello")} == {await one for one in waiting}
    assert not await asyncio.to_thread(other.exists)


async def test_an_address_that_is_taken_refuses_a_change(supervise: Supervise) -> None:
    """And nothing of it is in force."""
    [one] = free_ports(1)
    supervisor = await supervise(ONE.format(one=one), move=False)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = await supervisor.write(BOTH.format(one=one, other=port).replace("hello", "other"))

    assert [f"cannot listen on 127.0.0.1:{port}: address already in use"] == [
        problem.message for problem in outcome.errors
    ]
    assert {(200, b"hello")} == await supervisor.everybody()


INSTANCES = """\
services:
  app:
    health: {{every: 200ms, timeout: 200ms, healthy_after: 1, unhealthy_after: 1}}
    instances: [{one}, {other}]
routes: {{all: {{match: /**, to: app}}}}
"""


async def instances(supervise: Supervise, origin: StartOrigin) -> tuple[Supervisor, list[Origin]]:
    """A gateway before two instances that say who they are."""
    apps = [await origin() for _ in range(2)]
    for number, app in enumerate(apps):
        app.always(answer(200, body=b"%d" % number))
    supervisor = await supervise(INSTANCES.format(one=apps[0].url, other=apps[1].url))
    return supervisor, apps


async def test_what_checks_find_holds_in_all_workers(supervise: Supervise, origin: StartOrigin) -> None:
    """The supervisor checks; also for a worker that comes later."""
    supervisor, apps = await instances(supervise, origin)
    service = supervisor.gateway.services["app"]
    before = await supervisor.everybody()

    apps[0].always(answer(503))
    await until(lambda: service.members[0].health.status is Status.UNHEALTHY, 10)
    await asyncio.sleep(0.1)
    down = await supervisor.everybody()
    await supervisor.fleet.restart()
    later = await supervisor.everybody()
    apps[0].always(answer(200, body=b"0"))
    await until(lambda: service.members[0].health.status is Status.HEALTHY, 10)
    await asyncio.sleep(0.1)

    assert {(200, b"0"), (200, b"1")} == before
    assert {(200, b"1")} == down == later
    assert {(200, b"0"), (200, b"1")} == await supervisor.everybody()


async def test_each_instance_is_checked_by_one_process(supervise: Supervise, origin: StartOrigin) -> None:
    """Not by each worker."""
    supervisor, apps = await instances(supervise, origin)
    await asyncio.sleep(2.5)

    checks = (await supervisor.node.metrics())["gatekeeper_health_checks_total"]["samples"]
    asked = [len([one for one in app.requests if one.target == "/health"]) for app in apps]

    for made, seen in zip(checks, asked, strict=True):
        assert abs(made["value"] - seen) <= 2


@pytest.mark.parametrize(("workers", "expected"), [(1, 1), (4, 4), ("auto", len(os.sched_getaffinity(0)))])
def test_how_many(workers: "int | str", expected: int) -> None:
    """`auto` is one for each core that this process may use."""
    assert expected == count_of(workers)  # type: ignore[arg-type]


async def test_a_provider_that_is_quick_comes_after_the_start(
    supervise: Supervise, origin: StartOrigin
) -> None:
    """Workers take their time."""
    portal = await origin()
    portal.always(
        answer(200, body=SAYS.format(word="own").replace("all:", "own:").replace("/**", "/own").encode())
    )
    supervisor = await supervise(
        f"providers: {{portal: {{http: {{url: '{portal.url}/', every: 1s}}}}}}\n{HELLO}"
    )
    await until(lambda: supervisor.gateway.reloader.state.revision == 2, 10)

    assert {(200, b"own")} == await supervisor.everybody("/own")
    assert {(200, b"hello")} == await supervisor.everybody("/other")


# ---- one audit file -------------------------------------------------------------------------------------------------

AUDITED = """\
observe: {audit: true}
services: {app: {instances: ["http://127.0.0.1:1"], health: false}}
routes: {all: {match: /**, to: app, websocket: {origins: ["https://a.example"]}}}
"""
FOREIGN = {
    "Connection": "upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Origin": "https://evil.example",
}


async def refused(supervisor: Supervisor, times: int) -> None:
    """Ask for what is refused, on connections of their own, so that each worker is asked."""
    for _ in range(times):
        client = Client(supervisor.client.address)
        assert 403 == (await client.get("/x", FOREIGN)).status
        await client.close()


def recorded(path: Path) -> list[dict[str, Any]]:
    """What a file holds; its chain is whole."""
    assert inspect(Line(*line) for line in lines([path])).broken is None
    return [json.loads(line) for line in path.read_bytes().splitlines()]


async def test_all_workers_have_one_audit_file(supervise: Supervise, tmp_path: Path) -> None:
    """The supervisor writes it, and nothing that was refused is missing: neither at a reload nor at the end."""
    supervisor = await supervise(AUDITED)
    path = tmp_path / "audit.jsonl"
    await refused(supervisor, 40)
    assert (await supervisor.write(AUDITED.replace("app:", "other:").replace("to: app", "to: other"))).applied
    await refused(supervisor, 40)
    await supervisor.gateway.stop(5.0, linger=False)
    found = recorded(path)

    assert ["start", "reload", "stop"] == [
        record["event"] for record in found if record["event"] != "refused"
    ]
    assert 80 == sum(record.get("count", 1) for record in found if record["event"] == "refused")


async def test_a_worker_that_is_killed_takes_little_with_it(supervise: Supervise, tmp_path: Path) -> None:
    """What it has told is recorded, and its successor tells on."""
    supervisor = await supervise(AUDITED, count=1)
    path, (pid,) = tmp_path / "audit.jsonl", supervisor.pids
    await refused(supervisor, 3)
    async with asyncio.timeout(20):
        while len(await asyncio.to_thread(recorded, path)) < 4:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: bool(supervisor.pids) and supervisor.pids != [pid])
    await refused(supervisor, 3)
    await supervisor.gateway.stop(5.0, linger=False)

    assert 6 == sum(record.get("count", 1) for record in recorded(path) if record["event"] == "refused")


async def test_it_is_turned_on_for_workers_that_serve(supervise: Supervise, tmp_path: Path) -> None:
    """By a reload, in all of them."""
    supervisor = await supervise(AUDITED.replace("true", "false"))
    await refused(supervisor, 4)
    assert (await supervisor.write(AUDITED)).applied
    await refused(supervisor, 20)
    await supervisor.gateway.stop(5.0, linger=False)
    found = recorded(tmp_path / "audit.jsonl")

    assert ["reload", "stop"] == [found[0]["event"], found[-1]["event"]]
    assert 20 == sum(record.get("count", 1) for record in found if record["event"] == "refused")


async def test_a_change_that_a_worker_refuses_leaves_the_file(supervise: Supervise, tmp_path: Path) -> None:
    """The one that was opened for it is closed, and can be opened again."""
    supervisor = await supervise(AUDITED)
    other = AUDITED.replace("audit: true", "audit: {to: [file: other.jsonl]}")
    before = supervisor.fleet._ask_all

    async def refuse(ask: object) -> list[Problem]:
        return [Problem("fails", "", "no")]

    supervisor.fleet._ask_all = refuse  # type: ignore[method-assign]
    assert not (await supervisor.write(other)).applied
    await asyncio.to_thread(lambda: os.close(lock(tmp_path / "other.jsonl")))
    supervisor.fleet._ask_all = before  # type: ignore[method-assign]
    assert (await supervisor.write(other)).applied
    await supervisor.gateway.stop(5.0, linger=False)

    assert ["start", "reload"] == [record["event"] for record in recorded(tmp_path / "audit.jsonl")]
    assert ["reload", "stop"] == [record["event"] for record in recorded(tmp_path / "other.jsonl")]

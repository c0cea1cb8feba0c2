"""What a gateway records: its beginning, changes and end, whom it refused, what operators did."""

import asyncio
import hashlib
import json
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from gatekeeper.config.model import AuditFileConfig
from gatekeeper.config.problems import ConfigError
from gatekeeper.core.clock import Wheel
from gatekeeper.extend.host import PluginHost
from gatekeeper.observe.audit_tail import lines, lock
from gatekeeper.observe.metrics import Metrics
from gatekeeper.policy.ledger_check import Line, inspect
from gatekeeper.runtime.auditing import TELL, UNTOLD, Auditing, audit_path
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.runtime.local import LocalNode
from gatekeeper.runtime.source import Source
from gatekeeper.testing import Client, FakeClock, move_listeners


TEXT = """\
version: 1
admin: {{listen: {admin}}}
observe: {{audit: {audit}}}
services: {{app: {{instances: ["http://127.0.0.1:1"], health: false, description: {word}}}}}
routes: {{all: {{match: /**, to: app, websocket: {{origins: ["https://a.example"]}}}}}}
"""
FOREIGN = {
    "Connection": "upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Origin": "https://evil.example",
}


@attrs.define
class Served:
    """A gateway that serves a file."""

    file: Path
    gateway: Gateway

    async def refuse(self) -> int:
        """Ask for something that is refused; the status."""
        client = Client(self.gateway.listeners["main"])
        try:
            return (await client.get("/x?key=canary", FOREIGN)).status
        finally:
            await client.close()

    async def change(self, audit: str, word: str = "two") -> bool:
        """Write another configuration and read it."""
        await asyncio.to_thread(self.file.write_text, TEXT.format(audit=audit, word=word, admin="false"))
        return (await self.gateway.reload("test")).applied


Serve = Callable[..., Awaitable[Served]]


@pytest.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Serve with this under `audit`."""
    served: list[Served] = []

    async def start(audit: str = "true", *, admin: str = "false") -> Served:
        file = tmp_path / "gateway.yaml"
        await asyncio.to_thread(file.write_text, TEXT.format(audit=audit, word="one", admin=admin))
        host = await asyncio.to_thread(PluginHost)
        source = Source(host=host, path=file, adjust=move_listeners, environ={}, env_file=False)
        loaded = await asyncio.to_thread(source.load)
        gateway = Gateway(loaded.config, host, source=source, read=loaded)
        await gateway.start()
        served.append(Served(file, gateway))
        return served[-1]

    yield start
    for one in served:
        await one.gateway.stop(grace=0)


def records(*paths: Path) -> list[dict[str, Any]]:
    """What files hold; their chain is whole."""
    assert inspect(Line(*line) for line in lines(paths)).broken is None
    return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]


async def test_a_life_is_recorded(serve: Serve, tmp_path: Path) -> None:
    """What it serves by, who asked for another configuration, and the end."""
    served = await serve()
    assert await served.change("true")
    await served.gateway.stop(grace=0)
    start, reload, stop = records(tmp_path / "audit.jsonl")

    assert ("start", 1) == (start["event"], start["revision"])
    assert ("reload", 2, "test") == (reload["event"], reload["revision"], reload["origin"])
    assert ("stop", 2) == (stop["event"], stop["revision"])
    assert start["config_sha256"] != reload["config_sha256"]


async def test_the_digest_is_that_of_what_the_admin_api_shows(serve: Serve, tmp_path: Path) -> None:
    """So that somebody can tell what it means."""
    served = await serve()
    text = (await LocalNode(served.gateway).config())["text"]
    await served.gateway.stop(grace=0)

    assert hashlib.sha256(text.encode()).hexdigest() == records(tmp_path / "audit.jsonl")[0]["config_sha256"]


async def test_who_is_refused_is_recorded(serve: Serve, tmp_path: Path) -> None:
    """Without the query."""
    served = await serve()
    assert 403 == await served.refuse()
    await served.gateway.stop(grace=0)
    refused = records(tmp_path / "audit.jsonl")[1]

    assert ("refused", "/x", "origin-refused", "all", "main") == tuple(
        refused[key] for key in ("event", "path", "code", "route", "listener")
    )
    assert "canary" not in (tmp_path / "audit.jsonl").read_text()


async def test_what_operators_do_is_recorded(serve: Serve, tmp_path: Path) -> None:
    """Who, what, from where, what came of it, and what was sent; reading is not."""
    served = await serve(admin='"127.0.0.1:0"')
    client = Client(served.gateway.admin_address)
    json_ = {"Content-Type": "application/json"}
    await client.request("GET", "/config", host="localhost")
    answer = await client.request("POST", "/gateway/services", json_, b'{"x": 1}', host="localhost")
    await client.request("POST", "/gateway/reload", host="localhost")
    await client.close()
    await served.gateway.stop(grace=0)
    told = [record for record in records(tmp_path / "audit.jsonl") if record["event"] == "admin"]

    assert ["/gateway/services", "/gateway/reload"] == [record["path"] for record in told]
    assert [answer.status, 200] == [record["status"] for record in told]
    assert {("local", "admin", "127.0.0.1", "POST")} == {
        tuple(record[key] for key in ("user", "role", "client", "method")) for record in told
    }
    assert [1, 2] == [record["revision"] for record in told]
    assert hashlib.sha256(b'{"x": 1}').hexdigest() == told[0]["body_sha256"]


# ---- changes ------------------------------------------------------------------------------------------------------


async def test_it_is_turned_on_and_off(serve: Serve, tmp_path: Path) -> None:
    """By reloads; the last one is still recorded."""
    served = await serve("false")
    await served.refuse()
    assert not (tmp_path / "audit.jsonl").exists()
    assert await served.change("true")
    await served.refuse()
    assert await served.change("false", "three")
    await served.refuse()

    assert ["reload", "refused", "reload"] == [
        record["event"] for record in records(tmp_path / "audit.jsonl")
    ]


async def test_another_file_loses_nothing(serve: Serve, tmp_path: Path) -> None:
    """What was told before is in the one before, and the change in both."""
    served = await serve("{to: [file: a.jsonl]}")
    for _ in range(8):
        await served.refuse()
    assert await served.change("{to: [file: b.jsonl]}")
    for _ in range(8):
        await served.refuse()
    await served.gateway.stop(grace=0)
    both = [records(tmp_path / name) for name in ("a.jsonl", "b.jsonl")]

    assert [["start", "reload"], ["reload", "stop"]] == [[one[0]["event"], one[-1]["event"]] for one in both]
    assert [8, 8] == [
        sum(record.get("count", 1) for record in one if record["event"] == "refused") for one in both
    ]


async def test_the_same_file_stays_open(serve: Serve, tmp_path: Path) -> None:
    """With another size, too."""
    served = await serve("{to: [file: {path: a.jsonl, keep: 3}]}")
    file = served.gateway.audit._file
    assert await served.change("{to: [file: {path: a.jsonl, keep: 2, rotate: 64KiB}]}")

    assert file is not None
    assert file is served.gateway.audit._file
    assert (64 * 1024, 2) == (file._rotate, file._keep)


async def test_a_file_that_cannot_be_opened_refuses_the_change(serve: Serve, tmp_path: Path) -> None:
    """The one before goes on, and nothing is left of the other."""
    served = await serve("{to: [file: a.jsonl]}")
    assert not await served.change("{to: [file: none/b.jsonl]}")
    state = served.gateway.reloader.state
    await served.refuse()
    await served.gateway.stop(grace=0)

    assert "gateway.yaml:3:" in state.error
    assert f"there is no folder `{tmp_path / 'none'}`" in state.error
    assert ["start", "refused", "stop"] == [record["event"] for record in records(tmp_path / "a.jsonl")]


async def test_a_change_that_is_only_tried_leaves_no_lock(serve: Serve, tmp_path: Path) -> None:
    """Nor one that is refused for something else."""
    served = await serve("{to: [file: a.jsonl]}")
    text = TEXT.format(audit="{to: [file: b.jsonl]}", word="two", admin="false")
    await asyncio.to_thread(served.file.write_text, text)
    await served.gateway.reloader.reload("test", dry_run=True)
    await asyncio.to_thread(lambda: os.close(lock(tmp_path / "b.jsonl")))

    assert await served.change("{to: [file: b.jsonl]}")


async def test_it_does_not_start_with_a_file_that_is_broken(serve: Serve, tmp_path: Path) -> None:
    """The line and the cure are named, and nothing listens."""
    await asyncio.to_thread((tmp_path / "audit.jsonl").write_text, "x\n")
    with pytest.raises(ConfigError, match=r"(?s)line 1 of .* does not fit its chain.*Move the file away"):
        await serve()


async def test_where_the_chain_stands_is_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A log that goes elsewhere proves more than the file alone."""
    with caplog.at_level(logging.INFO):
        served = await serve()
        await served.gateway.stop(grace=0)
    last = next(record for record in caplog.records if record.message == "the audit file is closed")

    assert (2, 64) == (last.__dict__["records"], len(last.__dict__["hash"]))


# ---- where it is --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "state", "expected"),
    [
        ("audit.jsonl", None, "/etc/gk/audit.jsonl"),
        ("audit.jsonl", "/var/lib/gk", "/var/lib/gk/audit.jsonl"),
        ("audit.jsonl", "/var/lib/gk:/var/lib/other", "/var/lib/gk/audit.jsonl"),
        ("logs/a", "", "/etc/gk/logs/a"),
        ("/var/log/a", "/var/lib/gk", "/var/log/a"),
    ],
)
def test_where_the_file_is(
    path: str, state: str | None, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The state folder that systemd gives, else that of the configuration."""
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    if state is not None:
        monkeypatch.setenv("STATE_DIRECTORY", state)

    assert Path(expected) == audit_path(AuditFileConfig(path=path), Path("/etc/gk"))


# ---- workers ------------------------------------------------------------------------------------------------------


@attrs.define
class Working:
    """The auditing of a worker."""

    clock: FakeClock
    wheel: Wheel
    auditing: Auditing
    listens: bool = True
    told: list[dict[str, Any]] = attrs.field(factory=list)

    def take(self, data: dict[str, Any]) -> bool:
        if self.listens:
            self.told.append(data)
        return self.listens

    def refuse(self, count: int = 1) -> None:
        for number in range(count):
            self.auditing._write("refused", {"n": number}, "t")

    def wait(self, seconds: float = TELL + 0.2) -> None:
        self.clock.advance(seconds)
        self.wheel.advance(self.clock.monotonic())


@pytest.fixture
def working(clock: FakeClock) -> Working:
    """One that tells a list."""
    wheel = Wheel(clock.monotonic())
    made = Working(clock, wheel, Auditing(clock, Metrics(), wheel, Path(), "worker"))
    made.auditing.tell_by(made.take)
    return made


def test_a_worker_tells_what_has_come_together(working: Working) -> None:
    """A fifth of a second after the first."""
    working.refuse(3)
    assert [] == working.told
    working.wait()
    working.wait()

    assert [3] == [len(data["records"]) for data in working.told]


def test_a_worker_keeps_only_so_much_for_a_supervisor_that_does_not_listen(working: Working) -> None:
    """And then says how much is missing."""
    working.listens = False
    working.refuse(UNTOLD + 7)
    working.wait()
    working.refuse(3)
    working.wait()
    working.listens = True
    working.wait()

    assert [(UNTOLD, 10)] == [(len(data["records"]), data["missing"]) for data in working.told]


async def test_a_worker_tells_the_rest_at_its_end(working: Working) -> None:
    """Without waiting for its timer."""
    working.refuse(2)
    await working.auditing.close()

    assert 2 == len(working.told[0]["records"])

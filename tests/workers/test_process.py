"""A worker as a process: `python -m gatekeeper.workers`."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from gatekeeper.config.addresses import Listen
from gatekeeper.config.model import GatewayConfig
from gatekeeper.core.clock import SystemClock
from gatekeeper.extend.host import PluginHost
from gatekeeper.runtime.loading import load_gateway_text
from gatekeeper.workers.blob import pack
from gatekeeper.workers.channel import ChannelClosed, Refused
from gatekeeper.workers.process import WorkerProcess
from gatekeeper.workers.slots import Slots
from tests.edge.wire import until
from tests.workers.supervising import beginning


pytestmark = pytest.mark.both_loops


@pytest.fixture(scope="module")
def config() -> GatewayConfig:
    """A gateway that says hello."""
    text = "version: 1\nadmin: {listen: false}\nroutes: {all: {match: /**, filters: [static: {body: {text: hello}}]}}\n"
    return load_gateway_text(text, PluginHost()).config


@contextlib.asynccontextmanager
async def spawned() -> AsyncIterator[WorkerProcess]:
    """A worker that has not begun."""
    worker = await WorkerProcess.spawn(0, SystemClock())
    try:
        yield worker
    finally:
        worker.kill()
        await worker.wait()


async def test_it_shows_that_its_loop_turns() -> None:
    """Twice a second."""
    async with spawned() as worker:
        await until(lambda: worker.beats >= 3, 20)

    assert worker.heard > worker.started
    assert f"worker 1 (pid {worker.pid})" == worker.name


async def test_it_serves_with_what_it_is_given(config: GatewayConfig) -> None:
    """A socket of the supervisor's, and a configuration."""
    slots = Slots.bind(Listen("127.0.0.1", 0), 1)
    try:
        async with spawned() as worker:
            begun = await worker.channel.ask("begin", beginning(3), pack(config), [slots[0]])
            host, port = slots[0].getsockname()
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            found = await reader.read()
            writer.close()
            drained = await worker.channel.ask("drain", {"grace": 1.0, "linger": False, "hand_over": False})
            worker.channel.close()
            ended = await worker.wait()
    finally:
        slots.close()

    assert {"listeners": {"main": f"{host}:{port}"}} == begun
    assert found.endswith(b"\r\n\r\nhello")
    assert 0 == drained["lost"]
    assert 1 == drained["metrics"]["gatekeeper_requests_total"]["samples"][0]["value"]
    assert "it ended with 0" == ended


async def test_another_version_does_not_begin(config: GatewayConfig) -> None:
    """What was installed over a running gateway takes a restart of all of it."""
    async with spawned() as worker:
        with pytest.raises(Refused, match=r"0\.0\.0 is running: restart all of it"):
            await worker.channel.ask("begin", beginning(3, version="0.0.0", listeners=[]), pack(config))


async def test_a_plugin_that_cannot_be_loaded_is_told(config: GatewayConfig, tmp_path: Path) -> None:
    """By its name."""
    file = tmp_path / "broken.py"
    file.write_text("import nothing_of_that_name\n")
    async with spawned() as worker:
        with pytest.raises(Refused, match="nothing_of_that_name"):
            await worker.channel.ask("begin", beginning(3, plugins=[str(file)], listeners=[]), pack(config))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2])
async def test_signals_are_the_supervisors(number: signal.Signals) -> None:
    """An init system that ends all processes of a group means the gateway, which drains."""
    async with spawned() as worker:
        await until(lambda: worker.beats, 20)
        os.kill(worker.pid, number)
        beats = worker.beats
        await until(lambda: worker.beats > beats + 1, 10)


async def test_it_ends_when_nobody_is_left(config: GatewayConfig) -> None:
    """It has begun, or not."""
    slots = Slots.bind(Listen("127.0.0.1", 0), 1)
    try:
        async with spawned() as new, spawned() as serving:
            await serving.channel.ask("begin", beginning(3), pack(config), [slots[0]])
            await until(lambda: new.beats, 20)
            for worker in (new, serving):
                worker.channel.close()

            assert ["it ended with 0"] * 2 == [await new.wait(), await serving.wait()]
    finally:
        slots.close()


async def test_what_it_does_is_shown() -> None:
    """Where its loop is, all the time."""
    async with spawned() as worker:
        await until(lambda: worker.beats, 20)
        stack = await worker.stack()

    assert "most recent call first" in stack


async def test_one_that_was_stopped_shows_nothing() -> None:
    """It cannot."""
    async with spawned() as worker:
        await until(lambda: worker.beats, 20)
        os.kill(worker.pid, signal.SIGSTOP)
        await until(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED, 5)

        assert "SIGSTOP" in await worker.stack()


async def test_one_that_has_gone_shows_nothing() -> None:
    """And nobody can ask it."""
    async with spawned() as worker:
        worker.kill()
        ended = await worker.wait()

        assert "it was killed by SIGKILL" == ended
        assert "it has gone" == await worker.stack()
        with pytest.raises(ChannelClosed):
            await worker.channel.ask("metrics")


async def test_it_has_nothing_of_its_own_to_say_before_it_begins() -> None:
    """Whoever asks is told."""
    async with spawned() as worker:
        with pytest.raises(Refused, match="not begun"):
            await worker.channel.ask("metrics")


async def test_what_it_is_told_before_it_begins_does_no_harm(config: GatewayConfig) -> None:
    """Whoever tells all tells those that start, too."""
    slots = Slots.bind(Listen("127.0.0.1", 0), 1)
    try:
        async with spawned() as worker:
            worker.channel.tell("followed")
            worker.channel.tell("ready", True)
            begun = await worker.channel.ask("begin", beginning(3), pack(config), [slots[0]])
    finally:
        slots.close()

    assert ["main"] == list(begun["listeners"])


async def test_an_interpreter_that_cannot_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves nothing open."""
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208

    with pytest.raises(FileNotFoundError):
        await WorkerProcess.spawn(0, SystemClock())

    assert before == len(os.listdir("/proc/self/fd"))  # noqa: PTH208

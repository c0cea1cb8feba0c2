"""What a worker does of what it is asked for; here it is in the process of the test."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest

from gatekeeper.config.addresses import Listen
from gatekeeper.config.model import GatewayConfig
from gatekeeper.extend.host import PluginHost
from gatekeeper.runtime.loading import load_gateway_text
from gatekeeper.testing import Client
from gatekeeper.workers.blob import pack
from gatekeeper.workers.channel import Channel, Refused
from gatekeeper.workers.slots import Slots
from gatekeeper.workers.worker import Worker
from tests.workers.supervising import beginning


TEXT = """\
version: 1
server: {{drain: 2s}}
admin: {{listen: false}}
routes: {{all: {{match: /**, filters: [static: {{body: {{text: {word}}}}}]}}}}
"""
DRAIN = {"grace": 1.0, "linger": False, "hand_over": False}


def config(word: str) -> GatewayConfig:
    """A gateway that says a word."""
    return load_gateway_text(TEXT.format(word=word), PluginHost()).config


@attrs.define
class Both:
    """The supervisor's end, the sockets, and the worker."""

    channel: Channel
    slots: Slots
    running: "asyncio.Task[int]"
    beats: list[None]

    async def begin(self, word: str = "one", **changes: object) -> Any:
        """The first message."""
        data = beginning(5, **changes)
        packed = await asyncio.to_thread(lambda: pack(config(word)))
        return await self.channel.ask("begin", data, packed, [self.slots[0]] if data["listeners"] else [])

    async def prepare(self, word: str, revision: int) -> Any:
        """Half of a change."""
        packed = await asyncio.to_thread(lambda: pack(config(word)))
        return await self.channel.ask("prepare", {"revision": revision, "listeners": [], "files": {}}, packed)

    async def get(self) -> bytes:
        """What it says."""
        host, port = self.slots[0].getsockname()
        client = Client(f"{host}:{port}")
        try:
            return (await client.get("/")).body
        finally:
            await client.close()


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    """A worker that has not begun."""
    ours, theirs = socket.socketpair()
    beats: list[None] = []
    channel = Channel(ours, asked={}, told={"beat": beats.append})
    both = Both(
        channel, Slots.bind(Listen("127.0.0.1", 0), 1), asyncio.create_task(Worker(theirs).main()), beats
    )
    yield both
    with contextlib.suppress(Refused):
        if not channel.closed:
            await channel.ask("drain", DRAIN)
    channel.close()
    both.slots.close()
    await both.running


async def test_it_serves_by_what_it_is_told(both: Both) -> None:
    """From its first message on, with a revision that is not its own."""
    begun = await both.begin()
    revision = (await both.channel.ask("metrics"))["gatekeeper_config_revision"]["samples"][0]["value"]

    assert ["main"] == list(begun["listeners"])
    assert (b"one", 5) == (await both.get(), revision)
    assert both.beats


async def test_a_change_comes_in_two_steps(both: Both) -> None:
    """Nobody sees the first one."""
    await both.begin()
    await both.prepare("two", 6)
    between = await both.get()
    await both.channel.ask("commit")

    assert (b"one", b"two") == (between, await both.get())


async def test_a_change_may_be_forgotten(both: Both) -> None:
    """Also one that was never prepared."""
    await both.begin()
    await both.prepare("two", 6)
    await both.channel.ask("abandon")
    await both.channel.ask("abandon")
    await both.prepare("three", 6)
    await both.channel.ask("commit")

    assert b"three" == await both.get()


async def test_sockets_that_it_does_not_need_are_closed(both: Both) -> None:
    """It listens there already."""
    await both.begin()
    one, other = socket.socketpair()
    with one, other:
        packed = await asyncio.to_thread(lambda: pack(config("two")))
        await both.channel.ask(
            "prepare", {"revision": 6, "listeners": ["main"], "files": {}}, packed, [other]
        )
        await both.channel.ask("commit")
        other.close()

        assert b"two" == await both.get()
        assert b"" == await asyncio.get_running_loop().sock_recv(_unblocked(one), 1)


def _unblocked(sock: socket.socket) -> socket.socket:
    sock.setblocking(False)
    return sock


async def test_a_missing_socket_is_told(both: Both) -> None:
    """With its address."""
    with pytest.raises(Refused, match=r"nobody has given a socket for 0\.0\.0\.0:8080"):
        await both.begin(listeners=[])


async def test_what_it_cannot_serve_by_is_told(both: Both) -> None:
    """With problems, as a supervisor has them."""
    await both.begin()
    with pytest.raises(Refused) as caught:
        await both.channel.ask("prepare", {"revision": 6, "listeners": [], "files": {}}, b"no configuration")

    [problem] = caught.value.data["problems"]
    assert "error" == problem["severity"]
    assert b"one" == await both.get()


async def test_it_tells_what_it_sees(both: Both) -> None:
    """In plain data."""
    await both.begin()
    await both.get()

    metrics = await both.channel.ask("metrics")

    assert 1 == metrics["gatekeeper_requests_total"]["samples"][0]["value"]
    assert [] == await both.channel.ask("services")
    assert (await both.channel.ask("system"))["memory_resident"] > 0


async def test_it_goes_when_it_is_told(both: Both) -> None:
    """And ends when the supervisor has heard its last word."""
    await both.begin()
    await both.get()

    drained = await both.channel.ask("drain", {**DRAIN, "hand_over": True})
    assert not both.running.done()
    both.channel.close()

    assert 0 == drained["lost"]
    assert 1 == drained["metrics"]["gatekeeper_requests_total"]["samples"][0]["value"]
    assert 0 == await both.running


async def test_it_goes_when_its_supervisor_has_gone(both: Both, caplog: pytest.LogCaptureFixture) -> None:
    """What was begun is finished."""
    await both.begin()
    host, port = both.slots[0].getsockname()
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    both.channel.close()

    assert 0 == await both.running
    writer.close()
    assert "the supervisor has gone; finishing what was begun" in caplog.messages

"""What is asked and told over a socket between two processes; both ends are in this one."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gatekeeper.workers.channel import Answering, Channel, ChannelClosed, Hearing, Message, Refused


pytestmark = pytest.mark.both_loops


@asynccontextmanager
async def both_ends(
    *,
    asked: Mapping[str, Answering] | None = None,
    told: Mapping[str, Hearing] | None = None,
    on_end: Callable[[], object] = lambda: None,
) -> AsyncIterator[tuple[Channel, Channel]]:
    """An end that asks, and one that answers."""
    ours, theirs = socket.socketpair()
    asking = Channel(ours, asked={}, told={})
    answering = Channel(theirs, asked=asked or {}, told=told or {}, on_end=on_end)
    try:
        yield asking, answering
    finally:
        asking.close()
        answering.close()


async def echo(message: Message) -> Any:
    """Say the same, and what came along."""
    for sock in message.sockets:
        sock.close()
    return {"data": message.data, "blob": len(message.blob), "sockets": len(message.sockets)}


async def test_what_is_asked_is_answered() -> None:
    """With plain data."""
    async with both_ends(asked={"echo": echo}) as (channel, _):
        answer = await channel.ask("echo", {"some": ["data", 1, None, True]})

    assert {"data": {"some": ["data", 1, None, True]}, "blob": 0, "sockets": 0} == answer


@pytest.mark.parametrize("size", [1, 300_000, 20_000_000])
async def test_bytes_come_along(size: int) -> None:
    """More than a socket takes at once."""
    async with both_ends(asked={"echo": echo}) as (channel, _):
        answer = await channel.ask("echo", None, os.urandom(size))

    assert size == answer["blob"]


async def test_bytes_arrive_as_they_were() -> None:
    """In parts that are put together."""
    blob = os.urandom(3_000_000)
    seen: list[bytes] = []

    async def keep(message: Message) -> None:
        seen.append(message.blob)

    async with both_ends(asked={"keep": keep}) as (channel, _):
        await channel.ask("keep", None, blob)

    assert [blob] == seen


@pytest.mark.parametrize("count", [1, 2, 127, 128, 129, 256, 300])
async def test_sockets_come_along(count: int) -> None:
    """Each is the one that was sent, however many there are."""
    names: list[bytes] = []

    async def greet(message: Message) -> None:
        for sock in message.sockets:
            with sock:
                sock.setblocking(False)
                names.append(sock.recv(10))

    pairs = [socket.socketpair() for _ in range(count)]
    try:
        for number, (one, _) in enumerate(pairs):
            one.sendall(b"%d" % number)
        async with both_ends(asked={"greet": greet, "echo": echo}) as (channel, _):
            _, second = await asyncio.gather(
                channel.ask("greet", sockets=[other for _, other in pairs]),
                channel.ask("echo", sockets=[pairs[0][0]]),
            )
    finally:
        for one, other in pairs:
            one.close()
            other.close()

    assert [b"%d" % number for number in range(count)] == names
    assert 1 == second["sockets"]


async def test_a_socket_that_was_sent_is_not_passed_to_children() -> None:
    """As all that Python opens."""
    inheritable: list[bool] = []

    async def look(message: Message) -> None:
        for sock in message.sockets:
            with sock:
                inheritable.append(sock.get_inheritable())

    one, other = socket.socketpair()
    with one, other:
        async with both_ends(asked={"look": look}) as (channel, _):
            await channel.ask("look", sockets=[one])

    assert [False] == inheritable


async def test_answers_come_in_any_order() -> None:
    """A slow one keeps nobody."""
    gate = asyncio.Event()

    async def slow(_: Message) -> str:
        await gate.wait()
        return "slow"

    async with both_ends(asked={"slow": slow, "echo": echo}) as (channel, _):
        waiting = asyncio.ensure_future(channel.ask("slow"))
        await channel.ask("echo")
        assert not waiting.done()
        gate.set()

        assert "slow" == await waiting


async def test_what_is_told_comes_in_order() -> None:
    """Also many at once."""
    heard: list[int] = []
    async with both_ends(told={"count": heard.append}, asked={"echo": echo}) as (channel, _):
        for number in range(5000):
            channel.tell("count", number)
        await channel.ask("echo")

    assert list(range(5000)) == heard


async def test_what_fails_keeps_nothing_behind_it(caplog: pytest.LogCaptureFixture) -> None:
    """What came together with it is heard and answered."""
    heard: list[int] = []

    def hear(number: int) -> None:
        if number == 1:
            raise RuntimeError("broken")
        heard.append(number)

    async with both_ends(told={"hear": hear}, asked={"echo": echo}) as (channel, _):
        for number in range(3):
            channel.tell("hear", number)
        channel.tell("unknown")
        assert 7 == (await channel.ask("echo", 7))["data"]

    assert [0, 2] == heard
    assert ["what was told failed: hear", "what was told failed: unknown"] == caplog.messages


async def test_both_ends_may_ask() -> None:
    """At the same time."""
    ours, theirs = socket.socketpair()
    one = Channel(ours, asked={"echo": echo}, told={})
    other = Channel(theirs, asked={"echo": echo}, told={})
    try:
        answers = await asyncio.gather(
            *(end.ask("echo", number) for number in range(50) for end in (one, other))
        )
    finally:
        one.close()
        other.close()

    assert [number for number in range(50) for _ in range(2)] == [answer["data"] for answer in answers]


async def test_a_refusal_says_why() -> None:
    """In plain data."""

    async def refuse(_: Message) -> None:
        raise Refused({"because": ["of", "this"]})

    async with both_ends(asked={"refuse": refuse}) as (channel, _):
        with pytest.raises(Refused) as caught:
            await channel.ask("refuse")

    assert {"because": ["of", "this"]} == caught.value.data


async def test_what_fails_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for ever for a bug; also for a name that nobody knows."""

    async def fail(_: Message) -> None:
        raise RuntimeError("broken")

    async with both_ends(asked={"fail": fail}) as (channel, _):
        with pytest.raises(Refused, match="broken"):
            await channel.ask("fail")
        with pytest.raises(Refused, match="unknown"):
            await channel.ask("unknown")

    assert ["what was asked for failed: fail", "what was asked for failed: unknown"] == caplog.messages


async def test_who_goes_answers_nobody() -> None:
    """Whoever waits is told, and so is whoever asks then."""
    forever: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def wait(_: Message) -> None:
        await forever

    async with both_ends(asked={"wait": wait}) as (channel, other):
        waiting = asyncio.ensure_future(channel.ask("wait"))
        await asyncio.sleep(0.05)
        other.close()
        with pytest.raises(ChannelClosed):
            await waiting
        with pytest.raises(ChannelClosed):
            await channel.ask("wait")
        channel.tell("nothing")  # is lost


async def test_the_end_is_told_once() -> None:
    """To whoever did not end it."""
    ends: list[str] = []
    async with both_ends(on_end=lambda: ends.append("end")) as (channel, other):
        channel.close()
        await asyncio.sleep(0.05)
        other.close()
        channel.close()

    assert ["end"] == ends


async def test_what_was_said_before_the_end_is_heard() -> None:
    """A worker's last words."""
    heard: list[Any] = []
    async with both_ends(told={"last": heard.append}) as (channel, _):
        channel.tell("last", "words")
        channel.close()
        await asyncio.sleep(0.05)

    assert ["words"] == heard


async def test_one_who_does_not_read_keeps_nobody() -> None:
    """What is told waits, and arrives later."""
    ours, theirs = socket.socketpair()
    channel = Channel(ours, asked={}, told={})
    for number in range(20_000):
        channel.tell("count", "x" * 100 + str(number))
    heard: list[str] = []
    other = Channel(theirs, asked={}, told={"count": heard.append})
    try:
        for _ in range(500):
            if len(heard) == 20_000:
                break
            await asyncio.sleep(0.01)
    finally:
        channel.close()
        other.close()

    assert 20_000 == len(heard)
    assert "x" * 100 + "19999" == heard[-1]

"""A gateway that runs out of descriptors, on both loops: first it begins with few, then those it has are taken away.

With few, the crowd is larger than what it may have. Clients who are there ask on, and the instance ends each fifth of its
connections, so that new ones are wanted: a gateway that gives its last descriptor to a client has none for that.

Then it may have no more than are open, which nothing can prepare for: nobody can be accepted. It must neither spin nor fill
its log, and go on as soon as there are descriptors again.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Final

import attrs

from tests.crowd import hostile
from tests.crowd.allowance import allow_descriptors
from tests.crowd.herd import Herd, waiting
from tests.crowd.process import ASYNCIO, Gateway, Line, file_text, most_in_a_second, start_origin
from tests.soak import checks
from tests.soak.checks import Check
from tests.soak.process import quiet_ports
from tests.soak.wire import BrokenError, Client, fetch


LOOPS: Final = ("uvloop", "asyncio")
KEPT: Final = 4
"""Good clients."""
PAUSE: Final = 0.1
"""Seconds between two of their requests."""
BUSY: Final = 0.2
"""Of a processor: more is spinning."""
AGAIN: Final = 20.0
"""Seconds until it is given up."""
SOON: Final = 3.0
"""Seconds until it goes on."""


@attrs.frozen
class Options:
    """How few, and for how long."""

    few: int = 250
    crowd: int = 500
    seconds: float = 4.0


SMALL: Final = Options(few=150, crowd=250, seconds=2.5)


@attrs.define
class Spell:
    """What was seen while there were no descriptors left."""

    seconds: float = 0.0
    cpu: float = 0.0
    lines: Sequence[Line] = ()
    asked: int = 0
    """By clients who were there before."""
    failed: list[str] = attrs.field(factory=list)
    crowd: hostile.Figures = attrs.field(factory=hostile.Figures)
    again: float = float("inf")
    """Seconds from when there were descriptors again to the first answer to somebody new."""

    @property
    def share(self) -> float:
        """Of a processor."""
        return self.cpu / self.seconds if self.seconds else float("inf")


@attrs.define
class Story:
    """What was seen on one loop."""

    loop: str
    few: Spell = attrs.field(factory=Spell)
    none: Spell = attrs.field(factory=Spell)
    code: int | None = None
    broken: str = ""


async def run(options: Options) -> tuple[list[Check], str]:
    """Take them away, on each loop; the checks, and the story of it."""
    allow_descriptors()
    stories = [await _run(options, loop) for loop in LOOPS]
    return [check for story in stories for check in judge(story)], "\n".join(map(describe, stories))


async def _run(options: Options, loop: str) -> Story:
    story = Story(loop)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatekeeper-crowd-")))
        origin = start_origin(stack)
        port, admin = quiet_ports(2)
        text = file_text(port, admin, origin)
        plugins = [folder / "own_loop.py"] if loop == "asyncio" else []
        for plugin in plugins:
            plugin.write_text(ASYNCIO)
        gateway = Gateway(folder, text, admin, descriptors=(options.few, options.few), plugins=plugins)
        stack.callback(gateway.kill)
        try:
            async with waiting(hostile.Options("idle", port, options.crowd)) as herd:
                await gateway.started()
                await _few(options, gateway, port, herd, story.few)
                await _none(options, gateway, port, herd, story.none)
            story.code = await gateway.end()
        except (BrokenError, TimeoutError, OSError) as error:
            story.broken = repr(error)
    return story


async def _few(options: Options, gateway: Gateway, port: int, herd: Herd, spell: Spell) -> None:
    good = [asyncio.create_task(_ask_on(port, spell)) for _ in range(KEPT)]
    try:
        await asyncio.sleep(1.0)
        async with _watched(gateway, spell):
            await herd.come()
            await asyncio.sleep(options.seconds)
    finally:
        for task in good:
            task.cancel()
        await asyncio.wait(good)
    spell.crowd = await herd.look()
    await herd.leave()
    spell.again = await _answered_again(port)


async def _none(options: Options, gateway: Gateway, port: int, herd: Herd, spell: Spell) -> None:
    _, most = gateway.allowed
    highest = max(int(one.name) for one in (Path("/proc") / str(gateway.process.pid) / "fd").iterdir())
    gateway.allow(highest + 1, most)
    async with _watched(gateway, spell):
        await herd.tell("come")
        await asyncio.sleep(options.seconds)
        spell.crowd = await herd.look()
    await herd.leave()
    gateway.allow(most, most)
    spell.again = await _answered_again(port)


@asynccontextmanager
async def _watched(gateway: Gateway, spell: Spell) -> AsyncIterator[None]:
    begun, cpu, lines = monotonic(), gateway.cpu(), len(gateway.said())
    yield
    spell.seconds, spell.cpu = monotonic() - begun, gateway.cpu() - cpu
    spell.lines = gateway.said()[lines:]


async def _ask_on(port: int, spell: Spell) -> None:
    """Ask again and again on one connection."""
    client = await Client.open(port)
    with suppress(asyncio.CancelledError):
        while True:
            spell.asked += 1
            try:
                message = await client.ask(
                    b"GET /?seed=1&size=100 HTTP/1.1\r\nHost: crowd.example\r\n\r\n", len
                )
            except BrokenError as error:
                spell.failed.append(str(error))
                return
            if message.status != 200:
                spell.failed.append(f"answered {message.status}")
            await asyncio.sleep(PAUSE)
    client.close()


async def _answered_again(port: int) -> float:
    """Seconds until somebody new is answered."""
    begun = monotonic()
    while monotonic() < begun + AGAIN:
        with suppress(BrokenError):
            status, _ = await fetch(port, "GET", "/again?size=10")
            if status == 200:
                return monotonic() - begun
        await asyncio.sleep(PAUSE)
    return float("inf")


def judge(story: Story) -> list[Check]:
    """All checks."""
    few, none = story.few, story.none
    found = [
        Check(
            "few: requests of those who are there failed",
            "0",
            f"{len(few.failed)} of {few.asked}",
            not few.failed and few.asked > 0,
        ),
        checks.none_of("few: sent away without a word", few.crowd.dropped + few.crowd.unconnected),
    ]
    for name, spell in (("few", few), ("none", none)):
        found += [
            checks.at_most(f"{name}: share of a processor", spell.share, BUSY, ""),
            checks.at_most(
                f"{name}: lines of the log in one second", most_in_a_second(spell.lines), 1, "lines"
            ),
            checks.within(f"{name}: answers again after", spell.again, SOON),
            checks.same(f"{name}: answers again", True, spell.again < AGAIN),
        ]
    found += [
        checks.same("exit code", 0, story.code),
        checks.same("what kept it from its end", "", story.broken),
    ]
    return [attrs.evolve(one, name=f"{story.loop}, {one.name}") for one in found]


def describe(story: Story) -> str:
    """Figures that are no checks."""
    lines = []
    for name, spell in (("few", story.few), ("none", story.none)):
        crowd = spell.crowd
        lines.append(
            f"{story.loop}, {name}: {crowd.open} of {crowd.wanted} were let in, {crowd.refused} told 503,"
            f" {crowd.dropped} hung up on without a word; {spell.share:.0%} of a processor;"
            f" {len(spell.lines)} lines of the log"
        )
        lines += [f"  {text}" for text in dict.fromkeys(line.message[:200] for line in spell.lines)][:3]
        lines += [f"  {text}" for text in dict.fromkeys(spell.failed)][:3]
    return "\n".join(lines)

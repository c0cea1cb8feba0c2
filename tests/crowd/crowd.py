"""The crowd: quiet first, then resets, one address that wants too much, and all who are idle, slow or deaf at once."""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from time import monotonic
from typing import Final

from tests.crowd import hostile
from tests.crowd.allowance import allow_descriptors
from tests.crowd.good import Good, Phase
from tests.crowd.herd import Herd, waiting
from tests.crowd.process import Gateway, file_text, start_origin, tcp_memory
from tests.crowd.report import describe, judge
from tests.crowd.story import Held, Options, Round, Story
from tests.soak.checks import Check
from tests.soak.process import quiet_ports
from tests.soak.wire import BrokenError, fetch


SAMPLE: Final = 0.25
REST: Final = 1.0
"""Seconds in which memory comes to rest."""
LATE: Final = 5.0
"""Seconds that a limit of time may be late here, before it is looked at what has become of it."""


class _Run:
    """One gateway before its crowd."""

    def __init__(self, options: Options, gateway: Gateway, port: int, story: Story) -> None:
        self._options = options
        self._gateway = gateway
        self._port = port
        self._story = story

    async def run(self) -> None:
        """All of it."""
        async with AsyncExitStack() as stack:
            await self._run(stack)

    async def _run(self, stack: AsyncExitStack) -> None:
        options, story, gateway = self._options, self._story, self._gateway
        herds = await self._herds(stack)
        await gateway.started()
        for _ in range(20):
            await fetch(self._port, "GET", "/warm?size=100")
        good = Good(self._port, options.rate, Random(options.seed))
        story.asked, story.took = good.asked, good.took
        story.before = await self._rest(None)
        sampling = asyncio.create_task(self._sample())
        loading = asyncio.create_task(good.run())
        try:
            async with self._phase("quiet"):
                await asyncio.sleep(options.quiet)
            for number in range(1, options.rounds + 1):
                await self._round(herds, f" {number}" if options.rounds > 1 else "")
        finally:
            sampling.cancel()
            good.stop()
            await asyncio.wait([loading])
        loading.result()
        story.sent, story.due, story.idle_ends = good.sent, good.due, len(good.idle_ends)
        story.refused = await gateway.refused()
        story.after = await self._rest(story.before)
        story.code = await gateway.end()
        story.said = gateway.said()

    async def _herds(self, stack: AsyncExitStack) -> dict[str, Herd]:
        """One process for each kind, who wait until they are to come."""
        options, port = self._options, self._port
        wanted = {
            "resets": hostile.Options("resets", port, pace=options.resets),
            "address": hostile.Options("idle", port, options.place + options.beyond, network=2, addresses=1),
            "idle": hostile.Options("idle", port, options.idle, network=3),
            "heads": hostile.Options("heads", port, options.heads, network=4, pause=options.drip),
            "bodies": hostile.Options(
                "bodies", port, options.bodies, network=5, pause=min(1.0, options.drip)
            ),
            "deaf": hostile.Options("deaf", port, options.deaf, network=6),
        }
        started = [stack.enter_async_context(waiting(one)) for one in wanted.values()]
        return dict(zip(wanted, await asyncio.gather(*started), strict=True))

    async def _round(self, herds: Mapping[str, Herd], name: str) -> None:
        options, gateway = self._options, self._gateway
        async with self._phase(f"resets{name}"):
            resets = herds["resets"]
            await resets.tell("come")
            await asyncio.sleep(options.resetting)
            await resets.tell("stay away")
            await resets.look()
        async with self._phase(f"one address{name}"):
            counted = await self._address(herds["address"])
        idle, deaf, heads, bodies = (herds[kind] for kind in ("idle", "deaf", "heads", "bodies"))
        before = self._resident()
        async with self._phase(f"idle{name}"):
            await idle.come()
            await asyncio.sleep(REST)
        each_idle = (self._resident() - before) / options.idle
        before, kernel = self._resident(), tcp_memory()
        seen = len(gateway.large())
        async with self._phase(f"deaf{name}"):
            await deaf.come()
            await asyncio.sleep(REST)
        each_deaf = (self._resident() - before) / options.deaf
        kernel_deaf = (tcp_memory() - kernel) / options.deaf
        async with self._phase(f"all of them{name}"):
            await asyncio.gather(heads.come(), bodies.come())
            self._story.allowed = gateway.allowed
            deadline = monotonic() + options.write + 2 * LATE
            while monotonic() < deadline and len(gateway.large()) - seen < options.deaf:  # noqa: ASYNC110
                await asyncio.sleep(SAMPLE)
            for herd in (heads, bodies):
                await herd.tell("stay away")
            await heads.until(lambda found: not found.open, options.head + LATE)
            await bodies.until(lambda found: not found.open, options.window + LATE)
        async with self._phase(f"idle ones go{name}"):
            await idle.until(lambda found: not found.open, options.idle_time + LATE)
        await deaf.look()
        cut = gateway.large()[seen:]
        async with self._phase(f"gone{name}"):
            await asyncio.gather(*(herd.leave() for herd in (idle, deaf, heads, bodies)))
            await asyncio.sleep(REST)
        figures = {kind: herd.figures for kind, herd in herds.items()}
        self._story.rounds.append(
            Round(
                **figures,
                cut=cut,
                each_idle=each_idle,
                each_deaf=each_deaf,
                kernel_deaf=kernel_deaf,
                counted=counted,
                resident=self._resident(),
            )
        )

    async def _address(self, herd: Herd) -> int:
        """More from one address than have a place; those who have one ask again."""
        key = "connections_per_address"
        before = (await self._gateway.refused())[key]
        await herd.come()
        await herd.tell("ask")
        await herd.until(lambda found: found.answered >= found.asked)
        counted = (await self._gateway.refused())[key] - before
        await herd.leave()
        return counted

    @asynccontextmanager
    async def _phase(self, name: str) -> AsyncIterator[None]:
        gateway = self._gateway
        begin, cpu, lines, answers = monotonic(), gateway.cpu(), len(gateway.said()), gateway.log.answers
        yield
        said = gateway.said()[lines:]
        phase = Phase(
            name,
            begin,
            monotonic(),
            gateway.cpu() - cpu,
            self._resident(),
            len(said),
            gateway.log.answers - answers,
        )
        self._story.phases.append(phase)
        # all of it takes minutes
        print(f"{name}: {phase.end - phase.begin:.1f} s", file=sys.stderr, flush=True)

    def _resident(self) -> int:
        return self._gateway.sample(0.0).resident

    async def _sample(self) -> None:
        story = self._story
        while True:
            found = self._gateway.sample(0.0)
            story.highest = max(story.highest, found.resident)
            story.descriptors = max(story.descriptors, found.descriptors)
            await asyncio.sleep(SAMPLE)

    async def _rest(self, before: Held | None) -> Held:
        """What the gateway holds at rest: as soon as that is no more than it was, or when it should be."""
        deadline = monotonic() + self._options.pool_idle + LATE
        while True:
            descriptors = self._gateway.sample(0.0).descriptors
            held = Held(descriptors, await self._gateway.get("/plugins/probe/objects"))
            if monotonic() > deadline or (before is None or not held.exceeds(before)):
                return held
            await asyncio.sleep(SAMPLE)


async def run(options: Options) -> tuple[list[Check], str]:
    """Let them come; the checks, and the story of it."""
    story = Story(options)
    most = allow_descriptors()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatekeeper-crowd-")))
        origin = start_origin(stack)
        port, admin = quiet_ports(2)
        text = file_text(port, admin, origin, options.server, options.service)
        plugins = []
        if options.plugin:
            plugins.append(folder / "hurry.py")
            plugins[0].write_text(options.plugin)
        gateway = Gateway(folder, text, admin, descriptors=(options.descriptors, most), plugins=plugins)
        stack.callback(gateway.kill)
        try:
            await _Run(options, gateway, port, story).run()
        except (BrokenError, TimeoutError, OSError) as error:
            story.broken = repr(error)
            story.said = gateway.said()
    return judge(story), describe(story)

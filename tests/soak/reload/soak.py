"""The soak of reloads: 1,000 edits in ten minutes while requests, slow transfers and event streams go on."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from random import Random
from typing import Final

import attrs

from tests.soak import checks
from tests.soak.checks import Check
from tests.soak.process import GatewayProcess, Sample, quiet_ports, start_origin
from tests.soak.reload.edits import ASKED, Editor
from tests.soak.reload.ledger import Ledger
from tests.soak.reload.load import CLIENTS, Load
from tests.soak.reload.sabotage import SABOTAGES
from tests.soak.reload.shape import DRAIN, Ports, Shape
from tests.soak.reload.slow import Counts, Slow
from tests.soak.reload.writing import WAYS
from tests.soak.sabotage import NONE
from tests.soak.wire import BrokenError, fetch


CALM: Final = 2.0 * DRAIN
"""Seconds in which everything comes to rest once nobody asks for anything."""
TYPICAL: Final = 1.0
"""Seconds until an edit is in force, mostly."""
HEARD: Final = 1.25
"""The same mostly, where only the file tells. They come one after the other: a watch calls once a second at most."""
SOON: Final = 5.0
"""The same, at most."""
QUIET: Final = 10.0
"""Seconds within which something comes on everything that is open."""


@attrs.frozen
class Options:
    """How much is soaked."""

    seconds: float = 600.0
    edits: int = 1000
    rate: int = 300
    seed: int = 0
    sabotage: str = ""

    @property
    def counts(self) -> Counts:
        """What is slow: short transfers last a tenth of the time at most."""
        longest = max(2.0, self.seconds / 10)
        return Counts(shortest=longest / 10, longest=longest)


SHORT: Final = Options(seconds=20.0, edits=44, rate=100)
"""Where a gateway is spoiled."""


@attrs.frozen
class Calm:
    """What a gateway holds while nobody asks for anything."""

    descriptors: int
    tasks: Mapping[str, int]
    threads: Mapping[str, int]
    kept: int
    objects: Mapping[str, int]

    def exceeds(self, other: "Calm") -> bool:
        """Whether it holds more of anything but threads."""
        return (
            self.descriptors > other.descriptors
            or self.kept > other.kept
            or sum(self.tasks.values()) > sum(other.tasks.values())
            or any(count > other.objects.get(name, 0) for name, count in self.objects.items())
        )


@attrs.define
class Soak:
    """One run, with everything that was seen."""

    options: Options
    ports: Ports
    gateway: GatewayProcess
    ledger: Ledger
    load: Load
    slow: Slow
    editor: Editor
    samples: list[Sample] = attrs.field(factory=list)
    before: Calm | None = None
    after: Calm | None = None
    holders: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    """What refers to objects that should be no more, by class."""
    seconds: float = 0.0
    errors: int = -1
    opened: int = 0
    """Connections to instances."""
    code: int | None = None

    async def run(self) -> None:
        """Soak; what goes wrong is in the ledger."""
        await self.gateway.started()
        await self._warm()
        self.before = await self._calm()
        begun = time.monotonic()
        sampling = asyncio.create_task(self._sample(begun))
        loading = asyncio.create_task(self.load.run())
        self.slow.start()
        try:
            await self.editor.run(self.options.edits, self.options.seconds)
            self.seconds = time.monotonic() - begun
            sampling.cancel()
            await self.slow.stop()
        finally:
            sampling.cancel()
            self.load.stop()
            await asyncio.wait([loading])
        loading.result()
        requests = await self.gateway.get("/api/v1/metrics/requests")
        self.errors = requests["by_status"].get("5xx", 0)
        for port in self.ports.origins:
            self.opened += int((await fetch(port, "GET", "/connections"))[1])
        self.after = await self._calm(self.before)
        self.holders = {
            name: await self.gateway.get(f"/plugins/probe/holders/{name}")
            for name, count in self.after.objects.items()
            if count > self.before.objects.get(name, 0)
        }
        self.code = await self.gateway.end()
        self.editor.account()

    async def _warm(self) -> None:
        """Use everything once, so that what is made at its first use is there."""
        await self.load.visit("fast", 2 * CLIENTS)
        for path in ("upload", "missing"):
            await self.load.look(path)
        for _ in range(3):
            await asyncio.gather(*(self.gateway.get("/api/v1/metrics/system") for _ in range(20)))

    async def _calm(self, wanted: Calm | None = None) -> Calm:
        """Wait until nothing goes on any more: until nothing changes, or is more than what is `wanted`."""
        deadline = time.monotonic() + CALM
        last, found = None, await self._look()
        while time.monotonic() < deadline:
            if found == last if wanted is None else not found.exceeds(wanted):
                break
            # longer than a pool keeps a connection, and sweeps
            await asyncio.sleep(2.5)
            last, found = found, await self._look()
        return found

    async def _look(self) -> Calm:
        names = await self.gateway.get("/plugins/probe/")
        # the connection that asked is closed by now, and is not by the time of the answer
        await asyncio.sleep(0.2)
        sample = self.gateway.sample(0.0)
        objects = await self.gateway.get("/plugins/probe/objects")
        return Calm(sample.descriptors, names["tasks"], names["threads"], names["kept"], objects)

    async def _sample(self, begun: float) -> None:
        while True:
            self.samples.append(self.gateway.sample(time.monotonic() - begun))
            await asyncio.sleep(1.0)

    # ---- what came of it --------------------------------------------------------------------------------------------

    def checks(self) -> list[Check]:
        """All of them."""
        faults, editor, counts = self.ledger.faults, self.editor, self.options.counts
        sound = [one.took for one in editor.done if one.sound]
        heard = [one.took for one in editor.done if one.sound and one.way in WAYS]
        broken = [one.took for one in editor.done if not one.sound]
        found = [
            checks.all_of("requests answered", len(self.load.latencies), self.load.sent, CLIENTS),
            checks.in_time(self.load.sent, self.load.due),
            checks.none_of("failed requests", faults["failed"]),
            checks.none_of("answers 5xx, as the gateway counts", self.errors),
            checks.none_of("connections ended without a word", faults["hung up"]),
            checks.none_of("answers of a wrong revision", faults["revision"]),
            checks.none_of("failures at a listener that comes and goes", faults["guest"]),
            checks.all_of("sound edits in force", len(sound), editor.sound),
            checks.within("sound edits, median", checks.median(sound), TYPICAL),
            checks.within("sound edits that nobody asked to read, median", checks.median(heard), HEARD),
            checks.within("sound edits, longest", checks.share(sound, 1.0), SOON),
            checks.all_of("broken edits told with their place", len(broken), editor.broken),
            checks.within("broken edits, longest", checks.share(broken, 1.0), SOON),
            checks.none_of("edits that came to nothing", faults["edit"] + faults["refusal"]),
            checks.none_of("differences between file and state", faults["state"] + faults["admin"]),
            checks.none_of("edits not told exactly once", faults["log"]),
            checks.none_of("other complaints in the log", faults["complaint"]),
            checks.within("silence in a transfer, longest", self.slow.silence, QUIET),
            checks.none_of("transfers that were not whole", faults["slow"]),
            checks.all_of(
                "slow transfers whole",
                self.slow.whole,
                self.slow.whole + faults["slow"],
                counts.downloads + counts.uploads,
            ),
            checks.all_of("event streams without a gap", self.slow.streams, counts.streams),
            checks.at_most("memory growth", checks.growth(self.samples), checks.GROWTH, "MiB"),
        ]
        before, after = self.before, self.after
        if before is None or after is None:
            found.append(Check("the end", "reached", "not reached", holds=False))
        else:
            found += [
                checks.no_more("descriptors", before.descriptors, after.descriptors),
                checks.no_more("tasks", sum(before.tasks.values()), sum(after.tasks.values())),
                *_threads(before.threads, after.threads),
                checks.no_more("kept things", before.kept, after.kept),
                *(
                    checks.no_more(
                        f"objects: {name}", before.objects.get(name, 0), after.objects.get(name, 0)
                    )
                    for name in sorted({*before.objects, *after.objects})
                ),
            ]
        found.append(checks.same("exit code", 0, self.code))
        return found

    def story(self) -> str:
        """Figures that are no checks."""
        load, slow, editor = self.load, self.slow, self.editor
        resident = [one.resident / checks.MEBIBYTE for one in self.samples] or [0.0]
        by_way = {way: [one for one in editor.done if one.way == way] for way in sorted({*WAYS, *ASKED})}
        rows = [["WAY", "EDITS", "SOUND p50", "max", "BROKEN p50", "max"]]
        for way, done in {**by_way, "all": editor.done}.items():
            sound = [one.took for one in done if one.sound]
            broken = [one.took for one in done if not one.sound]
            cells = [f"{checks.share(took, part):.2f} s" for took in (sound, broken) for part in (0.5, 1.0)]
            rows.append([way, str(len(done)), *cells])
        lines = [
            f"{self.options.edits} edits in {self.seconds:.0f} s, seed {self.options.seed}",
            f"requests: {load.sent} at {self.options.rate}/s; {_milliseconds(load.latencies)}",
            f"connections: {load.connections}, ended by answers {load.reopened}, to instances {self.opened}",
            f"transfers: {slow.whole} whole; events: {slow.events}",
            f"memory: {resident[0]:.1f} MiB at first, {max(resident):.1f} at most, {resident[-1]:.1f} at last",
            f"descriptors: {max((one.descriptors for one in self.samples), default=0)} at most",
            f"edits read twice, as somebody asked when they had just been heard of: {editor.twice}",
            "",
            checks.table(rows),
        ]
        for kind, examples in self.ledger.examples.items():
            lines += ["", f"{kind}, {self.ledger.faults[kind]} times:", *(f"  {one}" for one in examples)]
        if self.before is not None and self.after is not None:
            for name in ("tasks", "threads", "objects"):
                before, after = getattr(self.before, name), getattr(self.after, name)
                if before != after:
                    lines += ["", f"{name} before: {before}", f"{name} after:  {after}"]
        for name, holders in self.holders.items():
            lines += ["", f"what refers to a {name}:", *(f"  {holder}" for holder in holders)]
        return "\n".join(lines)


def _milliseconds(seconds: Sequence[float]) -> str:
    figures = {"p50": 0.5, "p99": 0.99, "max": 1.0}
    return ", ".join(f"{name} {checks.share(seconds, part) * 1e3:.1f} ms" for name, part in figures.items())


def _threads(before: Mapping[str, int], after: Mapping[str, int]) -> list[Check]:
    """Those of the loop's pool come as they are needed, up to a fixed number; others do not."""
    pool = "pool"
    most = min(32, (os.cpu_count() or 1) + 4)
    return [
        checks.no_more("threads of the pool", most, after.get(pool, 0)),
        checks.no_more(
            "other threads",
            sum(before.values()) - before.get(pool, 0),
            sum(after.values()) - after.get(pool, 0),
        ),
    ]


@asynccontextmanager
async def opened(options: Options) -> AsyncIterator[Soak]:
    """A soak that is ready to run."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gatekeeper-soak-")))
        main, guest, admin = quiet_ports(3)
        ports = Ports(main, guest, admin, (start_origin(stack), start_origin(stack)))
        shape, sabotage = Shape(ports), SABOTAGES.get(options.sabotage, NONE)
        randoms = [Random(f"{options.seed} {what}") for what in ("requests", "transfers", "edits")]
        ledger = Ledger(shape.revision)
        (folder / "gateway.yaml").write_text(shape.text())
        gateway = GatewayProcess(folder, admin, sabotage.write(folder))
        stack.callback(gateway.kill)
        load = Load(ports, ledger, options.rate, randoms[0])
        slow = Slow(ports, ledger, randoms[1], options.counts)
        editor = Editor(gateway, ledger, load, slow, shape, randoms[2])
        yield Soak(options, ports, gateway, ledger, load, slow, editor)


async def run(options: Options) -> tuple[list[Check], str]:
    """Soak; the checks, and the story of it."""
    async with opened(options) as soak:
        try:
            await soak.run()
        except (BrokenError, TimeoutError) as error:
            soak.ledger.fault("admin", repr(error))
        return soak.checks(), soak.story()

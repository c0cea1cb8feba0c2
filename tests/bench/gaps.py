"""How long it takes to read many routes, and how long the loop waits for it meanwhile."""

import asyncio
import gc
import signal
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Final

import orjson
import yaml

from tests.bench import payload, process
from tests.bench.suite import note


RATE: Final = 300
CALLERS: Final = 16
TICK: Final = 0.001
REST: Final = 0.5
NOTABLE: Final = 0.005
"""Seconds from which on a gap is asked who made it."""
YOUNG: Final = 2000


class Workshop:
    """A gateway, and what it reads and builds beside serving."""

    def __init__(self, path: Path) -> None:
        # the rest of the benchmark runs without gatekeeper
        from gatekeeper.extend.host import PluginHost
        from gatekeeper.runtime.gateway import Gateway as Served
        from gatekeeper.runtime.loading import load_gateway

        self.host = PluginHost()
        self._read = load_gateway
        self.gateway = Served(self.load(path).config, self.host)
        self._builder = self.gateway.builder

    def load(self, path: Path) -> Any:
        """Read a file and check it."""
        return self._read(path, self.host, env_file=False)

    def build(self, loaded: Any) -> Any:
        """Put together what was read, in whatever thread."""
        return self._builder.prepare(loaded.config, 2).snapshot


# ---- loading ------------------------------------------------------------------------------------------------------


def loading(few: Path, many: Path, repeats: int) -> dict[str, list[float]]:
    """Return the seconds of CPU that each step takes for the many, without collections, in turn."""
    workshop = Workshop(few)
    text = many.read_text()
    loader = yaml.CSafeLoader
    found: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        gc.collect()
        gc.disable()
        begun = time.thread_time()
        made = work()
        found.setdefault(name, []).append(time.thread_time() - begun)
        gc.enable()
        return made

    for _ in range(repeats):
        timed("yaml.parse", lambda: sum(1 for _ in yaml.parse(text, Loader=loader)))
        timed("yaml.load", lambda: yaml.load(text, Loader=loader))
        loaded = timed("load_gateway", lambda: workshop.load(many))
        timed("Builder.prepare", partial(workshop.build, loaded))
        del loaded
    for name, seconds in found.items():
        note(f"routes {name:14} {statistics.median(seconds):6.2f} s")
    return found


# ---- how long the loop waits --------------------------------------------------------------------------------------


class Ticker:
    """Measures how late a coroutine is that wants to run every millisecond, and who had the interpreter instead."""

    def __init__(self) -> None:
        self.late: list[tuple[float, float, str]] = []
        """When it ran, how many seconds too late, and where another thread was then."""
        self.stopped = False

    async def run(self) -> None:
        """Tick until stopped."""
        before = time.perf_counter()
        while not self.stopped:
            await asyncio.sleep(TICK)
            now = time.perf_counter()
            late = now - before - TICK
            self.late.append((now, late, whereabouts() if late > NOTABLE else ""))
            before = time.perf_counter()


def whereabouts() -> str:
    """Return where in gatekeeper another thread lost the interpreter: just behind what kept it."""
    own = threading.get_ident()
    for ident, innermost in sys._current_frames().items():
        frame: FrameType | None = innermost if ident != own else None
        while frame is not None:
            _, found, place = frame.f_code.co_filename.rpartition("/gatekeeper/")
            if found:
                return f"{place}:{frame.f_lineno} {frame.f_code.co_name}"
            frame = frame.f_back
    return "none"


class Watched:
    """A gateway that serves and loads; its phases with their times."""

    def __init__(self) -> None:
        self.phases: list[tuple[str, float, float]] = []
        self.blocked: dict[str, list[float]] = {}
        """Seconds that a step takes which the loop does itself."""
        self._begun = 0.0

    def begin(self) -> None:
        """Begin a phase."""
        self._begun = time.perf_counter()

    def end(self, name: str) -> None:
        """End it, and begin the next one."""
        now = time.perf_counter()
        self.phases.append((name, self._begun, now))
        self._begun = now

    def block(self, name: str, work: Callable[[], object]) -> None:
        """Do something on the loop."""
        begun = time.perf_counter()
        work()
        self.blocked.setdefault(name, []).append(time.perf_counter() - begun)

    async def play(self, workshop: Workshop, many: Path, repeats: int) -> None:
        """Load so many times; put each result into force, and drop what was."""
        from gatekeeper.runtime.loading import in_background

        gateway = workshop.gateway
        in_force: list[Any] = []

        def work() -> tuple[Any, Any]:
            loaded = workshop.load(many)
            self.end("load")
            built = workshop.build(loaded)
            self.end("build")
            return loaded, built

        def swap(snapshot: Any) -> None:
            before, gateway.snapshot = gateway.snapshot, snapshot
            if before is not None:
                before.retire(lambda snapshot: None)

        gc.collect()
        gc.freeze()
        for _ in range(repeats):
            # whoever waited for the last step is answered
            await asyncio.sleep(REST)
            self.begin()
            await asyncio.sleep(REST)
            self.end("nothing")
            made = await in_background(work)
            # enough for the collector to look through what was made, as it does when requests come
            litter = [[number] for number in range(YOUNG)]
            del litter
            await asyncio.sleep(REST)
            self.end("rest")
            self.block("swap", partial(swap, made[1]))
            if in_force:
                self.block("drop", in_force.clear)
            in_force += made
            del made
            await asyncio.sleep(REST)
            self.block("collect", gc.collect)
        gc.unfreeze()

    def rows(self, late: list[tuple[float, float, str]]) -> list[dict[str, Any]]:
        """Return the delays of each phase."""
        rows = []
        for name, begun, ended in self.phases:
            # a delay belongs where it ended, so that a phase has that of its last step
            found = [(delay, place) for now, delay, place in late if begun < now <= ended]
            ordered = sorted(delay for delay, _ in found)
            largest = max(found, default=(0.0, ""))
            rows.append({"phase": name, "seconds": ended - begun, **spread(ordered), "where": largest[1]})
        return rows


def spread(ordered: Sequence[float]) -> dict[str, float]:
    """Return the milliseconds that half, all but a hundredth, and all are within."""
    if not ordered:
        return {"p50": 0.0, "p99": 0.0, "max": 0.0}
    count = len(ordered)
    at = {"p50": count // 2, "p99": min(count - 1, count * 99 // 100), "max": count - 1}
    return {name: ordered[index] * 1e3 for name, index in at.items()}


async def gaps(few: Path, many: Path, repeats: int, rate: int) -> dict[str, Any]:
    """Load beside a gateway that serves so many requests per second; return what waited in which phase."""
    workshop = Workshop(few)
    said = many.with_suffix(".json")
    async with workshop.gateway as gateway:
        watched, ticker = Watched(), Ticker()
        ticking = asyncio.create_task(ticker.run())
        client = None
        if rate:
            port = gateway.listeners["main"].rpartition(":")[2]
            client = process.helper("routes", ["steady", port, str(rate), str(said)], sys.executable)
            await asyncio.sleep(REST)
        try:
            await watched.play(workshop, many, repeats)
        finally:
            ticker.stopped = True
            await ticking
            if client is not None:
                # it ends what it has begun, and writes
                await asyncio.to_thread(process.stop, client)
    answers = orjson.loads(said.read_bytes()) if rate else []
    return {
        "loop": watched.rows(ticker.late),
        "client": watched.rows([(due + late, late, "") for due, late in answers]) if rate else [],
        "blocked": watched.blocked,
    }


# ---- processes of their own ---------------------------------------------------------------------------------------


async def steady(port: int, rate: int) -> list[tuple[float, float]]:
    """Ask so many times a second until told to end; return when each request was due, and its seconds from then."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    found: list[tuple[float, float]] = []
    begun = time.perf_counter()

    async def call(due: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while not ended.is_set():
            await asyncio.sleep(due - time.perf_counter())
            writer.write(payload.GET)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 "), head
            await reader.readexactly(len(payload.ANSWER_BODY))
            found.append((due, time.perf_counter() - due))
            due += CALLERS / rate
        writer.close()

    await asyncio.gather(*(call(begun + number / rate) for number in range(CALLERS)))
    return found

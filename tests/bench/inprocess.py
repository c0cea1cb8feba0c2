"""Costs too small to be seen through sockets: a played exchange through compiled chains, as multiples of the empty chain.

Best of twenty times 5,000, in CPU time of this thread. The chains take turns, so that whatever disturbs the machine
disturbs all of them. Which chains these are, `chains.py` says.
"""

import gc
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import uvloop

from tests.bench import process
from tests.bench.suite import Bench, note


Play = Callable[[], Awaitable[object]]


async def batch(play: Play, calls: int) -> float:
    """Return the microseconds of CPU that one call takes on average."""
    begun = time.thread_time_ns()
    for _ in range(calls):
        await play()
    return (time.thread_time_ns() - begun) / 1e3 / calls


async def best(plays: Mapping[str, Play], repeats: int, calls: int) -> dict[str, float]:
    """Return the lowest average of each."""
    lowest: dict[str, float] = {}
    for play in plays.values():
        await batch(play, calls // 10)
    gc.collect()
    gc.freeze()
    for _ in range(repeats):
        for name, play in plays.items():
            gc.collect()
            took = await batch(play, calls)
            lowest[name] = min(took, lowest.get(name, took))
    gc.unfreeze()
    return lowest


def run(bench: Bench) -> dict[str, Any]:
    """Time the chains; without them say why."""
    try:
        from tests.bench import chains  # the rest of the benchmark runs without gatekeeper

        async def timed() -> dict[str, float]:
            return await best(await chains.build(), bench.options.repeats, bench.options.calls)

        with process.on_core(process.PROXY_CORE):
            microseconds = uvloop.run(timed())
    except ImportError as error:
        note(f"in process: skipped, {error}")
        bench.failed["in process"] = str(error)
        return {"microseconds": {}}
    for name, took in microseconds.items():
        note(f"in process {took:7.2f} µs {took / microseconds[chains.EMPTY]:5.2f} times, {name}")
    return {"empty": chains.EMPTY, "microseconds": microseconds}

"""Runs many rows against a target: in company first, and in ever smaller company where that has left something behind.

What can only be seen from outside is looked at once for many rows: descriptors and connections of the target, its log,
requests that came from nowhere. Where there is something, each half of the rows runs again, until the one that did it is named.
"""

import asyncio
import collections
from collections.abc import Sequence
from typing import Final

import attrs

from tests.wire import targets
from tests.wire.engine import Engine, Outcome
from tests.wire.others import SLOW, TRIES, canary
from tests.wire.row import Row
from tests.wire.targets import Running
from tests.wire.upstream import Upstream


BESIDE: Final = 16
"""Rows that run at the same time."""
WAITING: Final = 64
"""Rows beside them that do little but wait."""
FLUSHED: Final = 2.0
"""Seconds in which the access log must have the line of an answer."""
_WARM_UP: Final = 4


async def judge(
    name: str, rows: Sequence[Row], *, beside: int = BESIDE, peers: str | None = None
) -> list[Outcome]:
    """Run the rows against a target, a process for each profile; in their order.

    Rows of profiles that the target does not have are left out. `peers` is the folder where peers are looked for first.
    """
    by_profile: dict[str, list[Row]] = collections.defaultdict(list)
    for row in rows:
        if name in targets.STUBS:
            by_profile["plain"].append(row)
        elif row.profile == "plain" or name in targets.PROFILED:
            by_profile[row.profile].append(row)
    found = await asyncio.gather(*(_profile(name, *item, beside, peers) for item in by_profile.items()))
    outcomes = {outcome.row.id: outcome for some in found for outcome in some}
    return [outcomes[row.id] for row in rows if row.id in outcomes]


async def _profile(
    name: str, profile: str, rows: Sequence[Row], beside: int, peers: str | None
) -> list[Outcome]:
    async with (
        Upstream(targets.SERVICES) as upstream,
        targets.running(name, profile, upstream.ports, peers) as target,
    ):
        bench = Bench(upstream, target)
        await bench.warm_up()
        return [await bench.again(outcome) for outcome in await bench.judge(rows, beside)]


class Bench:
    """A target, watched from outside."""

    def __init__(self, upstream: Upstream, target: Running) -> None:
        self._upstream = upstream
        self._target = target
        self._engine = Engine(upstream, target)
        self._level = 0
        self._errors = 0

    async def warm_up(self) -> None:
        """Let everything be there that stays for good, and remember the level."""
        await asyncio.gather(*(canary(self._upstream, self._target.port) for _ in range(_WARM_UP)))
        self._upstream.hang_up()
        await asyncio.sleep(0.2)
        self._level = self._target.descriptors()

    async def judge(self, rows: Sequence[Row], beside: int) -> list[Outcome]:
        """Run rows of one profile."""
        company = await self._together([row for row in rows if not row.is_alone], beside)
        outcomes = [company.get(row.id) or await self._engine.run(row) for row in rows]
        left = await self._left(outcomes)
        outcomes = [attrs.evolve(one, left=tuple(self._strays(one))) for one in outcomes]
        left += [what for _, what in self._upstream.strays]
        self._upstream.strays.clear()
        if not left:
            return outcomes
        half = len(rows) // 2
        if not half or not self._target.house:
            what = f"{len(rows)} rows together: " if half else ""
            last = outcomes[-1]
            outcomes[-1] = attrs.evolve(last, left=(*last.left, *(what + one for one in left)))
            return outcomes
        again = [*await self.judge(rows[:half], beside), *await self.judge(rows[half:], beside)]
        if not any(one.left for one in again):
            together = tuple(f"{len(rows)} rows together: {what}" for what in left)
            again[-1] = attrs.evolve(again[-1], left=together)
        both = zip(outcomes, again, strict=True)
        return [attrs.evolve(one, left=(*one.left, *other.left)) for one, other in both]

    async def _together(self, rows: Sequence[Row], beside: int) -> dict[str, Outcome]:
        busy, idle = asyncio.Semaphore(beside), asyncio.Semaphore(WAITING)

        async def one(row: Row) -> Outcome:
            async with idle if row.waits else busy:
                return await self._engine.run(row)

        return {outcome.row.id: outcome for outcome in await asyncio.gather(*map(one, rows))}

    async def again(self, outcome: Outcome) -> Outcome:
        """Run a row again that was slow and nothing else: the machine may have been, too; what is slow stays slow."""
        for _ in range(TRIES - 1):
            if not outcome.complaints or not all(SLOW.search(what) for what in outcome.complaints):
                break
            outcome = attrs.evolve(await self._engine.run(outcome.row), left=outcome.left)
        return outcome

    def _strays(self, outcome: Outcome) -> list[str]:
        """What has the name of one of its runs, and came when that was over."""
        found = [one for one in self._upstream.strays if one[0] in outcome.names]
        for one in found:
            self._upstream.strays.remove(one)
        return [what for _, what in found]

    async def _left(self, outcomes: Sequence[Outcome]) -> list[str]:
        """What rows have left behind, and nobody's name is on."""
        found = []
        if self._target.ended:
            raise RuntimeError(self._target.ended)
        self._upstream.hang_up()
        if what := await self._target.quiet(self._level):
            found.append(what)
            self._level = self._target.descriptors()
        return found + await self._log(outcomes)

    async def _log(self, outcomes: Sequence[Outcome]) -> list[str]:
        if not self._target.house:
            return []
        wanted = [one for outcome in outcomes for one in outcome.ids]
        end = asyncio.get_running_loop().time() + FLUSHED
        while True:
            lines, errors = self._target.lines()
            odd = [(one, lines[one]) for one in wanted if lines[one] != 1]
            if not odd or asyncio.get_running_loop().time() > end:
                break
            await asyncio.sleep(0.05)
        found = [f"{count} lines of the access log for the answer {one.decode()}" for one, count in odd[:5]]
        found += [f"in the log: {what}" for what in errors[self._errors : self._errors + 5]]
        self._errors = len(errors)
        return found

"""The workers that live: each place has one that serves, and who dies is replaced.

A worker whose loop does not turn counts as dead; one that is to be renewed has its successor first.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from gatekeeper.config.problems import ConfigError, Problem
from gatekeeper.observe.totals import Totals
from gatekeeper.policy.respawn import Respawn
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.workers.channel import ChannelClosed, Refused
from gatekeeper.workers.process import WorkerProcess


log = logging.getLogger(__name__)

STUCK: Final = 3.0
"""Seconds without a sign of life, after which a worker is replaced."""
UNBORN: Final = 30.0
"""The same before the first one: an interpreter starts, on a machine that may be busy."""
LOOK: Final = 0.25
"""Seconds between two looks at all workers."""
START: Final = 60.0
"""Seconds at most from its first message until a worker serves."""
LATE: Final = 1.0
"""A look that comes later than this says nothing about the workers: this process has stood still."""
END: Final = 2.0
"""Seconds for a worker that is done to end."""
COUNT: Final = 5.0
"""Seconds between two times that the counts of workers are taken, in case that they die."""


Begin = Callable[[WorkerProcess], Awaitable[None]]
"""Tells a worker what it needs to serve, and waits until it does."""


class WorkerFailed(Exception):
    """A worker could not begin; the message says why."""


class Crew:
    """The workers of one gateway, one for each place; `begin` is for those that come while others serve.

    `on_look` is called four times a second, and `on_vacant` with a place that stays empty for a while.
    """

    def __init__(
        self,
        gateway: Gateway,
        count: int,
        begin: Begin,
        on_look: Callable[[], object],
        on_vacant: Callable[[int], Awaitable[None]],
    ) -> None:
        self.totals: Final = Totals()
        self.workers: Final[list[WorkerProcess]] = []
        """All that live: those that start, serve, or finish what they have begun."""
        self._gateway: Final = gateway
        self._begin: Final = begin
        self._on_look: Final = on_look
        self._on_vacant: Final = on_vacant
        self._serving: Final[list[WorkerProcess | None]] = [None] * count
        self._places: Final = [asyncio.Lock() for _ in range(count)]
        self._respawns: Final = [Respawn() for _ in range(count)]
        self._watches: Final[dict[WorkerProcess, asyncio.Task[None]]] = {}
        self._restarting: Final = asyncio.Lock()
        self._draining = False
        metrics = gateway.metrics
        metrics.gauge_function("gatekeeper_workers", "Workers that serve.", lambda: float(len(self.serving)))
        self._deaths = metrics.counter("gatekeeper_worker_deaths_total", "Workers that died, or were stuck.")
        self._renewals = metrics.counter("gatekeeper_worker_renewals_total", "Workers that were renewed.")

    @property
    def serving(self) -> list[WorkerProcess]:
        """Those that take requests."""
        return [worker for worker in self._serving if worker is not None]

    def tell_all(self, name: str, data: Any = None) -> None:
        """Say something to all workers."""
        for worker in self.workers:
            worker.channel.tell(name, data)

    # ---- the beginning of a worker --------------------------------------------------------------------------------

    async def start_all(self, begin: Begin) -> None:
        """Start the first ones.

        Raises:
            ConfigError, WorkerFailed, OSError: one of them cannot begin; none is left.

        """
        self._gateway.spawn("look at workers", self._look())
        tasks = [asyncio.create_task(self._spawn(slot, begin)) for slot in range(len(self._serving))]
        try:
            for worker in await asyncio.gather(*tasks):
                self._serve(worker)
        except BaseException:
            # those that had not come as far must not serve what is refused
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._end_all()
            raise
        self._gateway.spawn("count for workers", self._count())

    async def _spawn(self, slot: int, begin: Begin) -> WorkerProcess:
        """Start a worker.

        Raises:
            WorkerFailed, ConfigError, OSError: it cannot begin.

        """
        worker = await WorkerProcess.spawn(slot, self._gateway.clock, {"refused": self._gateway.audit.take})
        self.workers.append(worker)
        self._watches[worker] = self._gateway.spawn(f"end of {worker.name}", self._watch(worker))
        try:
            async with asyncio.timeout(START):
                await begin(worker)
        except BaseException as error:
            worker.leaving = True
            worker.kill()
            if isinstance(error, Refused):
                raise _failure(worker, error) from error
            if isinstance(error, ChannelClosed):
                raise WorkerFailed(f"{worker.name} died before it served; its output says why") from error
            if isinstance(error, TimeoutError):
                raise WorkerFailed(f"{worker.name} did not serve within {START:g} s") from error
            raise
        return worker

    def _serve(self, worker: WorkerProcess) -> bool:
        """Give a worker its place; False, and its end, where it has come too late."""
        if self._draining:
            worker.leaving = True
            worker.kill()
            return False
        worker.served = self._gateway.clock.monotonic()
        self._serving[worker.slot] = worker
        return True

    # ---- the end of a worker --------------------------------------------------------------------------------------

    async def _watch(self, worker: WorkerProcess) -> None:
        """Wait for the end of a worker, and replace it if it was not meant to end."""
        why = await worker.wait()
        self.totals.end(worker)
        self.workers.remove(worker)
        del self._watches[worker]
        if self._serving[worker.slot] is not worker:
            return
        self._serving[worker.slot] = None
        if self._draining:
            return
        self._deaths.child().inc()
        log.error("%s has died: %s", worker.name, why, extra={"worker": worker.slot + 1, "pid": worker.pid})
        assert worker.served is not None
        lived = self._gateway.clock.monotonic() - worker.served
        async with self._places[worker.slot]:
            # a renewal that was under way has filled the place
            if self._serving[worker.slot] is None:
                await self._revive(worker.slot, lived)

    async def _revive(self, slot: int, lived: float) -> None:
        while not self._draining:
            if delay := self._respawns[slot].delay(lived):
                log.error("worker %d dies again and again; the next one comes in %g s", slot + 1, delay)
                await self._on_vacant(slot)
                await asyncio.sleep(delay)
            try:
                worker = await self._spawn(slot, self._begin)
            except (WorkerFailed, ConfigError, OSError) as error:
                log.error("worker %d cannot be replaced: %s", slot + 1, error)  # noqa: TRY400 - the message says it
                lived = 0.0
                continue
            if self._serve(worker):
                log.info("worker %d serves again", slot + 1, extra={"worker": slot + 1, "pid": worker.pid})
            return

    async def _look(self) -> None:
        """Look after all workers: those that are stuck are replaced."""
        clock = self._gateway.clock.monotonic
        last = clock()
        while True:
            await asyncio.sleep(LOOK)
            now = clock()
            if now - last > LATE:
                for worker in self.workers:
                    worker.heard = now
            last = now
            for worker in list(self.workers):
                silent = now - worker.heard
                if silent > (STUCK if worker.beats else UNBORN):
                    worker.heard = now + STUCK
                    self._gateway.spawn(f"end {worker.name}", self._put_down(worker, silent))
            self._on_look()

    async def _put_down(self, worker: WorkerProcess, silent: float) -> None:
        log.error(
            "%s is stuck, for %.1f s now, and is killed: %s",
            worker.name,
            silent,
            await worker.stack(),
            extra={"worker": worker.slot + 1, "pid": worker.pid},
        )
        worker.kill()

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(COUNT)
            await self.take_counts()

    async def take_counts(self) -> None:
        """Take the metrics of all workers; of one that does not answer, what is known of it stays."""
        for worker, counts in await self.ask_each("metrics"):
            if worker in self.workers:
                self.totals.take(worker, counts)

    async def ask_each(self, name: str, seconds: float = 2.0) -> list[tuple[WorkerProcess, Any]]:
        """Ask all workers that have served for something; the answers of those that give one in time."""

        async def one(worker: WorkerProcess) -> Any:
            with contextlib.suppress(ChannelClosed, Refused, TimeoutError):
                async with asyncio.timeout(seconds):
                    return worker, await worker.channel.ask(name)

        workers = [worker for worker in self.workers if worker.served is not None]
        return [found for found in await asyncio.gather(*map(one, workers)) if found is not None]

    # ---- renewal and drain ----------------------------------------------------------------------------------------

    async def restart(self) -> None:
        """Renew all workers, one after the other: a successor serves before the one before it goes.

        Raises:
            WorkerFailed, ConfigError, OSError: a successor cannot begin; who serves, serves on.

        """
        if self._draining:
            raise WorkerFailed("the gateway is going away")
        async with self._restarting:
            for slot in range(len(self._serving)):
                async with self._places[slot]:
                    before = self._serving[slot]
                    if before is None or self._draining:
                        continue
                    after = await self._spawn(slot, self._begin)
                    if not self._serve(after):
                        return
                    before.leaving = True
                    self._renewals.child().inc()
                    log.info("worker %d is renewed", slot + 1, extra={"worker": slot + 1, "pid": after.pid})
                self._gateway.spawn(f"leave of {before.name}", self._dismiss(before))

    async def _dismiss(self, worker: WorkerProcess) -> None:
        """Have a worker finish what it has begun, with a successor in its place, and go."""
        grace = self._gateway.config.server.drain
        lost = await self._let_go(worker, {"grace": grace, "linger": False, "hand_over": True})
        if lost:
            log.warning("%s has gone, requests were cut off", worker.name, extra={"cut": lost})

    async def _let_go(self, worker: WorkerProcess, how: Mapping[str, Any]) -> int:
        worker.leaving = True
        try:
            answer = await worker.channel.ask("drain", how)
        except (ChannelClosed, Refused):
            return 1
        self.totals.take(worker, answer["metrics"])
        worker.channel.close()
        try:
            async with asyncio.timeout(END):
                await worker.process.wait()
        except TimeoutError:
            worker.kill()
        lost: int = answer["lost"]
        return lost

    async def drain(self, grace: float, *, linger: bool) -> int:
        """Have all workers finish what was begun within `grace` seconds; return how many requests were cut off."""
        self._draining = True
        how = {"grace": grace, "linger": linger, "hand_over": False}
        serving, self._serving[:] = self.serving, [None] * len(self._serving)
        lost = await asyncio.gather(*(self._let_go(worker, how) for worker in serving))
        if others := [task for worker, task in self._watches.items() if worker.served is not None]:
            await asyncio.wait(others, timeout=grace)
        await self._end_all()
        return sum(lost)

    async def _end_all(self) -> None:
        self.kill()
        if self._watches:
            await asyncio.wait(list(self._watches.values()), timeout=END)

    def kill(self) -> None:
        """End all workers at once."""
        for worker in self.workers:
            worker.leaving = True
            worker.kill()


def problems_of(refusal: Refused) -> list[Problem]:
    """What a worker says against a configuration."""
    found = [Problem(**one) for one in refusal.data.get("problems", ())]
    return found or [Problem("fails", "", f"a worker: {refusal.data['error']}")]


def _failure(worker: WorkerProcess, refusal: Refused) -> Exception:
    if "problems" in refusal.data:
        return ConfigError(problems_of(refusal))
    return WorkerFailed(f"{worker.name} could not begin: {refusal.data['error']}")

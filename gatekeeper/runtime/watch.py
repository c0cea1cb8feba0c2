"""Notices that the files of a configuration have changed, and that whoever changes them has finished.

It looks every half second, and asks nobody to tell: what watches inodes for a program loses the file when an editor
renames another one over it or Kubernetes swaps a link, hears nothing of what other machines write to a network file
system, and fails when a limit of the machine is reached. A look at 20 files costs 0.2 ms of processor time, 0.04 % of
a core, most of it for the way to a thread and back: a file system that hangs must not stop the loop. The thread is a
daemon for the same reason: `asyncio.run` would wait at its end for one of the loop's own.

A file counts as changed when its bytes have: what only looks new (touch, a swap for an equal file) is read, compared
and forgotten.
"""

import asyncio
import concurrent.futures
import functools
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, Self, TypeVar

import attrs

from gatekeeper.core.clock import Clock, SystemClock
from gatekeeper.observe.output import Background
from gatekeeper.policy.settling import GRAIN, Settling
from gatekeeper.runtime.look import OTHER, UNKNOWN, File, Folder, Known, Place, Seen


log = logging.getLogger(__name__)

T = TypeVar("T")


class Watch:
    """Looks at files and folders, and calls back when they have changed and come to rest.

    Use it as an async context manager, or call `start` and `close`. There is one call at a time. What is to be watched
    from then on, whoever calls says by `of`; a content is not called for twice, whatever became of it.
    """

    def __init__(
        self,
        files: Iterable[Path],
        folders: Iterable[Path],
        *,
        on_change: Callable[[], Awaitable[None]],
        every: float = 0.5,
        debounce: float = 0.25,
        at_most: float = 2.0,
        since: float | None = None,
        clock: Clock | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Times are in seconds.

        `every` is how often it looks, the others are those of `Settling`. `since` is the time in seconds since the
        epoch at which the files were about to be read: what is newer has changed. Without it, they are taken for known
        as the first look finds them.
        """
        self._on_change: Final = on_change
        self._every: Final = every
        self._debounce: Final = debounce
        self._settling: Final = Settling(debounce, at_most)
        self._clock: Final[Clock] = clock or SystemClock()
        self._sleep: Final = sleep
        self._known: dict[Place, Known] = {}
        # what is not known yet, and since when a change of it counts
        self._new: dict[Place, float] = {}
        self._calling_since = math.inf
        self._thread: Background[Callable[[], None]] | None = None
        self._task: asyncio.Task[None] | None = None
        self._failed = False
        self.of(files, folders, since=since)

    def of(self, files: Iterable[Path], folders: Iterable[Path], *, since: float | None = None) -> None:
        """Watch these files and folders from now on, and no others.

        What it knows already stays known while a call is under way. Else somebody has read the files who was asked to:
        what was met there may be newer than the last look, and a file that has gone back since looks unchanged, so that
        all is called for once more. `since` is that of the constructor; in a call it is by default the call's beginning.
        """
        known, new = self._known, self._new
        if since is None:
            since = self._calling_since
            if since == math.inf:
                known = dict.fromkeys(known, UNKNOWN)
        places: list[Place] = [*map(File, files), *map(Folder, folders)]
        self._known = {place: known[place] for place in places if place in known}
        self._new = {place: new.get(place, since) for place in places if place not in known}

    def start(self) -> None:
        """Begin to look; needs a running loop."""
        self._thread = Background("watch", _do)
        self._task = asyncio.get_running_loop().create_task(self._run(), name="watch")

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End it at once; a call under way is cancelled, and a look that hangs is left to its thread."""
        if self._task is None or self._thread is None:
            return
        self._thread.queue.put(None)
        self._task.cancel()
        await asyncio.wait([self._task])

    async def _run(self) -> None:
        while True:
            try:
                seconds = await self._look()
                self._failed = False
            except Exception:
                if not self._failed:
                    log.exception("the files of the configuration could not be looked at")
                self._failed, seconds = True, self._every
            await self._sleep(seconds)

    async def _look(self) -> float:
        """Look, and call back if it is time to; returns the seconds until the next look."""
        known, new = self._known, self._new
        seen = await self._in_thread(
            functools.partial(_look_at, known, [*known, *new], self._clock.monotonic())
        )
        if known is not self._known:
            return 0.0
        now = self._clock.monotonic()
        if self._note(seen, now):
            # only now it is known what to compare with
            return 0.0
        changed = {place: one for place, one in seen.items() if one.signature != known[place].signature}
        stamps = [one.stamp for one in changed.values() if one.stamp is not None]
        wait = self._settling.look(
            {place: one.signature for place, one in changed.items()},
            now,
            age=self._clock.wall() - max(stamps) if stamps and len(stamps) == len(changed) else None,
            being_written=any(one.being_written for one in changed.values()),
        )
        if wait:
            return min(self._every, wait)
        read = await self._in_thread(functools.partial(_read, changed))
        if known is not self._known:
            return 0.0
        if not self._settling.overdue and any(
            read[place].signature != one.signature for place, one in changed.items()
        ):
            return min(self._every, self._debounce)
        called = any(one.content != known[place].content for place, one in read.items())
        known.update({place: Known(one.signature, one.content, now) for place, one in read.items()})
        if called:
            await self._call()
        self._settling.end(self._clock.monotonic(), called=called)
        return self._every

    def _note(self, seen: Mapping[Place, Seen], now: float) -> bool:
        """Take what is new for known, unless it has changed since it counts: that, and only that, returns True.

        What has another content behind the same signature is marked, so that it differs until it is read at rest.
        """
        known = self._known
        is_newer = False
        for place, since in self._new.items():
            one = seen[place]
            known[place] = Known(one.signature, one.content, now)
            if one.stamp is not None and one.stamp >= since - GRAIN:
                known[place], is_newer = UNKNOWN, True
        self._new.clear()
        for place, one in seen.items():
            before = known[place]
            if one.was_read and one.content != before.content:
                known[place] = attrs.evolve(before, signature=OTHER)
        return is_newer

    async def _call(self) -> None:
        self._calling_since = self._clock.wall()
        try:
            await self._on_change()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            log.exception("what has changed could not be loaded: it was cancelled")
        except Exception:
            log.exception("what has changed could not be loaded")
        finally:
            self._calling_since = math.inf

    def _in_thread(self, work: Callable[[], T]) -> "asyncio.Future[T]":
        assert self._thread is not None
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._thread.queue.put(functools.partial(_fulfil, future, work))
        return asyncio.wrap_future(future)


def _look_at(known: Mapping[Place, Known], places: Iterable[Place], now: float) -> dict[Place, Seen]:
    return {place: place.look(known.get(place), now) for place in places}


def _read(places: Iterable[Place]) -> dict[Place, Seen]:
    return {place: place.read() for place in places}


def _fulfil(future: "concurrent.futures.Future[T]", work: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except Exception as error:  # noqa: BLE001 - whoever waits for it gets it
        future.set_exception(error)
    else:
        future.set_result(result)


def _do(work: Callable[[], None]) -> None:
    work()

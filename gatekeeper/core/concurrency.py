"""How many may be under way at the same time, and who waits for a place.

Places are given in the order in which they were asked for. As long as there is a free one nobody waits, so that entering
and leaving cost 0.1 µs together; a place that becomes free goes to the first in line, and is counted as taken all the
while. It belongs to one loop.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

from gatekeeper.core.errors import Overloaded


RETRY_AFTER: Final = (b"retry-after", b"1")
"""What clients that find no place are told: who is let in again is known from moment to moment only."""


MakeWay = Callable[[int], object]
"""Ends so many at most that merely hold a place, as slow clients do; it may be called often."""
SCARCE: Final = 64 * 1024
"""Bytes of a request's body that have to be here, if not all of it, before it gets a place where those are scarce."""
PATIENCE: Final = 1.0
"""Seconds that a client may hold a place that others wait for, without reading or hardly sending anything."""


class Figures(Protocol):
    """How many places there are, how many may wait for one, and for how many seconds each."""

    @property
    def limit(self) -> int:
        """Places."""
        ...

    @property
    def queue(self) -> int:
        """Who may wait at the same time."""
        ...

    @property
    def wait(self) -> float:
        """Seconds."""
        ...


class Concurrency:
    """A number of places, and a line of those who wait for one.

    `if not places.try_enter(): await places.enter()`, and `leave` once for each time that either let somebody in.
    """

    __slots__ = ("_line", "_most", "_shut", "in_flight", "limit", "name", "queue", "wait")

    def __init__(self, *, limit: int, queue: int = 0, wait: float = 0.0, name: str = "the gateway") -> None:
        """Make room for `limit`; `queue` more may wait, for `wait` seconds each. Logs speak of it by its name."""
        self.limit = self._most = limit
        self._shut = ""
        self.queue = queue
        self.wait = wait
        self.name: Final = name
        self.in_flight = 0
        """Places that are taken."""
        self._line: deque[asyncio.Future[bool]] = deque()

    @property
    def waiting(self) -> int:
        """Who stands in line."""
        return len(self._line)

    def try_enter(self) -> bool:
        """Take a place if one is free."""
        # nobody is passed by: as long as someone waits no place is free
        if self.in_flight < self._most:
            self.in_flight += 1
            return True
        return False

    def shut(self, why: str) -> None:
        """Let nobody in, and have nobody wait; with an empty reason, go on as before."""
        self._shut = why
        self._most = 0 if why else self.limit
        self._let_in()

    @property
    def is_scarce(self) -> bool:
        """Whether more than half of the places are taken: what can wait elsewhere is to wait there."""
        return 2 * self.in_flight > self.limit

    async def enter(self, make_way: "MakeWay | None" = None) -> None:
        """Take a place, waiting in line for one where none is free.

        `make_way` is asked to end what holds places without need: at once, and once more while it is waited for.

        Raises:
            Overloaded: the line is full, or no place became free in time.

        """
        if self.try_enter():
            return
        if self._shut:
            raise self._refuse(self._shut)
        if make_way is not None:
            make_way(1)
            if self.try_enter():
                return
        line = self._line
        if len(line) >= self.queue:
            raise self._refuse("the line is full")
        loop = asyncio.get_running_loop()
        place: asyncio.Future[bool] = loop.create_future()
        line.append(place)
        timers = [loop.call_later(self.wait, self._give_up, place)]
        if make_way is not None:
            timers.append(loop.call_later(self.wait / 2, make_way, 1))
        try:
            free = await place
        except BaseException:
            if place in line:
                line.remove(place)
            elif not place.cancelled() and place.result():
                # the place was given in the same turn of the loop in which the wish for it ended
                self.leave()
            raise
        finally:
            for timer in timers:
                timer.cancel()
        if not free:
            raise self._refuse("no place became free in time")

    def leave(self) -> None:
        """Give a place back: the first in line has it, or it is free."""
        self.in_flight -= 1
        if self._line:
            self._let_in()

    def reconfigure(self, figures: Figures) -> None:
        """Go by other figures from now on; who stands in line stays there for as long as was said."""
        self.limit = figures.limit
        self.queue = figures.queue
        self.wait = figures.wait
        self.shut(self._shut)

    def _let_in(self) -> None:
        line = self._line
        while self.in_flight < self._most and line:
            place = line.popleft()
            # one that was cancelled in this very turn of the loop has no wish any more
            if not place.done():
                self.in_flight += 1
                place.set_result(True)

    def _give_up(self, place: asyncio.Future[bool]) -> None:
        if not place.done():
            self._line.remove(place)
            place.set_result(False)

    def _refuse(self, why: str) -> Overloaded:
        log = f"{self.name}: {self.in_flight} of {self.limit} requests are under way and {self.waiting} wait; {why}"
        return Overloaded(log=log, headers=[RETRY_AFTER])

    def __repr__(self) -> str:
        return f"<Concurrency {self.name}: {self.in_flight} of {self.limit}, {self.waiting} waiting>"

"""What stands round a filter that is tested alone: the gateway, as plugins see one."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import aiohttp

from gatekeeper.core.clock import Clock
from gatekeeper.extend.events import Event
from gatekeeper.extend.running import Role
from gatekeeper.observe.metrics import Metrics
from gatekeeper.testing.clock import FakeClock


class Surroundings:
    """A gateway that only remembers: `events` that were emitted, `tasks` that were spawned, `metrics` that were counted.

    Set `session` where the part under test calls other systems.
    """

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.role: Role = "single"
        self.fake_clock = clock or FakeClock()
        self.metrics = Metrics()
        self.events: list[Event] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.session: aiohttp.ClientSession | None = None

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.fake_clock

    @property
    def http(self) -> aiohttp.ClientSession:
        """The client that the test has set.

        Raises:
            LookupError: it has set none.

        """
        if self.session is None:
            raise LookupError("this part calls another system: set `session` of its Surroundings")
        return self.session

    def emit(self, event: Event) -> None:
        """Remember the event."""
        self.events.append(event)

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Start the work and remember it."""
        task = self.tasks[name] = asyncio.get_running_loop().create_task(work, name=name)
        return task

    async def close(self) -> None:
        """Cancel what is still running."""
        for task in self.tasks.values():
            task.cancel()
        await asyncio.gather(*self.tasks.values(), return_exceptions=True)

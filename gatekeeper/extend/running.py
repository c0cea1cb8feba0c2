"""What plugins may do with the gateway they run in."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Literal, Protocol

import aiohttp

from gatekeeper.core.clock import Clock
from gatekeeper.extend.events import Event
from gatekeeper.observe.metrics import Metrics


Role = Literal["single", "supervisor", "worker"]
"""What a process is of a gateway."""


class RunningGateway(Protocol):
    """A gateway, as its plugins see it."""

    @property
    def role(self) -> Role:
        """Whether this process is all of a gateway, its supervisor, or one of its workers, which take the requests."""
        ...

    @property
    def clock(self) -> Clock:
        """The time."""
        ...

    @property
    def metrics(self) -> Metrics:
        """Where to count; a family that exists already is returned as it is."""
        ...

    @property
    def http(self) -> aiohttp.ClientSession:
        """A client for calls to other systems (never for forwarding): no cookies, no redirects, no proxies."""
        ...

    def emit(self, event: Event) -> None:
        """Tell all plugins that something has changed."""
        ...

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run something beside the requests; it is cancelled when the gateway stops, and logged if it fails."""
        ...

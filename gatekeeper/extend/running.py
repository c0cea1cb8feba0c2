"""What plugins may do with the gateway they run in."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol

import aiohttp

from gatekeeper.core.clock import Clock
from gatekeeper.extend.events import Event
from gatekeeper.observe.metrics import Metrics


class RunningGateway(Protocol):
    """A gateway, as its plugins see it."""

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

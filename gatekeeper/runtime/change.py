"""A change of the configuration: what is ready, who takes it, and what became of it."""

import socket
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import attrs

from gatekeeper.config.addresses import Listen
from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import Problem
from gatekeeper.extend.events import Event
from gatekeeper.runtime.build import Prepared
from gatekeeper.runtime.loading import Loaded


@attrs.frozen
class ConfigState:
    """What is in force, and what became of the last try to change it. Times are seconds since the epoch."""

    revision: int = 0
    loaded_at: float = 0.0
    error: str = ""
    error_at: float = 0.0
    problems: tuple[Problem, ...] = ()


@attrs.frozen
class Outcome:
    """What became of a try: `problems` has errors if it was refused, and warnings."""

    applied: bool
    revision: int
    problems: tuple[Problem, ...] = ()
    sources: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def errors(self) -> tuple[Problem, ...]:
        """Why it was refused."""
        return tuple(problem for problem in self.problems if problem.severity == "error")


@attrs.frozen
class Change:
    """A configuration that is ready: commit it or abandon it."""

    loaded: Loaded
    prepared: Prepared
    sockets: Mapping[str, socket.socket]

    def abandon(self) -> None:
        """Close what was opened for it."""
        for sock in self.sockets.values():
            sock.close()
        self.prepared.abandon()


Check = Callable[[], Awaitable[None]]
"""Raises where a change must not be made."""


class Changing(Protocol):
    """A gateway, as far as a change of its configuration goes."""

    @property
    def config(self) -> GatewayConfig:
        """What is in force."""
        ...

    def listening(self, address: Listen) -> socket.socket | None:
        """The socket that listens at an address already."""
        ...

    async def commit(self, change: Change) -> None:
        """Bring it into force; cannot fail."""
        ...

    def emit(self, event: Event) -> None:
        """Tell all plugins that something has changed."""
        ...

"""A change of the configuration: what is ready, who takes it, and what became of it."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Protocol, Self

import attrs

from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import ConfigError, Problem
from gatekeeper.edge.tls import ServerTls
from gatekeeper.extend.events import Event
from gatekeeper.runtime.build import Prepared
from gatekeeper.runtime.loading import Loaded


if TYPE_CHECKING:
    from gatekeeper.runtime.front import Front


log = logging.getLogger(__name__)


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


class Bound(Protocol):
    """What a listener listens with: a socket, or one for each worker."""

    def dup(self) -> Self:
        """The same, to be closed for itself."""
        ...

    def close(self) -> None:
        """Give it up."""
        ...


@attrs.frozen
class Change:
    """A configuration that is ready: commit it or abandon it."""

    loaded: Loaded
    prepared: Prepared
    sockets: Mapping[str, Bound]
    why: str = ""
    """Who has asked for it."""

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

    @property
    def tls(self) -> Mapping[str, ServerTls]:
        """How the listeners that are in force speak TLS, by name."""
        ...

    @property
    def front(self) -> "Front":
        """What takes its requests."""
        ...

    async def commit(self, change: Change) -> None:
        """Bring it into force; cannot fail."""
        ...

    def emit(self, event: Event) -> None:
        """Tell all plugins that something has changed."""
        ...


def content_of(read: Loaded | ConfigError) -> object:
    """What tells whether the files say something else than before."""
    return read.sources, read.outside if isinstance(read, Loaded) else read.problems


def say_what_waits(before: GatewayConfig, after: GatewayConfig) -> None:
    """Some settings take a restart."""
    for key, one, other in (
        ("admin", before.admin, after.admin),
        ("server.workers", before.server.workers, after.server.workers),
        ("database", before.database, after.database),
    ):
        if one != other:
            log.warning("`%s` has changed: that takes a restart; the rest is in force", key)


def without_what_waits(before: GatewayConfig, after: GatewayConfig) -> GatewayConfig:
    """What can come into force of a configuration: workers that begin later use the database that all others use."""
    return attrs.evolve(after, database=before.database)


# ---- what is wrong --------------------------------------------------------------------------------------------------


class OthersFault(Exception):
    """What was added is sound as far as anybody can say, but what it was added to is not; the message is for people."""


def failed(error: Exception) -> Problem:
    """What a part of a plugin has raised, or we have, where nobody expected it."""
    log.error("the configuration could not be put together", exc_info=error)
    message = f"the configuration could not be put together: {error!r}; the log has the details"
    return Problem("fails", "", message)


def read_from(loaded: Loaded, problems: Iterable[Problem]) -> ConfigError:
    """What is wrong with a configuration that was read: a change of its files may be the cure."""
    return ConfigError(problems, loaded.sources, loaded.files, loaded.folders)


def load_addition(load: Callable[[], Loaded], load_without: Callable[[], Loaded]) -> Loaded:
    """Load something with an addition, and tell its own mistakes only: those that are none without it.

    Raises:
        ConfigError: what was added is unsound.
        OthersFault: it is not, as far as anybody can say, but the rest is.

    """
    try:
        return load()
    except ConfigError as error:
        theirs: set[tuple[object, ...]] = set()
        try:
            load_without()
        except ConfigError as others:
            theirs = {_mistake(problem) for problem in others.problems}
        own = [problem for problem in error.problems if _mistake(problem) not in theirs]
        if all(problem.severity == "warning" for problem in own):
            raise OthersFault(
                "the files of the configuration have errors, so that nothing can join them; mend them, and ask again"
            ) from error
        raise ConfigError(own, error.sources, error.files, error.folders) from error


def _mistake(problem: Problem) -> tuple[object, ...]:
    """What makes it the same one; what it says may depend on what else there is."""
    return problem.id, problem.path, problem.place

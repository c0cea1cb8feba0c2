"""The workers of a gateway, as its front: what comes in goes to them, and what changes, changes in all of them or in none.

The sockets stay with this process, so that whoever waits to be accepted meets the next worker where one has gone.
"""

import asyncio
import logging
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal

import attrs

from gatekeeper.config.addresses import Listen
from gatekeeper.config.problems import ConfigError, Problem
from gatekeeper.registry.services import Member
from gatekeeper.runtime.activation import NOTHING, Handed
from gatekeeper.runtime.change import Bound, Change
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.runtime.sockets import shown
from gatekeeper.version import VERSION
from gatekeeper.workers.blob import pack
from gatekeeper.workers.channel import ChannelClosed, Refused
from gatekeeper.workers.crew import Crew, WorkerFailed, problems_of
from gatekeeper.workers.inside import overrides_of, show_health
from gatekeeper.workers.process import WorkerProcess
from gatekeeper.workers.slots import Slots


log = logging.getLogger(__name__)


def count_of(workers: int | Literal["auto"]) -> int:
    """How many processes `server.workers` means."""
    if workers != "auto":
        return workers
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


@attrs.frozen
class Launch:
    """How workers are started: what the command line has said to the supervisor."""

    count: int
    plugins: Sequence[str] = ()
    blocked: Sequence[str] = ()
    log_level: str = "info"
    log_format: str = "json"


class Fleet:
    """The workers of one gateway. See `gatekeeper.runtime.front.Front`."""

    def __init__(self, gateway: Gateway, launch: Launch, handed: Handed = NOTHING) -> None:
        self.crew: Final = Crew(gateway, launch.count, self._begin_beside, self._tell_ready, self._vacate)
        self._gateway: Final = gateway
        self._launch: Final = launch
        self._handed: Final = handed
        self._bound: dict[str, Slots] = {}
        self._changing: Final = asyncio.Lock()
        self._was_ready: bool | None = None

    # ---- the front ------------------------------------------------------------------------------------------------

    @property
    def listeners(self) -> Mapping[str, str]:
        """The addresses that are listened on, by the names of the listeners."""
        return {name: shown(slots[0]) for name, slots in self._bound.items()}

    def bind(self, name: str, address: Listen) -> Bound:  # noqa: ARG002 - it is the address that counts
        """A socket for each place of a worker."""
        return Slots.bind(address, self._launch.count, self._handed)

    def listening(self, address: Listen) -> Bound | None:
        """The sockets that listen at an address already."""
        listen = self._gateway.config.server.listen
        return next(
            (
                slots
                for name, slots in self._bound.items()
                if name in listen and listen[name].address == address
            ),
            None,
        )

    async def prepare(self, change: Change) -> None:
        """Have all workers prepare a change. Until it is committed or abandoned, no worker begins."""
        blob = await asyncio.to_thread(pack, change.loaded.config)
        await self._changing.acquire()
        try:
            await self._gateway.audit.prepare(change)
            problems = await self._ask_all(
                lambda worker: worker.channel.ask(
                    "prepare",
                    {"revision": change.prepared.snapshot.revision, **_listeners(change.sockets)},
                    blob,
                    _of_slot(change.sockets, worker.slot),
                )
            )
            if problems:
                await self._ask_all(lambda worker: worker.channel.ask("abandon"))
                loaded = change.loaded
                raise ConfigError(problems, loaded.sources, loaded.files, loaded.folders)
        except BaseException:
            await self._gateway.audit.abandon()
            self._changing.release()
            raise

    async def abandon(self, change: Change) -> None:  # noqa: ARG002 - there is one at a time
        """Have all workers forget what they have prepared."""
        try:
            await self._gateway.audit.abandon()
            await self._ask_all(lambda worker: worker.channel.ask("abandon"))
        finally:
            self._changing.release()

    async def commit(self, change: Change, *, first: bool) -> None:
        """Have all workers serve by a change; with the first one, start them."""
        opened = {name: slots for name, slots in change.sockets.items() if isinstance(slots, Slots)}
        await self._gateway.audit.commit(change, first=first)
        if first:
            self._bound = opened
            try:
                await self.crew.start_all(self._begin)
            except WorkerFailed as error:
                raise OSError(str(error)) from error
            return
        before = self._bound
        listen = change.loaded.config.server.listen
        self._bound = {name: slots for name, slots in {**before, **opened}.items() if name in listen}
        try:
            await asyncio.gather(*(self._commit(worker) for worker in self.crew.serving))
        finally:
            for slots in [slots for name, slots in before.items() if self._bound.get(name) is not slots]:
                slots.close()
            self._changing.release()

    async def _commit(self, worker: WorkerProcess) -> None:
        try:
            await worker.channel.ask("commit")
        except ChannelClosed:
            pass  # its successor begins with what is in force
        except Refused as refusal:
            log.error("%s does not serve by the new configuration, and is replaced: %s", worker.name, refusal)  # noqa: TRY400
            worker.kill()

    async def _ask_all(self, ask: Callable[[WorkerProcess], Awaitable[Any]]) -> list[Problem]:
        """Ask all that serve; what those say against it who refuse."""

        async def one(worker: WorkerProcess) -> list[Problem]:
            try:
                await ask(worker)
            except ChannelClosed:
                return []
            except Refused as refusal:
                return problems_of(refusal)
            return []

        found = await asyncio.gather(*(one(worker) for worker in self.crew.serving))
        return list(dict.fromkeys(problem for problems in found for problem in problems))

    def followed(self) -> None:
        """Tell all workers that somebody goes by whether the gateway is ready."""
        self.crew.tell_all("followed")

    def health_changed(self, service: str, member: Member) -> None:
        """Tell all workers what checks have found."""
        self.crew.tell_all("health", _health(service, member))

    def _tell_ready(self) -> None:
        ready = not self._gateway.providers.awaited
        if ready is not self._was_ready:
            self._was_ready = ready
            self.crew.tell_all("ready", ready)

    async def _vacate(self, slot: int) -> None:
        """Send nobody to a place that stays empty; who waits there to be accepted is for another worker."""
        async with self._changing:
            for name, slots in self._bound.items():
                if not self.crew.serving:
                    return
                accepted: list[socket.socket] = []
                try:
                    accepted = slots.vacate(slot)
                    if accepted:
                        await self.crew.serving[0].channel.ask("adopt", {"listener": name}, sockets=accepted)
                except (ChannelClosed, Refused, OSError):
                    log.exception("who waits for worker %d at listener %s was not helped", slot + 1, name)
                finally:
                    for connection in accepted:
                        connection.close()

    # ---- the beginning of a worker --------------------------------------------------------------------------------

    async def _begin_beside(self, worker: WorkerProcess) -> None:
        """Begin while others serve: not in the middle of a change."""
        async with self._changing:
            await self._begin(worker)

    async def _begin(self, worker: WorkerProcess) -> None:
        gateway, launch, channel = self._gateway, self._launch, worker.channel
        services = gateway.services.values()
        blob = await asyncio.to_thread(pack, gateway.config)
        # in one go with the beginning: whatever is told after that is newer
        for service in services:
            for member in service.members:
                channel.tell("health", _health(service.name, member))
        for override in overrides_of(services):
            channel.tell("override", override)
        channel.tell("ready", not gateway.providers.awaited)
        data = {
            "version": VERSION,
            "revision": gateway.current().revision,
            "plugins": list(launch.plugins),
            "blocked": list(launch.blocked),
            "log_level": launch.log_level,
            "log_format": launch.log_format,
            **_listeners(self._bound),
        }
        await channel.ask("begin", data, blob, _of_slot(self._bound, worker.slot))

    async def restart(self) -> None:
        """Renew all workers, one after the other: a successor serves before the one before it goes.

        Raises:
            ValueError: a successor cannot begin; who serves, serves on.

        """
        try:
            await self.crew.restart()
        except (WorkerFailed, ConfigError, OSError) as error:
            raise ValueError(f"the workers are not renewed, and serve on: {error}") from error

    # ---- the end --------------------------------------------------------------------------------------------------

    async def drain(self, grace: float, *, linger: bool) -> int:
        """Have all workers finish what was begun within `grace` seconds; return how many requests were cut off."""
        lost = await self.crew.drain(grace, linger=linger)
        for slots in self._bound.values():
            slots.close()
        self._bound = {}
        return lost

    def kill(self) -> None:
        """End all workers at once."""
        self.crew.kill()


def _listeners(bound: Mapping[str, Bound]) -> dict[str, Any]:
    """What a worker has to know of the sockets that it gets: their names, and the files that some are bound to."""
    files = {name: slots.file for name, slots in bound.items() if isinstance(slots, Slots)}
    return {
        "listeners": list(bound),
        "files": {
            name: [file.path, file.device, file.inode] for name, file in files.items() if file is not None
        },
    }


def _of_slot(bound: Mapping[str, Bound], slot: int) -> list[Any]:
    return [slots[slot] for slots in bound.values() if isinstance(slots, Slots)]


def _health(service: str, member: Member) -> dict[str, Any]:
    return {"service": service, "instance": member.instance.id, "health": show_health(member.health)}

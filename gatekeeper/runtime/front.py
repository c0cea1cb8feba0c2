"""Where requests come in: the listeners of this process, or those of its workers.

A gateway changes its configuration in two steps, and its front takes part in both: `prepare` may refuse, `commit` may not.
"""

import asyncio
import logging
import random
import socket
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from gatekeeper.config.addresses import Listen
from gatekeeper.edge.server import EdgeServer
from gatekeeper.observe.observer import Observer
from gatekeeper.policy.pressure import Pressure
from gatekeeper.registry.services import Member
from gatekeeper.runtime import cgroup, descriptors, memory
from gatekeeper.runtime.activation import NOTHING, Handed
from gatekeeper.runtime.change import Bound, Change
from gatekeeper.runtime.edge_settings import edge_settings
from gatekeeper.runtime.identity import query_credentials
from gatekeeper.runtime.sockets import open_socket, shown


if TYPE_CHECKING:
    from gatekeeper.runtime.gateway import Gateway


log = logging.getLogger(__name__)


class Front(Protocol):
    """What takes requests for a gateway."""

    @property
    def listeners(self) -> Mapping[str, str]:
        """The addresses that are listened on, by the names of the listeners."""
        ...

    def bind(self, name: str, address: Listen) -> Bound:
        """What a new listener is to listen with; not in the loop, as it may take a look at the disk.

        Raises:
            OSError: the address cannot be used.

        """
        ...

    def listening(self, address: Listen) -> Bound | None:
        """What listens at an address already."""
        ...

    async def prepare(self, change: Change) -> None:
        """Get ready for a change.

        Raises:
            ConfigError: it cannot be served by; nothing is left of it.

        """
        ...

    async def abandon(self, change: Change) -> None:
        """Forget a change that was prepared; what was opened for it here goes with the change itself."""
        ...

    async def commit(self, change: Change, *, first: bool) -> None:
        """Bring a change into force; cannot fail, but for the `first` one, which nobody has served by.

        Raises:
            ConfigError: the first one cannot be served by.
            OSError: an address of the first one cannot be listened on.

        """
        ...

    def followed(self) -> None:
        """Note that somebody asks whether the gateway is ready, and goes by the answer."""
        ...

    def health_changed(self, service: str, member: Member) -> None:
        """Note what checks have found."""
        ...

    async def restart(self) -> None:
        """Renew the processes that take requests, one after the other, so that nobody notices.

        Raises:
            ValueError: that cannot be done; who serves, serves on.

        """
        ...

    async def drain(self, grace: float, *, linger: bool) -> int:
        """Take no more, finish what was begun within `grace` seconds; return how many requests were cut off."""
        ...

    def kill(self) -> None:
        """End at once whatever is not this process."""
        ...


class LocalFront:
    """The listeners of this process."""

    def __init__(
        self,
        gateway: "Gateway",
        *,
        write_access: Callable[[dict[str, Any]], None] | None = None,
        ready: Callable[[], bool] | None = None,
        handed: Handed = NOTHING,
    ) -> None:
        self._gateway: Final = gateway
        self._pressure: Final = gateway.metrics.gauge(
            "gatekeeper_memory_pressure", "0, or 1 where memory is tight, and 2 where it is short.", once=True
        ).child()
        self._handed: Final = handed
        self.edge: Final = EdgeServer(
            gateway.current,
            Observer(gateway.metrics, gateway.clock, write_access, gateway.audit.refusals.exchange),
            gateway.wheel,
            gateway.clock,
            edge_settings(gateway.config, descriptors=descriptors.limit()),
            getrandbits=random.getrandbits,
            ready=ready or (lambda: not gateway.providers.awaited),
        )

    @property
    def listeners(self) -> Mapping[str, str]:
        """The addresses that are listened on, by the names of the listeners."""
        return {name: shown(sock) for name, sock in self.edge.listeners.items()}

    def bind(self, name: str, address: Listen) -> Bound:  # noqa: ARG002 - whoever was given sockets has them by name
        """A socket that nobody has, or one that was handed over."""
        return open_socket(address, self._handed)

    def listening(self, address: Listen) -> Bound | None:
        """The socket that listens at an address already."""
        return next(
            (
                self.edge.listeners[name]
                for name, listener in self._gateway.config.server.listen.items()
                if listener.address == address and name in self.edge.listeners
            ),
            None,
        )

    async def prepare(self, change: Change) -> None:
        """Open the audit file; the gateway itself has tried the rest."""
        await self._gateway.audit.prepare(change)

    async def abandon(self, change: Change) -> None:  # noqa: ARG002 - there is one at a time
        """Close it again."""
        await self._gateway.audit.abandon()

    async def commit(self, change: Change, *, first: bool) -> None:
        """Go by other settings, open what is new, and close what has gone."""
        await self._gateway.audit.commit(change, first=first)
        edge, config = self.edge, change.loaded.config
        server = config.server
        edge.observer.hidden = query_credentials(config)
        edge.reconfigure(edge_settings(config, edge.settings, descriptors=descriptors.limit()))
        if (allowed := edge.settings.limits.connections) < server.limits.connections:
            log.warning(
                "%d descriptors (`ulimit -n`) allow only %d connections", descriptors.limit(), allowed
            )
        for name, sock in change.sockets.items():
            assert isinstance(sock, socket.socket)
            listener = server.listen[name]
            try:
                await edge.open(
                    name,
                    sock,
                    change.prepared.tls.get(name),
                    proxied=listener.proxy_protocol,
                    lent=listener.address.handed is not None,
                )
            except OSError:
                if first:
                    raise
                # somebody took the address after it was bound; the rest of the configuration is sound
                log.exception("listener %s cannot accept connections", name)
        for name in [name for name in edge.listeners if name not in server.listen]:
            await edge.close_listener(name)
        if first and (limits := await asyncio.to_thread(cgroup.find)):
            self._gateway.spawn("watch memory", memory.watch(limits, self.press))

    def press(self, pressure: Pressure) -> None:
        """Make do with the memory there is."""
        self._pressure.set(pressure)
        self.edge.connected.is_tight = pressure is not Pressure.NONE
        self.edge.settings.concurrency.shut("memory is short" if pressure is Pressure.SHORT else "")

    def followed(self) -> None:
        """Note that somebody asks whether the gateway is ready, and goes by the answer."""
        self.edge.followed()

    def health_changed(self, service: str, member: Member) -> None:
        """Nothing: its service knows."""

    async def restart(self) -> None:
        """Refuse it: nobody would serve meanwhile."""
        raise ValueError("this gateway is one process; with `server.workers: 2` or more, they can be renewed")

    async def drain(self, grace: float, *, linger: bool) -> int:
        """Take no more, finish what was begun within `grace` seconds; return how many requests were cut off."""
        return await self.edge.drain(grace, linger=linger)

    def kill(self) -> None:
        """Nothing: there is nothing else."""

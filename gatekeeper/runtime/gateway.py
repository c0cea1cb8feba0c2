"""The gateway object: what is running, from its first listener to the end of its drain."""

import asyncio
import logging
import random
import socket
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, Self

import aiohttp

from gatekeeper.admin.server import AdminServer
from gatekeeper.config.model import GatewayConfig
from gatekeeper.core.clock import TICK, Clock, SystemClock, Wheel
from gatekeeper.edge.server import EdgeServer, bind
from gatekeeper.extend.events import ConfigApplied, DrainBegun, Event, Listening
from gatekeeper.extend.host import PluginHost
from gatekeeper.observe.metrics import Metrics
from gatekeeper.observe.observer import Observer
from gatekeeper.runtime.build import Builder
from gatekeeper.runtime.snapshot import Snapshot
from gatekeeper.version import VERSION


log = logging.getLogger(__name__)


class Gateway:
    """A gateway with its listeners; use it as an async context manager, or call `start` and `stop`."""

    def __init__(
        self,
        config: GatewayConfig,
        host: PluginHost,
        *,
        clock: Clock | None = None,
        write_access: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        self.config: Final = config
        self.host: Final = host
        self.clock: Final[Clock] = clock or SystemClock()
        self.metrics: Final = Metrics()
        self.wheel: Final = Wheel(self.clock.monotonic(), on_error=_log_timer_error)
        self.listeners: dict[str, str] = {}
        self.admin_address = ""
        self.snapshot: Snapshot | None = None
        self._write_access = write_access
        self._started = 0.0
        self._stack = AsyncExitStack()
        self._edge: EdgeServer | None = None
        self._admin: AdminServer | None = None
        self._http: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._tick_handle: asyncio.TimerHandle | None = None

    # ---- for plugins ----------------------------------------------------------------------------------------------

    @property
    def http(self) -> aiohttp.ClientSession:
        """A client for calls to other systems (never for forwarding): no cookies, no redirects, no proxies."""
        if self._http is None:
            self._http = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, timeout=aiohttp.ClientTimeout(total=10)
            )
        return self._http

    def emit(self, event: Event) -> None:
        """Tell all plugins that something has changed; what one of them raises is logged."""
        for name in [plugin.name for plugin in self.host.plugins]:
            try:
                self.host.call(name, "gatekeeper_event", event=event)
            except Exception:
                log.exception("plugin %s failed to hear of %r", name, event)

    def spawn(self, name: str, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run something beside the requests; it is cancelled when the gateway stops, and logged if it fails."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._reap)
        return task

    def _reap(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task %s failed", task.get_name(), exc_info=error)

    # ---- the life of it -------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Build everything and listen; whatever was opened is closed again if something fails.

        Raises:
            ConfigError: the configuration cannot be put together.
            OSError: an address cannot be listened on.

        """
        self._started = self.clock.monotonic()
        self.wheel.now = self._started
        builder = Builder(self, self.host.catalog, self.wheel)
        self.snapshot = builder.build(self.config, revision=1)
        server = self.config.server
        observer = Observer(self.metrics, self.clock, self._write_access)
        self.metrics.gauge("gatekeeper_build_info", "Always 1.", ("version", "python")).child(
            VERSION, sys.version.split()[0]
        ).set(1)
        self.metrics.gauge_function(
            "gatekeeper_upstream_connections", "Open connections to instances.", self._count_connections
        )
        edge = self._edge = EdgeServer(
            self._current,
            observer,
            self.wheel,
            self.clock,
            server.timeouts,
            networks=server.trusted_proxies,
            health_path=server.health_path or None,
            getrandbits=random.getrandbits,
        )
        sockets: dict[str, socket.socket] = {}
        try:
            for name, listener in server.listen.items():
                sockets[name] = bind(listener.address.host, listener.address.port)
            if self.config.admin.listen:
                self._admin = AdminServer(self, self.host.each("gatekeeper_admin_routes", gateway=self))
                address = self.config.admin.listen
                self.admin_address = await self._admin.start(bind(address.host, address.port))
            self._tick()
            for _, context in self.host.each("gatekeeper_lifespan", gateway=self):
                await self._stack.enter_async_context(context)
            await edge.listen(sockets)
        except BaseException:
            await edge.drain(0)
            for sock in sockets.values():
                sock.close()
            await self._close()
            raise
        self.listeners = {name: _address(sock) for name, sock in sockets.items()}
        self.emit(ConfigApplied(self.snapshot.revision))
        self.emit(Listening(self.listeners))

    async def stop(self, grace: float | None = None) -> int:
        """Drain and close everything; return how many requests were cut off after `grace` seconds."""
        grace = self.config.server.drain if grace is None else grace
        self.emit(DrainBegun(grace))
        lost = await self._edge.drain(grace) if self._edge is not None else 0
        await self._close()
        return lost

    async def _close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()
        if self._admin is not None:
            await self._admin.stop()
        if self._http is not None:
            await self._http.close()
        if self.snapshot is not None:
            self.snapshot.retire(_abort_pools)
            if self.snapshot.leases:
                # a request that outlives its cancellation keeps its lease, but not its connections
                _abort_pools(self.snapshot)
        if self._tick_handle is not None:
            self._tick_handle.cancel()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def _current(self) -> Snapshot:
        assert self.snapshot is not None
        return self.snapshot

    def _tick(self) -> None:
        self.wheel.advance(self.clock.monotonic())
        self._tick_handle = asyncio.get_running_loop().call_later(TICK, self._tick)

    def _count_connections(self) -> float:
        return sum(pool.open_count for pools in self._current().pools.values() for pool in pools.values())

    # ---- as a node ------------------------------------------------------------------------------------------------

    async def status(self) -> dict[str, Any]:
        """Version, revision, state, uptime in seconds, listeners."""
        return {
            "version": VERSION,
            "revision": self._current().revision,
            "state": "draining" if self._edge is not None and self._edge.draining else "running",
            "uptime": round(self.clock.monotonic() - self._started, 3),
            "listeners": self.listeners,
        }

    async def exposition(self, accept: str) -> tuple[bytes, str]:
        """The metrics as Prometheus reads them, and their content type."""
        # it reads /proc, and takes 5 to 20 µs a sample
        return await asyncio.to_thread(self.metrics.render, accept)


@asynccontextmanager
async def rehearse(config: GatewayConfig, host: PluginHost) -> AsyncIterator[Builder]:
    """What builds a configuration that is not to be served: nothing listens, and nothing is connected to."""
    gateway = Gateway(config, host)
    try:
        yield Builder(gateway, host.catalog, gateway.wheel)
    finally:
        # what a filter has asked for while it was built, a client for other systems say
        await gateway._close()


def _abort_pools(snapshot: Snapshot) -> None:
    for pools in snapshot.pools.values():
        for pool in pools.values():
            pool.abort()


def _address(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _log_timer_error(error: Exception) -> None:
    log.error("a timer failed", exc_info=error)

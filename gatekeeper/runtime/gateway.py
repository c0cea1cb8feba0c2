"""The gateway object: what is running, from its first listener to the end of its drain."""

import asyncio
import functools
import ipaddress
import logging
import random
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal, Self

import aiohttp
import attrs

from gatekeeper.admin.server import AdminServer
from gatekeeper.admin.users import User
from gatekeeper.config.model import GatewayConfig
from gatekeeper.core.clock import TICK, Clock, SystemClock, Timer, Wheel
from gatekeeper.edge.listener import bind
from gatekeeper.edge.tls import ServerTls
from gatekeeper.extend.events import DrainBegun, Event, HealthChanged, Listening
from gatekeeper.extend.host import PluginHost
from gatekeeper.extend.running import Role
from gatekeeper.observe.metrics import Metrics
from gatekeeper.policy.health import Health
from gatekeeper.registry.health import HealthChecks
from gatekeeper.registry.services import Member, Service
from gatekeeper.runtime.auditing import Auditing
from gatekeeper.runtime.build import Builder
from gatekeeper.runtime.change import Change, Outcome
from gatekeeper.runtime.client import open_client
from gatekeeper.runtime.front import Front, LocalFront
from gatekeeper.runtime.identity import NoKeys
from gatekeeper.runtime.keep import Keep, Key
from gatekeeper.runtime.loading import Loaded
from gatekeeper.runtime.local import LocalNode
from gatekeeper.runtime.node import Node
from gatekeeper.runtime.providing import Providers
from gatekeeper.runtime.reload import Reloader
from gatekeeper.runtime.snapshot import Snapshot
from gatekeeper.runtime.source import Source
from gatekeeper.runtime.watch import Watch
from gatekeeper.upstream.pool import Pool
from gatekeeper.version import VERSION


log = logging.getLogger(__name__)


class Gateway:
    """A gateway with its listeners; use it as an async context manager, or call `start` and `stop`."""

    def __init__(
        self,
        config: GatewayConfig,
        host: PluginHost,
        *,
        source: Source | None = None,
        read: Loaded | None = None,
        clock: Clock | None = None,
        front: "Callable[[Gateway], Front]" = LocalFront,
        role: Role = "single",
        node: "Callable[[Gateway], Node]" = LocalNode,
        on_drain: Callable[[], None] | None = None,
    ) -> None:
        """Make a gateway that does nothing yet.

        `source` is where the configuration came from, for reloads, and `read` what came of reading it. `front` makes what
        takes its requests, when it starts, and `node` what its admin side speaks to. `on_drain` is called where an operator asks for the end of the process.
        """
        self.config = config
        self.host: Final = host
        self.clock: Final[Clock] = clock or SystemClock()
        self.metrics: Final = Metrics()
        self.wheel: Final = Wheel(self.clock.monotonic(), on_error=_log_timer_error)
        self.admin_address = ""
        self.snapshot: Snapshot | None = None
        self.tls: Mapping[str, ServerTls] = {}
        folder = source.path.parent if source is not None else Path()
        self.audit: Final = Auditing(self.clock, self.metrics, self.wheel, folder, role)
        self.keep: Final = Keep(self.spawn)
        self.builder: Final = Builder(self, host.catalog, self.wheel, self.keep)
        self.reloader: Final = Reloader(self, self.builder, source, self.clock, self.metrics)
        self.checks: Final = HealthChecks(
            self.clock, random.SystemRandom(), self.spawn, self.metrics, self._health_changed
        )
        self.providers: Final = Providers(self, host.catalog, self.wheel, self.reloader, self.spawn)
        self.role: Final[Role] = role
        self.on_drain: Final = on_drain
        self.started = 0.0
        """When it began to listen (`Clock.monotonic`)."""
        self._read = read
        self._source = source
        self._watch: Watch | None = None
        self._make_front = front
        self._make_node = node
        self._front: Front | None = None
        self._stack = AsyncExitStack()
        self._gone: dict[Key, Timer] = {}  # of pools whose instances have gone, until their streams are cut
        self._admin: AdminServer | None = None
        self._http: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._tick_handle: asyncio.TimerHandle | None = None

    # ---- for plugins ----------------------------------------------------------------------------------------------

    @property
    def http(self) -> aiohttp.ClientSession:
        """A client for calls to other systems (never for forwarding): no cookies, no redirects, no proxies."""
        if self._http is None:
            raise RuntimeError("the gateway has not been started")
        return self._http

    def _open_http(self) -> None:
        # before anything is built: that is done in a thread, and this only where a loop runs
        self._http = open_client()

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

    async def start(self, revision: int = 1) -> None:
        """Build everything and listen; whatever was opened is closed again if something fails.

        The configuration is the first one here, but may be a later `revision` elsewhere.

        Raises:
            ConfigError: the configuration cannot be put together, or a filter fails at once.
            OSError: an address cannot be listened on.

        """
        self.started = self.clock.monotonic()
        self.wheel.now = self.started
        admin = self.config.admin
        self.metrics.gauge("gatekeeper_build_info", "Always 1.", ("version", "python"), once=True).child(
            VERSION, sys.version.split()[0]
        ).set(1)
        self.metrics.gauge_function(
            "gatekeeper_upstream_connections", "Open connections to instances.", self._count_connections
        )
        loop = asyncio.get_running_loop()
        self.metrics.gauge_function(
            "gatekeeper_tasks", "Tasks in the event loop.", lambda: float(len(asyncio.all_tasks(loop)))
        )
        front = self._front = self._make_front(self)
        self._open_http()
        change = sock = None
        try:
            change = await self.reloader.prepare_first(self.config, self._read, revision)
            await self.audit.prepare(change)
            if admin.listen and self.role != "worker":
                sock = bind(admin.listen.host, admin.listen.port)
                self._admin = AdminServer(
                    self._make_node(self),
                    self.host.each("gatekeeper_admin_routes", gateway=self),
                    users=[User(name, one.role, one.token_sha256) for name, one in admin.users.items()],
                    loopback=ipaddress.ip_address(admin.listen.host).is_loopback,
                    clock=self.clock,
                    audit=self.audit.admin,
                )
            self._tick()
            for _, context in self.host.each("gatekeeper_lifespan", gateway=self):
                await self._stack.enter_async_context(context)
            # a filter may rely on what its plugin has opened for its lifespan
            await self.reloader.try_out(change.loaded, change.prepared)
            # whatever providers say meanwhile comes after it
            async with self.reloader.changing:
                await self.reloader.commit(change)
            if self._admin is not None and sock is not None:
                self.admin_address = await self._admin.start(sock)
        except BaseException:
            if change is not None and self.snapshot is None:
                change.abandon()
            if sock is not None:
                sock.close()
            await front.drain(0, linger=False)
            await self._close()
            raise
        self.emit(Listening(self.listeners))
        self._watch_files()

    async def commit(self, change: Change) -> None:
        """Bring a change into force. Requests that are under way end as they began."""
        before, after = self.snapshot, change.prepared.snapshot
        config = change.loaded.config
        change.prepared.commit(warm=before is None)
        self.snapshot, self.config, self.tls = after, config, change.prepared.tls
        if self.role != "worker":
            self.checks.apply(after.services.values())
            self.providers.apply(config.providers)
        await self.front.commit(change, first=before is None)
        if before is not None:
            self._cut_later(before, after)
            before.retire(self._retired)

    def _cut_later(self, before: Snapshot, after: Snapshot) -> None:
        """Give the streams of instances that have gone some time to end; those of one that comes back go on."""
        assert before.hold is not None
        assert after.hold is not None
        stay = {kept.key for kept in after.hold.things}
        for key in stay.intersection(self._gone):
            self._gone.pop(key).cancel()
        for kept in before.hold.things:
            if kept.key[0] == "pool" and kept.key not in stay:
                cut = functools.partial(self._cut, kept.key, kept.thing)
                self._gone[kept.key] = self.wheel.add(self.config.server.drain, cut)

    def _cut(self, key: Key, pool: Pool) -> None:
        del self._gone[key]
        pool.abort()

    def _retired(self, snapshot: Snapshot) -> None:
        if snapshot.hold is not None:
            snapshot.hold.release()
        self.spawn("take a snapshot apart", _take_apart(snapshot))

    async def reload(self, why: str, *, always: bool = True) -> Outcome:
        """Read the configuration again, and serve by it if it is sound; `why` is for the log.

        Without `always` nothing happens where it says what is in force already.
        """
        if self.draining:
            log.info("no reload: the gateway is going away")
        return await self.reloader.reload(why, always=always)

    def _watch_files(self) -> None:
        if (
            self.role == "worker"
            or self._source is None
            or self._read is None
            or self._source.text is not None
        ):
            return
        reload_ = self.config.server.reload

        async def changed() -> None:
            if self.config.server.reload.watch:
                await self.reload("a file has changed", always=False)

        watch = self._watch = Watch(
            self._read.files,
            self._read.folders,
            debounce=reload_.debounce,
            since=self._read.read_at,
            on_change=changed,
        )
        self.reloader.on_files(lambda looked_at: watch.of(looked_at.files, looked_at.folders))
        watch.start()

    @property
    def front(self) -> Front:
        """What takes its requests.

        Raises:
            RuntimeError: it has not been started.

        """
        if self._front is None:
            raise RuntimeError("the gateway has not been started")
        return self._front

    @property
    def services(self) -> Mapping[str, Service]:
        """The services in force, by name."""
        return self.snapshot.services if self.snapshot is not None else {}

    @property
    def state(self) -> Literal["starting", "running", "draining"]:
        """Where it is in its life."""
        if self.draining:
            return "draining"
        return "starting" if self.snapshot is None or self.providers.awaited else "running"

    @property
    def file(self) -> str:
        """The file that it is configured by, empty for none."""
        return str(self._source.path) if self._source is not None else ""

    def followed(self) -> None:
        """Note that somebody asks whether it is ready, and goes by the answer."""
        if self._front is not None:
            self._front.followed()

    @property
    def draining(self) -> bool:
        """Whether it is going away."""
        return self.reloader.closed

    @property
    def listeners(self) -> dict[str, str]:
        """The addresses that are listened on, by the names of the listeners."""
        return dict(self._front.listeners) if self._front is not None else {}

    def kill(self) -> None:
        """End at once whatever of it is not this process."""
        if self._front is not None:
            self._front.kill()

    async def stop(self, grace: float | None = None, *, linger: bool = True) -> int:
        """Drain and close everything; return how many requests were cut off after `grace` seconds.

        With `linger`, connections are still taken for a moment where somebody follows the readiness.
        """
        grace = self.config.server.drain if grace is None else grace
        self.reloader.closed = True
        if self._watch is not None:
            await self._watch.close()
        self.emit(DrainBegun(grace))
        lost = await self._front.drain(grace, linger=linger) if self._front is not None else 0
        await self._close()
        return lost

    async def _close(self) -> None:
        self.reloader.closed = True
        await self.checks.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()
        if self._admin is not None:
            await self._admin.stop()
        # a request that outlives its cancellation keeps its lease, but not its connections
        for pool in self.keep.things("pool"):
            pool.abort()
        if self.snapshot is not None and self.snapshot.hold is not None:
            self.snapshot.hold.release()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.audit.close()
        if self._http is not None:
            await self._http.close()
        if self._tick_handle is not None:
            self._tick_handle.cancel()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def current(self) -> Snapshot:
        """What is in force."""
        assert self.snapshot is not None
        return self.snapshot

    def _tick(self) -> None:
        self.wheel.advance(self.clock.monotonic())
        self._tick_handle = asyncio.get_running_loop().call_later(TICK, self._tick)

    def _count_connections(self) -> float:
        pools: list[Pool] = self.keep.things("pool")
        return sum(pool.open_count for pool in pools)

    def _health_changed(self, service: Service, member: Member, before: Health) -> None:  # noqa: ARG002
        health = member.health
        if self._front is not None:
            self._front.health_changed(service.name, member)
        self.emit(HealthChanged(service.name, member.instance.id, str(health.status), health.reason))


@asynccontextmanager
async def rehearse(config: GatewayConfig, host: PluginHost) -> AsyncIterator[Builder]:
    """What builds a configuration that is not to be served: nothing listens, and nothing is connected to."""
    gateway = Gateway(config, host)
    gateway._open_http()
    try:
        yield attrs.evolve(gateway.builder, open_keys=NoKeys)
    finally:
        # what a filter has asked for while it was built, a client for other systems say
        await gateway._close()


async def _take_apart(snapshot: Snapshot) -> None:
    """Free what is large little by little: at once it would hold the loop for 30 to 50 ms (10,000 routes)."""
    for _ in snapshot.table.take_apart():
        await asyncio.sleep(0)


def _log_timer_error(error: Exception) -> None:
    log.error("a timer failed", exc_info=error)

"""A whole gateway on free ports, from the text of a configuration."""

import asyncio
import functools
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from gatekeeper.config.addresses import Listen
from gatekeeper.config.model import GatewayConfig
from gatekeeper.core.clock import Clock
from gatekeeper.extend.host import PluginHost
from gatekeeper.runtime.change import Outcome
from gatekeeper.runtime.front import LocalFront
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.runtime.loading import load_gateway_text
from gatekeeper.runtime.source import Source
from gatekeeper.testing.call import make_host
from gatekeeper.testing.client import Answer, Client, Connection
from gatekeeper.testing.exchange import Fields


PATIENCE: Final = 5.0
"""Seconds of real time after which a test that waits is stuck."""

_ANYWHERE: Final = Listen("127.0.0.1", 0)


class LiveGateway:
    """A running gateway, with a client for its first listener and one for its admin listener.

    `records` are the lines of the access log, `addresses` those of its listeners by name, `gateway` the object itself.
    """

    def __init__(self, gateway: Gateway, records: list[dict[str, Any]], changed: asyncio.Event) -> None:
        self.gateway: Final = gateway
        self.records: Final = records
        self.address: Final = next(iter(gateway.listeners.values()))
        self.client: Final = Client(self.address)
        self.admin: Final = Client(gateway.admin_address)
        self._changed = changed
        self._opened: list[Client | Connection] = [self.client, self.admin]

    @property
    def addresses(self) -> Mapping[str, str]:
        """The addresses of its listeners, by name."""
        return self.gateway.listeners

    async def apply(self, config: str) -> Outcome:
        """Put another configuration in the place of the one in force, if it is sound."""
        return await self.gateway.reloader.apply(config, "a test")

    async def request(self, method: str, target: str = "/", headers: Fields = (), **options: Any) -> Answer:
        """Send a request on the kept connection and read its answer; the options are those of `Client.request`.

        Raises:
            WireError: the answer breaks off, is malformed, or does not come in time.

        """
        return await self.client.request(method, target, headers, **options)

    async def get(self, target: str = "/", headers: Fields = (), **options: Any) -> Answer:
        """Send a GET on the kept connection and read its answer.

        Raises:
            WireError: the answer breaks off, is malformed, or does not come in time.

        """
        return await self.client.request("GET", target, headers, **options)

    async def raw(self, data: bytes, within: float = PATIENCE) -> bytes:
        """Send bytes on a connection of their own; return everything that comes until the gateway closes it.

        Raises:
            WireError: it does not close the connection in time.

        """
        connection = await self.connect()
        await connection.send(data)
        return await connection.rest(within)

    async def connect(
        self, tls: ssl.SSLContext | None = None, *, listener: str = "", receive_buffer: int = 0
    ) -> Connection:
        """Open another connection to a listener, the first one if none is named; closed after the test."""
        address = self.addresses[listener] if listener else self.address
        connection = await Connection.open(address, tls, receive_buffer=receive_buffer)
        self._opened.append(connection)
        return connection

    def new_client(self) -> Client:
        """A client with connections of its own; closed after the test."""
        client = Client(self.address)
        self._opened.append(client)
        return client

    async def record(self, number: int = 1, within: float = PATIENCE) -> dict[str, Any]:
        """Wait for the access record of this number, counted from 1.

        Raises:
            AssertionError: it did not come.

        """
        try:
            async with asyncio.timeout(within):
                while len(self.records) < number:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"there are {len(self.records)} access records, not {number}") from None
        return self.records[number - 1]

    def metric(self, name: str, **labels: str) -> float:
        """The value of a sample whose labels are, among others, these; 0 if there is none."""
        found = self.gateway.metrics.snapshot().get(name, {"samples": []})
        values = [
            sample["value"]
            for sample in found["samples"]
            if labels.items() <= sample["labels"].items() and "value" in sample
        ]
        return float(sum(values))

    async def close(self) -> None:
        """Close every connection that was opened through this object."""
        for opened in self._opened:
            await opened.close()


StartGateway = Callable[..., Awaitable[LiveGateway]]
"""What the fixture `gateway` is."""


@asynccontextmanager
async def open_gateway(
    config: str | Path | GatewayConfig,
    plugins: Iterable[Any] = (),
    *,
    clock: Clock | None = None,
    environ: Mapping[str, str] | None = None,
    change: Callable[[GatewayConfig], GatewayConfig] | None = None,
    checks: bool = False,
) -> AsyncIterator[LiveGateway]:
    """Run a gateway by a text, or by a file, which it watches. All its listeners are on free ports of 127.0.0.1.

    `plugins` are files, or objects with hooks, in addition to what is installed. `change` may alter each configuration
    before it is used, also later ones. Instances are asked for their health only with `checks`: origins with a script
    do not expect that.

    Raises:
        ConfigError: the configuration is refused.
        PluginError: a plugin is.

    """
    host = await asyncio.to_thread(make_host, plugins)

    def adjust(read: GatewayConfig) -> GatewayConfig:
        moved = move_listeners(read if checks else without_checks(read))
        return change(moved) if change is not None else moved

    source = Source(
        host=host,
        path=config if isinstance(config, Path) else Path("gateway.yaml"),
        text=None if isinstance(config, Path) else config if isinstance(config, str) else "version: 1\n",
        env_file=False,
        environ=environ,
        adjust=adjust,
    )
    loaded = None
    if isinstance(config, GatewayConfig):
        first = adjust(config)
    else:
        loaded = await asyncio.to_thread(source.load)
        first = loaded.config
    records: list[dict[str, Any]] = []
    changed = asyncio.Event()

    def write_access(record: dict[str, Any]) -> None:
        records.append(record)
        changed.set()

    front = functools.partial(LocalFront, write_access=write_access)
    gateway = Gateway(first, host, source=source, read=loaded, clock=clock, front=front)
    await gateway.start()
    live = LiveGateway(gateway, records, changed)
    try:
        yield live
    finally:
        await live.close()
        await gateway.stop(grace=0)


async def load_config(text: str, host: PluginHost, environ: Mapping[str, str] | None = None) -> GatewayConfig:
    """Read a configuration, in a thread: files may belong to it.

    Raises:
        ConfigError: it is refused.

    """
    loaded = await asyncio.to_thread(load_gateway_text, text, host, environ=environ)
    return loaded.config


def move_listeners(config: GatewayConfig) -> GatewayConfig:
    """The same configuration on free ports."""
    listeners = {name: attrs.evolve(one, address=_ANYWHERE) for name, one in config.server.listen.items()}
    admin = attrs.evolve(config.admin, listen=_ANYWHERE) if config.admin.listen else config.admin
    return attrs.evolve(config, server=attrs.evolve(config.server, listen=listeners), admin=admin)


def without_checks(config: GatewayConfig) -> GatewayConfig:
    """The same configuration, in which nobody is asked for their health."""
    services = {name: attrs.evolve(service, health=False) for name, service in config.services.items()}
    return attrs.evolve(config, services=services)

"""A gateway of several workers: its supervisor in this process, real workers beside it; what one alone is told."""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from gatekeeper.extend.host import PluginHost
from gatekeeper.runtime.change import Outcome
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.runtime.source import Source
from gatekeeper.testing import Client, move_listeners
from gatekeeper.version import VERSION
from gatekeeper.workers.crew import Crew
from gatekeeper.workers.fleet import Fleet, Launch
from gatekeeper.workers.node import FleetNode


HELLO: Final = """\
routes: {all: {match: /**, filters: [static: {body: {text: hello}}]}}
"""


def beginning(revision: int, **changes: object) -> dict[str, object]:
    """What a worker is told first."""
    return {
        "version": VERSION,
        "revision": revision,
        "plugins": [],
        "blocked": [],
        "log_level": "error",
        "log_format": "json",
        "listeners": ["main"],
        "files": {},
        **changes,
    }


@attrs.define
class Supervisor:
    """What a test has of it."""

    gateway: Gateway
    path: Path
    client: Client

    @property
    def node(self) -> FleetNode:
        """As the admin side sees it."""
        return FleetNode(self.gateway)

    @property
    def fleet(self) -> Fleet:
        """Its front."""
        front = self.gateway.front
        assert isinstance(front, Fleet)
        return front

    @property
    def crew(self) -> Crew:
        """The workers that live."""
        return self.fleet.crew

    @property
    def pids(self) -> list[int]:
        """Of those that serve, in the order of their places."""
        return [worker.pid for worker in self.crew.serving]

    async def write(self, text: str) -> Outcome:
        """Change the configuration."""
        self.path.write_text(whole(text))
        return await self.gateway.reload("test")

    async def get(self, path: str = "/") -> tuple[int, bytes]:
        """Ask on a connection of its own."""
        client = Client(self.client.address)
        try:
            answer = await client.get(path)
        finally:
            await client.close()
        return answer.status, answer.body

    async def everybody(self, path: str = "/", times: int = 24) -> set[tuple[int, bytes]]:
        """What workers answer, so often that each of them is asked."""
        return {await self.get(path) for _ in range(times)}


Supervise = Callable[..., Awaitable[Supervisor]]


def whole(text: str) -> str:
    """A configuration with what every one of these tests needs."""
    head = "version: 1\nadmin: {listen: false}\n"
    return head + text if "server:" in text else f"{head}server: {{drain: 2s}}\n{text}"


async def start(
    path: Path, text: str, *, count: int, plugins: Sequence[Path], move: bool = True, **options: Any
) -> Supervisor:
    """Start a gateway of several workers, on free ports, or with `move=False` where it says."""
    await asyncio.to_thread(path.write_text, whole(text))
    host = await asyncio.to_thread(PluginHost, plugins)
    source = Source(
        host=host,
        path=path,
        env_file=False,
        environ={},
        adjust=move_listeners if move else lambda config: config,
    )
    read = await asyncio.to_thread(source.load)
    launch = Launch(count, [str(file) for file in plugins], log_level="error")
    gateway = Gateway(
        read.config,
        host,
        source=source,
        read=read,
        front=functools.partial(Fleet, launch=launch),
        node=FleetNode,
        role="supervisor",
        **options,
    )
    await gateway.start()
    return Supervisor(gateway, path, Client(gateway.listeners["main"]))

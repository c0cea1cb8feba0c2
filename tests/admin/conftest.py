"""An admin listener on a free port, over a node that is nothing but data."""

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest_asyncio

from gatekeeper.admin.server import AdminServer
from gatekeeper.testing import Answer, Client, Connection, FakeClock
from tests.admin.memory import MemoryNode


class Admin(Client):
    """A client of it, and what is behind it."""

    def __init__(self, address: str, node: MemoryNode, clock: FakeClock) -> None:
        super().__init__(address)
        self.node = node
        self.clock = clock

    async def ask(self, method: str, target: str = "/", token: str = "", **options: Any) -> Answer:
        """Send a request as a local program does."""
        headers = dict(options.pop("headers", {}))
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return await self.request(method, target, headers, **{"host": "localhost", **options})

    async def raw(self, data: bytes) -> bytes:
        """Send bytes, and return everything that comes until the other side closes."""
        connection = await Connection.open(self.address)
        try:
            await connection.send(data)
            return await connection.rest()
        finally:
            await connection.close()


StartAdmin = Callable[..., Awaitable[Admin]]


@pytest_asyncio.fixture
async def admin() -> AsyncIterator[StartAdmin]:
    """Start listeners, with the arguments of AdminServer."""
    started: list[tuple[Admin, AdminServer]] = []

    async def start(
        node: MemoryNode | None = None, plugins: Any = (), address: str = "127.0.0.1", **options: Any
    ) -> Admin:
        node, clock = node or MemoryNode(), FakeClock()
        server = AdminServer(node, plugins, clock=clock, **options)
        sock = socket.create_server((address, 0))
        found = await server.start(sock)
        client = Admin(found.replace("0.0.0.0:", "127.0.0.1:"), node, clock)
        started.append((client, server))
        return client

    yield start
    for client, server in started:
        await client.close()
        await server.stop()

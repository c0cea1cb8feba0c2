"""An admin listener in a thread of its own, over a node that is nothing but data: commands block while they ask."""

import asyncio
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from gatekeeper.admin.server import AdminServer
from gatekeeper.admin.users import User
from tests.admin.memory import MemoryNode


@contextmanager
def listening(node: Any = None, users: Iterable[User] = (), host: str = "127.0.0.1") -> Iterator[str]:
    """Serve a node; its address."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> tuple[AdminServer, str]:
        server = AdminServer(node or MemoryNode(), [], users=users)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return server, await server.start(socket.create_server((host, 0), family=family))

    server, address = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield address
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextmanager
def saying(data: bytes) -> Iterator[str]:
    """Something that is no gateway: it answers every connection with these bytes; its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()

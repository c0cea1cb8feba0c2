"""Connections that come through proxies who say first who the client is (PROXY protocol).

The header is read from the bare socket, and only then the loop is given the connection, with TLS or without: it sees what
the client has sent, from its first byte on, on asyncio and on uvloop alike. Nothing of this is on the way of a listener
that has no such proxies.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from gatekeeper.edge import proxied
from gatekeeper.edge.forwarded import is_trusted, parse_address
from gatekeeper.edge.proxied import MalformedHeader, Told
from gatekeeper.edge.settings import EdgeSettings


log = logging.getLogger(__name__)

AT_ONCE: Final = 16
"""Connections that are accepted in one turn of the loop."""
EXHAUSTED: Final = 1.0
"""Seconds until somebody is accepted again, where the system had no descriptor left."""
TELL: Final = 60.0
"""Seconds between two lines of the log about connections that are closed for the same reason."""


class _Silent(Exception):
    """The connection has ended without a byte."""


class Arrivals:
    """The connections of one edge that have not said yet who their client is, or have not finished to speak of TLS."""

    def __init__(
        self,
        settings: Callable[[], EdgeSettings],
        on_refused: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        """`on_refused` is called with the reason for each connection that is closed; `clock` tells seconds."""
        self.settings: Final = settings
        self._on_refused: Final = on_refused
        self._clock: Final = clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._told_at: dict[tuple[str, str], float] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def add(self, task: "asyncio.Task[None]") -> None:
        """Remember a connection until its task has ended."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def refuse(self, reason: str, listener: str, address: str, message: str) -> None:
        """Note that a connection was closed; the log has one line of each sort in a while."""
        self._on_refused(reason)
        now, key = self._clock(), (reason, listener)
        if now - self._told_at.get(key, -TELL) < TELL:
            return
        self._told_at[key] = now
        log.warning(
            "listener %s takes PROXY protocol from trusted proxies only, and has closed a connection from %s: %s",
            listener,
            address or "a socket file",
            message,
        )

    async def cut(self) -> None:
        """End all of them."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)


class Reception:
    """Accepts the connections of one socket, which is its own from now on."""

    def __init__(
        self,
        listener: str,
        sock: socket.socket,
        serve: Callable[[Told], asyncio.BaseProtocol],
        tls: Mapping[str, Any],
        arrivals: Arrivals,
    ) -> None:
        """`serve` makes what serves a connection, and `tls` is what loops take to speak it."""
        self._listener = listener
        self._sock = sock
        self._serve = serve
        self._tls = tls
        self._arrivals = arrivals
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._loop.add_reader(sock, self._accept)

    def close(self) -> None:
        """Accept nobody any more; who was accepted goes on."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._sock)
        self._sock.close()

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                connection, _ = self._sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                context = {"message": "nobody can be accepted", "exception": error, "socket": self._sock}
                self._loop.call_exception_handler(context)
                self._loop.remove_reader(self._sock)
                self._pause = self._loop.call_later(
                    EXHAUSTED, self._loop.add_reader, self._sock, self._accept
                )
                return
            connection.setblocking(False)
            self.receive(connection)

    def receive(self, connection: socket.socket) -> None:
        """Take a connection that was accepted: serve it when it has said who the client is."""
        settings = self._arrivals.settings()
        try:
            name = connection.getpeername()
        except OSError:  # it has gone by now
            connection.close()
            return
        shown = str(name[0]) if isinstance(name, tuple) else ""
        address = parse_address(shown)
        if address is None or not is_trusted(address, settings.networks):
            connection.close()
            why = "it is not in `server.trusted_proxies`"
            self._arrivals.refuse("untrusted", self._listener, shown, why)
        elif len(self._arrivals) >= settings.limits.connections:
            connection.close()
            self._arrivals.refuse("crowd", self._listener, shown, "too many say nothing")
        else:
            work = self._receive(connection, shown, settings.timeouts.head)
            self._arrivals.add(self._loop.create_task(work, name=f"arrival from {shown}"))

    async def _receive(self, connection: socket.socket, address: str, patience: float) -> None:
        refuse = partial(self._arrivals.refuse, listener=self._listener, address=address)
        try:
            async with asyncio.timeout(patience):
                told = await self._read(connection)
        except BaseException as error:
            connection.close()
            if isinstance(error, MalformedHeader):
                refuse("malformed", message=f"its header cannot be read: {error}")
            elif isinstance(error, TimeoutError):
                refuse("timeout", message=f"its header did not come within {patience:g} s")
            elif not isinstance(error, _Silent | OSError):
                raise
            return
        # in the handshake of TLS, it may go, or be refused
        with contextlib.suppress(OSError):
            await self._loop.connect_accepted_socket(partial(self._serve, told), connection, **self._tls)

    async def _read(self, connection: socket.socket) -> Told:
        data = b""
        while isinstance(found := proxied.read(data), int):
            more = await self._loop.sock_recv(connection, found)
            if not more:
                if not data:
                    raise _Silent
                raise MalformedHeader("it ends too early")
            data += more
        return found

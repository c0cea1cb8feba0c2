"""The connections to one address, kept open between requests.

Pools are apart wherever two connections would not be equal: address, scheme and TLS identity (own certificate, trust,
server name) all belong to the key, so that no request ever travels under another service's identity.
"""

import asyncio
import math
import socket
import ssl
import struct
from collections import deque
from operator import itemgetter
from typing import Final

import attrs

from gatekeeper.core.clock import Wheel
from gatekeeper.core.concurrency import PATIENCE
from gatekeeper.core.errors import ConnectFailed, ConnectTimeout, PoolExhausted, TlsFailed
from gatekeeper.core.instance import Instance
from gatekeeper.upstream.connection import Connection
from gatekeeper.upstream.holding import give_up, seconds_held


_seconds: Final = itemgetter(0)
_TCP_ESTABLISHED: Final = 1
TRUSTED: Final = 0.5
"""Seconds after its last answer in which a connection is taken to be as it was."""
CLEAR: Final = 0.25
"""Seconds between two looks for clients that hold connections which others wait for."""
SWEEP: Final = 1.0
"""Seconds between two looks for connections that have been idle too long."""


@attrs.frozen
class TlsIdentity:
    """How a connection proves who it is and whom it believes; equal identities may share connections."""

    key: tuple[str, ...]
    context: ssl.SSLContext = attrs.field(eq=False)
    server_name: str = ""


class Pool:
    """Idle connections (last used first) and the number of all; opening waits in line when there are enough.

    It may be made in any thread; from its first connection on it belongs to that one's loop.
    """

    __slots__ = (
        "_cleared",
        "_clearing",
        "_connections",
        "_idle",
        "_instance",
        "_opening",
        "_sweeping",
        "_tls",
        "_waiters",
        "_wheel",
        "closed",
        "idle_timeout",
        "max_connections",
        "max_requests",
        "name",
    )

    def __init__(
        self,
        instance: Instance,
        wheel: Wheel,
        tls: TlsIdentity | None = None,
        *,
        max_connections: int = 256,
        idle_timeout: float = 30.0,
        max_requests: int | None = None,
    ) -> None:
        """Open nothing yet; a connection is idle for `idle_timeout` seconds at most, and takes `max_requests`."""
        self.name: Final = f"{instance.scheme}://{instance.path or instance.authority.decode()}"
        self.max_connections = max_connections
        self.idle_timeout = idle_timeout
        self.max_requests = max_requests or math.inf
        self.closed = False
        self._instance = instance
        self._wheel = wheel
        self._tls = tls
        self._sweeping = self._clearing = False
        self._cleared = -math.inf
        self._idle: deque[Connection] = deque()
        self._connections: set[Connection] = set()
        self._opening = 0
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()

    @property
    def open_count(self) -> int:
        """Connections that are open."""
        return len(self._connections)

    @property
    def idle_count(self) -> int:
        """Connections that wait for a request."""
        return len(self._idle)

    @property
    def is_scarce(self) -> bool:
        """Whether more than half of the connections that there may be are busy."""
        return 2 * (len(self._connections) + self._opening - len(self._idle)) > self.max_connections

    def take(self, *, proven: bool = False) -> Connection | None:
        """Return an idle connection, or None where there is none.

        With `proven` the kernel is asked whether the instance has hung up in the meantime: for requests that must not
        be sent twice, so that they rarely meet a connection that is about to break. One that was busy a moment ago
        is not asked about: that costs 30 µs under uvloop.
        """
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.is_open and not (
                proven and self._wheel.now - connection.idle_since > TRUSTED and _has_hung_up(connection)
            ):
                return connection
            connection.close()
        return None

    async def open(self, within: float) -> Connection:
        """Open a connection within `within` seconds, waiting in line for one where the pool is full.

        Raises:
            PoolExhausted: none became free in time.
            ConnectFailed: refused, unreachable, or no such name.
            ConnectTimeout: not connected in time.
            TlsFailed: the handshake failed or the certificate is not acceptable.

        """
        deadline = asyncio.get_running_loop().time() + within
        if len(self._connections) + self._opening < self.max_connections:
            self._opening += 1
        else:
            if self._idle:
                self._idle.popleft().close()  # a new one is wanted: the place of the oldest will do
            if (connection := await self._wait_in_line(deadline)) is not None:
                return connection
        try:
            async with asyncio.timeout_at(deadline):
                connection = await self._connect()
        except BaseException as error:
            self._pass_place_on()
            if isinstance(error, TimeoutError):
                raise ConnectTimeout(log=f"{self.name}: not connected within {within:g} s") from error
            if isinstance(error, ssl.SSLError):
                raise TlsFailed(log=f"{self.name}: {error}") from error
            if isinstance(error, (OSError, UnicodeError)):
                # UnicodeError: a host name that cannot be encoded for DNS
                raise ConnectFailed(log=f"{self.name}: {error}") from error
            raise
        self._opening -= 1
        self._connections.add(connection)
        return connection

    async def _wait_in_line(self, deadline: float) -> Connection | None:
        """Wait for a connection that becomes free, or for the place of one that has ended: None."""
        while True:
            waiter: asyncio.Future[Connection | None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            if not self._clearing:
                self._clear_on()
            try:
                async with asyncio.timeout_at(deadline):
                    connection = await waiter
            except BaseException as error:
                if not waiter.done() or waiter.cancelled():
                    if waiter in self._waiters:
                        self._waiters.remove(waiter)
                elif (late := waiter.result()) is not None:
                    self.release(late)
                else:
                    self._pass_place_on()
                if isinstance(error, TimeoutError):
                    raise PoolExhausted(
                        log=f"{self.name}: {self.max_connections} connections are busy"
                    ) from None
                raise
            if connection is None or connection.is_open:
                return connection

    async def _connect(self) -> Connection:
        instance, tls = self._instance, self._tls
        context = tls.context if tls is not None else None
        name = (tls.server_name or instance.host) if tls is not None else None

        loop = asyncio.get_running_loop()

        def protocol() -> Connection:
            return Connection(self, loop)

        if instance.path:
            _, connection = await loop.create_unix_connection(
                protocol, instance.path, ssl=context, server_hostname=name
            )
        else:
            _, connection = await loop.create_connection(
                protocol, instance.host, instance.port, ssl=context, server_hostname=name
            )
        if not connection.is_open:
            raise ConnectionResetError("closed while it was being opened")
        return connection

    def release(self, connection: Connection) -> None:
        """Take a connection back whose answer is complete."""
        if self.closed or not connection.is_open or connection.requests >= self.max_requests:
            connection.close()
            return
        connection.idle_since = self._wheel.now
        if not (self._waiters and self._wake_next(connection)):
            self._idle.append(connection)
            if not self._sweeping:
                self._sweeping = True
                self._wheel.add(SWEEP, self._sweep)

    def forget(self, connection: Connection) -> None:
        """Note that a connection has ended."""
        if connection in self._idle:
            self._idle.remove(connection)
        if connection in self._connections:
            self._connections.remove(connection)
            self._opening += 1
            self._pass_place_on()

    def close(self) -> None:
        """Close what is idle, and what is busy as soon as it is done."""
        self.closed = True
        while self._idle:
            self._idle.pop().close()

    def abort(self) -> None:
        """Close everything now."""
        self.close()
        for connection in list(self._connections):
            connection.close()

    def _sweep(self) -> None:
        oldest = self._wheel.now - self.idle_timeout
        while self._idle and self._idle[0].idle_since < oldest:
            self._idle.popleft().close()
        self._sweeping = bool(self._idle)
        if self._sweeping:
            self._wheel.add(SWEEP, self._sweep)

    def clear(self, count: int) -> None:
        """Let so many clients at most give up what they merely hold, those first who have held it longest."""
        now = self._wheel.now
        if now - self._cleared < CLEAR:
            return
        self._cleared = now
        held = [
            (seconds, connection.answer)
            for connection in self._connections
            if connection.answer is not None and (seconds := seconds_held(connection.answer, now)) >= PATIENCE
        ]
        held.sort(key=_seconds, reverse=True)
        for _, answer in held[:count]:
            give_up(answer)

    def _clear_on(self) -> None:
        """Do that as long as somebody waits."""
        self.clear(len(self._waiters))
        self._clearing = bool(self._waiters)
        if self._clearing:
            self._wheel.add(CLEAR, self._clear_on)

    def _pass_place_on(self) -> None:
        """Give a place that is counted as opening to the first in line, or back."""
        if not self._wake_next(None):
            self._opening -= 1

    def _wake_next(self, connection: Connection | None) -> bool:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    def __repr__(self) -> str:
        return f"<Pool {self.name} {self.open_count} open/{self.idle_count} idle>"


def _has_hung_up(connection: Connection) -> bool:
    """Ask the kernel whether the peer has closed its side; the loop may not have read it yet."""
    transport = connection.transport
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None or sock.family == socket.AF_UNIX or not hasattr(socket, "TCP_INFO"):
        return False
    try:
        # the first byte of struct tcp_info is the state (tcp(7))
        (state,) = struct.unpack("B", sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1))
    except OSError:
        return True
    return bool(state != _TCP_ESTABLISHED)

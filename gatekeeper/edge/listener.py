"""A listening socket that goes without resetting anybody whom the kernel has already accepted.

What closes one resets every connection that waits to be accepted, after its client was told that it is open and may
have sent its request: asyncio and uvloop do no more than that, and `shutdown` does the same to the queue. 40 times under
two clients that connect as fast as they can (127.0.0.1, 2 cores), connections that were reset, of about 1,500 at a time:

    what is done                                     asyncio    uvloop
    `server.close()`                                      66       448
    accept until the queue is empty, then close            0         2
    the same, 0.1 s after the last handshake began         0         0

Therefore, where the kernel can (Linux), it is first told to drop what begins a connection, so that the queue only becomes
shorter, and handshakes under way are given a moment. Whoever connects meanwhile hears nothing; its system tries again
after a second, and is refused then, or meets who has the address next. Two things cannot be had: a handshake that takes
longer than that moment is reset, and elsewhere than on Linux so is what comes in between the last look and the end.

A socket file is removed instead, so that nobody finds the way: who has connected by then is in line, and accepted.

Not for a socket that goes on: where another listener has a duplicate of it (a reload that changes what stands beside the
address), the filter would make that one deaf. It takes over the queue instead.
"""

import asyncio
import contextlib
import ipaddress
import os
import socket
import struct
import sys
from array import array
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from gatekeeper.edge.reception import AT_ONCE, Arrivals, Reception
from gatekeeper.edge.socketfile import FileSocket
from gatekeeper.edge.tls import ServerTls


BACKLOG: Final = 1024
HANDSHAKES: Final = 0.1
"""Seconds at most that handshakes under way are given."""

UNSENT: Final = 128 * 1024
"""Bytes that the kernel takes for a connection beyond those that are under way: else it grows to 4 MiB for each client
that does not read (0.15 then), and one that reads slowly seems not to for minutes. Accepted connections inherit it."""

GOODBYE: Final = 2.0
"""Seconds that the end of TLS may take, before there is the end of its connection."""

_TURNS: Final = 4
"""Of the loop, after which whatever asyncio has accepted has its transport; its server forgets those that have none."""

_KEEP_FILE: Final[dict[str, Any]] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
"""Of a loop's server for a socket file, which would else remove it whenever it ends."""

_TCP_NOTSENT_LOWAT: Final = 25
_SO_ATTACH_FILTER: Final = 26
_SO_DETACH_FILTER: Final = 27
_NO_SYN: Final = b"".join(
    struct.pack("=HBBI", *instruction)
    for instruction in (
        (0x30, 0, 0, 13),  # the flags of the TCP header
        (0x45, 0, 1, 0x02),  # SYN
        (0x06, 0, 0, 0),  # is dropped
        (0x06, 0, 0, 0xFFFFFFFF),  # all else passes
    )
)
"""Classic BPF; connections that were accepted with it in place inherit it, and never get a SYN."""


class Listener:
    """One address that is listened on, from `open` to `close`; its connections may outlive it."""

    __slots__ = (
        "_accepting",
        "_arrivals",
        "_connect",
        "_reception",
        "_server",
        "_tls",
        "entering",
        "leaving",
        "lent",
        "name",
        "sock",
    )

    def __init__(
        self,
        name: str,
        sock: socket.socket,
        connect: Callable[..., asyncio.BaseProtocol],
        tls: ServerTls | None = None,
        patience: float = 10.0,
        *,
        arrivals: Arrivals | None = None,
        lent: bool = False,
    ) -> None:
        """`sock` is bound, and the listener's from now on; `connect` makes what serves a connection of this listener.

        The handshakes of TLS may take `patience` seconds. With `arrivals`, proxies say first who their clients are, which
        `connect` is told, too. Who waits on a socket that is `lent` is left there: its owner has it, and stays.
        """
        self.name = name
        self.leaving = False
        """Whether the next answer on each of its connections is the last one there."""
        self.sock = sock
        self.lent = lent
        self._connect = partial(connect, self)
        self._tls: dict[str, Any] = {}  # what loops take; nothing of it without TLS
        if tls is not None:
            self._tls = {
                "ssl": tls.context,
                "ssl_handshake_timeout": patience,
                "ssl_shutdown_timeout": GOODBYE,
            }
        # the loop's server has a descriptor of its own: with its end, the queue of the socket does not end
        self._accepting: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._arrivals = arrivals
        self._reception: Reception | None = None
        self.entering: asyncio.Future[list[None]] | None = None
        """Done when those have come in who were accepted elsewhere, or last."""

    async def open(self) -> None:
        """Accept connections.

        Raises:
            OSError: somebody else has begun to listen on the address; the socket is closed.

        """
        try:
            _allow_handshakes(self.sock)
            # not left to the loop: uvloop does not tell that it cannot
            self.sock.listen(BACKLOG)
            self._accepting = _duplicate(self.sock)
            if self._arrivals is not None:
                self._reception = Reception(
                    self.name, self._accepting, self._connect, self._tls, self._arrivals
                )
                return
            loop = asyncio.get_running_loop()
            if self.sock.family == socket.AF_UNIX:
                self._server = await loop.create_unix_server(
                    self._connect, sock=self._accepting, backlog=AT_ONCE, **_KEEP_FILE, **self._tls
                )
            else:
                self._server = await loop.create_server(
                    self._connect, sock=self._accepting, backlog=AT_ONCE, **self._tls
                )
            self.sock.listen(BACKLOG)  # it has said its own
        except BaseException:
            if self._accepting is not None:
                self._accepting.close()
            self.sock.close()
            raise

    def shares(self, other: "Listener") -> bool:
        """Whether both have the same socket."""
        # only duplicates can listen on one address
        return self.sock.getsockname() == other.sock.getsockname()  # type: ignore[no-any-return]

    async def close(self, patience: float = HANDSHAKES) -> None:
        """Accept whoever has connected, and nobody after that; handshakes have `patience` seconds to end."""
        if isinstance(self.sock, FileSocket):
            # nobody finds it any more; there are no handshakes
            await asyncio.to_thread(self.sock.file.remove)
        elif _drop_handshakes(self.sock):
            await asyncio.sleep(patience)
        await self._stop()
        waiting = accept_all(self.sock)
        self.sock.close()
        self.enter(waiting)
        if self.entering is not None and not self._tls:
            await self.entering

    def enter(self, connections: Sequence[socket.socket]) -> None:
        """Serve connections that were accepted elsewhere; nobody waits for the handshakes of others."""
        if self._reception is not None:
            for connection in connections:
                self._reception.receive(connection)
        elif connections:
            self.entering = asyncio.gather(*map(self._enter, connections))

    async def _enter(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError):  # it has gone by now, or does not speak TLS
            await asyncio.get_running_loop().connect_accepted_socket(self._connect, connection, **self._tls)

    async def hand_over(self) -> None:
        """Accept nobody any more; who waits is left to whom the socket is shared with."""
        await self._stop()
        self.sock.close()

    async def _stop(self) -> None:
        if self._reception is not None:
            self._reception.close()
            return
        assert self._server is not None
        assert self._accepting is not None
        # uvloop's server does not listen in this way, and hands over in one go what it accepts
        asyncio.get_running_loop().remove_reader(self._accepting)
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        self._server.close()


def _duplicate(sock: socket.socket) -> socket.socket:
    """A descriptor of its own for a loop, which knows nothing of the file that it may be bound to."""
    duplicate = socket.socket(sock.family, sock.type, sock.proto, fileno=os.dup(sock.fileno()))
    duplicate.setblocking(False)
    return duplicate


def accept_all(sock: socket.socket) -> list[socket.socket]:
    """Everybody who waits."""
    accepted: list[socket.socket] = []
    while True:
        try:
            connection, _ = sock.accept()
        except ConnectionAbortedError:
            continue
        except OSError:
            # nobody is left, or there are no descriptors for them
            return accepted
        connection.setblocking(False)
        accepted.append(connection)


def _drop_handshakes(sock: socket.socket) -> bool:
    """Let no more connections begin; whether the kernel can do that."""
    if sys.platform != "linux" or sock.family == socket.AF_UNIX:
        return False
    program = array("B", _NO_SYN)
    address, size = program.buffer_info()
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", size // 8, address))
    except OSError:
        return False
    return True


def _allow_handshakes(sock: socket.socket) -> None:
    """Undo that: the socket may be a duplicate of one that was closed."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # there is nothing to undo
            sock.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)


def tune(sock: socket.socket) -> None:
    """Have the kernel take little of what a client does not read."""
    if sys.platform == "linux" and sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, UNSENT)


def bind(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """Return a bound socket, not yet listening; with `shared`, others of this user may bind the same address so.

    Raises:
        OSError: the address cannot be used.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ipaddress.ip_address(host)
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        tune(sock)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock

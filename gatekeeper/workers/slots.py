"""One listening socket for each worker slot, all on the same address: the kernel spreads connections over them.

The supervisor opens them (`SO_REUSEPORT`) and never accepts; a worker has a duplicate of that of its slot. So what waits to
be accepted outlives a worker, and meets its successor: of workers that bind for themselves, some of those are reset.

Of a socket file, and of what systemd has opened, there is one socket only: all slots have a duplicate of it, and whoever
comes first takes the next in line.
"""

import contextlib
import socket
from collections.abc import Sequence
from typing import Final, Self

from gatekeeper.config.addresses import Listen
from gatekeeper.edge.listener import accept_all, bind
from gatekeeper.edge.socketfile import BoundFile, FileSocket
from gatekeeper.runtime.activation import NOTHING, Handed
from gatekeeper.runtime.sockets import open_socket


class Slots:
    """The sockets of one address, one for each slot."""

    def __init__(self, sockets: Sequence[socket.socket], *, apart: bool) -> None:
        self._sockets: Final = list(sockets)
        self._apart: Final = apart
        """Whether each has those who wait to be accepted for itself."""

    @classmethod
    def bind(cls, address: Listen, count: int, handed: Handed = NOTHING) -> Self:
        """Open as many on an address that nobody has, or have one that was `handed` over as often.

        Raises:
            OSError: the address cannot be used.

        """
        if not address.has_host:
            first = open_socket(address, handed)
            return cls([first, *(first.dup() for _ in range(count - 1))], apart=False)
        port = address.port
        if port:
            # whoever may share an address with us must not do so by accident: two gateways, started twice
            bind(address.host, port).close()
        sockets: list[socket.socket] = []
        try:
            for _ in range(count):
                sockets.append(bind(address.host, port, shared=True))
                port = sockets[0].getsockname()[1]
        except OSError:
            for sock in sockets:
                sock.close()
            raise
        return cls(sockets, apart=True)

    def vacate(self, slot: int) -> list[socket.socket]:
        """Let nobody connect to a slot that has no worker; returns those who have, but were not accepted.

        Its next worker has a new socket. Where all slots share one, others take who comes.

        Raises:
            OSError: the address cannot be used any more.

        """
        if not self._apart:
            return []
        old = self._sockets[slot]
        host, port = old.getsockname()[:2]
        self._sockets[slot] = bind(host, port, shared=True)
        accepted = accept_all(old)
        old.close()
        return accepted

    def __getitem__(self, slot: int) -> socket.socket:
        return self._sockets[slot]

    @property
    def file(self) -> BoundFile | None:
        """The file that all of them are bound to, None where it is an address."""
        first = self._sockets[0]
        return first.file if isinstance(first, FileSocket) else None

    def dup(self) -> Self:
        """The same, to be closed for themselves."""
        with contextlib.ExitStack() as stack:
            duplicates = [stack.enter_context(contextlib.closing(sock.dup())) for sock in self._sockets]
            stack.pop_all()
        return type(self)(duplicates, apart=self._apart)

    def close(self) -> None:
        """Give all of them up."""
        for sock in self._sockets:
            sock.close()

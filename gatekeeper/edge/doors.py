"""The listeners of an edge: which accept, which are closing, and who goes on with those in line."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Final

from gatekeeper.edge.listener import HANDSHAKES, Listener


class Doors:
    """Holds listeners, by name."""

    __slots__ = ("_leaving", "closing", "handed_over", "open")

    def __init__(self) -> None:
        self.open: dict[str, Listener] = {}
        """Those that accept."""
        self.closing: Final[set[Listener]] = set()
        self.handed_over = False
        """Whether somebody else has all sockets, too, when they close."""
        self._leaving = False

    async def add(self, listener: Listener) -> None:
        """Open a listener; one of that name is closed as soon as it accepts, and where all leave, so is this one.

        Raises:
            OSError: somebody else has begun to listen on the address; nothing else has changed then.

        """
        await listener.open()
        superseded: Listener | None = listener
        if not self._leaving:
            superseded, self.open[listener.name] = self.open.get(listener.name), listener
        if superseded is not None:
            await self._close(superseded, HANDSHAKES)

    async def remove(self, name: str) -> None:
        """Close a listener, if it is open."""
        listener = self.open.pop(name, None)
        # a drain may have closed it before
        if listener is not None:
            await self._close(listener, HANDSHAKES)

    def leave(self, *, hand_over: bool) -> None:
        """Let the next answer on each connection be the last one there, on whatever is opened from now on, too."""
        self._leaving, self.handed_over = True, hand_over
        for listener in self.open.values():
            listener.leaving = True

    async def close(self, within: float) -> None:
        """Close all of them, within so many seconds."""
        listeners, self.open = self.open, {}
        patience = min(HANDSHAKES, within)
        await asyncio.gather(*(self._close(one, patience) for one in listeners.values()))

    async def _close(self, listener: Listener, patience: float) -> None:
        listener.leaving = True
        self.closing.add(listener)
        try:
            if (
                self.handed_over
                or listener.lent
                or any(listener.shares(other) for other in self.open.values())
            ):
                await listener.hand_over()
            else:
                await listener.close(patience)
        finally:
            if listener.entering is None or listener.entering.done():
                self.closing.discard(listener)
            else:
                listener.entering.add_done_callback(lambda _: self.closing.discard(listener))

    def adopt(self, name: str, connections: Sequence[socket.socket]) -> None:
        """Let those in who were accepted elsewhere for a listener; they end where it has gone."""
        listener = self.open.get(name)
        if listener is not None:
            listener.enter(connections)
            return
        for connection in connections:
            connection.close()

    def cut(self) -> None:
        """Give up those who have not come in by now."""
        for listener in self.closing:
            if listener.entering is not None:
                listener.entering.cancel()

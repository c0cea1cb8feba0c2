"""Connections that have switched to another protocol: bytes both ways, which nobody here understands.

A `Tunnel` joins two transports. What comes in on one goes out on the other; who does not read slows down who writes, as
each side's reading pauses while the other's writing does; who half-closes is half-closed on. Nothing is held beyond what
the transports buffer. Silence ends a tunnel, and so does a side that reads nothing of what waits for it.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import attrs

from gatekeeper.core.clock import Timer, Wheel
from gatekeeper.core.transport import cut, unsent


@attrs.frozen
class Upgrades:
    """What connections of a route may switch to: `protocols` in lower case.

    `origins` are the pages (RFC 6454) whose scripts may open WebSockets, None for any; `lifetime` is in seconds.
    """

    protocols: frozenset[str] = frozenset({"websocket"})
    origins: frozenset[str] | None = None
    lifetime: float | None = None


class End:
    """One side of a tunnel, which the protocol of its connection reports to."""

    __slots__ = (
        "_held", "_other", "_paused", "_stall", "_taken", "_tunnel", "bytes_in", "ended", "gone", "transport",
    )  # fmt: skip

    def __init__(self, tunnel: "Tunnel", transport: asyncio.Transport, early: bytes) -> None:
        self.transport: Final = transport
        self.bytes_in = len(early)
        """Bytes that came from here."""
        self.ended = False
        """Nothing more will come from here."""
        self.gone = False
        """Its connection has ended."""
        self._tunnel = tunnel
        self._other: End | None = None  # known as soon as bytes may pass
        self._held = [early] if early else []
        self._paused = False
        self._stall: Timer | None = None
        self._taken = 0

    def received(self, data: bytes) -> None:
        """Pass bytes on."""
        self.bytes_in += len(data)
        self._tunnel._touch()
        other = self._other
        if other is None:
            self._held.append(data)
        elif not other.transport.is_closing():
            other.transport.write(data)

    def eof(self) -> bool:
        """Pass on that nothing more will come; True keeps the connection open for what goes out to it."""
        self.ended = True
        other = self._other
        if other is not None:
            other._end_writing()
            if other.ended:
                self._tunnel.close()
                return False
        # TLS knows no half-closed connections: what `eof_received` returns must be False, and the end comes by itself
        return self.transport.can_write_eof()

    def lost(self) -> None:
        """End the other side, too, once it has everything."""
        self.ended = self.gone = True
        self._unwatch()
        if self._other is not None:
            self._tunnel._lose(self._other)

    def pause(self) -> None:
        """Its transport has more to write than it likes: nothing is read on the other side until it has not."""
        self._paused = True
        other = self._other
        if other is None:
            return
        if not other.ended:  # to resume what has ended would read the end once more
            other.transport.pause_reading()
        if self._stall is None:
            self._watch(other)

    def resume(self) -> None:
        """Its transport has written: the other side is read again."""
        self._paused = False
        self._unwatch()
        if self._other is not None and not self._other.ended:
            self._other.transport.resume_reading()

    def _begin(self, other: "End") -> None:
        self._other = other
        if not self.ended:
            self.transport.resume_reading()

    def _flush(self, other: "End") -> None:
        held, self._held = self._held, []
        if not other.transport.is_closing():
            for data in held:
                other.transport.write(data)
        if self.gone:
            self._tunnel._lose(other)
        elif self.ended:
            other._end_writing()

    def _end_writing(self) -> None:
        transport = self.transport
        if transport.is_closing():
            return
        if not transport.can_write_eof():
            # what was written still goes out; what would have come back is lost
            self._tunnel._close_side(self)
            return
        try:
            transport.write_eof()
        except OSError:
            transport.abort()  # reset, and the loop has not heard of it yet

    def _watch(self, other: "End") -> None:
        self._taken = other.bytes_in - unsent(self.transport)

        def check() -> None:
            self._stall = None
            if other.bytes_in - unsent(self.transport) <= self._taken:
                self._tunnel.abort()
            else:
                self._watch(other)

        self._stall = self._tunnel._after_silence(check)

    def _unwatch(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None


class Tunnel:
    """A connection to an instance that has switched protocols, and that of the client once it is joined.

    Both transports are read from when it is joined, and not before. `idle` is how many seconds of silence on both sides
    end it, `write` how many a side may take nothing of what waits for it, or take for what is left when it is closed.
    """

    __slots__ = (
        "_idle", "_lasting", "_leaving", "_touched", "_wheel", "_write", "client", "closed", "instance",
    )  # fmt: skip

    def __init__(
        self, transport: asyncio.Transport, early: bytes, wheel: Wheel, idle: float, write: float
    ) -> None:
        """Wait to be joined; `early` is what the instance sent behind its 101."""
        transport.pause_reading()
        self.instance: Final = End(self, transport, early)
        self.client: End | None = None
        self.closed: Final[asyncio.Future[None]] = asyncio.get_running_loop().create_future()
        """Done when both connections have ended."""
        self._wheel = wheel
        self._idle = idle
        self._write = write
        self._touched = wheel.now
        self._lasting: list[Timer] = []  # of time that is left to an open tunnel
        self._leaving: Timer | None = None  # of time that is left to one that is being closed

    def join(self, transport: asyncio.Transport, early: bytes, lifetime: float | None = None) -> End:
        """Pass bytes between the two from the next turn of the loop on; return the client's end.

        `early` is what the client sent behind its request. After `lifetime` seconds the tunnel ends, whatever goes on.
        """
        self.client = End(self, transport, early)
        # the client's protocol must know its end before anything is written that it could have to pause
        asyncio.get_running_loop().call_soon(self._begin, self.client, lifetime)
        return self.client

    def _touch(self) -> None:
        """Note that something passed."""
        self._touched = self._wheel.now

    def close(self) -> None:
        """End both sides, after what was written to them."""
        for end in (self.instance, self.client):
            if end is not None and not end.gone:
                self._close_side(end)

    def _close_side(self, end: End) -> None:
        """End one side, after what was written to it; it is cut off if it does not take that in time."""
        end.transport.close()
        if self._leaving is None:
            self._leaving = self._wheel.add(self._write, self.abort)

    def abort(self) -> None:
        """End both sides now."""
        for end in (self.instance, self.client):
            if end is not None and not end.gone:
                cut(end.transport)

    def _lose(self, left: End) -> None:
        """Note that the connection of one side has ended; the other is left."""
        if not left.gone:
            self._close_side(left)
            return
        for timer in self._lasting:
            timer.cancel()
        if self._leaving is not None:
            self._leaving.cancel()
        if not self.closed.done():
            self.closed.set_result(None)

    def _after_silence(self, check: Callable[[], None]) -> Timer:
        """Call back when a side has had its time for taking something."""
        return self._wheel.add(self._write, check)

    def _begin(self, client: End, lifetime: float | None) -> None:
        instance = self.instance
        self._touched = self._wheel.now
        self._lasting = [self._wheel.add(self._idle, self._check_idle)]
        if lifetime is not None:
            self._lasting.append(self._wheel.add(lifetime, self.close))
        instance._begin(client)
        client._begin(instance)
        for end in (instance, client):
            if end._paused:
                end.pause()
        instance._flush(client)
        client._flush(instance)

    def _check_idle(self) -> None:
        silent = self._wheel.now - self._touched
        if silent >= self._idle:
            self.close()
        else:
            self._lasting[0] = self._wheel.add(self._idle - silent, self._check_idle)

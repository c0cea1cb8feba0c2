"""Bodies: complete, streamed, or copied while they pass.

A body that is complete has `data`. Any other is pulled chunk by chunk from its source, so that whoever reads slowly
slows down whoever writes. Nothing buffers unless it says how much it is ready to hold.
"""

from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol

from gatekeeper.core.errors import ContentTooLarge, GatewayError


DISCARD_LIMIT: Final = 64 * 1024
"""Bytes of an unwanted body that are read away to keep its connection; beyond it the connection is closed."""


class BodySource(Protocol):
    """Where the bytes of a streamed body come from."""

    async def read(self) -> bytes:
        """Return what has arrived, waiting for at least one byte; `b""` is the end.

        Raises:
            GatewayError: the body was cut short or stalled.

        """
        ...

    def abort(self) -> None:
        """Nobody will read on; release what the source holds. Harmless after the end."""
        ...


class Tee:
    """A copy of a body that is made while somebody else reads it."""

    __slots__ = ("_limit", "_parts", "_size", "complete", "overflowed")

    def __init__(self, limit: int) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._limit = limit
        self.complete = False
        self.overflowed = False

    @property
    def data(self) -> bytes | None:
        """The whole body; None unless it ended cleanly within the limit."""
        return b"".join(self._parts) if self.complete and not self.overflowed else None

    def feed(self, chunk: bytes) -> None:
        """Take a chunk; the empty one is the clean end."""
        if not chunk:
            self.complete = True
        elif not self.overflowed:
            self._size += len(chunk)
            self._parts.append(chunk)
            if self._size > self._limit:
                self.overflowed = True
                self._parts.clear()


class Body:
    """The body of a request or response.

    `length` is the number of bytes to come (None where only the end will tell), and the one fact that framing is made
    from: `Content-Length` and `Transfer-Encoding` are never header fields here. `data` holds all bytes where they are
    here already. `limit` is the largest amount that a filter of the chain declared to hold.

    `chunked` says that the sender chose chunks: a body that nobody replaced goes out as it came. `trailers` are the
    fields behind an answer's last chunk, once it has come. `expects_continue` says that the sender waits to hear that
    the body is wanted (RFC 9110 section 10.1.1), which whoever reads it first makes known.
    """

    __slots__ = (
        "_ahead", "_overflow", "_source", "_tees", "chunked", "data", "expects_continue", "length", "limit", "trailers",
    )  # fmt: skip

    def __init__(
        self,
        data: bytes | None = b"",
        *,
        source: BodySource | None = None,
        length: int | None = None,
        overflow: type[GatewayError] = ContentTooLarge,
    ) -> None:
        self.data = data
        self.length = length if data is None else len(data)
        self.limit = 0
        self.chunked = False
        self.expects_continue = False
        self.trailers: Sequence[tuple[bytes, bytes]] = ()
        self._source = source
        self._overflow = overflow
        self._tees: list[Tee] | None = None
        self._ahead: list[bytes] = []  # what was gathered and not given away yet

    @classmethod
    def stream(
        cls, source: BodySource, length: int | None, overflow: type[GatewayError] = ContentTooLarge
    ) -> "Body":
        """Make a body whose bytes are still to come; `overflow` is raised when it outgrows a `read`."""
        return cls(None, source=source, length=length, overflow=overflow)

    @property
    def replayable(self) -> bool:
        """Whether the body can be sent more than once."""
        return self.data is not None

    async def next(self) -> bytes:
        """Return the next chunk of a streamed body, `b""` at its end.

        Raises:
            GatewayError: the body was cut short or stalled.
            RuntimeError: it was read or aborted before.

        """
        if self._ahead:
            return self._ahead.pop(0)
        if self._source is None:
            raise RuntimeError("this body has been read already")
        return await self._read(self._source)

    async def _read(self, source: BodySource) -> bytes:
        chunk = await source.read()
        if not chunk:
            self._source = None
        if self._tees is not None:
            for tee in self._tees:
                tee.feed(chunk)
        return chunk

    async def gather(self, size: int) -> None:
        """Wait until so many bytes have come of a body that nobody has read from yet; all of them complete it.

        One whose sender waits to hear that it is wanted is not waited for.

        Raises:
            GatewayError: the body was cut short or stalled.

        """
        if self.data is not None or self._source is None or self.expects_continue:
            return
        while sum(map(len, self._ahead)) < size:
            if not (chunk := await self._read(self._source)):
                self.data, self._ahead = b"".join(self._ahead), []
                self.length = len(self.data)
                return
            self._ahead.append(chunk)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the chunks, complete or not."""
        if self.data is not None:
            if self.data:
                yield self.data
            return
        while chunk := await self.next():
            yield chunk

    async def read(self, limit: int) -> bytes:
        """Return all of it, holding at most `limit` bytes (or the larger limit of another filter).

        Afterwards the body is complete: it can be read again and sent more than once.

        Raises:
            ContentTooLarge: a request's body is larger (an answer's: AnswerTooLarge).
            GatewayError: the body was cut short or stalled.

        """
        limit = max(limit, self.limit)
        if self.data is None:
            if self.length is not None and self.length > limit:
                raise self._overflow
            parts, size = [], 0
            while chunk := await self.next():
                size += len(chunk)
                if size > limit:
                    raise self._overflow
                parts.append(chunk)
            self.data = b"".join(parts)
            self.length = size
        elif len(self.data) > limit:
            raise self._overflow
        return self.data

    def tee(self, limit: int) -> Tee:
        """Copy the body while it passes, up to `limit` bytes."""
        tee = Tee(limit)
        if self.data is not None:
            tee.feed(self.data)
            if self.data:
                tee.feed(b"")
            return tee
        for chunk in self._ahead:
            tee.feed(chunk)
        if self._tees is None:
            self._tees = [tee]
        else:
            self._tees.append(tee)
        return tee

    async def discard(self, limit: int = DISCARD_LIMIT) -> bool:
        """Read the rest away; False when there is more than `limit` or it breaks off, and the source is aborted."""
        if self.data is not None or self._source is None:
            return True
        if self.length is None or self.length <= limit:
            try:
                while chunk := await self.next():
                    limit -= len(chunk)
                    if limit < 0:
                        break
                else:
                    return True
            except GatewayError:
                pass
        self.abort()
        return False

    def abort(self) -> None:
        """Give the body up: whoever sends it is told to stop. Harmless when it has ended."""
        source, self._source = self._source, None
        self._ahead.clear()
        if source is not None:
            source.abort()

    def __repr__(self) -> str:
        if self.data is not None:
            return f"<Body {len(self.data)} bytes>"
        size = "unknown length" if self.length is None else f"{self.length} bytes"
        return f"<Body streamed, {size}>"


EMPTY: Final = Body()

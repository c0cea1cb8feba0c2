"""The answer that is arriving for one request: bytes from the connection on one side, the body's source on the other.

What the bytes mean, `incoming.py` says. Here is when: whoever waits is woken once per read, an instance that is silent
for too long is given up, and the connection goes back to its pool, is closed, or becomes a tunnel.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from gatekeeper.core.clock import Timer, Wheel
from gatekeeper.core.errors import (
    AnswerTruncated,
    AnswerUnwanted,
    BadAnswer,
    FirstByteTimeout,
    GatewayError,
    Reset,
    WriteTimeout,
)
from gatekeeper.core.message import Request
from gatekeeper.core.tunnel import Tunnel
from gatekeeper.upstream.fields import is_event_stream
from gatekeeper.upstream.head import HEAD_LIMIT
from gatekeeper.upstream.incoming import Incoming
from gatekeeper.upstream.interim import FINAL, Beginning
from gatekeeper.upstream.limits import Limits


if TYPE_CHECKING:
    from gatekeeper.core.exchange import Attempt
    from gatekeeper.upstream.connection import Connection

CONTINUE_WAIT: Final = 0.1
"""Seconds to wait for 100 (Continue) before a body is sent all the same: not every server knows it, and a client must
not wait "for an indefinite period before sending the content" (RFC 9110 section 10.1.1)."""
HIGH_WATER: Final = 64 * 1024
"""Bytes of an answer that wait for a slow client before the instance is no longer read from."""


class Answer(Incoming):
    """What comes back for one request."""

    __slots__ = (
        "_timer",
        "_waiter",
        "begun",
        "connection",
        "gathered",
        "limits",
        "paused",
        "touched",
        "tunnel",
        "wheel",
    )

    def __init__(
        self,
        connection: "Connection",
        attempt: "Attempt",
        request: Request,
        limits: Limits,
        wheel: Wheel,
        clock: Callable[[], float],
    ) -> None:
        self.attempt = attempt
        self.request = request
        self.connection: Connection | None = connection
        self.limits = limits
        self.wheel = wheel
        self._clock = clock
        self.status, self.reason = 0, b""
        self.fields = []
        self.length = self.error = self.trailers = None
        self.has_head = self.complete = self.uploading = False
        self.keep_alive = True
        self.tunnel: Tunnel | None = None
        self._parser = HttpResponseParser(self)
        self._head_size = self._size = 0
        self._raw = []
        self._beginning = self._continue = None
        self._remaining = -1
        self._chunks = []
        self.paused = False
        self._waiter: asyncio.Future[None] | None = None
        self.touched = wheel.now
        self._timer: Timer | None = wheel.add(limits.first_byte, self._check_time)
        connection.answer = self

    # ---- towards whoever asked ------------------------------------------------------------------------------------

    async def head(self) -> None:
        """Wait for the final answer's head.

        Raises:
            UpstreamError: the connection ended, took too long, or what came is no HTTP.
            GatewayError: the client's upload failed.

        """
        if not self.has_head and self.error is None:
            assert self.connection is not None
            waiter = self._waiter = self.connection.loop.create_future()
            await waiter
        if self.error is not None:
            raise self.error

    def take(self) -> bytes:
        """Return what has arrived of the body so far."""
        chunks = self._chunks
        data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._size = 0
        if self.paused:
            self.paused = False
            self.touched = self.wheel.now
            if self.connection is not None:
                self.connection.resume_reading()
        return data

    async def read(self) -> bytes:
        """Return the next bytes of the body, `b""` at its end.

        Raises:
            AnswerTruncated: it ended early or stalled.

        """
        while not self._chunks:
            if self.complete:
                return b""
            if self.error is not None:
                raise self.error
            assert self.connection is not None
            waiter = self._waiter = self.connection.loop.create_future()
            await waiter
        return self.take()

    async def is_wanted(self) -> bool:
        """Wait until the instance wants the request's body, or says nothing; False where it has answered, or failed."""
        if not self.has_head and self.error is None:
            loop = asyncio.get_running_loop()
            waiter = self._continue = loop.create_future()
            timer = loop.call_later(CONTINUE_WAIT, self._go_on)
            try:
                await waiter
            finally:
                timer.cancel()
        return not self.has_head and self.error is None

    def abort(self) -> None:
        """Nobody wants the rest: the connection is closed unless the answer is complete."""
        if self.tunnel is not None:
            self.tunnel.abort()
        elif not self.complete:
            self.fail(AnswerUnwanted())

    def touch(self) -> None:
        """Note that the upload moved."""
        self.touched = self.wheel.now

    def upload_begins(self) -> None:
        """The request's body is still to come: until it is out, it is the time for writing that counts."""
        self.uploading = True
        self.begun, self.gathered = self.wheel.now, self.attempt.exchange.bytes_in
        self._watch(self.limits.write)

    def uploaded(self) -> None:
        """The request is out, whole: the time to the first byte of the answer begins."""
        self.uploading = False
        if self.complete:
            self._release()
        elif self.error is None:
            self._watch(self._silence if self.has_head else self.limits.first_byte)

    def body_begins(self) -> None:
        """The head has been taken and the body is still to come: it is silence that counts from here on."""
        if not self.uploading and self._timer is not None:
            self._watch(self._silence)

    @property
    def _silence(self) -> float:
        """Seconds of silence inside the body that are no reason to give it up."""
        return self.limits.stream if is_event_stream(self.fields) else self.limits.read

    def _watch(self, limit: float) -> None:
        self.touched = self.wheel.now
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.wheel.add(limit, self._check_time)

    def _check_time(self) -> None:
        silent = self.wheel.now - self.touched
        error: type[GatewayError]
        if self.uploading:
            # a client that sends slowly is the edge's concern; an instance that does not read is ours
            connection = self.connection
            blocked = connection is not None and connection.writing_paused
            limit, error = self.limits.write, WriteTimeout
            if not blocked:
                silent = 0.0
        elif not self.has_head:
            limit, error = self.limits.first_byte, FirstByteTimeout
        else:
            limit, error = self._silence, AnswerTruncated
            if self.paused or self._chunks:
                silent = 0.0  # it is the client who is slow
        if silent >= limit:
            self.fail(error(log=f"silent for {silent:.1f} s"))
        else:
            self._timer = self.wheel.add(limit - silent, self._check_time)

    # ---- from the connection --------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take bytes from the wire."""
        had_head = self.has_head
        if had_head:
            self.touched = self.wheel.now
        parser = self._parser
        if parser is None:
            self.keep_alive = False  # behind the end of an answer whose request is still being sent
            return
        size = self._size
        if self._remaining >= 0:
            self._feed_length(data)
        else:
            if not had_head:
                if self._beginning is not None or not (self._head_size or data[:10] in FINAL):
                    self._feed_beginning(data)
                    return
                self._head_size += len(data)
            try:
                parser.feed_data(data)
            except (HttpParserError, HttpParserUpgrade) as error:
                self._fail_parse(error)
                return
            if self.error is not None:
                self.fail(self.error)
                return
            # of chunks that nobody asked for (HEAD) the parser says nothing before they end
            if (
                self.complete
                and (data[-1] < 14 or self.trailers is not None)
                and not self._ends(data, had_head=had_head)
            ):
                self.keep_alive = False
            if not self.has_head:
                if self._head_size > HEAD_LIMIT:
                    self.fail(BadAnswer(log=f"a head of more than {HEAD_LIMIT} bytes"))
                return
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            if not waiter.done():
                waiter.set_result(None)
        if self.complete:
            self._finish()
        elif self._size > HIGH_WATER and not self.paused:
            self.paused = True
            assert self.connection is not None
            self.connection.pause_reading()
        elif had_head and self.trailers is not None:
            try:
                self.trailers.count(len(data), has_body=self._size > size)
            except AnswerTruncated as error:
                self.fail(error)

    def _feed_beginning(self, data: bytes) -> None:
        """Take bytes that are not those of an answer's head, as far as has been seen."""
        beginning = self._beginning
        if beginning is None:
            beginning = self._beginning = Beginning()
        while data:
            try:
                piece, data = beginning.cut(data)
                if beginning.final:
                    self._beginning = None
                    self.feed(piece)
                    return
                assert self._parser is not None
                self._parser.feed_data(piece)
            except BadAnswer as error:
                self.error = error
            except (HttpParserError, HttpParserUpgrade) as error:
                if self.status == 101:
                    self._switch(data)
                    return
                self.error = self.error or BadAnswer(log=f"no valid HTTP/1.1: {error}")
            if self.error is not None:
                self.fail(self.error)
                return

    def _switch(self, early: bytes) -> None:
        """Make a tunnel of the connection; `early` is what came behind the 101."""
        connection = self.connection
        assert connection is not None
        assert connection.transport is not None
        self._stop()
        self.connection = None
        limits = self.limits
        tunnel = self.tunnel = Tunnel(connection.transport, early, self.wheel, limits.stream, limits.write)
        self.attempt.abort = lambda _: tunnel.abort()
        connection.switch(tunnel.instance, self.attempt.complete)
        self._wake()

    def _feed_length(self, data: bytes) -> None:
        remaining = self._remaining - len(data)
        if remaining < 0:
            self.keep_alive = False  # bytes behind the body: whatever they are, they are nobody's answer
            data = data[:remaining]
            remaining = 0
        self._remaining = remaining
        self._chunks.append(data)
        self._size += len(data)
        if remaining == 0:
            self.complete = True

    def _fail_parse(self, error: Exception) -> None:
        if self.complete:
            # the answer itself was fine, what follows it is not
            self.keep_alive = False
            self._wake()
            self._finish()
        else:
            kind = AnswerTruncated if self.has_head else BadAnswer
            self.fail(kind(log=f"no valid HTTP/1.1: {error}"))

    def end_of_stream(self, *, cut: bool = False) -> None:
        """The instance will send no more; `cut` says that it has not said so itself (a reset, TLS without its end)."""
        if self.complete:
            self._release()  # what is left of the upload has nowhere to go
            return
        if self.error is not None:
            return
        if self.has_head and self.length is None and self.trailers is None and not cut:
            self.complete = True  # RFC 9112 section 6.3 item 8: such a body ends with the connection
            self.keep_alive = False
            self._wake()
            self._finish()
        elif self.has_head:
            self.fail(AnswerTruncated(log="the connection ended inside the body"))
        elif self._head_size or self._beginning is not None:
            self.fail(BadAnswer(log="the connection ended inside the head"))
        else:
            self.fail(Reset(log="the connection ended before an answer"))

    def fail(self, error: GatewayError) -> None:
        """End the answer with an error; the connection is closed."""
        if self.complete:
            # the answer is whole; what failed is the upload behind it
            self.keep_alive = False
            self._release()
            return
        if self.error is None:
            self.error = error
        self._wake()
        self._go_on()
        self._stop()
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.answer = None
            connection.close()
        self.attempt.complete(self.error)

    def _finish(self) -> None:
        self._stop()
        if self.uploading:
            # answered before the request was sent: the rest of it may still come, and must never meet another answer
            self.keep_alive = False
        else:
            self._release()

    def _release(self) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.answer = None
            if self.paused:
                self.paused = False
                connection.resume_reading()
            if self.keep_alive:
                connection.pool.release(connection)
            else:
                connection.close()
        self.attempt.complete()

    def _stop(self) -> None:
        self._parser = None  # it holds our methods: a cycle that only the collector would end
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def __repr__(self) -> str:
        state = "complete" if self.complete else "body" if self.has_head else "waiting"
        return f"<Answer {self.status or '-'} {state}>"

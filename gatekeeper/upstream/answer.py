"""The answer that is arriving for one request.

httptools parses; `head.py` refuses what it lets pass and must not. It cannot be told that an answer belongs to HEAD,
never ends a body that ends with the connection, and parses whatever follows an answer as another one: so a fresh parser
for each answer (0.5 µs), and a connection on which anything arrives that was not asked for is closed.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from httptools import (
    HttpParserError,
    HttpParserUpgrade,
    HttpResponseParser,
)

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
from gatekeeper.core.message import Field
from gatekeeper.upstream.head import HEAD_LIMIT, Head
from gatekeeper.upstream.limits import Limits


if TYPE_CHECKING:
    from gatekeeper.core.exchange import Attempt
    from gatekeeper.upstream.connection import Connection

INTERIM_LIMIT: Final = 16
HIGH_WATER: Final = 256 * 1024
"""Bytes of an answer that wait for a slow client before the instance is no longer read from."""


class Answer:
    """What comes back for one request: the parser's callbacks on one side, the body's source on the other."""

    __slots__ = (
        "_chunks",
        "_clock",
        "_head_size",
        "_interim",
        "_parser",
        "_paused",
        "_raw",
        "_remaining",
        "_size",
        "_timer",
        "_touched",
        "_waiter",
        "attempt",
        "chunked",
        "complete",
        "connection",
        "error",
        "fields",
        "has_head",
        "head_only",
        "keep_alive",
        "length",
        "limits",
        "reason",
        "status",
        "uploading",
        "wheel",
    )

    def __init__(
        self,
        connection: "Connection",
        attempt: "Attempt",
        limits: Limits,
        wheel: Wheel,
        clock: Callable[[], float],
        *,
        head_only: bool,
    ) -> None:
        self.connection: Connection | None = connection
        self.attempt = attempt
        self.limits = limits
        self.wheel = wheel
        self.head_only = head_only
        self._clock = clock
        self.status, self.reason = 0, b""
        self.fields: list[Field] = []
        self.length: int | None = None
        self.chunked = False
        self.keep_alive = True
        self.has_head = False
        self.complete = False
        self.uploading = False
        self.error: GatewayError | None = None
        self._parser: HttpResponseParser | None = HttpResponseParser(self)
        self._head_size = 0
        self._raw: list[Field] = []
        self._interim = 0
        self._remaining = -1  # bytes of a body of known length that bypass the parser; -1 is "not so"
        self._chunks: list[bytes] = []
        self._size = 0
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._touched = wheel.now
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
        if self._paused:
            self._paused = False
            self._touched = self.wheel.now
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

    def abort(self) -> None:
        """Nobody wants the rest: the connection is closed unless the answer is complete."""
        if not self.complete:
            self.fail(AnswerUnwanted())

    def touch(self) -> None:
        """Note that the upload moved."""
        self._touched = self.wheel.now

    def upload_begins(self) -> None:
        """The request's body is still to come: until it is out, it is the time for writing that counts."""
        self.uploading = True
        self._watch(self.limits.write)

    def uploaded(self) -> None:
        """The request is out, whole: the time to the first byte of the answer begins."""
        self.uploading = False
        if self.complete:
            self._release()
        elif self.error is None:
            self._watch(self.limits.read if self.has_head else self.limits.first_byte)

    def body_begins(self) -> None:
        """The head has been taken and the body is still to come: it is silence that counts from here on."""
        if not self.uploading and self._timer is not None:
            self._watch(self.limits.read)

    def _watch(self, limit: float) -> None:
        self._touched = self.wheel.now
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.wheel.add(limit, self._check_time)

    def _check_time(self) -> None:
        silent = self.wheel.now - self._touched
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
            limit, error = self.limits.read, AnswerTruncated
            if self._paused or self._chunks:
                silent = 0.0  # it is the client who is slow
        if silent >= limit:
            self.fail(error(log=f"silent for {silent:.1f} s"))
        else:
            self._timer = self.wheel.add(limit - silent, self._check_time)

    # ---- from the connection --------------------------------------------------------------------------------------

    def feed(self, data: bytes) -> None:
        """Take bytes from the wire."""
        if self.has_head:
            self._touched = self.wheel.now
        parser = self._parser
        if parser is None:
            self.keep_alive = False  # behind the end of an answer whose request is still being sent
            return
        if self._remaining >= 0:
            self._feed_length(data)
        else:
            if not self.has_head:
                self._head_size += len(data)
            try:
                parser.feed_data(data)
            except HttpParserUpgrade:
                self.fail(BadAnswer(log="switched protocols without being asked to"))
                return
            except HttpParserError as error:
                self._fail_parse(error)
                return
            if self.error is not None:
                self.fail(self.error)
                return
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
        elif self._size > HIGH_WATER and not self._paused:
            self._paused = True
            assert self.connection is not None
            self.connection.pause_reading()

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

    def _fail_parse(self, error: HttpParserError) -> None:
        if self.complete:
            # the answer itself was fine, what follows it is not
            self.keep_alive = False
            self._wake()
            self._finish()
        else:
            kind = AnswerTruncated if self.has_head else BadAnswer
            self.fail(kind(log=f"no valid HTTP/1.1: {error}"))

    def end_of_stream(self) -> None:
        """The instance will send no more."""
        if self.complete:
            self._release()  # what is left of the upload has nowhere to go
            return
        if self.error is not None:
            return
        if self.has_head and self.length is None and not self.chunked:
            self.complete = True  # RFC 9112 section 6.3 item 8: such a body ends with the connection
            self.keep_alive = False
            self._wake()
            self._finish()
        elif self.has_head:
            self.fail(AnswerTruncated(log="the connection ended inside the body"))
        elif self._head_size:
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
            if self._paused:
                self._paused = False
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

    # ---- the parser's callbacks -----------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """An answer begins; a second one was not asked for."""
        if self.complete:
            self.keep_alive = False

    def on_status(self, reason: bytes) -> None:
        """Take the reason phrase, possibly in pieces."""
        if not self.has_head:
            self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field; trailers come here, too, and end in a list that nobody looks at."""
        self._raw.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the head apart."""
        parser = self._parser
        if self.has_head or self.error is not None or parser is None:
            return
        status = parser.get_status_code()
        if status == 101:
            self.error = BadAnswer(log="switched protocols without being asked to")
            return
        raw, self._raw = self._raw, []
        if 100 <= status < 200:
            self._interim += 1
            if self._interim > INTERIM_LIMIT:
                self.error = BadAnswer(log=f"more than {INTERIM_LIMIT} interim answers")
            self.reason = b""
            return
        try:
            head = Head(raw, status, parser.get_http_version(), self.reason)
            if self._head_size > HEAD_LIMIT:
                head.check_size()
        except BadAnswer as error:
            self.error = error
            return
        self.has_head = True
        # a short answer ends its attempt before whoever waits for its head goes on
        self.status = self.attempt.status = status
        self.attempt.first_byte = self._clock()
        self.fields = head.fields
        self.chunked = head.chunked
        self.keep_alive = head.keep_alive
        length = self.length = head.length
        if self.head_only or status in {204, 304}:
            self.complete = True
            if status == 204:
                self.length = 0
        elif length is None:
            if not head.chunked:
                self.keep_alive = False
        elif length == 0:
            self.complete = True

    def on_body(self, data: bytes) -> None:
        """Take body bytes; a body of known length goes past the parser from its second segment on."""
        if self.complete:
            self.keep_alive = False  # a body where none may be (HEAD, 204, 304), or bytes behind the end
            return
        self._chunks.append(data)
        self._size += len(data)
        if self.length is not None and not self.chunked:
            self._remaining = (self.length if self._remaining < 0 else self._remaining) - len(data)

    def on_message_complete(self) -> None:
        """The message has ended."""
        if self.has_head:
            self.complete = True

    def __repr__(self) -> str:
        state = "complete" if self.complete else "body" if self.has_head else "waiting"
        return f"<Answer {self.status or '-'} {state}>"

"""What has come of an answer: the parser's callbacks, and what they make of it.

httptools parses; `head.py` refuses what it lets pass and must not. It cannot be told that an answer belongs to HEAD,
never ends a body that ends with the connection, and parses whatever follows an answer as another one: so a fresh parser
for each answer (0.5 µs), and a connection on which anything arrives that was not asked for is closed.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from httptools import HttpResponseParser

from gatekeeper.core.errors import BadAnswer, GatewayError
from gatekeeper.core.message import Field, Request
from gatekeeper.upstream.fields import BLANK_LINE, REASON
from gatekeeper.upstream.head import HEAD_LIMIT, Head, size_of
from gatekeeper.upstream.interim import Beginning
from gatekeeper.upstream.trailers import Trailers
from gatekeeper.upstream.upgrade import check_switch


if TYPE_CHECKING:
    from gatekeeper.core.exchange import Attempt


_LINE_END: Final = frozenset({b"\r", b"\n"})


class Incoming:
    """An answer as far as it has been parsed; whoever feeds the parser does the rest.

    `complete` says that the end has come, `error` what is wrong with it. `keep_alive` is False as soon as the
    connection must not be used again. A `status` of 101 says that it speaks another protocol from here on.

    The attributes are set in one go by the class that feeds the parser: a constructor here costs 0.1 µs a request.
    """

    __slots__ = (
        "_beginning",
        "_chunks",
        "_clock",
        "_continue",
        "_head_size",
        "_parser",
        "_raw",
        "_remaining",
        "_size",
        "attempt",
        "complete",
        "error",
        "fields",
        "has_head",
        "keep_alive",
        "length",
        "reason",
        "request",
        "status",
        "trailers",
        "uploading",
    )

    attempt: "Attempt"
    request: Request
    status: int
    reason: bytes
    fields: list[Field]
    length: int | None
    keep_alive: bool
    has_head: bool
    complete: bool
    uploading: bool
    error: GatewayError | None
    trailers: Trailers | None
    """Where the answer comes in chunks."""

    _clock: Callable[[], float]
    _parser: HttpResponseParser | None
    _head_size: int
    _raw: list[Field]
    _beginning: Beginning | None
    _continue: asyncio.Future[None] | None
    _remaining: int  # bytes of a body of known length that bypass the parser; -1 is "not so"
    _chunks: list[bytes]
    _size: int

    def on_message_begin(self) -> None:
        """An answer begins; a second one was not asked for."""
        if self.complete:
            self.keep_alive = False

    def on_status(self, reason: bytes) -> None:
        """Take the reason phrase, possibly in pieces."""
        if not self.has_head:
            self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field of the head, or a trailer."""
        self._raw.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the head apart."""
        parser = self._parser
        if self.has_head or self.error is not None or parser is None:
            return
        status = parser.get_status_code()
        raw, self._raw = self._raw, []
        try:
            if 100 <= status < 200:
                self._take_interim(status, raw, parser.get_http_version())
                return
            head = Head(raw, status, parser.get_http_version(), self.reason)
            if self._head_size > HEAD_LIMIT and size_of(raw) > HEAD_LIMIT:
                raise BadAnswer(log=f"a head of more than {HEAD_LIMIT} bytes")
        except BadAnswer as error:
            self.error = error
            return
        self._take_head(status, head.fields)
        self.keep_alive = head.keep_alive and not self.request.upgrade
        length = self.length = head.length
        if head.chunked:
            self.trailers = Trailers(head.nominated, wanted=self.request.takes_trailers)
            if head.announced is not None and self.request.takes_trailers:
                self.fields.append(head.announced)
        if status in {204, 304} or self.request.method == "HEAD":
            self.complete = True
            if status == 204:
                self.length, self.trailers = 0, None
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
        if self.length is not None:  # a head with both lengths and chunks is refused
            self._remaining = (self.length if self._remaining < 0 else self._remaining) - len(data)

    def on_message_complete(self) -> None:
        """The message has ended."""
        if self.complete:
            if self.trailers is not None and self.request.method == "HEAD" and self.status != 304:
                self.keep_alive = False  # chunks, where there may be none
        elif self.has_head:
            self.complete = True
            if self._raw and self.trailers is not None:
                try:
                    self.trailers.take(self._raw)
                except GatewayError as error:
                    self.complete, self.error = False, error

    def _take_head(self, status: int, fields: list[Field]) -> None:
        self.has_head = True
        # a short answer ends its attempt before whoever waits for its head goes on
        self.status = self.attempt.status = status
        self.attempt.first_byte = self._clock()
        self.fields = fields
        if self._continue is not None:
            self._go_on()

    def _take_interim(self, status: int, raw: list[Field], version: str) -> None:
        if status == 101:
            if not REASON.fullmatch(self.reason):
                raise BadAnswer(log="control characters in the reason phrase")
            fields = check_switch(raw, version, self.request)
            if self.uploading:
                raise BadAnswer(log="switched protocols inside the request")
            self._take_head(status, fields)
            return
        assert self._beginning is not None  # whoever feeds the parser has seen it coming
        fields = self._beginning.clean(raw, self.reason)
        self.reason = b""
        if status == 100:
            if self._continue is not None:
                self._go_on()
        elif (pass_on := self.attempt.exchange.interim) is not None:
            pass_on(status, fields)

    def _ends(self, data: bytes, *, had_head: bool) -> bool:
        """Whether the answer ends where these bytes do: the parser says nothing of line ends behind it."""
        if self.length and self.request.method != "HEAD" and self.status != 304:
            head = 0 if had_head else data.find(BLANK_LINE) + len(BLANK_LINE)
            # a head whose end came in two pieces is not found, and believed
            return head + self.length == len(data) or (not had_head and head < len(BLANK_LINE))
        # the last chunk, a trailer or a head, and a blank line; all of it, or what is left of it
        end = data[-5:]
        return (end.endswith(BLANK_LINE) and end[:1] not in _LINE_END) or BLANK_LINE.endswith(end)

    def _go_on(self) -> None:
        """Wake whoever waits to hear whether the request's body is wanted."""
        waiter, self._continue = self._continue, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

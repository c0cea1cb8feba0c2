"""What comes in on a connection, taken apart into requests, one at a time."""

from typing import TYPE_CHECKING, Final

from gatekeeper.core.body import Body
from gatekeeper.core.errors import GatewayError
from gatekeeper.core.exchange import Exchange
from gatekeeper.edge.body import ClientBody
from gatekeeper.edge.chunks import Chunks
from gatekeeper.edge.head import HeadReader


if TYPE_CHECKING:
    from gatekeeper.edge.protocol import StrictProtocol

BACKLOG_LIMIT: Final = 64 * 1024
"""Bytes that wait behind a request before the client is no longer read from."""

CHUNKS_AT_ONCE: Final = 4096
"""Chunks in one piece behind which others have their turn before the client is read again; they take 3 ms."""

HEAD, BODY, WHOLE, DEAF = range(4)
"""What the next bytes are: of a head, of a body, behind a request that is whole, of no interest any more."""


class Incoming:
    """The bytes of one connection: a head, the body that its fields announce, and so on.

    What follows a request waits, unread, until that is answered. Requests and refusals are handed to the connection.
    """

    __slots__ = (
        "_backlog",
        "_backlog_size",
        "_body",
        "_chunks",
        "_connection",
        "_left",
        "head",
        "requests",
        "state",
    )

    def __init__(self, connection: "StrictProtocol") -> None:
        self.state = HEAD
        self.head = HeadReader(connection.edge.settings.limits)
        self.requests = 0
        """Heads that have been read."""
        self._connection = connection
        self._body: ClientBody | None = None
        self._chunks: Chunks | None = None
        self._left = 0  # bytes of a body of known length that are still to come
        self._backlog: list[bytes] = []
        self._backlog_size = 0

    @property
    def waits(self) -> bool:
        """Whether something has come behind a request that is whole."""
        return bool(self._backlog)

    def feed(self, data: bytes) -> None:
        """Give bytes to what they belong to."""
        state = self.state
        if state == HEAD:
            self._take_head(data)
        elif state == BODY:
            self._take_body(data)
        elif state == WHOLE:
            self._keep(data)

    def go_on(self) -> None:
        """The request is answered: read the next one."""
        self.state = HEAD
        self._body = None
        if self._backlog:
            self._take_head(self.take_backlog())

    def take_backlog(self) -> bytes:
        """Give away what waits."""
        data = b"".join(self._backlog)
        self._backlog.clear()
        self._backlog_size = 0
        return data

    def limit_body(self, limit: int) -> None:
        """Let the body that is arriving be no larger."""
        if self._body is not None:
            self._body.bound(limit)

    def stop(self, error: GatewayError | None = None) -> None:
        """Hear nothing any more; the body that is arriving ends with the error."""
        self.state = DEAF
        self.head.renew()
        if error is not None and self._body is not None:
            self._body.fail(error)

    def _take_head(self, data: bytes) -> None:
        head, connection = self.head, self._connection
        try:
            end = head.feed(data)
            if end < 0:
                if head.begun:
                    connection.head_begins()
                return
        except GatewayError as error:
            connection.refuse(error)
            return
        self.requests += 1
        try:
            exchange = connection.edge.read(head, connection.peer)
            self.state = WHOLE
            if head.length or head.chunked:
                head.renew()
                self._begin_body(exchange, data[end:])
            elif end != len(data):
                self._keep(data[end:])
        except GatewayError as error:
            # what could not be understood may hide where the next request begins
            connection.refuse(error)
            return
        connection.hand_over(exchange, None)

    def _begin_body(self, exchange: Exchange, data: bytes) -> None:
        """Take what has come of a body: all of it, or its beginning."""
        head = self.head
        parts: list[bytes] = []
        if head.chunked:
            self._chunks = Chunks()
            end = self._chunks.feed(data, parts)
            whole = end >= 0
        else:
            end = min(head.length, len(data))
            whole = end == head.length
            parts.append(data if end == len(data) else data[:end])
        if whole:
            data_of_it = parts[0] if len(parts) == 1 else b"".join(parts)
            body = Body(data_of_it)
            exchange.bytes_in = len(data_of_it)
            self._chunks = None
            if end != len(data):
                self._keep(data[end:])
        else:
            expects = head.expects_continue and not data
            source = self._body = ClientBody(self._connection, exchange, expects_continue=expects)
            body = Body.stream(source, None if head.chunked else head.length)
            body.expects_continue = expects
            self._left = head.length - end
            self.state = BODY
            if any(parts):
                source.feed(parts[0] if len(parts) == 1 else b"".join(parts))
        body.chunked = head.chunked
        exchange.request.body = body

    def _take_body(self, data: bytes) -> None:
        body = self._body
        assert body is not None
        if self._chunks is None:
            left = self._left
            end = min(left, len(data))
            self._left = left - end
            room = body.feed(data if end == len(data) else data[:end])
            whole = not self._left
        else:
            parts: list[bytes] = []
            try:
                end = self._chunks.feed(data, parts)
            except GatewayError as error:
                self.state = DEAF
                body.fail(error)
                return
            room = not parts or body.feed(parts[0] if len(parts) == 1 else b"".join(parts))
            whole = end >= 0
            if len(parts) > CHUNKS_AT_ONCE:
                self._connection.let_others()
        if whole:
            body.end()
            self.state = WHOLE
            self._chunks = None
            if end != len(data):
                self._keep(data[end:])
        elif not room:
            self._connection.pause_client()

    def _keep(self, data: bytes) -> None:
        """Bytes behind a request wait until it is answered."""
        self._backlog.append(data)
        self._backlog_size += len(data)
        if self._backlog_size > BACKLOG_LIMIT:
            self._connection.pause_client()

"""Sending one attempt: a connection, the request on it, the answer from it.

1. take an idle connection, or open one
2. serialise the head from the request's facts: framing is made here, never copied
3. write it, in one call with a body that is complete; a streamed body is pumped by a task of its own, so that an
   answer can come before the upload has ended
4. wait for the head of the answer; a body that came whole in the same read is complete, any other is streamed
5. the attempt ends when the answer's body has: the connection goes back to its pool, or is closed
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from gatekeeper.core.body import Body
from gatekeeper.core.clock import Wheel
from gatekeeper.core.concurrency import SCARCE
from gatekeeper.core.errors import AnswerTooLarge
from gatekeeper.core.exchange import Attempt
from gatekeeper.core.message import Headers, Request, Response
from gatekeeper.policy.retry import IDEMPOTENT
from gatekeeper.upstream.answer import Answer
from gatekeeper.upstream.connection import Connection
from gatekeeper.upstream.limits import SendLimits
from gatekeeper.upstream.pool import Pool
from gatekeeper.upstream.upload import LAST_CHUNK, as_chunk, upload


ONE_WRITE: Final = 64 * 1024
"""Bytes up to which a complete body is joined with its head."""

_EXPECTS_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_METHODS: Final = {
    name: name.encode() for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}
_VIA: Final = {version: b"Via: %b gatekeeper" % version.encode() for version in ("1.0", "1.1")}
_END: Final = (b"", b"")
_join_field: Final = b": ".join


def serialise(request: Request, host: bytes) -> bytes:
    """The head of a request as it goes to an instance, with exactly one framing field where there is a body."""
    lines = [
        b"%b %b HTTP/1.1" % (_METHODS.get(request.method) or request.method.encode(), request.target),
        b"Host: " + host,
        *map(_join_field, request.headers.fields),
        # RFC 9110 section 7.6.3: "A proxy MUST send an appropriate Via header field"
        _VIA[request.version],
    ]
    body = request.body
    length = body.length
    if body.chunked or length is None:
        lines.append(b"Transfer-Encoding: chunked")
    elif length or request.method in _EXPECTS_BODY:
        lines.append(b"Content-Length: %d" % length)
    if body.expects_continue and body.data is None:
        lines.append(b"Expect: 100-continue")
    if request.takes_trailers or request.upgrade:
        lines += _of_the_hop(request)
    lines += _END
    return b"\r\n".join(lines)


def _of_the_hop(request: Request) -> list[bytes]:
    # RFC 9110 sections 7.8 and 10.1.4: both are about this hop, and `Connection` says so
    if not request.upgrade:
        return [b"Connection: TE", b"TE: trailers"]
    upgrade = b"Upgrade: " + request.upgrade.encode()
    if request.takes_trailers:
        return [b"Connection: upgrade, TE", upgrade, b"TE: trailers"]
    return [b"Connection: upgrade", upgrade]


@attrs.frozen
class Sender:
    """Sends attempts to the instances of one service."""

    pools: Mapping[str, Pool]
    """By instance id."""
    limits: SendLimits
    wheel: Wheel
    clock: Callable[[], float]
    host: bytes | None = None
    """What `Host` says: None for what the client asked, empty for the instance's own authority."""

    async def __call__(self, attempt: Attempt) -> Response:
        """Send the attempt and return its answer; the body may still be arriving.

        Raises:
            UpstreamError: no connection, no answer in time, or an answer that is none.
            GatewayError: the client's upload failed.

        """
        request = attempt.request
        pool = self.pools[attempt.instance.id]
        if request.body.data is None and pool.is_scarce:
            await request.body.gather(SCARCE)
        # where one pooled connection turned out to be stale, the others may be, too; and who asks to switch protocols is
        # not asked twice, and keeps the connection
        fresh = attempt.number > 1 or request.upgrade
        connection = None if fresh else pool.take(proven=request.method not in IDEMPOTENT)
        if connection is None:
            connection = await pool.open(self._time_to_connect(attempt))
        attempt.connected = self.clock()
        answer = Answer(connection, attempt, request, self.limits, self.wheel, self.clock)
        attempt.abort = answer.fail
        self._write(connection, request, answer, attempt)
        try:
            await answer.head()
        except asyncio.CancelledError:
            answer.abort()
            raise
        return _response(answer)

    def _time_to_connect(self, attempt: Attempt) -> float:
        if attempt.deadline is None:
            return self.limits.connect
        return min(self.limits.connect, max(0.0, attempt.deadline - self.clock()))

    def _write(self, connection: Connection, request: Request, answer: Answer, attempt: Attempt) -> None:
        transport = connection.transport
        assert transport is not None
        connection.requests += 1
        host = request.authority if self.host is None else self.host or attempt.instance.authority
        head = serialise(request, host)
        body = request.body
        data = body.data
        if data is None:
            transport.write(head)
            answer.upload_begins()
            task = connection.loop.create_task(upload(body, connection, answer))
            # whatever ends the exchange ends its upload: nobody else may read the client's body after that
            attempt.exchange.on_complete(lambda _: task.cancel())
            return
        if body.chunked:
            data = as_chunk(data) + LAST_CHUNK if data else LAST_CHUNK
        if len(data) <= ONE_WRITE:
            transport.write(head + data if data else head)
        else:
            transport.write(head)
            transport.write(data)


def _response(answer: Answer) -> Response:
    if answer.complete:
        body = Body(answer.take())
        if answer.status == 304 or answer.request.method == "HEAD":
            body.length = answer.length  # of the body that a GET would have; None where it was not told
    else:
        body = Body.stream(answer, answer.length, AnswerTooLarge)
        answer.body_begins()
    if answer.trailers is not None:
        body.chunked = True
        body.trailers = answer.trailers.fields
        answer.trailers.body = body
    return Response(answer.status, Headers(answer.fields), body, reason=answer.reason, tunnel=answer.tunnel)

"""A request's body on its way to an instance, when it is still coming from the client."""

import asyncio
from typing import TYPE_CHECKING

from gatekeeper.core.body import Body
from gatekeeper.core.errors import ClientGone, FilterFailed, GatewayError


if TYPE_CHECKING:
    from gatekeeper.upstream.answer import Answer
    from gatekeeper.upstream.connection import Connection

LAST_CHUNK = b"0\r\n\r\n"


def as_chunk(data: bytes) -> bytes:
    """One chunk (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def goes_in_chunks(body: Body) -> bool:
    """Whether a body is framed by chunks: it came so, or nobody knows how long it is."""
    return body.chunked or body.length is None


async def upload(body: Body, connection: "Connection", answer: "Answer") -> None:
    """Pump a body to the instance; it stops reading from the client while the instance does not read.

    Where the client waits to hear that the body is wanted, so does this: an instance that answers at once never gets it,
    and it is not read.
    """
    try:
        if body.expects_continue and not await answer.is_wanted():
            if answer.error is None:
                body.abort()
                answer.keep_alive = False  # the instance still waits for what it has been announced
                answer.uploaded()
            return
        if await _pump(body, connection, answer):
            answer.uploaded()
    except asyncio.CancelledError:
        answer.fail(ClientGone(log="the exchange ended before its upload"))
        raise
    except GatewayError as error:
        # the client's side failed: what the instance has is incomplete, and must be seen to be
        answer.fail(error)


async def _pump(body: Body, connection: "Connection", answer: "Answer") -> bool:
    """Send it; False where the connection has ended before."""
    chunked, length, sent = goes_in_chunks(body), body.length, 0
    while chunk := await body.next():
        transport = connection.transport
        if transport is None or answer.connection is None:
            return False
        sent += len(chunk)
        if length is not None and sent > length:
            # what goes beyond it would be read as the next request
            raise FilterFailed(log=f"a body of more than the {length} bytes that it announced")
        transport.write(as_chunk(chunk) if chunked else chunk)
        answer.touch()
        if connection.writing_paused:
            await connection.drain()
    if length is not None and sent != length:
        raise FilterFailed(log=f"a body of {sent} bytes that had announced {length}")
    if connection.transport is None or answer.connection is None:
        return False
    if chunked:
        connection.transport.write(LAST_CHUNK)
    return True

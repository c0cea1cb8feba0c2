"""What is mutated: the bytes of all rows of the wire harness, and messages that nothing is wrong with."""

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tests.wire.rows import rows


LONGEST: Final = 1500
"""Bytes of a seed; longer ones cost more, and are tried more rarely."""
LARGEST: Final = 200_000

LEGAL_REQUESTS: Final = (
    b"GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello",
    b"POST /a HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n",
    b"PUT /a?b=c HTTP/1.1\r\nHost: a.test\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello",
    b"HEAD /a HTTP/1.1\r\nHost: a.test\r\n\r\nGET /b HTTP/1.1\r\nHost: a.test\r\n\r\n",
    b"GET /a HTTP/1.0\r\n\r\n",
    b"GET /a HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n",
    b"DELETE /a HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n",
    b"GET http://a.test/a HTTP/1.1\r\nHost: a.test\r\nConnection: X-One, TE\r\nX-One: 1\r\nTE: trailers\r\n\r\n",
    (
        b"GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ),
    (
        b"POST /a HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5\r\n\r\nhello"
        b"POST /b HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        b"GET /c HTTP/1.1\r\nHost: a.test\r\n\r\n"
    ),
    b"OPTIONS * HTTP/1.1\r\nHost: a.test\r\n\r\n",
)
LEGAL_ANSWERS: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2;a=b\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
    b"HTTP/1.0 200 OK\r\n\r\nhello",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 204 No Content\r\nX-One: 1\r\n\r\n",
    b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\nContent-Length: 5\r\n\r\n',
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n",
    (
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nhello"
    ),
)


def _sent() -> Iterator[bytes]:
    for row in rows():
        yield b"".join(step for step in row.send if isinstance(step, bytes))


def _said() -> Iterator[bytes]:
    for row in rows():
        for reply in row.replies:
            yield b"".join(step for step in reply.steps if isinstance(step, bytes))


def _distinct(found: Iterable[bytes], least: int, most: int) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(one for one in found if least < len(one) <= most))


@functools.cache
def requests() -> Sequence[bytes]:
    """Of clients."""
    return _distinct((*LEGAL_REQUESTS, *_sent()), 0, LONGEST)


@functools.cache
def large_requests() -> Sequence[bytes]:
    """Of clients, large ones."""
    return _distinct(_sent(), LONGEST, LARGEST)


@functools.cache
def answers() -> Sequence[bytes]:
    """Of instances."""
    return _distinct((*LEGAL_ANSWERS, *_said()), 0, LONGEST)


@functools.cache
def large_answers() -> Sequence[bytes]:
    """Of instances, large ones."""
    return _distinct(_said(), LONGEST, LARGEST)

"""Pieces of which rows are made."""

from collections.abc import Iterator, Sequence
from typing import Final

from tests.wire.row import RUN


HOST: Final = b"Host: example.test"
PATH: Final = b"/" + RUN
OTHERS: Final = (b"User-Agent: wire", b"Accept: */*", b"X-One: 1")
"""Fields that mean nothing to anybody."""


def request(
    *fields: bytes,
    method: bytes = b"GET",
    target: bytes = PATH,
    version: bytes = b"HTTP/1.1",
    host: bytes | None = HOST,
    body: bytes = b"",
) -> bytes:
    """The bytes of a request; nothing is checked, and no framing is added."""
    lines = [b" ".join((method, target, version)), *(() if host is None else (host,)), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


BEHIND: Final = request(target=PATH + b"/behind")
"""A request that is written behind another one in the same segment."""


def placed(*fields: bytes) -> Iterator[tuple[str, Sequence[bytes]]]:
    """The fields of a head with these among them: in front of all others (Host included), in the middle, at the end."""
    yield "first", (*fields, HOST, *OTHERS)
    yield "middle", (HOST, OTHERS[0], *fields, *OTHERS[1:])
    yield "last", (HOST, *OTHERS, *fields)


def chunks(*parts: bytes) -> bytes:
    """A body in chunks, with the last one."""
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def length(body: bytes) -> bytes:
    """The field that announces a body."""
    return b"Content-Length: %d" % len(body)


CHUNKED: Final = b"Transfer-Encoding: chunked"

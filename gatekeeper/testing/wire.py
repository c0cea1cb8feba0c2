"""HTTP/1.1 read strictly: what the gateway sends may be ambiguous to nobody. Shared by client and origin.

Written apart from the gateway's own parsers on purpose, and less forgiving.
"""

import asyncio
import re
from typing import Final

import attrs

from gatekeeper.core.message import Field


LIMIT: Final = 2**20
"""Bytes of a head, and of what a stream holds back."""

_FIELD: Final = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?)[ \t]*"
)
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]+)\r\n")


class WireError(AssertionError):
    """What came over the wire is no HTTP/1.1, or ended too early."""


@attrs.frozen
class Head:
    """A start line and its fields, with the bytes that they came as."""

    start: bytes
    fields: list[Field]
    raw: bytes

    def get_all(self, name: bytes) -> list[bytes]:
        """All values of a field, whose name is given in lower case."""
        return [value for field, value in self.fields if field.lower() == name]


async def read_head(reader: asyncio.StreamReader) -> Head | None:
    """Read a head; None where the stream ends before its first byte.

    Raises:
        WireError: it breaks off or is malformed.

    """
    try:
        raw = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if not error.partial:
            return None
        raise WireError(f"the head breaks off: {error.partial!r}") from error
    except asyncio.LimitOverrunError as error:
        raise WireError("a head of more than 1 MiB") from error
    start, *lines = raw[:-4].split(b"\r\n")
    return Head(start, parse_fields(lines), raw)


def parse_fields(lines: list[bytes]) -> list[Field]:
    """Parse field lines.

    Raises:
        WireError: one of them is malformed.

    """
    fields = []
    for line in lines:
        found = _FIELD.fullmatch(line)
        if found is None:
            raise WireError(f"no header field: {line!r}")
        fields.append((found[1], found[2]))
    return fields


def body_length(head: Head) -> int | None:
    """What the fields say about the body: its length, None for chunks, -1 where they say nothing.

    Raises:
        WireError: they contradict each other.

    """
    lengths, codings = head.get_all(b"content-length"), head.get_all(b"transfer-encoding")
    if len(lengths) + len(codings) > 1:
        raise WireError(f"more than one field about the length of the body: {lengths + codings}")
    if codings:
        if codings != [b"chunked"]:
            raise WireError(f"Transfer-Encoding: {codings[0]!r}")
        return None
    if not lengths:
        return -1
    if not lengths[0].isdigit():
        raise WireError(f"Content-Length: {lengths[0]!r}")
    return int(lengths[0])


async def read_exactly(reader: asyncio.StreamReader, size: int, into: bytearray) -> None:
    """Read so many bytes.

    Raises:
        WireError: the stream ends before.

    """
    while size:
        data = await reader.read(min(size, LIMIT))
        if not data:
            raise WireError(f"the body breaks off: {size} bytes are missing")
        into += data
        size -= len(data)


async def read_chunks(reader: asyncio.StreamReader, into: bytearray) -> list[Field]:
    """Read a chunked body; return its trailers.

    Raises:
        WireError: it breaks off or is malformed.

    """
    try:
        while True:
            line = await reader.readuntil(b"\r\n")
            found = _CHUNK.fullmatch(line)
            if found is None:
                raise WireError(f"no size of a chunk: {line!r}")
            size = int(found[1], 16)
            if not size:
                break
            await read_exactly(reader, size, into)
            if await reader.readexactly(2) != b"\r\n":
                raise WireError("a chunk that is longer than its size says")
        trailers = []
        while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
            trailers.append(line[:-2])
    except asyncio.IncompleteReadError as error:
        raise WireError(f"the chunked body breaks off: {error.partial!r}") from error
    return parse_fields(trailers)

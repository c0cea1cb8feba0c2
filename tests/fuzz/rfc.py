"""RFC 9112 to the letter: what the gateway takes for whole must be whole by this, and mean the same.

Parsers forgive, and a gateway that forgives the same would not be found out by comparing it with them. So this one
forgives nothing but what the RFC tells a reader to forgive, and knows what our own writer never writes: extensions of
chunks, trailers, empty lines in front, leading noughts.
"""

import re
from typing import Final

from tests.fuzz.judging import alike
from tests.fuzz.referees import Read
from tests.wire.messages import Field
from tests.wire.parsers import Parsed


class AgainstTheRfcError(Exception):
    """The bytes are no message."""


_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_VALUE: Final = rb"[\t\x20-\x7e\x80-\xff]*"
_REQUEST: Final = re.compile(rb"(" + _TOKEN + rb") ([\x21-\x7e]+) HTTP/1\.([01])")
# section 4: a status without a reason ends with a blank, which many servers leave out
_STATUS: Final = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: " + _VALUE + rb")?")
_FIELD: Final = re.compile(rb"(" + _TOKEN + rb"):(" + _VALUE + rb")")
_QUOTED: Final = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"'
_EXTENSIONS: Final = (
    rb"(?:[ \t]*;[ \t]*" + _TOKEN + rb"(?:[ \t]*=[ \t]*(?:" + _TOKEN + rb"|" + _QUOTED + rb"))?)*"
)
_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]+)" + _EXTENSIONS + rb"\r\n")
# whatever an instance writes there, nobody reads it
_ANY_CHUNK: Final = re.compile(rb"([0-9A-Fa-f]+)(?:[ \t]*;" + _VALUE + rb")?\r\n")
_TRAILERS: Final = re.compile(rb"(?:" + _TOKEN + rb":" + _VALUE + rb"\r\n)*\r\n")
_LENGTH: Final = re.compile(rb"[0-9]+")


def request(data: bytes) -> Parsed:
    """Read exactly one request.

    Raises:
        AgainstTheRfcError: it is none, or more than one.

    """
    while data.startswith(b"\r\n"):  # section 2.2
        data = data[2:]
    head, fields, rest = _head(data)
    line = _REQUEST.fullmatch(head)
    if line is None:
        raise AgainstTheRfcError(f"the first line is {head[:100]!r}")
    length, chunked = _framing(fields, is_old=line[3] == b"0")
    body, end = _body(rest, length or 0, chunked=chunked)
    if end is None:
        raise AgainstTheRfcError("the end of the body has not come")
    if end != len(rest):
        raise AgainstTheRfcError(f"there is more behind it: {rest[end:][:100]!r}")
    return Parsed(line[1], line[2], fields, body)


def answer(data: bytes, method: str, *, ended: bool) -> tuple[Read, bytes] | None:
    """Read the final answer to a request of this method, and what is behind it; None where none has come.

    Raises:
        AgainstTheRfcError: it is none.

    """
    interim = []
    while True:
        if b"\r\n\r\n" not in data:
            return None
        head, fields, rest = _head(data)
        line = _STATUS.fullmatch(head)
        if line is None:
            raise AgainstTheRfcError(f"the first line is {head[:100]!r}")
        status = int(line[2])
        if not 100 <= status < 200 or status == 101:
            break
        interim.append(status)  # section 6.3: whatever its fields say, it has no body
        data = rest
    length, chunked = _framing(fields, is_old=line[1] == b"0")
    told = tuple(interim)
    if status == 101:
        return Read(status, fields, rest, whole=True, interim=told), b""
    if method == "HEAD" or status in {204, 304}:
        return Read(status, fields, b"", whole=True, interim=told), rest
    if not chunked and length is None:
        return Read(status, fields, rest, whole=ended, interim=told), b""
    body, end = _body(rest, length or 0, chunked=chunked, chunk_line=_ANY_CHUNK)
    return Read(status, fields, body, whole=end is not None, interim=told), rest[
        end:
    ] if end is not None else b""


def _head(data: bytes) -> tuple[bytes, tuple[Field, ...], bytes]:
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        raise AgainstTheRfcError("the head has no end")
    first, *lines = head.split(b"\r\n")
    fields = []
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise AgainstTheRfcError(f"a field is {line[:100]!r}")
        fields.append(alike((field[1], field[2])))
    return first, tuple(fields), rest


def _framing(fields: tuple[Field, ...], *, is_old: bool) -> tuple[int | None, bool]:
    """The length that is told, and whether the body comes in chunks."""
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    lengths = [value for name, value in fields if name == b"content-length"]
    if len(codings) + len(lengths) > 1:
        raise AgainstTheRfcError(f"more than one framing: {codings} {lengths}")
    if codings and (codings != [b"chunked"] or is_old):
        raise AgainstTheRfcError(f"the transfer coding is {codings[0]!r}")
    if lengths and not _LENGTH.fullmatch(lengths[0]):
        raise AgainstTheRfcError(f"the length is {lengths[0]!r}")
    return int(lengths[0]) if lengths else None, bool(codings)


def _body(
    rest: bytes, length: int, *, chunked: bool, chunk_line: re.Pattern[bytes] = _CHUNK
) -> tuple[bytes, int | None]:
    """The body, and where it ends; None where it goes on."""
    if not chunked:
        return rest[:length], length if len(rest) >= length else None
    parts: list[bytes] = []
    at = 0
    while True:
        chunk = chunk_line.match(rest, at)
        if chunk is None:
            return _incomplete(rest[at:], parts, "a size")
        size = int(chunk[1], 16)
        at = chunk.end()
        if not size:
            break
        parts.append(rest[at : at + size])
        at += size
        if rest[at : at + 2] != b"\r\n":
            return (
                _incomplete(rest[at:], parts, "the end of a chunk")
                if len(rest) < at + 2
                else _refuse(rest[at:])
            )
        at += 2
    trailers = _TRAILERS.match(rest, at)
    if trailers is None:
        return _incomplete(rest[at:], parts, "the trailers")
    return b"".join(parts), trailers.end()


def _incomplete(rest: bytes, parts: list[bytes], what: str) -> tuple[bytes, None]:
    """Where the line that should stand here is all there, it is a wrong one."""
    if (b"\r\n" in rest and what == "a size") or b"\r\n\r\n" in rest:
        raise AgainstTheRfcError(f"instead of {what} there is {rest[:100]!r}")
    return b"".join(parts), None


def _refuse(rest: bytes) -> tuple[bytes, None]:
    raise AgainstTheRfcError(f"a chunk is followed by {rest[:100]!r}")

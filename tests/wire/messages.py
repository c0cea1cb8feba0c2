"""HTTP/1.1 messages out of a stream of bytes, as strictly as RFC 9112 allows.

Both ends of the harness read with this: the upstream requests, the client answers. What is not exactly as it should be is
a problem and never repaired, so that a proxy which writes sloppily is found out.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

import attrs


Field = tuple[bytes, bytes]
Framing = Literal["none", "length", "chunked", "close", "tunnel"]

_REQUEST_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP/1\.[01]")
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([1-9][0-9]{2}) [\t\x20-\x7e\x80-\xff]*")
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*")
_LENGTH: Final = re.compile(rb"0|[1-9][0-9]{0,17}")
_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,16}")
_LONGEST: Final = 1 << 20
"""Bytes of a head; what is longer has no end."""


class WrongError(Exception):
    """The bytes are no message."""


@attrs.frozen
class Message:
    """A request or an answer as it came; `raw` is all of it, framing included."""

    line: bytes
    fields: tuple[Field, ...]
    body: bytes
    raw: bytes
    framing: Framing
    complete: bool = True
    """Whether the end of the body came, as its framing announces it."""

    def all(self, name: bytes) -> tuple[bytes, ...]:
        """The values of a field, in order."""
        return tuple(value for field, value in self.fields if field.lower() == name.lower())

    def tokens(self, name: bytes) -> frozenset[bytes]:
        """The members of a list field, in lower case."""
        members = b",".join(self.all(name)).lower().split(b",")
        return frozenset(member.strip() for member in members) - {b""}

    @property
    def status(self) -> int:
        """Of an answer."""
        return int(self.line.split(b" ")[1])

    @property
    def method(self) -> bytes:
        """Of a request."""
        return self.line.split(b" ")[0]

    @property
    def target(self) -> bytes:
        """Of a request."""
        return self.line.split(b" ")[1]

    @property
    def version(self) -> bytes:
        """What the sender says that it speaks."""
        return self.line[:8] if self.line.startswith(b"HTTP/") else self.line[-8:]


class Reader:
    """Cuts a stream into messages.

    Raises:
        WrongError: from `feed`, where the stream stops being HTTP/1.1; what came before it has been returned.

    """

    def __init__(self, *, answers: bool, to_head: Sequence[int] = ()) -> None:
        """`to_head` are the numbers of the answers, interim ones not counted, that have no body in any case."""
        self._answers = answers
        self._to_head = frozenset(to_head)
        self._number = 0
        self._data = bytearray()
        self._raw = bytearray()
        self._head: Message | None = None
        self._body = bytearray()
        self._left = 0
        self._size_known = False
        self._in_trailers = False
        self._is_tunnel = False
        self.tunnel = bytearray()
        """What came behind a 101."""

    @property
    def head(self) -> Message | None:
        """The head of the message whose body is on its way."""
        return self._head

    @property
    def rest(self) -> bytes:
        """What came and is not part of a message yet, or of none."""
        return bytes(self._raw + self._data)

    def feed(self, data: bytes) -> list[Message]:
        """Take what came; return the messages that are complete with it."""
        found: list[Message] = []
        self._data += data
        while True:
            if self._is_tunnel:
                self.tunnel += self._data
                self._data.clear()
                return found
            if self._head is None and not self._read_head():
                return found
            assert self._head is not None
            self._is_tunnel = self._head.framing == "tunnel"
            if not self._is_tunnel and not self._read_body(self._head.framing):
                return found
            found.append(self._finish(complete=True))

    def end(self) -> Message | None:
        """The stream has ended; return the message that ends with it, complete or not."""
        if self._head is None:
            return None
        return self._finish(complete=self._head.framing == "close")

    def _take(self, size: int) -> bytes:
        taken = bytes(self._data[:size])
        del self._data[:size]
        self._raw += taken
        return taken

    def _finish(self, *, complete: bool) -> Message:
        assert self._head is not None
        message = attrs.evolve(self._head, body=bytes(self._body), raw=bytes(self._raw), complete=complete)
        self._head = None
        self._raw.clear()
        self._body.clear()
        self._size_known = self._in_trailers = False
        return message

    def _read_head(self) -> bool:
        end = self._data.find(b"\r\n\r\n")
        if end < 0:
            if len(self._data) > _LONGEST:
                raise WrongError("a head without an end")
            return False
        head = read_head(bytes(self._data[: end + 4]), answer=self._answers)
        if self._answers and head.status >= 200:
            if self._number in self._to_head:
                head = attrs.evolve(head, framing="none")
            self._number += 1
        self._take(end + 4)
        self._head = head
        self._left = int(head.all(b"content-length")[0]) if head.framing == "length" else 0
        return True

    def _read_body(self, framing: Framing) -> bool:
        if framing == "chunked":
            return self._read_chunks()
        if framing == "close":
            self._body += self._take(len(self._data))
            return False
        taken = self._take(self._left)
        self._body += taken
        self._left -= len(taken)
        return not self._left

    def _read_chunks(self) -> bool:
        while True:
            if self._in_trailers:
                line = self._line()
                if line is None:
                    return False
                if not line:
                    return True
                if not _FIELD.fullmatch(line):
                    raise WrongError(f"a trailer that is none: {line[:80]!r}")
            elif not self._size_known:
                line = self._line()
                if line is None:
                    return False
                if not _SIZE.fullmatch(line):
                    raise WrongError(f"a size of a chunk that is none: {line[:80]!r}")
                self._left = int(line, 16)
                self._size_known = bool(self._left)
                self._in_trailers = not self._left
            else:
                taken = self._take(self._left)
                self._body += taken
                self._left -= len(taken)
                if self._left or len(self._data) < 2:
                    return False
                if self._take(2) != b"\r\n":
                    raise WrongError("a chunk that does not end where it should")
                self._size_known = False

    def _line(self) -> bytes | None:
        end = self._data.find(b"\r\n")
        if end < 0:
            if len(self._data) > _LONGEST:
                raise WrongError("a line without an end")
            return None
        return self._take(end + 2)[:-2]


def read_head(raw: bytes, *, answer: bool) -> Message:
    """Read a head, blank line included; the message has no body yet.

    Raises:
        WrongError: it is none.

    """
    line, *lines = raw[:-4].split(b"\r\n")
    if not (_STATUS_LINE if answer else _REQUEST_LINE).fullmatch(line):
        raise WrongError(f"a first line that is none: {line[:80]!r}")
    fields: list[Field] = []
    for text in lines:
        match = _FIELD.fullmatch(text)
        if match is None:
            raise WrongError(f"a field that is none: {text[:80]!r}")
        fields.append((match[1], match[2]))
    head = Message(line, tuple(fields), b"", raw, "none")
    return attrs.evolve(head, framing=_framing(head, answer=answer))


def _framing(head: Message, *, answer: bool) -> Framing:
    codings, lengths = head.all(b"transfer-encoding"), head.all(b"content-length")
    if len(codings) + len(lengths) > 1:
        raise WrongError(f"more than one framing: {codings} {lengths}")
    if codings and codings[0].lower() != b"chunked":
        raise WrongError(f"a coding other than chunked: {codings[0]!r}")
    if codings and head.version != b"HTTP/1.1":
        raise WrongError("a coding in HTTP/1.0")
    if lengths and not _LENGTH.fullmatch(lengths[0]):
        raise WrongError(f"a length that is none: {lengths[0]!r}")
    if not answer:
        if len(head.all(b"host")) != 1 and head.version == b"HTTP/1.1":
            raise WrongError("not exactly one Host")
        return "chunked" if codings else "length" if lengths else "none"
    status = head.status
    if status == 101:
        return "tunnel"
    if (status < 200 or status == 204) and (codings or lengths):
        raise WrongError(f"framing in a {status}")
    if status < 200 or status in {204, 304}:
        return "none"
    return "chunked" if codings else "length" if lengths else "close"

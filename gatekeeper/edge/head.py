"""The heads of the requests on one connection.

httptools parses them (2.6 µs with twelve fields, aiohttp's parser 4.6): it refuses bare line feeds, folded fields, control
characters, blanks before colons, and lengths and codings that contradict each other. It is given heads only, never a
body: where a body ends is not its business, and a trailer can never become a field of the next request. What it lets pass
and must not is refused here.

A head is parsed as it arrives, so that what is no HTTP is refused at its first bytes; but its limits and its request line
are judged on the whole of it, so that it does not matter how it was cut.
"""

import re
from typing import Final

from httptools import (
    HttpParserError,
    HttpParserInvalidMethodError,
    HttpParserUpgrade,
    HttpRequestParser,
)

from gatekeeper.core.errors import (
    BadRequest,
    GatewayError,
    HeadersTooLarge,
    NotSupported,
    UriTooLong,
    VersionNotSupported,
)
from gatekeeper.core.message import Field
from gatekeeper.edge.settings import EdgeLimits


BLANK_LIMIT: Final = 256
"""Bytes of empty lines before a head (RFC 9112 section 2.2)."""

_BLANK: Final = b"\r\n\r\n"
_LINE_END: Final = b"\r\n"
_REST_OF_LINE: Final = 32
"""Bytes of a request line beside its target."""
_VERSION: Final = b" HTTP/1."
_ONE: Final = ord("1")
_ZERO: Final = ord("0")
_may_be_method: Final = re.compile(rb"[A-Z][!#$%&'*+\-.^_`|~0-9A-Za-z]{0,63}(?: .*)?", re.DOTALL).fullmatch
_is_line: Final = re.compile(rb"[A-Z][!#$%&'*+\-.^_`|~0-9A-Za-z]{0,63} [!-~]+ HTTP/1\.[01]\r").fullmatch
_OTHER_VERSION: Final = re.compile(rb"[^ \r\n]+ [^ \r\n]+ HTTP/[0-9]\.[0-9]\r\n")
_BLANKS: Final = b" \t"


class HeadReader:
    """Takes bytes until a head is complete; then `method`, `target`, `version` and `fields` are those of it.

    What follows from its fields whoever reads them notes beside them: `length` and `chunked` frame the body, `last` says
    that the client wants the connection to end, `expects_continue` that it waits before it sends the body.
    """

    __slots__ = (
        "_blank",
        "_buffer",
        "_parser",
        "_unknown",
        "chunked",
        "expects_continue",
        "fields",
        "last",
        "length",
        "limits",
        "method",
        "target",
        "version",
    )

    def __init__(self, limits: EdgeLimits) -> None:
        self.limits = limits
        self.method = b""
        self.target = b""
        self.version = ""
        self.fields: list[Field] = []
        self.length = 0
        self.chunked = False
        self.expects_continue = False
        self.last = False
        self._parser: HttpRequestParser | None = None
        self._buffer = bytearray()  # what has come of a head that is not complete
        self._unknown = False  # whether the parser does not know the method
        self._blank = 0  # bytes of empty lines before it

    @property
    def begun(self) -> bool:
        """Whether a part of a head has come; one empty line is none (RFC 9112 section 2.2)."""
        return bool(self._buffer) or self._blank > len(_LINE_END)

    def feed(self, data: bytes) -> int:
        """Take bytes; return how many of them belong to the head, -1 where it goes on.

        Raises:
            GatewayError: it is malformed, or larger than the limits.

        """
        if self._buffer or self._blank or data.startswith((b"\r", b"\n")):
            return self._feed_on(data)
        end = data.find(_BLANK)
        if end < 0:
            return self._feed_on(data)
        end += 4
        self._forget()
        head = data if end == len(data) else data[:end]
        self._take(head, 0)
        self._finish(head)
        return end

    def renew(self) -> None:
        """Forget the parser's state: something else than another head follows, a body or nothing at all."""
        self._parser = None  # it holds our methods: a cycle that only the collector would end

    def _feed_on(self, data: bytes) -> int:
        """Take a part of a head, or what begins with an empty line."""
        buffer = self._buffer
        taken = 0
        if not buffer:
            self._forget()
            taken = self._skip_blank(data)
            if taken == len(data):
                return -1
        before = len(buffer)
        buffer += data[taken:] if taken else data
        end = buffer.find(_BLANK, max(0, before - 3))
        if end < 0:
            self._take(buffer, before)
            return -1
        head = bytes(buffer[: end + 4])
        self._take(head, before)
        buffer.clear()
        self._blank = 0
        self._finish(head)
        return taken + len(head) - before

    def _forget(self) -> None:
        """Forget the head before: what is refused now has nothing of it."""
        self.method = b""
        self.target = b""
        self.version = ""
        self.fields = []

    def _skip_blank(self, data: bytes) -> int:
        """How many bytes are empty lines before a head; one can be cut in the middle."""
        position, size = 0, len(data)
        while position < size and data[position] == _LINE_END[self._blank % 2]:
            position += 1
            self._blank += 1
            if self._blank > BLANK_LIMIT:
                raise BadRequest(log="nothing but empty lines")
        if position < size and self._blank % 2:
            raise BadRequest(log="a carriage return without line feed before the head")
        return position

    def _take(self, head: bytes | bytearray, start: int) -> None:
        """Parse what is new of a head; of what is wrong with it the first counts, however it was cut."""
        size, limits = len(head), self.limits
        if size > limits.target or size > limits.header_block:
            line = limits.target + _REST_OF_LINE
            allowed = size
            error: type[GatewayError] | None = None
            if size > line and head.find(_LINE_END, 0, line) < 0:
                allowed, error = line, UriTooLong
            if limits.header_block < allowed:
                allowed, error = limits.header_block, HeadersTooLarge
            if error is not None:
                self._read(head[:allowed], start)
                if self._parser is not None:
                    self.method = self._parser.get_method()
                raise error
        self._read(head, start)

    def _read(self, head: bytes | bytearray, start: int) -> None:
        if not self._unknown:
            self._parse(head[start:])
        if self._unknown and (refusal := _judge_method(head)) is not None:
            raise refusal

    def _parse(self, piece: bytes | bytearray) -> None:
        parser = self._parser
        if parser is None:
            parser = self._parser = HttpRequestParser(self)
        try:
            parser.feed_data(piece)
        except HttpParserUpgrade:
            # raised at the end of a head that asks for it: whatever follows is judged later
            self.method = parser.get_method()
            self._parser = None
        except HttpParserError as error:
            self._parser = None
            if isinstance(error, HttpParserInvalidMethodError):
                self._unknown = True
                return
            if self.target or "Data after" not in str(error):
                self.method = parser.get_method()  # of HEAD the refusal has no body
                raise _refusal(error) from error
            # it takes `Proxy-Connection: close` of the head before for `Connection: close`
            self._parse(piece)

    def _finish(self, head: bytes) -> None:
        """Judge what the parser does not."""
        parser, target, limits = self._parser, self.target, self.limits
        if parser is not None:
            self.method = parser.get_method()
        at = len(self.method) + 1 + len(target)
        if not head.startswith(_VERSION, at):
            # more than one blank between the parts of the line, or another version
            self._parser = None
            raise (
                VersionNotSupported
                if _OTHER_VERSION.match(head)
                else BadRequest(log="a malformed request line")
            )
        minor = head[at + 8]
        if minor == _ONE:
            self.version = "1.1"
        elif minor == _ZERO:
            self.version = "1.0"
        else:
            raise VersionNotSupported
        if len(target) > limits.target:
            raise UriTooLong
        if len(self.fields) > limits.header_count:
            raise HeadersTooLarge("too many header fields")
        if len(head) > limits.header_line and any(
            len(name) + len(value) > limits.header_line for name, value in self.fields
        ):
            raise HeadersTooLarge("a header field is too large")
        if b" \r\n" in head or b"\t\r\n" in head:
            # the parser leaves the blanks at the end of a value
            self.fields = [(name, value.rstrip(_BLANKS)) for name, value in self.fields]

    # ---- the parser's callbacks -----------------------------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        """Take the target, possibly in pieces."""
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field."""
        self.fields.append((name, value))


def _judge_method(head: bytes | bytearray) -> GatewayError | None:
    """What a method is refused with that the parser does not know, as soon as there is enough of the line to tell."""
    line, end, _ = bytes(head).partition(b"\n")
    if end:
        # RFC 9110 section 9.1
        known_form = _is_line(line)
        return (
            NotSupported("the method is not known here") if known_form else BadRequest(log="no request line")
        )
    return None if _may_be_method(line) else BadRequest(log="no request line")


def _refusal(error: HttpParserError) -> GatewayError:
    if "HTTP version" in str(error):
        return VersionNotSupported(log=str(error))
    return BadRequest(log=str(error))

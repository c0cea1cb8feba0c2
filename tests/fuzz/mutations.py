"""What is done to bytes: each mutation is small, and knows just enough of HTTP to hit what matters."""

import re
from collections.abc import Callable, Sequence
from typing import Final

from tests.fuzz.choice import Choice, one_in, pick


Mutation = Callable[[Choice, bytes, Sequence[bytes]], bytes]
"""Bytes, and others of their kind, to mutated bytes."""

ODD: Final = (
    *(b"\r", b"\n", b"\r\n", b" ", b"\t", b"\x00", b"\x0b", b"\x0c", b"\x7f", b"\x80", b"\xff", b"\x85", b"\xa0"),
    *(b"\x1f", b"\x01", b":", b",", b";", b"=", b'"', b"\\", b"/", b"#", b"?", b"%", b"@", b"[", b"0", b"+", b"-", b"_"),
    *(b"\r\r\n", b"\n\r", b"\r\n\r\n", b"\n\n", b"\r\n ", b"\r\n\t", b"\xe2\x80\xa8", b"\xc0\x8a", b"%0d%0a", b"\\r\\n"),
)
NUMBERS: Final = (
    *(b"0", b"1", b"2", b"3", b"5", b"6", b"10", b"00", b"05", b"+5", b"-1", b"-0", b"0x5", b"5_0", b"1e1", b"5.0", b""),
    *(b" 5", b"5 ", b"5, 5", b"5,6", b"9" * 19, b"9" * 20, b"9" * 40, b"2147483648", b"4294967296", b"4294967301"),
    *(b"9223372036854775807", b"9223372036854775808", b"18446744073709551615", b"18446744073709551616"),
    *(b"18446744073709551621", b"F" * 8, b"F" * 15, b"F" * 16, b"F" * 17, b"f", b"a", b"A", b"\xef\xbc\x95", b"\xb2"),
)
FIELDS: Final = (
    *(b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: 6", b"content-length: 5", b"Content-Length : 5"),
    *(b"Content-Length: 5, 5", b"Content-Length:5", b"Content-Length:\t5", b" Content-Length: 5", b"Content_Length: 5"),
    *(b"Transfer-Encoding: chunked", b"transfer-encoding: Chunked", b"Transfer-Encoding : chunked"),
    *(b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: identity"),
    *(b"Transfer-Encoding: xchunked", b"Transfer-Encoding:\x0bchunked", b"Transfer-Encoding: chunked;a=b"),
    *(b"Transfer-Encoding: \tchunked", b"Transfer-Encoding: chunked\t", b"Transfer-Encoding:\r\n chunked"),
    *(b"Transfer-Encoding: ,chunked", b"Transfer-Encoding: chunked,", b"Transfer-Encoding:", b"Transfer_Encoding: chunked"),
    *(b"Connection: close", b"Connection: keep-alive", b"Connection: Content-Length", b"Connection: upgrade", b"Connection: te"),
    *(b"Connection: Transfer-Encoding", b"Connection: Host", b"Connection: ,", b"Connection: close, close", b"Connection: X-One"),
    *(b"Upgrade: websocket", b"Upgrade: h2c", b"TE: trailers", b"Trailer: X-Sum", b"Expect: 100-continue", b"Expect: x"),
    *(b"Host: a.test", b"Host: b.test", b"Host:", b"host: a.test", b"X-One: 1", b"X-One:", b"X-One: \xff", b"X-One:1", b": 1", b"X"),
    *(b" folded", b"\tfolded", b"X-One : 1", b"X One: 1", b"X-One:\x001", b"X-One: a\rb", b"X-One: a\nb", b"Proxy-Connection: close"),
    *(b"Keep-Alive: timeout=5", b"X-Forwarded-For: 1.2.3.4", b"X-User-Id: admin", b"Max-Forwards: 0", b"Via: 1.1 x", b"Cookie: a=b"),
    *(b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Content-Type: text/plain", b"Range: bytes=0-1"),
    *(b"Set-Cookie: a=b", b"Location: /", b"Content-Encoding: gzip", b"HTTP2-Settings: AAMAAABkAAQ", b"X-Request-Id: x", b"Date: x"),
)
CHUNKS: Final = (
    *(b"0\r\n\r\n", b"5\r\nhello\r\n", b"1\r\nx\r\n", b"0\r\nX-Sum: 1\r\n\r\n", b"5;a=b\r\nhello\r\n", b"05\r\nhello\r\n"),
    *(b"5\nhello\r\n", b"5\r\nhello\n", b"5 \r\nhello\r\n", b"0x5\r\nhello\r\n", b"+5\r\nhello\r\n", b"5\r\nhellohello\r\n"),
    *(b"0\n\n", b"0\r\n\n", b"0\r\n", b"00\r\n\r\n", b"0;x\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n", b"a\r\n0\r\n\r\nGET /\r\n"),
    *(b'5;a="\r\n"\r\nhello\r\n', b"5;\n\r\nhello\r\n", b"5\r\r\nhello\r\n", b"FFFFFFFFFFFFFFFF\r\nhello\r\n", b"-5\r\nhello\r\n"),
    *(b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\n X: folded\r\n\r\n", b"0\r\nX-Sum\r\n\r\n", b"0\r\nHost: b.test\r\n\r\n", b"\r\n"),
)

_NUMBER: Final = re.compile(rb"(?i)(?<=content-length:)[ \t]*[0-9]+|(?<=\n)[0-9a-f]+(?=[;\r\n])|[0-9]+")
_BREAK: Final = re.compile(rb"\r\n|\r|\n")
_WORD: Final = re.compile(rb"[A-Za-z]{2,}")


def _flip(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    at = choice.below(len(data))
    return data[:at] + bytes([data[at] ^ (1 << choice.below(8))]) + data[at + 1 :]


def _replace(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    at = choice.below(len(data))
    return data[:at] + pick(choice, ODD) + data[at + 1 :]


def _insert(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    at = choice.below(len(data) + 1)
    return data[:at] + pick(choice, ODD) + data[at:]


def _insert_at_break(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    """Beside a line end or a colon, where parsers differ most."""
    places = [at for at, byte in enumerate(data) if byte in b"\r\n:"]
    if not places:
        return data + pick(choice, ODD)
    at = pick(choice, places) + choice.below(2)
    return data[:at] + pick(choice, ODD) + data[at:]


def _delete(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    at = choice.below(len(data))
    return data[:at] + data[at + 1 + choice.below(4) :]


def _truncate(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    return data[: choice.below(len(data)) + 1]


def _repeat(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    """A piece twice."""
    at = choice.below(len(data))
    end = at + 1 + choice.below(20)
    return data[:end] + data[at:end] + data[end:]


def _lines(change: Callable[[Choice, list[bytes]], None]) -> Mutation:
    def mutate(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
        lines = data.split(b"\r\n")
        change(choice, lines)
        return b"\r\n".join(lines)

    return mutate


def _duplicate(choice: Choice, lines: list[bytes]) -> None:
    lines.insert(choice.below(len(lines)), pick(choice, lines))


def _drop(choice: Choice, lines: list[bytes]) -> None:
    del lines[choice.below(len(lines))]


def _swap(choice: Choice, lines: list[bytes]) -> None:
    one, other = choice.below(len(lines)), choice.below(len(lines))
    lines[one], lines[other] = lines[other], lines[one]


def _add_field(choice: Choice, lines: list[bytes]) -> None:
    lines.insert(1 + choice.below(max(1, min(len(lines) - 1, 8))), pick(choice, FIELDS))


def _add_chunk(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    """Into the body, at the end of a line, mostly."""
    begin = data.find(b"\r\n\r\n") + 4
    places = [found.end() for found in _BREAK.finditer(data, max(begin - 1, 0))] or [len(data)]
    at = pick(choice, places)
    return data[:at] + pick(choice, CHUNKS) + data[at:]


def _number(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    found = list(_NUMBER.finditer(data))
    if not found:
        return data + pick(choice, NUMBERS)
    one = pick(choice, found)
    if one_in(choice, 3) and one[0].strip().isdigit() and len(one[0]) < 10:
        new = b"%d" % max(0, int(one[0]) + choice.below(5) - 2)
    else:
        new = pick(choice, NUMBERS)
    return data[: one.start()] + new + data[one.end() :]


def _line_end(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    found = list(_BREAK.finditer(data))
    if not found:
        return data + b"\r\n"
    one = pick(choice, found)
    ends = (b"\n", b"\r", b"\r\r\n", b"\n\r", b"", b"\r\n\r\n", b" \r\n", b"\t\r\n", b"\r\n ", b"\r \n", b"\x00\r\n")
    return data[: one.start()] + pick(choice, ends) + data[one.end() :]


def _case(choice: Choice, data: bytes, _: Sequence[bytes]) -> bytes:
    found = list(_WORD.finditer(data))
    if not found:
        return data
    one = pick(choice, found)
    return data[: one.start()] + pick(choice, (one[0].upper(), one[0].lower(), one[0].swapcase())) + data[one.end() :]


def _splice(choice: Choice, data: bytes, others: Sequence[bytes]) -> bytes:
    """The beginning of one, and the end of another."""
    other = pick(choice, others)
    return data[: choice.below(len(data) + 1)] + other[choice.below(len(other) + 1) :]


def _append(choice: Choice, data: bytes, others: Sequence[bytes]) -> bytes:
    """Another one behind it."""
    return data + pick(choice, others)


MUTATIONS: Final[Sequence[Mutation]] = (
    *(_number, _insert_at_break, _line_end, _lines(_add_field), _lines(_duplicate), _lines(_drop), _lines(_swap)),
    *(_add_chunk, _insert, _replace, _delete, _case, _flip, _truncate, _repeat, _splice, _append),
)
MOST: Final = 4
"""Mutations of one message."""
LONGEST: Final = 6000
"""Bytes that are left of one."""


def mutated(choice: Choice, data: bytes, others: Sequence[bytes]) -> bytes:
    """Mutate it a few times, or not at all."""
    for _ in range((1, 1, 0, 1, 2, 1, 0, MOST)[choice.below(8)]):
        data = pick(choice, MUTATIONS)(choice, data, others)[:LONGEST] or b"\r\n"
    return data

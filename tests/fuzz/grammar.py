"""Messages made of parts that are each more or less right, so that the combinations are what is tried."""

from collections.abc import Sequence
from typing import Final

from tests.fuzz.choice import Choice, one_in, pick
from tests.fuzz.mutations import CHUNKS, FIELDS, NUMBERS


METHODS: Final = (
    *(b"GET", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"PATCH", b"QUERY", b"TRACE", b"CONNECT", b"PROPFIND", b"get", b"PRI"),
    *(b"M-SEARCH", b"GE T", b"G@T", b""),
)
TARGETS: Final = (
    *(b"/a", b"/", b"/a?b=c", b"/a/../b", b"/a%2fb", b"/a//b", b"/a;b", b"/a%00", b"*", b"http://a.test/a", b"http://a.test", b"a"),
    *(b"https://a.test/", b"/a#b", b"/a\xffb", b"//b.test/a", b"http://u@a.test/", b"/a b", b"a.test:443", b"", b"/%zz", b"/?", b"?a"),
    *(b"HTTP://A.test/x?y", b"http://b.test/?x", b"http://a.test:80?x", b"/a\x7f", b"/\\a", b"/a?b#c", b"/a?\xe4", b"/a%", b"/.", b"/a/.."),
)
VERSIONS: Final = (
    *(b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/0.9", b"http/1.1"),
    *(b"HTTP/1.10", b"HTTP/01.1", b"HTTP/1", b"", b"HTTP/1.1 ", b"ICE/1.0", b"RTSP/1.0"),
)
HOSTS: Final = (
    *(b"Host: a.test", b"Host: a.test:80", b"host:a.test", b"Host: [::1]:80", b"Host: a.test.", b"Host: a b", b"Host: u@a.test"),
    *(b"Host: a.test, b.test", b"Host:", b"Host: a.test:99999", b"Host: a/b", b"Host : a.test", b"Host: \x00", b"HOST: A.TEST"),
)
PLAIN: Final = (b"User-Agent: fuzz", b"Accept: */*", b"X-One: 1", b"X-Two: a, b", b"Cookie: a=b; c=d", b"X-Empty:", b"X-Obs: \xe4")
STATUSES: Final = (
    *(b"200 OK", b"200", b"200 ", b"204 No Content", b"304 Not Modified", b"404 Not Found", b"500 Oh", b"206 Partial Content"),
    *(b"100 Continue", b"103 Early Hints", b"101 Switching Protocols", b"102 Processing", b"199 X", b"600 X", b"99 X", b"0200 OK"),
    *(b"200 \xff", b"200 a\tb", b"+200 OK", b"2e2 OK", b"20 OK", b"2000 OK", b"200  OK", b"200\tOK", b"205 Reset Content", b"301 Moved"),
)
_LINE_ENDS: Final = (b"\n", b"\r", b"\r\r\n", b" \r\n", b"\n\r\n")
_BODY: Final = b"hello"


def framed(choice: Choice) -> tuple[list[bytes], bytes]:
    """Fields that frame a body, and the body; mostly they agree."""
    kind = choice.below(24)
    if kind < 6:
        return [], b""
    if kind < 12:
        return [b"Content-Length: 5"], _BODY
    if kind < 20:
        return [b"Transfer-Encoding: chunked"], chunked(choice)
    if kind == 20:
        return [b"Content-Length: " + pick(choice, NUMBERS)], _BODY
    if kind == 21:
        return [pick(choice, FIELDS[:22])], pick(choice, (_BODY, b"5\r\nhello\r\n0\r\n\r\n"))
    both = [b"Content-Length: " + pick(choice, (b"5", b"6", b"0", b"15")), b"Transfer-Encoding: chunked"]
    if kind == 22:
        both.reverse()
    return both, b"5\r\nhello\r\n0\r\n\r\n"


def chunked(choice: Choice) -> bytes:
    """A body in chunks, good ones and others."""
    if not one_in(choice, 4):
        return b"5\r\nhello\r\n" * choice.below(3) + b"0\r\n\r\n"
    size = pick(choice, NUMBERS)
    parts = [pick(choice, CHUNKS) for _ in range(choice.below(3))]
    return b"".join([*parts, size + b"\r\nhello\r\n" if one_in(choice, 2) else b"", pick(choice, CHUNKS[:4])])


def _assembled(choice: Choice, lines: Sequence[bytes], body: bytes) -> bytes:
    if not one_in(choice, 16):
        return b"\r\n".join(lines) + b"\r\n\r\n" + body
    odd = choice.below(len(lines))
    head = b"".join(line + (pick(choice, _LINE_ENDS) if at == odd else b"\r\n") for at, line in enumerate(lines))
    return head + b"\r\n" + body


def _fields(choice: Choice, framing: Sequence[bytes]) -> list[bytes]:
    fields = [pick(choice, PLAIN) for _ in range(choice.below(3))]
    fields += framing
    for _ in range((0, 0, 0, 0, 1, 2)[choice.below(6)]):
        fields.insert(choice.below(len(fields) + 1), pick(choice, FIELDS))
    return fields


def _mostly(choice: Choice, parts: Sequence[bytes], good: int, odd: int) -> bytes:
    """One of the first, which are good; once in so many times one of all."""
    return pick(choice, parts if one_in(choice, odd) else parts[:good])


def request(choice: Choice) -> bytes:
    """A request; each of its parts is wrong now and then."""
    framing, body = framed(choice)
    parts = _mostly(choice, METHODS, 7, 24), _mostly(choice, TARGETS, 6, 12), _mostly(choice, VERSIONS, 5, 24)
    hosts = [] if one_in(choice, 32) else [_mostly(choice, HOSTS, 4, 16)]
    return _assembled(choice, [b" ".join(parts), *hosts, *_fields(choice, framing)], body)


def requests(choice: Choice) -> bytes:
    """Up to three of them, one behind the other."""
    return b"".join(request(choice) for _ in range((1, 1, 2, 3)[choice.below(4)]))


def answer(choice: Choice) -> bytes:
    """An answer, possibly behind an interim one."""
    framing, body = framed(choice)
    line = _mostly(choice, VERSIONS, 5, 24) + b" " + _mostly(choice, STATUSES, 8, 6)
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" if one_in(choice, 8) else b""
    return interim + _assembled(choice, [line, *_fields(choice, framing)], body)

"""Messages made of parts that are each more or less right, so that the combinations are what is tried."""

from collections.abc import Sequence
from typing import Final

from tests.fuzz.choice import Choice, one_in, pick
from tests.fuzz.words import CHUNKS, FIELDS, HOSTS, METHODS, NUMBERS, PLAIN, STATUSES, TARGETS, VERSIONS


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
    head = b"".join(
        line + (pick(choice, _LINE_ENDS) if at == odd else b"\r\n") for at, line in enumerate(lines)
    )
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
    hosts = [_mostly(choice, HOSTS, 4, 16) for _ in range((*[1] * 22, 0, 2)[choice.below(24)])]
    return _assembled(choice, [b" ".join(parts), *hosts, *_fields(choice, framing)], body)


def requests(choice: Choice) -> bytes:
    """Up to three of them, one behind the other."""
    return b"".join(request(choice) for _ in range((1, 1, 2, 3)[choice.below(4)]))


_SIZES: Final = (70_000, 65_536, 300_000, 600_000)


def _large(choice: Choice) -> tuple[bytes, bytes]:
    """A field, and a body that is more than anybody holds."""
    size = pick(choice, _SIZES)
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    if choice.below(2):
        return b"Content-Length: %d" % (size + choice.below(3) - 1), body
    pieces = [body[at : at + 40_000] for at in range(0, size, 40_000)]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return b"Transfer-Encoding: chunked", chunks + pick(choice, CHUNKS)


def large_request(choice: Choice) -> bytes:
    """A request with a large body, and another one behind it."""
    field, body = _large(choice)
    head = b"\r\n".join((b"POST /a HTTP/1.1", HOSTS[0], field, b"", b""))
    return head + body + b"GET /b HTTP/1.1\r\nHost: b.test\r\n\r\n"


def large_answer(choice: Choice) -> bytes:
    """An answer with a large body."""
    field, body = _large(choice)
    return b"\r\n".join((b"HTTP/1.1 200 OK", field, b"", b"")) + body


def answer(choice: Choice) -> bytes:
    """An answer, possibly behind an interim one."""
    framing, body = framed(choice)
    line = _mostly(choice, VERSIONS, 5, 24) + b" " + _mostly(choice, STATUSES, 8, 6)
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" if one_in(choice, 8) else b""
    return interim + _assembled(choice, [line, *_fields(choice, framing)], body)

"""HOP-01 and HOP-04: fields of an answer that end at this hop, and those that an answer cannot take away."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import Expectation, Row, Sent, answered, reply
from tests.wire.rows.hop.requests import FIELDS as OF_REQUESTS
from tests.wire.rows.parts import request


FIELDS: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "keep-alive": (b"Keep-Alive", b"timeout=5, max=1000"),
    "proxy-connection": (b"Proxy-Connection", b"keep-alive"),
    "proxy-authenticate": (b"Proxy-Authenticate", b'Basic realm="x"'),
    "proxy-authentication-info": (b"Proxy-Authentication-Info", b'nextnonce="x"'),
    "te": (b"TE", b"trailers"),
    "trailer": (b"Trailer", b"X-Sum"),
    "upgrade": (b"Upgrade", b"h2c, websocket"),
    "http2-settings": (b"HTTP2-Settings", b"AAMAAABkAARAAAAAAAIAAAAA"),
}

RARER: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "proxy-features": (b"Proxy-Features", b"x"),
    "proxy-instruction": (b"Proxy-Instruction", b"x"),
    "security-scheme": (b"Security-Scheme", b"x"),
    "alpn": (b"ALPN", b"h2"),
    "close": (b"Close", b"x"),
    # it would lead clients past the gateway
    "alt-svc": (b"Alt-Svc", b'h3=":8443"; ma=86400'),
}

NOMINATED: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "set-cookie": (b"Set-Cookie", b"a=1; HttpOnly"),
    "content-type": (b"Content-Type", b"text/plain"),
    "content-encoding": (b"Content-Encoding", b"gzip"),
    "cache-control": (b"Cache-Control", b"private"),
    "vary": (b"Vary", b"Cookie"),
    "etag": (b"ETag", b'"x"'),
}
"""What protects users or says how to read a body; no `Connection` of an answer takes it away."""

OTHERS: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "a field of its own": (b"X-Custom", b"1"),
    "lower case": (b"x-custom", b"1"),
    "empty": (b"X-Custom", b""),
    "keep-alive": (b"Keep-Alive", b"timeout=5"),
    "server": (b"Server", b"wire"),
    "age": (b"Age", b"5"),
}

OK: Final = b"HTTP/1.1 200 OK\r\n%bContent-Length: 2\r\n\r\nok"


def rows() -> Iterator[Row]:
    """HOP-01 and HOP-04."""
    for name, (field, value) in FIELDS.items():
        yield from _spelt(f"HOP-01 answer {name}", field, value)
    for name, (field, value) in RARER.items():
        line = field + b": " + value + b"\r\n"
        yield Row(
            f"HOP-01 answer {name}", request(), _told(absent=(field,)), replies=reply(OK % line), choice=True
        )
        if name != "close":  # which is an option, too
            line += b"Connection: " + field + b"\r\n"
            yield Row(
                f"HOP-01 answer {name} nominated", request(), _told(absent=(field,)), replies=reply(OK % line)
            )
    yield from _all_together()
    yield from _nominated()


def _told(**more: object) -> Expectation:
    return Expectation(answers=(answered(200, body=b"ok", **more),), requests=(Sent(),), closes=False)


def _spelt(begin: str, field: bytes, value: bytes) -> Iterator[Row]:
    line = field + b": " + value
    gone = _told(absent=(field,), fields={b"x-one": b"1"})
    for name, lines in {
        "first": (line, b"X-One: 1"),
        "last": (b"X-One: 1", line),
        "lower case": (field.lower() + b": " + value, b"X-One: 1"),
        "upper case": (field.upper() + b":  " + value, b"X-One: 1"),
        "without a blank": (field + b":" + value, b"X-One: 1"),
        "empty": (field + b":", b"X-One: 1"),
        "twice": (line, b"X-One: 1", field.lower() + b": " + value),
        "nominated": (line, b"X-One: 1", b"Connection: " + field),
        "nominated before it": (b"Connection: keep-alive, " + field.lower(), line, b"X-One: 1"),
    }.items():
        block = b"\r\n".join(lines) + b"\r\n"
        yield Row(f"{begin} {name}", request(), gone, replies=reply(OK % block))
    missing = b"HTTP/1.1 404 Not Found\r\n" + line + b"\r\nContent-Length: 2\r\n\r\nno"
    expect = attrs.evolve(gone, answers=(answered(404, absent=(field,), body=b"no"),))
    yield Row(f"{begin} of a 404", request(), expect, replies=reply(missing))
    empty = b"HTTP/1.1 204 No Content\r\n" + line + b"\r\n\r\n"
    expect = attrs.evolve(gone, answers=(answered(204, absent=(field,), body=b""),))
    yield Row(f"{begin} of a 204", request(), expect, replies=reply(empty))
    head = attrs.evolve(gone, answers=(answered(200, absent=(field,), body=b""),))
    answer = reply(b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 2\r\n\r\n")
    yield Row(f"{begin} of a HEAD", request(method=b"HEAD"), head, replies=answer, to_head=(0,))


def _all_together() -> Iterator[Row]:
    block = b"".join(field + b": " + value + b"\r\n" for field, value in FIELDS.values())
    absent = tuple(field for field, _ in FIELDS.values())
    expect = _told(absent=absent, fields={b"x-one": b"1"})
    yield Row("HOP-01 answer all at once", request(), expect, replies=reply(OK % (block + b"X-One: 1\r\n")))
    names = b"Connection: " + b", ".join(absent) + b"\r\n"
    answer = reply(OK % (block + names + b"X-One: 1\r\n"))
    yield Row("HOP-01 answer all, nominated", request(), expect, replies=answer)
    chunked = b"HTTP/1.1 200 OK\r\n" + block + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    expect = _told(absent=absent)
    yield Row("HOP-01 answer all, in chunks", request(), expect, replies=reply(chunked))
    demand = b"HTTP/1.1 407 Proxy Authentication Required\r\n" + block + b"Content-Length: 2\r\n\r\nno"
    asked = Expectation(answers=(answered(407, 502, absent=absent),), requests=(Sent(),))
    yield Row("HOP-01 answer all, of a 407", request(), asked, replies=reply(demand))
    wanted = b"HTTP/1.1 426 Upgrade Required\r\n" + block + b"Content-Length: 2\r\n\r\nno"
    asked = Expectation(answers=(answered(426, 502, absent=absent),), requests=(Sent(),))
    yield Row("HOP-01 answer all, of a 426", request(), asked, replies=reply(wanted))
    # what only requests have means nothing in an answer, but what must not leave this hop must not leave it there either
    line = b"Proxy-Authorization: " + OF_REQUESTS["proxy-authorization"][1] + b"\r\n"
    expect = _told(absent=(b"proxy-authorization",))
    yield Row("HOP-01 answer proxy-authorization", request(), expect, replies=reply(OK % line), choice=True)
    for name, line in {
        "close": b"Connection: close\r\n",
        "keep-alive": b"Connection: keep-alive\r\n",
        "empty": b"Connection:\r\n",
        "a word nobody knows": b"Connection: foo\r\n",
        "two fields": b"Connection: foo\r\nConnection: keep-alive\r\n",
        "no token": b"Connection: a b, =\r\n",
    }.items():
        yield Row(f"HOP-01 answer connection {name}", request(), _told(), replies=reply(OK % line))


def _nominated() -> Iterator[Row]:
    for name, (field, value) in NOMINATED.items():
        for spelling, word in {
            "": field,
            " in lower case": field.lower(),
            " in upper case": field.upper(),
        }.items():
            block = field + b": " + value + b"\r\nConnection: " + word + b"\r\n"
            stays = _told(fields={field: value})
            row = f"HOP-04 {name} stays, nominated{spelling}"
            yield Row(row, request(), stays, replies=reply(OK % block), choice=True)
    both = b"Connection: Set-Cookie, X-Custom\r\nSet-Cookie: a=1\r\nX-Custom: 1\r\nSet-Cookie: b=2\r\n"
    stays = _told(fields={b"set-cookie": [b"a=1", b"b=2"]}, absent=(b"x-custom",))
    yield Row(
        "HOP-04 set-cookie stays, another goes", request(), stays, replies=reply(OK % both), choice=True
    )
    for name, (field, value) in OTHERS.items():
        block = field + b": " + value + b"\r\nConnection: " + field.title() + b"\r\n"
        gone = _told(absent=(field,))
        yield Row(f"HOP-04 nominated {name}", request(), gone, replies=reply(OK % block))
    block = b"Connection: X-Custom\r\nX-Custom: 1\r\nX-Custom-More: 2\r\nX-Cust: 3\r\n"
    near = _told(absent=(b"x-custom",), fields={b"x-custom-more": b"2", b"x-cust": b"3"})
    yield Row("HOP-04 nominated, and names that are near", request(), near, replies=reply(OK % block))
    block = b"X-A: 1\r\nConnection: x-a ,\tX-B\r\nX-B: 2\r\nConnection: ,,X-C\r\nX-C: 3\r\nX-D: 4\r\n"
    several = _told(absent=(b"x-a", b"x-b", b"x-c"), fields={b"x-d": b"4"})
    yield Row("HOP-04 nominated in several fields", request(), several, replies=reply(OK % block))
    block = b"Connection: content-length\r\n"
    framed = _told(fields={b"content-length": b"2"}, absent=(b"transfer-encoding",))
    chunked = _told(fields={b"transfer-encoding": b"chunked"}, absent=(b"content-length",))
    yield Row("HOP-04 nominated content-length", request(), (framed, chunked), replies=reply(OK % block))
    answer = b"HTTP/1.1 200 OK\r\nConnection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    yield Row("HOP-04 nominated transfer-encoding", request(), (framed, chunked), replies=reply(answer))
    block = b"Connection: close, X-Request-Id, Date\r\n"
    yield Row(
        "HOP-04 nominated what we write", request(), _told(present=(b"date",)), replies=reply(OK % block)
    )

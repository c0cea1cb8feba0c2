"""HOP-07 and HOP-08: nothing is invented, and what is sent more than once arrives so, in its order and byte for byte."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from tests.wire.row import Expectation, Row, Sent, answered, forwarded, reply
from tests.wire.rows.parts import CHUNKED, HOST, PATH, chunks, request


OURS: Final = (
    *(b"host", b"via", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"),
    *(b"x-request-id", b"traceparent"),
)
"""What a gateway may add to a request."""

BARE: Final[Mapping[str, tuple[bytes, ...]]] = {
    "host alone": (),
    "user-agent": (b"User-Agent: wire/1",),
    "accept": (b"Accept: text/html;q=0.5",),
    "accept-encoding": (b"Accept-Encoding: br;q=0, gzip;q=0.001, identity",),
    "an empty accept-encoding": (b"Accept-Encoding:",),
    "an empty accept": (b"Accept:",),
    "an empty user-agent": (b"User-Agent:",),
    "cookie": (b"Cookie: a=1; b=2",),
    "cache-control": (b"Cache-Control: max-age=0",),
    "pragma": (b"Pragma: no-cache",),
    "range": (b"Range: bytes=0-4",),
    "a malformed range": (b"Range: bytes=5-1,-,x",),
    "conditions": (b'If-None-Match: W/"a", "b"', b"If-Modified-Since: yesterday"),
    "referer": (b"Referer: http://example.test/a?b#c",),
    "a date": (b"Date: Thu, 01 Jan 1970 00:00:00 GMT",),
    "dnt": (b"DNT: 1", b"Sec-GPC: 1", b"Sec-Fetch-Site: same-origin"),
    "upgrade-insecure-requests": (b"X-One: 1", b"Priority: u=1, i"),
}

SEVERAL: Final[Mapping[str, tuple[bytes, tuple[bytes, ...]]]] = {
    "cookie": (b"Cookie", (b"a=1", b"b=2; c=3", b"a=4")),
    "accept": (b"Accept", (b"text/html", b"*/*;q=0.1")),
    "warning": (b"Warning", (b'199 a "b, c"', b'299 - "d"')),
    "link": (b"Link", (b"<a>; rel=preload", b"<b,c>; rel=next")),
    "a field of its own": (b"X-Many", (b"3", b"1", b"2", b"1")),
    "with empty ones": (b"X-Many", (b"", b"a", b"")),
    "thirty": (b"X-Many", tuple(b"%d" % number for number in range(30))),
    "if-none-match": (b"If-None-Match", (b'"a"', b'W/"b"')),
    "accept-language": (b"Accept-Language", (b"de", b"en;q=0.5")),
    "forwarding of somebody else": (b"X-Forward", (b"a", b"b")),
}

SENT_BACK: Final[Mapping[str, tuple[bytes, tuple[bytes, ...]]]] = {
    "set-cookie": (b"Set-Cookie", (b"a=1; Path=/", b"b=2; Secure", b"a=3")),
    "set-cookie with commas": (b"Set-Cookie", (b"a=1; Expires=Thu, 01 Jan 2037 00:00:00 GMT", b"b=x,y")),
    "set-cookie the same twice": (b"Set-Cookie", (b"a=1", b"a=1")),
    "set-cookie thirty": (b"Set-Cookie", tuple(b"c%d=%d" % (number, number) for number in range(30))),
    "set-cookie odd": (b"Set-Cookie", (b"", b"=", b"a", b'a="\xe9"; ;;', b"a=b=c")),
    "set-cookie for another domain": (
        b"Set-Cookie",
        (b"a=1; Domain=upstream.test", b"b=2; Domain=.example.test"),
    ),
    "via": (b"Via", (b"1.1 a", b"1.0 b (c, d)")),
    "warning": (b"Warning", (b'110 a "b"', b'199 - "c, d" "Thu, 01 Jan 1970 00:00:00 GMT"')),
    "link": (b"Link", (b"</a>; rel=preload", b"</b,c>; rel=next")),
    "www-authenticate": (
        b"WWW-Authenticate",
        (b'Basic realm="a, b"', b"Bearer", b'Digest realm="c", nonce="d"'),
    ),
    "vary": (b"Vary", (b"Cookie", b"Accept-Encoding")),
    "cache-control": (b"Cache-Control", (b"private", b'no-cache="a, b"')),
    "content-security-policy": (b"Content-Security-Policy", (b"default-src 'self'", b"img-src *")),
    "a field of its own": (b"X-Many", (b"3", b"1", b"2")),
}

VALUES: Final[Mapping[str, bytes]] = {
    "latin-1": b"caf\xe9",
    "utf-8": "\u2603 caf\u00e9".encode(),
    "every byte beyond ascii": bytes(range(0x80, 0x100)),
    "every visible byte": bytes(range(0x21, 0x7F)),
    "tab inside": b"a\tb",
    "blanks inside": b"a    b",
    "empty": b"",
    "one comma": b",",
    "quotes that never end": b'"a, b',
    "backslash at the end": b"a\\",
    "8000 bytes": b"v" * 8000,
    "percent": b"%0d%0aX-Injected:%201",
    "no-break spaces at the ends": b"\xa0a\xa0",
    "next line at the ends": b"\x85a\x85",
    "line separator": "a\u2028b".encode(),
}

OWN: Final[Mapping[str, tuple[bytes, ...]]] = {
    "date": (b"Date: Thu, 01 Jan 1970 00:00:00 GMT",),
    "a date that is none": (b"Date: yesterday",),
    "server": (b"Server: wire",),
    "an empty server": (b"Server:",),
    "content-type": (b"Content-Type: text/x-wire; charset=x",),
    "an empty content-type": (b"Content-Type:",),
    "x-powered-by": (b"X-Powered-By: wire",),
    "age": (b"Age: 7",),
    "location of another host": (b"Location: http://127.0.0.1:1/x",),
    "location that is relative": (b"Location: ../x",),
    "content-location": (b"Content-Location: /x",),
    "content-encoding": (b"Content-Encoding: gzip",),
    "accept-ranges": (b"Accept-Ranges: bytes",),
    "hsts": (b"Strict-Transport-Security: max-age=1",),
    "cors": (b"Access-Control-Allow-Origin: *",),
    "x-accel": (b"X-Accel-Redirect: /secret", b"X-Sendfile: /etc/passwd"),
}

GZIP: Final = bytes.fromhex("1f8b08000000000002ffcb48cdc9c9070086a6103605000000")
"""`hello`."""


def rows() -> Iterator[Row]:
    """HOP-07 and HOP-08."""
    yield from _not_invented()
    yield from _not_invented_behind()
    yield from _several()
    yield from _bytes()
    yield from _encoded()


def _not_invented() -> Iterator[Row]:
    for name, lines in BARE.items():
        fields = {line.partition(b":")[0].lower(): line.partition(b":")[2].strip() for line in lines}
        only = (*OURS, *fields)
        expect = forwarded(Sent(fields=fields, only=only, body=b""))
        yield Row(f"HOP-07 request {name}", request(*lines), expect)
        send = request(*lines, b"Content-Length: 5", method=b"POST", body=b"hello")
        expect = forwarded(Sent(fields=fields, only=(*only, b"content-length"), body=b"hello"))
        yield Row(f"HOP-07 request {name}, with a body", send, expect)
    send = request(CHUNKED, method=b"PUT", body=chunks(b"hello"))
    expect = forwarded(Sent(only=(*OURS, b"transfer-encoding"), body=b"hello"))
    yield Row("HOP-07 request chunks and no type", send, expect)
    old = request(version=b"HTTP/1.0", host=None)
    yield Row("HOP-07 request of 1.0 without anything", old, forwarded(Sent(only=OURS), closes=True))
    named = request(target=b"/named/RUN00000", host=HOST)
    expect = forwarded(Sent(only=OURS, service="named", fields={b"host": b"example.test"}))
    yield Row("HOP-07 request to a service with a name", named, expect, choice=True)
    # a jar of cookies would send to the next client what this one was given
    jar = reply(b"HTTP/1.1 200 OK\r\nSet-Cookie: jar=1; Path=/\r\nContent-Length: 0\r\n\r\n")
    for name, target in {"": PATH, ", by name": b"/named/RUN00000"}.items():
        expect = Expectation(
            answers=(answered(200, fields={b"set-cookie": b"jar=1; Path=/"}), answered(200)),
            requests=(Sent(absent=(b"cookie",)), Sent(absent=(b"cookie",), only=OURS)),
            closes=False,
        )
        send = request(target=target) + request(target=target + b"/behind")
        yield Row(f"HOP-07 request no jar of cookies{name}", send, expect, replies=jar)
    for status in (301, 302, 303, 307, 308):
        answer = (
            b"HTTP/1.1 %d X\r\nLocation: http://127.0.0.1:TRAP0/RUN00000\r\nContent-Length: 0\r\n\r\n"
            % status
        )
        expect = Expectation(
            answers=(answered(status, present=(b"location",)),), requests=(Sent(),), closes=False
        )
        yield Row(f"HOP-07 request no {status} is followed", request(), expect, replies=reply(answer))
    answer = b'HTTP/1.1 401 X\r\nWWW-Authenticate: Basic realm="a"\r\nContent-Length: 0\r\n\r\n'
    expect = Expectation(
        answers=(answered(401, fields={b"www-authenticate": b'Basic realm="a"'}),),
        requests=(Sent(),),
        closes=False,
    )
    yield Row("HOP-07 request no 401 is answered", request(), expect, replies=reply(answer))


def _answer(lines: Sequence[bytes], body: bytes = b"ok") -> bytes:
    block = b"".join(line + b"\r\n" for line in lines)
    return b"HTTP/1.1 200 OK\r\n" + block + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _not_invented_behind() -> Iterator[Row]:
    invented = (
        b"server",
        b"content-type",
        b"x-powered-by",
        b"etag",
        b"cache-control",
        b"vary",
        b"accept-ranges",
    )
    for name, lines in {"nothing": (), **OWN}.items():
        fields = {line.partition(b":")[0].lower(): line.partition(b":")[2].strip() for line in lines}
        absent = tuple(field for field in invented if field not in fields)
        one = answered(200, body=b"ok", fields=fields, absent=absent, present=(b"date",))
        expect = Expectation(answers=(one,), requests=(Sent(),), closes=False)
        yield Row(f"HOP-07 answer {name}", request(), expect, replies=reply(_answer(lines)))
    for name, status, line in (
        ("a 204", 204, b"HTTP/1.1 204 No Content"),
        ("a 304", 304, b"HTTP/1.1 304 Not Modified"),
        ("a status of its own", 299, b"HTTP/1.1 299 Whatever It Is"),
        ("a 404 without a body", 404, b"HTTP/1.1 404 Not Found\r\nContent-Length: 0"),
        ("a 500 without a body", 500, b"HTTP/1.1 500 Oh\r\nContent-Length: 0"),
        ("a reason that is empty", 200, b"HTTP/1.1 200 \r\nContent-Length: 0"),
        ("a reason of latin-1", 200, b"HTTP/1.1 200 caf\xe9\r\nContent-Length: 0"),
    ):
        lengths = b"" if b"Content-Length" in line or status in {204, 304} else b"\r\nContent-Length: 0"
        one = answered(status, body=b"", absent=invented, present=(b"date",))
        expect = Expectation(answers=(one,), requests=(Sent(),), closes=False)
        yield Row(f"HOP-07 answer {name}", request(), expect, replies=reply(line + lengths + b"\r\n\r\n"))
    # the id is told once, and it is ours
    one = answered(200, body=b"ok", present=(b"x-request-id",))
    expect = Expectation(answers=(one,), requests=(Sent(),), closes=False)
    for name, lines in {
        "an id": (b"X-Request-Id: from-upstream",),
        "two ids": (b"X-Request-Id: a", b"x-request-id: b"),
    }.items():
        yield Row(f"HOP-07 answer {name}", request(), expect, replies=reply(_answer(lines)), choice=True)


def _several() -> Iterator[Row]:
    for name, (field, values) in SEVERAL.items():
        lines = [field + b": " + value for value in values]
        expect = forwarded(Sent(fields={field: values}))
        yield Row(f"HOP-08 request {name}", request(*lines), expect)
        mixed = [
            line
            for at, value in enumerate(values)
            for line in ((field.lower() if at % 2 else field.upper()) + b": " + value, b"X-Between: %d" % at)
        ]
        between = tuple(b"%d" % at for at in range(len(values)))
        expect = forwarded(Sent(fields={field: values, b"x-between": between}))
        yield Row(f"HOP-08 request {name} apart", request(*mixed), expect)
    vias = (b"Via: 1.0 a, 1.1 b (c)", b"Via: HTTP/1.1 d:8080")
    expect = forwarded(Sent(fields={b"via": (b"1.0 a, 1.1 b (c)", b"HTTP/1.1 d:8080", b"1.1 gatekeeper")}))
    yield Row("HOP-08 request via", request(*vias), expect, choice=True)
    for name, (field, values) in SENT_BACK.items():
        lines = [field + b": " + value for value in values]
        one = answered(200, body=b"ok", fields={field: values})
        expect = Expectation(answers=(one,), requests=(Sent(),), closes=False)
        yield Row(f"HOP-08 answer {name}", request(), expect, replies=reply(_answer(lines)))
        mixed = [
            line
            for at, value in enumerate(values)
            for line in ((field.lower() if at % 2 else field.upper()) + b": " + value, b"X-Between: %d" % at)
        ]
        between = tuple(b"%d" % at for at in range(len(values)))
        one = answered(200, body=b"ok", fields={field: values, b"x-between": between})
        expect = Expectation(answers=(one,), requests=(Sent(),), closes=False)
        yield Row(f"HOP-08 answer {name} apart", request(), expect, replies=reply(_answer(mixed)))


def _bytes() -> Iterator[Row]:
    for name, value in VALUES.items():
        expect = forwarded(Sent(fields={b"x-value": value}))
        yield Row(f"HOP-08 request value {name}", request(b"X-Value: " + value), expect)
        one = answered(200, body=b"ok", fields={b"x-value": value})
        expect = Expectation(answers=(one,), requests=(Sent(),), closes=False)
        yield Row(
            f"HOP-08 answer value {name}", request(), expect, replies=reply(_answer([b"X-Value: " + value]))
        )
    for name, line in {
        "blanks around": b"X-Value: \t  a b \t ",
        "no blank": b"X-Value:a b",
        "tabs around": b"X-Value:\ta b\t",
    }.items():
        expect = forwarded(Sent(fields={b"x-value": b"a b"}))
        yield Row(f"HOP-08 request {name}", request(line), expect)
        one = answered(200, body=b"ok", fields={b"x-value": b"a b"})
        expect = Expectation(answers=(one,), requests=(Sent(),), closes=False)
        yield Row(f"HOP-08 answer {name}", request(), expect, replies=reply(_answer([line])))
    expect = forwarded(Sent(fields={b"!#$%&'*+-.^`|~0aZ": b"1"}))
    yield Row("HOP-08 request name of signs", request(b"!#$%&'*+-.^`|~0aZ: 1"), expect)
    one = answered(200, body=b"ok", fields={b"!#$%&'*+-.^_`|~0aZ": b"1"})
    expect = Expectation(answers=(one,), requests=(Sent(),), closes=False)
    answer = reply(_answer([b"!#$%&'*+-.^_`|~0aZ: 1"]))
    yield Row("HOP-08 answer name of signs", request(), expect, replies=answer)
    long = b"X-" + b"n" * 300
    expect = forwarded(Sent(fields={long: b"1"}))
    yield Row("HOP-08 request name of 302 bytes", request(long + b": 1"), expect)
    one = answered(200, body=b"ok", fields={b"x_under_score": b"1"})
    expect = Expectation(answers=(one,), requests=(Sent(),), closes=False)
    yield Row(
        "HOP-08 answer name with underscores",
        request(),
        expect,
        replies=reply(_answer([b"X_Under_Score: 1"])),
    )


def _encoded() -> Iterator[Row]:
    """What is compressed stays so: who unpacked it would have to change what the fields say of it."""
    for name, coding, body in (
        ("gzip", b"gzip", GZIP),
        ("deflate", b"deflate", b"\x78\x9ccHI\xc9\xc9\x07\x00\x06,\x02\x15"),
        ("gzip that is none", b"gzip", b"not compressed"),
        ("a coding nobody knows", b"x-wire", b"\x00\xff"),
        ("two codings", b"gzip, br", GZIP),
        ("identity", b"identity", b"hello"),
        ("gzip and nothing behind it", b"gzip", b""),
        ("two members", b"gzip", GZIP * 2),
        ("a bomb", b"gzip", bytes.fromhex("1f8b08000000000002ff") + b"\x00" * 40),
    ):
        lines = (
            b"Content-Encoding: " + coding,
            b"Content-MD5: XUFAKrxLKna5cZ2REBfFkg==",
            b"Content-Length: %d" % len(body),
        )
        fields = {b"content-encoding": coding, b"content-md5": b"XUFAKrxLKna5cZ2REBfFkg=="}
        expect = forwarded(Sent(body=body, fields=fields, framing="length"))
        yield Row(f"HOP-08 request body {name}", request(*lines, method=b"POST", body=body), expect)
        one = answered(200, body=body, fields={**fields, b"content-length": b"%d" % len(body)})
        back = Expectation(answers=(one,), requests=(Sent(),), closes=False)
        yield Row(f"HOP-08 answer body {name}", request(), back, replies=reply(_answer(lines[:2], body)))

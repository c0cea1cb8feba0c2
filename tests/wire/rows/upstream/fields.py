"""UPS-14 to UPS-17, UPS-24 and UPS-25: fields of an answer, what they say of its body, and what stays of them."""

import gzip
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import Expectation, Row, Sent, answered, reply
from tests.wire.rows.parts import CHUNKED, PATH, chunks, request
from tests.wire.rows.upstream.answers import (
    LATER,
    MARK,
    answer,
    passed,
    told,
)


ENCODED: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "gzip": (b"gzip", gzip.compress(b"hello" * 100, mtime=0)),
    "gzip twice": (b"gzip, gzip", gzip.compress(gzip.compress(b"hello", mtime=0), mtime=0)),
    "two members of gzip": (b"gzip", gzip.compress(b"hello", mtime=0) * 2),
    "x-gzip": (b"x-gzip", gzip.compress(b"hello", mtime=0)),
    "deflate": (b"deflate", zlib.compress(b"hello" * 100)),
    "raw deflate": (b"deflate", zlib.compress(b"hello")[2:-4]),
    "br": (b"br", b"\x0b\x02\x80hello\x03"),
    "zstd": (b"zstd", b"\x28\xb5\x2f\xfd\x00\x58\x29\x00\x00hello"),
    "identity": (b"identity", b"hello"),
    "unknown": (b"x-snow", b"hello"),
    "none of what it says": (b"gzip", b"hello"),
    "cut gzip": (b"gzip", gzip.compress(b"hello" * 100, mtime=0)[:-8]),
    "empty gzip": (b"gzip", b""),
    "a bomb": (b"gzip", gzip.compress(b"\x00" * 10_000_000, mtime=0)),
    "upper case": (b"GZIP", gzip.compress(b"hello", mtime=0)),
}

REDIRECTS: Final[Mapping[str, bytes]] = {
    "to a path": b"/RUN00000/elsewhere",
    "relative": b"elsewhere",
    "to another host": b"http://second.test/RUN00000/elsewhere",
    "to this machine": b"http://127.0.0.1/RUN00000/elsewhere",
    "without a scheme": b"//second.test/RUN00000/elsewhere",
    "to metadata": b"http://169.254.169.254/latest/meta-data/",
    "to a file": b"file:///etc/passwd",
    "to a script": b"javascript:alert(1)",
    "to itself": b"/RUN00000",
    "nowhere": b"",
    "with latin-1": b"/caf\xe9",
    "with a fragment": b"/a#b",
    "with blanks inside": b"/a b",
}

KEPT: Final[Mapping[str, tuple[bytes, ...]]] = {
    "set-cookie": (
        b"a=1; Path=/",
        b"b=2; HttpOnly",
        b"c=3; Expires=Wed, 21 Oct 2099 07:28:00 GMT",
        b"a=1; Path=/",
    ),
    "link": (b"</a>; rel=preload", b"</b>; rel=next, </c>"),
    "www-authenticate": (b'Basic realm="a, b"', b"Bearer"),
    "vary": (b"Accept", b"Accept-Language, Cookie"),
    "warning": (b'199 - "a"', b'299 - "b"'),
    "cache-control": (b"no-store", b"private"),
    "via": (b"1.1 one", b"1.0 two"),
    "x-two": (b"", b"", b"2"),
    "server": (b"wire",),
    "date": (b"Tue, 15 Nov 1994 08:12:31 GMT",),
    "etag": (b'W/"x"',),
    "last-modified": (b"Tue, 15 Nov 1994 08:12:31 GMT",),
    "expires": (b"0",),
    "age": (b"60",),
    "accept-ranges": (b"bytes",),
    "content-type": (b'text/html; charset="utf-8"',),
    "content-language": (b"de, en",),
    "content-disposition": (b"attachment; filename*=UTF-8''%e2%82%ac.txt",),
    "content-location": (b"/elsewhere",),
    "content-range": (b"bytes 0-1/2",),
    "content-security-policy": (b"default-src 'self'; script-src 'nonce-x'",),
    "strict-transport-security": (b"max-age=63072000",),
    "x-frame-options": (b"DENY",),
    "x-content-type-options": (b"nosniff",),
    "access-control-allow-origin": (b"https://example.test",),
    "location": (b"/elsewhere",),
    "refresh": (b"5; url=/elsewhere",),
    "retry-after": (b"120",),
    "allow": (b"GET, HEAD",),
    "x-powered-by": (b"wire",),
    "sec-websocket-accept": (b"x",),
    "content-md5": (b"Q2hlY2sgSW50ZWdyaXR5IQ==",),
    "x_under_score": (b"1",),
}

DROPPED: Final[Mapping[str, bytes]] = {
    "keep-alive": b"Keep-Alive: timeout=5, max=100",
    "proxy-connection": b"Proxy-Connection: keep-alive",
    "te": b"TE: trailers",
    "trailer": b"Trailer: X-Sum",
    "upgrade": b"Upgrade: h2c",
    "proxy-authenticate": b"Proxy-Authenticate: Basic",
    "proxy-authentication-info": b"Proxy-Authentication-Info: x",
    "http2-settings": b"HTTP2-Settings: AAMAAABkAAQAAP__",
    "connection": b"Connection: keep-alive",
}

NAMED: Final[Mapping[str, tuple[tuple[bytes, ...], bytes]]] = {
    "one": ((b"Connection: X-Two", b"X-Two: 2"), b"x-two"),
    "in other case": ((b"Connection: x-TWO", b"X-Two: 2"), b"x-two"),
    "behind it": ((b"X-Two: 2", b"Connection: X-Two"), b"x-two"),
    "in a list": ((b"Connection: keep-alive, X-Two ,X-Three", b"X-Two: 2"), b"x-two"),
    "in the second field": ((b"Connection: keep-alive", b"Connection: X-Two", b"X-Two: 2"), b"x-two"),
    "several": ((b"Connection: X-Two", b"X-Two: 2", b"X-Two: 3"), b"x-two"),
    "among commas": ((b"Connection: ,, X-Two,,", b"X-Two: 2"), b"x-two"),
    "with a tab": ((b"Connection:\tX-Two\t", b"X-Two: 2"), b"x-two"),
    "with upgrade": ((b"Connection: upgrade, X-Two", b"Upgrade: h2c", b"X-Two: 2"), b"x-two"),
}


def rows() -> Iterator[Row]:
    """UPS-14 to UPS-17, UPS-24, UPS-25."""
    yield from _fields()
    yield from _cookies()
    yield from _redirects()
    yield from _codings()


def _fields() -> Iterator[Row]:
    for name, values in KEPT.items():
        lines = tuple(name.encode() + b": " + value for value in values)
        expect = passed(fields={name.encode(): values})
        yield Row(f"UPS-24 field {name}", request(), expect, replies=reply(told(b"ok", *lines)))
        apart = tuple(line for one in lines for line in (one, b"X-Between: 1"))
        if len(values) > 1:
            yield Row(f"UPS-24 field {name} apart", request(), expect, replies=reply(told(b"ok", *apart)))
    for name, line in DROPPED.items():
        gone = passed(absent=(name.encode(),))
        yield Row(f"UPS-25 {name}", request(), gone, replies=reply(told(b"ok", line)))
        swapped = line.partition(b":")[0].swapcase() + b":" + line.partition(b":")[2]
        yield Row(f"UPS-25 {name} in other case", request(), gone, replies=reply(told(b"ok", swapped)))
    all_of_it = told(b"ok", *DROPPED.values())
    yield Row(
        "UPS-25 all of them",
        request(),
        passed(absent=tuple(name.encode() for name in DROPPED)),
        replies=reply(all_of_it),
    )
    for name, (lines, field) in NAMED.items():
        yield Row(
            f"UPS-25 named {name}",
            request(),
            passed(absent=(field, b"connection")),
            replies=reply(told(b"ok", *lines)),
        )
    for name in ("set-cookie", "content-type", "cache-control", "vary", "etag", "content-encoding"):
        # no instance, and nobody between, may take away what protects users by naming it
        named = told(b"ok", b"Connection: " + name.encode(), name.encode() + b": x")
        either = (passed(fields={name.encode(): b"x"}), attrs.evolve(passed(), answers=(answered(502),)))
        yield Row(f"UPS-25 named {name} stays", request(), either, replies=reply(named), choice=True)
    for name, framing, body in (("length", b"Content-Length: 2", b"ok"), ("coding", CHUNKED, chunks(b"ok"))):
        field = framing.partition(b":")[0]
        named = answer(b"Connection: " + field, framing, body=body)
        either = (passed(), attrs.evolve(passed(), answers=(answered(502),)))
        yield Row(f"UPS-25 named {name}", request(), either, replies=reply(named))
    forged = told(b"ok", b"X-Request-Id: forged", b"x-request-id: again")
    yield Row("UPS-25 ids of its own", request(), passed(), replies=reply(forged))
    bare = b"HTTP/1.1 200 OK\r\n" + MARK + b"\r\nContent-Length: 2\r\n\r\nok"
    none = passed(
        absent=(b"content-type", b"server", b"connection", b"keep-alive", b"cache-control", b"etag", b"via")
    )
    yield Row("UPS-24 nothing is invented", request(), none, replies=reply(bare))
    dated = passed(present=(b"date",))
    yield Row("UPS-24 but the date", request(), dated, replies=reply(bare))


def _cookies() -> Iterator[Row]:
    """Nobody gets what was set for somebody else, nor sends it; a jar would forget that for host names only."""
    first, second = (request(target=b"/named" + PATH + end) for end in (b"", b"/next"))
    named = {"named": (first, second), "by address": (request(), request(target=PATH + b"/next"))}
    for where, (one, two) in named.items():
        for name, cookie in {
            "plain": b"a=1",
            "for all paths": b"a=1; Path=/",
            "of the host": b"a=1; Domain=localhost; Path=/",
            "of the client's host": b"a=1; Domain=example.test; Path=/",
            "for long": b"a=1; Max-Age=1000000; Path=/",
        }.items():
            setting = reply(told(b"ok", b"Set-Cookie: " + cookie))
            expect = Expectation(
                answers=(
                    answered(200, fields={b"set-cookie": cookie}),
                    answered(200, absent=(b"set-cookie",)),
                ),
                requests=(Sent(absent=(b"cookie",)), Sent(absent=(b"cookie",))),
                closes=False,
            )
            yield Row(f"UPS-14 {where} {name}", one + two, expect, replies=setting)
            own = two.replace(b"\r\n\r\n", b"\r\nCookie: b=2\r\n\r\n")
            expect = attrs.evolve(
                expect, requests=(Sent(absent=(b"cookie",)), Sent(fields={b"cookie": b"b=2"}))
            )
            yield Row(f"UPS-14 {where} {name}, beside another", one + own, expect, replies=setting)
    own = first.replace(b"\r\n\r\n", b"\r\nCookie: mine=1\r\n\r\n")
    expect = Expectation(
        answers=(answered(200), answered(200)),
        requests=(Sent(fields={b"cookie": b"mine=1"}), Sent(absent=(b"cookie",))),
        closes=False,
    )
    yield Row("UPS-14 a cookie of the request before", own + second, expect)
    secret = first.replace(b"\r\n\r\n", b"\r\nAuthorization: Bearer mine\r\n\r\n")
    expect = Expectation(
        answers=(answered(200), answered(200)),
        requests=(Sent(fields={b"authorization": b"Bearer mine"}), Sent(absent=(b"authorization",))),
        closes=False,
    )
    yield Row("UPS-14 credentials of the request before", secret + second, expect)


def _redirects() -> Iterator[Row]:
    """Passed on and not followed: the upstream has one request, the trap none."""
    for status in (301, 302, 303, 307, 308):
        for name, target in REDIRECTS.items():
            line = b"HTTP/1.1 %d Elsewhere" % status
            one = answered(status, fields={b"location": target}, body=b"")
            expect = Expectation(answers=(one,), requests=(Sent(),), closes=False)
            data = told(b"", b"Location: " + target, line=line)
            yield Row(f"UPS-15 {status} {name}", request(), expect, replies=reply(data))
    for status in (301, 302, 303, 307, 308):
        line = b"HTTP/1.1 %d Elsewhere" % status
        data = told(b"", b"Location: /RUN00000/elsewhere", line=line)
        one = answered(status, fields={b"location": b"/RUN00000/elsewhere"})
        expect = Expectation(answers=(one,), requests=(Sent(body=b"hello", method=b"POST"),), closes=False)
        send = request(b"Content-Length: 5", method=b"POST", body=b"hello")
        yield Row(f"UPS-15 {status} of a POST", send, expect, replies=reply(data))
    for status in (300, 304, 305, 201):
        line = b"HTTP/1.1 %d Elsewhere" % status
        fields = (b"Location: /RUN00000/elsewhere",)
        data = answer(*fields, line=line) if status == 304 else told(b"", *fields, line=line)
        one = answered(status, fields={b"location": b"/RUN00000/elsewhere"})
        expect = Expectation(answers=(one,), requests=(Sent(),), closes=False)
        yield Row(f"UPS-15 {status} with a location", request(), expect, replies=reply(data))
    asked = told(b"", b"WWW-Authenticate: Basic realm=x", line=b"HTTP/1.1 401 Unauthorized")
    one = answered(401, fields={b"www-authenticate": b"Basic realm=x"})
    expect = Expectation(answers=(one,), requests=(Sent(absent=(b"authorization",)),), closes=False)
    yield Row("UPS-17 a challenge is passed on, and not answered", request(), expect, replies=reply(asked))
    wait = told(b"", b"Retry-After: 0", line=b"HTTP/1.1 503 Service Unavailable")
    expect = Expectation(
        answers=(answered(503, fields={b"retry-after": b"0"}),), requests=(Sent(),), closes=False
    )
    yield Row("UPS-24 a 503 is passed on, and not tried again", request(), expect, replies=reply(wait))


def _codings() -> Iterator[Row]:
    """Untouched, whatever the body says that it is: also where it is not."""
    for name, (coding, body) in ENCODED.items():
        field = b"Content-Encoding: " + coding
        for accepts, fields in {
            "": (),
            ", accepted": (b"Accept-Encoding: gzip",),
            ", refused": (b"Accept-Encoding: identity",),
        }.items():
            sent = (
                Sent(fields={b"accept-encoding": fields[0][17:]})
                if fields
                else Sent(absent=(b"accept-encoding",))
            )
            expect = passed(
                body, sent=sent, fields={b"content-encoding": coding, b"content-length": b"%d" % len(body)}
            )
            yield Row(f"UPS-16 {name}{accepts}", request(*fields), expect, replies=reply(told(body, field)))
        parts = chunks(*(body[at : at + 1000] for at in range(0, len(body), 1000)))
        expect = passed(body, fields={b"content-encoding": coding, b"transfer-encoding": b"chunked"})
        yield Row(
            f"UPS-16 {name} in chunks", request(), expect, replies=reply(answer(CHUNKED, field), LATER, parts)
        )

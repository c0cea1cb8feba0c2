"""UPS-14 to UPS-16, UPS-20, UPS-21, and UPS-24: what is right arrives as it was sent."""

import gzip
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import End, Expectation, Heads, Pause, Row, Sent, answered, reply
from tests.wire.rows.parts import CHUNKED, PATH, chunks, request
from tests.wire.rows.upstream.answers import LATER, MARK, OK, answer, both_ways, closed, in_chunks, passed, told


BODIES: Final[Mapping[str, bytes]] = {
    "nothing": b"",
    "a byte": b"x",
    "a nul": b"\x00",
    "a line end": b"\r\n",
    "blank lines": b"\r\n\r\n\r\n\r\n",
    "every byte": bytes(range(256)) * 4,
    "what looks like an answer": OK,
    "what looks like a last chunk": b"0\r\n\r\n",
    "what looks like a request": b"GET / HTTP/1.1\r\n\r\n",
    "utf-8 that is cut": "\u2603".encode()[:2],
    "64 KiB": b"x" * 65_536,
    "64 KiB and a byte": b"x" * 65_537,
    "256 KiB": b"y" * 262_144,
    "1 MiB": bytes(range(256)) * 4_096,
}

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

STATUSES: Final = (
    *(200, 201, 202, 203, 206, 207, 208, 226, 299),
    *(300, 301, 302, 303, 305, 306, 307, 308, 399),
    *(400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 423),
    *(424, 425, 426, 428, 429, 431, 451, 499),
    *(500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511, 520, 599),
)

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
    "set-cookie": (b"a=1; Path=/", b"b=2; HttpOnly", b"c=3; Expires=Wed, 21 Oct 2099 07:28:00 GMT", b"a=1; Path=/"),
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
    """UPS-14 to UPS-16, UPS-20, UPS-21, UPS-24."""
    yield from _framing()
    yield from _statuses()
    yield from _fields()
    yield from _cookies()
    yield from _redirects()
    yield from _codings()
    yield from _streams()
    yield from _pieces()


def _framing() -> Iterator[Row]:
    """A length stays a length, chunks stay chunks, and there is never more than one of them."""
    for name, body in BODIES.items():
        size = b"Content-Length: %d" % len(body)
        kept = answered(200, body=body, fields={b"content-length": size[16:]}, absent=(b"transfer-encoding",))
        by_length = Expectation(answers=(kept,), requests=(Sent(),), closes=False)
        by_chunks = Expectation(answers=(in_chunks(body),), requests=(Sent(),), closes=False)
        old = Expectation(answers=(answered(200, body=body, absent=(b"transfer-encoding",)),), requests=(Sent(),))
        for place, steps in both_ways(answer(size), body):
            if place and not body:
                continue
            yield Row(f"UPS-24 length {name}{place}", request(), by_length, replies=reply(*steps))
            yield Row(f"UPS-24 length {name}{place}, to 1.0", request(version=b"HTTP/1.0"), attrs.evolve(
                old, answers=(kept,)
            ), replies=reply(*steps))
        for place, steps in both_ways(answer(CHUNKED), chunks(*([body] if body else []))):
            yield Row(f"UPS-24 chunks {name}{place}", request(), by_chunks, replies=reply(*steps))
            yield Row(f"UPS-24 chunks {name}{place}, to 1.0", request(version=b"HTTP/1.0"), old, replies=reply(*steps))
    alive = request(b"Connection: keep-alive", version=b"HTTP/1.0")
    two = alive + alive.replace(b"/RUN00000", b"/RUN00000/next")
    both = Expectation(answers=(answered(200, body=b"ok"), answered(200)), requests=(Sent(), Sent()))
    yield Row("UPS-24 length, twice to 1.0", two, both, replies=reply(OK))
    first = Expectation(answers=(answered(200, body=b"ok"),), requests=(Sent(),), closes=True)
    in_pieces = reply(answer(CHUNKED), LATER, chunks(b"ok"))
    # it ends with the connection, so that what is behind it has no answer
    yield Row("UPS-24 chunks, twice to 1.0", two, (first, both), replies=in_pieces)


def _statuses() -> Iterator[Row]:
    for status in STATUSES:
        data = told(b"ok", line=b"HTTP/1.1 %d Said" % status)
        expect = Expectation(answers=(answered(status, body=b"ok"),), requests=(Sent(),), closes=False)
        yield Row(f"UPS-24 status {status}", request(), expect, replies=reply(data))
    for status in (200, 404, 500, 503):
        data = answer(CHUNKED, line=b"HTTP/1.1 %d " % status, body=chunks(b"ok"))
        expect = Expectation(answers=(answered(status, body=b"ok"),), requests=(Sent(),), closes=False)
        yield Row(f"UPS-24 status {status} in chunks", request(), expect, replies=reply(data))
        closes = closed(answer(line=b"HTTP/1.0 %d Said" % status, body=b"ok"))
        yield Row(f"UPS-24 status {status} until the end of 1.0", request(), expect, replies=closes)


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
    yield Row("UPS-25 all of them", request(), passed(absent=tuple(name.encode() for name in DROPPED)), replies=reply(all_of_it))
    for name, (lines, field) in NAMED.items():
        yield Row(f"UPS-25 named {name}", request(), passed(absent=(field, b"connection")), replies=reply(told(b"ok", *lines)))
    for name in ("set-cookie", "content-type", "cache-control", "vary", "etag", "content-encoding"):
        # no instance, and nobody between, may take away what protects users by naming it
        named = told(b"ok", b"Connection: " + name.encode(), name.encode() + b": x")
        expect = (passed(fields={name.encode(): b"x"}), attrs.evolve(passed(), answers=(answered(502),)))
        yield Row(f"UPS-25 named {name} stays", request(), expect, replies=reply(named), choice=True)
    for name, framing, body in (("length", b"Content-Length: 2", b"ok"), ("coding", CHUNKED, chunks(b"ok"))):
        field = framing.partition(b":")[0]
        named = answer(b"Connection: " + field, framing, body=body)
        expect = (passed(), attrs.evolve(passed(), answers=(answered(502),)))
        yield Row(f"UPS-25 named {name}", request(), expect, replies=reply(named))
    forged = told(b"ok", b"X-Request-Id: forged", b"x-request-id: again")
    yield Row("UPS-25 ids of its own", request(), passed(), replies=reply(forged))
    bare = b"HTTP/1.1 200 OK\r\n" + MARK + b"\r\nContent-Length: 2\r\n\r\nok"
    none = passed(absent=(b"content-type", b"server", b"connection", b"keep-alive", b"cache-control", b"etag", b"via"))
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
                answers=(answered(200, fields={b"set-cookie": cookie}), answered(200, absent=(b"set-cookie",))),
                requests=(Sent(absent=(b"cookie",)), Sent(absent=(b"cookie",))),
                closes=False,
            )
            yield Row(f"UPS-14 {where} {name}", one + two, expect, replies=setting)
            own = two.replace(b"\r\n\r\n", b"\r\nCookie: b=2\r\n\r\n")
            expect = attrs.evolve(expect, requests=(Sent(absent=(b"cookie",)), Sent(fields={b"cookie": b"b=2"})))
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
    expect = Expectation(answers=(answered(503, fields={b"retry-after": b"0"}),), requests=(Sent(),), closes=False)
    yield Row("UPS-24 a 503 is passed on, and not tried again", request(), expect, replies=reply(wait))


def _codings() -> Iterator[Row]:
    """Untouched, whatever the body says that it is: also where it is not."""
    for name, (coding, body) in ENCODED.items():
        field = b"Content-Encoding: " + coding
        for accepts, fields in {"": (), ", accepted": (b"Accept-Encoding: gzip",), ", refused": (b"Accept-Encoding: identity",)}.items():
            sent = Sent(fields={b"accept-encoding": fields[0][17:]}) if fields else Sent(absent=(b"accept-encoding",))
            expect = passed(body, sent=sent, fields={b"content-encoding": coding, b"content-length": b"%d" % len(body)})
            yield Row(f"UPS-16 {name}{accepts}", request(*fields), expect, replies=reply(told(body, field)))
        parts = chunks(*(body[at : at + 1000] for at in range(0, len(body), 1000)))
        expect = passed(body, fields={b"content-encoding": coding, b"transfer-encoding": b"chunked"})
        yield Row(f"UPS-16 {name} in chunks", request(), expect, replies=reply(answer(CHUNKED, field), LATER, parts))


def _streams() -> Iterator[Row]:
    """What has come goes on at once: a client that half-closes, and is cut off for it, has it by then."""
    event = b"data: 1\n\n"
    send = (request(), Heads(1), Pause(0.4), End.HALF)
    for name, head, first in (
        ("events in chunks", answer(b"Content-Type: text/event-stream", CHUNKED), b"%x\r\n%b\r\n" % (len(event), event)),
        ("events until the end", answer(b"Content-Type: text/event-stream"), event),
        ("text in chunks", answer(b"Content-Type: text/plain", CHUNKED), b"%x\r\n%b\r\n" % (len(event), event)),
        ("a length", answer(b"Content-Length: 100"), event),
        ("gzip in chunks", answer(b"Content-Encoding: gzip", CHUNKED), b"%x\r\n%b\r\n" % (len(event), event)),
        ("a type that nobody knows", answer(CHUNKED), b"%x\r\n%b\r\n" % (len(event), event)),
        ("a small length", answer(b"Content-Length: 10"), event),
    ):
        one = answered(200, body=event, cut=True)
        expect = Expectation(answers=(one,), requests=(Sent(cut=True),), ends=True, within=1.2)
        for place, steps in both_ways(head, first):
            stream = reply(*steps, Pause(10.0))
            yield Row(f"UPS-21 first of {name}{place}", send, expect, replies=stream, profile="aborting")
        seen = answered(200, body=b"", cut=True)
        silent = reply(head, Pause(10.0))
        expect = Expectation(answers=(seen,), requests=(Sent(cut=True),), ends=True, within=1.2)
        # the head goes on as soon as it is there, too
        yield Row(f"UPS-21 head of {name}", send, expect, replies=silent, profile="aborting")
    drops = tuple(step for n in range(20) for step in (b"9\r\ndata: %d\n\n\r\n" % (n % 10), Pause(0.03)))
    body = b"".join(b"data: %d\n\n" % (n % 10) for n in range(20))
    head = answer(b"Content-Type: text/event-stream", CHUNKED)
    expect = Expectation(answers=(in_chunks(body),), requests=(Sent(),), closes=False)
    yield Row("UPS-21 twenty events", request(), expect, replies=reply(head, *drops, b"0\r\n\r\n"))
    large = 48 << 20
    long = reply(answer(b"Content-Length: %d" % large), *([b"x" * (4 << 20)] * 12))
    whole = Expectation(answers=(answered(200, length=large),), requests=(Sent(),), closes=False)
    yield Row("UPS-20 48 MiB", request(), whole, replies=long, alone=True, grows=10 << 20, patience=20.0)
    in_parts = reply(answer(CHUNKED), *([chunks(b"x" * (4 << 20))[:-5]] * 12), b"0\r\n\r\n")
    yield Row("UPS-20 48 MiB in chunks", request(), whole, replies=in_parts, alone=True, grows=10 << 20, patience=20.0)


def _pieces() -> Iterator[Row]:
    """However the bytes of an answer are cut: one request for each position."""
    hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    for name, data, one, method in (
        ("length", told(b"hello"), answered(200, body=b"hello"), b"GET"),
        ("chunks", answer(CHUNKED, body=chunks(b"he", b"llo")), in_chunks(b"hello"), b"GET"),
        ("trailers", answer(CHUNKED, body=b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"), in_chunks(b"hello"), b"GET"),
        ("nothing", told(b""), answered(200, body=b""), b"GET"),
        ("204", answer(line=b"HTTP/1.1 204 No Content"), answered(204, body=b""), b"GET"),
        ("HEAD", answer(b"Content-Length: 5"), answered(200, body=b""), b"HEAD"),
        ("an interim answer", hints + told(b"hello"), answered(200, body=b"hello", interim=(103,)), b"GET"),
    ):
        count = len(data) - 1
        send = b"".join(request(method=method, target=PATH + b"/%d" % at) for at in range(1, len(data)))
        expect = Expectation(answers=(one,) * count, requests=(Sent(),) * count, closes=False)
        replies = tuple(reply(data[:at], Pause(0.005), data[at:]) for at in range(1, len(data)))
        to_head = tuple(range(count)) if method == b"HEAD" else ()
        yield Row(f"UPS-24 cut everywhere: {name}", send, expect, replies=replies, to_head=to_head, patience=10.0)
        drops = reply(*(step for at in range(len(data)) for step in (data[at : at + 1], Pause(0.002))))
        expect = Expectation(answers=(one,), requests=(Sent(),), closes=False)
        yield Row(f"UPS-24 byte by byte: {name}", request(method=method), expect, replies=drops, to_head=to_head[:1])

"""HOP-01, HOP-10 and HOP-11: fields of a request that end at this hop."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Expectation, Row, Sent, answered, forwarded
from tests.wire.rows.parts import BEHIND, CHUNKED, PATH, chunks, placed, request


FIELDS: Final[Mapping[str, tuple[bytes, bytes]]] = {
    # RFC 9110 section 7.6.1 and what it says of proxies in section 11.7
    "keep-alive": (b"Keep-Alive", b"timeout=5, max=1000"),
    "proxy-connection": (b"Proxy-Connection", b"keep-alive"),
    "proxy-authorization": (b"Proxy-Authorization", b"Basic eDp5"),
    "te": (b"TE", b"gzip"),
    "trailer": (b"Trailer", b"X-Sum"),
    "upgrade": (b"Upgrade", b"h2c"),
    "http2-settings": (b"HTTP2-Settings", b"AAMAAABkAARAAAAAAAIAAAAA"),
    # a CGI program takes it for its environment's HTTP_PROXY
    "proxy": (b"Proxy", b"http://127.0.0.1:TRAP0"),
}

RARER: Final[Mapping[str, tuple[bytes, bytes]]] = {
    # beside those above, what YARP leaves out
    "proxy-authenticate": (b"Proxy-Authenticate", b'Basic realm="x"'),
    "proxy-authentication-info": (b"Proxy-Authentication-Info", b'nextnonce="x"'),
    "proxy-features": (b"Proxy-Features", b"x"),
    "proxy-instruction": (b"Proxy-Instruction", b"x"),
    "security-scheme": (b"Security-Scheme", b"x"),
    "alpn": (b"ALPN", b"h2, http%2F1.1"),
    "close": (b"Close", b"x"),
}

UPGRADES: Final[Mapping[str, tuple[bytes, ...]]] = {
    "h2c": (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"),
    "h2c in two fields": (
        b"Connection: Upgrade",
        b"Connection: HTTP2-Settings",
        b"Upgrade: h2c",
        b"HTTP2-Settings: AAMAAABkAAQAAP__",
    ),
    "h2c with settings that are not nominated": (
        b"Connection: Upgrade",
        b"Upgrade: h2c",
        b"HTTP2-Settings: AAMAAABkAAQAAP__",
    ),
    "h2c without settings": (b"Connection: Upgrade", b"Upgrade: h2c"),
    "h2": (b"Connection: Upgrade", b"Upgrade: h2"),
    "tls": (b"Connection: Upgrade", b"Upgrade: TLS/1.2"),
    "http": (b"Connection: Upgrade", b"Upgrade: HTTP/2.0"),
    "a list": (b"Connection: Upgrade", b"Upgrade: IRC/6.9, RTA/x11, websocket"),
    "an empty one": (b"Connection: Upgrade", b"Upgrade:"),
    "no upgrade behind the word": (b"Connection: Upgrade",),
    "lower case": (b"connection: upgrade", b"upgrade: h2c"),
    "no word before it": (b"Upgrade: h2c",),
    "twice": (b"Connection: Upgrade", b"Upgrade: h2c", b"Upgrade: websocket"),
    "malformed": (b"Connection: Upgrade", b"Upgrade: h2c\x80"),
    "websocket where the route has none": (
        b"Connection: Upgrade",
        b"Upgrade: websocket",
        b"Sec-WebSocket-Version: 13",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ),
}

TRAILERS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "alone": (b"TE: trailers",),
    "nominated": (b"TE: trailers", b"Connection: TE"),
    "nominated in lower case": (b"te: trailers", b"connection: te"),
    "upper case": (b"TE: TRAILERS", b"Connection: TE"),
    "beside a coding": (b"TE: trailers, deflate;q=0.5", b"Connection: TE"),
    "behind a coding": (b"TE: deflate;q=0.5, trailers", b"Connection: TE"),
    "without blanks": (b"TE: gzip,trailers,deflate", b"Connection: TE"),
    "two fields": (b"TE: gzip", b"TE: trailers", b"Connection: TE"),
}

NO_TRAILERS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "gzip": (b"TE: gzip", b"Connection: TE"),
    "chunked": (b"TE: chunked", b"Connection: TE"),
    "empty": (b"TE:", b"Connection: TE"),
    "a longer word": (b"TE: trailersx", b"Connection: TE"),
    "a shorter word": (b"TE: trailer", b"Connection: TE"),
    "quoted": (b'TE: "trailers"', b"Connection: TE"),
    "nonsense": (b"TE: ,;,=", b"Connection: TE"),
    "in 1.0": (b"TE: trailers", b"Connection: TE, keep-alive"),
}


def rows() -> Iterator[Row]:
    """HOP-01, HOP-10 and HOP-11."""
    for name, (field, value) in FIELDS.items():
        kind = "HOP-10" if name == "proxy" else "HOP-01"
        yield from _spelt(f"{kind} request {name}", field, value)
    for name, (field, value) in RARER.items():
        line = field + b": " + value
        gone = forwarded(Sent(absent=(field, b"connection")), Sent())
        yield Row(f"HOP-01 request {name}", request(line) + BEHIND, gone, choice=True)
        if name != "close":  # which is an option, too
            send = request(line, b"Connection: " + field) + BEHIND
            yield Row(f"HOP-01 request {name} nominated", send, gone)
    yield from _all_together()
    yield from _upgrades()
    yield from _te()


def _spelt(begin: str, field: bytes, value: bytes) -> Iterator[Row]:
    """A field in all the ways in which one may write it."""
    gone = forwarded(Sent(absent=(field, b"connection"), body=b""), Sent())
    choice = begin.startswith("HOP-10")  # which is not in any RFC
    for place, head in placed(field + b": " + value):
        yield Row(f"{begin} {place}", request(*head, host=None) + BEHIND, gone, choice=choice)
    mixed = bytes(byte ^ 0x20 if chr(byte).isalpha() and at % 2 else byte for at, byte in enumerate(field))
    for name, lines in {
        "lower case": (field.lower() + b": " + value,),
        "upper case": (field.upper() + b":  " + value,),
        "mixed case": (mixed + b": " + value,),
        "without a blank": (field + b":" + value,),
        "tabs around": (field + b":\t" + value + b"\t",),
        "empty": (field + b":",),
        "twice": (field + b": " + value, b"X-Between: 1", field.lower() + b": " + value),
        "nominated": (field + b": " + value, b"Connection: " + field),
        "nominated before it": (b"Connection: " + field.lower(), field.upper() + b": " + value),
        "nominated beside close, in 1.0 style": (field + b": " + value, b"Connection: keep-alive, " + field),
    }.items():
        yield Row(
            f"{begin} {name}", request(*lines) + BEHIND, gone, choice=choice and "nominated" not in name
        )
    if b"-" in field:
        under = field.replace(b"-", b"_")
        hidden = forwarded(Sent(absent=(under, field)), Sent())
        yield Row(f"{begin} with underscores", request(under + b": " + value) + BEHIND, hidden, choice=True)
        yield Row(
            f"{begin} with underscores, kept",
            request(under + b": " + value) + BEHIND,
            hidden,
            profile="keeping",
        )
    send = request(field + b": " + value, b"Content-Length: 5", method=b"POST", body=b"hello") + BEHIND
    with_body = forwarded(Sent(absent=(field,), body=b"hello", framing="length"), Sent())
    yield Row(f"{begin} with a body", send, with_body, choice=choice)


def _all_together() -> Iterator[Row]:
    lines = tuple(field + b": " + value for field, value in FIELDS.values())
    absent = (*(field for field, _ in FIELDS.values()), b"connection")
    gone = forwarded(Sent(absent=absent, fields={b"x-one": b"1"}), Sent())
    yield Row("HOP-01 request all at once", request(*lines, b"X-One: 1") + BEHIND, gone)
    names = b", ".join(field for field, _ in FIELDS.values())
    nominated = b"Connection: " + names
    yield Row("HOP-01 request all, nominated", request(*lines, nominated, b"X-One: 1") + BEHIND, gone)
    once = forwarded(Sent(absent=absent, fields={b"x-one": b"1"}), closes=True)
    old = request(*lines, b"X-One: 1", version=b"HTTP/1.0")
    yield Row("HOP-01 request all in 1.0", old, once)
    send = request(*lines, CHUNKED, b"X-One: 1", method=b"PUT", body=chunks(b"hello")) + BEHIND
    body = forwarded(Sent(absent=absent, body=b"hello", fields={b"x-one": b"1"}), Sent())
    yield Row("HOP-01 request all, with a chunked body", send, body)
    for name, line in {
        "close": b"Connection: close",
        "close in upper case": b"Connection: CLOSE",
        "close among others": b"Connection: keep-alive, close",
        "close with blanks": b"Connection:\t close \t",
    }.items():
        ends = forwarded(Sent(absent=(b"connection",)), closes=True)
        yield Row(f"HOP-01 request connection {name}", request(line) + BEHIND, ends)
    for name, line in {
        "keep-alive": b"Connection: keep-alive",
        "empty": b"Connection:",
        "commas": b"Connection: , ,",
        "a word nobody knows": b"Connection: foo",
        "a longer word": b"Connection: closed",
        "close as a parameter of nothing": b"Connection: x-close",
    }.items():
        goes_on = forwarded(Sent(absent=(b"connection",)), Sent())
        yield Row(f"HOP-01 request connection {name}", request(line) + BEHIND, goes_on)


def _upgrades() -> Iterator[Row]:
    absent = (b"upgrade", b"connection", b"http2-settings")
    for name, lines in UPGRADES.items():
        served = forwarded(Sent(target=PATH, absent=absent, body=b""), Sent(target=PATH + b"/behind"))
        yield Row(f"HOP-01 upgrade {name}", request(*lines) + BEHIND, served)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    lines = UPGRADES["h2c"]
    expect = Expectation(
        answers=(answered(200), answered(400, 501, 505)), requests=(Sent(absent=absent),), closes=True
    )
    yield Row("HOP-01 upgrade h2c and the preface at once", request(*lines) + preface, expect)
    send = request(*lines, b"Content-Length: 5", method=b"POST", body=b"hello") + BEHIND
    body = forwarded(Sent(absent=absent, body=b"hello"), Sent())
    yield Row("HOP-01 upgrade h2c with a body", send, body)
    old = request(b"Connection: Upgrade", b"Upgrade: websocket", version=b"HTTP/1.0")
    yield Row("HOP-01 upgrade in 1.0", old, forwarded(Sent(absent=absent), closes=True))


def _te() -> Iterator[Row]:
    for name, lines in TRAILERS.items():
        # whoever carries trailers says so for the next hop, and nothing else of what was there
        carried = forwarded(Sent(fields={b"te": b"trailers", b"connection": b"TE"}), Sent())
        dropped = forwarded(Sent(absent=(b"te", b"connection")), Sent())
        yield Row(f"HOP-11 {name}", request(*lines) + BEHIND, (carried, dropped))
    for name, lines in NO_TRAILERS.items():
        gone = forwarded(Sent(absent=(b"te", b"connection")))
        version = b"HTTP/1.0" if name == "in 1.0" else b"HTTP/1.1"
        yield Row(f"HOP-11 {name}", request(*lines, version=version), gone)

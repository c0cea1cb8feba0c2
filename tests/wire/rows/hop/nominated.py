"""HOP-02 and HOP-03: what a client may take away by naming it in `Connection`, and what it may not."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import Expectation, Row, Sent, declined, forwarded
from tests.wire.rows.parts import BEHIND, CHUNKED, PATH, chunks, request


OURS: Final[Mapping[bytes, bytes]] = {
    b"x-forwarded-for": b"127.0.0.1",
    b"x-forwarded-proto": b"http",
    b"x-forwarded-host": b"example.test",
    b"host": b"example.test",
    b"via": b"1.1 gatekeeper",
}
"""What the gateway writes itself, and a nomination must not reach."""

CLAIMED: Final = (b"x-real-ip", b"x-user-id", b"x-user-roles", b"forwarded", b"x-consumer-username")
"""What no client may say at all, nominated or not."""

END_TO_END: Final[Mapping[str, bytes]] = {
    "a field of its own": b"X-Custom: 1",
    "accept": b"Accept: text/html",
    "cookie": b"Cookie: a=1",
    "authorization": b"Authorization: Bearer x",
    "user-agent": b"User-Agent: wire",
    "cache-control": b"Cache-Control: no-cache",
    "if-none-match": b'If-None-Match: "x"',
    "origin": b"Origin: http://example.test",
    "baggage": b"baggage: a=1",
    "accept-encoding": b"Accept-Encoding: gzip",
    "a token of signs": b"!#$%&'*+-.^`|~: 1",
}

WAYS: Final[Mapping[str, tuple[bytes, ...]]] = {
    # {} stands for the name
    "alone": (b"Connection: {}",),
    "beside close": (b"Connection: close, {}",),
    "before close": (b"Connection: {}, close",),
    "beside keep-alive": (b"Connection: keep-alive,{}",),
    "in a second field": (b"Connection: keep-alive", b"Connection: {}"),
    "between commas": (b"Connection: ,, {} ,,",),
    "between tabs": (b"Connection:\t{}\t",),
    "twice": (b"Connection: {}, {}",),
}

BAD: Final[Mapping[str, bytes]] = {
    "semicolon": b",,;",
    "quoted": b'"X-Custom"',
    "two words": b"X-Custom X-Other",
    "parameter": b"X-Custom;q=1",
    "equals": b"X-Custom=1",
    "colon": b"X-Custom:",
    "at": b"@",
    "slash": b"a/b",
    "brackets": b"[close]",
    "utf-8": "clos\u00e9".encode(),
    "latin-1": b"clos\xe9",
    "no-break space": b"close\xa0",
    "backslash": b"clo\\se",
    "comment": b"close (now)",
}


def rows() -> Iterator[Row]:
    """HOP-02 and HOP-03."""
    yield from _ours()
    yield from _theirs()
    yield from _framing()
    yield from _counts()
    for name, value in BAD.items():
        yield Row(
            f"HOP-03 {name}", request(b"X-Custom: 1", b"Connection: " + value), declined(400), choice=True
        )
        send = request(b"X-Custom: 1", b"Connection: close", b"Connection: " + value)
        yield Row(f"HOP-03 {name} behind a sound one", send, declined(400), choice=True)


def _ends(way: str, expect: Expectation) -> Expectation:
    return attrs.evolve(expect, closes=True) if "close" in way else expect


def _ours() -> Iterator[Row]:
    for field, value in OURS.items():
        choice = field != b"host"
        for way, lines in WAYS.items():
            nominated = tuple(line.replace(b"{}", field.title()) for line in lines)
            there = forwarded(Sent(fields={field: value}, absent=(b"connection",)))
            name = f"HOP-02 {field.decode()} {way}"
            yield Row(name, request(*nominated), _ends(way, there), choice=choice)
        if field == b"host":
            continue
        forged = field + b": forged"
        there = forwarded(Sent(fields={field: [b"forged", value] if field == b"via" else value}))
        send = request(forged, b"Connection: " + field)
        yield Row(f"HOP-02 {field.decode()} forged and nominated", send, there, choice=True)
    every = b"Connection: " + b", ".join((*OURS, *CLAIMED, b"x-request-id", b"traceparent"))
    there = forwarded(Sent(fields=OURS, absent=(*CLAIMED, b"connection")), Sent())
    yield Row("HOP-02 all that we write", request(every) + BEHIND, there, choice=True)
    lies = tuple(name + b": forged" for name in (*CLAIMED, b"x-forwarded-for", b"x-forwarded-proto"))
    yield Row("HOP-02 all that we write, forged", request(*lies, every) + BEHIND, there, choice=True)
    # a trace that came goes on, nominated or not: it is ours to pass on
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    send = request(b"traceparent: " + trace, b"Connection: traceparent")
    yield Row("HOP-02 traceparent", send, forwarded(Sent(fields={b"traceparent": trace})), choice=True)
    reference = b"Connection: close, X-Forwarded-For, X-Real-IP, X-User-Id"
    there = forwarded(
        Sent(fields={b"x-forwarded-for": b"127.0.0.1"}, absent=(b"x-real-ip", b"x-user-id")), closes=True
    )
    send = request(b"X-Forwarded-For: 6.6.6.6", b"X-User-Id: admin", b"X-Real-IP: 6.6.6.6", reference)
    yield Row("HOP-02 the case of Traefik", send, there)
    send = request(reference, b"X-Forwarded-For: 6.6.6.6", b"X-User-Id: admin", b"X-Real-IP: 6.6.6.6")
    yield Row("HOP-02 the case of Traefik, the nomination first", send, there)
    believed = forwarded(Sent(fields={b"x-forwarded-for": b"1.2.3.4, 127.0.0.1"}))
    send = request(b"X-Forwarded-For: 1.2.3.4", b"Connection: X-Forwarded-For")
    yield Row("HOP-02 x-forwarded-for of a trusted peer", send, believed, profile="trusting")


def _theirs() -> Iterator[Row]:
    for name, line in END_TO_END.items():
        field = line.partition(b":")[0]
        gone = forwarded(Sent(absent=(field, b"connection")))
        yield Row(f"HOP-02 nominated {name}", request(line, b"Connection: " + field), gone)
        send = request(b"Connection: " + field.upper(), line, b"X-Between: 1", line.lower())
        if name not in {"authorization", "user-agent", "origin"}:
            yield Row(f"HOP-02 nominated {name} before it, twice", send, gone)
    for way, lines in WAYS.items():
        sent = tuple(line.replace(b"{}", b"X-Custom") for line in lines)
        expect = _ends(way, forwarded(Sent(absent=(b"x-custom",), fields={b"x-custom-more": b"2"})))
        send = request(b"X-Custom: 1", *sent, b"X-Custom-More: 2")
        yield Row(f"HOP-02 nominated {way}", send, expect)
    near = {b"x-custom-more": b"1", b"x-cust": b"2", b"x-custom2": b"3", b"custom": b"4"}
    lines = tuple(name + b": " + value for name, value in near.items())
    stays = forwarded(Sent(fields=near, absent=(b"x-custom",)))
    yield Row(
        "HOP-02 nominated, and names that are near",
        request(b"X-Custom: 0", *lines, b"Connection: x-custom"),
        stays,
    )
    send = request(b"X-A: 1", b"Connection: x-a", b"X-B: 2") + request(b"X-A: 1", target=PATH + b"/behind")
    one_only = forwarded(Sent(absent=(b"x-a",), fields={b"x-b": b"2"}), Sent(fields={b"x-a": b"1"}))
    yield Row("HOP-02 nominated for one request only", send, one_only)
    send = request(b"Connection: x-a", b"X-A: 1", version=b"HTTP/1.0")
    yield Row("HOP-02 nominated in 1.0", send, forwarded(Sent(absent=(b"x-a", b"connection")), closes=True))
    send = request(b"X-A: 1", b"Connection: connection, x-a")
    yield Row("HOP-02 nominated connection itself", send, forwarded(Sent(absent=(b"x-a", b"connection"))))


def _framing() -> Iterator[Row]:
    body = {
        b"Connection: content-length": b"Content-Length: 5",
        b"Connection: CONTENT-LENGTH": b"content-length: 5",
    }
    framed = forwarded(Sent(body=b"hello", framing="length", absent=(b"connection",)), Sent())
    for number, (line, length) in enumerate(body.items()):
        for place, lines in {"before it": (line, length), "behind it": (length, line)}.items():
            send = request(*lines, method=b"POST", body=b"hello") + BEHIND
            yield Row(f"HOP-02 nominated content-length {place} {number}", send, framed)
    framed = forwarded(Sent(body=b"hello", absent=(b"connection",)), Sent())
    for place, lines in {
        "before it": (b"Connection: transfer-encoding", CHUNKED),
        "behind it": (CHUNKED, b"Connection: Transfer-Encoding"),
    }.items():
        send = request(*lines, method=b"POST", body=chunks(b"hello")) + BEHIND
        yield Row(f"HOP-02 nominated transfer-encoding {place}", send, framed)
    send = (
        request(b"Connection: expect", b"Expect: 100-continue", b"Content-Length: 0", method=b"POST") + BEHIND
    )
    either = forwarded(Sent(body=b""), Sent())
    yield Row("HOP-02 nominated expect", send, either)


def _counts() -> Iterator[Row]:
    def names(count: int) -> bytes:
        return b", ".join(b"x-%d" % number for number in range(count))

    gone = forwarded(Sent(absent=(b"x-0", b"x-31"), fields={b"x-one": b"1"}))
    send = request(b"X-0: 1", b"Connection: " + names(32), b"X-31: 1", b"X-One: 1")
    yield Row("HOP-03 32 names", send, gone)
    for count in (33, 100, 1000):
        yield Row(
            f"HOP-03 {count} names", request(b"Connection: " + names(count)), declined(400), choice=True
        )
    two = (b"Connection: " + names(20), b"Connection: " + names(40))
    yield Row("HOP-03 more than 32 names in two fields", request(*two), declined(400), choice=True)
    many = tuple(b"Connection: x-%d" % number for number in range(60))
    yield Row("HOP-03 60 fields", request(*many), declined(400), choice=True)
    same = request(b"Connection: " + b", ".join([b"x-custom"] * 500), b"X-Custom: 1")
    gone = forwarded(Sent(absent=(b"x-custom",)))
    yield Row("HOP-03 one name 500 times", same, (declined(400), gone))
    commas = request(b"Connection: " + b"," * 4000 + b"x-custom", b"X-Custom: 1")
    yield Row("HOP-03 4000 commas", commas, (declined(400), gone))

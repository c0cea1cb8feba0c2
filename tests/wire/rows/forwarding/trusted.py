"""FWD-02 to FWD-04: a trusted proxy tells who the client is, and somebody in front of it may have lied to it.

The peer, 127.0.0.1, is the only one who is trusted. What goes on is the client that was found, and all behind it.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Row, Sent, declined, forwarded
from tests.wire.rows.parts import request


CHAINS: Final[Mapping[str, tuple[tuple[bytes, ...], bytes]]] = {
    # what came, and what goes on without the peer at its end
    "one": ((b"1.2.3.4",), b"1.2.3.4"),
    "spoofed left part": ((b"6.6.6.6, 1.2.3.4",), b"1.2.3.4"),
    "spoofed loopback": ((b"127.0.0.1, 1.2.3.4",), b"1.2.3.4"),
    "through two trusted ones": ((b"1.2.3.4, 127.0.0.1",), b"1.2.3.4, 127.0.0.1"),
    "through three": ((b"6.6.6.6, 1.2.3.4, 127.0.0.1, 127.0.0.1",), b"1.2.3.4, 127.0.0.1, 127.0.0.1"),
    "nobody but trusted ones": ((b"127.0.0.1, 127.0.0.1",), b"127.0.0.1, 127.0.0.1"),
    "two fields": ((b"6.6.6.6", b"1.2.3.4"), b"1.2.3.4"),
    "two fields, lists": ((b"6.6.6.6, 5.5.5.5", b"1.2.3.4, 127.0.0.1"), b"1.2.3.4, 127.0.0.1"),
    "a neighbour of the trusted one": ((b"6.6.6.6, 127.0.0.2",), b"127.0.0.2"),
    "without blanks": ((b"6.6.6.6,1.2.3.4",), b"1.2.3.4"),
    "blanks and tabs": ((b"6.6.6.6 \t,\t 1.2.3.4\t",), b"1.2.3.4"),
    "an empty member at the end": ((b"6.6.6.6, 1.2.3.4, ,",), b"1.2.3.4"),
    "empty members between": ((b"6.6.6.6,, 1.2.3.4,, 127.0.0.1",), b"1.2.3.4, 127.0.0.1"),
    "private": ((b"6.6.6.6, 10.0.0.1",), b"10.0.0.1"),
    "an invalid one left of the client": ((b"x, 1.2.3.4",), b"1.2.3.4"),
    "an invalid one behind a trusted one": ((b"6.6.6.6, unknown, 127.0.0.1",), b"127.0.0.1"),
    "the peer again, mapped": ((b"1.2.3.4, ::ffff:127.0.0.1",), b"1.2.3.4, 127.0.0.1"),
    "800 and one": ((b", ".join([b"6.6.6.6"] * 800 + [b"1.2.3.4"]),), b"1.2.3.4"),
}

ADDRESSES: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "port": (b"1.2.3.4:80", b"1.2.3.4"),
    "large port": (b"1.2.3.4:65535", b"1.2.3.4"),
    "of six": (b"2001:db8::1", b"2001:db8::1"),
    "of six in upper case": (b"2001:DB8::A", b"2001:db8::a"),
    "of six in full": (b"2001:0db8:0000:0000:0000:0000:0000:0001", b"2001:db8::1"),
    "of six in brackets": (b"[2001:db8::1]", b"2001:db8::1"),
    "of six in brackets with a port": (b"[2001:db8::1]:80", b"2001:db8::1"),
    "loopback of six": (b"[::1]:80", b"::1"),
    "mapped": (b"::ffff:1.2.3.4", b"1.2.3.4"),
    "mapped in hexadecimal": (b"::ffff:102:304", b"1.2.3.4"),
    "mapped in brackets with a port": (b"[::ffff:1.2.3.4]:80", b"1.2.3.4"),
    "mapped in full": (b"0:0:0:0:0:ffff:1.2.3.4", b"1.2.3.4"),
    "translated": (b"64:ff9b::102:304", b"64:ff9b::102:304"),
    "noughts": (b"0.0.0.0", b"0.0.0.0"),
    "broadcast": (b"255.255.255.255", b"255.255.255.255"),
}

NO_ADDRESSES: Final[Mapping[str, bytes]] = {
    # the second of two is looked at first; if it is none, nobody before it counts
    "unknown": b"unknown",
    "hidden": b"_hid",
    "hidden with a port": b"_hid:80",
    "a name": b"example.test",
    "localhost": b"localhost",
    "noughts before it": b"0177.0.0.1",
    "decimal with noughts": b"001.002.003.004",
    "two parts": b"127.1",
    "three parts": b"1.2.3",
    "five parts": b"1.2.3.4.5",
    "one number": b"2130706433",
    "hexadecimal": b"0x7f.0.0.1",
    "one hexadecimal number": b"0x7f000001",
    "too large": b"256.1.1.1",
    "negative": b"-1.2.3.4",
    "dot at the end": b"1.2.3.4.",
    "dot at the beginning": b".1.2.3.4",
    "two dots": b"1..3.4",
    "blank inside": b"1.2. 3.4",
    "two without a comma": b"1.2.3.4 5.6.7.8",
    "two by a semicolon": b"1.2.3.4;5.6.7.8",
    "a network": b"1.2.3.0/24",
    "one address as a network": b"1.2.3.4/32",
    "zone": b"fe80::1%eth0",
    "zone in brackets": b"[fe80::1%25eth0]",
    "bracket open": b"[2001:db8::1",
    "bracket shut": b"2001:db8::1]",
    "two brackets": b"[[2001:db8::1]]",
    "brackets round a name": b"[example.test]",
    "brackets round four": b"[1.2.3.4]",
    "behind the brackets": b"[2001:db8::1]x",
    "nine groups": b"1:2:3:4:5:6:7:8:9",
    "two gaps": b"2001::db8::1",
    "five digits": b"2001:00db8::1",
    "mapped and broken": b"::ffff:1.2.3",
    "mapped and too large": b"::ffff:1.2.3.256",
    "no digits behind the colon": b"1.2.3.4:",
    "port word": b"1.2.3.4:http",
    "port negative": b"1.2.3.4:-1",
    "port too long": b"1.2.3.4:123456",
    "port too large": b"1.2.3.4:65536",
    "two ports": b"1.2.3.4:80:80",
    "port of six too large": b"[2001:db8::1]:99999",
    "quoted": b'"1.2.3.4"',
    "single-quoted": b"'1.2.3.4'",
    "for=": b"for=1.2.3.4",
    "whole address": b"http://1.2.3.4/",
    "user": b"u@1.2.3.4",
    "percent": b"1.2.3.%34",
    "fullwidth": "\uff11.2.3.4".encode(),
    "arabic digits": "\u0661.\u0662.\u0663.\u0664".encode(),
    "superscript": b"\xb9.2.3.4",
    "ideographic dot": "1\u30022\u30023\u30024".encode(),
    "no-break space before it": b"\xa01.2.3.4",
    "next line behind it": b"1.2.3.4\x85",
    "no-break space alone": b"\xa0",
    "star": b"*",
    "dash": b"-",
    "null": b"null",
    "markup": b"<script>",
    "quote and line end in words": b"1.2.3.4%0d%0aX-Injected: 1",
    "json": b'{"ip":"1.2.3.4"}',
    "7000 digits": b"1" * 7000,
    "7000 colons": b":" * 7000,
}

PROTOS: Final[Mapping[str, tuple[tuple[bytes, ...], bytes]]] = {
    "https": ((b"https",), b"https"),
    "http": ((b"http",), b"http"),
    "upper case": ((b"HTTPS",), b"https"),
    "a list": ((b"https, http",), b"http"),
    "a list the other way": ((b"http,https",), b"https"),
    "two fields": ((b"http", b"https"), b"https"),
    "unknown": ((b"gopher",), b"http"),
    "socket": ((b"wss",), b"http"),
    "empty": ((b"",), b"http"),
    "a comma behind": ((b"https,",), b"http"),
    "nonsense": ((b"https;x",), b"http"),
    "quoted": ((b'"https"',), b"http"),
    "latin-1": ((b"https\xa0x",), b"http"),
    "no-break space behind": ((b"https\xa0",), b"http"),
    "no-break space before": ((b"http, \xa0https",), b"http"),
    "on": ((b"on",), b"http"),
}

HOSTS: Final[Mapping[str, tuple[tuple[bytes, ...], bytes, str]]] = {
    "another": ((b"second.test",), b"second.test", "second"),
    "upper case": ((b"SECOND.test",), b"SECOND.test", "second"),
    "port": ((b"second.test:8443",), b"second.test:8443", "second"),
    "final dot": ((b"second.test.",), b"second.test.", "second"),
    "a list": ((b"example.test, second.test",), b"second.test", "second"),
    "two fields": ((b"second.test", b"example.test"), b"example.test", "origin"),
    "address of six": ((b"[::1]:80",), b"[::1]:80", "origin"),
    "empty": ((b"",), b"example.test", "origin"),
}

BAD_HOSTS: Final[Mapping[str, bytes]] = {
    "user": b"u@second.test",
    "path": b"second.test/x",
    "blank": b"second test",
    "port too large": b"second.test:99999",
    "percent": b"second%2etest",
    "bracket": b"[::1",
    "utf-8": "s\u00e9cond.test".encode(),
    "backslash": b"second.test\\",
    "markup": b"<script>",
    "fragment": b"second.test#",
    "no-break space behind": b"second.test\xa0",
    "next line before": b"\x85second.test",
}


def rows() -> Iterator[Row]:
    """FWD-02 to FWD-04."""
    yield from _chains()
    yield from _addresses()
    yield from _schemes_and_hosts()
    yield from _elements()
    yield from _contradictions()


def _believed(left: bytes) -> bytes:
    return left + b", 127.0.0.1" if left else b"127.0.0.1"


def _row(name: str, *lines: bytes, **fields: bytes) -> Row:
    sent = {field.replace("_", "-").encode(): value for field, value in fields.items()}
    return Row(name, request(*lines), forwarded(Sent(fields=sent)), profile="trusting")


def _chains() -> Iterator[Row]:
    yield _row("FWD-02 nothing", x_forwarded_for=b"127.0.0.1", x_forwarded_proto=b"http")
    for name, (values, left) in CHAINS.items():
        lines = tuple(b"X-Forwarded-For: " + value for value in values)
        yield _row(f"FWD-02 {name}", *lines, x_forwarded_for=_believed(left))
    lines = (b"x-forwarded-for: 6.6.6.6", b"X-One: 1", b"X-FORWARDED-FOR: 1.2.3.4")
    yield _row("FWD-02 two fields apart", *lines, x_forwarded_for=_believed(b"1.2.3.4"))
    many = b"X-Forwarded-For: 1.2.3.4, " + b", ".join([b"127.0.0.1"] * 700)
    bounded = forwarded(Sent(fields={b"x-forwarded-for": b", ".join([b"127.0.0.1"] * 33)}))
    yield Row("FWD-02 700 trusted ones", request(many), (bounded, declined(400)), profile="trusting")
    for name, field in {
        "x-real-ip": b"X-Real-IP: 6.6.6.6",
        "true-client-ip": b"True-Client-IP: 6.6.6.6",
    }.items():
        row = f"FWD-02 {name} beside it"
        yield _row(row, b"X-Forwarded-For: 1.2.3.4", field, x_forwarded_for=_believed(b"1.2.3.4"))


def _addresses() -> Iterator[Row]:
    for name, (value, address) in ADDRESSES.items():
        line = b"X-Forwarded-For: 6.6.6.6, " + value
        yield _row(f"FWD-03 {name}", line, x_forwarded_for=_believed(address))
    for name, value in NO_ADDRESSES.items():
        line = b"X-Forwarded-For: 6.6.6.6, " + value
        yield _row(f"FWD-03 no address, {name}", line, x_forwarded_for=b"127.0.0.1")
    for count in (1100, 10_000):
        # more than a field, or than a head, may have
        line = b"X-Forwarded-For: " + b",".join([b"6.6.6.6"] * count)
        yield Row(f"FWD-03 {count} of them", request(line), declined(400, 431), profile="trusting")
    lines = (b"X-Forwarded-For: " + b",".join([b"6.6.6.6"] * 800),) * 5 + (b"X-Forwarded-For: 1.2.3.4",)
    yield _row("FWD-03 4000 of them in five fields", *lines, x_forwarded_for=_believed(b"1.2.3.4"))


def _schemes_and_hosts() -> Iterator[Row]:
    for name, (values, scheme) in PROTOS.items():
        lines = tuple(b"X-Forwarded-Proto: " + value for value in values)
        yield _row(f"FWD-02 proto {name}", *lines, x_forwarded_proto=scheme)
    for name, (values, host, service) in HOSTS.items():
        lines = tuple(b"X-Forwarded-Host: " + value for value in values)
        expect = forwarded(
            Sent(fields={b"x-forwarded-host": host, b"host": b"example.test"}, service=service)
        )
        yield Row(f"FWD-02 host {name}", request(*lines), expect, profile="trusting")
    for name, value in BAD_HOSTS.items():
        send = request(b"X-Forwarded-Host: " + value)
        mine = forwarded(Sent(fields={b"x-forwarded-host": b"example.test"}, service="origin"))
        yield Row(f"FWD-02 no host, {name}", send, (declined(400), mine), profile="trusting")
    for name, line in {
        "port": b"X-Forwarded-Port: 443",
        "prefix": b"X-Forwarded-Prefix: /named",
        "original url": b"X-Original-URL: /named/x",
        "scheme": b"X-Forwarded-Scheme: https",
        "method": b"X-HTTP-Method-Override: DELETE",
    }.items():
        field = line.partition(b":")[0]
        expect = forwarded(Sent(method=b"GET", service="origin", absent=(field,)))
        yield Row(f"FWD-05 {name} of a trusted peer", request(line), expect, profile="trusting")


def _elements() -> Iterator[Row]:
    """`Forwarded`, which RFC 7239 has made of all that."""
    whole = b'for=1.2.3.4, for=127.0.0.1;proto=https;host="second.test"'
    expect = forwarded(
        Sent(
            fields={
                b"forwarded": whole,
                b"x-forwarded-for": b"1.2.3.4, 127.0.0.1",
                b"x-forwarded-proto": b"https",
                b"x-forwarded-host": b"second.test",
            },
            service="second",
        )
    )
    send = request(b"Forwarded: for=6.6.6.6, for=1.2.3.4;proto=https;host=second.test;by=127.0.0.1")
    yield Row("FWD-02 forwarded, all of it", send, expect, profile="trusting")
    for name, (value, left) in {
        "for": (b"for=1.2.3.4", b"1.2.3.4"),
        "for in upper case": (b"FOR=1.2.3.4", b"1.2.3.4"),
        "quoted": (b'for="1.2.3.4"', b"1.2.3.4"),
        "quoted with a port": (b'for="1.2.3.4:80"', b"1.2.3.4"),
        "of six": (b'for="[2001:db8::1]"', b"2001:db8::1"),
        "of six with a port": (b'for="[2001:db8::1]:80"', b"2001:db8::1"),
        "spoofed left part": (b"for=6.6.6.6, for=1.2.3.4", b"1.2.3.4"),
        "without blanks": (b"for=6.6.6.6,for=1.2.3.4", b"1.2.3.4"),
        "through two": (b"for=1.2.3.4, for=127.0.0.1", b"1.2.3.4, 127.0.0.1"),
        "other pairs": (b"by=9.9.9.9;for=1.2.3.4;host=example.test;secret=x", b"1.2.3.4"),
        "no for": (b"by=9.9.9.9", b""),
        "an element without for": (b"for=6.6.6.6, by=9.9.9.9", b""),
        "unknown": (b"for=6.6.6.6, for=unknown", b""),
        "hidden": (b"for=6.6.6.6, for=_gazonk", b""),
        "hidden and quoted": (b'for=6.6.6.6, for="_gazonk:80"', b""),
        "of six without brackets": (b"for=6.6.6.6, for=2001:db8::1", b""),
        "of six without brackets, quoted": (b'for=6.6.6.6, for="2001:db8::1"', b""),
        "for twice": (b"for=6.6.6.6;for=1.2.3.4", b""),
        "no equals": (b"for 1.2.3.4", b""),
        "blanks round equals": (b"for = 1.2.3.4", b""),
        "quote that never ends": (b'for=6.6.6.6, for="1.2.3.4', b""),
        "quote inside": (b'for=1.2"3.4"', b""),
        "a comma in quotes": (b'for="6.6.6.6, for=1.2.3.4"', b""),
        "an escape in quotes": (b'for="1.2.3\\.4"', b""),
        "single quotes": (b"for='1.2.3.4'", b""),
        "semicolons alone": (b";;", b""),
        "an address alone": (b"1.2.3.4", b""),
        "latin-1": (b"for=1.2.3.4\xa0", b""),
        "no-break space before": (b"\xa0for=1.2.3.4", b""),
    }.items():
        yield _row(f"FWD-03 forwarded {name}", b"Forwarded: " + value, x_forwarded_for=_believed(left))
    lines = (b"Forwarded: for=6.6.6.6", b"forwarded: for=1.2.3.4")
    yield _row("FWD-03 forwarded in two fields", *lines, x_forwarded_for=_believed(b"1.2.3.4"))


def _contradictions() -> Iterator[Row]:
    """Who sets one of the two fields passes on the other as the client wrote it."""
    refuse = declined(400)
    for name, lines in {
        "forwarded spoofed": (b"X-Forwarded-For: 1.2.3.4", b"Forwarded: for=6.6.6.6"),
        "forwarded spoofed and first": (b"Forwarded: for=6.6.6.6", b"X-Forwarded-For: 1.2.3.4"),
        "forwarded spoofed as trusted": (
            b"X-Forwarded-For: 1.2.3.4",
            b"Forwarded: for=6.6.6.6, for=127.0.0.1",
        ),
        "forwarded spoofed behind a list": (b"X-Forwarded-For: 6.6.6.6, 1.2.3.4", b"Forwarded: for=6.6.6.6"),
    }.items():
        one = forwarded(Sent(fields={b"x-forwarded-for": b"1.2.3.4, 127.0.0.1"}, absent=(b"forwarded",)))
        both = forwarded(
            Sent(
                fields={
                    b"x-forwarded-for": b"1.2.3.4, 127.0.0.1",
                    b"forwarded": b'for=1.2.3.4, for=127.0.0.1;proto=http;host="example.test"',
                }
            )
        )
        yield Row(f"FWD-04 {name}", request(*lines), (refuse, one, both), profile="trusting")
    same = (b"X-Forwarded-For: 1.2.3.4", b"Forwarded: for=1.2.3.4")
    yield _row("FWD-04 both say the same", *same, x_forwarded_for=b"1.2.3.4, 127.0.0.1")
    broken = (b"X-Forwarded-For: 1.2.3.4", b"Forwarded: for=;;")
    yield _row("FWD-04 forwarded malformed", *broken, x_forwarded_for=b"1.2.3.4, 127.0.0.1")
    for name, lines, field, spoofed in (
        (
            "proto",
            (b"X-Forwarded-Proto: http", b"Forwarded: for=1.2.3.4;proto=https"),
            b"x-forwarded-proto",
            b"http",
        ),
        (
            "host",
            (b"X-Forwarded-Host: example.test", b"Forwarded: for=1.2.3.4;host=second.test"),
            b"x-forwarded-host",
            b"example.test",
        ),
    ):
        send = request(b"X-Forwarded-For: 1.2.3.4", *lines)
        kept = forwarded(Sent(fields={field: spoofed}))
        yield Row(f"FWD-04 {name} of forwarded spoofed", send, (refuse, kept), profile="trusting")
    # a proxy that speaks `X-Forwarded-For` and takes the others away leaves this one as the client wrote it
    for name, pair, field, value in (
        ("proto", b"proto=https", b"x-forwarded-proto", b"http"),
        ("host", b"host=second.test", b"x-forwarded-host", b"example.test"),
    ):
        send = request(b"X-Forwarded-For: 1.2.3.4", b"Forwarded: for=1.2.3.4;" + pair)
        kept = forwarded(Sent(fields={field: value}, service="origin"))
        yield Row(f"FWD-04 {name} of forwarded, none beside it", send, (refuse, kept), profile="trusting")

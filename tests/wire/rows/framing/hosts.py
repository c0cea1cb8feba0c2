"""FRM-19 to FRM-22: who is meant, by `Host` and by the target."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Row, Sent, declined, forwarded, refused
from tests.wire.rows.parts import BEHIND, HOST, OTHERS, PATH, placed, request


NAMED: Final = b"X-Run: RUN00000"
"""For requests whose target cannot have the name of the run."""

BAD_HOSTS: Final[Mapping[str, tuple[bytes, bool]]] = {
    # the second: whether RFC 3986 has such a host
    "empty": (b"", True),
    "blank": (b" ", True),
    "user": (b"u@a.test", False),
    "user and password": (b"u:p@a.test", False),
    "nothing but an at": (b"@", False),
    "path": (b"a.test/b", False),
    "two": (b"a.test, b.test", False),
    "two without a blank": (b"a.test,b.test", True),
    "blank inside": (b"a.test b.test", False),
    "tab inside": (b"a.test\tb.test", False),
    "bracket open": (b"[::1", False),
    "bracket shut": (b"::1]", False),
    "address without brackets": (b"::1", False),
    "behind the bracket": (b"[::1]x", False),
    "no port behind the bracket": (b"[::1]:x", False),
    "empty brackets": (b"[]", False),
    "name in brackets": (b"[a.test]", False),
    "zone": (b"[fe80::1%25eth0]", False),
    "raw zone": (b"[fe80::1%eth0]", False),
    "future address": (b"[v1.a]", True),
    "port 99999": (b"a.test:99999", False),
    "port 65536": (b"a.test:65536", False),
    "port of twenty digits": (b"a.test:" + b"1" * 20, False),
    "port minus": (b"a.test:-1", False),
    "port plus": (b"a.test:+1", False),
    "port hexadecimal": (b"a.test:0x50", False),
    "port word": (b"a.test:http", False),
    "port fullwidth": ("a.test:\uff18\uff10".encode(), False),
    "port blank": (b"a.test: 80", False),
    "two ports": (b"a.test:80:80", False),
    "nothing but a port": (b":80", True),
    "percent nul": (b"a%00.test", True),
    "percent slash": (b"a%2fb.test", True),
    "percent blank": (b"a%20b.test", True),
    "percent alone": (b"a%.test", False),
    "fragment": (b"a.test#b", False),
    "query": (b"a.test?b", False),
    "backslash": (b"a.test\\b", False),
    "quote": (b'a"b.test', False),
    "less": (b"a<b.test", False),
    "semicolon": (b"a;b.test", True),
    "apostrophe": (b"a'b.test", True),
    "dollar": (b"a$b.test", True),
    "ampersand": (b"a&b.test", True),
    "equals": (b"a=b.test", True),
    "star": (b"*", True),
    "star label": (b"*.test", True),
    "parenthesis": (b"a(b.test", True),
    "pipe": (b"a|b.test", False),
    "caret": (b"a^b.test", False),
    "backquote": (b"a`b.test", False),
    "brace": (b"{a}.test", False),
    "whole address": (b"http://a.test", False),
    "two slashes": (b"//a.test", False),
    "latin-1": (b"caf\xe9.test", False),
    "utf-8": ("caf\u00e9.test".encode(), False),
    "invisible": ("a\u200b.test".encode(), False),
    "dots": (b"..", True),
    "dot": (b".", True),
    "empty label": (b"a..test", True),
    "dot first": (b".a.test", True),
    "two final dots": (b"a.test..", True),
    "label of 64": (b"a" * 64 + b".test", True),
    "of 256": (b".".join([b"a" * 50] * 6), True),
    "of 5000": (b"a" * 5000, True),
    "mapped and broken": (b"[::ffff:1.2.3]", False),
}

SOUND_HOSTS: Final[Mapping[str, bytes]] = {
    "upper case": b"EXAMPLE.TEST",
    "final dot": b"example.test.",
    "port": b"example.test:80",
    "another port": b"example.test:8080",
    "port 65535": b"example.test:65535",
    "address": b"127.0.0.1",
    "address and port": b"127.0.0.1:8080",
    "address of six": b"[::1]",
    "address of six and port": b"[::1]:8080",
    "punycode": b"xn--caf-dma.test",
    "one label": b"localhost",
    "underscore": b"a_b.test",
    "digits": b"1.test",
}

HOST_FIELDS: Final[Mapping[str, tuple[bytes, ...]]] = {
    "none": (),
    "two different": (HOST, b"Host: second.test"),
    "two same": (HOST, HOST),
    "two same in other case": (HOST, b"host: example.test"),
    "three": (HOST, HOST, HOST),
    "two, one empty": (HOST, b"Host:"),
    "two, the empty one first": (b"Host:", HOST),
    "apart": (HOST, *OTHERS, b"Host: second.test"),
    "apart and same": (HOST, *OTHERS, HOST),
}

ABSOLUTE: Final[Mapping[str, tuple[bytes, bytes, bytes, str]]] = {
    # target, Host sent; Host and service that come of it
    "other authority": (b"http://second.test/RUN00000", b"example.test", b"second.test", "second"),
    "other authority the other way": (
        b"http://example.test/RUN00000",
        b"second.test",
        b"example.test",
        "origin",
    ),
    "same authority": (b"http://second.test/RUN00000", b"second.test", b"second.test", "second"),
    "scheme in upper case": (b"HTTP://second.test/RUN00000", b"example.test", b"second.test", "second"),
    "port": (b"http://second.test:8080/RUN00000", b"example.test", b"second.test:8080", "second"),
    "port 80": (b"http://second.test:80/RUN00000", b"example.test", b"second.test:80", "second"),
    "query": (b"http://second.test/RUN00000?a=b", b"example.test", b"second.test", "second"),
    "address in the query": (
        b"http://second.test/RUN00000?u=http://example.test/",
        b"example.test",
        b"second.test",
        "second",
    ),
    "address of six": (b"http://[::1]/RUN00000", b"second.test", b"[::1]", "origin"),
}

BAD_ABSOLUTE: Final[Mapping[str, bytes]] = {
    "user": b"http://u@second.test/RUN00000",
    "user that looks like a host": b"http://example.test@second.test/RUN00000",
    "user and password": b"http://u:p@second.test/RUN00000",
    "no authority": b"http:///RUN00000",
    "port out of range": b"http://second.test:99999/RUN00000",
    "port word": b"http://second.test:http/RUN00000",
    "fragment": b"http://second.test/RUN00000#a",
    "fragment in the authority": b"http://second.test#/RUN00000",
    "backslashes": b"http:\\\\second.test\\RUN00000",
    "backslash in the authority": b"http://second.test\\@example.test/RUN00000",
    "blank authority": b"http://%20/RUN00000",
    "comma": b"http://second.test,example.test/RUN00000",
    "broken brackets": b"http://[::1/RUN00000",
    "one slash": b"http:/second.test/RUN00000",
    "no slash": b"http:second.test/RUN00000",
    "three slashes": b"http:////second.test/RUN00000",
    "percent in the authority": b"http://second%2etest/RUN00000",
}

OTHER_SCHEMES: Final[Mapping[str, bytes]] = {
    "https": b"https://second.test/RUN00000",
    "ftp": b"ftp://second.test/RUN00000",
    "file": b"file:///etc/passwd?RUN00000",
    "gopher": b"gopher://127.0.0.1:TRAP0/_RUN00000",
    "ws": b"ws://second.test/RUN00000",
    "unix": b"unix:/run/RUN00000",
    "http+unix": b"http+unix://%2Frun/RUN00000",
    "javascript": b"javascript:RUN00000",
    "data": b"data:text/plain,RUN00000",
    "none": b"://second.test/RUN00000",
    "digit": b"1http://second.test/RUN00000",
    "dict": b"dict://127.0.0.1:TRAP0/RUN00000",
    "jar": b"jar:http://127.0.0.1:TRAP0/RUN00000",
    "about": b"about:RUN00000",
    "no scheme": b"second.test/RUN00000",
    "authority form": b"second.test:80",
    "relative": b"RUN00000",
    "relative with dots": b"../RUN00000",
    "query only": b"?RUN00000",
    "semicolon": b";RUN00000",
    "fragment only": b"#RUN00000",
}


def rows() -> Iterator[Row]:
    """FRM-19 to FRM-22."""
    yield from _fields()
    yield from _values()
    yield from _absolute()


def _fields() -> Iterator[Row]:
    for name, fields in HOST_FIELDS.items():
        send = request(*fields, b"X-Last: 1", host=None) + BEHIND
        yield Row(f"FRM-19 {name}", send, refused(400))
        send = request(*fields, b"X-Last: 1", host=None, target=b"http://example.test/RUN00000") + BEHIND
        yield Row(f"FRM-19 {name} with an absolute target", send, refused(400))
        if fields:
            send = request(*fields, host=None, version=b"HTTP/1.0") + BEHIND
            yield Row(f"FRM-19 {name} in 1.0", send, refused(400))
    old = forwarded(Sent(method=b"GET", target=PATH), closes=True)
    yield Row("FRM-19 none in 1.0", request(host=None, version=b"HTTP/1.0"), old)
    for place, head in placed(b"hOST: example.test"):
        send = request(*(line for line in head if line != HOST), host=None)
        yield Row(f"FRM-19 sound {place}", send, forwarded(Sent(fields={b"host": b"example.test"})))


def _values() -> Iterator[Row]:
    for name, (value, choice) in BAD_HOSTS.items():
        yield Row(f"FRM-20 {name}", request(host=b"Host: " + value), declined(400), choice=choice)
        if not choice:
            get = request(host=b"Host: " + value, target=b"/RUN00000", version=b"HTTP/1.0")
            yield Row(f"FRM-20 {name} in 1.0", get, declined(400))
    for name, value in SOUND_HOSTS.items():
        yield Row(f"FRM-20 sound {name}", request(host=b"Host: " + value), forwarded(Sent(target=PATH)))
    for name, value in {"no digits": b"example.test:", "leading nought": b"example.test:080"}.items():
        send = request(host=b"Host: " + value)
        yield Row(f"FRM-20 port of {name}", send, (forwarded(Sent(target=PATH)), declined(400)))


def _absolute() -> Iterator[Row]:
    for name, (target, host, authority, service) in ABSOLUTE.items():
        path = b"/" + target.split(b"/", 3)[3]
        expect = forwarded(Sent(target=path, fields={b"host": authority}, service=service))
        yield Row(f"FRM-21 {name}", request(target=target, host=b"Host: " + host), expect)
        both = forwarded(
            Sent(target=path, fields={b"host": authority}, service=service), Sent(target=PATH + b"/behind")
        )
        send = request(target=target, host=b"Host: " + host) + BEHIND
        yield Row(f"FRM-21 {name} and another request", send, both)
    for name, (tail, path) in {"no path": (b"", b"/"), "query without a path": (b"?a=b", b"/?a=b")}.items():
        send = request(NAMED, target=b"http://second.test" + tail)
        yield Row(f"FRM-21 {name}", send, forwarded(Sent(target=path, service="second")))
    expect = forwarded(Sent(target=PATH, service="second"), closes=True)
    old = request(target=b"http://second.test/RUN00000", host=None, version=b"HTTP/1.0")
    yield Row("FRM-21 in 1.0 without Host", old, expect)
    for name, target in BAD_ABSOLUTE.items():
        yield Row(f"FRM-21 {name}", request(NAMED, target=target), declined(400))
    for host in (b"", b"a b", b"u@a.test"):
        send = request(target=b"http://second.test/RUN00000", host=b"Host: " + host)
        yield Row(
            f"FRM-21 a sound target, but Host {host.decode()!r}",
            send,
            (declined(400), forwarded(Sent(service="second", fields={b"host": b"second.test"}))),
        )
    for name, target in OTHER_SCHEMES.items():
        yield Row(f"FRM-22 {name}", request(NAMED, target=target), declined(400))
        send = request(NAMED, b"Content-Length: 5", target=target, method=b"POST", body=b"hello")
        yield Row(f"FRM-22 {name} with a body", send, declined(400))
    dialled = request(target=b"http://127.0.0.1:TRAP0/RUN00000")
    yield Row(
        "FRM-22 another port of this machine", dialled, (declined(400), forwarded(Sent(service="origin")))
    )
    named = request(target=b"http://localhost:TRAP0/RUN00000")
    yield Row("FRM-22 another port, by name", named, (declined(400), forwarded(Sent(service="origin"))))
    host = request(host=b"Host: 127.0.0.1:TRAP0")
    yield Row("FRM-22 another port, by Host", host, (declined(400, 421), forwarded(Sent(service="origin"))))

"""FWD-01 and FWD-05: what a client says of its address, its target and its method, although only a proxy may."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Row, Sent, declined, forwarded
from tests.wire.rows.parts import BEHIND, PATH, placed, request


ADDRESSES: Final[Mapping[str, bytes]] = {
    "x-real-ip": b"X-Real-IP",
    "true-client-ip": b"True-Client-IP",
    "cf-connecting-ip": b"CF-Connecting-IP",
    "x-client-ip": b"X-Client-IP",
    "client-ip": b"Client-IP",
    "x-cluster-client-ip": b"X-Cluster-Client-IP",
    "fastly-client-ip": b"Fastly-Client-IP",
    "x-forwarded": b"X-Forwarded",
}

RARER: Final[Mapping[str, bytes]] = {
    # what other proxies and clouds put there, for whom services read it
    "forwarded-for": b"Forwarded-For",
    "x-forwarded-by": b"X-Forwarded-By",
    "x-original-forwarded-for": b"X-Original-Forwarded-For",
    "x-envoy-external-address": b"X-Envoy-External-Address",
    "x-originating-ip": b"X-Originating-IP",
    "x-remote-ip": b"X-Remote-IP",
    "x-remote-addr": b"X-Remote-Addr",
    "remote-addr": b"Remote-Addr",
    "x-proxyuser-ip": b"X-ProxyUser-IP",
    "wl-proxy-client-ip": b"WL-Proxy-Client-IP",
    "proxy-client-ip": b"Proxy-Client-IP",
    "cf-connecting-ipv6": b"CF-Connecting-IPv6",
    "cf-pseudo-ipv4": b"CF-Pseudo-IPv4",
    "x-azure-clientip": b"X-Azure-ClientIP",
    "x-azure-socketip": b"X-Azure-SocketIP",
    "x-appengine-user-ip": b"X-AppEngine-User-IP",
    "fly-client-ip": b"Fly-Client-IP",
    "x-nf-client-connection-ip": b"X-NF-Client-Connection-IP",
    "do-connecting-ip": b"DO-Connecting-IP",
    "ali-cdn-real-ip": b"Ali-CDN-Real-IP",
    "cdn-src-ip": b"CDN-Src-IP",
    "incap-client-ip": b"Incap-Client-IP",
    "x-vercel-forwarded-for": b"X-Vercel-Forwarded-For",
}

TARGETS: Final[Mapping[str, tuple[bytes, bytes]]] = {
    # field and value; none may lead to another service or to another target
    "x-forwarded-port": (b"X-Forwarded-Port", b"443"),
    "x-forwarded-prefix": (b"X-Forwarded-Prefix", b"/named"),
    "x-forwarded-scheme": (b"X-Forwarded-Scheme", b"https"),
    "x-forwarded-ssl": (b"X-Forwarded-Ssl", b"on"),
    "x-forwarded-server": (b"X-Forwarded-Server", b"second.test"),
    "x-original-url": (b"X-Original-URL", b"/named/RUN00000"),
    "x-original-uri": (b"X-Original-URI", b"/named/RUN00000"),
    "x-rewrite-url": (b"X-Rewrite-URL", b"/named/RUN00000"),
    "x-envoy-original-path": (b"X-Envoy-Original-Path", b"/named/RUN00000"),
    "x-envoy-internal": (b"X-Envoy-Internal", b"true"),
    "x-envoy-upstream-alt-stat-name": (b"X-Envoy-Upstream-Alt-Stat-Name", b"x"),
    "x-envoy-decorator-operation": (b"X-Envoy-Decorator-Operation", b"x"),
    "x-http-method": (b"X-HTTP-Method", b"DELETE"),
    "x-http-method-override": (b"X-HTTP-Method-Override", b"DELETE"),
    "x-method-override": (b"X-Method-Override", b"DELETE"),
    "x-original-method": (b"X-Original-Method", b"DELETE"),
}

RARER_TARGETS: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "x-host": (b"X-Host", b"second.test"),
    "x-original-host": (b"X-Original-Host", b"second.test"),
    "x-forwarded-path": (b"X-Forwarded-Path", b"/named/RUN00000"),
    "x-forwarded-uri": (b"X-Forwarded-Uri", b"/named/RUN00000"),
    "x-forwarded-method": (b"X-Forwarded-Method", b"DELETE"),
    "x-forwarded-protocol": (b"X-Forwarded-Protocol", b"https"),
    "x-forwarded-protocol-version": (b"X-Forwarded-Proto-Version", b"h2"),
    "x-url-scheme": (b"X-Url-Scheme", b"https"),
    "x-scheme": (b"X-Scheme", b"https"),
    "front-end-https": (b"Front-End-Https", b"on"),
    # by this one Next.js knew requests that it had checked (CVE-2025-29927)
    "x-middleware-subrequest": (b"X-Middleware-Subrequest", b"middleware"),
    # a Rack application serves what these say
    "x-accel-mapping": (b"X-Accel-Mapping", b"/=/etc/"),
    "x-sendfile-type": (b"X-Sendfile-Type", b"X-Accel-Redirect"),
}

SPOOFED: Final = b"6.6.6.6"
PEER: Final = b"127.0.0.1"


def rows() -> Iterator[Row]:
    """FWD-01 and FWD-05."""
    yield from _forwarded_for()
    yield from _forwarded()
    for name, field in ADDRESSES.items():
        yield from _spelt(f"FWD-01 {name}", field, SPOOFED)
        gone = forwarded(Sent(absent=(field,)))
        send = request(field + b": " + SPOOFED)
        yield Row(f"FWD-01 {name} of a trusted peer", send, gone, profile="trusting")
    for name, field in RARER.items():
        gone = forwarded(Sent(absent=(field,)))
        yield Row(f"FWD-01 rarer {name}", request(field + b": " + SPOOFED), gone, choice=True)
    for name, (field, value) in TARGETS.items():
        yield from _spelt(f"FWD-05 {name}", field, value)
    for name, (field, value) in RARER_TARGETS.items():
        stays = forwarded(Sent(method=b"GET", target=PATH, service="origin", absent=(field,)))
        yield Row(f"FWD-05 rarer {name}", request(field + b": " + value), stays, choice=True)
    yield from _proto_and_host()


def _spelt(begin: str, field: bytes, value: bytes) -> Iterator[Row]:
    """A field in all the ways in which one may write it."""
    line = field + b": " + value
    gone = forwarded(Sent(method=b"GET", target=PATH, service="origin", absent=(field,)), Sent())
    for place, head in placed(line):
        yield Row(f"{begin} {place}", request(*head, host=None) + BEHIND, gone, choice=True)
    under = field.replace(b"-", b"_")
    for name, lines in {
        "lower case": (field.lower() + b": " + value,),
        "upper case": (field.upper() + b":" + value,),
        "empty": (field + b":",),
        "twice": (line, b"X-Between: 1", field.lower() + b": " + value),
        "nominated": (line, b"Connection: " + field),
    }.items():
        yield Row(f"{begin} {name}", request(*lines) + BEHIND, gone, choice=name != "nominated")
    if under != field:
        hidden = forwarded(Sent(target=PATH, service="origin", absent=(field, under)))
        send = request(under + b": " + value)
        yield Row(f"{begin} with underscores", send, hidden, choice=True)
        yield Row(f"{begin} with underscores, kept", send, hidden, profile="keeping")
        mixed = field.replace(b"-", b"_", 1).upper()
        hidden = forwarded(Sent(target=PATH, absent=(mixed,)))
        yield Row(f"{begin} with one underscore, kept", request(mixed + b": 1"), hidden, profile="keeping")
        yield Row(f"{begin} with underscores, refused", send, declined(400), profile="rejecting")


def _forwarded_for() -> Iterator[Row]:
    there = forwarded(Sent(fields={b"x-forwarded-for": PEER}, absent=(b"forwarded",)))
    yield Row("FWD-01 nothing sent", request(), there, choice=True)
    for name, lines in {
        "an address": (b"X-Forwarded-For: 6.6.6.6",),
        "loopback": (b"X-Forwarded-For: 127.0.0.1",),
        "loopback and another": (b"X-Forwarded-For: 6.6.6.6, 127.0.0.1",),
        "a list": (b"X-Forwarded-For: 6.6.6.6, 10.0.0.1, 192.168.0.1",),
        "two fields": (b"X-Forwarded-For: 6.6.6.6", b"x-forwarded-for: 10.0.0.1"),
        "thirty fields": (b"X-Forwarded-For: 6.6.6.6",) * 30,
        "upper case": (b"X-FORWARDED-FOR: 6.6.6.6",),
        "mixed case": (b"x-FORWARDED-for:6.6.6.6",),
        "empty": (b"X-Forwarded-For:",),
        "commas": (b"X-Forwarded-For: , ,,",),
        "nonsense": (b"X-Forwarded-For: \xff'\"; DROP TABLE",),
        "address of six": (b"X-Forwarded-For: ::1",),
        "a name": (b"X-Forwarded-For: localhost",),
        "6000 bytes": (b"X-Forwarded-For: " + b", ".join([b"6.6.6.6"] * 650),),
    }.items():
        yield Row(f"FWD-01 x-forwarded-for {name}", request(*lines), there, choice=True)
        old = forwarded(Sent(fields={b"x-forwarded-for": PEER}), closes=True)
        if name in {"an address", "two fields"}:
            send = request(*lines, version=b"HTTP/1.0")
            yield Row(f"FWD-01 x-forwarded-for {name}, in 1.0", send, old, choice=True)
    for place, head in placed(b"X-Forwarded-For: 6.6.6.6"):
        yield Row(f"FWD-01 x-forwarded-for {place}", request(*head, host=None), there, choice=True)
    for name, field in {
        "with underscores": b"X_Forwarded_For",
        "with one underscore": b"X-Forwarded_For",
        "with another underscore": b"X_Forwarded-For",
        "with underscores in upper case": b"X_FORWARDED_FOR",
    }.items():
        hidden = forwarded(Sent(fields={b"x-forwarded-for": PEER}, absent=(field,)))
        send = request(field + b": 6.6.6.6")
        yield Row(f"FWD-01 x-forwarded-for {name}", send, hidden, choice=True)
        yield Row(f"FWD-01 x-forwarded-for {name}, kept", send, hidden, profile="keeping")
        yield Row(f"FWD-01 x-forwarded-for {name}, refused", send, declined(400), profile="rejecting")
        yield Row(f"FWD-01 x-forwarded-for {name}, from a trusted peer", send, hidden, profile="trusting")


def _forwarded() -> Iterator[Row]:
    there = forwarded(Sent(fields={b"x-forwarded-for": PEER}, absent=(b"forwarded",)), Sent())
    for name, lines in {
        "for": (b"Forwarded: for=6.6.6.6",),
        "for and proto": (b"Forwarded: for=6.6.6.6;proto=https;host=second.test;by=6.6.6.7",),
        "quoted": (b'Forwarded: for="[2001:db8::1]:80"',),
        "two fields": (b"Forwarded: for=6.6.6.6", b"FORWARDED: for=6.6.6.7"),
        "malformed": (b"Forwarded: ;;=,",),
        "empty": (b"Forwarded:",),
        "lower case": (b"forwarded: for=127.0.0.1",),
        "beside x-forwarded-for": (b"Forwarded: for=6.6.6.6", b"X-Forwarded-For: 7.7.7.7"),
    }.items():
        yield Row(f"FWD-01 forwarded {name}", request(*lines) + BEHIND, there, choice=True)


def _proto_and_host() -> Iterator[Row]:
    sent = {b"x-forwarded-proto": b"http", b"x-forwarded-host": b"example.test"}
    there = forwarded(Sent(fields=sent, service="origin"), Sent())
    for name, lines in {
        "nothing": (),
        "proto": (b"X-Forwarded-Proto: https",),
        "proto in upper case": (b"X-FORWARDED-PROTO: HTTPS",),
        "proto twice": (b"X-Forwarded-Proto: https", b"X-Forwarded-Proto: https"),
        "proto of another scheme": (b"X-Forwarded-Proto: wss",),
        "proto empty": (b"X-Forwarded-Proto:",),
        "host": (b"X-Forwarded-Host: second.test",),
        "host in lower case": (b"x-forwarded-host: second.test",),
        "host twice": (b"X-Forwarded-Host: second.test", b"X-Forwarded-Host: second.test"),
        "host that is none": (b"X-Forwarded-Host: u@a b/\xff",),
        "host empty": (b"X-Forwarded-Host:",),
        "both nominated": (
            b"X-Forwarded-Proto: https",
            b"X-Forwarded-Host: second.test",
            b"Connection: x-forwarded-proto, x-forwarded-host",
        ),
    }.items():
        yield Row(f"FWD-05 {name}", request(*lines) + BEHIND, there, choice=True)
    for name, field in {
        "proto": b"X_Forwarded_Proto: https",
        "host": b"X_Forwarded_Host: second.test",
    }.items():
        raw = field.partition(b":")[0]
        hidden = forwarded(Sent(fields=sent, service="origin", absent=(raw,)))
        yield Row(f"FWD-05 {name} with underscores", request(field), hidden, choice=True)
        yield Row(f"FWD-05 {name} with underscores, kept", request(field), hidden, profile="keeping")
    as_written = forwarded(
        Sent(fields={b"x-forwarded-host": b"Example.Test:8080", b"host": b"Example.Test:8080"})
    )
    send = request(host=b"Host: Example.Test:8080")
    yield Row("FWD-05 host as the client wrote it", send, as_written, choice=True)
    send = request(b"X-Forwarded-Host: example.test", target=b"http://second.test/RUN00000")
    of_target = forwarded(Sent(fields={b"x-forwarded-host": b"second.test"}, service="second"))
    yield Row("FWD-05 host of an absolute target", send, of_target, choice=True)

"""PTH-16: one host for every decision. That of a request for `second.test` shows in the service that gets it."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Expectation, Row, Sent, declined, forwarded
from tests.wire.rows.parts import PATH, request


SAME: Final[Mapping[str, bytes]] = {
    "plain": b"second.test",
    "upper case": b"SECOND.TEST",
    "mixed case": b"Second.tEst",
    "final dot": b"second.test.",
    "final dot in upper case": b"SECOND.TEST.",
    "port": b"second.test:80",
    "another port": b"second.test:8080",
    "the largest port": b"second.test:65535",
    "port nought": b"second.test:0",
    "final dot and port": b"second.test.:80",
    "final dot, port, upper case": b"SECOND.test.:443",
}

OTHER: Final[Mapping[str, bytes]] = {
    "letter more": b"second.testx",
    "letter before": b"xsecond.test",
    "letter less": b"second.tes",
    "label before": b"www.second.test",
    "label behind": b"second.test.evil",
    "label alone": b"second",
    "dash for the dot": b"second-test",
    "underscore for the dot": b"second_test",
    "no dot": b"secondtest",
    "punycode": b"xn--second-9x.test",
    "punycode of a look-alike": b"xn--secnd-dve.test",
    "digits": b"sec0nd.test",
    "loopback": b"127.0.0.1",
    "loopback of six": b"[::1]",
    "mapped": b"[::ffff:127.0.0.1]",
    "any address": b"0.0.0.0",
    "localhost": b"localhost",
    "metadata": b"169.254.169.254",
    "decimal address": b"2130706433",
    "hexadecimal address": b"0x7f.1",
    "long": b".".join([b"a" * 60] * 4),
}

BAD: Final[Mapping[str, tuple[bytes, bool]]] = {
    # the second: whether RFC 3986 has such a host
    "user": (b"u@second.test", False),
    "user that is another host": (b"example.test@second.test", False),
    "another host behind an at": (b"second.test@example.test", False),
    "user and password": (b"u:p@second.test", False),
    "two": (b"second.test,example.test", True),
    "two with a blank": (b"second.test, example.test", False),
    "two by a blank": (b"second.test example.test", False),
    "path": (b"second.test/", False),
    "path and more": (b"second.test/x", False),
    "query": (b"second.test?x", False),
    "fragment": (b"second.test#x", False),
    "fragment and another host": (b"example.test#.second.test", False),
    "backslash": (b"second.test\\.example.test", False),
    "encoded dot": (b"second%2etest", True),
    "encoded letter": (b"%73econd.test", True),
    "encoded nul": (b"second.test%00", True),
    "encoded nul and another host": (b"second.test%00.example.test", True),
    "two final dots": (b"second.test..", True),
    "empty label": (b"second..test", True),
    "dot before": (b".second.test", True),
    "dot alone": (b".", True),
    "no port": (b"second.test:x", False),
    "port too large": (b"second.test:65536", False),
    "port negative": (b"second.test:-80", False),
    "port and a blank": (b"second.test :80", False),
    "port and a path": (b"second.test:80/x", False),
    "port and a user": (b"second.test:80@example.test", False),
    "two ports": (b"second.test:80:80", False),
    "scheme": (b"http://second.test", False),
    "fullwidth": ("\uff53econd.test".encode(), False),
    "cyrillic": ("s\u0435cond.test".encode(), False),
    "fullwidth dot": ("second\uff0etest".encode(), False),
    "ideographic dot": ("second\u3002test".encode(), False),
    "long s": ("\u017fecond.test".encode(), False),
    "soft hyphen": ("sec\u00adond.test".encode(), False),
    "zero width": ("second\u200b.test".encode(), False),
    "no-break space behind": (b"second.test\xa0", False),
    "latin-1": (b"s\xe9cond.test", False),
    "quoted": (b'"second.test"', False),
    "brackets": (b"[second.test]", False),
    "dash before": (b"-second.test", True),
    "dash behind": (b"second-.test", True),
    "bracket open": (b"[::1", False),
    "brackets round four": (b"[127.0.0.1]", False),
    "zone": (b"[fe80::1%25lo]", False),
    "star": (b"*.test", True),
    "label of 64": (b"a" * 64 + b".test", True),
    "nothing but dots and dashes": (b"-.-", True),
}


def rows() -> Iterator[Row]:
    """PTH-16."""
    for name, host in SAME.items():
        line = b"Host: " + host
        second = forwarded(Sent(target=PATH, service="second"))
        yield Row(f"PTH-16 {name}", request(host=line), second)
        absolute = request(host=b"Host: example.test", target=b"http://" + host + PATH)
        yield Row(f"PTH-16 {name} in an absolute target", absolute, second)
        old = forwarded(Sent(target=PATH, service="second"), closes=True)
        yield Row(f"PTH-16 {name} in 1.0", request(host=line, version=b"HTTP/1.0"), old)
        believed = request(b"X-Forwarded-Host: " + host)
        yield Row(f"PTH-16 {name} of a trusted peer", believed, second, profile="trusting")
    for name, host in OTHER.items():
        elsewhere = forwarded(Sent(target=PATH, service="origin"))
        yield Row(f"PTH-16 other, {name}", request(host=b"Host: " + host), elsewhere)
    for name, (host, choice) in BAD.items():
        yield Row(f"PTH-16 bad, {name}", request(host=b"Host: " + host), declined(400), choice=choice)
        if b" " not in host and b"\xa0" not in host and not host.startswith(b"http") and b"/" not in host:
            absolute = request(target=b"http://" + host + PATH)
            expect: Expectation | tuple[Expectation, ...] = declined(400)
            if b"?" in host:
                # there it is the end of the authority
                query = forwarded(Sent(target=b"/" + host[host.index(b"?") :] + PATH, service="second"))
                expect = (declined(400), query)
            yield Row(f"PTH-16 bad, {name} in an absolute target", absolute, expect, choice=choice)
    for name, line in {
        "lower case": b"host: second.test",
        "upper case": b"HOST: second.test",
        "no blank": b"Host:second.test",
        "tabs": b"Host:\tsecond.test\t",
        "blanks": b"Host:   second.test   ",
    }.items():
        second = forwarded(Sent(target=PATH, service="second", fields={b"host": b"second.test"}))
        yield Row(f"PTH-16 field in {name}", request(host=line), second)
    for name, lines in {
        "x-forwarded-host": b"X-Forwarded-Host: second.test",
        "x-forwarded-server": b"X-Forwarded-Server: second.test",
        "forwarded": b"Forwarded: host=second.test",
        "underscore": b"Host_: second.test",
    }.items():
        elsewhere = forwarded(Sent(target=PATH, service="origin", fields={b"host": b"example.test"}))
        yield Row(f"PTH-16 not by {name}", request(lines), elsewhere)

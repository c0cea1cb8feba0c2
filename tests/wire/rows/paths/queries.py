"""PTH-14: a query goes on byte for byte."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from tests.wire.row import Expectation, Row, declined
from tests.wire.rows.parts import request
from tests.wire.rows.paths.parts import NAMED, asked, leads, verbatim


QUERIES: Final[Mapping[str, bytes]] = {
    "nothing behind the mark": b"?",
    "two marks": b"??",
    "three marks": b"???",
    "mark and ampersand": b"?&",
    "ampersands": b"?&&a=b&&",
    "equals": b"?=",
    "equals twice": b"?a==b",
    "no value": b"?a",
    "an empty value": b"?a=",
    "an empty name": b"?=b",
    "the same twice": b"?a=1&a=2",
    "the same, one encoded": b"?a=1&%61=2",
    "order": b"?z=1&a=2&m=3",
    "encoded slash": b"?a=%2f",
    "encoded slash in upper case": b"?a=%2F",
    "raw slash": b"?a=/b//c/",
    "dots": b"?a=/../b/./c",
    "dots alone": b"?..",
    "encoded dots": b"?a=%2e%2e%2f",
    "plus": b"?a=b+c",
    "encoded plus": b"?a=b%2bc",
    "encoded blank": b"?a=b%20c",
    "ampersand encoded": b"?a=b%26c",
    "semicolons": b"?a;b=1;c",
    "percent encoded": b"?a=%25",
    "encoded twice": b"?a=%252f",
    "escapes in both cases": b"?a=%e2%82%AC",
    "unreserved escapes": b"?%61%2D%2e%5F%7E=1",
    "mark inside": b"?a=b?c=d",
    "address": b"?u=http://second.test/x",
    "encoded address": b"?u=http%3A%2F%2Fsecond.test%2Fx",
    "two slashes": b"?//second.test",
    "at": b"?a@b",
    "colon": b"?a:b",
    "every sub-delimiter": b"?!$&'()*+,;=:@/?-._~",
    "brackets": b"?a[]=1&a[b]=2",
    "encoded brackets": b"?a%5B%5D=1",
    "json": b"?q={%22a%22:1}",
    "encoded line end": b"?a=%0d%0aX-Injected:%201",
    "encoded nul": b"?a=%00",
    "encoded hash": b"?a=%23b",
    "encoded utf-8": b"?a=%c3%a9",
    "encoded latin-1": b"?a=%e9",
    "encoded overlong": b"?a=%c0%af",
    "7 KB": b"?a=" + b"b" * 7000,
    "a thousand parameters": b"?" + b"&".join(b"k%d=%d" % (at, at) for at in range(600)),
    "template": b"?a={{7*7}}&b=${x}",
    "apostrophes": b"?a='1'--",
    "a version": b"?HTTP/1.1",
    "a token": b"?token=secret&access_token=x",
}

MALFORMED: Final[Mapping[str, bytes]] = {
    # escapes that are none mean something to services, and nothing to a gateway
    "percent": b"?a=%",
    "percent and a letter": b"?a=%zz",
    "half an escape": b"?a=%2",
    "percent percent": b"?a=%%41",
    "of letters": b"?a=%u0041",
    "backslash": b"?a=\\b",
    "quotes": b'?a="b"',
    "angles": b"?a=<b>",
    "caret and bar": b"?a=^|b",
    "backquotes": b"?a=`b`",
}


def rows() -> Iterator[Row]:
    """PTH-14."""
    for name, query in QUERIES.items():
        yield verbatim(f"PTH-14 {name}", b"/RUN00000" + query)
    for name in (
        "nothing behind the mark",
        "two marks",
        "encoded slash",
        "dots",
        "mark inside",
        "unreserved escapes",
    ):
        query = QUERIES[name]
        yield verbatim(f"PTH-14 {name}, behind a slash", b"/RUN00000/" + query)
        dots = b"/RUN00000/../named/x" + query
        yield asked(f"PTH-14 {name}, behind dots", dots, leads("named", b"/named/x" + query), choice=True)
        encoded = b"/%6eamed/RUN00000" + query
        yield verbatim(f"PTH-14 {name}, behind an escape", encoded, "named")
        absolute = b"http://example.test/RUN00000" + query
        yield asked(f"PTH-14 {name}, in an absolute target", absolute, leads("origin", b"/RUN00000" + query))
        bare = b"http://example.test" + query
        yield asked(f"PTH-14 {name}, behind an authority", bare, leads("origin", b"/" + query))
        yield verbatim(f"PTH-14 {name}, behind the root", b"/" + query)
    for name, query in MALFORMED.items():
        target = b"/RUN00000" + query
        yield asked(f"PTH-14 malformed {name}", target, leads("origin", target), declined(400))
    for method in (b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH"):
        target = b"/RUN00000?a=%2f&b=+&;c"
        send = request(NAMED, target=target, method=method)
        expect = leads("origin", target)
        yield Row(f"PTH-14 {method.decode()}", send, _with_method(expect, method))


def _with_method(expect: Expectation, method: bytes) -> Expectation:
    requests = tuple(attrs.evolve(one, method=method) for one in expect.requests or ())
    return attrs.evolve(expect, requests=requests)

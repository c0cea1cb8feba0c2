"""PTH-01 and PTH-02: dot segments, however they are written and wherever they stand."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Row, declined
from tests.wire.rows.paths.parts import asked, leads, refused_target, verbatim


TWO: Final[Mapping[str, bytes]] = {
    "raw": b"..",
    "encoded": b"%2e%2e",
    "encoded in upper case": b"%2E%2E",
    "encoded in both cases": b"%2e%2E",
    "second encoded": b".%2e",
    "first encoded": b"%2e.",
    "second encoded in upper case": b".%2E",
    "first encoded in upper case": b"%2E.",
}
ONE: Final[Mapping[str, bytes]] = {"raw": b".", "encoded": b"%2e", "encoded in upper case": b"%2E"}

UP: Final[Mapping[str, tuple[bytes, str, bytes]]] = {
    # the target, where {} is two dots; the service, and what it is asked for
    "first": (b"/{}/named/RUN00000", "named", b"/named/RUN00000"),
    "behind a segment": (b"/RUN00000/{}/named/x", "named", b"/named/x"),
    "twice": (b"/RUN00000/x/{}/{}/named/x", "named", b"/named/x"),
    "twice, one each": (b"/RUN00000/{}/x/{}/named/x", "named", b"/named/x"),
    "out of a route": (b"/named/{}/RUN00000", "origin", b"/RUN00000"),
    "out of a route and in": (b"/named/{}/named/RUN00000", "named", b"/named/RUN00000"),
    "inside a route": (b"/named/RUN00000/{}/x", "named", b"/named/x"),
    "last": (b"/named/RUN00000/{}", "named", b"/named/"),
    "last and a slash": (b"/named/RUN00000/{}/", "named", b"/named/"),
    "last, out of a route": (b"/named/x/{}/{}", "origin", b"/"),
    "alone": (b"/{}", "origin", b"/"),
    "alone and a slash": (b"/{}/", "origin", b"/"),
    "beyond the root": (b"/{}/{}/{}/{}/named/RUN00000", "named", b"/named/RUN00000"),
    "before a query": (b"/RUN00000/{}/named/x?a=/{}/b", "named", b"/named/x?a=/{}/b"),
    "last before a query": (b"/named/RUN00000/{}?{}", "named", b"/named/?{}"),
    "in an absolute target": (b"http://example.test/RUN00000/{}/named/x", "named", b"/named/x"),
    "first in an absolute target": (b"http://example.test/{}/named/RUN00000", "named", b"/named/RUN00000"),
}

HERE: Final[Mapping[str, tuple[bytes, str, bytes]]] = {
    "first": (b"/{}/named/RUN00000", "named", b"/named/RUN00000"),
    "middle": (b"/named/{}/RUN00000", "named", b"/named/RUN00000"),
    "several": (b"/{}/{}/named/{}/{}/RUN00000", "named", b"/named/RUN00000"),
    "last": (b"/named/RUN00000/{}", "named", b"/named/RUN00000/"),
    "last and a slash": (b"/named/RUN00000/{}/", "named", b"/named/RUN00000/"),
    "alone": (b"/{}", "origin", b"/"),
    "before two dots": (b"/RUN00000/{}/../named/x", "named", b"/named/x"),
    "behind two dots": (b"/RUN00000/../{}/named/x", "named", b"/named/x"),
    "at the end of a route": (b"/named/{}", "named", b"/named/"),
    "before a query": (b"/named/RUN00000/{}?a=/{}/b", "named", b"/named/RUN00000/?a=/{}/b"),
}

NO_DOTS: Final[Mapping[str, tuple[bytes, str]]] = {
    "three dots": (b"/RUN00000/.../named/x", "origin"),
    "three dots, encoded": (b"/RUN00000/%2e%2e%2e/named/x", "origin"),
    "three dots, mixed": (b"/RUN00000/.%2e./named/x", "origin"),
    "four dots": (b"/RUN00000/..../named/x", "origin"),
    "a letter behind": (b"/RUN00000/..x/named/x", "origin"),
    "a letter before": (b"/RUN00000/x../named/x", "origin"),
    "hidden": (b"/RUN00000/.named/x", "origin"),
    "an encoded blank behind": (b"/RUN00000/..%20/named/x", "origin"),
    "an encoded blank before": (b"/RUN00000/%20../named/x", "origin"),
    "a tilde behind": (b"/RUN00000/..~/named/x", "origin"),
    "encoded twice": (b"/RUN00000/%252e%252e/named/x", "origin"),
    "encoded twice, mixed": (b"/RUN00000/.%252e/named/x", "origin"),
    "encoded thrice": (b"/RUN00000/%25252e%25252e/named/x", "origin"),
    "encoded twice, a nested one": (b"/RUN00000/%25%32%65%25%32%65/named/x", "origin"),
    "fullwidth": (b"/RUN00000/%ef%bc%8e%ef%bc%8e/named/x", "origin"),
    "ideographic": (b"/RUN00000/%e3%80%82%e3%80%82/named/x", "origin"),
    "one dot leader": (b"/RUN00000/%e2%80%a4%e2%80%a4/named/x", "origin"),
    "two dot leader": (b"/RUN00000/%e2%80%a5/named/x", "origin"),
    "three dots inside a route": (b"/named/.../RUN00000", "named"),
    "a comma": (b"/RUN00000/..,/named/x", "origin"),
    "an at": (b"/RUN00000/@../named/x", "origin"),
    "encoded question mark behind": (b"/RUN00000/..%3f/named/x", "origin"),
    "encoded fragment behind": (b"/RUN00000/..%23/named/x", "origin"),
}

BAD: Final[Mapping[str, bytes]] = {
    "overlong dots": b"/RUN00000/%c0%ae%c0%ae/named/x",
    "overlong dots of three bytes": b"/RUN00000/%e0%80%ae%e0%80%ae/named/x",
    "overlong dots of four bytes": b"/RUN00000/%f0%80%80%ae%f0%80%80%ae/named/x",
    "a nul behind": b"/RUN00000/..%00/named/x",
    "a nul between": b"/RUN00000/.%00./named/x",
    "a tab behind": b"/RUN00000/..%09/named/x",
    "a line end behind": b"/RUN00000/..%0d%0a/named/x",
    "an encoded slash around": b"/RUN00000%2f..%2fnamed%2fx",
    "all of it encoded": b"/RUN00000%2f%2e%2e%2fnamed%2fx",
    "a parameter behind": b"/RUN00000/..;a=b/named/x",
    "an encoded semicolon behind": b"/RUN00000/..%3b/named/x",
    "half an escape": b"/RUN00000/.%2/named/x",
    "an escape of letters": b"/RUN00000/%u002e%u002e/named/x",
    "an escape of an escape": b"/RUN00000/%%32%65%%32%65/named/x",
}


def rows() -> Iterator[Row]:
    """PTH-01 and PTH-02."""
    for spelling, dots in TWO.items():
        kind = "PTH-01" if spelling == "raw" else "PTH-02"
        for place, (target, service, path) in UP.items():
            expect = leads(service, path.replace(b"{}", dots))
            # RFC 3986 section 6.2.2.3 has them removed; to refuse them would be as safe
            yield asked(
                f"{kind} two dots {spelling}, {place}", target.replace(b"{}", dots), expect, choice=True
            )
    for spelling, dots in ONE.items():
        kind = "PTH-01" if spelling == "raw" else "PTH-02"
        for place, (target, service, path) in HERE.items():
            expect = leads(service, path.replace(b"{}", dots))
            yield asked(
                f"{kind} one dot {spelling}, {place}", target.replace(b"{}", dots), expect, choice=True
            )
    for name, (target, service) in NO_DOTS.items():
        yield verbatim(f"PTH-02 no dots, {name}", target, service)
    for name, target in BAD.items():
        yield refused_target(f"PTH-02 bad, {name}", target, choice=True)
    deep = b"/RUN00000" + b"/x" * 500 + b"/.." * 501 + b"/named/x"
    yield asked("PTH-01 two dots raw, 501 times", deep, leads("named", b"/named/x"), choice=True)
    away = b"/" + b"../" * 1000 + b"named/RUN00000"
    yield asked(
        "PTH-01 two dots raw, 1000 times beyond the root",
        away,
        leads("named", b"/named/RUN00000"),
        choice=True,
    )
    empty = {
        # of two slashes the second may be one segment or none
        "two slashes before them": (b"/RUN00000//../named/x", b"/RUN00000/named/x"),
        "two slashes behind them": (b"/RUN00000/..//named/x", b"//named/x"),
        "two slashes first": (b"//../named/RUN00000", b"/named/RUN00000"),
        "two slashes round them": (b"/RUN00000//..//named/x", b"/RUN00000//named/x"),
        "three slashes and two of them": (b"/RUN00000///../../named/x", b"/RUN00000/named/x"),
    }
    for name, (target, path) in empty.items():
        merged = leads("named", b"/named/RUN00000" if target.endswith(b"RUN00000") else b"/named/x")
        service = "origin" if path.startswith(b"/RUN00000") else "named"
        yield asked(
            f"PTH-05 {name}, two dots", target, leads(service, path), merged, declined(400), choice=True
        )

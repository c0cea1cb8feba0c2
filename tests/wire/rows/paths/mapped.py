"""PTH-03, PTH-13, PTH-15 and PTH-18: what routes make of a path, and what else they choose by."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Expectation, Row, Sent, declined, forwarded
from tests.wire.rows.parts import request
from tests.wire.rows.paths.parts import NAMED, leads


OPAQUE: Final[Mapping[str, tuple[bytes, bytes]]] = {
    # below /opaque/ an encoded slash is a part of its segment
    "slash": (b"/opaque/a%2fb", b"/opaque/a%2fb"),
    "slash in upper case": (b"/opaque/a%2Fb", b"/opaque/a%2Fb"),
    "backslash": (b"/opaque/a%5cb", b"/opaque/a%5cb"),
    "several": (b"/opaque/%2f%2F%5C", b"/opaque/%2f%2F%5C"),
    "encoded twice": (b"/opaque/a%252fb", b"/opaque/a%252fb"),
    "last": (b"/opaque/a%2f", b"/opaque/a%2f"),
    "beside dots of another segment": (b"/opaque/x/../a%2fb", b"/opaque/a%2fb"),
    "behind three dots": (b"/opaque/...%2fb", b"/opaque/...%2fb"),
    "in a query": (b"/opaque/a?b%2fc", b"/opaque/a?b%2fc"),
}

NOT_OPAQUE: Final[Mapping[str, bytes]] = {
    # to who decodes them these have dot segments, or lead elsewhere
    "dots before": b"/opaque/..%2fnamed/x",
    "dots behind": b"/opaque/a%2f..",
    "dots between": b"/opaque/a%2f..%2f..%2fnamed",
    "encoded dots": b"/opaque/%2e%2e%2fnamed",
    "one dot": b"/opaque/.%2fx",
    "dots and a semicolon": b"/opaque/..;%2fnamed",
    "dots and a backslash": b"/opaque/..%5cnamed",
    "raw backslash": b"/opaque/a\\b",
    "nul": b"/opaque/a%00b",
    "overlong": b"/opaque/a%c0%afb",
    "in the name of the route": b"/opaque%2fx",
    "before the name of the route": b"/%2fopaque/x",
    "out of the route": b"/opaque/../x%2fy",
}

STRIPPED: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "nothing left": (b"/strip", b"/"),
    "a slash left": (b"/strip/", b"/"),
    "a segment": (b"/strip/x", b"/x"),
    "two slashes": (b"/strip//x", b"/x"),
    "three slashes": (b"/strip///x", b"/x"),
    "what looks like a host": (b"/strip//second.test/x", b"/second.test/x"),
    "what looks like an address": (b"/strip/http://second.test/x", b"/http:/second.test/x"),
    "the same again": (b"/strip/strip/x", b"/strip/x"),
    "an encoded letter of it": (b"/%73trip/x", b"/x"),
    "dots inside": (b"/strip/a/../x", b"/x"),
    "dots at the end": (b"/strip/x/..", b"/"),
    "into it by dots": (b"/x/../strip/x", b"/x"),
    "a query": (b"/strip?a=%2f/../b", b"/?a=%2f/../b"),
    "a slash and a query": (b"/strip/?a", b"/?a"),
    "a lone mark": (b"/strip/x?", b"/x?"),
    "a lone mark and nothing left": (b"/strip?", b"/?"),
    "two marks": (b"/strip/x??", b"/x??"),
    "encoded twice": (b"/strip/%252e%252e/x", b"/%252e%252e/x"),
    "an encoded question mark": (b"/strip/a%3Fb", b"/a%3Fb"),
    "an encoded hash": (b"/strip/a%23b", b"/a%23b"),
    "an encoded percent": (b"/strip/a%25b", b"/a%25b"),
    "an encoded semicolon": (b"/strip/a%3Bb", b"/a%3Bb"),
    "utf-8": (b"/strip/%C3%A9", b"/%C3%A9"),
    "a colon": (b"/strip/a:b", b"/a:b"),
    "a slash at the end": (b"/strip/x/", b"/x/"),
}

MOVED: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "nothing left": (b"/moved", b"/base"),
    "a slash left": (b"/moved/", b"/base/"),
    "a segment": (b"/moved/x", b"/base/x"),
    "two slashes": (b"/moved//x", b"/base/x"),
    "what looks like a host": (b"/moved//second.test", b"/base/second.test"),
    "dots": (b"/moved/x/../y", b"/base/y"),
    "a query": (b"/moved/x?a", b"/base/x?a"),
}

CAPTURED: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "plain": (b"/items/a", b"/item/a"),
    "an encoded letter": (b"/items/%61", b"/item/a"),
    "an encoded question mark": (b"/items/a%3Fb", b"/item/a%3Fb"),
    "an encoded hash": (b"/items/a%23b", b"/item/a%23b"),
    "an encoded percent": (b"/items/a%25b", b"/item/a%25b"),
    "encoded dots, twice": (b"/items/%252e%252e", b"/item/%252e%252e"),
    "encoded slash, twice": (b"/items/a%252fb", b"/item/a%252fb"),
    "a blank": (b"/items/a%20b", b"/item/a%20b"),
    "utf-8": (b"/items/%C3%A9", b"/item/%C3%A9"),
    "no utf-8": (b"/items/%FF", b"/item/%FF"),
    "three dots": (b"/items/...", b"/item/..."),
    "a colon": (b"/items/a:b", b"/item/a:b"),
    "an encoded brace": (b"/items/%7Bx%7D", b"/item/%7Bx%7D"),
    "a query": (b"/items/a?b=/../c", b"/item/a?b=/../c"),
}

ELSEWHERE: Final[Mapping[str, bytes]] = {
    # they are near a route, but not on it
    "captured, nothing": b"/items/",
    "captured, two segments": b"/items/a/b",
    "captured, dots": b"/items/x/../../y",
    "number, letters": b"/numbers/1a",
    "number, minus alone": b"/numbers/-",
    "number, fraction": b"/numbers/1.5",
    "number, exponent": b"/numbers/1e3",
    "number, underscore": b"/numbers/1_0",
    "number, hexadecimal": b"/numbers/0x1",
    "number, fullwidth": b"/numbers/%ef%bc%91",
    "number, arabic": b"/numbers/%d9%a1",
    "number, a blank": b"/numbers/%201",
    "exact, a slash more": b"/exact/",
    "exact, deeper": b"/exact/x",
    "exact, a letter more": b"/exactx",
    "exact, upper case": b"/EXACT",
    "prefix, a letter more": b"/apix/x",
    "prefix, an encoded dot": b"/api%2e/x",
    "prefix, an ending": b"/api.json",
    "prefix, deeper": b"/x/api/y",
    "regex, something behind": b"/rx/abc/d",
    "regex, something before": b"/x/rx/abc",
    "regex, a digit": b"/rx/abc1",
    "regex, an encoded line end": b"/rx/abc%20",
    "regex, upper case": b"/rx/ABC",
}

ON: Final[Mapping[str, bytes]] = {
    "number": b"/numbers/12",
    "number, an encoded digit": b"/numbers/%31%32",
    "exact": b"/exact",
    "exact, an encoded letter": b"/e%78act",
    "exact, two slashes": b"//exact",
    "exact, a query": b"/exact?/x",
    "prefix": b"/api",
    "prefix, deeper": b"/api/x",
    "prefix, two slashes": b"/api//x",
    "regex": b"/rx/abc",
    "regex, an encoded letter": b"/rx/a%62c",
}

SIDES: Final[Mapping[str, tuple[bytes, tuple[bytes, ...], bool | None]]] = {
    # path, fields, and whether the route takes it; None: either, or refused, but not one time so and another time so
    "header": (b"/choose/x", (b"X-Side: b",), True),
    "header in another case": (b"/choose/x", (b"x-SIDE: b",), True),
    "header, value in another case": (b"/choose/x", (b"X-Side: B",), False),
    "header, blanks": (b"/choose/x", (b"X-Side: \t b \t",), True),
    "header, more": (b"/choose/x", (b"X-Side: bb",), False),
    "header, list": (b"/choose/x", (b"X-Side: a, b",), False),
    "header, empty": (b"/choose/x", (b"X-Side:",), False),
    "header with an underscore": (b"/choose/x", (b"X_Side: b",), False),
    "header, nominated": (b"/choose/x", (b"X-Side: b", b"Connection: x-side"), False),
    "header twice, the same": (b"/choose/x", (b"X-Side: b", b"X-Side: b"), None),
    "header twice": (b"/choose/x", (b"X-Side: b", b"X-Side: a"), None),
    "header twice, the other way": (b"/choose/x", (b"X-Side: a", b"X-Side: b"), None),
    "header of 8000 bytes": (b"/choose/x", (b"X-Side: " + b"b" * 8000,), False),
    "address spoofed": (b"/far/x", (b"X-Forwarded-For: 203.0.113.7",), False),
    "address spoofed by another field": (b"/far/x", (b"X-Real-IP: 203.0.113.7",), False),
    "address spoofed by a third": (
        b"/far/x",
        (b"Forwarded: for=203.0.113.7", b"True-Client-IP: 203.0.113.7"),
        False,
    ),
    "cookie": (b"/taste/x", (b"Cookie: canary=yes",), True),
    "cookie among others": (b"/taste/x", (b"Cookie: a=b; canary=yes; c=d",), True),
    "cookie in a second field": (b"/taste/x", (b"Cookie: a=b", b"Cookie: canary=yes"), True),
    "cookie, another name": (b"/taste/x", (b"Cookie: xcanary=yes; canaryx=yes; Canary=yes",), False),
    "cookie in a value": (b"/taste/x", (b"Cookie: a=canary=yes",), False),
    "query": (b"/ask/x?side=b", (), True),
    "query, encoded": (b"/ask/x?%73ide=%62", (), True),
    "query among others": (b"/ask/x?a=1&side=b&c", (), True),
    "query, another name": (b"/ask/x?xside=b&sidex=b&Side=b", (), False),
    "query, encoded twice": (b"/ask/x?%2573ide=b", (), False),
    "query twice": (b"/ask/x?side=a&side=b", (), None),
}


def rows() -> Iterator[Row]:
    """All of them, with the configuration that has these routes."""
    for name, (target, path) in OPAQUE.items():
        yield _asked(f"PTH-03 kept {name}", target, leads("second", path))
    for name, target in NOT_OPAQUE.items():
        yield _asked(f"PTH-03 not kept, {name}", target, declined(400))
    for name, (target, path) in STRIPPED.items():
        yield _asked(f"PTH-15 stripped, {name}", target, leads("second", path))
    for name, (target, path) in MOVED.items():
        yield _asked(f"PTH-15 moved, {name}", target, leads("second", path))
    for name, (target, path) in CAPTURED.items():
        yield _asked(f"PTH-15 captured, {name}", target, leads("second", path))
    for name, target in {
        "stripped": b"/strip/a%2fb",
        "stripped, behind dots": b"/strip/..%2fnamed",
        "captured": b"/items/a%2fb",
        "captured, dots": b"/items/..%2f..%2fx",
        "stripped, semicolon": b"/strip/..;/x",
        "captured, nul": b"/items/a%00",
    }.items():
        yield _asked(f"PTH-15 refused, {name}", target, declined(400))
    for name, target in {"dots": b"/strip/../named/x", "encoded dots": b"/strip/%2e%2e/named/x"}.items():
        yield _asked(f"PTH-15 out of it by {name}", target, leads("named", b"/named/x"))
    for name, target in ELSEWHERE.items():
        path = b"/y" if b".." in target else target
        yield _asked(f"PTH-13 not {name}", target, leads("origin", path))
    for name, target in ON.items():
        yield _asked(f"PTH-13 {name}", target, leads("second", target))
    for name, (target, fields, takes) in SIDES.items():
        yield _side(name, target, fields, takes)


def _asked(name: str, target: bytes, expect: Expectation) -> Row:
    return Row(name, request(NAMED, target=target), expect, profile="mapped")


def _side(name: str, target: bytes, fields: tuple[bytes, ...], takes: bool | None) -> Row:
    # twice: what is decided once is decided so again
    send = request(NAMED, *fields, target=target) * 2
    both = {
        service: forwarded(*(Sent(target=target, service=service),) * 2) for service in ("second", "origin")
    }
    if takes is None:
        return Row(f"PTH-18 {name}", send, (*both.values(), declined(400)), profile="mapped")
    return Row(f"PTH-18 {name}", send, both["second" if takes else "origin"], profile="mapped")

"""PTH-04 and PTH-09 to PTH-12: bytes that no path has, escapes that are none, and those that mean what they stand for."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Row, declined
from tests.wire.rows.paths.parts import asked, leads, refused_target, verbatim


CONTROLS: Final = (*range(0x20), 0x7F)
RAW_CONTROLS: Final = tuple(byte for byte in CONTROLS if byte not in b"\r\n")

FRAGMENTS: Final[Mapping[str, bytes]] = {
    "behind a path": b"/RUN00000#x",
    "before dots": b"/RUN00000#/../named/x",
    "inside a route": b"/named#/RUN00000",
    "behind a route": b"/named/RUN00000#",
    "alone": b"/#RUN00000",
    "first": b"#/RUN00000",
    "behind a query": b"/RUN00000?a=b#c",
    "before a query": b"/RUN00000#a?b",
    "at the end of a query": b"/RUN00000?a=b#",
    "twice": b"/RUN00000##",
    "in an absolute target": b"http://example.test/RUN00000#x",
    "behind an authority": b"http://example.test#@second.test/RUN00000",
}

MALFORMED: Final[Mapping[str, bytes]] = {
    "percent at the end": b"/RUN00000/%",
    "percent alone in a segment": b"/%/RUN00000",
    "one digit at the end": b"/RUN00000/%2",
    "one digit": b"/RUN00000/%2/x",
    "letters": b"/RUN00000/%zz",
    "second no digit": b"/RUN00000/%2g",
    "first no digit": b"/RUN00000/%g2",
    "nested": b"/RUN00000/%%36%36",
    "percent percent": b"/RUN00000/%%",
    "percent percent and digits": b"/RUN00000/%%41",
    "unicode": b"/RUN00000/%u0041",
    "plus": b"/RUN00000/%+1",
    "minus": b"/RUN00000/%-1",
    "prefix": b"/RUN00000/%0x41",
    "dot": b"/RUN00000/%.1",
    "percent before a query": b"/RUN00000/%?a",
    "one digit before a query": b"/RUN00000/%2?f",
    "digits apart": b"/RUN00000/%6/1",
    "of a route": b"/%6eame%/RUN00000",
}

OPAQUE: Final[Mapping[str, bytes]] = {
    # the bytes of these are nobody's business but the service's
    "fullwidth letters": b"/%ef%bd%8e%ef%bd%81%ef%bd%8d%ef%bd%85%ef%bd%84/RUN00000",
    "right-to-left": b"/RUN00000/%e2%80%aedeman",
    "composed": b"/RUN00000/caf%c3%a9",
    "decomposed": b"/RUN00000/cafe%cc%81",
    "zero width": b"/na%e2%80%8bmed/RUN00000",
    "byte order mark": b"/%ef%bb%bfnamed/RUN00000",
    "kelvin sign": b"/%e2%84%aa/RUN00000",
    "long s": b"/%c5%bf/RUN00000",
    "dotless i": b"/%c4%b1/RUN00000",
    "emoji": b"/RUN00000/%f0%9f%98%80",
    "soft hyphen": b"/na%c2%admed/RUN00000",
    "no-break space": b"/named%c2%a0/RUN00000",
    "next line": b"/RUN00000/%c2%85",
    "line separator": b"/RUN00000/%e2%80%a8",
    "hash": b"/named%23/RUN00000",
    "question mark": b"/named%3f/RUN00000",
    "blank": b"/named%20/RUN00000",
    "blank before it": b"/%20named/RUN00000",
    "percent": b"/named%25/RUN00000",
    "quote": b"/RUN00000/%22%27%60",
    "angles": b"/RUN00000/%3cscript%3e",
    "colon": b"/named%3a/RUN00000",
    "ampersand": b"/RUN00000/a%26b",
    "plus": b"/RUN00000/a+b%2b",
    "star": b"/RUN00000/*",
    "at": b"/@RUN00000/x",
    "every sub-delimiter": b"/RUN00000/!$&'()*+,=:@-._~",
    "escapes in lower case": b"/RUN00000/%e2%82%ac%5b%7b",
    "escapes in upper case": b"/RUN00000/%E2%82%AC%5B%7B",
}

INVALID: Final[Mapping[str, bytes]] = {
    # no UTF-8: opaque, or refused; never read as something else
    "ff": b"/RUN00000/%ff",
    "fe ff": b"/RUN00000/%fe%ff",
    "continuation alone": b"/RUN00000/%80",
    "cut": b"/RUN00000/%e2%82",
    "cut before a slash": b"/RUN00000/%e2/named/x",
    "surrogate": b"/RUN00000/%ed%a0%80",
    "beyond the last": b"/RUN00000/%f4%90%80%80",
    "five bytes": b"/RUN00000/%f8%88%80%80%80",
    "latin-1": b"/RUN00000/caf%e9",
    "first of two before a dot": b"/RUN00000/%c2./named/x",
    "in a route": b"/named%ff/RUN00000",
}

OVERLONG: Final[Mapping[str, bytes]] = {
    "slash": b"/RUN00000/%c0%af",
    "slash of three": b"/RUN00000/%e0%80%af",
    "slash of four": b"/RUN00000/%f0%80%80%af",
    "dot": b"/RUN00000/%c0%ae",
    "nul": b"/RUN00000/%c0%80",
    "letter": b"/%c1%aeamed/RUN00000",
    "letter of three": b"/%e0%81%aeamed/RUN00000",
    "percent": b"/RUN00000/%c0%a52f",
    "backslash": b"/RUN00000/%c1%9c",
}

SAME: Final[Mapping[str, bytes]] = {
    "first letter": b"/%6eamed/RUN00000",
    "first letter in upper case": b"/%6Eamed/RUN00000",
    "middle letter": b"/na%6ded/RUN00000",
    "last letter": b"/name%64/RUN00000",
    "every letter": b"/%6e%61%6d%65%64/RUN00000",
    "every letter, behind two slashes": b"//%6e%61%6d%65%64//RUN00000",
    "unreserved below it": b"/named/%52UN00000?RUN00000",
    "every unreserved sign": b"/named/RUN00000/%2d%2e%5f%7e%30%39%41%5a%61%7a",
}

OTHER: Final[Mapping[str, bytes]] = {
    # near the name of the route, but not the name
    "upper case": b"/NAMED/RUN00000",
    "capital": b"/Named/RUN00000",
    "encoded capital": b"/%4eamed/RUN00000",
    "encoded twice": b"/%256eamed/RUN00000",
    "encoded thrice": b"/%25256eamed/RUN00000",
    "letter more": b"/namedx/RUN00000",
    "encoded letter more": b"/named%78/RUN00000",
    "letter less": b"/name/RUN00000",
    "dot": b"/named./RUN00000",
    "encoded dot": b"/named%2e/RUN00000",
    "two dots": b"/named../RUN00000",
    "dot before it": b"/.named/RUN00000",
    "ending": b"/named.json/RUN00000",
    "dash": b"/named-/RUN00000",
    "underscore": b"/named_/RUN00000",
    "tilde": b"/named~/RUN00000",
    "comma": b"/named,/RUN00000",
    "star": b"/named*/RUN00000",
    "deeper": b"/RUN00000/named/x",
    "stream": b"/named::$DATA/RUN00000",
    "short name": b"/NAMED~1/RUN00000",
}

ODD: Final[Mapping[str, bytes]] = {
    # RFC 3986 has none of these unescaped
    "double quote": b'"',
    "less": b"<",
    "greater": b">",
    "caret": b"^",
    "backquote": b"`",
    "brace": b"{",
    "bar": b"|",
    "shut brace": b"}",
    "bracket": b"[",
    "shut bracket": b"]",
}


def rows() -> Iterator[Row]:
    """PTH-04 and PTH-07 to PTH-13."""
    for byte in CONTROLS:
        # RFC 3986 would let them pass, but for programs that end a string there, or a line of a log
        target = b"/named/RUN00000%%%02x" % byte
        yield refused_target(f"PTH-04 encoded 0x{byte:02x}", target, choice=True)
    for place, target in {
        "nul first": b"/%00RUN00000",
        "nul inside a route": b"/named%00/RUN00000",
        "nul before an ending": b"/named/RUN00000%00.html",
        "nul alone": b"/%00?RUN00000",
        "line end": b"/RUN00000%0d%0aX-Injected:%201",
        "line end in upper case": b"/RUN00000%0D%0AX-Injected:%201",
        "line end behind a version": b"/RUN00000%20HTTP/1.1%0d%0aHost:%20second.test",
        "escape sequence": b"/RUN00000%1b[31m",
    }.items():
        yield refused_target(f"PTH-04 encoded {place}", target, choice=True)
    for byte in RAW_CONTROLS:
        yield refused_target(f"PTH-04 raw 0x{byte:02x}", b"/RUN00000/a%cb" % byte)
        yield refused_target(f"PTH-04 raw 0x{byte:02x} in a query", b"/RUN00000?a%cb" % byte)
    for name, raw in {"latin-1": b"\xe9", "utf-8": "\u00e9".encode(), "ff": b"\xff", "0x80": b"\x80"}.items():
        yield refused_target(f"PTH-10 raw {name}", b"/RUN00000/" + raw, choice=True)
        yield refused_target(f"PTH-10 raw {name} in a route", b"/named" + raw + b"/RUN00000", choice=True)
        yield refused_target(f"PTH-10 raw {name} in a query", b"/RUN00000?a=" + raw, choice=True)
    for name, target in FRAGMENTS.items():
        yield refused_target(f"PTH-09 {name}", target)
    for name, target in MALFORMED.items():
        yield refused_target(f"PTH-11 {name}", target)
    for name, target in OPAQUE.items():
        yield verbatim(f"PTH-10 {name}", target)
    for name, target in INVALID.items():
        yield asked(f"PTH-10 invalid {name}", target, leads("origin", target), declined(400))
    for name, target in OVERLONG.items():
        yield refused_target(f"PTH-10 overlong {name}", target, choice=True)
    for name, target in SAME.items():
        yield verbatim(f"PTH-12 {name}", target, "named")
    for name, target in OTHER.items():
        kind = "PTH-07" if "case" in name or "apital" in name else "PTH-13"
        yield verbatim(f"{kind} {name}", target)
    for name, raw in ODD.items():
        for place, target in {"in a path": b"/RUN00000/a" + raw, "in a query": b"/RUN00000?a" + raw}.items():
            yield asked(f"PTH-14 {name} {place}", target, leads("origin", target), declined(400))
    yield from _ends()


def _ends() -> Iterator[Row]:
    for name, target in {
        "nothing behind it": b"/named",
        "a slash behind it": b"/named/",
        "a query behind it": b"/named?RUN00000",
        "a slash and a query behind it": b"/named/?RUN00000",
        "the name of the run": b"/named/RUN00000",
        "the name of the run and a slash": b"/named/RUN00000/",
        "an encoded blank below it": b"/named/%20",
    }.items():
        yield verbatim(f"PTH-08 {name}", target, "named")
    for name, (target, path) in {
        "a dot and a slash": (b"/named/./", b"/named/"),
        "two dots down again": (b"/named/../named", b"/named"),
        "a dot before a query": (b"/named/.?a", b"/named/?a"),
    }.items():
        yield asked(f"PTH-08 {name}", target, leads("named", path), choice=True)

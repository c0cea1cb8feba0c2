"""PTH-03 and PTH-05: slashes that are encoded, that lean the other way, or that have nothing between them."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Row, declined
from tests.wire.rows.paths.parts import asked, leads, refused_target, verbatim


SLASHES: Final[Mapping[str, bytes]] = {
    "encoded": b"%2f",
    "encoded in upper case": b"%2F",
    "encoded backslash": b"%5c",
    "encoded backslash in upper case": b"%5C",
    "backslash": b"\\",
}

PLACES: Final[Mapping[str, bytes]] = {
    "first": b"/{}RUN00000",
    "first of all": b"{}RUN00000",
    "middle": b"/RUN00000/a{}b",
    "before a route": b"/RUN00000{}..{}named/x",
    "as the first of a route": b"/{}named/RUN00000",
    "as the last of a route": b"/named{}RUN00000",
    "last": b"/RUN00000{}",
    "last of a route": b"/named/RUN00000{}",
    "twice": b"/RUN00000/{}{}",
    "alone in a segment": b"/RUN00000/{}/named/x",
    "behind two dots": b"/RUN00000/..{}named/x",
    "behind encoded dots": b"/RUN00000/%2e%2e{}named/x",
    "before two dots": b"/RUN00000/x{}../named/x",
    "before a query": b"/RUN00000{}?a",
    "in an absolute target": b"http://example.test/RUN00000{}x",
    "that would be another host": b"/{}second.test/RUN00000",
}

TWICE: Final[Mapping[str, bytes]] = {
    # to the one reader they are bytes of a segment, and to any other as well
    "slash encoded twice": b"/RUN00000%252fnamed/x",
    "slash encoded thrice": b"/RUN00000%25252fnamed/x",
    "backslash encoded twice": b"/RUN00000%255cnamed/x",
    "slash encoded twice in upper case": b"/RUN00000%252Fnamed/x",
    "slash encoded twice behind dots": b"/RUN00000/..%252fnamed/x",
    "fullwidth slash": b"/RUN00000%ef%bc%8fnamed/x",
    "division slash": b"/RUN00000%e2%88%95named/x",
    "fraction slash": b"/RUN00000%e2%81%84named/x",
    "fullwidth backslash": b"/RUN00000%ef%bc%bcnamed/x",
    "yen": b"/RUN00000%c2%a5named/x",
    "colon": b"/RUN00000:named/x",
    "bar": b"/RUN00000%7cnamed/x",
}

BAD: Final[Mapping[str, bytes]] = {
    "overlong slash": b"/RUN00000%c0%afnamed/x",
    "overlong slash in upper case": b"/RUN00000%C0%AFnamed/x",
    "overlong slash of three bytes": b"/RUN00000%e0%80%afnamed/x",
    "overlong slash of four bytes": b"/RUN00000%f0%80%80%afnamed/x",
    "overlong backslash": b"/RUN00000%c1%9cnamed/x",
    "overlong by its second byte": b"/RUN00000%c0%2fnamed/x",
    "of letters": b"/RUN00000%u2215named/x",
    "half of one": b"/RUN00000%2",
    "half of one before a slash": b"/RUN00000%2/named/x",
    "a nested one": b"/RUN00000%%32%66named/x",
    "backslashes for slashes": b"\\RUN00000\\named",
}

EMPTY: Final[Mapping[str, tuple[bytes, str]]] = {
    "first": (b"//RUN00000", "origin"),
    "first, four": (b"////RUN00000", "origin"),
    "before a route": (b"//named/RUN00000", "named"),
    "before a route, three": (b"///named/RUN00000", "named"),
    "inside a route": (b"/named//RUN00000", "named"),
    "inside a route, five": (b"/named/////RUN00000", "named"),
    "behind": (b"/named/RUN00000//", "named"),
    "behind a route": (b"/named//", "named"),
    "before an encoded route": (b"//%6eamed/RUN00000", "named"),
    "everywhere": (b"//named//RUN00000//x//", "named"),
    "elsewhere": (b"/RUN00000//named/x", "origin"),
    "before a query": (b"//named//RUN00000?a=//b", "named"),
    "that look like a host": (b"//second.test/RUN00000", "origin"),
    "that look like a host with a port": (b"//second.test:80/RUN00000", "origin"),
    "that look like an address": (b"//127.0.0.1:1/RUN00000", "origin"),
    "alone, two": (b"//", "origin"),
    "alone, three": (b"///", "origin"),
    "a thousand": (b"/" * 1000 + b"named/RUN00000", "named"),
    "in an absolute target": (b"http://example.test//named/RUN00000", "named"),
    "in an address in the path": (b"/http://second.test/RUN00000", "origin"),
}


def rows() -> Iterator[Row]:
    """PTH-03 and PTH-05."""
    for spelling, slash in SLASHES.items():
        for place, target in PLACES.items():
            name = f"PTH-03 {spelling}, {place}"
            # RFC 3986 section 2.2 has the encoded one as a part of a segment; a raw backslash is no part of a path
            yield refused_target(name, target.replace(b"{}", slash), choice=slash != b"\\")
    for name, target in TWICE.items():
        yield verbatim(f"PTH-03 no slash, {name}", target)
    for name, target in BAD.items():
        yield refused_target(f"PTH-03 bad, {name}", target, choice="overlong" in name)
    for name, (target, service) in EMPTY.items():
        # merged for the decision; what goes on may be merged or not, but is what was decided on
        sent = target.removeprefix(b"http://example.test")
        path, mark, query = sent.partition(b"?")
        merged = b"/".join(part for at, part in enumerate(path.split(b"/")) if part or at == 0)
        merged = (merged or b"/") + (b"/" if path.endswith(b"/") and merged else b"") + mark + query
        expect = (leads(service, sent), leads(service, merged), declined(400))
        yield asked(f"PTH-05 {name}", target, *expect, choice=True)

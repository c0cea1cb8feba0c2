"""PTH-06 and PTH-17: parameters of segments, and ways to the gateway's own paths."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import SILENCE, Expectation, Row, answered, declined
from tests.wire.rows.parts import request
from tests.wire.rows.paths.parts import NAMED, asked, leads, refused_target, verbatim


HIDING: Final[Mapping[str, bytes]] = {
    # some servers strip parameters before they look for a handler: there these are below the route
    "a parameter": b"/named;x=1/RUN00000",
    "a semicolon": b"/named;/RUN00000",
    "two parameters": b"/named;x=1;y=2/RUN00000",
    "a parameter at its end": b"/named;x=1",
    "a semicolon at its end": b"/named;",
    "a session": b"/named;jsessionid=RUN00000/x",
    "a parameter behind two slashes": b"//named;x=1/RUN00000",
    "a parameter and escapes": b"/%6eamed;x=1/RUN00000",
    "a parameter with an ending": b"/named;.css/RUN00000",
    "a parameter that holds an escape": b"/named;x=%41/RUN00000",
    "a parameter before a query": b"/named;x=1?RUN00000",
}

HARMLESS: Final[Mapping[str, tuple[bytes, str]]] = {
    "below the route": (b"/named/RUN00000;x=1", "named"),
    "below the route and a slash": (b"/named/RUN00000;x=1/", "named"),
    "below the route, alone": (b"/named/;RUN00000", "named"),
    "elsewhere": (b"/RUN00000;v=1/x", "origin"),
    "elsewhere with commas": (b"/RUN00000;v=1,2,3/x", "origin"),
    "encoded": (b"/named/RUN00000%3bx=1", "named"),
    "in a query": (b"/named/RUN00000?a;b=1", "named"),
    "semicolons in a row": (b"/RUN00000/a;;;", "origin"),
}

DOTS: Final[Mapping[str, bytes]] = {
    "two dots and a semicolon": b"/RUN00000/..;/named/x",
    "two dots and a parameter": b"/RUN00000/..;a=1/named/x",
    "one dot and a semicolon": b"/RUN00000/.;/named/x",
    "encoded dots and a semicolon": b"/RUN00000/%2e%2e;/named/x",
    "dots and an encoded semicolon": b"/RUN00000/..%3B/named/x",
    "half encoded dots and a semicolon": b"/RUN00000/.%2E;/named/x",
    "two dots and a semicolon first": b"/..;/named/RUN00000",
    "two dots and a semicolon last": b"/named/RUN00000/..;",
    "two dots and a semicolon out of a route": b"/named/..;/RUN00000",
    "an empty segment with a semicolon": b"/;/named/RUN00000",
    "an empty segment with a parameter": b"/;x=1/named/RUN00000",
    "an empty segment with an encoded semicolon": b"/%3b/named/RUN00000",
    "an empty segment inside": b"/RUN00000/;/x",
    "twice": b"/RUN00000/x/..;/..;/named/x",
    "many": b"/RUN00000/..;;;;/named/x",
}

HEALTH: Final[Mapping[str, bytes]] = {
    # one path for every decision: that of the health, too
    "plain": b"/healthz",
    "query": b"/healthz?RUN00000",
    "two slashes": b"//healthz",
    "dots": b"/RUN00000/../healthz",
    "encoded dots": b"/RUN00000/%2e%2e/healthz",
    "one dot": b"/./healthz",
    "encoded letter": b"/%68ealthz",
    "absolute": b"http://second.test/healthz",
}

NO_HEALTH: Final[Mapping[str, bytes]] = {
    "slash behind": b"/healthz/",
    "deeper": b"/healthz/RUN00000",
    "longer": b"/healthzx",
    "upper case": b"/HEALTHZ",
    "parameter": b"/healthz;x=1",
    "encoded twice": b"/%2568ealthz",
    "dot behind": b"/healthz.",
    "in a query": b"/RUN00000?/healthz",
    "deeper than the root": b"/RUN00000/healthz",
}

FILES: Final[Mapping[str, bytes]] = {
    "encoded slashes": b"/RUN00000/..%2f..%2f..%2fetc/passwd",
    "encoded backslashes": b"/RUN00000/..%5c..%5cwindows/win.ini",
    "backslashes": b"/RUN00000/..\\..\\windows\\win.ini",
    "nul": b"/RUN00000/..%00/etc/passwd",
    "overlong": b"/RUN00000/%c0%ae%c0%ae/etc/passwd",
    "semicolons": b"/RUN00000/..;/..;/etc/passwd",
}


def rows() -> Iterator[Row]:
    """PTH-06 and PTH-17."""
    for name, target in HIDING.items():
        # decided without the parameters, or refused; never past the route
        yield asked(f"PTH-06 {name}", target, leads("named", target), declined(400), choice=True)
    for name, (target, service) in HARMLESS.items():
        yield asked(f"PTH-06 {name}", target, leads(service, target), declined(400))
    for name, target in DOTS.items():
        yield refused_target(f"PTH-06 {name}", target, choice=True)
    for name, target in HEALTH.items():
        own = Expectation(answers=(answered(200, body=b"ok\n", absent=(b"x-origin",)),), closes=False)
        # SILENCE tells that whatever answers is the gateway itself, in a form of its own
        yield Row(f"PTH-17 health {name}", request(NAMED, target=target), own, replies=SILENCE, choice=True)
    for name, target in NO_HEALTH.items():
        yield verbatim(f"PTH-17 no health, {name}", target)
    for name, target in FILES.items():
        yield refused_target(f"PTH-17 {name}", target, choice=True)
    etc = leads("origin", b"/etc/passwd")
    yield asked("PTH-17 dots", b"/RUN00000/../../../../etc/passwd", etc, choice=True)
    for name, target in {
        "metrics": b"/metrics",
        "admin": b"/admin/config",
        "debug": b"/debug/vars",
        "readiness": b"/readyz",
        "well-known": b"/.well-known/RUN00000",
        "git": b"/.git/config",
    }.items():
        yield verbatim(f"PTH-17 nobody's own, {name}", target)

"""A request that an entry of a routing table takes, for whoever wants to try what comes after.

Where no request is found none is made up: what stands behind a route may rely on all that the route asks for.
"""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import attrs

from gatekeeper.policy.pattern import Chars, Choice, Group, Node, Repeat, Sequence
from gatekeeper.policy.syntax import parse
from gatekeeper.routing import hosts
from gatekeeper.routing.conditions import (
    AddressCondition,
    Condition,
    CookieCondition,
    HeaderCondition,
    ListenerCondition,
    OfValue,
    QueryCondition,
    SchemeCondition,
)
from gatekeeper.routing.entry import Entry
from gatekeeper.routing.matcher import Contains, Exact, Matcher, OneOf, Pattern, Prefix, Suffix
from gatekeeper.routing.pathmatch import Path, Segments
from gatekeeper.routing.template import Capture, PathTemplate


HOST: Final = "localhost"
"""The host of a request that may ask for any."""

_SEGMENTS: Final = {
    "": "1",
    "int": "1",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "slug": "a",
    "date": "2000-01-01",
}
_PLAIN: Final = ("1", "x", "")
"""What is tried where nothing says how a value looks."""
_CHARS: Final = "1x/-"
"""Characters that are taken before others."""


@attrs.frozen(kw_only=True)
class Example:
    """A request without a body. `target` has the query; `headers` are without Host, which is `host`; `address` asks."""

    method: str = "GET"
    target: str = "/"
    host: str = HOST
    headers: tuple[tuple[str, str], ...] = ()
    scheme: str = "http"
    listener: str = ""
    address: str = "127.0.0.1"


def example(entry: Entry[Any], *, host: str = HOST, service: str = "") -> Example | None:
    """A request for the path, the host and the method of an entry, with the values that it asks for.

    `host` is asked for where any will do, `service` stands where the path names one. What plugins and negations ask for
    is not looked at. None where nothing is found.
    """
    path = path_of(entry.path, service)
    values = _Values()
    if path is None or not all(map(values.fulfil, entry.conditions)):
        return None
    methods = entry.methods or {"GET"}
    pattern = host if entry.host == hosts.ANY else entry.host
    return Example(
        method="GET" if "GET" in methods else min(methods),
        target="?".join([path, "&".join(values.query)] if values.query else [path]),
        host=pattern.replace("*", "x"),
        headers=(*values.headers, *([("cookie", "; ".join(values.cookies))] if values.cookies else [])),
        **values.words,
    )


def path_of(path: Path, service: str = "") -> str | None:
    """A path that fits, in its decision form; None where none is found."""
    if isinstance(path, PathTemplate):
        return _filled(path, service)
    for text in _texts(path.matcher):
        for found in (text, f"/{text}"):
            if found.startswith("/") and path.fits(found) is not None:
                return found
    return None


def value_of(matcher: Matcher) -> str | None:
    """A value that fits; None where none is found."""
    return next((text for text in _texts(matcher) if matcher.accepts(text)), None)


def _filled(template: PathTemplate, service: str) -> str | None:
    segments: list[str] = []
    for segment in template.segments:
        found = _segment(segment, service) if isinstance(segment, Capture) else segment
        if found is None:
            return None
        segments.append(found)
    return "/" + "/".join(segments)


def _segment(capture: Capture, service: str) -> str | None:
    if capture.choices is None:
        return _SEGMENTS[capture.type]
    return service if service in capture.choices else min(capture.choices, default=None)


class _Values:
    """What conditions ask for, collected."""

    def __init__(self) -> None:
        self.headers: list[tuple[str, str]] = []
        self.query: list[str] = []
        self.cookies: list[str] = []
        self.words: dict[str, str] = {}

    def fulfil(self, condition: Condition) -> bool:
        """Take in what a condition asks for; False where that is not found."""
        match condition:
            case HeaderCondition() | QueryCondition() | CookieCondition():
                return self._fulfil_value(condition)
            case SchemeCondition() | ListenerCondition():
                self.words[condition.key] = min(condition.accepted)
            case AddressCondition():
                self.words["address"] = str(condition.networks[0].network_address)
        return True

    def _fulfil_value(self, condition: OfValue) -> bool:
        if condition.matcher.accepts(None):
            return True
        value = value_of(condition.matcher)
        if value is None:
            return False
        match condition:
            case HeaderCondition(name=name):
                self.headers.append((name.decode(), value))
            case QueryCondition(name=name):
                self.query.append(f"{quote(name, safe='')}={quote(value, safe='')}")
            case CookieCondition(name=name):
                self.cookies.append(f"{name}={value}")
        return True


def _texts(matcher: Matcher) -> Iterator[str]:
    """Texts that may fit, the likeliest first."""
    match matcher:
        case Exact():
            yield min(matcher.values)
        case Prefix():
            yield matcher.start
        case Suffix():
            yield matcher.end
        case Contains():
            yield matcher.part
        case Pattern():
            tree, _ = parse(matcher.regex.source)
            yield _written(tree)
        case Segments():
            found = _filled(matcher.template, "")
            if found is not None:
                yield found
        case OneOf():
            for inner in matcher.matchers:
                yield from _texts(inner)
    yield from _PLAIN


def _written(node: Node) -> str:
    """A text that a pattern matches; what may be there, is, once."""
    match node:
        case Chars():
            return _char(node.mask)
        case Sequence():
            return "".join(map(_written, node.items))
        case Choice():
            return _written(node.items[0])
        case Repeat():
            times = max(node.least, 1) if node.most is None else max(node.least, min(node.most, 1))
            return _written(node.body) * times
        case Group():
            return _written(node.body)


def _char(mask: int) -> str:
    usual = (char for char in _CHARS if mask >> ord(char) & 1)
    return next(usual, None) or chr((mask & -mask).bit_length() - 1)

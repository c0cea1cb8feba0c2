"""Path templates: `/users/{id:int}`, `/v/{version:v1|v2}/**` (gateway-yaml.md section 2).

A template is compared with the decision form of a path (`routing.path`), segment by segment, and its literals are kept
in that form too: `/café` in a file is `/caf%C3%A9` here. What it captures are strings of the decision form.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Final

import attrs

from gatekeeper.core.errors import BadTarget
from gatekeeper.routing.path import canonical


REST: Final = "rest"
"""The name of what `/**` takes."""

_TYPES: Final = {
    "int": re.compile(r"[0-9]+"),
    "uuid": re.compile(r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"),
    "slug": re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*"),
    "date": re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"),
}
_DISJOINT: Final = ({"int", "uuid"}, {"int", "date"}, {"uuid", "date"})
"""Types that no segment has both of; any other two share some."""

_WITHIN: Final = {("int", "slug"), ("date", "slug")}
"""Types of which whatever has the first has the second."""

_is_plain: Final = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9_~.-]*").fullmatch
"""Whether a segment is in its decision form beyond doubt."""

_CAPTURE: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?::([^{}]+))?\}")
_EMPTY_SEGMENT: Final = "`//` never matches: empty segments are merged before routes are compared"
_ASTERISK: Final = "write `{name}` for one segment, or `/**` at the end for everything below"


def _any(segment: str) -> bool:
    return segment != ""


@attrs.frozen
class Capture:
    """One segment of a template that is not literal; `type` is empty, a name of a type, `choice` or `service`.

    `choices` holds the segments that it takes, None where that is decided by the form.
    """

    name: str
    type: str = ""
    choices: frozenset[str] | None = None
    accepts: Callable[[str], object] = attrs.field(init=False, eq=False, repr=False)

    @accepts.default
    def _accepts(self) -> Callable[[str], object]:
        if self.choices is not None:
            return self.choices.__contains__
        return _TYPES[self.type].fullmatch if self.type else _any

    @property
    def key(self) -> str | frozenset[str]:
        """Captures with equal keys take the same segments."""
        return self.type if self.choices is None else self.choices

    def covers(self, other: "Capture") -> bool:
        """Whether it takes every segment that the other does."""
        if other.choices is not None:
            return all(self.accepts(choice) for choice in other.choices)
        return self.key in {"", other.key} or (other.key, self.key) in _WITHIN

    def overlaps(self, other: "Capture") -> bool:
        """Whether some segment is taken by both."""
        if self.choices is not None:
            return any(other.accepts(choice) for choice in self.choices)
        if other.choices is not None:
            return other.overlaps(self)
        return {self.type, other.type} not in _DISJOINT


Segment = str | Capture


@attrs.frozen
class PathTemplate:
    """A parsed template; `prefix` says that it ends in `/**`.

    Make one with `PathTemplate.parse`, or of literal text with `PathTemplate.exact` and `PathTemplate.below`.
    """

    text: str
    segments: tuple[Segment, ...]
    prefix: bool
    names: tuple[str, ...] = attrs.field(init=False, eq=False, repr=False)
    """The names of the captured segments, without that of `/**`."""
    literal: str | None = attrs.field(init=False, eq=False, repr=False)
    """The one path that matches, None where there may be several."""

    @names.default
    def _names(self) -> tuple[str, ...]:
        return tuple(segment.name for segment in self.segments if isinstance(segment, Capture))

    @literal.default
    def _literal(self) -> str | None:
        return None if self.prefix or self.names else "/" + "/".join(map(str, self.segments))

    @classmethod
    def parse(cls, text: str, services: Collection[str] = ()) -> "PathTemplate":
        """Read a template; a capture of type `service` takes the names given, or those that `bind` gives later.

        Raises:
            ValueError: it is no template; the message says what to write.

        """
        _check_start(text)
        parts = text.split("/")[1:]
        prefix = parts[-1] == "**"
        if prefix:
            parts.pop()
        segments: list[Segment] = []
        names = {REST} if prefix else set()
        for index, part in enumerate(parts):
            if not part and (prefix or index < len(parts) - 1):
                raise ValueError(_EMPTY_SEGMENT)
            segment = _segment(part, services)
            if isinstance(segment, Capture):
                if segment.name in names:
                    raise ValueError(f"`{segment.name}` is captured twice")
                names.add(segment.name)
            segments.append(segment)
        return cls(text, tuple(segments), prefix)

    @classmethod
    def exact(cls, text: str) -> "PathTemplate":
        """The template of one path, in which braces and asterisks mean nothing.

        Raises:
            ValueError: no request has this path; the message says why.

        """
        _check_start(text)
        return cls(text, _literals(text), prefix=False)

    @classmethod
    def below(cls, text: str) -> "PathTemplate":
        """The template of a path and everything below it, by segments; braces and asterisks mean nothing.

        A slash at the end says nothing: what is below `/api/` is below `/api`.

        Raises:
            ValueError: no request has this path; the message says why.

        """
        _check_start(text)
        base = text.removesuffix("/")
        # a segment more, because the last one may be empty where nothing follows
        return cls(f"{base}/**", _literals(f"{base}/x")[:-1], prefix=True)

    def bind(self, services: Collection[str]) -> "PathTemplate":
        """Return the template whose captures of type `service` take these names."""
        choices = frozenset(services)
        return attrs.evolve(
            self,
            segments=tuple(
                Capture(segment.name, segment.type, choices)
                if isinstance(segment, Capture) and segment.type == "service"
                else segment
                for segment in self.segments
            ),
        )

    @property
    def captures(self) -> Mapping[str, frozenset[str] | str]:
        """What it captures: name → the choices, or the type (empty for any segment), in the order of the path."""
        captures: dict[str, frozenset[str] | str] = {}
        for segment in self.segments:
            if isinstance(segment, Capture):
                chosen = segment.choices if segment.type == "choice" else None
                captures[segment.name] = chosen or segment.type
        if self.prefix:
            captures[REST] = ""
        return captures

    @property
    def rank(self) -> tuple[int, int, int]:
        """How specific it is, greater first: exact (3), template, prefix (1); then more literal text; then more segments.

        The number of segments only tells prefixes apart: `/{service}/**` comes before `/**`.
        """
        form = 1 if self.prefix else 2 if self.names else 3
        literal = sum(len(segment) + 1 for segment in self.segments if isinstance(segment, str))
        return form, literal, len(self.segments)

    def fits(self, path: str) -> dict[str, str] | None:
        """What it captures from a path (decision form); None where the path does not fit."""
        found = path.split("/")[1:]
        count = len(self.segments)
        if len(found) < count or (len(found) > count and not self.prefix):
            return None
        captures: dict[str, str] = {}
        for segment, value in zip(self.segments, found, strict=False):
            if isinstance(segment, str):
                if segment != value:
                    return None
            elif segment.accepts(value):
                captures[segment.name] = value
            else:
                return None
        if self.prefix:
            captures[REST] = "/".join(found[count:])
        return captures

    def __str__(self) -> str:
        return self.text


def _check_start(text: str) -> None:
    if not text.startswith("/"):
        raise ValueError(f"a path begins with `/`: write `/{text}`")


def _literals(text: str) -> tuple[str, ...]:
    parts = text.split("/")[1:]
    if "" in parts[:-1]:
        raise ValueError(_EMPTY_SEGMENT)
    return tuple(map(_literal, parts))


def _segment(part: str, services: Collection[str]) -> Segment:
    if "{" not in part and "}" not in part:
        if part == "**":
            raise ValueError("`**` stands only at the end")
        if "*" in part:
            raise ValueError(f"`{part}`: {_ASTERISK}")
        return _literal(part)
    found = _CAPTURE.fullmatch(part)
    if found is None:
        if _CAPTURE.search(part):
            raise ValueError(f"`{part}`: a capture takes a whole segment")
        raise ValueError(f"`{part}` is no capture: write `{{name}}` or `{{name:type}}`")
    name, kind = found[1], found[2]
    if kind is None:
        return Capture(name)
    if "|" in kind:
        return Capture(name, "choice", _choices(part, kind))
    if kind == "service":
        return Capture(name, kind, frozenset(services))
    if kind not in _TYPES:
        known = ", ".join(_TYPES)
        raise ValueError(
            f"`{part}`: no type `{kind}`; there are {known}, service, and choices as in `{{{name}:a|b}}`"
        )
    return Capture(name, kind)


def _choices(part: str, kind: str) -> frozenset[str]:
    choices = [_literal(choice) for choice in kind.split("|")]
    if "" in choices:
        raise ValueError(f"`{part}`: one of the choices is empty")
    if len(set(choices)) < len(choices):
        raise ValueError(f"`{part}`: a choice stands twice")
    return frozenset(choices)


def _literal(text: str) -> str:
    """The decision form of a segment that a person wrote: letters beyond ASCII and blanks need no escapes there."""
    if _is_plain(text):
        return text
    if "?" in text or "#" in text:
        raise ValueError("a path ends before `?` and `#`")
    raw = b"".join(
        b"%%%02X" % byte if byte > 0x7E or byte == 0x20 else bytes((byte,)) for byte in text.encode()
    )
    try:
        decision, _ = canonical(b"/" + raw)
    except BadTarget as error:
        raise ValueError(f"`{text}` never matches: {error.detail}, which is refused") from None
    if text and decision == "/":
        raise ValueError(f"`{text}` never matches: dot segments are resolved before routes are compared")
    return decision[1:]

"""What a whole path must be where a template does not say it: how it ends, a regular expression, what it is not.

The value is the decision form of the path (`routing.path`), which the texts of a suffix or a part are brought into:
`{suffix: .é}` is compared as `.%C3%A9`. A regular expression is taken as it stands. An exact path and a prefix are
templates without captures, so they are found and ranked like those.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import attrs

from gatekeeper.policy.regex import Regex
from gatekeeper.routing.matcher import Comparable, Contains, Exact, Matcher, Not, OneOf, Pattern, Suffix
from gatekeeper.routing.path import decision_form
from gatekeeper.routing.template import Capture, PathTemplate, Segment


_REST: Final = 0
"""The form of a path that is neither exact nor a template nor a prefix, as `PathTemplate.rank` counts them."""


@attrs.frozen
class PathMatcher:
    """A path that fits a matcher. Make one with `PathMatcher.of`."""

    matcher: Matcher

    @classmethod
    def of(cls, form: str, value: "str | Regex") -> "Path":
        """What stands under `path`: the form is `exact`, `prefix`, `suffix`, `contains` or `regex`.

        A prefix goes by segments: `/api` is not the beginning of `/apix`. In an exact path and a prefix braces and
        asterisks mean nothing. A part may go across slashes. The named groups of a regular expression are captures.

        Raises:
            ValueError: no request has this exact path or prefix; the message says why.

        """
        match form, value:
            case "regex", Regex():
                return cls(Pattern(value))
            case "exact", str():
                return PathTemplate.exact(value)
            case "prefix", str():
                return PathTemplate.below(value)
            case "suffix", str():
                return cls(Suffix(decision_form(value)))
            case "contains", str():
                return cls(Contains(decision_form(value)))
        raise AssertionError(f"a path has no `{form}` of {value!r}")

    @classmethod
    def any_of(cls, paths: "Iterable[Path]") -> "PathMatcher":
        """Paths that fit one of these; it captures nothing."""
        return cls(as_matcher(paths))

    @classmethod
    def none_of(cls, paths: "Iterable[Path]") -> "PathMatcher":
        """Paths that fit none of these."""
        return cls(Not(as_matcher(paths)))

    def fits(self, path: str) -> dict[str, str] | None:
        """What it captures from a path (decision form); None where the path does not fit."""
        if isinstance(self.matcher, Pattern):
            return self.matcher.regex.match(path)
        return {} if self.matcher.accepts(path) else None

    @property
    def captures(self) -> Mapping[str, frozenset[str] | str]:
        """What it captures, as `PathTemplate.captures` says it: the named groups, which take any text."""
        return dict.fromkeys(self.matcher.regex.groups, "") if isinstance(self.matcher, Pattern) else {}

    @property
    def rank(self) -> tuple[int, int, int]:
        """After all templates; more literal text first. What is compared with several counts as the least of them."""
        return _REST, _literal(self.matcher), 0

    @property
    def beginning(self) -> str:
        """Literal text that every path that fits begins with."""
        return _beginning(self.matcher)

    def __str__(self) -> str:
        return self.matcher.text


Path = PathTemplate | PathMatcher
"""What a path must be."""


def as_matcher(paths: Iterable[Path]) -> Matcher:
    """The paths that fit one of these, as a matcher of the decision form: exact ones are looked up together."""
    literal: set[str] = set()
    matchers: list[Matcher] = []
    for path in paths:
        if isinstance(path, PathMatcher):
            matchers.append(path.matcher)
            continue
        only = _only(path)
        if only is None:
            matchers.append(Segments(path))
        else:
            literal.add(only)
    if literal:
        matchers.insert(0, Exact(frozenset(literal)))
    return matchers[0] if len(matchers) == 1 else OneOf(tuple(matchers))


@attrs.frozen
class Segments(Comparable):
    """A path that fits a template which is not literal."""

    template: PathTemplate

    @property
    def text(self) -> str:
        """The template."""
        return str(self.template)

    def accepts(self, value: str | None) -> bool:
        """Whether it fits the template."""
        return value is not None and self.template.fits(value) is not None

    def _excludes(self, other: Matcher) -> bool:
        match other:
            case Segments():
                return not _overlap(self.template, other.template)
            case Pattern():
                # every match begins with these and has at least one segment more
                whole = _whole(other.regex.prefix)
                if not self.template.prefix and len(self.template.segments) <= len(whole):
                    return True
                return any(
                    not _segments_overlap(mine, theirs)
                    for mine, theirs in zip(self.template.segments, whole, strict=False)
                )
        return False

    def _covers(self, other: Matcher) -> bool:
        template = self.template
        match other:
            case Segments():
                return _covers(template, other.template)
            case Pattern():
                whole = _whole(other.regex.prefix)
                return (
                    template.prefix
                    and len(template.segments) <= len(whole)
                    and _begins(template.segments, whole)
                )
        # every path is below the root
        return template.prefix and not template.segments


def _only(template: PathTemplate) -> str | None:
    """The one path that fits, also where a capture has no choice: there may be one service only."""
    if template.prefix:
        return None
    text = ""
    for segment in template.segments:
        choices = segment.choices or () if isinstance(segment, Capture) else (segment,)
        if len(choices) != 1:
            return None
        text += "/" + min(choices)
    return text


def _whole(beginning: str) -> tuple[str, ...]:
    """The segments that are complete in the beginning of a path."""
    return tuple(beginning.split("/")[1:-1])


def _overlap(one: PathTemplate, other: PathTemplate) -> bool:
    short, long = sorted((one, other), key=lambda template: len(template.segments))
    if len(short.segments) < len(long.segments) and not short.prefix:
        return False
    return all(map(_segments_overlap, short.segments, long.segments[: len(short.segments)]))


def _segments_overlap(one: Segment, other: Segment) -> bool:
    if isinstance(one, Capture):
        return bool(one.accepts(other)) if isinstance(other, str) else one.overlaps(other)
    return one == other if isinstance(other, str) else bool(other.accepts(one))


def _covers(wide: PathTemplate, narrow: PathTemplate) -> bool:
    if not wide.prefix and (narrow.prefix or len(wide.segments) != len(narrow.segments)):
        return False
    return len(wide.segments) <= len(narrow.segments) and _begins(wide.segments, narrow.segments)


def _begins(wide: tuple[Segment, ...], narrow: tuple[Segment, ...]) -> bool:
    return all(map(_segment_covers, wide, narrow[: len(wide)]))


def _segment_covers(wide: Segment, narrow: Segment) -> bool:
    if isinstance(wide, Capture):
        return bool(wide.accepts(narrow)) if isinstance(narrow, str) else wide.covers(narrow)
    return wide == narrow if isinstance(narrow, str) else narrow.choices == frozenset({wide})


def _literal(matcher: Matcher) -> int:
    match matcher:
        case Exact():
            return min(map(len, matcher.values))
        case Segments():
            return matcher.template.rank[1]
        case Suffix():
            return len(matcher.end)
        case Contains():
            return len(matcher.part)
        case Pattern():
            return matcher.regex.literal
        case OneOf():
            return min(map(_literal, matcher.matchers))
    return 0


def _beginning(matcher: Matcher) -> str:
    match matcher:
        case Exact():
            return _common(matcher.values)
        case Segments():
            return _start(matcher.template)
        case Pattern():
            return matcher.regex.prefix
        case OneOf():
            return _common([_beginning(inner) for inner in matcher.matchers])
    return ""


def _start(template: PathTemplate) -> str:
    text = ""
    for segment in template.segments:
        if isinstance(segment, Capture):
            return f"{text}/"
        text += f"/{segment}"
    return text


def _common(texts: Collection[str]) -> str:
    """What all of them begin with: what the first and the last in order do."""
    first, last = min(texts), max(texts)
    for index, char in enumerate(first):
        if char != last[index]:
            return first[:index]
    return first

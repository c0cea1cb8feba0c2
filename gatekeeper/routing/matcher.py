"""What one value of a request must be: exactly something, the beginning of something, there at all (gateway-yaml.md section 4).

A matcher is a set of values, and the value that is missing (None) is one of them: only `Present(False)` holds it, and
`Not` of whatever does not. So `{not: x}` fits where the value is missing: `header: {x-beta: {not: "1"}}` is every
request that does not say `x-beta: 1`. For "there, and something else" two conditions are written.

Two matchers can be compared. That tells at load time which routes overlap and which are never reached; where the answer
would need more than a look it is "no", which claims nothing.
"""

import abc
from typing import Protocol

import attrs

from gatekeeper.policy.regex import Regex, RegexError


class Matcher(Protocol):
    """What a value must be."""

    @property
    def text(self) -> str:
        """For people: `blue`, `begins with x`, `is not there`."""
        ...

    def accepts(self, value: str | None) -> bool:
        """Whether the value fits; None is a value that is missing."""
        ...

    def excludes(self, other: "Matcher") -> bool:
        """Whether no value fits both; False in doubt."""
        ...

    def covers(self, other: "Matcher") -> bool:
        """Whether whatever fits the other fits this one too; False in doubt."""
        ...


class Comparable(abc.ABC):
    """A matcher that only has to know how it compares with its own like.

    What is the same for all of them is here: a list of values is tried, alternatives are taken one by one.
    """

    __slots__ = ()

    @property
    @abc.abstractmethod
    def text(self) -> str:
        """For people."""

    @abc.abstractmethod
    def accepts(self, value: str | None) -> bool:
        """Whether the value fits."""

    def excludes(self, other: Matcher) -> bool:
        """Whether no value fits both; False in doubt."""
        match other:
            case Exact():
                return not any(map(self.accepts, other.values))
            case OneOf():
                return all(map(self.excludes, other.matchers))
            case Present():
                return self._only_missing() if other.yes else not self.accepts(None)
            case Not():
                return other.matcher.covers(self)
        return self._excludes(other) or (isinstance(other, Comparable) and other._excludes(self))

    def covers(self, other: Matcher) -> bool:
        """Whether whatever fits the other fits this one too; False in doubt."""
        match other:
            case Exact():
                return all(map(self.accepts, other.values))
            case OneOf():
                return all(map(self.covers, other.matchers))
            case Present(yes=False):
                return self.accepts(None)
        return self._covers(other)

    def _only_missing(self) -> bool:
        """Whether only the missing value fits."""
        return False

    def _excludes(self, other: Matcher) -> bool:  # noqa: ARG002  # in doubt
        return False

    def _covers(self, other: Matcher) -> bool:  # noqa: ARG002  # in doubt
        return False


@attrs.frozen
class Exact(Comparable):
    """One of these texts."""

    values: frozenset[str]

    @property
    def text(self) -> str:
        """The value, or the values."""
        found = ", ".join(value or '""' for value in sorted(self.values))
        return found if len(self.values) == 1 else f"one of {found}"

    def accepts(self, value: str | None) -> bool:
        """Whether it is one of them."""
        return value in self.values

    def excludes(self, other: Matcher) -> bool:
        """Whether the other takes none of them."""
        return not any(map(other.accepts, self.values))


@attrs.frozen
class Prefix(Comparable):
    """A text that begins so."""

    start: str

    @property
    def text(self) -> str:
        """What it begins with."""
        return f"begins with {self.start}"

    def accepts(self, value: str | None) -> bool:
        """Whether it begins so."""
        return value is not None and value.startswith(self.start)

    def _excludes(self, other: Matcher) -> bool:
        return isinstance(other, Prefix) and not (
            self.start.startswith(other.start) or other.start.startswith(self.start)
        )

    def _covers(self, other: Matcher) -> bool:
        match other:
            case Prefix():
                return other.start.startswith(self.start)
            case Pattern():
                return other.regex.prefix.startswith(self.start)
        return False


@attrs.frozen
class Suffix(Comparable):
    """A text that ends so."""

    end: str

    @property
    def text(self) -> str:
        """What it ends with."""
        return f"ends with {self.end}"

    def accepts(self, value: str | None) -> bool:
        """Whether it ends so."""
        return value is not None and value.endswith(self.end)

    def _excludes(self, other: Matcher) -> bool:
        return isinstance(other, Suffix) and not (
            self.end.endswith(other.end) or other.end.endswith(self.end)
        )

    def _covers(self, other: Matcher) -> bool:
        return isinstance(other, Suffix) and other.end.endswith(self.end)


@attrs.frozen
class Contains(Comparable):
    """A text that has this somewhere."""

    part: str

    @property
    def text(self) -> str:
        """What it contains."""
        return f"contains {self.part}"

    def accepts(self, value: str | None) -> bool:
        """Whether it has this."""
        return value is not None and self.part in value

    def _covers(self, other: Matcher) -> bool:
        match other:
            case Contains():
                return self.part in other.part
            case Prefix():
                return self.part in other.start
            case Suffix():
                return self.part in other.end
            case Pattern():
                return self.part in other.regex.prefix
        return False


@attrs.frozen
class Pattern(Comparable):
    """A text that a regular expression matches as a whole."""

    regex: Regex

    @property
    def text(self) -> str:
        """The expression."""
        return f"matches {self.regex.source}"

    def accepts(self, value: str | None) -> bool:
        """Whether the expression matches."""
        return value is not None and self.regex.accepts(value)

    def _excludes(self, other: Matcher) -> bool:
        match other:
            case Pattern():
                return not self.regex.overlaps(other.regex)
            case Prefix():
                beginning = _expression(other)
                return beginning is not None and not self.regex.overlaps(beginning)
        return False

    def _covers(self, other: Matcher) -> bool:
        match other:
            case Pattern():
                return other.regex.is_within(self.regex)
            case Prefix():
                beginning = _expression(other)
                return beginning is not None and beginning.is_within(self.regex)
        return False


@attrs.frozen
class Present(Comparable):
    """Any value that is there, or none that is."""

    yes: bool

    @property
    def text(self) -> str:
        """Whether it is there."""
        return "is there" if self.yes else "is not there"

    def accepts(self, value: str | None) -> bool:
        """Whether it is there, or is not."""
        return (value is not None) is self.yes

    def _only_missing(self) -> bool:
        return not self.yes

    def _excludes(self, other: Matcher) -> bool:
        return not self.yes and not other.accepts(None)

    def _covers(self, other: Matcher) -> bool:
        return self.yes and not other.accepts(None)


@attrs.frozen
class Not(Comparable):
    """What does not fit another matcher; the missing value too, if that one does not take it."""

    matcher: Matcher

    @property
    def text(self) -> str:
        """What it is not."""
        return f"not {self.matcher.text}"

    def accepts(self, value: str | None) -> bool:
        """Whether the other does not."""
        return not self.matcher.accepts(value)

    def excludes(self, other: Matcher) -> bool:
        """Whether the negated matcher takes all that the other does."""
        return self.matcher.covers(other)

    def covers(self, other: Matcher) -> bool:
        """Whether the negated matcher takes nothing that the other does."""
        return self.matcher.excludes(other)


@attrs.frozen
class OneOf(Comparable):
    """What fits any of several matchers."""

    matchers: tuple[Matcher, ...]

    @property
    def text(self) -> str:
        """All of them."""
        return " or ".join(matcher.text for matcher in self.matchers)

    def accepts(self, value: str | None) -> bool:
        """Whether one of them does."""
        return any(matcher.accepts(value) for matcher in self.matchers)

    def excludes(self, other: Matcher) -> bool:
        """Whether each of them does."""
        return all(matcher.excludes(other) for matcher in self.matchers)

    def _covers(self, other: Matcher) -> bool:
        return any(matcher.covers(other) for matcher in self.matchers)


def _expression(prefix: Prefix) -> Regex | None:
    """What the prefix is as an expression; None where no expression can name its characters."""
    try:
        return Regex.of_prefix(prefix.start)
    except RegexError:
        return None

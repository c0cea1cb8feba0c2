"""What a condition is, and how conditions combine: all of them, any of them, not this one (gateway-yaml.md section 4).

A condition is a set of requests, so a negated condition is all that does not fulfil it: `not: {header: {x-team: blue}}`
holds where there is no such field. Conditions can be compared, which tells at load time which routes overlap and which
are never reached. In doubt the answer is "no", which claims nothing.
"""

import abc
from typing import Protocol

import attrs

from gatekeeper.core.exchange import Exchange


class Condition(Protocol):
    """One thing that must hold of a request."""

    @property
    def key(self) -> str:
        """What it is about: `header`, `address`, `not`, a plugin's kind."""
        ...

    @property
    def text(self) -> str:
        """For people: `header x-team: blue`."""
        ...

    @property
    def weight(self) -> int:
        """How many keys it counts for when routes are ranked."""
        ...

    def holds(self, exchange: Exchange) -> bool:
        """Whether it holds of this request."""
        ...

    def found(self, exchange: Exchange) -> str:
        """For people: what the request has, where it does not hold."""
        ...

    def excludes(self, other: "Condition") -> bool:
        """Whether no request fulfils both; False in doubt."""
        ...

    def covers(self, other: "Condition") -> bool:
        """Whether whatever fulfils the other fulfils this one too; False in doubt."""
        ...


class Comparable(abc.ABC):
    """A condition that only has to know how it compares with its own like: combinations are taken apart here."""

    __slots__ = ()

    key: str

    @property
    def weight(self) -> int:
        """It is one key."""
        return 1

    @property
    @abc.abstractmethod
    def text(self) -> str:
        """For people."""

    @abc.abstractmethod
    def holds(self, exchange: Exchange) -> bool:
        """Whether it holds of this request."""

    @abc.abstractmethod
    def found(self, exchange: Exchange) -> str:
        """For people: what the request has, where it does not hold."""

    def excludes(self, other: Condition) -> bool:
        """Whether no request fulfils both; False in doubt."""
        match other:
            case AllOf():
                return any(map(self.excludes, other.conditions))
            case AnyOf():
                return all(map(self.excludes, other.conditions))
            case Negation():
                return other.condition.covers(self)
        return self._excludes(other) or (isinstance(other, Comparable) and other._excludes(self))

    def covers(self, other: Condition) -> bool:
        """Whether whatever fulfils the other fulfils this one too; False in doubt."""
        match other:
            case AllOf():
                return any(map(self.covers, other.conditions))
            case AnyOf():
                return all(map(self.covers, other.conditions))
        return self._covers(other)

    def _excludes(self, other: Condition) -> bool:  # noqa: ARG002  # in doubt
        return False

    def _covers(self, other: Condition) -> bool:  # noqa: ARG002  # in doubt
        return False


@attrs.frozen
class AllOf(Comparable):
    """Each of the conditions holds."""

    key = "all"
    conditions: tuple[Condition, ...]

    @property
    def text(self) -> str:
        """The conditions."""
        return " and ".join(map(_enclosed, self.conditions))

    @property
    def weight(self) -> int:
        """As many keys as they are together."""
        return sum(condition.weight for condition in self.conditions)

    def holds(self, exchange: Exchange) -> bool:
        """Whether each does."""
        return all(condition.holds(exchange) for condition in self.conditions)

    def found(self, exchange: Exchange) -> str:
        """What the request has for the first that does not hold, or for all of them."""
        failed = first_failed(self.conditions, exchange)
        return _found(self.conditions if failed is None else (failed,), exchange)

    def excludes(self, other: Condition) -> bool:
        """Whether one of them does, for each alternative of the other."""
        match other:
            case AnyOf():
                return other.excludes(self)
            case Negation():
                return other.condition.covers(self)
        return any(condition.excludes(other) for condition in self.conditions)

    def covers(self, other: Condition) -> bool:
        """Whether each of them does."""
        return all(condition.covers(other) for condition in self.conditions)


@attrs.frozen
class AnyOf(Comparable):
    """One of the conditions holds."""

    key = "any"
    conditions: tuple[Condition, ...]

    @property
    def text(self) -> str:
        """The conditions."""
        return " or ".join(map(_enclosed, self.conditions))

    @property
    def weight(self) -> int:
        """As many keys as hold at least."""
        return min(condition.weight for condition in self.conditions)

    def holds(self, exchange: Exchange) -> bool:
        """Whether one does."""
        return any(condition.holds(exchange) for condition in self.conditions)

    def found(self, exchange: Exchange) -> str:
        """What the request has for each."""
        return _found(self.conditions, exchange)

    def excludes(self, other: Condition) -> bool:
        """Whether each of them does."""
        return all(condition.excludes(other) for condition in self.conditions)

    def covers(self, other: Condition) -> bool:
        """Whether one of them does, for each alternative of the other."""
        if isinstance(other, AnyOf):
            return all(map(self.covers, other.conditions))
        return any(condition.covers(other) for condition in self.conditions)


@attrs.frozen
class Negation(Comparable):
    """The condition does not hold."""

    key = "not"
    condition: Condition

    @property
    def text(self) -> str:
        """The condition in parentheses."""
        return f"not ({self.condition.text})"

    def holds(self, exchange: Exchange) -> bool:
        """Whether it does not."""
        return not self.condition.holds(exchange)

    def found(self, exchange: Exchange) -> str:
        """What the request has."""
        return self.condition.found(exchange)

    def excludes(self, other: Condition) -> bool:
        """Whether all that fulfils the other fulfils the negated condition."""
        return self.condition.covers(other)

    def covers(self, other: Condition) -> bool:
        """Whether nothing that fulfils the other fulfils the negated condition."""
        return self.condition.excludes(other)


def first_failed(conditions: tuple[Condition, ...], exchange: Exchange) -> Condition | None:
    """The first condition that does not hold; None where all do."""
    for condition in conditions:
        if not condition.holds(exchange):
            return condition
    return None


def _enclosed(condition: Condition) -> str:
    return f"({condition.text})" if isinstance(condition, AllOf | AnyOf) else condition.text


def _found(conditions: tuple[Condition, ...], exchange: Exchange) -> str:
    return ", ".join(dict.fromkeys(condition.found(exchange) for condition in conditions))

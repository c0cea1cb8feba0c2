"""Who was proven to ask, as conditions (gateway-yaml.md section 4). Where nobody was, none of these holds."""

import abc
from collections.abc import Iterable
from typing import Any

import attrs

from gatekeeper.core.exchange import Exchange
from gatekeeper.core.identity import Consumer, claim, claim_texts
from gatekeeper.routing.combined import Comparable, Condition
from gatekeeper.routing.matcher import Matcher, Not, OneOf, Present


NOBODY = "nobody"
"""Who asks where nobody was proven to."""


class OfConsumer(Comparable):
    """A condition on words that are known of a consumer: one of them is accepted."""

    __slots__ = ()

    accepted: frozenset[str]

    @abc.abstractmethod
    def words(self, consumer: Consumer) -> Iterable[str]:
        """What is known."""

    def holds(self, exchange: Exchange) -> bool:
        """Whether somebody was proven, and one word fits."""
        consumer = exchange.consumer
        return consumer is not None and not self.accepted.isdisjoint(self.words(consumer))

    def found(self, exchange: Exchange) -> str:
        """The words."""
        consumer = exchange.consumer
        return NOBODY if consumer is None else ", ".join(sorted(filter(None, self.words(consumer)))) or "none"

    @property
    def text(self) -> str:
        """The key and the words."""
        return f"{self.key} {' or '.join(sorted(self.accepted))}"

    def _excludes(self, other: Condition) -> bool:  # noqa: ARG002 - somebody may have two roles
        return False

    def _covers(self, other: Condition) -> bool:
        return isinstance(other, OfConsumer) and self.key == other.key and self.accepted >= other.accepted


@attrs.frozen
class ConsumerCondition(OfConsumer):
    """Who it is."""

    key = "consumer"
    accepted: frozenset[str]

    def words(self, consumer: Consumer) -> Iterable[str]:
        """The name."""
        return (consumer.name,)


@attrs.frozen
class RoleCondition(OfConsumer):
    """What somebody may be."""

    key = "role"
    accepted: frozenset[str]

    def words(self, consumer: Consumer) -> Iterable[str]:
        """The roles."""
        return consumer.roles


@attrs.frozen
class ScopeCondition(OfConsumer):
    """What somebody may do."""

    key = "scope"
    accepted: frozenset[str]

    def words(self, consumer: Consumer) -> Iterable[str]:
        """The scopes."""
        return consumer.scopes


@attrs.frozen
class PlanCondition(OfConsumer):
    """What somebody has agreed to."""

    key = "plan"
    accepted: frozenset[str]

    def words(self, consumer: Consumer) -> Iterable[str]:
        """The plan."""
        return (consumer.plan,)


@attrs.frozen
class AuthenticatorCondition(OfConsumer):
    """What has proven it."""

    key = "authenticator"
    accepted: frozenset[str]

    def words(self, consumer: Consumer) -> Iterable[str]:
        """The authenticators."""
        return consumer.authenticators


@attrs.frozen
class ClaimCondition(Comparable):
    """What a token says. Of a claim that is a list, one fits; to be `not` something, none may be that."""

    key = "claim"
    name: str
    matcher: Matcher

    @property
    def text(self) -> str:
        """Key, name and matcher."""
        return f"claim {self.name}: {self.matcher.text}"

    def holds(self, exchange: Exchange) -> bool:
        """Whether somebody was proven, and the claim fits."""
        consumer = exchange.consumer
        return consumer is not None and fits(self.matcher, claim(consumer.claims, self.name))

    def found(self, exchange: Exchange) -> str:
        """Whether there is such a claim; what it says is nobody's business."""
        consumer = exchange.consumer
        if consumer is None:
            return NOBODY
        return "none" if claim(consumer.claims, self.name) is None else "another value"

    def _excludes(self, other: Condition) -> bool:  # noqa: ARG002 - a claim may have many values
        return False

    def _covers(self, other: Condition) -> bool:
        return (
            isinstance(other, ClaimCondition)
            and self.name == other.name
            and (self.matcher == other.matcher or _covers(self.matcher, other.matcher))
        )


def fits(matcher: Matcher, value: Any) -> bool:
    """Whether a claim is what it must be; None is a claim that is missing.

    Of an object and of an empty list nothing can be said but that they are there.
    """
    match matcher:
        case Not():
            return not fits(matcher.matcher, value)
        case OneOf():
            return any(fits(one, value) for one in matcher.matchers)
        case Present():
            return (value is not None) is matcher.yes
    return any(map(matcher.accepts, claim_texts(value)))


def _covers(matcher: Matcher, other: Matcher) -> bool:
    """Whether every claim that fits the other fits the matcher; of a list one value may fit both, and another neither."""
    match matcher:
        case Not():
            return isinstance(other, Not) and _covers(other.matcher, matcher.matcher)
        case OneOf():
            others = other.matchers if isinstance(other, OneOf) else (other,)
            return all(any(_covers(one, another) for one in matcher.matchers) for another in others)
    return matcher.covers(other)

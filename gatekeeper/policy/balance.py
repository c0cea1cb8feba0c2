"""Which instance is next, by turn, by load, by chance or by latency; `gatekeeper.policy.affinity` has those that stick.

`pick` is on the way of every request. In µs, over 3 and over 20 instances (Debian's Python 3.11): round robin 0.06 and 0.06,
or 0.6 and 1.2 with the odd weights of a slow start; least connections 0.35 and 1.4, at worst, with many that are tied but
not all, 0.6 and 3.0; random 0.14 and 0.17; power of two 0.33 and 0.38; latency 0.7 and 0.75.

What was tried is passed over while there is anything else. A retry takes nobody's turn: else, of two instances of which one
is dead, every request would meet the dead one first. Retries have turns of their own, so that the load of a dead
instance is spread over all others and does not fall on the one that comes after it.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from random import Random as Dice
from typing import Final, NamedTuple, Protocol

from gatekeeper.core.exchange import Exchange
from gatekeeper.core.instance import Instance
from gatekeeper.policy.turns import Pair, Rounds, Turns


class Choice(NamedTuple):
    """An instance that may be picked now, and its part of the whole, which is above 0."""

    instance: Instance
    weight: float


class Balancer(Protocol):
    """Chooses between the instances of one service.

    It may have a method `answer(exchange, instance, response)` as well, which is called with each answer.
    """

    def update(self, choices: Sequence[Choice]) -> None:
        """Take over who may be picked from now on; what is known of those that stay goes on."""
        ...

    def pick(self, exchange: Exchange, tried: Sequence[Instance]) -> Instance | None:
        """The instance for the next attempt, if possible none that was tried; None where there is nobody at all."""
        ...


# ---- by turn ------------------------------------------------------------------------------------------------------


class RoundRobin:
    """One after the other; who has more weight, more often, and spread as evenly as can be: `policy.turns.Rounds`."""

    __slots__ = ("_again", "_ahead", "_choices", "_rounds")

    def __init__(self) -> None:
        self._choices: tuple[Choice, ...] = ()
        self._rounds = Rounds()
        self._ahead = self._rounds.ahead
        self._again = Turns()

    def update(self, choices: Sequence[Choice]) -> None:
        """Take over who may be picked from now on; turns go on where they were."""
        now = tuple(choices)
        if now != self._choices:
            self._choices = now
            self._rounds.update(now)
            self._again.update(now)

    def pick(self, exchange: Exchange, tried: Sequence[Instance]) -> Instance | None:  # noqa: ARG002
        """The instance whose turn it is."""
        if tried or not self._ahead:
            return self._pick(tried)
        return self._ahead.pop()

    def _pick(self, tried: Sequence[Instance]) -> Instance | None:
        if not self._choices:
            return None
        if tried:
            return self._again.next(untried(self._choices, tried))
        self._rounds.look_ahead()
        return self._ahead.pop()


def untried(choices: Sequence[Pair], tried: Sequence[Instance]) -> Sequence[Pair]:
    """Those that were not tried; all, where all were."""
    return [choice for choice in choices if choice[0] not in tried] or choices


# ---- by load ------------------------------------------------------------------------------------------------------


class LeastConnections:
    """Whoever has fewest attempts in flight for its weight; those that are tied take turns, as with round robin.

    It looks at all of them. With few requests at a time small instances get more than their part: of weights 1 and 1000
    the small one is next while the other one has anything to do.
    """

    __slots__ = ("_again", "_all", "_choices", "_pairs", "_ties")

    def __init__(self) -> None:
        self._choices: tuple[Choice, ...] = ()
        self._pairs: list[Pair] = []
        self._all = RoundRobin()
        self._ties, self._again = Turns(), Turns()

    def update(self, choices: Sequence[Choice]) -> None:
        """Take over who may be picked from now on."""
        now = tuple(choices)
        if now == self._choices:
            return
        self._choices, self._pairs = now, _plain(now)
        self._all.update(now)
        self._ties.update(now)
        self._again.update(now)

    def pick(self, exchange: Exchange, tried: Sequence[Instance]) -> Instance | None:
        """The instance that has least to do."""
        choices: Sequence[Pair] = self._pairs
        if not choices:
            return None
        if tried:
            choices = untried(choices, tried)
        best, least = choices[0], math.inf
        ties: list[Pair] | None = None
        for choice in choices:
            # a quotient and not a product: of equal fractions it is equal
            load = choice[0].in_flight / choice[1]
            if load < least:
                best, ties, least = choice, None, load
            elif load == least:
                if ties is None:
                    ties = [best, choice]
                else:
                    ties.append(choice)
        if ties is None:
            return best[0]
        if tried:
            return self._again.next(ties)
        return self._all.pick(exchange, ()) if len(ties) == len(choices) else self._ties.next(ties)


# ---- by chance ----------------------------------------------------------------------------------------------------


class Urn:
    """Draws from choices, of which there is at least one, by their weight."""

    __slots__ = ("_limits", "_pairs", "_random", "_starts", "_whole")

    def __init__(self, choices: Sequence[Pair], random: Dice) -> None:
        self._pairs = choices
        self._random = random.random
        ends = list(accumulate(weight for _, weight in choices))
        self._starts = [0.0, *ends[:-1]]
        self._limits, self._whole = ends[:-1], ends[-1]

    def one(self) -> Instance:
        """Draw one."""
        return self._pairs[bisect_right(self._limits, self._random() * self._whole)][0]

    def two(self) -> tuple[Pair, Pair]:
        """Draw one, and then another one of the others; the same where there are none."""
        random, limits = self._random, self._limits
        first = bisect_right(limits, random() * self._whole)
        one = self._pairs[first]
        weight = one[1]
        number = random() * (self._whole - weight)
        if number >= self._starts[first]:
            number += weight
        second = bisect_right(limits, number)
        if second == first:
            second -= 1  # a sum was rounded
        return one, self._pairs[second]


class _Drawing:
    """What balancers that draw have in common."""

    __slots__ = ("_pairs", "_random", "_urn")

    def __init__(self, random: Dice) -> None:
        self._random = random
        self._pairs: list[Pair] = []
        self._urn: Urn | None = None

    def update(self, choices: Sequence[Choice]) -> None:
        """Take over who may be picked from now on."""
        self._pairs = _plain(choices)
        self._urn = Urn(self._pairs, self._random) if choices else None

    def _without(self, tried: Sequence[Instance]) -> Urn:
        return Urn(untried(self._pairs, tried), self._random)


class Random(_Drawing):
    """Anyone, by weight: nothing is shared and nothing is remembered."""

    __slots__ = ()

    def pick(self, exchange: Exchange, tried: Sequence[Instance]) -> Instance | None:  # noqa: ARG002
        """An instance that was drawn."""
        urn = self._urn
        if urn is None:
            return None
        if tried:
            urn = self._without(tried)
        return urn.one()


class PowerOfTwo(_Drawing):
    """Two are drawn by weight, and the one with fewer attempts in flight for its weight is picked.

    That is nearly as even as looking at all of them, costs the same for any number of them, and gateways that do not know
    of each other do not all run to the same one. Mitzenmacher, "The power of two choices in randomized load balancing"
    (2001). Where both have as much to do, the first one drawn is picked: without load, weights alone decide.
    """

    __slots__ = ()

    def pick(self, exchange: Exchange, tried: Sequence[Instance]) -> Instance | None:  # noqa: ARG002
        """The instance of two that has less to do."""
        urn = self._urn
        if urn is None:
            return None
        if tried:
            urn = self._without(tried)
        (one, weight), (other, weight_of_other) = urn.two()
        return other if other.in_flight / weight_of_other < one.in_flight / weight else one


FORGET: Final = 10.0
"""Seconds of which a latency is older than another one until it counts about a third (1/e)."""
BETTER: Final = 0.8
"""What part of the time of the first one drawn the other one may take, at most, to be picked instead."""


class Latency(_Drawing):
    """Two are drawn by weight, and the one that will probably answer first is picked: latency * (1 + in flight / weight).

    The weight is in relation to the mean of all, so that it is left out where all are equal. Where the two are about as
    fast, the first one drawn is picked: weights decide, and not the noise of a measurement. `Instance.latency` is a "peak
    EWMA": a slower answer counts at once, faster ones little by little. This is Finagle's `Balancers.p2cPeakEwma`, but for
    the weights and for what follows.

    An instance that was slow is not asked any more, and would be thought slow for ever. So the older of two latencies is
    forgotten by how much older it is, down to half of the other one: after `FORGET` * ln(slow / fast) seconds the slow one
    is asked again, and that by one request or two, not by all that come until it has answered. Nothing is forgotten while
    nobody answers. An instance that has never answered counts as the median of those that have.
    """

    __slots__ = ()

    def update(self, choices: Sequence[Choice]) -> None:
        """Take over who may be picked from now on."""
        mean = sum(weight for _, weight in choices) / len(choices) if choices else 1.0
        super().update([Choice(instance, weight / mean) for instance, weight in choices])

    def pick(self, exchange: Exchange, tried: Sequence[Instance]) -> Instance | None:  # noqa: ARG002
        """The instance of two that will probably answer first."""
        urn = self._urn
        if urn is None:
            return None
        if tried:
            urn = self._without(tried)
        (one, weight), (other, weight_of_other) = urn.two()
        latency, latency_of_other = one.latency, other.latency
        if not latency or not latency_of_other:
            typical = self._typical()
            latency, latency_of_other = latency or typical, latency_of_other or typical
        elif (older := other.measured - one.measured) > 0:
            latency = _forgotten(latency, older, latency_of_other)
        else:
            latency_of_other = _forgotten(latency_of_other, -older, latency)
        time = latency * (1 + one.in_flight / weight)
        time_of_other = latency_of_other * (1 + other.in_flight / weight_of_other)
        return other if time_of_other < BETTER * time else one

    def _typical(self) -> float:
        known = sorted([instance.latency for instance, _ in self._pairs if instance.latency])
        return known[(len(known) - 1) // 2] if known else 1.0


def _forgotten(latency: float, older: float, other: float) -> float:
    return max(latency * math.exp(-older / FORGET), min(latency, other / 2))


def _plain(choices: Sequence[Choice]) -> list[Pair]:
    # a plain tuple is taken apart three times as fast as a named one
    return [(instance, float(weight)) for instance, weight in choices]

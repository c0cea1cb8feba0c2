"""Which instance is next for those that belong together: by the hash of a value, or by a cookie.

Nothing is remembered that another gateway would have to know: equal keys, ids and weights lead to equal instances in
all processes and on all machines. A hash takes 0.15 µs for a key that was seen before, 0.5 where its instance is busy; a
new key 2.2 µs over 3 instances and 5 over 20. A cookie takes 1 µs, to find it among the header fields.
"""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final

from gatekeeper.core.exchange import Exchange
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Response
from gatekeeper.core.text import cookie_value, cookies
from gatekeeper.policy.balance import Balancer, Choice, RoundRobin


REMEMBERED: Final = 65536
"""Places in all rankings that are kept, at most; clients choose the keys."""
REMEMBERED_LENGTH: Final = 128
"""Characters of the longest key whose ranking is kept."""

_WORD: Final = (1 << 128) - 1
_LOG_OF_WORD: Final = math.log(1 << 128)


class Hash:
    """Equal values go to the same instance, as long as it does not get too much; without a value it is round robin.

    Each key ranks the instances in an order of its own, of which the first is picked (rendezvous hashing: Thaler and
    Ravishankar, "Using name-based mappings to increase hit rates", 1998): when an instance goes, only its keys move. With
    weights the ranks are waiting times of exponential clocks, so that each one has its part of the keys (Schindelhauer and
    Schomaker, "Weighted distributed hash tables", 2005).

    `bounded` is how much of its part of all attempts in flight an instance takes, 1 or more, rounded up: what comes on top
    goes to the next one in the ranking (Mirrokni, Thorup and Zadimoghaddam, "Consistent hashing with bounded loads", 2018).
    With few requests at a time this spreads those of one key: where all of them must meet, it has to be infinite.
    """

    __slots__ = (
        "_bounded",
        "_choices",
        "_kept",
        "_otherwise",
        "_rankings",
        "_read",
        "_seats",
        "_weights",
        "_whole",
    )

    def __init__(self, read: Callable[[Exchange], str], bounded: float = 1.25) -> None:
        self._read = read
        self._bounded = bounded
        self._otherwise = RoundRobin()
        self._choices: tuple[Choice, ...] = ()
        self._seats: list[tuple[Instance, int, float]] = []
        self._weights: dict[Instance, float] = {}
        self._whole = 0.0
        self._rankings: OrderedDict[str, tuple[Instance, ...]] = OrderedDict()
        self._kept = 0

    def update(self, choices: Sequence[Choice]) -> None:
        """Take over who may be picked from now on."""
        now = tuple(choices)
        if now == self._choices:
            return
        self._choices = now
        self._otherwise.update(now)
        self._seats = [(instance, _number(instance.id, 16), 1 / weight) for instance, weight in now]
        self._weights = {instance: float(weight) for instance, weight in now}
        self._whole = sum(self._weights.values())
        self._rankings.clear()
        self._kept = max(REMEMBERED // len(now), 1) if now else 0

    def pick(self, exchange: Exchange, tried: Sequence[Instance]) -> Instance | None:
        """The first instance of the ranking that has room."""
        key = self._read(exchange)
        if not key or not self._choices:
            return self._otherwise.pick(exchange, tried)
        ranking = self._rankings.get(key) or self._rank(key, whole=False)
        first = ranking[0]
        # one that has nothing to do has room, whatever its part
        if not tried and (not first.in_flight or self._with_room(ranking) is first):
            return first
        if len(ranking) < len(self._choices):
            ranking = self._rank(key, whole=True)
        left = tuple([instance for instance in ranking if instance not in tried]) or ranking
        return self._with_room(left) or left[0]

    def _with_room(self, ranking: Sequence[Instance]) -> Instance | None:
        weights, whole = self._weights, self._whole
        # of all in flight, with the one that is to be placed
        most = self._bounded * (1 + sum([instance.in_flight for instance in weights]))
        for instance in ranking:
            if instance.in_flight * whole < most * weights[instance]:
                return instance
        return None

    def _rank(self, key: str, *, whole: bool) -> tuple[Instance, ...]:
        number = _number(key, 8)
        ranking: tuple[Instance, ...] = ()
        if whole:
            waits = {instance: _wait(number, factor, slow) for instance, factor, slow in self._seats}
            ranking = tuple(sorted(waits, key=waits.__getitem__))
        else:
            least = math.inf
            for instance, factor, slow in self._seats:
                wait = (_LOG_OF_WORD - math.log(number * factor & _WORD)) * slow  # `_wait` without a call
                if wait < least:
                    ranking, least = (instance,), wait
        if len(key) <= REMEMBERED_LENGTH:
            if len(self._rankings) >= self._kept and key not in self._rankings:
                self._rankings.popitem(last=False)
            self._rankings[key] = ranking
        return ranking


def _wait(number: int, factor: int, slow: float) -> float:
    # products with random odd numbers spread evenly (Dietzfelbinger, 1996), and cost a fifth of a digest
    return (_LOG_OF_WORD - math.log(number * factor & _WORD)) * slow


def _number(text: str, size: int) -> int:
    """An odd number of `size` bytes: products of such numbers are never 0."""
    # what was read from JSON may hold half a surrogate pair
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=size).digest(), "big") | 1


class Cookie:
    """A client stays with the instance that a cookie of it names; one without goes where `otherwise` says, and gets one.

    The value is a digest of the instance's id: it says nothing about addresses, and means the same on all gateways. `ttl`
    is how long the client keeps it in seconds, None until the browser is closed.
    """

    __slots__ = ("_attributes", "_instances", "_name", "_otherwise", "_tokens")

    def __init__(self, name: str, ttl: float | None, otherwise: Balancer) -> None:
        self._name = name
        self._otherwise = otherwise
        age = f"Max-Age={round(ttl)}; " if ttl is not None else ""
        self._attributes = f"; {age}Path=/; HttpOnly; SameSite=Lax"
        self._instances: dict[str, Instance] = {}
        self._tokens: dict[Instance, str] = {}

    def update(self, choices: Sequence[Choice]) -> None:
        """Take over who may be picked from now on."""
        self._otherwise.update(choices)
        self._tokens = {instance: token(instance) for instance, _ in choices}
        self._instances = {named: instance for instance, named in self._tokens.items()}

    def pick(self, exchange: Exchange, tried: Sequence[Instance]) -> Instance | None:
        """The instance that the client was with before."""
        instance = self._instances.get(self._named(exchange))
        if instance is None or instance in tried:
            return self._otherwise.pick(exchange, tried)
        return instance

    def answer(self, exchange: Exchange, instance: Instance, response: Response) -> None:
        """Tell the client which instance it was with, where its cookie does not say so."""
        named = self._tokens.get(instance)
        # one that went while it answered is not there the next time
        if named is None or named == self._named(exchange):
            return
        secure = "; Secure" if exchange.request.scheme == "https" else ""
        line = f"{self._name}={named}{self._attributes}{secure}"
        response.headers.fields.append((b"set-cookie", line.encode()))

    def _named(self, exchange: Exchange) -> str:
        return cookie_value(cookies(exchange), self._name)


def token(instance: Instance) -> str:
    """What a cookie calls an instance."""
    return blake2b(instance.id.encode(), digest_size=16, person=b"gk-instance").hexdigest()

"""Whose turn it is, fairly, also while those who take turns come and go.

Each one is owed its part of each turn that it could have had, and whoever is owed most is next. `Rounds` does so among all
and works turns out ahead, `Turns` among others each time (0.3 µs between two).
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

from gatekeeper.core.instance import Instance


Pair = tuple[Instance, float]
"""An instance and its weight."""

REACH: Final = 2.0
"""Turns that an instance is owed, or owes, at most when it comes back."""
REMEMBERED: Final = 64
"""Instances that are not there now whose turns are remembered."""

UNITS: Final = 1 << 40
"""Parts of a turn. They are counted in whole numbers, whose sums are exact: equal weights stay equal for ever."""
LONGEST_ROUND: Final = 4096
"""Turns of the longest round that is kept."""
BATCH: Final = 1024
"""How many credits are worked out at once: about 30 µs."""


def carry_over(
    owed: dict[Instance, float], before: Sequence[Pair], now: Sequence[Pair]
) -> dict[Instance, float]:
    """What each one is owed, in turns, when those who take turns are other ones now.

    Who is not there is remembered: an instance that flaps in step with the requests would else miss each of its turns.
    Who is new stands in the middle of the others.
    """
    middle = sum([owed[instance] for instance, _ in before]) / len(before) if before else 0.0
    here = {instance for instance, _ in now}
    gone = [instance for instance in owed if instance not in here][-REMEMBERED:]
    carried = {instance: owed[instance] - middle for instance in gone}
    for instance, _ in now:
        carried[instance] = min(max(owed.get(instance, middle) - middle, -REACH), REACH)
    return carried


class Turns:
    """Turns among some of all, others each time: those that are tied, or that were not tried.

    Fagin and Williams, "A fair carpool scheduling algorithm" (1983): among whom a turn is shared, to them it is charged.
    """

    __slots__ = ("_owed", "_pairs")

    def __init__(self) -> None:
        self._pairs: Sequence[Pair] = ()
        self._owed: dict[Instance, float] = {}

    def update(self, pairs: Sequence[Pair]) -> None:
        """Take over who may take part from now on."""
        self._owed = carry_over(self._owed, self._pairs, pairs)
        self._pairs = pairs

    def next(self, pairs: Sequence[Pair]) -> Instance:
        """Whose turn it is among these; there is at least one."""
        owed = self._owed
        whole = 0.0
        for _, weight in pairs:
            whole += weight
        first, most = pairs[0][0], -math.inf
        for instance, weight in pairs:
            due = owed[instance] = owed[instance] + weight / whole
            if due > most:
                first, most = instance, due
        owed[first] = most - 1.0
        return first


class Rounds:
    """Turns among all, spread as evenly as their weights allow.

    This is Nginx's smooth weighted round robin (commit 52327e0627f4, "Upstream: smooth weighted round-robin balancing",
    2012): at each turn everybody is credited with their weight, and whoever has most is next and pays the sum of all
    weights. Weights 5, 1 and 1 give a a b a c a a, and not a a a a a b c. A round that ends as it began is kept; weights
    that make it too long, as those of a slow start do, are worked out as they are needed.
    """

    __slots__ = ("_began", "_credits", "_kept", "_length", "_owed", "_pairs", "_round", "_steps", "ahead")

    def __init__(self) -> None:
        self.ahead: Final[list[Instance]] = []
        """The next turns, the next one last; `look_ahead` where there are none."""
        self._pairs: Sequence[Pair] = ()
        self._owed: dict[Instance, float] = {}
        self._steps: list[float] = []
        self._credits: list[float] = []
        self._length = 0
        self._round: list[Instance] = []
        self._began: list[float] = []
        self._kept = False

    def update(self, pairs: Sequence[Pair]) -> None:
        """Take over who takes turns from now on."""
        self._settle()
        self._owed = carry_over(self._owed, self._pairs, pairs)
        self._pairs = pairs
        self._steps, self._length = _steps([weight for _, weight in pairs])
        whole = sum(self._steps)
        self._credits = self._began = [float(round(self._owed[instance] * whole)) for instance, _ in pairs]
        self._round, self._kept = [], False

    def _settle(self) -> None:
        """Say what each one is owed now, without the turns that nobody took."""
        whole, ahead = sum(self._steps), self.ahead
        left = Counter(ahead)
        for (instance, _), step, credit in zip(self._pairs, self._steps, self._credits, strict=True):
            self._owed[instance] = (credit - len(ahead) * step) / whole + left[instance]
        ahead.clear()

    def look_ahead(self) -> None:
        """Work out the next turns; there is at least one to take them."""
        if self._kept:
            self.ahead.extend(self._round)
            return
        pairs, steps, due = self._pairs, self._steps, self._credits
        whole = sum(steps)
        turns = max(BATCH // len(pairs), 1)
        if self._length:
            turns = min(turns, self._length - len(self._round))
        found = []
        for _ in range(turns):
            due = [credit + step for credit, step in zip(due, steps, strict=True)]
            first = due.index(max(due))
            due[first] -= whole
            found.append(pairs[first][0])
        self._credits = due
        self.ahead.extend(reversed(found))
        if self._length:
            self._round += found
            if len(self._round) == self._length:
                # what was owed before tells in the first rounds only
                self._kept = due == self._began
                self._began = due
                self._round = self._round[::-1] * max(64 // self._length, 1) if self._kept else []


def _steps(weights: Sequence[float]) -> tuple[list[float], int]:
    """The weights as parts of a turn, and after how many turns all begins again; 0 if those are too many."""
    whole = sum(weights)
    if weights and all(float(weight).is_integer() for weight in weights):
        common = math.gcd(*map(int, weights))
        length = int(whole) // common
        if length <= LONGEST_ROUND:
            return [float(int(weight) // common * (UNITS // length)) for weight in weights], length
    return [float(max(round(weight / whole * UNITS), 1)) for weight in weights], 0

"""The automaton of a pattern, and what is decided with it: its time, and what two patterns share.

`re` looks for a match by going back: it tries one way through the pattern after another. Without back-references and
look-around its state is a place in the pattern and a place in the text, so each try of a character belongs to one *run*
of the position automaton (Glushkov 1961) over a beginning of the text. Two ways from one position to another that take
no character between are two runs, and are counted so. If no text has more than k runs at any of its characters, the
time is at most k steps for each, whatever the text is. That is all there is to prove.

`risk` proves it by trying all: a vector holds the number of runs that have come to each position; from the start and
with each character it follows which others there can be. If these are finitely many and each is small, that is the
proof. If one is not, runs multiply: `(a+)+`, `.*x.*y`. Counts are written out, so `[a-z]{1,63}` is 63 positions, exact.

One kind of position is left out of the count. A loop of `.` at the end of the pattern, as in `.*bot.*`, takes any
character, may end anywhere and leads only to its like. A run that has come there cannot fail, so nobody goes back from
there: the first such run is the last one made, and adds no more than its own steps.
"""

import enum
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

import attrs

from gatekeeper.policy.pattern import ANY, Chars, Choice, Group, Node, Repeat, Sequence


STEPS: Final = 256
"""How many steps a pattern may need for one character, at most; the last run may add as many."""
_VECTORS: Final = 2000
_PAIRS: Final = 20_000


class Risk(enum.Enum):
    """What is known of the time that a match can take."""

    NONE = enum.auto()
    """At most STEPS for each character: proven."""
    GROWS = enum.auto()
    """Some text needs more."""
    UNKNOWN = enum.auto()
    """There are too many cases to look at."""


_Ways = Mapping[int, int]
"""State → in how many ways."""
_Vector = tuple[tuple[int, int], ...]
"""States and how many runs have come to them, in order."""


@attrs.frozen
class Automaton:
    """States are the characters of the pattern, numbered from 1; 0 is the start. Make one with `Automaton.of`.

    A state is entered with a character of its mask. Each of them can be reached, and the end be reached from it.
    """

    masks: tuple[int, ...]
    follow: tuple[_Ways, ...]
    final: _Ways

    @classmethod
    def of(cls, tree: Node) -> "Automaton":
        """Make it of a pattern; counts are written out."""
        builder = _Builder()
        whole = builder.fragment(tree)
        builder.follow[0] = whole.first
        final = dict(whole.last)
        if whole.empty:
            final[0] = whole.empty
        return cls(tuple(builder.masks), tuple(builder.follow), final)

    def risk(self, *, last: bool = True) -> Risk:
        """Whether the time of a match is bounded; not `last` says that something follows that may fail."""
        sure = self._sure() if last else frozenset[int]()
        cost = [1 + sum(ways.values()) + self.final.get(state, 0) for state, ways in enumerate(self.follow)]
        start: _Vector = ((0, 1),)
        if any(cost[state] > STEPS for state in (0, *sure)):
            return Risk.GROWS
        seen = {start}
        waiting = [start]
        blocks = self._blocks()
        while waiting:
            ahead: Counter[int] = Counter()
            for state, runs in waiting.pop():
                for after, ways in self.follow[state].items():
                    if after not in sure:
                        ahead[after] += runs * ways
            ordered = sorted(ahead.items())
            found: dict[_Vector, int] = {}
            for block in blocks:
                vector = tuple(entry for entry in ordered if self.masks[entry[0]] & block)
                if vector and vector not in seen:
                    found[vector] = sum(runs * cost[state] for state, runs in vector)
            if any(steps > STEPS for steps in found.values()):
                return Risk.GROWS
            seen.update(found)
            if len(seen) > _VECTORS:
                return Risk.UNKNOWN
            # the most expensive is looked at first: what grows without end is then found soon
            waiting += sorted(found, key=found.__getitem__)
        return Risk.NONE

    def _sure(self) -> frozenset[int]:
        """The states where no run can fail any more."""
        sure = frozenset(state for state in self.final if self.masks[state] == ANY and self.follow[state])
        while True:
            left = frozenset(state for state in sure if self.follow[state].keys() <= sure)
            if left == sure:
                return sure
            sure = left

    def _blocks(self) -> list[int]:
        """The characters, those together that no mask tells apart."""
        blocks = [ANY]
        for mask in set(self.masks):
            blocks = [part for block in blocks for part in (block & mask, block & ~mask) if part]
        return blocks

    def prefix(self) -> str:
        """The longest text that every match begins with."""
        chars: list[str] = []
        states = {0}
        while not states & self.final.keys():
            states = {after for state in states for after in self.follow[state]}
            mask = 0
            for state in states:
                mask |= self.masks[state]
            if mask.bit_count() != 1:
                break
            chars.append(chr(mask.bit_length() - 1))
        return "".join(chars)

    def overlaps(self, other: "Automaton") -> bool:
        """Whether some text is accepted by both; exact."""
        seen = {(0, 0)}
        waiting = [(0, 0)]
        while waiting:
            mine, theirs = waiting.pop()
            if mine in self.final and theirs in other.final:
                return True
            for after in self.follow[mine]:
                mask = self.masks[after]
                for beside in other.follow[theirs]:
                    if mask & other.masks[beside] and (after, beside) not in seen:
                        seen.add((after, beside))
                        waiting.append((after, beside))
        return False

    def is_within(self, other: "Automaton") -> bool:
        """Whether each text that is accepted is by the other one too; False where that takes too long to say."""
        start = (0, frozenset({0}))
        seen = {start}
        waiting = [start]
        blocks = other._blocks()
        while waiting:
            mine, theirs = waiting.pop()
            if mine in self.final and not theirs & other.final.keys():
                return False
            for after, beside in self._beside(mine, theirs, other, blocks):
                if (after, beside) not in seen:
                    seen.add((after, beside))
                    waiting.append((after, beside))
            if len(seen) > _PAIRS:
                return False
        return True

    def _beside(
        self, mine: int, theirs: frozenset[int], other: "Automaton", blocks: list[int]
    ) -> Iterator[tuple[int, frozenset[int]]]:
        ahead = {after for state in theirs for after in other.follow[state]}
        for after in self.follow[mine]:
            for block in blocks:
                if block & self.masks[after]:
                    yield after, frozenset(state for state in ahead if other.masks[state] & block)


@attrs.frozen
class _Fragment:
    """The states that a part of the pattern begins and ends with, and in how many ways it is empty."""

    first: _Ways
    last: _Ways
    empty: int


_NOTHING: Final = _Fragment({}, {}, 1)


class _Builder:
    __slots__ = ("follow", "masks")

    def __init__(self) -> None:
        self.masks = [0]
        self.follow: list[_Ways] = [{}]

    def fragment(self, node: Node) -> _Fragment:
        match node:
            case Chars():
                self.masks.append(node.mask)
                self.follow.append({})
                own = {len(self.masks) - 1: 1}
                return _Fragment(own, own, 0)
            case Sequence():
                whole = _NOTHING
                for item in node.items:
                    whole = self._joined(whole, self.fragment(item))
                return whole
            case Choice():
                parts = [self.fragment(item) for item in node.items]
                return _Fragment(
                    {state: ways for part in parts for state, ways in part.first.items()},
                    {state: ways for part in parts for state, ways in part.last.items()},
                    sum(part.empty for part in parts),
                )
            case Repeat():
                return self._repeated(node)
            case Group():
                return self.fragment(node.body)

    def _repeated(self, node: Repeat) -> _Fragment:
        """Write it out from its end; a body that repeats is never empty, the parser has seen to that."""
        whole = _NOTHING
        needed = node.least
        if node.most is None:
            whole = self.fragment(node.body)
            self._link(whole, whole)
            if needed:
                needed -= 1
            else:
                whole = attrs.evolve(whole, empty=1)
        else:
            for _ in range(node.most - needed):
                whole = self._joined(self.fragment(node.body), whole)
                whole = attrs.evolve(whole, empty=whole.empty + 1)
        for _ in range(needed):
            whole = self._joined(self.fragment(node.body), whole)
        return whole

    def _joined(self, before: _Fragment, after: _Fragment) -> _Fragment:
        self._link(before, after)
        return _Fragment(
            _sum(before.first, after.first, before.empty),
            _sum(after.last, before.last, after.empty),
            before.empty * after.empty,
        )

    def _link(self, before: _Fragment, after: _Fragment) -> None:
        for state, ways in before.last.items():
            self.follow[state] = _sum(self.follow[state], after.first, ways)


def _sum(ways: _Ways, more: _Ways, times: int) -> _Ways:
    if not times:
        return ways
    summed = dict(ways)
    for state, count in more.items():
        summed[state] = summed.get(state, 0) + count * times
    return summed

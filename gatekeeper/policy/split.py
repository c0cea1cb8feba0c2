"""Which of several weighted names is chosen: by chance, or by a key that always leads to the same one."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from hashlib import blake2b
from itertools import accumulate
from typing import Final


_SCALE: Final = 1 / (1 << 64)


class Split:
    """Names with weights, at least one of which is above zero.

    Keys are spread by weighted rendezvous hashing (Schindelhauer and Schomaker, "Weighted distributed hash tables",
    2005): each name gets its part of the keys, and a change of weights moves as few keys as that change needs.
    """

    __slots__ = ("_limits", "_names", "_salts", "shares")

    def __init__(self, weights: Mapping[str, int]) -> None:
        total = sum(weights.values())
        self.shares: Final[Mapping[str, float]] = {name: weight / total for name, weight in weights.items()}
        """Name → its part of the whole, 0 to 1."""
        chosen = sorted(name for name, weight in weights.items() if weight)
        self._names = chosen
        self._limits = list(accumulate(self.shares[name] for name in chosen))
        self._salts = [name.encode()[:64] for name in chosen]

    def by_chance(self, number: float) -> str:
        """The name for a random number, 0 to 1 without 1."""
        return self._names[min(bisect_right(self._limits, number), len(self._names) - 1)]

    def by_key(self, key: str) -> str:
        """The name for a key."""
        if len(self._names) == 1:
            return self._names[0]
        data = key.encode()
        best, best_score = self._names[0], -1.0
        for name, salt in zip(self._names, self._salts, strict=True):
            digest = blake2b(data, digest_size=8, key=salt).digest()
            # never 0 and never 1, so that the logarithm is there and is not zero
            number = (int.from_bytes(digest, "big") | 1) * _SCALE
            score = -self.shares[name] / math.log(number) if number < 1 else math.inf
            if score > best_score:
                best, best_score = name, score
        return best

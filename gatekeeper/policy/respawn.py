"""When a worker that has died is replaced: at once, unless each successor dies as well."""

from typing import Final


LONG_ENOUGH: Final = 5.0
"""Seconds after which a worker that dies has not died of its beginning."""
AT_ONCE: Final = 2
"""How many may die young before the next one is waited for."""
FIRST: Final = 0.5
"""Seconds of the first wait; each further one is twice as long."""
LONGEST: Final = 30.0
"""Seconds that are waited at most."""


class Respawn:
    """Decides for one place of a worker."""

    __slots__ = ("_young",)

    def __init__(self) -> None:
        self._young = 0

    def delay(self, lived: float) -> float:
        """How many seconds to wait with a successor for one that served for `lived` seconds, 0 if it never did."""
        if lived >= LONG_ENOUGH:
            self._young = 0
            return 0.0
        self._young += 1
        # a float of a large power would overflow
        return min(FIRST * 2 ** min(self._young - AT_ONCE - 1, 10), LONGEST) if self._young > AT_ONCE else 0.0

"""How short memory is, and when that is over again: what is taken back must not be given out at once."""

import enum
from typing import Final


class Pressure(enum.IntEnum):
    """What is to be done about it."""

    NONE = 0
    TIGHT = 1
    """What only waits makes room for what comes."""
    SHORT = 2
    """Nothing new is begun."""


TIGHT_FROM: Final = 0.85
TIGHT_UNTIL: Final = 0.80
SHORT_FROM: Final = 0.95
SHORT_UNTIL: Final = 0.90
"""Shares of the limit, at which a level begins and below which it ends."""


def pressure(share: float, before: Pressure) -> Pressure:
    """The level at a share of the limit, 0 to 1, that is in use."""
    if share >= SHORT_FROM or (before is Pressure.SHORT and share >= SHORT_UNTIL):
        return Pressure.SHORT
    if share >= TIGHT_FROM or (before is not Pressure.NONE and share >= TIGHT_UNTIL):
        return Pressure.TIGHT
    return Pressure.NONE

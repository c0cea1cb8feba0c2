"""Who of the instances of a service may be picked, and with what weight.

Rules, in this order. Who is disabled or has no weight is never picked. Of the priorities, 0 before 1 before 2, the first
one counts of which enough is fit. Where none has enough, either the first one counts with all it has, fit or not
("panic": better to spread the load over many that may fail than to put it on few that will), or, where `panic_below`
is 0, nobody. Of those that are fit, the ones in the zone that is preferred go before all others.
"""

from collections.abc import Sequence

import attrs


@attrs.frozen
class Candidate:
    """An instance as it is weighed. `warmth` is the part of its weight that counts now, above 0 to 1: a slow start."""

    weight: float
    priority: int = 0
    zone: str = ""
    enabled: bool = True
    fit: bool = True
    warmth: float = 1.0


def eligible(
    candidates: Sequence[Candidate], *, panic_below: float = 0.0, prefer_zone: str = ""
) -> list[tuple[int, float]]:
    """Return who may be picked: the index and the weight, which is above 0, in the order they came.

    `panic_below` is the part of a priority, 0 to 1, by weight and of those that are enabled, that has to be fit.
    """
    levels: dict[int, list[int]] = {}
    for index, candidate in enumerate(candidates):
        if candidate.enabled and candidate.weight > 0:
            levels.setdefault(candidate.priority, []).append(index)
    chosen: list[int] = []
    for priority in sorted(levels):
        level = levels[priority]
        fit = [index for index in level if candidates[index].fit]
        # the quotient of whole numbers is the very number that a share was written as
        if fit and _weight(candidates, fit) / _weight(candidates, level) >= panic_below:
            chosen = [index for index in fit if candidates[index].zone == prefer_zone] if prefer_zone else fit
            chosen = chosen or fit
            break
    else:
        if panic_below and levels:
            chosen = levels[min(levels)]
    return [(index, candidates[index].weight * candidates[index].warmth) for index in chosen]


def _weight(candidates: Sequence[Candidate], chosen: Sequence[int]) -> float:
    return sum(candidates[index].weight for index in chosen)

"""Two kinds of guesses, timed in turns, and the question whether their times differ (Welch's t-test).

Times are compared below a quantile: what the machine does meanwhile makes few of them long, and of these nothing is learned.
The bound of 4.5 is that of test vector leakage assessment (ISO/IEC 17825): beyond it a difference is no chance.
"""

import gc
import math
import time
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Final

import attrs


BOUND: Final = 4.5
"""The absolute value of t from which on there is a leak."""
KEPT: Final = 0.9
"""Part of the times, from the shortest, that is compared."""

Guess = Callable[[], Awaitable[object]]


@attrs.frozen
class Verdict:
    """What was found: the difference of the means in nanoseconds, and how sure it is."""

    t: float
    difference: float
    samples: int

    @property
    def leaks(self) -> bool:
        """Whether it is more than chance."""
        return abs(self.t) >= BOUND


def compare(first: Sequence[float], second: Sequence[float]) -> Verdict:
    """Compare two kinds of times, without the longest of both."""
    limit = sorted([*first, *second])[int(KEPT * (len(first) + len(second))) - 1]
    one, other = ([value for value in times if value <= limit] for times in (first, second))
    difference = _mean(one) - _mean(other)
    error = math.sqrt(_variance(one) / len(one) + _variance(other) / len(other))
    t = difference / error if error else math.inf * difference if difference else 0.0
    return Verdict(t, difference, len(first) + len(second))


async def measure(first: Guess, second: Guess, samples: int, random: Random) -> Verdict:
    """Time two guesses in random order, so often together."""
    times: tuple[list[float], list[float]] = ([], [])
    guesses = (first, second)
    gc.collect()
    gc.disable()
    try:
        for number in range(samples + samples // 10):
            kind = random.getrandbits(1)
            begun = time.perf_counter_ns()
            await guesses[kind]()
            took = time.perf_counter_ns() - begun
            if number >= samples // 10:
                # before that everything is warming up
                times[kind].append(took)
    finally:
        gc.enable()
    return compare(*times)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _variance(values: Sequence[float]) -> float:
    mean = _mean(values)
    return sum((value - mean) ** 2 for value in values) / (len(values) - 1)

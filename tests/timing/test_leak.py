"""Whether the question is put well: of times that are made up, so that nothing depends on the machine."""

import asyncio
from random import Random

import pytest

from tests.timing.__main__ import FIRST, KEY, LAST, api_keys, careless, knocking
from tests.timing.leak import compare


def times(mean: float, count: int, random: Random) -> list[float]:
    """Of a machine that is sometimes busy."""
    return [
        random.gauss(mean, 50) + (random.random() < 0.05) * random.expovariate(1 / 5000) for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(5))
def test_equal_times_tell_nothing(seed: int) -> None:
    """However often somebody looks."""
    random = Random(seed)

    assert not compare(times(1000, 25_000, random), times(1000, 25_000, random)).leaks


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("more", [5, -5, 40])
def test_a_leak_is_seen(more: int, seed: int) -> None:
    """A few nanoseconds in a microsecond, whichever is quicker."""
    random = Random(seed)
    verdict = compare(times(1000 + more, 25_000, random), times(1000, 25_000, random))

    assert verdict.leaks
    assert (verdict.difference > 0) is (more > 0)


def test_times_without_noise() -> None:
    """The same is no leak, anything else is one."""
    assert not compare([1.0] * 10, [1.0] * 10).leaks
    assert compare([1.0] * 10, [2.0] * 10).leaks


async def test_what_is_timed_is_a_wrong_key() -> None:
    """In its first and its last character; the right one would be told."""
    keys = await asyncio.to_thread(api_keys)

    assert (1, 1) == tuple(sum(a != b for a, b in zip(KEY, wrong, strict=True)) for wrong in (FIRST, LAST))
    for wrong in (FIRST, LAST):
        await knocking(keys.authenticate, {"X-Api-Key": wrong})()
        await knocking(careless, {"X-Api-Key": wrong})()
    with pytest.raises(AssertionError):
        await knocking(keys.authenticate, {"X-Api-Key": KEY})()

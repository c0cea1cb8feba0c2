"""Faults that are planted into the gateway are found: what is never found is not there."""

import pytest

from tests.fuzz import loop
from tests.fuzz.faults import FAULTS, Fault


BOUND = 4000
"""Messages in which each must be found; most take fewer than a hundred."""


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
async def test_a_planted_fault_is_found(fault: Fault) -> None:
    """Within some messages of a run that finds nothing in a sound gateway."""
    with fault.plant():
        tally = await loop.run(1, messages=BOUND, only=fault.direction, to_first=True)

    assert 1 == len(tally.finds), f"not within {tally.messages} messages"


async def test_a_sound_gateway_has_none() -> None:
    """Or a find would say nothing."""
    tally = await loop.run(1, messages=100)

    assert [] == [str(find) for find in tally.finds]


async def test_a_find_is_made_small() -> None:
    """Nobody wants to read a kilobyte in order to see what is wrong."""
    with FAULTS["a length is passed on as it came"].plant():
        tally = await loop.run(2, messages=BOUND, only="requests", to_first=True)
        (find,) = tally.finds
        small = await loop.smaller(find, 60)

    assert find.kind == small.kind
    assert len(small.case.raw) < len(find.case.raw)

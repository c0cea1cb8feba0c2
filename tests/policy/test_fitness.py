"""Who may be picked."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.policy.fitness import Candidate, eligible


FIT, UNFIT = Candidate(1), Candidate(1, fit=False)
NEXT, UNFIT_NEXT = Candidate(1, priority=1), Candidate(1, priority=1, fit=False)
HERE, THERE = Candidate(1, zone="eu-1"), Candidate(1, zone="eu-2")
UNFIT_HERE = Candidate(1, zone="eu-1", fit=False)


@pytest.mark.parametrize(
    ("candidates", "options", "chosen"),
    [
        pytest.param([], {}, [], id="nobody"),
        pytest.param([FIT, FIT], {}, [0, 1], id="all"),
        pytest.param([FIT, UNFIT], {}, [0], id="who is fit"),
        pytest.param([UNFIT, UNFIT], {}, [], id="nobody is fit"),
        pytest.param([Candidate(0), FIT], {}, [1], id="CBR-13 weight 0"),
        pytest.param([Candidate(0)], {"panic_below": 1.0}, [], id="CBR-13 weight 0 in a panic"),
        pytest.param([Candidate(1, enabled=False), FIT], {}, [1], id="disabled"),
        pytest.param([Candidate(1, enabled=False)], {"panic_below": 1.0}, [], id="disabled in a panic"),
        # priorities
        pytest.param([FIT, NEXT], {}, [0], id="the first priority"),
        pytest.param([NEXT, FIT], {}, [1], id="the first priority, whatever the order"),
        pytest.param([UNFIT, NEXT], {}, [1], id="the next priority"),
        pytest.param([UNFIT, UNFIT_NEXT, Candidate(1, priority=7)], {}, [2], id="any later priority"),
        pytest.param([Candidate(1, priority=3), Candidate(1, priority=5)], {}, [0], id="no priority 0"),
        pytest.param([Candidate(1, enabled=False), NEXT], {}, [1], id="a priority without anybody"),
        pytest.param([FIT, UNFIT, UNFIT, NEXT], {}, [0], id="any fit one is enough"),
        pytest.param([FIT, UNFIT, UNFIT, NEXT], {"panic_below": 0.4}, [3], id="too few: the next"),
        pytest.param([FIT, UNFIT, UNFIT, NEXT], {"panic_below": 0.3}, [0], id="not too few"),
        pytest.param([FIT, UNFIT, NEXT], {"panic_below": 0.5}, [0], id="just enough"),
        # panic
        pytest.param([FIT, UNFIT, UNFIT], {"panic_below": 0.5}, [0, 1, 2], id="CBR-12 panic"),
        pytest.param([UNFIT, UNFIT], {"panic_below": 0.5}, [0, 1], id="CBR-12 nobody is fit"),
        pytest.param([UNFIT, UNFIT], {"panic_below": 0.0}, [], id="CBR-12 no panic"),
        pytest.param(
            [FIT, UNFIT, UNFIT, NEXT, UNFIT_NEXT],
            {"panic_below": 0.6},
            [0, 1, 2],
            id="CBR-12 in all priorities",
        ),
        pytest.param([UNFIT_NEXT, UNFIT], {"panic_below": 0.5}, [1], id="CBR-12 the first priority"),
        pytest.param(
            [Candidate(1, enabled=False), UNFIT_NEXT],
            {"panic_below": 0.5},
            [1],
            id="CBR-12 the first there is",
        ),
        pytest.param(
            [Candidate(9, fit=False), FIT], {"panic_below": 0.2}, [0, 1], id="the part is by weight"
        ),
        pytest.param(
            [Candidate(9), UNFIT], {"panic_below": 0.9}, [0], id="the part is by weight, the other way"
        ),
        pytest.param(
            [Candidate(7), Candidate(93, fit=False)], {"panic_below": 0.07}, [0], id="7 of 100 are 7 %"
        ),
        pytest.param(
            [FIT, UNFIT, Candidate(9, enabled=False, fit=False)],
            {"panic_below": 0.5},
            [0],
            id="of those that are enabled",
        ),
        pytest.param([Candidate(1, warmth=0.1), UNFIT], {"panic_below": 0.5}, [0], id="warmth is not health"),
        # zones
        pytest.param([HERE, THERE, HERE], {"prefer_zone": "eu-1"}, [0, 2], id="the zone"),
        pytest.param([UNFIT_HERE, THERE], {"prefer_zone": "eu-1"}, [1], id="nobody fit in the zone"),
        pytest.param([FIT, THERE], {"prefer_zone": "eu-1"}, [0, 1], id="nobody in the zone"),
        pytest.param([FIT, HERE], {}, [0, 1], id="no zone preferred"),
        pytest.param(
            [UNFIT, THERE, Candidate(1, priority=1, zone="eu-1")],
            {"prefer_zone": "eu-1"},
            [1],
            id="the priority comes before the zone",
        ),
        pytest.param(
            [HERE, THERE, UNFIT],
            {"prefer_zone": "eu-1", "panic_below": 0.9},
            [0, 1, 2],
            id="a panic knows no zone",
        ),
        pytest.param(
            [HERE, THERE, UNFIT_HERE],
            {"prefer_zone": "eu-1", "panic_below": 0.6},
            [0],
            id="fit enough, in all zones",
        ),
    ],
)
def test_who_may_be_picked(candidates: list[Candidate], options: dict[str, Any], chosen: list[int]) -> None:
    """Disabled, priority, panic, zone, in this order."""
    assert chosen == [index for index, _ in eligible(candidates, **options)]


@pytest.mark.parametrize("panic_below", [0.0, 1.0])
def test_the_weight_is_that_of_now(panic_below: float) -> None:
    """Who starts slowly has a part of it."""
    candidates = [Candidate(4, warmth=0.25), Candidate(3), Candidate(2, fit=panic_below == 0, warmth=0.5)]

    assert [(0, 1.0), (1, 3.0), (2, 1.0)] == eligible(candidates, panic_below=panic_below)


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        weight=st.sampled_from([0, 1, 5, 0.5]),
        priority=st.integers(0, 2),
        zone=st.sampled_from(["", "here", "there"]),
        enabled=st.booleans(),
        fit=st.booleans(),
        warmth=st.floats(0.01, 1),
    ),
    max_size=8,
)


@given(CANDIDATES, st.sampled_from([0.0, 0.3, 0.5, 1.0]), st.sampled_from(["", "here"]))
def test_what_always_holds(candidates: list[Candidate], panic_below: float, zone: str) -> None:
    """Of one priority, in order, with a weight, enabled; fit but in a panic; somebody where somebody is fit."""
    found = eligible(candidates, panic_below=panic_below, prefer_zone=zone)
    chosen = [candidates[index] for index, _ in found]
    usable = [candidate for candidate in candidates if candidate.enabled and candidate.weight > 0]

    assert sorted({index for index, _ in found}) == [index for index, _ in found]
    assert all(weight == candidates[index].weight * candidates[index].warmth > 0 for index, weight in found)
    assert all(candidate.enabled for candidate in chosen)
    assert len({candidate.priority for candidate in chosen}) <= 1
    assert all(candidate.fit for candidate in chosen) or (
        panic_below and chosen == [other for other in usable if other.priority == chosen[0].priority]
    )
    assert bool(chosen) is any(candidate.fit or panic_below for candidate in usable)

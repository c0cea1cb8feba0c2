"""The soak of restarts, four times; and that each of its checks can fail."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from tests.soak.restarts.report import judge
from tests.soak.restarts.sabotage import SABOTAGES
from tests.soak.restarts.story import Life, Options, Story
from tests.soak.running import GOODBYE, run_soak
from tests.soak.traffic import Asked


PATIENCE = 170


@pytest.mark.timeout(PATIENCE + GOODBYE + 10)
def test_nobody_notices() -> None:
    """LIF-02, LIF-03: two gateways behind a balancer end and start in turn."""
    done = run_soak("restarts", "--times", "4", "--pauses", "1,2", patience=PATIENCE)

    assert done.returncode == 0, done.stdout + done.stderr


def story() -> Story:
    """One in which everything is as it should be, on a clock that begins at 0."""
    lives = [
        Life("A", 1, 1.2, 4, 0, 5),
        Life("B", 6, 6.2, 9, 0, 10),
    ]
    asked = []
    for number in range(1100):
        at, kind = number / 100, ("GET", "POST")[number % 2]
        by = "B" if at < 6 else "A"
        asked.append(
            Asked(number, kind if number % 50 else ("up", "down")[number // 50 % 2], at, at + 0.1, 200, by=by)
        )
    asked += [
        Asked(2000, "GET", 1.5, 1.6, 200, closes=True, by="A"),
        Asked(2001, "POST", 6.5, 6.6, 200, closes=True, by="B"),
    ]
    return Story(Options(times=2), asked, lives, sent=1102, due=1102)


def _life(**changes: Any) -> Callable[[Story], object]:
    return lambda made: made.lives.append(attrs.evolve(made.lives.pop(), **changes))


def _fail(kind: str) -> Callable[[Story], object]:
    return lambda made: setattr(next(one for one in made.asked if one.kind == kind), "why", "answered 502")


def _set(name: str, value: object) -> Callable[[Story], object]:
    return lambda made: setattr(made, name, value)


FAULTS: dict[str, Callable[[Story], object]] = {
    "restarts": lambda made: made.lives.pop(),
    "exit code 0": _life(code=1),
    "balancer heard of the drain first": _life(told=0.0),
    "SIGTERM to the end, longest": _life(ended=22.0),
    "requests sent in time": _set("due", 2000),
    "GETs failed": _fail("GET"),
    "POSTs failed": _fail("POST"),
    "slow uploads failed": _fail("up"),
    "slow downloads failed": _fail("down"),
    "connections refused by one that was ready": _set("refused", 1),
    "connections for which nobody was ready": _set("lonely", 1),
    "answers while draining say close": lambda made: setattr(made.asked[-1], "closes", False),
    "complaints in the logs": _life(complaints=("requests were cut off",)),
    "what kept it from its end": _set("broken", "TimeoutError()"),
}


def test_a_good_story_holds() -> None:
    """Nothing failed, and what was answered last said so."""
    assert [one for one in judge(story()) if not one.holds] == []


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    """By what it is named for."""
    made = story()
    FAULTS[name](made)

    assert name in [one.name for one in judge(made) if not one.holds]


def test_no_check_is_left_out() -> None:
    """Each has its fault."""
    assert [*FAULTS] == [one.name for one in judge(story())]


def test_sabotages_are_found_out_by_checks_that_there_are() -> None:
    """Each by one at least."""
    checks = {one.name for one in judge(story())}

    assert [name for name, one in SABOTAGES.items() if not one.fails or {*one.fails} - checks] == []


def test_no_load_is_no_proof() -> None:
    """Nothing fails where nothing is asked."""
    made = story()
    made.asked = []

    assert len([one for one in judge(made) if not one.holds]) == 5

"""The soak of failover, once and short; and that each of its checks can fail."""

from collections.abc import Callable

import attrs
import pytest

from tests.soak.failover.instance import Begun
from tests.soak.failover.report import classify, judge
from tests.soak.failover.sabotage import SABOTAGES
from tests.soak.failover.story import SHORT, Stage, Story
from tests.soak.running import GOODBYE, run_soak
from tests.soak.traffic import Asked


PATIENCE = 170


@pytest.mark.timeout(PATIENCE + GOODBYE + 10)
def test_nothing_is_lost() -> None:
    """UPS-01, UPS-02, UPS-05, CBR-06: instances die, flap, freeze, feel unwell, are drained, weighted, come and go."""
    done = run_soak("failover", "--short", patience=PATIENCE)

    assert done.returncode == 0, done.stdout + done.stderr


# ---- a story that is made up ----------------------------------------------------------------------------------------

STEP = 0.02
STAGES = (
    Stage("kill", "a", 0, 1, 1.5, 4, 5, 10),
    Stage("freeze", "b", 10, 11, 13, 16, 17, 20),
    Stage("flap", "c", 20, 21, 0, 24, 25, 30),
    Stage("unwell", "a", 30, 31, 33, 36, 37, 40),
    Stage("drain", "b", 40, 41, 41, 45, 45, 50),
    Stage("disable", "c", 50, 51, 51, 55, 55, 60),
    Stage("weight", "a", 60, 61, 0, 69, 69, 70),
    Stage("add", "d", 70, 0, 0, 0, 71, 80),
    Stage("remove", "d", 80, 81, 81, 89, 0, 90),
)
DEAD = {("a", 1.0), ("c", 21.0)}


def who(number: int, at: float) -> str:
    """The instance that is asked."""
    names = "abc"
    for stage in STAGES:
        if (
            stage.name not in {"weight", "add", "remove"}
            and (stage.unfit or stage.happened) <= at <= stage.fit
        ):
            names = names.replace(stage.instance, "")
    if 61 < at < 69:
        names = "aaabc"
    if 71 < at < 81:
        names = "abcd"
    return names[number // 2 % len(names)]


def story() -> Story:
    """One in which everything is as it should be, on a clock that begins at 0."""
    asked, begun, blamed = [], [], {}
    for number in range(int(90 / STEP)):
        at = number * STEP
        one = Asked(number, "POST" if number % 2 else "GET", at, at + 0.1, 200)
        name = who(number, at)
        seen = Begun(number, name, at + 0.001, at + 0.09)
        if 11 < at < 13 and name == "b":
            one.status, one.why, blamed[number] = 504, "answered 504", name
            seen = attrs.evolve(seen, ended=None)
        for dead, died in DEAD:
            if name == dead and one.sent <= died <= one.ended:
                seen = attrs.evolve(seen, ended=None)
                if one.is_post:
                    one.status, one.why, blamed[number] = 502, "answered 502", name
                else:
                    begun.append(attrs.evolve(seen, instance="b", at=died + 0.001, ended=died + 0.09))
        asked.append(one)
        begun.append(seen)
    return Story(
        attrs.evolve(SHORT, flaps=1),
        asked,
        begun,
        [attrs.evolve(stage) for stage in STAGES],
        sorted(DEAD),
        blamed,
        sent=len(asked),
        due=len(asked),
        last={"instances": [{"id": name, "state": "fit", "in_flight": 0} for name in "abc"]},
        code=0,
    )


def _fail(at: float, kind: str) -> Callable[[Story], object]:
    """A request of which nobody knows why it failed."""

    def spoil(made: Story) -> None:
        next(one for one in made.asked if one.sent > at and one.kind == kind).why = "answered 502"

    return spoil


def _again(kind: str, times: int) -> Callable[[Story], object]:
    def spoil(made: Story) -> None:
        number = next(one.id for one in made.asked if one.kind == kind and one.sent > 5)
        made.begun = [*made.begun, *(Begun(number, "b", 5.2, 5.3) for _ in range(times))]

    return spoil


def _stale(made: Story) -> None:
    some = [one for one in made.asked if one.is_post and 1 < one.sent < 1.2]
    for one in some:
        one.sent, one.why = 1.05, "answered 502"
    made.begun = [one for one in made.begun if one.id not in {late.id for late in some}]
    made.blamed = {**made.blamed, **{one.id: "a" for one in some}}


def _move(since: float, until: float, name: str) -> Callable[[Story], object]:
    """All that was begun in this time goes to one."""

    def spoil(made: Story) -> None:
        made.begun = [
            attrs.evolve(one, instance=name) if since < one.at < until else one for one in made.begun
        ]

    return spoil


def _without(instance: str, since: float) -> Callable[[Story], object]:
    def spoil(made: Story) -> None:
        made.begun = [one for one in made.begun if one.instance != instance or one.at < since]

    return spoil


def _set(name: str, value: object) -> Callable[[Story], object]:
    return lambda made: setattr(made, name, value)


def _late(number: int, name: str, value: float) -> Callable[[Story], object]:
    return lambda made: setattr(made.stages[number], name, value)


def _shown(key: str, value: object) -> Callable[[Story], object]:
    return lambda made: made.last["instances"][1].update({key: value})


def _delayed(made: Story) -> None:
    """One that was sent before the drain begins long after it."""
    number = next(one.id for one in reversed(made.asked) if one.sent < 41)
    made.begun = [attrs.evolve(one, instance="b", at=42.0) if one.id == number else one for one in made.begun]


FAULTS: dict[str, Callable[[Story], object]] = {
    "what kept it from its end": _set("broken", "TimeoutError()"),
    "requests sent in time": _set("due", 10_000),
    "connections ended without a word": _set("idle_ends", 1),
    "GETs failed, but for a frozen instance": _fail(0.9, "GET"),
    "POSTs failed, but on one that died or froze": _fail(5, "POST"),
    "POSTs to connections just dead": _stale,
    "POSTs sent twice": _again("POST", 1),
    "GETs sent more than twice": _again("GET", 2),
    "POSTs answered were begun and ended once": _without("b", 85),
    "deaths": lambda made: made.deaths.pop(),
    "deaths that met a request": lambda made: setattr(
        made, "begun", [attrs.evolve(one, ended=one.ended or 99.0) for one in made.begun]
    ),
    "until it is known, longest": _late(3, "unfit", 0),
    "timed out on a frozen one": _late(1, "unfit", 12.5),
    "until one that is well again is fit, longest": _late(0, "fit", 11),
    "came back and were asked": _without("a", 37),
    "stages with one that is out": lambda made: made.stages.pop(),
    "sent to one that is out": _move(52, 53, "c"),
    "begun there 0.5 s after the answer": _delayed,
    "times weighed": _late(6, "fit", 0),
    "off its weight, most": _move(61, 62, "b"),
    "added instances that were asked": _without("d", 0),
    "states at the end": _shown("state", "ejected"),
    "in flight at the end": _shown("in_flight", 1),
    "errors in the log": _set("complaints", ["a task failed"]),
    "exit code": _set("code", 1),
}


def test_a_good_story_holds() -> None:
    """With requests that failed for a reason."""
    made = story()

    assert [one for one in judge(made) if not one.holds] == []
    assert {*classify(made).values()} == {"timed out", "died with it"}


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


def test_what_nobody_has_read_died_too() -> None:
    """A POST that lay before an instance when it died; not one of which another instance is to blame."""
    made = story()
    number = next(number for number, why in classify(made).items() if why == "died with it")
    made.begun = [one for one in made.begun if one.id != number]

    assert classify(made)[number] == "unread"
    made.blamed = {}
    assert classify(made)[number] == "lost"


def test_frozen_ones_get_nothing_once_they_are_known() -> None:
    """Not one request."""
    made = story()
    late = next(one for one in made.asked if one.sent > 14)
    late.status, late.why, made.blamed = 504, "answered 504", {**made.blamed, late.id: "b"}
    (found,) = [one for one in judge(made) if one.name == "timed out on a frozen one"]

    assert not found.holds
    assert found.found.endswith("1 once known")

"""The soak of workers, a little of everything; and that each of its checks can fail."""

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from tests.soak.running import GOODBYE, run_soak
from tests.soak.traffic import Asked
from tests.soak.workers.report import hit, judge
from tests.soak.workers.sabotage import SABOTAGES
from tests.soak.workers.story import Blow, Options, Story


PATIENCE = 170


@pytest.mark.timeout(PATIENCE + GOODBYE + 10)
def test_only_their_own_requests_fail() -> None:
    """LIF-05, LIF-06, LIF-07: workers are renewed, killed and stopped under load."""
    done = run_soak("workers", "--short", "--no-times", patience=PATIENCE)

    assert done.returncode == 0, done.stdout + done.stderr


def story() -> Story:
    """One in which everything is as it should be, on a clock that begins at 0."""
    asked = [Asked(number, "GET", number / 10, number / 10 + 0.1, 200, by="11") for number in range(300)]
    asked.append(Asked(900, "up", 20.2, 20.5, why="the connection ended", by="12"))
    asked.append(Asked(901, "GET", 20.4, 20.5, why="the connection ended", by=""))
    return Story(
        Options(renewals=2, reloads=3, tunnels=4, kills=1, stops=1),
        asked,
        [Blow("kill", "12", 20.5, 21.0), Blow("stop", "11", 25.0, 29.0)],
        renewed=2,
        reloaded=3,
        quiet_until=20.0,
        tunnels_open=4,
        words=40,
        workers_left=2,
        totals=[1, 5, 5, 9],
        sent=302,
        due=302,
        descriptors=(20, 20),
        code=0,
    )


def _set(name: str, value: object) -> Callable[[Story], object]:
    return lambda made: setattr(made, name, value)


def _blow(index: int, **changes: Any) -> Callable[[Story], object]:
    def change(made: Story) -> None:
        made.blows[index] = attrs.evolve(made.blows[index], **changes)

    return change


def _fail(index: int) -> Callable[[Story], object]:
    return lambda made: setattr(made.asked[index], "why", "answered 502")


FAULTS: dict[str, Callable[[Story], object]] = {
    "requests sent in time": _set("due", 2000),
    "renewals of all workers": _set("renewed", 1),
    "reloads in force meanwhile": _set("reloaded", 2),
    "requests failed in renewals": _fail(3),
    "longest way to a connection in renewals": _set("connects", [(3.0, 1.5)]),
    "tunnels open after all renewals": _set("tunnels_open", 3),
    "tunnels dropped": _set("tunnels_dropped", ["why"]),
    "words through tunnels": _set("words", 3),
    "workers when all tunnels have ended": _set("workers_left", 3),
    "workers killed and replaced": _set("blows", []),
    "workers stopped and replaced": lambda made: made.blows.pop(),
    "killed to replaced, longest": _blow(0, replaced=22.0),
    "stopped to replaced, longest": _blow(1, replaced=31.0),
    "requests failed at other workers": _fail(240),
    "times that a total went down": _set("totals", [1, 5, 4]),
    "descriptors of the supervisor": _set("descriptors", (20, 21)),
    "complaints in the log": _set("complaints", ["why"]),
    "exit code": _set("code", 1),
    "what kept it from its end": _set("broken", "why"),
}


def test_a_good_story_passes() -> None:
    """All checks hold."""
    assert [] == [one.name for one in judge(story()) if not one.holds]


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    """By what it looks for."""
    made = story()
    FAULTS[name](made)

    assert name in [one.name for one in judge(made) if not one.holds]


def test_each_check_is_tried() -> None:
    """None is there for show; what sabotage has to find out is one of them."""
    names = [one.name for one in judge(story())]

    assert names == list(FAULTS)
    assert {failed for one in SABOTAGES.values() for failed in one.fails} <= set(names)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param(Asked(1, "GET", 9.9, 10.1, by="7"), True, id="under-way"),
        pytest.param(Asked(1, "GET", 10.4, 10.5, by="7"), True, id="sent-into-the-dark"),
        pytest.param(Asked(1, "GET", 9.9, 10.1, by=""), True, id="first-of-its-connection"),
        pytest.param(Asked(1, "GET", 9.9, 10.1, by="8"), False, id="at-another-worker"),
        pytest.param(Asked(1, "GET", 9.0, 9.9, by="7"), False, id="before"),
        pytest.param(Asked(1, "GET", 12.0, 12.1, by=""), False, id="long-after"),
    ],
)
def test_who_is_hit_by_a_blow(asked: Asked, expected: bool) -> None:
    """The requests of that worker, and of connections that have not met any."""
    assert expected == hit(asked, Blow("kill", "7", 10.0, 11.0))

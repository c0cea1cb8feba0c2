"""The soak of reloads, a minute of it; and that each of its checks can fail."""

from collections.abc import Callable
from random import Random
from typing import Any

import attrs
import pytest

from tests.soak.process import Sample
from tests.soak.reload.edits import Done, Editor
from tests.soak.reload.ledger import Ledger
from tests.soak.reload.load import Load
from tests.soak.reload.sabotage import SABOTAGES
from tests.soak.reload.shape import Ports, Shape
from tests.soak.reload.slow import Slow
from tests.soak.reload.soak import Calm, Options, Soak
from tests.soak.running import GOODBYE, run_soak


PATIENCE = 240
PORTS = Ports(1, 2, 3, (4, 5))


@pytest.mark.timeout(PATIENCE + GOODBYE + 10)
def test_nobody_notices() -> None:
    """CFG-06 to CFG-09, LIF-01, LIF-12: a hundred edits in a minute. How fast they are is no matter on a busy machine."""
    done = run_soak(
        "reload", "--seconds", "60", "--edits", "100", "--rate", "100", "--no-times", patience=PATIENCE
    )

    assert done.returncode == 0, done.stdout + done.stderr


def soak() -> Soak:
    """One that went well, without a process."""
    nobody: Any = None
    ledger, random = Ledger(1), Random(0)
    load = Load(PORTS, ledger, 300, random)
    options = Options()
    slow = Slow(PORTS, ledger, random, options.counts)
    editor = Editor(nobody, ledger, load, slow, Shape(PORTS), random)
    load.sent = load.due = 100
    load.latencies = [0.001] * 100
    slow.whole, slow.streams = 205, 20
    editor.sound, editor.broken = 2, 1
    editor.done = [
        Done("vim", "pool", sound=True, took=0.5),
        Done("SIGHUP", "routes", sound=True, took=0.1),
        Done("truncate", "twice", sound=False, took=0.7),
    ]
    calm = Calm(16, {"watch": 1}, {"MainThread": 1, "pool": 2}, 12, {"Pool": 4})
    samples = [Sample(float(at), 60 << 20, 300) for at in range(101)]
    return Soak(options, PORTS, nobody, ledger, load, slow, editor, samples, calm, calm, errors=0, code=0)


def _fault(kind: str) -> Callable[[Soak], object]:
    return lambda made: made.ledger.fault(kind, "something")


def _after(**changes: Any) -> Callable[[Soak], object]:
    def change(made: Soak) -> None:
        assert made.after is not None
        made.after = attrs.evolve(made.after, **changes)

    return change


def _take(way: str, seconds: float) -> Callable[[Soak], object]:
    def change(made: Soak) -> None:
        made.editor.done = [
            attrs.evolve(one, took=seconds) if one.way == way else one for one in made.editor.done
        ]

    return change


def _grow(made: Soak) -> None:
    made.samples = [
        attrs.evolve(one, resident=int(one.resident + one.at * (1 << 17))) for one in made.samples
    ]


FAULTS: dict[str, Callable[[Soak], object]] = {
    "requests answered": lambda made: made.load.latencies.pop(),
    "requests sent in time": lambda made: setattr(made.load, "due", 102),
    "failed requests": _fault("failed"),
    "answers 5xx, as the gateway counts": lambda made: setattr(made, "errors", 1),
    "connections ended without a word": _fault("hung up"),
    "answers of a wrong revision": _fault("revision"),
    "failures at a listener that comes and goes": _fault("guest"),
    "sound edits in force": lambda made: made.editor.done.pop(0),
    "sound edits, median": _take("vim", 1.5),
    "sound edits that nobody asked to read, median": _take("vim", 1.3),
    "sound edits, longest": _take("SIGHUP", 5.1),
    "broken edits told with their place": lambda made: made.editor.done.pop(),
    "broken edits, longest": _take("truncate", 5.1),
    "edits that came to nothing": _fault("edit"),
    "differences between file and state": _fault("state"),
    "edits not told exactly once": _fault("log"),
    "other complaints in the log": _fault("complaint"),
    "silence in a transfer, longest": lambda made: setattr(made.slow, "silence", 10.1),
    "transfers that were not whole": _fault("slow"),
    "slow transfers whole": lambda made: setattr(made.slow, "whole", 199),
    "event streams without a gap": lambda made: setattr(made.slow, "streams", 19),
    "memory growth": _grow,
    "descriptors": _after(descriptors=17),
    "tasks": _after(tasks={"watch": 1, "left behind": 1}),
    "threads of the pool": _after(threads={"MainThread": 1, "pool": 40}),
    "other threads": _after(threads={"MainThread": 1, "pool": 2, "left behind": 1}),
    "kept things": _after(kept=13),
    "objects: Pool": _after(objects={"Pool": 5}),
    "exit code": lambda made: setattr(made, "code", None),
}


def test_a_good_soak_holds() -> None:
    """Nothing failed."""
    assert [one for one in soak().checks() if not one.holds] == []


@pytest.mark.parametrize("name", FAULTS)
def test_each_check_can_fail(name: str) -> None:
    """By what it is named for."""
    made = soak()
    FAULTS[name](made)

    assert name in [one.name for one in made.checks() if not one.holds]


def test_no_check_is_left_out() -> None:
    """Each has its fault."""
    assert [*FAULTS] == [one.name for one in soak().checks()]


@pytest.mark.parametrize("kind", ["refusal", "admin"])
def test_what_goes_wrong_beside_is_no_secret(kind: str) -> None:
    """It belongs to a check."""
    made = soak()
    made.ledger.fault(kind, "something")

    assert not all(one.holds for one in made.checks())


def test_a_busy_machine_is_late_and_nothing_else() -> None:
    """What depends on speed has checks of its own."""
    made = soak()
    made.load.due = 2 * made.load.sent
    made.editor.done = [attrs.evolve(one, took=14.0) for one in made.editor.done]
    made.slow.silence = 14.0

    assert {True} == {one.is_time for one in made.checks() if not one.holds}
    assert {False} == {one.holds for one in made.checks() if one.is_time}


def test_an_end_that_is_not_reached_fails() -> None:
    """Whatever was seen until then."""
    made = soak()
    made.after = None

    assert ["the end"] == [one.name for one in made.checks() if not one.holds]


def test_what_comes_new_is_a_leak() -> None:
    """Objects of a class of which there were none."""
    made = soak()
    _after(objects={"Pool": 4, "Connection": 1})(made)

    assert ["objects: Connection"] == [one.name for one in made.checks() if not one.holds]


def test_sabotages_are_found_out_by_checks_that_there_are() -> None:
    """Objects have a check each."""
    checks = {one.name for one in soak().checks()}

    assert (
        set()
        == {name for one in SABOTAGES.values() for name in one.fails if not name.startswith("objects: ")}
        - checks
    )

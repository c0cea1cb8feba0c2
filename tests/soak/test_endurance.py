"""The long soak, half a minute of it; that each of its checks can fail; and its picture."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import attrs
import pytest

from tests.soak.endurance.curve import bars, svg
from tests.soak.endurance.report import KINDS, grown, judge
from tests.soak.endurance.sabotage import SABOTAGES
from tests.soak.endurance.story import Options, Point, Story
from tests.soak.running import GOODBYE, run_soak


PATIENCE = 170
MEBIBYTE = 1 << 20


@pytest.mark.timeout(PATIENCE + GOODBYE + 10)
def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """LIF-12: memory, descriptors and tasks; and there is a picture of it."""
    picture = tmp_path / "soak.svg"
    done = run_soak("endurance", "--short", "--no-times", "--svg", str(picture), patience=PATIENCE)

    assert done.returncode == 0, done.stdout + done.stderr
    assert ET.parse(picture).getroot().tag.endswith("svg")


def points(per_second: float = 0.0, count: int = 100) -> list[Point]:
    """Two processes of 50 MiB, one of which grows by so many MiB a second while 40,000 requests are answered."""
    return [
        Point(
            float(second),
            second * 40_000,
            {"supervisor": 50 * MEBIBYTE, "worker 1": int((50 + second * per_second) * MEBIBYTE)},
            30,
        )
        for second in range(count)
    ]


def story() -> Story:
    """One in which everything is as it should be."""
    return Story(
        Options(seconds=100.0, rate=10),
        points(),
        Counter(dict.fromkeys(KINDS, 2)),
        answered=998,
        excused=2,
        sent=1000,
        due=1000,
        counted=1000,
        before={"descriptors": 30, "tasks": 9},
        after={"descriptors": 30, "tasks": 8},
        renewed=True,
        code=0,
    )


def _set(name: str, value: object) -> Callable[[Story], object]:
    return lambda made: setattr(made, name, value)


FAULTS: dict[str, Callable[[Story], object]] = {
    "requests sent in time": _set("due", 2000),
    "requests failed": _set("failed", Counter({"GET: answered 502": 1})),
    "requests answered": _set("answered", 10),
    "requests counted by the gateway": _set("counted", 999),
    "growth of memory": _set("points", points(0.2)),
    "descriptors": _set("after", {"descriptors": 31, "tasks": 8}),
    "tasks": _set("after", {"descriptors": 30, "tasks": 10}),
    "things that happened": _set("refused", 1),
    "kinds of them": lambda made: made.happened.pop("check"),
    "workers renewed under load": _set("renewed", False),
    "complaints in the log": _set("complaints", ["why"]),
    "exit code": _set("code", None),
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


@pytest.mark.parametrize(("per_second", "expected"), [(0.0, 0.0), (0.5, 35.5), (-0.5, -35.5)])
def test_growth_is_told_by_medians(per_second: float, expected: float) -> None:
    """From behind the warm-up to the end, with the requests of that time."""
    mebibytes, millions = grown(points(per_second))

    assert 3.16 == round(millions, 2)
    assert abs(mebibytes - expected) < 0.6


def test_a_peak_is_no_growth() -> None:
    """Memory comes and goes."""
    made = points()
    made[95] = attrs.evolve(made[95], resident={"supervisor": 900 * MEBIBYTE})

    assert 0 == grown(made)[0]


def test_too_little_tells_nothing() -> None:
    """And is no success."""
    assert (float("inf"), 0.0) == grown(points(count=5))


def test_the_picture_has_a_line_for_each_process() -> None:
    """And one for all of them, each with its name."""
    root = ET.fromstring(svg(points(0.5), "a <title>"))
    lines = [one for one in root if one.tag.endswith("polyline")]
    texts = [one.text for one in root if one.tag.endswith("text")]

    assert 3 == len(lines)
    assert [100] * 3 == [len(one.attrib["points"].split()) for one in lines]
    assert {"a <title>", "supervisor", "worker 1", "all"} <= set(texts)


def test_a_picture_of_nothing_is_one() -> None:
    """A soak may break before its first look."""
    assert ET.fromstring(svg([], "nothing")).tag.endswith("svg")
    assert "" == bars([])


def test_the_curve_for_a_terminal() -> None:
    """From its lowest to its highest."""
    shown, _, figures = bars(points(1.0), width=8).partition("  ")

    assert ("▁", "█", 8) == (shown[0], shown[-1], len(shown))
    assert figures.startswith("100.0 to ")

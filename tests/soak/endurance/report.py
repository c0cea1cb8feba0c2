"""What a long soak has to show, and the story of one."""

from typing import Final

from tests.soak import checks
from tests.soak.checks import MEBIBYTE, SHOWN, Check
from tests.soak.endurance.curve import bars
from tests.soak.endurance.story import Point, Story


WARM: Final = 0.2
"""Of the time, after which everything that is kept has been made."""
WINDOW: Final = 0.1
"""Of the time, over which memory is averaged at both ends."""
PER_MILLION: Final = 2.0
"""MiB that all processes together may grow by with each million of requests."""
MILLIONS: Final = 2.0
"""Where there were fewer, what an allocator does by chance is not told from growth."""
KINDS: Final = ("reload", "refused reload", "instance killed", "idle crowd", "check", "override")


def grown(points: list[Point]) -> tuple[float, float]:
    """MiB by which all processes have grown since the warm-up, and in how many millions of requests."""
    if len(points) < 10:
        return float("inf"), 0.0
    end = points[-1].at
    first = [one for one in points if WARM * end <= one.at <= (WARM + WINDOW) * end]
    last = [one for one in points if one.at >= (1 - WINDOW) * end]
    mebibytes = (
        checks.median(one.total for one in last) - checks.median(one.total for one in first)
    ) / MEBIBYTE
    return mebibytes, (last[-1].answered - first[0].answered) / 1e6


def judge(story: Story) -> list[Check]:
    """All checks."""
    options = story.options
    mebibytes, millions = grown(story.points)
    bar = PER_MILLION * max(millions, MILLIONS)
    least = int(options.seconds * options.rate * 0.9)
    things = sum(story.happened.values())
    return [
        checks.in_time(story.sent, story.due),
        Check(
            "requests failed", f"0 of {least}", f"{story.failed.total()} of {story.sent}", not story.failed
        ),
        Check("requests answered", f">= {least}", str(story.answered), story.answered >= least, is_time=True),
        checks.same("requests counted by the gateway", story.sent, story.counted),
        Check(
            "growth of memory",
            f"<= {bar:.1f} MiB",
            f"{mebibytes:+.2f} MiB in {millions:.2f} million",
            mebibytes <= bar,
        ),
        *(checks.no_more(name, count, story.after.get(name, -1)) for name, count in story.before.items()),
        checks.all_of("things that happened", things - story.refused, things, len(KINDS)),
        checks.same("kinds of them", len(KINDS), len({*KINDS} & {*story.happened})),
        checks.same("workers renewed under load", True, story.renewed),
        checks.none_of("complaints in the log", len(story.complaints)),
        checks.same("exit code", 0, story.code),
        checks.same("what kept it from its end", "", story.broken),
    ]


def describe(story: Story) -> str:
    """Figures that are no checks, and the curve."""
    points = story.points
    last = points[-1] if points else None
    head = (
        f"{story.answered} requests answered in {last.at if last else 0:.0f} s, {story.excused} POSTs cut with their instance;"
        f" {', '.join(f'{name} {count}' for name, count in story.happened.items())}; seed {story.options.seed}"
    )
    lines = [head, "", bars(points)]
    if last is not None:
        lines.append(", ".join(f"{name} {size / MEBIBYTE:.1f} MiB" for name, size in last.resident.items()))
    lines += [f"{count} x {why}" for why, count in story.failed.most_common(SHOWN)]
    lines += story.complaints[:SHOWN]
    return "\n".join(lines)

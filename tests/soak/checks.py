"""What a soak has to show, and whether it does: one line for each check, all of which must hold."""

from collections.abc import Iterable, Sequence
from typing import Final

import attrs

from tests.soak.process import Sample


MEBIBYTE: Final = 1 << 20
GROWTH: Final = 10.0
"""MiB."""
WARM_UP: Final = 0.1
"""Of the time."""
WINDOW: Final = 0.05
"""Of the time, over which memory is averaged at both ends."""
KEPT_UP: Final = 0.99
"""Of the requests that are due are sent."""
SHOWN: Final = 5
"""Of what went wrong."""


@attrs.frozen
class Check:
    """One thing that must hold."""

    name: str
    bar: str
    found: str
    holds: bool
    is_time: bool = False
    """Whether it depends on how busy the machine is."""


def none_of(name: str, count: int) -> Check:
    """Something that must not have happened."""
    return Check(name, "0", str(count), count == 0)


def all_of(name: str, count: int, of: int, least: int = 1) -> Check:
    """Something that must have happened each time, and often enough to mean something."""
    return Check(
        name, f"all, {least} at least" if least > 1 else "all", f"{count} of {of}", least <= count == of
    )


def at_most(name: str, figure: float, bar: float, unit: str) -> Check:
    """A figure with a bar."""
    return Check(name, f"<= {bar:g} {unit}", f"{figure:.2f} {unit}", figure <= bar)


def within(name: str, seconds: float, bar: float) -> Check:
    """A time with a bar."""
    return attrs.evolve(at_most(name, seconds, bar, "s"), is_time=True)


def in_time(sent: int, due: int) -> Check:
    """Whether clients that send at a steady rate did so."""
    holds = sent >= KEPT_UP * due > 0
    return Check("requests sent in time", f">= {KEPT_UP:.0%}", f"{sent} of {due}", holds, is_time=True)


def same(name: str, before: object, after: object) -> Check:
    """Something that must be as it was."""
    return Check(name, str(before), str(after), before == after)


def no_more(name: str, before: int, after: int) -> Check:
    """Something that must not have grown."""
    return Check(name, f"<= {before}", str(after), after <= before)


def growth(samples: Sequence[Sample]) -> float:
    """MiB that the process has become larger since the warm-up: medians, as memory comes and goes."""
    if not samples:
        return float("inf")
    end = samples[-1].at
    first = [one.resident for one in samples if WARM_UP * end <= one.at <= (WARM_UP + WINDOW) * end]
    last = [one.resident for one in samples if one.at >= (1 - WINDOW) * end]
    return (median(last) - median(first)) / MEBIBYTE


def median(figures: Iterable[float]) -> float:
    """The middle one; the upper one of two."""
    return share(figures, 0.5)


def share(figures: Iterable[float], part: float) -> float:
    """The figure that this part of all does not exceed; infinite where there are none."""
    ordered = sorted(figures)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else float("inf")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows below each other, the first of which is the head."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def report(checks: Sequence[Check]) -> str:
    """The table of the checks."""
    rows = [(one.name, one.bar, one.found, "ok" if one.holds else "FAILED") for one in checks]
    return table([("CHECK", "BAR", "FOUND", ""), *rows])

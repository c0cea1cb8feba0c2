"""What a soak of workers has to show, and the story of one."""

import itertools
from collections import Counter
from typing import Final

from tests.soak import checks
from tests.soak.checks import SHOWN, Check
from tests.soak.traffic import Asked
from tests.soak.workers.story import Blow, Story


KILLED: Final = 1.0
"""Seconds within which one that was killed is replaced."""
STOPPED: Final = 5.0
"""The same for one that hangs."""
CONNECT: Final = 0.9
"""Seconds: less than until a system tries again, where nobody has heard its first try."""
SLOW_KINDS: Final = frozenset({"up", "down"})
LATER: Final = 0.5
"""Seconds after a blow in which clients still learn of it."""


def hit(asked: Asked, blow: Blow) -> bool:
    """Whether a blow has hit a request: it was at that worker, or at one that nobody knows, as it was the first there."""
    met = asked.sent <= (blow.replaced or float("inf")) + LATER and asked.ended >= blow.at
    return met and asked.by in {blow.pid, ""}


def judge(story: Story) -> list[Check]:
    """All checks."""
    options = story.options
    failed = [asked for asked in story.asked if asked.why]
    quiet = [asked for asked in story.asked if asked.sent < story.quiet_until]
    early = [asked for asked in failed if asked.sent < story.quiet_until]
    late = [asked for asked in failed if asked.sent >= story.quiet_until]
    kills = [blow for blow in story.blows if blow.kind == "kill"]
    stops = [blow for blow in story.blows if blow.kind == "stop"]
    fell = sum(later < before for before, later in itertools.pairwise(story.totals))
    return [
        checks.in_time(story.sent, story.due),
        checks.all_of("renewals of all workers", story.renewed, options.renewals),
        checks.all_of("reloads in force meanwhile", story.reloaded, options.reloads),
        Check(
            "requests failed in renewals",
            f"0 of {options.renewals * 20} at least",
            f"{len(early)} of {len(quiet)}",
            not early and len(quiet) >= options.renewals * 20,
        ),
        checks.within(
            "longest way to a connection in renewals",
            max((took for at, took in story.connects if at < story.quiet_until), default=0),
            CONNECT,
        ),
        checks.all_of("tunnels open after all renewals", story.tunnels_open, options.tunnels),
        checks.none_of("tunnels dropped", len(story.tunnels_dropped)),
        Check(
            "words through tunnels",
            f">= {options.tunnels}",
            str(story.words),
            story.words >= options.tunnels,
        ),
        checks.same("workers when all tunnels have ended", 2, story.workers_left),
        checks.all_of("workers killed and replaced", sum(one.replaced > 0 for one in kills), options.kills),
        checks.all_of("workers stopped and replaced", sum(one.replaced > 0 for one in stops), options.stops),
        checks.within("killed to replaced, longest", max((one.took for one in kills), default=0), KILLED),
        checks.within("stopped to replaced, longest", max((one.took for one in stops), default=0), STOPPED),
        checks.none_of(
            "requests failed at other workers",
            sum(not any(hit(asked, blow) for blow in story.blows) for asked in late),
        ),
        checks.none_of("times that a total went down", fell),
        checks.same("descriptors of the supervisor", *story.descriptors),
        checks.none_of("complaints in the log", len(story.complaints)),
        checks.same("exit code", 0, story.code),
        checks.same("what kept it from its end", "", story.broken),
    ]


def describe(story: Story) -> str:
    """Figures that are no checks."""
    failed = [asked for asked in story.asked if asked.why]
    waited = [
        asked.ended - asked.sent for asked in story.asked if asked.kind not in SLOW_KINDS and not asked.why
    ]
    rows: list[tuple[str, ...]] = [("SECONDS", "p50", "p99", "max")]
    for name, figures in (
        ("killed to replaced", [one.took for one in story.blows if one.kind == "kill"]),
        ("stopped to replaced", [one.took for one in story.blows if one.kind == "stop"]),
        ("request", waited),
    ):
        rows.append((name, *(f"{checks.share(figures, part):.3f}" for part in (0.5, 0.99, 1.0))))
    head = (
        f"{len(story.asked)} requests on {story.connections} connections, {len(failed)} of which failed with their worker:"
        f" {dict(Counter(asked.kind for asked in failed))}; {story.words} words through {story.options.tunnels} tunnels;"
        f" seed {story.options.seed}"
    )
    lines = [head, "", checks.table(rows)]
    stray = [asked for asked in failed if not any(hit(asked, blow) for blow in story.blows)]
    lines += [str(asked) for asked in stray[:SHOWN]]
    lines += [*story.tunnels_dropped[:SHOWN], *story.complaints[:SHOWN]]
    return "\n".join(lines)

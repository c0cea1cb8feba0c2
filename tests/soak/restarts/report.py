"""What a soak of restarts has to show, and the story of one."""

from collections import Counter

from tests.soak import checks
from tests.soak.checks import SHOWN, Check
from tests.soak.restarts.story import Story
from tests.soak.traffic import Asked


def last_answers(story: Story) -> list[Asked]:
    """What a gateway was asked, and answered, after it had said that it goes."""
    return [
        asked
        for asked in story.asked
        if asked.status
        and any(
            life.name == asked.by and life.told and life.told < asked.sent < life.ended
            for life in story.lives
        )
    ]


def judge(story: Story) -> list[Check]:
    """All checks."""
    options, lives = story.options, story.lives
    last = last_answers(story)
    answered = Counter(asked.kind for asked in story.asked if not asked.why)
    failed = Counter(asked.kind for asked in story.asked if asked.why)
    kinds = {
        "GET": "GETs failed",
        "POST": "POSTs failed",
        "up": "slow uploads failed",
        "down": "slow downloads failed",
    }
    return [
        checks.all_of("restarts", len(lives), options.times),
        checks.all_of("exit code 0", sum(life.code == 0 for life in lives), options.times),
        checks.all_of(
            "balancer heard of the drain first", sum(life.told > 0 for life in lives), options.times
        ),
        checks.within(
            "SIGTERM to the end, longest",
            max((one.ended - one.asked for one in lives), default=0),
            options.grace,
        ),
        checks.in_time(story.sent, story.due),
        *(
            Check(
                name,
                f"0 of {least} at least",
                f"{failed[kind]} of {failed[kind] + answered[kind]}",
                not failed[kind] and answered[kind] >= least,
            )
            for (kind, name), least in zip(kinds.items(), (20, 20, 1, 1), strict=True)
        ),
        checks.none_of("connections refused by one that was ready", story.refused),
        checks.none_of("connections for which nobody was ready", story.lonely),
        checks.all_of(
            "answers while draining say close", sum(asked.closes for asked in last), len(last), options.times
        ),
        checks.none_of("complaints in the logs", sum(len(life.complaints) for life in lives)),
        checks.same("what kept it from its end", "", story.broken),
    ]


def describe(story: Story) -> str:
    """Figures that are no checks."""
    lives = story.lives
    took = [one.ended - one.asked for one in lives]
    told = [one.told - one.asked for one in lives if one.told]
    away = [one.ready - one.ended for one in lives]
    waited = [asked.ended - asked.sent for asked in story.asked if asked.kind in {"GET", "POST"}]
    rows = [("SECONDS", "p50", "max")]
    for name, figures in (
        ("SIGTERM to 503 seen", told),
        ("SIGTERM to the end", took),
        ("end to ready again", away),
        ("GET or POST", waited),
    ):
        rows.append((name, f"{checks.median(figures):.3f}", f"{checks.share(figures, 1.0):.3f}"))
    head = (
        f"{len(lives)} restarts, {len(story.asked)} requests on {story.connections} connections,"
        f" {len(story.idle_ends)} of which ended while they were idle; seed {story.options.seed}"
    )
    lines = [head, "", checks.table(rows)]
    failed = [asked for asked in story.asked if asked.why]
    lines += [str(asked) for asked in failed[:SHOWN]]
    lines += [complaint for life in lives for complaint in life.complaints][:SHOWN]
    for asked in failed[:SHOWN]:
        near = [life for life in lives if life.asked - 1 < asked.sent < life.ready + 1]
        lines += [
            f"  {asked.id}: {asked.sent - life.asked:+.3f} s after SIGTERM to {life.name}, which took {life.ended - life.asked:.3f} s"
            for life in near
        ]
    return "\n".join(lines)

"""What a crowd has to show, and the story of one."""

from collections.abc import Sequence
from typing import Final

import attrs

from tests.crowd.good import failed, waited
from tests.crowd.process import Line, most_in_a_second
from tests.crowd.story import Round, Story
from tests.soak import checks
from tests.soak.checks import GROWTH, MEBIBYTE, SHOWN, Check


RESIDENT: Final = 500
"""MiB."""
SLACK: Final = 2.0
"""Seconds that a limit of time may be late: it is 408 within 12 s of the first byte where a head may take 10 s."""
WAVERS: Final = 1.0
"""Seconds before its time in which an idle connection is no longer "hung up on before its time"."""
STORM: Final = 2
"""Lines of the log in one second."""
KEPT_UP: Final = 0.9
"""Of the resets."""
GONE: Final = "client-gone"


def judge(story: Story) -> list[Check]:
    """All checks."""
    options, bad = story.options, failed(story.asked)
    found = [
        checks.all_of("rounds", len(story.rounds), options.rounds),
        checks.in_time(story.sent, story.due),
        Check(
            "good requests failed",
            "0",
            f"{len(bad)} of {len(story.asked)}",
            not bad and len(story.asked) >= options.rate * options.quiet,
        ),
        checks.none_of("good connections hung up on", story.idle_ends),
        checks.at_most("resident memory, most", story.highest / MEBIBYTE, RESIDENT, "MiB"),
    ]
    for number, one in enumerate(story.rounds, 1):
        name = f" ({number})" if options.rounds > 1 else ""
        found += [attrs.evolve(check, name=f"{check.name}{name}") for check in _round(story, one)]
    if options.rounds > 1 and story.rounds:
        grown = (story.rounds[-1].resident - story.rounds[0].resident) / MEBIBYTE
        found.append(checks.at_most("memory growth from the first to the last", grown, GROWTH, "MiB"))
    found += [
        checks.none_of("complaints in the log", len(complaints(story.said))),
        checks.at_most("lines of the log in one second", most_in_a_second(story.said), STORM, "lines"),
    ]
    if story.before is not None and story.after is not None:
        before, after = story.before, story.after
        found.append(checks.no_more("descriptors", before.descriptors, after.descriptors))
        found += [
            checks.no_more(f"objects: {name}", before.objects.get(name, 0), count)
            for name, count in after.objects.items()
        ]
    found += [
        checks.same("exit code", 0, story.code),
        checks.same("what kept it from its end", "", story.broken),
    ]
    return found


def _round(story: Story, one: Round) -> list[Check]:
    options = story.options
    everybody = (one.address, one.idle, one.heads, one.bodies, one.deaf)
    seconds = [phase for phase in story.phases if phase.name.startswith("resets")]
    resetting = seconds[0].end - seconds[0].begin if seconds else 0.0
    extra = max((phase.answers - options.rate * (phase.end - phase.begin) for phase in seconds), default=0.0)
    heads = [took for status, took in one.heads.cuts if status == 408]
    bodies = [took for status, took in one.bodies.cuts if status == 408]
    ended = [cut.seconds for cut in one.cut if (cut.status, cut.error) == (200, GONE)]
    early = [idle for idle in one.idle.idle if idle < options.idle_time - WAVERS]
    wanted = options.idle + options.heads + options.bodies + options.deaf - options.connections
    return [
        Check(
            "resets",
            f">= {KEPT_UP:.0%} of {options.resets}/s",
            f"{one.resets.made / resetting if resetting else 0:.0f}/s",
            one.resets.made >= KEPT_UP * options.resets * resetting > 0,
            is_time=True,
        ),
        # an access line may be late, or early
        checks.at_most("access lines of resets", extra, options.rate, "lines"),
        checks.all_of(
            "from one address, asked again", one.address.answered, one.address.asked, options.place
        ),
        checks.same("from one address, over the limit: 503", options.beyond, one.address.refused),
        checks.same("the same, as the gateway counts", options.beyond, one.counted),
        checks.none_of("without a connection", sum(each.unconnected for each in everybody)),
        checks.none_of("hung up on without a word", sum(each.dropped for each in everybody)),
        checks.none_of("answered something else", sum(len(each.wrong) for each in everybody)),
        checks.all_of("idle connections let in", len(one.idle.idle) + one.idle.open, options.idle),
        checks.at_most("idle ones hung up on before their time", len(early), max(0, 1.1 * wanted), "of them"),
        checks.within(
            "idle ones, longest", max(one.idle.idle, default=float("inf")), options.idle_time + SLACK
        ),
        checks.none_of("idle ones that nobody hangs up on", one.idle.open),
        checks.at_most("memory for an idle connection", one.each_idle / 1024, options.idle_bar, "KiB"),
        checks.at_most("memory for one who does not read", one.each_deaf / MEBIBYTE, options.deaf_bar, "MiB"),
        attrs.evolve(
            checks.at_most("the kernel's for the same", one.kernel_deaf / MEBIBYTE, options.deaf_bar, "MiB"),
            is_time=True,
        ),
        checks.all_of("slow heads: 408", len(heads), len(one.heads.cuts), options.heads),
        checks.within("slow heads, longest", max(heads, default=float("inf")), options.head + SLACK),
        checks.all_of("slow bodies: 408", len(bodies), len(one.bodies.cuts), options.bodies),
        checks.within("slow bodies, longest", max(bodies, default=float("inf")), options.window + 1 + SLACK),
        checks.all_of("cut, as they do not read", len(ended), len(one.cut), options.deaf),
        checks.within("the same, longest", max(ended, default=float("inf")), options.write + 2 * SLACK),
        checks.all_of("hear of it", one.deaf.reset, options.deaf),
    ]


def complaints(said: Sequence[Line]) -> list[Line]:
    """What is wrong, as the gateway sees it."""
    return [line for line in said if line.level in {"warning", "error", "critical"}]


def describe(story: Story) -> str:
    """Figures that are no checks."""
    options = story.options
    rows = [("PHASE", "s", "good", "failed", "p50 ms", "p99 ms", "max ms", "CPU", "MiB", "log lines")]
    for phase in story.phases:
        seconds = phase.end - phase.begin
        p50, p99, most = (1000 * waited(story.took, phase, part) for part in (0.5, 0.99, 1.0))
        rows.append(
            (
                phase.name,
                f"{seconds:.1f}",
                str(sum(phase.begin <= one.sent < phase.end for one in story.asked)),
                str(len(failed(story.asked, phase))),
                f"{p50:.1f}",
                f"{p99:.1f}",
                f"{most:.0f}",
                f"{phase.cpu / seconds:.0%}",
                f"{phase.resident / MEBIBYTE:.0f}",
                str(phase.lines),
            )
        )
    lines = [
        (
            f"{options.idle} idle, {options.heads} slow heads, {options.bodies} slow bodies, {options.deaf} who do not read,"
            f" {options.resets} resets a second; {options.rate} good requests a second; seed {options.seed}"
        ),
        (
            f"descriptors: {options.descriptors} at first, {story.allowed[0]} of {story.allowed[1]} when they were there,"
            f" {story.descriptors} in use at most; connections refused: {dict(story.refused)}"
        ),
        "",
        checks.table(rows),
        "",
    ]
    for one in story.rounds:
        lines += [
            (
                f"slow heads: {len(one.heads.cuts)} answers to {one.heads.made} connections, {one.heads.refused} refused;"
                f" slow bodies: {len(one.bodies.cuts)} to {one.bodies.made}, {one.bodies.refused} refused;"
                f" idle: {one.idle.refused} refused; not reading: {one.deaf.refused} refused,"
                f" {one.deaf.open} had their answer begun; {one.resets.unconnected} of {one.resets.wanted} resets found nobody"
            ),
        ]
        lines += [
            repr(text)
            for each in (one.address, one.idle, one.heads, one.bodies, one.deaf)
            for text in each.wrong
        ][:SHOWN]
    lines += [str(asked) for asked in failed(story.asked)[:SHOWN]]
    lines += [str(line) for line in complaints(story.said)[:SHOWN]]
    return "\n".join(lines)

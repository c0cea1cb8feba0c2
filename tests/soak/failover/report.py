"""What a soak of failover has to show, and the story of one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from tests.soak import checks
from tests.soak.checks import SHOWN, Check
from tests.soak.failover.instance import Begun
from tests.soak.failover.story import SLOWNESS, WEIGHT, Stage, Story
from tests.soak.traffic import Asked


RECOGNISED: Final = 4.0
"""Seconds until an instance is known to be unfit: two checks, each a tenth late and without an answer, take 3.2."""
BACK: Final = 6.0
"""Seconds until one that is well again is asked: two checks and an ejection take 3.2 at most."""
SOON: Final = 0.5
"""Seconds after an answer of the admin side in which what was sent before it may still begin on an instance: 0.1, and
what a busy machine takes until the instance writes it down."""
STALE: Final = 0.1
"""Seconds after a death in which a POST may meet a connection whose end the gateway has not read."""
EXACT: Final = 0.05
FEW: Final = 0.001
"""Of the POSTs may meet such a connection (UPS-12)."""


def classify(story: Story) -> dict[int, str]:
    """Why each request that failed did, as far as that is an excuse.

    `timed out`: sent to an instance that was frozen. Of POSTs only: `died with it`, begun and not ended on the instance
    that died meanwhile; `unread`, under way when that one died, before it read anything; `stale`, sent within `STALE`.
    Anything else is `lost`.
    """
    begun: dict[int, list[Begun]] = {}
    for one in story.begun:
        begun.setdefault(one.id, []).append(one)
    found = {}
    for asked in story.asked:
        if asked.why:
            found[asked.id] = _excuse(story, asked, begun.get(asked.id, []))
    return found


def _excuse(story: Story, asked: Asked, begun: Sequence[Begun]) -> str:
    last = story.blamed.get(asked.id)
    for stage in story.stages:
        if stage.name != "freeze" or stage.instance != last:
            continue
        if asked.status == 504 and stage.happened - SLOWNESS / 1000 <= asked.sent <= stage.over:
            return "timed out"
    if not asked.is_post:
        return "lost"
    for name, died in story.deaths:
        met = asked.sent <= died <= asked.ended
        if (
            met
            and [one.instance for one in begun] == [name]
            and begun[0].ended is None
            and begun[0].at <= died
        ):
            return "died with it"
        if met and not begun and last == name:
            return "unread"
        if died < asked.sent <= died + STALE and not begun and last == name:
            return "stale"
    return "lost"


def _begun_by(story: Story, instance: str, since: float, until: float) -> int:
    """How many of the requests that were sent in this time an instance has begun."""
    sent = {asked.id for asked in story.asked if since < asked.sent < until}
    return sum(one.instance == instance and one.id in sent for one in story.begun)


def _late(story: Story, stage: Stage) -> int:
    """How many requests began on an instance that was taken out, long after that."""
    return sum(
        one.instance == stage.instance and stage.happened + SOON < one.at < stage.over for one in story.begun
    )


def _off(story: Story, stage: Stage) -> float:
    """How far the shares of a weighed service are from what was said, at most."""
    counts = {name: _begun_by(story, name, stage.happened, stage.over) for name in "abc"}
    total = sum(counts.values())
    if not total or not stage.fit:
        return float("inf")
    expected = {"a": WEIGHT / (WEIGHT + 2), "b": 1 / (WEIGHT + 2), "c": 1 / (WEIGHT + 2)}
    return max(abs(counts[name] / total / expected[name] - 1) for name in "abc")


def judge(story: Story) -> list[Check]:
    """All checks."""
    options, rounds = story.options, story.options.rounds
    least = rounds * options.kills
    stages: dict[str, list[Stage]] = {}
    for stage in story.stages:
        stages.setdefault(stage.name, []).append(stage)
    excuses = classify(story)
    posts = {asked.id: asked for asked in story.asked if asked.is_post}
    lost = Counter(posts.get(number) is not None for number, why in excuses.items() if why == "lost")
    whys = Counter(excuses.values())
    times = Counter(one.id for one in story.begun)
    whole = Counter(one.id for one in story.begun if one.ended is not None)
    once = sum(times[one.id] == whole[one.id] == 1 for one in posts.values() if not one.why)
    met = {
        died
        for name, died in story.deaths
        if any(
            one.instance == name and one.ended is None and died - SLOWNESS / 1000 - STALE < one.at <= died
            for one in story.begun
        )
    }
    weighed = [stage for stage in stages.get("weight", []) if stage.fit]
    out = [stage for name in ("unwell", "drain", "disable", "remove") for stage in stages.get(name, [])]
    told = [stage for stage in out if stage.name != "unwell"]
    known = [stage for name in ("kill", "freeze", "unwell") for stage in stages.get(name, [])]
    back = [stage for stage in [*known, *out, *stages.get("flap", [])] if stage.name != "remove"]
    recognised = max(
        (stage.unfit - stage.happened if stage.unfit else float("inf") for stage in known),
        default=float("inf"),
    )
    returned = max(
        (stage.fit - stage.over if stage.fit else float("inf") for stage in known), default=float("inf")
    )
    added = [_begun_by(story, "d", stage.fit, stage.ended) for stage in stages.get("add", [])]
    return [
        checks.same("what kept it from its end", "", story.broken),
        checks.in_time(story.sent, story.due),
        checks.none_of("connections ended without a word", story.idle_ends),
        checks.none_of("GETs failed, but for a frozen instance", lost[False]),
        checks.none_of("POSTs failed, but on one that died or froze", lost[True]),
        checks.at_most(
            "POSTs to connections just dead", 100 * whys["stale"] / max(1, len(posts)), 100 * FEW, "%"
        ),
        checks.none_of("POSTs sent twice", sum(times[number] > 1 for number in posts)),
        checks.none_of("GETs sent more than twice", sum(count > 2 for count in times.values())),
        checks.all_of(
            "POSTs answered were begun and ended once", once, sum(not one.why for one in posts.values()), 100
        ),
        checks.all_of("deaths", len(story.deaths), rounds * (options.kills + options.flaps)),
        Check("deaths that met a request", f">= {least}", str(len(met)), len(met) >= least),
        checks.within("until it is known, longest", recognised, RECOGNISED),
        *(_frozen(story, stage, excuses) for stage in stages.get("freeze", [])),
        checks.within("until one that is well again is fit, longest", returned, BACK),
        checks.all_of(
            "came back and were asked",
            sum(_begun_by(story, one.instance, one.fit, one.ended) > 0 for one in back if one.fit),
            len(back),
            rounds * (options.kills + 5),
        ),
        checks.all_of("stages with one that is out", len(out), 4 * rounds),
        checks.none_of(
            "sent to one that is out",
            sum(_begun_by(story, one.instance, one.unfit or one.happened, one.over) for one in out),
        ),
        checks.none_of(f"begun there {SOON:g} s after the answer", sum(_late(story, one) for one in told)),
        checks.all_of("times weighed", len(weighed), rounds),
        checks.at_most(
            "off its weight, most",
            100 * max((_off(story, one) for one in weighed), default=float("inf")),
            100 * EXACT,
            "%",
        ),
        checks.all_of("added instances that were asked", sum(count > 0 for count in added), rounds),
        checks.same(
            "states at the end",
            "a fit, b fit, c fit",
            ", ".join(f"{one['id']} {one['state']}" for one in story.last.get("instances", [])),
        ),
        checks.same(
            "in flight at the end",
            "0 0 0",
            " ".join(str(one["in_flight"]) for one in story.last.get("instances", [])),
        ),
        checks.none_of("errors in the log", len(story.complaints)),
        checks.same("exit code", 0, story.code),
    ]


def _frozen(story: Story, stage: Stage, excuses: Mapping[int, str]) -> Check:
    """Requests that met a frozen instance are a third of those that were sent until that was known, and none later."""
    until = stage.unfit or stage.happened
    late = [
        asked
        for asked in story.asked
        if excuses.get(asked.id) == "timed out" and stage.begun < asked.sent < stage.ended
    ]
    sent = sum(stage.happened - SLOWNESS / 1000 < asked.sent < until for asked in story.asked)
    after = sum(asked.sent > until for asked in late)
    most = sent / 3 * 1.1 + 5
    return Check(
        "timed out on a frozen one",
        f"<= {most:.0f}, none once known",
        f"{len(late)}, {after} once known",
        len(late) <= most and not after,
    )


def describe(story: Story) -> str:
    """Figures that are no checks."""
    excuses = classify(story)
    head = "STAGE|of|s|GET|failed|POST|failed|timed out|begun by a/b/c/d|known|back"
    rows = [tuple(head.split("|"))]
    for stage in story.stages:
        asked = [one for one in story.asked if stage.begun <= one.sent < stage.ended]
        late = [one for one in asked if excuses.get(one.id) == "timed out"]
        counts = []
        for is_post in (False, True):
            some = [one for one in asked if one.is_post == is_post]
            counts += [str(len(some)), str(sum(bool(one.why) and one not in late for one in some))]
        begun = "/".join(str(_begun_by(story, name, stage.begun, stage.ended)) for name in "abcd")
        known = f"{stage.unfit - stage.happened:.2f}" if stage.unfit else ""
        back = f"{stage.fit - stage.over:.2f}" if stage.fit and stage.over else ""
        lasted = f"{stage.ended - stage.begun:.1f}"
        rows.append((stage.name, stage.instance, lasted, *counts, str(len(late)), begun, known, back))
    whys = ", ".join(f"{count} {why}" for why, count in sorted(Counter(excuses.values()).items())) or "none"
    waited = [asked.ended - asked.sent for asked in story.asked if not asked.why]
    twice = sum(count > 1 for count in Counter(one.id for one in story.begun).values())
    head = (
        f"{len(story.asked)} requests, of which failed: {whys}; begun twice: {twice};"
        f" p50 {checks.median(waited) * 1e3:.0f} ms, max {checks.share(waited, 1.0) * 1e3:.0f} ms;"
        f" seed {story.options.seed}"
    )
    lines = [head, "", checks.table(rows), *story.complaints[:SHOWN]]
    lost = [one for one in story.asked if excuses.get(one.id) in {"lost", "stale"}]
    for failed in lost[:SHOWN]:
        seen = [one for one in story.begun if one.id == failed.id]
        since = [f"{failed.sent - died:+.4f} s since the death of {name}" for name, died in story.deaths]
        near = [
            one for one, (_, died) in zip(since, story.deaths, strict=True) if abs(failed.sent - died) < 1
        ]
        lines.append(
            f"{excuses[failed.id]}: {failed}, at {story.blamed.get(failed.id)}; begun: {seen}; {near}"
        )
    return "\n".join(lines)

"""The open-ended run: one case after the other, each from a seed of its own, so that every find can be had again."""

import asyncio
import collections
import itertools
import re
import time
from collections.abc import Iterator
from typing import Final, TextIO

import attrs

from tests.fuzz import answers, cases, requests
from tests.fuzz.cases import Case
from tests.fuzz.judging import Outcome


PATIENCE: Final = 20.0
"""Seconds after which a case has no end."""
TELL: Final = 30.0
"""Seconds between two reports of how far it is."""
SHOWN: Final = 3
"""Finds of one kind that are told."""
ATTEMPTS: Final = 400
"""Judgements that may be spent on making one find smaller."""

_VARIABLE: Final = re.compile(r"b'.*|b\".*|[0-9]+|\(.*", re.DOTALL)


@attrs.frozen
class Find:
    """A case that must not be."""

    number: int
    case: Case
    what: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The same for finds that are likely to have the same cause."""
        return _VARIABLE.sub("", self.what[0])[:60]

    def __str__(self) -> str:
        lines = [f"case {self.number}: {what}" for what in self.what[:4]]
        return "\n    ".join([*lines, _literal(self.case)])


def _literal(case: Case) -> str:
    """The case as Python."""
    if isinstance(case, requests.Case):
        more = f"lost={case.lost}, upgrades={case.upgrades}, holds={case.holds}, client={case.client!r}"
        return f"requests.Case({case.raw!r}, Behaviour.{case.behaviour.name}, {case.cuts}, {more})"
    return f"answers.Case({case.raw!r}, Asked.{case.asked.name}, {case.cuts}, {case.ending!r})"


@attrs.define
class Tally:
    """What has come of a run."""

    messages: int = 0
    kinds: collections.Counter[str] = attrs.field(factory=collections.Counter)
    finds: list[Find] = attrs.field(factory=list)
    """The first of each kind, made small."""
    found: collections.Counter[str] = attrs.field(factory=collections.Counter)
    """How many there were of each kind."""
    slowest: tuple[float, int] = (0.0, -1)
    """Seconds of the processor for one case, and its number."""


async def judge(case: Case) -> Outcome:
    """Judge a case of either direction; one that has no end is a find, too."""
    try:
        async with asyncio.timeout(PATIENCE):
            if isinstance(case, requests.Case):
                return await requests.judge(case)
            return await answers.judge(case)
    except TimeoutError:
        return Outcome("endless", (f"it has no end within {PATIENCE:g} s",))


async def run(
    seed: int,
    *,
    messages: int | None = None,
    seconds: float | None = None,
    only: str | None = None,
    out: TextIO | None = None,
    to_first: bool = False,
) -> Tally:
    """Judge so many messages, or for so long, or to the first find.

    The first finds of each kind are made small and told when they are met.
    """
    tally = Tally()
    begun = told = time.monotonic()
    for number in itertools.islice(cases.numbers(only), messages):
        now = time.monotonic()
        if seconds is not None and now - begun > seconds:
            break
        if out is not None and now - told > TELL:
            told = now
            print(
                f"  {tally.messages} messages, {tally.messages / (now - begun):.0f}/s", file=out, flush=True
            )
        case = cases.made(seed, number)
        before = time.process_time()
        outcome = await judge(case)
        tally.slowest = max(tally.slowest, (time.process_time() - before, number))
        tally.messages += 1
        tally.kinds[f"{cases.DIRECTIONS[number % 2]}: {outcome.kind}"] += 1
        if outcome.finds:
            find = Find(number, case, outcome.finds)
            if to_first:
                tally.finds.append(find)
                break
            await _note(tally, find, out)
    return tally


async def _note(tally: Tally, find: Find, out: TextIO | None) -> None:
    tally.found[find.kind] += 1
    if tally.found[find.kind] > SHOWN:
        return
    small = await smaller(find)
    tally.finds.append(small)
    if out is not None:
        print(small, file=out, flush=True)


async def smaller(find: Find, left: int | None = None) -> Find:
    """The same kind of find with as few bytes as it takes, or nearly, after so many judgements at most."""
    left = ATTEMPTS if left is None else left
    best = find
    changed = True
    while changed and left:
        changed = False
        for raw in _shorter(best.case.raw):
            if not left:
                break
            left -= 1
            case = attrs.evolve(best.case, raw=raw)
            outcome = await judge(case)
            tried = Find(find.number, case, outcome.finds)
            if outcome.finds and tried.kind == find.kind:
                best, changed = tried, True
                break
    return best


def _shorter(raw: bytes) -> Iterator[bytes]:
    """The same without some of it: large pieces first, then lines, then bytes."""
    size = len(raw) // 2
    while size > 8:
        for at in range(0, len(raw), size):
            yield raw[:at] + raw[at + size :]
        size //= 2
    lines = raw.split(b"\r\n")
    for at in range(len(lines)):
        yield b"\r\n".join(lines[:at] + lines[at + 1 :])
    for at in range(len(raw)):
        yield raw[:at] + raw[at + 1 :]

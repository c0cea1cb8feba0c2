"""What is wrong between the entries of a table: two of equal rank for one request, and one that nothing ever reaches.

Neither compares all with all. Entries of equal rank that overlap have the same host pattern, and paths that an index
finds together. An entry that takes all of another takes any one of its paths, so it is among those found for a sample.

A broader entry mostly ranks lower, but not only a priority makes it hide another one: `/api/**` ranks before each regular
expression, `/users` before `/{to:service}` where `users` is the only service, and two weak conditions before a strong one
that implies both.

Measured for 10,000 distinct paths of one kind: 25 to 75 ms for conflicts, 25 to 80 ms for what is hidden. Expressions
that begin alike and rank the same are compared pair by pair, 5 µs each: a thousand of them take 2.5 s.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final, TypeVar

from gatekeeper.routing import hosts
from gatekeeper.routing.conditions import Condition, OfValue
from gatekeeper.routing.entry import Entry
from gatekeeper.routing.index import HostIndex, PathIndex, beginning
from gatekeeper.routing.matcher import Exact
from gatekeeper.routing.pathmatch import Path, PathMatcher
from gatekeeper.routing.template import Capture, PathTemplate, Segment


T = TypeVar("T")

Facts = tuple[Condition, ...]

_SAMPLES: Final[Mapping[str, str]] = {
    "": "~",
    "int": "0",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "slug": "a",
    "date": "2000-01-01",
}
"""A segment of each type, that as few other types as possible take."""


ENOUGH: Final = 10
"""Conflicts of one entry with those before it after which no more are looked for."""


def conflicts(entries: Sequence[Entry[T]]) -> list[tuple[Entry[T], Entry[T]]]:
    """The pairs of different names that rank the same and are not known to share no request.

    `entries` are in matching order; the pairs are in it too. An entry that is in conflict with very many is paired with
    some of them only: a thousand that are alike would make half a million pairs.
    """
    groups: defaultdict[object, list[int]] = defaultdict(list)
    for position, entry in enumerate(entries):
        groups[entry.rank, entry.host].append(position)
    facts = _Facts(entries)
    pairs = set()
    for group in groups.values():
        if len(group) == 1:
            continue
        asked = {position: _exact(entries[position]) for position in group}
        for position, near in _near(entries, group):
            count, mine = 0, asked[position]
            for other in near:
                # many on one path differ by a value of one field: that is seen at once
                if any(key in mine and values.isdisjoint(mine[key]) for key, values in asked[other].items()):
                    continue
                if entries[other].name != entries[position].name and not _disjoint(
                    facts[other], facts[position]
                ):
                    pairs.add((min(other, position), max(other, position)))
                    count += 1
                    if count == ENOUGH:
                        break
    return [(entries[first], entries[second]) for first, second in sorted(pairs)]


def _exact(entry: Entry[T]) -> dict[object, frozenset[str]]:
    """What a request must have one of, by what it is: methods, and values of fields."""
    found: dict[object, frozenset[str]] = {}
    if entry.accepted is not None:
        found["method"] = entry.accepted
    for condition in entry.conditions:
        if isinstance(condition, OfValue) and isinstance(condition.matcher, Exact):
            found[condition.key, condition.name] = condition.matcher.values
    return found


def _near(entries: Sequence[Entry[T]], group: Sequence[int]) -> Iterator[tuple[int, Iterable[int]]]:
    """The positions of a group, each with others whose paths may overlap; every pair is met once."""
    templates: PathIndex[int] = PathIndex()
    others: defaultdict[str, list[int]] = defaultdict(list)
    for position in group:
        path = entries[position].path
        if isinstance(path, PathTemplate):
            yield position, templates.overlapping(path)
            templates.add(path, position)
        else:
            others[path.beginning].append(position)
    for text, positions in others.items():
        for index, position in enumerate(positions):
            begun = (others.get(text[:length], ()) for length in range(len(text)))
            yield position, chain(positions[:index], chain.from_iterable(begun))


class _Facts(dict[int, Facts]):
    """The facts of entries by their positions, made when they are needed."""

    def __init__(self, entries: Sequence[Entry[T]]) -> None:
        super().__init__()
        self._entries = entries

    def __missing__(self, position: int) -> Facts:
        facts = self[position] = self._entries[position].facts
        return facts


def _disjoint(one: Facts, other: Facts) -> bool:
    return any(mine.excludes(theirs) for mine in one for theirs in other)


def _covers(wide: Facts, narrow: Facts) -> bool:
    return all(any(fact.covers(given) for given in narrow) for fact in wide)


def shadowed(entries: Sequence[Entry[T]], index: HostIndex[int]) -> list[tuple[Entry[T], Entry[T]]]:
    """Each entry that is never reached, with one of a greater rank and another name that takes all of its requests.

    `entries` are in matching order, and `index` has their positions. Several entries that only together take all of one
    are not looked for.
    """
    facts = _Facts(entries)
    found = []
    first, rank = 0, None
    for position, entry in enumerate(entries):
        if entry.rank != rank:
            # from here on all rank the same; only what comes before hides them
            first, rank = position, entry.rank
        for before in sorted(_around(entry, index)):
            if before >= first:
                break
            by = entries[before]
            if by.name != entry.name and _covers(facts[before], facts[position]):
                found.append((entry, by))
                break
    return found


def _around(entry: Entry[T], index: HostIndex[int]) -> Iterator[int]:
    """The positions of all that could take every request of an entry."""
    segments = _sample(entry.path)
    if segments is None:
        return
    host = "" if entry.host == hosts.ANY else entry.host.replace("*", "~")
    for paths in index.of(host):
        found, others = paths.find("/".join(segments), segments)
        yield from (position for position, _ in found)
        yield from others


def _sample(path: Path) -> list[str] | None:
    """The segments of a path that fits, or of one that all that covers it would take; None where nothing fits."""
    if isinstance(path, PathMatcher):
        whole, start = beginning(path)
        return ["", *whole, start or _SAMPLES[""]]
    segments = [_segment(segment) for segment in path.segments]
    known = [segment for segment in segments if segment is not None]
    if len(known) < len(segments):
        return None
    return ["", *known, _SAMPLES[""]] if path.prefix else ["", *known]


def _segment(segment: Segment) -> str | None:
    if not isinstance(segment, Capture):
        return segment
    return _SAMPLES[segment.type] if segment.choices is None else min(segment.choices, default=None)

"""Which entry answers a method and a path.

Entries are ranked by what they say, never by the order in which they stand: priority, then the path (exact, template,
prefix; more literal text first), then the number of other conditions. The first in rank whose conditions all hold is
the match. Two entries that overlap and rank the same are a conflict, which the caller refuses.

A literal path is one dictionary entry with all its candidates, found when the table is built; other paths walk a tree of
segments. Neither grows with the number of entries. Measured for three segments: 0.1 µs
literal, 1.2 below a prefix, 1.7 with a capture; the same with 10,000 entries as with 10.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Generic, TypeVar

import attrs

from gatekeeper.core.exchange import NO_CAPTURES
from gatekeeper.routing.template import REST, Capture, PathTemplate


T = TypeVar("T")

REMEMBERED: Final = 1024
"""Matches of paths asked for lately that are kept; bounded in number and length, because clients choose them."""
REMEMBERED_LENGTH: Final = 128


@attrs.frozen
class Entry(Generic[T]):
    """A path template, what else must hold, and what answers then; `name` is that of the route.

    A route with alternatives has an entry for each of them. No `methods` means any; GET includes HEAD.
    """

    target: T
    name: str
    template: PathTemplate
    methods: frozenset[str] | None = None
    priority: int = 0

    @property
    def rank(self) -> tuple[int, tuple[int, int, int], int]:
        """Greater comes first; equal ranks must not overlap."""
        return self.priority, self.template.rank, int(self.methods is not None)

    @property
    def accepted(self) -> frozenset[str] | None:
        """The methods with what they include."""
        if self.methods is not None and "GET" in self.methods:
            return self.methods | {"HEAD"}
        return self.methods


class Match(Generic[T]):
    """What answers, and what the template captured from the path; shared between requests, so not to be changed."""

    __slots__ = ("captures", "target")

    def __init__(self, target: T, captures: dict[str, str]) -> None:
        self.target = target
        self.captures = captures

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Match):
            return NotImplemented
        return bool(self.target == other.target and self.captures == other.captures)

    __hash__ = None  # type: ignore[assignment]  # captures are a dict

    def __repr__(self) -> str:
        return f"<Match {self.target!r} {self.captures}>"


@attrs.frozen
class NotAllowed:
    """Some entry has this path, none has the method; `allow` is sorted, as the header `Allow` will list it."""

    allow: tuple[str, ...]


class _Rule(Generic[T]):
    """An entry in its place of the matching order, `index` (least first)."""

    __slots__ = ("entry", "index", "match", "methods", "names", "prefix")

    def __init__(self, entry: Entry[T], index: int) -> None:
        self.entry = entry
        self.index = index
        self.methods = entry.accepted
        self.names = entry.template.names
        self.prefix = entry.template.prefix
        self.match = Match(entry.target, NO_CAPTURES)

    def matched(self, segments: Sequence[str], values: tuple[str, ...]) -> Match[T]:
        if self.prefix:
            captures = dict(zip(self.names, values, strict=True))
            captures[REST] = "/".join(segments[len(self.entry.template.segments) + 1 :])
        elif values:
            captures = dict(zip(self.names, values, strict=True))
        else:
            return self.match
        return Match(self.entry.target, captures)


class _Node(Generic[T]):
    """What may follow a sequence of segments: rules that end here, rules with `/**` here, and further segments."""

    __slots__ = ("captures", "ends", "literals", "tails")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.captures: list[tuple[Capture, _Node[T]]] = []
        self.ends: list[_Rule[T]] = []
        self.tails: list[_Rule[T]] = []

    def child(self, segment: str | Capture) -> "_Node[T]":
        if isinstance(segment, str):
            return self.literals.setdefault(segment, _Node())
        for capture, node in self.captures:
            if (capture.type, capture.choices) == (segment.type, segment.choices):
                return node
        node = _Node[T]()
        self.captures.append((segment, node))
        return node

    def overlapping(self, segment: str | Capture) -> "Iterable[_Node[T]]":
        """The children that a path could be in when it fits the segment."""
        if isinstance(segment, str):
            if segment in self.literals:
                yield self.literals[segment]
            yield from (node for capture, node in self.captures if capture.accepts(segment))
        else:
            yield from (node for literal, node in self.literals.items() if segment.accepts(literal))
            yield from (node for capture, node in self.captures if capture.overlaps(segment))


_Found = tuple[_Rule[T], tuple[str, ...]]


class Table(Generic[T]):
    """Entries, compiled for lookup."""

    def __init__(self, entries: Iterable[Entry[T]]) -> None:
        self.entries: tuple[Entry[T], ...] = tuple(sorted(entries, key=_order))
        """In matching order."""
        self._root: _Node[T] = _Node()
        exact: dict[str, list[_Rule[T]]] = {}
        for index, entry in enumerate(self.entries):
            rule = _Rule(entry, index)
            literal = entry.template.literal
            if literal is not None:
                exact.setdefault(literal, []).append(rule)
                continue
            node = self._root
            for segment in entry.template.segments:
                node = node.child(segment)
            (node.tails if rule.prefix else node.ends).append(rule)
        self._remembered: dict[tuple[str, str], Match[T]] = {}
        self._exact: Mapping[str, list[_Rule[T]]] = exact
        self._ready = {path: self._candidates(path) for path in exact}

    def lookup(self, method: str, path: str) -> Match[T] | NotAllowed | None:
        """Return what answers this method on this path (decision form); None where no entry has the path."""
        candidates = self._ready.get(path)
        if candidates is not None:
            for methods, match in candidates:
                if methods is None or method in methods:
                    return match
            return _not_allowed(methods for methods, _ in candidates)
        remembered = self._remembered.get((method, path))
        if remembered is not None:
            return remembered
        segments = path.split("/")
        found = self._walk(segments)
        for rule, values in found:
            if rule.methods is None or method in rule.methods:
                match = rule.matched(segments, values)
                if len(path) <= REMEMBERED_LENGTH:
                    if len(self._remembered) >= REMEMBERED:
                        self._remembered.clear()
                    self._remembered[method, path] = match
                return match
        return _not_allowed(rule.methods for rule, _ in found) if found else None

    def conflicts(self) -> list[tuple[Entry[T], Entry[T]]]:
        """The pairs of entries of different names that rank the same and could both match one request."""
        pairs = []
        for index, entry in enumerate(self.entries):
            for rule in self._overlapping(entry.template):
                other = rule.entry
                if rule.index > index and other.name != entry.name and other.rank == entry.rank:
                    methods, others = entry.accepted, rule.methods
                    if methods is None or others is None or methods & others:
                        pairs.append((entry, other))
        return pairs

    def _candidates(self, path: str) -> list[tuple[frozenset[str] | None, Match[T]]]:
        segments = path.split("/")
        found = [*self._walk(segments), *((rule, ()) for rule in self._exact[path])]
        found.sort(key=_index)
        return [(rule.methods, rule.matched(segments, values)) for rule, values in found]

    def _walk(self, segments: list[str]) -> "list[_Found[T]]":
        """The rules of the tree that fit, in matching order, each with what its captures took."""
        count = len(segments)
        found: list[_Found[T]] = []
        node: _Node[T] | None = self._root
        at = 1
        values: tuple[str, ...] = ()
        # captures that fit are tried after the literal; the walk visits no node twice
        waiting: list[tuple[_Node[T], int, tuple[str, ...]]] = []
        while True:
            while node is not None:
                if node.tails:
                    found += [(rule, values) for rule in node.tails]
                if at == count:
                    found += [(rule, values) for rule in node.ends]
                    break
                segment = segments[at]
                at += 1
                if node.captures:
                    for capture, child in node.captures:
                        if capture.accepts(segment):
                            waiting.append((child, at, (*values, segment)))
                node = node.literals.get(segment)
            if not waiting:
                break
            node, at, values = waiting.pop()
        if len(found) > 1:
            found.sort(key=_index)
        return found

    def _overlapping(self, template: PathTemplate) -> "Iterable[_Rule[T]]":
        """The rules of the same form and length that a path could fit together with the template."""
        if template.literal is not None:
            return self._exact[template.literal]
        nodes = [self._root]
        for segment in template.segments:
            nodes = [child for node in nodes for child in node.overlapping(segment)]
        return [rule for node in nodes for rule in (node.tails if template.prefix else node.ends)]

    def __repr__(self) -> str:
        return f"<Table {len(self.entries)} entries, {len(self._exact)} literal>"


def _order(entry: Entry[T]) -> tuple[object, ...]:
    priority, (form, literal, segments), conditions = entry.rank
    # what follows the rank only keeps the order of equals from depending on the file
    methods = sorted(entry.methods or ())
    return -priority, -form, -literal, -segments, -conditions, entry.name, entry.template.text, methods


def _index(found: "_Found[T]") -> int:
    return found[0].index


def _not_allowed(methods: Iterable[frozenset[str] | None]) -> NotAllowed:
    return NotAllowed(tuple(sorted({name for names in methods if names is not None for name in names})))

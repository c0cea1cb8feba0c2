"""Which entry answers a request.

Entries are ranked by what they say (`routing.entry`). Host and path select the candidates, in the order of their ranks;
the first whose conditions all hold is the match. The method is asked last, so that "not allowed" is said only where
everything else fits. Two entries of equal rank that overlap are a conflict, which the caller refuses.

Exact paths (of exact hosts, where hosts are named) have their candidates found when the table is built, and the
candidates of other paths are remembered: one dictionary look-up for both. What is not remembered walks a tree of segments
(`routing.index`). None of it grows with the number of entries.

Measured with 10 and with 10,000 entries, three segments, ns: exact path 140, remembered template or prefix 135, 180 to 250
with hosts, 550 more for a condition on a header field among ten; not remembered 2,000 to 3,500. To build 10,000, with the
parsing of their templates, takes 65 to 135 ms.
"""

from collections.abc import Iterable, Iterator
from operator import attrgetter, itemgetter
from typing import Final, Generic, TypeVar

import attrs

from gatekeeper.core.exchange import NO_CAPTURES, Exchange
from gatekeeper.core.message import Request
from gatekeeper.routing import hosts, overlap
from gatekeeper.routing.conditions import Condition, MethodCondition, first_failed
from gatekeeper.routing.entry import Entry
from gatekeeper.routing.index import PIECE, HostIndex, emptied
from gatekeeper.routing.path import without_parameters
from gatekeeper.routing.template import REST, PathTemplate


__all__ = ["Entry", "Match", "NotAllowed", "Step", "Table"]

T = TypeVar("T")

REMEMBERED: Final = 4096
"""How many paths asked for lately are remembered with their candidates; bounded in number and length, because clients
choose them."""
REMEMBERED_LENGTH: Final = 128


class Match(Generic[T]):
    """What answers, and what the path captured; shared between requests, so not to be changed."""

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
    """Some entry fits in all but the method; `allow` is sorted, as the header `Allow` will list it."""

    allow: tuple[str, ...]


@attrs.frozen
class Step(Generic[T]):
    """A candidate of a request in its place of the matching order.

    `failed` is the first condition that does not hold, the method's last; None where all do. The first of these is the
    match; what stands after it is not `reached`.
    """

    entry: Entry[T]
    failed: Condition | None
    captures: dict[str, str]
    reached: bool = True


_Candidate = tuple[tuple[Condition, ...], frozenset[str] | None, Match[T], Entry[T]]


class Table(Generic[T]):
    """Entries, compiled for lookup."""

    def __init__(self, entries: Iterable[Entry[T]]) -> None:
        self.entries: tuple[Entry[T], ...] = tuple(sorted(entries, key=_order))
        """In matching order."""
        self._index: HostIndex[int] = HostIndex()
        for position, entry in enumerate(self.entries):
            self._index.add(entry.host, entry.path, position)
        self._accepted = [entry.accepted for entry in self.entries]
        self._named = self._index.named
        self._ready: dict[_Key, _Candidates[T]] = {}
        for entry in self.entries:
            path = entry.path.literal if isinstance(entry.path, PathTemplate) else None
            if path is not None and (not self._named or hosts.form(entry.host) == hosts.EXACT):
                key = (entry.host, path) if self._named else path
                if key not in self._ready:
                    self._ready[key] = self._find(entry.host, path)
        self._known = self._ready.copy()
        self._most = len(self._known) + REMEMBERED

    def lookup(self, exchange: Exchange) -> Match[T] | NotAllowed | None:
        """Return what answers the request; None where nothing would with another method either."""
        request = exchange.request
        candidates = self._candidates(request.host, request.path)
        for conditions, methods, match, _ in candidates:
            if conditions and first_failed(conditions, exchange) is not None:
                continue
            if methods is None or request.method in methods:
                return match
        allow = _allowed(candidates, exchange)
        return NotAllowed(allow) if allow else None

    def allow(self, exchange: Exchange) -> tuple[str, ...]:
        """The methods of all entries that fit in all but the method, sorted; an entry for any method adds none."""
        request = exchange.request
        return _allowed(self._candidates(request.host, request.path), exchange)

    def is_hidden(self, request: Request) -> bool:
        """Whether other entries would be asked if the path had no parameters (`;...` at the end of a segment).

        Many servers drop them before they look for a handler: `/admin;x=1` is `/admin` there. An entry whose own path
        has a semicolon means it.
        """
        with_them = self._candidates(request.host, request.path)
        without = self._candidates(request.host, without_parameters(request.path))
        meant = [entry for *_, entry in with_them if ";" not in str(entry.path)]
        return meant != [entry for *_, entry in without]

    def trace(self, exchange: Exchange) -> list[Step[T]]:
        """All entries of the request's host and path in matching order, and why the request is not theirs."""
        steps: list[Step[T]] = []
        reached = True
        for conditions, methods, match, entry in self._candidates(
            exchange.request.host, exchange.request.path
        ):
            failed = first_failed(conditions, exchange)
            if failed is None and methods is not None and exchange.request.method not in methods:
                failed = MethodCondition(entry.methods or frozenset())
            steps.append(Step(entry, failed, match.captures, reached))
            reached = reached and failed is not None
        return steps

    def conflicts(self) -> list[tuple[Entry[T], Entry[T]]]:
        """The pairs of entries of different names that rank the same and are not known to share no request."""
        return overlap.conflicts(self.entries)

    def shadowed(self) -> list[tuple[Entry[T], Entry[T]]]:
        """Each entry that is never reached, with one of a greater rank and another name that takes all it could."""
        return overlap.shadowed(self.entries, self._index)

    def take_apart(self) -> Iterator[None]:
        """Free the table in small steps; it answers nothing from the first one on."""
        entries = list(self.entries)
        self.entries = ()
        for known in (self._known, self._ready):
            yield from emptied(known)
        yield from self._index.take_apart()
        while entries:
            del entries[-PIECE:]
            yield

    def _candidates(self, host: str, path: str) -> "_Candidates[T]":
        """What host and path select, in matching order."""
        key = (host, path) if self._named else path
        candidates = self._known.get(key)
        if candidates is None:
            candidates = self._find(host, path)
            if candidates and len(path) <= REMEMBERED_LENGTH:
                if len(self._known) >= self._most:
                    self._known = self._ready.copy()
                self._known[key] = candidates
        return candidates

    def _find(self, host: str, path: str) -> "_Candidates[T]":
        segments = path.split("/")
        fitting: list[tuple[int, dict[str, str]]] = []
        for index in self._index.of(host):
            found, others = index.find(path, segments)
            for position, values in found:
                template = self.entries[position].path
                assert isinstance(template, PathTemplate), "the others are tried below"
                captures = NO_CAPTURES
                if template.prefix:
                    captures = dict(zip(template.names, values, strict=True))
                    captures[REST] = "/".join(segments[len(template.segments) + 1 :])
                elif values:
                    captures = dict(zip(template.names, values, strict=True))
                fitting.append((position, captures))
            for position in others:
                taken = self.entries[position].path.fits(path)
                if taken is not None:
                    fitting.append((position, taken or NO_CAPTURES))
        fitting.sort(key=_position)
        return tuple([self._candidate(position, captures) for position, captures in fitting])

    def _candidate(self, position: int, captures: dict[str, str]) -> "_Candidate[T]":
        entry = self.entries[position]
        return entry.conditions, self._accepted[position], Match(entry.target, captures), entry

    def __repr__(self) -> str:
        return f"<Table {len(self.entries)} entries>"


_Candidates = tuple[_Candidate[T], ...]
_Key = str | tuple[str, str]

_order = attrgetter("order")
_position = itemgetter(0)


def _allowed(candidates: "_Candidates[T]", exchange: Exchange) -> tuple[str, ...]:
    return tuple(
        sorted(
            {
                name
                for conditions, methods, _, _ in candidates
                if methods is not None and first_failed(conditions, exchange) is None
                for name in methods
            }
        )
    )

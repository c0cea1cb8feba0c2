"""The metrics of several processes as those of one gateway.

Counters and histograms are added up, with those of processes that have ended: a sum never goes down because a worker has
died. Gauges are those of processes that live. What is the same in all of them (`once`) is told by the first process alone.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final


Snapshot = Mapping[str, Any]
"""What `Metrics.snapshot` returns."""


class Totals:
    """Sums over processes that come and go; each is known by a key of its own."""

    def __init__(self) -> None:
        self._latest: Final[dict[object, Snapshot]] = {}
        self._ended: Snapshot = {}

    def take(self, key: object, snapshot: Snapshot) -> None:
        """Note the metrics of a process; they replace what was known of it."""
        self._latest[key] = snapshot

    def end(self, key: object) -> None:
        """Note that a process has ended: what it has counted stays."""
        if (last := self._latest.pop(key, None)) is not None:
            counted = {name: family for name, family in last.items() if family["type"] != "gauge"}
            self._ended = added([self._ended, counted])

    def sum(self, own: Snapshot) -> dict[str, Any]:
        """The metrics of all, with those of this process, which comes first."""
        return added([own, self._ended, *self._latest.values()])


def added(snapshots: Iterable[Snapshot]) -> dict[str, Any]:
    """Several snapshots as one."""
    sums: dict[str, dict[str, Any]] = {}
    samples: dict[str, dict[tuple[str, ...], dict[str, Any]]] = {}
    for snapshot in snapshots:
        for name, family in snapshot.items():
            known = sums.setdefault(name, {**family, "samples": []})
            if known["once"] and samples.get(name):
                continue
            found = samples.setdefault(name, {})
            for sample in family["samples"]:
                key = tuple(sample["labels"].values())
                found[key] = _plus(found[key], sample) if key in found else sample
    return {
        name: {**family, "samples": list(samples.get(name, {}).values())} for name, family in sums.items()
    }


def _plus(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    if "buckets" not in one:
        return {"labels": one["labels"], "value": one["value"] + other["value"]}
    others = other["buckets"]
    return {
        "labels": one["labels"],
        "count": one["count"] + other["count"],
        "sum": one["sum"] + other["sum"],
        # newer code may have others: those that both have are right
        "buckets": {
            bound: count + others[bound] for bound, count in one["buckets"].items() if bound in others
        },
    }

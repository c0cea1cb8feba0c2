"""Whether a chain of records is whole, and if not, where it breaks first and how.

A chain proves that nobody has changed, taken out, put in or moved a record without writing all that follow it anew. Who can
write the whole file can do that, too, and who cuts off its end leaves a chain that is whole: against both helps a hash that
was noted elsewhere, which still has to be in the chain (`expect`).
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final, Literal

import attrs

from gatekeeper.policy.ledger import FIRST, BrokenRecord, Head, head_of, unseal


AHEAD: Final = 10_000
"""Lines behind a break that are looked at to say what has happened."""

Kind = Literal["changed", "removed", "inserted", "reordered", "torn"]


@attrs.frozen
class Line:
    """One line of a file; numbers count from 1."""

    file: str
    number: int
    data: bytes


@attrs.frozen
class Break:
    """The first line at which a chain breaks, and how."""

    file: str
    line: int
    kind: Kind
    message: str


@attrs.frozen
class Gap:
    """Records that were lost before they could be written, as the gateway itself has told."""

    seq: int
    lost: int


@attrs.define
class Report:
    """What is known of a chain, up to its first break."""

    records: int = 0
    first: int = 0
    """The number of the first record; what came before it was rotated away, or is in a file that was not looked at."""
    since: str = ""
    until: str = ""
    head: Head = attrs.field(factory=Head)
    """Where it ends."""
    gaps: list[Gap] = attrs.field(factory=list)
    recovered: int = 0
    """How often a crash has torn the last line, which was left out."""
    found: int = 0
    """The number of the record with the hash that is expected."""
    broken: Break | None = None


def inspect(lines: Iterable[Line], expect: str = "") -> Report:
    """Read all lines of a chain, oldest first; it may begin anywhere, and go on across files."""
    report, rest = Report(), iter(lines)
    for line in rest:
        try:
            record = unseal(line.data)
        except BrokenRecord as error:
            report.broken = _unreadable(report, line, str(error), rest)
            break
        if not report.records:
            if record["seq"] == 1 and record["prev"] != FIRST:
                message = (
                    "the first record follows another one: those before it are missing, or it was changed"
                )
                report.broken = Break(line.file, line.number, "changed", message)
                break
            report.first, report.since = record["seq"], record["time"]
        elif record["prev"] != report.head.hash or record["seq"] != report.head.seq + 1:
            report.broken = _misplaced(report, line, record, rest)
            break
        _note(report, record, expect)
    return report


def _note(report: Report, record: dict[str, Any], expect: str) -> None:
    report.records += 1
    report.until, report.head = record["time"], head_of(record)
    if record["hash"] == expect:
        report.found = record["seq"]
    if record["event"] == "gap":
        lost = record.get("lost")
        report.gaps.append(Gap(record["seq"], lost if isinstance(lost, int) else 0))
    elif record["event"] == "recovered":
        report.recovered += 1


def _unreadable(report: Report, line: Line, why: str, rest: Iterator[Line]) -> Break:
    following = _sound(rest)
    if not line.data.endswith(b"\n") and not following:
        message = "the last line has no end; a gateway that was killed has left it, and the next one mends it"
        return Break(line.file, line.number, "torn", message)
    if report.records and following and following[0]["prev"] == report.head.hash:
        return Break(
            line.file, line.number, "inserted", f"{why}, and the record behind it follows the one before"
        )
    return Break(line.file, line.number, "changed", f"this line is not as it was written: {why}")


def _misplaced(report: Report, line: Line, record: dict[str, Any], rest: Iterator[Line]) -> Break:
    """Say how a record that is sound came to a place that is not its own."""

    def told(kind: Kind, message: str) -> Break:
        return Break(line.file, line.number, kind, message)

    head, following = report.head, _sound(rest)
    seq = record["seq"]
    if any(one["prev"] == head.hash for one in following):
        if any(one["hash"] == record["prev"] for one in following):
            return told("reordered", f"record {seq} stands before the one that it follows")
        return told("inserted", f"record {seq} does not follow record {head.seq}, and one behind it does")
    if seq > head.seq + 1:
        missing = (
            f"record {head.seq + 1} is" if seq == head.seq + 2 else f"records {head.seq + 1} to {seq - 1} are"
        )
        return told("removed", f"{missing} missing before this line")
    if seq == head.seq + 1:
        return told(
            "changed", f"record {seq} follows another one than stands before it: one of the two was changed"
        )
    return told("inserted", f"record {seq} stands behind record {head.seq}")


def _sound(rest: Iterator[Line]) -> list[dict[str, Any]]:
    """The records among the next lines."""
    found = []
    for line in islice(rest, AHEAD):
        try:
            found.append(unseal(line.data))
        except BrokenRecord:
            continue
    return found

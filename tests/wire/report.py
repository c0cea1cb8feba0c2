"""What came of the rows: failures for the terminal, and a table of rows and targets side by side."""

import collections
from collections.abc import Mapping, Sequence

from tests.wire.engine import Outcome
from tests.wire.row import Row


Columns = Mapping[str, Sequence[Outcome]]
"""Outcomes by target."""


def terminal(columns: Columns) -> str:
    """Each failure with its complaints, and the counts."""
    lines: list[str] = []
    for name, outcomes in columns.items():
        for outcome in outcomes:
            if not outcome.passed:
                lines.append(f"{name}: {outcome.row.id}")
                lines += [f"    {what}" for what in (*outcome.complaints, *outcome.left)]
    return "\n".join([*lines, *(f"{name}: {_counts(outcomes)}" for name, outcomes in columns.items())])


def _counts(outcomes: Sequence[Outcome]) -> str:
    by_family: dict[str, list[Outcome]] = collections.defaultdict(list)
    for outcome in outcomes:
        by_family[outcome.row.family].append(outcome)
    parts = [f"{family} {_passed(members)}" for family, members in by_family.items()]
    chosen = sum(not outcome.passed and outcome.row.choice for outcome in outcomes)
    note = f" ({chosen} of those that fail are a matter of choice)" if chosen else ""
    return f"{_passed(outcomes)} rows pass{note}; {', '.join(parts)}"


def _passed(outcomes: Sequence[Outcome]) -> str:
    return f"{sum(outcome.passed for outcome in outcomes)} of {len(outcomes)}"


def markdown(rows: Sequence[Row], columns: Columns) -> str:
    """A table: a line for each row, a column for each target."""
    by_target = {name: {one.row.id: one for one in outcomes} for name, outcomes in columns.items()}
    lines = [
        "# Wire report",
        "",
        *(f"- {name}: {_counts(outcomes)}" for name, outcomes in columns.items()),
        "",
        f"| row | {' | '.join(columns)} |",
        f"|---|{'---|' * len(columns)}",
    ]
    for row in rows:
        cells = [_cell(outcomes.get(row.id)) for outcomes in by_target.values()]
        lines.append(f"| {row.id}{' (choice)' if row.choice else ''} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _cell(outcome: Outcome | None) -> str:
    if outcome is None:
        return "-"
    if outcome.passed:
        return "pass"
    first = (*outcome.complaints, *outcome.left)[0]
    return "**fail**: " + first[:100].replace("|", "/")

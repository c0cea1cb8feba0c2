"""Pages of the reference as data, and set in plain text."""

import textwrap
from typing import Any, Final

import attrs


WIDTH: Final = 98
"""Characters of a line, without the indent of tables."""
LAST: Final = 40
"""Characters that the last column has at least."""


@attrs.frozen
class Table:
    """Rows under the names of their columns, which are empty where a cell says enough."""

    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@attrs.frozen
class Page:
    """What is to be known of one topic."""

    title: str
    text: str
    tables: tuple[Table, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """The page as plain data."""
        tables = {
            table.heading: [dict(zip(table.columns, row, strict=True)) for row in table.rows]
            for table in self.tables
        }
        return {"title": self.title, "text": self.text, "tables": tables}


def render(page: Page) -> str:
    """The page for a terminal of 100 columns."""
    parts = [page.title, *([textwrap.fill(page.text, WIDTH)] if page.text else [])]
    return "\n\n".join([*parts, *(_set(table) for table in page.tables)])


def _set(table: Table) -> str:
    names = tuple(column.upper() for column in table.columns)
    rows = (
        [names, *table.rows] if len(names) > 1 and any(name.strip() for name in names) else list(table.rows)
    )
    widths, least = [], []
    for column in range(len(names) - 1):
        widths.append(max(len(row[column]) for row in rows))
        least.append(max(len(word) for row in rows for word in row[column].split() or [""]))
    while sum(widths) + 2 * len(widths) > WIDTH - LAST and widths != least:
        spare = [width - few for width, few in zip(widths, least, strict=True)]
        widths[spare.index(max(spare))] -= 1
    widths.append(WIDTH - sum(widths) - 2 * len(widths))
    lines = [f"{table.heading}:"] if table.heading else []
    for row in rows:
        cells = [
            textwrap.wrap(cell, width, break_on_hyphens=False, break_long_words=False)
            for cell, width in zip(row, widths, strict=True)
        ]
        for number in range(max(map(len, cells))):
            texts = [cell[number] if number < len(cell) else "" for cell in cells]
            line = "  ".join(f"{text:{width}}" for text, width in zip(texts, widths, strict=True))
            lines.append(f"  {line}".rstrip())
    return "\n".join(lines)

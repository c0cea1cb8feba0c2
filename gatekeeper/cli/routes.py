"""`gatekeeper routes`: what is tried for a request, in the order in which it is tried.

A configuration whose routes hide or contradict each other is refused, but listed: the list is how one sees why.
"""

import json
import sys
from argparse import Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from gatekeeper.cli import configuration, plugins
from gatekeeper.cli.flags import USAGE_ERROR, CommandError, Parser


if TYPE_CHECKING:
    from gatekeeper.config.load import Draft
    from gatekeeper.extend.host import PluginHost
    from gatekeeper.routing.table import Entry

    _Pairs = list[tuple[Entry[str], Entry[str]]]

SUMMARY: Final = (
    "List all routes in matching order: the first that fits a request takes it. Exit code 0, or 2 for errors."
)

_COLUMNS: Final = ("#", "ROUTE", "METHODS", "HOST", "PATH", "AND", "TO", "FILTERS", "WHERE")
_NONE: Final = "-"
_NO_MARKS: Final = {"shadowed_by": "", "ambiguous_with": ""}
_RED: Final = "\x1b[31m"
_OFF: Final = "\x1b[0m"


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "pattern", nargs="?", metavar="PATTERN", help="only those whose name, host or path holds this text"
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    configuration.add_flags(parser)
    plugins.add_flags(parser)


def run(options: Namespace) -> int:
    """Print the list; the exit code."""
    from gatekeeper.runtime.loading import broken_routes  # noqa: PLC0415 - not for --help
    from gatekeeper.runtime.matching import check_routes, table_of  # noqa: PLC0415
    from gatekeeper.runtime.rules import describe  # noqa: PLC0415

    draft = _read(options, plugins.load(options))
    config = draft.config
    assert config is not None
    broken = broken_routes(draft)
    table = table_of(config, broken)
    marks = _marks(table.conflicts(), table.shadowed())
    rows = [
        {**describe(rank, entry, config), **_NO_MARKS, **marks.get(id(entry), {})}
        for rank, entry in enumerate(table.entries, 1)
        if _is_meant(options.pattern, entry)
    ]
    problems = len(draft.errors) + len(check_routes(config, broken))
    if options.json:
        print(json.dumps({"routes": rows, "broken": sorted(broken), "problems": problems}, indent=2))
    else:
        _print(rows, colour=configuration.is_coloured(sys.stdout.isatty()))
        if broken:
            print(f"not listed, because of errors: {', '.join(sorted(broken))}")
        if problems:
            print(f"{problems} problem{'s' if problems > 1 else ''}; `gatekeeper check` says more")
    return USAGE_ERROR if problems else 0


def _read(options: Namespace, host: "PluginHost") -> "Draft":
    """What of the configuration can be understood.

    Raises:
        CommandError: nothing can.

    """
    from gatekeeper.config.load import read  # noqa: PLC0415 - not for --help
    from gatekeeper.config.problems import ConfigError  # noqa: PLC0415
    from gatekeeper.routing.template import PathTemplate  # noqa: PLC0415

    path = configuration.config_path(options)
    if not path.exists():
        raise CommandError(configuration.MISSING.format(path=path).rstrip(), USAGE_ERROR)
    draft = read(
        path,
        host.catalog,
        template=PathTemplate.parse,
        environment=options.env,
        env_file=configuration.env_file(options),
    )
    if draft.config is None:
        raise configuration.refused(ConfigError(draft.errors, draft.sources), path)
    return draft


def _marks(conflicts: "_Pairs", shadowed: "_Pairs") -> dict[int, dict[str, str]]:
    """What is wrong with entries, by their identities: equal ones stand in several files."""
    marks: dict[int, dict[str, str]] = {}
    for one, other in conflicts:
        marks.setdefault(id(one), {})["ambiguous_with"] = _called(other)
        marks.setdefault(id(other), {})["ambiguous_with"] = _called(one)
    for one, other in shadowed:
        marks.setdefault(id(one), {})["shadowed_by"] = _called(other)
    return marks


def _called(entry: "Entry[str]") -> str:
    return f"{entry.name} ({entry.place})" if entry.place.line else entry.name


def _is_meant(pattern: str | None, entry: "Entry[str]") -> bool:
    return pattern is None or any(pattern in text for text in (entry.name, entry.host, str(entry.path)))


# ---- for people -----------------------------------------------------------------------------------------------------


def _print(rows: list[dict[str, Any]], *, colour: bool) -> None:
    lines = [_COLUMNS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_COLUMNS))]
    # a column in which nothing stands says nothing
    shown = [
        column
        for column in range(len(_COLUMNS))
        if any(line[column] != _NONE for line in lines[1:]) or column == 1
    ]
    indent = " " * (widths[0] + 2)
    for line, row in zip(lines, [None, *rows], strict=True):
        print("  ".join(f"{line[column]:{widths[column]}}" for column in shown).rstrip())
        for mark, text in (
            ("shadowed_by", "never reached, hidden by"),
            ("ambiguous_with", "ranks the same as"),
        ):
            if row is not None and row[mark]:
                note = f"{indent}{text} {row[mark]}"
                print(f"{_RED}{note}{_OFF}" if colour else note)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    to = row["to"]
    if isinstance(to, dict):
        to = next(iter(to)) if len(to) == 1 else ", ".join(f"{name} {weight}" for name, weight in to.items())
    host = "" if row["host"] == "*" else row["host"]
    also = [f"priority {row['priority']}"] if row["priority"] else []
    cells = (
        str(row["rank"]),
        row["route"],
        " ".join(row["methods"]),
        host,
        row["path"],
        ", ".join([*row["conditions"], *also]),
        to,
        ", ".join(row["filters"]),
        row["place"],
    )
    return tuple(cell or _NONE for cell in cells)

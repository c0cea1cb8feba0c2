"""`gatekeeper services`: the instances of a running gateway, how they are, and what they get."""

import argparse
import json
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from gatekeeper.cli import configuration, remote
from gatekeeper.cli.flags import USAGE_ERROR, CommandError, Parser


SUMMARY: Final = (
    "List the services of a running gateway with their instances, or change what an instance gets."
)

_COLUMNS: Final = ("SERVICE", "INSTANCE", "STATE", "WEIGHT", "IN FLIGHT", "LATENCY", "LAST CHECK")
_STATE: Final = _COLUMNS.index("STATE")
_NONE: Final = "-"
_RED: Final = "\x1b[31m"
_OFF: Final = "\x1b[0m"
_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="only this service")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    changes = parser.add_argument_group(
        "what one of its instances gets, until a restart; each may be repeated"
    )
    changes.add_argument(
        "--set-weight",
        action="append",
        default=[],
        type=_weight,
        metavar="ID=5",
        help="its part of the requests, against the others",
    )
    changes.add_argument(
        "--drain",
        action="append",
        default=[],
        metavar="ID",
        help="no new ones; those under way end",
    )
    changes.add_argument("--disable", action="append", default=[], metavar="ID", help="none")
    changes.add_argument(
        "--enable", action="append", default=[], metavar="ID", help="what it is due: ends both of these"
    )
    remote.add_flags(parser)


def run(options: Namespace) -> int:
    """Change what is to be changed, and print what there is then; the exit code."""
    gateway = remote.Remote(options)
    changes = list(_changes(options))
    if changes and options.name is None:
        raise CommandError(
            "which service? `gatekeeper services NAME` comes before what is changed", USAGE_ERROR
        )
    place = f"/gateway/services/{quote(options.name, safe='')}" if options.name is not None else ""
    for instance, change in changes:
        gateway.ask("PATCH", f"{place}/instances/{quote(instance, safe='')}", change)
    found = gateway.ask("GET", place) if place else gateway.ask("GET", "/gateway/services")
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        _print(
            found if isinstance(found, list) else [found],
            colour=configuration.is_coloured(sys.stdout.isatty()),
        )
    return 0


def _weight(text: str) -> tuple[str, int]:
    name, _, number = text.rpartition("=")
    if not name or not number.isascii() or not number.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no weight; write one like http://10.0.0.5:3000=5")
    return name, int(number)


def _changes(options: Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    yield from ((name, {"weight": weight}) for name, weight in options.set_weight)
    yield from ((name, {"drain": True}) for name in options.drain)
    yield from ((name, {"disable": True}) for name in options.disable)
    yield from ((name, {"drain": False, "disable": False}) for name in options.enable)


# ---- for people -----------------------------------------------------------------------------------------------------


def _print(services: list[dict[str, Any]], *, colour: bool) -> None:
    if not services:
        print("there are no services")
        return
    now = time.time()
    lines = [_COLUMNS, *(cells for service in services for cells in _rows(service, now))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_COLUMNS))]
    for line in lines:
        cells = [f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)]
        if colour and line is not _COLUMNS and line[_STATE] not in {"fit", _NONE}:
            cells[_STATE] = f"{_RED}{cells[_STATE]}{_OFF}"
        print("  ".join(cells).rstrip())


def _rows(service: dict[str, Any], now: float) -> list[tuple[str, ...]]:
    rows = [_cells(service, instance, now) for instance in service["instances"]]
    return rows or [(_clean(service["name"]), *[_NONE] * (len(_COLUMNS) - 1))]


def _cells(service: dict[str, Any], instance: dict[str, Any], now: float) -> tuple[str, ...]:
    weight, written = instance["weight"], instance["configured_weight"]
    cells = (
        service["name"],
        instance["id"],
        instance["state"],
        f"{weight} (not {written})" if weight != written else str(weight),
        str(instance["in_flight"]),
        _milliseconds(instance["latency"]) if instance["latency"] else _NONE,
        _NONE if service["health"] is None else _check(instance["health"], now),
    )
    return tuple(_clean(cell) for cell in cells)


def _check(health: dict[str, Any], now: float) -> str:
    if health["last_check"] is None:
        return "never"
    ago = max(0, round(now - health["last_check"]))
    size, unit = next((one for one in _UNITS if ago >= one[0]), _UNITS[-1])
    reason = f": {health['reason']}" if health["reason"] else ""
    return f"{health['status']} {ago // size} {unit} ago{reason}"


def _milliseconds(seconds: float) -> str:
    """Three digits at most, so that columns stay where they are."""
    value = seconds * 1000
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} ms"


def _clean(text: str) -> str:
    """What an instance has answered must not steer the terminal."""
    return "".join(char if char.isprintable() else "?" for char in text)

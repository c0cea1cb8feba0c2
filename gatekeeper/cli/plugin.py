"""`gatekeeper plugin list`: what is loaded, from where, and which kinds it brings."""

import json
from argparse import Namespace
from typing import Final

from gatekeeper.cli import plugins
from gatekeeper.cli.flags import Parser


SUMMARY: Final = (
    "List the plugins that a gateway loads here: the built-in ones, those that pip installed, single files."
)


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.add_argument("action", choices=["list"], help="what to do")
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    plugins.add_flags(parser)


def run(options: Namespace) -> int:
    """Print the list; the exit code."""
    found = plugins.load(options).plugins
    if options.json:
        rows = [{"name": one.name, "origin": one.origin, "kinds": list(one.kinds)} for one in found]
        print(json.dumps(rows, indent=2))
        return 0
    table = [("PLUGIN", "FROM", "KINDS")]
    table += [(one.name, one.origin, ", ".join(one.kinds) or "-") for one in found]
    widths = [max(len(row[column]) for row in table) for column in range(2)]
    for name, origin, kinds in table:
        print(f"{name:{widths[0]}}  {origin:{widths[1]}}  {kinds}")
    return 0

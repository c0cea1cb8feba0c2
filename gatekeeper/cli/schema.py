"""`gatekeeper schema`: the JSON Schema of gateway.yaml, with the kinds that are installed."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Final

from gatekeeper.cli import plugins
from gatekeeper.cli.flags import CommandError, Parser


SUMMARY: Final = (
    "Print the JSON Schema of gateway.yaml, with the kinds that are installed. Editors complete and check with it: write it"
    " to gateway.schema.json, and begin gateway.yaml with `# yaml-language-server: $schema=gateway.schema.json`."
)


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write it to a file")
    plugins.add_flags(parser)


def run(options: Namespace) -> int:
    """Print or write the schema; the exit code."""
    from gatekeeper.config.schema import schema  # noqa: PLC0415 - not for --help

    text = json.dumps(schema(plugins.load(options).catalog), indent=2) + "\n"
    if options.output is None:
        print(text, end="")
        return 0
    try:
        options.output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{options.output} cannot be written: {error.strerror}") from error
    return 0

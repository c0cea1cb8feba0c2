"""`gatekeeper doc [TOPIC]`: the reference of gateway.yaml, made of the classes that read it."""

import json
from argparse import Namespace
from typing import Final

from gatekeeper.cli import plugins
from gatekeeper.cli.flags import USAGE_ERROR, CommandError, Parser


SUMMARY: Final = (
    "Explain gateway.yaml: its keys, the kinds of filters and conditions, how values are written."
)


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    parser.add_argument(
        "topic",
        nargs="?",
        metavar="TOPIC",
        help="a key like services.timeouts, a kind like transform, or match, values, types, limits; without one, what there is",
    )
    parser.add_argument("--json", action="store_true", help="as JSON, for programs")
    plugins.add_flags(parser)


def run(options: Namespace) -> int:
    """Print the page; the exit code."""
    from gatekeeper.cli import limits  # noqa: PLC0415 - not for --help
    from gatekeeper.config.page import render  # noqa: PLC0415
    from gatekeeper.config.reference import Reference, UnknownTopicError  # noqa: PLC0415

    more = {"limits": (limits.SUMMARY, limits.page)}
    reference = Reference(plugins.load(options).catalog, more)
    try:
        page = reference.page(options.topic) if options.topic else reference.overview()
    except UnknownTopicError as error:
        raise CommandError(str(error), USAGE_ERROR) from error
    print(json.dumps(page.as_data(), indent=2) if options.json else render(page))
    return 0

"""`gatekeeper serve`: its flags. What it does is in `process`, which is imported when they have been read."""

import gc
from argparse import ArgumentTypeError, Namespace
from typing import Final

from gatekeeper.cli import configuration, plugins
from gatekeeper.cli.flags import Parser, choice


SUMMARY: Final = "Run the gateway that gateway.yaml describes."


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    configuration.add_flags(parser)
    parser.switch(
        "--demo",
        variable="DEMO",
        help_="start a stand-in for each instance on 127.0.0.1 that the configuration names, and say what to try; "
        "without --config, of the demo's own configuration",
    )
    parser.value(
        "--workers",
        variable="WORKERS",
        metavar="N",
        convert=_workers,
        help_="processes that take requests, or `auto` for one for each core (`server.workers`, 1)",
    )
    parser.value(
        "--log-level",
        variable="LOG_LEVEL",
        metavar="LEVEL",
        convert=choice("debug", "info", "warning", "error"),
        default="info",
        help_="debug, info, warning or error (info)",
    )
    parser.value(
        "--log-format",
        variable="LOG_FORMAT",
        metavar="FORMAT",
        convert=choice("json", "text"),
        help_="json or text (text on a terminal, else json)",
    )
    plugins.add_flags(parser)


def _workers(text: str) -> int | str:
    if text == "auto":
        return text
    if not text.isascii() or not text.isdigit() or not int(text):
        raise ArgumentTypeError(f"{text!r} is neither `auto` nor a number from 1 on")
    return int(text)


def run(options: Namespace) -> int:
    """Serve until a signal comes; the exit code."""
    # what is imported and built now lives as long as the process: the collector would look through it in vain
    gc.disable()
    from gatekeeper.cli import process  # noqa: PLC0415 - a quarter of a second that --help does not take

    return process.serve(options)

"""`gatekeeper restart`: renew the workers of a running gateway."""

from argparse import Namespace
from typing import Final

from gatekeeper.cli import remote
from gatekeeper.cli.flags import Parser


SUMMARY: Final = "Replace the workers of a running gateway by fresh processes, one by one: new code of plugins, nobody hung up on."
PATIENCE: Final = 600.0
"""Seconds for all of them."""


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    remote.add_flags(parser)


def run(options: Namespace) -> int:
    """Renew them, and wait for the last one; the exit code."""
    remote.Remote(options).ask("POST", "/gateway/restart", patience=PATIENCE)
    print("all workers are renewed; what the ones before have begun, they finish")
    return 0

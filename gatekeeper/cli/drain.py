"""`gatekeeper drain`: have a running gateway finish what was begun, and end."""

from argparse import Namespace
from typing import Final

from gatekeeper.cli import remote
from gatekeeper.cli.flags import Parser


SUMMARY: Final = "Have a running gateway finish the requests under way and end, as SIGTERM does."


def add_arguments(parser: Parser) -> None:
    """Declare the flags."""
    remote.add_flags(parser)


def run(options: Namespace) -> int:
    """Begin the end; the exit code."""
    remote.Remote(options).ask("POST", "/gateway/drain")
    print("draining: it ends when the requests under way have ended, or after its `server.drain`")
    return 0

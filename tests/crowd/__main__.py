"""The command line of the crowd: `python -m tests.crowd crowd`, `descriptors`, `places`."""

import argparse
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import attrs
import uvloop

from tests.crowd import crowd, descriptors, places
from tests.crowd.story import SMALL, Options
from tests.soak import checks
from tests.soak.checks import Check


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.crowd", description="Let a gateway serve good clients among many hostile ones."
    )
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser(
        "crowd", help="clients that are idle, slow, deaf, or gone as soon as they are there"
    )
    whole = Options()
    one.add_argument("--rounds", type=int, default=0, help=f"how often all of them come ({whole.rounds})")
    one.add_argument(
        "--descriptors", type=int, default=0, help=f"that the gateway begins with ({whole.descriptors})"
    )
    one.add_argument(
        "--server", default="", help="what else the file says of it, as `limits: {connections: 20000}`"
    )
    one.add_argument(
        "--service", default="", help="the same of the service, as `pool: {max_connections: 2000}`"
    )
    one.add_argument("--seed", type=int, default=0, help="another one draws other requests (0)")
    parts.add_parser("descriptors", help="none is left to accept anybody with, on both loops")
    parts.add_parser("places", help="more requests than may be under way")
    for one in parts.choices.values():
        one.add_argument("--small", action="store_true", help="fewer, and for seconds")
        one.add_argument(
            "--no-times", action="store_true", help="check nothing that a busy machine makes late"
        )
    return parser.parse_args()


def of_crowd(given: argparse.Namespace) -> Options:
    """What the command line asks for."""
    options = attrs.evolve(SMALL if given.small else Options(), seed=given.seed)
    if given.rounds:
        options = attrs.evolve(options, rounds=given.rounds)
    if given.descriptors:
        options = attrs.evolve(options, descriptors=given.descriptors)
    if given.server:
        options = attrs.evolve(options, server=given.server)
    if given.service:
        options = attrs.evolve(options, service=given.service)
    return options


PARTS: Final[Mapping[str, Callable[[argparse.Namespace], Coroutine[Any, Any, tuple[list[Check], str]]]]] = {
    "crowd": lambda given: crowd.run(of_crowd(given)),
    "descriptors": lambda given: descriptors.run(descriptors.SMALL if given.small else descriptors.Options()),
    "places": lambda given: places.run(places.SMALL if given.small else places.Options()),
}


def main() -> int:
    """Let them come, print what came of it; return 0, or 1 if a check does not hold."""
    given = arguments()
    found, story = uvloop.run(PARTS[given.part](given))
    if given.no_times:
        found = [one for one in found if not one.is_time]
    print(story, checks.report(found), sep="\n\n")
    return 0 if all(one.holds for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())

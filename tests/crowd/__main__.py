"""The command line of the crowd: `python -m tests.crowd crowd`, `descriptors`, `places`."""

import argparse
import sys

import attrs
import uvloop

from tests.crowd import crowd
from tests.crowd.story import SMALL, Options
from tests.soak import checks


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.crowd", description="Let a gateway serve good clients among many hostile ones."
    )
    parts = parser.add_subparsers(dest="part", required=True)
    one = parts.add_parser("crowd", help="clients that are idle, slow, deaf, or gone as soon as they are there")
    whole = Options()
    one.add_argument("--small", action="store_true", help="hundreds for seconds, and not thousands for minutes")
    one.add_argument("--rounds", type=int, default=0, help=f"how often all of them come ({whole.rounds})")
    one.add_argument(
        "--descriptors", type=int, default=0, help=f"that the gateway begins with ({whole.descriptors})"
    )
    one.add_argument("--server", default="", help="what else the file says of it, as `limits: {connections: 20000}`")
    one.add_argument("--service", default="", help="the same of the service, as `pool: {max_connections: 2000}`")
    for one in parts.choices.values():
        one.add_argument("--seed", type=int, default=0, help="another one draws other requests (0)")
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
        options = attrs.evolve(options, server=f", {given.server}")
    if given.service:
        options = attrs.evolve(options, service=f", {given.service}")
    return options


def main() -> int:
    """Let them come, print what came of it; return 0, or 1 if a check does not hold."""
    given = arguments()
    found, story = uvloop.run(crowd.run(of_crowd(given)))
    if given.no_times:
        found = [one for one in found if not one.is_time]
    print(story, checks.report(found), sep="\n\n")
    return 0 if all(one.holds for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())

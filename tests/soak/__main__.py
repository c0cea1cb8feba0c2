"""The command line of the soaks: `python -m tests.soak reload --seconds 600 --edits 1000`."""

import argparse
import sys

import uvloop

from tests.soak import checks, reload


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description="Let a gateway serve while everything round it moves."
    )
    soaks = parser.add_subparsers(dest="soak", required=True)
    one = soaks.add_parser("reload", help="edits of its file, sound and broken, under requests and slow transfers")
    one.add_argument("--seconds", type=float, default=600.0, help="how long it is edited (600)")
    one.add_argument("--edits", type=int, default=1000, help="how often (1000)")
    one.add_argument("--rate", type=int, default=300, help="requests a second (300)")
    one.add_argument("--seed", type=int, default=0, help="another one edits in another order (0)")
    return parser.parse_args()


def main() -> int:
    """Soak, print what came of it; return 0, or 1 if a check does not hold."""
    given = arguments()
    found, story = uvloop.run(
        reload.run(reload.scaled(given.seconds, given.edits, given.rate, given.seed))
    )
    print(story, checks.report(found), sep="\n\n")
    return 0 if all(one.holds for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())

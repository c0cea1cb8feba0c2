"""The command line of the soak of reloads: `python -m tests.soak reload --seconds 600 --edits 1000`."""

import argparse
import sys

import uvloop

from tests.soak import checks, reload
from tests.soak.sabotage import SABOTAGES


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description="Let a gateway serve while its file is edited."
    )
    soaks = parser.add_subparsers(dest="soak", required=True)
    one = soaks.add_parser("reload", help="edits, sound and broken, under requests and slow transfers")
    one.add_argument("--seconds", type=float, default=600.0, help="how long it is edited (600)")
    one.add_argument("--edits", type=int, default=1000, help="how often (1000)")
    one.add_argument("--rate", type=int, default=300, help="requests a second (300)")
    one.add_argument("--seed", type=int, default=0, help="another one edits in another order (0)")
    one.add_argument("--sabotage", choices=sorted(SABOTAGES), default="", help="spoil the gateway")
    other = soaks.add_parser("sabotage", help="short soaks of spoiled gateways, which must be found out")
    other.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(SABOTAGES)}; all if none is named"
    )
    other.add_argument("--seconds", type=float, default=20.0, help="how long each is edited (20)")
    other.add_argument("--edits", type=int, default=44, help="how often (44)")
    other.add_argument("--rate", type=int, default=100, help="requests a second (100)")
    return parser.parse_args()


def main() -> int:
    """Soak, print what came of it; return 0, or 1 if a check does not hold, or a spoiled gateway passes."""
    given = arguments()
    if given.soak == "sabotage":
        names = given.names or list(SABOTAGES)
        if unknown := set(names) - set(SABOTAGES):
            sys.exit(f"no sabotage {', '.join(sorted(unknown))}; there are {', '.join(SABOTAGES)}")
        return 1 - uvloop.run(reload.try_out(given.seconds, given.edits, given.rate, names))
    options = reload.scaled(given.seconds, given.edits, given.rate, given.seed, given.sabotage)
    found, story = uvloop.run(reload.run(options))
    print(story, checks.report(found), sep="\n\n")
    return 0 if all(one.holds for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())

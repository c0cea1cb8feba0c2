"""The command line of the soaks: `python -m tests.soak reload`, `failover`, `restarts`, `workers`, `endurance`; and `sabotage`, which tries them out."""

import argparse
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

import attrs
import uvloop

from tests.soak import checks
from tests.soak.checks import Check
from tests.soak.endurance import soak as endurance
from tests.soak.endurance import story as hours
from tests.soak.endurance.sabotage import SABOTAGES as OF_ENDURANCE
from tests.soak.failover import soak as failover
from tests.soak.failover import story as failures
from tests.soak.failover.sabotage import SABOTAGES as OF_FAILOVER
from tests.soak.reload import soak as reload
from tests.soak.reload.sabotage import SABOTAGES as OF_RELOAD
from tests.soak.restarts import soak as restarts
from tests.soak.restarts import story as lives
from tests.soak.restarts.sabotage import SABOTAGES as OF_RESTARTS
from tests.soak.sabotage import Sabotage
from tests.soak.workers import soak as workers
from tests.soak.workers import story as blows
from tests.soak.workers.sabotage import SABOTAGES as OF_WORKERS


@attrs.frozen
class Soak:
    """One of them. What it takes as options, `short` is an example of."""

    run: Callable[[Any], Coroutine[Any, Any, tuple[list[Check], str]]]
    options: Callable[[argparse.Namespace], Any]
    short: Any
    """Long enough to find out a spoiled gateway."""
    sabotages: Mapping[str, Sabotage]


def _reload(given: argparse.Namespace) -> reload.Options:
    return reload.Options(given.seconds, given.edits, given.rate, given.seed, given.sabotage)


def _failover(given: argparse.Namespace) -> failures.Options:
    options = failures.SHORT if given.short else failures.Options(rounds=given.rounds)
    return attrs.evolve(options, rate=given.rate, seed=given.seed, sabotage=given.sabotage)


def _restarts(given: argparse.Namespace) -> lives.Options:
    pauses = [float(pause) for pause in given.pauses.split(",")]
    return lives.Options(given.times, given.rate, given.seed, pauses=pauses, sabotage=given.sabotage)


def _workers(given: argparse.Namespace) -> blows.Options:
    options = blows.SHORT if given.short else blows.Options()
    named = {
        name: getattr(given, name)
        for name in ("renewals", "reloads", "tunnels", "kills", "stops", "rate")
        if getattr(given, name) is not None
    }
    return attrs.evolve(options, **named, seed=given.seed, sabotage=given.sabotage)


def _endurance(given: argparse.Namespace) -> hours.Options:
    options = hours.SHORT if given.short else hours.Options()
    named = {
        name: getattr(given, name)
        for name in ("seconds", "rate", "every")
        if getattr(given, name) is not None
    }
    return attrs.evolve(options, **named, svg=given.svg, seed=given.seed, sabotage=given.sabotage)


SOAKS: Final[Mapping[str, Soak]] = {
    "reload": Soak(reload.run, _reload, reload.SHORT, OF_RELOAD),
    "failover": Soak(failover.run, _failover, failures.SHORT, OF_FAILOVER),
    "restarts": Soak(restarts.run, _restarts, lives.SHORT, OF_RESTARTS),
    "workers": Soak(workers.run, _workers, blows.SHORT, OF_WORKERS),
    "endurance": Soak(endurance.run, _endurance, hours.SHORT, OF_ENDURANCE),
}
SABOTAGES: Final = {name: soak for soak in SOAKS.values() for name in soak.sabotages}


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", description="Let a gateway serve while everything round it moves."
    )
    soaks = parser.add_subparsers(dest="soak", required=True)
    one = soaks.add_parser(
        "reload", help="its file is edited, soundly and not, under requests and slow transfers"
    )
    one.add_argument("--seconds", type=float, default=600.0, help="how long it is edited (600)")
    one.add_argument("--edits", type=int, default=1000, help="how often (1000)")
    one.add_argument("--rate", type=int, default=300, help="requests a second (300)")
    one = soaks.add_parser("failover", help="instances fail in many ways, are drained, weighted, come and go")
    one.add_argument("--rounds", type=int, default=3, help="how often all of it (3)")
    one.add_argument("--short", action="store_true", help="once, in half a minute")
    one.add_argument("--rate", type=int, default=failures.RATE, help=f"requests a second ({failures.RATE})")
    one = soaks.add_parser("restarts", help="two gateways behind a balancer end and start in turn")
    one.add_argument("--times", type=int, default=50, help="how often (50)")
    one.add_argument("--pauses", default="1,2,9,13", help="of clients that ask rarely, in seconds (1,2,9,13)")
    one.add_argument("--rate", type=int, default=100, help="requests a second (100)")
    one = soaks.add_parser("workers", help="they are renewed, killed and stopped, with tunnels open")
    one.add_argument("--short", action="store_true", help="a little of everything, in a minute")
    for name, what in (
        ("renewals", "of all workers"),
        ("reloads", "meanwhile"),
        ("tunnels", "open meanwhile"),
        ("kills", "of a worker (SIGKILL)"),
        ("stops", "of a worker (SIGSTOP)"),
        ("rate", "of requests, a second"),
    ):
        one.add_argument(f"--{name}", type=int, help=f"{what} ({getattr(blows.Options(), name)})")
    one = soaks.add_parser("endurance", help="a long time under everything at once, with a curve of memory")
    one.add_argument("--short", action="store_true", help="half a minute of it")
    one.add_argument("--seconds", type=float, help=f"how long ({hours.Options().seconds:g})")
    one.add_argument("--rate", type=int, help=f"requests a second ({hours.Options().rate})")
    one.add_argument(
        "--every", type=float, help=f"seconds between things that happen ({hours.Options().every:g})"
    )
    one.add_argument("--svg", default="", metavar="FILE", help="draw the curve")
    for name, soak in SOAKS.items():
        one = soaks.choices[name]
        one.add_argument("--seed", type=int, default=0, help="another one does it in another order (0)")
        one.add_argument(
            "--no-times", action="store_true", help="check nothing that a busy machine makes late"
        )
        one.add_argument("--sabotage", choices=sorted(soak.sabotages), default="", help="spoil the gateway")
    one = soaks.add_parser("sabotage", help="short soaks of spoiled gateways, which must be found out")
    one.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(SABOTAGES)}; all if none is named"
    )
    given = parser.parse_args()
    if given.soak == "sabotage" and (unknown := set(given.names) - set(SABOTAGES)):
        one.error(f"no sabotage {', '.join(sorted(unknown))}; there are {', '.join(SABOTAGES)}")
    return given


async def try_out(names: Iterable[str]) -> bool:
    """Soak spoiled gateways, and print for each which checks failed; whether all were found out."""
    good = True
    for name in names:
        soak = SABOTAGES[name]
        found, _ = await soak.run(attrs.evolve(soak.short, sabotage=name))
        failed = [one.name for one in found if not one.holds]
        missing = [expected for expected in soak.sabotages[name].fails if expected not in failed]
        good = good and not missing
        print(f"{name}: {', '.join(failed) or 'nothing'}", flush=True)
        if missing:
            print(f"  NOT FOUND OUT by: {', '.join(missing)}", flush=True)
    return good


def main() -> int:
    """Soak, print what came of it; return 0, or 1 if a check does not hold, or a spoiled gateway passes."""
    given = arguments()
    if given.soak == "sabotage":
        return 1 - uvloop.run(try_out(given.names or list(SABOTAGES)))
    soak = SOAKS[given.soak]
    found, story = uvloop.run(soak.run(soak.options(given)))
    if given.no_times:
        found = [one for one in found if not one.is_time]
    print(story, checks.report(found), sep="\n\n")
    return 0 if all(one.holds for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())

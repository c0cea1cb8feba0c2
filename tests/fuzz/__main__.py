"""The command line of the fuzzing: `python -m tests.fuzz --messages 200000 --seed 1`."""

import argparse
import asyncio
import random
import sys
import time
from typing import Final

from tests.fuzz import cases, loop, sockets


SHARE: Final = 50
"""Of so many messages one goes over sockets."""


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description="Mutated messages through the gateway, judged by every parser there is.",
    )
    parser.add_argument("--messages", type=int, metavar="N", help="how many; without it and --seconds, 20000")
    parser.add_argument("--seconds", type=float, metavar="N", help="for how long, instead")
    parser.add_argument("--seed", type=int, metavar="N", help="the run to repeat; a new one by default")
    parser.add_argument("--case", type=int, metavar="N", help="only this case of it")
    parser.add_argument(
        "--only", choices=(*cases.DIRECTIONS, "sockets"), help="one direction in memory, or both over sockets"
    )
    given = parser.parse_args()
    if given.messages is None and given.seconds is None:
        given.messages = 20_000
    if given.seed is None:
        given.seed = random.SystemRandom().randrange(1 << 32)
    return given


def report(tally: loop.Tally, seconds: float) -> str:
    """What has come of it, in some lines."""
    lines = [f"{tally.messages} messages in {seconds:.0f} s, {tally.messages / max(seconds, 1e-9):.0f}/s"]
    lines += [f"  {count:8} {kind}" for kind, count in sorted(tally.kinds.items(), key=lambda item: -item[1])]
    if tally.slowest[1] >= 0:
        lines.append(f"  the slowest took {tally.slowest[0] * 1e3:.0f} ms: case {tally.slowest[1]}")
    lines += [f"  FOUND {count} times: {kind}" for kind, count in tally.found.items()]
    return "\n".join(lines)


async def main() -> int:
    """Run; return 0, or 1 for a find."""
    given = arguments()
    print(f"seed {given.seed}", flush=True)
    if given.case is not None:
        case = cases.made(given.seed, given.case)
        outcome = await loop.judge(case)
        print(loop.Find(given.case, case, outcome.finds or (f"nothing: {outcome.kind}",)))
        return 1 if outcome.finds else 0
    finds = 0
    begun = time.monotonic()
    if given.only != "sockets":
        tally = await loop.run(
            given.seed, messages=given.messages, seconds=given.seconds, only=given.only, out=sys.stdout
        )
        print(report(tally, time.monotonic() - begun), flush=True)
        finds += len(tally.found)
    if given.only in {None, "sockets"}:
        share = 1 if given.only else SHARE
        begun = time.monotonic()
        tally = await sockets.run(
            given.seed,
            messages=None if given.messages is None else max(1, given.messages // share),
            seconds=None if given.seconds is None else given.seconds / share,
            out=sys.stdout,
        )
        print(f"over sockets: {report(tally, time.monotonic() - begun)}", flush=True)
        finds += len(tally.found)
    return 1 if finds else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))

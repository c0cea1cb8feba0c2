"""The command line of the wire harness: `python -m tests.wire --only FRM --against gatekeeper,nginx,haproxy`."""

import argparse
import sys
from pathlib import Path

import uvloop

from tests.wire import report, session, targets
from tests.wire.engine import Outcome
from tests.wire.rows import rows


def arguments() -> argparse.Namespace:
    """Read the command line."""
    known = (*targets.PROCESSES, *targets.STUBS)
    parser = argparse.ArgumentParser(
        prog="python -m tests.wire", description="Raw bytes through a proxy, judged at both ends."
    )
    parser.add_argument(
        "--only", default="", metavar="IDS", help="rows whose ids begin so: FRM, FRM-01, 'FRM-16 bare', ..."
    )
    parser.add_argument(
        "--against", default="gatekeeper", metavar="NAMES", help=f"of {', '.join(known)} (gatekeeper)"
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write a table of all rows, as Markdown")
    parser.add_argument(
        "--beside", type=int, default=session.BESIDE, help=f"rows at the same time ({session.BESIDE})"
    )
    parser.add_argument("--peers", metavar="DIR", help="where nginx and HAProxy are looked for first")
    given = parser.parse_args()
    given.against = given.against.split(",")
    if unknown := set(given.against) - set(known):
        parser.error(f"no target {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return given


async def main() -> int:
    """Run; return 0, or 1 if gatekeeper fails a row."""
    given = arguments()
    chosen = rows(given.only.split(",") if given.only else ())
    columns: dict[str, list[Outcome]] = {}
    for name in given.against:
        try:
            columns[name] = await session.judge(name, chosen, beside=given.beside, peers=given.peers)
        except targets.MissingError as error:
            print(f"{error}: left out", file=sys.stderr)
    print(report.terminal(columns))
    if given.report is not None:
        given.report.write_text(report.markdown(chosen, columns))
    ours = [one for name in targets.PROFILED for one in columns.get(name, ())]
    return 0 if all(one.passed for one in ours) else 1


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))

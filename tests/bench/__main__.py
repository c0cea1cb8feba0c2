"""The command line of the benchmark: `python -m tests.bench [SUITE ...]`."""

import argparse
import os
import resource
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import orjson

from tests.bench import (
    e2e,
    environment,
    figures,
    idle,
    inprocess,
    peers,
    process,
    report,
    routes,
    start,
    transfer,
)
from tests.bench.suite import Bench, Options, note


SUITES: Mapping[str, Callable[[Bench], dict[str, Any]]] = {
    "e2e": e2e.run,
    "transfer": transfer.run,
    "idle": idle.run,
    "start": start.run,
    "inprocess": inprocess.run,
    "routes": routes.run,
}
FILES = 16384
QUICK = Options(
    rounds=2, seconds=1.0, mebibytes=128, idle=400, starts=3, repeats=5, calls=1000, routes=1000, loads=2
)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure gatekeeper beside other proxies."
    )
    parser.add_argument(
        "suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)}; all if none is named"
    )
    parser.add_argument("--rounds", type=int, help="rounds of each small load (6)")
    parser.add_argument("--seconds", type=float, help="length of a round (2.5)")
    parser.add_argument(
        "--only", metavar="NAMES", help=f"of {','.join(peers.PLANS)}; gatekeeper is not implied"
    )
    parser.add_argument(
        "--peers",
        metavar="DIR",
        default=os.environ.get("GATEKEEPER_BENCH_PEERS"),
        help="where their executables are (or GATEKEEPER_BENCH_PEERS); else beside this interpreter and on PATH",
    )
    parser.add_argument("--json", metavar="FILE", type=Path, help="write everything measured as JSON")
    parser.add_argument("--quick", action="store_true", help="a few short rounds, to see that all of it runs")
    parser.add_argument("--keep", action="store_true", help="keep the configurations and logs of the proxies")
    given = parser.parse_args()
    for what, names, known in (
        ("suite", given.suites, SUITES),
        ("proxy", given.only.split(",") if given.only else [], peers.PLANS),
    ):
        for name in names:
            if name not in known:
                parser.error(f"no {what} {name!r}; there are {', '.join(known)}")
    return given


def options(given: argparse.Namespace) -> Options:
    """Return how much is measured."""
    chosen = QUICK if given.quick else Options()
    changes = {
        name: getattr(given, name) for name in ("rounds", "seconds") if getattr(given, name) is not None
    }
    return replace(chosen, **changes)


def allow_many_files() -> None:
    """Raise the limit of open files: the idle connections are held by one process, the proxy holds them too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main() -> int:
    """Measure, print the report; return 0, or 1 if the run does not count."""
    given = arguments()
    allow_many_files()
    wanted = given.only.split(",") if given.only else list(peers.PLANS)
    found = {name: peers.find(name, given.peers) for name in wanted}
    bench = Bench(
        options=options(given),
        folder=Path(tempfile.mkdtemp(prefix="gatekeeper-bench-")),
        executables={name: path for name, path in found.items() if path},
        missing=[name for name, path in found.items() if not path],
    )
    for name in bench.missing:
        note(f"not installed: {name}")
    result: dict[str, Any] = {"options": asdict(bench.options), "suites": {}}
    try:
        result["environment"] = environment.describe(bench.executables)
        with process.on_core(process.OTHER_CORE):
            for name in given.suites or SUITES:
                try:
                    result["suites"][name] = SUITES[name](bench)
                except Exception as error:  # noqa: BLE001 - what the other suites measured is worth its report
                    traceback.print_exc()
                    bench.failed[name] = repr(error)
    finally:
        if given.keep:
            note(f"configurations and logs: {bench.folder}")
        else:
            shutil.rmtree(bench.folder, ignore_errors=True)
    result |= {"missing": bench.missing, "failed": bench.failed, "invalid": bench.invalid}
    result["bars"] = figures.as_data(figures.verdicts(result["suites"]))
    if given.json:
        given.json.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))
    sys.stdout.write(report.markdown(result))
    return 1 if bench.invalid or bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())

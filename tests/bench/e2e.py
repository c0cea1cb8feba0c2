"""Small requests through the whole path: CPU per request, requests per second, latency; rounds interleaved.

A round counts only if everybody who counted agrees: the load, the origin, the access log, gatekeeper's own metrics.
"""

from dataclasses import asdict, dataclass
from typing import Any

from tests.bench import peers, process
from tests.bench.suite import Bench, note, play
from tests.bench.tally import Tally


@dataclass(frozen=True, slots=True)
class Case:
    """One kind of load."""

    key: str
    title: str
    method: str
    connections: int


CASES = (
    Case("get32", "GET, 1 KB JSON, 32 connections", "GET", 32),
    Case("get1", "GET, 1 KB JSON, 1 connection", "GET", 1),
    Case("post32", "POST 1 KB, answer 1 KB JSON, 32 connections", "POST", 32),
)
WARM_UP = 0.7


@dataclass(frozen=True, slots=True)
class Round:
    """One proxy under one load for a few seconds."""

    peer: str
    case: str
    requests: int
    cpu_us: float
    rps: float
    p50_us: float
    p99_us: float
    busy: float  # share of its core that the proxy used
    load_busy: float  # share of the other core that the load used
    problems: tuple[str, ...]


def measure(peer: peers.Peer, tally: Tally, case: Case, seconds: float) -> Round:
    """Put one proxy under load; compare what everybody counted."""
    tally.open()
    with process.Watch(peer.pid) as watch:
        load = play("load", peer.port, case.method, case.connections, seconds)
        count = load["requests"]
        tally.wait_for_log(count)
    problems = tally.close(count, load["ids"])
    if load["errors"]:
        problems.append(f"{load['errors']} errors: {load['first_errors'][0]}")
    return Round(
        peer=peer.name,
        case=case.key,
        requests=count,
        cpu_us=watch.cpu_ns / 1e3 / max(count, 1),
        rps=count / load["seconds"],
        p50_us=load["p50_us"],
        p99_us=load["p99_us"],
        busy=watch.cpu_ns / 1e9 / load["seconds"],
        load_busy=load["cpu_seconds"] / load["seconds"],
        problems=tuple(problems),
    )


def run(bench: Bench) -> dict[str, Any]:
    """Measure all cases; return the rounds."""
    rounds: list[Round] = []
    with peers.origin() as origin, bench.running("e2e", origin, bench.names()) as running:
        tallies = [Tally(peer, origin) for peer in running]
        for case in CASES:
            for peer, tally in zip(running, tallies, strict=True):
                if peer.name not in bench.failed:
                    measure(peer, tally, case, WARM_UP)
            for number in range(1, bench.options.rounds + 1):
                for peer, tally in zip(running, tallies, strict=True):
                    if peer.name in bench.failed:
                        continue
                    done = measure(peer, tally, case, bench.options.seconds)
                    rounds.append(done)
                    note(
                        f"{case.key} {number}/{bench.options.rounds} {peer.name:10} {done.cpu_us:7.1f} µs"
                        f" {done.rps:7.0f}/s busy {done.busy:4.0%} load {done.load_busy:4.0%}"
                    )
                    for problem in done.problems:
                        bench.refuse(f"{case.key}, round {number}, {peer.name}: {problem}")
                    if why := peer.ended():
                        bench.failed[peer.name] = why
    return {"cases": {case.key: case.title for case in CASES}, "rounds": [asdict(done) for done in rounds]}

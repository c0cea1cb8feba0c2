"""Many routes: what they cost a request, what reading them costs, and how long the loop waits for it meanwhile.

Ten kinds of routes take turns, so that 10 routes and 10,000 are of the same mix, and equally many requests go to each kind.
The requests have 2,000 distinct paths in either case: 2,000 routes are asked of the 10,000, and of the 10 those with captures
and prefixes get other values each time, while their two literal paths repeat. A table remembers that many; matching
alone is measured with more, too.

Also a program, for what has to be a process of its own: `python -m tests.bench.routes spread|steady PORT ...`.
"""

import asyncio
import gc
import itertools
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
import uvloop

from tests.bench import load, payload, peers, process
from tests.bench.gaps import RATE, Workshop, gaps, loading, steady
from tests.bench.suite import Bench, note, play
from tests.bench.tally import Tally


FEW: Final = 10
PATHS: Final = 2000
BEYOND: Final = 10_000
"""Paths, more than a table remembers."""
CONNECTIONS: Final = 32
WARM_UP: Final = 0.7
PARTS: Final = 4
PER_SERVICE: Final = 50
LOOPS: Final = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}

ROUTES: Final = (
    "match: /v1/catalogue{n}/items\n    to: {to}",
    "match: {{path: /v1/catalogue{n}/items/search, method: GET}}\n    to: {to}",
    'match: "/api/items{n}/{{id}}"\n    to: {to}\n    description: the items of one shop',
    'match: {{path: "/v1/users{n}/{{id}}/orders/{{order:int}}", method: [GET, POST]}}\n    to: {to}',
    "match: /files{n}/**\n    to: {to}\n    rewrite: {{strip: /files{n}}}",
    """\
match: /apps{n}/**
    to: {to}
    filters:
      - transform:
          request: {{headers: {{remove: [x-internal], set: {{x-path: "{{path.rest}}"}}}}}}""",
    'match: {{host: shop{n}.example.com, path: "/account/{{section}}"}}\n    to: {to}',
    "match: {{host: shop{n}.example.com, path: /static/**}}\n    to: {to}\n    encoded_slashes: keep",
    'match: {{path: "/v1/search{n}/{{index}}", header: {{x-variant: beta}}}}\n    to: {to}',
    'match: {{path: "/v1/search{n}/{{index}}"}}\n    to: {to}',
)
"""The kinds: literal, template, prefix, host and path, and the same path with a header and without."""
ASKED: Final = (
    ("", "/v1/catalogue{n}/items"),
    ("", "/v1/catalogue{n}/items/search"),
    ("", "/api/items{n}/{item}"),
    ("", "/v1/users{n}/{item}/orders/{item}"),
    ("", "/files{n}/2026/report-{item}.pdf"),
    ("", "/apps{n}/assets/{item}.js"),
    ("shop{n}.example.com", "/account/section-{item}"),
    ("shop{n}.example.com", "/static/{item}.css"),
    ("beta", "/v1/search{n}/{item}"),
    ("", "/v1/search{n}/{item}"),
)
"""What is asked of each: a host, or the header's value, and a path."""


def configuration(count: int, services: int, port: int, admin_port: int, origin_port: int) -> str:
    """Return a gateway.yaml with so many routes; the services are all the origin."""
    parts = [
        "version: 1",
        f'server: {{listen: "127.0.0.1:{port}"}}',
        f'admin: {{listen: "127.0.0.1:{admin_port}"}}',
        "defaults:\n  services: {timeouts: {connect: 2s}}\n  routes: {encoded_slashes: reject}",
        "services:",
    ]
    for number in range(services):
        parts.append(f"  service-{number}:\n    instances:\n      - http://127.0.0.1:{origin_port}")
        if number % 2:
            parts.append(f"      - {{id: second-{number}, url: http://localhost:{origin_port}}}")
    parts.append("routes:")
    for number in range(count):
        group, kind = divmod(number, len(ROUTES))
        route = ROUTES[kind].format(n=suffix(group), to=f"service-{number % services}")
        parts.append(f"  route-{number}:\n    {route}")
    return "\n".join(parts) + "\n"


def suffix(group: int) -> str:
    """Return what the paths of a group have in their first segments; the first group answers whoever looks for life."""
    return f"-{group}" if group else ""


def asked(count: int, paths: int) -> list[tuple[str, str, str]]:
    """Return host, path and the value of `x-variant` (none where empty) for so many requests, spread over the routes."""
    groups = count // len(ROUTES)
    step = max(1, groups * len(ROUTES) // paths)
    found = []
    for item in range(paths):
        turn, kind = divmod(item, len(ROUTES))
        beside, path = ASKED[kind]
        n = suffix(turn * step % groups)
        host = beside.format(n=n) if "." in beside else payload.GET_HEADERS[0][1]
        found.append((host, path.format(n=n, item=item), beside if beside == "beta" else ""))
    return found


def request(host: str, path: str, variant: str) -> bytes:
    """Return the bytes of a request."""
    fields = (("Host", host), *payload.GET_HEADERS[1:], *((("X-Variant", variant),) if variant else ()))
    return payload.head(f"GET {path} HTTP/1.1", fields)


# ---- the cost of a request ----------------------------------------------------------------------------------------


class Gateway(peers.Peer):
    """gatekeeper with so many routes."""

    def __init__(self, folder: Path, origin_port: int, count: int) -> None:
        self._count = count
        self._origin_port = origin_port
        super().__init__("gatekeeper", sys.executable, folder, origin_port)

    def _spawn(self) -> Any:
        text = configuration(self._count, 1, self.port, self.admin_port, self._origin_port)
        (self.folder / "gateway.yaml").write_text(text)
        return super()._spawn()


def end_to_end(bench: Bench, counts: Sequence[int]) -> dict[int, list[float]]:
    """Return the microseconds of CPU per request, one for each round, by the number of routes."""
    found: dict[int, list[float]] = {count: [] for count in counts}
    # a tenth is less than rounds differ: many short ones
    rounds, length = bench.options.rounds * PARTS, bench.options.seconds / PARTS
    with peers.origin() as origin:
        gateways = {count: Gateway(bench.folder / f"routes-{count}", origin.port, count) for count in counts}
        try:
            tallies = {}
            for count, gateway in gateways.items():
                gateway.wait_first_answer()
                tallies[count] = Tally(gateway, origin)
            # what a gateway does once after its start is no request's
            time.sleep(1)
            for number in range(rounds + 1):
                # in turn, so that neither is always the first
                for count, gateway in list(gateways.items())[:: -1 if number % 2 else 1]:
                    seconds = length if number else WARM_UP
                    cpu_us, problems = one_round(gateway, tallies[count], count, seconds)
                    for problem in problems:
                        bench.refuse(f"{count} routes, round {number}: {problem}")
                    if number:
                        found[count].append(cpu_us)
                        note(f"routes {number}/{rounds} {count:6} {cpu_us:7.1f} µs")
        finally:
            for gateway in gateways.values():
                gateway.stop()
    return found


def one_round(gateway: Gateway, tally: Tally, count: int, seconds: float) -> tuple[float, list[str]]:
    """Put one gateway under load; return the microseconds per request, and what disagrees."""
    tally.open()
    with process.Watch(gateway.pid) as watch:
        done = play("routes", "spread", gateway.port, count, seconds)
        tally.wait_for_log(done["requests"])
    problems = tally.close(done["requests"], done["ids"])
    if done["errors"]:
        problems.append(f"{done['errors']} errors: {done['first_errors'][0]}")
    return watch.cpu_ns / 1e3 / max(done["requests"], 1), problems


def in_process(files: Mapping[int, Path], repeats: int) -> dict[str, dict[int, float]]:
    """Return the nanoseconds of a match, best of the repeats, by what is asked and the number of routes."""
    from gatekeeper.core.exchange import Exchange
    from gatekeeper.core.message import Headers, Request

    def exchange(host: str, path: str, variant: str) -> Exchange:
        fields = [(name.lower().encode(), value.encode()) for name, value in payload.GET_HEADERS[1:]]
        if variant:
            fields.append((b"x-variant", variant.encode()))
        made = Request(
            "GET", path, path.encode(), "", host, host.encode(), Headers(fields), client="127.0.0.1"
        )
        return Exchange("0123456789abcdef-00000001", made, 0.0)

    work = {}
    for count, path in files.items():
        workshop = Workshop(path)
        snapshot = workshop.build(workshop.load(path))
        for paths in (BEYOND, PATHS, FEW):
            what = f"{paths:,} paths in turn"
            exchanges = [exchange(*one) for one in asked(count, paths)] * max(1, PATHS // paths)
            wrong = [one for one in exchanges if snapshot.match(one) is snapshot.no_route]
            assert not wrong, f"{count} routes do not answer {wrong[0].request.path}"
            work[what, count] = snapshot.match, exchanges
    found: dict[str, dict[int, float]] = {}
    gc.collect()
    gc.freeze()
    for _ in range(repeats):
        for (what, count), (match, exchanges) in work.items():
            begun = time.thread_time_ns()
            for one in exchanges:
                match(one)
            took = (time.thread_time_ns() - begun) / len(exchanges)
            row = found.setdefault(what, {})
            row[count] = min(took, row.get(count, took))
    gc.unfreeze()
    for what, row in found.items():
        note(f"routes {what}: {', '.join(f'{count} {took:.0f} ns' for count, took in row.items())}")
    return found


class Spread(load.Run):
    """A run whose requests differ."""

    def __init__(self, port: int, requests: Iterator[bytes], seconds: float) -> None:
        self._requests = requests
        super().__init__(port, b"", seconds)

    @property
    def request(self) -> bytes:
        """The next request."""
        return next(self._requests)

    @request.setter
    def request(self, _: bytes) -> None:
        """A run has one request, this one has many."""


async def spread_out(port: int, count: int, seconds: float) -> object:
    """Ask a gateway of so many routes for all paths in turn, as fast as it answers."""
    requests = itertools.cycle([request(*one) for one in asked(count, PATHS)])
    return await Spread(port, requests, seconds).play(CONNECTIONS)


def main() -> None:
    """Read the arguments and play; print what the load counted, or write when each request was due and how late."""
    what, *rest = sys.argv[1:]
    if what == "spread":
        port, count, seconds = rest
        done = uvloop.run(spread_out(int(port), int(count), float(seconds)))
        sys.stdout.write(orjson.dumps(done).decode() + "\n")
    else:
        port, rate, said = rest
        # more than a pipe holds
        Path(said).write_bytes(orjson.dumps(uvloop.run(steady(int(port), int(rate)))))


# ---- the suite ----------------------------------------------------------------------------------------------------


def run(bench: Bench) -> dict[str, Any]:
    """Measure all of it."""
    counts = (FEW, bench.options.routes)
    result: dict[str, Any] = {"counts": counts, "end_to_end": end_to_end(bench, counts)}
    with process.on_core(process.PROXY_CORE), peers.origin() as origin:
        files = {}
        for count in counts:
            files[count] = bench.folder / f"gateway-{count}.yaml"
            services = max(1, count // PER_SERVICE)
            files[count].write_text(configuration(count, services, 0, 0, origin.port))
        few, many = (files[count] for count in counts)

        async def measured(work: Callable[..., Any], *arguments: Any) -> Any:
            return work(*arguments)

        result["in_process"] = uvloop.run(measured(in_process, files, bench.options.repeats))
        result["size"] = many.stat().st_size
        result["loading"] = uvloop.run(measured(loading, few, many, bench.options.loads))
        result["gaps"] = []
        for name, new_loop in LOOPS.items():
            for rate in (0, RATE):
                with asyncio.Runner(loop_factory=new_loop) as runner:
                    found = runner.run(gaps(few, many, bench.options.loads, rate))
                result["gaps"].append({"loop_name": name, "rate": rate, **found})
                worst = max(row["max"] for row in found["loop"])
                note(f"routes {name} {rate} requests/s: the loop waited {worst:.0f} ms at most")
    return result


if __name__ == "__main__":
    main()

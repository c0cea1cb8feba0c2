"""The report: one Markdown text of tables."""

import statistics
from collections.abc import Iterable
from typing import Any

from tests.bench import figures


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table, padded so that it can be read as it is; all columns but the first are figures."""
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]

    def line(row: list[str]) -> str:
        first = row[0].ljust(widths[0])
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        return f"| {' | '.join([first, *rest])} |"

    rule = f"|{'-' * (widths[0] + 2)}|{'|'.join('-' * (width + 1) + ':' for width in widths[1:])}|"
    return "\n".join([line(cells[0]), rule, *(line(row) for row in cells[1:])])


def _ratio(own: dict[str, Any] | None, other: dict[str, Any], key: str) -> str:
    return f"{own[key] / other[key]:.2f}" if own and other[key] else "-"


def _small(e2e: dict[str, Any]) -> list[str]:
    parts = []
    header = (
        "proxy",
        "CPU µs/request",
        "lowest-highest",
        "requests/s",
        "p50 ms",
        "p99 ms",
        "core busy",
        "gatekeeper ÷ it",
    )
    for case, found in figures.small(e2e).items():
        own = found.get("gatekeeper")
        rows = [
            (
                peer,
                f"{row['cpu_us']:.1f}",
                f"{min(row['cpu_us_rounds']):.0f}-{max(row['cpu_us_rounds']):.0f}",
                f"{row['rps']:.0f}",
                f"{row['p50_us'] / 1e3:.2f}",
                f"{row['p99_us'] / 1e3:.2f}",
                f"{row['busy']:.0%}",
                _ratio(own, row, "cpu_us"),
            )
            for peer, row in found.items()
        ]
        parts.append(f"## {e2e['cases'][case]}\n\n{table(header, rows)}")
    return parts


def _large(transfer: dict[str, Any]) -> list[str]:
    parts = []
    size = figures.size_text(transfer["mebibytes"])
    for way, found in figures.large(transfer).items():
        own = found.get("gatekeeper")
        rows = [
            (
                peer,
                f"{row['cpu_s_per_gib']:.2f}",
                f"{row['mib_per_s']:.0f}",
                f"{row['extra_mib']:+.1f}",
                _ratio(own, row, "cpu_s_per_gib"),
            )
            for peer, row in found.items()
        ]
        header = ("proxy", "CPU s/GiB", "MiB/s", "more memory, MiB", "gatekeeper ÷ it (CPU)")
        parts.append(f"## {way.capitalize()} of {size} with Content-Length\n\n{table(header, rows)}")
    return parts


def _idle(idle: dict[str, Any]) -> list[str]:
    header = ("proxy", "resident after start, MiB", "idle connections", "KiB each")
    rows = [
        (
            row["peer"],
            f"{row['resident_mib']:.1f}",
            str(row["connections"]),
            f"{row['kib_per_connection']:.1f}",
        )
        for row in idle["peers"]
    ]
    return [f"## Memory at rest\n\n{table(header, rows)}"]


def _start(start: dict[str, Any]) -> list[str]:
    seconds = {name: values for name, values in start["seconds"].items() if values}
    base = statistics.median(seconds["import"])
    rows = [
        (
            "import of aiohttp.web" if name == "import" else name,
            f"{statistics.median(values) * 1e3:.0f}",
            f"{min(values) * 1e3:.0f}-{max(values) * 1e3:.0f}",
            f"{statistics.median(values) / base:.2f}",
        )
        for name, values in seconds.items()
    ]
    header = ("what", "first answer, ms", "lowest-highest", "÷ the import")
    return [f"## Start\n\n{table(header, rows)}"]


def _inprocess(inprocess: dict[str, Any]) -> list[str]:
    microseconds = inprocess["microseconds"]
    if not microseconds:
        return []
    base = microseconds[inprocess["empty"]]
    rows = [(name, f"{took:.2f}", f"{took / base:.2f}") for name, took in microseconds.items()]
    return [
        f"## In process, a played exchange\n\n{table(('chain', 'CPU µs', 'times the empty chain'), rows)}"
    ]


def _routes(routes: dict[str, Any]) -> list[str]:
    few, many = (f"{count:,} routes" for count in routes["counts"])
    cpu = routes["end_to_end"]
    costs = [
        ("through sockets, CPU µs", *(statistics.median(rounds) for rounds in cpu.values())),
        *((f"matched, {what}, ns", *row.values()) for what, row in routes["in_process"].items()),
    ]
    header = ("a request", few, many, "ratio (at most 1.1)")
    requests = table(
        header, [(what, *map("{:.1f}".format, row), f"{row[1] / row[0]:.2f}") for what, *row in costs]
    )
    rounds = ", ".join(f"{count:,} routes {min(one):.1f}-{max(one):.1f} µs" for count, one in cpu.items())
    seconds = {name: statistics.median(values) for name, values in routes["loading"].items()}
    seconds["load_gateway and Builder.build"] = seconds["load_gateway"] + seconds["Builder.build"]
    steps = table(
        ("what", "CPU ms", "÷ yaml.load (at most 4)"),
        [(name, f"{took * 1e3:.0f}", f"{took / seconds['yaml.load']:.2f}") for name, took in seconds.items()],
    )
    heads = ("while", "p50 ms", "p99 ms (20)", "most ms (50)", "best of the repeats", "where the most")
    waits = table(heads, [row for run in routes["gaps"] for row in _waits(run)])
    return [
        f"## Many routes: a request\n\n{requests}\n\nSingle rounds: {rounds}.",
        f"## Many routes: reading {many}, {routes['size'] >> 10} KiB\n\n{steps}",
        f"## Many routes: what waits while they are read\n\n{waits}",
    ]


def _waits(run: dict[str, Any]) -> Iterable[tuple[str, ...]]:
    """The medians of the repeats, in rows."""
    name = f"{run['loop_name']}, {run['rate']} requests/s"
    for who in ("loop", "client"):
        for phase in dict.fromkeys(row["phase"] for row in run[who]):
            found = [row for row in run[who] if row["phase"] == phase]
            medians = [statistics.median(row[key] for row in found) for key in ("p50", "p99", "max")]
            shown = map("{:.1f}".format, [*medians, min(row["max"] for row in found)])
            yield f"{name}, the {who}: {phase}", *shown, max(found, key=lambda row: row["max"])["where"]
    for step, seconds in run["blocked"].items():
        most, least = statistics.median(seconds) * 1e3, min(seconds) * 1e3
        yield f"{name}, on the loop: {step}", "", "", f"{most:.1f}", f"{least:.1f}", ""


SECTIONS = {
    "e2e": _small,
    "transfer": _large,
    "idle": _idle,
    "start": _start,
    "inprocess": _inprocess,
    "routes": _routes,
}


def _bars(found: list[figures.Verdict]) -> str:
    rows = [
        (
            verdict.what,
            f"{verdict.value:.2f} {verdict.unit}",
            f"{verdict.rounds[0]:.2f}-{verdict.rounds[1]:.2f}" if verdict.rounds else "",
            f"at most {verdict.limit:g}",
            verdict.text(),
        )
        for verdict in found
    ]
    return f"## The bars\n\n{table(('what', 'gatekeeper', 'single rounds', 'bar', 'so'), rows)}"


def markdown(result: dict[str, Any]) -> str:
    """Return the whole report."""
    parts = ["# gatekeeper beside other proxies"]
    parts.append("\n".join(f"- {name}: {value}" for name, value in result["environment"].items()))
    for name, suite in result["suites"].items():
        parts += SECTIONS[name](suite)
    if found := figures.verdicts(result["suites"]):
        parts.append(_bars(found))
    if result["missing"]:
        parts.append(f"Not installed, so not measured: {', '.join(result['missing'])}.")
    for name, why in result["failed"].items():
        parts.append(f"Not measured: {name}. {why}")
    if result["invalid"]:
        lines = "\n".join(f"- {what}" for what in result["invalid"])
        parts.append(f"## This run does not count\n\n{lines}")
    else:
        parts.append("Everybody who counted agreed, in every round.")
    return "\n\n".join(parts) + "\n"

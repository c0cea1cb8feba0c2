"""From measurements to figures: medians and spreads per proxy, and the bars that gatekeeper has to meet.

Only ratios are compared between proxies, and none of this fails a run: a bar is met or missed by so much.
"""

import statistics
from dataclasses import asdict, dataclass
from typing import Any


Figures = dict[str, dict[str, dict[str, Any]]]

CPU_BARS = {"envoy": 1.0, "traefik": 1.0, "caddy": 0.8, "nginx": 2.3}
TRANSFER_CPU_BAR = 4.0  # times nginx
TRANSFER_MEMORY_BAR = 10.0  # MiB
RESIDENT_BAR = 60.0  # MiB
IDLE_BAR = 12.0  # KiB
WORKERS_BAR = 1.1  # times one process
START_BAR = 1.6  # times the import of aiohttp.web


@dataclass(frozen=True, slots=True)
class Verdict:
    """One bar, and where gatekeeper stands."""

    what: str
    value: float
    limit: float
    unit: str
    rounds: tuple[float, float] | None = None

    @property
    def met(self) -> bool:
        """Whether the figure is within the bar."""
        return self.value <= self.limit

    def text(self) -> str:
        """Say it in words."""
        percent = abs(self.value / self.limit - 1)
        return f"met, {percent:.0%} below" if self.met else f"missed by {percent:.0%}"


def _medians(rows: list[dict[str, Any]], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: statistics.median(row[key] for row in rows) for key in keys}


def small(e2e: dict[str, Any]) -> Figures:
    """Return, per case and proxy, the medians of the rounds and the spread of the CPU time."""
    figures: Figures = {}
    for case in e2e["cases"]:
        figures[case] = {}
        for peer in dict.fromkeys(row["peer"] for row in e2e["rounds"]):
            rows = [
                row for row in e2e["rounds"] if (row["peer"], row["case"]) == (peer, case) and row["requests"]
            ]
            if not rows:
                continue
            cpu = [row["cpu_us"] for row in rows]
            figures[case][peer] = {
                **_medians(rows, ("cpu_us", "rps", "p50_us", "p99_us", "busy", "load_busy")),
                "cpu_us_rounds": cpu,
            }
    return figures


def large(transfer: dict[str, Any]) -> Figures:
    """Return, per way and proxy, the median cost and the highest memory of the transfers that came through."""
    figures: Figures = {}
    for row in transfer["transfers"]:
        figures.setdefault(row["way"], {})
    for way, found in figures.items():
        whole = [row for row in transfer["transfers"] if row["way"] == way and not row["error"]]
        for peer in dict.fromkeys(row["peer"] for row in whole):
            rows = [row for row in whole if row["peer"] == peer]
            found[peer] = {
                **_medians(rows, ("cpu_s_per_gib", "mib_per_s")),
                "extra_mib": max(row["extra_mib"] for row in rows),
            }
    return figures


def _small_verdicts(e2e: dict[str, Any]) -> list[Verdict]:
    verdicts = []
    for case, found in small(e2e).items():
        if "gatekeeper" not in found:
            continue
        own = found["gatekeeper"]
        if several := found.get("workers"):
            value = several["cpu_us"] / own["cpu_us"]
            verdicts.append(
                Verdict(f"{e2e['cases'][case]}: two workers", value, WORKERS_BAR, "times one process")
            )
        for peer, limit in CPU_BARS.items():
            if peer in found:
                pairs = zip(own["cpu_us_rounds"], found[peer]["cpu_us_rounds"], strict=False)
                ratios = [ours / theirs for ours, theirs in pairs]
                value = own["cpu_us"] / found[peer]["cpu_us"]
                spread = (min(ratios), max(ratios))
                verdicts.append(
                    Verdict(f"{e2e['cases'][case]}: CPU per request", value, limit, f"times {peer}", spread)
                )
    return verdicts


def size_text(mebibytes: int) -> str:
    """Return a size as one says it."""
    return f"{mebibytes // 1024} GiB" if mebibytes % 1024 == 0 else f"{mebibytes} MiB"


def _large_verdicts(transfer: dict[str, Any]) -> list[Verdict]:
    verdicts = []
    size = size_text(transfer["mebibytes"])
    for way, found in large(transfer).items():
        if own := found.get("gatekeeper"):
            verdicts.append(
                Verdict(f"{way} of {size}: more memory", own["extra_mib"], TRANSFER_MEMORY_BAR, "MiB")
            )
            if nginx := found.get("nginx"):
                value = own["cpu_s_per_gib"] / nginx["cpu_s_per_gib"]
                verdicts.append(
                    Verdict(f"{way} of {size}: CPU per GiB", value, TRANSFER_CPU_BAR, "times nginx")
                )
    return verdicts


def verdicts(suites: dict[str, Any]) -> list[Verdict]:
    """Return how gatekeeper stands to every bar that was measured."""
    found: list[Verdict] = []
    if e2e := suites.get("e2e"):
        found += _small_verdicts(e2e)
    if transfer := suites.get("transfer"):
        found += _large_verdicts(transfer)
    for row in suites.get("idle", {}).get("peers", []):
        if row["peer"] == "gatekeeper":
            found.append(Verdict("resident after start", row["resident_mib"], RESIDENT_BAR, "MiB"))
            found.append(Verdict("an idle connection", row["kib_per_connection"], IDLE_BAR, "KiB"))
    seconds = suites.get("start", {}).get("seconds", {})
    if seconds.get("gatekeeper") and seconds.get("import"):
        value = statistics.median(seconds["gatekeeper"]) / statistics.median(seconds["import"])
        found.append(Verdict("first answer after spawn", value, START_BAR, "times the import of aiohttp.web"))
    return found


def as_data(found: list[Verdict]) -> list[dict[str, Any]]:
    """Return verdicts as plain data."""
    return [{**asdict(verdict), "met": verdict.met, "text": verdict.text()} for verdict in found]

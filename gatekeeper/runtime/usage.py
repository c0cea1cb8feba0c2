"""What a gateway takes and what it has done, in the figures that people ask for."""

import itertools
import os
import platform
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import psutil


def of_process() -> dict[str, Any]:
    """What this process takes, and the machine has. Sizes are bytes, shares percent, times seconds."""
    process = psutil.Process()
    with process.oneshot():
        memory, times = process.memory_info(), process.cpu_times()
        found = {
            "pid": process.pid,
            "python": platform.python_version(),
            "started_at": process.create_time(),
            "cpu_seconds": round(times.user + times.system, 3),
            "cpu_percent": process.cpu_percent(interval=None),
            "memory_resident": memory.rss,
            "memory_percent": round(process.memory_percent(), 3),
            "threads": process.num_threads(),
            "descriptors": process.num_fds(),
        }
    return {
        **found,
        "cores": os.cpu_count() or 1,
        "load": list(os.getloadavg()),
        "machine_memory": psutil.virtual_memory().total,
        "machine_memory_available": psutil.virtual_memory().available,
    }


def of_requests(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """How many requests there were, how they ended and how long they took in seconds, by route and by service."""
    statuses: Counter[str] = Counter()
    routes: dict[str, dict[str, Any]] = {}
    services: dict[str, Counter[str]] = {}
    for sample in _samples(metrics, "gatekeeper_requests_total"):
        labels, count = sample["labels"], int(sample["value"])
        kind = f"{labels['status'][:1]}xx"
        statuses[kind] += count
        of_route = routes.setdefault(labels["route"], {"requests": 0, "errors": 0})
        of_service = services.setdefault(labels["service"], Counter(requests=0, errors=0))
        for found in (of_route, of_service):
            found["requests"] += count
            found["errors"] += count if kind == "5xx" else 0
    for sample in _samples(metrics, "gatekeeper_request_duration_seconds"):
        route = routes.setdefault(sample["labels"]["route"], {"requests": 0, "errors": 0})
        for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            route[name] = quantile(sample["buckets"], part)
    in_flight = sum(sample["value"] for sample in _samples(metrics, "gatekeeper_requests_in_flight"))
    return {
        "total": sum(statuses.values()),
        "in_flight": int(in_flight),
        "by_status": dict(sorted(statuses.items())),
        "by_route": routes,
        "by_service": {name: dict(found) for name, found in services.items() if name},
    }


def quantile(buckets: Mapping[str, int], part: float) -> float | None:
    """The value that a part of the observations does not exceed, as far as buckets can tell; None where there are none.

    Within a bucket they are taken to be spread evenly; what lies beyond the last bound is that bound, as Prometheus's
    `histogram_quantile` does.
    """
    bounds = [float(bound) for bound in buckets]
    counts = list(buckets.values())
    if not counts or not counts[-1]:
        return None
    wanted = part * counts[-1]
    below = list(itertools.pairwise([(0.0, 0), *zip(bounds, counts, strict=True)]))
    for (low, before), (high, count) in below:
        if count >= wanted:
            if high == float("inf"):
                return low
            return round(low + (high - low) * (wanted - before) / (count - before), 6)
    return bounds[-2]


def _samples(metrics: Mapping[str, Any], name: str) -> Iterable[dict[str, Any]]:
    family = metrics.get(name)
    samples: Iterable[dict[str, Any]] = family["samples"] if family is not None else ()
    return samples

"""What a gateway takes and what it has done."""

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.observe.metrics import Metrics
from gatekeeper.runtime.usage import of_process, of_requests, quantile


def test_what_the_process_takes() -> None:
    """Each figure is one that could be."""
    found = of_process()

    assert os.getpid() == found["pid"]
    assert found["memory_resident"] > 1_000_000
    assert 0 < found["memory_percent"] < 100
    assert found["machine_memory"] > found["machine_memory_available"] > 0
    assert found["descriptors"] >= 3
    assert found["threads"] >= 1
    assert found["cpu_seconds"] > 0
    assert found["cpu_percent"] >= 0
    assert found["started_at"] > 1_600_000_000
    assert found["cores"] >= 1
    assert 3 == len(found["load"])
    assert found["python"].startswith("3.")


def test_what_the_requests_were() -> None:
    """By status, by route and by service."""
    metrics = Metrics()
    total = metrics.counter("gatekeeper_requests_total", "x", ("route", "service", "method", "status"))
    duration = metrics.histogram("gatekeeper_request_duration_seconds", "x", ("route",))
    metrics.gauge("gatekeeper_requests_in_flight", "x").child().set(3)
    for route, service, method, status, count in (
        ("users", "a", "GET", "200", 90),
        ("users", "b", "GET", "503", 8),
        ("users", "a", "POST", "201", 1),
        ("-", "", "GET", "404", 1),
    ):
        total.child(route, service, method, status).inc(count)
    for seconds in [0.0005] * 50 + [0.02] * 45 + [60.0] * 5:
        duration.child("users").observe(seconds)

    found = of_requests(metrics.snapshot())

    assert {"2xx": 91, "4xx": 1, "5xx": 8} == found["by_status"]
    assert (100, 3) == (found["total"], found["in_flight"])
    assert {"a": {"requests": 91, "errors": 0}, "b": {"requests": 8, "errors": 8}} == found["by_service"]
    users = {"requests": 99, "errors": 8, "p50": 0.001, "p95": 0.025, "p99": 10.0}
    assert {"users": users, "-": {"requests": 1, "errors": 0}} == found["by_route"]


def test_before_the_first_request() -> None:
    """There is nothing to tell."""
    expected = {"total": 0, "in_flight": 0, "by_status": {}, "by_route": {}, "by_service": {}}

    assert expected == of_requests(Metrics().snapshot())


@pytest.mark.parametrize(
    ("buckets", "part", "expected"),
    [
        ({}, 0.5, None),
        ({"1.0": 0, "+Inf": 0}, 0.5, None),
        ({"1.0": 10, "2.0": 10, "+Inf": 10}, 0.5, 0.5),
        ({"1.0": 10, "2.0": 20, "+Inf": 20}, 0.5, 1.0),
        ({"1.0": 10, "2.0": 20, "+Inf": 20}, 0.75, 1.5),
        ({"1.0": 0, "2.0": 4, "+Inf": 4}, 0.25, 1.25),
        ({"1.0": 0, "2.0": 0, "+Inf": 4}, 0.25, 2.0),
        ({"1.0": 10, "+Inf": 10}, 1.0, 1.0),
    ],
)
def test_a_quantile_lies_in_its_bucket(buckets: dict[str, int], part: float, expected: float | None) -> None:
    """As far in as the part says."""
    assert expected == quantile(buckets, part)


@given(values=st.lists(st.floats(0.0001, 9.9), min_size=1), part=st.floats(0.01, 1.0))
def test_a_quantile_is_within_a_bucket_of_the_truth(values: list[float], part: float) -> None:
    """The bound below and the bound above it."""
    metrics = Metrics()
    cell = metrics.histogram("x_seconds", "x").child()
    for value in values:
        cell.observe(value)
    (sample,) = metrics.snapshot()["x_seconds"]["samples"]
    buckets: dict[str, Any] = sample["buckets"]
    rank = sorted(values)[max(0, -int(-part * len(values) // 1) - 1)]
    bounds = [0.0, *map(float, buckets)]
    above = next(bound for bound in bounds[1:] if rank <= bound)

    found = quantile(buckets, part)

    assert found is not None
    assert bounds[bounds.index(above) - 1] <= found + 1e-6
    assert found <= above + 1e-6

"""Metrics with something to tell."""

import pytest

from gatekeeper.observe.metrics import Metrics


@pytest.fixture
def metrics() -> Metrics:
    """Metrics without any family of the test's."""
    return Metrics()


@pytest.fixture
def busy(metrics: Metrics) -> Metrics:
    """Metrics with one of each kind."""
    metrics.counter("requests_total", "Requests\nanswered.", ("route",)).child('us"ers\n').inc(3)
    metrics.gauge("in_flight", "In flight.").child().set(2)
    metrics.histogram("seconds", "Duration.", ("route",), (0.1, 1)).child("users").observe(0.5)
    metrics.gauge_function("routes", "Routes.", lambda: 4)
    return metrics

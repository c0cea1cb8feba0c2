"""Metrics as Prometheus reads them."""

import json
from collections.abc import Callable, Iterable

import orjson
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from gatekeeper.observe.exposition import SnapshotCollector, families
from gatekeeper.observe.metrics import Metrics


@pytest.mark.parametrize(
    ("media_type", "accept", "parse"),
    [
        pytest.param("text/plain; version=0.0.4; charset=utf-8", "", parse_text, id="nothing-asked"),
        pytest.param("text/plain; version=0.0.4; charset=utf-8", "text/html, */*", parse_text, id="browser"),
        pytest.param(
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
            parse_openmetrics,
            id="prometheus",
        ),
        pytest.param(
            "text/plain; version=0.0.4; charset=utf-8",
            "application/openmetrics-text; version=1.x",
            parse_text,
            id="version-that-is-none",
        ),
    ],
)
def test_the_accept_field_picks_the_format(
    busy: Metrics, media_type: str, accept: str, parse: Callable[[str], Iterable[Metric]]
) -> None:
    """And a reader of that format reads the same values."""
    body, actual = busy.render(accept)
    found = {
        (sample.name, *(value for _, value in sorted(sample.labels.items(), reverse=True))): sample.value
        for family in parse(body.decode())
        for sample in family.samples
        if not sample.name.startswith(("process_", "python_"))
    }

    expected = {
        ("requests_total", 'us"ers\n'): 3,
        ("in_flight",): 2,
        ("routes",): 4,
        ("seconds_bucket", "users", "0.1"): 0,
        ("seconds_bucket", "users", "1.0"): 1,
        ("seconds_bucket", "users", "+Inf"): 1,
        ("seconds_count", "users"): 1,
        ("seconds_sum", "users"): 0.5,
    }
    assert media_type == actual
    assert expected == found


def test_process_and_platform_are_exposed_too(metrics: Metrics) -> None:
    """Memory, processor time, open files; the interpreter's version."""
    names = {line.split("{")[0].split(" ")[0] for line in metrics.render()[0].decode().splitlines()}

    assert {
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
        "process_open_fds",
        "python_info",
    } <= names


def test_the_collector_fits_any_registry(busy: Metrics) -> None:
    """Of somebody who embeds the gateway."""
    registry = CollectorRegistry(auto_describe=True)
    registry.register(SnapshotCollector(busy.snapshot))

    assert registry.get_sample_value("in_flight") == 2


def test_a_snapshot_of_another_process_is_exposed_alike(busy: Metrics) -> None:
    """After a way through JSON."""
    travelled = json.loads(orjson.dumps(busy.snapshot()))

    assert list(families(busy.snapshot())) == list(families(travelled))

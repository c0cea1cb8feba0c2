"""A snapshot of metrics as Prometheus reads it, through prometheus-client."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector


class Exposition:
    """What `snapshot` returns, beside the metrics of the process and the interpreter."""

    def __init__(self, snapshot: Callable[[], Mapping[str, Any]]) -> None:
        self._registry: Final = CollectorRegistry()
        self._registry.register(SnapshotCollector(snapshot))
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Return the exposition and its media type: OpenMetrics or text, as the `Accept` field asks.

        It reads /proc and takes its time: use a thread.
        """
        try:
            encode, media_type = choose_encoder(accept)
        except (TypeError, ValueError):
            # the library compares the parts of `version=1.x` as numbers
            encode, media_type = choose_encoder("")
        return encode(self._registry), media_type


class SnapshotCollector(Collector):
    """A collector for a registry of prometheus-client."""

    def __init__(self, snapshot: Callable[[], Mapping[str, Any]]) -> None:
        self._snapshot = snapshot

    def collect(self) -> Iterable[Metric]:
        """All families."""
        return families(self._snapshot())


def families(snapshot: Mapping[str, Any]) -> Iterator[Metric]:
    """Turn a snapshot, of this process or another, into prometheus-client's metrics."""
    for name, family in snapshot.items():
        labels = family["labels"]
        metric: CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
        if family["type"] == "histogram":
            metric = HistogramMetricFamily(name, family["help"], labels=labels)
            for sample in family["samples"]:
                values = [sample["labels"][label] for label in labels]
                metric.add_metric(values, [*sample["buckets"].items()], sample["sum"])
        else:
            metric_class = CounterMetricFamily if family["type"] == "counter" else GaugeMetricFamily
            metric = metric_class(name, family["help"], labels=labels)
            for sample in family["samples"]:
                metric.add_metric([sample["labels"][label] for label in labels], sample["value"])
        yield metric

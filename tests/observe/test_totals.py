"""The metrics of several processes as one gateway's."""

import pytest

from gatekeeper.observe.exposition import families
from gatekeeper.observe.metrics import Metrics
from gatekeeper.observe.totals import Totals, added


def process(requests: int = 0, in_flight: int = 0, seconds: tuple[float, ...] = ()) -> Metrics:
    """The metrics of one process."""
    metrics = Metrics()
    metrics.counter("requests_total", "Requests.", ("route",)).child("users").inc(requests)
    metrics.gauge("in_flight", "In flight.").child().set(in_flight)
    durations = metrics.histogram("seconds", "Durations.", ("route",), buckets=(0.1, 1.0)).child("users")
    for duration in seconds:
        durations.observe(duration)
    metrics.gauge_function("revision", "Revision.", lambda: 7, once=True)
    metrics.counter("reloads_total", "Reloads.", once=True).child().inc(2)
    return metrics


def value(sums: dict[str, dict[str, object]], name: str) -> object:
    """The one value of a family."""
    samples = sums[name]["samples"]
    assert isinstance(samples, list)
    return samples[0].get("value") if samples else None


def test_counters_gauges_and_histograms_are_added_up() -> None:
    """Bucket by bucket."""
    sums = added([process(3, 1, (0.05,)).snapshot(), process(4, 2, (0.5, 5.0)).snapshot()])

    assert 7 == value(sums, "requests_total")
    assert 3 == value(sums, "in_flight")
    assert [
        {
            "labels": {"route": "users"},
            "count": 3,
            "sum": 5.55,
            "buckets": {"0.1": 1, "1.0": 2, "+Inf": 3},
        }
    ] == sums["seconds"]["samples"]


def test_what_all_have_alike_is_told_once() -> None:
    """A revision is no sum."""
    sums = added([process().snapshot(), process().snapshot(), process().snapshot()])

    assert 7 == value(sums, "revision")
    assert 2 == value(sums, "reloads_total")


def test_what_only_one_knows_is_there() -> None:
    """A plugin may count in workers only."""
    one, other = process(), process()
    other.counter("hits_total", "Hits.", ("key",)).child("a").inc(5)
    other.counter("requests_total", "Requests.", ("route",)).child("orders").inc(2)

    sums = added([one.snapshot(), other.snapshot()])

    assert 5 == value(sums, "hits_total")
    assert {"users": 0, "orders": 2} == {
        sample["labels"]["route"]: sample["value"] for sample in sums["requests_total"]["samples"]
    }


def test_a_sum_does_not_go_down_with_a_process() -> None:
    """Counters and histograms of who has ended stay; gauges go."""
    totals, own = Totals(), Metrics().snapshot()
    totals.take("a", process(10, 3, (0.5,)).snapshot())
    totals.take("b", process(1, 1).snapshot())
    before = totals.sum(own)
    totals.end("a")
    totals.take("c", process(2, 5).snapshot())
    totals.end("unknown")

    after = totals.sum(own)

    assert (11, 4) == (value(before, "requests_total"), value(before, "in_flight"))
    assert (13, 6) == (value(after, "requests_total"), value(after, "in_flight"))
    assert 1 == after["seconds"]["samples"][0]["count"]


def test_what_was_taken_last_counts() -> None:
    """A process says its whole sum each time."""
    totals = Totals()
    for requests in (1, 5, 9):
        totals.take("a", process(requests).snapshot())
    totals.end("a")
    totals.end("a")

    assert 9 == value(totals.sum({}), "requests_total")


def test_other_buckets_are_no_reason_to_fail() -> None:
    """A worker may have newer code than the one that has ended; those that both have are right."""
    other = Metrics()
    other.histogram("seconds", "Durations.", ("route",), buckets=(0.2, 1.0)).child("users").observe(0.15)

    buckets = added([process(seconds=(0.05,)).snapshot(), other.snapshot()])["seconds"]["samples"][0][
        "buckets"
    ]

    assert {"1.0": 2, "+Inf": 2} == buckets


def test_a_sum_is_exposed_like_a_snapshot() -> None:
    """It has the same shape."""
    sums = added([process(3, 1, (0.05,)).snapshot(), process(4).snapshot()])

    found = {
        sample.name: sample.value
        for family in families(sums)
        for sample in family.samples
        if "le" not in sample.labels
    }

    assert {
        "requests_total": 7.0,
        "in_flight": 1.0,
        "seconds_count": 1.0,
        "revision": 7.0,
    }.items() <= found.items()


@pytest.mark.parametrize("times", [1, 3])
def test_adding_changes_nothing_that_was_given(times: int) -> None:
    """Sums are taken again and again."""
    totals, own = Totals(), process(1).snapshot()
    totals.take("a", process(2).snapshot())

    assert [3] * times == [value(totals.sum(own), "requests_total") for _ in range(times)]

"""Metrics: one family per name, cells that count, and an exposition that nothing can break."""

import json
import threading
from collections.abc import Callable

import orjson
import pytest

from gatekeeper.observe.metrics import DEFAULT_BUCKETS, OVERFLOWS, Metrics


def _values(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    return {
        tuple(sample["labels"].values()): sample["value"] for sample in metrics.snapshot()[name]["samples"]
    }


def _rendered(metrics: Metrics, accept: str = "") -> list[str]:
    body, _ = metrics.render(accept)
    return body.decode().splitlines()


# --- cells and families ---


def test_a_counter_counts(metrics: Metrics) -> None:
    """By attribute or by method."""
    cell = metrics.counter("requests_total", "Requests.").child()

    cell.value += 1
    cell.inc()
    cell.inc(2.5)

    assert _values(metrics, "requests_total") == {(): 4.5}


def test_a_gauge_goes_up_and_down(metrics: Metrics) -> None:
    """And can be set."""
    cell = metrics.gauge("in_flight", "In flight.").child()
    seen = []

    steps: list[Callable[[], None]] = [
        cell.inc,
        cell.inc,
        cell.dec,
        lambda: cell.set(7),
        lambda: cell.dec(0.5),
    ]
    for step in steps:
        step()
        seen.append(cell.value)

    assert seen == [1, 2, 1, 7, 6.5]
    assert _values(metrics, "in_flight") == {(): 6.5}


def test_a_histogram_counts_up_to_and_including_its_bounds(metrics: Metrics) -> None:
    """Cumulative in the snapshot, with the sum."""
    cell = metrics.histogram("seconds", "Duration.", buckets=(0.1, 1)).child()

    for seconds in (0.05, 0.1, 0.11, 1, 5):
        cell.observe(seconds)

    expected = {
        "labels": {},
        "count": 5,
        "sum": pytest.approx(6.26),
        "buckets": {"0.1": 2, "1.0": 4, "+Inf": 5},
    }
    assert [expected] == metrics.snapshot()["seconds"]["samples"]
    assert cell.count == 5


def test_default_buckets_go_from_a_millisecond_to_ten_seconds(metrics: Metrics) -> None:
    """As the grammar says."""
    metrics.histogram("seconds", "Duration.").child()

    bounds = list(metrics.snapshot()["seconds"]["samples"][0]["buckets"])

    assert (DEFAULT_BUCKETS[0], DEFAULT_BUCKETS[-1]) == (0.001, 10.0)
    assert [bounds[0], *bounds[-2:]] == ["0.001", "10.0", "+Inf"]


def test_a_child_is_remembered(metrics: Metrics) -> None:
    """The same cell for the same values."""
    family = metrics.counter("requests_total", "Requests.", ("route", "status"))

    assert family.child("users", "2xx") is family.child("users", "2xx")
    assert family.child("users", "2xx") is not family.child("users", "5xx")
    assert repr(family) == "<Family requests_total counter(route, status) 2 children>"


def test_asking_again_gives_the_same_family(metrics: Metrics) -> None:
    """A reload builds its filters again and goes on counting."""
    first = metrics.histogram("seconds", "Duration.", ["route"], [0.1, 1])
    first.child("users").observe(1)

    assert first is metrics.histogram("seconds", "In other words.", ("route",), (0.1, 1.0))


@pytest.mark.parametrize(
    ("message", "ask"),
    [
        pytest.param(
            r"'x_total' is a counter\(route\) already, asked for as gauge\(route\)",
            lambda metrics: metrics.gauge("x_total", "", ("route",)),
            id="type",
        ),
        pytest.param(
            r"'x_total' is a counter\(route\) already, asked for as counter\(service, status\)",
            lambda metrics: metrics.counter("x_total", "", ("service", "status")),
            id="labels",
        ),
        pytest.param(
            r"'y' is a histogram\(\) with buckets 0.1, 1.0 already, asked for as histogram\(\) with buckets 0.5",
            lambda metrics: metrics.histogram("y", "", buckets=(0.5,)),
            id="buckets",
        ),
        pytest.param(
            r"'x_total' is a counter\(route\) already, asked for as gauge function\(\)",
            lambda metrics: metrics.gauge_function("x_total", "", lambda: 0),
            id="function-for-a-family",
        ),
        pytest.param(
            r"'z' is a gauge function\(\) already, asked for as gauge\(\)",
            lambda metrics: metrics.gauge("z", ""),
            id="family-for-a-function",
        ),
        pytest.param(
            "'y_count': 'y' exposes 'y_count' already",
            lambda metrics: metrics.gauge("y_count", ""),
            id="series-of-a-histogram",
        ),
        pytest.param(
            "'w': 'w_sum' exposes 'w_sum' already",
            lambda metrics: metrics.histogram("w", ""),
            id="histogram-over-a-gauge",
        ),
        pytest.param(
            "name of a counter ends in _total", lambda metrics: metrics.counter("x", ""), id="no-total"
        ),
        pytest.param("'1x': not a name", lambda metrics: metrics.gauge("1x", ""), id="bad-name"),
        pytest.param(
            "process metrics", lambda metrics: metrics.gauge("process_open_fds", ""), id="foreign-name"
        ),
        pytest.param(
            "not a label name: '__a', 'b-c'",
            lambda metrics: metrics.gauge("a", "", ("__a", "b-c", "d")),
            id="labels-bad",
        ),
        pytest.param(
            "not a label name: 'le'", lambda metrics: metrics.histogram("a", "", ("le",)), id="label-le"
        ),
        pytest.param(
            "buckets must be finite and grow",
            lambda metrics: metrics.histogram("a", "", (), ()),
            id="no-buckets",
        ),
        pytest.param(
            r"got \[1, 1\]", lambda metrics: metrics.histogram("a", "", (), (1, 1)), id="equal-buckets"
        ),
        pytest.param(
            "inf", lambda metrics: metrics.histogram("a", "", (), (1, float("inf"))), id="infinite-bucket"
        ),
    ],
)
def test_what_does_not_fit_is_refused_by_name(
    metrics: Metrics, message: str, ask: Callable[[Metrics], object]
) -> None:
    """The message names both sides."""
    metrics.counter("x_total", "", ("route",))
    metrics.histogram("y", "", buckets=(0.1, 1))
    metrics.gauge_function("z", "", lambda: 0)
    metrics.gauge("w_sum", "")

    with pytest.raises(ValueError, match=message):
        ask(metrics)


def test_a_child_needs_one_value_per_label(metrics: Metrics) -> None:
    """The message says which labels."""
    family = metrics.counter("requests_total", "Requests.", ("route", "status"))

    with pytest.raises(
        ValueError, match=r"'requests_total' is a counter\(route, status\), got 1 label values"
    ):
        family.child("users")


def test_removed_children_are_forgotten(metrics: Metrics) -> None:
    """By all their values or by the first ones, for an instance that went away."""
    family = metrics.counter("attempts_total", "Attempts.", ("service", "instance", "status"))
    for values in (("a", "1", "2xx"), ("a", "1", "5xx"), ("a", "2", "2xx"), ("b", "1", "2xx")):
        family.child(*values).inc()

    removed = [metrics.remove(family, values) for values in (["a", "1"], ["b", "1", "2xx"], ["c"])]

    assert removed == [2, 1, 0]
    assert _values(metrics, "attempts_total") == {("a", "2", "2xx"): 1}


# --- bounds ---


def test_labels_cannot_explode() -> None:
    """OBS-03: beyond the bound all share one child, and that is counted."""
    metrics = Metrics(max_children=3)
    family = metrics.counter("requests_total", "Requests.", ("path", "method"))

    for number in range(100):
        family.child(f"/{number}", "GET").inc()
    family.child("/1", "GET").inc()

    expected = {("/0", "GET"): 1, ("/1", "GET"): 2, ("/2", "GET"): 1, ("_other", "_other"): 97}
    assert expected == _values(metrics, "requests_total")
    assert _values(metrics, OVERFLOWS) == {("requests_total",): 97}


def test_a_removed_child_makes_room() -> None:
    """The bound is on what is there."""
    metrics = Metrics(max_children=1)
    family = metrics.gauge("up", "Up.", ("instance",))
    family.child("a").set(1)
    metrics.remove(family, ["a"])

    family.child("b").set(1)

    assert _values(metrics, "up") == {("b",): 1}


def test_the_overflow_counter_itself_has_no_bound() -> None:
    """Its label is the name of a family, from code."""
    metrics = Metrics(max_children=0)

    for name in ("a", "b"):
        metrics.gauge(name, "", ("x",)).child("1")

    assert _values(metrics, OVERFLOWS) == {("a",): 1, ("b",): 1}


# --- exposition ---


def test_the_snapshot_is_plain_data(busy: Metrics) -> None:
    """Ready for JSON and for another process."""
    snapshot = busy.snapshot()

    expected = {
        OVERFLOWS: {
            "type": "counter",
            "help": "Lookups that met the bound on label values.",
            "labels": ["metric"],
            "once": False,
            "samples": [],
        },
        "requests_total": {
            "type": "counter",
            "help": "Requests\nanswered.",
            "labels": ["route"],
            "once": False,
            "samples": [{"labels": {"route": 'us"ers\n'}, "value": 3}],
        },
        "in_flight": {
            "type": "gauge",
            "help": "In flight.",
            "labels": [],
            "once": False,
            "samples": [{"labels": {}, "value": 2}],
        },
        "seconds": {
            "type": "histogram",
            "help": "Duration.",
            "labels": ["route"],
            "once": False,
            "samples": [
                {
                    "labels": {"route": "users"},
                    "count": 1,
                    "sum": 0.5,
                    "buckets": {"0.1": 0, "1.0": 1, "+Inf": 1},
                },
            ],
        },
        "routes": {
            "type": "gauge",
            "help": "Routes.",
            "labels": [],
            "once": False,
            "samples": [{"labels": {}, "value": 4.0}],
        },
    }
    assert expected == snapshot == json.loads(orjson.dumps(snapshot))
    assert repr(busy) == "<Metrics 5 families>"


def test_no_label_value_can_fail_a_scrape(metrics: Metrics) -> None:
    """What is no text, or no UTF-8, becomes both."""
    family = metrics.counter("requests_total", "Requests.", ("route",))

    family.child("\udcff").inc()
    for number in (404, 404):
        family.child(number).inc()  # type: ignore[arg-type]

    assert _values(metrics, "requests_total") == {("\ufffd",): 1, ("404",): 2}
    assert 'requests_total{route="404"} 2.0' in _rendered(metrics)


def test_a_function_is_asked_at_every_scrape_and_can_be_replaced(metrics: Metrics) -> None:
    """The second build's function reads the objects of the second build."""
    values = iter((1, 2))
    metrics.gauge_function("routes", "Routes.", lambda: next(values))
    seen = [_values(metrics, "routes"), _values(metrics, "routes")]
    metrics.gauge_function("routes", "Routes.", lambda: 9)
    seen.append(_values(metrics, "routes"))

    assert seen == [{(): 1.0}, {(): 2.0}, {(): 9.0}]


def test_a_function_that_fails_is_left_out_and_logged(
    metrics: Metrics, caplog: pytest.LogCaptureFixture
) -> None:
    """It must not take the other metrics along."""
    metrics.gauge_function("routes", "Routes.", lambda: 1 / 0)
    metrics.gauge("up", "Up.").child().set(1)

    lines = _rendered(metrics)

    assert "up 1.0" in lines
    assert not [line for line in lines if line.startswith("routes")]
    assert [record.message for record in caplog.records] == ["the function of gauge routes failed"]


def test_rendering_in_a_thread_stands_new_children(metrics: Metrics) -> None:
    """The admin side renders while the loop counts."""
    family = metrics.counter("requests_total", "Requests.", ("n",))
    stop = threading.Event()
    errors: list[RuntimeError] = []

    def render() -> None:
        while not stop.is_set():
            try:
                metrics.snapshot()
            except RuntimeError as error:
                errors.append(error)

    thread = threading.Thread(target=render)
    thread.start()
    for number in range(5000):
        family.child(str(number)).inc()
    stop.set()
    thread.join()

    assert errors == []
    assert len(_values(metrics, "requests_total")) == 5000

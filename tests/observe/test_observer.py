"""What is seen of every exchange: one access line and the metrics."""

from typing import Any

import pytest

from gatekeeper.core.chain import Chain
from gatekeeper.core.errors import AnswerTruncated, ClientGone, GatewayError, Reset, RouteNotFound
from gatekeeper.core.exchange import Attempt, Exchange, Route
from gatekeeper.core.identity import Consumer
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Response
from gatekeeper.observe.metrics import Metrics
from gatekeeper.observe.observer import Observer
from gatekeeper.testing import FakeClock, make_exchange


class Watched:
    """An observer with all that it writes."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.metrics = Metrics()
        self.records: list[dict[str, Any]] = []
        self.observer = Observer(self.metrics, clock, self.records.append)

    def finish(self, exchange: Exchange) -> dict[str, Any]:
        self.observer.in_flight.value += 1
        self.observer.finish(exchange)
        return self.records[-1]

    def values(self, name: str) -> dict[tuple[str, ...], float]:
        samples = self.metrics.snapshot()[name]["samples"]
        return {
            tuple(sample["labels"].values()): sample.get("value", sample.get("count")) for sample in samples
        }


async def nothing(exchange: Exchange) -> Response:
    return Response(200)


def attempt(
    exchange: Exchange, number: int = 1, status: int = 200, error: GatewayError | None = None
) -> Attempt:
    made = Attempt(exchange, Instance("people", f"i{number}", "http", "192.0.2.1", 80), number, 1000.25)
    made.status = status
    made.complete(error)
    exchange.attempts.append(made)
    return made


@pytest.fixture
def watched(clock: FakeClock) -> Watched:
    """An observer and a clock."""
    return Watched(clock)


@pytest.fixture
def exchange() -> Exchange:
    """One that was answered with 200."""
    exchange = make_exchange("GET", "/a", {"User-Agent": "curl"}, exchange_id="id-1")
    exchange.route = Route("users", Chain(nothing))
    exchange.status = 200
    return exchange


def test_a_line_says_who_wanted_what_and_got_it(watched: Watched, exchange: Exchange) -> None:
    """The same fields always, others where there is something to say."""
    exchange.trace_id = "t"
    exchange.bytes_in, exchange.bytes_out = 3, 5
    watched.clock.advance(0.5)

    record = watched.finish(exchange)

    assert record == {
        "time": "2023-11-14T22:13:20.500Z",
        "level": "info",
        "logger": "gatekeeper.access",
        "request_id": "id-1",
        "trace_id": "t",
        "client": "203.0.113.7",
        "method": "GET",
        "host": "example.com",
        "path": "/a",
        "protocol": "HTTP/1.1",
        "status": 200,
        "route": "users",
        "bytes_in": 3,
        "bytes_out": 5,
        "duration_ms": 500.0,
        "user_agent": "curl",
    }


def test_an_attempt_adds_where_it_went_and_what_the_time_went_to(
    watched: Watched, exchange: Exchange
) -> None:
    """Before it, to connect, to the first byte; by the last attempt."""
    exchange.service = "people"
    exchange.spent = {"auth": 0.001, "forward": 0.0}
    exchange.stopped_by = "forward"
    attempt(exchange, 1, 0, Reset())
    last = attempt(exchange, 2)
    last.connected, last.first_byte = 1000.5, 1001.0

    record = watched.finish(exchange)

    assert ("people", "i2", 2) == (record["service"], record["instance"], record["attempts"])
    assert {"before": 250.0, "connect": 250.0, "first_byte": 500.0} == record["phases"]
    assert {"auth": 1.0, "forward": 0.0} == record["filters"]
    assert ["retried"] == record["flags"]
    assert "stopped_by" not in record


@pytest.mark.parametrize(
    ("connected", "phases"), [(0.0, {"before": 250.0}), (1000.5, {"before": 250.0, "connect": 250.0})]
)
def test_phases_that_were_not_reached_are_not_there(
    watched: Watched, exchange: Exchange, connected: float, phases: dict[str, float]
) -> None:
    """A zero would be a lie."""
    attempt(exchange).connected = connected

    assert phases == watched.finish(exchange)["phases"]


def test_who_stopped_a_request_is_named(watched: Watched, exchange: Exchange) -> None:
    """Where none was sent."""
    exchange.stopped_by = "auth"

    assert "auth" == watched.finish(exchange)["stopped_by"]


def test_a_query_is_shown_without_what_is_secret(watched: Watched) -> None:
    """And left out where there is none."""
    exchange = make_exchange("GET", "/a?x=1&access_token=secret")
    exchange.status = 200

    record = watched.finish(exchange)

    assert "x=1" in record["query"]
    assert "secret" not in record["query"]
    assert "-" == record["route"]


@pytest.mark.parametrize(
    ("status", "error", "level", "flags"),
    [
        (404, RouteNotFound(), "info", None),
        (500, GatewayError(log="why"), "warning", None),
        (499, ClientGone(), "info", ["client_gone"]),
        (200, AnswerTruncated(), "info", ["cut"]),
        (200, ClientGone(), "info", ["client_gone"]),
    ],
)
def test_what_went_wrong_is_said(
    watched: Watched,
    exchange: Exchange,
    status: int,
    error: GatewayError,
    level: str,
    flags: list[str] | None,
) -> None:
    """By its code, with what is for the log; an answer that broke off is a flag."""
    exchange.status, exchange.error = status, error

    record = watched.finish(exchange)

    assert (error.code, level, flags) == (record["error"], record["level"], record.get("flags"))
    assert (error.log or None) == record.get("error_detail")


def test_everything_is_counted(watched: Watched, exchange: Exchange) -> None:
    """By names of the configuration, method and status."""
    exchange.service = "people"
    exchange.bytes_in, exchange.bytes_out = 3, 5
    attempt(exchange, 1, 0, Reset())
    attempt(exchange, 2, 200)
    watched.clock.advance(0.5)

    watched.finish(exchange)
    watched.finish(exchange)

    assert {("users", "people", "GET", "200"): 2.0} == watched.values("gatekeeper_requests_total")
    assert {("people", "i1", "upstream-reset"): 2.0, ("people", "i2", "200"): 2.0} == (
        watched.values("gatekeeper_upstream_attempts_total")
    )
    assert {(): 6.0} == watched.values("gatekeeper_request_bytes_total")
    assert {(): 10.0} == watched.values("gatekeeper_response_bytes_total")
    assert {(): 0.0} == watched.values("gatekeeper_requests_in_flight")
    assert {("users",): 2.0} == watched.values("gatekeeper_request_duration_seconds")


def test_without_anybody_who_writes_it_counts_all_the_same(clock: FakeClock) -> None:
    """The access log can be off."""
    metrics = Metrics()
    observer = Observer(metrics, clock)

    observer.finish(make_exchange())

    assert 1 == len(metrics.snapshot()["gatekeeper_requests_total"]["samples"])


def test_connections_of_whom_nothing_was_told_are_counted(clock: FakeClock) -> None:
    """By the reason why they were closed."""
    watched = Watched(clock)
    for reason in ("untrusted", "malformed", "untrusted"):
        watched.observer.not_told(reason)

    assert {("untrusted",): 2.0, ("malformed",): 1.0} == watched.values(
        "gatekeeper_proxy_protocol_refused_total"
    )


def test_a_line_says_who_asked(watched: Watched) -> None:
    """By name, and by the one who has proven it first; nothing of it where nobody was."""
    somebody = Consumer(
        name="staff:u-17",
        authenticators=("staff", "keys"),
        roles=frozenset({"a-role"}),
        scopes=frozenset({"a-scope"}),
        labels={"a-label": "a-label"},
        claims={"a-claim": "a-claim"},
    )

    record = watched.finish(make_exchange(consumer=somebody))

    assert ("staff:u-17", "staff") == (record["consumer"], record["authenticator"])
    assert not [word for word in ("a-role", "a-scope", "a-label", "a-claim") if word in str(record)]
    assert not {"consumer", "authenticator"} & watched.finish(make_exchange()).keys()


def test_who_ended_with_an_error_is_told_of(clock: FakeClock, exchange: Exchange) -> None:
    """Others cost one comparison."""
    heard: list[Exchange] = []
    observer = Observer(Metrics(), clock, refused=heard.append)
    observer.finish(exchange)
    assert [] == heard

    exchange.error = RouteNotFound()
    observer.finish(exchange)
    assert [exchange] == heard

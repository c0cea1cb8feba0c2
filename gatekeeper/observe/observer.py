"""What is seen of every exchange, whatever became of it: one access line and the metrics.

Observers are no filters: the edge runs them round everything, also round what was refused before it had a route, so that
nobody can order or forget them.
"""

from collections.abc import Callable
from typing import Any

from gatekeeper.core.clock import Clock
from gatekeeper.core.errors import ClientGone
from gatekeeper.core.exchange import NO_ROUTE, Exchange
from gatekeeper.observe.lines import redact_query, timestamp
from gatekeeper.observe.log import ACCESS_LOGGER
from gatekeeper.observe.metrics import CounterCell, HistogramCell, Metrics


class Observer:
    """Counts and logs the exchanges of one process."""

    __slots__ = (
        "_attempts",
        "_attempts_total",
        "_clock",
        "_displaced",
        "_duration",
        "_durations",
        "_not_told",
        "_received",
        "_refused",
        "_requests",
        "_requests_total",
        "_sent",
        "_turned_away",
        "_wall",
        "_write",
        "hidden",
        "in_flight",
    )

    def __init__(
        self,
        metrics: Metrics,
        clock: Clock,
        write: Callable[[dict[str, Any]], None] | None = None,
        refused: Callable[[Exchange], None] | None = None,
    ) -> None:
        """Log by `write`; `refused` hears of each exchange that ended with an error."""
        self._clock = clock.monotonic
        self._wall = clock.wall
        self._write = write
        self.hidden: frozenset[str] = frozenset()
        """Parameters of queries that no log shows, besides those that are always hidden."""
        self._refused = refused
        self.in_flight = metrics.gauge(
            "gatekeeper_requests_in_flight", "Requests that have come and whose answer has not ended."
        ).child()
        self._turned_away = metrics.counter(
            "gatekeeper_connections_refused_total",
            "Connections that were answered 503 at once: too many are open, in all or from one address.",
            ("limit",),
        )
        self._not_told = metrics.counter(
            "gatekeeper_proxy_protocol_refused_total",
            "Connections that were closed because no trusted proxy said who the client is, or not as it must.",
            ("reason",),
        )
        self._displaced = metrics.counter(
            "gatekeeper_connections_displaced_total",
            "Idle connections that were ended so that another one had a place.",
        ).child()
        self._requests_total = metrics.counter(
            "gatekeeper_requests_total", "Requests answered.", ("route", "service", "method", "status")
        )
        self._duration = metrics.histogram(
            "gatekeeper_request_duration_seconds",
            "From the request's head to the end of the answer's body.",
            ("route",),
        )
        self._attempts_total = metrics.counter(
            "gatekeeper_upstream_attempts_total",
            "Tries of requests at instances, by status or by the code of the error.",
            ("service", "instance", "outcome"),
        )
        self._received = metrics.counter(
            "gatekeeper_request_bytes_total", "Bytes of request bodies received."
        ).child()
        self._sent = metrics.counter(
            "gatekeeper_response_bytes_total", "Bytes of response bodies sent."
        ).child()
        # families look their children up by text; one dictionary here saves that for each request
        self._requests: dict[tuple[str, str, str, int], CounterCell] = {}
        self._durations: dict[str, HistogramCell] = {}
        self._attempts: dict[tuple[str, str, int | str], CounterCell] = {}

    def turned_away(self, limit: str) -> None:
        """Count a connection that was refused, by the name of the limit that it met."""
        self._turned_away.child(limit).value += 1

    def not_told(self, reason: str) -> None:
        """Count a connection that was closed for want of a PROXY header that can be believed."""
        self._not_told.child(reason).value += 1

    def displaced(self) -> None:
        """Count a connection that was ended to make room for another one."""
        self._displaced.value += 1

    def finish(self, exchange: Exchange) -> None:
        """Note an exchange that has ended."""
        seconds = self._clock() - exchange.started
        self.in_flight.value -= 1
        request = exchange.request
        route = exchange.route.name if exchange.route is not None else NO_ROUTE
        key = (route, exchange.service, request.method, exchange.status)
        cell = self._requests.get(key)
        if cell is None:
            cell = self._requests[key] = self._requests_total.child(
                route, exchange.service, request.method, str(exchange.status)
            )
        cell.value += 1
        histogram = self._durations.get(route)
        if histogram is None:
            histogram = self._durations[route] = self._duration.child(route)
        histogram.observe(seconds)
        if exchange.bytes_in:
            self._received.value += exchange.bytes_in
        self._sent.value += exchange.bytes_out
        for attempt in exchange.attempts:
            instance = attempt.instance
            outcome = attempt.error.code if attempt.error is not None else attempt.status
            tried = self._attempts.get((instance.service, instance.id, outcome))
            if tried is None:
                tried = self._attempts[instance.service, instance.id, outcome] = self._attempts_total.child(
                    instance.service, instance.id, str(outcome)
                )
            tried.value += 1
        if self._write is not None:
            self._write(self._record(exchange, route, seconds))
        if exchange.error is not None and self._refused is not None:
            self._refused(exchange)

    def _record(self, exchange: Exchange, route: str, seconds: float) -> dict[str, Any]:
        request = exchange.request
        status = exchange.status
        # milliseconds to the microsecond; `round` goes through text and costs ten times as much
        record: dict[str, Any] = {
            "time": timestamp(self._wall()),
            "level": "info" if status < 500 else "warning",
            "logger": ACCESS_LOGGER,
            "request_id": exchange.id,
            "trace_id": exchange.trace_id,
            "client": request.client,
            "method": request.method,
            "host": request.host,
            "path": request.path,
            "protocol": "HTTP/" + request.version,
            "status": status,
            "route": route,
            "bytes_in": exchange.bytes_in,
            "bytes_out": exchange.bytes_out,
            "duration_ms": int(seconds * 1e6) / 1e3,
            "user_agent": request.headers.text(b"user-agent"),
        }
        if request.query:
            record["query"] = redact_query(request.query, self.hidden)
        if exchange.consumer is not None:
            record["consumer"] = exchange.consumer.name
            record["authenticator"] = exchange.consumer.authenticators[0]
        if exchange.service:
            record["service"] = exchange.service
        attempts = exchange.attempts
        if attempts:
            last = attempts[-1]
            record["instance"] = last.instance.id
            record["attempts"] = len(attempts)
            # what the time went to, in milliseconds: until the last attempt, its connection, its first byte
            started, connected, first_byte = last.started, last.connected, last.first_byte
            phases = record["phases"] = {"before": int((started - exchange.started) * 1e6) / 1e3}
            if connected:
                phases["connect"] = int((connected - started) * 1e6) / 1e3
                if first_byte:
                    phases["first_byte"] = int((first_byte - connected) * 1e6) / 1e3
        elif exchange.stopped_by:
            record["stopped_by"] = exchange.stopped_by
        if exchange.spent:
            record["filters"] = {name: int(spent * 1e6) / 1e3 for name, spent in exchange.spent.items()}
        error = exchange.error
        if error is not None:
            record["error"] = error.code
            if error.log:
                record["error_detail"] = error.log
        if (error is not None or len(attempts) > 1) and (flags := _flags(exchange)):
            record["flags"] = flags
        return record


def _flags(exchange: Exchange) -> list[str]:
    flags = []
    if len(exchange.attempts) > 1:
        flags.append("retried")
    error = exchange.error
    if error is not None:
        if isinstance(error, ClientGone):
            flags.append("client_gone")
        elif exchange.status < 400:
            flags.append("cut")
    return flags

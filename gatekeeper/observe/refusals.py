"""Who was refused, as records of the audit file: 401, 403 and 429 that the gateway itself has answered.

A flood is told a few times and then counted (`policy.repeats`). Nothing is taken of a request that could be a credential:
no field, no query. A refusal costs 1.1 µs where it is counted, 1.4 and what `write` takes where it is told, 0.1 without an audit file
(best of 15, Debian's python3.11); a request that ended well costs a comparison in the observer.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final, Protocol

from gatekeeper.core.clock import Clock
from gatekeeper.core.errors import ClientGone, Source
from gatekeeper.core.exchange import NO_ROUTE, Exchange
from gatekeeper.observe.lines import timestamp
from gatekeeper.policy.repeats import Repeats


STATUSES: Final = frozenset({401, 403, 429})
LONGEST: Final = 1024
"""Characters of a text that are recorded; the client chooses some of them."""
SECOND: Final = 1.0

Write = Callable[[str, Mapping[str, Any], str], None]
"""Takes the event, the fields and the time of a record."""


class CallLater(Protocol):
    """A timer that fires once."""

    def __call__(self, seconds: float, callback: Callable[[], None], /) -> object:
        """Call back after some seconds."""
        ...


class Refusals:
    """Tells `write` of refusals, as long as it is `active`; used by the thread of an event loop."""

    def __init__(self, clock: Clock, call_later: CallLater, write: Write) -> None:
        self.active = False
        self._clock: Final = clock
        self._call_later: Final = call_later
        self._write: Final = write
        self._repeats: Final[Repeats[tuple[str, Mapping[str, Any], str]]] = Repeats()
        self._timer_runs = False

    def exchange(self, exchange: Exchange) -> None:
        """Note an exchange that ended with an error, if it was refused."""
        error, status = exchange.error, exchange.status
        if not self.active or error is None or status not in STATUSES:
            return
        is_ours = error.status == status and error.source is Source.CLIENT
        # who hangs up inside of the answer is refused all the same
        if not is_ours and (exchange.attempts or not isinstance(error, ClientGone)):
            return
        request = exchange.request
        route = exchange.route.name if exchange.route is not None else NO_ROUTE
        fields = {
            "request_id": exchange.id,
            "trace_id": exchange.trace_id,
            "client": request.client,
            "listener": request.listener,
            "host": shortened(request.host),
            "method": shortened(request.method),
            "path": shortened(request.path),
            "route": route,
            "code": error.code,
            "status": status,
        }
        if exchange.service:
            fields["service"] = exchange.service
        if exchange.stopped_by:
            fields["stopped_by"] = exchange.stopped_by
        if exchange.consumer is not None:
            fields["consumer"] = exchange.consumer.name
        self.note("refused", (request.client, route, error.code), fields)

    def note(
        self, event: str, key: Hashable, fields: Mapping[str, Any], *, time: str = "", count: int = 1
    ) -> None:
        """Note something that may happen again and again; what has the same key is counted together."""
        time = time or timestamp(self._clock.wall())
        if self._repeats.take((event, key), (event, fields, time), self._clock.monotonic(), count):
            self._write(event, fields if count == 1 else {**fields, "count": count}, time)
        if not self._timer_runs:
            self._timer_runs = True
            self._call_later(SECOND, self._on_time)

    def flush(self) -> None:
        """Tell what was only counted so far."""
        self._collect(last=True)

    def _on_time(self) -> None:
        self._collect()
        self._timer_runs = self._repeats.is_busy
        if self._timer_runs:
            self._call_later(SECOND, self._on_time)

    def _collect(self, *, last: bool = False) -> None:
        for (event, fields, time), count, several in self._repeats.collect(
            self._clock.monotonic(), last=last
        ):
            more = {"count": count, **({"several": True} if several else {})}
            self._write(event, {**fields, **more}, time)


def shortened(text: str) -> str:
    """A text with as many characters as are recorded."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."

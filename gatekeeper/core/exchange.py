"""One request and its response passing through, and each try to have it answered."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import orjson

from gatekeeper.core.body import EMPTY, Body
from gatekeeper.core.errors import AnswerUnwanted, GatewayError, RefusedElsewhere
from gatekeeper.core.identity import Consumer
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Field, Headers, Request, Response


if TYPE_CHECKING:
    from gatekeeper.core.chain import Chain
    from gatekeeper.core.tunnel import Upgrades

log = logging.getLogger(__name__)

T = TypeVar("T")

NO_CAPTURES: Final[dict[str, str]] = {}

NO_ROUTE: Final = "-"
"""The name under which logs and metrics have what no route took."""


class Key(Generic[T]):
    """A typed name under which filters leave values on an exchange."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"<Key {self.name}>"


ALLOW: Final = Key[tuple[str, ...]]("allow")
"""The methods that routes accept on the path of the request; known where the method is OPTIONS, or accepted by none."""


class Route:
    """What an exchange was matched to: a name and the chain that handles it.

    `keeps_encoded_slashes` says that %2F and %5C in a path are parts of their segment, and no reason to refuse it.
    `max_body` is the largest body of a request in bytes, None for any; `upgrades` says which protocols its connections
    may switch to, None for none. `preflight` takes preflights for it where it does not take OPTIONS itself: none of them
    reaches a service. It is None where no filter answers any.
    """

    __slots__ = ("chain", "keeps_encoded_slashes", "max_body", "name", "preflight", "upgrades")

    def __init__(
        self,
        name: str,
        chain: "Chain",
        *,
        keeps_encoded_slashes: bool = False,
        max_body: int | None = None,
        upgrades: "Upgrades | None" = None,
        preflight: "Route | None" = None,
    ) -> None:
        self.name: Final = name
        self.chain: Final = chain
        self.keeps_encoded_slashes: Final = keeps_encoded_slashes
        self.max_body: Final = max_body
        self.upgrades: Final = upgrades
        self.preflight: Final = preflight

    def __repr__(self) -> str:
        return f"<Route {self.name}: {' > '.join(self.chain.names)}>"


class Attempt:
    """One try of an exchange at one instance. It ends with the answer's body, not with its head.

    `request` is the exchange's until `edit` makes a copy for this attempt alone. Times are `Clock.monotonic`
    seconds; zero is "not reached". The instance counts it as in flight from here on until `complete`.
    """

    __slots__ = (
        "_callbacks",
        "_ended",
        "_request",
        "abort",
        "connected",
        "deadline",
        "error",
        "exchange",
        "first_byte",
        "instance",
        "number",
        "sent",
        "spent",
        "started",
        "status",
    )

    def __init__(self, exchange: "Exchange", instance: Instance, number: int, started: float) -> None:
        self.exchange = exchange
        self.instance = instance
        self.number = number
        self.started = started
        self.deadline: float | None = exchange.deadline
        self.connected = 0.0
        self.first_byte = 0.0
        self.sent = False
        self.status = 0
        self.error: GatewayError | None = None
        self.spent: dict[str, float] | None = None
        self.abort: Callable[[GatewayError], None] | None = None
        """Ends what the attempt is waiting for, now; set while there is something to end."""
        self._request: Request | None = None
        self._callbacks: list[Callable[[Attempt], object]] | None = None
        self._ended = False
        instance.in_flight += 1

    @property
    def request(self) -> Request:
        """The request as this attempt sends it; do not change it without `edit`."""
        return self._request or self.exchange.request

    def edit(self) -> Request:
        """Return a copy of the request that belongs to this attempt."""
        if self._request is None:
            self._request = self.exchange.request.copy()
        return self._request

    def on_complete(self, callback: "Callable[[Attempt], object]") -> None:
        """Call back at the end of the answer's body, on failure and on cancellation."""
        if self._ended:
            callback(self)
        elif self._callbacks is None:
            self._callbacks = [callback]
        else:
            self._callbacks.append(callback)

    def complete(self, error: GatewayError | None = None) -> None:
        """End the attempt, once; later calls do nothing."""
        if self._ended:
            return
        self._ended = True
        self.abort = None
        self.error = error
        self.instance.in_flight -= 1
        if self._callbacks is not None:
            _run(self._callbacks, self)

    def give_up(self) -> None:
        """End the attempt, if it has not ended, because nobody will read its answer: a filter has replaced it, say."""
        if self.abort is not None:
            self.abort(AnswerUnwanted(log="the answer was given up by the gateway"))
        self.complete()

    def __repr__(self) -> str:
        return f"<Attempt {self.number} of {self.exchange.id} at {self.instance.id}>"


class Exchange:
    """One request and its response. It knows no transport: it can be forked and outlive its client.

    `deadline` is absolute (`Clock.monotonic`) and shared by all attempts. `spent` has the seconds that each filter
    took for itself, without what came after it. `consumer` is who has been proven to ask; None for nobody. `interim`
    passes an interim answer (RFC 9110 section 15.2) on to the client; None where there is nobody who would understand
    it. `hang_up` cuts the client off inside its answer, where it does not read; None as long as that has not begun.
    """

    __slots__ = (
        "_callbacks",
        "_values",
        "attempts",
        "bytes_in",
        "bytes_out",
        "captures",
        "consumer",
        "deadline",
        "error",
        "hang_up",
        "id",
        "interim",
        "mark",
        "matched",
        "owner",
        "request",
        "route",
        "service",
        "spent",
        "started",
        "status",
        "stopped_by",
        "trace_id",
    )

    def __init__(self, exchange_id: str, request: Request, started: float, trace_id: str = "") -> None:
        self.id = exchange_id
        self.request = request
        self.started = started
        self.trace_id = trace_id
        self.route: Route | None = None
        self.captures = NO_CAPTURES
        self.consumer: Consumer | None = None
        self.service = ""
        self.attempts: list[Attempt] = []
        self.deadline: float | None = None
        self.hang_up: Callable[[], object] | None = None
        self.interim: Callable[[int, list[Field]], object] | None = None
        self.status = 0
        self.error: GatewayError | None = None
        self.stopped_by = ""
        self.bytes_in = 0
        self.bytes_out = 0
        self.matched = 0.0
        # kept by the guards of the chain: whose time is running, since when, and what each has had so far
        self.spent: dict[str, float] = {}
        self.owner = ""
        self.mark = started
        self._values: dict[Key[Any], Any] | None = None
        self._callbacks: list[Callable[[Exchange], object]] | None = []

    def __getitem__(self, key: Key[T]) -> T:
        """Return what was left under the key.

        Raises:
            KeyError: nothing was.

        """
        if self._values is None:
            raise KeyError(key)
        value: T = self._values[key]
        return value

    def __setitem__(self, key: Key[T], value: T) -> None:
        if self._values is None:
            self._values = {}
        self._values[key] = value

    def get(self, key: Key[T], default: T) -> T:
        """What was left under the key, or the default."""
        return default if self._values is None else self._values.get(key, default)

    def on_complete(self, callback: "Callable[[Exchange], object]") -> None:
        """Call back when the response's body has ended, on error and on cancellation; the last added runs first."""
        if self._callbacks is None:
            callback(self)
        else:
            self._callbacks.append(callback)

    def complete(self) -> None:
        """End the exchange, once; later calls do nothing. All callbacks run, whatever one of them raises."""
        for attempt in self.attempts:
            if not attempt._ended:
                attempt.give_up()
        callbacks, self._callbacks = self._callbacks, None
        if callbacks:
            _run(callbacks, self)

    def reject(self, error: GatewayError) -> Response:
        """Make the answer to an error: problem+json (RFC 9457) with what the client may know, and the request's id."""
        if isinstance(error, RefusedElsewhere) and error.answer is not None:
            error.answer.error = error
            return error.answer
        problem = {
            "type": f"urn:gatekeeper:error:{error.code}",
            "title": error.title,
            "status": error.status,
            "code": error.code,
            "request_id": self.id,
        }
        if error.detail:
            problem["detail"] = error.detail
        headers = Headers([(b"content-type", b"application/problem+json"), *error.headers])
        return Response(error.status, headers, Body(orjson.dumps(problem) + b"\n"), error=error)

    def fork(self, exchange_id: str) -> "Exchange":
        """Make an exchange of the same request that lives on its own, for work that outlives the client.

        A body that is still being streamed stays with the original: read or tee it first if the fork needs it.
        """
        request = self.request.copy()
        if not request.body.replayable:
            request.body = EMPTY
        fork = Exchange(exchange_id, request, self.started, self.trace_id)
        fork.route = self.route
        fork.captures = self.captures
        fork.consumer = self.consumer
        fork.service = self.service
        fork._values = None if self._values is None else self._values.copy()
        return fork

    def __repr__(self) -> str:
        request = self.request
        route = self.route.name if self.route is not None else "no route yet"
        return f"<Exchange {self.id} {request.method} {request.path} {route}>"


C = TypeVar("C")


def _run(callbacks: list[Callable[[C], object]], subject: C) -> None:
    for callback in reversed(callbacks):
        try:
            callback(subject)
        except Exception:
            log.exception("a completion callback of %r failed", subject)

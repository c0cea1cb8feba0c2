"""What is in force at one moment: the routing table with its compiled chains, immutable, leased by each request."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from gatekeeper.core.errors import BadTarget, GatewayError, MethodNotAllowed, Misdirected, RouteNotFound
from gatekeeper.core.exchange import ALLOW, NO_CAPTURES, Exchange, Key, Route
from gatekeeper.core.message import Request, Response
from gatekeeper.core.preflight import requested_method
from gatekeeper.registry.services import Service
from gatekeeper.routing.conditions import HostCondition
from gatekeeper.routing.path import has_encoded_slash
from gatekeeper.routing.table import Match, NotAllowed, Table
from gatekeeper.runtime.keep import Hold
from gatekeeper.runtime.targets import Targets


NO_ROUTE: Final = "no route"
"""Stands among the times of filters for what is none; no filter can have this name."""
_REFUSAL: Final = Key[GatewayError | None]("refusal")
"""Why an exchange has no route, where it is not that none matches."""
PREFLIGHT: Final = Key[str]("preflight")
"""The method that a preflight asks for, where it was that which its route was found by."""

NO_TARGETS: Final[Mapping[str, Targets]] = {}


class Snapshot:
    """A compiled configuration. The last lease to end closes what only this snapshot held."""

    __slots__ = (
        "_hosts",
        "_on_retired",
        "_retired",
        "hold",
        "leases",
        "no_route",
        "revision",
        "services",
        "table",
        "targets",
    )

    def __init__(
        self,
        revision: int,
        table: Table[Route],
        no_route: Route,
        services: Mapping[str, Service],
        targets: Mapping[str, Targets] = NO_TARGETS,
        hosts: HostCondition | None = None,
    ) -> None:
        self.revision: Final = revision
        self.table: Final = table
        self.no_route: Final = no_route
        self.services: Final = services
        self.targets: Final = targets
        """The services of each route that has several, by the name of the route."""
        self._hosts: Final = hosts
        self.leases = 0
        self.hold: Hold | None = None
        """What it keeps open, once it is in force."""
        self._retired = False
        self._on_retired: Callable[[Snapshot], None] | None = None

    def match(self, exchange: Exchange) -> Route:
        """Find the route of an exchange and note it there; `no_route` where there is none."""
        request = exchange.request
        if self._hosts is not None and not self._hosts.holds(exchange):
            # RFC 9110 section 15.5.20
            return self._refuse(exchange, Misdirected())
        if ";" in request.path and self.table.is_hidden(request):
            return self._refuse(exchange, BadTarget("without its parameters the path leads to another route"))
        found = self.table.lookup(exchange)
        if request.method == "OPTIONS":
            exchange[ALLOW] = self.table.allow(exchange)
            asked = requested_method(request)
            if asked is not None:
                found = self._meant(exchange, asked, found)
        if type(found) is Match:
            exchange.captures = found.captures
            route = found.target
            if not route.keeps_encoded_slashes and has_encoded_slash(request.path):
                return self._refuse(exchange, BadTarget("the path holds an encoded slash or backslash"))
            exchange.route = route
            return route
        if has_encoded_slash(request.path):
            return self._refuse(exchange, BadTarget("the path holds an encoded slash or backslash"))
        if type(found) is NotAllowed:
            # RFC 9110 section 15.5.6: "The origin server MUST generate an Allow header field in a 405 response"
            exchange[ALLOW] = found.allow
            allow = ", ".join(found.allow).encode()
            return self._refuse(exchange, MethodNotAllowed(headers=[(b"allow", allow)]))
        exchange.route = self.no_route
        return self.no_route

    def _meant(
        self, exchange: Exchange, asked: str, found: Match[Route] | NotAllowed | None
    ) -> Match[Route] | NotAllowed | None:
        """What answers a preflight: the route of the request that it asks for, `found` where nobody answers any.

        Where that route has nothing to say to pages of other sites, no other may say it in its place.
        """
        with asked_with(exchange.request, asked):
            meant = self.table.lookup(exchange)
        if type(meant) is not Match:
            return found
        other = found.target if type(found) is Match else self.no_route
        preflight = meant.target.preflight
        if other is meant.target or (preflight is None and not other.chain.answers_preflights):
            return found
        exchange[PREFLIGHT] = asked
        methods = exchange[ALLOW]
        allow = ", ".join(methods).encode()
        exchange[_REFUSAL] = MethodNotAllowed(
            "the route of the request that this preflight asks for answers none",
            headers=[(b"allow", allow)],
        )
        return Match(preflight or self.no_route, meant.captures)

    def _refuse(self, exchange: Exchange, error: GatewayError) -> Route:
        exchange[_REFUSAL] = error
        exchange.captures = NO_CAPTURES
        exchange.route = self.no_route
        return self.no_route

    def retire(self, on_retired: "Callable[[Snapshot], None]") -> None:
        """Take it out of service; called back when the last lease has ended, at once if there is none."""
        self._retired = True
        self._on_retired = on_retired
        self._close_if_unused()

    def release(self) -> None:
        """Give a lease back."""
        self.leases -= 1
        if self._retired:
            self._close_if_unused()

    def _close_if_unused(self) -> None:
        if not self.leases and self._on_retired is not None:
            on_retired, self._on_retired = self._on_retired, None
            on_retired(self)

    def __repr__(self) -> str:
        return f"<Snapshot {self.revision} {self.leases} leases>"


async def answer_no_route(exchange: Exchange) -> Response:
    """Answer what no route takes, and say why."""
    # a global filter that came this far did not stop the request
    exchange.spent[NO_ROUTE] = 0.0
    return exchange.reject(refusal(exchange))


def refusal(exchange: Exchange) -> GatewayError:
    """Why no route takes an exchange: 404 where nothing is known of it."""
    return exchange.get(_REFUSAL, None) or RouteNotFound()


@contextmanager
def asked_with(request: Request, method: str) -> Iterator[None]:
    """Let a request have another method for a moment: what it is compared with is to see what would follow a preflight."""
    own, request.method = request.method, method
    try:
        yield
    finally:
        request.method = own

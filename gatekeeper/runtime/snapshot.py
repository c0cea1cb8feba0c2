"""What is in force at one moment: the routing table with its compiled chains, immutable, leased by each request."""

from collections.abc import Callable, Mapping
from typing import Final

from gatekeeper.core.errors import MethodNotAllowed, RouteNotFound
from gatekeeper.core.exchange import Exchange, Key, Route
from gatekeeper.core.message import Response
from gatekeeper.registry.services import Service
from gatekeeper.routing.table import Match, NotAllowed, Table
from gatekeeper.upstream.pool import Pool


NO_ROUTE: Final = "no route"
"""Stands among the times of filters for what is none; no filter can have this name."""
ALLOW: Final = Key[tuple[str, ...]]("allow")
"""The methods of a path that matched but for the method."""


class Snapshot:
    """A compiled configuration. The last lease to end closes what only this snapshot held."""

    __slots__ = ("_on_retired", "_retired", "leases", "no_route", "pools", "revision", "services", "table")

    def __init__(
        self,
        revision: int,
        table: Table[Route],
        no_route: Route,
        services: Mapping[str, Service],
        pools: Mapping[str, Mapping[str, Pool]],
    ) -> None:
        self.revision: Final = revision
        self.table: Final = table
        self.no_route: Final = no_route
        self.services: Final = services
        self.pools: Final = pools
        """By service and instance id."""
        self.leases = 0
        self._retired = False
        self._on_retired: Callable[[Snapshot], None] | None = None

    def match(self, exchange: Exchange) -> Route:
        """Find the route of an exchange and note it there; `no_route` where there is none."""
        request = exchange.request
        found = self.table.lookup(request.method, request.path)
        if type(found) is Match:
            exchange.captures = found.captures
            route = exchange.route = found.target
            return route
        if type(found) is NotAllowed:
            exchange[ALLOW] = found.allow
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
    """Answer what no route takes: 405 where only the method is wrong, else 404."""
    # a global filter that came this far did not stop the request
    exchange.spent[NO_ROUTE] = 0.0
    allow = exchange.get(ALLOW, ())
    if allow:
        # RFC 9110 section 15.5.6: "The origin server MUST generate an Allow header field in a 405 response"
        return exchange.reject(MethodNotAllowed(headers=[(b"allow", ", ".join(allow).encode())]))
    return exchange.reject(RouteNotFound())

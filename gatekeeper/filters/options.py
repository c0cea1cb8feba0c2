"""`options`: answer OPTIONS with the methods that routes accept (RFC 9110 section 9.3.7); nothing does so unasked."""

import attrs

from gatekeeper.core.chain import Handler
from gatekeeper.core.exchange import ALLOW, NO_ROUTE, Exchange
from gatekeeper.core.message import Headers, Response
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import ALL_ROUTES, BuildContext
from gatekeeper.extend.hookspecs import hookimpl


@attrs.frozen(kw_only=True)
class OptionsConfig:
    """Answer OPTIONS with the methods that routes accept; anything else goes on."""


@attrs.frozen
class Options:
    """Among the global filters it leaves alone what a route takes; in a route it answers for it."""

    context: BuildContext

    def wrap(self, next: Handler, /) -> Handler:  # noqa: A002
        """Return the handler."""
        for_all = self.context.owner == ALL_ROUTES

        async def options(exchange: Exchange) -> Response:
            if exchange.request.method != "OPTIONS":
                return await next(exchange)
            route = exchange.route
            allow = exchange.get(ALLOW, ())
            if not allow or (for_all and route is not None and route.name != NO_ROUTE):
                return await next(exchange)
            methods = ", ".join(sorted({*allow, "OPTIONS"}))
            return Response(204, Headers([(b"allow", methods.encode())]))

        return options


def build(config: OptionsConfig, context: BuildContext) -> Options:  # noqa: ARG001
    """Make the filter."""
    return Options(context)


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.filter("options", OptionsConfig, build)

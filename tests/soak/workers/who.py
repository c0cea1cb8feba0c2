"""A plugin for the gateway of a soak: each answer says which process it is from."""

import os

import attrs

from gatekeeper import BuildContext, Catalog, Exchange, Handler, Response, hookimpl


@attrs.frozen
class WhoConfig:
    """Nothing to set."""


@attrs.frozen
class Who:
    """Adds a field to answers."""

    config: WhoConfig
    context: BuildContext

    def wrap(self, next: Handler, /) -> Handler:  # noqa: A002
        """Return the handler."""
        pid = b"%d" % os.getpid()

        async def who(exchange: Exchange) -> Response:
            response = await next(exchange)
            response.headers.set(b"x-worker", pid)
            return response

        return who


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.filter("who", WhoConfig, Who)

"""`require`: refuse requests that lack a header field."""

import attrs

from gatekeeper import BuildContext, Catalog, Exchange, Handler, Rejection, Response, hookimpl


@attrs.frozen(kw_only=True)
class RequireConfig:
    """Refuse requests that lack a header field."""

    header: str


@attrs.frozen
class Require:
    """Looks for the field, and goes on if it is there."""

    config: RequireConfig
    context: BuildContext

    def wrap(self, next: Handler, /) -> Handler:  # noqa: A002
        """Return the handler; called once, when the configuration is loaded."""
        name = self.config.header.lower().encode()
        error = Rejection(f"send a `{self.config.header}` header")

        async def require(exchange: Exchange) -> Response:
            if name not in exchange.request.headers:
                return exchange.reject(error)
            return await next(exchange)

        return require


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind; `require: x` means `require: {header: x}`."""
    catalog.filter("require", RequireConfig, Require, main="header")

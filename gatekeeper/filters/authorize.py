"""`authorize`: let pass what a condition allows, and nothing else."""

import attrs

from gatekeeper.core.chain import Handler
from gatekeeper.core.errors import Forbidden
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Response
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import DRY_RUN, BuildContext
from gatekeeper.extend.hookspecs import hookimpl
from gatekeeper.extend.vocabulary import Condition, help_line


@attrs.frozen(kw_only=True)
class AuthorizeConfig:
    """Let pass what a condition allows; 403 for all else."""

    condition: Condition = attrs.field(
        metadata={**help_line("what has to hold, of who asks and of the request"), "whole": True}
    )


@attrs.frozen
class Authorize:
    """Asks the condition; what it fails at is nobody's business but the operator's."""

    config: AuthorizeConfig
    context: BuildContext

    def wrap(self, next: Handler, /) -> Handler:  # noqa: A002
        """Return the handler."""
        allows = self.context.predicate(self.config.condition)

        async def authorize(exchange: Exchange) -> Response:
            if not allows(exchange) and not exchange.get(DRY_RUN, False):
                who = exchange.consumer.name if exchange.consumer is not None else "nobody"
                raise Forbidden(log=f"the condition does not hold for {who}")
            return await next(exchange)

        return authorize


def build(config: AuthorizeConfig, context: BuildContext) -> Authorize:
    """Make the filter."""
    return Authorize(config, context)


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.filter("authorize", AuthorizeConfig, build, main="condition")

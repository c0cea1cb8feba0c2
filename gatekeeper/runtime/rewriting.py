"""What a route asks of a service instead of what the client asked, round the chain of the service."""

import attrs

from gatekeeper.config.model import RewriteConfig, RouteConfig
from gatekeeper.core.chain import Chain
from gatekeeper.core.errors import GatewayError
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Response
from gatekeeper.routing.rewrite import Rewrite


def rewrite_of(config: RouteConfig) -> Rewrite | None:
    """What a route does to a request before the service is asked; None for nothing."""
    settings: RewriteConfig | None = config.rewrite
    if settings is None:
        return None
    return Rewrite(
        path=settings.path,
        strip=settings.strip or "",
        prefix=settings.prefix or "",
        method=settings.method,
        keep_encoded_slashes=config.encoded_slashes == "keep",
    )


def rewriting(config: RouteConfig, chain: Chain) -> Chain:
    """The chain of a service, asked for what the route rewrites the request to."""
    rewrite = rewrite_of(config)
    if rewrite is None:
        return chain
    handler = chain.handler

    async def rewritten(exchange: Exchange) -> Response:
        method = exchange.request.method
        try:
            rewrite.apply(exchange)
        except GatewayError as error:
            # the filters before it see an answer, as always, and none of them stopped the request
            exchange.stopped_by = "rewrite"
            return exchange.reject(error)
        if rewrite.method is None:
            return await handler(exchange)
        try:
            return await handler(exchange)
        finally:
            # how an answer is framed depends on what the client asked: one to HEAD has no body
            exchange.request.method = method

    return attrs.evolve(chain, handler=rewritten)

"""The places of a service: so many requests may be under way at it, and more wait in line.

They stand round forwarding, and so round all attempts of a request: a retry needs no place of its own. A place is
given back at the end of the answer's body; a connection that has switched protocols has none, its answer being its 101.
"""

import attrs

from gatekeeper.core.chain import Filter, Handler
from gatekeeper.core.concurrency import Concurrency
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Response


@attrs.frozen
class Placed:
    """A filter whose requests need a place."""

    filter: Filter
    places: Concurrency

    def wrap(self, next: Handler, /) -> Handler:  # noqa: A002
        """Return the handler; what finds no place is answered by whoever guards it, with 503."""
        handler, places = self.filter.wrap(next), self.places

        def leave(_: Exchange) -> None:
            places.leave()

        async def placed(exchange: Exchange) -> Response:
            if not places.try_enter():
                await places.enter()
            try:
                response = await handler(exchange)
            except BaseException:
                places.leave()
                raise
            if response.body.data is not None:
                places.leave()
            else:
                exchange.on_complete(leave)
            return response

        return placed

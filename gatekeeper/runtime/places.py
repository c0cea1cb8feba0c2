"""The places of a service: so many requests may be under way at it, and more wait in line.

They stand round forwarding, and so round all attempts of a request: a retry needs no place of its own. A place is
given back when the instance has answered, or when nobody wants that any more: a client that reads slowly holds none. A
connection that has switched protocols has none either, its answer being its 101.

As soon as half of the places are taken a request gets one when its body is here, or a good part of it. Where all are
taken, clients that hold connections of the service and do not read, or hardly send, are made to give them up.
"""

from collections.abc import Collection

import attrs

from gatekeeper.core.chain import Filter, Handler
from gatekeeper.core.concurrency import SCARCE, Concurrency
from gatekeeper.core.exchange import Attempt, Exchange
from gatekeeper.core.message import Response
from gatekeeper.upstream.pool import Pool


@attrs.frozen
class Placed:
    """A filter whose requests need a place."""

    filter: Filter
    places: Concurrency
    pools: Collection[Pool] = ()
    """Of the service."""

    def wrap(self, next: Handler, /) -> Handler:  # noqa: A002
        """Return the handler; what finds no place is answered by whoever guards it, with 503."""
        handler, places, pools = self.filter.wrap(next), self.places, self.pools

        def leave(_: Attempt | Exchange) -> None:
            places.leave()

        def make_way(count: int) -> None:
            for pool in pools:
                pool.clear(count)

        async def placed(exchange: Exchange) -> Response:
            body = exchange.request.body
            if body.data is None and places.is_scarce:
                await body.gather(SCARCE)
            if not places.try_enter():
                await places.enter(make_way)
            try:
                response = await handler(exchange)
            except BaseException:
                places.leave()
                raise
            if response.body.data is not None:
                places.leave()
            elif exchange.attempts:
                exchange.attempts[-1].on_complete(leave)
            else:
                exchange.on_complete(leave)
            return response

        return placed

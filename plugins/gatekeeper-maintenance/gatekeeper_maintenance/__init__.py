"""`maintenance`: answer 503 while somebody works on what is behind, without a change of the configuration.

    filters:
      - maintenance: /run/users.maintenance     # on while this file exists; `touch` and `rm` are the switch

A filter is one file in three parts, in this order: its options, what it does, and its registration.
"""

import asyncio
from ipaddress import ip_address
from pathlib import Path

import attrs

from gatekeeper import DRY_RUN, BuildContext, Catalog, Exchange, Handler, Response, Unavailable, hookimpl
from gatekeeper.config.addresses import Network
from gatekeeper.config.units import Duration


LOOK_AGAIN = 1.0  # seconds that what is known of the file is believed


# (1) The options: a frozen attrs class. Its types say how values are written (`2m`, `10.0.0.0/8`), so the configuration
# refuses anything else, with line, column and a hint, before the filter exists.


@attrs.frozen(kw_only=True)
class MaintenanceConfig:
    """Answer 503 while a file exists, or always where none is named."""

    file: str | None = None
    retry_after: Duration = 60.0
    message: str = "We are working on it."
    allow: tuple[Network, ...] = ()


# (2) The filter. `wrap` runs once, when the configuration is loaded: everything that can be decided is decided there.
# The handler it returns runs for each request, and everything in it has to be quick.


@attrs.frozen
class Maintenance:
    """A switch in front of what follows."""

    config: MaintenanceConfig
    context: BuildContext

    def wrap(self, next: Handler, /) -> Handler:  # noqa: A002
        """Return the handler."""
        config, clock = self.config, self.context.clock
        switch = Path(config.file) if config.file is not None else None
        # families are made once and shared; a child is one counter, and counting costs nothing
        refused = self.context.metrics.counter(
            "gatekeeper_maintenance_refused_total", "Requests refused for maintenance.", ("owner",)
        ).child(self.context.owner)
        error = Unavailable(config.message, headers=[(b"retry-after", b"%d" % config.retry_after)])
        on, look_again = switch is None, 0.0

        async def maintenance(exchange: Exchange) -> Response:
            nonlocal on, look_again
            if switch is not None and clock.monotonic() >= look_again:
                # set before waiting, so that one request looks and the others go on with what is known
                look_again = clock.monotonic() + LOOK_AGAIN
                # a file system may take its time: no filter ever blocks the loop, not even for this
                on = await asyncio.to_thread(switch.exists)
            if not on or self._is_allowed(exchange.request.client):
                return await next(exchange)
            # what a configuration does is tried once before it comes into force: then nobody was refused
            if not exchange.get(DRY_RUN, False):
                refused.inc()
            # a filter refuses by answering; `reject` makes problem+json of it, with the request's id
            return exchange.reject(error)

        return maintenance

    def _is_allowed(self, client: str) -> bool:
        # `client` is the settled address: what a client claims about itself has not come this far
        return bool(self.config.allow) and any(ip_address(client) in network for network in self.config.allow)


# (3) The registration: the kind's name, its options, how it is made of them, and which option `maintenance: x` means.


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kind."""
    catalog.filter("maintenance", MaintenanceConfig, Maintenance, main="file")

"""From what a configuration says of the side that clients see to what the edge goes by."""

from gatekeeper.config.model import GatewayConfig
from gatekeeper.core.concurrency import Concurrency
from gatekeeper.edge.settings import EdgeLimits, EdgeSettings, EdgeTimeouts
from gatekeeper.runtime.descriptors import ENOUGH, for_clients
from gatekeeper.runtime.identity import identity_headers


def edge_settings(
    config: GatewayConfig, before: EdgeSettings | None = None, *, descriptors: int = ENOUGH
) -> EdgeSettings:
    """Say it in the words of the edge.

    Whoever has a place keeps it: with `before`, what the edge went by until now, the same places go on, by the limit of
    now and at once. So this is for a configuration that comes into force. Of connections no more are taken than
    `descriptors` allow.
    """
    server = config.server
    timeouts, limits, concurrency = server.timeouts, server.limits, server.concurrency
    half_close = server.half_close
    if before is None:
        places = Concurrency(limit=concurrency.limit, queue=concurrency.queue, wait=concurrency.wait)
    else:
        places = before.concurrency
        places.reconfigure(concurrency)
    return EdgeSettings(
        timeouts=EdgeTimeouts(
            head=timeouts.head, body=timeouts.body, idle=timeouts.idle, write=timeouts.write
        ),
        limits=EdgeLimits(
            target=limits.target,
            header_line=limits.header_line,
            header_count=limits.header_count,
            header_block=limits.header_block,
            body_rate=limits.body_rate or None,
            connections=min(limits.connections, for_clients(descriptors, concurrency.limit)),
            connections_per_address=limits.connections_per_address or None,
            requests_per_connection=limits.requests_per_connection or None,
        ),
        networks=server.trusted_proxies,
        health_path=server.health_path or None,
        half_close={"wait": None, "abort": 0.0}[half_close] if isinstance(half_close, str) else half_close,
        underscore_headers=server.underscore_headers,
        identity_headers=identity_headers(config),
        concurrency=places,
    )

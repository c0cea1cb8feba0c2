"""What `websocket` of a route means for its connections, and whom it goes past."""

from collections.abc import Iterator, Sequence

from gatekeeper.config.model import RouteConfig
from gatekeeper.core.chain import Chain, Group, Link
from gatekeeper.core.tunnel import Upgrades


def upgrades_of(config: RouteConfig) -> Upgrades | None:
    """What connections may switch to; None for nothing."""
    websocket = config.websocket
    if not websocket:
        return None
    return Upgrades(
        protocols=frozenset(map(str, websocket.protocols)),
        origins=None if websocket.origins == "any" else frozenset(map(str, websocket.origins)),
        lifetime=websocket.lifetime or None,
    )


def passed_by(links: Sequence[Link | Group], chain: Chain) -> str:
    """Which filter of a chain reads bodies, of which a tunnel has none; empty where none does."""
    if not (chain.request_buffer or chain.response_buffer):
        return ""
    return next(_readers(links), "a filter of the service")


def _readers(links: Sequence[Link | Group]) -> Iterator[str]:
    for link in links:
        if isinstance(link, Group):
            yield from _readers(link.links)
        elif getattr(link.filter, "request_buffer", 0) or getattr(link.filter, "response_buffer", 0):
            yield f"`{link.name}`"

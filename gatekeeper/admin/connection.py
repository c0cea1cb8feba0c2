"""One connection to the admin listener: aiohttp's own, with error pages that show neither the client's bytes nor ours.

There are few of them: descriptors belong to the data path. What a connection too many sends is not read.
"""

import asyncio
import logging
from typing import Final

from aiohttp import web

from gatekeeper.admin import guard
from gatekeeper.admin.answers import problem


CONNECTIONS: Final = 256
"""Open at the same time; further ones are closed at once."""
IDLE: Final = 60.0
"""Seconds that a connection may be without a whole request."""
LINGER: Final = 2.0
"""Seconds that an unwanted body is read away."""

log = logging.getLogger(__name__)


def accept(server: web.Server, most: int = CONNECTIONS) -> asyncio.BaseProtocol:
    """Make the protocol of a new connection."""
    return _Connection(server) if len(server.connections) < most else _TooMany()


class _Connection(web.RequestHandler):
    """One that is served."""

    __slots__ = ()

    def __init__(self, server: web.Server) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # its own check is for truth
            keepalive_timeout=IDLE,
            lingering_time=LINGER,
        )

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes what was sent
    ) -> web.StreamResponse:
        """Answer what is no HTTP, and what failed beyond the reach of the application."""
        if status < 500:
            log.info(
                "malformed admin request", extra={"client": request.remote, "reason": type(exc).__name__}
            )
        else:
            log.error("the admin listener failed", exc_info=exc)
        response = problem(
            status, "the request is malformed" if status < 500 else "the gateway failed to answer"
        )
        guard.dress(response)
        response.force_close()
        return response


class _TooMany(asyncio.Protocol):
    """One that is not."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        transport.close()

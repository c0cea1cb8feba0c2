"""The admin listener: metrics, and the routes of plugins.

Not the data path: an ordinary aiohttp application. It answers only for hosts that a browser cannot be made to call it
by (DNS rebinding), and never with headers that let another site read it.
"""

import json
import re
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final

from aiohttp import web


if TYPE_CHECKING:
    from gatekeeper.runtime.node import Node

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_LOCAL: Final = re.compile(
    r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?", re.ASCII | re.IGNORECASE
)


class AdminServer:
    """Serves what a node can tell."""

    def __init__(self, node: "Node", plugins: Iterable[tuple[str, Iterable[web.AbstractRouteDef]]]) -> None:
        """Serve one node; `plugins` are the routes of each plugin, by its name."""
        self._node = node
        app = web.Application(middlewares=[_local_only])
        app.router.add_get("/", self._index)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/api/v1/metrics", self._metrics)
        for name, routes in plugins:
            plugin = web.Application()
            plugin.router.add_routes(routes)
            app.add_subapp(f"/plugins/{name}", plugin)
        self._runner = web.AppRunner(app, access_log=None, handle_signals=False)

    async def start(self, sock: socket.socket) -> str:
        """Listen on a bound socket; return its address."""
        await self._runner.setup()
        await web.SockSite(self._runner, sock).start()
        host, port = sock.getsockname()[:2]
        return f"{host}:{port}"

    async def stop(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def _index(self, request: web.Request) -> web.Response:  # noqa: ARG002
        return web.json_response(await self._node.status(), dumps=_dumps)

    async def _metrics(self, request: web.Request) -> web.Response:
        body, content_type = await self._node.exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})


@web.middleware
async def _local_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    # not `request.host`: without the field that asks the resolver for our own name
    if not _LOCAL.fullmatch(request.headers.get("Host", "")):
        raise web.HTTPForbidden(text="the admin listener answers as localhost only\n")
    return await handler(request)


def _dumps(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"

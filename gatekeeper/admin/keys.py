"""API keys: who has which, new ones, and an end to old ones. One function for each endpoint."""

from typing import Final

from aiohttp import web

from gatekeeper.admin.answers import as_json
from gatekeeper.admin.endpoint import Call


_ONCE: Final = {"Cache-Control": "no-store"}


async def list_keys(call: Call) -> web.Response:
    """All of them, without what would be needed to use one."""
    return as_json(await call.node.keys())


async def create(call: Call) -> web.Response:
    """Make one; this answer is the only place where it is shown."""
    return as_json(await call.node.create_key(call.body), 201, _ONCE)


async def rotate(call: Call) -> web.Response:
    """Make one in the place of another one."""
    return as_json(await call.node.rotate_key(call.names["id"], call.body), 201, _ONCE)


async def revoke(call: Call) -> web.Response:
    """Take one out, at once."""
    await call.node.revoke_key(call.names["id"])
    return web.Response(status=204)

"""A plugin for the gateway of a soak: what no endpoint tells, and only whoever counts leaks wants to know.

GET /plugins/probe/           tasks, threads and kept things, by name
GET /plugins/probe/objects    living objects of the classes that a reload makes anew; collects first
"""

import asyncio
import gc
import re
import threading
from collections import Counter
from collections.abc import Iterable

from aiohttp import web

from gatekeeper import hookimpl
from gatekeeper.edge.listener import Listener
from gatekeeper.edge.protocol import StrictProtocol
from gatekeeper.registry.services import Member, Service
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.runtime.snapshot import Snapshot
from gatekeeper.upstream.connection import Connection
from gatekeeper.upstream.pool import Pool


_POOL = re.compile(r"^(?:asyncio|uvloop)_\d+$")
CLASSES = (Snapshot, Service, Member, Pool, Connection, Listener, StrictProtocol)


@hookimpl
def gatekeeper_admin_routes(gateway: Gateway) -> Iterable[web.AbstractRouteDef]:
    """Two that only read."""

    async def names(_: web.Request) -> web.Response:
        return web.json_response(
            {
                "tasks": Counter(map(_name, asyncio.all_tasks())),
                "threads": Counter(_POOL.sub("pool", thread.name) for thread in threading.enumerate()),
                "kept": len(gateway.keep),
            }
        )

    async def objects(_: web.Request) -> web.Response:
        gc.unfreeze()
        gc.collect()
        found = Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, CLASSES))
        gc.freeze()
        return web.json_response(found)

    return [web.get("/", names), web.get("/objects", objects)]


def _name(task: "asyncio.Task[object]") -> str:
    """Its own name, or that of what it runs."""
    name, coroutine = task.get_name(), task.get_coro()
    return getattr(coroutine, "__qualname__", repr(coroutine)) if name.startswith("Task-") else name

"""A plugin for the gateway of a soak: what no endpoint tells, and only whoever counts leaks wants to know.

GET /plugins/probe/           tasks, threads and kept things, by name
GET /plugins/probe/objects    living objects of the classes that a reload makes anew; collects first
GET /plugins/probe/holders/C  some of the class C, each with what refers to it, and with what refers to that
"""

import asyncio
import gc
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from aiohttp import web

from gatekeeper import hookimpl
from gatekeeper.edge.listener import Listener
from gatekeeper.edge.protocol import StrictProtocol
from gatekeeper.registry.services import Member, Service
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.runtime.snapshot import Snapshot
from gatekeeper.upstream.connection import Connection
from gatekeeper.upstream.pool import Pool


_POOL: Final = re.compile(r"^(?:asyncio|uvloop)_\d+$")
CLASSES: Final = (Snapshot, Service, Member, Pool, Connection, Listener, StrictProtocol)
SHOWN: Final = 3
DEPTH: Final = 2
LONGEST: Final = 200


@hookimpl
def gatekeeper_admin_routes(gateway: Gateway) -> Iterable[web.AbstractRouteDef]:
    """Three that only read."""

    async def names(_: web.Request) -> web.Response:
        return web.json_response(
            {
                "tasks": Counter(map(_name, asyncio.all_tasks())),
                "threads": Counter(_POOL.sub("pool", thread.name) for thread in threading.enumerate()),
                "kept": len(gateway.keep),
            }
        )

    async def objects(_: web.Request) -> web.Response:
        with _everything() as everything:
            found = Counter(type(one).__name__ for one in everything if isinstance(one, CLASSES))
        return web.json_response(found)

    async def holders(request: web.Request) -> web.Response:
        with _everything() as everything:
            some = [one for one in everything if type(one).__name__ == request.match_info["name"]][:SHOWN]
            lines = [line for one in some for line in (repr(one), *_holders(one, [everything, some]))]
        return web.json_response([line[:LONGEST] for line in lines])

    return [web.get("/", names), web.get("/objects", objects), web.get("/holders/{name}", holders)]


@contextmanager
def _everything() -> Iterator[list[object]]:
    """All objects that live, and nothing that only waits for the collector."""
    gc.unfreeze()
    gc.collect()
    try:
        yield gc.get_objects()
    finally:
        gc.freeze()


def _holders(held: object, ignored: list[object], depth: int = 1) -> list[str]:
    """What refers to an object, and further in what refers to that; but for what this itself has made."""
    lines: list[str] = []
    found = gc.get_referrers(held)
    ignored = [*ignored, found, lines]
    holders = [
        one for one in found if not isinstance(one, FrameType) and not any(one is other for other in ignored)
    ][:SHOWN]
    for one in holders:
        lines.append(f"{'  ' * depth}{type(one).__name__}: {one!r}")
        if depth < DEPTH:
            lines += _holders(one, [*ignored, holders], depth + 1)
    return lines


def _name(task: "asyncio.Task[object]") -> str:
    """Its own name, or that of what it runs."""
    name, coroutine = task.get_name(), task.get_coro()
    return getattr(coroutine, "__qualname__", repr(coroutine)) if name.startswith("Task-") else name

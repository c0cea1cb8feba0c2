"""What only looks: status, metrics, services, routes, configuration. One function for each endpoint."""

import asyncio
from typing import Any

import yaml
from aiohttp import web

from gatekeeper.admin.answers import JSON, YAML, as_json
from gatekeeper.admin.endpoint import Call


async def alive(_call: Call) -> web.Response:
    """Whether the loop answers."""
    return as_json({"status": "ok"})


async def ready(call: Call) -> web.Response:
    """Whether requests should be sent here: 200 or 503; why not, for those who show a token."""
    status = await call.node.status()
    told: dict[str, Any] = {"ready": status["ready"]}
    if call.role is not None:
        config = status["config"]
        told |= {
            "state": status["state"],
            "revision": status["revision"],
            **{name: config[name] for name in ("loaded_at", "error", "error_at")},
        }
    return as_json(told, 200 if status["ready"] else 503)


async def status(call: Call) -> web.Response:
    """What is running."""
    return as_json(await call.node.status())


async def exposition(call: Call) -> web.Response:
    """The metrics in a format of Prometheus."""
    body, content_type = await call.node.exposition(call.request.headers.get("Accept", ""))
    return web.Response(body=body, headers={"Content-Type": content_type})


async def metrics(call: Call) -> web.Response:
    """The metrics as JSON."""
    return as_json(await call.node.metrics())


async def system(call: Call) -> web.Response:
    """What the process takes of the machine."""
    return as_json(await call.node.system())


async def requests(call: Call) -> web.Response:
    """Requests in numbers."""
    return as_json(await call.node.requests())


async def services(call: Call) -> web.Response:
    """All services with their instances."""
    return as_json(await call.node.services())


async def service(call: Call) -> web.Response:
    """One of them."""
    return as_json(await call.node.service(call.names["name"]))


async def rules(call: Call) -> web.Response:
    """The routes in matching order."""
    return as_json(await call.node.rules())


async def config(call: Call) -> web.Response:
    """The configuration in force, as YAML or JSON; the tag is that of the configuration, not of its form."""
    found = await call.node.config()
    headers = {"ETag": found["etag"], "Vary": "Accept"}
    if prefers_json(call.request.headers.get("Accept", "")):
        # what is written there means the same by YAML 1.1, which this reads; for many routes it takes a while
        return as_json(await asyncio.to_thread(yaml.load, found["text"], _LOADER), headers=headers)
    return web.Response(body=found["text"].encode(), headers={"Content-Type": YAML, **headers})


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def prefers_json(accept: str) -> bool:
    """Whether JSON is asked for before YAML, which is what an `Accept` field gets that prefers neither."""
    wanted = {JSON: 0.0, YAML: 0.0}
    for part in accept.lower().split(","):
        media_type, *parameters = (piece.strip() for piece in part.split(";"))
        if media_type in wanted:
            wanted[media_type] = max([_quality(one) for one in parameters if one.startswith("q=")] or [1.0])
    return wanted[JSON] > wanted[YAML]


def _quality(parameter: str) -> float:
    try:
        return float(parameter.removeprefix("q="))
    except ValueError:
        return 0.0

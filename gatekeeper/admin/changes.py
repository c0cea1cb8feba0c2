"""What changes something. Each is one call of the node; what it refuses becomes an answer in `server`."""

import re
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web

from gatekeeper.admin.answers import as_json
from gatekeeper.admin.endpoint import Call
from gatekeeper.admin.errors import AdminError


_TAG: Final = re.compile(r'"[^"]*"')


async def check(call: Call) -> web.Response:
    """Check all instances of a service now."""
    return as_json(await call.node.check(call.names["name"]))


async def override(call: Call) -> web.Response:
    """Change what one instance gets, until a restart."""
    names = call.names
    return as_json(await call.node.override(names["name"], names["id"], call.body))


async def add_service(call: Call) -> web.Response:
    """Add a service."""
    name, result = await _register(call, "services")
    return await _added(call, name, result, {"Location": f"/gateway/services/{quote(name, safe='')}"})


async def remove_service(call: Call) -> web.Response:
    """Take out a service that was added here."""
    await call.node.remove("services", call.names["name"])
    return web.Response(status=204)


async def add_instance(call: Call) -> web.Response:
    """Add an instance; the answer is its service."""
    name = call.names["name"]
    return await _added(call, name, await call.node.register_instance(name, call.body))


async def remove_instance(call: Call) -> web.Response:
    """Take out an instance that was added here."""
    await call.node.remove_instance(call.names["name"], call.names["id"])
    return web.Response(status=204)


async def add_rule(call: Call) -> web.Response:
    """Add a route; the answer is each way to it, with its place in the order."""
    name, _ = await _register(call, "routes")
    return as_json([rule for rule in await call.node.rules() if rule["route"] == name], 201)


async def remove_rule(call: Call) -> web.Response:
    """Take out a route that was added here."""
    await call.node.remove("routes", call.names["name"])
    return web.Response(status=204)


async def apply(call: Call) -> web.Response:
    """Put a whole configuration in force, or only look whether it could be."""
    tag = if_match(call.request.headers.getall("If-Match", []))
    return _applied(
        await call.node.apply(call.body, dry_run=call.query["dry_run"], if_match=tag),
        "the configuration is refused",
    )


async def reload(call: Call) -> web.Response:
    """Read the files again."""
    return _applied(
        await call.node.apply(None, dry_run=False, if_match=None), "the files are refused; what runs, runs on"
    )


async def restart(call: Call) -> web.Response:
    """Renew all workers."""
    await call.node.restart()
    return as_json({"state": "renewed"})


async def drain(call: Call) -> web.Response:
    """Begin the end of the process."""
    await call.node.drain()
    return as_json({"state": "draining"}, 202)


def if_match(fields: list[str]) -> str | None:
    """The tag that an `If-Match` field names, with its quotes; None for no field, and for `*`, which any configuration matches.

    Raises:
        AdminError: it is none, or there are several.

    """
    if not fields or fields == ["*"]:
        return None
    if len(fields) == 1 and (found := _TAG.fullmatch(fields[0])):
        return found[0]
    if len(fields) == 1 and fields[0].startswith("W/"):
        raise AdminError(412, "a weak tag matches nothing; send the `ETag` as it came")
    raise AdminError(400, "`If-Match` holds one tag, as `ETag` of GET /gateway/config has it")


async def _register(call: Call, section: str) -> tuple[str, dict[str, Any]]:
    body = dict(call.body)
    name = str(body.pop("name"))
    return name, await call.node.register(section, name, body)


async def _added(
    call: Call, name: str, result: dict[str, Any], headers: dict[str, str] | None = None
) -> web.Response:
    """The service that something was added to, and what is probably a mistake about that."""
    service, problems = await call.node.service(name), result["problems"]
    return as_json({**service, "problems": problems} if problems else service, 201, headers)


def _applied(result: dict[str, Any], refusal: str) -> web.Response:
    errors = [problem for problem in result["problems"] if problem["severity"] == "error"]
    if not errors:
        return as_json(result)
    first = errors[0]
    place = ":".join(str(first[key]) for key in ("file", "line", "column") if first[key])
    where = ", ".join(part for part in (place, first["path"]) if part)
    words = ": ".join(part for part in (refusal, where, first["message"]) if part)
    others = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    raise AdminError(422, words + others, more=result)

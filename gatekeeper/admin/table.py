"""All endpoints: what is served, checked and documented, one row each.

Viewers read, operators also act on what runs and see whose API keys there are, admins change the configuration and these keys.
"""

from typing import Final

from aiohttp import web

from gatekeeper.admin import changes, keys, openapi, reads, shapes
from gatekeeper.admin.answers import JSON, YAML, as_json
from gatekeeper.admin.endpoint import Call, Content, Endpoint, json_content
from gatekeeper.admin.users import Role


async def openapi_document(_call: Call) -> web.Response:
    """This table, as OpenAPI."""
    return as_json(openapi.document(ENDPOINTS))


_SERVICE: Final = "/gateway/services/{name}"
_INSTANCE: Final = "/gateway/services/{name}/instances/{id}"
_GONE: Final = {204: Content("it is out")}
_ALIVE: Final = {200: json_content("the loop answers", shapes.ALIVE)}
_EXPOSITION: Final = {
    200: Content(
        "as `Accept` asks",
        {"text/plain": {"type": "string"}, "application/openmetrics-text": {"type": "string"}},
    )
}

_READS: Final = (
    Endpoint(
        method="GET",
        path="/",
        role=Role.VIEWER,
        summary="What is running: version, revision, state, listeners, and how the last load went.",
        handle=reads.status,
        answers={200: json_content("the status", shapes.STATUS)},
    ),
    Endpoint(
        method="GET",
        path="/healthz",
        role=None,
        summary="The process answers.",
        handle=reads.alive,
        answers=_ALIVE,
    ),
    Endpoint(
        method="GET",
        path="/livez",
        role=None,
        summary="The process answers.",
        handle=reads.alive,
        answers=_ALIVE,
    ),
    Endpoint(
        method="GET",
        path="/readyz",
        role=None,
        summary="Requests may be sent here: 200, or 503 while it starts or drains. Details for those with a token.",
        handle=reads.ready,
        answers={
            200: json_content("ready", shapes.READINESS),
            503: json_content("not ready", shapes.READINESS),
        },
    ),
    Endpoint(
        method="GET",
        path="/metrics",
        role=Role.VIEWER,
        summary="The metrics, for Prometheus.",
        handle=reads.exposition,
        answers=_EXPOSITION,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/metrics",
        role=Role.VIEWER,
        summary="The metrics, for Prometheus.",
        handle=reads.exposition,
        answers=_EXPOSITION,
    ),
    Endpoint(
        method="GET",
        path="/api/v1/metrics/json",
        role=Role.VIEWER,
        summary="The gateway's own metrics, as JSON.",
        handle=reads.metrics,
        answers={200: json_content("name → samples", shapes.SAMPLES)},
    ),
    Endpoint(
        method="GET",
        path="/api/v1/metrics/system",
        role=Role.VIEWER,
        summary="What the process takes of the machine.",
        handle=reads.system,
        answers={200: json_content("processor, memory, threads, descriptors", shapes.SYSTEM)},
    ),
    Endpoint(
        method="GET",
        path="/api/v1/metrics/requests",
        role=Role.VIEWER,
        summary="Requests in numbers, by status, route and service.",
        handle=reads.requests,
        answers={200: json_content("counts, and times in seconds", shapes.REQUESTS)},
    ),
    Endpoint(
        method="GET",
        path="/gateway/services",
        role=Role.VIEWER,
        summary="All services with their instances.",
        handle=reads.services,
        answers={200: json_content("services", {"type": "array", "items": shapes.SERVICE})},
    ),
    Endpoint(
        method="GET",
        path=_SERVICE,
        role=Role.VIEWER,
        summary="One service with its instances.",
        handle=reads.service,
        answers={200: json_content("the service", shapes.SERVICE)},
        fails=(404,),
    ),
    Endpoint(
        method="GET",
        path="/gateway/routing-rules",
        role=Role.VIEWER,
        summary="All routes, in matching order: the first that fits a request takes it.",
        handle=reads.rules,
        answers={200: json_content("routes", {"type": "array", "items": shapes.RULE})},
    ),
    Endpoint(
        method="GET",
        path="/gateway/config",
        role=Role.VIEWER,
        summary="The configuration in force, in its long form, with all defaults and without secrets.",
        handle=reads.config,
        answers={
            200: Content(
                "as `Accept` asks; YAML if it does not",
                {YAML: {"type": "string"}, JSON: shapes.CONFIGURATION},
                {"ETag": "for `If-Match` of POST /gateway/config"},
            )
        },
    ),
    Endpoint(
        method="GET",
        path="/openapi.json",
        role=Role.VIEWER,
        summary="This document.",
        handle=openapi_document,
        answers={200: json_content("OpenAPI 3.1", shapes.DOCUMENT)},
    ),
)

_ACTS: Final = (
    Endpoint(
        method="POST",
        path=f"{_SERVICE}/health-check",
        role=Role.OPERATOR,
        summary="Check all instances of a service now.",
        handle=changes.check,
        answers={200: json_content("what came of it, by instance", shapes.CHECKED)},
        fails=(404, 422),
    ),
    Endpoint(
        method="PATCH",
        path=_INSTANCE,
        role=Role.OPERATOR,
        summary="Change weight, drain or disable an instance, until a restart.",
        handle=changes.override,
        takes={JSON: shapes.OVERRIDE},
        answers={200: json_content("the instance", shapes.INSTANCE)},
        fails=(404, 409, 422),
    ),
    Endpoint(
        method="POST",
        path="/gateway/reload",
        role=Role.OPERATOR,
        summary="Read the files again, as SIGHUP does.",
        handle=changes.reload,
        answers={200: json_content("in force; problems are warnings", shapes.APPLIED)},
        fails=(422,),
    ),
    Endpoint(
        method="POST",
        path="/gateway/restart",
        role=Role.OPERATOR,
        summary="Renew all workers with fresh interpreters, one after the other; nobody is hung up on.",
        handle=changes.restart,
        answers={200: json_content("all are renewed", shapes.RENEWED)},
        fails=(422,),
    ),
    Endpoint(
        method="POST",
        path="/gateway/drain",
        role=Role.OPERATOR,
        summary="Begin the end of the process, as SIGTERM does.",
        handle=changes.drain,
        answers={202: json_content("it has begun", shapes.DRAINING)},
    ),
)

_CHANGES: Final = (
    Endpoint(
        method="POST",
        path="/gateway/services",
        role=Role.ADMIN,
        summary="Add a service.",
        handle=changes.add_service,
        takes={JSON: shapes.NEW_SERVICE},
        answers={201: json_content("the service", shapes.SERVICE, Location="where it is")},
        fails=(409, 422),
    ),
    Endpoint(
        method="DELETE",
        path=_SERVICE,
        role=Role.ADMIN,
        summary="Take out a service that was added here; those of files are theirs (409).",
        handle=changes.remove_service,
        answers=_GONE,
        fails=(404, 409, 422),
    ),
    Endpoint(
        method="POST",
        path=f"{_SERVICE}/instances",
        role=Role.ADMIN,
        summary="Add an instance to a service.",
        handle=changes.add_instance,
        takes={JSON: shapes.NEW_INSTANCE},
        answers={201: json_content("the service", shapes.SERVICE)},
        fails=(404, 409, 422),
    ),
    Endpoint(
        method="DELETE",
        path=_INSTANCE,
        role=Role.ADMIN,
        summary="Take out an instance that was added here; those of files are theirs (409).",
        handle=changes.remove_instance,
        answers=_GONE,
        fails=(404, 409, 422),
    ),
    Endpoint(
        method="POST",
        path="/gateway/routing-rules",
        role=Role.ADMIN,
        summary="Add a route.",
        handle=changes.add_rule,
        takes={JSON: shapes.NEW_RULE},
        answers={201: json_content("the ways to it", {"type": "array", "items": shapes.RULE})},
        fails=(409, 422),
    ),
    Endpoint(
        method="DELETE",
        path="/gateway/routing-rules/{name}",
        role=Role.ADMIN,
        summary="Take out a route that was added here; those of files are theirs (409).",
        handle=changes.remove_rule,
        answers=_GONE,
        fails=(404, 409, 422),
    ),
    Endpoint(
        method="POST",
        path="/gateway/config",
        role=Role.ADMIN,
        summary="Put a whole configuration in force, all of it or nothing.",
        handle=changes.apply,
        takes={YAML: shapes.WHOLE_TEXT, JSON: shapes.WHOLE},
        flags={"dry_run": "only look whether it could be"},
        fields={"If-Match": "the `ETag` that it was made from; 412 where another is in force"},
        answers={200: json_content("in force, or good for it; problems are warnings", shapes.APPLIED)},
        fails=(409, 412, 422),
    ),
)

_KEY: Final = "/gateway/keys/{id}"
_ONCE: Final = {"Cache-Control": "no-store: the key is shown only now"}

_KEYS: Final = (
    Endpoint(
        method="GET",
        path="/gateway/keys",
        role=Role.OPERATOR,
        summary="All API keys that were made here, oldest first: whose they are, and nothing to use them by.",
        handle=keys.list_keys,
        answers={200: json_content("keys", {"type": "array", "items": shapes.KEY})},
        fails=(503,),
    ),
    Endpoint(
        method="POST",
        path="/gateway/keys",
        role=Role.ADMIN,
        summary="Make an API key for a consumer; the answer has it, and nothing else ever will.",
        handle=keys.create,
        takes={JSON: shapes.NEW_KEY},
        answers={201: json_content("the key", shapes.MADE_KEY, **_ONCE)},
        fails=(422, 503),
    ),
    Endpoint(
        method="POST",
        path=f"{_KEY}/rotate",
        role=Role.ADMIN,
        summary="Make an API key in the place of another one, which is good for a while longer.",
        handle=keys.rotate,
        takes={JSON: shapes.ROTATION},
        answers={201: json_content("the new key", shapes.MADE_KEY, **_ONCE)},
        fails=(404, 422, 503),
    ),
    Endpoint(
        method="DELETE",
        path=_KEY,
        role=Role.ADMIN,
        summary="Revoke an API key, at once and for good; again is no error.",
        handle=keys.revoke,
        answers={204: Content("it is revoked")},
        fails=(404, 503),
    ),
)

ENDPOINTS: Final = (*_READS, *_ACTS, *_CHANGES, *_KEYS)

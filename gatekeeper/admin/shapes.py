"""JSON Schemas of what is sent and answered, by the names that the OpenAPI document gives them.

Answers may hold more than is said here, never less: whoever reads them can rely on what is required.
"""

from collections.abc import Mapping
from typing import Any, Final

from gatekeeper.admin.shape import Shape


_TEXT: Final[Shape] = {"type": "string"}
_FLAG: Final[Shape] = {"type": "boolean"}
_COUNT: Final[Shape] = {"type": "integer", "minimum": 0}
_NUMBER: Final[Shape] = {"type": "number"}
_SECONDS: Final[Shape] = {"type": "number", "minimum": 0, "description": "seconds"}
_TIME: Final[Shape] = {"type": ["number", "null"], "description": "seconds since 1970, null for never"}
_NAME: Final[Shape] = {"type": "string", "minLength": 1}
_WEIGHT: Final[Shape] = {"type": "integer", "minimum": 0, "maximum": 1_000_000}


def _object(required: Mapping[str, Shape], optional: Mapping[str, Shape] | None = None) -> Shape:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
    }


def _list(item: Shape) -> Shape:
    return {"type": "array", "items": item}


def _map(item: Shape) -> Shape:
    return {"type": "object", "additionalProperties": item}


def _closed(shape: Shape) -> Shape:
    return {**shape, "additionalProperties": False}


# ---- answers --------------------------------------------------------------------------------------------------------

FAULT: Final = _object(
    {
        "id": {**_TEXT, "description": "stable name of the kind of mistake"},
        "severity": {"type": "string", "enum": ["error", "warning"]},
        "path": {**_TEXT, "description": "where in the configuration, as `routes.users.to`"},
        "message": {**_TEXT, "description": "what is wrong, and what to write"},
        "file": {**_TEXT, "description": "empty where it is not known"},
        "line": {**_COUNT, "description": "from 1, 0 where it is not known"},
        "column": {**_COUNT, "description": "from 1, 0 where it is not known"},
    }
)
PROBLEM: Final = {
    **_object(
        {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "code": _TEXT,
            "detail": {**_TEXT, "description": "what is wrong, and what to do"},
        },
        {"problems": _list(FAULT), "revision": _COUNT},
    ),
    "description": "an error, RFC 9457",
}
ALIVE: Final = _object({"status": {"type": "string", "enum": ["ok"]}})
READINESS: Final = _object(
    {"ready": _FLAG},
    {
        "state": _TEXT,
        "revision": _COUNT,
        "loaded_at": _TIME,
        "error": {"type": ["string", "null"], "description": "why the last load was refused"},
        "error_at": _TIME,
    },
)
STATUS: Final = _object(
    {
        "version": _TEXT,
        "revision": {**_COUNT, "description": "grows by one with each configuration that comes into force"},
        "state": {"type": "string", "enum": ["starting", "running", "draining"]},
        "ready": _FLAG,
        "uptime": _SECONDS,
        "listeners": {**_map(_TEXT), "description": "name → address"},
        "config": _object(
            {
                "file": {"type": ["string", "null"]},
                "loaded_at": _TIME,
                "error": {"type": ["string", "null"]},
                "error_at": _TIME,
                "problems": _list(FAULT),
            }
        ),
    }
)
INSTANCE: Final = _object(
    {
        "id": _TEXT,
        "url": _TEXT,
        "weight": _COUNT,
        "configured_weight": _COUNT,
        "zone": _TEXT,
        "priority": {"type": "integer"},
        "state": {"type": "string", "enum": ["fit", "unhealthy", "ejected", "disabled", "draining"]},
        "health": _object(
            {
                "status": _TEXT,
                "reason": _TEXT,
                "last_check": _TIME,
                "response_time": {**_SECONDS, "type": ["number", "null"]},
                "successes": {**_COUNT, "description": "in a row"},
                "failures": {**_COUNT, "description": "in a row"},
            }
        ),
        "in_flight": _COUNT,
        "latency": {**_SECONDS, "description": "seconds to the first byte, moving average; 0 is unknown"},
        "ejections": _COUNT,
        "connections": _COUNT,
    }
)
SERVICE: Final = _object(
    {
        "name": _TEXT,
        "balance": {"description": "how one of its instances is chosen"},
        "in_flight": _COUNT,
        "fit": {**_COUNT, "description": "instances that may be asked"},
        "health": {"type": ["object", "null"], "description": "how it is checked; null for not at all"},
        "source": {**_TEXT, "description": "`file`, `admin`, or the name of a provider"},
        "instances": _list(INSTANCE),
    },
    {"problems": {**_list(FAULT), "description": "warnings about what was just added"}},
)
RULE: Final = {
    **_object(
        {
            "rank": {"type": "integer", "minimum": 1},
            "route": _TEXT,
            "priority": {"type": "integer"},
            "methods": {**_list(_TEXT), "description": "none is any"},
            "host": {**_TEXT, "description": "`*` is any"},
            "path": _TEXT,
            "conditions": _list(_TEXT),
            "to": {
                "type": ["string", "object"],
                "description": "services with weights, the text that names one, or empty where a filter answers",
            },
            "filters": {**_list(_TEXT), "description": "those before the service, in order"},
            "source": {**_TEXT, "description": "`file`, `admin`, or the name of a provider"},
        }
    ),
    "description": "one way to a route: a route whose `match` has alternatives stands there once for each",
}
CHECKED: Final = _list(_object({"id": _TEXT, "outcome": _TEXT, "reason": _TEXT}))
APPLIED: Final = _object({"applied": _FLAG, "revision": _COUNT, "problems": _list(FAULT)})
RENEWED: Final = _object({"state": {"type": "string", "enum": ["renewed"]}})
DRAINING: Final = _object({"state": {"type": "string", "enum": ["draining"]}})
SAMPLES: Final = _map(
    _object(
        {
            "type": _TEXT,
            "help": _TEXT,
            "labels": _list(_TEXT),
            "once": {"type": "boolean", "description": "the same in each worker, and not added up"},
            "samples": _list({"type": "object"}),
        }
    )
)
SYSTEM: Final = _object(
    {
        "pid": _COUNT,
        "python": _TEXT,
        "uptime": _SECONDS,
        "cpu_percent": {**_NUMBER, "description": "of one core"},
        "memory_resident": {**_COUNT, "description": "bytes"},
        "memory_percent": _NUMBER,
        "threads": _COUNT,
        "descriptors": _COUNT,
        "load": _list(_NUMBER),
    }
)
REQUESTS: Final = _object(
    {
        "total": _COUNT,
        "in_flight": _COUNT,
        "by_status": _map(_COUNT),
        "by_route": _map(
            _object(
                {
                    "requests": _COUNT,
                    "errors": _COUNT,
                    **{name: {**_SECONDS, "type": ["number", "null"]} for name in ("p50", "p95", "p99")},
                }
            )
        ),
        "by_service": _map({"type": "object"}),
    }
)
CONFIGURATION: Final[Shape] = {
    "type": "object",
    "description": "as gateway.yaml, in the long form; `***` stands for a secret, `${...}` for what came from outside",
}
DOCUMENT: Final = _object({"openapi": _TEXT, "info": {"type": "object"}, "paths": {"type": "object"}})

_KEY: Final[Mapping[str, Shape]] = {
    "id": {**_TEXT, "description": "what it is called; no secret"},
    "consumer": _TEXT,
    "authenticator": _TEXT,
    "hint": {**_TEXT, "description": "the last four characters"},
    "scopes": _list(_TEXT),
    "note": _TEXT,
    "created": _NUMBER,
    "expires": _TIME,
    "revoked": _TIME,
    "successor": {"type": ["string", "null"], "description": "id of the key that was made in its place"},
    "state": {"type": "string", "enum": ["live", "expired", "revoked"]},
}
KEY: Final = _object(_KEY)
MADE_KEY: Final = _object({**_KEY, "key": {**_TEXT, "description": "what clients send; shown only now"}})

# ---- what is sent ---------------------------------------------------------------------------------------------------

NEW_SERVICE: Final = {
    **_object({"name": _NAME, "instances": {"type": "array"}}),
    "description": "a name, and the keys of a service in gateway.yaml",
    "examples": [{"name": "users", "instances": ["http://10.0.0.5:3000"]}],
}
NEW_INSTANCE: Final = {
    **_object({"url": {**_TEXT, "minLength": 1}}, {"id": {**_TEXT, "minLength": 1}, "weight": _WEIGHT}),
    "description": "the keys of an instance in gateway.yaml",
    "examples": [{"url": "http://10.0.0.6:3000", "weight": 2}],
}
NEW_RULE: Final = {
    **_object({"name": _NAME, "match": {}}),
    "description": "a name, and the keys of a route in gateway.yaml",
    "examples": [{"name": "users", "match": "/users/**", "to": "users"}],
}
OVERRIDE: Final = {
    **_closed(
        _object(
            {},
            {
                "weight": {**_WEIGHT, "description": "its part of the requests, against the others"},
                "drain": {**_FLAG, "description": "send no new ones, let those under way end"},
                "disable": {**_FLAG, "description": "send none"},
            },
        )
    ),
    "minProperties": 1,
    "examples": [{"drain": True}],
}
NEW_KEY: Final = {
    **_closed(
        _object(
            {"consumer": _NAME},
            {
                "authenticator": {**_NAME, "description": "the one that takes keys, where there are several"},
                "scopes": _list(_NAME),
                "expires": {**_TIME, "description": "seconds since 1970, null for never"},
                "note": {**_TEXT, "description": "one line for people"},
            },
        )
    ),
    "examples": [{"consumer": "acme", "scopes": ["orders.read"], "note": "their CI"}],
}
ROTATION: Final = {
    **_closed(
        _object(
            {},
            {
                "grace": {
                    **_SECONDS,
                    "description": "seconds that the old key is good for; a day, where not said",
                }
            },
        )
    ),
    "examples": [{"grace": 3600}, {}],
}
_SECRETS: Final = (
    "; `***`, which stands for a secret where one is shown, is refused at its place, and of `${...}` only those are taken "
    "that are in the configuration in force"
)
WHOLE: Final[Shape] = {
    "type": "object",
    "description": f"a whole configuration, as in gateway.json{_SECRETS}",
}
WHOLE_TEXT: Final[Shape] = {
    "type": "string",
    "description": f"a whole configuration, as in gateway.yaml{_SECRETS}",
}

NAMED: Final[Mapping[str, Any]] = {
    "Problem": PROBLEM,
    "Fault": FAULT,
    "Alive": ALIVE,
    "Readiness": READINESS,
    "Status": STATUS,
    "Service": SERVICE,
    "Instance": INSTANCE,
    "RoutingRule": RULE,
    "Checked": CHECKED,
    "Applied": APPLIED,
    "Renewed": RENEWED,
    "Draining": DRAINING,
    "Samples": SAMPLES,
    "System": SYSTEM,
    "Requests": REQUESTS,
    "Configuration": CONFIGURATION,
    "NewService": NEW_SERVICE,
    "NewInstance": NEW_INSTANCE,
    "NewRoutingRule": NEW_RULE,
    "Override": OVERRIDE,
    "Key": KEY,
    "MadeKey": MADE_KEY,
    "NewKey": NEW_KEY,
    "Rotation": ROTATION,
}
"""What stands in `components`; it is referred to wherever the same object stands."""

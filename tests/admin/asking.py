"""A good request to every endpoint, so that none can be forgotten."""

from collections.abc import Mapping
from typing import Any, Final

import attrs
import orjson
from jsonschema import Draft202012Validator

from gatekeeper.admin.endpoint import Endpoint
from gatekeeper.admin.openapi import document
from gatekeeper.admin.table import ENDPOINTS
from gatekeeper.testing import Answer
from tests.admin.conftest import Admin


DOCUMENT: Final = document(ENDPOINTS)
TOKENS: Final = {"viewer": "v-token", "operator": "o-token", "admin": "a-token"}


@attrs.frozen
class Good:
    """What a request needs beside its method."""

    names: Mapping[str, str] = attrs.field(factory=dict)
    body: Any = None


ID = "http:%2F%2Fa:1"
_SERVICE = Good({"name": "users"})
_GOOD: Final = {
    "POST /gateway/services/{name}/health-check": _SERVICE,
    "PATCH /gateway/services/{name}/instances/{id}": Good({"name": "users", "id": ID}, {"weight": 5}),
    "POST /gateway/services": Good(body={"name": "orders", "instances": ["http://c:3"]}),
    "DELETE /gateway/services/{name}": Good({"name": "added"}),
    "GET /gateway/services/{name}": _SERVICE,
    "POST /gateway/services/{name}/instances": Good({"name": "users"}, {"url": "http://c:3"}),
    "DELETE /gateway/services/{name}/instances/{id}": Good({"name": "users", "id": ID}),
    "POST /gateway/routing-rules": Good(body={"name": "orders", "match": "/orders", "to": "orders"}),
    "DELETE /gateway/routing-rules/{name}": Good({"name": "added"}),
    "POST /gateway/keys": Good(body={"consumer": "acme"}),
    "POST /gateway/keys/{id}/rotate": Good({"id": "k_old"}, {"grace": 60}),
    "DELETE /gateway/keys/{id}": Good({"id": "k_old"}),
    "POST /gateway/config": Good(body={"version": 1}),
}


def key(endpoint: Endpoint) -> str:
    """How an endpoint is called in tests."""
    return f"{endpoint.method} {endpoint.path}"


def target(endpoint: Endpoint) -> str:
    """Its path, with good names."""
    return endpoint.path.format(**_GOOD.get(key(endpoint), Good()).names)


def body(endpoint: Endpoint) -> dict[str, Any]:
    """The options of a request with a good body."""
    good = _GOOD.get(key(endpoint), Good())
    if good.body is None:
        return {}
    return {"body": orjson.dumps(good.body), "headers": {"Content-Type": "application/json"}}


async def ask(admin: Admin, endpoint: Endpoint, token: str = "") -> Answer:
    """Send a good request."""
    return await admin.ask(endpoint.method, target(endpoint), token, **body(endpoint))


def found(method: str, path: str) -> Endpoint:
    """The row of the table."""
    return next(one for one in ENDPOINTS if (one.method, one.path) == (method, path))


def operation_of(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = DOCUMENT["paths"][endpoint.path][endpoint.method.lower()]
    return operation


def check(endpoint: Endpoint, answer: Answer) -> None:
    """An answer is one that the document has for its status, or for all others."""
    responses = operation_of(endpoint)["responses"]
    described = responses.get(str(answer.status), responses["default"])
    if "content" not in described:
        assert b"" == answer.body
        return
    media_type = (answer.get("content-type") or "").partition(";")[0]
    schema = described["content"][media_type]["schema"]
    value = answer.json() if media_type.endswith("json") else answer.text
    Draft202012Validator({**schema, "components": DOCUMENT["components"]}).validate(value)

"""The OpenAPI 3.1 document, made of the table that is served: it cannot say anything else."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from gatekeeper.admin.answers import PROBLEM, title
from gatekeeper.admin.endpoint import Content, Endpoint
from gatekeeper.admin.shape import Shape
from gatekeeper.admin.shapes import NAMED
from gatekeeper.version import VERSION


_NAME: Final = re.compile(r"\{([a-z]+)\}")
_WORD: Final = re.compile(r"[a-z0-9]+")
_MEANINGS: Final[Mapping[str, str]] = {
    "name": "name of the service or the route",
    "id": "id of the instance, percent-encoded: `http:%2F%2F10.0.0.5:3000`; or of the key",
}
_SECURITY: Final = "token"


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """Describe these endpoints."""
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gatekeeper admin API",
            "version": VERSION,
            "description": "What operators ask and tell a gateway. Every error is problem+json (RFC 9457).",
        },
        "paths": paths,
        "components": {
            "schemas": {name: _inner(shape) for name, shape in NAMED.items()},
            "securitySchemes": {
                _SECURITY: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "of `admin.users`; without users none is needed on the machine itself",
                }
            },
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    role = endpoint.role
    answers = {str(status): _answer(content) for status, content in endpoint.answers.items()}
    for status in endpoint.fails:
        answers[str(status)] = _problem(title(status))
    operation: dict[str, Any] = {
        "operationId": "-".join(_WORD.findall(f"{endpoint.method.lower()} {endpoint.path}")),
        "summary": endpoint.summary,
        "parameters": _parameters(endpoint),
        "responses": {**answers, "default": _problem("what any request may meet")},
        "security": [] if role is None else [{_SECURITY: []}],
    }
    if role is not None:
        operation["x-role"] = str(role)
    if endpoint.takes:
        operation["requestBody"] = {"required": True, "content": _content(endpoint.takes)}
    return operation


def _parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        *(
            _parameter("path", name, _MEANINGS[name], {"type": "string"}, required=True)
            for name in _NAME.findall(endpoint.path)
        ),
        *(_parameter("query", name, text, {"type": "boolean"}) for name, text in endpoint.flags.items()),
        *(_parameter("header", name, text, {"type": "string"}) for name, text in endpoint.fields.items()),
    ]


def _parameter(
    place: str, name: str, description: str, shape: Shape, *, required: bool = False
) -> dict[str, Any]:
    return {"in": place, "name": name, "description": description, "required": required, "schema": shape}


def _answer(content: Content) -> dict[str, Any]:
    made: dict[str, Any] = {"description": content.description}
    if content.bodies:
        made["content"] = _content(content.bodies)
    if content.fields:
        made["headers"] = {
            name: {"description": text, "schema": {"type": "string"}} for name, text in content.fields.items()
        }
    return made


def _problem(description: str) -> dict[str, Any]:
    return _answer(Content(description, {PROBLEM: NAMED["Problem"]}))


def _content(bodies: Mapping[str, Shape]) -> dict[str, Any]:
    return {media_type: {"schema": _referred(shape)} for media_type, shape in bodies.items()}


def _referred(shape: Any) -> Any:
    """The schema with those that have a name replaced by references; which one is meant is told by identity."""
    for name, named in NAMED.items():
        if shape is named:
            return {"$ref": f"#/components/schemas/{name}"}
    return _inner(shape)


def _inner(shape: Any) -> Any:
    if isinstance(shape, dict):
        return {key: _referred(item) for key, item in shape.items()}
    if isinstance(shape, list):
        return [_referred(item) for item in shape]
    return shape

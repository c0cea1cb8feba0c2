"""The document against what is served: every route, and every answer."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from gatekeeper.admin.endpoint import Endpoint
from gatekeeper.admin.server import AdminServer
from gatekeeper.admin.table import ENDPOINTS
from gatekeeper.testing import Answer
from gatekeeper.version import VERSION
from tests.admin.asking import DOCUMENT, ask, check, found, key, operation_of
from tests.admin.conftest import Admin, StartAdmin
from tests.admin.memory import PROBLEM, MemoryNode, rule, service


ROWS = [pytest.param(endpoint, id=key(endpoint)) for endpoint in ENDPOINTS]


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def schemas(part: Any) -> Iterator[dict[str, Any]]:
    """All of them, wherever they stand."""
    if isinstance(part, dict):
        if isinstance(part.get("schema"), dict):
            yield part["schema"]
        for item in part.values():
            yield from schemas(item)
    elif isinstance(part, list):
        for item in part:
            yield from schemas(item)


def test_every_route_that_is_served_is_in_it_and_no_other() -> None:
    """What aiohttp has registered, not what the table says."""
    server = AdminServer(MemoryNode(), [])
    app = server._runner.app
    served = {
        (route.method, resource.canonical)
        for resource in app.router.resources()
        for route in resource
        if route.method != "HEAD"
    }
    heads = {
        (route.method, resource.canonical)
        for resource in app.router.resources()
        for route in resource
        if route.method == "HEAD"
    }

    assert served == {(method, path) for method, path, _ in operations()}
    assert len(ENDPOINTS) == len(served)
    assert heads == {("HEAD", path) for method, path in served if method == "GET"}


def test_it_is_openapi_3_1() -> None:
    """With what a generator of clients wants."""
    names = [operation["operationId"] for _, _, operation in operations()]

    assert ("3.1.0", VERSION) == (DOCUMENT["openapi"], DOCUMENT["info"]["version"])
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)
    assert "patch-gateway-services-name-instances-id" in names
    for _, path, operation in operations():
        named = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert set(re.findall(r"{(\w+)}", path)) == named
        assert all(one["required"] == (one["in"] == "path") for one in operation["parameters"])
        assert operation["summary"].endswith(".")
        assert all(response["description"] for response in operation["responses"].values())


def test_parameters_have_types() -> None:
    """What is true or false says so; tags and names are texts."""
    parameters = operation_of(found("POST", "/gateway/config"))["parameters"]
    names = operation_of(found("PATCH", "/gateway/services/{name}/instances/{id}"))["parameters"]

    assert [("query", "dry_run", "boolean"), ("header", "If-Match", "string")] == [
        (one["in"], one["name"], one["schema"]["type"]) for one in parameters
    ]
    assert [("path", "name", "string"), ("path", "id", "string")] == [
        (one["in"], one["name"], one["schema"]["type"]) for one in names
    ]


def test_fields_of_answers_are_described() -> None:
    """Those that a program goes on with."""
    made = operation_of(found("POST", "/gateway/services"))["responses"]["201"]
    shown = operation_of(found("GET", "/gateway/config"))["responses"]["200"]

    assert [["Location"], ["ETag"]] == [list(one["headers"]) for one in (made, shown)]
    assert "headers" not in operation_of(found("GET", "/"))["responses"]["200"]


def test_statuses_of_refusals_are_named() -> None:
    """Those that a program may want to tell apart."""
    responses = operation_of(found("POST", "/gateway/config"))["responses"]

    assert {"200", "409", "412", "422", "default"} == set(responses)


def test_its_schemas_are_schemas() -> None:
    """And each reference leads somewhere; nothing stands there unused."""
    used = set(re.findall(r"#/components/schemas/(\w+)", str(DOCUMENT)))

    assert used == set(DOCUMENT["components"]["schemas"])
    for schema in [*schemas(DOCUMENT["paths"]), *DOCUMENT["components"]["schemas"].values()]:
        Draft202012Validator.check_schema(schema)


def test_what_has_a_name_is_referred_to() -> None:
    """Also within another schema."""
    items = DOCUMENT["components"]["schemas"]["Service"]["properties"]["instances"]["items"]

    assert {"$ref": "#/components/schemas/Instance"} == items


@pytest.mark.parametrize("endpoint", ROWS)
def test_who_may_is_said(endpoint: Endpoint) -> None:
    """By a scheme that programs know, and by the role."""
    operation = operation_of(endpoint)

    assert ([{"token": []}] if endpoint.role else []) == operation["security"]
    assert (str(endpoint.role) if endpoint.role else None) == operation.get("x-role")
    assert bool(endpoint.takes) == ("requestBody" in operation)
    assert "bearer" == DOCUMENT["components"]["securitySchemes"]["token"]["scheme"]


def full() -> MemoryNode:
    """With something that may be taken out."""
    node = MemoryNode()
    node.known["added"] = service("added", "admin", "http://a:1")
    node.ways.append(rule(2, "added", "admin"))
    return node


@pytest.mark.parametrize("endpoint", ROWS)
async def test_a_good_answer_is_what_it_says(admin: StartAdmin, endpoint: Endpoint) -> None:
    """Its status is one of those of the row, its body fits."""
    answer = await ask(await admin(full()), endpoint)

    assert answer.status in endpoint.answers
    check(endpoint, answer)


@pytest.mark.parametrize("endpoint", ROWS)
async def test_a_bad_answer_is_what_it_says(admin: StartAdmin, endpoint: Endpoint) -> None:
    """Each of them is a problem."""
    node = full()
    started = await admin(node)
    for wrong in ("host", "method", "page", "node"):
        answer = await fail(started, node, endpoint, wrong)
        is_problem = answer.get("content-type") == "application/problem+json"

        assert is_problem or answer.status < 400
        if is_problem:
            assert answer.status == answer.json()["status"]
            check(endpoint, answer)


async def fail(admin: Admin, node: MemoryNode, endpoint: Endpoint, wrong: str) -> Answer:
    if wrong == "host":
        return await admin.ask(endpoint.method, endpoint.path.format(name="x", id="y"), host="evil.example")
    if wrong == "method":
        return await admin.ask("PUT", endpoint.path.format(name="x", id="y"))
    if wrong == "page":
        return await admin.ask(
            endpoint.method, endpoint.path.format(name="x", id="y"), headers={"Origin": "null"}
        )
    node.known, node.ways, node.problems = {}, [], [PROBLEM]
    return await ask(admin, endpoint)


async def test_it_is_served(admin: StartAdmin) -> None:
    """As it is."""
    assert DOCUMENT == (await ask(await admin(), found("GET", "/openapi.json"))).json()


@pytest.mark.parametrize("status", [200, 503])
async def test_readiness_has_two_answers(admin: StartAdmin, status: int) -> None:
    """Both are described."""
    node = MemoryNode()
    node.state = "running" if status == 200 else "draining"
    row = found("GET", "/readyz")
    answer = await ask(await admin(node), row)

    assert status == answer.status
    check(row, answer)

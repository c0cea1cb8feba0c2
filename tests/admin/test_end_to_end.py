"""Every endpoint of a real gateway, with real services behind it; each answer is one that the document describes."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import orjson
import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from gatekeeper.admin.table import ENDPOINTS
from gatekeeper.config.addresses import Listen
from gatekeeper.config.model import GatewayConfig
from gatekeeper.testing import (
    Answer,
    Client,
    Connection,
    LiveGateway,
    Origin,
    StartGateway,
    StartOrigin,
    answer,
)
from gatekeeper.version import VERSION
from tests.admin.asking import DOCUMENT, TOKENS, check, found
from tests.admin.test_users import digest


EMPTY = "version: 1\nroutes: {all: {match: /**, filters: [static: {status: 204}]}}\n"
CONFIG = """\
version: 1
services:
  users: {{instances: [{a}, {b}], health: {{http: /health, every: 1h}}}}
  bare: {a}
routes:
  users: {{match: /users/**, to: users}}
  bare: {{match: /bare, to: bare}}
"""
USERS = "\n".join(
    [
        "admin:",
        "  users:",
        *(f"    {name}: {{role: {name}, token_sha256: {digest(token)}}}" for name, token in TOKENS.items()),
        "",
    ]
)


async def ask(
    gw: LiveGateway,
    method: str,
    path: str,
    row: str,
    body: Any = None,
    *,
    token: str = "",
    headers: dict[str, str] | None = None,
) -> Answer:
    """Send a request, and hold the answer against the document."""
    fields = {**(headers or {}), **({"Authorization": f"Bearer {token}"} if token else {})}
    data = b""
    if body is not None:
        data = body if isinstance(body, bytes) else orjson.dumps(body)
        fields.setdefault("Content-Type", "application/json")
    seen = await gw.admin.request(method, path, fields, data, host="localhost")
    check(found(method, row), seen)
    return seen


@attrs.frozen
class Pair:
    """A gateway before two origins."""

    gw: LiveGateway
    a: Origin
    b: Origin

    @property
    def ids(self) -> list[str]:
        return [self.a.url, self.b.url]


Start = Callable[..., Any]


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a gateway reads again: the file of its name in the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path / "gateway.yaml"


@pytest.fixture
def pair(gateway: StartGateway, origin: StartOrigin, file: Path) -> Start:
    """Start them."""

    async def start() -> Pair:
        a, b = await origin(), await origin()
        for one in (a, b):
            one.always(answer(200, json={"at": one.url}))
        text = CONFIG.format(a=a.url, b=b.url)
        await asyncio.to_thread(file.write_text, text)
        return Pair(await gateway(text, checks=True), a, b)

    return start


def quoted(instance: str) -> str:
    return instance.replace("/", "%2F")


async def asked(gw: LiveGateway, path: str = "/users/1", times: int = 6) -> set[str]:
    """Which instances answer."""
    return {(await gw.get(path)).json()["at"] for _ in range(times)}


# ---- what there is --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/metrics"])
async def test_metrics_count_what_was_answered(gateway: StartGateway, path: str) -> None:
    """In the format that Prometheus asks for."""
    gw = await gateway(EMPTY)
    await gw.get()
    await gw.record()

    plain = await ask(gw, "GET", path, path)
    new = await ask(gw, "GET", path, path, headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    assert (plain.get("content-type") or "").startswith("text/plain")
    assert (new.get("content-type") or "").startswith("application/openmetrics-text")
    parsers: list[Any] = [parse_text, parse_openmetrics]
    for families in (parsers[0](plain.text), parsers[1](new.text)):
        samples = {
            sample.name: sample.value
            for family in families
            for sample in family.samples
            if sample.labels.get("route") == "all"
        }
        assert 1.0 == samples["gatekeeper_requests_total"]


async def test_the_status(gateway: StartGateway) -> None:
    """Version, revision, state, listeners."""
    gw = await gateway(EMPTY)
    status = (await ask(gw, "GET", "/", "/")).json()

    assert (VERSION, 1, "running", True) == tuple(
        status[name] for name in ("version", "revision", "state", "ready")
    )
    assert gw.addresses == status["listeners"]


@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz"])
async def test_it_is_well(gateway: StartGateway, path: str) -> None:
    """For whoever asks."""
    assert 200 == (await ask(await gateway(EMPTY + USERS), "GET", path, path)).status


async def test_readiness_ends_with_the_drain(gateway: StartGateway) -> None:
    """Balancers look elsewhere before anything is closed."""
    gw = await gateway(EMPTY)
    bare = (await ask(gw, "GET", "/readyz", "/readyz")).json()
    await gw.apply("version: 2\n")
    refused = (await ask(gw, "GET", "/readyz", "/readyz")).json()

    assert (True, "running", 1, None) == (bare["ready"], bare["state"], bare["revision"], bare["error"])
    assert (True, 1, True) == (refused["ready"], refused["revision"], bool(refused["error"]))


async def test_metrics_as_json(pair: Start) -> None:
    """The gateway's own, the process's, and those of requests."""
    seen = await pair()
    for _ in range(4):
        await seen.gw.get("/users/1")
    await seen.gw.record(4)

    samples = (await ask(seen.gw, "GET", "/api/v1/metrics/json", "/api/v1/metrics/json")).json()
    system = (await ask(seen.gw, "GET", "/api/v1/metrics/system", "/api/v1/metrics/system")).json()
    requests = (await ask(seen.gw, "GET", "/api/v1/metrics/requests", "/api/v1/metrics/requests")).json()

    assert 4 == sum(sample["value"] for sample in samples["gatekeeper_requests_total"]["samples"])
    assert system["memory_resident"] > 1_000_000
    assert (4, {"2xx": 4}) == (requests["total"], requests["by_status"])
    assert (4, 0) == (requests["by_route"]["users"]["requests"], requests["by_route"]["users"]["errors"])
    assert 4 == requests["by_service"]["users"]["requests"]


async def test_services(pair: Start) -> None:
    """With their instances; one of them; none of that name."""
    seen = await pair()
    services = (await ask(seen.gw, "GET", "/gateway/services", "/gateway/services")).json()
    row = "/gateway/services/{name}"
    one = (await ask(seen.gw, "GET", "/gateway/services/users", row)).json()
    missing = await ask(seen.gw, "GET", "/gateway/services/nobody", row)

    assert ["users", "bare"] == [service["name"] for service in services]
    assert seen.ids == [instance["id"] for instance in one["instances"]]
    assert ("file", "http", None) == (one["source"], one["health"]["kind"], services[1]["health"])
    assert 404 == missing.status
    assert "users, bare" in missing.json()["detail"]


async def test_rules(pair: Start) -> None:
    """In matching order."""
    rules = (await ask((await pair()).gw, "GET", "/gateway/routing-rules", "/gateway/routing-rules")).json()

    assert {"users", "bare"} == {rule["route"] for rule in rules}
    assert [1, 2] == [rule["rank"] for rule in rules]


async def test_the_configuration(pair: Start) -> None:
    """The same as YAML and as JSON, with a tag."""
    seen = await pair()
    text = await ask(seen.gw, "GET", "/gateway/config", "/gateway/config")
    data = await ask(
        seen.gw, "GET", "/gateway/config", "/gateway/config", headers={"Accept": "application/json"}
    )

    assert yaml.safe_load(text.text) == data.json()
    assert text.get("etag") == data.get("etag")
    assert (text.get("etag") or "").startswith('"')
    assert 1 == data.json()["version"]


CANARY = """\
services: {bare: "http://127.0.0.1:1"}
routes:
  keyed:
    match: /keyed
    to: bare
    filters: [transform: {request: {headers: {set: {x-key: "${CANARY}", x-more: "Bearer ${CANARY}"}}}}]
"""


async def test_adm_09_no_secret_is_shown(gateway: StartGateway) -> None:
    """Neither hashes of tokens, nor what variables put in, wherever it is asked for."""
    gw = await gateway("version: 1\n" + CANARY + USERS, environ={"CANARY": "canary-7f3a"})
    paths = [
        endpoint.path
        for endpoint in ENDPOINTS
        if endpoint.method == "GET" and "{" not in endpoint.path and endpoint.path != "/api/v1/metrics"
    ]
    token = TOKENS["admin"]
    seen = [
        *[await ask(gw, "GET", path, path, token=token) for path in paths],
        await ask(gw, "GET", "/gateway/services/bare", "/gateway/services/{name}", token=token),
        await ask(
            gw,
            "GET",
            "/gateway/config",
            "/gateway/config",
            token=token,
            headers={"Accept": "application/json"},
        ),
    ]
    bodies = b"".join(one.body for one in seen)

    assert {200} == {one.status for one in seen}
    assert b"x-key" in bodies
    assert b"canary-7f3a" not in bodies
    assert not any(digest(one).encode() in bodies or one.encode() in bodies for one in TOKENS.values())


async def test_the_document(gateway: StartGateway) -> None:
    """As it is."""
    assert DOCUMENT == (await ask(await gateway(EMPTY), "GET", "/openapi.json", "/openapi.json")).json()


# ---- what acts ------------------------------------------------------------------------------------------------------


CHECK = "/gateway/services/{name}/health-check"
INSTANCE = "/gateway/services/{name}/instances/{id}"


async def test_a_check(pair: Start) -> None:
    """Of all instances, now; a service without checks says so."""
    seen = await pair()
    good = await ask(seen.gw, "POST", "/gateway/services/users/health-check", CHECK)
    none = await ask(seen.gw, "POST", "/gateway/services/bare/health-check", CHECK)
    missing = await ask(seen.gw, "POST", "/gateway/services/x/health-check", CHECK)

    assert [(name, "ok") for name in seen.ids] == [(one["id"], one["outcome"]) for one in good.json()]
    assert [422, 404] == [none.status, missing.status]
    service = (await ask(seen.gw, "GET", "/gateway/services/users", "/gateway/services/{name}")).json()
    assert ["healthy", "healthy"] == [one["health"]["status"] for one in service["instances"]]


@pytest.mark.parametrize("change", ["drain", "disable"])
async def test_an_instance_is_taken_out_and_in(pair: Start, change: str) -> None:
    """From the next request on."""
    seen = await pair()
    path = f"/gateway/services/users/instances/{quoted(seen.a.url)}"
    assert set(seen.ids) == await asked(seen.gw)

    out = await ask(seen.gw, "PATCH", path, INSTANCE, {change: True})
    assert (200, {"drain": "draining", "disable": "disabled"}[change]) == (out.status, out.json()["state"])
    assert {seen.b.url} == await asked(seen.gw)

    back = await ask(seen.gw, "PATCH", path, INSTANCE, {"drain": False, "disable": False})
    assert "fit" == back.json()["state"]
    assert set(seen.ids) == await asked(seen.gw)


async def test_a_weight(pair: Start) -> None:
    """Beside the one that the file has."""
    seen = await pair()
    path = f"/gateway/services/users/instances/{quoted(seen.a.url)}"
    made = (await ask(seen.gw, "PATCH", path, INSTANCE, {"weight": 5})).json()

    assert (5, 1) == (made["weight"], made["configured_weight"])
    served = [(await seen.gw.get("/users/1")).json()["at"] for _ in range(12)]
    assert 10 == served.count(seen.a.url)


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/gateway/services/x/instances/y", {"drain": True}, 404),
        ("/gateway/services/users/instances/y", {"drain": True}, 404),
        ("/gateway/services/users/instances/y", {"state": "fit"}, 422),
        ("/gateway/services/users/instances/y", {}, 422),
    ],
)
async def test_an_instance_that_is_not_changed(pair: Start, path: str, body: Any, status: int) -> None:
    """It is said why."""
    assert status == (await ask((await pair()).gw, "PATCH", path, INSTANCE, body)).status


async def test_a_reload(gateway: StartGateway, file: Path) -> None:
    """What the file says now; or all that is wrong with it."""
    await asyncio.to_thread(file.write_text, EMPTY)
    gw = await gateway(file)
    await asyncio.to_thread(file.write_text, EMPTY.replace("204", "205"))
    good = await ask(gw, "POST", "/gateway/reload", "/gateway/reload")
    after = await gw.get()
    await asyncio.to_thread(file.write_text, EMPTY.replace("routes", "rotues"))
    bad = await ask(gw, "POST", "/gateway/reload", "/gateway/reload")

    assert (200, True, 205) == (good.status, good.json()["applied"], after.status)
    assert (422, False) == (bad.status, bad.json()["applied"])
    assert "did you mean `routes`?" in bad.json()["detail"]
    assert ("error", 2) == tuple(bad.json()["problems"][0][name] for name in ("severity", "line"))
    assert 205 == (await gw.get()).status


async def test_the_end(gateway: StartGateway) -> None:
    """A gateway within another program is ended by that."""
    answered = await ask(await gateway(EMPTY), "POST", "/gateway/drain", "/gateway/drain")

    assert (422, True) == (answered.status, "part of another program" in answered.json()["detail"])


# ---- what changes the configuration ---------------------------------------------------------------------------------


async def test_a_service_and_a_route_come_and_go(pair: Start, origin: StartOrigin) -> None:
    """In force when the answer comes."""
    seen, gw = (started := await pair()), started.gw
    body = {"name": "orders", "instances": [seen.a.url]}
    made = await ask(gw, "POST", "/gateway/services", "/gateway/services", body)
    assert (201, "admin", "/gateway/services/orders") == (
        made.status,
        made.json()["source"],
        made.get("location"),
    )
    rule = {"name": "orders", "match": "/orders", "to": "orders"}
    route = await ask(gw, "POST", "/gateway/routing-rules", "/gateway/routing-rules", rule)
    assert (201, ["orders"]) == (route.status, [one["route"] for one in route.json()])
    assert {seen.a.url} == await asked(gw, "/orders")

    used = await ask(gw, "DELETE", "/gateway/services/orders", "/gateway/services/{name}")
    assert 422 == used.status
    row = "/gateway/routing-rules/{name}"
    assert [204, 404] == [
        (await ask(gw, "DELETE", "/gateway/routing-rules/orders", row)).status for _ in range(2)
    ]
    assert 404 == (await gw.get("/orders")).status
    assert [204, 404] == [
        (await ask(gw, "DELETE", "/gateway/services/orders", "/gateway/services/{name}")).status
        for _ in range(2)
    ]


async def test_adm_10_who_leads_here_is_told(gateway: StartGateway) -> None:
    """An instance that is this listener itself, or where a cloud keeps credentials: a warning, as `check` gives it."""
    own = f"127.0.0.1:{free_port()}"

    def fixed(config: GatewayConfig) -> GatewayConfig:
        return attrs.evolve(config, admin=attrs.evolve(config.admin, listen=Listen.parse(own)))

    text = f"{EMPTY}admin: {{listen: '{own}'}}\n"
    gw = await gateway(text, change=fixed)
    service = {"name": "x", "instances": [f"http://{own}", "http://169.254.169.254", "http://a"]}
    made = await ask(gw, "POST", "/gateway/services", "/gateway/services", service)
    more = await ask(
        gw,
        "POST",
        "/gateway/services/x/instances",
        "/gateway/services/{name}/instances",
        {"url": f"http://{own.replace('127.0.0.1', 'localhost')}"},
    )
    path = "/gateway/config"
    whole = f"{text}services: {{own: 'http://{own}'}}\n".encode()
    applied = await ask(gw, "POST", path, path, whole, headers=YAML)
    plain = {"name": "z", "instances": ["http://b"]}

    assert [201, 201, 200] == [made.status, more.status, applied.status]
    assert [
        ("services.x.instances[0]", "warning", True),
        ("services.x.instances[1]", "warning", False),
    ] == [_told(problem) for problem in made.json()["problems"]]
    assert ("services.x.instances", "warning", True) in map(_told, more.json()["problems"])
    assert ("services.own", "warning", True) in map(_told, applied.json()["problems"])
    assert "problems" not in (await ask(gw, "POST", "/gateway/services", "/gateway/services", plain)).json()
    assert "problems" not in (await ask(gw, "GET", "/gateway/services/x", "/gateway/services/{name}")).json()


def _told(problem: dict[str, Any]) -> tuple[str, str, bool]:
    return problem["path"], problem["severity"], "`admin.listen` of this gateway" in problem["message"]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def test_what_the_file_has_is_the_files(pair: Start) -> None:
    """It is changed there."""
    seen, gw = (started := await pair()), started.gw
    service = {"name": "users", "instances": [seen.a.url]}
    rule = {"name": "users", "match": "/x", "to": "users"}
    statuses = [
        (await ask(gw, "POST", "/gateway/services", "/gateway/services", service)).status,
        (await ask(gw, "DELETE", "/gateway/services/users", "/gateway/services/{name}")).status,
        (await ask(gw, "POST", "/gateway/routing-rules", "/gateway/routing-rules", rule)).status,
        (await ask(gw, "DELETE", "/gateway/routing-rules/users", "/gateway/routing-rules/{name}")).status,
        (await ask(gw, "DELETE", f"/gateway/services/users/instances/{quoted(seen.a.url)}", INSTANCE)).status,
    ]

    assert [409] * 5 == statuses


@pytest.mark.parametrize(
    ("row", "body", "said"),
    [
        ("/gateway/services", {"name": "x", "instances": []}, "instances"),
        ("/gateway/services", {"name": "x", "instances": ["a"]}, "http://a"),
        ("/gateway/services", {"name": "X", "instances": ["http://a"]}, "X"),
        pytest.param(
            "/gateway/services",
            {"name": "x", "instances": ["file:///etc/passwd"]},
            "`file` is no scheme of an instance",
            id="ADM-10-file",
        ),
        pytest.param(
            "/gateway/services",
            {"name": "x", "instances": ["http://me:secret@a"]},
            "credentials do not stand in an address",
            id="ADM-10-credentials",
        ),
        ("/gateway/services", {"name": "x", "instances": ["http://a"], "balanec": "random"}, "balance"),
        ("/gateway/routing-rules", {"name": "x", "match": "/x", "to": "usres"}, "users"),
        ("/gateway/routing-rules", {"name": "x", "match": "x", "to": "users"}, "/"),
    ],
)
async def test_what_is_wrong_is_said(pair: Start, row: str, body: Any, said: str) -> None:
    """As `check` would."""
    seen = await ask((await pair()).gw, "POST", row, row, body)

    assert 422 == seen.status
    assert said in seen.json()["detail"]


async def test_an_instance_comes_and_goes(pair: Start, origin: StartOrigin) -> None:
    """It gets requests as those of the file do."""
    seen = await pair()
    third = await origin()
    third.always(answer(200, json={"at": third.url}))
    row = "/gateway/services/{name}/instances"
    made = await ask(seen.gw, "POST", "/gateway/services/users/instances", row, {"url": third.url})

    assert (201, [*seen.ids, third.url]) == (made.status, [one["id"] for one in made.json()["instances"]])
    assert {*seen.ids, third.url} == await asked(seen.gw)
    path = f"/gateway/services/users/instances/{quoted(third.url)}"
    assert [204, 404] == [(await ask(seen.gw, "DELETE", path, INSTANCE)).status for _ in range(2)]
    assert set(seen.ids) == await asked(seen.gw)
    assert (
        404 == (await ask(seen.gw, "POST", "/gateway/services/x/instances", row, {"url": third.url})).status
    )


CHANGED = EMPTY.replace("204", "205").encode()
YAML = {"Content-Type": "application/yaml"}


async def test_a_whole_configuration(gateway: StartGateway) -> None:
    """First looked at, then put in force; of two who edit, the second one is told."""
    gw = await gateway(EMPTY)
    path = "/gateway/config"
    tag = (await ask(gw, "GET", path, path)).get("etag") or ""
    dry = await ask(gw, "POST", f"{path}?dry_run=true", path, CHANGED, headers=YAML)
    assert (200, False, 204) == (dry.status, dry.json()["applied"], (await gw.get()).status)

    first = await ask(gw, "POST", path, path, CHANGED, headers={**YAML, "If-Match": tag})
    assert (200, True, 205) == (first.status, first.json()["applied"], (await gw.get()).status)
    second = await ask(gw, "POST", path, path, EMPTY.encode(), headers={**YAML, "If-Match": tag})
    assert (412, 205) == (second.status, (await gw.get()).status)


async def test_what_is_not_shown_is_not_taken_back(gateway: StartGateway) -> None:
    """ADM-09: `***` is a secret to nobody. The place is told, so that it can be filled in."""
    gw = await gateway(EMPTY + USERS)
    path, token = "/gateway/config", TOKENS["admin"]
    shown = await ask(gw, "GET", path, path, token=token)

    back = await ask(gw, "POST", path, path, shown.body, token=token, headers=YAML)

    assert 422 == back.status
    stars = "`***` stands for what is not shown; write the value, or the `${...}` that brings it"
    assert {(f"admin.users.{name}.token_sha256", stars) for name in TOKENS} == {
        (problem["path"], problem["message"]) for problem in back.json()["problems"]
    }
    assert all(problem["line"] for problem in back.json()["problems"])
    filled = shown.body
    for name, text in TOKENS.items():
        filled = filled.replace(
            f"role: {name}, token_sha256: '***'".encode(),
            f"role: {name}, token_sha256: {digest(text)}".encode(),
        )
    assert 200 == (await ask(gw, "POST", path, path, filled, token=token, headers=YAML)).status


async def test_a_whole_configuration_in_json(gateway: StartGateway) -> None:
    """What GET gives, POST takes."""
    gw = await gateway(EMPTY)
    path = "/gateway/config"
    data = (await ask(gw, "GET", path, path, headers={"Accept": "application/json"})).json()
    data["routes"]["all"]["filters"][0]["static"]["status"] = 205
    seen = await ask(gw, "POST", path, path, data)

    assert (200, 205) == (seen.status, (await gw.get()).status)


@pytest.mark.parametrize("query", ["", "?dry_run=true"])
async def test_a_whole_configuration_that_is_refused(gateway: StartGateway, query: str) -> None:
    """With every problem; what runs, runs on."""
    gw = await gateway(EMPTY)
    body = EMPTY.replace("static: {status", "static: {staus").encode() + b"server: {drain: 30}\n"
    seen = await ask(gw, "POST", f"/gateway/config{query}", "/gateway/config", body, headers=YAML)

    assert 422 == seen.status
    assert {"routes.all.filters[0].static.staus", "server.drain"} == {
        problem["path"] for problem in seen.json()["problems"] if problem["severity"] == "error"
    }
    assert 204 == (await gw.get()).status


# ---- who may --------------------------------------------------------------------------------------------------------


async def test_users_of_the_configuration(gateway: StartGateway) -> None:
    """Each with its role."""
    gw = await gateway(EMPTY + USERS)
    statuses = {
        name: (
            (await ask(gw, "GET", "/", "/", token=token)).status,
            (await ask(gw, "POST", "/gateway/services/x/health-check", CHECK, token=token)).status,
            (
                await ask(
                    gw,
                    "POST",
                    "/gateway/config?dry_run=true",
                    "/gateway/config",
                    CHANGED,
                    token=token,
                    headers=YAML,
                )
            ).status,
        )
        for name, token in {"nobody": "", **TOKENS}.items()
    }

    assert {
        "nobody": (401, 401, 401),
        "viewer": (200, 403, 403),
        "operator": (200, 404, 403),
        "admin": (200, 404, 200),
    } == statuses


async def test_adm_02_beyond_loopback_with_users(gateway: StartGateway) -> None:
    """Whatever it is called."""

    def everywhere(config: GatewayConfig) -> GatewayConfig:
        return attrs.evolve(config, admin=attrs.evolve(config.admin, listen=Listen("0.0.0.0", 0)))

    gw = await gateway(EMPTY + USERS, change=everywhere)
    client = Client(gw.gateway.admin_address.replace("0.0.0.0:", "127.0.0.1:"))
    fields = {"Authorization": f"Bearer {TOKENS['viewer']}"}
    statuses = [(await client.get("/", headers, host="gateway.example")).status for headers in ({}, fields)]
    await client.close()

    assert [401, 200] == statuses


async def test_adm_01_a_route_that_leads_here_does_not_pass(gateway: StartGateway) -> None:
    """A client of the data side is not on this machine, even if the gateway is."""
    gw = await gateway(EMPTY)
    admin = gw.gateway.admin_address
    await gw.apply(
        f"version: 1\nservices: {{self: {{instances: ['http://{admin}'], host_header: upstream}}}}\n"
        "routes: {all: {match: /**, to: self}}\n"
    )
    seen = await gw.get("/gateway/config", {"X-Real-IP": "127.0.0.1", "Host": "localhost"})

    assert 403 == seen.status
    assert "came through a proxy" in seen.json()["detail"]


DATA_SIDE = "version: 1\nroutes: {all: {match: /**, filters: [static: {status: 299}]}}\n"


@pytest.mark.parametrize(
    "path", ["/", "/metrics", "/gateway/services", "/gateway/config", "/openapi.json", "/plugins/x"]
)
@pytest.mark.parametrize(
    ("target", "headers"),
    [
        pytest.param("{path}", "Host: localhost", id="ADM-01-host-localhost"),
        pytest.param("{path}", "Host: {admin}", id="ADM-01-host-of-the-admin-listener"),
        pytest.param("http://{admin}{path}", "Host: {admin}", id="ADM-01-absolute-form"),
        pytest.param("http://{admin}{path}", "Host: a.example", id="ADM-01-absolute-form-and-another-host"),
        pytest.param("{path}", "Host: a.example\r\nX-Real-IP: 127.0.0.1", id="ADM-01-x-real-ip"),
        pytest.param("{path}", "Host: localhost\r\nX-Forwarded-For: 127.0.0.1", id="ADM-01-x-forwarded-for"),
        pytest.param("{path}", "Host: localhost\r\nX-Forwarded-Host: {admin}", id="ADM-01-x-forwarded-host"),
        pytest.param(
            "{path}", 'Host: localhost\r\nForwarded: for=127.0.0.1;host="{admin}"', id="ADM-01-forwarded"
        ),
        pytest.param("{path}", "Host: localhost\r\nX-Original-URL: {path}", id="ADM-01-x-original-url"),
        pytest.param("//{admin}{path}", "Host: {admin}", id="ADM-01-two-slashes"),
    ],
)
async def test_the_data_listener_does_not_answer_for_it(
    gateway: StartGateway, target: str, headers: str, path: str
) -> None:
    """Whatever a request says of itself: a route answers, or nobody."""
    gw = await gateway(DATA_SIDE)
    words = {"admin": gw.gateway.admin_address, "path": path}
    head = f"GET {target.format(**words)} HTTP/1.1\r\n{headers.format(**words)}\r\nConnection: close\r\n\r\n"

    seen = await gw.raw(head.encode())

    assert b"HTTP/1.1 299 " == seen[:13]


async def test_there_may_be_none(gateway: StartGateway) -> None:
    """`admin.listen: false`."""
    gw = await gateway(EMPTY + "admin: {listen: false}\n")

    assert "" == gw.gateway.admin_address
    assert 204 == (await gw.get()).status


async def test_a_request_without_a_host_gets_nothing(gateway: StartGateway) -> None:
    """And nobody is asked what this machine is called."""
    gw = await gateway(EMPTY)
    connection = await Connection.open(gw.admin.address)
    await connection.send(b"GET /metrics HTTP/1.0\r\n\r\n")

    seen = await connection.rest()
    await connection.close()

    assert b" 403 " in seen.partition(b"\r\n")[0]

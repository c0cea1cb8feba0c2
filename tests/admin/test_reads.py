"""What only looks: what comes back, and in which form."""

import pytest
import yaml

from gatekeeper.admin.reads import prefers_json
from gatekeeper.admin.users import User
from tests.admin.conftest import StartAdmin
from tests.admin.memory import ETAG, TEXT, MemoryNode
from tests.admin.test_users import digest


USERS = [User("v", "viewer", digest("v-token"))]


@pytest.mark.parametrize("path", ["/healthz", "/livez"])
async def test_alive(admin: StartAdmin, path: str) -> None:
    """The loop answers, whatever the state is, whoever asks."""
    node = MemoryNode()
    node.state = "draining"
    node.failure = RuntimeError("not even asked")
    answer = await (await admin(node, users=USERS)).ask("GET", path)

    assert (200, {"status": "ok"}) == (answer.status, answer.json())


@pytest.mark.parametrize(
    ("state", "status"), [("running", 200), ("starting", 503), ("draining", 503)], ids=str
)
async def test_ready(admin: StartAdmin, state: str, status: int) -> None:
    """Balancers ask without a token, and are told nothing but that."""
    node = MemoryNode()
    node.state, node.error = state, "routes.users.to: no service"
    started = await admin(node, users=USERS)
    bare, full = await started.ask("GET", "/readyz"), await started.ask("GET", "/readyz", "v-token")

    assert [status, status] == [bare.status, full.status]
    assert {"ready": status == 200} == bare.json()
    assert {
        "ready": status == 200,
        "state": state,
        "revision": 3,
        "loaded_at": 1.7e9,
        "error": "routes.users.to: no service",
        "error_at": None,
    } == full.json()


async def test_ready_on_the_machine_itself(admin: StartAdmin) -> None:
    """Without users everybody there is told all of it."""
    assert "state" in (await (await admin()).ask("GET", "/readyz")).json()


async def test_the_status(admin: StartAdmin) -> None:
    """As the node has it."""
    node = MemoryNode()

    assert await node.status() == (await (await admin(node)).ask("GET", "/")).json()


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/metrics"])
async def test_metrics_as_asked(admin: StartAdmin, path: str) -> None:
    """In one of the formats of Prometheus."""
    started = await admin()
    plain = await started.ask("GET", path)
    new = await started.ask("GET", path, headers={"Accept": "application/openmetrics-text"})

    assert ["text/plain; version=0.0.4; charset=utf-8", "application/openmetrics-text; version=1.0.0"] == [
        plain.get("content-type"),
        new.get("content-type"),
    ]
    assert (b"gatekeeper_x 1\n", b"gatekeeper_x 1\n# EOF\n") == (plain.body, new.body)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/v1/metrics/json", "metrics"),
        ("/api/v1/metrics/system", "system"),
        ("/api/v1/metrics/requests", "requests"),
        ("/gateway/services", "services"),
        ("/gateway/routing-rules", "rules"),
    ],
)
async def test_plain_data_goes_through(admin: StartAdmin, path: str, method: str) -> None:
    """As the node has it."""
    node = MemoryNode()

    assert await getattr(node, method)() == (await (await admin(node)).ask("GET", path)).json()


async def test_one_service(admin: StartAdmin) -> None:
    """By its name."""
    node = MemoryNode()
    started = await admin(node)
    good, missing = [await started.ask("GET", f"/gateway/services/{name}") for name in ("users", "x")]

    assert node.known["users"] == good.json()
    assert (404, "no service x; there are users, sockets") == (missing.status, missing.json()["detail"])


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        pytest.param(None, False, id="nothing"),
        pytest.param("*/*", False, id="anything"),
        pytest.param("application/json", True, id="json"),
        pytest.param("Application/JSON", True, id="in-any-case"),
        pytest.param("text/html, application/json;q=0.9", True, id="json-at-last"),
        pytest.param("application/yaml", False, id="yaml"),
        pytest.param("application/json, application/yaml", False, id="both"),
        pytest.param("application/yaml;q=0.5, application/json;q=0.9", True, id="json-rather"),
        pytest.param("application/yaml, application/json;q=0.9", False, id="yaml-rather"),
        pytest.param("application/json;q=0", False, id="no-json"),
        pytest.param("application/json;q=x", False, id="nonsense"),
        pytest.param("application/json;v=1; Q=1", True, id="other-parameters"),
    ],
)
async def test_the_configuration_as_asked(admin: StartAdmin, accept: str | None, json: bool) -> None:
    """YAML unless JSON is asked for; the same configuration, and the same tag."""
    headers = {} if accept is None else {"Accept": accept}
    answer = await (await admin()).ask("GET", "/gateway/config", headers=headers)

    assert json == prefers_json(accept or "")
    assert ("application/json" if json else "application/yaml") == (answer.get("content-type") or "")
    assert (ETAG, "Accept") == (answer.get("etag"), answer.get("vary"))
    assert yaml.safe_load(TEXT) == yaml.safe_load(answer.text)
    assert json or answer.text == TEXT


async def test_adm_07_what_a_client_wrote_is_data(admin: StartAdmin) -> None:
    """JSON, never a page: a type that no browser runs."""
    answer = await (await admin()).ask("GET", "/api/v1/metrics/json", headers={"Accept": "text/html"})

    assert b"<img src=x" in answer.body
    assert ("application/json", "nosniff") == (
        answer.get("content-type"),
        answer.get("x-content-type-options"),
    )

"""The table, walked through: every endpoint, by everybody, in every spelling."""

from collections.abc import Iterator

import pytest

from gatekeeper.admin.endpoint import Endpoint
from gatekeeper.admin.table import ENDPOINTS
from gatekeeper.admin.users import Role, User
from tests.admin.asking import TOKENS, ask, body, key, target
from tests.admin.conftest import Admin, StartAdmin
from tests.admin.memory import MemoryNode, rule, service
from tests.admin.test_users import digest


USERS = [User(name, name, digest(token)) for name, token in TOKENS.items()]
ROWS = [pytest.param(endpoint, id=key(endpoint)) for endpoint in ENDPOINTS]
GUARDED = [pytest.param(endpoint, id=key(endpoint)) for endpoint in ENDPOINTS if endpoint.role is not None]

ROLES = {
    Role.OPERATOR: {
        "GET /gateway/keys",
        "POST /gateway/services/{name}/health-check",
        "PATCH /gateway/services/{name}/instances/{id}",
        "POST /gateway/reload",
        "POST /gateway/restart",
        "POST /gateway/drain",
    },
    Role.ADMIN: {
        "POST /gateway/services",
        "DELETE /gateway/services/{name}",
        "POST /gateway/services/{name}/instances",
        "DELETE /gateway/services/{name}/instances/{id}",
        "POST /gateway/routing-rules",
        "DELETE /gateway/routing-rules/{name}",
        "POST /gateway/config",
        "POST /gateway/keys",
        "POST /gateway/keys/{id}/rotate",
        "DELETE /gateway/keys/{id}",
    },
    None: {"GET /healthz", "GET /livez", "GET /readyz"},
}


def full() -> MemoryNode:
    """With something that may be taken out."""
    node = MemoryNode()
    node.known["added"] = service("added", "admin", "http://a:1")
    node.ways.append(rule(2, "added", "admin"))
    return node


def spellings(path: str) -> Iterator[str]:
    """Ways to write a path that some server reads as the same."""
    yield f"/{path}"
    yield f"{path}/"
    yield f"{path}//"
    yield f"/.{path}"
    yield f"/x/..{path}"
    yield f"/plugins/..{path}"
    yield f"/livez/..{path}"
    yield f"/livez;{path}"
    yield f"/livez%2f..{path}"
    yield f"/%2e{path}"
    yield f"/%2e%2e{path}"
    yield f"{path}%2f"
    yield f"{path}%00"
    yield f"{path}%20"
    yield f"{path};x=1"
    yield f"{path}?x=/livez"
    yield f"{path}?livez"
    yield path.upper()
    yield path.replace("/", "%2f")
    yield path.replace("/", "/%2e/")
    yield path.replace("/", "\\")
    yield "".join(f"%{ord(char):02x}" if char.isalpha() else char for char in path)


def test_the_roles() -> None:
    """Viewers read, operators act on what runs, admins change what is configured."""
    for role, keys in ROLES.items():
        assert keys == {key(endpoint) for endpoint in ENDPOINTS if endpoint.role is role}
    assert {"GET"} == {endpoint.method for endpoint in ENDPOINTS if endpoint.role in {None, Role.VIEWER}}


def test_no_row_stands_there_twice() -> None:
    """The second one would never be asked."""
    assert len(ENDPOINTS) == len({key(endpoint) for endpoint in ENDPOINTS})


@pytest.mark.parametrize("endpoint", ROWS)
async def test_adm_03_and_11_roles(admin: StartAdmin, endpoint: Endpoint) -> None:
    """Each endpoint, by each role: those below get 403, and nothing is done."""
    for name, token in TOKENS.items():
        node = full()
        started = await admin(node, users=USERS)
        answer = await ask(started, endpoint, token)
        may = endpoint.role is None or Role[name.upper()] >= endpoint.role

        assert may == (answer.status in endpoint.answers), name
        assert may or (answer.status == 403 and not node.calls)


@pytest.mark.parametrize("endpoint", GUARDED)
async def test_adm_03_without_a_token(admin: StartAdmin, endpoint: Endpoint) -> None:
    """Nothing, with a challenge."""
    node = full()
    answer = await ask(await admin(node, users=USERS), endpoint)

    assert (401, 'Bearer realm="gatekeeper admin"') == (answer.status, answer.get("www-authenticate"))
    assert [] == node.calls


@pytest.mark.parametrize("endpoint", ROWS)
async def test_adm_03_with_a_wrong_token(admin: StartAdmin, endpoint: Endpoint) -> None:
    """Nothing, not even where none is needed: whoever sends one wants to be somebody."""
    node = full()
    answer = await ask(await admin(node, users=USERS), endpoint, "x")

    assert 401 == answer.status
    assert [] == node.calls


async def every_way(admin: Admin, endpoint: Endpoint, token: str) -> list[tuple[int, bytes]]:
    """All spellings, and all methods that somebody might have forgotten: what came, with its status."""
    path, options = target(endpoint), body(endpoint)
    content, fields = options.get("body", b""), options.get("headers", {})
    plain: dict[str, str] = {}
    tries = [
        *((endpoint.method, spelt, plain) for spelt in spellings(path)),
        *(
            (method, path, plain)
            for method in ("HEAD", "OPTIONS", "PUT", "TRACE", "PROPFIND", "M-SEARCH", "get", "CONNECT", "X")
        ),
        *(
            (endpoint.method, path, more)
            for more in (
                {"Connection": "close, Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"},
                {"Connection": "close, Upgrade", "Upgrade": "h2c"},
                {"X-HTTP-Method-Override": "GET"},
                {"X-Original-URL": "/livez"},
                {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1"},
                {"Expect": "100-continue"},
            )
        ),
    ]
    found = []
    for method, spelt, more in tries:
        admin.clock.advance(61)
        head = {
            "Host": "localhost",
            "Connection": "close",
            "Content-Length": str(len(content)),
            **({"Authorization": f"Bearer {token}"} if token else {}),
            **fields,
            **more,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        seen = await admin.raw(f"{method} {spelt} HTTP/1.1\r\n{lines}\r\n".encode() + content)
        seen = seen.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
        found.append((int(seen.split(maxsplit=2)[1]), seen))
    return found


@pytest.mark.parametrize("token", ["", "x"], ids=["no-token", "wrong-token"])
@pytest.mark.parametrize("endpoint", GUARDED)
async def test_adm_03_nothing_goes_round_the_check(admin: StartAdmin, endpoint: Endpoint, token: str) -> None:
    """No spelling, no method, no upgrade: what is no request of ours (400, 415) is not even asked for a token."""
    node = full()
    seen = await every_way(await admin(node, users=USERS), endpoint, token)

    assert {401} == {status for status, _ in seen} - {400, 415}
    assert [] == node.calls
    assert not any(b"gatekeeper_x" in answer or b"http://a:1" in answer for _, answer in seen)


@pytest.mark.parametrize(
    "endpoint", [one for one in ENDPOINTS if one.role in {Role.OPERATOR, Role.ADMIN}], ids=key
)
async def test_adm_03_nothing_goes_round_the_role(admin: StartAdmin, endpoint: Endpoint) -> None:
    """As before, by somebody who may look."""
    node = full()
    seen = await every_way(await admin(node, users=USERS), endpoint, TOKENS["viewer"])

    assert {status for status, _ in seen} <= {200, 400, 403, 404, 405, 415}
    assert [] == node.calls

"""The listener: what every request passes, plugins, failures, and how it begins and ends."""

import asyncio
import hashlib
import logging
import re
import socket
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from gatekeeper.admin import server as module
from gatekeeper.admin.errors import Conflict, Stale
from gatekeeper.admin.server import AdminServer
from gatekeeper.admin.users import User
from gatekeeper.testing import Connection
from tests.admin.conftest import StartAdmin
from tests.admin.memory import MemoryNode
from tests.admin.test_users import digest


USERS = [User("vic", "viewer", digest("v-token")), User("ada", "admin", digest("a-token"))]
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", ["/nothing", "/plugins/", "/plugins/nobody/x", "/api/v1/", "/gateway", "//"])
async def test_what_is_not_there(admin: StartAdmin, path: str) -> None:
    """A problem that says where the list is."""
    answer = await (await admin()).ask("GET", path)

    assert (404, "application/problem+json") == (answer.status, answer.get("content-type"))
    assert "/openapi.json" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/metrics", "GET, HEAD"),
        ("OPTIONS", "/", "GET, HEAD"),
        ("GET", "/gateway/reload", "POST"),
        ("PUT", "/gateway/services", "GET, HEAD, POST"),
        ("PUT", "/gateway/services/x", "DELETE, GET, HEAD"),
        ("POST", "/gateway/services/x/instances/y", "DELETE, PATCH"),
    ],
)
async def test_a_method_that_is_not_there(admin: StartAdmin, method: str, path: str, allow: str) -> None:
    """With those that are."""
    answer = await (await admin()).ask(method, path)

    assert (405, allow) == (answer.status, answer.get("allow"))
    assert f"this path takes {allow}" == answer.json()["detail"]


async def test_only_who_may_look_learns_what_is_there(admin: StartAdmin) -> None:
    """Without a token every path is the same."""
    started = await admin(users=USERS)

    assert [401, 401, 401] == [(await started.ask("GET", path)).status for path in ("/", "/x", "/plugins/x")]
    assert [200, 404, 405] == [
        (await started.ask(method, path, "v-token")).status
        for method, path in (("GET", "/"), ("GET", "/x"), ("PUT", "/"))
    ]


async def test_head_is_get_without_a_body(admin: StartAdmin) -> None:
    """Also for those who only want to know whether it is there."""
    started = await admin()
    head, get = await started.ask("HEAD", "/"), await started.ask("GET", "/")

    assert (200, b"", get.get("content-length")) == (head.status, head.body, head.get("content-length"))


async def test_a_role_that_is_too_low_is_named(admin: StartAdmin) -> None:
    """So that the person knows whom to ask."""
    answer = await (await admin(users=USERS)).ask("POST", "/gateway/reload", "v-token")

    assert (403, "this needs the role `operator`, and `vic` is `viewer`") == (
        answer.status,
        answer.json()["detail"],
    )


async def test_adm_04_too_many_wrong_tokens(admin: StartAdmin) -> None:
    """The sixth answer says how long to wait; then it goes on."""
    started = await admin(users=USERS)
    answers = [await started.ask("GET", "/", f"wrong {number}") for number in range(6)]

    assert [401] * 5 + [429] == [answer.status for answer in answers]
    assert "1" == answers[-1].get("retry-after")
    assert 429 == (await started.ask("GET", "/", "a-token")).status
    assert 200 == (await started.ask("GET", "/livez")).status
    started.clock.advance(1.1)
    assert 200 == (await started.ask("GET", "/", "a-token")).status


async def test_two_tokens_are_none(admin: StartAdmin) -> None:
    """aiohttp, or whoever stands before it, might take the other one."""
    started = await admin(users=USERS)
    fields = [("Host", "localhost"), *[("Authorization", f"Bearer {name}-token") for name in ("a", "v")]]

    answer = await started.raw(
        b"GET / HTTP/1.1\r\nConnection: close\r\n"
        + b"".join(f"{name}: {value}\r\n".encode() for name, value in fields)
        + b"\r\n"
    )
    assert answer.split(maxsplit=2)[1] in {b"400", b"401"}


# ---- what the node says ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status", "detail"),
    [
        (LookupError("no service x"), 404, "no service x"),
        (Conflict("it is the file's"), 409, "it is the file's"),
        (Stale("read it again"), 412, "read it again"),
        (ValueError("weight is too large"), 422, "weight is too large"),
        (KeyError("secret"), 500, None),
        (IndexError("secret"), 500, None),
        (UnicodeDecodeError("utf-8", b"secret", 0, 1, "bad"), 500, None),
        (RuntimeError("secret"), 500, None),
    ],
    ids=repr,
)
async def test_what_a_node_refuses(
    admin: StartAdmin,
    error: Exception,
    status: int,
    detail: str | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """In its words; its mistakes are in the log, and nowhere else."""
    node = MemoryNode()
    node.failure = error
    answer = await (await admin(node)).ask("GET", "/")

    assert (status, detail or "the gateway failed to answer; its log says why") == (
        answer.status,
        answer.json()["detail"],
    )
    assert b"secret" not in answer.body
    assert (status == 500) == any(record.exc_info for record in caplog.records)


# ---- plugins --------------------------------------------------------------------------------------------------------


async def page(_request: web.Request) -> web.Response:
    return web.Response(text="hello", headers={"Access-Control-Allow-Origin": "*"})


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


async def fail(_request: web.Request) -> web.Response:
    raise LookupError("secret")


async def refuse(_request: web.Request) -> web.Response:
    raise web.HTTPConflict(text="not now")


async def talk(request: web.Request) -> web.WebSocketResponse:
    answer = web.WebSocketResponse()
    await answer.prepare(request)
    await answer.send_str("hello")
    await answer.close()
    return answer


PLUGINS = [
    (
        "acme",
        [
            web.get("/page", page),
            web.post("/echo", echo),
            web.get("/fail", fail),
            web.post("/refuse", refuse),
            web.get("/talk", talk),
        ],
    ),
    ("other", [web.get("/", page)]),
]


async def test_plugins_have_their_place(admin: StartAdmin) -> None:
    """Below their names."""
    started = await admin(plugins=PLUGINS)
    statuses = [
        (await started.ask("GET", path)).status
        for path in (
            "/plugins/acme/page",
            "/plugins/other/",
            "/page",
            "/plugins/acme/x",
            "/plugins/other/page",
        )
    ]

    assert [200, 200, 404, 404, 404] == statuses


@pytest.mark.parametrize(
    ("method", "path", "token", "status"),
    [
        ("GET", "page", "", 401),
        ("GET", "page", "v-token", 200),
        ("HEAD", "page", "v-token", 200),
        ("POST", "echo", "", 401),
        ("POST", "echo", "v-token", 403),
        ("POST", "echo", "a-token", 200),
        ("PUT", "echo", "v-token", 405),
        ("GET", "nothing", "", 401),
        ("GET", "nothing", "v-token", 404),
    ],
)
async def test_plugins_have_the_same_guard(
    admin: StartAdmin, method: str, path: str, token: str, status: int
) -> None:
    """Viewers look, admins change."""
    started = await admin(plugins=PLUGINS, users=USERS)

    assert status == (await started.ask(method, f"/plugins/acme/{path}", token)).status


async def test_plugins_answer_with_the_same_fields(admin: StartAdmin) -> None:
    """And cannot let other sites read."""
    answer = await (await admin(plugins=PLUGINS)).ask("GET", "/plugins/acme/page")

    assert ("no-store", None) == (answer.get("cache-control"), answer.get("access-control-allow-origin"))


@pytest.mark.parametrize(("headers", "status"), [(JSON, 200), ({"Content-Type": "text/plain"}, 415)], ids=str)
async def test_plugins_take_no_forms(admin: StartAdmin, headers: dict[str, str], status: int) -> None:
    """Nor do they answer pages."""
    answer = await (await admin(plugins=PLUGINS)).ask(
        "POST", "/plugins/acme/echo", headers=headers, body=b"{}"
    )

    assert status == answer.status


async def test_adm_12_plugins_read_no_more_than_a_mebibyte(admin: StartAdmin) -> None:
    """In chunks, too."""
    answer = await (await admin(plugins=PLUGINS)).ask(
        "POST", "/plugins/acme/echo", headers=JSON, body=[b"#" * 2**20, b"#"]
    )

    assert 413 == answer.status


async def test_a_plugin_that_fails(admin: StartAdmin, caplog: pytest.LogCaptureFixture) -> None:
    """It is its mistake, not an answer of the node."""
    answer = await (await admin(plugins=PLUGINS)).ask("GET", "/plugins/acme/fail")

    assert (500, False) == (answer.status, b"secret" in answer.body)
    assert any(record.exc_info for record in caplog.records)


async def test_a_plugin_that_refuses(admin: StartAdmin) -> None:
    """In its own words."""
    answer = await (await admin(plugins=PLUGINS)).ask("POST", "/plugins/acme/refuse")

    assert (409, "not now") == (answer.status, answer.text)


async def test_a_plugin_that_talks(admin: StartAdmin) -> None:
    """A WebSocket is a GET."""
    started = await admin(plugins=PLUGINS)
    connection = await Connection.open(started.address)
    await connection.send(
        b"GET /plugins/acme/talk HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert b"101" in await connection.reader.readuntil(b"\r\n\r\n")
    assert b"\x81\x05hello" == await connection.reader.readexactly(7)
    connection.reset()


# ---- the log --------------------------------------------------------------------------------------------------------


async def test_changes_are_logged(admin: StartAdmin, caplog: pytest.LogCaptureFixture) -> None:
    """Who, what, from where, and what came of it; also what was refused, but nothing that only looked."""
    caplog.set_level(logging.INFO)
    started = await admin(users=USERS)
    for method, path, token in (
        ("GET", "/", "v-token"),
        ("GET", "/", ""),
        ("GET", "/livez", ""),
        ("GET", "/nothing", "v-token"),
        ("POST", "/gateway/reload", "a-token"),
        ("POST", "/gateway/reload", "v-token"),
        ("POST", "/gateway/reload", ""),
        ("GET", "/", "wrong"),
        ("POST", "/gateway/reload", "wrong"),
    ):
        await started.ask(method, path, token)

    records: list[Any] = [record for record in caplog.records if record.message == "admin request"]
    assert [
        ("POST", "/gateway/reload", 200, "ada"),
        ("POST", "/gateway/reload", 403, "vic"),
        ("POST", "/gateway/reload", 401, ""),
        ("GET", "/", 401, ""),
        ("POST", "/gateway/reload", 401, ""),
    ] == [(record.method, record.path, record.status, record.user) for record in records]
    assert {"127.0.0.1"} == {record.client for record in records}


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_guessing_does_not_fill_the_log(
    admin: StartAdmin, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    """Those wrong tokens that were looked at are in it, the others say nothing new."""
    caplog.set_level(logging.INFO)
    started = await admin(users=USERS)
    for number in range(20):
        await started.ask(method, "/gateway/reload", str(number))

    assert 5 == len([record for record in caplog.records if record.message == "admin request"])


# ---- the wire -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/gateway/reload", "/plugins/acme/refuse", "/plugins/acme/echo", "/nothing"]
)
async def test_a_trailer_is_no_field_of_the_next_request(admin: StartAdmin, path: str) -> None:
    """Behind a proxy that request is somebody else's."""
    node = MemoryNode()
    started = await admin(node, plugins=PLUGINS, users=USERS)
    seen = await started.raw(
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Authorization: Bearer a-token\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\nAuthorization: Bearer a-token\r\n\r\n"
        "GET /gateway/services HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    )

    assert b"http://a:1" not in seen
    assert 1 == seen.count(b"HTTP/1.")


async def test_adm_12_many_at_once(admin: StartAdmin) -> None:
    """All are answered, or closed at once; and then it goes on."""
    started = await admin()
    body = b"#" * 2**18

    async def send() -> int:
        try:
            connection = await Connection.open(started.address)
            try:
                await connection.send(
                    b"POST /gateway/config HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/yaml\r\n"
                    b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                )
                seen = await connection.rest()
            finally:
                await connection.close()
        except OSError:
            return 0
        return int(seen.split(maxsplit=2)[1]) if seen else 0

    statuses = await asyncio.gather(*(send() for _ in range(300)))

    assert {200} <= set(statuses) <= {0, 200}
    assert 200 == (await started.ask("GET", "/livez")).status


# ---- beginning and end ----------------------------------------------------------------------------------------------


def test_adm_02_beyond_loopback_there_must_be_users() -> None:
    """It does not even begin."""
    with pytest.raises(ValueError, match=r"needs `admin\.users`"):
        AdminServer(MemoryNode(), [], loopback=False)
    AdminServer(MemoryNode(), [], loopback=False, users=USERS)


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
async def test_it_says_where_it_is(host: str, shown: str) -> None:
    """As in a URL."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    server = AdminServer(MemoryNode(), [])
    sock = socket.create_server((host, 0), family=family)
    address = await server.start(sock)

    assert f"{shown}:{sock.getsockname()[1]}" == address
    await server.stop()


@pytest.mark.both_loops
async def test_it_ends(admin: StartAdmin) -> None:
    """Whoever waits for the next answer is not waited for."""
    server = AdminServer(MemoryNode(), [])
    address = await server.start(socket.create_server(("127.0.0.1", 0)))
    connection = await Connection.open(address)
    await connection.send(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await connection.answer()
    await server.stop()

    assert b"" == await connection.rest()
    await connection.close()
    with pytest.raises(OSError):
        await Connection.open(address)


async def test_what_is_under_way_has_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then it is cut."""
    monkeypatch.setattr(module, "GRACE", 0.05)
    begun = asyncio.Event()

    async def hang(_request: web.Request) -> web.Response:
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError

    server = AdminServer(MemoryNode(), [("x", [web.get("/", hang)])])
    address = await server.start(socket.create_server(("127.0.0.1", 0)))
    connection = await Connection.open(address)
    await connection.send(b"GET /plugins/x/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await begun.wait()
    await server.stop()

    assert b"" == await connection.rest()
    await connection.close()


async def test_one_that_has_not_begun_ends_too() -> None:
    """Something else may have failed before."""
    await AdminServer(MemoryNode(), []).stop()


# ---- what is recorded -----------------------------------------------------------------------------------------------


class Audit:
    """What is told to be recorded."""

    def __init__(self) -> None:
        self.told: list[tuple[dict[str, Any], bool]] = []

    def __call__(self, fields: Mapping[str, Any], *, known: bool) -> None:
        self.told.append((dict(fields), known))


async def read_whole(request: web.Request) -> web.Response:
    """A route of a plugin that reads its body."""
    return web.Response(body=await request.read())


async def read_in_pieces(request: web.Request) -> web.Response:
    """One that takes it piece by piece."""
    return web.Response(text=str(len([piece async for piece in request.content.iter_any()])))


async def raise_conflict(request: web.Request) -> web.Response:
    """One that raises its answer."""
    raise web.HTTPConflict


PLUGIN = [
    (
        "x",
        [
            web.post("/echo", read_whole),
            web.post("/stream", read_in_pieces),
            web.post("/refuse", raise_conflict),
        ],
    )
]


@pytest.mark.parametrize(
    ("method", "path", "token", "expected"),
    [
        pytest.param("GET", "/config", "a-token", None, id="reading"),
        pytest.param("HEAD", "/config", "a-token", None, id="looking"),
        pytest.param("GET", "/nothing", "a-token", None, id="what is not there"),
        pytest.param("POST", "/gateway/reload", "a-token", ("ada", "admin", 200, True), id="a change"),
        pytest.param("PUT", "/nothing", "a-token", ("ada", "admin", 404, True), id="a change of nothing"),
        pytest.param("POST", "/gateway/reload", "v-token", ("vic", "viewer", 403, False), id="who may not"),
        pytest.param("POST", "/gateway/reload", "", ("", "", 401, False), id="somebody"),
        pytest.param("GET", "/config", "", ("", "", 401, False), id="somebody who reads"),
        pytest.param("GET", "/config", "wrong", ("", "", 401, False), id="a wrong token"),
        pytest.param("POST", "/plugins/x/echo", "a-token", ("ada", "admin", 200, True), id="a plugin"),
        pytest.param("POST", "/plugins/x/refuse", "a-token", ("ada", "admin", 409, True), id="it raises"),
    ],
)
async def test_changes_and_refusals_are_recorded(
    admin: StartAdmin, method: str, path: str, token: str, expected: tuple[object, ...] | None
) -> None:
    """With who, and whether that is known; nothing else, and no token."""
    audit = Audit()
    started = await admin(users=USERS, audit=audit, plugins=PLUGIN)
    answer = await started.ask(method, f"{path}?key=canary", token, headers={"X-Canary": "canary"})
    if expected is None:
        assert [] == audit.told
        return
    ((fields, known),) = audit.told

    # of what changes something, a query that is not known is refused
    status = 400 if answer.status == 400 else expected[2]
    assert (*expected[:2], status, expected[3]) == (fields["user"], fields["role"], fields["status"], known)
    assert (method, path, "127.0.0.1") == (fields["method"], fields["path"], fields["client"])
    assert not re.search("canary|token", repr(fields))


@pytest.mark.parametrize(
    ("path", "is_known"),
    [
        pytest.param("/gateway/services", True, id="of the table"),
        pytest.param("/plugins/x/echo", True, id="of a plugin"),
        pytest.param("/plugins/x/stream", False, id="of a plugin that streams"),
    ],
)
async def test_what_was_sent_is_recorded_by_its_digest(admin: StartAdmin, path: str, is_known: bool) -> None:
    """Where it was read as a whole."""
    audit, body = Audit(), b'{"name": "canary"}'
    started = await admin(users=USERS, audit=audit, plugins=PLUGIN)
    await started.ask("POST", path, "a-token", headers=JSON, body=body)
    ((fields, _),) = audit.told

    assert fields.get("body_sha256") == (hashlib.sha256(body).hexdigest() if is_known else None)

"""What is sent, read: how much of it, how long, how deep, and what is said about what is none."""

import asyncio
from typing import Any

import orjson
import pytest

from gatekeeper.admin import bodies
from gatekeeper.admin import connection as connection_module
from gatekeeper.admin import server as server_module
from gatekeeper.admin.bodies import DEPTH, LIMIT, PARTS, Bodies
from gatekeeper.testing import Connection
from tests.admin.conftest import Admin, StartAdmin
from tests.admin.memory import MemoryNode


JSON = {"Content-Type": "application/json"}
YAML = {"Content-Type": "application/yaml"}
INSTANCE = "/gateway/services/users/instances/http:%2F%2Fa:1"


async def send(admin: Admin, body: Any, headers: Any = JSON, target: str = INSTANCE) -> tuple[int, str]:
    """Status and detail."""
    method = "PATCH" if target == INSTANCE else "POST"
    answer = await admin.ask(method, target, headers=headers, body=body)
    return answer.status, answer.json().get("detail", "")


def test_the_limits() -> None:
    """What the documentation says; the data path pays for more."""
    assert (2**20, 20_000, 32, 8, 10.0) == (LIMIT, PARTS, DEPTH, bodies.AT_ONCE, bodies.SECONDS)


def nested(depth: int) -> bytes:
    return b'{"name":"x","instances":[],"x":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    ("body", "headers", "status", "detail"),
    [
        pytest.param(b"", JSON, 400, "the body is no JSON: ", id="empty"),
        pytest.param(b"", {}, 415, "send `Content-Type: application/json`, and a body", id="none"),
        pytest.param(b"{", JSON, 400, "the body is no JSON: ", id="cut"),
        pytest.param(b"{} {}", JSON, 400, "the body is no JSON: ", id="two"),
        pytest.param(b"NaN", JSON, 400, "the body is no JSON: ", id="not-a-number"),
        pytest.param(b'{"weight": "\xff"}', JSON, 400, "the body is no JSON: ", id="no-utf-8"),
        pytest.param(b"[]", JSON, 422, "the body must be an object", id="a-list"),
        pytest.param(b"weight: 5", YAML, 415, "send `Content-Type: application/json`", id="yaml"),
        pytest.param(
            b"{}", {**JSON, "Content-Encoding": "gzip"}, 415, "send the body without", id="compressed"
        ),
        pytest.param(
            b'{"weigth": 5}', JSON, 422, "there is no `weigth`; did you mean `weight`?", id="mistyped"
        ),
        pytest.param(
            b'{"weight": -1, "drain": 1}',
            JSON,
            422,
            "`weight` must be at least 0 and at most 1000000; `drain` must be a boolean",
            id="all-at-once",
        ),
    ],
)
async def test_what_is_wrong_is_said(
    admin: StartAdmin, body: bytes, headers: dict[str, str], status: int, detail: str
) -> None:
    """And nothing is done."""
    started = await admin()
    found, said = await send(started, body, headers)

    assert (status, True) == (found, said.startswith(detail)), said
    assert [] == started.node.calls


@pytest.mark.parametrize("chunked", [False, True], ids=["with-length", "in-chunks"])
async def test_adm_12_a_body_has_a_mebibyte(admin: StartAdmin, chunked: bool) -> None:
    """No byte more; what is announced is not even read."""
    good = b"#" * LIMIT
    started = await admin()
    for body, status in ((good, 200), (good + b"#", 413)):
        found, _ = await send(started, [body] if chunked else body, YAML, "/gateway/config")

        assert status == found


async def test_adm_12_ten_megabytes_are_not_read(admin: StartAdmin, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer comes before they do."""
    monkeypatch.setattr(connection_module, "LINGER", 0.01)
    connection = await Connection.open((await admin()).address)
    head = "POST /gateway/config HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/yaml\r\n"
    await connection.send(f"{head}Content-Length: 10000000\r\n\r\n".encode())

    assert 413 == (await connection.answer("POST")).status
    await connection.close()


@pytest.mark.parametrize(
    ("depth", "status"),
    [pytest.param(DEPTH, 201, id="as-deep-as-may-be"), (DEPTH + 1, 400), (5_000, 400), (9_000, 400)],
)
async def test_adm_12_a_body_is_not_deep(admin: StartAdmin, depth: int, status: int) -> None:
    """Nobody builds what falls over when it is walked through."""
    body = nested(depth).replace(b'"instances":[]', b'"instances":["http://a:1"]')

    assert status == (await send(await admin(), body, JSON, "/gateway/services"))[0]


@pytest.mark.parametrize(("more", "status"), [(0, 201), (1, 413)])
async def test_adm_12_a_body_has_so_many_parts(admin: StartAdmin, more: int, status: int) -> None:
    """Counted before anything is built of them."""
    start = b'{"name":"x","instances":["http://a:1"],"x":['
    ones = PARTS + more - sum(start.count(part) for part in (b",", b"[", b"{"))
    body = start + b"0" + b",0" * ones + b"]}"

    assert status == (await send(await admin(), body, JSON, "/gateway/services"))[0]


async def test_a_configuration_is_handed_on_as_it_is(admin: StartAdmin) -> None:
    """Whoever reads it says what is wrong, with lines; a byte order mark is none of it."""
    node = MemoryNode()
    started = await admin(node)
    for body, headers in ((b"\xef\xbb\xbfversion: 1 # \xc3\xbc\n", YAML), (b'{"version":  1}', JSON)):
        await send(started, body, headers, "/gateway/config")

    assert [("version: 1 # ü\n", False), ('{"version":  1}', False)] == node.applied


async def test_a_configuration_is_utf_8(admin: StartAdmin) -> None:
    """It is said where it is not."""
    assert (400, "the body is no UTF-8, from byte 2 on") == (
        await send(await admin(), b"ab\xff", YAML, "/gateway/config")
    )


@pytest.mark.parametrize("body", [b"{}", b"whatever", b"x" * (LIMIT + 1)])
async def test_what_takes_no_body_ignores_it(admin: StartAdmin, body: bytes) -> None:
    """Some programs always send one."""
    answer = await (await admin()).ask("POST", "/gateway/reload", headers=JSON, body=body)

    assert 200 == answer.status


async def test_a_body_that_does_not_come(admin: StartAdmin, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, for a while."""
    monkeypatch.setattr(connection_module, "LINGER", 0.01)
    monkeypatch.setattr(server_module, "Bodies", lambda: Bodies(0.01))
    connection = await Connection.open((await admin()).address)
    await connection.send(
        f"PATCH {INSTANCE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 10\r\n\r\n{".encode()
    )
    answer = await connection.answer("PATCH")

    assert (408, "the body did not come within 0.01 s") == (answer.status, answer.json()["detail"])
    await connection.close()


@pytest.mark.parametrize("reset", [True, False], ids=["reset", "end"])
async def test_a_body_that_breaks_off(
    admin: StartAdmin,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    reset: bool,
) -> None:
    """Its sender has gone: nobody is told, nothing is done, and it is no mistake of ours."""
    begun, ended = asyncio.Event(), asyncio.Event()
    read = Bodies.read

    async def watch(self: Bodies, request: Any, takes: Any) -> Any:
        begun.set()
        try:
            return await read(self, request, takes)
        finally:
            ended.set()

    monkeypatch.setattr(Bodies, "read", watch)
    started = await admin()
    connection = await Connection.open(started.address)
    await connection.send(
        f"PATCH {INSTANCE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 10\r\n\r\n{".encode()
    )
    await begun.wait()
    if reset:
        connection.reset()
    else:
        await connection.close()
    await ended.wait()

    assert 200 == (await started.ask("GET", "/")).status
    assert [] == started.node.calls
    assert not [record for record in caplog.records if record.exc_info]


async def test_bad_chunks(admin: StartAdmin) -> None:
    """The body is none."""
    started = await admin()
    seen = await started.raw(
        f"PATCH {INSTANCE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode()
    )

    assert b" 400 " in seen.partition(b"\r\n")[0]
    assert [] == started.node.calls


async def test_a_few_bodies_at_a_time(admin: StartAdmin, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory is bounded, whoever sends; those who wait are served in turn."""
    held, most = 0, 0
    read = Bodies._bytes

    async def watch(self: Bodies, request: Any) -> bytes:
        nonlocal held, most
        held += 1
        most = max(most, held)
        try:
            await asyncio.sleep(0)
            return await read(self, request)
        finally:
            held -= 1

    monkeypatch.setattr(Bodies, "_bytes", watch)
    address = (await admin()).address
    body = orjson.dumps({"weight": 5})
    request = (
        f"PATCH {INSTANCE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode()
    connections = [await Connection.open(address) for _ in range(30)]
    for connection in connections:
        await connection.send(request)
    for connection in connections:
        await connection.send(body)
    answers = [await connection.answer("PATCH") for connection in connections]
    for connection in connections:
        await connection.close()

    assert {200} == {answer.status for answer in answers}
    assert 1 < most <= bodies.AT_ONCE

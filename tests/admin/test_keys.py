"""API keys: what the node is told, and what comes back."""

import logging
from typing import Any

import orjson
import pytest

from gatekeeper.admin.errors import Unavailable
from gatekeeper.testing import Answer
from tests.admin.conftest import Admin, StartAdmin
from tests.admin.memory import KEY, MemoryNode


async def send(admin: Admin, method: str, target: str, body: Any = None) -> Answer:
    """A request with a JSON body, if any."""
    data = b"" if body is None else orjson.dumps(body)
    fields = {"Content-Type": "application/json"} if body is not None else {}
    return await admin.ask(method, target, body=data, headers=fields)


async def test_a_key_is_shown_once(admin: StartAdmin) -> None:
    """In answers that nobody may store; lists have its end only."""
    started = await admin()
    made = await send(started, "POST", "/gateway/keys", {"consumer": "acme", "scopes": ["read"]})
    rotated = await send(started, "POST", f"/gateway/keys/{made.json()['id']}/rotate", {"grace": 60})
    listed = await send(started, "GET", "/gateway/keys")

    assert [(201, KEY, "no-store")] * 2 == [
        (one.status, one.json()["key"], one.get("cache-control")) for one in (made, rotated)
    ]
    assert 200 == listed.status
    assert 3 == len(listed.json())
    assert KEY not in listed.text
    assert ["create_key", "rotate_key"] == started.node.calls


async def test_a_key_is_revoked(admin: StartAdmin) -> None:
    """Again is no error."""
    started = await admin()
    answers = [await send(started, "DELETE", "/gateway/keys/k_old") for _ in range(2)]

    assert [204, 204] == [answer.status for answer in answers]
    assert "revoked" == (await send(started, "GET", "/gateway/keys")).json()[0]["state"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "detail"),
    [
        pytest.param(
            "POST", "/gateway/keys", {"consumer": "x"}, 422, "there is no consumer `x`", id="consumer"
        ),
        pytest.param("POST", "/gateway/keys", {}, 422, "`consumer` is missing", id="nobody"),
        pytest.param("POST", "/gateway/keys", {"consumer": ""}, 422, "`consumer` is empty", id="empty"),
        pytest.param(
            "POST",
            "/gateway/keys",
            {"consumer": "acme", "key": "gk_mine"},
            422,
            "there is no `key`",
            id="ADM-11-a-key-of-ones-own",
        ),
        pytest.param(
            "POST",
            "/gateway/keys",
            {"consumer": "acme", "revoked": None},
            422,
            "there is no `revoked`",
            id="ADM-11-what-is-told-is-not-taken",
        ),
        pytest.param(
            "POST",
            "/gateway/keys",
            {"consumer": "acme", "scopes": "read"},
            422,
            "`scopes` must be an array",
            id="scopes-as-text",
        ),
        pytest.param(
            "POST",
            "/gateway/keys",
            {"consumer": "acme", "expires": "90d"},
            422,
            "`expires` must be a number",
            id="expires-as-text",
        ),
        pytest.param(
            "POST", "/gateway/keys/k_no/rotate", {}, 404, "there is no key `k_no`", id="rotate-unknown"
        ),
        pytest.param(
            "POST", "/gateway/keys/k_old/rotate", {"grace": -1}, 422, "`grace` must be at least 0", id="grace"
        ),
        pytest.param(
            "DELETE", "/gateway/keys/k_no", None, 404, "there is no key `k_no`", id="revoke-unknown"
        ),
    ],
)
async def test_what_is_refused(
    admin: StartAdmin, method: str, path: str, body: Any, status: int, detail: str
) -> None:
    """Before the node hears of it, or by it; nothing is done."""
    started = await admin()
    answer = await send(started, method, path, body)

    assert status == answer.status
    assert detail in answer.json()["detail"]
    assert [] == started.node.calls


async def test_a_database_that_cannot_be_used(admin: StartAdmin) -> None:
    """503: it is not the fault of whoever asks."""

    class Broken(MemoryNode):
        async def keys(self) -> list[dict[str, Any]]:
            raise Unavailable("the database x.db cannot be used: database is locked")

    answer = await send(await admin(Broken()), "GET", "/gateway/keys")

    assert (503, "Service Unavailable", "the database x.db cannot be used: database is locked") == (
        answer.status,
        answer.json()["title"],
        answer.json()["detail"],
    )


async def test_key_02_a_key_in_the_place_of_its_id_is_not_logged(
    admin: StartAdmin, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody has pasted the wrong one."""
    started = await admin()
    with caplog.at_level(logging.INFO):
        answer = await send(started, "DELETE", "/gateway/keys/gk_abcDEF123")

    paths = [record.__dict__["path"] for record in caplog.records if record.message == "admin request"]
    assert 404 == answer.status
    assert ["/gateway/keys/gk_***"] == paths

"""Connections: how many there may be, and what is said to those that speak no HTTP."""

import logging

import pytest
from aiohttp import web

from gatekeeper.admin import connection as module
from gatekeeper.testing import Connection
from tests.admin.conftest import StartAdmin


@pytest.mark.both_loops
async def test_one_too_many_is_closed(admin: StartAdmin, monkeypatch: pytest.MonkeyPatch) -> None:
    """At once; when another has gone there is room again."""
    monkeypatch.setattr(module.accept, "__defaults__", (2,))
    address = (await admin()).address
    request = b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    first, second = [await Connection.open(address) for _ in range(2)]
    for connection in (first, second):
        await connection.send(request)
        assert 200 == (await connection.answer()).status

    third = await Connection.open(address)
    assert b"" == await third.rest()
    await third.close()
    await first.close()
    await second.send(request)
    await second.answer()

    fourth = await Connection.open(address)
    await fourth.send(request)
    assert 200 == (await fourth.answer()).status
    await fourth.close()
    await second.close()


def test_there_are_few() -> None:
    """Far fewer than descriptors, and enough for all who look; and none stays for long."""
    assert (256,) == module.accept.__defaults__
    assert (60.0, 2.0) == (module.IDLE, module.LINGER)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: <script>\x00\r\n\r\n", id="nul"),
        pytest.param(b"<script>alert(1)</script>\r\n\r\n", id="no-request"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: <script>\r\n\r\n", id="two-hosts"),
        pytest.param(b"GET /" + b"x" * 9000 + b"<script> HTTP/1.1\r\nHost: localhost\r\n\r\n", id="long"),
    ],
)
async def test_adm_07_what_is_no_http_is_not_shown(
    admin: StartAdmin, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The answer has the fields of all answers, and none of the bytes; the log has a line, not a traceback."""
    caplog.set_level(logging.INFO)
    seen = await (await admin()).raw(sent)
    head = seen.partition(b"\r\n\r\n")[0].lower()

    assert b" 400 " in head.partition(b"\r\n")[0]
    assert b"x-content-type-options: nosniff" in head
    assert b"application/problem+json" in head
    assert b"script" not in seen
    assert b"aiohttp" not in seen.lower()
    assert ["malformed admin request"] == [record.message for record in caplog.records]
    assert not any(record.exc_info for record in caplog.records)


async def test_what_fails_beyond_the_application(
    admin: StartAdmin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says what, the answer does not."""

    async def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(web.UrlDispatcher, "resolve", fail)
    answer = await (await admin()).ask("GET", "/")

    assert (500, "the gateway failed to answer") == (answer.status, answer.json()["detail"])
    assert b"secret" not in answer.body
    assert ["the admin listener failed"] == [record.message for record in caplog.records]
    assert caplog.records[0].exc_info


async def test_a_slow_head_does_not_stay_for_ever(admin: StartAdmin, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has the time of a connection without requests."""
    monkeypatch.setattr(module, "IDLE", 0.05)
    connection = await Connection.open((await admin()).address)
    await connection.send(b"GET / HTTP/1.1\r\nHost: loc")

    assert b"" == await connection.rest()
    await connection.close()

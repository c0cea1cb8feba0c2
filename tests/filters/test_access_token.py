"""A token that the gateway gets for itself: in time, once for all, and from a server that is slow, dead or wrong."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import aiohttp
import pytest

from gatekeeper.config.problems import ConfigError
from gatekeeper.config.structure import structure_options
from gatekeeper.extend.calls import CallFailed
from gatekeeper.filters.access_token import LIFE, LONGEST_LIFE, ONCE_IN, AccessToken, ClientCredentialsConfig
from gatekeeper.testing import FIN, HANG, Origin, StartOrigin, Surroundings, answer


SECRET = "s3cret-of-the-gateway"


class Fixed(Random):
    """The largest of what chance may choose from."""

    def uniform(self, a: float, b: float) -> float:
        return b


@asynccontextmanager
async def keeping(origin: Origin, **options: Any) -> AsyncIterator[tuple[AccessToken, Surroundings]]:
    """A token of this server, that has not begun."""
    around = Surroundings()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as around.session:
        config = ClientCredentialsConfig(
            token_url=f"{origin.url}/token", client_id="gw", client_secret=SECRET, **options
        )
        token = AccessToken("test", config, around, around.fake_clock.wheel, Fixed())
        yield token, around
        token.close()
        await around.close()


def issued(token: str, life: Any = 100, **more: Any) -> bytes:
    return answer(json={"access_token": token, "token_type": "Bearer", "expires_in": life, **more})


async def settled(around: Surroundings) -> None:
    """Whatever was begun in the background has ended."""
    await asyncio.wait(list(around.tasks.values()))


async def shown(token: AccessToken) -> str:
    try:
        return await token.get()
    except CallFailed as failure:
        assert SECRET not in str(failure)
        return failure.kind


# ---- what is asked, and what is taken -------------------------------------------------------------------------------


async def test_it_asks_as_it_is_written(origin: StartOrigin) -> None:
    """RFC 6749 section 4.4.2."""
    server = (await origin()).always(issued("t1"))
    async with keeping(server, scopes=("read", "write"), audience="https://orders") as (token, _):
        assert "t1" == await token.get()

    request = server.request
    assert ("POST", "/token") == (request.method, request.target)
    assert b"grant_type=client_credentials&scope=read+write&audience=https%3A%2F%2Forders" == bytes(
        request.body
    )
    assert "Basic Z3c6czNjcmV0LW9mLXRoZS1nYXRld2F5" == request.get("authorization")


async def test_what_is_not_said_is_not_asked_for(origin: StartOrigin) -> None:
    """The server knows its own."""
    server = (await origin()).always(issued("t1"))
    async with keeping(server) as (token, _):
        await token.get()

    assert b"grant_type=client_credentials" == bytes(server.request.body)


@pytest.mark.parametrize(
    ("raw", "kind"),
    [
        pytest.param(answer(400, json={"error": "invalid_client"}), "status", id="400"),
        pytest.param(answer(302, {"location": "/"}), "status", id="redirect"),
        pytest.param(answer(200, {"content-type": "text/html"}, b"<html>"), "answer", id="html"),
        pytest.param(answer(json={"token_type": "Bearer"}), "answer", id="no-token"),
        pytest.param(issued(""), "answer", id="empty"),
        pytest.param(issued("a b"), "answer", id="blank"),
        pytest.param(issued("a\r\nx-evil: 1"), "answer", id="line-end"),
        pytest.param(issued("caf\u00e9"), "answer", id="no-ascii"),
        pytest.param(issued("x" * 16385), "answer", id="long"),
        pytest.param(issued("t", token_type="mac"), "answer", id="other-type"),
        pytest.param(issued("t", token_type="DPoP"), "answer", id="bound-type"),
        pytest.param(answer(json={"access_token": "t", "expires_in": 1}), "answer", id="no-type"),
        pytest.param(issued("t", 0), "answer", id="no-life"),
        pytest.param(issued("t", -1), "answer", id="dead"),
        pytest.param(issued("t", True), "answer", id="boolean"),
        pytest.param(issued("t", "soon"), "answer", id="text"),
        pytest.param(issued("t", None), "answer", id="null"),
        pytest.param(b"", "unreachable", id="nothing"),
    ],
)
async def test_what_is_no_token_is_not_taken(origin: StartOrigin, raw: bytes, kind: str) -> None:
    """And nothing is sent to the service."""
    server = (await origin()).always(raw, FIN)
    async with keeping(server) as (token, _):
        assert kind == await shown(token)


@pytest.mark.parametrize(
    ("said", "life"),
    [
        pytest.param({"expires_in": 100}, 95.0, id="number"),
        pytest.param({"expires_in": 99.5}, 94.5, id="fraction"),
        pytest.param({"expires_in": "100"}, 95.0, id="text"),
        pytest.param({"expires_in": 10}, 9.0, id="short"),
        pytest.param({}, LIFE - 5, id="unsaid"),
        pytest.param({"expires_in": 2**63}, LONGEST_LIFE - 5, id="endless"),
    ],
)
async def test_a_token_is_used_for_as_long_as_it_is_good(
    origin: StartOrigin, said: dict[str, Any], life: float
) -> None:
    """It has to reach the service before it ends, and counts from when it was asked for."""
    server = (
        (await origin())
        .play(answer(json={"access_token": "t1", "token_type": "bearer", **said}))
        .always(HANG)
    )
    async with keeping(server) as (token, around):
        assert "t1" == await token.get()
        assert life == pytest.approx(token._until - around.fake_clock.monotonic())
        server.stop_listening()
        server.close_idle()
        around.fake_clock.advance(life - 0.1)
        assert "t1" == await token.get()
        around.fake_clock.advance(0.1)
        assert "unreachable" == await shown(token)


async def test_a_token_is_as_old_as_its_question(origin: StartOrigin) -> None:
    """A server that is slow does not make it good for longer."""
    go = asyncio.Event()
    server = (await origin()).play(go, issued("t1")).always(answer(500))
    async with keeping(server) as (token, around):
        task = asyncio.create_task(token.get())
        await server.received()
        around.fake_clock.advance(94)
        go.set()

        assert ("t1", "t1") == (await task, await token.get())
        around.fake_clock.advance(1)
        assert "status" == await shown(token)


# ---- in time --------------------------------------------------------------------------------------------------------


@pytest.mark.both_loops
async def test_it_is_there_before_it_is_needed_and_renewed_before_it_ends(origin: StartOrigin) -> None:
    """Without anybody who asks for it; the old one is used meanwhile."""
    go = asyncio.Event()
    server = (await origin()).play(issued("t1")).play(go, issued("t2")).play(issued("t3"))
    async with keeping(server) as (token, around):
        token.begin()
        await settled(around)
        assert ("t1", 1) == (await token.get(), len(server.requests))

        around.fake_clock.advance(79.9)
        assert around.tasks["test"].done()
        around.fake_clock.advance(0.2)
        await server.received(2)
        assert "t1" == await token.get()
        go.set()
        await settled(around)
        assert "t2" == await token.get()

        around.fake_clock.advance(80.2)
        await server.received(3)
        await settled(around)
        assert ("t3", 3) == (await token.get(), len(server.requests))


async def test_a_supervisor_asks_for_none(origin: StartOrigin) -> None:
    """It sends no requests; its workers do."""
    server = await origin()
    async with keeping(server) as (token, around):
        around.role = "supervisor"
        token.begin()

        assert ({}, []) == (around.tasks, server.requests)


@pytest.mark.both_loops
async def test_all_wait_for_one(origin: StartOrigin) -> None:
    """500 first requests are one call, also where the first of them gives up."""
    go = asyncio.Event()
    server = (await origin()).always(go, issued("t1"))
    async with keeping(server) as (token, _):
        tasks = [asyncio.create_task(token.get()) for _ in range(500)]
        await server.received()
        tasks[0].cancel()
        await asyncio.wait(tasks[:1])
        go.set()

        assert {"t1"} == set(await asyncio.gather(*tasks[1:]))
        assert 1 == len(server.requests)


async def test_the_last_one_is_good_until_it_expires(origin: StartOrigin) -> None:
    """Asking goes on, less and less often, and nobody waits for it."""
    server = (await origin()).play(issued("t1")).always(answer(500))
    async with keeping(server) as (token, around):
        await token.get()
        around.fake_clock.advance(80.2)
        for number, wait in enumerate((1, 2, 4), 2):
            await server.received(number)
            await settled(around)
            assert ("t1", number) == (await token.get(), len(server.requests))
            around.fake_clock.advance(wait - 0.1)
            assert around.tasks["test"].done()
            around.fake_clock.advance(0.3)
        await server.received(5)
        await settled(around)
        around.fake_clock.advance(7.5)
        # who fails fast is not asked by each request
        assert ["unreachable"] * 3 == [await shown(token) for _ in range(3)]
        assert 5 == len(server.requests)
        server.always(issued("t2"))
        around.fake_clock.advance(1)
        await server.received(6)
        await settled(around)
        assert "t2" == await token.get()


async def test_waits_have_an_upper_bound(origin: StartOrigin) -> None:
    """A server that comes back after a night is found within a minute."""
    server = await origin()
    async with keeping(server) as (token, around):
        token._failures = 10_000
        server.always(answer(500))
        assert "status" == await shown(token)
        server.always(issued("t1"))
        around.fake_clock.advance(60.2)
        await settled(around)

        assert "t1" == await token.get()


# ---- services that refuse it ----------------------------------------------------------------------------------------


@pytest.mark.both_loops
async def test_a_token_that_is_refused_is_replaced_once(origin: StartOrigin) -> None:
    """A service that refuses every token does not make the gateway ask again and again."""
    server = (await origin()).play(issued("t1", 9999)).play(issued("t2", 9999)).always(issued("t3", 9999))
    async with keeping(server) as (token, around):
        assert "t1" == await token.get()
        token.refuse("t1")
        assert ("t1", 1) == (await token.get(), len(server.requests))  # it has just been got

        around.fake_clock.advance(ONCE_IN)
        token.refuse("another")
        assert "t1" == await token.get()
        token.refuse("t1")
        assert {"t2"} == set(await asyncio.gather(*(token.get() for _ in range(50))))
        for _ in range(50):
            token.refuse("t1")
            token.refuse("t2")
            assert "t2" == await token.get()
        assert 2 == len(server.requests)


async def test_one_that_is_refused_is_better_than_none(origin: StartOrigin) -> None:
    """Where there is no other, it is shown again; and a service that refuses it makes nobody wait for the next."""
    server = (await origin()).play(issued("t1", 9999)).always(answer(500))
    async with keeping(server) as (token, around):
        await token.get()
        around.fake_clock.advance(ONCE_IN)
        token.refuse("t1")
        for _ in range(5):
            assert "t1" == await token.get()
            token.refuse("t1")
        assert 2 == len(server.requests)


# ---- the end --------------------------------------------------------------------------------------------------------


async def test_what_is_closed_asks_for_no_more(origin: StartOrigin) -> None:
    """Also where it is closed while it asks."""
    go = asyncio.Event()
    server = (await origin()).play(issued("t1")).always(go, issued("t2"))
    async with keeping(server) as (token, around):
        await token.get()
        around.fake_clock.advance(80.2)
        await server.received(2)
        token.close()
        go.set()
        await settled(around)

        assert (2, 0) == (len(server.requests), len(around.fake_clock.wheel))


async def test_no_message_shows_a_secret(origin: StartOrigin, caplog: pytest.LogCaptureFixture) -> None:
    """Nor a token."""
    caplog.set_level(logging.DEBUG, "gatekeeper")
    server = (await origin()).play(issued("canary-1", 10)).always(issued("canary 2"))
    async with keeping(server) as (token, around):
        texts = [repr(token)]
        await token.get()
        around.fake_clock.advance(9)
        await settled(around)
        assert "unreachable" == await shown(token)
        texts += [repr(token), repr(token._config), caplog.text]

    assert "its answer has no token" in caplog.text
    for text in texts:
        assert "canary" not in text
        assert SECRET not in text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"token_url": "a"}, "begins with `http://`"),
        ({"token_url": "http://gw:s3cret@a/"}, "write `client_id` and `client_secret`"),
        ({"scopes": ["a b"]}, "`a b` is no scope"),
        ({"scopes": [""]}, "`` is no scope"),
        ({"client_secret": "***"}, "stands for what is not shown"),
    ],
)
def test_what_a_configuration_gets_wrong_is_said(options: dict[str, Any], message: str) -> None:
    """With what to write."""
    given = {"token_url": "http://a/", "client_id": "gw", "client_secret": "s3cret", **options}
    with pytest.raises(ConfigError) as raised:
        structure_options(ClientCredentialsConfig, given)
    assert message in str(raised.value)
    assert "s3cret" not in str(raised.value)

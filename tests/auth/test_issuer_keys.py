"""The keys of an issuer that is slow, dead, wrong, silent or changes them: real servers, and a clock that the test moves."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from gatekeeper.auth.issuer_keys import AGAIN, COOL_DOWN, RENEW, WELL_KNOWN, IssuerKeys
from gatekeeper.auth.jose.keys import KeySet
from gatekeeper.extend.calls import CallFailed, Reply
from gatekeeper.testing import FIN, HANG, RST, Origin, StartOrigin, Surroundings, answer
from tests.auth.jose.made import jwks, public_jwk


DAY = 86400.0
ONE = public_jwk("P-256", kid="one")
TWO = public_jwk("Ed25519", kid="two")
PUBLISHED = answer(200, {"content-type": "application/jwk-set+json"}, jwks(ONE))
ROTATED = answer(200, {"content-type": "application/json"}, jwks(TWO))


@pytest_asyncio.fixture
async def around() -> AsyncIterator[Surroundings]:
    """A gateway with a client."""
    surroundings = Surroundings()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as surroundings.session:
        yield surroundings
    await surroundings.close()


@pytest.fixture
def alone() -> Surroundings:
    """A gateway that calls nobody."""
    return Surroundings()


def at(around: Surroundings, origin: Origin, keep: float = DAY) -> IssuerKeys:
    return IssuerKeys("authenticator staff", "https://login.example.com", f"{origin.url}/jwks", keep, around)


async def kids(work: Any) -> str:
    """The names of the keys, or the kind of what went wrong."""
    try:
        found: KeySet = await work
    except CallFailed as failure:
        return failure.kind
    return " ".join(str(key.kid) for key in found.keys)


async def settle(keys: IssuerKeys) -> None:
    """Wait for the call that is under way."""
    flight = keys._flights._flights.get("keys")
    if flight is not None:
        await asyncio.wait([flight])
        await asyncio.sleep(0)


def down(origin: Origin) -> None:
    origin.stop_listening()
    origin.close_idle()


# ---- where they are -------------------------------------------------------------------------------------------------


async def test_they_are_asked_for_once(around: Surroundings, origin: StartOrigin) -> None:
    """A GET, and nobody is asked again while they are young."""
    server = (await origin()).always(PUBLISHED)
    keys = at(around, server)
    assert None is keys.young()

    first = await keys.get()
    around.fake_clock.advance(RENEW - 0.1)

    assert first is await keys.get() is keys.young()
    request = server.request
    assert ("GET", "/jwks", "application/json") == (request.method, request.target, request.get("accept"))


@pytest.mark.parametrize("path", ["", "/", "/realms/one", "/realms/one/"])
async def test_the_issuer_tells_where_they_are(around: Surroundings, origin: StartOrigin, path: str) -> None:
    """OpenID Connect Discovery 1.0 section 4.1: a slash at the end of the issuer is not doubled."""
    server = await origin()
    issuer = server.url + path
    server.play(answer(json={"issuer": issuer, "jwks_uri": f"{server.url}/keys?a=b"})).always(PUBLISHED)

    assert "one" == await kids(IssuerKeys("authenticator staff", issuer, "", DAY, around).get())
    assert [path.removesuffix("/") + WELL_KNOWN, "/keys?a=b"] == [one.target for one in server.requests]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda found: found | {"issuer": found["issuer"] + "/"}, id="slash"),
        pytest.param(lambda found: found | {"issuer": found["issuer"].upper()}, id="case"),
        pytest.param(lambda found: found | {"issuer": [found["issuer"]]}, id="list"),
        pytest.param(lambda found: {"jwks_uri": found["jwks_uri"]}, id="no-issuer"),
        pytest.param(lambda found: {"issuer": found["issuer"]}, id="no-address"),
        pytest.param(lambda found: found | {"jwks_uri": [found["jwks_uri"]]}, id="address-list"),
        pytest.param(lambda found: found | {"jwks_uri": "/jwks"}, id="address-relative"),
        pytest.param(lambda found: found | {"jwks_uri": "file:///etc/passwd"}, id="JWT-14-file"),
        pytest.param(lambda found: found | {"jwks_uri": "httpx://a/"}, id="address-scheme"),
        pytest.param(lambda found: found | {"jwks_uri": "http+unix://a/"}, id="address-unix"),
        pytest.param(
            lambda found: found | {"jwks_uri": found["jwks_uri"].replace("//", "//me:pw@")},
            id="address-password",
        ),
        pytest.param(lambda found: found | {"jwks_uri": found["jwks_uri"] + "\r\nx: y"}, id="address-lines"),
    ],
)
async def test_what_an_issuer_tells_is_not_beyond_doubt(
    around: Surroundings, origin: StartOrigin, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    """Its document is about this issuer, to the letter, and tells an address; else nobody is asked for keys."""
    server = await origin()
    told = {"issuer": server.url + "/a", "jwks_uri": f"{server.url}/jwks"}
    server.play(answer(json=change(told))).always(PUBLISHED)

    assert "answer" == await kids(IssuerKeys("authenticator staff", server.url + "/a", "", DAY, around).get())
    assert ["/a" + WELL_KNOWN] == [one.target for one in server.requests]


@pytest.mark.parametrize(
    ("issuer", "address", "expected"),
    [
        ("https://a", "https://b/keys", "https://b/keys"),
        ("http://a", "https://b/keys", "https://b/keys"),
        ("http://a", "http://b/keys", "http://b/keys"),
        ("https://a", "http://b/keys", ""),
        ("https://a", "HTTPS://b/keys", ""),
    ],
)
def test_who_is_asked_with_tls_does_not_send_elsewhere_without(
    alone: Surroundings, issuer: str, address: str, expected: str
) -> None:
    """An answer without TLS could be anybody's."""
    keys = IssuerKeys("authenticator staff", issuer, "", DAY, alone)
    reply = Reply(
        200,
        [(b"Content-Type", b"application/json")],
        json.dumps({"issuer": issuer, "jwks_uri": address}).encode(),
    )
    try:
        told = keys._told_address(reply)
    except CallFailed:
        told = ""
    assert expected == told


# ---- what comes back ------------------------------------------------------------------------------------------------

BROKEN = [
    pytest.param((answer(500, body=jwks(ONE)),), "status", id="JWT-14-500"),
    pytest.param((answer(302, {"location": "/elsewhere"}),), "status", id="JWT-14-redirect"),
    pytest.param((answer(307, {"location": "file:///etc/passwd"}),), "status", id="JWT-14-redirect-file"),
    pytest.param((answer(302, {"location": "http://169.254.169.254/"}),), "status", id="JWT-14-link-local"),
    pytest.param((answer(200, {"content-type": "text/html"}, b"<html>"),), "answer", id="JWT-14-html"),
    pytest.param((answer(200, (), b'{"keys":"' + b"x" * 10_000_000 + b'"}'),), "answer", id="JWT-14-10-mb"),
    pytest.param(
        (answer(200, (), jwks(*[{**ONE, "kid": str(number)} for number in range(1000)])),),
        "answer",
        id="JWT-14-1000-keys",
    ),
    pytest.param((answer(200, (), b'{"keys":[]}'),), "answer", id="none"),
    pytest.param(
        (answer(200, (), jwks({"kty": "oct", "k": "c2VjcmV0LW9mLXNvbWVib2R5LXRoYXQtaXMtbG9uZy1lbm91Z2g"})),),
        "answer",
        id="JWT-02-secret",
    ),
    pytest.param((answer(200, (), b"[" * 100_000),), "answer", id="JWT-09-deep"),
    pytest.param((FIN,), "unreachable", id="JWT-14-closed"),
    pytest.param((RST,), "unreachable", id="JWT-14-reset"),
    pytest.param((PUBLISHED[:-9], FIN), "unreachable", id="JWT-14-cut"),
]


@pytest.mark.parametrize(("script", "kind"), BROKEN)
async def test_what_is_of_no_use_makes_no_keys(
    around: Surroundings, origin: StartOrigin, script: tuple[Any, ...], kind: str
) -> None:
    """JWT-14: not at first, and later the last good ones stay; redirects are not followed."""
    server = (await origin()).always(*script)
    keys = at(around, server)
    assert kind == await kids(keys.get())

    around.fake_clock.advance(AGAIN)
    server.always(PUBLISHED)
    assert "one" == await kids(keys.get())

    around.fake_clock.advance(RENEW)
    server.always(*script)
    assert "one" == await kids(keys.get())
    await settle(keys)
    assert "one" == await kids(keys.get())
    assert {"/jwks"} == {one.target for one in server.requests}


async def test_keys_that_cannot_be_used_are_left_out(around: Surroundings, origin: StartOrigin) -> None:
    """One that we do not know does no harm to the others."""
    server = (await origin()).always(answer(200, (), jwks({"kty": "new"}, ONE, {**TWO, "use": "enc"})))

    assert "one" == await kids(at(around, server).get())


@pytest.mark.both_loops
async def test_an_issuer_that_hangs_is_given_up(
    around: Surroundings, origin: StartOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JWT-14: nobody waits for ever, and who is known does not wait at all."""
    monkeypatch.setattr("gatekeeper.auth.issuer_keys.TIMEOUT", 0.2)
    server = (await origin()).play(HANG).play(PUBLISHED).always(HANG)
    keys = at(around, server)

    assert "timeout" == await kids(keys.get())
    around.fake_clock.advance(AGAIN)
    first = await keys.get()
    around.fake_clock.advance(RENEW)
    for _ in range(100):
        assert first is await keys.get()
    assert 1 == len(keys._flights)
    await server.received(3)
    await settle(keys)
    assert 3 == len(server.requests)


async def test_nobody_waits_long_for_an_issuer_that_has_failed(
    around: Surroundings, origin: StartOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JWT-14: else one that hangs would hold all requests; the call goes on, and whoever comes later has the keys."""
    monkeypatch.setattr("gatekeeper.auth.issuer_keys.PATIENCE", 0.05)
    go = asyncio.Event()
    server = (await origin()).play(answer(500)).always(go, PUBLISHED)
    keys = at(around, server)
    assert "status" == await kids(keys.get())
    around.fake_clock.advance(AGAIN)

    assert {"timeout"} == set(await asyncio.gather(*(kids(keys.get()) for _ in range(100))))
    go.set()
    await settle(keys)

    assert ("one", 2) == (await kids(keys.get()), len(server.requests))


# ---- when they are asked for again ----------------------------------------------------------------------------------


@pytest.mark.both_loops
async def test_many_who_come_first_ask_once(around: Surroundings, origin: StartOrigin) -> None:
    """JWT-15: 500 wait for one call, also where the first of them gives up."""
    go = asyncio.Event()
    server = (await origin()).always(go, PUBLISHED)
    keys = at(around, server)
    tasks = [asyncio.create_task(keys.get()) for _ in range(500)]
    await server.received()
    tasks[0].cancel()
    await asyncio.wait(tasks[:1])
    go.set()

    found = await asyncio.gather(*tasks[1:])

    assert (1, 1) == (len({id(one) for one in found}), len(server.requests))


async def test_who_comes_first_hears_of_a_failure_without_asking_again(
    around: Surroundings, origin: StartOrigin
) -> None:
    """JWT-14: an issuer that is down is asked once a second, however many want to know."""
    server = (await origin()).always(answer(500))
    keys = at(around, server)

    found = [await kids(keys.get()) for _ in range(50)]
    assert ["status", *["unreachable"] * 49] == found
    around.fake_clock.advance(AGAIN - 0.1)
    assert "unreachable" == await kids(keys.get())
    assert 1 == len(server.requests)
    around.fake_clock.advance(0.1)
    assert "status" == await kids(keys.get())


async def test_they_are_renewed_beside_the_requests(around: Surroundings, origin: StartOrigin) -> None:
    """JWT-12: nobody waits; by then a key that was withdrawn is gone."""
    go = asyncio.Event()
    server = (await origin()).play(PUBLISHED).always(go, ROTATED)
    keys = at(around, server)
    first = await keys.get()
    around.fake_clock.advance(RENEW)

    assert None is keys.young()
    for _ in range(10):
        assert first is await keys.get()
    go.set()
    await settle(keys)

    assert "two" == await kids(keys.get())
    assert 2 == len(server.requests)


async def test_after_a_long_silence_they_are_waited_for(around: Surroundings, origin: StartOrigin) -> None:
    """JWT-12: a key that was withdrawn while nobody asked lets nobody in, not even the first who comes."""
    server = (await origin()).play(PUBLISHED).always(ROTATED)
    keys = at(around, server)
    await keys.get()
    around.fake_clock.advance(2 * RENEW)

    assert "two" == await kids(keys.get())


async def test_after_a_long_silence_the_issuer_may_be_gone(
    around: Surroundings, origin: StartOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JWT-14: then the last good ones are believed, and who comes next does not wait for what has failed."""
    monkeypatch.setattr("gatekeeper.auth.issuer_keys.PATIENCE", 30)
    server = (await origin()).play(PUBLISHED).play(answer(500)).always(HANG)
    keys = at(around, server)
    first = await keys.get()
    around.fake_clock.advance(2 * RENEW)

    assert first is await keys.get()
    around.fake_clock.advance(AGAIN)
    assert first is await keys.get()
    assert 1 == len(keys._flights)
    await server.received(3)


async def test_keys_that_are_the_same_stay_the_same_object(around: Surroundings, origin: StartOrigin) -> None:
    """So that what was verified by them need not be verified again."""
    server = (await origin()).always(PUBLISHED)
    keys = at(around, server)
    first = await keys.get()
    around.fake_clock.advance(RENEW)
    await keys.get()
    await settle(keys)

    assert (first, 2) == (keys.young(), len(server.requests))


async def test_they_are_as_old_as_the_question(around: Surroundings, origin: StartOrigin) -> None:
    """An issuer that is slow does not make them good for longer."""
    go = asyncio.Event()
    server = (await origin()).always(go, PUBLISHED)
    keys = at(around, server)
    task = asyncio.create_task(keys.get())
    await server.received()
    around.fake_clock.advance(RENEW - 1)
    go.set()
    await task

    assert None is not keys.young()
    around.fake_clock.advance(1)
    assert None is keys.young()
    await settle(keys)


@pytest.mark.parametrize("keep", [60.0, 3600.0, DAY])
async def test_nobody_is_believed_for_ever(around: Surroundings, origin: StartOrigin, keep: float) -> None:
    """JWT-14: `keep_keys` after they were fetched there are none."""
    server = (await origin()).always(PUBLISHED)
    keys = at(around, server, keep)
    await keys.get()
    down(server)
    around.fake_clock.advance(keep - AGAIN)

    assert "one" == await kids(keys.get())
    await settle(keys)
    around.fake_clock.advance(AGAIN - 0.1)
    assert "one" == await kids(keys.get())
    around.fake_clock.advance(0.1)
    assert "unreachable" == await kids(keys.get())


async def test_short_lived_keys_are_renewed_in_time(around: Surroundings, origin: StartOrigin) -> None:
    """`keep_keys: 60s`: after 30, so that nobody waits."""
    server = (await origin()).always(PUBLISHED)
    keys = at(around, server, 60.0)
    await keys.get()
    around.fake_clock.advance(29.9)
    assert None is not keys.young()
    around.fake_clock.advance(0.1)
    assert None is keys.young()
    await keys.get()
    await settle(keys)
    assert None is not keys.young()


# ---- keys that are not known ----------------------------------------------------------------------------------------


@pytest.mark.both_loops
async def test_a_rotation_costs_one_call(around: Surroundings, origin: StartOrigin) -> None:
    """JWT-12: of all who bring a token of the new key, one asks."""
    server = (await origin()).play(PUBLISHED).always(ROTATED)
    keys = at(around, server)
    first = await keys.get()

    found = await asyncio.gather(*(keys.newer(first) for _ in range(500)))

    assert {"two"} == {key.kid for one in found for key in one.keys}
    assert found[0] is await keys.newer(first) is keys.young()
    assert 2 == len(server.requests)


async def test_invented_keys_cost_one_call_in_a_while(around: Surroundings, origin: StartOrigin) -> None:
    """JWT-13: a thousand a second, for two minutes."""
    server = (await origin()).always(PUBLISHED)
    keys = at(around, server)
    first = await keys.get()
    for _ in range(120):
        for _ in range(1000):
            assert first is await keys.newer(first)
        around.fake_clock.advance(1)

    assert 1 + 120 / COOL_DOWN == len(server.requests)
    assert 30 == COOL_DOWN


async def test_while_the_issuer_is_down_nobody_knows_of_other_keys(
    around: Surroundings, origin: StartOrigin
) -> None:
    """JWT-13, JWT-14: to say that a token is wrong would be a guess; and it is asked no more often."""
    server = (await origin()).play(PUBLISHED).always(answer(500))
    keys = at(around, server)
    first = await keys.get()

    assert ["status", "unreachable", "unreachable"] == [await kids(keys.newer(first)) for _ in range(3)]
    around.fake_clock.advance(COOL_DOWN - 0.1)
    assert "unreachable" == await kids(keys.newer(first))
    assert 2 == len(server.requests)
    around.fake_clock.advance(0.1)
    server.always(PUBLISHED)
    assert [first, first] == [await keys.newer(first) for _ in range(2)]
    assert 3 == len(server.requests)


async def test_a_renewal_that_is_under_way_is_waited_for(around: Surroundings, origin: StartOrigin) -> None:
    """One call for both, and none of those that the cool-down counts."""
    go = asyncio.Event()
    server = (await origin()).play(PUBLISHED).play(go, PUBLISHED).always(ROTATED)
    keys = at(around, server)
    first = await keys.get()
    around.fake_clock.advance(RENEW)
    await keys.get()
    task = asyncio.create_task(keys.newer(first))
    await server.received(2)
    go.set()

    assert first is await task
    assert "two" == await kids(keys.newer(first))


async def test_failures_show_nothing_of_the_answer(
    around: Surroundings, origin: StartOrigin, caplog: pytest.LogCaptureFixture
) -> None:
    """JWT-16: an answer may be anything."""
    server = (await origin()).always(
        answer(200, (), b'{"keys":[{"kty":"CANARY","kid":"CANARY"}],"x":"CANARY"}')
    )
    keys = at(around, server)

    with pytest.raises(CallFailed) as raised:
        await keys.get()

    assert 1 == len(caplog.messages)
    assert "authenticator staff: its keys are of no use" in caplog.text
    for text in (caplog.text, str(raised.value), repr(raised.value)):
        assert "CANARY" not in text

"""`introspection`: what a server says of tokens, and what the gateway makes of it while that server is slow, dead or wrong."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from gatekeeper.auth import introspection
from gatekeeper.auth.introspection import (
    REFUSED_FOR,
    SKEW,
    Introspection,
    IntrospectionConfig,
    Known,
)
from gatekeeper.config.problems import ConfigError
from gatekeeper.config.structure import structure_options
from gatekeeper.core.errors import GatewayError, IdentityUnknown, Unauthenticated
from gatekeeper.core.identity import Consumer
from gatekeeper.extend.context import BuildContext
from gatekeeper.testing import (
    FIN,
    HANG,
    Origin,
    StartGateway,
    StartOrigin,
    Surroundings,
    answer,
    make_exchange,
)
from gatekeeper.testing.origin import Received


WALL = 1_700_000_000
SECRET = "s3cret-of-the-gateway"
CANARY = "canary-token-0123456789"


@pytest_asyncio.fixture
async def around() -> AsyncIterator[Surroundings]:
    """A gateway with a client."""
    surroundings = Surroundings()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as surroundings.session:
        yield surroundings
    await surroundings.close()


def identify(claims: Mapping[str, Any], /) -> Consumer:
    return Consumer(name=f"opaque:{claims['sub']}", authenticators=("opaque",), claims=claims)


def make(around: Surroundings, origin: Origin, **options: Any) -> Introspection:
    config = IntrospectionConfig(
        **{"url": f"{origin.url}/introspect", "client_id": "gw", "client_secret": SECRET, **options}
    )
    context = BuildContext(
        gateway=around,
        wheel=around.fake_clock.wheel,
        name="opaque",
        owner="authenticators",
        identify=identify,
    )
    return introspection.build(config, context)


async def ask(auth: Introspection, token: str = CANARY) -> str:
    """The name of who shows a token, or the status that it leads to."""
    exchange = make_exchange(headers={"authorization": f"Bearer {token}"})
    try:
        consumer = await auth.authenticate(exchange)
    except GatewayError as error:
        assert isinstance(error, Unauthenticated | IdentityUnknown)
        for text in (str(error), repr(error), error.log, error.detail):
            assert token not in text
            assert SECRET not in text
        return str(error.status)
    assert consumer is not None
    return consumer.name


def active(**claims: Any) -> bytes:
    return answer(json={"active": True, "sub": "u-1", **claims})


INACTIVE = answer(json={"active": False})


# ---- what is asked --------------------------------------------------------------------------------------------------


async def test_the_server_is_asked_as_it_is_written(around: Surroundings, origin: StartOrigin) -> None:
    """RFC 7662 section 2.1, and RFC 6749 section 2.3.1 for who asks."""
    server = (await origin()).always(active())

    assert "opaque:u-1" == await ask(make(around, server), "a+b/c=")

    request = server.request
    assert ("POST", "/introspect") == (request.method, request.target)
    assert b"token=a%2Bb%2Fc%3D&token_type_hint=access_token" == bytes(request.body)
    assert "Basic Z3c6czNjcmV0LW9mLXRoZS1nYXRld2F5" == request.get("Authorization")
    assert "application/json" == request.get("Accept")


@pytest.mark.parametrize(
    ("headers", "path", "options"),
    [
        pytest.param({"authorization": "bearer tok"}, "/", {}, id="scheme-in-lower-case"),
        pytest.param({"x-token": "tok"}, "/", {"header": "X-Token"}, id="header"),
        pytest.param({"x-token": "Token tok"}, "/", {"header": "x-token", "scheme": "Token"}, id="scheme"),
        pytest.param({"cookie": "a=b; t=tok"}, "/", {"cookie": "t"}, id="cookie"),
        pytest.param({}, "/?t=tok&a=b", {"query": "t"}, id="JWT-17-query"),
    ],
)
async def test_a_token_stands_where_it_is_said(
    around: Surroundings, origin: StartOrigin, headers: dict[str, str], path: str, options: dict[str, str]
) -> None:
    """And is taken out of what services get."""
    server = (await origin()).always(active())
    auth = make(around, server, **options)
    exchange = make_exchange("GET", path, headers)

    consumer = await auth.authenticate(exchange)
    auth.conceal(exchange)

    assert consumer is not None
    assert "opaque:u-1" == consumer.name
    left = repr(exchange.request.headers.fields) + exchange.request.query + exchange.request.target.decode()
    assert "tok" not in left
    assert b"token=tok&" in bytes(server.request.body)


async def test_without_a_token_nobody_is_asked(around: Surroundings, origin: StartOrigin) -> None:
    """None of this kind is no fault."""
    server = await origin()
    auth = make(around, server)

    for headers in ({}, {"authorization": "Basic YTpi"}):
        assert None is await auth.authenticate(make_exchange(headers=headers))
    assert [] == server.requests


@pytest.mark.parametrize(
    "token", ["", "a b", "caf\u00e9", "a\tb", "x" * 16385], ids=["empty", "blank", "latin-1", "tab", "long"]
)
async def test_what_can_be_no_token_is_not_asked_about(
    around: Surroundings, origin: StartOrigin, token: str
) -> None:
    """KEY-03: it is wrong without asking."""
    server = await origin()
    exchange = make_exchange()
    exchange.request.headers.fields.append((b"authorization", b"Bearer " + token.encode("latin-1")))

    with pytest.raises(Unauthenticated):
        await make(around, server).authenticate(exchange)
    assert [] == server.requests


# ---- what the answer means ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claims", "options", "expected"),
    [
        pytest.param({}, {}, "opaque:u-1", id="active"),
        pytest.param({"exp": WALL + 1}, {}, "opaque:u-1", id="expires"),
        pytest.param({"exp": WALL + 0.5}, {}, "opaque:u-1", id="expires-in-half-a-second"),
        pytest.param({"exp": WALL}, {}, "401", id="expired-now"),
        pytest.param({"exp": WALL - 1}, {}, "401", id="expired"),
        pytest.param({"exp": None}, {}, "opaque:u-1", id="exp-null"),
        pytest.param({"exp": str(WALL + 9)}, {}, "503", id="exp-text"),
        pytest.param({"exp": True}, {}, "503", id="exp-boolean"),
        pytest.param({"exp": [WALL + 9]}, {}, "503", id="exp-list"),
        pytest.param({"exp": 2**64 - 1}, {}, "opaque:u-1", id="exp-large"),
        pytest.param({"nbf": WALL + SKEW}, {}, "opaque:u-1", id="nbf-skew"),
        pytest.param({"nbf": WALL + SKEW + 1}, {}, "401", id="nbf-later"),
        pytest.param({"nbf": "soon"}, {}, "503", id="nbf-text"),
        pytest.param({"iss": "https://a"}, {"issuer": "https://a"}, "opaque:u-1", id="iss"),
        pytest.param({"iss": "https://a/"}, {"issuer": "https://a"}, "401", id="iss-slash"),
        pytest.param({"iss": ["https://a"]}, {"issuer": "https://a"}, "401", id="iss-list"),
        pytest.param({}, {"issuer": "https://a"}, "401", id="iss-missing"),
        pytest.param({"aud": "shop"}, {"audience": "shop"}, "opaque:u-1", id="aud"),
        pytest.param({"aud": ["x", "shop"]}, {"audience": ("shop", "y")}, "opaque:u-1", id="aud-list"),
        pytest.param({"aud": "shops"}, {"audience": "shop"}, "401", id="aud-longer"),
        pytest.param({"aud": "s"}, {"audience": "shop"}, "401", id="aud-part"),
        pytest.param({"aud": []}, {"audience": ("shop",)}, "401", id="aud-empty"),
        pytest.param({"aud": [["shop"]]}, {"audience": ("shop",)}, "401", id="aud-nested"),
        pytest.param({}, {"audience": ("shop",)}, "401", id="aud-missing"),
    ],
)
async def test_what_is_said_of_a_token_that_is_active(
    around: Surroundings, origin: StartOrigin, claims: dict[str, Any], options: dict[str, Any], expected: str
) -> None:
    """RFC 7662 section 2.2: whatever the server says, its own claims and ours must agree."""
    server = (await origin()).always(active(**claims))

    assert expected == await ask(make(around, server, **options))


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(answer(json={"active": "true", "sub": "u"}), id="OAU-01-text"),
        pytest.param(answer(json={"active": 1, "sub": "u"}), id="OAU-01-number"),
        pytest.param(answer(json={"active": None, "sub": "u"}), id="OAU-01-null"),
        pytest.param(answer(json={"sub": "u"}), id="OAU-01-none"),
        pytest.param(
            answer(200, {"content-type": "application/json"}, b'{"active":false,"active":true,"sub":"u"}'),
            id="twice",
        ),
        pytest.param(answer(200, {"content-type": "text/html"}, b"<html>"), id="OAU-01-html"),
        pytest.param(answer(500, json={"active": True, "sub": "u"}), id="OAU-01-500"),
        pytest.param(answer(401, json={"active": True, "sub": "u"}), id="401"),
        pytest.param(answer(302, {"location": "/introspect"}), id="redirect"),
    ],
)
async def test_what_is_not_beyond_doubt_lets_nobody_in(
    around: Surroundings, origin: StartOrigin, raw: bytes
) -> None:
    """OAU-01: and nothing of it is remembered."""
    server = (await origin()).play(raw).play(raw).always(active())
    auth = make(around, server)

    assert ["503", "503", "opaque:u-1"] == [await ask(auth) for _ in range(3)]


@pytest.mark.both_loops
@pytest.mark.parametrize("outage", ["refused", "slow", "cut"])
async def test_who_is_known_passes_in_an_outage_until_it_is_time_to_ask(
    around: Surroundings, origin: StartOrigin, outage: str
) -> None:
    """OAU-01: nobody else does."""
    server = (await origin()).play(active()).play(INACTIVE)
    auth = make(around, server, timeout=0.5)
    assert ["opaque:u-1", "401"] == [await ask(auth, "good"), await ask(auth, "bad")]

    if outage == "refused":
        server.stop_listening()
        server.close_idle()
    server.always(*((HANG,) if outage == "slow" else (FIN,)))

    assert ["opaque:u-1", "401", "503"] == [await ask(auth, token) for token in ("good", "bad", "other")]
    around.fake_clock.advance(REFUSED_FOR)
    assert ["opaque:u-1", "503"] == [await ask(auth, token) for token in ("good", "bad")]
    around.fake_clock.advance(60 - REFUSED_FOR - 0.2)
    assert "opaque:u-1" == await ask(auth, "good")
    around.fake_clock.advance(0.2)
    assert "503" == await ask(auth, "good")


# ---- what is remembered ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "cache", "until"),
    [
        pytest.param(active(), 60.0, 60.0, id="good"),
        pytest.param(active(exp=WALL + 7), 60.0, 7.0, id="JWT-11-good-expires"),
        pytest.param(active(exp=WALL + 70), 60.0, 60.0, id="good-expires-later"),
        pytest.param(INACTIVE, 60.0, REFUSED_FOR, id="OAU-03-bad"),
        pytest.param(INACTIVE, 2.0, 2.0, id="OAU-03-bad-short"),
        pytest.param(active(exp=WALL - 1), 60.0, REFUSED_FOR, id="bad-expired"),
    ],
)
async def test_an_answer_holds_for_its_time(
    around: Surroundings, origin: StartOrigin, raw: bytes, cache: float, until: float
) -> None:
    """OAU-03: a token that is revoked is refused by then, and one that becomes good is taken."""
    server = (await origin()).always(raw)
    auth = make(around, server, cache=cache)

    first = await ask(auth)
    around.fake_clock.advance(until - 0.1)
    assert first == await ask(auth)
    assert 1 == len(server.requests)
    around.fake_clock.advance(0.11)
    server.always(answer(json={"active": first == "401", "sub": "u-2"}))

    assert {"401": "opaque:u-2"}.get(first, "401") == await ask(auth)
    assert 2 == len(server.requests)
    assert (1, 0) == (len(auth.server.good) + len(auth.server.bad), len(auth.server._flights))


async def test_nothing_is_remembered_where_that_is_said(around: Surroundings, origin: StartOrigin) -> None:
    """`cache: 0s`."""
    server = (await origin()).play(active()).play(INACTIVE).always(active())
    auth = make(around, server, cache=0.0)

    assert ["opaque:u-1", "401", "opaque:u-1"] == [await ask(auth) for _ in range(3)]


async def test_an_answer_is_as_old_as_its_question(around: Surroundings, origin: StartOrigin) -> None:
    """A server that is slow does not make a revoked token good for longer."""
    go = asyncio.Event()
    server = (await origin()).play(go, active()).always(INACTIVE)
    auth = make(around, server)
    task = asyncio.create_task(ask(auth))
    await server.received()
    around.fake_clock.advance(59)
    go.set()

    assert "opaque:u-1" == await task
    around.fake_clock.advance(1)
    assert "401" == await ask(auth)


async def test_tokens_that_look_alike_are_others(around: Surroundings, origin: StartOrigin) -> None:
    """OAU-04: equal beginnings, other case, longer by one."""

    def tell(request: Received) -> bytes:
        return active(sub=hashlib.sha256(bytes(request.body)).hexdigest())

    server = (await origin()).always(tell)
    auth = make(around, server)
    tokens = ["a" * 500 + end for end in ("", "a", "b", "B")]

    names = [await ask(auth, token) for token in (*tokens, *tokens)]

    assert names[:4] == names[4:]
    assert 4 == len(set(names)) == len(server.requests)


async def test_who_asks_is_made_once_for_a_configuration(around: Surroundings, origin: StartOrigin) -> None:
    """One object for many requests; another configuration may know its claims as somebody else."""
    server = (await origin()).always(active())
    auth = make(around, server)
    exchange = make_exchange(headers={"authorization": f"Bearer {CANARY}"})

    first, second = await auth.authenticate(exchange), await auth.authenticate(exchange)
    auth._identify = lambda claims: Consumer(name="acme", authenticators=("opaque",), claims=claims)
    third = await auth.authenticate(exchange)

    assert first is second
    assert third is not None
    assert ("acme", 1) == (third.name, len(server.requests))


async def test_invented_tokens_push_out_no_good_one(
    around: Surroundings, origin: StartOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JWT-13: there is another place for those."""
    server = (await origin()).play(active()).always(INACTIVE)
    auth = make(around, server)
    auth.server.good._most = auth.server.bad._most = 3

    for token in ("good", "b1", "b2", "b3", "b4", "b5", "good"):
        await ask(auth, token)

    assert (1, 3, 6) == (len(auth.server.good), len(auth.server.bad), len(server.requests))


# ---- many at the same time ------------------------------------------------------------------------------------------


@pytest.mark.both_loops
async def test_one_token_is_asked_about_once(around: Surroundings, origin: StartOrigin) -> None:
    """OAU-02: also where the first of 500 gives up."""
    go = asyncio.Event()
    server = (await origin()).always(go, active())
    auth = make(around, server)
    tasks = [asyncio.create_task(ask(auth)) for _ in range(500)]
    await server.received()
    tasks[0].cancel()
    await asyncio.wait(tasks[:1])
    go.set()

    assert {"opaque:u-1"} == set(await asyncio.gather(*tasks[1:]))
    assert 1 == len(server.requests)


@pytest.mark.both_loops
async def test_many_tokens_are_asked_about_by_and_by(around: Surroundings, origin: StartOrigin) -> None:
    """OAU-02: 50 at a time, and what is beyond all bounds is not let in."""
    most = under_way = 0
    go = asyncio.Event()

    def begin(_: Received) -> list[Any]:
        nonlocal most, under_way
        under_way += 1
        most = max(most, under_way)
        return [go, end]

    def end(_: Received) -> bytes:
        nonlocal under_way
        under_way -= 1
        return active()

    server = (await origin()).always(begin)
    auth = make(around, server, timeout=30)
    auth.server._calls._places.wait = 30  # this machine may be slow
    tasks = [asyncio.create_task(ask(auth, f"t{number}")) for number in range(1500)]
    await server.received(50)
    go.set()

    found = await asyncio.gather(*tasks)

    assert {"opaque:u-1": 1050, "503": 450} == {name: found.count(name) for name in set(found)}
    assert (50, 1050) == (most, len(server.requests))


async def test_failures_are_counted_and_told_without_the_token(
    around: Surroundings, origin: StartOrigin, caplog: pytest.LogCaptureFixture
) -> None:
    """KEY-02: neither log, nor metrics, nor what objects say of themselves shows a secret."""
    server = (await origin()).play(active()).always(answer(500, body=CANARY.encode()))
    auth = make(around, server, cache=0.0)
    await ask(auth)
    for _ in range(3):
        assert "503" == await ask(auth)

    samples = around.metrics.snapshot()["gatekeeper_calls_total"]["samples"]
    assert [("authenticator opaque", "ok", 1), ("authenticator opaque", "status", 3)] == [
        (sample["labels"]["caller"], sample["labels"]["outcome"], sample["value"]) for sample in samples
    ]
    assert ["authenticator opaque: it answered 500"] == caplog.messages
    config = IntrospectionConfig(url="http://a/", client_id="gw", client_secret=SECRET)
    for text in (
        caplog.text,
        repr(samples),
        repr(config),
        repr(auth),
        repr(auth.server),
        repr(Known(claims={"sub": CANARY})),
    ):
        assert CANARY not in text
        assert SECRET not in text


# ---- in a gateway ---------------------------------------------------------------------------------------------------

CONFIG = """
version: 1
authenticators:
  opaque:
    introspection: {{url: {url}/introspect, client_id: gw, client_secret: {secret}{more}}}
    identity: {{subject: "{{claim.username}}", roles: "{{claim.groups}}"}}
consumers:
  acme: {{plan: gold, credentials: {{opaque: {{claims: {{client_id: acme-app}}}}}}}}
plans: {{gold: {{}}}}
services: {{one: {service}}}
routes:
  one: {{match: /**, to: one, filters: [auth: opaque, {{authorize: {{scope: read}}}}]}}
"""


@pytest.mark.both_loops
async def test_in_a_gateway(gateway: StartGateway, origin: StartOrigin) -> None:
    """OAU-06: scopes are words; claims name who asks, and consumers of the configuration; a reload forgets nothing."""
    idp, service = await origin(), await origin()
    text = CONFIG.format(url=idp.url, secret="s3cret", service=service.url, more="")
    gw = await gateway(text)
    people: dict[str, dict[str, Any]] = {
        "t1": {"scope": "write read", "username": "ann", "groups": ["dev", "ops"]},
        "t2": {"scope": "readonly", "username": "bob"},
        "t3": {"scope": ["read"], "username": "cy", "client_id": "acme-app"},
        "t4": {"scope": "read", "sub": "no-name"},
    }

    def tell(request: Received) -> bytes:
        token = bytes(request.body).partition(b"&")[0].partition(b"=")[2].decode()
        return answer(json={"active": token in people, **people.get(token, {})})

    idp.always(tell)

    async def status(token: str) -> int:
        return (await gw.get("/", {"authorization": f"Bearer {token}"})).status

    assert [200, 403, 200, 401, 401] == [await status(token) for token in ("t1", "t2", "t3", "t4", "t5")]
    assert [("opaque:ann", "dev,ops"), ("acme", None)] == [
        (request.get("x-consumer"), request.get("x-consumer-roles")) for request in service.requests
    ]
    assert [None, None] == [request.get("authorization") for request in service.requests]
    refused = await gw.get("/")
    assert (401, 'Bearer realm="opaque"') == (refused.status, refused.get("www-authenticate"))
    assert b"s3cret" not in refused.body

    asked = len(idp.requests)
    assert (await gw.apply(text.replace("plan: gold, ", "roles: [partner], "))).applied
    assert [200, 200, 403] == [await status(token) for token in ("t1", "t3", "t2")]
    assert "partner" == service.requests[-1].get("x-consumer-roles")
    assert asked == len(idp.requests)

    idp.stop_listening()
    idp.close_idle()
    down = await gw.get("/", {"authorization": "Bearer t9"})
    assert (503, "identity-unknown") == (down.status, down.json()["code"])
    assert 200 == await status("t1")

    # what another server, or another secret, has said is worth nothing
    assert (await gw.apply(text.replace("s3cret", "other"))).applied
    assert 503 == await status("t1")
    assert 0 < gw.metric("gatekeeper_calls_total", caller="authenticator opaque", outcome="unreachable")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "`client_id` is missing"),
        ({"url": "http://me:s3cret@a/"}, "write `client_id` and `client_secret`"),
        ({"timeout": "0s"}, "`timeout` must be longer than 0s"),
        ({"header": "x-a", "cookie": "b"}, "exclude each other"),
        ({"client_secret": "***"}, "stands for what is not shown"),
        ({"audience": 5}, "audience"),
    ],
)
def test_what_a_configuration_gets_wrong_is_said(options: dict[str, Any], message: str) -> None:
    """With what to write."""
    given = {
        "url": "http://a/",
        **({"client_id": "a", "client_secret": "s3cret"} if options else {}),
        **options,
    }
    with pytest.raises(ConfigError) as raised:
        structure_options(IntrospectionConfig, given, ("introspection",))
    assert message in str(raised.value)
    assert "s3cret" not in str(raised.value)

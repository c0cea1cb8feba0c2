"""`external`: what somebody else decides, who may be slow, dead or wrong."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from gatekeeper.auth import external
from gatekeeper.auth.external import LIMIT, External, ExternalConfig
from gatekeeper.config.problems import ConfigError
from gatekeeper.config.structure import structure_options
from gatekeeper.core.body import Body
from gatekeeper.core.errors import GatewayError, IdentityUnknown, RefusedElsewhere
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.identity import Consumer
from gatekeeper.extend.context import BuildContext
from gatekeeper.testing import (
    FIN,
    HANG,
    RST,
    Chunks,
    Origin,
    StartGateway,
    StartOrigin,
    Surroundings,
    answer,
    make_exchange,
)


@pytest_asyncio.fixture
async def around() -> AsyncIterator[Surroundings]:
    """A gateway with a client."""
    surroundings = Surroundings()
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        connector=connector, cookie_jar=aiohttp.DummyCookieJar()
    ) as surroundings.session:
        yield surroundings


def identify(claims: Mapping[str, Any], /) -> Consumer:
    return Consumer(name=f"ext:{claims['sub']}", authenticators=("ext",), claims=claims)


def make(around: Surroundings, origin: Origin, **options: Any) -> External:
    context = BuildContext(
        gateway=around,
        wheel=around.fake_clock.wheel,
        name="ext",
        owner="authenticators",
        identify=identify,
    )
    return external.build(ExternalConfig(**{"url": f"{origin.url}/ask?a=b", **options}), context)


async def passed(auth: External, exchange: Exchange) -> Consumer:
    consumer = await auth.authenticate(exchange)
    auth.conceal(exchange)
    assert consumer is not None
    return consumer


# ---- what is asked --------------------------------------------------------------------------------------------------


async def test_the_head_of_a_request_is_told_and_no_body(around: Surroundings, origin: StartOrigin) -> None:
    """As nginx and Traefik do: method, address and client in fields of their own, by GET."""
    server = await origin()
    source = Chunks(b"a body")
    exchange = make_exchange(
        "POST",
        "/a%20b?c=d&e",
        [
            ("authorization", "Bearer x"),
            ("Cookie", "a=1"),
            ("cookie", "b=2"),
            ("x-other", "no"),
            ("content-type", "text/plain"),
        ],
        body=Body.stream(source, None),
        host="shop.example:8443",
        scheme="https",
        client="203.0.113.9",
    )

    assert "ext:external" == (await passed(make(around, server), exchange)).name

    request = server.request
    assert ("GET", "/ask?a=b", b"") == (request.method, request.target, bytes(request.body))
    assert {
        "x-forwarded-method": "POST",
        "x-forwarded-proto": "https",
        "x-forwarded-host": "shop.example:8443",
        "x-forwarded-uri": "/a%20b?c=d&e",
        "x-forwarded-for": "203.0.113.9",
        "authorization": "Bearer x",
    } == {
        name.decode().lower(): value.decode()
        for name, value in request.headers
        if name.lower().startswith((b"x-", b"auth"))
    }
    assert ["a=1", "b=2"] == request.get_all("cookie")
    assert None is request.get("content-type") is request.get("content-length")
    assert 0 == source.reads
    # services see what the client sent
    assert "Bearer x" == exchange.request.headers.text(b"authorization")


async def test_other_fields_are_sent_where_that_is_said(around: Surroundings, origin: StartOrigin) -> None:
    """In whatever case, with the bytes that they have, in the place of the gateway's own."""
    server = await origin()
    exchange = make_exchange(
        headers=[
            ("X-Key", b"caf\xc3\xa9"),
            ("user-agent", "curl"),
            ("authorization", "x"),
            ("ACCEPT", "text/html"),
        ]
    )

    await passed(make(around, server, send_headers=("x-key", "User-Agent", "accept")), exchange)

    request = server.request
    assert [b"caf\xc3\xa9"] == [value for name, value in request.headers if name.lower() == b"x-key"]
    assert (["curl"], ["text/html"]) == (request.get_all("user-agent"), request.get_all("accept"))
    assert None is request.get("authorization")


async def test_bytes_that_are_no_text_fail_nothing(around: Surroundings, origin: StartOrigin) -> None:
    """They stand in cookies of old applications."""
    server = await origin()
    exchange = make_exchange()
    exchange.request.headers.fields.append((b"cookie", b"old=\xe9; session=1"))

    await passed(make(around, server), exchange)

    assert "session=1" in (server.request.get("cookie") or "")


# ---- what is said ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 202, 204, 299])
async def test_2xx_lets_pass(around: Surroundings, origin: StartOrigin, status: int) -> None:
    """The fields of the answer are claims, and some are for services."""
    server = (await origin()).always(
        answer(
            status,
            [
                ("X-User", "ann"),
                ("X-Group", "dev"),
                ("x-group", "ops"),
                ("sub", "u-7"),
                ("Set-Cookie", "s=1"),
                ("x-not-kept", "1"),
            ],
        )
    )
    exchange = make_exchange(headers=[("x-user", "somebody else"), ("x-other", "stays")])

    consumer = await passed(make(around, server, keep_headers=("x-USER", "x-group", "x-none")), exchange)

    assert ("ext:u-7", "ann", ["dev", "ops"]) == (
        consumer.name,
        consumer.claims["x-user"],
        consumer.claims["x-group"],
    )
    assert "set-cookie" not in consumer.claims
    assert [
        (b"x-other", b"stays"),
        (b"X-User", b"ann"),
        (b"X-Group", b"dev"),
        (b"x-group", b"ops"),
    ] == exchange.request.headers.fields


async def test_what_the_answer_does_not_say_nobody_says(around: Surroundings, origin: StartOrigin) -> None:
    """A field that is kept never comes from a client, also where the answer has none; nor is what is no text a claim."""
    server = (await origin()).always(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-name: \xff\r\n\r\n")
    exchange = make_exchange(headers=[("authorization", "Basic YTpi"), ("x-user", "root")])
    auth = make(around, server, keep_headers=("authorization", "x-user"))

    consumer = await passed(auth, exchange)

    assert [] == exchange.request.headers.fields
    assert "x-name" not in consumer.claims


@pytest.mark.parametrize(
    ("status", "location"), [(401, ""), (403, ""), (302, "/login"), (303, "https://a/"), (307, "/x")]
)
async def test_a_refusal_is_passed_on(
    around: Surroundings, origin: StartOrigin, status: int, location: str
) -> None:
    """With the fields that clients need for a login, and no others."""
    fields = [
        ("WWW-Authenticate", 'Basic realm="a"'),
        ("Set-Cookie", "a=b"),
        ("Set-Cookie", "c=d"),
        ("Content-Type", "text/html"),
        ("Cache-Control", "no-store"),
    ]
    fields += [("Location", location)] if location else []
    server = (await origin()).always(
        answer(status, [*fields, ("X-Secret", "1"), ("Server", "idp")], b"<p>no</p>")
    )
    exchange = make_exchange(headers=[("authorization", "Bearer x")])

    with pytest.raises(RefusedElsewhere) as raised:
        await make(around, server).authenticate(exchange)
    response = exchange.reject(raised.value)

    assert (status, b"<p>no</p>", raised.value) == (response.status, response.body.data, response.error)
    assert [(name.encode(), value.encode()) for name, value in fields] == response.headers.fields
    assert f"who decides answered {status}" == raised.value.log


@pytest.mark.both_loops
@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param((answer(500),), id="500"),
        pytest.param((answer(429),), id="429"),
        pytest.param((answer(404),), id="404"),
        pytest.param((answer(302),), id="redirect-to-nowhere"),
        pytest.param((answer(302, [("location", "/a"), ("location", "/b")]),), id="redirect-twice"),
        pytest.param((answer(301, {"location": "/"}),), id="301"),
        pytest.param((answer(304),), id="304"),
        pytest.param((answer(401, body=b"x" * 65537),), id="large"),
        pytest.param((answer(200, body=b"x" * 65537),), id="large-200"),
        pytest.param((b"HTTP/1.1 200 OK\r\nx-a: b\x01c\r\ncontent-length: 0\r\n\r\n", FIN), id="control"),
        pytest.param((answer(200)[:-4], HANG), id="half-a-head"),
        pytest.param((answer(200, body=b"abc")[:-1], HANG), id="half-a-body"),
        pytest.param((HANG,), id="slow"),
        pytest.param((FIN,), id="fin"),
        pytest.param((RST,), id="rst"),
    ],
)
async def test_an_outage_lets_nobody_pass(around: Surroundings, origin: StartOrigin, pieces: Any) -> None:
    """OAU-01: whatever is no decision is 503."""
    server = (await origin()).always(*pieces)
    exchange = make_exchange(headers=[("x-user", "root")])

    with pytest.raises(IdentityUnknown):
        await make(around, server, timeout=0.2, keep_headers=("x-user",)).authenticate(exchange)


async def test_nothing_is_remembered(around: Surroundings, origin: StartOrigin) -> None:
    """Each request is asked about."""
    server = (await origin()).play(answer(200)).play(answer(401)).play(answer(200))
    auth = make(around, server)
    found = []
    for _ in range(3):
        try:
            found.append((await passed(auth, make_exchange())).name)
        except GatewayError as error:
            found.append(error.code)

    assert ["ext:external", "refused-elsewhere", "ext:external"] == found


async def test_who_hangs_up_is_not_asked_about_any_more(around: Surroundings, origin: StartOrigin) -> None:
    """The call ends with the request."""
    server = (await origin()).always(HANG)
    task = asyncio.create_task(make(around, server, timeout=30).authenticate(make_exchange()))
    await server.received()

    task.cancel()
    await asyncio.wait([task])
    await asyncio.wait_for(server.connections[0].ended.wait(), 5)

    assert task.cancelled()


async def test_no_more_than_allowed_are_asked_about(around: Surroundings, origin: StartOrigin) -> None:
    """All that come meanwhile wait, or are refused."""
    go = asyncio.Event()
    server = (await origin()).always(go, answer(200))
    auth = make(around, server, timeout=30)
    auth._calls._places.wait = 30  # this machine may be slow
    tasks = [asyncio.create_task(auth.authenticate(make_exchange())) for _ in range(LIMIT + 10)]
    await server.received(LIMIT)
    await asyncio.sleep(0)

    assert LIMIT == len(server.requests)
    go.set()
    await asyncio.gather(*tasks)


# ---- in a gateway ---------------------------------------------------------------------------------------------------

CONFIG = """
version: 1
authenticators:
  ext:
    external: {{url: {url}/ask, keep_headers: [x-user, authorization], timeout: 5s}}
    identity: {{subject: "{{claim.x-user}}", roles: "{{claim.x-role}}"}}
  keys: api_key
consumers:
  acme: {{credentials: {{ext: {{claims: {{x-user: acme}}}}}}}}
services: {{one: {service}}}
routes:
  one: {{match: /**, to: one, filters: [auth: ext]}}
  two: {{match: /two, to: one, filters: [auth: [keys, ext]]}}
  three: {{match: /three, to: one, filters: [{{auth: {{all_of: [ext, keys]}}}}]}}
  open: {{match: /open, to: one, public: true}}
"""


@pytest.mark.both_loops
async def test_in_a_gateway(
    gateway: StartGateway, origin: StartOrigin, caplog: pytest.LogCaptureFixture
) -> None:
    """Names come from outside into a space of their own; refusals reach clients as they are, and the log says whose they were."""
    judge, service = await origin(), await origin()
    gw = await gateway(CONFIG.format(url=judge.url, service=service.url))

    judge.always(answer(200, [("x-user", "ann"), ("x-role", "dev"), ("authorization", "Bearer inner")]))
    assert 200 == (await gw.get("/a", [("x-user", "root"), ("authorization", "Bearer outer")])).status
    seen = service.requests[-1]
    assert (["ann"], ["Bearer inner"], "ext:ann", "dev") == (
        seen.get_all("x-user"),
        seen.get_all("authorization"),
        seen.get("x-consumer"),
        seen.get("x-consumer-roles"),
    )
    assert "Bearer outer" == judge.requests[-1].get("authorization")

    judge.always(answer(200, {"x-user": "acme"}))
    assert 200 == (await gw.get("/a")).status
    assert "acme" == service.requests[-1].get("x-consumer")

    judge.always(answer(200))
    assert 401 == (await gw.get("/a")).status

    # a public route asks nobody, and believes nobody
    assert 200 == (await gw.get("/open", [("x-user", "root"), ("authorization", "Bearer outer")])).status
    assert (None, "Bearer outer") == (
        service.requests[-1].get("x-user"),
        service.requests[-1].get("authorization"),
    )

    judge.always(answer(302, [("location", "https://login/?to=x"), ("set-cookie", "s=1")], b"go"))
    for path in ("/a", "/two", "/three"):
        refused = await gw.get(path)
        assert (302, "https://login/?to=x", "s=1", b"go") == (
            refused.status,
            refused.get("location"),
            refused.get("set-cookie"),
            refused.body,
        )
    head = await gw.request("HEAD", "/a")
    assert (302, b"") == (head.status, head.body)
    record = await gw.record(8)
    assert (302, "refused-elsewhere", "auth") == (record["status"], record["error"], record["stopped_by"])

    judge.stop_listening()
    judge.close_idle()
    caplog.set_level(logging.WARNING)
    down = await gw.get("/a", {"authorization": "Bearer canary"})
    assert (503, "identity-unknown") == (down.status, down.json()["code"])
    assert "canary" not in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"url": "a"}, "begins with `http://`"),
        ({"url": "http://a:b@c/"}, "no user and no password"),
        ({"timeout": "0s"}, "`timeout` must be longer"),
        ({"send_headers": ["X-Forwarded-For"]}, "`X-Forwarded-For` is written by the gateway itself"),
        ({"send_headers": ["host"]}, "`host` is written by the gateway itself"),
        ({"keep_headers": ["Content-Length"]}, "`Content-Length` is written by the gateway itself"),
        ({"keep_headers": ["a b"]}, "`a b` is not a header field name"),
        ({"send_headers": ["X-A"], "keep_headers": ["x-a"]}, "`x-a` of clients is taken away"),
    ],
)
def test_what_a_configuration_gets_wrong_is_said(options: dict[str, Any], message: str) -> None:
    """With what to write."""
    with pytest.raises(ConfigError) as raised:
        structure_options(ExternalConfig, {"url": "http://a/", **options}, ("external",))
    assert message in str(raised.value)


def test_credentials_are_no_identity() -> None:
    """Services check them: other routes, and other authenticators, go on to get those of clients."""
    config = ExternalConfig(url="http://a/", keep_headers=("Authorization", "cookie", "X-User"))

    assert frozenset({"x-user"}) == config.identity_headers

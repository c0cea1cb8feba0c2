"""Who asks, through a whole gateway: what services get to see, and what nobody passes by."""

import asyncio
import hashlib
import itertools
from textwrap import dedent, indent
from typing import Any

import attrs
import pytest

from gatekeeper import hookimpl
from gatekeeper.config.problems import ConfigError
from gatekeeper.core.chain import Handler
from gatekeeper.core.errors import IdentityUnknown, Unauthenticated
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.identity import Consumer
from gatekeeper.core.message import Response
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.testing import LiveGateway, Origin, StartGateway, StartOrigin, answer


def sha256(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


HEAD = """\
version: 1
services: {{app: {url}}}
authenticators: {{keys: api_key, partners: {{api_key: {{header: x-partner-key}}}}}}
consumers:
  acme: {{roles: {roles}, credentials: {{keys: {{sha256: {acme}}}}}}}
  bob: {{credentials: {{keys: {{sha256: {bob}}}, partners: {{sha256: {partner}}}}}}}
"""


def config(url: str, body: str, *, roles: str = "[admin]") -> str:
    """A configuration with two consumers, of whom one is an admin."""
    digests = {
        "acme": sha256("key-of-acme"),
        "bob": sha256("key-of-bob"),
        "partner": sha256("key-of-partner"),
    }
    return HEAD.format(url=url, roles=roles, **digests) + dedent(body)


ACME, BOB, PARTNER = (
    {"X-Api-Key": "key-of-acme"},
    {"X-Api-Key": "key-of-bob"},
    {"X-Partner-Key": "key-of-partner"},
)

ROUTES = """
routes:
  public: {match: /public/**, to: app, public: true}
  maybe: {match: /maybe/**, to: app, filters: [auth: {any_of: [keys], optional: true}], public: true}
  mine: {match: /mine/**, to: app, filters: [auth: keys]}
  admin: {match: /admin/**, to: app, filters: [auth: keys, authorize: {role: admin}]}
  reading: {match: /reading/**, to: app, filters: [auth: keys, authorize: {role: admin, method: GET}]}
  partner: {match: /partner/**, to: app, filters: [auth: partners]}
  either: {match: /either/**, to: app, filters: [auth: [keys, partners]]}
  both: {match: /both/**, to: app, filters: [auth: {all_of: [keys, partners]}]}
  away: {match: /away, filters: [redirect: /public/x], public: true}
"""


async def app(origin: StartOrigin) -> Origin:
    """A service that answers everything."""
    started = await origin()
    started.always(answer(200))
    return started


# ---- keys -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/mine/x", {}, 401),
        ("/mine/x", ACME, 200),
        ("/mine/x", BOB, 200),
        pytest.param("/mine/x", {"X-Api-Key": "wrong"}, 401, id="wrong"),
        pytest.param("/mine/x", PARTNER, 401, id="KEY-08-the-key-of-another-route"),
        pytest.param(
            "/partner/x", {"X-Partner-Key": "key-of-acme"}, 401, id="KEY-08-in-the-place-of-another"
        ),
        ("/partner/x", PARTNER, 200),
        ("/admin/x", {}, 401),
        ("/admin/x", ACME, 200),
        pytest.param("/admin/x", BOB, 403, id="RBC-01-no-role"),
        ("/maybe/x", {}, 200),
        ("/maybe/x", BOB, 200),
        pytest.param("/maybe/x", {"X-Api-Key": "wrong"}, 401, id="RBC-04-optional-is-not-anything"),
        pytest.param("/maybe/x", {"X-Api-Key": ""}, 401, id="RBC-04-empty"),
        ("/either/x", PARTNER, 200),
        ("/either/x", {**PARTNER, "X-Api-Key": "wrong"}, 200),
        ("/either/x", {"X-Partner-Key": "wrong", "X-Api-Key": "wrong"}, 401),
        ("/both/x", {**PARTNER, **ACME}, 200),
        ("/both/x", PARTNER, 401),
        ("/both/x", {**PARTNER, "X-Api-Key": "wrong"}, 401),
        ("/public/x", {}, 200),
        ("/public/x", {"X-Api-Key": "wrong"}, 200),
    ],
)
async def test_who_may_come(
    gateway: StartGateway, origin: StartOrigin, path: str, headers: dict[str, str], status: int
) -> None:
    """And who may not gets nothing to the service."""
    service = await app(origin)
    live = await gateway(config(service.url, ROUTES))

    got = await live.get(path, headers)

    assert status == got.status
    assert (status == 200) == len(service.requests)
    record = await live.record()
    if status in {401, 403}:
        assert {401: "unauthenticated", 403: "forbidden"}[status] == got.json()["code"] == record["error"]
        assert (status == 401) is (got.get_all("www-authenticate") != [])
    for secret in ("key-of-acme", "key-of-bob", "key-of-partner", "wrong"):
        assert secret not in str(record)
        assert secret not in got.text
        if not path.startswith("/public"):
            assert all(secret.encode() not in request.head for request in service.requests)


@pytest.mark.parametrize(
    ("data", "statuses"),
    [
        pytest.param(b"X-Api-Key: key-of-acme\r\nX-Api-Key: key-of-acme\r\n", {400}, id="KEY-03-twice"),
        pytest.param(b"X-Partner-Key: a\r\nx-partner-key: a\r\n", {401}, id="KEY-03-twice-elsewhere"),
        pytest.param(b"X-Api-Key: key-of-\0acme\r\n", {400}, id="KEY-03-nul"),
        pytest.param(b"X-Api-Key: key of acme\r\n", {401}, id="KEY-03-blanks"),
        pytest.param(b"X-Api-Key: " + b"k" * 10_000 + b"\r\n", {401, 431}, id="KEY-03-10-KB"),
        pytest.param("X-Api-Key: schlüssel\r\n".encode(), {401}, id="KEY-03-unicode"),
        pytest.param(b"X-Api-Key: \xff\xfe\r\n", {401}, id="KEY-03-bytes"),
        pytest.param(b"X_Api_Key: key-of-acme\r\n", {401}, id="KEY-03-another-name"),
        pytest.param(b"X-Api-Key: key-of-acme, x\r\n", {401}, id="KEY-03-a-list"),
        pytest.param(b"Connection: x-api-key\r\nX-Api-Key: key-of-acme\r\n", {401}, id="KEY-03-nominated"),
    ],
)
async def test_keys_that_are_none(
    gateway: StartGateway, origin: StartOrigin, data: bytes, statuses: set[int]
) -> None:
    """KEY-03: 400 or 401, and the service hears nothing."""
    service = await app(origin)
    live = await gateway(config(service.url, ROUTES))

    got = await live.raw(b"GET /either/x HTTP/1.1\r\nHost: a\r\n" + data + b"Connection: close\r\n\r\n")

    assert int(got.split(b" ")[1]) in statuses
    assert [] == service.requests
    assert "key-of-acme" not in str(live.records)


async def test_a_key_in_a_query_goes_no_further(gateway: StartGateway, origin: StartOrigin) -> None:
    """KEY-03: neither to the service nor into the log; the rest of the query stays as it was."""
    service = await app(origin)
    body = """
    routes: {all: {match: /**, to: app, filters: [auth: queried]}}
    """
    text = config(service.url, body).replace(
        "keys: api_key", "keys: api_key, queried: {api_key: {query: pass}}"
    )
    live = await gateway(text.replace("{keys: {sha256", "{queried: {sha256", 1))

    got = await live.get("/a?x=%2f&pass=key-of-acme&y")
    twice = await live.get("/a?pass=key-of-acme&pass=key-of-acme")

    assert (200, 401) == (got.status, twice.status)
    assert ["/a?x=%2f&y"] == [request.target for request in service.requests]
    await live.record(2)
    assert "key-of-acme" not in str(live.records)


# ---- roles ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/reading/x", ACME, 200),
        ("HEAD", "/reading/x", ACME, 200),
        ("HEAD", "/reading/x", BOB, 403),
        ("HEAD", "/admin/x", BOB, 403),
        ("HEAD", "/admin/x", {}, 401),
        ("POST", "/reading/x", ACME, 403),
        ("OPTIONS", "/admin/x", {}, 401),
        ("OPTIONS", "/reading/x", ACME, 403),
        ("get", "/reading/x", ACME, 400),
        ("GeT", "/admin/x", BOB, 501),
        *(
            ("POST", "/reading/x", {**ACME, name: "GET"}, 403)
            for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override")
        ),
    ],
)
async def test_methods_change_nothing(
    gateway: StartGateway, origin: StartOrigin, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    """RBC-03: HEAD is GET, a method is what it is, and no field changes it."""
    service = await app(origin)
    live = await gateway(config(service.url, ROUTES))

    got = await live.request(method, path, headers)

    assert (status, status == 200) == (got.status, bool(service.requests))
    for request in service.requests:
        assert None is request.get("x-http-method-override")


PATHS = [
    *("/admin", "/admin/", "/admin/x", "/admin//x", "//admin", "///admin/x", "/admin/.", "/admin/./x", "/./admin"),
    *("/%61dmin", "/%61%64%6d%69%6e/x", "/admi%6E", "/x/../admin", "/public/../admin/x", "/public/%2e%2e/admin"),
    *("/public/.%2E/admin", "/public//../admin", "/public/x/../../admin", "/admin;x", "/admin;x=1/y", "/admin/;x"),
    *("/public/..;/admin", "/;/admin", "/public/..%2fadmin", "/public%2f..%2fadmin", "/admin%2fx", "/admin%5cx"),
    *("/public/..\\admin", "/admin%00", "/admin%", "/admin%zz", "/admin#x", "/public#/../admin", "/admin?x", "/admin??"),
    *("http://example.com/admin", "http://example.com//admin", "/admin%0d%0ax", "/public/%252e%252e/admin"),
]  # fmt: skip
REST = """
routes:
  admin: {match: /admin/**, to: app, filters: [auth: keys, authorize: {role: admin}]}
  rest: {match: /**, to: app, public: true}
"""


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{}, BOB], ids=["nobody", "bob"])
async def test_no_path_leads_round_who_may(
    gateway: StartGateway, origin: StartOrigin, path: str, headers: dict[str, str]
) -> None:
    """PTH-01 to PTH-12: what gets to the service beside `authorize` is nothing that a server could read as `/admin`."""
    service = await app(origin)
    live = await gateway(config(service.url, REST))
    fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())

    got = await live.raw(
        f"GET {path} HTTP/1.1\r\nHost: example.com\r\n{fields}Connection: close\r\n\r\n".encode("latin-1")
    )

    assert int(got.split(b" ")[1]) in {200, 400, 401, 403}
    for request in service.requests:
        segments = request.target.partition("?")[0].strip("/").split("/")
        assert "admin" not in [segment.partition(";")[0] for segment in segments[:1]]
        assert ".." not in segments
        assert "%2e%2e" not in request.target.lower().split("/")
    if not path.startswith("/public"):
        assert [] == service.requests


@pytest.mark.parametrize("path", ["/ADMIN", "/Admin/x", "/admin.", "/admin%20", "/admins", "/adm"])
async def test_another_path_is_another_path(gateway: StartGateway, origin: StartOrigin, path: str) -> None:
    """PTH-07, PTH-08: and no route is no way in."""
    service = await app(origin)
    live = await gateway(
        config(service.url, REST.replace("  rest: {match: /**, to: app, public: true}\n", ""))
    )

    assert 404 == (await live.get(path, ACME)).status
    assert [] == service.requests


@pytest.mark.parametrize("host", ["EXAMPLE.com", "example.com.", "example.com:80", "Example.COM.:80"])
async def test_a_host_is_one_host(gateway: StartGateway, origin: StartOrigin, host: str) -> None:
    """PTH-16: however it is written."""
    service = await app(origin)
    body = """
    routes:
      own: {match: {host: example.com, path: /**}, to: app, filters: [auth: keys]}
      rest: {match: /**, to: app, public: true}
    """
    live = await gateway(config(service.url, body))

    got = await live.raw(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())

    assert b"401" == got.split(b" ")[1]
    assert [] == service.requests


# ---- authenticators of plugins --------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class OddConfig:
    """What it does."""

    does: str = "none"


class Odd:
    """An authenticator that goes wrong."""

    challenge = "Odd"

    def __init__(self, config: OddConfig, context: BuildContext) -> None:
        self._does = config.does
        self.entered = ENTERED

    async def authenticate(self, exchange: Exchange, /) -> Any:
        match self._does:
            case "raise":
                raise ZeroDivisionError("hush")
            case "time-out":
                raise TimeoutError
            case "hang":
                self.entered.set()
                await asyncio.Event().wait()
            case "wrong":
                raise Unauthenticated
            case "unknown":
                raise IdentityUnknown
            case "right":
                return Consumer(name="odd:u", authenticators=("odd",), claims=CLAIMS)
        return {"none": None, "true": True, "false": False, "zero": 0, "text": "admin", "dict": {"a": 1}}[
            self._does
        ]

    def conceal(self, exchange: Exchange, /) -> None:
        pass


CLAIMS = {
    "lines": "a\r\nX-Admin: 1\r\n\r\nGET /x HTTP/1.1\r\n\r\n",
    "nul": "a\0b",
    "latin": "é",
    "emoji": "😀",
    "half": "\ud800",
    "list": ["a,b", "c", 1, {"x": 1}],
    "dict": {"a": 1},
    "long": "x" * 100_000,
    "blank": " admin ",
}
ENTERED = asyncio.Event()


class Plugin:
    """The kind."""

    @hookimpl
    def gatekeeper_register(self, catalog: Catalog) -> None:
        catalog.authenticator("odd", OddConfig, Odd, main="does")
        catalog.filter("broken", OddConfig, Broken)


class Broken:
    """A filter that fails for everybody who is known."""

    def __init__(self, config: OddConfig, context: BuildContext) -> None:
        pass

    def wrap(self, following: Handler, /) -> Handler:
        async def broken(exchange: Exchange) -> Response:
            if exchange.consumer is not None:
                raise ZeroDivisionError
            return await following(exchange)

        return broken


PLUGINS = [Plugin()]


async def start_odd(gateway: StartGateway, service: Origin, filters: str, **kinds: str) -> LiveGateway:
    """A gateway whose one route asks odd authenticators."""
    odd = "".join(f"  {name}: {{odd: {{does: '{does}'}}}}\n" for name, does in kinds.items())
    body = f"version: 1\nservices: {{app: {service.url}}}\nauthenticators:\n{odd}"
    return await gateway(
        f"{body}routes: {{all: {{match: /**, to: app, public: true, filters: [{filters}]}}}}\n", PLUGINS
    )


@pytest.mark.parametrize(
    "form", ["auth: {any_of: [one], optional: true}", "auth: {all_of: [one], optional: true}"]
)
@pytest.mark.parametrize(
    ("does", "status"),
    [
        ("raise", 500),
        ("time-out", 500),
        ("true", 500),
        ("false", 500),
        ("zero", 500),
        ("text", 500),
        ("dict", 500),
        ("wrong", 401),
        ("unknown", 503),
        ("none", 200),
        ("right", 200),
    ],
)
async def test_what_goes_wrong_lets_nobody_in(
    gateway: StartGateway, origin: StartOrigin, does: str, status: int, form: str
) -> None:
    """RBC-05: not even where nobody has to be known; the client is not told why."""
    service = await app(origin)
    live = await start_odd(gateway, service, form, one=does)

    got = await live.get("/")

    assert (status, status == 200) == (got.status, bool(service.requests))
    assert "hush" not in got.text
    assert status < 500 or got.json()["code"] in {"filter-failed", "identity-unknown"}


async def test_who_hangs_lets_nobody_in(gateway: StartGateway, origin: StartOrigin) -> None:
    """RBC-05: and holds nobody else up; a client that goes ends it."""
    service = await app(origin)
    ENTERED.clear()
    live = await start_odd(
        gateway, service, "{when: {path: /hang}, auth: {any_of: [one], optional: true}}", one="hang"
    )
    connection = await live.connect()
    await connection.send(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
    await ENTERED.wait()

    assert 200 == (await live.get("/else")).status
    await connection.close()
    record = await live.record(2)

    assert ("/hang", "client-gone") == (record["path"], record["error"])
    assert ["/else"] == [request.target for request in service.requests]


ANSWERS = ["right", "none", "wrong", "unknown", "raise"]


@pytest.mark.parametrize("optional", ["false", "true"])
@pytest.mark.parametrize("key", ["any_of", "all_of"])
async def test_every_pair(gateway: StartGateway, origin: StartOrigin, key: str, optional: str) -> None:
    """RBC-04, RBC-05: through the gateway as in the filter."""
    service = await app(origin)
    names = {does: f"does-{does}" for does in ANSWERS}
    pairs = list(itertools.product(ANSWERS, repeat=2))
    routes = "".join(
        f"  {one}-{two}: {{match: /{one}/{two}, to: app, public: true, filters: "
        f"[auth: {{{key}: [{names[one]}, {names[two]}], optional: {optional}}}]}}\n"
        for one, two in pairs
        if one != two
    )
    odd = "".join(f"  {name}: {{odd: {{does: {does}}}}}\n" for does, name in names.items())
    text = f"version: 1\nservices: {{app: {service.url}}}\nauthenticators:\n{odd}routes:\n{routes}"
    live = await gateway(text.replace(", public: true" if optional == "false" else "", ""), PLUGINS)

    for one, two in pairs:
        if one == two:
            continue
        before = len(service.requests)
        status = (await live.get(f"/{one}/{two}")).status
        expected = expected_of(key, one, two, optional=optional == "true")
        assert (one, two, expected) == (one, two, status)
        assert (status == 200) == len(service.requests) - before


def expected_of(key: str, one: str, two: str, *, optional: bool) -> int:
    """What the grammar says."""
    statuses = {"wrong": 401, "unknown": 503, "raise": 500}
    if key == "any_of":
        for does in (one, two):
            if does == "right":
                return 200
            if does == "raise":
                return 500
        if "unknown" in {one, two}:
            return 503
        return 401
    for does in (one, two):
        if does in statuses:
            return statuses[does]
    return 401


# ---- what services are told -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("lines", "a%0D%0AX-Admin:%201%0D%0A%0D%0AGET%20/x%20HTTP/1.1%0D%0A%0D%0A"),
        ("nul", "a%00b"),
        ("latin", "%C3%A9"),
        ("emoji", "%F0%9F%98%80"),
        ("half", "%EF%BF%BD"),
        ("list", "a%2Cb,c,1"),
        ("dict", None),
        ("blank", "%20admin%20"),
        ("long", 401),
    ],
)
async def test_what_a_token_says_is_one_field(
    gateway: StartGateway, origin: StartOrigin, claim: str, value: str | int | None
) -> None:
    """FWD-08: encoded or 401; never 500, and never a field more."""
    service = await app(origin)
    live = await start_odd(
        gateway,
        service,
        f'auth: {{any_of: [one], optional: true, upstream_headers: {{X-Claim: "{{claim.{claim}}}"}}}}',
        one="right",
    )

    got = await live.get("/")

    if value == 401:
        assert (401, []) == (got.status, service.requests)
        return
    assert 200 == got.status
    assert value == service.request.get("x-claim")
    assert None is service.request.get("x-admin")


# ---- reloads --------------------------------------------------------------------------------------------------------


async def test_a_key_that_was_taken_out_is_refused_at_once(
    gateway: StartGateway, origin: StartOrigin
) -> None:
    """KEY-04: on the connection that was open too; a role that was given holds, and one that was taken does not."""
    service = await app(origin)
    first = config(service.url, ROUTES)
    live = await gateway(first)
    assert [200, 403] == [(await live.get("/admin/x", headers)).status for headers in (ACME, BOB)]

    bare = config(service.url, ROUTES, roles="[]")
    assert (await live.apply(bare)).applied
    assert [403, 200] == [(await live.get(path, ACME)).status for path in ("/admin/x", "/mine/x")]

    assert (await live.apply(first.replace(sha256("key-of-acme"), sha256("another")))).applied
    assert 401 == (await live.get("/mine/x", ACME)).status
    assert 200 == (await live.get("/admin/x", {"X-Api-Key": "another"})).status

    assert not (await live.apply(first.replace("role: admin", "role: []"))).applied
    assert 200 == (await live.get("/admin/x", {"X-Api-Key": "another"})).status


async def test_reloads_under_way_are_old_or_new(gateway: StartGateway, origin: StartOrigin) -> None:
    """RBC-07: who may, and what the service is told of it, are of one configuration; a request ends as it began."""
    service = await app(origin)
    body = """
    routes:
      all:
        match: /**
        to: app
        filters:
          - auth: {{any_of: [keys], upstream_headers: {{x-told: "{told} {{consumer.roles}}"}}}}
          - authorize: {{role: {role}}}
    """
    texts = [
        config(service.url, indent(dedent(body).format(told=name, role=name), ""), roles=f"[{name}]")
        for name in ("old", "new")
    ]
    live = await gateway(texts[0])
    done = asyncio.Event()

    async def ask() -> None:
        client = live.new_client()
        while not done.is_set():
            assert 200 == (await client.request("GET", "/", ACME)).status
            assert 403 == (await client.request("GET", "/", BOB)).status

    asking = [asyncio.ensure_future(ask()) for _ in range(4)]
    for number in range(40):
        assert (await live.apply(texts[number % 2 - 1])).applied
    done.set()
    await asyncio.gather(*asking)

    told = {request.get("x-told") for request in service.requests}
    assert {"old old", "new new"} == told


async def test_a_request_under_way_ends_as_it_began(gateway: StartGateway, origin: StartOrigin) -> None:
    """RBC-07: who was let in gets an answer, also when the key is gone."""
    service = await origin()
    go = asyncio.Event()
    service.play(go, answer(200))
    live = await gateway(config(service.url, ROUTES))
    waiting = asyncio.ensure_future(live.new_client().request("GET", "/mine/x", ACME))
    await service.received()

    assert (await live.apply(config(service.url, ROUTES).replace(sha256("key-of-acme"), sha256("x")))).applied
    assert 401 == (await live.get("/mine/x", ACME)).status
    go.set()

    assert 200 == (await waiting).status


# ---- before it serves -----------------------------------------------------------------------------------------------


async def test_a_trial_asks_no_authenticator(gateway: StartGateway, origin: StartOrigin) -> None:
    """It has no credential, and what stands behind is tried all the same."""
    service = await app(origin)
    await start_odd(gateway, service, "auth: {any_of: [one], optional: true}", one="raise")

    with pytest.raises(ConfigError, match="`broken` fails on its first request: ZeroDivisionError"):
        await start_odd(gateway, service, "{auth: {any_of: [one], optional: true}}, broken", one="raise")


class Shapeless:
    """A kind that makes no authenticator, and shows its secret."""

    @hookimpl
    def gatekeeper_register(self, catalog: Catalog) -> None:
        catalog.authenticator("odd", OddConfig, lambda config, context: {"key": "hush"})  # type: ignore[arg-type,return-value]


async def test_what_is_no_authenticator_is_refused(gateway: StartGateway) -> None:
    """With its place, and without what is in it."""
    text = """
version: 1
authenticators: {one: odd}
routes: {all: {match: /**, filters: [auth: one, static: {body: {text: a}}]}}
"""
    with pytest.raises(ConfigError, match="made a `dict` for `odd`, which is no authenticator") as caught:
        await gateway(text, [Shapeless()])

    assert "hush" not in str(caught.value)
    assert ":3:" in str(caught.value)

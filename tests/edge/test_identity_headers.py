"""FWD-07: fields by which services are told who asks, sent by clients: on every way through a gateway."""

import asyncio
import hashlib
from collections.abc import Iterator

import pytest

from gatekeeper.testing import HANG, StartGateway, StartOrigin, answer
from tests.edge.wire import until


KEY = hashlib.sha256(b"key").hexdigest()
CONFIG = """\
version: 1
services: {{app: {url}}}
server:
  {{underscore_headers: {underscores}, limits: {{header_count: 500, header_block: 64KiB}}, concurrency: {{limit: {limit}, queue: 10, wait: 5s}}}}
authenticators: {{keys: api_key}}
consumers: {{acme: {{roles: [r], credentials: {{keys: {{sha256: {key}}}}}}}}}
routes:
  guarded:
    match: /guarded
    to: app
    filters: [auth: {{any_of: [keys], upstream_headers: {{{name}: "{{consumer}}", X-Shop-Roles: "{{consumer.roles}}"}}}}]
  optional:
    match: /optional
    to: app
    filters: [auth: {{any_of: [keys], optional: true, upstream_headers: {{{name}: "{{consumer}}"}}}}]
    public: true
  public: {{match: /public, to: app, public: true}}
  hold: {{match: /hold, to: app, public: true}}
  away: {{match: /away, filters: [redirect: "/x?{{header.x-shop-user}}"], public: true}}
  shown: {{match: /shown, filters: [static: {{body: {{text: "told {{header.x-shop-user}}"}}}}], public: true}}
"""


def config(url: str, *, name: str = "X-Shop-User", underscores: str = "drop", limit: int = 2000) -> str:
    return CONFIG.format(url=url, key=KEY, name=name, underscores=underscores, limit=limit)


def spellings() -> Iterator[str]:
    """What a server could read as one of the names."""
    for name in (
        "x-shop-user",
        "x-shop-roles",
        "x-consumer",
        "x-consumer-roles",
        "x-consumer-custom-id",
        "x-user-id",
    ):
        for sign in "-_.~!":
            alike = name.replace("-", sign)
            yield from (alike, alike.upper(), alike.title(), name.replace("-", sign, 1))


FORGED = "".join(f"{name}: forged\r\n" for name in dict.fromkeys(spellings()))


def request(path: str, more: str = "", method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: a\r\n{more}Connection: close\r\n\r\n".encode()


@pytest.mark.parametrize("underscores", ["drop", "keep"])
@pytest.mark.parametrize(
    ("path", "key", "status", "told"),
    [
        ("/guarded", "X-Api-Key: key\r\n", 200, "acme"),
        ("/guarded", "", 401, None),
        ("/optional", "X-Api-Key: key\r\n", 200, "acme"),
        ("/optional", "", 200, None),
        ("/public", "", 200, None),
        ("/public", "X-Api-Key: key\r\n", 200, None),
        ("/nowhere", "", 404, None),
    ],
)
async def test_no_client_says_who_asks(
    gateway: StartGateway,
    origin: StartOrigin,
    path: str,
    key: str,
    status: int,
    told: str | None,
    underscores: str,
) -> None:
    """In no spelling, on no route; what the gateway says stands there once."""
    service = await origin()
    service.always(answer(200))
    live = await gateway(config(service.url, underscores=underscores))

    got = await live.raw(request(path, FORGED + key))

    assert status == int(got.split(b" ")[1])
    assert b"forged" not in got
    for received in service.requests:
        assert b"forged" not in received.head
        assert [told] * bool(told) == received.get_all("x-shop-user")


@pytest.mark.parametrize("path", ["/away", "/shown"])
async def test_filters_do_not_see_it_either(gateway: StartGateway, path: str) -> None:
    """Where the gateway answers by itself."""
    live = await gateway(config("http://127.0.0.1:1", underscores="keep"))

    got = await live.raw(request(path, FORGED))

    assert b"forged" not in got
    assert got.split(b" ")[1] in {b"200", b"308"}


async def test_underscores_may_be_refused(gateway: StartGateway) -> None:
    """Where they are, no such name passes at all."""
    live = await gateway(config("http://127.0.0.1:1", underscores="reject"))

    assert b"400" == (await live.raw(request("/public", "X_Shop_User: forged\r\n"))).split(b" ")[1]


@pytest.mark.parametrize("name", ["shop_user", "Shop.User", "SHOP-USER"])
async def test_a_name_with_other_signs_is_as_safe(
    gateway: StartGateway, origin: StartOrigin, name: str
) -> None:
    """A server that makes variables of names reads `Shop-User` where the gateway says `shop_user`."""
    service = await origin()
    service.always(answer(200))
    live = await gateway(config(service.url, name=name, underscores="keep"))
    forged = "".join(f"{one}: forged\r\n" for one in ("Shop-User", "shop_user", "SHOP.USER", "shop+user"))

    await live.raw(request("/guarded", forged + "X-Api-Key: key\r\n"))
    await live.raw(request("/public", forged))

    first, second = service.requests
    assert b"forged" not in first.head + second.head
    assert "acme" == first.get(name)


async def test_trailers_and_nominations_change_nothing(gateway: StartGateway, origin: StartOrigin) -> None:
    """What comes behind a body is no field, and what the gateway says cannot be nominated away."""
    service = await origin()
    service.always(answer(200))
    live = await gateway(config(service.url))
    more = (
        "X-Api-Key: key\r\nTransfer-Encoding: chunked\r\nTrailer: X-Shop-User\r\nConnection: X-Shop-User\r\n"
    )
    body = b"1\r\na\r\n0\r\nX-Shop-User: forged\r\n\r\n"

    got = await live.raw(request("/guarded", more, "POST") + body)

    assert b"200" == got.split(b" ")[1]
    assert ("acme", b"a") == (service.request.get("x-shop-user"), bytes(service.request.body))
    assert b"forged" not in service.request.head
    assert [] == service.request.trailers


async def test_a_reload_changes_the_names(gateway: StartGateway, origin: StartOrigin) -> None:
    """From the next request on, on the connection that is open too."""
    service = await origin()
    service.always(answer(200))
    live = await gateway(config(service.url))
    forged = {"X-Shop-User": "forged", "X-Staff": "forged"}
    await live.get("/public", forged)

    assert (await live.apply(config(service.url, name="X-Staff"))).applied
    await live.get("/public", forged)
    await live.get("/guarded", {**forged, "X-Api-Key": "key"})

    before, after, guarded = service.requests
    assert (None, "forged") == (before.get("x-shop-user"), before.get("x-staff"))
    assert ("forged", None) == (after.get("x-shop-user"), after.get("x-staff"))
    assert ("forged", "acme") == (guarded.get("x-shop-user"), guarded.get("x-staff"))


async def test_a_request_in_line_does_not_keep_the_names_of_before(
    gateway: StartGateway, origin: StartOrigin
) -> None:
    """It was read by the old configuration, and is served by the new one."""
    service = await origin()
    service.play(HANG)
    service.always(answer(200))
    live = await gateway(config(service.url, limit=1))
    holding = await live.connect()
    await holding.send(request("/hold"))
    await service.received()
    forged = {"X-Staff": "forged", "X-Other": "1"}
    waiting = asyncio.ensure_future(live.new_client().request("GET", "/public", forged))
    places = live.gateway.front.edge.settings.concurrency  # type: ignore[attr-defined]
    await until(lambda: places.waiting)

    assert (await live.apply(config(service.url, name="X-Staff", limit=1))).applied
    await holding.close()

    assert 200 == (await waiting).status
    last = service.requests[-1]
    assert ("/public", None, "1") == (last.target, last.get("x-staff"), last.get("x-other"))
    assert None is not last.get("x-request-id")
    assert "127.0.0.1" == last.get("x-forwarded-for")

"""User names and passwords, over real sockets."""

import asyncio
import base64
import logging
from typing import Any

import pytest

from gatekeeper.auth.basic import PasswordConfig
from gatekeeper.auth.checking import AT_ONCE, IN_LINE, Checks
from gatekeeper.auth.passwords import PasswordHash, prepared
from gatekeeper.config.problems import ConfigError
from gatekeeper.testing import LiveGateway, Origin, StartGateway, StartOrigin, answer, open_gateway


CHEAP = (14, 8, 1)
SALT = b"0123456789abcdef"
ADA = str(PasswordHash.of("Pässwörd: 1".encode(), SALT, CHEAP))
BOB = str(PasswordHash.of(b"", SALT, CHEAP))

CONFIG = """
version: 1
authenticators:
  staff: {{basic: {options}}}
consumers:
  ada: {{roles: [admin], credentials: {{staff: {{username: adä, password_hash: "{ada}"}}}}}}
  bob: {{credentials: {{staff: {{username: bob, password_hash: "{bob}"}}}}}}
services: {{shop: "{url}"}}
routes:
  private: {{match: /private/**, to: shop, filters: [auth: staff]}}
  optional: {{match: /optional, to: shop, public: true, filters: [auth: {{any_of: [staff], optional: true}}]}}
  admin: {{match: /admin, to: shop, filters: [auth: staff, authorize: {{role: admin}}]}}
  public: {{match: /**, to: shop, public: true}}
"""


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


GOOD = basic("adä", "Pässwörd: 1")


def config(origin: Origin, ada: str = ADA, bob: str = BOB, options: str = "{realm: the shop}") -> str:
    return CONFIG.format(url=origin.url, ada=ada, bob=bob, options=options)


async def served(gateway: StartGateway, origin: StartOrigin, **more: str) -> tuple[LiveGateway, Origin]:
    shop = (await origin()).always(answer(200, body=b"ok"))
    return await gateway(config(shop, **more)), shop


async def test_who_has_the_password_passes(gateway: StartGateway, origin: StartOrigin) -> None:
    """The service is told who asks, and not the password."""
    live, shop = await served(gateway, origin)

    assert 200 == (await live.get("/private/1", GOOD)).status
    assert ("ada", "admin") == (
        shop.requests[-1].get("x-consumer"),
        shop.requests[-1].get("x-consumer-roles"),
    )
    assert None is shop.requests[-1].get("authorization")
    assert 200 == (await live.get("/admin", GOOD)).status
    assert 403 == (await live.get("/admin", basic("bob", ""))).status


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({}, id="nothing"),
        pytest.param(basic("adä", "wrong"), id="wrong"),
        pytest.param(basic("adä", ""), id="empty"),
        pytest.param(basic("adä", "Pässwörd: 1 "), id="a-blank-more"),
        pytest.param(basic("Adä", "Pässwörd: 1"), id="upper-case"),
        pytest.param(basic("eve", "Pässwörd: 1"), id="unknown"),
        pytest.param(basic("bob", "Pässwörd: 1"), id="of-another"),
        pytest.param(basic("", ""), id="nobody"),
        pytest.param(basic("adä", "Pässwörd: 1\0"), id="nul"),
        pytest.param(basic("adä\0", "Pässwörd: 1"), id="nul-in-the-name"),
        pytest.param(basic("adä", "Pässwörd: 1\x85"), id="control"),
        pytest.param({"Authorization": "Basic"}, id="no-credential"),
        pytest.param({"Authorization": "Basic " + base64.b64encode(b"ada").decode()}, id="no-colon"),
        pytest.param({"Authorization": "Basic " + base64.b64encode(b"ad\xe4:x").decode()}, id="latin-1"),
        pytest.param({"Authorization": GOOD["Authorization"].rstrip("=") + "*"}, id="no-base64"),
        pytest.param({"Authorization": "Basic \u00e4\u00f6"}, id="no-ascii"),
        pytest.param({"Authorization": "Basic " + "QUFB" * 1500}, id="long"),
        pytest.param({"Authorization": GOOD["Authorization"].replace("Basic", "Bearer")}, id="scheme"),
    ],
)
async def test_nobody_else_does(
    gateway: StartGateway, origin: StartOrigin, sent: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """KEY-03: 401 with the challenge of RFC 7617 section 2, whatever was sent, and nothing of it in logs."""
    live, shop = await served(gateway, origin)
    fields = [(name, value.encode("latin-1")) for name, value in sent.items()]

    with caplog.at_level(logging.DEBUG):
        refused = await live.get("/private/1", fields)

    assert 401 == refused.status
    assert 'Basic realm="the shop", charset="UTF-8"' == refused.get("www-authenticate")
    assert [] == shop.requests
    for value in sent.values():
        secret = value.partition(" ")[2]
        shown = caplog.text + refused.text + str(live.records)
        assert not secret or secret not in shown
        assert "Pässwörd" not in shown


async def test_where_it_is_optional_a_wrong_one_is_refused(
    gateway: StartGateway, origin: StartOrigin
) -> None:
    """None at all, or that of another scheme, passes; the latter also to the service."""
    live, shop = await served(gateway, origin)

    assert 401 == (await live.get("/optional", basic("adä", "x"))).status
    assert 200 == (await live.get("/optional")).status
    assert 200 == (await live.get("/optional", {"Authorization": "Bearer x"})).status
    assert "Bearer x" == shop.requests[-1].get("authorization")
    assert 200 == (await live.get("/optional", GOOD)).status
    assert None is shop.requests[-1].get("authorization")


async def test_the_word_of_the_scheme_may_be_written_in_any_case(
    gateway: StartGateway, origin: StartOrigin
) -> None:
    """RFC 9110 section 11.1; more blanks than one are one."""
    live, shop = await served(gateway, origin)
    credential = GOOD["Authorization"].partition(" ")[2]

    for word in ("basic ", "BASIC  "):
        assert 200 == (await live.get("/private/1", {"authorization": word + credential})).status
        assert None is shop.requests[-1].get("authorization")


async def test_letters_may_be_typed_in_any_form(gateway: StartGateway, origin: StartOrigin) -> None:
    """RFC 7617 section 2.1: what looks the same is the same."""
    live, _ = await served(gateway, origin)

    assert 200 == (await live.get("/private/1", basic("ada\u0308", "Pa\u0308sswo\u0308rd: 1"))).status


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param("{}", 'Basic realm="staff", charset="UTF-8"', id="by-name"),
        pytest.param("just so", 'Basic realm="just so", charset="UTF-8"', id="short"),
        pytest.param("""{realm: 'a "b" \\'}""", 'Basic realm="a \\"b\\" \\\\", charset="UTF-8"', id="quotes"),
    ],
)
async def test_the_realm(gateway: StartGateway, origin: StartOrigin, options: str, expected: str) -> None:
    """As a quoted string (RFC 9110 section 5.6.4)."""
    live, _ = await served(gateway, origin, options=options)

    assert expected == (await live.get("/private/1")).get("www-authenticate")


# ---- time -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[PasswordHash]:
    """The checks that are really done."""
    done: list[PasswordHash] = []
    plain = PasswordHash.fits

    def fits(self: PasswordHash, password: bytes) -> bool:
        done.append(self)
        return plain(self, password)

    monkeypatch.setattr(PasswordHash, "fits", fits)
    return done


async def test_who_is_not_known_costs_as_much_as_who_is(
    gateway: StartGateway, origin: StartOrigin, counted: list[PasswordHash]
) -> None:
    """A hash as expensive as that of somebody, and the same for the same name; the password of another never fits."""
    live, _ = await served(gateway, origin)

    for _ in range(5):
        assert 401 == (await live.get("/private/1", basic("eve", "Pässwörd: 1"))).status
        assert 401 == (await live.get("/private/1", basic("adä", "x"))).status

    assert [CHEAP] * 10 == [hashed.cost for hashed in counted]
    assert [counted[0]] * 5 == counted[::2]
    assert not {counted[0].text} & {ADA, BOB}


@pytest.mark.parametrize(
    "text", [b"ada", b"ad\xe4:x", b"ada:x\0", b"ad\0a:x", b"ada:x\x7f", "ada:\x85".encode()]
)
async def test_what_could_be_nobodys_is_not_checked(
    gateway: StartGateway, origin: StartOrigin, counted: list[PasswordHash], text: bytes
) -> None:
    """KEY-03: NUL and other controls, what is no UTF-8, what has no colon."""
    live, _ = await served(gateway, origin)

    refused = await live.get("/private/1", {"Authorization": "Basic " + base64.b64encode(text).decode()})

    assert 401 == refused.status
    assert [] == counted


async def test_without_any_consumer_nobody_is_told_so(
    gateway: StartGateway, origin: StartOrigin, counted: list[PasswordHash]
) -> None:
    """It takes the time that it always takes."""
    shop = await origin()
    live = await gateway(
        f"version: 1\nauthenticators: {{staff: basic}}\nservices: {{shop: '{shop.url}'}}\n"
        "routes: {all: {match: /**, to: shop, filters: [auth: staff]}}\n"
    )

    assert 401 == (await live.get("/", GOOD)).status
    assert [(15, 8, 1)] == [hashed.cost for hashed in counted]


async def test_a_password_that_was_right_is_right_for_a_while(
    gateway: StartGateway, origin: StartOrigin, counted: list[PasswordHash]
) -> None:
    """Also across a reload that changes something else; a reload that changes the hash ends it."""
    live, shop = await served(gateway, origin)
    for _ in range(3):
        assert 200 == (await live.get("/private/1", GOOD)).status
    assert 1 == len(counted)

    assert (await live.apply(config(shop, bob=ADA))).applied
    assert 200 == (await live.get("/private/1", GOOD)).status
    assert 1 == len(counted)

    changed = str(await asyncio.to_thread(PasswordHash.of, prepared("new").encode(), SALT, CHEAP))
    assert (await live.apply(config(shop, ada=changed))).applied
    assert 401 == (await live.get("/private/1", GOOD)).status
    assert 200 == (await live.get("/private/1", basic("adä", "new"))).status


async def test_a_user_who_is_taken_out_is_out(gateway: StartGateway, origin: StartOrigin) -> None:
    """KEY-04: with the next request, on the connection that was open."""
    live, shop = await served(gateway, origin)
    assert 200 == (await live.get("/private/1", GOOD)).status

    assert (await live.apply(config(shop).replace("username: adä", "username: eve"))).applied

    assert 401 == (await live.get("/private/1", GOOD)).status


async def test_a_flood_of_wrong_passwords_keeps_nobody_else_out(
    gateway: StartGateway, origin: StartOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KEY-07: beyond the line it hears 503; who was right lately and what is public are served meanwhile."""
    live, _ = await served(gateway, origin)
    assert 200 == (await live.get("/private/1", GOOD)).status
    plain, full = Checks.fits, asyncio.Event()

    async def fits(self: Checks, *arguments: Any) -> bool:
        if len(self) == AT_ONCE + IN_LINE:
            full.set()
        return await plain(self, *arguments)

    monkeypatch.setattr(Checks, "fits", fits)
    clients = [live.new_client() for _ in range(AT_ONCE + IN_LINE + 20)]
    flood = asyncio.gather(
        *(client.get("/private/1", basic("adä", f"{number}")) for number, client in enumerate(clients))
    )
    async with asyncio.timeout(5):
        await full.wait()
    assert [200, 200] == [(await live.get("/private/1", GOOD)).status, (await live.get("/")).status]

    answers = await flood
    statuses = [one.status for one in answers]
    assert {401, 503} == set(statuses)
    late = next(one for one in answers if one.status == 503)
    assert ("identity-unknown", "1") == (late.json()["code"], late.get("retry-after"))
    assert 200 == (await live.get("/private/1", GOOD)).status


# ---- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "bob", "said"),
    [
        pytest.param("{realm: 'é'}", BOB, "write ASCII without line breaks", id="realm"),
        pytest.param('{realm: "a\\nb"}', BOB, "write ASCII without line breaks", id="realm-in-lines"),
        pytest.param("{}", "correct horse", "make one with `gatekeeper password`", id="no-hash"),
    ],
)
async def test_what_is_refused(origin: StartOrigin, options: str, bob: str, said: str) -> None:
    """With what to write, and without what might be a password."""
    with pytest.raises(ConfigError) as refused:
        async with open_gateway(config(await origin(), bob=bob, options=options)):
            pass

    assert said in str(refused.value)
    assert "correct horse" not in str(refused.value)


@pytest.mark.parametrize("name", ["", "a:b", "a\0", "a\n"])
def test_names_that_cannot_be_sent(name: str) -> None:
    """RFC 7617 section 2."""
    with pytest.raises(ValueError, match="write one that can be sent"):
        PasswordConfig(username=name, password_hash=PasswordHash.parse(ADA))


def test_a_user_name_is_had_once_however_it_is_typed() -> None:
    """`key` is what one consumer has alone."""
    hashed = PasswordHash.parse(ADA)

    keys = {PasswordConfig(username=name, password_hash=hashed).key for name in ("adä", "ada\u0308")}

    assert {"adä"} == keys
    assert ADA[30:] not in repr(PasswordConfig(username="a", password_hash=hashed))

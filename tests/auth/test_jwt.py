"""`jwt`: whom a token lets in, what an attacker gains by sending another, and what it costs."""

import asyncio
import hashlib
import re
import socket
import sys
import time
import traceback
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import orjson
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.auth.issuer_keys import AGAIN, COOL_DOWN, RENEW
from gatekeeper.auth.jose.encoding import encode
from gatekeeper.auth.jose.jwt import LONGEST, sign
from gatekeeper.auth.jwt import Jwt
from gatekeeper.config.problems import ConfigError
from gatekeeper.core.errors import GatewayError, IdentityUnknown, Unauthenticated
from gatekeeper.core.exchange import Exchange
from gatekeeper.extend.authenticate import OfAnother
from gatekeeper.extend.calls import client_header
from gatekeeper.testing import (
    HANG,
    Answer,
    LiveGateway,
    Origin,
    StartGateway,
    StartOrigin,
    Surroundings,
    answer,
    make_authenticator,
    make_exchange,
)
from gatekeeper.testing.origin import Received
from tests.auth.jose.made import SECRET, compact, jwks, key, public_jwk, public_pem


pytestmark = pytest.mark.usefixtures("installed_plugins")

WALL = 1_700_000_000
ISSUER = "https://login.example.com/"
CLAIMS: dict[str, Any] = {"iss": ISSUER, "aud": "orders", "sub": "u-17", "exp": WALL + 300}
OPTIONS = {"issuer": ISSUER, "audience": "orders"}
CANARY = "canary-0123456789"


def token(kind: str = "P-256", algorithm: str = "ES256", kid: str | None = None, **claims: Any) -> str:
    """A token; a claim that is None is left out."""
    said = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return sign(said, key(kind), algorithm, kid=kid)


def published(*kinds: str) -> bytes:
    """What an issuer answers that has these keys, each named after its kind."""
    return answer(200, (), jwks(*(public_jwk(kind, kid=kind) for kind in kinds)))


def signed(kind: str = "P-256", **claims: Any) -> str:
    """A token of the issuer that has published its keys."""
    return token(kind, {"P-256": "ES256", "rsa": "RS256", "Ed25519": "EdDSA"}[kind], kid=kind, **claims)


@pytest_asyncio.fixture
async def around() -> AsyncIterator[Surroundings]:
    """A gateway with a client."""
    surroundings = Surroundings()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as surroundings.session:
        yield surroundings
    await surroundings.close()


def built(
    around: Surroundings | None = None,
    origin: Origin | None = None,
    *,
    consumers: Mapping[str, Any] | None = None,
    identity: Mapping[str, Any] | None = None,
    **options: Any,
) -> Jwt:
    """The authenticator `staff`, with keys of its own where no origin has them."""
    given: dict[str, Any] = {**OPTIONS, **options}
    if origin is not None:
        given["jwks"] = f"{origin.url}/jwks"
    elif "keys" not in given:
        given["keys"] = [public_pem("P-256")]
    made = make_authenticator(
        "jwt", given, name="staff", surroundings=around, consumers=consumers or {}, identity=identity
    )
    assert isinstance(made, Jwt)
    return made


async def make(*arguments: Any, **options: Any) -> Jwt:
    """The same, in a thread, as the gateway does it: files may belong to it."""
    return await asyncio.to_thread(built, *arguments, **options)


def showing(text: str) -> Exchange:
    return make_exchange(headers={"authorization": f"Bearer {text}"})


async def ask(auth: Jwt, text: str) -> str:
    """The name of who shows a token, or the status that it leads to."""
    try:
        consumer = await auth.authenticate(showing(text))
    except GatewayError as error:
        assert isinstance(error, Unauthenticated | IdentityUnknown)
        return str(error.status)
    assert consumer is not None
    return consumer.name


# ---- whom it lets in ------------------------------------------------------------------------------------------------


async def test_a_token_says_who_shows_it() -> None:
    """With roles from a list among its claims, and all claims besides."""
    auth = await make(identity={"roles": "{claim.realm.groups}"})
    exchange = showing(token(realm={"groups": ["dev", "ops"]}, scope="read write"))

    consumer = await auth.authenticate(exchange)
    auth.conceal(exchange)

    assert consumer is not None
    assert ("staff:u-17", ("staff",), frozenset({"dev", "ops"}), frozenset({"read", "write"})) == (
        consumer.name,
        consumer.authenticators,
        consumer.roles,
        consumer.scopes,
    )
    assert "orders" == consumer.claims["aud"]
    assert exchange.request.headers.get(b"authorization") is not None


async def test_a_consumer_of_the_configuration_is_known_by_its_claims() -> None:
    """And a subject that is called like one is not it."""
    consumers = {"acme": {"roles": ["partner"], "credentials": {"staff": {"claims": {"azp": "acme-app"}}}}}
    auth = await make(consumers=consumers)

    assert ["acme", "staff:acme"] == [
        await ask(auth, token(**claims)) for claims in ({"azp": "acme-app"}, {"sub": "acme"})
    ]


@pytest.mark.parametrize(
    ("keys", "algorithms", "kind", "algorithm"),
    [
        (lambda: public_pem("P-256"), None, "P-256", "ES256"),
        (lambda: public_pem("rsa"), None, "rsa", "PS256"),
        (lambda: orjson.dumps(public_jwk("Ed25519", kid="a")).decode(), None, "Ed25519", "EdDSA"),
        (lambda: jwks(public_jwk("rsa", kid="a")).decode(), ["RS512"], "rsa", "RS512"),
        (lambda: SECRET, ["HS256"], "secret", "HS256"),
        (lambda: SECRET, ["HS256", "HS512"], "secret", "HS512"),
    ],
    ids=["pem", "pem-rsa", "jwk", "jwk-set", "secret", "secrets"],
)
@pytest.mark.parametrize("is_file", [False, True], ids=["inline", "file"])
def test_keys_of_the_configuration(
    tmp_path: Path, keys: Any, algorithms: list[str] | None, kind: str, algorithm: str, is_file: bool
) -> None:
    """As PEM, JWK, JWK Set, or a secret; in the file itself, or in another."""
    text = keys()
    if is_file:
        (tmp_path / "key").write_text(text + "\n", encoding="utf-8")
    more: dict[str, Any] = {} if algorithms is None else {"algorithms": algorithms}
    auth = built(keys=[{"file": str(tmp_path / "key")} if is_file else text], **more)

    assert "staff:u-17" == asyncio.run(ask(auth, token(kind, algorithm, kid="a")))
    assert "401" == asyncio.run(ask(auth, token(kind, algorithm)[:-8] + "AAAAAAAA"))


@pytest.mark.parametrize(
    ("claims", "options", "expected"),
    [
        pytest.param({"iss": "https://login.example.com"}, {}, "401", id="JWT-07-iss-slash"),
        pytest.param({"iss": None}, {}, "401", id="JWT-07-iss-missing"),
        pytest.param({"aud": None}, {}, "401", id="JWT-07-aud-missing"),
        pytest.param({"aud": "order"}, {}, "401", id="JWT-07-aud-prefix"),
        pytest.param({"aud": ["x", "orders"]}, {}, "staff:u-17", id="JWT-07-aud-list"),
        pytest.param({"aud": "b"}, {"audience": ["a", "b"]}, "staff:u-17", id="aud-of-several"),
        pytest.param({"aud": "x"}, {"audience": "any"}, "staff:u-17", id="aud-any"),
        pytest.param({"aud": None}, {"audience": ["any"]}, "staff:u-17", id="aud-any-missing"),
        pytest.param({"aud": "any"}, {}, "401", id="aud-called-any"),
        pytest.param({"exp": None}, {}, "401", id="JWT-06-exp-missing"),
        pytest.param({"exp": WALL - 29}, {}, "staff:u-17", id="JWT-06-leeway"),
        pytest.param({"exp": WALL - 30}, {}, "401", id="JWT-06-leeway-over"),
        pytest.param({"exp": WALL}, {"leeway": "0s"}, "401", id="JWT-06-no-leeway"),
        pytest.param({"sub": None}, {}, "401", id="sub-missing"),
        pytest.param({"sub": ""}, {}, "401", id="sub-empty"),
        pytest.param({"tier": "gold"}, {"required_claims": {"tier": ["gold"]}}, "staff:u-17", id="required"),
        pytest.param({"tier": "tin"}, {"required_claims": {"tier": ["gold"]}}, "401", id="required-other"),
        pytest.param({}, {"required_claims": {"tier": ["gold"]}}, "401", id="required-missing"),
        pytest.param({}, {"token_type": "at+jwt"}, "401", id="JWT-05-type"),
        pytest.param({}, {"algorithms": ["RS256", "EdDSA", "ES256"]}, "staff:u-17", id="algorithms"),
    ],
)
async def test_what_a_token_must_claim(claims: Any, options: dict[str, Any], expected: str) -> None:
    """What the configuration says, and nobody may leave out."""
    assert expected == await ask(await make(**options), token(**claims))


async def test_without_a_token_nobody_is_asked(around: Surroundings, origin: StartOrigin) -> None:
    """None of this kind is no fault."""
    server = await origin()
    auth = await make(around, server)

    for headers in ({}, {"authorization": "Basic YTpi"}, {"authorization": signed()}):
        assert None is await auth.authenticate(make_exchange(headers=headers))
    assert [] == server.requests


@pytest.mark.parametrize(
    ("headers", "path", "options"),
    [
        pytest.param({"authorization": "bearer TOKEN"}, "/", {}, id="JWT-08-scheme-in-lower-case"),
        pytest.param({"authorization": "BEARER   TOKEN"}, "/", {}, id="JWT-08-blanks"),
        pytest.param({"x-token": "TOKEN"}, "/", {"header": "X-Token"}, id="header"),
        pytest.param({"cookie": "a=b; t=TOKEN"}, "/", {"cookie": "t"}, id="cookie"),
        pytest.param({}, "/?a=b&t=TOKEN", {"query": "t"}, id="JWT-17-query"),
    ],
)
async def test_a_token_stands_where_it_is_said(
    headers: dict[str, str], path: str, options: dict[str, str]
) -> None:
    """JWT-17: it is passed on, but for one in the address, which others would see."""
    text = token()
    fields = {name: value.replace("TOKEN", text) for name, value in headers.items()}
    auth = await make(**options)
    exchange = make_exchange("GET", path.replace("TOKEN", text), fields)

    consumer = await auth.authenticate(exchange)
    auth.conceal(exchange)

    assert consumer is not None
    assert text not in exchange.request.target.decode() + exchange.request.query
    assert fields == {name.decode(): value.decode() for name, value in exchange.request.headers if fields}


# ---- the same bytes, the same verdict -------------------------------------------------------------------------------

GOOD = token()
HEAD, BODY, TAIL = GOOD.split(".")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="JWT-08-empty"),
        pytest.param(f"{HEAD}.{BODY}", id="JWT-08-2-segments"),
        pytest.param(f"{GOOD}.{TAIL}", id="JWT-08-4-segments"),
        pytest.param(f"{GOOD}.{TAIL}.{TAIL}", id="JWT-08-5-segments"),
        pytest.param(f"{GOOD}.", id="JWT-08-a-dot-more"),
        pytest.param(f"{GOOD}=", id="JWT-08-padding"),
        pytest.param(f"{HEAD}={BODY}.{TAIL}", id="JWT-08-equals-for-dot"),
        pytest.param(f"{GOOD} {GOOD}", id="JWT-08-two"),
        pytest.param(f"{GOOD},{GOOD}", id="JWT-08-two-by-comma"),
        pytest.param(f"{GOOD}\t", id="JWT-08-tab-behind"),
        pytest.param(f"\t{GOOD}", id="JWT-08-tab-before"),
        pytest.param(GOOD + "\u00e9", id="JWT-08-latin-1"),
        pytest.param(f"{HEAD}.{BODY}.", id="JWT-01-no-signature"),
        pytest.param(compact({"alg": "none"}, CLAIMS).decode(), id="JWT-01-none"),
        pytest.param(f"{compact({'alg': 'nOnE'}, CLAIMS).decode().rpartition('.')[0]}.", id="JWT-01-nOnE"),
        pytest.param(token("rsa", "RS256"), id="JWT-02-other-key"),
        pytest.param(
            compact({"alg": "HS256"}, CLAIMS, key("secret"), "HS256").decode(), id="JWT-02-secret-for-public"
        ),
        pytest.param("x" * 8193, id="JWT-09-long"),
        pytest.param("x" * 1_000_000, id="JWT-09-a-megabyte"),
        pytest.param(f"{encode(b'[' * 6000)}.{BODY}.{TAIL}", id="JWT-09-deep"),
        pytest.param(compact({"alg": "ES256", "kid": ["a"]}, CLAIMS).decode(), id="JWT-03-kid-list"),
        pytest.param(compact({"alg": "ES256", "crit": ["x"]}, CLAIMS).decode(), id="JWT-05-crit"),
    ],
)
async def test_what_is_no_good_token_is_refused_as_often_as_it_comes(text: str) -> None:
    """JWT-08: also beside a good one that is remembered; and by a challenge that says why (JWT-16)."""
    auth = await make()
    assert "staff:u-17" == await ask(auth, GOOD)

    logs = set()
    for _ in range(3):
        exchange = make_exchange()
        exchange.request.headers.fields.append((b"authorization", b"Bearer " + text.encode("latin-1")))
        with pytest.raises(Unauthenticated) as raised:
            await auth.authenticate(exchange)
        logs.add((raised.value.log, raised.value.headers))

    assert 1 == len(logs)
    assert "staff:u-17" == await ask(auth, GOOD)
    assert (1, 0) == (len(auth._verified), len(auth._foreign))


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([b"Bearer " + GOOD.encode(), b"Bearer " + GOOD.encode()], id="JWT-08-the-same-twice"),
        pytest.param([b"Bearer " + GOOD.encode(), b"Basic YTpi"], id="JWT-08-beside-another"),
        pytest.param([b"Bearer\t" + GOOD.encode()], id="JWT-08-tab"),
        pytest.param([b"Bearer," + GOOD.encode()], id="JWT-08-comma"),
        pytest.param([b"Bearer"], id="JWT-08-nothing"),
    ],
)
async def test_what_two_readers_could_read_differently_is_refused(fields: list[bytes]) -> None:
    """JWT-08: whether the token is remembered or not."""
    auth = await make()
    for _ in range(2):
        exchange = make_exchange()
        exchange.request.headers.fields += [(b"Authorization", field) for field in fields]
        with pytest.raises(Unauthenticated):
            await auth.authenticate(exchange)
        assert "staff:u-17" == await ask(auth, GOOD)


@given(st.integers(0, len(GOOD) - 1), st.characters(codec="latin-1"))
def test_no_other_token_is_taken_for_one_that_is_remembered(place: int, letter: str) -> None:
    """JWT-11: what differs in one character is another, whatever it begins with."""
    other = GOOD[:place] + letter + GOOD[place + 1 :]
    exchange = make_exchange()
    exchange.request.headers.fields.append((b"authorization", b"Bearer " + other.encode("latin-1")))

    async def both() -> None:
        auth = await make()
        await ask(auth, GOOD)
        if other == GOOD:
            assert None is not await auth.authenticate(exchange)
            return
        with pytest.raises(Unauthenticated):
            await auth.authenticate(exchange)

    asyncio.run(both())


# ---- what is remembered ---------------------------------------------------------------------------------------------


async def test_a_token_that_is_known_is_not_verified_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """One object for many requests."""
    auth = await make()
    first = await auth.authenticate(showing(GOOD))
    monkeypatch.setattr("gatekeeper.auth.jose.jwt.read", None)

    assert first is await auth.authenticate(showing(GOOD))


@pytest.mark.parametrize("leeway", ["0s", "30s", "100ms"])
@pytest.mark.parametrize("expires", [WALL + 7, WALL + 7.3, WALL + 0.1])
async def test_a_token_expires_while_it_is_remembered(
    around: Surroundings, leeway: str, expires: float
) -> None:
    """JWT-11: at the moment at which one expires that is not."""
    text = token(exp=expires)
    remembered = await make(around, leeway=leeway)
    assert "staff:u-17" == await ask(remembered, text)

    verdicts = []
    for _ in range(80):
        around.fake_clock.advance(0.5)
        fresh = await make(around, leeway=leeway)
        verdicts.append(await ask(remembered, text))
        assert verdicts[-1] == await ask(fresh, text)
    assert {"staff:u-17", "401"} >= set(verdicts)
    assert ("401", 0) == (verdicts[-1], len(remembered._verified))


async def test_a_key_is_removed_while_its_token_is_remembered(
    around: Surroundings, origin: StartOrigin
) -> None:
    """JWT-11, JWT-12: the token is refused after the next renewal, and one of the new key passes at once."""
    server = (await origin()).play(published("P-256", "rsa")).always(published("rsa"))
    auth = await make(around, server)
    old, new = signed(exp=WALL + 9999), signed("rsa", exp=WALL + 9999)
    assert ["staff:u-17", "staff:u-17"] == [await ask(auth, text) for text in (old, new)]

    around.fake_clock.advance(RENEW)
    await ask(auth, old)
    await around.tasks["authenticator staff"]

    assert ["401", "staff:u-17"] == [await ask(auth, text) for text in (old, new)]


async def test_a_key_is_removed_while_nobody_comes(around: Surroundings, origin: StartOrigin) -> None:
    """JWT-11: not even the first token after a long silence is believed by a key that is gone."""
    server = (await origin()).play(published("P-256", "rsa")).always(published("rsa"))
    auth = await make(around, server)
    text = signed(exp=WALL + 99999)
    assert "staff:u-17" == await ask(auth, text)

    around.fake_clock.advance(3600)

    assert "401" == await ask(auth, text)


async def test_large_tokens_do_not_fill_the_memory() -> None:
    """JWT-09: so many bytes are remembered, and the oldest is forgotten first."""
    auth = await make()
    auth._verified._largest = 3 * LONGEST
    for number in range(6):
        assert "staff:u-17" == await ask(auth, token(number=number, padding="x" * 5500))

    assert 3 == len(auth._verified)


async def test_invented_tokens_push_out_no_good_one() -> None:
    """JWT-13: those of other issuers have a memory of their own, and others none."""
    auth = await make()
    auth._verified._most = auth._foreign._most = 3
    await ask(auth, GOOD)
    for number in range(9):
        assert "401" == await ask(auth, token(iss="https://a", jti=str(number)))
        assert "401" == await ask(auth, token(jti=str(number))[:-8] + "AAAAAAAA")

    assert (1, 3) == (len(auth._verified), len(auth._foreign))
    assert auth._verified.get(hashlib.sha256(GOOD.encode()).digest()) is not None


async def test_a_token_of_another_issuer_is_refused_by_heart(monkeypatch: pytest.MonkeyPatch) -> None:
    """And each time by an exception of its own: one that is raised again holds every request that it has passed."""
    auth, text = await make(), token(iss="https://other.example.com")
    raised = []
    for _ in range(3):
        with pytest.raises(OfAnother) as found:
            await auth.authenticate(showing(text))
        raised.append(found.value)
        monkeypatch.setattr("gatekeeper.auth.jose.jwt.read", None)

    assert (3, 1) == (len({id(error) for error in raised}), len({(one.log, one.headers) for one in raised}))
    assert [2, 2] == [len(list(traceback.walk_tb(error.__traceback__))) for error in raised[1:]]


# ---- the issuer -----------------------------------------------------------------------------------------------------


async def test_no_header_of_a_token_makes_the_gateway_call(around: Surroundings, origin: StartOrigin) -> None:
    """JWT-03, JWT-04: keys come from where the configuration says, and a kid is only ever compared."""
    trap, server = await origin(), (await origin()).always(published("P-256"))
    auth = await make(around, server)
    thief = key("rsa")
    own = {"kid": "rsa", **thief.public}
    trap.always(published("rsa"))

    for header in (
        {"jku": f"{trap.url}/jwks", "kid": "rsa"},
        {"x5u": f"{trap.url}/cert", "kid": "rsa"},
        {"jwk": own, "kid": "rsa"},
        {"x5c": ["MIIB"], "kid": "rsa"},
        {"kid": f"{trap.url}/jwks"},
        {"kid": "../../../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"jku": f"{trap.url}/jwks", "jwk": own},
    ):
        assert "401" == await ask(auth, compact({"alg": "RS256", **header}, CLAIMS, thief).decode())

    assert ([], ["/jwks", "/jwks"]) == (trap.requests, [one.target for one in server.requests])


async def test_who_is_refused_by_its_claims_causes_no_call(around: Surroundings, origin: StartOrigin) -> None:
    """JWT-09, JWT-13: cheap checks come first."""
    server = await origin()
    auth = await make(around, server)

    for text in (
        signed(iss="https://a"),
        signed(aud="b"),
        signed(exp=WALL - 99),
        token("secret", "HS256"),
        "a.b.c",
    ):
        await ask(auth, text)

    assert {"/jwks"} >= {one.target for one in server.requests}
    assert 1 >= len(server.requests)


@pytest.mark.both_loops
async def test_a_rotation_costs_one_call(around: Surroundings, origin: StartOrigin) -> None:
    """JWT-12: five hundred tokens of a new key; the old one is refused as soon as it is gone."""
    server = (await origin()).play(published("P-256")).always(published("rsa"))
    auth = await make(around, server)
    assert "staff:u-17" == await ask(auth, signed())

    found = await asyncio.gather(*(ask(auth, signed("rsa", jti=str(number))) for number in range(500)))

    assert ({"staff:u-17"}, 2) == (set(found), len(server.requests))
    assert "401" == await ask(auth, signed())


@pytest.mark.parametrize("kid", ["rsa", "unknown"])
async def test_newer_keys_have_to_fit_as_well(around: Surroundings, origin: StartOrigin, kid: str) -> None:
    """JWT-12: a forged token that makes the gateway ask gains nothing by what it finds."""
    server = (await origin()).play(published("P-256")).always(published("P-256", "rsa"))
    auth = await make(around, server)
    assert "staff:u-17" == await ask(auth, signed())
    forged = token("rsa", "RS256", kid=kid)[:-8] + "AAAAAAAA"

    assert ["401", "401"] == [await ask(auth, forged) for _ in range(2)]
    assert 2 == len(server.requests)
    assert "staff:u-17" == await ask(auth, signed("rsa"))


async def test_a_bad_signature_of_a_known_key_causes_no_call(
    around: Surroundings, origin: StartOrigin
) -> None:
    """JWT-13: newer keys could not make it better, and who forges does not use up the cool-down of others."""
    server = (await origin()).always(published("P-256"))
    auth = await make(around, server)

    for text in (signed()[:-8] + "AAAAAAAA", token("rsa", "RS256", kid="P-256")):
        assert "401" == await ask(auth, text)
    assert 1 == len(server.requests)


async def test_invented_keys_cost_one_call_in_a_while(around: Surroundings, origin: StartOrigin) -> None:
    """JWT-13: a thousand names within a minute, and good tokens pass meanwhile, known or not."""
    server = (await origin()).always(published("P-256", "Ed25519"))
    auth = await make(around, server)
    good = signed()
    assert "staff:u-17" == await ask(auth, good)

    for number in range(1000):
        assert "401" == await ask(auth, token("rsa", "RS256", kid=f"invented-{number}"))
        if number % 50 == 0:
            assert "staff:u-17" == await ask(auth, good)
            assert "staff:u-17" == await ask(auth, signed("Ed25519", jti=str(number)))
        around.fake_clock.advance(0.06)

    assert 1 + 60 / COOL_DOWN == len(server.requests)


@pytest.mark.both_loops
async def test_many_who_come_first_cause_one_call(around: Surroundings, origin: StartOrigin) -> None:
    """JWT-15: with five hundred tokens."""
    go = asyncio.Event()
    server = (await origin()).always(go, published("P-256"))
    auth = await make(around, server)
    tasks = [asyncio.create_task(ask(auth, signed(jti=str(number)))) for number in range(500)]
    await server.received()
    go.set()

    assert {"staff:u-17"} == set(await asyncio.gather(*tasks))
    assert 1 == len(server.requests)


async def test_a_token_may_expire_while_the_issuer_is_asked(
    around: Surroundings, origin: StartOrigin
) -> None:
    """JWT-06: what counts is when it passes."""
    go = asyncio.Event()
    server = (await origin()).always(go, published("P-256"))
    auth = await make(around, server, leeway="0s")
    task = asyncio.create_task(ask(auth, signed(exp=WALL + 1)))
    await server.received()
    around.fake_clock.advance(1)
    go.set()

    assert "401" == await task


@pytest.mark.parametrize("outage", ["refused", "500", "html", "hang"])
async def test_an_outage_of_the_issuer(
    around: Surroundings, origin: StartOrigin, monkeypatch: pytest.MonkeyPatch, outage: str
) -> None:
    """JWT-14: tokens of known keys pass, known or not, until `keep_keys` is over; then nobody, and nobody is called wrong."""
    monkeypatch.setattr("gatekeeper.auth.issuer_keys.TIMEOUT", 0.2)
    server = (await origin()).play(published("P-256"))
    auth = await make(around, server, keep_keys="1h")
    known, late, other = (
        signed(kind, exp=WALL + 99999, jti=name)
        for kind, name in (("P-256", "known"), ("P-256", "late"), ("rsa", "other"))
    )
    assert "staff:u-17" == await ask(auth, known)
    if outage == "refused":
        server.stop_listening()
        server.close_idle()
    elif outage == "hang":
        server.always(HANG)
    else:
        server.always(answer(500) if outage == "500" else answer(200, {"content-type": "text/html"}, b"<p>"))

    around.fake_clock.advance(3600 - AGAIN)
    assert ["staff:u-17", "staff:u-17", "503"] == [await ask(auth, text) for text in (known, late, other)]
    around.fake_clock.advance(AGAIN)
    assert ["503", "503", "503", "401"] == [
        await ask(auth, text) for text in (known, late, other, signed(aud="other"))
    ]


# ---- what is said of it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "description"),
    [
        pytest.param("a.b", "The access token is malformed", id="malformed"),
        pytest.param("a" * 9000, "The access token is too long", id="long"),
        pytest.param("a.b.c.d.e", "The access token is encrypted; only signed ones are accepted", id="jwe"),
        pytest.param(token(exp=WALL - 31), "The access token has expired", id="expired"),
        pytest.param(token(aud="b"), "The access token is meant for another audience", id="audience"),
        pytest.param(
            token(iss=CANARY), "The access token is from an issuer that is not accepted", id="issuer"
        ),
        pytest.param(token("rsa", "RS256"), "The signature of the access token is not valid", id="signature"),
        pytest.param(
            token("secret", "HS256"),
            "The access token is signed with an algorithm that is not accepted",
            id="algorithm",
        ),
        pytest.param(
            token(sub=None), "The access token has a claim that is missing or malformed", id="nobody"
        ),
        pytest.param(
            token(sub="x" * 300, jti=CANARY),
            "The access token has a claim that is missing or malformed",
            id="subject-too-long",
        ),
    ],
)
async def test_a_refusal_says_why_and_nothing_of_the_token(text: str, description: str) -> None:
    """JWT-16: RFC 6750 section 3.1."""
    with pytest.raises(Unauthenticated) as raised:
        await (await make()).authenticate(showing(text))

    error = raised.value
    expected = f'Bearer realm="staff", error="invalid_token", error_description="{description}"'
    assert ((b"WWW-Authenticate", expected.encode()),) == error.headers
    assert error.log
    shown = " ".join([str(error), repr(error), error.log, error.detail, repr(error.headers)])
    for part in (CANARY, "u-17", *(one for one in text.split(".") if len(one) > 5)):
        assert part not in shown


async def test_nothing_shows_a_token_or_a_key(caplog: pytest.LogCaptureFixture) -> None:
    """JWT-16: whatever is logged of what was made."""
    auth = await make(keys=[SECRET], algorithms=["HS256"])
    text = token("secret", "HS256", sub=CANARY)
    await ask(auth, text)
    known = auth._verified.get(hashlib.sha256(text.encode()).digest())

    shown = caplog.text + repr([auth, vars(auth), auth._own])
    assert known is not None
    for part in (SECRET, text, text.rpartition(".")[2]):
        assert part not in shown + repr(known)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"audience": "any", "issuer": "https://a"}, ""),
        ({"audience": "a", "issuer": "https://a?x=y"}, "it has a query"),
        ({"audience": "a", "issuer": "login"}, "`issuer` cannot be asked for its keys"),
        ({"audience": "a", "issuer": "https://me:s3cret@a/"}, "an issuer has none"),
        ({"audience": "a", "issuer": "login", "jwks": "http://a/"}, ""),
        ({"audience": ["a", "any"], "issuer": "https://a"}, "`any` takes the tokens of all audiences"),
        ({"audience": "a", "issuer": "https://a", "header": "x-a", "query": "b"}, "exclude each other"),
        ({"audience": "a", "issuer": "https://a", "algorithms": ["none"]}, "none"),
        ({"audience": "a", "issuer": "https://a", "keep_keys": "0s"}, "longer than 0s"),
        ({"audience": "a", "issuer": "https://a", "keys": [SECRET]}, "number 1: it is for none of"),
        (
            {"audience": "a", "issuer": "https://a", "algorithms": ["HS256"], "keys": [SECRET, "s3cret"]},
            "`keys`, number 2: ",
        ),
        ({"audience": "a", "issuer": "", "keys": [SECRET], "algorithms": ["HS256"]}, "`issuer` is"),
        ({"audience": [], "issuer": "https://a"}, "`audience"),
    ],
)
def test_what_a_configuration_gets_wrong_is_said(options: dict[str, Any], message: str) -> None:
    """With what to write, and without a secret."""
    try:
        make_authenticator("jwt", options, name="staff")
        said = ""
    except (ConfigError, ValueError) as error:
        said = str(error)
    assert bool(said) == bool(message)
    assert message in said
    assert SECRET not in said
    assert "s3cret" not in said


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"", b"x" * 300_000, b"short"])
def test_a_file_without_a_key_is_told_of(tmp_path: Path, content: bytes) -> None:
    """By its place in the list, and nothing of it."""
    (tmp_path / "key").write_bytes(content)

    with pytest.raises(ValueError, match="`keys`, number 1: ") as raised:
        built(keys=[{"file": str(tmp_path / "key")}], algorithms=["HS256"])
    assert not re.search(r"xff|short[^e]|xxx", str(raised.value))


def test_without_its_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """What signatures need comes with the extra `jwt`."""
    for name in [name for name in sys.modules if name.startswith("gatekeeper.auth.jose")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "joserfc", None)
    monkeypatch.setitem(sys.modules, "joserfc.jwk", None)
    with pytest.raises(ValueError, match=r"pip install 'gatekeeper-gateway\[jwt\]'"):
        built()


# ---- in a gateway ---------------------------------------------------------------------------------------------------

CONFIG = """
version: 1
authenticators:
  staff:
    jwt: {{issuer: {staff}, audience: [orders, admin], leeway: 10s}}
    identity: {{roles: "{{claim.groups}}"}}
  customers:
    jwt: {{issuer: "https://customers.example.com/", audience: shop, jwks: "{customers}/keys", required_claims: {{verified: ["true"]}}}}
    identity: {{roles: customer, subject: "{{claim.email}}"}}
  links:
    jwt: {{issuer: links, audience: files, algorithms: [HS256], keys: ["{secret}"], query: token}}
  keys: api_key
consumers:
  acme: {{roles: [partner], plan: gold, credentials: {{customers: {{claims: {{azp: acme-app}}}}}}}}
  robot: {{credentials: {{keys: {{sha256: {robot}}}}}}}
plans: {{gold: {{}}}}
services: {{one: {service}}}
routes:
  both: {{match: /both, to: one, filters: [auth: [staff, customers]]}}
  turned: {{match: /turned, to: one, filters: [auth: [customers, staff]]}}
  staff: {{match: /staff, to: one, filters: [auth: staff, {{authorize: {{role: ops}}}}]}}
  open: {{match: /open, public: true, to: one, filters: [auth: {{any_of: [staff, customers], optional: true}}]}}
  all: {{match: /all, to: one, filters: [auth: {{all_of: [staff, keys]}}]}}
  files: {{match: /files, to: one, filters: [auth: links]}}
"""


class World:
    """A gateway, two issuers and a service."""

    def __init__(self, gateway: LiveGateway, staff: Origin, customers: Origin, service: Origin) -> None:
        self.gateway = gateway
        self.staff = staff
        self.customers = customers
        self.service = service

    def of_staff(self, **claims: Any) -> str:
        now = time.time()
        return signed(**{"iss": self.staff.url, "exp": now + 300, "groups": ["ops", "dev"], **claims})

    def of_customers(self, **claims: Any) -> str:
        given = {"iss": "https://customers.example.com/", "aud": "shop", "exp": time.time() + 300}
        return signed("rsa", **{**given, "email": "ann@example.com", "verified": True, **claims})

    async def get(self, target: str, text: str = "", **headers: str) -> Answer:
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.gateway.get(
            target, {**fields, **({"authorization": f"Bearer {text}"} if text else {})}
        )


@pytest_asyncio.fixture
async def world(gateway: StartGateway, origin: StartOrigin) -> World:
    """The gateway of CONFIG."""
    staff, customers, service = await origin(), await origin(), await origin()

    def of_staff(request: Received) -> bytes:
        if request.target == "/.well-known/openid-configuration":
            return answer(json={"issuer": staff.url, "jwks_uri": f"{staff.url}/certs"})
        return published("P-256")

    staff.always(of_staff)
    customers.always(published("rsa"))
    text = CONFIG.format(
        staff=staff.url,
        customers=customers.url,
        service=service.url,
        secret=SECRET,
        robot=hashlib.sha256(b"key-of-robot").hexdigest(),
    )
    return World(await gateway(text), staff, customers, service)


@pytest.mark.both_loops
async def test_two_issuers(world: World) -> None:
    """Each token is that of its issuer; both are asked once, the one for where its keys are, too."""
    for path in ("/both", "/turned", "/open"):
        for text in (world.of_staff(), world.of_customers(), world.of_customers(azp="acme-app")):
            assert 200 == (await world.get(path, text)).status

    assert 3 * [
        ("staff:u-17", "dev,ops"),
        ("customers:ann@example.com", "customer"),
        ("acme", "customer,partner"),
    ] == [(request.get("x-consumer"), request.get("x-consumer-roles")) for request in world.service.requests]
    assert ["/.well-known/openid-configuration", "/certs"] == [one.target for one in world.staff.requests]
    assert ["/keys"] == [one.target for one in world.customers.requests]
    assert 3 == sum(
        sample["value"]
        for sample in world.gateway.gateway.metrics.snapshot()["gatekeeper_calls_total"]["samples"]
        if sample["labels"]["outcome"] == "ok"
    )


@pytest.mark.parametrize("path", ["/both", "/turned", "/open"])
async def test_a_bad_token_is_refused_with_the_reason_of_its_issuer(world: World, path: str) -> None:
    """RBC-04, JWT-16: also where none would do; and nothing of it is shown."""
    past = time.time() - 3600
    expected = {
        world.of_staff(exp=past): ("staff", "The access token has expired"),
        world.of_customers(exp=past): ("customers", "The access token has expired"),
        world.of_customers(verified=False): ("customers", "The access token lacks what is asked for here"),
        world.of_staff(aud="shop"): ("staff", "The access token is meant for another audience"),
        world.of_staff()[:-8] + "AAAAAAAA": ("staff", "The signature of the access token is not valid"),
    }
    for text, (realm, description) in expected.items():
        for _ in range(2):
            refused = await world.get(path, text)
            challenge = f'Bearer realm="{realm}", error="invalid_token", error_description="{description}"'
            assert (401, challenge) == (refused.status, refused.get("www-authenticate"))
            for part in text.split("."):
                assert part not in refused.text
                assert part not in refused.head.decode("latin-1")
            assert "u-17" not in refused.text
    other = await world.get(path, world.of_staff(iss=CANARY))
    assert 401 == other.status
    assert "an issuer that is not accepted" in str(other.get("www-authenticate"))
    assert CANARY not in other.text
    assert [] == world.service.requests
    await world.gateway.record(11)
    assert "eyJ" not in repr(world.gateway.records)


async def test_without_a_token(world: World) -> None:
    """RFC 6750 section 3: then nothing is said to be wrong; and where none is needed, nobody asks."""
    refused = await world.get("/both")
    assert (401, ['Bearer realm="staff"', 'Bearer realm="customers"']) == (
        refused.status,
        refused.get_all("www-authenticate"),
    )
    assert 200 == (await world.get("/open")).status
    assert 200 == (await world.get("/open", authorization="Basic YTpi")).status
    assert [None, None] == [request.get("x-consumer") for request in world.service.requests]
    twice = await world.gateway.get("/open", [("authorization", "Bearer a"), ("authorization", "Bearer a")])
    assert 400 == twice.status  # the edge has refused it already


async def test_roles_and_a_second_credential(world: World) -> None:
    """What a token says is weighed by `authorize`, and all of several have to prove it."""
    assert [200, 403] == [
        (await world.get("/staff", world.of_staff(groups=groups))).status for groups in (["ops"], ["dev"])
    ]
    assert [200, 401, 401, 401] == [
        (await world.get("/all", text, **headers)).status
        for text, headers in (
            (world.of_staff(), {"x_api_key": "key-of-robot"}),
            (world.of_staff(), {}),
            ("", {"x_api_key": "key-of-robot"}),
            (world.of_staff(exp=1), {"x_api_key": "key-of-robot"}),
        )
    ]
    assert "staff:u-17" == world.service.requests[-1].get("x-consumer")


async def test_a_token_in_an_address(world: World) -> None:
    """JWT-17: it is taken out before others see it, good or not, and logs do not show it."""
    text = token("secret", "HS256", iss="links", aud="files", exp=time.time() + 300)
    assert 200 == (await world.get(f"/files?a=1&token={text}&b=2")).status
    assert 401 == (await world.get(f"/files?token={text}x")).status
    assert 401 == (await world.get(f"/files?token={text}&token={text}")).status
    assert 401 == (await world.get("/files", text)).status

    assert "/files?a=1&b=2" == world.service.request.target
    await world.gateway.record(4)
    assert text.rpartition(".")[2] not in repr(world.gateway.records)


async def test_a_reload_keeps_the_keys(world: World) -> None:
    """And asks again where they are to come from somewhere else."""
    assert 200 == (await world.get("/both", world.of_customers())).status
    text = CONFIG.format(
        staff=world.staff.url,
        customers=world.customers.url,
        service=world.service.url,
        secret=SECRET,
        robot=hashlib.sha256(b"key-of-robot").hexdigest(),
    )
    assert (await world.gateway.apply(text.replace("roles: customer", "roles: buyer"))).applied
    assert 200 == (await world.get("/both", world.of_customers())).status
    assert ("buyer", 1) == (
        world.service.requests[-1].get("x-consumer-roles"),
        len(world.customers.requests),
    )

    assert (await world.gateway.apply(text.replace("/keys", "/others"))).applied
    assert 200 == (await world.get("/both", world.of_customers())).status
    assert ["/keys", "/others"] == [one.target for one in world.customers.requests]


async def test_a_key_that_cannot_be_used_is_told_of_where_it_stands(gateway: StartGateway) -> None:
    """JWT-16: by its place, and nothing of it."""
    text = (
        "version: 1\nauthenticators:\n  links: {jwt: {issuer: links, audience: files, algorithms: [HS256],"
        f' keys: ["{SECRET}", "{CANARY}"]}}}}\nservices: {{one: "http://one:80"}}\n'
        "routes: {one: {match: /**, to: one, filters: [auth: links]}}\n"
    )
    with pytest.raises(ConfigError) as raised:
        await gateway(text)

    said = str(raised.value)
    assert said.startswith("gateway.yaml:3:")
    assert "authenticators.links: `keys`, number 2: " in said
    assert CANARY not in said
    assert SECRET not in said


async def test_an_issuer_that_is_down(world: World) -> None:
    """JWT-14: nobody passes whose token cannot be checked, and nobody is called wrong; the other issuer's go on."""
    world.staff.stop_listening()

    down = await world.get("/both", world.of_staff())

    assert (503, "identity-unknown") == (down.status, down.json()["code"])
    assert world.staff.url.encode() not in down.body
    assert 503 == (await world.get("/open", world.of_staff())).status
    assert 200 == (await world.get("/both", world.of_customers())).status


# ---- with a provider of somebody else -------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[str]:
    """An OpenID provider, as a process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "oidc_provider_mock",
        "--port",
        str(port),
        "--user-claims",
        '{"sub": "ann", "email": "ann@example.com", "groups": ["ops", "dev"]}',
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(60):
            while b"running on" not in (line := await process.stderr.readline()):
                assert line, "the provider has ended"
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.communicate()


async def test_a_token_of_a_provider_of_somebody_else(
    provider: str, gateway: StartGateway, origin: StartOrigin
) -> None:
    """oidc-provider-mock: discovery, keys and a token as others make them."""
    service = await origin()
    gw = await gateway(
        f"""
version: 1
authenticators:
  people: {{jwt: {{issuer: "{provider}", audience: shop}}, identity: {{subject: "{{claim.email}}", roles: "{{claim.groups}}"}}}}
services: {{one: {service.url}}}
routes: {{one: {{match: /**, to: one, filters: [auth: people]}}}}
"""
    )
    back = "http://localhost/back"
    async with aiohttp.ClientSession() as session:
        query = {
            "client_id": "shop",
            "response_type": "code",
            "scope": "openid email",
            "redirect_uri": back,
            "state": "s",
        }
        async with session.post(
            f"{provider}/oauth2/authorize", params=query, data={"sub": "ann"}, allow_redirects=False
        ) as answered:
            code = parse_qs(urlsplit(answered.headers["location"]).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": back}
        async with session.post(
            f"{provider}/oauth2/token", data=form, headers=[client_header("shop", "any")]
        ) as answered:
            text = (await answered.json())["id_token"]

    good = await gw.get("/", {"authorization": f"Bearer {text}"})
    bad = await gw.get("/", {"authorization": f"Bearer {text[:-8]}AAAAAAAA"})

    assert (200, 401) == (good.status, bad.status)
    request = service.request
    assert ("people:ann@example.com", "dev,ops") == (
        request.get("x-consumer"),
        request.get("x-consumer-roles"),
    )

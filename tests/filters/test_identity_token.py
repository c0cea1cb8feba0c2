"""Tokens by which services are told who asks."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from gatekeeper.auth.jose.claims import TokenPolicy, check_claims
from gatekeeper.auth.jose.content import parse_key
from gatekeeper.auth.jose.jwt import read, verify
from gatekeeper.core.identity import Consumer
from gatekeeper.filters.identity_token import HEADER
from gatekeeper.testing import (
    RunFilter,
    StartGateway,
    StartOrigin,
    Surroundings,
    answer,
    config_problems,
    make_exchange,
)


SECRET = "a secret of more than thirty-two bytes"
ACME = Consumer(
    name="acme",
    authenticators=("keys",),
    roles=frozenset({"b", "a"}),
    scopes=frozenset({"read", "write"}),
    plan="gold",
    labels={"team": "blue"},
)
POLICY = TokenPolicy(issuer="gw", audiences=("shop",), algorithms=frozenset({"HS256"}), leeway=0.0)


def options(**more: Any) -> dict[str, Any]:
    """Those of the filter."""
    return {"identity_jwt": {"issuer": "gw", "audience": "shop", "key": SECRET, **more}}


async def shown(
    run_filter: RunFilter, around: Surroundings, *, who: Consumer | None = ACME, **more: Any
) -> list[bytes]:
    """What one attempt sends in the field."""
    exchange = make_exchange(headers={"Authorization": "of the client", "X-Team": "red"}, consumer=who)
    call = run_filter("upstream_auth", options(**more), exchange, surroundings=around)
    played = await call.upstream()
    played.respond(200)
    await call.response()
    assert not exchange.request.headers.get_all(HEADER.encode())
    assert [b"of the client"] == played.attempt.request.headers.get_all(b"authorization")
    field = more.get("header", HEADER).lower().encode()
    found: list[bytes] = played.attempt.request.headers.get_all(field)
    return found


async def test_a_service_is_told_who_asks(run_filter: RunFilter) -> None:
    """With what has been given, by a token that is good for a minute; the client's own credential is left alone."""
    around = Surroundings()
    (found,) = await shown(run_filter, around)
    token = read(found)
    now = around.clock.wall()

    verify(token, parse_key(SECRET), {"HS256"})
    check_claims(token, POLICY, now)
    assert {
        "iss": "gw",
        "aud": "shop",
        "sub": "acme",
        "iat": int(now),
        "exp": int(now + 60),
        "roles": ["a", "b"],
        "scope": "read write",
        "plan": "gold",
    } == dict(token.claims)


async def test_nobody_is_told_of_nobody(run_filter: RunFilter) -> None:
    """Where nobody is proven there is no token."""
    assert [] == await shown(run_filter, Surroundings(), who=None)


async def test_more_may_be_said(run_filter: RunFilter) -> None:
    """In another field, for another time."""
    around = Surroundings()
    claims = {"team": "{consumer.labels.team}", "from": "{header.x-team}", "fixed": "x"}
    (found,) = await shown(run_filter, around, claims=claims, ttl="5m", header="X-Who")
    token = read(found)

    assert ("blue", "red", "x") == tuple(token.claims[name] for name in claims)
    assert 300 == token.claims["exp"] - token.claims["iat"]


async def test_a_token_is_shown_again(run_filter: RunFilter) -> None:
    """For half of its time, and for the same consumer; what speaks of a request is made for each."""
    around = Surroundings()
    filters = [options(), options(claims={"from": "{header.x-team}"})]
    calls = [run_filter("upstream_auth", one, surroundings=around).filter.identity for one in filters]
    again, each = calls
    exchange = make_exchange(headers={"X-Team": "red"}, consumer=ACME)
    other = make_exchange(headers={"X-Team": "green"}, consumer=ACME)

    first = again.make(exchange)
    around.fake_clock.advance(29)
    assert first is again.make(other)
    around.fake_clock.advance(2)
    assert first != again.make(exchange)
    assert "red" == read(each.make(exchange)).claims["from"]
    assert "green" == read(each.make(other)).claims["from"]


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        pytest.param(ed25519.Ed25519PrivateKey.generate(), "EdDSA", id="ed25519"),
        pytest.param(ec.generate_private_key(ec.SECP256R1()), "ES256", id="p256"),
        pytest.param(rsa.generate_private_key(65537, 2048), "RS256", id="rsa"),
    ],
)
async def test_a_private_key_signs(run_filter: RunFilter, key: Any, algorithm: str) -> None:
    """Its public half tells that it was the gateway; its name is in the token."""
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    (found,) = await shown(run_filter, Surroundings(), key=pem)
    token = read(found)

    assert (algorithm, True) == (token.algorithm, bool(token.kid))
    verify(token, parse_key(public), {algorithm})


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"claims": {"sub": "x"}}, "`sub` is made by the gateway; choose another name"),
        ({"claims": {"exp": "x"}}, "`exp` is made by the gateway; choose another name"),
        ({"header": "Authorization"}, "`Authorization` is what clients send, and theirs would be dropped"),
        ({"header": "Host"}, "`Host` is written by the gateway itself"),
        ({"header": "a b"}, "`a b` is not a header field name"),
        ({"ttl": "0s"}, "`ttl` must be longer than 0s"),
    ],
)
def test_what_is_refused(more: dict[str, Any], message: str) -> None:
    """With what to write instead."""
    (problem,) = config_problems("upstream_auth", options(**more))

    assert message in problem.message
    assert SECRET not in problem.message


def test_a_key_that_cannot_sign_is_refused() -> None:
    """And stays unsaid."""
    public = (
        ed25519.Ed25519PrivateKey.generate()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    for key in ("hush", public):
        (problem,) = config_problems("upstream_auth", options(key=key))
        assert "key" in problem.message or "secret" in problem.message
        assert key not in problem.message


async def test_no_client_speaks_for_the_gateway(gateway: StartGateway, origin: StartOrigin) -> None:
    """FWD-07: the field is the gateway's own, whatever is asked."""
    app = await origin()
    app.always(answer(200))
    live = await gateway(
        f"""\
version: 1
services:
  a: {{instances: ["{app.url}"], filters: [upstream_auth: {{identity_jwt: {{issuer: gw, audience: a, key: {SECRET}}}}}]}}
  b: {{instances: ["{app.url}"]}}
routes:
  a: {{match: /a, to: a}}
  b: {{match: /b, to: b}}
"""
    )
    for path in ("/a", "/b"):
        assert (
            200 == (await live.get(path, {"X-Identity-Token": "forged", "X_Identity-Token": "forged"})).status
        )

    assert [None, None] == [one.get("x-identity-token") for one in app.requests]

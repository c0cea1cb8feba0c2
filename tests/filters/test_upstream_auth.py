"""`upstream_auth`: what services are shown, and what becomes of a request for which there is nothing to show."""

import logging
from typing import Any

import aiohttp
import pytest

from gatekeeper.core.errors import CredentialUnavailable
from gatekeeper.testing import (
    Call,
    RunFilter,
    StartGateway,
    StartOrigin,
    Surroundings,
    answer,
    config_problems,
    make_exchange,
)
from gatekeeper.testing.origin import Received


BASIC = {"basic": {"username": "gw", "password": "s3cret-ä:x"}}
BEARER = {"bearer": {"token": "s3cret-token"}}


async def shown(call: Call) -> list[str]:
    """All of `Authorization` in an attempt; the exchange's own request is as it was."""
    played = await call.upstream()
    played.respond(200)
    await call.response()
    assert [b"of the client"] == call.exchange.request.headers.get_all(b"authorization")
    return [value.decode() for value in played.attempt.request.headers.get_all(b"authorization")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(BASIC, "Basic Z3c6czNjcmV0LcOkOng=", id="basic"),
        pytest.param(BEARER, "Bearer s3cret-token", id="bearer"),
    ],
)
async def test_the_service_is_shown_who_asks(
    run_filter: RunFilter, options: dict[str, Any], expected: str
) -> None:
    """In the place of what the client has sent, and in the copy of one attempt only."""
    exchange = make_exchange(headers=[("Authorization", "of the client")])
    call = run_filter("upstream_auth", options, exchange)

    assert [expected] == await shown(call)
    assert "s3cret" not in repr(call.filter)
    assert "Z3c6" not in repr(call.filter)


async def test_a_token_is_got_and_shown(run_filter: RunFilter, origin: StartOrigin) -> None:
    """And where there is none, nothing is sent, and no instance is to blame."""
    idp = (await origin()).always(
        answer(json={"access_token": "t1", "token_type": "Bearer", "expires_in": 100})
    )
    around = Surroundings()
    options = {"client_credentials": {"token_url": idp.url, "client_id": "gw", "client_secret": "s3cret"}}
    async with aiohttp.ClientSession() as around.session:
        exchange = make_exchange(headers=[("authorization", "of the client")])
        call = run_filter("upstream_auth", options, exchange, surroundings=around)
        assert ["Bearer t1"] == await shown(call)

        idp.always(answer(500, body=b"s3cret"))
        failing = run_filter("upstream_auth", options, make_exchange(), surroundings=around)
        with pytest.raises(CredentialUnavailable, match="it answered 500") as raised:
            await failing.response()
        assert "s3cret" not in str(raised.value)


# ---- in a gateway ---------------------------------------------------------------------------------------------------

CONFIG = """
version: 1
services:
  one:
    instances: [{service}]
    filters:
      - upstream_auth: {{client_credentials: {{token_url: {idp}/token, client_id: gw, client_secret: s3cret}}}}
  two: {{instances: [{service}], filters: [upstream_auth: {{bearer: {{token: "${{TOKEN}}"}}}}]}}
routes:
  one: {{match: /one, to: one}}
  two: {{match: /two, to: two}}
"""


@pytest.mark.both_loops
async def test_in_a_gateway(
    gateway: StartGateway, origin: StartOrigin, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked for when the configuration comes into force, kept over reloads, and its want is 503 and nobody's fault."""
    caplog.set_level(logging.DEBUG, "gatekeeper")
    idp, service = await origin(), await origin()
    tokens = iter(range(1, 100))

    def issue(_: Received) -> bytes:
        return answer(
            json={"access_token": f"canary-{next(tokens)}", "token_type": "Bearer", "expires_in": 3600}
        )

    idp.always(issue)
    text = CONFIG.format(idp=idp.url, service=service.url)
    gw = await gateway(text, environ={"TOKEN": "fixed"})
    await idp.received()

    assert 200 == (await gw.get("/one", {"authorization": "Bearer mine"})).status
    assert 200 == (await gw.get("/two", {"authorization": "Bearer mine"})).status
    assert [["Bearer canary-1"], ["Bearer fixed"]] == [
        request.get_all("authorization") for request in service.requests
    ]

    assert (await gw.apply(text + "  three: {match: /three, to: one}\n")).applied
    assert 200 == (await gw.get("/three")).status
    assert ("Bearer canary-1", 1) == (service.requests[-1].get("authorization"), len(idp.requests))

    # a 401 of a service is the client's to see, and the token too new to be replaced
    service.play(answer(401))
    assert 401 == (await gw.get("/one")).status
    assert 200 == (await gw.get("/one")).status
    assert 1 == len(idp.requests)

    # another client of the server has another token
    idp.stop_listening()
    idp.close_idle()
    assert (await gw.apply(text.replace("client_id: gw", "client_id: other"))).applied
    refused = [await gw.get("/one") for _ in range(3)]
    assert [(503, "upstream-credential-unavailable")] * 3 == [
        (found.status, found.json()["code"]) for found in refused
    ]
    for place in (caplog.text, *(found.text for found in refused), repr(gw.records)):
        assert "canary" not in place
        assert "s3cret" not in place


async def test_no_instance_is_to_blame_for_a_token_that_is_missing(
    gateway: StartGateway, origin: StartOrigin
) -> None:
    """It is neither left out nor asked again."""
    idp = (await origin()).always(answer(500))
    first, second = await origin(), await origin()
    text = CONFIG.format(idp=idp.url, service=f"{first.url}, {second.url}")
    more = "    outliers: {consecutive_failures: 1}\n    retries: {if: [unavailable], count: 3}\n    filters:"
    gw = await gateway(text.replace("    filters:", more, 1), environ={"TOKEN": "x"})

    assert [503] * 6 == [(await gw.get("/one")).status for _ in range(6)]

    assert gw.gateway.snapshot is not None
    members = gw.gateway.snapshot.services["one"].members
    assert [0.0, 0.0] == [member.outlier.ejected_until for member in members]
    assert [1] * 6 == [record["attempts"] for record in gw.records]
    assert [] == first.requests + second.requests


async def test_a_service_that_refuses_a_token_gets_another(
    gateway: StartGateway, origin: StartOrigin
) -> None:
    """Once it is no longer new; the request that heard of it is answered as the service says."""
    idp, service = await origin(), await origin()
    idp.play(answer(json={"access_token": "old", "token_type": "Bearer"})).always(
        answer(json={"access_token": "new", "token_type": "Bearer"})
    )

    def judge(request: Received) -> bytes:
        return answer(200 if request.get("authorization") == "Bearer new" else 401)

    service.always(judge)
    gw = await gateway(CONFIG.format(idp=idp.url, service=service.url), environ={"TOKEN": "x"})
    await idp.received()
    token = next(thing for thing in gw.gateway.keep.things("service one") if hasattr(thing, "refuse"))
    assert 401 == (await gw.get("/one")).status
    token._replaced -= 30

    assert [401, 200, 200] == [(await gw.get("/one")).status for _ in range(3)]
    assert 2 == len(idp.requests)


@pytest.mark.parametrize(
    ("options", "problem", "message"),
    [
        ({}, "one-kind", "name a way"),
        ({**BASIC, **BEARER}, "one-kind", "two ways, `basic` and `bearer`"),
        ({"bearer": {"token": "s3cret token"}}, "bad-value", "without `Bearer`"),
        ({"bearer": {"token": ""}}, "bad-value", "without `Bearer`"),
        ({"bearer": {"token": "s3cret\r\nx: y"}}, "bad-value", "without `Bearer`"),
        ({"basic": {"username": "a:b", "password": "s3cret"}}, "bad-value", "`username` holds no `:`"),
        ({"basic": {"username": "a", "password": "s3cret\n"}}, "bad-value", "no control characters"),
        ({"basic": {"username": "a"}}, "missing-key", "`password` is missing"),
        ({"identity_token": {}}, "unknown-key", "unknown key `identity_token`"),
    ],
)
def test_what_a_configuration_gets_wrong_is_said(options: dict[str, Any], problem: str, message: str) -> None:
    """With what to write, and without the secret."""
    problems = config_problems("upstream_auth", options)

    assert [problem] == [found.id for found in problems]
    assert message in problems[0].message
    assert "s3cret" not in problems[0].message


async def test_it_stands_in_services_only(gateway: StartGateway) -> None:
    """It is of attempts."""
    text = """
version: 1
services: {one: http://127.0.0.1:1}
routes: {one: {match: /**, to: one, filters: [upstream_auth: {bearer: {token: x}}]}}
"""
    with pytest.raises(Exception, match="upstream_auth") as raised:
        await gateway(text)
    assert "wrong-scope" in {problem.id for problem in raised.value.problems}  # type: ignore[attr-defined]

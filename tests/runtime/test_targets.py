"""Which service gets a request: pins, what is sticky, chance."""

from collections import Counter
from collections.abc import Mapping
from random import Random

import pytest

from gatekeeper.config.model import StickyConfig, StickyCookieConfig
from gatekeeper.core.body import Body
from gatekeeper.core.chain import Chain, Handler, Predicate
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Response
from gatekeeper.core.text import Text, Value
from gatekeeper.runtime.targets import Odds, Targets, send_to, send_to_captured, send_to_chosen
from gatekeeper.testing import make_exchange


WEIGHTS = {"users": 95, "canary": 5}


def has(name: bytes) -> Predicate:
    return lambda exchange: name in exchange.request.headers


def targets(
    weights: Mapping[str, int] = WEIGHTS,
    pins: Mapping[str, Predicate] | None = None,
    sticky: StickyConfig | None = None,
) -> Targets:
    return Targets(weights, pins or {}, sticky, Random(7))


def test_without_more_it_is_chance() -> None:
    """In proportion to the weights, within four standard deviations."""
    chosen = targets()

    counted = Counter(chosen.choose(make_exchange())[0] for _ in range(10_000))

    assert set(WEIGHTS) == set(counted)
    assert abs(counted["canary"] - 500) < 88
    assert [Odds("users", 0.95), Odds("canary", 0.05)] == chosen.odds(make_exchange())


def test_a_pin_comes_before_everything() -> None:
    """Also to a service without any weight; of several that hold the first by name wins."""
    chosen = targets({"users": 1, "b": 0, "a": 0}, {"b": has(b"beta"), "a": has(b"alpha")})

    assert ("b", None) == chosen.choose(make_exchange(headers={"beta": "1"}))
    assert ("a", None) == chosen.choose(make_exchange(headers={"beta": "1", "alpha": "1"}))
    assert ("users", None) == chosen.choose(make_exchange())
    assert [Odds("b", 1.0, "pinned")] == chosen.odds(make_exchange(headers={"beta": "1"}))


def test_equal_values_stay_together() -> None:
    """On every gateway, whatever chance says there."""
    sticky = StickyConfig(by=(Value("header.x-user"), Value("address")))
    here, there = targets(WEIGHTS, sticky=sticky), Targets(WEIGHTS, {}, sticky, Random(8))

    for number in range(200):
        exchange = make_exchange(headers={"x-user": f"u{number}"})
        service, cookie = here.choose(exchange)
        assert (service, None) == there.choose(exchange) == (service, cookie)
        assert [Odds(service, 1.0, "sticky")] == here.odds(exchange)


@pytest.mark.parametrize("there", [["x-user"], ["x-team"], ["x-user", "x-team"]], ids=", ".join)
def test_one_of_several_values_is_enough(there: list[str]) -> None:
    """What is missing is the same for everybody who does not have it."""
    sticky = StickyConfig(by=(Value("header.x-user"), Value("header.x-team")))
    weights = {"a": 1, "b": 1}
    here, other = targets(weights, sticky=sticky), Targets(weights, {}, sticky, Random(8))
    services = set()

    for number in range(64):
        exchange = make_exchange(headers=[(name, f"u{number}") for name in there])
        service, cookie = here.choose(exchange)
        services.add(service)
        assert (service, None) == other.choose(exchange) == (service, cookie)
        assert [Odds(service, 1.0, "sticky")] == here.odds(exchange)

    assert {"a", "b"} == services


def test_values_are_kept_apart() -> None:
    """`a` and `bc` are not `ab` and `c`."""
    chosen = targets({"a": 1, "b": 1}, sticky=StickyConfig(by=(Value("header.x-a"), Value("header.x-b"))))

    pairs = [
        [
            chosen.choose(make_exchange(headers={"x-a": one, "x-b": other}))[0]
            for one, other in ((f"{number}", f"1{number}"), (f"{number}1", f"{number}"))
        ]
        for number in range(64)
    ]

    assert any(one != other for one, other in pairs)


def test_who_has_no_value_is_left_to_chance() -> None:
    """All of them at one service would be no canary."""
    chosen = targets({"a": 1, "b": 1}, sticky=StickyConfig(by=(Value("header.x-user"),)))

    assert {"a", "b"} == {chosen.choose(make_exchange())[0] for _ in range(64)}
    assert [Odds("a", 0.5), Odds("b", 0.5)] == chosen.odds(make_exchange())


COOKIE = StickyConfig(cookie=StickyCookieConfig(name="side", ttl=90.0))


def test_a_client_without_a_cookie_gets_one_and_stays() -> None:
    """What it says is no name: nobody can choose where to go."""
    chosen = targets(sticky=COOKIE)

    service, cookie = chosen.choose(make_exchange())

    assert cookie is not None
    token = cookie.decode().partition(";")[0]
    assert cookie.decode() == f"{token}; HttpOnly; Max-Age=90; Path=/; SameSite=Lax"
    assert service not in token
    back = make_exchange(headers={"Cookie": f"a=b; {token}"})
    assert (service, None) == chosen.choose(back)
    assert [Odds(service, 1.0, "sticky")] == chosen.odds(back)


@pytest.mark.parametrize(
    "value",
    ["canary", "users", "", "0123", "0" * 31, "0" * 33, "A" * 32, "Z" * 32, "0" * 32 + " 1", '"><script>'],
)
def test_a_cookie_that_is_none_of_ours_is_replaced(value: str) -> None:
    """PTH-18: a forged one does not choose."""
    exchange = make_exchange(headers={"Cookie": f"side={value}"})

    chosen = targets(sticky=COOKIE)
    _, cookie = chosen.choose(exchange)

    assert cookie is not None
    assert [Odds("users", 0.95), Odds("canary", 0.05)] == chosen.odds(exchange)


def test_each_new_client_has_a_token_of_its_own() -> None:
    """And those of others do not count."""
    chosen = targets({"a": 1, "b": 1}, sticky=COOKIE)
    others = make_exchange(headers={"Cookie": f"other={'0' * 32}; sides={'1' * 32}"})

    answers = [chosen.choose(others) for _ in range(64)]

    assert {"a", "b"} == {service for service, _ in answers}
    assert 64 == len({cookie for _, cookie in answers})


def test_who_is_pinned_gets_no_cookie() -> None:
    """Without the pin it would stay there."""
    chosen = targets({"a": 1, "b": 1}, {"b": has(b"beta")}, COOKIE)

    assert ("b", None) == chosen.choose(make_exchange(headers={"beta": "1"}))
    assert chosen.choose(make_exchange())[1] is not None


def test_a_cookie_of_a_secure_connection_is_secure() -> None:
    """It is not sent in the open afterwards."""
    exchange = make_exchange()
    exchange.request.scheme = "https"

    _, cookie = targets(sticky=COOKIE).choose(exchange)

    assert b"; Secure" in (cookie or b"")
    exchange.request.scheme = "http"
    assert b"Secure" not in (targets(sticky=COOKIE).choose(exchange)[1] or b"")


# ---- the ends of chains ---------------------------------------------------------------------------------------------


def answering(name: str) -> Handler:
    async def answer(exchange: Exchange) -> Response:
        return Response(200, body=Body(f"{name} for {exchange.service}".encode()))

    return answer


CHAINS = {
    "a": Chain(answering("a"), ("x",), request_buffer=1, response_buffer=20, answers_preflights=True),
    "b": Chain(answering("b"), ("y",), request_buffer=2, response_buffer=10),
}


async def test_one_service() -> None:
    """It is noted before its own filters run."""
    end = send_to("a", CHAINS["a"])

    response = await end.handler(make_exchange())

    assert b"a for a" == response.body.data
    assert (("x",), 1, 20) == (end.names, end.request_buffer, end.response_buffer)
    assert end.answers_preflights


async def test_several_services_and_a_cookie() -> None:
    """The cookie is added to what the service sets; the largest buffer counts."""
    end = send_to_chosen(targets({"a": 1, "b": 0}, sticky=COOKIE), CHAINS)

    response = await end.handler(make_exchange())

    assert b"a for a" == response.body.data
    assert response.headers.text(b"set-cookie").startswith("side=")
    assert (2, 20, True) == (end.request_buffer, end.response_buffer, end.answers_preflights)


async def test_a_client_that_has_a_cookie_gets_no_other() -> None:
    """Nor one where nothing is sticky."""
    end = send_to_chosen(targets({"a": 1, "b": 0}, sticky=COOKIE), CHAINS)
    plain = send_to_chosen(targets({"a": 0, "b": 1}), CHAINS)

    known = await end.handler(make_exchange(headers={"Cookie": f"side={'0f' * 16}"}))
    other = await plain.handler(make_exchange())

    assert not known.headers.text(b"set-cookie")
    assert not other.headers.text(b"set-cookie")
    assert (b"a for a", b"b for b") == (known.body.data, other.body.data)


async def test_a_captured_service() -> None:
    """The path says which; the largest buffer counts."""
    end = send_to_captured(Text("{path.service}"), CHAINS)

    assert (2, 20, True) == (end.request_buffer, end.response_buffer, end.answers_preflights)

    response = await end.handler(make_exchange(captures={"service": "b"}))

    assert b"b for b" == response.body.data

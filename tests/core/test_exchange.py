"""Exchanges and attempts: what is left on them, when they end, and what lives on."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.chain import Chain
from gatekeeper.core.errors import ClientGone, GatewayError, RefusedElsewhere, Reset
from gatekeeper.core.exchange import Attempt, Exchange, Key, Route
from gatekeeper.core.identity import Consumer
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Headers, Response
from gatekeeper.testing import make_exchange


PLAN: Key[str] = Key("plan")
COUNT: Key[int] = Key("count")


async def nothing(exchange: Exchange) -> Response:
    return Response(200)


@pytest.fixture
def instance() -> Instance:
    """An instance that nothing is sent to."""
    return Instance("users", "a", "http", "192.0.2.1", 80)


def test_values_are_left_under_keys() -> None:
    """Keys are compared by what they are and not by name: two plugins may use the same one."""
    exchange = make_exchange()

    with pytest.raises(KeyError):
        exchange[PLAN]
    assert "none" == exchange.get(PLAN, "none")
    exchange[PLAN] = "gold"
    exchange[COUNT] = 3

    assert ("gold", 3) == (exchange[PLAN], exchange.get(COUNT, 0))
    with pytest.raises(KeyError):
        exchange[Key("plan")]
    assert "<Key plan>" == repr(PLAN)


@given(st.lists(st.booleans(), max_size=12))
def test_all_callbacks_run_in_reverse_order(failing: list[bool]) -> None:
    """Whatever one of them raises."""
    exchange = make_exchange()
    ran: list[int] = []

    def add(index: int, *, fails: bool) -> None:
        def callback(_: Exchange) -> None:
            ran.append(index)
            if fails:
                raise RuntimeError(index)

        exchange.on_complete(callback)

    for index, fails in enumerate(failing):
        add(index, fails=fails)
    logging.disable()
    try:
        exchange.complete()
        exchange.complete()
    finally:
        logging.disable(logging.NOTSET)

    assert list(reversed(range(len(failing)))) == ran


def test_a_failing_callback_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With the exchange that it failed for."""
    exchange = make_exchange(exchange_id="id-1")
    exchange.on_complete(lambda _: 1 / 0)

    exchange.complete()

    assert "a completion callback of <Exchange id-1 GET / no route yet> failed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_whoever_comes_late_is_called_at_once() -> None:
    """A filter need not know whether the exchange has ended."""
    exchange = make_exchange()
    exchange.complete()
    seen: list[Exchange] = []

    exchange.on_complete(seen.append)

    assert [exchange] == seen


def test_a_callback_that_is_added_while_they_run_runs_too() -> None:
    """At once."""
    exchange = make_exchange()
    ran: list[str] = []
    exchange.on_complete(lambda _: ran.append("outer"))
    exchange.on_complete(lambda inner: inner.on_complete(lambda _: ran.append("inner")))

    exchange.complete()

    assert ["inner", "outer"] == ran


def test_a_fork_is_independent() -> None:
    """It has the same request, route and values, and shares nothing that changes."""
    exchange = make_exchange("POST", "/a", {"x": "1"}, b"data", captures={"id": "7"})
    exchange.route = Route("users", Chain(nothing))
    exchange.service = "people"
    exchange[PLAN] = "gold"
    exchange.deadline = 5.0
    completed: list[str] = []
    exchange.on_complete(lambda _: completed.append("original"))

    fork = exchange.fork("fork-1")
    fork.on_complete(lambda _: completed.append("fork"))
    fork.request.headers.set(b"x", b"2")
    fork[PLAN] = "silver"
    fork.complete()

    assert ["fork"] == completed
    assert ("1", "gold") == (exchange.request.headers.text(b"x"), exchange[PLAN])
    assert b"data" == fork.request.body.data
    assert ("fork-1", exchange.route, "people") == (fork.id, fork.route, fork.service)
    assert (exchange.captures, None, []) == (fork.captures, fork.deadline, fork.attempts)


def test_a_fork_is_of_whoever_asked() -> None:
    """Who is found out later is not known to it, nor nobody any more."""
    one, other = (Consumer(name=name, authenticators=("keys",)) for name in ("one", "other"))
    assert None is make_exchange().fork("fork-0").consumer
    exchange = make_exchange(consumer=one)

    fork = exchange.fork("fork-1")
    exchange.consumer = other

    assert one is fork.consumer


def test_a_streamed_body_stays_with_the_original() -> None:
    """It can be read only once."""
    exchange = make_exchange("POST", "/", body=[b"a", b"b"])

    fork = exchange.fork("fork-1")

    assert b"" == fork.request.body.data
    assert exchange.request.body.data is None
    with pytest.raises(KeyError):
        fork[PLAN]


def test_an_exchange_says_what_it_is() -> None:
    """Who debugs sees id, request and route."""
    exchange = make_exchange("GET", "/a", exchange_id="id-1")
    exchange.route = Route("users", Chain(nothing, ("first", "second")))

    assert "<Exchange id-1 GET /a users>" == repr(exchange)
    assert "<Route users: first > second>" == repr(exchange.route)


def test_an_instance_is_in_flight_until_the_attempt_ends(instance: Instance) -> None:
    """Once, however often it is ended."""
    attempt = Attempt(make_exchange(), instance, 1, 1000.0)
    assert 1 == instance.in_flight

    attempt.complete(Reset())
    attempt.complete(ClientGone())

    assert 0 == instance.in_flight
    assert isinstance(attempt.error, Reset)
    assert attempt.abort is None


def test_callbacks_of_an_attempt_run_at_its_end(instance: Instance) -> None:
    """The last added first, late ones at once, none twice."""
    attempt = Attempt(make_exchange(), instance, 1, 1000.0)
    ran: list[tuple[str, GatewayError | None]] = []
    error = Reset()
    attempt.on_complete(lambda ended: ran.append(("first", ended.error)))
    attempt.on_complete(lambda ended: ran.append(("second", ended.error)))

    attempt.complete(error)
    attempt.complete()
    attempt.on_complete(lambda ended: ran.append(("late", ended.error)))

    assert [("second", error), ("first", error), ("late", error)] == ran


def test_an_attempt_edits_a_copy(instance: Instance) -> None:
    """The next attempt begins with what the exchange has."""
    exchange = make_exchange(headers={"x": "1"})
    first, second = Attempt(exchange, instance, 1, 0.0), Attempt(exchange, instance, 2, 0.0)
    assert exchange.request is first.request

    first.edit().headers.set(b"x", b"2")
    first.edit().headers.add(b"y", b"3")

    assert ["2", "3"] == [first.request.headers.text(name) for name in (b"x", b"y")]
    assert exchange.request is second.request
    assert "1" == exchange.request.headers.text(b"x")
    assert "<Attempt 2 of test at a>" == repr(second)


def test_an_attempt_shares_the_deadline_of_its_exchange(instance: Instance) -> None:
    """One time for all of them."""
    exchange = make_exchange()
    exchange.deadline = 1234.5

    assert 1234.5 == Attempt(exchange, instance, 1, 0.0).deadline


def test_what_somebody_else_has_answered_is_passed_on() -> None:
    """With the error, so that logs know whose it is."""
    exchange = make_exchange()
    answer = Response(302, Headers([(b"location", b"/login")]))
    error = RefusedElsewhere(log="who decides answered 302", answer=answer)

    response = exchange.reject(error)

    assert response is answer
    assert (302, error) == (response.status, response.error)

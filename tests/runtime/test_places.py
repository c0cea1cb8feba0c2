"""So many requests at a service, and no more."""

import asyncio
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from gatekeeper.core.body import Body
from gatekeeper.core.concurrency import Concurrency
from gatekeeper.core.errors import Overloaded
from gatekeeper.core.exchange import Attempt, Exchange
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Response
from gatekeeper.runtime.places import Placed
from gatekeeper.testing import StartGateway, StartOrigin, make_exchange


class Source:
    """A body that is still to come."""

    async def read(self) -> bytes:
        return b""

    def abort(self) -> None: ...


@attrs.define
class Scripted:
    """A filter that does what the test says."""

    act: Callable[[], Any]
    seen: int = 0

    def wrap(self, next: Any, /) -> Any:  # noqa: A002
        async def scripted(exchange: Exchange) -> Response:
            self.seen += 1
            result = self.act()
            if isinstance(result, BaseException):
                raise result
            return result if isinstance(result, Response) else await result

        return scripted


async def turns() -> None:
    """Let whoever can go on do so."""
    for _ in range(5):
        await asyncio.sleep(0)


async def beyond(exchange: Exchange) -> Response:
    raise AssertionError


def placed(act: Callable[[], Any], places: Concurrency) -> Any:
    return Placed(Scripted(act), places).wrap(beyond)


async def test_a_place_is_held_until_the_body_has_ended() -> None:
    """And not only until the head of the answer is there."""
    places = Concurrency(limit=1)
    exchange = make_exchange()

    response = await placed(lambda: Response(200, body=Body.stream(Source(), None)), places)(exchange)

    assert (200, 1) == (response.status, places.in_flight)
    exchange.complete()
    exchange.complete()
    assert 0 == places.in_flight


async def test_who_reads_slowly_holds_no_place() -> None:
    """The instance has done its work, whatever its client still has to read."""
    places = Concurrency(limit=1)
    exchange = make_exchange()
    attempt = Attempt(exchange, Instance("a", "a", "http", "127.0.0.1", 1), 1, 0.0)
    exchange.attempts.append(attempt)

    await placed(lambda: Response(200, body=Body.stream(Source(), 5)), places)(exchange)
    assert 1 == places.in_flight
    attempt.complete()
    assert 0 == places.in_flight
    exchange.complete()
    assert 0 == places.in_flight


async def test_where_places_are_scarce_a_body_waits_outside() -> None:
    """And has one when it is here."""
    places = Concurrency(limit=3)
    places.try_enter()
    places.try_enter()
    more = asyncio.Event()

    class Slow(Source):
        async def read(self) -> bytes:
            await more.wait()
            return b""

    exchange = make_exchange()
    exchange.request.body = Body.stream(Slow(), None)
    asking = asyncio.create_task(placed(lambda: Response(200), places)(exchange))
    await turns()
    assert 2 == places.in_flight

    more.set()
    assert 200 == (await asking).status
    assert b"" == exchange.request.body.data


@pytest.mark.parametrize(
    "response",
    [
        pytest.param(Response(200, body=Body(b"all")), id="complete"),
        pytest.param(Response(101), id="switched"),
    ],
)
async def test_an_answer_without_more_to_come_gives_it_back(response: Response) -> None:
    """A connection that has switched protocols is no request any more."""
    places = Concurrency(limit=1)
    exchange = make_exchange()

    await placed(lambda: response, places)(exchange)

    assert 0 == places.in_flight
    exchange.complete()
    assert 0 == places.in_flight


@pytest.mark.parametrize("error", [RuntimeError("no"), asyncio.CancelledError()], ids=["failed", "cancelled"])
async def test_what_fails_gives_it_back(error: BaseException) -> None:
    """Once."""
    places = Concurrency(limit=1)
    exchange = make_exchange()

    with pytest.raises(type(error)):
        await placed(lambda: error, places)(exchange)

    exchange.complete()
    assert 0 == places.in_flight


async def test_without_a_place_the_service_is_not_asked() -> None:
    """The error says 503 and when to come back; whoever guards the handler answers with it."""
    places = Concurrency(limit=1)
    places.try_enter()
    filter_ = Scripted(lambda: Response(200))

    with pytest.raises(Overloaded):
        await Placed(filter_, places).wrap(beyond)(make_exchange())

    assert (0, 1) == (filter_.seen, places.in_flight)


async def test_who_waits_is_next() -> None:
    """As soon as the one before has been answered."""
    places = Concurrency(limit=1, queue=1, wait=3600.0)
    exchanges = [make_exchange(), make_exchange()]
    handler = placed(lambda: Response(200, body=Body.stream(Source(), None)), places)
    await handler(exchanges[0])
    second = asyncio.create_task(handler(exchanges[1]))
    await turns()
    assert 1 == places.waiting

    exchanges[0].complete()
    await second

    assert (1, 0) == (places.in_flight, places.waiting)
    exchanges[1].complete()
    assert 0 == places.in_flight


async def test_who_gives_up_in_line_has_no_place_to_give_back() -> None:
    """Its client is gone."""
    places = Concurrency(limit=1, queue=1, wait=3600.0)
    places.try_enter()
    task = asyncio.create_task(placed(lambda: Response(200), places)(make_exchange()))
    await turns()
    assert 1 == places.waiting

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (1, 0) == (places.in_flight, places.waiting)


# ---- in a whole gateway ---------------------------------------------------------------------------------------------


CONFIG = """\
version: 1
services: {{users: {{instances: ["{url}"], health: false, concurrency: {concurrency}}}}}
routes: {{all: {{match: /**, to: users}}}}
"""
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"


async def test_a_service_that_is_full_refuses(gateway: StartGateway, origin: StartOrigin) -> None:
    """Until the body of an answer has ended, and not only its head; the log says what is full."""
    users, go_on = await origin(), asyncio.Event()
    users.play(HEAD + b"ab", go_on, b"cd")
    gw = await gateway(CONFIG.format(url=users.url, concurrency=1))
    slow = await gw.connect()
    await slow.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    await users.received()

    refused = await gw.get("/")
    go_on.set()
    answered = await slow.answer()
    await gw.record(2)
    again = await gw.get("/")

    assert (503, "1", "overloaded") == (refused.status, refused.get("retry-after"), refused.json()["code"])
    assert (200, b"abcd", 200) == (answered.status, answered.body, again.status)
    assert 2 == len(users.requests)


async def test_a_reload_that_makes_room_lets_those_in_who_wait(
    gateway: StartGateway, origin: StartOrigin
) -> None:
    """And forgets nobody who is inside."""
    users, go_on = await origin(), asyncio.Event()
    users.always(go_on, HEAD + b"done")
    small = CONFIG.format(url=users.url, concurrency="{limit: 1, queue: 1, wait: 1h}")
    gw = await gateway(small)
    tasks = [asyncio.create_task(gw.new_client().get("/")) for _ in range(2)]
    await users.received()

    outcome = await gw.apply(small.replace("limit: 1", "limit: 2"))
    await users.received(2)
    go_on.set()
    answers = await asyncio.gather(*tasks)

    assert outcome.applied
    assert [200, 200] == [answer.status for answer in answers]

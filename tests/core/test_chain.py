"""Chains of filters: what runs in which order, and what the guard round each of them contains."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import attrs
import orjson
import pytest

from gatekeeper.core.body import Body
from gatekeeper.core.chain import (
    AttemptHandler,
    AttemptLink,
    Chain,
    Group,
    Handler,
    Link,
    NextCalledTwiceError,
    compile_attempt_chain,
    compile_chain,
)
from gatekeeper.core.errors import FilterFailed, GatewayError, Rejection, Reset
from gatekeeper.core.exchange import Attempt, Exchange
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Response
from gatekeeper.testing import Chunks, FakeClock, make_exchange


Work = Callable[[Exchange, Handler], Awaitable[Response]]
AttemptWork = Callable[[Attempt, AttemptHandler], Awaitable[Response]]


@attrs.frozen
class Doing:
    """A filter that does what the test says."""

    work: Work
    request_buffer: int = 0
    response_buffer: int = 0
    answers_preflights: bool = False

    def wrap(self, following: Handler, /) -> Handler:
        return lambda exchange: self.work(exchange, following)


class Off:
    """A filter that has nothing to do."""

    def wrap(self, following: Handler, /) -> Handler:
        return following


async def passing(exchange: Exchange, following: Handler) -> Response:
    return await following(exchange)


class World:
    """A chain of named filters whose end answers 200, and a note of how often it was reached."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.reached = 0
        self.exchange = make_exchange(exchange_id="id-1")

    async def answer(self, exchange: Exchange, following: Handler) -> Response:
        self.reached += 1
        self.clock.advance(0.5)
        return Response(200, body=Body(b"ok"))

    def chain(self, *filters: tuple[str, Work], skip: str = "") -> Chain:
        links = [Link(name, Doing(work), name == skip) for name, work in filters]
        return compile_chain(
            [*links, Link("end", Doing(self.answer))], Chain(nothing_beyond), self.clock.monotonic
        )

    async def run(self, *filters: tuple[str, Work], skip: str = "") -> Response:
        return await self.chain(*filters, skip=skip).handler(self.exchange)


async def nothing_beyond(exchange: Exchange) -> Response:
    raise AssertionError("went past the end")


@pytest.fixture
def world() -> World:
    """A chain's surroundings."""
    return World()


# ---- order and names ------------------------------------------------------------------------------------------------


async def test_filters_run_in_the_order_written(world: World) -> None:
    """The first is the outermost: it sees the request first and the response last."""
    seen = []

    def noting(name: str) -> tuple[str, Work]:
        async def work(exchange: Exchange, following: Handler) -> Response:
            seen.append(f"{name} in")
            response = await following(exchange)
            seen.append(f"{name} out")
            return response

        return name, work

    response = await world.run(noting("a"), noting("b"))

    assert 200 == response.status
    assert ["a in", "b in", "b out", "a out"] == seen


def test_a_chain_names_what_runs_and_knows_the_largest_buffers() -> None:
    """With those of the chain that it ends in."""
    end = Chain(nothing_beyond, ("forward",), request_buffer=5, response_buffer=50)
    links = [
        Link("a", Doing(passing, request_buffer=10)),
        Link("off", Off()),
        Link("b", Doing(passing, request_buffer=7, response_buffer=20)),
    ]

    chain = compile_chain(links, end, FakeClock().monotonic)

    assert ("a", "b", "forward") == chain.names
    assert (10, 50) == (chain.request_buffer, chain.response_buffer)


@pytest.mark.parametrize("inside", ["", "filter", "group", "end"])
def test_a_chain_knows_whether_it_answers_preflights(inside: str) -> None:
    """A filter of it does, one in a chain of its own, or the end."""
    doing = [Link("a", Doing(passing)), Link("b", Doing(passing, answers_preflights=inside == "filter"))]
    group = Group("g", (Link("c", Doing(passing, answers_preflights=inside == "group")),), asks("g"))
    end = Chain(nothing_beyond, answers_preflights=inside == "end")

    chain = compile_chain([doing[0], group, doing[1]], end, FakeClock().monotonic)

    assert bool(inside) is chain.answers_preflights


def test_a_filter_that_is_off_costs_nothing() -> None:
    """It returned `next` itself, so the chain is what follows it: no guard, no name."""
    chain = compile_chain(
        [Link("off", Off()), Link("off too", Off())], Chain(nothing_beyond), FakeClock().monotonic
    )

    assert nothing_beyond is chain.handler
    assert () == chain.names


# ---- what goes wrong ------------------------------------------------------------------------------------------------


async def test_an_exception_is_a_500_that_names_the_filter_in_the_log_only(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """What is internal does not leak to the client."""

    async def bad(exchange: Exchange, following: Handler) -> Response:
        raise ZeroDivisionError("secret")

    response = await world.run(("outer", passing), ("bad", bad))

    assert 500 == response.status
    assert isinstance(response.error, FilterFailed)
    assert "filter 'bad': ZeroDivisionError('secret')" == response.error.log
    assert b"secret" not in (response.body.data or b"")
    assert "filter-failed" == orjson.loads(response.body.data or b"")["code"]
    assert "filter bad failed" in caplog.text
    assert ["id-1"] == [record.request_id for record in caplog.records]  # type: ignore[attr-defined]
    assert 0 == world.reached


async def test_an_outer_filter_sees_the_answer_to_a_failure(world: World) -> None:
    """And not the exception: CORS, headers and logs treat it like any other response."""

    async def bad(exchange: Exchange, following: Handler) -> Response:
        raise ZeroDivisionError

    async def outer(exchange: Exchange, following: Handler) -> Response:
        response = await following(exchange)
        response.headers.add(b"x-outer", b"%d" % response.status)
        return response

    response = await world.run(("outer", outer), ("bad", bad))

    assert b"500" == response.headers.get(b"x-outer")


@pytest.mark.parametrize("raised", [True, False])
async def test_a_filter_rejects_by_returning_or_raising(world: World, raised: bool) -> None:
    """Both are the same answer, and no failure."""
    error = Rejection("not you")

    async def guard(exchange: Exchange, following: Handler) -> Response:
        if raised:
            raise error
        return exchange.reject(error)

    response = await world.run(("outer", passing), ("guard", guard))

    assert (400, error) == (response.status, response.error)
    assert "guard" == world.exchange.stopped_by


async def test_next_is_called_once(world: World) -> None:
    """A second call could send the request twice; it is refused, and the failure is that of the caller."""

    async def twice(exchange: Exchange, following: Handler) -> Response:
        await following(exchange)
        return await following(exchange)

    response = await world.run(("outer", passing), ("twice", twice))

    assert 1 == world.reached
    assert response.error is not None
    assert (
        "filter 'twice': NextCalledTwiceError(\"filter 'twice' called next a second time\")"
        == response.error.log
    )


async def test_next_is_called_once_even_at_once(world: World) -> None:
    """Two tasks do not get round it."""

    async def twice(exchange: Exchange, following: Handler) -> Response:
        first, _ = await asyncio.gather(following(exchange), following(exchange))
        return first

    response = await world.run(("twice", twice))

    assert (1, 500) == (world.reached, response.status)


@pytest.mark.parametrize("value", [None, "ok", 200, (200, b"ok")])
async def test_what_is_no_response_is_a_500(
    world: World, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Forgetting to return is the most common mistake there is."""

    async def forgetful(exchange: Exchange, following: Handler) -> Response:
        await following(exchange)
        return value  # type: ignore[return-value]

    response = await world.run(("forgetful", forgetful))

    assert 500 == response.status
    assert response.error is not None
    assert f"filter 'forgetful' answered with {value!r}" == response.error.log
    assert f"filter forgetful answered with {value!r} instead of a Response" in caplog.text


async def test_what_may_be_skipped_is_skipped_before_next(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """`if_error: skip` goes on as if the filter were not there."""

    async def bad(exchange: Exchange, following: Handler) -> Response:
        raise ZeroDivisionError

    response = await world.run(("bad", bad), ("inner", passing), skip="bad")

    assert (200, 1) == (response.status, world.reached)
    assert "filter bad failed and is passed over" in caplog.text
    assert "end" == world.exchange.stopped_by


async def test_nothing_is_skipped_once_next_was_entered(world: World) -> None:
    """The request may have been sent: it must not be sent again."""

    async def bad(exchange: Exchange, following: Handler) -> Response:
        await following(exchange)
        raise ZeroDivisionError

    response = await world.run(("bad", bad), skip="bad")

    assert (500, 1) == (response.status, world.reached)


async def test_a_rejection_is_no_failure_to_be_skipped(world: World) -> None:
    """`if_error: skip` is about bugs."""

    async def guard(exchange: Exchange, following: Handler) -> Response:
        raise Rejection

    response = await world.run(("guard", guard), skip="guard")

    assert (400, 0) == (response.status, world.reached)


async def test_cancellation_passes(world: World) -> None:
    """Only the edge and deadlines cancel, and nobody contains it."""

    async def slow(exchange: Exchange, following: Handler) -> Response:
        await asyncio.sleep(60)
        return await following(exchange)

    task = asyncio.ensure_future(world.run(("outer", passing), ("slow", slow)))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


# ---- what is noted --------------------------------------------------------------------------------------------------


async def test_each_filter_is_charged_for_its_own_time(world: World) -> None:
    """Without what came after it."""

    def taking(before: float, after: float) -> Work:
        async def work(exchange: Exchange, following: Handler) -> Response:
            world.clock.advance(before)
            response = await following(exchange)
            world.clock.advance(after)
            return response

        return work

    await world.run(("a", taking(1, 2)), ("b", taking(10, 20)))

    assert {"a": 3, "b": 30, "end": 0.5} == pytest.approx(world.exchange.spent)
    assert ["a", "b", "end"] == list(world.exchange.spent)
    assert "" == world.exchange.owner


@pytest.mark.parametrize("skipped", [True, False])
async def test_a_filter_that_fails_is_charged_too(world: World, skipped: bool) -> None:
    """Its time is not somebody else's."""

    async def bad(exchange: Exchange, following: Handler) -> Response:
        world.clock.advance(7)
        raise ZeroDivisionError

    logging.disable()
    try:
        await world.run(("a", passing), ("bad", bad), skip="bad" if skipped else "")
    finally:
        logging.disable(logging.NOTSET)

    expected = {"a": 0, "bad": 7} | ({"end": 0.5} if skipped else {})
    assert expected == pytest.approx(world.exchange.spent)


async def test_the_first_filter_that_stops_a_request_is_noted(world: World) -> None:
    """Which is not the one that let it pass."""

    async def stop(exchange: Exchange, following: Handler) -> Response:
        return Response(204)

    await world.run(("outer", passing), ("stop", stop), ("inner", passing))

    assert "stop" == world.exchange.stopped_by
    assert ["outer", "stop"] == list(world.exchange.spent)


async def test_chains_are_shared_between_requests(world: World) -> None:
    """Nothing of one request is left on the chain for the next."""
    chain = world.chain(("a", passing))

    responses = await asyncio.gather(*(chain.handler(make_exchange()) for _ in range(20)))

    assert [200] * 20 == [response.status for response in responses]
    assert 20 == world.reached


async def test_an_answer_that_is_thrown_away_ends_its_attempt(world: World) -> None:
    """A filter that fails behind `next` must not keep a connection busy."""
    instance = Instance("users", "a", "http", "192.0.2.1", 80)
    source = Chunks(b"endless")

    async def sending(exchange: Exchange, following: Handler) -> Response:
        attempt = Attempt(exchange, instance, 1, 0.0)
        exchange.attempts.append(attempt)

        def abort(error: GatewayError) -> None:
            source.abort()
            attempt.complete(error)

        attempt.abort = abort
        return Response(200, body=Body.stream(source, None))

    async def bad(exchange: Exchange, following: Handler) -> Response:
        await following(exchange)
        raise ZeroDivisionError

    await world.run(("bad", bad), ("sending", sending))
    assert 1 == instance.in_flight
    world.exchange.complete()

    assert 0 == instance.in_flight
    assert source.aborted
    assert world.exchange.attempts[0].error is not None


# ---- attempts -------------------------------------------------------------------------------------------------------


@attrs.frozen
class DoingAttempts:
    """An attempt filter that does what the test says."""

    work: AttemptWork

    def wrap(self, following: AttemptHandler, /) -> AttemptHandler:
        return lambda attempt: self.work(attempt, following)


class OffForAttempts:
    """An attempt filter that has nothing to do."""

    def wrap(self, following: AttemptHandler, /) -> AttemptHandler:
        return following


class AttemptWorld:
    """A chain of attempt filters whose sender answers, and how often it was reached."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.reached = 0
        self.attempt = Attempt(make_exchange(), Instance("users", "a", "http", "192.0.2.1", 80), 1, 0.0)

    async def send(self, attempt: Attempt) -> Response:
        self.reached += 1
        self.clock.advance(0.5)
        return Response(200)

    async def run(self, *filters: tuple[str, AttemptWork]) -> Response:
        links = [AttemptLink(name, DoingAttempts(work)) for name, work in filters]
        return await compile_attempt_chain(links, self.send, self.clock.monotonic)(self.attempt)


@pytest.fixture
def attempts() -> AttemptWorld:
    """An attempt chain's surroundings."""
    return AttemptWorld()


async def attempt_passing(attempt: Attempt, following: AttemptHandler) -> Response:
    return await following(attempt)


async def test_attempt_filters_run_in_order_and_are_timed_with_what_they_wrap(attempts: AttemptWorld) -> None:
    """The attempt has times of its own for the rest."""

    async def slow(attempt: Attempt, following: AttemptHandler) -> Response:
        attempts.clock.advance(2)
        return await following(attempt)

    response = await attempts.run(("a", attempt_passing), ("b", slow))

    assert 200 == response.status
    assert {"a": 2.5, "b": 2.5} == pytest.approx(attempts.attempt.spent)


async def test_gateway_errors_are_how_attempts_fail(attempts: AttemptWorld) -> None:
    """They pass unchanged, so that the retry can judge them."""
    error = Reset()

    async def failing(attempt: Attempt, following: AttemptHandler) -> Response:
        raise error

    with pytest.raises(Reset) as caught:
        await attempts.run(("outer", attempt_passing), ("failing", failing))

    assert error is caught.value


async def test_a_bug_in_an_attempt_filter_is_a_filter_failure(
    attempts: AttemptWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """Which is not retried."""

    async def bad(attempt: Attempt, following: AttemptHandler) -> Response:
        raise ZeroDivisionError

    with pytest.raises(FilterFailed) as caught:
        await attempts.run(("outer", attempt_passing), ("bad", bad))

    assert "attempt filter 'bad': ZeroDivisionError()" == caught.value.log
    assert "attempt filter bad failed" in caplog.text


@pytest.mark.parametrize("position", [0, 1])
async def test_an_attempt_filter_calls_next_once(attempts: AttemptWorld, position: int) -> None:
    """Also the innermost, whose next is the sender."""

    async def twice(attempt: Attempt, following: AttemptHandler) -> Response:
        await following(attempt)
        return await following(attempt)

    filters: list[tuple[str, AttemptWork]] = [("other", attempt_passing)]
    filters.insert(position, ("twice", twice))
    with pytest.raises(FilterFailed) as caught:
        await attempts.run(*filters)

    assert 1 == attempts.reached
    assert NextCalledTwiceError.__name__ in caught.value.log


async def test_an_attempt_filter_that_returns_no_response_has_failed(
    attempts: AttemptWorld, caplog: pytest.LogCaptureFixture
) -> None:
    """It is named, and the attempt can be ended."""

    async def forgetful(attempt: Attempt, following: AttemptHandler) -> Response:
        await following(attempt)
        return None  # type: ignore[return-value]

    with pytest.raises(FilterFailed) as caught:
        await attempts.run(("forgetful", forgetful))

    assert "attempt filter 'forgetful' answered with None" == caught.value.log
    assert "instead of a Response" in caplog.text


def test_an_attempt_chain_without_filters_is_the_sender(attempts: AttemptWorld) -> None:
    """No guard, no count."""
    send = attempts.send

    assert send is compile_attempt_chain([], send, attempts.clock.monotonic)
    assert send is compile_attempt_chain(
        [AttemptLink("off", OffForAttempts())], send, attempts.clock.monotonic
    )


# ---- conditions -----------------------------------------------------------------------------------------------------


def noting(seen: list[str], name: str) -> Doing:
    async def work(exchange: Exchange, following: Handler) -> Response:
        seen.append(name)
        return await following(exchange)

    return Doing(work)


def asks(name: str) -> Callable[[Exchange], bool]:
    return lambda exchange: name.encode() in exchange.request.headers


@pytest.mark.parametrize(
    ("headers", "ran"),
    [
        ({}, ["always"]),
        ({"a": "1"}, ["a", "always"]),
        ({"g": "1"}, ["inner", "always"]),
        ({"g": "1", "b": "1"}, ["inner", "b", "always"]),
        ({"a": "1", "b": "1"}, ["a", "always"]),
        ({"a": "1", "g": "1", "b": "1"}, ["a", "inner", "b", "always"]),
    ],
)
async def test_a_filter_or_a_group_runs_when_its_condition_holds(
    world: World, headers: dict[str, str], ran: list[str]
) -> None:
    """Else it is passed over; what stands in a group has conditions of its own too."""
    seen: list[str] = []
    links: list[Link | Group] = [
        Link("a", noting(seen, "a"), when=asks("a")),
        Group(
            "g",
            (Link("inner", noting(seen, "inner")), Link("b", noting(seen, "b"), when=asks("b"))),
            asks("g"),
        ),
        Link("always", noting(seen, "always")),
        Link("end", Doing(world.answer)),
    ]
    chain = compile_chain(links, Chain(nothing_beyond), world.clock.monotonic)

    response = await chain.handler(make_exchange(headers=headers))

    assert (200, ran) == (response.status, seen)
    assert ("a", "inner", "b", "always", "end") == chain.names


async def test_a_group_is_decided_once(world: World) -> None:
    """What its own filters change does not end it halfway."""
    seen: list[str] = []

    async def remove(exchange: Exchange, following: Handler) -> Response:
        exchange.request.headers.remove(b"g")
        return await following(exchange)

    group = Group("g", (Link("first", Doing(remove)), Link("second", noting(seen, "second"))), asks("g"))
    chain = compile_chain(
        [group, Link("end", Doing(world.answer))], Chain(nothing_beyond), world.clock.monotonic
    )

    await chain.handler(make_exchange(headers={"g": "1"}))

    assert ["second"] == seen


def test_a_group_counts_for_the_buffers_of_its_chain() -> None:
    """And one in which nothing has anything to do is not there."""
    busy = Group("g", (Link("a", Doing(passing, request_buffer=7, response_buffer=9)),), asks("g"))
    idle = Group("g", (Link("off", Off()),), asks("g"))

    chain = compile_chain([busy], Chain(nothing_beyond), FakeClock().monotonic)

    assert (7, 9) == (chain.request_buffer, chain.response_buffer)
    assert nothing_beyond is compile_chain([idle], Chain(nothing_beyond), FakeClock().monotonic).handler


async def test_a_condition_that_fails_passes_nobody(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It may be what keeps strangers out."""

    def fails(exchange: Exchange) -> bool:
        raise LookupError("no table of countries")

    links = [Link("guard", Doing(passing), when=fails), Link("end", Doing(world.answer))]
    chain = compile_chain(links, Chain(nothing_beyond), world.clock.monotonic)

    response = await chain.handler(world.exchange)

    assert (500, 0) == (response.status, world.reached)
    assert "the condition of guard failed" in caplog.text

"""`forward`: balancing, retries and rescue round the sending of attempts."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from gatekeeper.core.body import Body
from gatekeeper.core.chain import Chain
from gatekeeper.core.clock import Wheel
from gatekeeper.core.errors import (
    BadAnswer,
    ClientGone,
    ConnectFailed,
    DeadlineExceeded,
    FilterFailed,
    GatewayError,
    NoInstance,
    RequestTimeout,
    Reset,
    UpstreamError,
)
from gatekeeper.core.exchange import Attempt, Exchange, Route
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Headers, Response
from gatekeeper.core.tunnel import Tunnel
from gatekeeper.extend.context import Target
from gatekeeper.policy.balance import Choice, RoundRobin
from gatekeeper.policy.retry import Budget, RetryPolicy
from gatekeeper.testing import (
    Call,
    Chunks,
    FakeClock,
    RunFilter,
    StartGateway,
    Surroundings,
    config_problems,
    make_exchange,
)
from gatekeeper.upstream.connection import Connection
from gatekeeper.upstream.pool import Pool


Step = Callable[[Attempt], Response] | GatewayError


class Service:
    """Instances that do, one attempt after the other, what the test says."""

    def __init__(
        self,
        run_filter: RunFilter,
        *steps: Step,
        instances: int = 2,
        total: float | None = None,
        retries: RetryPolicy | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.instances = [Instance("users", f"{n}", "http", "192.0.2.1", 8000 + n) for n in range(instances)]
        self.clock = FakeClock()
        self.attempts: list[Attempt] = []
        self._steps = list(steps)
        self._balancer = RoundRobin()
        self._balancer.update([Choice(instance, 1) for instance in self.instances])
        self._run_filter = run_filter
        self.target = Target(
            "users",
            # a test may replace both
            lambda exchange, tried: self.pick(exchange, tried),  # noqa: PLW0108
            lambda attempt: self.send(attempt),  # noqa: PLW0108
            total,
            observe=lambda attempt: self.observed.append((attempt.instance.id, attempt.error)),
            answered=lambda exchange, instance, response: self.answered.append(
                (instance.id, response.status)
            ),
            retries=retries or RetryPolicy(),
            budget=budget or Budget(),
        )
        self.observed: list[tuple[str, GatewayError | None]] = []
        self.answered: list[tuple[str, int]] = []

    async def send(self, attempt: Attempt) -> Response:
        self.attempts.append(attempt)
        step = self._steps.pop(0)
        if isinstance(step, GatewayError):
            raise step
        return step(attempt)

    def pick(self, exchange: Exchange, tried: Sequence[Instance]) -> Instance | None:
        return self._balancer.pick(exchange, tried)

    def call(self, exchange: Exchange) -> Call:
        call: Call = self._run_filter(
            "forward", {}, exchange, target=self.target, surroundings=Surroundings(self.clock)
        )
        return call

    async def answer(self, exchange: Exchange) -> Response:
        return await self.call(exchange).response()

    @property
    def in_flight(self) -> int:
        return sum(instance.in_flight for instance in self.instances)


def ok(attempt: Attempt) -> Response:
    return Response(200, body=Body(attempt.instance.id.encode()))


async def test_an_answer_that_is_complete_ends_its_attempt(run_filter: RunFilter) -> None:
    """It is noted on the exchange, with its number."""
    service, exchange = Service(run_filter, ok), make_exchange()

    response = await service.answer(exchange)

    assert (200, b"0") == (response.status, response.body.data)
    assert service.attempts == exchange.attempts
    assert [1] == [attempt.number for attempt in exchange.attempts]
    assert 0 == service.in_flight


async def test_an_answer_that_is_streamed_keeps_its_attempt(run_filter: RunFilter) -> None:
    """Until its body ends; it may be held as far as the chain declared."""
    exchange = make_exchange()
    exchange.route = Route("users", Chain(lambda _: asyncio.sleep(0, Response(200)), response_buffer=77))
    service = Service(run_filter, lambda _: Response(200, body=Body.stream(Chunks(b"a"), None)))

    response = await service.answer(exchange)

    assert 1 == service.in_flight
    assert 77 == response.body.limit


@pytest.mark.parametrize("error", [ConnectFailed(), Reset()])
async def test_a_get_moves_to_another_instance(run_filter: RunFilter, error: UpstreamError) -> None:
    """The first attempt has failed with the error, the second answers."""
    service, exchange = Service(run_filter, error, ok), make_exchange()

    response = await service.answer(exchange)

    assert b"1" == response.body.data
    assert [("0", error), ("1", None)] == [
        (attempt.instance.id, attempt.error) for attempt in exchange.attempts
    ]
    assert [1, 2] == [attempt.number for attempt in exchange.attempts]
    assert 0 == service.in_flight


async def test_with_one_instance_the_same_is_asked_again(run_filter: RunFilter) -> None:
    """A stale connection is no reason to fail."""
    service = Service(run_filter, Reset(), ok, instances=1)

    assert 200 == (await service.answer(make_exchange())).status


@pytest.mark.parametrize(("instances", "attempts"), [(1, ["0"]), (2, ["0", "1"]), (3, ["0", "1"])])
async def test_who_cannot_be_connected_to_is_not_asked_twice(
    run_filter: RunFilter, instances: int, attempts: list[str]
) -> None:
    """Only another instance is worth another try, and only one is."""
    error, exchange = ConnectFailed(), make_exchange()
    service = Service(run_filter, error, error, error, instances=instances)

    response = await service.answer(exchange)

    assert (502, error) == (response.status, response.error)
    assert attempts == [attempt.instance.id for attempt in exchange.attempts]
    assert 0 == service.in_flight


@pytest.mark.parametrize("count", [1, 2])
async def test_each_instance_is_connected_to_once(
    gateway: StartGateway, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """All of them refuse, and the client hears of it."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in sockets:
            sock.bind(("127.0.0.1", 0))  # it never listens, so that the kernel refuses whoever comes
        ports = [sock.getsockname()[1] for sock in sockets]
        urls = ", ".join(f"http://127.0.0.1:{port}" for port in ports)
        gw = await gateway(
            f"version: 1\nservices: {{users: {{instances: [{urls}]}}}}\nroutes: {{all: {{match: /**, to: users}}}}\n"
        )
        asked: list[str] = []
        connect = Pool._connect

        async def counting(pool: Pool) -> Connection:
            asked.append(pool.name)
            return await connect(pool)

        monkeypatch.setattr(Pool, "_connect", counting)

        assert 502 == (await gw.get()).status

    assert [f"http://127.0.0.1:{port}" for port in ports] == asked
    assert count == (await gw.record())["attempts"]


async def test_a_service_that_has_lost_its_instances_answers_with_the_failure(run_filter: RunFilter) -> None:
    """What went wrong says more than that nobody is left."""
    error, exchange = Reset(), make_exchange()
    service = Service(run_filter, error)
    service.pick = lambda exchange, tried: None if tried else service.instances[0]  # type: ignore[method-assign]

    response = await service.answer(exchange)

    assert error is response.error
    assert [error] == [attempt.error for attempt in exchange.attempts]


@pytest.mark.parametrize(
    ("method", "body", "error", "attempts"),
    [
        pytest.param("POST", b"x", Reset(), 1, id="a POST that may have arrived"),
        pytest.param("POST", b"x", ConnectFailed(), 2, id="a POST of which nothing was sent"),
        pytest.param("PUT", [b"x"], Reset(), 1, id="a body that has begun to flow"),
        pytest.param("PUT", b"x", Reset(), 2, id="a complete body"),
        pytest.param("GET", b"", BadAnswer(), 1, id="an answer that is none"),
    ],
)
async def test_what_may_not_be_repeated_is_answered(
    run_filter: RunFilter, method: str, body: bytes | list[bytes], error: UpstreamError, attempts: int
) -> None:
    """This is the one place where an upstream error becomes a response."""
    service, exchange = Service(run_filter, error, error), make_exchange(method, "/", body=body)

    response = await service.answer(exchange)

    assert (502, error) == (response.status, response.error)
    assert attempts == len(exchange.attempts)
    assert 0 == service.in_flight


async def test_nobody_to_ask_is_a_503(run_filter: RunFilter) -> None:
    """And no attempt."""
    exchange = make_exchange()

    response = await Service(run_filter, instances=0).answer(exchange)

    assert isinstance(response.error, NoInstance)
    assert "service users has no instance that is fit" == response.error.log
    assert [] == exchange.attempts


@pytest.mark.parametrize("error", [RequestTimeout(), FilterFailed()])
async def test_what_is_not_the_upstream_s_fault_passes(run_filter: RunFilter, error: GatewayError) -> None:
    """The client's upload, or a filter: nothing to retry, and the attempt has ended."""
    service, exchange = Service(run_filter, error), make_exchange("GET")

    response = await service.answer(exchange)

    assert error is response.error
    assert [error] == [attempt.error for attempt in exchange.attempts]
    assert 0 == service.in_flight


async def test_a_cancelled_request_ends_its_attempt(run_filter: RunFilter) -> None:
    """The client has hung up."""
    service, exchange = Service(run_filter), make_exchange()
    reached = asyncio.Event()

    async def send(attempt: Attempt) -> Response:
        reached.set()
        await asyncio.sleep(60)
        return ok(attempt)

    service.send = send  # type: ignore[method-assign]
    call = service.call(exchange)
    await reached.wait()
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call.response()
    assert isinstance(exchange.attempts[0].error, ClientGone)
    assert 0 == service.in_flight


async def test_the_total_time_ends_what_is_waited_for(run_filter: RunFilter) -> None:
    """The wheel calls the attempt's `abort`, and the answer is 504."""
    service, exchange = Service(run_filter, total=5.0), make_exchange()
    sending = asyncio.Event()

    async def send(attempt: Attempt) -> Response:
        waiting: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        attempt.abort = waiting.set_exception
        sending.set()
        return await waiting

    service.send = send  # type: ignore[method-assign]
    call = service.call(exchange)
    await sending.wait()
    assert 1005.0 == exchange.deadline
    service.clock.advance(4.9)
    assert exchange.attempts[0].abort is not None
    service.clock.advance(0.3)
    response = await call.response()

    assert 504 == response.status
    assert isinstance(response.error, DeadlineExceeded)
    assert "not done within 5 s" == response.error.log


async def test_there_is_no_other_attempt_when_the_time_is_up(run_filter: RunFilter) -> None:
    """However safe it would be."""
    service, exchange = Service(run_filter, total=5.0), make_exchange()

    async def send(attempt: Attempt) -> Response:
        service.clock.advance(10)
        raise ConnectFailed

    service.send = send  # type: ignore[method-assign]
    response = await service.answer(exchange)

    assert isinstance(response.error, ConnectFailed)
    assert 1 == len(exchange.attempts)


async def test_the_timer_goes_with_the_exchange(run_filter: RunFilter) -> None:
    """Nothing is left on the wheel."""
    service, exchange = Service(run_filter, ok, total=5.0), make_exchange()
    await service.answer(exchange)
    assert 1 == len(service.clock.wheel)

    exchange.complete()

    assert 0 == len(service.clock.wheel)


# ---- what a service says of its retries -----------------------------------------------------------------------------


AGAIN = RetryPolicy(count=2, failures=frozenset({"connect", "reset", 503}), base=0.001, longest=0.001)


def busy(attempt: Attempt) -> Response:
    return Response(503, body=Body(attempt.instance.id.encode()))


def streaming(attempt: Attempt) -> Response:
    return Response(503, body=Body.stream(Chunks(attempt.instance.id.encode()), None))


@pytest.mark.parametrize("step", [busy, streaming])
async def test_an_answer_may_be_no_answer(run_filter: RunFilter, step: Step) -> None:
    """What came of it is given up, and its attempt has ended."""
    service, exchange = Service(run_filter, step, ok, retries=AGAIN), make_exchange()

    response = await service.answer(exchange)

    assert (200, b"1") == (response.status, response.body.data)
    assert ["0", "1"] == [attempt.instance.id for attempt in exchange.attempts]
    assert [("0", None), ("1", None)] == service.observed
    assert [("1", 200)] == service.answered
    assert 0 == service.in_flight


async def test_the_last_answer_is_passed_on(run_filter: RunFilter) -> None:
    """Whatever it is."""
    service, exchange = Service(run_filter, busy, busy, busy, retries=AGAIN), make_exchange()

    response = await service.answer(exchange)

    assert (503, None) == (response.status, response.error)
    assert 3 == len(exchange.attempts)
    assert [(exchange.attempts[-1].instance.id, 503)] == service.answered


@pytest.mark.parametrize(("method", "attempts"), [("GET", 2), ("POST", 1)])
async def test_an_answer_to_what_may_not_be_repeated_is_passed_on(
    run_filter: RunFilter, method: str, attempts: int
) -> None:
    """The service has acted on it, for all that is known."""
    service, exchange = Service(run_filter, busy, ok, retries=AGAIN), make_exchange(method, body=b"x")

    await service.answer(exchange)

    assert attempts == len(exchange.attempts)


async def test_without_budget_only_the_first_move_is_made(run_filter: RunFilter) -> None:
    """It is free; what is paid for is not made."""
    policy = RetryPolicy(count=5, failures=frozenset({"connect", 503}), base=0.0, longest=0.0)
    nothing = Budget(0.0, 0)
    moved = make_exchange()
    answer = await Service(
        run_filter, ConnectFailed(), ConnectFailed(), ok, instances=3, retries=policy, budget=nothing
    ).answer(moved)
    stuck = make_exchange()
    busy_answer = await Service(run_filter, busy, ok, retries=policy, budget=nothing).answer(stuck)

    assert (502, 2) == (answer.status, len(moved.attempts))
    assert (503, 1) == (busy_answer.status, len(stuck.attempts))


async def test_requests_fill_the_budget(run_filter: RunFilter) -> None:
    """Each of them a little."""
    budget = Budget(0.5, 0)
    policy = RetryPolicy(failures=frozenset({503}), base=0.0, longest=0.0)
    for _ in range(2):
        await Service(run_filter, ok, retries=policy, budget=budget).answer(make_exchange())

    statuses = [
        (await Service(run_filter, busy, ok, retries=policy, budget=budget).answer(make_exchange())).status
        for _ in range(3)
    ]

    # 3 requests and 1.5 retries, 4 and 2, 5 and 2.5
    assert [200, 200, 200] == statuses
    assert not budget.take(1000.0)


async def test_no_retries_at_all(run_filter: RunFilter) -> None:
    """The first failure is the answer."""
    error = ConnectFailed()
    service = Service(run_filter, error, ok, retries=RetryPolicy(count=0))

    assert error is (await service.answer(make_exchange())).error


async def test_a_wait_that_does_not_fit_is_not_begun(run_filter: RunFilter) -> None:
    """The total time would be over before the next attempt."""

    def later(_: Attempt) -> Response:
        return Response(503, Headers([(b"retry-after", b"3")]))

    exchange = make_exchange()
    service = Service(run_filter, later, ok, retries=AGAIN, total=2.0)

    assert 503 == (await service.answer(exchange)).status
    assert 1 == len(exchange.attempts)


async def test_a_body_is_held_so_that_it_can_be_sent_again(run_filter: RunFilter) -> None:
    """As long as it is short and the request may be made twice."""
    service = Service(run_filter, Reset(), ok)
    exchange = make_exchange("PUT", "/", body=b"")
    exchange.request.body = Body.stream(Chunks(b"ab", b"c"), 3)

    response = await service.answer(exchange)

    assert 200 == response.status
    assert b"abc" == exchange.request.body.data
    assert 2 == len(exchange.attempts)


async def test_a_body_that_a_client_holds_back_is_not_asked_for(run_filter: RunFilter) -> None:
    """FRM-35: whether it is wanted is for the instance to say."""
    service, source = Service(run_filter, ok), Chunks(b"abc")
    exchange = make_exchange("PUT", "/", body=Body.stream(source, 3))
    exchange.request.body.expects_continue = True

    await service.answer(exchange)

    assert (1, 0) == (len(service.attempts), source.reads)


async def test_every_attempt_is_observed_when_it_ends(run_filter: RunFilter) -> None:
    """Not before: a streamed answer may still break off."""
    error = Reset()
    service = Service(run_filter, error, lambda _: Response(200, body=Body.stream(Chunks(b"a"), None)))
    exchange = make_exchange()

    await service.answer(exchange)

    assert [("0", error)] == service.observed
    exchange.attempts[-1].complete()
    assert [("0", error), ("1", None)] == service.observed


# ---- other protocols ----------------------------------------------------------------------------------------------


class Pipe:
    """A transport of which nothing is wanted."""

    def pause_reading(self) -> None:
        """Do nothing."""


def switch(attempt: Attempt) -> Response:
    attempt.status = 101
    transport = cast(asyncio.Transport, Pipe())
    return Response(101, tunnel=Tunnel(transport, b"", Wheel(0.0), 60.0, 5.0))


async def test_an_attempt_that_has_become_a_tunnel_does_not_end_with_its_head(run_filter: RunFilter) -> None:
    """It ends when its connection does; the total time is for requests."""
    service, exchange = Service(run_filter, switch, total=5.0), make_exchange()
    exchange.request.upgrade = "websocket"
    call = service.call(exchange)

    response = await call.response()
    ended: list[GatewayError] = []
    service.attempts[0].abort = ended.append
    service.clock.advance(60.0)

    assert (101, 1, [], []) == (response.status, service.in_flight, ended, service.observed)
    service.attempts[0].complete()
    assert 0 == service.in_flight


@pytest.mark.parametrize(
    ("step", "attempts"),
    [
        pytest.param(ConnectFailed(), 2, id="not-sent"),
        pytest.param(Reset(), 1, id="sent"),
        pytest.param(busy, 1, id="answered"),
    ],
)
async def test_a_request_to_switch_protocols_is_sent_once(
    run_filter: RunFilter, step: Step, attempts: int
) -> None:
    """An instance may have begun to switch; where nothing was sent, another is asked."""
    service, exchange = Service(run_filter, step, ok, retries=AGAIN), make_exchange()
    exchange.request.upgrade = "websocket"

    await service.answer(exchange)

    assert attempts == len(exchange.attempts)


def test_it_cannot_be_written_into_a_list() -> None:
    """It stands at the end of every chain by itself."""
    (problem,) = config_problems("forward", {})

    assert "by itself" in problem.message

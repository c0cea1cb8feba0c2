"""`forward`: balancing, retries and rescue round the sending of attempts."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence

import pytest

from gatekeeper.core.body import Body
from gatekeeper.core.chain import Chain
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
from gatekeeper.core.message import Response
from gatekeeper.extend.context import Target
from gatekeeper.policy.balance import RoundRobin
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
        self, run_filter: RunFilter, *steps: Step, instances: int = 2, total: float | None = None
    ) -> None:
        self.instances = [Instance("users", f"{n}", "http", "192.0.2.1", 8000 + n) for n in range(instances)]
        self.clock = FakeClock()
        self.attempts: list[Attempt] = []
        self._steps = list(steps)
        self._balancer = RoundRobin(self.instances)
        self._run_filter = run_filter
        self._total = total

    async def send(self, attempt: Attempt) -> Response:
        self.attempts.append(attempt)
        step = self._steps.pop(0)
        if isinstance(step, GatewayError):
            raise step
        return step(attempt)

    def pick(self, tried: Sequence[Instance]) -> Instance | None:
        return self._balancer.pick(tried)

    def call(self, exchange: Exchange) -> Call:
        target = Target("users", self.pick, self.send, self._total)
        call: Call = self._run_filter(
            "forward", {}, exchange, target=target, surroundings=Surroundings(self.clock)
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
    service.pick = lambda tried: None if tried else service.instances[0]  # type: ignore[method-assign]

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
    assert "service users has no instance" == response.error.log
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


def test_it_cannot_be_written_into_a_list() -> None:
    """It stands at the end of every chain by itself."""
    (problem,) = config_problems("forward", {})

    assert "by itself" in problem.message

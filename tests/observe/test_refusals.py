"""Who was refused: what is recorded of it, and what is not."""

from collections.abc import Callable, Mapping
from typing import Any

import attrs
import pytest

from gatekeeper.core.chain import Chain
from gatekeeper.core.errors import ClientGone, GatewayError, OriginRefused, Rejection, RouteNotFound, Source
from gatekeeper.core.exchange import Attempt, Exchange, Route
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Response
from gatekeeper.observe.refusals import LONGEST, Refusals, shortened
from gatekeeper.policy.repeats import AT_ONCE
from gatekeeper.testing import FakeClock, make_exchange


class NoKey(Rejection):
    status = 401
    code = "no-key"


class Ours(GatewayError):
    status = 403
    code = "ours"
    source = Source.GATEWAY


@attrs.define
class Recording:
    """Refusals, what they wrote, and their timer."""

    clock: FakeClock
    refusals: Refusals = attrs.field(init=False)
    written: list[tuple[str, Mapping[str, Any], str]] = attrs.field(factory=list)
    timers: list[Callable[[], None]] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.refusals = Refusals(
            self.clock,
            lambda _, callback: self.timers.append(callback),
            lambda *record: self.written.append(record),
        )
        self.refusals.active = True

    def second(self) -> None:
        self.clock.advance(1.0)
        timers, self.timers = self.timers, []
        for timer in timers:
            timer()


async def nothing(exchange: Exchange) -> Response:
    return Response(200)


@pytest.fixture
def recording(clock: FakeClock) -> Recording:
    """Refusals that are active."""
    return Recording(clock)


def refused(error: GatewayError, **options: Any) -> Exchange:
    """An exchange that was refused so."""
    exchange = make_exchange(
        "GET",
        options.pop("path", "/a"),
        {"Authorization": "Bearer canary", "Cookie": "s=canary", "X-Api-Key": "canary"},
        exchange_id="id-1",
        **options,
    )
    exchange.request.query = "key=canary"
    exchange.route = Route("users", Chain(nothing))
    exchange.error, exchange.status = error, error.status
    return exchange


def test_a_refusal_says_who_wanted_what_and_why_not(recording: Recording) -> None:
    """The same fields always, others where there is something to say; nothing that could be a credential."""
    exchange = refused(NoKey("canary", log="canary"))
    exchange.trace_id, exchange.service, exchange.stopped_by = "t", "people", "keys"
    recording.refusals.exchange(exchange)
    request = exchange.request

    assert [
        (
            "refused",
            {
                "request_id": "id-1",
                "trace_id": "t",
                "client": request.client,
                "listener": request.listener,
                "host": request.host,
                "method": "GET",
                "path": "/a",
                "route": "users",
                "code": "no-key",
                "status": 401,
                "service": "people",
                "stopped_by": "keys",
            },
            "2023-11-14T22:13:20.000Z",
        )
    ] == recording.written
    assert "canary" not in repr(recording.written)


def gone_after(status: int, *, tried: bool = False) -> Exchange:
    """A client that hung up inside of an answer."""
    exchange = refused(ClientGone())
    exchange.status = status
    if tried:
        exchange.attempts.append(Attempt(exchange, Instance("s", "i", "http", "192.0.2.1", 80), 1, 0.0))
    return exchange


@pytest.mark.parametrize(
    ("exchange", "expected"),
    [
        pytest.param(refused(NoKey()), True, id="401"),
        pytest.param(refused(OriginRefused()), True, id="403"),
        pytest.param(refused(RouteNotFound()), False, id="404"),
        pytest.param(refused(Ours()), False, id="the gateway's own fault"),
        pytest.param(gone_after(403), True, id="who hangs up inside of the refusal"),
        pytest.param(gone_after(403, tried=True), False, id="who hangs up inside of a service's answer"),
        pytest.param(gone_after(200), False, id="who hangs up"),
    ],
)
def test_what_counts_as_a_refusal(recording: Recording, exchange: Exchange, expected: bool) -> None:
    """401, 403 and 429 that the gateway itself answers, because of the client."""
    recording.refusals.exchange(exchange)

    assert expected is bool(recording.written)


def test_without_a_file_nothing_is_noted(recording: Recording) -> None:
    """Not even counted."""
    recording.refusals.active = False
    recording.refusals.exchange(refused(NoKey()))

    assert ([], []) == (recording.written, recording.timers)


def test_a_flood_is_summed_up(recording: Recording) -> None:
    """(KEY-07) Once a second, with a number; each client, route and code for itself."""
    for _ in range(10_000):
        recording.refusals.exchange(refused(NoKey()))
    recording.refusals.exchange(refused(OriginRefused()))
    recording.second()
    recording.second()

    assert AT_ONCE + 2 == len(recording.written)
    assert 10_000 - AT_ONCE == recording.written[-1][1]["count"]
    assert 1 == sum("count" in fields for _, fields, _ in recording.written)


def test_what_was_only_counted_is_told_at_the_end(recording: Recording) -> None:
    """Before the file is closed."""
    for _ in range(AT_ONCE + 3):
        recording.refusals.exchange(refused(NoKey()))
    recording.refusals.flush()

    assert 3 == recording.written[-1][1]["count"]


def test_the_timer_rests_when_all_is_quiet(recording: Recording) -> None:
    """And begins again."""
    recording.refusals.exchange(refused(NoKey()))
    for _ in range(20):
        recording.second()
    assert [] == recording.timers
    recording.refusals.exchange(refused(NoKey()))
    assert 1 == len(recording.timers)


def test_made_up_names_are_told_as_such(recording: Recording) -> None:
    """The summary of many is no summary of one."""
    for number in range(2000):
        recording.refusals.note("refused", number, {"n": number})
    recording.second()

    assert {"n": 1999, "count": 1000, "several": True} == recording.written[-1][1]


def test_what_clients_choose_is_shortened(recording: Recording) -> None:
    """A record stays small."""
    recording.refusals.exchange(refused(NoKey(), path="/" + "x" * 9000))

    assert LONGEST + 3 == len(recording.written[0][1]["path"])
    assert ("x" * LONGEST, "x" * LONGEST + "...") == (
        shortened("x" * LONGEST),
        shortened("x" * (LONGEST + 1)),
    )

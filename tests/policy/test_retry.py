"""Which failures are worth another attempt, where, when, and how many of them."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core import errors
from gatekeeper.core.body import Body
from gatekeeper.core.errors import GatewayError, Retry, UpstreamError
from gatekeeper.core.message import Request
from gatekeeper.policy.retry import (
    FREE,
    IDEMPOTENT,
    LONGEST_WAIT,
    WINDOW,
    Again,
    Budget,
    RetryPolicy,
    after_error,
    after_status,
)
from gatekeeper.testing.exchange import Chunks, make_exchange


DEFAULT = RetryPolicy()
EVERYTHING = RetryPolicy(
    count=9, failures=frozenset({"connect", "reset", "timeout", "protocol", "unavailable", 503})
)
FREELY = Again(0.0, free=True)


def request(method: str = "GET", *, streamed: bool = False, key: str | None = None) -> Request:
    """A request, with a body that has begun to flow or without."""
    headers = [("Idempotency-Key", key)] if key is not None else []
    made = make_exchange(method, headers=headers).request
    if streamed:
        made.body = Body.stream(Chunks(b"a"), 1)
    return made


class Middle(Random):
    """A die that always shows the middle."""

    def random(self) -> float:
        return 0.5


def decide(
    error: GatewayError,
    asked: Request | None = None,
    retries: int = 0,
    *,
    policy: RetryPolicy = DEFAULT,
    elsewhere: bool = True,
) -> Again | None:
    return after_error(policy, error, asked or request(), retries, Middle(), elsewhere=elsewhere)


@pytest.mark.parametrize(
    ("error", "safe", "unsafe", "streamed"),
    [
        # error, may a GET move, may a POST, may a GET whose body has begun to flow
        (errors.ConnectFailed, True, True, True),
        (errors.ConnectTimeout, True, True, True),
        (errors.TlsFailed, True, True, True),
        (errors.Reset, True, False, False),
        (errors.PoolExhausted, False, False, False),
        (errors.FirstByteTimeout, False, False, False),
        (errors.WriteTimeout, False, False, False),
        (errors.DeadlineExceeded, False, False, False),
        (errors.BadAnswer, False, False, False),
        (errors.AnswerTooLarge, False, False, False),
        (errors.AnswerTruncated, False, False, False),
        (errors.UpstreamError, False, False, False),
        (errors.FilterFailed, False, False, False),
        (errors.ClientGone, False, False, False),
        (errors.NoInstance, False, False, False),
    ],
)
def test_by_default_a_request_moves_where_a_connection_failed(
    error: type[GatewayError], safe: bool, unsafe: bool, streamed: bool
) -> None:
    """Where nothing was sent anything may move, after a reset only what may be done twice; at once, and free."""
    assert (FREELY if safe else None) == decide(error())
    assert (FREELY if unsafe else None) == decide(error(), request("POST"))
    assert (FREELY if streamed else None) == decide(error(), request(streamed=True))


@pytest.mark.parametrize(
    ("error", "safe", "unsafe", "streamed"),
    [
        (errors.PoolExhausted, True, True, True),
        (errors.FirstByteTimeout, True, False, False),
        (errors.WriteTimeout, True, False, False),
        (errors.BadAnswer, True, False, False),
        (errors.DeadlineExceeded, False, False, False),
        (errors.AnswerTooLarge, False, False, False),
        (errors.AnswerTruncated, False, False, False),
        (errors.ClientGone, False, False, False),
    ],
)
def test_what_else_is_tried_again_has_to_be_named(
    error: type[GatewayError], safe: bool, unsafe: bool, streamed: bool
) -> None:
    """It is paid for, and waits."""
    paid = Again(EVERYTHING.base / 2, free=False)

    assert (paid if safe else None) == decide(error(), policy=EVERYTHING)
    assert (paid if unsafe else None) == decide(error(), request("POST"), policy=EVERYTHING)
    assert (paid if streamed else None) == decide(error(), request(streamed=True), policy=EVERYTHING)


@pytest.mark.parametrize(
    ("error", "once", "often"),
    [
        (errors.ConnectFailed, None, Again(0.0125, free=False)),
        (errors.ConnectTimeout, None, Again(0.0125, free=False)),
        (errors.TlsFailed, None, Again(0.0125, free=False)),
        (errors.Reset, FREELY, FREELY),
    ],
)
def test_the_same_instance_is_asked_again_at_once_only_after_a_reset(
    error: type[GatewayError], once: Again | None, often: Again | None
) -> None:
    """A pooled connection may have been stale; who could not be connected to a moment ago cannot be now."""
    assert once == decide(error(), elsewhere=False)
    assert often == decide(error(), elsewhere=False, policy=EVERYTHING)
    assert None is decide(errors.Reset(), request("POST"), elsewhere=False)


def test_only_the_first_move_is_free() -> None:
    """A service that is gone must not be asked without end."""
    assert None is decide(errors.ConnectFailed(), retries=1)
    assert Again(0.025, free=False) == decide(errors.ConnectFailed(), retries=1, policy=EVERYTHING)
    assert None is decide(errors.ConnectFailed(), retries=9, policy=EVERYTHING)
    assert None is decide(errors.ConnectFailed(), policy=RetryPolicy(count=0))


@pytest.mark.parametrize(
    ("method", "idempotent"),
    [
        ("GET", True),
        ("HEAD", True),
        ("OPTIONS", True),
        ("PUT", True),
        ("DELETE", True),
        ("TRACE", True),
        ("QUERY", True),
        ("POST", False),
        ("PATCH", False),
        ("get", False),
        ("PROPFIND", False),
    ],
)
def test_what_may_be_done_twice(method: str, idempotent: bool) -> None:
    """RFC 9110 section 9.2.2; methods are case-sensitive and unknown ones are not repeated."""
    assert idempotent is (method in IDEMPOTENT)
    assert idempotent is DEFAULT.is_safe(request(method))


def test_a_client_may_say_that_a_request_may_be_done_twice() -> None:
    """By the field that the policy names, if it says anything."""
    policy = RetryPolicy(idempotency_key=b"idempotency-key")

    assert policy.is_safe(request("POST", key="7"))
    assert FREELY == decide(errors.Reset(), request("POST", key="7"), policy=policy)
    assert not policy.is_safe(request("POST", key=""))
    assert not policy.is_safe(request("POST"))
    assert not DEFAULT.is_safe(request("POST", key="7"))


def test_every_free_failure_exists() -> None:
    """And each of their errors says that it may be tried again."""
    found = [
        error
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, UpstreamError) and error.failure in FREE
    ]

    assert {error.failure for error in found} == FREE
    assert {errors.AnswerTruncated} == {error for error in found if error.retry is Retry.NEVER}


@pytest.mark.parametrize(
    ("method", "length", "policy", "held"),
    [
        ("PUT", 10, RetryPolicy(replay_body=10), True),
        ("PUT", 11, RetryPolicy(replay_body=10), False),
        ("PUT", None, RetryPolicy(), False),
        ("POST", 10, RetryPolicy(), False),
        ("PUT", 10, RetryPolicy(count=0), False),
    ],
)
def test_a_body_is_held_to_be_sent_again(
    method: str, length: int | None, policy: RetryPolicy, *, held: bool
) -> None:
    """Where that can be of use, and it is not too long; one that is complete is there anyway."""
    asked = make_exchange(method).request
    asked.body = Body.stream(Chunks(b"a"), length)

    assert held is policy.holds(asked)
    asked.body = Body(b"a")
    assert not policy.holds(asked)


@pytest.mark.parametrize(
    ("after", "wait"),
    [
        ("", 0.0125),
        ("0", 0.0125),
        ("2", 2.0),
        (f"{LONGEST_WAIT:.0f}", LONGEST_WAIT),
        (f"{LONGEST_WAIT + 1:.0f}", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
        ("-1", None),
        ("\u0662", None),
    ],
)
def test_an_answer_may_ask_to_wait(after: str, wait: float | None) -> None:
    """RFC 9110 section 10.2.3; who asks for more than a request can wait gets no retry."""
    found = after_status(EVERYTHING, request(), 0, after, Middle())

    assert (None if wait is None else Again(wait, free=False)) == found
    deaf = RetryPolicy(failures=frozenset({503}), honour_retry_after=False)
    assert Again(0.0125, free=False) == after_status(deaf, request(), 0, after, Middle())


def test_an_answer_is_asked_for_again_if_the_request_may_be_sent_again() -> None:
    """As often as the policy says."""
    assert frozenset({503}) == EVERYTHING.statuses
    assert frozenset() == DEFAULT.statuses
    assert None is after_status(EVERYTHING, request("POST"), 0, "", Middle())
    assert None is after_status(EVERYTHING, request(streamed=True), 0, "", Middle())
    assert None is not after_status(EVERYTHING, request(), 8, "", Middle())
    assert None is after_status(EVERYTHING, request(), 9, "", Middle())


def test_waits_double_up_to_the_longest() -> None:
    """At random below the limit."""
    policy = RetryPolicy(count=99, failures=frozenset({503}), base=0.1, longest=0.5)
    waits = [after_status(policy, request(), retries, "", Middle()) for retries in range(5)]
    drawn = [after_status(policy, request(), 4, "", Random(number)) for number in range(200)]

    assert [0.05, 0.1, 0.2, 0.25, 0.25] == [again.wait for again in waits if again is not None]
    assert all(again is not None and 0 <= again.wait <= 0.5 for again in drawn)
    assert len({again.wait for again in drawn if again is not None}) > 190


# ---- the budget -----------------------------------------------------------------------------------------------------


def test_a_budget_is_a_part_of_the_requests_and_a_floor() -> None:
    """Nobody has to have sent requests before the first retry."""
    budget = Budget(0.1, 3)

    floor = [budget.take(100.0) for _ in range(3 * WINDOW + 1)]
    for _ in range(50):
        budget.note(100.0)
    share = [budget.take(100.0) for _ in range(6)]

    assert [True] * 3 * WINDOW + [False] == floor
    assert [True] * 5 + [False] == share


def test_a_budget_without_floor_and_share_allows_nothing() -> None:
    """However many requests there are."""
    budget = Budget(0.0, 0)
    budget.note(1.0)

    assert not budget.take(1.0)
    assert Budget().take(0.5)


def test_a_budget_forgets_what_is_long_ago() -> None:
    """A second leaves the window as a whole."""
    budget = Budget(0.0, 1)
    assert [True] * WINDOW + [False] == [budget.take(50.9) for _ in range(WINDOW + 1)]

    assert not budget.take(50.0 + WINDOW - 0.01)
    assert budget.take(50.0 + WINDOW)


@given(
    share=st.floats(0, 1),
    floor=st.integers(0, 5),
    steps=st.lists(st.tuples(st.sampled_from(["request", "retry"]), st.floats(0, 4)), max_size=60),
)
def test_a_budget_agrees_with_a_list_of_all_that_happened(
    share: float, floor: int, steps: list[tuple[str, float]]
) -> None:
    """Seconds are counted as whole ones."""
    budget = Budget(share, floor)
    now = 1000.0
    happened: list[tuple[str, int]] = []
    for what, gap in steps:
        now += gap
        past: list[Any] = [kind for kind, second in happened if second > int(now) - WINDOW]
        if what == "request":
            budget.note(now)
            happened.append((what, int(now)))
            continue
        expected = past.count("retry") < floor * WINDOW + share * past.count("request")
        assert expected is budget.take(now)
        if expected:
            happened.append((what, int(now)))

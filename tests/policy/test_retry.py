"""Which failures are worth another attempt, and where."""

import pytest

from gatekeeper.core import errors
from gatekeeper.core.errors import GatewayError, Retry, UpstreamError
from gatekeeper.policy.retry import CONDITIONS, IDEMPOTENT, RETRIES, may_retry


SAFE, UNSAFE = "GET", "POST"


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
def test_the_kind_of_failure_decides(
    error: type[GatewayError], safe: bool, unsafe: bool, streamed: bool
) -> None:
    """Where nothing was sent anything may move, after a reset only what may be done twice."""
    assert safe is may_retry(error(), SAFE, 0, replayable=True, elsewhere=True)
    assert unsafe is may_retry(error(), UNSAFE, 0, replayable=True, elsewhere=True)
    assert streamed is may_retry(error(), SAFE, 0, replayable=False, elsewhere=True)


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (errors.ConnectFailed, False),
        (errors.ConnectTimeout, False),
        (errors.TlsFailed, False),
        (errors.Reset, True),
        (errors.PoolExhausted, False),
    ],
)
def test_the_same_instance_is_asked_again_only_after_a_reset(
    error: type[GatewayError], *, again: bool
) -> None:
    """A pooled connection may have been stale; who could not be connected to a moment ago cannot be now."""
    assert again is may_retry(error(), SAFE, 0, replayable=True, elsewhere=False)
    assert not may_retry(error(), UNSAFE, 0, replayable=True, elsewhere=False)


def test_a_request_moves_once() -> None:
    """A service that is gone must not be asked without end."""
    assert 1 == RETRIES
    assert not may_retry(errors.ConnectFailed(), SAFE, 1, replayable=True, elsewhere=True)


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
    assert idempotent is may_retry(errors.Reset(), method, 0, replayable=True, elsewhere=True)


def test_every_condition_is_a_failure_that_exists() -> None:
    """And each of their errors says that it may be tried again."""
    found = [
        error
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, UpstreamError) and error.failure in CONDITIONS
    ]

    assert CONDITIONS == {error.failure for error in found}
    assert {errors.AnswerTruncated} == {error for error in found if error.retry is Retry.NEVER}

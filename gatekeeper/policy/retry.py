"""Whether a failed attempt is made again, where, and when.

RFC 9110 section 9.2.2: "A proxy MUST NOT automatically retry non-idempotent requests", unless nothing of it was sent.

The first move to *another* instance after a connection that could not be opened, or that broke, is free: it goes at once
and on nobody's account, so that an instance which dies takes no request with it. Every other retry waits, and is paid for
out of a budget: what fails because it is overloaded must not get more load.
"""

from random import Random
from typing import Final

import attrs

from gatekeeper.core.errors import GatewayError, Retry, UpstreamError
from gatekeeper.core.message import Request


IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"})
"""RFC 9110 section 9.2.2, and QUERY."""

FREE: Final = frozenset({"connect", "reset"})
"""The failures after which the first move to another instance is free."""

WINDOW: Final = 10
"""Seconds that a budget looks back."""
LONGEST_WAIT: Final = 5.0
"""Seconds that an answer may ask to wait (`Retry-After`); one that asks for more is passed on."""


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """What is tried again. `failures` are names of `UpstreamError.failure` and statuses; times are in seconds.

    `replay_body` is how many bytes of a request's body are held to be sent again, and `idempotency_key` the field, in
    lower case, with which a client says that a request may be; empty for none.
    """

    count: int = 1
    failures: frozenset[str | int] = FREE
    base: float = 0.025
    longest: float = 0.25
    replay_body: int = 64 * 1024
    honour_retry_after: bool = True
    idempotency_key: bytes = b""

    @property
    def statuses(self) -> frozenset[int]:
        """The statuses after which a request is sent again."""
        return frozenset(failure for failure in self.failures if isinstance(failure, int))

    def is_safe(self, request: Request) -> bool:
        """Whether a request may be carried out twice."""
        return request.method in IDEMPOTENT or (
            bool(self.idempotency_key) and bool(request.headers.get(self.idempotency_key))
        )

    def holds(self, request: Request) -> bool:
        """Whether a body that is still to come is to be held, so that it can be sent again."""
        length = request.body.length
        return (
            self.count > 0
            and request.body.data is None
            and length is not None
            and length <= self.replay_body
            and self.is_safe(request)
        )


@attrs.frozen
class Again:
    """How the next attempt is made: `wait` is in seconds, and `free` if it is on nobody's account."""

    wait: float
    free: bool


class Budget:
    """How many requests are sent again, against all that are sent, over the last ten seconds. `now` is in seconds."""

    __slots__ = ("_floor", "_second", "_sent", "_share", "_slots")

    def __init__(self, share: float = 0.1, floor: int = 3) -> None:
        """Allow `share` of the requests, and `floor` a second whatever the share is."""
        self._share = share
        self._floor = floor * WINDOW
        self._second = 0
        self._sent = [0, 0]
        self._slots: dict[int, list[int]] = {0: self._sent}

    def note(self, now: float) -> None:
        """Count a request."""
        second = int(now)
        if second != self._second:
            self._turn(second)
        self._sent[0] += 1

    def take(self, now: float) -> bool:
        """Count a retry, if there is enough left for it."""
        second = int(now)
        if second != self._second:
            self._turn(second)
        requests, retries = map(sum, zip(*self._slots.values(), strict=True))
        if retries >= self._floor + self._share * requests:
            return False
        self._sent[1] += 1
        return True

    def _turn(self, second: int) -> None:
        self._second = second
        self._slots = {past: sent for past, sent in self._slots.items() if past > second - WINDOW}
        self._sent = self._slots[second] = [0, 0]


def after_error(
    policy: RetryPolicy,
    error: GatewayError,
    request: Request,
    retries: int,
    random: Random,
    *,
    elsewhere: bool,
) -> Again | None:
    """Decide after an attempt that failed, `retries` having been made before; None is not to try again.

    `elsewhere` says that another instance would be next. A body that has begun to flow cannot be sent again; where
    nothing of the request was sent, it has not begun. An instance that could not be connected to is not asked again at
    once; one that broke a connection is, because a pooled connection breaks when it has been idle for too long, and the
    next one is new.
    """
    if (
        retries >= policy.count
        or not isinstance(error, UpstreamError)
        or error.failure not in policy.failures
        or error.retry is Retry.NEVER
    ):
        return None
    sent = error.retry is not Retry.ALWAYS
    if sent and not (request.body.replayable and policy.is_safe(request)):
        return None
    if error.failure in FREE and not retries and (elsewhere or sent):
        return Again(0.0, free=True)
    if error.failure == "connect" and not elsewhere and policy.count == 1:
        return None
    return Again(_wait(policy, retries, random), free=False)


def after_status(
    policy: RetryPolicy, request: Request, retries: int, retry_after: str, random: Random
) -> Again | None:
    """Decide after an answer whose status is one of the policy's; `retry_after` is its field, empty for none."""
    if retries >= policy.count or not request.body.replayable or not policy.is_safe(request):
        return None
    wait = _wait(policy, retries, random)
    if policy.honour_retry_after and retry_after:
        # RFC 9110 section 10.2.3; a date is for people who come back, not for a request that waits
        if not (retry_after.isascii() and retry_after.isdecimal()) or int(retry_after) > LONGEST_WAIT:
            return None
        wait = max(wait, float(retry_after))
    return Again(wait, free=False)


def _wait(policy: RetryPolicy, retries: int, random: Random) -> float:
    """Full jitter: at random up to a limit that doubles each time.

    Brooker, "Exponential Backoff And Jitter" (2015).
    """
    return random.uniform(0, min(policy.longest, policy.base * 2.0**retries))

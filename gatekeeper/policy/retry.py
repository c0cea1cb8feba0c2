"""Whether a failed attempt may be made again.

RFC 9110 section 9.2.2: "A proxy MUST NOT automatically retry non-idempotent requests", unless nothing of it was sent.
"""

from typing import Final

from gatekeeper.core.errors import GatewayError, Retry, UpstreamError


IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"})
"""RFC 9110 section 9.2.2, and QUERY."""

RETRIES: Final = 1
"""How often a request is sent again."""

CONDITIONS: Final = frozenset({"connect", "reset"})
"""The failures that are worth another try: a connection that could not be opened or broke before an answer."""


def may_retry(error: GatewayError, method: str, retries: int, *, replayable: bool, elsewhere: bool) -> bool:
    """Decide after a failure, `retries` having been made before it; `elsewhere` if another instance would be next.

    A body that has begun to flow cannot be sent again; where nothing of the request was sent, it has not begun. An
    instance that could not be connected to is not asked a second time; one that broke a connection is, because a
    pooled connection breaks when it has been idle for too long, and the next one is new.
    """
    if retries >= RETRIES or not isinstance(error, UpstreamError) or error.failure not in CONDITIONS:
        return False
    if error.retry is Retry.ALWAYS:
        return elsewhere
    return error.retry is Retry.IF_IDEMPOTENT and method in IDEMPOTENT and replayable

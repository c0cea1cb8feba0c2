"""Whether a failed attempt may be made again elsewhere.

RFC 9110 section 9.2.2: "A proxy MUST NOT automatically retry non-idempotent requests", unless nothing of it was sent.
"""

from typing import Final

from gatekeeper.core.errors import GatewayError, Retry, UpstreamError


IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"})
"""RFC 9110 section 9.2.2, and QUERY."""

RETRIES: Final = 1
"""How often a request moves to another instance."""

CONDITIONS: Final = frozenset({"connect", "reset"})
"""The failures that are worth another try: a connection that could not be opened or broke before an answer."""


def may_retry(error: GatewayError, method: str, retries: int, *, replayable: bool) -> bool:
    """Decide after a failure, `retries` having been made before it.

    A body that has begun to flow cannot be sent again; where nothing of the request was sent, it has not begun.
    """
    if retries >= RETRIES or not isinstance(error, UpstreamError) or error.failure not in CONDITIONS:
        return False
    if error.retry is Retry.ALWAYS:
        return True
    return error.retry is Retry.IF_IDEMPOTENT and method in IDEMPOTENT and replayable

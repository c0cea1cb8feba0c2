"""What can become of an attempt that is no success: as `retries.if` and `outliers.failures` name it."""

import re
from collections.abc import Iterable
from typing import Annotated, Final

from gatekeeper.config.problems import Refusal, did_you_mean, quoted


Failure = Annotated[str | int, "failure"]
"""A name of `FAILURES`, the status of an answer, or a class of those like `5xx`."""
Failures = tuple[Failure, ...]
"""Any of these."""

FAILURES: Final = ("connect", "reset", "timeout", "protocol", "unavailable")
"""What `UpstreamError.failure` may be; `unavailable` is nothing fit to send to."""
LOWEST: Final = 400
"""The first status that is not what was asked for."""
HIGHEST: Final = 599

_WORDS: Final = {
    word: failure
    for failure, words in {
        "connect": "error refused connection connection_refused connect_failure http_connect",
        "reset": "disconnect closed connection_reset refused_stream reset_before_request",
        "timeout": "timed_out deadline",
        "protocol": "invalid invalid_header bad_response",
        "unavailable": "no_instances no_healthy_upstream",
        "4xx": "retriable_4xx client_error",
        "5xx": "gateway_error server_error",
    }.items()
    for word in words.split()
}
"""What Nginx, Envoy and HAProxy call them."""
_CLASS: Final = re.compile("[45]xx")
PATTERN: Final = f"{'|'.join(FAILURES)}|{_CLASS.pattern}"
"""The texts that are failures."""


def parse_failure(value: str | int) -> str | int:
    """Check a failure.

    Raises:
        Refusal: it is none.

    """
    if isinstance(value, int):
        if not LOWEST <= value <= HIGHEST:
            raise Refusal(f"{value} is no status of a failure; there are {LOWEST} to {HIGHEST}")
        return value
    if value in FAILURES or _CLASS.fullmatch(value):
        return value
    if value.isdecimal():
        raise Refusal(f"write {value} without quotes", "wrong-type")
    if status := re.fullmatch(r"(?:http|status)[_-]?([45][0-9]{2})", value):
        raise Refusal(f"`{value}` is no failure; write {status[1]}")
    known = [*FAILURES, "4xx", "5xx"]
    word = value.lower().replace("-", "_")
    hint = (
        did_you_mean(_WORDS.get(word, word), known) or f"; there are {quoted(known)}, and statuses like 502"
    )
    raise Refusal(f"`{value}` is no failure{hint}")


def each(failures: Iterable[str | int]) -> frozenset[str | int]:
    """The same with every status of a class, for quick look-ups."""
    found: set[str | int] = set()
    for failure in failures:
        if isinstance(failure, str) and _CLASS.fullmatch(failure):
            first = int(failure[0]) * 100
            found.update(range(first, first + 100))
        else:
            found.add(failure)
    return frozenset(found)

"""W3C trace context: passed through untouched, or started anew.

Source: https://www.w3.org/TR/trace-context/, its sentences quoted below. Without an exporter the gateway
makes no span of its own: a valid `traceparent` travels on as it came ("forwarding mode") and the upstream's
span hangs below the client's. A malformed or missing one is replaced by a fresh one that asks for no
sampling; the `tracestate` beside it belongs to the lost trace and is dropped by the caller.

`accept` costs 0.36 µs for a header that came and 0.43 for a fresh one (best of 15, Debian's python3.11): one
draw of 192 bits formatted by `bytes.hex`; two draws and `%x` took 0.1 more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING


if TYPE_CHECKING:
    from collections.abc import Callable


TRACEPARENT_LIMIT = 256
"""Bytes; that of version 00 has 55, and a later one may have more."""

TRACESTATE_LIMIT = 512
"""Bytes. "Vendors SHOULD propagate at least 512 characters of a combined header"; we drop a longer one whole."""

TRACESTATE_MEMBERS = 32
"""Entries. "There can be a maximum of 32 list-members in a list"; an empty one counts."""

# "version = 2HEXDIGLC", "version ff is forbidden"; "trace-id = 32HEXDIGLC, all zeroes forbidden", so parent-id.
# Version 00 has these four fields and no more; in a later one the flags
# "are either at the end of the string or followed by a dash".
_TRACEPARENT = re.compile(
    rb"(?:00|(?P<later>(?!00|ff)[0-9a-f]{2}))"
    rb"-(?!0{32})[0-9a-f]{32}"
    rb"-(?!0{16})[0-9a-f]{16}"
    rb"-[0-9a-f]{2}"
    rb"(?(later)(?:-[!-~]*)?)",
).fullmatch

# the lowest bit of both ids: even a random source that is stuck at zero gives valid ones
_NOT_ZERO = 1 << 64 | 1


def accept(traceparent: bytes | None, getrandbits: Callable[[int], int]) -> tuple[bytes, str, bool]:
    """Decide which trace a request belongs to.

    Returns the field value to forward, the trace id for the log, and whether the trace is fresh: "creates a
    new traceparent header and removes all entries from" `tracestate`, which is then the caller's part.
    """
    if (
        traceparent is not None
        and len(traceparent) <= TRACEPARENT_LIMIT
        and _TRACEPARENT(traceparent) is not None
    ):
        return traceparent, traceparent[3:35].decode(), False
    digits = (getrandbits(192) | _NOT_ZERO).to_bytes(24, "big").hex()
    trace_id = digits[:32]
    return f"00-{trace_id}-{digits[32:]}-00".encode(), trace_id, True


def keeps_tracestate(tracestate: bytes) -> bool:
    """Tell whether a `tracestate`, its fields joined by commas, is small enough to pass on; else drop it."""
    return len(tracestate) <= TRACESTATE_LIMIT and tracestate.count(b",") < TRACESTATE_MEMBERS

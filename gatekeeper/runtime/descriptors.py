"""How many files and connections this process may have open."""

import contextlib
import sys
from typing import Final


if sys.platform != "win32":  # which has no such limit
    import resource

RESERVED: Final = 64
"""Descriptors that are neither a client's nor an instance's: of the loop, logs, files, the admin API, connections too many."""
ENOUGH: Final = 1 << 20
"""More is of no use, and some systems know no end."""


def raise_limit() -> None:
    """Allow this process as many as it may allow itself: systems give 1,024 to those who do not ask."""
    if sys.platform != "win32":
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with contextlib.suppress(OSError, ValueError):  # macOS says "infinity", and means less
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def limit() -> int:
    """How many it may have open now."""
    if sys.platform == "win32":
        return ENOUGH
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return ENOUGH if soft == resource.RLIM_INFINITY else min(soft, ENOUGH)


def for_clients(descriptors: int, under_way: int) -> int:
    """How many clients may be connected so that each request under way can have a connection to an instance, too."""
    free = max(descriptors - RESERVED, 2)
    return max(free // 2, free - under_way)

"""The loop that a process of a gateway runs in: which one it is, what it says of errors, and the memory it settles in."""

import asyncio
import errno
import gc
import logging
import math
from collections.abc import Coroutine
from typing import Any, Final


log = logging.getLogger(__name__)

SETTLE_SECONDS: Final = 0.5
"""How long after the start the memory that stays is put aside: collecting takes some milliseconds."""

EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""What keeps a loop from accepting connections; asyncio tries again after a second."""
EXHAUSTED_SECONDS: Final = 60.0
"""Between two lines of the log about it."""


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run the main part of a process in a loop of its own, uvloop's where it exists; what it returns."""
    try:
        import uvloop  # noqa: PLC0415 - where it exists
    except ImportError:
        return asyncio.run(main)
    return uvloop.run(main)


class LoopErrors:
    """Says what a loop could not do: `loop.set_exception_handler(LoopErrors())`."""

    def __init__(self) -> None:
        self._exhausted_at = -math.inf

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Tell of an error; that no connection can be accepted, once in a while."""
        error = context.get("exception")
        if not ("socket" in context and isinstance(error, OSError) and error.errno in EXHAUSTED):
            loop.default_exception_handler(context)
        elif loop.time() - self._exhausted_at > EXHAUSTED_SECONDS:
            self._exhausted_at = loop.time()
            log.error("no connection can be accepted: %s", error.strerror)


def settle_later() -> None:
    """Put aside, when the start is over, what lives as long as the process, so that no collection looks through it again."""
    asyncio.get_running_loop().call_later(SETTLE_SECONDS, _settle)


def _settle() -> None:
    gc.collect()
    gc.freeze()
    gc.enable()

"""Watches the memory that this process may have, and says when it is short.

Where clients send as fast as a network of one machine can, 100 MiB are gone in half a second: so it looks often, in the loop
itself, which takes 4 µs (0.02 % of a core).
"""

import asyncio
import contextlib
import ctypes
import gc
import logging
from collections.abc import Callable, Sequence
from typing import Final

from gatekeeper.policy.pressure import Pressure, pressure
from gatekeeper.runtime.cgroup import MemoryLimit


log = logging.getLogger(__name__)

EVERY: Final = 0.02
"""Seconds between two looks."""
REFRESH: Final = 50
"""Looks, after which it is also asked what could be taken back."""
_WORDS: Final = {
    Pressure.NONE: "memory suffices again",
    Pressure.TIGHT: "memory is tight: connections that only wait make room for those that come",
    Pressure.SHORT: "memory is short: new requests are refused",
}


def give_back() -> None:
    """Return to the system what is free but kept for later: else a process stays as large as a flood has made it."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):  # only glibc has it
        ctypes.CDLL(None).malloc_trim(0)


async def watch(limits: Sequence[MemoryLimit], press: Callable[[Pressure], object]) -> None:
    """Tell `press` of each change, for ever; what is watched is closed at the end."""
    level = Pressure.NONE
    looks = 0
    try:
        while True:
            looks += 1
            if looks % REFRESH == 0:
                for limit in limits:
                    limit.refresh()
                if level is not Pressure.NONE:
                    await asyncio.to_thread(give_back)
            share = max(limit.share for limit in limits)
            before, level = level, pressure(share, level)
            if level is not before:
                severity = logging.INFO if level is Pressure.NONE else logging.WARNING
                log.log(severity, "%s", _WORDS[level], extra={"share": round(share, 3)})
                press(level)
            await asyncio.sleep(EVERY)
    except (OSError, ValueError):
        log.warning("memory cannot be watched any more: its control group has gone")
        press(Pressure.NONE)
    finally:
        for limit in limits:
            limit.close()

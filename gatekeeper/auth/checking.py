"""Checks of passwords: slow on purpose, and so in threads of their own, a few at a time.

Who sends wrong passwords as fast as it can fills the line and not the machine: beyond the line nobody waits, and hears at
once that it cannot be checked now. Those who have been right lately do not stand in line. What is remembered of them is an
HMAC by a key that only this process has ever had, of the user, the hash and the password: after a change of the hash it is
looked for in vain.
"""

import asyncio
import hmac
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from gatekeeper.auth.passwords import PasswordHash
from gatekeeper.core.errors import IdentityUnknown


AT_ONCE: Final = 2
"""Checks that run at the same time."""
IN_LINE: Final = 32
"""Checks that wait for that, about a second."""
REMEMBERED: Final = 300.0
"""Seconds for which a password that was right is not checked again."""
MOST: Final = 4096
"""Passwords that are remembered."""
RETRY: Final = (b"Retry-After", b"1")


class Checks:
    """The checks of one authenticator, and the passwords that were right lately."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` tells seconds."""
        self._clock = clock
        self._key: Final = secrets.token_bytes(32)
        self._threads: Final = ThreadPoolExecutor(AT_ONCE, "passwords")
        self._right: dict[bytes, float] = {}
        self._running: dict[bytes, asyncio.Future[bool]] = {}

    def __len__(self) -> int:
        """Checks that run or wait."""
        return len(self._running)

    async def fits(self, user: str, hashed: PasswordHash, password: bytes) -> bool:
        """Whether the hash is that of the password of this user.

        The check is that of one user alone, also where others have the same hash: several of which nobody is known would
        else be told apart from one who is by what they share.

        Raises:
            IdentityUnknown: too many wait to be told that.

        """
        mark = hmac.digest(self._key, b"\0".join((hashed.text.encode(), user.encode(), password)), "sha256")
        if self._right.get(mark, 0.0) > self._clock():
            return True
        running = self._running.get(mark)
        if running is None:
            if len(self._running) >= AT_ONCE + IN_LINE:
                raise IdentityUnknown(log="too many passwords wait to be checked", headers=[RETRY])
            running = asyncio.get_running_loop().run_in_executor(self._threads, hashed.fits, password)
            self._running[mark] = running
            running.add_done_callback(partial(self._ended, mark))
        # whoever sends the same meanwhile waits for the same check, and must not end with whoever came first
        return await asyncio.shield(running)

    def _ended(self, mark: bytes, check: "asyncio.Future[bool]") -> None:
        del self._running[mark]
        if check.cancelled() or check.exception() is not None or not check.result():
            return
        self._right.pop(mark, None)
        if len(self._right) >= MOST:
            del self._right[next(iter(self._right))]
        self._right[mark] = self._clock() + REMEMBERED

    def close(self) -> None:
        """Begin no more of them."""
        self._threads.shutdown(wait=False, cancel_futures=True)

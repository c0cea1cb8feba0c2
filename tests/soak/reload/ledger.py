"""What may be answered at each moment, and everything that went wrong."""

import asyncio
import time
from collections import Counter
from typing import Final

from tests.soak.wire import BrokenError, Message


SHOWN: Final = 3


class Ledger:
    """Revisions and faults of one soak."""

    def __init__(self, revision: int) -> None:
        self.valid = {revision}
        self.highest = revision
        """Of all answers until now: once one has it, no request that is sent later may be answered by an older one."""
        self.faults: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}
        self.answers = 0
        self._begun = time.monotonic()
        self._seen: dict[int, asyncio.Future[float]] = {}

    def fault(self, kind: str, what: object) -> None:
        """Note that something went wrong."""
        self.faults[kind] += 1
        examples = self.examples.setdefault(kind, [])
        if len(examples) < SHOWN:
            examples.append(f"at {time.monotonic() - self._begun:.1f} s: {what}")

    def expect(self, revision: int) -> "asyncio.Future[float]":
        """Allow a revision; when it is seen for the first time (`time.monotonic`)."""
        self.valid.add(revision)
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._seen[revision] = future
        return future

    def check(self, message: Message, floor: int) -> None:
        """Check the head of an answer; `floor` is what was the highest when its request was sent.

        Raises:
            BrokenError: it must not be.

        """
        self.answers += 1
        if message.status != 200:
            raise BrokenError(f"answered {message.status}: {message.fields}")
        self.check_revision(message, floor)

    def check_revision(self, message: Message, floor: int) -> None:
        """Check by which revision something was answered, whatever the status."""
        text = message.fields.get(b"x-revision", b"")
        revision = int(text) if text.isdigit() else -1
        if revision not in self.valid:
            self.fault("revision", f"{text!r} has never been valid")
        elif revision < floor:
            self.fault("revision", f"{revision} came back behind {floor}")
        elif revision > self.highest:
            self.highest = revision
        if (future := self._seen.pop(revision, None)) is not None and not future.done():
            future.set_result(time.monotonic())

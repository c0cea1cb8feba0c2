"""A worker, as its supervisor sees it: a process, and a channel to it."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from typing import IO, Final, Literal, Self

import attrs
import psutil

from gatekeeper.core.clock import Clock
from gatekeeper.workers.channel import Channel, Hearing


STACK_SECONDS: Final = 0.2
"""How long a process has to write what it is doing; it takes a millisecond."""


@attrs.define(eq=False)
class WorkerProcess:
    """One worker. Times are those of the clock's `monotonic`."""

    slot: int
    channel: Channel
    started: float
    heard: float
    """When it has last shown that its loop turns."""
    process: asyncio.subprocess.Process
    stacks: IO[bytes]
    beats: int = 0
    served: float | None = None
    """When it began to serve."""
    leaving: bool = False
    """Whether it finishes what was begun, and goes."""

    @classmethod
    async def spawn(cls, slot: int, clock: Clock, told: Mapping[str, Hearing] = {}) -> Self:
        """Start an interpreter, which knows what this one was told of where code is, and nothing else.

        `told` takes what it says, beside that it lives.

        Raises:
            OSError: it cannot be started.

        """
        stacks = await asyncio.to_thread(_unnamed_file)
        ours, theirs = socket.socketpair()
        descriptors = (theirs.fileno(), stacks.fileno())
        path = os.pathsep.join(folder or os.getcwd() for folder in sys.path)  # noqa: PTH109 - as sys.path means it
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "gatekeeper.workers", *map(str, descriptors)),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=descriptors,
                env={**os.environ, "PYTHONPATH": path},
                # what a terminal sends to all its processes is meant for the supervisor
                start_new_session=True,
            )
        except BaseException:
            ours.close()
            stacks.close()
            raise
        finally:
            theirs.close()
        now = clock.monotonic()

        def beat(_: object) -> None:
            worker.heard = clock.monotonic()
            worker.beats += 1

        worker = cls(slot, Channel(ours, asked={}, told={"beat": beat, **told}), now, now, process, stacks)
        return worker

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    @property
    def state(self) -> Literal["starting", "serving", "leaving"]:
        """Where it is in its life."""
        if self.leaving:
            return "leaving"
        return "starting" if self.served is None else "serving"

    @property
    def name(self) -> str:
        """What people call it."""
        return f"worker {self.slot + 1} (pid {self.pid})"

    async def wait(self) -> str:
        """Wait for its end; how that came, in words."""
        code = await self.process.wait()
        self.channel.close()
        self.stacks.close()
        if code >= 0:
            return f"it ended with {code}"
        return f"it was killed by {signal.Signals(-code).name}"

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)

    async def stack(self) -> str:
        """What it is doing, where it does not answer."""
        try:
            status = await asyncio.to_thread(lambda: psutil.Process(self.pid).status())
            if status == psutil.STATUS_STOPPED:
                return "it was stopped (SIGSTOP), and shows no stack"
            self._signal(signal.SIGUSR1)
            await asyncio.sleep(STACK_SECONDS)
            written = await asyncio.to_thread(self._read_stacks)
        except (ProcessLookupError, psutil.Error, ValueError):
            return "it has gone"
        return written.strip() or "it shows no stack"

    def _signal(self, number: signal.Signals) -> None:
        # not by asyncio's process: it looks whether there is one, and takes its exit code away from who waits for it
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _read_stacks(self) -> str:
        self.stacks.seek(0)
        return self.stacks.read().decode(errors="replace")


def _unnamed_file() -> IO[bytes]:
    return tempfile.TemporaryFile(buffering=0)

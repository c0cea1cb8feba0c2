"""Where log lines go: one file descriptor, written to by threads that may block, in whole lines.

The threads of a process and the workers of a gateway share standard output. A pipe that is full tears
whatever is longer than PIPE_BUF (4 KiB), and the other writer's line lands in the gap. So the threads take
turns by a lock, and processes by a record lock on pipes and sockets (two system calls a batch; files have the
kernel's own lock). A process that dies gives its lock back.

A reader that stopped blocks the thread that writes, so that has to be one of its own: `Background`. Nothing
here raises, knows an event loop or keeps a bound: what may wait, and how much of it, is decided in `log`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import select
import stat
import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar


T = TypeVar("T")

_NEWLINE = ord("\n")


class Output:
    """A file descriptor for lines; it stays the owner's, who closes it."""

    __slots__ = ("_fd", "_lock", "_torn")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._torn = False

    def __repr__(self) -> str:
        return f"<Output fd {self._fd}>"

    @property
    def colour(self) -> bool:
        """Tell whether a person reads here, who did not set NO_COLOR (https://no-color.org)."""
        return os.isatty(self._fd) and not os.environ.get("NO_COLOR")

    def write(self, lines: bytes) -> int:
        """Write complete lines, however long that blocks; returns how many were lost, and never raises.

        A full disk or a reader that went away loses the rest of these lines; the next call tries again.
        """
        with self._lock:
            if not self._is_torn_when_full():
                return self._write(lines)
            # where pipes cannot be locked, lines are torn at worst
            with contextlib.suppress(OSError):
                fcntl.lockf(self._fd, fcntl.LOCK_EX)
            try:
                return self._write(lines)
            finally:
                with contextlib.suppress(OSError):
                    fcntl.lockf(self._fd, fcntl.LOCK_UN)

    def _write(self, lines: bytes) -> int:
        # half a line may have got out before an error: end it here, so that it spoils no other
        data = b"\n" + lines if self._torn else lines
        view = memoryview(data)
        position = 0
        while position < len(data):
            try:
                position += os.write(self._fd, view[position:])
            except BlockingIOError:
                # somebody who shares this pipe made it non-blocking
                self._wait()
            except OSError:
                if position:
                    self._torn = data[position - 1] != _NEWLINE
                return data.count(b"\n", max(position, len(data) - len(lines)))
        self._torn = False
        return 0

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._fd, select.POLLOUT)
        poll.poll()

    def _is_torn_when_full(self) -> bool:
        try:
            mode = os.fstat(self._fd).st_mode
        except OSError:
            return False
        return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


STDOUT: Final = Output(1)
"""Standard output: one object for the application log and the access log, so that they take turns."""


class Background(Generic[T]):
    """A daemon thread that works on what is put into its `queue`, in order; `work` must not raise.

    `logging.handlers.QueueListener` is not used: its `stop` waits for ever, here for a reader that may have
    stopped.
    """

    __slots__ = ("_thread", "queue")

    def __init__(self, name: str, work: Callable[[T], object]) -> None:
        # SimpleQueue: `put` costs 0.1 µs and never waits for the thread
        self.queue: queue.SimpleQueue[T | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, args=(work,), name=name, daemon=True)
        self._thread.start()

    def close(self, seconds: float) -> None:
        """Let it finish what waits, for at most this long; after that it goes on until the process ends."""
        self.queue.put(None)
        self._thread.join(seconds)

    def _run(self, work: Callable[[T], object]) -> None:
        while (thing := self.queue.get()) is not None:
            work(thing)

"""The audit file: records in a chain (`policy.ledger`), appended by a thread, in one process at a time.

Whoever records something never waits: it goes into a bounded queue. The thread writes what has come, at once or a tenth of
a second later, and has the disk take it once a second and at the end. A disk that is full or fails hurts no request: what
does not find room in the queue meanwhile is counted, and a `gap` record in its place tells how many are missing.

`record` costs its caller 0.8 µs, and 30 where it wakes the thread, ten times a second at most; the thread takes 10 µs a record
(best of 15, Debian's python3.11).
"""

import contextlib
import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from gatekeeper.core.clock import Clock
from gatekeeper.observe import audit_tail
from gatekeeper.observe.lines import timestamp
from gatekeeper.policy.ledger import Head, seal


log = logging.getLogger(__name__)

QUEUE: Final = 10_000
"""Records that may wait; about 10 MB."""
BATCH: Final = 256
"""Records that are written at once."""
PAUSE: Final = 0.1
"""Seconds between two batches."""
SYNC: Final = 1.0
"""Seconds that a record waits at most until the disk has it."""
RETRY: Final = 1.0
"""Seconds until it is tried again to write what could not be written."""
ROTATE_AGAIN: Final = 60.0
"""Seconds until it is tried again to rename a file that could not be renamed."""
CLOSE_SECONDS: Final = 5.0
"""Time for what waits to be written at the end."""

Entry = tuple[str, str, Mapping[str, Any]]
"""Time, event and fields of a record."""


class AuditFile:
    """One file, from the moment that it is opened, which may block, to its `close`, which may block, too."""

    def __init__(self, path: Path, rotate: int, keep: int, clock: Clock) -> None:
        """Open a file and go on with its chain; `rotate` is its size in bytes, `keep` how many older ones may stay.

        Raises:
            audit_tail.AuditError: it cannot be written to, or another process does, or its end does not fit its chain.

        """
        self.path: Final = path
        self.dropped = 0
        """Records that were lost."""
        self._rotate, self._keep = rotate, keep
        self._clock: Final = clock
        self._turn: Final = threading.Condition()
        self._queue: list[Entry] = []
        self._batch: list[Entry] = []
        self._waiting = 0
        """Records in both, without gaps."""
        self._closed = self._failing = self._torn = self._dirty = False
        self._stays = False
        """Whether the file could not be renamed the last time."""
        self._synced = self._rotated = clock.monotonic()
        self._lock: Final = audit_tail.lock(path)
        self._fd = -1
        try:
            self._fd = audit_tail.open_file(path)
            tail = audit_tail.mend(self._fd, path)
            self._size, self.head = tail.size, tail.head
        except BaseException:
            self._let_go()
            raise
        if tail.torn:
            self.record("recovered", {"bytes": tail.torn, "sha256": tail.digest})
        # not `output.Background`: what is taken from the queue goes back there where it cannot be written
        self._thread: Final = threading.Thread(target=self._run, name="gatekeeper-audit", daemon=True)
        self._thread.start()

    def __repr__(self) -> str:
        return f"<AuditFile {self.path}, {self.head.seq} records>"

    def record(self, event: str, fields: Mapping[str, Any], time: str = "") -> None:
        """Take a record, which must not be changed any more; `time` is that of something that is told later."""
        time = time or timestamp(self._clock.wall())
        with self._turn:
            if self._closed or self._waiting >= QUEUE:
                self._lose(time, 1)
                return
            self._waiting += 1
            self._queue.append((time, event, fields))
            if len(self._queue) == 1:
                self._turn.notify()

    def lose(self, count: int) -> None:
        """Note that records were lost before they came here."""
        with self._turn:
            self._lose(timestamp(self._clock.wall()), count)
            self._turn.notify()

    def _lose(self, time: str, count: int) -> None:
        self.dropped += count
        if self._queue and self._queue[-1][1] == "gap":
            since, _, fields = self._queue[-1]
            self._queue[-1] = (since, "gap", {"lost": fields["lost"] + count})
        elif not self._closed:
            self._queue.append((time, "gap", {"lost": count}))

    def reconfigure(self, rotate: int, keep: int) -> None:
        """Rotate at another size, or keep another number."""
        with self._turn:
            self._rotate, self._keep = rotate, keep

    def close(self) -> None:
        """Write what waits and close the file; once is enough."""
        with self._turn:
            self._closed = True
            self._turn.notify()
        self._thread.join(CLOSE_SECONDS)

    # ---- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._queue or self._closed, self._patience())
                self._batch += self._queue
                self._queue, closed = [], self._closed
            if self._batch:
                self._write_batch()
            if self._dirty and (closed or self._clock.monotonic() - self._synced >= SYNC):
                self._sync()
            if closed:
                break
            with self._turn:
                self._turn.wait_for(lambda: self._closed, RETRY if self._batch else PAUSE)
        with self._turn:
            self.dropped += self._waiting
        self._let_go()

    def _patience(self) -> float | None:
        if self._batch:
            return 0.0
        return max(SYNC - (self._clock.monotonic() - self._synced), 0.0) if self._dirty else None

    def _write_batch(self) -> None:
        """Write what was taken from the queue, as far as that is possible."""
        try:
            self._look()
            while self._batch:
                if self._size >= self._rotate:
                    self._start_anew()
                head, lines, size = self.head, [], self._size
                for index, (time, event, fields) in enumerate(self._batch[:BATCH]):
                    try:
                        line, head = seal(head, time, event, fields)
                    except (TypeError, ValueError):
                        log.exception("a record of the audit file cannot be written: %s", event)
                        self._batch[index] = (time, "gap", {"lost": 1})
                        with self._turn:
                            self._waiting, self.dropped = self._waiting - 1, self.dropped + 1
                        line, head = seal(head, *self._batch[index])
                    lines.append(line)
                    size += len(line)
                    if size >= self._rotate:
                        break
                self._append(b"".join(lines), head)
                written, self._batch = self._batch[: len(lines)], self._batch[len(lines) :]
                with self._turn:
                    self._waiting -= sum(event != "gap" for _, event, _ in written)
        except (OSError, audit_tail.AuditError) as error:
            if not self._failing:
                log.error("%s cannot be written to, records wait: %s", self.path, error)  # noqa: TRY400 - it says why
            self._failing = True
            return
        if self._failing:
            log.info("%s can be written to again", self.path)
            self._failing = False

    def _append(self, data: bytes, head: Head) -> None:
        """Write whole lines, or none.

        Raises:
            OSError: they could not be written; what was of them is cut off again, now or before the next ones.

        """
        if self._torn:
            os.ftruncate(self._fd, self._size)
            self._torn = False
        view = memoryview(data)
        position = 0
        try:
            while position < len(data):
                position += os.write(self._fd, view[position:])
        except OSError:
            self._torn = position > 0
            if self._torn:
                os.ftruncate(self._fd, self._size)
                self._torn = False
            raise
        self._size += len(data)
        self.head, self._dirty = head, True

    def _sync(self) -> None:
        try:
            os.fsync(self._fd)
        except OSError as error:
            log.error("%s was not written to the disk: %s", self.path, error)  # noqa: TRY400 - it says why
        self._synced, self._dirty = self._clock.monotonic(), False

    def _look(self) -> None:
        """Go on in the file that has the name, whatever was done to it: who reads it finds the break.

        Raises:
            OSError: there is none, and none can be made.

        """
        try:
            there = self.path.stat()
        except FileNotFoundError:
            there = None
        ours = os.fstat(self._fd)
        if there is None or (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
            log.warning("%s was taken away; its chain goes on in a new file", self.path)
            self._replace()
        elif there.st_size != self._size and not self._torn:
            log.error("%s was changed by somebody else", self.path)
        else:
            return
        self._size = audit_tail.end_line(self._fd)

    def _replace(self) -> None:
        new = audit_tail.open_file(self.path)
        os.close(self._fd)
        self._fd = new

    # ---- rotation -----------------------------------------------------------------------------------------------------

    def _start_anew(self) -> None:
        """Rename the file, and begin the next one; where that fails, it is tried again later."""
        now = self._clock.monotonic()
        if self._failing or (self._rotated > now - ROTATE_AGAIN and self._stays):
            return
        self._rotated, self._stays = now, True
        with self._turn:
            keep = self._keep
        try:
            older = audit_tail.older(self.path)
            gone = [audit_tail.told(file) for number, file in older if number >= keep]
            fields = {"to": f"{self.path.name}.1", "bytes": self._size, **({"deleted": gone} if gone else {})}
            line, head = seal(self.head, timestamp(self._clock.wall()), "rotated", fields)
            # before anything is gone: who deletes has said so
            self._append(line, head)
            self._sync()
            audit_tail.shift(self.path, older, keep)
            self._replace()
        except (OSError, audit_tail.AuditError) as error:
            log.error("%s cannot be renamed, and grows: %s", self.path, error)  # noqa: TRY400 - it says why
            return
        self._size, self._stays = 0, False
        log.info("%s begins anew", self.path, extra={"records": self.head.seq, "hash": self.head.hash})

    def _let_go(self) -> None:
        for fd in (self._fd, self._lock):
            if fd >= 0:
                with contextlib.suppress(OSError):
                    os.close(fd)

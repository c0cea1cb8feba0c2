"""Keeps all keys that work in memory for those who take requests, and hears of every change of the file.

A lookup is one access of a dict by the SHA-256 of what was sent: no I/O, 0.25 µs with the checks of time, whatever the
file does. Timing tells nothing (KEY-01): whoever guesses does not choose digests, and the dict compares keyed hashes first.

A thread looks at the file every 0.25 s: `stat` (was it replaced?) and `PRAGMA data_version` (has anybody written?), 8 µs
together. Only rows that have changed since are read, so that a key which another process revokes is gone within 0.3 s
(KEY-04), and one that it creates is there (KEY-06): nothing is remembered of keys that are unknown. 100,000 keys take 0.8 s
to load and 45 MB; where they have to be read again while requests are served, the thread pauses often.

Where the file cannot be read (KEY-05), the keys that are known are served on for a time to live, and what is unknown may be
a new one: `state` says so. After that time, nobody is let in. The time runs from the last good look, and is measured where
it is asked for, so that a thread which hangs in a read counts as a file that cannot be read.
"""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, Self

from gatekeeper.core.clock import Clock, SystemClock
from gatekeeper.stores.database import StoreError, connect, explain, is_known
from gatekeeper.stores.keys import COLUMNS, KeyRecord, Row, record_of


EVERY: Final = 0.25
"""Seconds between two looks."""
TTL: Final = 60.0
"""Seconds that known keys are served without a good look."""
SLACK: Final = 5.0
"""Seconds without a good look after which the thread is taken to hang."""
PATIENCE: Final = 1.0
"""Seconds that a look waits for a lock."""
ENOUGH: Final = 5.0
"""Seconds that `close` waits for a look."""

_AT_ONCE: Final = 500
_PAUSE: Final = 0.001

log = logging.getLogger(__name__)

State = Literal["up", "stale", "down"]
"""`up`: what is not known does not exist. `stale`: it may. `down`: nothing is known any more."""

Place = tuple[int, int]
"""A file, whatever its name: device and inode."""


class KeyWatch:
    """The keys of a database that is written by others; there may be no such file yet, or no more.

    Use it as an async context manager; or call `open` in a thread, and `close` when it is done with.
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Clock | None = None,
        ttl: float = TTL,
        every: float = EVERY,
        on_look: Callable[[], object] | None = None,
    ) -> None:
        """Watch a file.

        `clock` measures how old what is known is. `on_look` is called after each look that has found a change, in the
        thread that looks.
        """
        self._path: Final = path
        self._clock: Final = clock or SystemClock()
        self._ttl: Final = ttl
        self._every: Final = every
        self._on_look: Final = on_look or (lambda: None)
        self._keys: dict[bytes, KeyRecord] = {}
        self._seen = float("-inf")
        """When the last good look was."""
        self._failing = ""
        self._connection: sqlite3.Connection | None = None
        self._place: Place | None = None
        self._version: int | None = None
        self._known: tuple[str, int, int] | None = None
        """Identity of the database, number of the last change, removals."""
        self._ending: Final = threading.Event()
        self._thread: threading.Thread | None = None

    # ---- for those who take requests --------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """How good an answer of `lookup` is: where it is not `up`, nobody can say that a key does not exist."""
        age = self._clock.monotonic() - self._seen
        if age > self._ttl:
            return "down"
        return "stale" if self._failing or age > SLACK else "up"

    def lookup(self, digest: bytes, now: float) -> KeyRecord | None:
        """The key of a digest that works at `now` (seconds since the epoch), None where there is none.

        Nothing is found where the state is `down`.
        """
        found = self._keys.get(digest)
        if found is None or (found.expires is not None and now >= found.expires):
            return None
        return found if self._clock.monotonic() - self._seen <= self._ttl else None

    def __len__(self) -> int:
        """How many keys there are that nobody has revoked; some may have expired."""
        return len(self._keys)

    def __repr__(self) -> str:
        return f"<KeyWatch {self._path} {self.state} {len(self)} keys>"

    # ---- its life ---------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Look at the file, and begin to watch it; blocks for as long as it takes to load all keys.

        A file that cannot be read is no error: the state is `down` until it can.
        """
        self._look()
        self._thread = threading.Thread(target=self._watch, name=f"keys of {self._path.name}", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Watch no more; what is known stays, for as long as it may."""
        await asyncio.to_thread(self._end)

    def _end(self) -> None:
        self._ending.set()
        if self._thread is not None:
            # a read that never returns must not keep the process
            self._thread.join(ENOUGH)

    async def __aenter__(self) -> Self:
        opening = asyncio.ensure_future(asyncio.to_thread(self.open))
        try:
            await asyncio.shield(opening)
        except asyncio.CancelledError:
            await opening
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _watch(self) -> None:
        while not self._ending.wait(self._every):
            self._look()
        self._disconnect()

    # ---- looking ----------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        try:
            changed = self._read()
        except (sqlite3.Error, OSError) as error:
            self._fail(explain(self._path, error))
        except StoreError as error:
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001 - somebody else may have written the row
            self._fail(f"the database {self._path} cannot be used: {error!r}")
        else:
            self._seen = self._clock.monotonic()
            if self._failing:
                self._failing, changed = "", True
                log.info("the API keys can be read again", extra={"database": str(self._path)})
            if changed:
                self._on_look()

    def _fail(self, reason: str) -> None:
        self._disconnect()
        if not self._failing:
            self._failing = reason
            log.error(
                "%s; API keys that are known are good for %g s more, new ones are not", reason, self._ttl
            )
            self._on_look()

    def _disconnect(self) -> None:
        connection, self._connection, self._version = self._connection, None, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()

    def _read(self) -> bool:
        """Read what has changed; whether anything had."""
        place = _place(self._path)
        if place != self._place:
            # whatever was known is of another file
            self._disconnect()
            self._place, self._known = place, None
        if place is None:
            gone, self._keys = bool(self._keys), {}
            return gone
        if self._connection is None:
            self._connection = connect(self._path, PATIENCE)
            self._connection.execute("PRAGMA query_only = on")
        # before the rows: what is written in between is read twice, and not never
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version == self._version:
            return False
        self._connection.execute("BEGIN")
        try:
            self._take(self._connection)
        finally:
            self._connection.execute("ROLLBACK")
        self._version = version
        return True

    def _take(self, connection: sqlite3.Connection) -> None:
        if not is_known(connection, self._path):
            self._keys, self._known = {}, None
            return
        identity, number, removals = connection.execute("SELECT * FROM changes").fetchone()
        known = self._known
        if known is not None and (identity, removals) == (known[0], known[2]) and number >= known[1]:
            for record in self._rows(connection, "changed > ?", known[1]):
                if record.revoked is None:
                    self._keys[record.digest] = record
                else:
                    self._keys.pop(record.digest, None)
        else:
            # those that have expired, too: clocks are set back
            self._keys = {record.digest: record for record in self._rows(connection, "revoked IS NULL")}
        self._known = (identity, number, removals)

    def _rows(self, connection: sqlite3.Connection, which: str, *values: int) -> Iterator[KeyRecord]:
        cursor = connection.execute(f"SELECT {COLUMNS} FROM keys WHERE {which}", values)  # noqa: S608 - of constants
        while rows := cursor.fetchmany(_AT_ONCE):
            row: Row
            for row in rows:
                yield record_of(row)
            # whoever takes requests waits for the interpreter meanwhile
            self._ending.wait(_PAUSE)


def _place(path: Path) -> Place | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino

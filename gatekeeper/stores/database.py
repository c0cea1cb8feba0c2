"""The database: one SQLite file, which several processes read and write at the same time.

It is created by the first write, for its owner only (mode 0600; SQLite gives its WAL the same mode), and has its name from
the moment on when it is whole: where several processes make a WAL database of the same empty file, SQLite 3.40 lets all of
them wait for each other now and then. Each use opens a connection of its own, which costs half a millisecond, so that none is
shared between threads. Everything here blocks: where a loop runs, call it in a thread.

WAL lets readers read while somebody writes. After each write it is emptied into the file, so that a copy of the file
alone is whole, and one that is put in its place does not meet the log of another.

Each row of `keys` has the number of the change that it was last part of, and `changes` the highest one: whoever has seen all
up to a number reads the rows beyond it. Triggers count, so that a row which somebody repairs by hand is heard of as well;
what cannot be said of a row (it has gone, or is another key now) counts as a removal, after which all has to be read.
"""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final


PATIENCE: Final = 5.0
"""Seconds that a write waits for another one."""
VERSION: Final = 1
"""Of the schema (`PRAGMA user_version`)."""
OURS: Final = 0x676B6470
"""What marks a file as one of ours (`PRAGMA application_id`)."""

_SCHEMA: Final = """
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    consumer TEXT NOT NULL,
    authenticator TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    hint TEXT NOT NULL,
    scopes TEXT NOT NULL,
    note TEXT NOT NULL,
    created REAL NOT NULL,
    expires REAL,
    revoked REAL,
    successor TEXT,
    changed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX keys_by_change ON keys (changed);
CREATE INDEX keys_by_consumer ON keys (consumer);

CREATE TABLE changes (
    identity TEXT NOT NULL,
    number INTEGER NOT NULL,
    removals INTEGER NOT NULL
);
INSERT INTO changes VALUES ('{identity}', 0, 0);

CREATE TRIGGER keys_overwritten BEFORE INSERT ON keys
WHEN EXISTS (SELECT 1 FROM keys WHERE id = new.id OR digest = new.digest) BEGIN
    UPDATE changes SET number = number + 1, removals = removals + 1;
END;
CREATE TRIGGER keys_inserted AFTER INSERT ON keys BEGIN
    UPDATE changes SET number = number + 1;
    UPDATE keys SET changed = (SELECT number FROM changes) WHERE id = new.id;
END;
CREATE TRIGGER keys_updated AFTER UPDATE OF
    consumer, authenticator, hint, scopes, note, created, expires, revoked, successor
ON keys BEGIN
    UPDATE changes SET number = number + 1;
    UPDATE keys SET changed = (SELECT number FROM changes) WHERE id = new.id;
END;
CREATE TRIGGER keys_replaced AFTER UPDATE OF id, digest ON keys BEGIN
    UPDATE changes SET number = number + 1, removals = removals + 1;
END;
CREATE TRIGGER keys_deleted AFTER DELETE ON keys BEGIN
    UPDATE changes SET number = number + 1, removals = removals + 1;
END;
"""


class StoreError(Exception):
    """The database cannot be used; the message is for people."""


def connect(path: Path, patience: float) -> sqlite3.Connection:
    """Open a file that is there, and wait at most `patience` seconds where it is locked.

    The connection may pass from thread to thread; it begins no transaction by itself.

    Raises:
        sqlite3.Error: it is not there, or cannot be opened.

    """
    # not `mode=rwc`, which creates a file that everybody may read
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=patience,
        isolation_level=None,
        check_same_thread=False,
    )


def is_known(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether there is anything in the file yet.

    Raises:
        StoreError: what there is is not ours, or of a later version.
        sqlite3.Error: it cannot be read.

    """
    (mark,), (version,) = (
        connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
    )
    if mark == OURS and version == VERSION:
        return True
    if mark == OURS:
        raise StoreError(f"{path} is of a later version of gatekeeper; install that one")
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
        raise StoreError(f"{path} is the database of something else; name another file in `database`")
    return False


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    """A connection that sees one state of the database; None where nothing has been written yet.

    Raises:
        StoreError: it cannot be read.

    """
    with explained(path):
        if not path.exists():
            yield None
            return
        with closing(connect(path, PATIENCE)) as connection:
            connection.execute("PRAGMA query_only = on")
            connection.execute("BEGIN")
            yield connection if is_known(connection, path) else None


@contextmanager
def writing(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection in a transaction, which is kept if nothing is raised; the database is created where there is none.

    What was kept is on the disk when this ends.

    Raises:
        StoreError: it cannot be written.

    """
    with explained(path):
        if not path.exists():
            _create(path)
        with closing(connect(path, PATIENCE)) as connection:
            connection.execute("PRAGMA synchronous = full")
            connection.execute("BEGIN IMMEDIATE")
            try:
                if not is_known(connection, path):
                    raise StoreError(f"the database {path} is an empty file; remove it")
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
            # the change is safe already: a reader who is in the way now does no harm
            with suppress(sqlite3.OperationalError):
                connection.execute("PRAGMA wal_checkpoint(truncate)")


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say what is wrong with a file in words for people.

    Raises:
        StoreError: SQLite, or the system, has refused.

    """
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(explain(path, error)) from error


def explain(path: Path, error: sqlite3.Error | OSError) -> str:
    """Why a database cannot be used."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"the database {path} cannot be used: {reason}"


def _create(path: Path) -> None:
    """Make a database under another name, and give it its own where nobody has been faster."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    try:
        with closing(connect(draft, PATIENCE)) as connection:
            connection.execute("PRAGMA synchronous = full")
            connection.execute("PRAGMA journal_mode = wal")
            connection.executescript(
                f"BEGIN; {_SCHEMA.format(identity=secrets.token_hex(16))}"
                f"PRAGMA application_id = {OURS}; PRAGMA user_version = {VERSION}; COMMIT"
            )
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        # else a name that is new may be lost where the power fails
        os.fsync(folder)
    finally:
        os.close(folder)

"""The key book: API keys that are made, rotated and revoked while gateways run; who looks them up is `stores.watch`.

A key is shown when it is made, and never again: what is stored is its SHA-256 (`stores.apikey`). Rows stay when a key has
been revoked or has expired, so that one can see later whose it was.

Every method opens the file for itself, and blocks: where a loop runs, call it in a thread. A write takes 2 to 15 ms, most of which
is the disk.
"""

import difflib
import functools
import json
import re
import secrets
import sqlite3
import sys
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from gatekeeper.core.clock import Clock
from gatekeeper.stores.apikey import HINT, digest_of, make_key
from gatekeeper.stores.database import reading, writing


COLUMNS: Final = (
    "id, consumer, authenticator, digest, hint, scopes, note, created, expires, revoked, successor"
)
"""In the order that `record_of` wants."""
LONGEST_NOTE: Final = 200
MOST_SCOPES: Final = 100

_ID: Final = re.compile(r"k_[0-9a-z]{1,32}")
_SCOPE: Final = re.compile(r"[!#-\[\]-~]{1,200}")
_NEAR: Final = 2000

State = Literal["live", "expired", "revoked"]
Row = tuple[Any, ...]


class UnknownKeyError(LookupError):
    """There is no key of this id; the message is for people, and does not repeat what may be a key."""


@attrs.frozen(kw_only=True)
class KeyRecord:
    """What is known of a key. Times are seconds since the epoch (UTC); `hint` is the end of the key, for people.

    `successor` is the id of the key that was made in its place by `rotate`.
    """

    id: str
    consumer: str
    authenticator: str
    digest: bytes = attrs.field(repr=False)
    hint: str
    scopes: tuple[str, ...] = ()
    note: str = ""
    created: float
    expires: float | None = None
    revoked: float | None = None
    successor: str | None = None

    def state(self, now: float) -> State:
        """What it is good for at a time; it has expired from the very moment on that `expires` names."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and now >= self.expires else "live"

    def shown(self, now: float) -> dict[str, Any]:
        """All but its digest as plain data, with its state."""
        found = attrs.asdict(self, filter=attrs.filters.exclude("digest"))
        return {**found, "scopes": list(self.scopes), "state": self.state(now)}


class KeyBook:
    """All keys of a database; `clock` says when something happens."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path: Final = path
        self._clock: Final = clock

    def create(
        self,
        consumer: str,
        authenticator: str,
        *,
        scopes: Collection[str] = (),
        expires: float | None = None,
        note: str = "",
    ) -> tuple[KeyRecord, str]:
        """Make a key; the plain key that comes back is not to be had again.

        Raises:
            ValueError: it would have expired already, or a scope or the note cannot be taken.
            StoreError: the database cannot be written.

        """
        now = self._clock.wall()
        if expires is not None and not now < expires < float("inf"):
            raise ValueError("`expires` is not in the future: nobody could use the key")
        _check(scopes, note)
        with writing(self._path) as connection:
            return _insert(
                connection,
                consumer=consumer,
                authenticator=authenticator,
                scopes=tuple(dict.fromkeys(scopes)),
                note=note,
                created=now,
                expires=expires,
            )

    def list(self, consumer: str | None = None) -> list[KeyRecord]:
        """All keys, or those of a consumer, oldest first.

        Raises:
            StoreError: the database cannot be read.

        """
        with reading(self._path) as connection:
            if connection is None:
                return []
            which = "" if consumer is None else "WHERE consumer = ?"
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM keys {which} ORDER BY created, rowid",  # noqa: S608 - of constants
                () if consumer is None else (consumer,),
            )
            return [record_of(row) for row in rows]

    def rotate(self, key_id: str, grace: float) -> tuple[KeyRecord, str]:
        """Make a key in the place of another one, which expires after `grace` seconds, if not before.

        The new one is good for what the other one is, and lives as long as that was to live.

        Raises:
            UnknownKeyError: there is none of this id.
            ValueError: it has been rotated already, or nobody can use it any more.
            StoreError: the database cannot be written.

        """
        if not 0 <= grace < float("inf"):
            raise ValueError("`grace` must be 0 or more seconds")
        now = self._clock.wall()
        with writing(self._path) as connection:
            old = _find(connection, key_id)
            if old.successor is not None:
                raise ValueError(
                    f"`{old.id}` has been rotated: `{old.successor}` is in its place; rotate that"
                )
            if (state := old.state(now)) != "live":
                word = "has been revoked" if state == "revoked" else "has expired"
                raise ValueError(f"`{old.id}` {word}; create a new key for `{old.consumer}`")
            made, plain = _insert(
                connection,
                consumer=old.consumer,
                authenticator=old.authenticator,
                scopes=old.scopes,
                note=old.note,
                created=now,
                expires=None if old.expires is None else now + (old.expires - old.created),
            )
            ends = now + grace if old.expires is None else min(now + grace, old.expires)
            connection.execute(
                "UPDATE keys SET expires = ?, successor = ? WHERE id = ?", (ends, made.id, old.id)
            )
            return made, plain

    def revoke(self, key_id: str) -> KeyRecord:
        """Take a key out, at once; one that was taken out before stays as it is.

        Raises:
            UnknownKeyError: there is none of this id.
            StoreError: the database cannot be written.

        """
        with writing(self._path) as connection:
            found = _find(connection, key_id)
            if found.revoked is None:
                found = attrs.evolve(found, revoked=self._clock.wall())
                connection.execute("UPDATE keys SET revoked = ? WHERE id = ?", (found.revoked, found.id))
            return found


def record_of(row: Row) -> KeyRecord:
    """A row, with texts that many rows have held once."""
    key_id, consumer, authenticator, digest, hint, scopes, note, created, expires, revoked, successor = row
    return KeyRecord(
        id=key_id,
        consumer=sys.intern(consumer),
        authenticator=sys.intern(authenticator),
        digest=digest,
        hint=hint,
        scopes=_scopes(scopes),
        note=sys.intern(note),
        created=created,
        expires=expires,
        revoked=revoked,
        successor=successor,
    )


@functools.lru_cache(maxsize=1024)
def _scopes(text: str) -> tuple[str, ...]:
    return tuple(map(sys.intern, json.loads(text)))


def _check(scopes: Iterable[str], note: str) -> None:
    if len(tuple(scopes)) > MOST_SCOPES:
        raise ValueError(f"a key has at most {MOST_SCOPES} scopes")
    for scope in scopes:
        # RFC 6749, section 3.3
        if not _SCOPE.fullmatch(scope):
            raise ValueError("a scope has no spaces, quotes and backslashes, and at most 200 characters")
    if len(note) > LONGEST_NOTE or not note.isprintable():
        raise ValueError(f"a note is one line of at most {LONGEST_NOTE} characters")


def _insert(connection: sqlite3.Connection, **values: Any) -> tuple[KeyRecord, str]:
    plain = make_key()
    made = KeyRecord(id=f"k_{secrets.token_hex(6)}", digest=digest_of(plain), hint=plain[-HINT:], **values)
    row = (*attrs.astuple(made, recurse=False),)
    connection.execute(
        f"INSERT INTO keys ({COLUMNS}) VALUES ({', '.join('?' * len(row))})",  # noqa: S608 - of constants
        [json.dumps(item) if isinstance(item, tuple) else item for item in row],
    )
    return made, plain


def _find(connection: sqlite3.Connection, key_id: str) -> KeyRecord:
    row = connection.execute(
        f"SELECT {COLUMNS} FROM keys WHERE id = ?",  # noqa: S608 - of constants
        (key_id,),
    ).fetchone()
    if row is None:
        raise UnknownKeyError(_unknown(connection, key_id))
    return record_of(row)


def _unknown(connection: sqlite3.Connection, key_id: str) -> str:
    if not _ID.fullmatch(key_id):
        # it may be a key
        return "that is no id of a key; ids are like `k_7f3a90c1d2e4`, and a list of keys has them"
    newest = connection.execute("SELECT id FROM keys ORDER BY rowid DESC LIMIT ?", (_NEAR,))
    near = difflib.get_close_matches(key_id, [found for (found,) in newest], n=1, cutoff=0.8)
    return f"there is no key `{key_id}`" + (f"; did you mean `{near[0]}`?" if near else "")

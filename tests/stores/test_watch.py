"""The keys that those who take requests know."""

import asyncio
import logging
import os
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from gatekeeper.stores.apikey import digest_of
from gatekeeper.stores.database import writing
from gatekeeper.stores.keys import KeyBook, KeyRecord, record_of
from gatekeeper.stores.watch import EVERY, SLACK, TTL, KeyWatch
from gatekeeper.testing import FakeClock
from tests.stores.conftest import Looks, elsewhere


FAST = 0.02


async def made(
    book: KeyBook, consumer: str = "acme", expires: float | None = None
) -> tuple[KeyRecord, bytes]:
    """A new key: its record, and the digest of what a client sends."""
    record, plain = await asyncio.to_thread(book.create, consumer, "keys", expires=expires)
    return record, digest_of(plain)


def by_hand(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)


async def test_a_key_is_found(book: KeyBook, path: Path, clock: FakeClock) -> None:
    """By its digest, and by nothing else."""
    record, digest = await made(book)
    async with KeyWatch(path) as watch:
        assert ("up", 1) == (watch.state, len(watch))
        assert record == watch.lookup(digest, clock.wall())
        assert watch.lookup(digest[:-1] + b"x", clock.wall()) is None
        assert watch.lookup(b"", clock.wall()) is None


async def test_a_key_expires_without_a_look(book: KeyBook, path: Path, clock: FakeClock) -> None:
    """At its very moment; where a clock is set back it is good again."""
    ends = clock.wall() + 10
    record, digest = await made(book, expires=ends)
    async with KeyWatch(path, every=3600) as watch:
        found = [watch.lookup(digest, at) for at in (ends - 0.001, ends, ends + 1, ends - 1)]

    assert [record, None, None, record] == found


async def test_a_key_that_expired_before_the_watch_began(book: KeyBook, path: Path, clock: FakeClock) -> None:
    """The clock may have been wrong, and is set right now."""
    ends = clock.wall() + 10
    record, digest = await made(book, expires=ends)
    clock.advance(20)
    async with KeyWatch(path) as watch:
        assert watch.lookup(digest, clock.wall()) is None
        assert record == watch.lookup(digest, ends - 1)


async def test_key_06_an_unknown_key_that_is_created(book: KeyBook, path: Path, clock: FakeClock) -> None:
    """Nobody remembers that it was unknown; the first one makes the file."""
    looks = Looks()
    async with KeyWatch(path, every=FAST, on_look=looks) as watch:
        assert ("up", 0) == (watch.state, len(watch))
        assert not await asyncio.to_thread(path.exists)
        for count in (1, 2):
            record, digest = await made(book)
            await looks.until(lambda: len(watch) == count)  # noqa: B023 - it is awaited here
            assert record == watch.lookup(digest, clock.wall())


async def test_key_04_a_key_is_revoked_by_another_process(
    path: Path, book: KeyBook, clock: FakeClock
) -> None:
    """It is gone with the next look, which is well within a second; others stay."""
    _, digest = await made(book)
    other, other_digest = await made(book)
    looks = Looks()
    async with KeyWatch(path, on_look=looks) as watch:
        await elsewhere(path, "book.revoke(book.list()[0].id)")
        await looks.until(lambda: watch.lookup(digest, clock.wall()) is None)

        assert other == watch.lookup(other_digest, clock.wall())
        assert "up" == watch.state
    assert EVERY <= 0.25


async def test_a_key_is_rotated_by_another_process(path: Path, book: KeyBook, clock: FakeClock) -> None:
    """Both are good, until the time of the old one is over."""
    old, digest = await made(book)
    looks = Looks()
    async with KeyWatch(path, every=FAST, on_look=looks) as watch:
        plain = await elsewhere(path, f"print(book.rotate({old.id!r}, 3600)[1], end='')")
        await looks.until(lambda: len(watch) == 2)
        ends = (await asyncio.to_thread(book.list))[0].expires
        assert ends is not None
        found = [
            [watch.lookup(one, at) is not None for one in (digest, digest_of(plain))] for at in (0, ends)
        ]

    assert [[True, True], [False, True]] == found


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param("DELETE FROM keys WHERE consumer = 'bad'", 1, id="deleted"),
        pytest.param("UPDATE keys SET revoked = 1 WHERE consumer = 'bad'", 1, id="revoked"),
        pytest.param("UPDATE keys SET expires = 1 WHERE consumer = 'bad'", 2, id="expired"),
        pytest.param("UPDATE keys SET digest = zeroblob(32) WHERE consumer = 'bad'", 2, id="another-digest"),
        pytest.param(
            "REPLACE INTO keys SELECT id, consumer, authenticator, zeroblob(32), hint, scopes, note, created, "
            "expires, revoked, successor, 0 FROM keys WHERE consumer = 'bad'",
            2,
            id="replaced",
        ),
    ],
)
async def test_what_is_done_by_hand(
    path: Path, book: KeyBook, clock: FakeClock, statement: str, expected: int
) -> None:
    """In an emergency somebody uses whatever there is; that the key does not work any more is what counts."""
    good, good_digest = await made(book)
    _, bad = await made(book, "bad")
    looks = Looks()
    async with KeyWatch(path, every=FAST, on_look=looks) as watch:
        await asyncio.to_thread(by_hand, path, statement)
        await looks.until(lambda: watch.lookup(bad, clock.wall()) is None)

        assert good == watch.lookup(good_digest, clock.wall())
        assert expected == len(watch)


async def test_a_revoked_key_that_is_taken_back(path: Path, book: KeyBook, clock: FakeClock) -> None:
    """By hand: nothing else does."""
    record, digest = await made(book)
    await asyncio.to_thread(book.revoke, record.id)
    looks = Looks()
    async with KeyWatch(path, every=FAST, on_look=looks) as watch:
        assert watch.lookup(digest, clock.wall()) is None
        await asyncio.to_thread(by_hand, path, "UPDATE keys SET revoked = NULL")
        await looks.until(lambda: watch.lookup(digest, clock.wall()) == record)


async def test_a_look_without_a_change_reads_no_rows(path: Path, book: KeyBook) -> None:
    """Nobody is told of it, either."""
    await made(book)
    looked, told, enough = 0, [], Looks()

    class Counting(FakeClock):
        def monotonic(self) -> float:
            nonlocal looked
            looked += 1
            enough()
            return super().monotonic()

    async with KeyWatch(path, clock=Counting(), every=FAST, on_look=lambda: told.append(looked)):
        await enough.until(lambda: looked > 5)

    assert [1] == told


async def test_only_what_has_changed_is_read(
    path: Path, book: KeyBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows beyond the last change."""
    for _ in range(20):
        await made(book)
    looks, read = Looks(), []

    def counting(row: tuple[object, ...]) -> KeyRecord:
        read.append(row[0])
        return record_of(row)

    async with KeyWatch(path, every=FAST, on_look=looks) as watch:
        monkeypatch.setattr("gatekeeper.stores.watch.record_of", counting)
        record, _ = await made(book)
        await looks.until(lambda: len(watch) == 21)
        await asyncio.to_thread(book.revoke, record.id)
        await looks.until(lambda: len(watch) == 20)

    assert [record.id, record.id] == read


# ---- other files ----------------------------------------------------------------------------------------------------


async def test_a_file_that_is_replaced(path: Path, tmp_path: Path, clock: FakeClock) -> None:
    """By a backup that was restored, say: what is in it counts, and nothing else."""
    book, backup = KeyBook(path, clock), KeyBook(tmp_path / "backup.db", clock)
    old, old_digest = await made(backup)
    _, digest = await made(book)
    looks = Looks()
    async with KeyWatch(path, every=FAST, on_look=looks) as watch:
        for _ in range(3):
            await made(book)
        await looks.until(lambda: len(watch) == 4)
        await asyncio.to_thread(os.replace, tmp_path / "backup.db", path)
        await looks.until(lambda: watch.lookup(digest, clock.wall()) is None)
        assert (1, old) == (len(watch), watch.lookup(old_digest, clock.wall()))

        _, later = await made(book)
        await looks.until(lambda: watch.lookup(later, clock.wall()))
        assert (2, "up") == (len(watch), watch.state)


async def test_a_file_that_is_restored_in_its_place(path: Path, tmp_path: Path, clock: FakeClock) -> None:
    """It is the same file with less in it."""
    book = KeyBook(path, clock)
    old, old_digest = await made(book)

    def copy(source: Path, target: Path) -> None:
        with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
            one.backup(other)

    await asyncio.to_thread(copy, path, tmp_path / "backup.db")
    _, digest = await made(book)
    looks = Looks()
    async with KeyWatch(path, every=FAST, on_look=looks) as watch:
        assert 2 == len(watch)
        await asyncio.to_thread(copy, tmp_path / "backup.db", path)
        await looks.until(lambda: watch.lookup(digest, clock.wall()) is None)
        assert (1, old) == (len(watch), watch.lookup(old_digest, clock.wall()))


async def test_a_file_that_is_deleted(path: Path, book: KeyBook, clock: FakeClock) -> None:
    """There are no keys any more; and there are some when it comes again."""
    _, digest = await made(book)
    looks = Looks()
    async with KeyWatch(path, every=FAST, on_look=looks) as watch:
        for file in await asyncio.to_thread(lambda: list(path.parent.iterdir())):
            await asyncio.to_thread(file.unlink)
        await looks.until(lambda: watch.lookup(digest, clock.wall()) is None)
        assert ("up", 0) == (watch.state, len(watch))

        _, later = await made(book)
        await looks.until(lambda: watch.lookup(later, clock.wall()))
        assert 1 == len(watch)


# ---- KEY-05 ---------------------------------------------------------------------------------------------------------


def locked(path: Path) -> sqlite3.Connection:
    """Somebody who lets nobody read."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    connection.execute("BEGIN EXCLUSIVE")
    return connection


def break_(path: Path, how: str) -> None:
    """Put something else in its place, which cannot be read."""
    other = path.with_name("other.db")
    if how == "corrupt":
        other.write_bytes(b"SQLite format 3\0" + b"\xff" * 8176)
    elif how == "no-database":
        other.write_text("version: 1\n" * 500)
    elif how == "of-something-else":
        by_hand(other, "CREATE TABLE bookings (id)")
    elif how == "later-version":
        other.write_bytes(path.read_bytes())
        by_hand(other, "PRAGMA user_version = 2")
    elif how == "bad-row":
        other.write_bytes(path.read_bytes())
        by_hand(other, "UPDATE keys SET scopes = '['")
    else:
        other.mkdir()
        path.rename(path.with_name("gone.db"))
    other.rename(path)


BROKEN = ["corrupt", "no-database", "of-something-else", "later-version", "bad-row", "folder"]


@pytest.mark.parametrize("how", BROKEN)
async def test_key_05_a_file_that_cannot_be_read(
    path: Path, book: KeyBook, clock: FakeClock, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Known keys are good for a while, and new ones may be good; then nobody is let in, until it can be read."""
    record, digest = await made(book)
    saved = await asyncio.to_thread(path.read_bytes)
    looks, now = Looks(), clock.wall()
    async with KeyWatch(path, clock=clock, every=FAST, on_look=looks) as watch:
        with caplog.at_level(logging.INFO):
            await asyncio.to_thread(break_, path, how)
            await looks.until(lambda: watch.state == "stale")
            assert record == watch.lookup(digest, now)
            clock.advance(TTL)
            assert ("stale", record) == (watch.state, watch.lookup(digest, now))
            clock.advance(0.1)
            assert ("down", None) == (watch.state, watch.lookup(digest, now))

            fresh = path.with_name("fresh.db")
            await asyncio.to_thread(fresh.write_bytes, saved)
            if how == "folder":
                await asyncio.to_thread(path.rmdir)
            await asyncio.to_thread(fresh.rename, path)
            await looks.until(lambda: watch.lookup(digest, now) == record)
            assert "up" == watch.state

    said = [(one.levelname, one.message) for one in caplog.records]
    assert ["ERROR", "INFO"] == [level for level, _ in said]
    assert str(path) in said[0][1]
    assert said[0][1].endswith("; API keys that are known are good for 60 s more, new ones are not")
    assert "the API keys can be read again" == said[1][1]


async def test_key_05_a_file_that_is_locked(
    path: Path, book: KeyBook, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By somebody who has taken it out of the mode in which readers need not wait."""
    monkeypatch.setattr("gatekeeper.stores.watch.PATIENCE", 0.01)
    record, digest = await made(book)
    await asyncio.to_thread(by_hand, path, "PRAGMA journal_mode = delete")
    looks = Looks()
    async with KeyWatch(path, clock=clock, every=FAST, on_look=looks) as watch:
        connection = await asyncio.to_thread(locked, path)
        await looks.until(lambda: watch.state == "stale")
        assert record == watch.lookup(digest, clock.wall())
        await asyncio.to_thread(connection.close)
        await looks.until(lambda: watch.state == "up")


async def test_key_05_a_revocation_while_it_could_not_be_read(
    path: Path, book: KeyBook, clock: FakeClock
) -> None:
    """It is heard of before anybody is told that all is well."""
    record, digest = await made(book)
    other, other_digest = await made(book)
    looks = Looks()
    async with KeyWatch(path, every=FAST, on_look=looks) as watch:
        away = path.with_name("away.db")
        await asyncio.to_thread(path.rename, away)
        await asyncio.to_thread(path.mkdir)
        await looks.until(lambda: watch.state == "stale")
        await asyncio.to_thread(KeyBook(away, clock).revoke, record.id)
        await asyncio.to_thread(path.rmdir)
        await asyncio.to_thread(away.rename, path)
        await looks.until(lambda: watch.state == "up" and watch.lookup(other_digest, clock.wall()) == other)
        assert watch.lookup(digest, clock.wall()) is None


async def test_key_05_nothing_is_known_where_the_first_look_fails(path: Path, clock: FakeClock) -> None:
    """The gateway starts all the same."""
    await asyncio.to_thread(path.mkdir)
    looks = Looks()
    async with KeyWatch(path, every=FAST, on_look=looks) as watch:
        assert "down" == watch.state
        await asyncio.to_thread(path.rmdir)
        await looks.until(lambda: watch.state == "up")


async def test_key_05_a_look_that_never_returns(path: Path, book: KeyBook, clock: FakeClock) -> None:
    """A disk that hangs says nothing; time does."""
    _, digest = await made(book)
    now = clock.wall()
    async with KeyWatch(path, clock=clock, every=3600, ttl=30) as watch:
        states = [(watch.state, watch.lookup(digest, now) is not None)]
        for seconds in (SLACK, 0.1, 30 - SLACK - 0.1, 0.1):
            clock.advance(seconds)
            states.append((watch.state, watch.lookup(digest, now) is not None))

    assert [("up", True), ("up", True), ("stale", True), ("stale", True), ("down", False)] == states


# ---- its life -------------------------------------------------------------------------------------------------------


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


async def test_nothing_is_left_running(path: Path) -> None:
    """When it is closed, its thread has ended; one that was never opened has none."""
    async with KeyWatch(path, every=FAST):
        assert "keys of gatekeeper.db" in threads()
    assert "keys of gatekeeper.db" not in threads()
    await KeyWatch(path).close()


async def test_a_file_is_not_held_any_more(path: Path, book: KeyBook) -> None:
    """So that whoever goes last tidies up."""
    await made(book)
    async with KeyWatch(path, every=FAST):
        pass
    await made(book)

    assert ["gatekeeper.db"] == [
        one.name for one in await asyncio.to_thread(lambda: list(path.parent.iterdir()))
    ]


async def test_whoever_gives_up_while_it_opens(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves no thread behind."""
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()
    watch = KeyWatch(path, every=FAST)
    look = watch._look

    def slowly() -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait(10)
        look()

    monkeypatch.setattr(watch, "_look", slowly)

    async def enter() -> None:
        async with watch:
            raise AssertionError

    task = asyncio.create_task(enter())
    await begun.wait()
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert watch._thread is not None
    assert not watch._thread.is_alive()


async def test_key_02_it_shows_no_digests(path: Path, book: KeyBook) -> None:
    """Nor keys."""
    record, digest = await made(book)
    async with KeyWatch(path) as watch:
        assert f"<KeyWatch {path} up 1 keys>" == repr(watch)
        assert repr(digest) not in repr(watch.__dict__["_keys"][digest])
    assert record.id not in repr(watch)


def test_many_keys_are_read_in_pieces(path: Path, clock: FakeClock) -> None:
    """All of them, whatever the size of the last piece."""
    with writing(path) as connection:
        connection.executemany(
            "INSERT INTO keys (id, consumer, authenticator, digest, hint, scopes, note, created) "
            "VALUES (?, 'acme', 'keys', ?, 'abcd', '[]', '', 0)",
            [(f"k_{number}", digest_of(str(number))) for number in range(1501)],
        )
    watch = KeyWatch(path, every=3600)
    watch.open()
    try:
        assert 1501 == len(watch)
        assert all(watch.lookup(digest_of(str(number)), clock.wall()) for number in range(1501))
    finally:
        asyncio.run(watch.close())

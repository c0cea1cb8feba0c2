"""The database file."""

import os
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from gatekeeper.core.clock import SystemClock
from gatekeeper.stores.database import StoreError, connect, reading, writing
from gatekeeper.stores.keys import KeyBook
from tests.stores.conftest import PATIENCE, command


def sql(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """What somebody does by hand; the rows of the last statement."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def counted(path: Path) -> tuple[object, ...]:
    """The number of the last change, and removals."""
    return sql(path, "SELECT number, removals FROM changes")[0]


def test_nobody_has_written_yet(path: Path) -> None:
    """Whoever reads does not create it."""
    with reading(path) as connection:
        assert connection is None
    assert not path.exists()


def test_it_is_created_for_its_owner_only(path: Path) -> None:
    """Whatever the umask is; its log and its index, too."""
    before = os.umask(0)
    try:
        with writing(path):
            pass
    finally:
        os.umask(before)
    with closing(connect(path, 1)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM changes").fetchall()
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}

    assert {"gatekeeper.db": 0o600, "gatekeeper.db-wal": 0o600, "gatekeeper.db-shm": 0o600} == modes


def test_an_empty_file_is_one_that_nobody_has_written(path: Path) -> None:
    """None of ours: these are whole from the first moment on. It is not written to."""
    path.touch()
    with reading(path) as connection:
        assert connection is None
    with pytest.raises(StoreError, match="is an empty file; remove it"), writing(path):
        pass
    assert b"" == path.read_bytes()


def test_readers_go_on_while_somebody_writes(path: Path) -> None:
    """They see what was there before, all of it."""
    with writing(path):
        pass
    with writing(path) as connection:
        connection.execute("UPDATE changes SET number = 5")
        with reading(path) as other:
            assert other is not None
            seen = other.execute("SELECT number FROM changes").fetchone()
    with reading(path) as other:
        assert other is not None
        assert ((0,), (5,)) == (seen, other.execute("SELECT number FROM changes").fetchone())


def test_what_fails_has_not_been_written(path: Path) -> None:
    """All of it or nothing."""
    with pytest.raises(RuntimeError), writing(path) as connection:
        connection.execute("UPDATE changes SET number = 5")
        raise RuntimeError

    assert (0, 0) == counted(path)


def test_a_copy_of_the_file_alone_is_whole(path: Path, tmp_path: Path) -> None:
    """Even while somebody has it open, so that the log stays."""
    with writing(path):
        pass
    with closing(connect(path, 1)) as reader:
        reader.execute("SELECT * FROM changes").fetchall()
        with writing(path) as connection:
            connection.execute("UPDATE changes SET number = 5")
        copy = tmp_path / "copy.db"
        copy.write_bytes(path.read_bytes())

    assert (5, 0) == counted(copy)


@pytest.mark.parametrize("use", [reading, writing])
def test_a_database_of_something_else_is_left_alone(path: Path, use: object) -> None:
    """Nothing is put into it."""
    sql(path, "CREATE TABLE bookings (id)")
    before = path.read_bytes()

    with pytest.raises(StoreError, match="is the database of something else; name another file"), use(path):  # type: ignore[operator]
        pass
    assert before == path.read_bytes()


@pytest.mark.parametrize("use", [reading, writing])
def test_a_later_version_is_left_alone(path: Path, use: object) -> None:
    """Who does not know what it says must not change it, and must not believe it either."""
    with writing(path):
        pass
    sql(path, "PRAGMA user_version = 2")

    with pytest.raises(StoreError, match="is of a later version of gatekeeper"), use(path):  # type: ignore[operator]
        pass


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"version: 1\n" * 500, "file is not a database", id="another-file"),
        pytest.param(b"SQLite format 3\0" + b"\xff" * 4080, "file is not a database", id="garbage"),
    ],
)
def test_what_is_no_database(path: Path, content: bytes, reason: str) -> None:
    """It is named."""
    path.write_bytes(content)

    for use in (reading, writing):
        with pytest.raises(StoreError) as error, use(path):
            pass
        assert f"the database {path} cannot be used: {reason}" == str(error.value)


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    """It is not created: it may be a slip, or a disk that is not there."""
    path = tmp_path / "missing" / "gatekeeper.db"

    with pytest.raises(StoreError, match=r"cannot be used: No such file or directory$"):
        writing(path).__enter__()


def test_a_file_that_is_locked(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits in vain says so."""
    monkeypatch.setattr("gatekeeper.stores.database.PATIENCE", 0.01)
    with (
        writing(path),
        pytest.raises(StoreError, match="cannot be used: database is locked"),
        writing(path),
    ):
        pass


INSERT = (
    "INSERT {or_} INTO keys (id, consumer, authenticator, digest, hint, scopes, note, created) "
    "VALUES ('{id}', 'a', 'keys', {digest}, '1234', '[]', '', 0)"
)
ONE = INSERT.format(or_="", id="k_1", digest="zeroblob(32)")
OTHER = "x'" + "01" * 32 + "'"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        pytest.param("UPDATE keys SET revoked = 1", (2, 0), id="a-key-is-revoked"),
        pytest.param("UPDATE keys SET note = note", (2, 0), id="nothing-changes"),
        pytest.param(INSERT.format(or_="", id="k_2", digest=OTHER), (2, 0), id="a-key-is-added"),
        pytest.param("DELETE FROM keys", (2, 1), id="a-key-is-deleted"),
        pytest.param(f"UPDATE keys SET digest = {OTHER}", (2, 1), id="a-key-becomes-another"),
        pytest.param(INSERT.format(or_="OR REPLACE", id="k_1", digest=OTHER), (3, 1), id="a-row-is-replaced"),
        pytest.param(
            INSERT.format(or_="OR REPLACE", id="k_2", digest="zeroblob(32)"), (3, 1), id="a-digest-moves"
        ),
    ],
)
def test_what_is_done_by_hand_is_counted(path: Path, statement: str, expected: tuple[int, int]) -> None:
    """Changes have numbers, and rows the number of their last one; removals are counted apart."""
    with writing(path):
        pass
    sql(path, ONE, statement)

    assert expected == counted(path)
    assert sql(path, "SELECT max(changed) FROM keys") in ([(expected[0],)], [(1,)], [(None,)])


def test_many_processes_create_it_at_once(path: Path) -> None:
    """One of them lays it out, and nothing of the others is lost."""
    processes = [
        subprocess.Popen(command(path, "for _ in range(5): book.create('acme', 'keys')")) for _ in range(6)
    ]

    assert [0] * 6 == [process.wait(PATIENCE) for process in processes]
    assert 30 == len(KeyBook(path, SystemClock()).list())
    assert [("wal",)] == sql(path, "PRAGMA journal_mode")
    assert ["gatekeeper.db"] == [file.name for file in path.parent.iterdir()]


def test_a_process_that_is_killed_leaves_a_sound_file(path: Path) -> None:
    """Whatever it was doing: what it has said is there, and the next one goes on."""
    told = 0
    for _ in range(8):
        code = "import os\nwhile True: os.write(1, f'{book.create(chr(97), chr(98))[0].id}\\n'.encode())"
        with subprocess.Popen(command(path, code), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            ids = [process.stdout.readline() for _ in range(3)]
            process.kill()
            ids += [line for line in process.stdout if line.endswith("\n")]
        told += len(ids)

        assert [("ok",)] == sql(path, "PRAGMA integrity_check")
        assert {one.strip() for one in ids} <= {one.id for one in KeyBook(path, SystemClock()).list()}
    # a key may have been written whose id nobody has heard
    assert told <= len(KeyBook(path, SystemClock()).list()) <= told + 8

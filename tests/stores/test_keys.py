"""The key book."""

import asyncio
import logging
from contextlib import closing
from pathlib import Path

import pytest

from gatekeeper.stores.apikey import digest_of, is_key
from gatekeeper.stores.database import connect
from gatekeeper.stores.keys import KeyBook, UnknownKeyError
from gatekeeper.testing import FakeClock


DAY = 86400.0


def test_a_key(book: KeyBook, clock: FakeClock) -> None:
    """It is shown once; what is kept is its digest, and its end for people."""
    record, plain = book.create(
        "acme", "partner-keys", scopes=["read", "write", "read"], expires=clock.wall() + DAY, note="CI"
    )

    assert is_key(plain)
    assert (digest_of(plain), plain[-4:]) == (record.digest, record.hint)
    assert ("acme", "partner-keys", ("read", "write"), "CI") == (
        record.consumer,
        record.authenticator,
        record.scopes,
        record.note,
    )
    assert (clock.wall(), clock.wall() + DAY, None, None) == (
        record.created,
        record.expires,
        record.revoked,
        record.successor,
    )
    assert [record] == book.list()


def test_nobody_has_keys(book: KeyBook) -> None:
    """Where there is no file."""
    assert [] == book.list()


def test_those_of_a_consumer(book: KeyBook, clock: FakeClock) -> None:
    """Oldest first, by their exact name."""
    made = []
    for name in ("acme", "other", "acme", "ACME"):
        made.append(book.create(name, "keys")[0])
        clock.advance(1)

    assert made == book.list()
    assert [made[0], made[2]] == book.list("acme")
    assert [] == book.list("acme' OR 1=1 --")


def test_a_revoked_key_is_gone_at_once(book: KeyBook, clock: FakeClock) -> None:
    """It stays in the book; twice is no error, and changes nothing."""
    record, _ = book.create("acme", "keys")
    clock.advance(5)
    revoked = book.revoke(record.id)
    at = clock.wall()
    clock.advance(5)

    assert at == revoked.revoked
    assert [revoked] == book.list()
    assert revoked == book.revoke(record.id)
    assert ["live", "revoked"] == [one.state(clock.wall()) for one in (record, revoked)]


def test_a_key_expires_at_its_very_moment(book: KeyBook, clock: FakeClock) -> None:
    """Not one later."""
    ends = clock.wall() + 10
    record, _ = book.create("acme", "keys", expires=ends)

    assert ["live", "expired", "expired"] == [record.state(at) for at in (ends - 0.001, ends, ends + 1)]


@pytest.mark.parametrize(
    ("lifetime", "grace", "old_ends", "new_ends"),
    [
        pytest.param(None, 60, 70, None, id="for-ever"),
        pytest.param(None, 0, 10, None, id="at-once"),
        pytest.param(90 * DAY, 60, 70, 10 + 90 * DAY, id="as-long-as-the-one-before"),
        pytest.param(20, 60, 20, 30, id="grace-does-not-prolong"),
    ],
)
def test_rotation(
    book: KeyBook,
    clock: FakeClock,
    lifetime: float | None,
    grace: float,
    old_ends: float,
    new_ends: float | None,
) -> None:
    """A new key for the same; the old one is good for a while. Seconds after it was made."""
    start = clock.wall()
    old, old_plain = book.create(
        "acme", "keys", scopes=["read"], note="CI", expires=None if lifetime is None else start + lifetime
    )
    clock.advance(10)
    made, plain = book.rotate(old.id, grace)
    before, after = book.list()

    assert made == after
    assert plain != old_plain
    assert digest_of(plain) == made.digest
    assert (old.consumer, old.authenticator, old.scopes, old.note) == (
        made.consumer,
        made.authenticator,
        made.scopes,
        made.note,
    )
    assert (start + old_ends, made.id, None) == (before.expires, before.successor, before.revoked)
    assert (start + 10, None if new_ends is None else start + new_ends) == (made.created, made.expires)


def test_what_cannot_be_rotated(book: KeyBook, clock: FakeClock) -> None:
    """Nobody gets a key by one that nobody can use, and twice from the same."""
    first, _ = book.create("acme", "keys")
    second, _ = book.rotate(first.id, DAY)
    third, _ = book.create("acme", "keys", expires=clock.wall() + 1)
    book.revoke(second.id)
    clock.advance(1)
    count = len(book.list())

    for key_id, message in (
        (first.id, f"`{first.id}` has been rotated: `{second.id}` is in its place; rotate that"),
        (second.id, f"`{second.id}` has been revoked; create a new key for `acme`"),
        (third.id, f"`{third.id}` has expired; create a new key for `acme`"),
    ):
        with pytest.raises(ValueError) as error:
            book.rotate(key_id, 0)
        assert message == str(error.value)
    assert count == len(book.list())


def test_an_id_that_does_not_exist(book: KeyBook) -> None:
    """With one that is near."""
    record, _ = book.create("acme", "keys")
    for act in (book.revoke, lambda key_id: book.rotate(key_id, 0)):
        with pytest.raises(UnknownKeyError) as error:
            act(record.id[:-1])
        assert f"there is no key `{record.id[:-1]}`; did you mean `{record.id}`?" == str(error.value)
    with pytest.raises(UnknownKeyError) as error:
        book.revoke("k_zzzz")
    assert "there is no key `k_zzzz`" == str(error.value)


def test_key_02_a_key_in_the_place_of_an_id_is_not_repeated(book: KeyBook) -> None:
    """Whoever pastes the wrong one does not find it in a log."""
    _, plain = book.create("acme", "keys")
    for text in (plain, plain[:-1], "k_" + plain):
        with pytest.raises(UnknownKeyError) as error:
            book.revoke(text)
        assert plain[3:20] not in str(error.value)
        assert "that is no id of a key" in str(error.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"expires": 1_700_000_000.0}, "`expires` is not in the future", id="expires-now"),
        pytest.param({"expires": float("nan")}, "`expires` is not in the future", id="expires-nan"),
        pytest.param({"expires": float("inf")}, "`expires` is not in the future", id="expires-inf"),
        pytest.param({"scopes": ["read write"]}, "a scope has no spaces", id="space"),
        pytest.param({"scopes": [""]}, "a scope has no spaces", id="empty"),
        pytest.param({"scopes": ['"']}, "a scope has no spaces", id="quote"),
        pytest.param({"scopes": ["\\"]}, "a scope has no spaces", id="backslash"),
        pytest.param({"scopes": ["a\n"]}, "a scope has no spaces", id="line-end"),
        pytest.param({"scopes": ["x" * 201]}, "at most 200 characters", id="long"),
        pytest.param({"scopes": [str(n) for n in range(101)]}, "at most 100 scopes", id="many"),
        pytest.param({"note": "a\x1b[2J"}, "a note is one line", id="control-characters"),
        pytest.param({"note": "x" * 201}, "at most 200 characters", id="long-note"),
    ],
)
def test_what_a_key_cannot_be(book: KeyBook, options: dict[str, object], message: str) -> None:
    """Nothing is written."""
    with pytest.raises(ValueError, match=message):
        book.create("acme", "keys", **options)  # type: ignore[arg-type]
    assert [] == book.list()


@pytest.mark.parametrize("grace", [-1.0, float("nan"), float("inf")])
def test_a_grace_that_is_none(book: KeyBook, grace: float) -> None:
    """Of the old key, which stays as it is."""
    record, _ = book.create("acme", "keys")

    with pytest.raises(ValueError, match="`grace` must be 0 or more seconds"):
        book.rotate(record.id, grace)
    assert [record] == book.list()


def test_key_02_the_plain_key_is_nowhere(
    book: KeyBook, path: Path, caplog: pytest.LogCaptureFixture, clock: FakeClock
) -> None:
    """Not in the file, its log and its index, not in logs, not in what is shown."""
    with caplog.at_level(logging.DEBUG):
        first, plain = book.create("acme", "keys", note="x")
        with closing(connect(path, 1)) as reader:
            reader.execute("SELECT * FROM changes").fetchall()
            second, other = book.rotate(first.id, 60)
            book.revoke(first.id)
            files = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    shown = [repr(first), str(second), repr(first.shown(clock.wall())), caplog.text]

    assert {"gatekeeper.db", "gatekeeper.db-wal", "gatekeeper.db-shm"} == set(files)
    for key in (plain, other):
        for data in files.values():
            assert key[3:-6].encode() not in data
        for text in shown:
            assert key[3:-6] not in text
            assert digest_of(key).hex() not in text
            assert repr(digest_of(key)) not in text


def test_what_is_shown(book: KeyBook, clock: FakeClock) -> None:
    """Plain data, for people and programs."""
    record, plain = book.create("acme", "keys", scopes=["read"])

    assert {
        "id": record.id,
        "consumer": "acme",
        "authenticator": "keys",
        "hint": plain[-4:],
        "scopes": ["read"],
        "note": "",
        "created": clock.wall(),
        "expires": None,
        "revoked": None,
        "successor": None,
        "state": "live",
    } == record.shown(clock.wall())


async def test_in_a_thread(book: KeyBook) -> None:
    """Where a loop runs; many at the same time."""
    made = await asyncio.gather(*(asyncio.to_thread(book.create, "acme", "keys") for _ in range(10)))

    assert {record.id for record, _ in made} == {one.id for one in await asyncio.to_thread(book.list)}

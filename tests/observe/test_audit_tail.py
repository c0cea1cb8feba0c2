"""What a process finds on the disk before it goes on with a chain."""

import hashlib
import os
from pathlib import Path

import pytest

from gatekeeper.observe import audit_tail
from gatekeeper.observe.audit_tail import AuditError, Tail
from gatekeeper.policy.ledger import LONGEST, Head, seal


def chain(count: int, head: Head | None = None) -> tuple[bytes, Head]:
    """Lines, and where they end."""
    data, head = b"", head or Head()
    for number in range(count):
        line, head = seal(head, "t", "refused", {"n": number})
        data += line
    return data, head


def mended(path: Path) -> Tail:
    """Open and mend a file."""
    fd = audit_tail.open_file(path)
    try:
        return audit_tail.mend(fd, path)
    finally:
        os.close(fd)


THREE, HEAD = chain(3)
FOURTH, AFTER = chain(1, HEAD)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "audit.jsonl"


def test_a_new_file_is_for_its_owner_only(path: Path) -> None:
    """Whatever the mask of the process allows; one that is there stays as it is."""
    before = os.umask(0)
    try:
        assert Tail(0, Head()) == mended(path)
    finally:
        os.umask(before)
    assert 0o600 == path.stat().st_mode & 0o777

    path.chmod(0o640)
    mended(path)
    assert 0o640 == path.stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("torn", "kept"),
    [
        pytest.param(b"", THREE, id="whole"),
        pytest.param(FOURTH[:-40], THREE, id="half a record"),
        pytest.param(b"\0" * 100_000, THREE, id="zeros of a machine that lost its power"),
        pytest.param(FOURTH[:-1].replace(b'"n":0', b'"n":9'), THREE, id="a whole one that does not fit"),
        pytest.param(chain(1)[0][:-1], THREE, id="a whole one of elsewhere"),
        pytest.param(THREE[:50], b"", id="half of the first record"),
    ],
)
def test_what_a_crash_has_torn_is_cut_off(path: Path, torn: bytes, kept: bytes) -> None:
    """It is told by its length and digest."""
    path.write_bytes(kept + torn)
    tail = mended(path)

    assert kept == path.read_bytes()
    assert (len(kept), HEAD if kept else Head(), len(torn)) == (tail.size, tail.head, tail.torn)
    assert tail.digest == (hashlib.sha256(torn).hexdigest() if torn else "")


def test_a_record_that_only_lacks_its_line_end_gets_it(path: Path) -> None:
    """Nothing of it was lost."""
    path.write_bytes(THREE + FOURTH[:-1])

    assert Tail(len(THREE + FOURTH), AFTER) == mended(path)
    assert THREE + FOURTH == path.read_bytes()


@pytest.mark.parametrize(
    ("content", "line"),
    [
        pytest.param(THREE + b"x\n", 4, id="no record"),
        pytest.param(THREE + FOURTH.replace(b'"n":0', b'"n":9'), 4, id="changed"),
        pytest.param(b"x" * (LONGEST + 9) + b"\n", 1, id="a line that is too long"),
        pytest.param(THREE + b"x\n" + FOURTH[:9], 4, id="torn behind it"),
    ],
)
def test_an_end_that_does_not_fit_is_refused(path: Path, content: bytes, line: int) -> None:
    """With the line and the cure, and nothing is changed."""
    path.write_bytes(content)
    with pytest.raises(AuditError) as caught:
        mended(path)

    assert f"line {line} of `{path}` does not fit its chain: " in str(caught.value)
    assert str(caught.value).endswith("Move the file away, and a new chain begins")
    assert content == path.read_bytes()


@pytest.mark.parametrize("content", [b"", THREE[:9]])
def test_a_new_file_goes_on_with_the_one_before(path: Path, content: bytes) -> None:
    """Also where a process died right after it had renamed that."""
    path.with_name("audit.jsonl.1").write_bytes(THREE)
    path.with_name("audit.jsonl.2").write_bytes(b"x\n")
    path.write_bytes(content)

    assert HEAD == mended(path).head


def test_only_one_process_has_a_file(path: Path) -> None:
    """Others are told who."""
    first = audit_tail.lock(path)
    with pytest.raises(
        AuditError, match=rf"^another gateway writes `{path}` \(pid {os.getpid()}\); each one needs"
    ):
        audit_tail.lock(path)
    os.close(first)

    os.close(audit_tail.lock(path))


@pytest.mark.parametrize("kind", ["folder", "pipe", "no folder", "file for a folder"])
def test_what_cannot_be_written_to_is_told(path: Path, kind: str) -> None:
    """At once: a pipe that nobody reads would wait for ever."""
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path = path.parent / "there" / "audit.jsonl"
        if kind == "file for a folder":
            path.parent.write_text("")
    with pytest.raises(AuditError, match=r"; (?:name|create)"):
        os.close(audit_tail.lock(path))
        audit_tail.open_file(path)


def test_files_move_up_and_the_oldest_goes(path: Path) -> None:
    """What has another name stays."""
    for name in (
        "audit.jsonl",
        "audit.jsonl.1",
        "audit.jsonl.2",
        "audit.jsonl.5",
        "audit.jsonl.x",
        "audit.jsonl.01",
    ):
        path.with_name(name).write_text(name)
    files = audit_tail.older(path)
    audit_tail.shift(path, files, 2)

    assert [1, 2, 5] == [number for number, _ in files]
    assert {
        "audit.jsonl.1": "audit.jsonl",
        "audit.jsonl.2": "audit.jsonl.1",
        "audit.jsonl.x": "audit.jsonl.x",
        "audit.jsonl.01": "audit.jsonl.01",
    } == {file.name: file.read_text() for file in path.parent.iterdir()}


def test_what_is_told_of_a_file_that_goes(path: Path) -> None:
    """Its records; of one that is broken, its size."""
    path.write_bytes(THREE)
    whole = audit_tail.told(path)
    path.write_bytes(b"x\n")

    assert whole == {
        "file": "audit.jsonl",
        "bytes": len(THREE),
        "first": 1,
        "last": 3,
        "until": "t",
        "hash": HEAD.hash,
    }
    assert {"file": "audit.jsonl", "bytes": 2} == audit_tail.told(path)


def test_lines_of_files_in_order(path: Path) -> None:
    """With their numbers; one that is too long is no reason to hold all of it."""
    path.write_bytes(b"a\nb")
    other = path.with_name("other")
    other.write_bytes(b"x" * (LONGEST + 2) + b"\n")

    assert [(str(path), 1, b"a\n"), (str(path), 2, b"b")] == list(audit_tail.lines([path]))
    assert [LONGEST + 1, 2] == [len(data) for _, _, data in audit_tail.lines([other])]


def test_somebody_elses_line_is_ended(path: Path) -> None:
    """So that it spoils no record."""
    path.write_bytes(b"x")
    fd = audit_tail.open_file(path)
    sizes = [audit_tail.end_line(fd), audit_tail.end_line(fd)]
    os.close(fd)

    assert ([2, 2], b"x\n") == (sizes, path.read_bytes())

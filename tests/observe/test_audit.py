"""The file: records in order, whatever happens to the disk, to its name, or to the process."""

import functools
import json
import logging
import os
import resource
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.core.clock import SystemClock
from gatekeeper.observe import audit, audit_tail
from gatekeeper.observe.audit import AuditFile
from gatekeeper.observe.audit_tail import AuditError
from gatekeeper.policy.ledger_check import Line, Report, inspect


MIB = 1024 * 1024


def until(condition: Callable[[], object]) -> None:
    """Wait for a thread."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def report(*paths: Path) -> Report:
    """What is known of files, oldest first."""
    return inspect(Line(*line) for line in audit_tail.lines(paths))


def records(*paths: Path) -> list[dict[str, Any]]:
    """What they hold; they are whole."""
    assert report(*paths).broken is None
    return [json.loads(line) for path in paths for line in path.read_bytes().splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "audit.jsonl"


Open = Callable[..., AuditFile]


@pytest.fixture
def opened(path: Path) -> Iterator[Open]:
    """Open the file; it is closed at the end."""
    files: list[AuditFile] = []

    def make(rotate: int = MIB, keep: int = 7) -> AuditFile:
        files.append(AuditFile(path, rotate, keep, SystemClock()))
        return files[-1]

    yield make
    for file in files:
        file.close()


def test_what_is_recorded_is_in_the_file(opened: Open, path: Path) -> None:
    """In order, with a time, and soon: nobody has to close it."""
    file = opened()
    for number in range(1000):
        file.record("refused", {"n": number})
    file.record("admin", {"n": "later"}, "2020-01-01T00:00:00.000Z")
    until(lambda: path.read_bytes().count(b"\n") == 1001)

    found = records(path)
    assert [*range(1000), "later"] == [record["n"] for record in found]
    assert ("admin", "2020-01-01T00:00:00.000Z") == (found[-1]["event"], found[-1]["time"])
    assert found[0]["time"].startswith("20")


def test_the_chain_goes_on(opened: Open, path: Path) -> None:
    """With each process that opens the file."""
    heads = []
    for number in range(3):
        file = opened()
        file.record("start", {"n": number})
        file.close()
        heads.append(file.head.seq)

    assert [0, 1, 2] == [record["n"] for record in records(path)]
    assert [1, 2, 3] == heads


def test_what_was_torn_is_told(opened: Open, path: Path) -> None:
    """As the first record of the process that finds it."""
    file = opened()
    file.record("start", {})
    file.close()
    with path.open("ab") as torn:
        torn.write(b'{"half')
    file = opened()
    file.record("start", {})
    file.close()

    assert ["start", "recovered", "start"] == [record["event"] for record in records(path)]
    assert 6 == records(path)[1]["bytes"]


def test_a_file_has_one_writer(opened: Open, path: Path) -> None:
    """Two chains in one file would both be broken; who has closed it lets go."""
    file = opened()
    with pytest.raises(AuditError, match="another gateway writes"):
        opened()
    file.close()
    opened().record("start", {})


def test_who_cannot_go_on_lets_go(opened: Open, path: Path) -> None:
    """Of the lock, too: the cure needs no restart of anything else."""
    path.write_text("x\n")
    with pytest.raises(AuditError, match="line 1 of"):
        opened()
    path.unlink()
    opened()


def test_closing_is_final(opened: Open, path: Path) -> None:
    """What comes later is counted."""
    file = opened()
    file.record("stop", {})
    file.close()
    file.record("refused", {})
    file.close()

    assert (1, 1) == (file.dropped, len(records(path)))


def test_a_record_that_has_no_form_is_a_gap(
    opened: Open, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It takes nothing with it."""
    file = opened()
    file.record("refused", {"n": 1})
    file.record("refused", {"n": object()})
    file.record("refused", {"n": 2})
    file.close()

    assert ["refused", "gap", "refused"] == [record["event"] for record in records(path)]
    assert 1 == file.dropped
    assert "cannot be written: refused" in caplog.text


# ---- rotation -----------------------------------------------------------------------------------------------------


def family(path: Path) -> list[Path]:
    """All files of a chain, oldest first."""
    return [*(file for _, file in reversed(audit_tail.older(path))), path]


def test_files_are_rotated_and_the_chain_goes_on_across_them(
    opened: Open, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What goes is recorded, with the records that were in it."""
    file = opened(rotate=10_000, keep=2)
    for number in range(300):
        file.record("refused", {"n": number})
    file.close()
    found = records(*family(path))

    assert ["audit.jsonl.2", "audit.jsonl.1", "audit.jsonl"] == [one.name for one in family(path)]
    assert all(one.stat().st_size <= 10_600 for one in family(path))
    assert all(one.stat().st_size >= 10_000 for one in family(path)[:-1])
    assert all(0o600 == one.stat().st_mode & 0o777 for one in family(path))
    deleted = [one for record in found for one in record.get("deleted", ())]
    assert found[0]["seq"] == deleted[-1]["last"] + 1
    assert found[0]["prev"] == deleted[-1]["hash"]
    assert 299 == found[-1]["n"]
    assert "" == caplog.text


def test_fewer_may_be_kept_from_now_on(opened: Open, path: Path) -> None:
    """A reload says so; nothing is opened anew for that."""
    file = opened(rotate=10_000, keep=7)
    for _ in range(200):
        file.record("refused", {})
    until(lambda: len(family(path)) > 3)
    file.reconfigure(2_000, 1)
    for _ in range(200):
        file.record("refused", {})
    file.close()

    assert 2 == len(family(path))
    assert records(*family(path))


def test_a_folder_that_cannot_be_renamed_in_is_no_reason_to_stop(
    opened: Open, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The file grows, and that is said once a minute."""

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(audit_tail, "shift", refuse)
    file = opened(rotate=2_000, keep=1)
    for number in range(100):
        file.record("refused", {"n": number})
    file.close()

    assert [99, 0] == [records(path)[-1]["n"], file.dropped]
    assert 1 == caplog.text.count("cannot be renamed, and grows")
    assert 1 == sum(record["event"] == "rotated" for record in records(path))


# ---- what others do to the file -----------------------------------------------------------------------------------


def test_a_file_that_was_taken_away_is_begun_anew(opened: Open, path: Path, tmp_path: Path) -> None:
    """By logrotate, say: the chain goes on, and both together are whole."""
    file = opened()
    file.record("start", {})
    until(lambda: path.stat().st_size)
    path.rename(tmp_path / "elsewhere")
    file.record("stop", {})
    file.close()

    assert ["start", "stop"] == [record["event"] for record in records(tmp_path / "elsewhere", path)]


@pytest.mark.parametrize("content", [b"", b"x", b"x\n"])
def test_a_file_that_was_changed_is_written_on(
    opened: Open, path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """That is said, no record is spoiled by it, and whoever checks the chain finds it."""
    file = opened()
    file.record("start", {})
    until(lambda: path.stat().st_size)
    path.write_bytes(content)
    file.record("reload", {})
    file.record("stop", {})
    file.close()

    assert [b'"reload"' in line or b'"stop"' in line for line in path.read_bytes().splitlines()][-2:] == [
        True
    ] * 2
    assert "was changed by somebody else" in caplog.text
    assert (2, 0 if content else 2) == (file.head.seq - 1, report(path).records)


# ---- a disk that does not take it ---------------------------------------------------------------------------------


@pytest.fixture
def limited() -> Iterator[Callable[[int], None]]:
    """Let files grow to so many bytes only: what a full disk does, without being root."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))

    yield limit
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_loses_what_finds_no_room_and_says_so(
    opened: Open,
    path: Path,
    limited: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """(LIF-10) Nobody waits; once it can be written again, what was kept comes first, then how many are missing."""
    monkeypatch.setattr(audit, "QUEUE", 50)
    monkeypatch.setattr(audit, "RETRY", 0.05)
    file = opened()
    file.record("start", {})
    until(lambda: path.stat().st_size)
    limited(path.stat().st_size + 100)
    for number in range(80):
        file.record("refused", {"n": number})
    until(lambda: "cannot be written to" in caplog.text)
    assert 30 == file.dropped
    assert (1, None) == (report(path).records, report(path).broken)

    with caplog.at_level(logging.INFO):
        limited(resource.RLIM_INFINITY)
        until(lambda: "can be written to again" in caplog.text)
    file.record("refused", {"n": "after"})
    file.close()

    found = records(path)
    assert ["start", *["refused"] * 50, "gap", "refused"] == [record["event"] for record in found]
    assert [*range(50), "after"] == [record["n"] for record in found if "n" in record]
    assert 30 == found[-2]["lost"]
    assert 1 == caplog.text.count("cannot be written to, records wait")


def test_a_disk_that_stays_full_ends_with_a_count(
    opened: Open, path: Path, limited: Callable[[int], None]
) -> None:
    """Closing does not hang, and what is on the disk is whole."""
    file = opened()
    file.record("start", {})
    until(lambda: path.stat().st_size)
    limited(path.stat().st_size)
    file.record("refused", {})
    file.record("stop", {})
    file.close()

    assert (2, 1) == (file.dropped, len(records(path)))


def test_what_was_lost_before_it_came_here_is_a_gap_too(opened: Open, path: Path) -> None:
    """A worker tells how much it had to drop."""
    file = opened()
    file.lose(3)
    file.close()

    assert [("gap", 3), 3] == [(records(path)[0]["event"], records(path)[0]["lost"]), file.dropped]


# ---- a process that dies ------------------------------------------------------------------------------------------

WRITER = """
    import sys
    from pathlib import Path
    from gatekeeper.core.clock import SystemClock
    from gatekeeper.observe.audit import AuditFile
    file = AuditFile(Path(sys.argv[1]), 200_000, 3, SystemClock())
    print("open", flush=True)
    while True:
        file.record("refused", {"path": "x" * 500})
"""


def _has_changed(path: Path, size: int) -> bool:
    return path.exists() and path.stat().st_size != size


def test_a_process_that_is_killed_leaves_a_chain_that_goes_on(opened: Open, path: Path) -> None:
    """In the middle of writing and of rotating, several times."""
    for _ in range(5):
        size = path.stat().st_size if path.exists() else 0
        with subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), str(path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as process:
            assert process.stdout is not None
            assert b"open\n" == process.stdout.readline()
            until(functools.partial(_has_changed, path, size))
            process.send_signal(signal.SIGKILL)
            process.wait()
        file = opened()
        file.record("stop", {})
        file.close()

        assert "stop" == records(*family(path))[-1]["event"]

"""What lies on the disk of an audit file before a process goes on with it: who has it, where its chain ends, what a crash has torn."""

import fcntl
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from gatekeeper.policy.ledger import LONGEST, BrokenRecord, Head, head_of, unseal


_PIECE: Final = 64 * 1024


class AuditError(Exception):
    """The file cannot be gone on with; the message says why, and what to do."""


@attrs.frozen
class Tail:
    """The end of a file: its size in bytes without what was `torn`, and where its chain stands."""

    size: int
    head: Head
    torn: int = 0
    """Bytes of the last line, which had no end and was cut off."""
    digest: str = ""
    """Their SHA-256."""


def lock(path: Path) -> int:
    """Make this process the only one that writes a file; returns the descriptor that holds the lock.

    It is that of a file beside it, which stays: the file itself is renamed one day.

    Raises:
        AuditError: another process has it, or the folder cannot be written to.

    """
    beside = path.with_name(f".{path.name}.lock")
    try:
        fd = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise AuditError(_unusable(path, error)) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        owner = os.pread(fd, 20, 0).decode("ascii", "replace").strip()
        os.close(fd)
        raise AuditError(
            f"another gateway writes `{path}`{f' (pid {owner})' if owner.isdigit() else ''}; each one needs a file of its own"
        ) from error
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    except OSError:
        pass  # a full disk: the lock holds without a name
    return fd


def open_file(path: Path) -> int:
    """Open a file to append to; a new one is for its owner only.

    Raises:
        AuditError: it cannot be opened, or is no file.

    """
    try:
        # what is no file must not keep us waiting
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise AuditError(_unusable(path, error)) from error
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise AuditError(f"`{path}` is no file; name one that is")
    return fd


def _unusable(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"there is no folder `{path.parent}` for the audit file; create it"
    return f"`{path}` cannot be written to: {error.strerror}; name another file, or write `audit: false`"


def mend(fd: int, path: Path) -> Tail:
    """Find the end of a chain, and cut off a last line that has none: a crash has torn it.

    Raises:
        AuditError: the last whole line is no record.

    """
    size = os.fstat(fd).st_size
    end = _line_end(fd, size)
    head = _head(fd, path, end)
    if end == size:
        return Tail(size, head)
    if size - end < LONGEST:
        rest = os.pread(fd, size - end, end)
        try:
            record = unseal(rest + b"\n")
        except BrokenRecord:
            pass
        else:
            if record["prev"] == head.hash:
                # only its line end is missing
                os.write(fd, b"\n")
                return Tail(size + 1, head_of(record))
    digest = hashlib.sha256()
    for start in range(end, size, _PIECE):
        digest.update(os.pread(fd, _PIECE, start))
    os.ftruncate(fd, end)
    return Tail(end, head, size - end, digest.hexdigest())


def _head(fd: int, path: Path, end: int) -> Head:
    """Where the chain stands in a file whose last whole line ends there, or in the one before it."""
    if not end:
        before = next(iter(older(path)), None)
        if before is None:
            return Head()
        number, file = before
        with file.open("rb") as opened:
            size = opened.seek(0, os.SEEK_END)
            return _head(opened.fileno(), file, size) if size and number == 1 else Head()
    start = max(end - LONGEST, 0)
    line = os.pread(fd, end - start, start)
    line = line[line.rfind(b"\n", 0, -1) + 1 :]
    try:
        return head_of(unseal(line))
    except BrokenRecord as error:
        raise AuditError(
            f"line {_count_lines(fd, end)} of `{path}` does not fit its chain: {error}; `gatekeeper audit verify {path}` "
            "says more. Move the file away, and a new chain begins"
        ) from None


def end_line(fd: int) -> int:
    """End the last line of a file that somebody else has changed; returns its size."""
    size = os.fstat(fd).st_size
    if size and os.pread(fd, 1, size - 1) != b"\n":
        size += os.write(fd, b"\n")
    return size


def _line_end(fd: int, size: int) -> int:
    """The position behind the last line end, 0 where there is none."""
    end = size
    while end:
        start = max(end - _PIECE, 0)
        found = os.pread(fd, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _count_lines(fd: int, end: int) -> int:
    return sum(os.pread(fd, min(_PIECE, end - start), start).count(b"\n") for start in range(0, end, _PIECE))


# ---- files that were renamed ------------------------------------------------------------------------------------------


def older(path: Path) -> list[tuple[int, Path]]:
    """The files that were renamed, with their numbers: the newest first."""
    named = re.compile(re.escape(path.name) + r"\.([1-9][0-9]{0,5})").fullmatch
    found = ((named(file.name), file) for file in path.parent.iterdir())
    return sorted((int(match[1]), file) for match, file in found if match)


def shift(path: Path, files: Sequence[tuple[int, Path]], keep: int) -> None:
    """Delete files from the number `keep` on, rename each of the others to the next number, and the file to the first.

    Raises:
        OSError: that cannot be done; some of it may have been.

    """
    for number, file in reversed(files):
        if number >= keep:
            file.unlink()
        else:
            file.rename(path.with_name(f"{path.name}.{number + 1}"))
    path.rename(path.with_name(f"{path.name}.1"))
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def told(file: Path) -> dict[str, Any]:
    """What is recorded of a file that will be deleted: its records from the first to the last, as far as they can be read."""
    with file.open("rb") as opened:
        first = opened.readline(LONGEST)
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(size - LONGEST, 0))
        last = opened.read().rstrip(b"\n").rpartition(b"\n")[2] + b"\n"
    fields: dict[str, Any] = {"file": file.name, "bytes": size}
    try:
        begin, end = unseal(first), unseal(last)
    except BrokenRecord:
        return fields
    return {**fields, "first": begin["seq"], "last": end["seq"], "until": end["time"], "hash": end["hash"]}


def lines(files: Sequence[Path]) -> Iterator[tuple[str, int, bytes]]:
    """All lines of files, with the name of the file and their numbers; a line that is too long comes in pieces.

    Raises:
        OSError: a file cannot be read.

    """
    for file in files:
        with file.open("rb") as opened:
            number = 0
            while line := opened.readline(LONGEST + 1):
                number += 1
                yield str(file), number, line

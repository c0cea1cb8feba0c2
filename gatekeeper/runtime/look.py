"""A look at a file or a folder: how it looks without reading it, what is in it, and whether somebody is writing it.

A look never raises, and may wait for as long as a file system likes: it belongs into a thread. What is looked at is
what stands behind links; a link that leads elsewhere is another file.
"""

import contextlib
import errno
import fcntl
import hashlib
import math
import os
import signal
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import attrs


DOUBT: Final = 2.0
"""Seconds in which a file may change twice without looking different: FAT counts in steps of two. Bytes are compared."""
READ_AT_MOST: Final = 64 * 1024 * 1024
"""Bytes of a file that are compared; no configuration is longer."""
CHUNK: Final = 1024 * 1024


class Contents(NamedTuple):
    """The bytes of a file, for comparison; `whole_lines` if they end with a line."""

    size: int
    digest: bytes
    whole_lines: bool


class Unreadable(NamedTuple):
    """Something that may be there, and cannot be looked at."""

    error: int


Names = frozenset[tuple[str, str]]
"""What is in a folder: names, and what each of them is."""
Content = Contents | Unreadable | Names | int | None
"""The bytes of a file, or the kind of one that is not regular, or the names in a folder; None for what is not there."""
Signature = tuple[object, ...] | None
"""What tells without reading that a content is another one; None for what is not there."""


@attrs.frozen
class Known:
    """What was last acted upon. `noted` is the monotonic time at which it was."""

    signature: Signature
    content: Content
    noted: float

    def is_doubtful(self, now: float) -> bool:
        """Whether the content may be another one though the signature is the same."""
        return now - self.noted < DOUBT or isinstance(self.content, Unreadable)


OTHER: Final[Signature] = ("other",)
"""A signature that nothing has, so that whatever is there differs."""
UNKNOWN: Final = Known(OTHER, Unreadable(0), -math.inf)
"""A content that nothing has."""


@attrs.frozen
class Seen:
    """One look. `stamp` is when it changed, in seconds since the epoch; None where the file system does not tell.

    Without `was_read` there is no content.
    """

    signature: Signature
    stamp: float | None = None
    being_written: bool = False
    content: Content = None
    was_read: bool = False


@attrs.frozen
class File:
    """A file to look at; it need not exist."""

    path: Path

    def look(self, known: Known | None, now: float) -> Seen:
        """Look, and read only what is new or doubtful. Never raises."""
        found, stamp = self._find()
        if not isinstance(found, os.stat_result):
            return Seen(found, stamp, content=found, was_read=True)
        signature = _signature(found)
        if known is None or (signature == known.signature and known.is_doubtful(now)):
            return self.read()
        if signature == known.signature or not stat.S_ISREG(found.st_mode):
            return Seen(signature, stamp)
        return Seen(signature, stamp, is_being_written(self.path, known.content))

    def read(self) -> Seen:
        """Read it. Never raises. Only regular files are opened: others wait for somebody, or do something."""
        found, stamp = self._find()
        if not isinstance(found, os.stat_result):
            return Seen(found, stamp, content=found, was_read=True)
        if not stat.S_ISREG(found.st_mode):
            return Seen(_signature(found), stamp, content=stat.S_IFMT(found.st_mode), was_read=True)
        try:
            with _opened(self.path) as fd:
                found = os.fstat(fd)
                return Seen(_signature(found), _stamp(found), content=_contents(fd), was_read=True)
        except OSError as error:
            return Seen(_signature(found), stamp, content=_reason(error), was_read=True)

    def _find(self) -> tuple[os.stat_result | Unreadable | None, float | None]:
        """What is there, and when that changed; of what is not, when its folder did."""
        try:
            found = self.path.stat()
            return found, _stamp(found)
        except (OSError, ValueError) as error:
            reason = _reason(error)
        try:
            return reason, _stamp(self.path.parent.stat())
        except (OSError, ValueError):
            return reason, None


@attrs.frozen
class Folder:
    """A folder to look at: which names are in it. It need not exist.

    Hidden names do not count: patterns find none of them, and editors keep their own files under such.
    """

    path: Path

    def look(self, known: Known | None, now: float) -> Seen:  # noqa: ARG002 - all of it is read at each look
        """Look. Never raises. It is being written while a file is that is new in it."""
        seen = self.read()
        if known is None or not isinstance(seen.content, frozenset):
            return seen
        before = known.content if isinstance(known.content, frozenset) else frozenset()
        new = [self.path / name for name, kind in seen.content - before if kind == "file"]
        return attrs.evolve(seen, being_written=any(is_being_written(path, None) for path in new))

    def read(self) -> Seen:
        """Look at all of it. Never raises."""
        try:
            stamp = _stamp(self.path.stat())
            with os.scandir(self.path) as entries:
                names = frozenset((entry.name, _kind(entry)) for entry in entries if entry.name[0] != ".")
        except (OSError, ValueError) as error:
            reason = _reason(error)
            return Seen(reason, content=reason, was_read=True)
        return Seen((names,), stamp, content=names, was_read=True)


Place = File | Folder


def _reason(error: OSError | ValueError) -> Unreadable | None:
    """Why something cannot be looked at; None where it is not there (a path with NUL in it is a ValueError)."""
    if isinstance(error, ValueError) or error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return None
    return Unreadable(error.errno or 0)


def _signature(found: os.stat_result) -> Signature:
    if not stat.S_ISREG(found.st_mode):
        return (stat.S_IFMT(found.st_mode),)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _stamp(found: os.stat_result) -> float:
    return max(found.st_mtime, found.st_ctime)


def _kind(entry: "os.DirEntry[str]") -> str:
    """What a name in a folder stands for, through links."""
    try:
        if entry.is_file():
            return "file"
        return "folder" if entry.is_dir() else "other"
    except OSError:
        return "other"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A descriptor for reading; what has become a pipe since somebody looked is not waited for."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        yield fd
    finally:
        os.close(fd)


def _contents(fd: int) -> Contents:
    size, digest, last = 0, hashlib.blake2b(digest_size=16), b""
    while size < READ_AT_MOST and (chunk := os.read(fd, CHUNK)):
        size, last = size + len(chunk), chunk[-1:]
        digest.update(chunk)
    return Contents(size, digest.digest(), last == b"\n")


def is_being_written(path: Path, before: Content) -> bool:
    """Whether somebody is writing this file, whose content was `before`; False where nothing can be known.

    Sure signs are a file that is open for writing, and one that has been emptied. The kernel tells of the former who
    owns the file, and root. Others take it for a sign that the last line lacks its end where it had one.
    """
    try:
        with _opened(path) as fd:
            size = os.fstat(fd).st_size
            if not size:
                return not (isinstance(before, Contents) and before.size == 0)
            is_open = _is_open_for_writing(fd)
            if is_open is None:
                had_whole_lines = not isinstance(before, Contents) or before.whole_lines
                return had_whole_lines and os.pread(fd, 1, size - 1) != b"\n"
            return is_open
    except BlockingIOError:
        # a file server has lent it to a writer
        return True
    except OSError:
        return False


def _is_open_for_writing(fd: int) -> bool | None:
    """Whether anybody has this file open for writing; None where nobody can say.

    A lease for reading is refused while somebody has. It is given back at once: who opens the file for writing in
    between waits for these microseconds. The kernel tells the holder by a signal, SIGIO, which would end the process:
    so it is told to use one that is ignored unless somebody asks for it.
    """
    if sys.platform != "linux":
        return None
    try:
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False

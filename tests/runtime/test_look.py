"""A look at real files: what is seen without reading, what is read, and who is still writing."""

import errno
import fcntl
import mmap
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gatekeeper.runtime import look
from gatekeeper.runtime.look import UNKNOWN, Contents, File, Folder, Known, Place, Seen, Unreadable
from gatekeeper.runtime.look import is_being_written as is_written


ROOT = Path(__file__).parents[2]
LONG_AGO = 0.0
NOW = 1000.0

linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel has no leases")


def known(place: Place, noted: float = LONG_AGO) -> Known:
    """What one knows of something after having read it."""
    seen = place.read()
    return Known(seen.signature, seen.content, noted)


def contents(path: Path) -> Contents:
    found = File(path).read().content
    assert isinstance(found, Contents)
    return found


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with a line in it."""
    path = tmp_path / "gateway.yaml"
    path.write_text("version: 1\n")
    return path


# ---- files ----------------------------------------------------------------------------------------------------------


def write(path: Path) -> None:
    path.write_text("version: 2\n")


def append(path: Path) -> None:
    with path.open("a") as file:
        file.write("x-a: 1\n")


def empty(path: Path) -> None:
    path.write_text("")


def rename_over(path: Path) -> None:
    new = path.with_suffix(".new")
    new.write_text("version: 2\n")
    new.rename(path)


def rename_over_with_the_same_time(path: Path) -> None:
    new = path.with_suffix(".new")
    new.write_text("version: 2\n")
    times = path.stat()
    os.utime(new, ns=(times.st_atime_ns, times.st_mtime_ns))
    new.rename(path)


def write_with_the_same_time(path: Path) -> None:
    times = path.stat()
    path.write_text("version: 2\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def write_through_another_name(path: Path) -> None:
    other = path.with_suffix(".other")
    os.link(path, other)
    other.write_text("version: 2\n")


def remove(path: Path) -> None:
    path.unlink()


def become_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def become_a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def become_a_link(path: Path) -> None:
    other = path.with_suffix(".other")
    other.write_text("version: 2\n")
    path.unlink()
    path.symlink_to(other)


def become_a_circle(path: Path) -> None:
    path.unlink()
    path.symlink_to(path)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, id=change.__name__)
        for change in (
            write,
            append,
            empty,
            rename_over,
            rename_over_with_the_same_time,
            write_with_the_same_time,
            write_through_another_name,
            remove,
            become_a_folder,
            become_a_pipe,
            become_a_link,
            become_a_circle,
        )
    ],
)
def test_a_change_is_seen_and_read(path: Path, change: Callable[[Path], None]) -> None:
    """CFG-07, CFG-08: however it came about."""
    file = File(path)
    before = known(file)
    change(path)

    seen, read = file.look(before, NOW), file.read()

    assert before.signature != seen.signature
    assert read.signature == seen.signature
    assert before.content != read.content


def touch(path: Path) -> None:
    os.utime(path, ns=(1, 2))


def write_the_same(path: Path) -> None:
    path.write_bytes(path.read_bytes())


def swap_for_an_equal_one(path: Path) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(path.read_bytes())
    new.rename(path)


def change_who_may_write(path: Path) -> None:
    path.chmod(0o600)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(change, id=change.__name__)
        for change in (touch, write_the_same, swap_for_an_equal_one, change_who_may_write)
    ],
)
def test_what_only_looks_new_has_the_same_content(path: Path, change: Callable[[Path], None]) -> None:
    """It has to be read to know."""
    file = File(path)
    before = known(file)
    change(path)

    assert before.signature != file.look(before, NOW).signature
    assert before.content == file.read().content


def test_what_looks_the_same_is_not_read(path: Path) -> None:
    """A look costs no more than it must."""
    file = File(path)
    before = known(file)

    with path.open("a"):
        assert Seen(before.signature, path.stat().st_ctime) == file.look(before, NOW)


@pytest.mark.parametrize(
    ("noted", "was_read"),
    [
        pytest.param(NOW - 1.9, True, id="a moment ago"),
        pytest.param(NOW - 2.0, False, id="long ago"),
    ],
)
def test_what_was_noted_a_moment_ago_is_read_again(path: Path, noted: float, *, was_read: bool) -> None:
    """CFG-07: a file system that counts in steps of two seconds shows two changes as one."""
    file = File(path)
    before = known(file, noted)

    seen = file.look(before, NOW)

    assert was_read is seen.was_read
    assert (before.content if was_read else None) == seen.content


def test_what_could_not_be_read_is_read_again(path: Path) -> None:
    """Its reason may have gone without a trace."""
    file = File(path)
    before = Known(file.read().signature, Unreadable(errno.EIO), LONG_AGO)

    assert contents(path) == file.look(before, NOW).content


def test_what_is_new_is_read(path: Path) -> None:
    """So that there is something to compare with."""
    seen = File(path).look(None, NOW)

    assert seen.was_read
    assert contents(path) == seen.content


def test_the_time_of_a_change_is_that_of_the_last_one(path: Path) -> None:
    """A file that is moved here was written before."""
    os.utime(path, (5, 5))
    assert path.stat().st_ctime == File(path).look(None, NOW).stamp == File(path).read().stamp
    os.utime(path, (5e9, 5e9))

    seen = File(path).look(UNKNOWN, NOW)

    assert 5e9 == seen.stamp


def test_what_is_not_there_has_changed_when_its_folder_did(path: Path) -> None:
    """Somebody took it away."""
    folder = path.parent
    path.unlink()
    os.utime(folder, (5e9, 5e9))

    assert Seen(None, 5e9, was_read=True) == File(path).look(None, NOW) == File(path).read()


@pytest.mark.parametrize("name", ["nowhere/x.yaml", "gateway.yaml/x.yaml", "a\0b"])
def test_what_cannot_be_there_is_not_there(path: Path, name: str) -> None:
    """No folder, a file instead of one, a name that is none."""
    file = File(path.parent / name)

    assert None is file.look(None, NOW).signature
    assert None is file.read().content


def test_a_name_without_a_folder_has_no_time(tmp_path: Path) -> None:
    """It may come with its folder."""
    assert Seen(None, None, was_read=True) == File(tmp_path / "a" / "b").look(None, NOW)


def test_a_circle_of_links_is_unreadable(tmp_path: Path) -> None:
    """As it is for whoever loads it."""
    path = tmp_path / "circle"
    path.symlink_to(path)

    seen = File(path).look(None, NOW)

    assert Unreadable(errno.ELOOP) == seen.content == seen.signature
    assert seen.content == File(path).read().content


def test_what_may_not_be_read_is_unreadable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks like any file."""

    def refuse(*_: Any) -> int:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(os, "open", refuse)

    read = File(path).read()

    assert File(path).look(UNKNOWN, NOW).signature == read.signature
    assert Unreadable(errno.EACCES) == read.content
    assert path.stat().st_ctime == read.stamp


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        pytest.param(make_pipe, stat.S_IFIFO, id="pipe"),
        pytest.param(make_socket, stat.S_IFSOCK, id="socket"),
        pytest.param(Path.mkdir, stat.S_IFDIR, id="folder"),
    ],
)
def test_what_is_no_regular_file_is_not_opened(
    tmp_path: Path, make: Callable[[Path], None], kind: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pipe would wait for a writer, or show him a reader that goes away."""
    path = tmp_path / "x"
    make(path)
    monkeypatch.setattr(os, "open", None)
    file = File(path)
    before = known(file)
    os.utime(path, (1, 2))

    assert kind == before.content
    assert before.signature == file.look(before, NOW).signature
    assert (kind,) == file.look(UNKNOWN, NOW).signature
    assert not file.look(UNKNOWN, NOW).being_written


def test_what_becomes_a_pipe_meanwhile_is_not_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the opening. There is nothing in it, and it looks different."""
    before = path.stat()
    become_a_pipe(path)
    monkeypatch.setattr(Path, "stat", lambda _: before)

    read = File(path).read()

    assert isinstance(read.content, Contents)
    assert 0 == read.content.size
    assert (stat.S_IFIFO,) == read.signature
    assert os.lstat(path).st_ctime == read.stamp


@pytest.mark.parametrize(
    ("data", "whole_lines"), [(b"", False), (b"a", False), (b"a\n", True), (b"\n\n", True), (b"a\nb", False)]
)
def test_contents_know_whether_they_end_with_a_line(path: Path, data: bytes, *, whole_lines: bool) -> None:
    """An editor's do."""
    path.write_bytes(data)

    assert (len(data), whole_lines) == (contents(path).size, contents(path).whole_lines)


def test_large_files_are_read_piece_by_piece(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And only so much of them."""
    monkeypatch.setattr(look, "CHUNK", 4)
    monkeypatch.setattr(look, "READ_AT_MOST", 10)
    path.write_bytes(b"0123456789ab\n")
    one = contents(path)
    path.write_bytes(b"0123456789abcd\n")
    two = contents(path)
    path.write_bytes(b"012_456789ab\n")
    three = contents(path)

    assert 12 == one.size
    assert one == two
    assert one.digest != three.digest


# ---- folders --------------------------------------------------------------------------------------------------------


def test_a_folder_is_its_names_and_kinds(tmp_path: Path) -> None:
    """Through links, which a pattern follows, too; without hidden ones."""
    (tmp_path / "a.yaml").write_text("")
    (tmp_path / "b").mkdir()
    (tmp_path / "c.yaml").symlink_to("a.yaml")
    (tmp_path / "d").symlink_to("b")
    (tmp_path / "e.yaml").symlink_to("nowhere")
    (tmp_path / "f.yaml").symlink_to("f.yaml")
    os.mkfifo(tmp_path / "g")
    (tmp_path / ".a.yaml.swp").write_text("")

    names: look.Content = frozenset(
        {
            ("a.yaml", "file"),
            ("b", "folder"),
            ("c.yaml", "file"),
            ("d", "folder"),
            ("e.yaml", "other"),
            ("f.yaml", "other"),
            ("g", "other"),
        }
    )
    assert names == Folder(tmp_path).read().content


@pytest.mark.parametrize(
    ("change", "is_seen"),
    [
        pytest.param(lambda folder: (folder / "b.yaml").write_text(""), True, id="a new file"),
        pytest.param(lambda folder: (folder / "a.yaml").unlink(), True, id="a file that goes"),
        pytest.param(lambda folder: (folder / "a.yaml").rename(folder / "c.yaml"), True, id="a new name"),
        pytest.param(lambda folder: (folder / "elsewhere").mkdir(), True, id="a link finds its end"),
        pytest.param(lambda folder: (folder / "a.yaml").write_text("x"), False, id="a new content"),
        pytest.param(lambda folder: (folder / ".x.swp").write_text("x"), False, id="a hidden file"),
    ],
)
def test_a_folder_changes_with_its_names(
    tmp_path: Path, change: Callable[[Path], None], *, is_seen: bool
) -> None:
    """What is in the files is theirs."""
    (tmp_path / "a.yaml").write_text("")
    (tmp_path / "link").symlink_to("elsewhere")
    folder = Folder(tmp_path)
    before = known(folder)
    change(tmp_path)

    seen = folder.look(before, NOW)

    assert is_seen is (before.signature != seen.signature)
    assert is_seen is (before.content != seen.content)
    assert folder.read() == seen or seen.being_written


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    """It is not there, or it is something else, and may be a folder tomorrow."""
    path = tmp_path / "routes"
    before = known(Folder(path))
    assert (None, None) == (before.signature, before.content)
    assert Seen(None, was_read=True) == Folder(path).look(before, NOW)

    path.write_text("")
    assert None is Folder(path).look(before, NOW).signature

    path.unlink()
    path.mkdir()
    assert frozenset() == Folder(path).look(before, NOW).content


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is it not there."""

    def refuse(*_: Any) -> None:
        raise PermissionError(errno.EACCES, "no")

    before = known(Folder(tmp_path))
    monkeypatch.setattr(os, "scandir", refuse)

    seen = Folder(tmp_path).look(before, NOW)

    assert Unreadable(errno.EACCES) == seen.content == seen.signature


def test_the_time_of_a_folder_is_that_of_its_names(tmp_path: Path) -> None:
    """It is told when names come and go."""
    os.utime(tmp_path, (5e9, 5e9))

    assert 5e9 == Folder(tmp_path).look(None, NOW).stamp


def test_a_new_file_of_a_folder_may_be_being_written(tmp_path: Path) -> None:
    """CFG-06: it has not come to rest before it has; whatever was there before is looked at by itself."""
    (tmp_path / "old.yaml").write_text("")
    folder = Folder(tmp_path)
    before = known(folder)
    (tmp_path / "new.yaml").write_text("x: 1\n")
    os.mkfifo(tmp_path / "pipe")
    assert not folder.look(before, NOW).being_written
    assert folder.look(UNKNOWN, NOW).being_written

    (tmp_path / "new.yaml").write_text("")

    assert folder.look(before, NOW).being_written
    assert not folder.look(None, NOW).being_written
    assert not folder.look(known(folder), NOW).being_written


# ---- who is writing -------------------------------------------------------------------------------------------------


@linux
def test_a_file_that_is_open_for_writing_is_being_written(path: Path) -> None:
    """CFG-06: whatever is in it by now; and a writer that has read-only company is one."""
    before = contents(path)
    with path.open("a"), path.open():
        assert is_written(path, before)
        assert File(path).look(UNKNOWN, NOW).being_written

    with path.open():
        assert not is_written(path, before)
        assert not File(path).look(UNKNOWN, NOW).being_written


@linux
def test_a_file_that_is_mapped_for_writing_is_being_written(path: Path) -> None:
    """Its descriptor may be closed by then."""
    with path.open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), 0)
    with mapped:
        assert is_written(path, contents(path))

    assert not is_written(path, contents(path))


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        pytest.param(Contents(5, b"", True), True, id="it had content"),
        pytest.param(Contents(0, b"", False), False, id="it was empty before"),
        pytest.param(None, True, id="it has just been made"),
        pytest.param(Unreadable(errno.EIO), True, id="nobody knows what it had"),
    ],
)
def test_a_file_that_has_been_emptied_is_being_written(path: Path, before: Any, *, expected: bool) -> None:
    """What empties a file means to fill it."""
    path.write_text("")

    assert expected is is_written(path, before)
    assert expected is File(path).look(Known(None, before, LONG_AGO), NOW).being_written


@linux
def test_half_a_line_is_no_sign_where_the_kernel_knows(path: Path) -> None:
    """Not everybody ends his lines."""
    before = contents(path)
    path.write_text("a: 1\nb")

    assert not is_written(path, before)


def refused(number: int) -> Callable[..., int]:
    def fcntl_(_fd: int, command: int, *_: int) -> int:
        if command == fcntl.F_SETLEASE:
            raise OSError(number, "no lease")
        return 0

    return fcntl_


@pytest.mark.parametrize(
    ("data", "before", "expected"),
    [
        pytest.param("a: 1\nb", Contents(5, b"", True), True, id="half a line"),
        pytest.param("a: 1\n", Contents(5, b"", True), False, id="whole lines"),
        pytest.param("a: 1", Contents(5, b"", False), False, id="it never ended with a line"),
        pytest.param("a: 1", None, True, id="half a line in a new file"),
        pytest.param("a: 1", UNKNOWN.content, True, id="half a line of who knows what"),
    ],
)
@pytest.mark.parametrize("number", [errno.EACCES, errno.EINVAL, errno.ENOLCK])
def test_who_may_not_know_goes_by_the_last_line(
    path: Path, data: str, before: Any, number: int, monkeypatch: pytest.MonkeyPatch, *, expected: bool
) -> None:
    """The file is somebody else's, or the file system has no leases."""
    path.write_text(data)
    monkeypatch.setattr(fcntl, "fcntl", refused(number))

    assert expected is is_written(path, before)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        pytest.param(errno.EAGAIN, True, id="lent to a writer"),
        pytest.param(errno.EACCES, False, id="forbidden"),
        pytest.param(errno.ENOENT, False, id="gone"),
    ],
)
def test_what_cannot_be_opened_tells_nothing_but_that(
    path: Path, number: int, monkeypatch: pytest.MonkeyPatch, *, expected: bool
) -> None:
    """A file server that has lent a file says: later."""

    def refuse(*_: Any) -> int:
        raise OSError(number, "no")

    monkeypatch.setattr(os, "open", refuse)

    assert expected is is_written(path, None)


def test_another_system_has_no_leases(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes by the last line."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "fcntl", None)
    path.write_text("a")

    assert is_written(path, None)
    path.write_text("a\n")
    assert not is_written(path, None)


def next_descriptor() -> int:
    """The lowest that is free."""
    fd = os.open(os.devnull, os.O_RDONLY)
    os.close(fd)
    return fd


def test_no_descriptor_stays_open(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is found."""
    before = next_descriptor()
    for number in (0, errno.EAGAIN, errno.EACCES):
        if number:
            monkeypatch.setattr(fcntl, "fcntl", refused(number))
        is_written(path, None)
        File(path).read()
        Folder(path.parent).read()

    assert before == next_descriptor()


@linux
def test_a_lease_is_given_back_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not when the descriptor is closed: a process that was forked in between would have it, too."""
    calls = []
    real = fcntl.fcntl

    def note(fd: int, command: int, argument: int = 0) -> int:
        calls.append((command, argument))
        return real(fd, command, argument)

    monkeypatch.setattr(fcntl, "fcntl", note)
    is_written(path, None)

    assert [
        (fcntl.F_SETSIG, signal.SIGURG),
        (fcntl.F_SETLEASE, fcntl.F_RDLCK),
        (fcntl.F_SETLEASE, fcntl.F_UNLCK),
    ] == calls


MEET = """
import fcntl, os, sys, threading
from pathlib import Path
from gatekeeper.runtime.look import is_being_written

path, how = Path(sys.argv[1]), sys.argv[2]
real, writers = fcntl.fcntl, []

def write():
    with path.open("a") as file:
        file.write("x")

def meet(fd, command, *arguments):
    if command == fcntl.F_SETSIG and how == "unprotected":
        return 0
    result = real(fd, command, *arguments)
    if command == fcntl.F_SETLEASE and arguments == (fcntl.F_RDLCK,):
        writer = threading.Thread(target=write)
        writers.append(writer)
        writer.start()
        # the kernel has told the holder of the lease when it says to what that will be reduced
        while real(fd, fcntl.F_GETLEASE) != fcntl.F_UNLCK:
            pass
    return result

fcntl.fcntl = meet
for _ in range(200):
    is_being_written(path, None)
    writers[-1].join()
print(len(writers), path.stat().st_size)
"""


@linux
@pytest.mark.parametrize(
    ("how", "code", "printed"),
    [
        pytest.param("protected", 0, "200 201\n", id="as it is"),
        pytest.param("unprotected", -signal.SIGIO, "", id="without its protection"),
    ],
)
def test_a_writer_that_comes_at_the_worst_moment(tmp_path: Path, how: str, code: int, printed: str) -> None:
    """It gets its turn at once, and the signal that the kernel sends for it does not end the process."""
    path = tmp_path / "gateway.yaml"
    path.write_text("x")

    done = subprocess.run(
        [sys.executable, "-c", MEET, str(path), how], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert (code, printed) == (done.returncode, done.stdout), done.stderr

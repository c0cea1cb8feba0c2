"""Socket files: what is made, what is in the way, and what is removed."""

import errno
import os
import socket
import stat
from pathlib import Path

import pytest

from gatekeeper.edge.socketfile import BoundFile, FileSocket, bind_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A name that nothing has."""
    return tmp_path / "gateway.sock"


def bound(path: Path, *, listening: bool = True) -> socket.socket:
    """A socket file of somebody else."""
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    if listening:
        sock.listen()
    return sock


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_file_is_made(path: Path, umask: int) -> None:
    """For its owner and group, whatever the process gives others; nobody connects before it listens."""
    before = os.umask(umask)
    try:
        sock = bind_file(str(path))
    finally:
        os.umask(before)
    with sock, socket.socket(socket.AF_UNIX) as client:
        found = path.stat()

        assert (True, 0o660) == (stat.S_ISSOCK(found.st_mode), stat.S_IMODE(found.st_mode))
        assert (str(path), False) == (sock.getsockname(), sock.getblocking())
        assert errno.ECONNREFUSED == client.connect_ex(str(path))
        sock.listen()
        assert 0 == client.connect_ex(str(path))


def test_it_goes_with_the_last_socket_of_it(path: Path) -> None:
    """Duplicates are closed for themselves, and once."""
    first = bind_file(str(path))
    second = first.dup()
    third = second.dup()
    first.close()
    first.close()
    third.close()
    assert path.exists()

    assert (str(path), False) == (second.getsockname(), second.getblocking())
    second.close()
    assert not path.exists()


def test_what_nobody_listens_on_any_more_is_replaced(path: Path) -> None:
    """Whoever did has died."""
    bound(path).close()
    assert path.is_socket()

    with bind_file(str(path)) as sock:
        sock.listen()
        with socket.socket(socket.AF_UNIX) as client:
            assert 0 == client.connect_ex(str(path))


@pytest.mark.parametrize("waiting", [0, 1, 5], ids=["idle", "busy", "overrun"])
def test_what_somebody_listens_on_stays(path: Path, waiting: int) -> None:
    """Also where the line is full."""
    with bound(path) as other:
        other.listen(0)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(waiting)]
        for client in clients:
            client.setblocking(False)
            client.connect_ex(str(path))
        with pytest.raises(OSError, match="in use") as caught:
            bind_file(str(path))
        for client in clients:
            client.close()

        assert errno.EADDRINUSE == caught.value.errno
        assert path.is_socket()


@pytest.mark.parametrize("kind", ["file", "folder", "link", "datagrams"])
def test_what_is_something_else_stays(path: Path, kind: str) -> None:
    """Whatever it is, and whoever it belongs to."""
    target = path.with_name("target")
    bound(target).close()
    others = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(target)
    else:
        others.bind(str(path))
    before = path.lstat()
    with others, pytest.raises(OSError, match="in use" if kind == "datagrams" else "that is no socket"):
        bind_file(str(path))

    assert before.st_ino == path.lstat().st_ino
    assert target.is_socket()


def test_without_a_folder(path: Path) -> None:
    """None is made."""
    with pytest.raises(FileNotFoundError):
        bind_file(str(path / "x"))


def test_another_file_in_its_place_stays(path: Path) -> None:
    """It was replaced by hand, say."""
    sock = bind_file(str(path))
    path.rename(path.with_name("old"))
    with bound(path):
        sock.close()

        assert path.is_socket()


def test_a_file_is_removed_once(path: Path) -> None:
    """What somebody makes after that is theirs."""
    sock = bind_file(str(path))
    sock.file.remove()
    assert not path.exists()
    path.write_text("precious")
    sock.close()

    assert path.exists()


def test_whoever_was_given_a_socket_leaves_the_file(path: Path) -> None:
    """Until it is told to remove it: it belongs to the giver, and others have it, too."""
    with bind_file(str(path)) as sock:
        there = sock.file
        given = [
            FileSocket.adopt(
                socket.socket(fileno=os.dup(sock.fileno())),
                BoundFile(there.path, there.device, there.inode, ours=False),
            )
            for _ in range(2)
        ]
        given[0].close()
        assert path.exists()
        given[1].file.remove()
        assert not path.exists()
        given[1].close()


def test_a_file_that_cannot_be_given_its_mode_is_removed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others could come else."""

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no")

    monkeypatch.setattr(os, "chmod", refuse)
    with pytest.raises(PermissionError):
        bind_file(str(path))

    assert not path.exists()

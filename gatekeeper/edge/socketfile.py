"""Socket files to listen on: made without touching what is somebody else's, and removed by whoever made them.

A file whose listener has died is in the way of the next one, and nothing but a try to connect tells it from one that is
listened on. So one is made in three steps: who does not answer is removed, the name is bound (which fails where somebody
was faster), and the mode is set. Until the socket listens, which comes later, nobody can connect, whatever the umask
would have allowed.
"""

import contextlib
import errno
import os
import socket
import stat
from typing import Final, Self


MODE: Final = 0o660
"""Its owner and group may connect; that takes the right to write."""
_GONE: Final = frozenset({errno.ECONNREFUSED, errno.ENOENT})
"""What a connection to a file meets that nobody listens on."""


class BoundFile:
    """A socket file, as long as somebody here has its socket; with the last of these it is removed, if it is `ours`."""

    __slots__ = ("_removed", "_users", "device", "inode", "ours", "path")

    def __init__(self, path: str, device: int, inode: int, *, ours: bool = True) -> None:
        """`device` and `inode` tell it from another file of that name."""
        self.path: Final = path
        self.device: Final = device
        self.inode: Final = inode
        self.ours: Final = ours
        self._users = 0
        self._removed = False

    def use(self) -> None:
        """Note that there is one socket more of it."""
        self._users += 1

    def release(self) -> None:
        """Note that one of its sockets is closed."""
        self._users -= 1
        if self.ours and not self._users:
            self.remove()

    def remove(self) -> None:
        """Let nobody connect any more; a file that somebody else has put in its place stays."""
        if self._removed:
            return
        self._removed = True
        with contextlib.suppress(OSError):
            found = os.lstat(self.path)
            if (found.st_dev, found.st_ino) == (self.device, self.inode):
                os.unlink(self.path)  # noqa: PTH108 - it is kept as text


class FileSocket(socket.socket):
    """A socket that is bound to a file."""

    file: BoundFile

    @classmethod
    def adopt(cls, sock: socket.socket, file: BoundFile) -> Self:
        """The same socket, which is known to be that of a file; the one that is given is used up."""
        adopted = cls(sock.family, sock.type, sock.proto, fileno=sock.detach())
        adopted.setblocking(False)
        adopted.file = file
        file.use()
        return adopted

    def dup(self) -> Self:
        """The same, to be closed for itself."""
        other = super().dup()
        other.file = self.file
        self.file.use()
        return other

    def close(self) -> None:
        """Give it up."""
        is_open = self.fileno() != -1
        super().close()
        if is_open:
            self.file.release()


def bind_file(path: str) -> FileSocket:
    """Return a socket that is bound to a file of that name, not yet listening.

    Raises:
        OSError: somebody listens there, there is something else of that name, or it cannot be made.

    """
    _clear(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.bind(path)
        made = os.lstat(path)
        file = BoundFile(path, made.st_dev, made.st_ino)
        try:
            os.chmod(path, MODE)  # noqa: PTH101
        except OSError:
            file.remove()
            raise
    except OSError:
        sock.close()
        raise
    return FileSocket.adopt(sock, file)


def _clear(path: str) -> None:
    """Remove a socket file that nobody listens on any more.

    Raises:
        OSError: it is no socket, or somebody does.

    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise FileExistsError(errno.EEXIST, "there is something of that name that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.setblocking(False)
        code = asking.connect_ex(path)
    if code in {errno.EACCES, errno.EPERM}:
        raise PermissionError(code, "there is a socket file of somebody else, who may listen there")
    if code not in _GONE:
        raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    BoundFile(path, found.st_dev, found.st_ino).remove()

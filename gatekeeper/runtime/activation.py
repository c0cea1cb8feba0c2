"""Sockets that were opened before this process began, by whoever has started it: systemd's socket activation.

They are found by what the environment says (`LISTEN_PID`, `LISTEN_FDS`, `LISTEN_FDNAMES`), from descriptor 3 on. What is said
there is for this process alone: it is removed, and whatever this process starts does not get the descriptors.

The socket stays with systemd, and so does its queue: who has connected while nobody serves is served by the next process.

Source: sd_listen_fds(3), systemd.socket(5).
"""

import contextlib
import os
import socket
from collections.abc import MutableMapping, Sequence
from typing import Final, Self

from gatekeeper.edge.listener import tune


FIRST: Final = 3
"""The first descriptor that is handed over (`SD_LISTEN_FDS_START`)."""

_VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID")
_FAMILIES: Final = (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX)


class NotHandedOver(OSError):
    """There is no such socket; the message says what the unit needs."""


class Handed:
    """What was handed over, by name; it stays open as long as the process."""

    def __init__(
        self, sockets: Sequence[tuple[str, socket.socket]] = (), why_none: str = "no unit has opened one"
    ) -> None:
        self._sockets: Final = tuple(sockets)
        self._why_none: Final = why_none
        self._taken: Final[set[int]] = set()

    @classmethod
    def take(cls, environ: MutableMapping[str, str], pid: int, first: int = FIRST) -> Self:
        """Take what the environment names, if that is meant for process `pid`."""
        said = {name: environ.pop(name, "") for name in _VARIABLES}
        if not said["LISTEN_FDS"].isdecimal() or not said["LISTEN_PID"].isdecimal():
            return cls()
        if int(said["LISTEN_PID"]) != pid:
            why = f"they are for process {said['LISTEN_PID']}, and this is {pid}: `ExecStart=` has to start gatekeeper itself"
            return cls(why_none=why)
        names = said["LISTEN_FDNAMES"].split(":")
        sockets = []
        for index in range(int(said["LISTEN_FDS"])):
            # what is none, or was closed before, is nothing to listen on
            with contextlib.suppress(OSError):
                os.set_inheritable(first + index, False)
                sock = socket.socket(fileno=first + index)
                sock.setblocking(False)
                sockets.append((names[index] if index < len(names) else "", sock))
        return cls(sockets)

    @property
    def unused(self) -> tuple[str, ...]:
        """The names of those that nobody has asked for."""
        return tuple(name for index, (name, _) in enumerate(self._sockets) if index not in self._taken)

    def find(self, name: str) -> socket.socket:
        """A duplicate of the socket of this name; without one, of the only socket that there is.

        Raises:
            NotHandedOver: there is none, or not one alone, or nobody can connect to it.

        """
        found = [(index, sock) for index, (own, sock) in enumerate(self._sockets) if name in {"", own}]
        if not self._sockets:
            raise NotHandedOver(
                f"systemd has handed over no socket ({self._why_none}); a .socket unit of the service's name, with "
                "`ListenStream=`, opens one"
            )
        of_name = f" of the name `{name}`" if name else ""
        if not found:
            raise NotHandedOver(
                f"systemd has handed over no socket{of_name} (there are {self._names()}); `FileDescriptorName={name}` in"
                " the .socket unit names one"
            )
        if len(found) > 1:
            raise NotHandedOver(
                f"systemd has handed over {len(found)} sockets{of_name} ({self._names()}); give each a .socket unit of its own"
                ' with `FileDescriptorName=`, and write "systemd:NAME" for one of them'
            )
        ((index, sock),) = found
        if not _is_listening(sock):
            raise NotHandedOver(
                f"what systemd has handed over{of_name} is not listened on; the .socket unit needs `ListenStream=` and"
                " `Accept=no`"
            )
        self._taken.add(index)
        tune(sock)
        return sock.dup()

    def _names(self) -> str:
        return ", ".join(f"`{name}`" if name else "one without name" for name, _ in self._sockets)

    def close(self) -> None:
        """Give up all of them."""
        for _, sock in self._sockets:
            sock.close()


def _is_listening(sock: socket.socket) -> bool:
    return (
        sock.family in _FAMILIES
        and sock.type == socket.SOCK_STREAM
        and sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
    )


NOTHING: Final = Handed()
"""For who was started by hand."""

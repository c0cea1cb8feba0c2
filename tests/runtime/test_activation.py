"""Sockets that were opened before: which are found, and what is said of those that are not."""

import contextlib
import fcntl
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from gatekeeper.edge.listener import bind
from gatekeeper.runtime.activation import NOTHING, Handed, NotHandedOver


PID = 4711
FIRST = 300
"""Where descriptors are put, as nobody gets those from 3 on in the middle of a process."""

Hand = Callable[..., Handed]


@pytest.fixture
def hand() -> Iterator[Hand]:
    """Hand sockets over, as systemd does."""
    handed: list[Handed] = []

    def hand(sockets: Sequence[socket.socket], names: str | None = None, pid: int = PID) -> Handed:
        for index, sock in enumerate(sockets):
            assert FIRST + index == fcntl.fcntl(sock, fcntl.F_DUPFD, FIRST + index)
        environ = {"LISTEN_PID": str(pid), "LISTEN_FDS": str(len(sockets)), "HOME": "/"}
        if names is not None:
            environ["LISTEN_FDNAMES"] = names
        handed.append(Handed.take(environ, PID, FIRST))
        assert {"HOME": "/"} == environ
        return handed[-1]

    yield hand
    for one in handed:
        one.close()
    for number in range(FIRST, FIRST + 4):
        with contextlib.suppress(OSError):
            os.close(number)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A socket that is listened on."""
    with bind("127.0.0.1", 0) as sock:
        sock.listen()
        yield sock


@pytest.fixture
def other(tmp_path: Path) -> Iterator[socket.socket]:
    """Another one, of a file."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "a.sock"))
        sock.listen()
        yield sock


def test_the_only_one_needs_no_name(hand: Hand, listening: socket.socket) -> None:
    """It is found as often as it is asked for, each time to be closed for itself."""
    handed = hand([listening], "gatekeeper.socket")
    for name in ("", "gatekeeper.socket"):
        with handed.find(name) as found:
            assert listening.getsockname() == found.getsockname()
            assert (False, False) == (found.getblocking(), found.get_inheritable())
    assert not os.get_inheritable(FIRST)


def test_several_are_found_by_name(hand: Hand, listening: socket.socket, other: socket.socket) -> None:
    """Also one of a file, which stays when it is closed; those that nobody asks for are known."""
    handed = hand([listening, other], "web:local")
    before = handed.unused
    with handed.find("local") as found:
        assert other.getsockname() == found.getsockname()

    assert (("web", "local"), ("web",)) == (before, handed.unused)
    assert Path(other.getsockname()).is_socket()


@pytest.mark.parametrize(
    ("names", "name", "message"),
    [
        ("web:web", "", "has handed over 2 sockets (`web`, `web`); give each a .socket unit of its own"),
        ("web:web", "web", "has handed over 2 sockets of the name `web` (`web`, `web`)"),
        ("web:local", "", "has handed over 2 sockets (`web`, `local`)"),
        (
            "web:local",
            "api",
            "no socket of the name `api` (there are `web`, `local`); `FileDescriptorName=api` in",
        ),
        (None, "api", "(there are one without name, one without name)"),
    ],
)
def test_which_one_is_meant(
    hand: Hand, listening: socket.socket, other: socket.socket, names: str | None, name: str, message: str
) -> None:
    """It has to be one alone; else the message says what the unit needs."""
    handed = hand([listening, other], names)
    with pytest.raises(NotHandedOver) as caught:
        handed.find(name)

    assert message in str(caught.value)


@pytest.mark.parametrize("kind", ["bound", "datagrams", "connected"])
def test_what_nobody_can_connect_to(hand: Hand, kind: str) -> None:
    """As `Accept=yes` and `ListenDatagram=` hand it over."""
    first, second = socket.socketpair()
    sock = {
        "bound": lambda: bind("127.0.0.1", 0),
        "datagrams": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "connected": first.dup,
    }[kind]()
    with first, second, sock, pytest.raises(NotHandedOver, match="`ListenStream=` and `Accept=no`"):
        hand([sock], "web").find("web")


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        pytest.param({}, "no unit has opened one", id="nothing"),
        pytest.param({"LISTEN_FDS": "1"}, "no unit has opened one", id="nobody"),
        pytest.param({"LISTEN_PID": str(PID), "LISTEN_FDS": "x"}, "no unit has opened one", id="no-number"),
        pytest.param({"LISTEN_PID": str(PID), "LISTEN_FDS": "0"}, "no unit has opened one", id="none"),
        pytest.param(
            {"LISTEN_PID": "1", "LISTEN_FDS": "1"},
            "they are for process 1, and this is 4711: `ExecStart=` has to start gatekeeper itself",
            id="somebody-else",
        ),
        pytest.param({"LISTEN_PID": str(PID), "LISTEN_FDS": "2"}, "no unit has opened one", id="closed"),
    ],
)
def test_what_was_not_handed_over(environ: dict[str, str], why: str) -> None:
    """The message says what opens one, and the variables are gone all the same."""
    handed = Handed.take(environ, PID, FIRST)
    with pytest.raises(NotHandedOver) as caught:
        handed.find("")

    assert f"systemd has handed over no socket ({why}); a .socket unit" in str(caught.value)
    assert ({}, ()) == (environ, handed.unused)


def test_who_was_started_by_hand_has_nothing() -> None:
    """And asks for nothing."""
    assert () == NOTHING.unused

"""Sockets that several workers listen with on one address."""

import socket
from pathlib import Path

import pytest

from gatekeeper.config.addresses import Listen
from gatekeeper.edge.listener import accept_all
from gatekeeper.workers.slots import Slots


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_each_place_has_a_socket(host: str) -> None:
    """All of them on one port, also one that the system chooses."""
    slots = Slots.bind(Listen(host, 0), 3)
    try:
        names = [slots[slot].getsockname() for slot in range(3)]
        descriptors = {slots[slot].fileno() for slot in range(3)}
    finally:
        slots.close()

    assert 1 == len(set(names))
    assert 3 == len(descriptors)


def test_connections_are_spread() -> None:
    """By the kernel, over those that listen."""
    slots = Slots.bind(Listen("127.0.0.1", 0), 2)
    clients: list[socket.socket] = []
    try:
        for slot in range(2):
            slots[slot].listen()
        clients += [socket.create_connection(slots[0].getsockname()) for _ in range(64)]
        accepted = [0, 0]
        for slot in range(2):
            while True:
                try:
                    slots[slot].accept()[0].close()
                except BlockingIOError:
                    break
                accepted[slot] += 1
    finally:
        slots.close()
        for client in clients:
            client.close()

    assert 64 == sum(accepted)
    assert min(accepted) > 10


@pytest.mark.parametrize("shared", [False, True])
def test_an_address_that_somebody_has_is_refused(shared: bool) -> None:
    """Also if that is another gateway, who would share it: half of all requests would go there."""
    with socket.socket() as other:
        if shared:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(OSError, match="in use"):
            Slots.bind(Listen("127.0.0.1", other.getsockname()[1]), 2)


def test_of_a_file_there_is_one_socket(tmp_path: Path) -> None:
    """Each place has a duplicate; the file goes with the last of them."""
    path = tmp_path / "gateway.sock"
    slots = Slots.bind(Listen("", 0, str(path)), 3)
    others = slots.dup()
    file = slots.file
    names = {slots[slot].getsockname() for slot in range(3)}
    descriptors = {one[slot].fileno() for one in (slots, others) for slot in range(3)}
    slots.close()

    assert ({str(path)}, 6, True) == (names, len(descriptors), path.exists())
    assert file is not None
    assert file is others.file
    others.close()
    assert not path.exists()


def test_of_an_address_there_is_no_file() -> None:
    """Nothing is to be removed."""
    slots = Slots.bind(Listen("127.0.0.1", 0), 1)
    slots.close()

    assert None is slots.file


def test_duplicates_are_closed_for_themselves() -> None:
    """Under another name, the same sockets go on."""
    slots = Slots.bind(Listen("127.0.0.1", 0), 2)
    others = slots.dup()
    names = [slots[slot].getsockname() for slot in range(2)]
    slots.close()
    try:
        assert names == [others[slot].getsockname() for slot in range(2)]
    finally:
        others.close()

    with pytest.raises(OSError, match="descriptor"):
        others[0].getsockname()


def test_a_place_that_is_empty_gets_nobody() -> None:
    """Who waits there is accepted, and whoever comes goes to the others; until somebody listens again."""
    slots = Slots.bind(Listen("127.0.0.1", 0), 2)
    address = slots[0].getsockname()
    clients: list[socket.socket] = []
    try:
        for slot in range(2):
            slots[slot].listen()
        clients += [socket.create_connection(address) for _ in range(40)]
        waiting = slots.vacate(0)
        others = accept_all(slots[1])
        clients += [socket.create_connection(address) for _ in range(40)]
        late = accept_all(slots[1])
        slots[0].listen()
        clients += [socket.create_connection(address) for _ in range(40)]
        again = accept_all(slots[0])
    finally:
        slots.close()
        for one in (*clients, *waiting, *others, *late, *again):
            one.close()

    assert (40, 40) == (len(waiting) + len(others), len(late))
    assert min(len(waiting), len(again)) > 5


def test_what_is_shared_is_not_left(tmp_path: Path) -> None:
    """Others take who comes to a socket file."""
    slots = Slots.bind(Listen("", 0, path=str(tmp_path / "own.sock")), 2)
    try:
        before = slots[0]
        assert [] == slots.vacate(0)
        assert before is slots[0]
    finally:
        slots.close()

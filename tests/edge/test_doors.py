"""Which listeners are open, and who goes on with those in line; how each of them closes is told in the tests of listeners."""

import asyncio
import socket

import pytest

from gatekeeper.edge.doors import Doors
from gatekeeper.edge.listener import Listener, bind
from tests.edge.wire import on_both_loops


def listener(name: str, sock: socket.socket | None = None, *, lent: bool = False) -> Listener:
    """A listener whom nobody asks for anything."""
    return Listener(name, sock or bind("127.0.0.1", 0), lambda _: asyncio.Protocol(), lent=lent)


@on_both_loops
async def test_they_are_known_by_name() -> None:
    """A second one of a name takes the place of the first."""
    doors = Doors()
    first, second, other = listener("main"), listener("main"), listener("other")
    for one in (first, other, second):
        await doors.add(one)

    assert {"main": second, "other": other} == doors.open
    assert (True, -1) == (first.leaving, first.sock.fileno())
    await doors.remove("main")
    await doors.remove("main")
    assert {"other": other} == doors.open
    await doors.close(1)
    assert ({}, set()) == (doors.open, doors.closing)


@on_both_loops
@pytest.mark.parametrize("hand_over", [False, True])
async def test_all_of_them_leave(hand_over: bool) -> None:
    """Their next answers are the last ones, and whatever opens later closes."""
    doors = Doors()
    first, late = listener("main"), listener("late")
    await doors.add(first)
    doors.leave(hand_over=hand_over)

    assert (True, hand_over, {"main": first}) == (first.leaving, doors.handed_over, doors.open)
    await doors.add(late)
    assert (True, {"main": first}) == (late.leaving, doors.open)
    await doors.close(1)
    assert [-1, -1] == [one.sock.fileno() for one in (first, late)]


@on_both_loops
async def test_one_whose_address_another_has_hands_over() -> None:
    """It does not wait for handshakes: the other one goes on with them."""
    doors = Doors()
    old = listener("old")
    await doors.add(old)
    await doors.add(listener("new", old.sock.dup()))
    closing = asyncio.create_task(doors.remove("old"))
    await asyncio.sleep(0)

    assert {old} == doors.closing
    await closing
    assert (["new"], set()) == (list(doors.open), doors.closing)
    await doors.close(0)


@on_both_loops
async def test_one_whose_socket_is_lent_leaves_the_line_to_its_owner() -> None:
    """Whoever connects from then on waits there, and is not refused."""
    doors = Doors()
    with bind("127.0.0.1", 0) as owned:
        await doors.add(listener("lent", owned.dup(), lent=True))
        await doors.close(1)
        loop = asyncio.get_running_loop()
        with socket.socket() as client:
            client.setblocking(False)
            await loop.sock_connect(client, owned.getsockname())
            with owned.accept()[0] as accepted:
                assert client.getsockname() == accepted.getpeername()

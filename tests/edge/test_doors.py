"""Which listeners are open, and who goes on with those in line; how each of them closes is told in the tests of listeners."""

import asyncio
import socket
import ssl
from typing import cast

import pytest

from gatekeeper.edge.doors import Doors
from gatekeeper.edge.listener import Listener, bind
from gatekeeper.edge.tls import ServerTls
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


def pair() -> tuple[socket.socket, socket.socket]:
    """A client, and its connection as somebody else has accepted it."""
    with bind("127.0.0.1", 0) as sock:
        sock.listen()
        client = socket.create_connection(sock.getsockname())
        connection, _ = sock.accept()
    for one in (client, connection):
        one.setblocking(False)
    return client, connection


class Greeting(asyncio.Protocol):
    """Says hello, and goes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast(asyncio.Transport, transport).write(b"hello")
        transport.close()


@on_both_loops
async def test_those_who_were_accepted_elsewhere_are_let_in() -> None:
    """By the listener of their name; they end where it has gone."""
    doors = Doors()
    await doors.add(Listener("main", bind("127.0.0.1", 0), lambda _: Greeting()))
    pairs = [pair() for _ in range(3)]
    doors.adopt("main", [connection for _, connection in pairs[:2]])
    doors.adopt("gone", [pairs[2][1]])
    found = []
    for client, _ in pairs:
        async with asyncio.timeout(5):
            found.append(await asyncio.get_running_loop().sock_recv(client, 100))
        client.close()
    await doors.close(1)

    assert [b"hello", b"hello", b""] == found


@on_both_loops
async def test_those_who_never_come_in_are_given_up() -> None:
    """A listener with TLS waits for their handshake, until all is cut."""
    doors = Doors()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    one = Listener("main", bind("127.0.0.1", 0), lambda _: Greeting(), ServerTls(context, ()))
    await doors.add(one)
    client, connection = pair()
    doors.adopt("main", [connection])
    await doors.close(0)
    waiting = set(doors.closing)
    doors.cut()
    async with asyncio.timeout(5):
        while doors.closing:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)
    client.close()

    assert {one} == waiting

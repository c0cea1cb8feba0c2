"""Connections that are cut, over real sockets on both loops."""

import asyncio
import socket

import pytest

from gatekeeper.core.transport import cut, reset_at_end


pytestmark = pytest.mark.both_loops


async def _connection() -> tuple[asyncio.Transport, socket.socket]:
    """The transport of a connection, and its peer, who does not read."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        far = socket.create_connection(listening.getsockname())
        near, _ = listening.accept()
    far.settimeout(5)
    transport, _ = await asyncio.get_running_loop().connect_accepted_socket(asyncio.Protocol, near)
    return transport, far


def _ending(peer: socket.socket) -> str:
    try:
        while peer.recv(1 << 20):
            pass
    except ConnectionResetError:
        return "reset"
    return "end"


async def test_a_cut_connection_is_reset_and_what_waits_is_dropped() -> None:
    """The peer gets an error, not an end."""
    transport, peer = await _connection()
    transport.write(bytes(20_000_000))

    cut(transport)

    await asyncio.sleep(0.01)
    with peer:
        assert "reset" == _ending(peer)


async def test_where_nothing_waits_it_ends() -> None:
    """An idle connection, say."""
    transport, peer = await _connection()

    cut(transport)

    await asyncio.sleep(0.01)
    with peer:
        assert "end" == _ending(peer)


async def test_one_that_is_closing_is_cut() -> None:
    """It waits for a peer who does not read."""
    transport, peer = await _connection()
    transport.write(bytes(20_000_000))
    transport.close()

    cut(transport)

    await asyncio.sleep(0.01)
    with peer:
        assert "reset" == _ending(peer)


async def test_one_that_has_ended_is_left_alone() -> None:
    """Timers may come late."""
    transport, peer = await _connection()
    transport.abort()
    await asyncio.sleep(0.01)

    cut(transport)

    with peer:
        assert "end" == _ending(peer)


async def test_its_end_can_be_made_a_reset_beforehand() -> None:
    """Whatever ends it then."""
    transport, peer = await _connection()
    reset_at_end(transport)

    transport.close()

    await asyncio.sleep(0.01)
    with peer:
        assert "reset" == _ending(peer)

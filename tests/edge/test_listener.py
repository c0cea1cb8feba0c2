"""A listening socket, and how it goes; ids name the row of reliability.md."""

import asyncio
import contextlib
import errno
import json
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
import trustme

from gatekeeper.edge import listener as module
from gatekeeper.edge.listener import Listener, bind
from gatekeeper.edge.tls import build_server_tls
from tests.edge.wire import SOON, on_both_loops, until


REQUEST = b"?"
ANSWER = b"!"

# connects as fast as it can, some at a time, until nobody hears it; each connection that is open sends a request
CROWD = """
import collections, json, socket, sys
address, group = ("127.0.0.1", int(sys.argv[1])), int(sys.argv[2])
seen = collections.Counter()
heard = True
print("here", flush=True)
while heard:
    clients = []
    while len(clients) < group and heard:
        client = socket.socket()
        client.settimeout(0.5)
        try:
            client.connect(address)
        except (TimeoutError, ConnectionRefusedError):
            heard = False
        else:
            clients.append(client)
    for client in clients:
        client.settimeout(10)
        try:
            client.sendall(b"?")
            seen[client.recv(100).decode()] += 1
        except OSError as error:
            seen[type(error).__name__] += 1
        client.close()
print(json.dumps(seen))
"""


class Answering(asyncio.Protocol):
    """Answers what it is asked, and hangs up."""

    def __init__(self, listener: Listener) -> None:
        self.listener = listener

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(ANSWER + self.listener.name.encode())
        self.transport.close()


@asynccontextmanager
async def listening(name: str = "", sock: socket.socket | None = None) -> AsyncIterator[Listener]:
    """Run a listener; closed by the test, or after it."""
    listener = Listener(name, sock or bind("127.0.0.1", 0), Answering)
    await listener.open()
    try:
        yield listener
    finally:
        if listener.sock.fileno() != -1:
            await listener.close(0)


def connect(address: Any, count: int = 1) -> list[socket.socket]:
    """Connect and ask, before the loop does anything else: the kernel does not wait for whoever listens."""
    clients = [socket.create_connection(address[:2], timeout=SOON) for _ in range(count)]
    for client in clients:
        client.sendall(REQUEST)
        client.setblocking(False)
    return clients


async def answers(clients: list[socket.socket]) -> set[bytes]:
    """What they are answered, or how they end without."""
    loop = asyncio.get_running_loop()
    found = set()
    for client in clients:
        async with asyncio.timeout(SOON):
            try:
                found.add(await loop.sock_recv(client, 100))
            except ConnectionError as error:
                found.add(type(error).__name__.encode())
        client.close()
    return found


async def connects(address: Any, within: float = 0.3) -> bool | None:
    """Whether a connection is accepted; None where nothing is heard."""
    with socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET) as client:
        client.setblocking(False)
        try:
            async with asyncio.timeout(within):
                await asyncio.get_running_loop().sock_connect(client, address)
        except TimeoutError:
            return None
        except ConnectionRefusedError:
            return False
        return True


no_filter = pytest.mark.skipif(sys.platform != "linux", reason="the kernel has no such filter")


@on_both_loops
async def test_nobody_who_has_connected_is_reset() -> None:
    """LIF-05: of those who connect as fast as they can, each gets its answer or was refused before it asked."""
    for _ in range(3):
        async with listening() as listener:
            port = listener.sock.getsockname()[1]
            crowds = [
                await asyncio.create_subprocess_exec(
                    sys.executable, "-c", CROWD, str(port), group, stdout=asyncio.subprocess.PIPE
                )
                for group in ("1", "20")
            ]
            for crowd in crowds:
                assert crowd.stdout is not None
                await crowd.stdout.readline()
            await asyncio.sleep(0.05)
            await listener.close()
            outputs = [await crowd.communicate() for crowd in crowds]
        assert [list(json.loads(output)) for output, _ in outputs] == [[ANSWER.decode()]] * 2


@on_both_loops
@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("filtered", [True, False])
async def test_those_in_line_are_answered(
    turns: int, filtered: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However far the loop has come with them, and also where the kernel cannot hold others off."""
    if not filtered:
        monkeypatch.setattr(module, "_drop_handshakes", lambda sock: False)
    async with listening() as listener:
        clients = connect(listener.sock.getsockname(), 50)
        for _ in range(turns):
            await asyncio.sleep(0)
        await listener.close(0)
        assert await answers(clients) == {ANSWER}


@on_both_loops
async def test_the_rest_of_the_line_is_accepted_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever the loop's own server has left there."""
    monkeypatch.setattr(module, "_TURNS", 0)
    monkeypatch.setattr(module, "_drop_handshakes", lambda sock: False)
    async with listening() as listener:
        clients = connect(listener.sock.getsockname(), 50)
        await listener.close(0)
        assert await answers(clients) == {ANSWER}


@on_both_loops
async def test_the_rest_of_the_line_speaks_tls_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the listener does."""
    monkeypatch.setattr(module, "_TURNS", 0)
    monkeypatch.setattr(module, "_drop_handshakes", lambda sock: False)
    authority = trustme.CA()
    issued = authority.issue_cert("a.test")
    files = tmp_path / "a.crt", tmp_path / "a.key"
    files[0].write_bytes(issued.cert_chain_pems[0].bytes())
    issued.private_key_pem.write_to_path(files[1])
    context = ssl.create_default_context()
    authority.configure_trust(context)
    tls = await asyncio.to_thread(build_server_tls, [files])
    listener = Listener("", bind("127.0.0.1", 0), Answering, tls)
    await listener.open()
    clients = [socket.create_connection(listener.sock.getsockname(), timeout=SOON) for _ in range(20)]
    await listener.close(0)
    found = set()
    for client in clients:
        client.setblocking(False)
        async with asyncio.timeout(SOON):
            reader, writer = await asyncio.open_connection(sock=client, ssl=context, server_hostname="a.test")
            writer.write(REQUEST)
            found.add(await reader.read())
            writer.close()

    assert {ANSWER} == found


@no_filter
@on_both_loops
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_nobody_gets_in_line_any_more(host: str) -> None:
    """They hear nothing until the listener has closed, and are refused after that."""
    try:
        sock = bind(host, 0)
    except OSError:
        assert host == "::1", "no IPv4"
        return
    async with listening(sock=sock) as listener:
        address = listener.sock.getsockname()
        assert await connects(address)
        before = connect(address)
        closing = asyncio.create_task(listener.close(0.3))
        await asyncio.sleep(0)
        assert await connects(address, 0.1) is None
        assert await answers(before) == {ANSWER}
        await closing
        assert await connects(address) is False


@no_filter
@on_both_loops
async def test_handshakes_under_way_are_finished() -> None:
    """Here the kernel has one wait for the first bytes, as it does for a client that is far away."""
    sock = bind("127.0.0.1", 0)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 10)
    async with listening(sock=sock) as listener:
        client = socket.create_connection(sock.getsockname(), timeout=SOON)
        client.setblocking(False)
        closing = asyncio.create_task(listener.close(0.5))
        await asyncio.sleep(0.05)
        client.sendall(REQUEST)
        assert await answers([client]) == {ANSWER}
        await closing


@on_both_loops
@pytest.mark.parametrize("how", ["elsewhere", "refused"])
async def test_a_kernel_without_filters_is_not_waited_for(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Handshakes would go on for ever."""
    if how == "elsewhere":
        monkeypatch.setattr(sys, "platform", "darwin")
    else:
        monkeypatch.setattr(module, "_SO_ATTACH_FILTER", 0x7FFF)
    async with listening() as listener:
        address = listener.sock.getsockname()
        await asyncio.wait_for(listener.close(60), SOON)
        assert await connects(address) is False


@on_both_loops
async def test_a_duplicate_takes_the_line_over() -> None:
    """Nobody who is in line is lost, nobody is refused, and the connections tell whose they are."""
    async with listening("old") as old, listening("new", old.sock.dup()) as new, listening() as other:
        assert (old.shares(new), old.shares(other)) == (True, False)
        address = old.sock.getsockname()
        clients = connect(address, 50)
        await old.hand_over()
        assert await answers(clients) <= {ANSWER + b"old", ANSWER + b"new"}
        assert await answers(connect(address)) == {ANSWER + b"new"}


@on_both_loops
async def test_a_duplicate_of_what_was_closed_is_heard_again() -> None:
    """Names may change places, so that one is closed before the other opens."""
    async with listening("old") as old:
        duplicate = old.sock.dup()
        await old.close(0)
        async with listening("new", duplicate):
            assert await answers(connect(duplicate.getsockname())) == {ANSWER + b"new"}


@on_both_loops
async def test_an_address_that_another_one_listens_on() -> None:
    """Both could be bound; the second is closed."""
    with socket.socket() as first:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.bind(("127.0.0.1", 0))
        second = Listener("", bind("127.0.0.1", first.getsockname()[1]), Answering)
        first.listen()
        with pytest.raises(OSError, match="in use") as caught:
            await second.open()
        assert caught.value.errno == errno.EADDRINUSE
        assert second.sock.fileno() == -1


@on_both_loops
@pytest.mark.parametrize("how", ["close", "hand_over"])
async def test_nothing_stays_open(how: str) -> None:
    """Neither of its descriptors, however a listener ends."""
    async with listening() as listener:
        accepting = listener._accepting
        assert accepting is not None
        await getattr(listener, how)()
        await until(lambda: (listener.sock.fileno(), accepting.fileno()) == (-1, -1))


def test_whoever_can_be_accepted_is() -> None:
    """One has gone, one is there, and then there are no descriptors left."""
    first, second = socket.socketpair()

    class Queue:
        def __init__(self) -> None:
            self.line = [ConnectionAbortedError(), first, OSError(errno.EMFILE, "too many")]

        def accept(self) -> tuple[socket.socket, str]:
            found = self.line.pop(0)
            if isinstance(found, socket.socket):
                return found, ""
            raise found  # type: ignore[misc]

    with contextlib.closing(first), contextlib.closing(second):
        assert module.accept_all(Queue()) == [first]  # type: ignore[arg-type]
        assert not first.getblocking()


def test_the_kernel_takes_little_for_who_does_not_read() -> None:
    """A thousand of them would else have gigabytes of it."""
    with bind("127.0.0.1", 0) as sock, socket.socket() as client:
        sock.listen()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(sock.getsockname())
        sock.setblocking(True)
        with sock.accept()[0] as connection:
            connection.settimeout(0.5)
            taken = 0
            with contextlib.suppress(TimeoutError):
                while taken < 2 * module.UNSENT:
                    taken += connection.send(bytes(4096))

    assert module.UNSENT // 2 < taken < 2 * module.UNSENT

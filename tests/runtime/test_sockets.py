"""Sockets by what a configuration says, and gateways that listen on files."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import attrs
import pytest
import pytest_asyncio

from gatekeeper.config.addresses import Listen
from gatekeeper.runtime.change import Outcome
from gatekeeper.runtime.front import LocalFront
from gatekeeper.runtime.gateway import Gateway
from gatekeeper.runtime.sockets import cure, open_socket, shown, why_not
from gatekeeper.runtime.source import Source
from gatekeeper.testing import Client, make_host
from tests.edge.wire import SOON, until


SAYS = """\
version: 1
server:
  listen: {{main: {listen}}}
  drain: 2s
  trusted_proxies: [127.0.0.1]
admin: {{listen: false}}
routes: {{all: {{match: /**, filters: [static: {{body: {{text: "{word} from {{address}}."}}}}]}}}}
"""


@attrs.frozen
class Served:
    """A gateway that runs, and the file that it is configured by."""

    gateway: Gateway
    file: Path
    records: list[dict[str, object]]

    async def write(self, listen: str, word: str = "hello") -> Outcome:
        """Change the configuration."""
        await asyncio.to_thread(self.file.write_text, SAYS.format(listen=listen, word=word))
        return await self.gateway.reload("test")

    async def get(self, path: Path | None = None) -> str:
        """What a request is answered; `path` is a file that is no listener's name for itself."""
        client = Client(f"unix://{path}" if path is not None else self.gateway.listeners["main"])
        try:
            answer = await client.get("/", {"X-Forwarded-For": "203.0.113.9"})
        finally:
            await client.close()
        return answer.body.decode()

    @property
    def descriptor(self) -> int:
        """Of the socket that it listens with."""
        front = self.gateway.front
        assert isinstance(front, LocalFront)
        return front.edge.listeners["main"].fileno()


Serve = Callable[..., Awaitable[Served]]


@pytest_asyncio.fixture
async def serve(tmp_path: Path) -> AsyncIterator[Serve]:
    """Start gateways."""
    served: list[Served] = []

    async def serve(listen: str) -> Served:
        file = tmp_path / f"gateway-{len(served)}.yaml"
        await asyncio.to_thread(file.write_text, SAYS.format(listen=listen, word="hello"))
        host = await asyncio.to_thread(make_host)
        source = Source(host=host, path=file, env_file=False, environ={})
        read = await asyncio.to_thread(source.load)
        records: list[dict[str, object]] = []
        gateway = Gateway(
            read.config,
            host,
            source=source,
            read=read,
            front=lambda gateway: LocalFront(gateway, write_access=records.append),
        )
        await gateway.start()
        served.append(Served(gateway, file, records))
        return served[-1]

    yield serve
    for one in served:
        await one.gateway.stop(0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A name that nothing has."""
    return tmp_path / "gateway.sock"


def inode(path: Path) -> int:
    """What tells a file from another one in its place; 0 where there is none."""
    return path.lstat().st_ino if os.path.lexists(path) else 0


def unix(path: Path, more: str = "") -> str:
    """A listener on a file."""
    return f'{{address: "unix://{path}"{more}}}'


@pytest.mark.both_loops
async def test_a_file_is_listened_on(serve: Serve, path: Path) -> None:
    """Clients have no address there, and nobody is believed who speaks of others."""
    served = await serve(unix(path))

    assert {"main": f"unix://{path}"} == served.gateway.listeners
    assert "hello from ." == await served.get()
    assert "" == served.records[0]["client"]
    await served.gateway.stop(0)
    assert 0 == inode(path)


@pytest.mark.both_loops
async def test_a_reload_leaves_it_alone(serve: Serve, path: Path) -> None:
    """The same file, and the same socket."""
    served = await serve(unix(path))
    before, descriptor = inode(path), served.descriptor
    outcome = await served.write(unix(path), "again")

    assert outcome.applied
    assert ("again from .", before) == (await served.get(), inode(path))
    assert descriptor == served.descriptor


@pytest.mark.both_loops
async def test_it_moves_with_a_reload(serve: Serve, path: Path) -> None:
    """The new one is there, and the old one is not; whoever was in line is answered."""
    served = await serve(unix(path))
    other = path.with_name("other.sock")
    waiting = [asyncio.create_task(served.get(path)) for _ in range(20)]
    await asyncio.sleep(0)

    assert (await served.write(unix(other))).applied
    assert {"hello from ."} == {await one for one in waiting}
    assert "hello from ." == await served.get()
    assert (False, True) == (inode(path) > 0, inode(other) > 0)


@pytest.mark.both_loops
async def test_another_name_and_other_settings(serve: Serve, path: Path) -> None:
    """The file goes on."""
    served = await serve(unix(path))
    before = inode(path)
    text = SAYS.replace("main:", "public:").format(listen=unix(path), word="renamed")
    await asyncio.to_thread(served.file.write_text, text)

    assert (await served.gateway.reload("test")).applied
    assert "renamed from ." == await served.get(path)
    assert before == inode(path)


@pytest.mark.both_loops
async def test_proxies_are_listened_to_from_a_reload_on(serve: Serve, tmp_path: Path) -> None:
    """On the address that clients came to by themselves before, and with another reload they do again."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f'{{address: "127.0.0.1:{port}"'
    served = await serve(f"{address}}}")
    header, request = b"PROXY TCP4 198.51.100.7 192.0.2.1 1 2\r\n", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    async def ask(data: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(SOON):
            found = await reader.read()
        writer.close()
        return found.rpartition(b"\r\n\r\n")[2]

    assert b"hello from 127.0.0.1." == await ask(request)
    assert (await served.write(f"{address}, proxy_protocol: true}}")).applied
    assert b"hello from 198.51.100.7." == await ask(header + request)
    with contextlib.suppress(ConnectionResetError):
        assert b"" == await ask(request)
    assert (await served.write(f"{address}}}")).applied
    assert b"hello from 127.0.0.1." == await ask(request)


@pytest.mark.parametrize("kind", ["something", "somebody"])
async def test_what_is_in_the_way_refuses_a_reload(serve: Serve, path: Path, kind: str) -> None:
    """And stays."""
    served = await serve("127.0.0.1:0".join('""'))
    other = socket.socket(socket.AF_UNIX)
    if kind == "somebody":
        other.bind(str(path))
        other.listen()
    else:
        await asyncio.to_thread(path.write_text, "precious")
    with other:
        outcome = await served.write(unix(path))

    (problem,) = outcome.errors
    assert ("bad-value", "server.listen.main") == (problem.id, problem.path)
    assert problem.message.startswith(f"cannot listen on unix://{path}: ")
    assert inode(path)


async def test_a_change_that_is_given_up_leaves_nothing(serve: Serve, path: Path) -> None:
    """Its file goes, and of one that is listened on nothing changes."""
    served = await serve(unix(path))
    other = path.with_name("other.sock")
    text = SAYS.format(listen=f"{unix(path)}, second: {unix(other)}", word="never")
    await asyncio.to_thread(served.file.write_text, text)
    outcome = await served.gateway.reloader.reload("test", dry_run=True)

    assert (False, ()) == (outcome.applied, outcome.errors)
    assert (True, False) == (inode(path) > 0, inode(other) > 0)
    assert "hello from ." == await served.get()


async def test_a_start_that_fails_leaves_nothing(serve: Serve, path: Path) -> None:
    """The second of two listeners is in the way of its own."""
    with pytest.raises(OSError, match="no socket"):
        await serve(f"{unix(path)}, second: {unix(path.parent)}")

    assert 0 == inode(path)


@pytest.mark.both_loops
async def test_a_drain_answers_who_is_in_line(serve: Serve, path: Path) -> None:
    """Whoever has connected, and nobody finds the way any more."""
    served = await serve(unix(path))
    waiting = [asyncio.create_task(served.get(path)) for _ in range(50)]
    await asyncio.sleep(0)
    async with asyncio.timeout(SOON):
        assert 0 == await served.gateway.stop(SOON)

    assert {"hello from ."} == {await one for one in waiting}
    with pytest.raises(FileNotFoundError):
        await served.get(path)


@pytest.mark.both_loops
async def test_who_is_under_way_is_answered(serve: Serve, path: Path) -> None:
    """On a connection that was open before."""
    served = await serve(unix(path))
    client = Client(f"unix://{path}")
    assert 200 == (await client.get("/")).status
    stopping = asyncio.create_task(served.gateway.stop(SOON))
    await until(lambda: not inode(path))

    answer = await client.get("/")
    assert (200, "close") == (answer.status, answer.get("connection"))
    await client.close()
    await stopping


@pytest.mark.parametrize(
    ("address", "expected"),
    [("127.0.0.1:0", "127.0.0.1:"), ("[::1]:0", "[::1]:"), ("unix://PATH", "unix://PATH")],
)
def test_addresses_are_shown_as_they_are_written(address: str, expected: str, path: Path) -> None:
    """Those of the system's choice with what it has chosen."""
    with open_socket(Listen.parse(address.replace("PATH", str(path)))) as sock:
        assert shown(sock).startswith(expected.replace("PATH", str(path)))


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("127.0.0.1:80", errno.EACCES, "CAP_NET_BIND_SERVICE"),
        ("127.0.0.1:80", errno.EADDRINUSE, "end what uses it"),
        ("127.0.0.1:80", errno.EADDRNOTAVAIL, "no such address"),
        ("127.0.0.1:80", errno.EIO, ""),
        ("unix:///run/x", errno.EACCES, "write to its folder"),
        ("unix:///run/x", errno.EADDRINUSE, "end what uses it"),
        ("unix:///run/x", errno.ENOENT, "make its folder"),
        ("unix:///run/x", errno.EEXIST, "move that away"),
    ],
)
def test_what_may_help(address: str, code: int, words: str) -> None:
    """Beside another address."""
    error = OSError(code, os.strerror(code))

    assert words in cure(error, Listen.parse(address))
    assert os.strerror(code).lower() == why_not(error)

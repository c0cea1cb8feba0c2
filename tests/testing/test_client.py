"""The client, against servers that say what the test wants."""

import asyncio
from pathlib import Path

import pytest

from gatekeeper.testing import FIN, HANG, RST, Client, Connection, StartOrigin, WireError, answer


async def test_a_connection_is_kept_while_it_may_be(origin: StartOrigin) -> None:
    """And opened again where it may not, or where it has gone."""
    users = await origin()
    users.play(answer(200)).play(answer(200, {"Connection": "close"})).play(answer(200), FIN)
    client = Client(f"{users.host}:{users.port}")

    for _ in range(3):
        await client.get()
    assert client._connection is not None
    await client._connection.rest()
    await client.get()
    await client.close()
    await client.close()

    assert 3 == client.opened == len(users.connections)


async def test_requests_are_written_as_they_are_asked_for(origin: StartOrigin) -> None:
    """With one Host and one length."""
    users = await origin()
    client = Client(f"{users.host}:{users.port}")

    await client.request("GET", "/a", [("X", "1")])
    await client.request("POST", "/b", {"Host": "other"}, b"data")
    await client.request("PUT", "/c", body=[b"ab", b"c"])
    await client.request("POST", "/d", json={"a": 1})
    await client.close()

    assert b"GET /a HTTP/1.1\r\nHost: example.com\r\nX: 1\r\n\r\n" == users.requests[0].head
    assert (["other"], "4") == (users.requests[1].get_all("host"), users.requests[1].get("content-length"))
    assert [b"", b"data", b"abc", b'{"a":1}'] == [bytes(request.body) for request in users.requests]


@pytest.mark.parametrize(
    ("script", "body"),
    [
        ((answer(200, body=b"abc"),), b"abc"),
        ((answer(200, body=[b"a", b"bc"], trailers={"X": "1"}),), b"abc"),
        ((b"HTTP/1.1 200 OK\r\n\r\nabc", FIN), b"abc"),
        ((answer(103) + answer(200, body=b"abc"),), b"abc"),
        ((answer(204),), b""),
        ((answer(304),), b""),
    ],
)
async def test_answers_end_where_they_say(origin: StartOrigin, script: tuple[bytes], body: bytes) -> None:
    """By length, chunks, the end of the connection, or their status."""
    users = (await origin()).play(*script)
    client = Client(f"{users.host}:{users.port}")

    found = await client.get()
    await client.close()

    assert body == found.body
    assert (103,) * (b" 103 " in script[0]) == found.interim
    assert ([(b"X", b"1")] if b"X: 1" in script[0] else []) == found.trailers


async def test_an_answer_to_head_has_no_body(origin: StartOrigin) -> None:
    """Whatever its length says."""
    users = (await origin()).play(answer(200, {"A": "1", "a": "2"}, b"abc")[:-3])
    client = Client(f"{users.host}:{users.port}")

    found = await client.request("HEAD")
    await client.close()

    assert (b"", "3", "", b"OK") == (found.body, found.get("content-length"), found.text, found.reason)
    assert (["1", "2"], None) == (found.get_all("a"), found.get("b"))
    with pytest.raises(WireError, match="a stands 2 times"):
        found.get("a")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ((FIN,), "closed without an answer"),
        ((RST,), "the connection broke|closed without an answer"),
        ((HANG,), "no complete answer within"),
        ((b"HTTP/1.0 200 OK\r\n\r\n",), "no status line"),
        ((b"HTTP/1.1 200\r\n\r\n",), "no status line"),
        ((b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",), "a 204 with a field"),
        ((b"HTTP/1.1 200 OK\r\nA b\r\n\r\n",), "no header field"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", FIN), "6 bytes are missing"),
    ],
)
async def test_what_is_no_answer_is_an_error(origin: StartOrigin, script: tuple[bytes], message: str) -> None:
    """A client that forgives would hide what the gateway does."""
    users = (await origin()).play(*script)
    client = Client(f"{users.host}:{users.port}")

    with pytest.raises(WireError, match=message):
        await client.get(within=0.3)

    await client.close()


async def test_a_connection_is_as_raw_as_wanted(origin: StartOrigin) -> None:
    """Half-closed, reset, read to its end or not."""
    users = (await origin()).always(answer(200, body=b"ok"))
    first, second = [
        await Connection.open(f"{users.host}:{users.port}", receive_buffer=size) for size in (0, 4096)
    ]
    await first.send(b"GET / HTTP/1.1\r\n\r\n")
    first.finish()
    await second.send(b"GET / HTTP/1.1\r\n\r\n")

    assert answer(200, body=b"ok") == await first.rest()
    with pytest.raises(
        WireError, match=r"the connection is still open after 0\.05 s; it gave b'HTTP/1.1 200"
    ):
        await second.rest(within=0.05)
    second.reset()
    await users.connections[1].ended.wait()
    await first.close()


async def test_a_connection_to_a_socket_file(tmp_path: Path) -> None:
    """By the address that a gateway tells."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.close()

    server = await asyncio.start_unix_server(greet, tmp_path / "a.sock")
    connection = await Connection.open(f"unix://{tmp_path}/a.sock")
    rest = await connection.rest(5)
    await connection.close()
    server.close()

    assert b"hello" == rest


async def test_nobody_who_listens_is_an_error(origin: StartOrigin) -> None:
    """Of the operating system's."""
    users = await origin()
    users.stop_listening()

    with pytest.raises(OSError, match=r".*"):
        await Client(f"{users.host}:{users.port}").get()

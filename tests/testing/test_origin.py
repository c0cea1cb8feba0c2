"""Scripted servers, by what a client sees of them."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from gatekeeper.testing import EARLY, FIN, HANG, RST, Connection, Origin, StartOrigin, WireError, answer


GET = b"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n"


async def connect(origin: Origin) -> Connection:
    return await Connection.open(f"{origin.host}:{origin.port}")


@pytest.mark.both_loops
async def test_a_request_is_remembered_as_it_came(origin: StartOrigin) -> None:
    """Byte by byte, and parsed."""
    users = await origin()
    connection = await connect(users)
    head = b"POST /a?b HTTP/1.1\r\nHost: x\r\nA: 1\r\na: 2\r\nContent-Length: 7\r\n\r\n"

    await connection.send(head + b'{"x":1}')
    await connection.answer("POST")
    await connection.close()

    request = users.request
    assert (head, b'{"x":1}') == (request.head, bytes(request.body))
    assert ("POST", "/a?b", "1.1") == (request.method, request.target, request.version)
    assert ("x", ["1", "2"], {"x": 1}) == (request.get("host"), request.get_all("a"), request.json())
    assert request.complete
    with pytest.raises(WireError, match="a stands 2 times"):
        request.get("a")
    assert "<Received POST /a?b 7 bytes complete>" == repr(request)


async def test_scripts_are_played_in_order_and_then_the_usual_one(origin: StartOrigin) -> None:
    """One for each request, on one connection."""
    users = (await origin()).play(answer(201)).play(answer(202)).always(answer(203))
    connection = await connect(users)
    statuses = []

    for _ in range(4):
        await connection.send(GET)
        statuses.append((await connection.answer()).status)
    await connection.close()

    assert [201, 202, 203, 203] == statuses
    assert 4 == len(users.requests) == len(users.connections[0].requests)
    assert f"<Origin {users.url} 4 requests on 1 connections>" == repr(users)
    with pytest.raises(AssertionError, match="the origin got"):
        _ = users.request


async def test_a_chunked_request_is_read_with_its_trailers(origin: StartOrigin) -> None:
    """Both are remembered."""
    users = await origin()
    connection = await connect(users)
    await connection.send(
        b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n"
    )
    await connection.answer("PUT")
    await connection.close()

    assert (b"abc", [(b"X", b"1")]) == (bytes(users.request.body), users.request.trailers)


async def test_a_cut_is_a_fin_or_a_reset(origin: StartOrigin) -> None:
    """After so many bytes."""
    whole = answer(200, body=b"abcdef")
    users = (await origin()).play(whole[:-3], FIN).play(whole[:-3], 0.05, RST)
    first, second = await connect(users), await connect(users)

    await first.send(GET)
    with pytest.raises(WireError, match="3 bytes are missing"):
        await first.answer()
    await second.send(GET)
    with pytest.raises(WireError, match="the connection broke: ConnectionResetError"):
        await second.answer()
    await first.close()
    await second.close()


async def test_waits_are_times_or_events(origin: StartOrigin) -> None:
    """The latter need no luck."""
    go = asyncio.Event()
    users = (await origin()).play(go, answer(200))
    connection = await connect(users)
    await connection.send(GET)
    await users.received()
    with pytest.raises(WireError, match=r"no complete answer within 0.05 s"):
        await connection.answer(within=0.05)
    go.set()

    assert 200 == (await connection.answer()).status
    await connection.close()


async def test_a_hanging_origin_hears_that_nobody_waits(origin: StartOrigin) -> None:
    """Its connection ends when the other side does."""
    users = (await origin()).always(HANG)
    connection = await connect(users)
    await connection.send(GET)
    await users.received()

    await connection.close()

    await asyncio.wait_for(users.connections[0].ended.wait(), 5)


async def test_an_early_answer_comes_before_the_body_was_read(origin: StartOrigin) -> None:
    """Which may follow or not."""
    users = (await origin()).play(EARLY, answer(413))
    connection = await connect(users)
    await connection.send(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n")

    assert 413 == (await connection.answer("POST")).status
    assert not users.requests[0].complete
    await connection.send(b"abc")
    request = await users.received()
    await connection.close()

    assert b"abc" == bytes(request.body)


async def test_a_script_may_look_at_the_request(origin: StartOrigin) -> None:
    """A function returns what follows."""
    users = (await origin()).always(lambda request: [0.0, answer(200, body=request.target.encode())])
    connection = await connect(users)
    await connection.send(GET)

    assert b"/a?b" == (await connection.answer()).body
    await connection.close()


async def test_idle_connections_can_be_closed_and_reset(origin: StartOrigin) -> None:
    """As servers do; and nobody can connect any more."""
    users = await origin()
    first, second = await connect(users), await connect(users)
    for connection in (first, second):
        await connection.send(GET)
        await connection.answer()
    users.connections[1].reset()
    users.close_idle()
    users.stop_listening()

    assert b"" == await first.rest()
    with pytest.raises(OSError, match=r".*"):
        await connect(users)
    await first.close()
    await second.close()


async def test_waiting_in_vain_is_a_failure(origin: StartOrigin) -> None:
    """With what has come."""
    users = await origin()

    with pytest.raises(AssertionError, match=r"the origin got \[\]"):
        await users.received(within=0.05)


async def test_what_is_no_http_is_a_fault() -> None:
    """The fixture fails a test for it."""
    users = await Origin().start()
    connection = await connect(users)
    await connection.send(b"NONSENSE\r\n\r\n")
    await connection.rest()
    await connection.close()
    await users.stop()

    assert ["no request line: b'NONSENSE'"] == users.faults


async def test_it_speaks_tls(origin: StartOrigin) -> None:
    """With the certificate that it is given."""
    authority = trustme.CA()
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("localhost").configure_cert(server)
    authority.configure_trust(client)
    users = await origin(tls=server)
    connection = await Connection.open(f"{users.host}:{users.port}", client)
    await connection.send(GET)

    assert b"ok" == (await connection.answer()).body
    assert users.url.startswith("https://127.0.0.1:")
    await connection.close()


async def test_it_listens_on_a_socket_file(origin: StartOrigin, tmp_path: Path) -> None:
    """Where a port is too public."""
    users = await origin(path=tmp_path / "users.sock")
    users.always(answer(200), RST)
    reader, writer = await asyncio.open_unix_connection(tmp_path / "users.sock")
    connection = Connection(reader, writer)
    await connection.send(GET)

    assert 200 == (await connection.answer()).status
    assert f"unix://{tmp_path}/users.sock" == users.url
    await connection.close()


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (answer(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        (answer(204), b"HTTP/1.1 204 No Content\r\n\r\n"),
        (answer(599), b"HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n"),
        (answer(100), b"HTTP/1.1 100 Continue\r\n\r\n"),
        (
            answer(200, {"A": "b"}, b"x", reason="Fine"),
            b"HTTP/1.1 200 Fine\r\nA: b\r\nContent-Length: 1\r\n\r\nx",
        ),
        (
            answer(200, json=[1]),
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\n[1]",
        ),
        (
            answer(200, body=[b"abc"], trailers={"X": "1"}),
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: 1\r\n\r\n",
        ),
    ],
)
def test_answers_are_bytes(made: bytes, expected: bytes) -> None:
    """So that they can be cut anywhere."""
    assert expected == made

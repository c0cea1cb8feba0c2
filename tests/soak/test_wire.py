"""HTTP/1.1 as the soak speaks it."""

import asyncio

import pytest

from tests.soak.wire import BLOCK, BrokenError, Client, Message, chunk, piece


OK = b"HTTP/1.1 200 OK\r\n"


def read(*pieces: bytes) -> tuple[Message, bytes, bytes]:
    """A message that comes in pieces, its body, and what stands behind it."""
    found: list[bytes] = []
    message = Message(found.append)
    rest = b"".join(message.feed(one) for one in pieces)
    return message, b"".join(found), rest


WHOLE = [
    pytest.param(OK + b"Content-Length: 3\r\n\r\nabc", b"abc", id="length"),
    pytest.param(OK + b"Content-Length: 0\r\n\r\n", b"", id="no body"),
    pytest.param(
        OK + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"ab") + chunk(b"c") + chunk(b""),
        b"abc",
        id="chunks",
    ),
    pytest.param(b"HTTP/1.1 204 No Content\r\n\r\n", b"", id="204 needs no framing"),
    pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"", id="a request needs no framing"),
]


@pytest.mark.parametrize(("data", "body"), WHOLE)
def test_a_message_is_read_whole(data: bytes, body: bytes) -> None:
    """However it is cut; what stands behind it is not part of it."""
    for size in (1, 7, len(data)):
        pieces = [data[begin : begin + size] for begin in range(0, len(data), size)]
        message, found, rest = read(*pieces)
        assert (True, body, len(body), b"") == (message.complete, found, message.size, rest)
    assert b"more" == read(data + b"more")[2]


@pytest.mark.parametrize(("data", "body"), WHOLE)
def test_part_of_a_message_is_not_complete(data: bytes, body: bytes) -> None:
    """Wherever it is cut."""
    for end in range(len(data)):
        assert not read(data[:end])[0].complete


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(OK + b"\r\n", id="no framing"),
        pytest.param(OK + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", id="both framings"),
        pytest.param(OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\n", id="a field twice"),
        pytest.param(OK + b"nonsense\r\n\r\n", id="no field"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", id="no chunk"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabcd\r\n", id="a chunk of another size"),
    ],
)
def test_what_is_no_message_is_refused(data: bytes) -> None:
    """At once."""
    with pytest.raises(BrokenError):
        read(data)


def test_content_is_known_at_both_ends() -> None:
    """A part is a part of the whole, and another seed has another one."""
    whole = piece(7, 0, 1000)

    assert whole[300:500] == piece(7, 300, 200)
    assert piece(7, 0, 100) != piece(8, 0, 100)
    assert BLOCK == len(piece(3, BLOCK - 1, BLOCK))


async def answering(answer: bytes, *, end: bool = False) -> tuple[asyncio.Server, int]:
    """A server that answers everything so."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        if not end:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "end", "why"),
    [
        pytest.param(b"", True, "no answer", id="nothing"),
        pytest.param(OK + b"Content-Length: 5\r\n\r\nabc", True, "with 3 bytes", id="half of it"),
        pytest.param(OK + b"Content-Length: 1\r\n\r\nabc", False, "behind the answer", id="more than it"),
        pytest.param(OK + b"Content-Length: 5\r\n\r\nabc", False, "no whole answer", id="for too long"),
        pytest.param(OK + b"\r\n", False, "none", id="no answer at all"),
    ],
)
async def test_a_client_tells_what_is_wrong(answer: bytes, end: bool, why: str) -> None:
    """And asks nobody else."""
    server, port = await answering(answer, end=end)
    client = await Client.open(port)

    with pytest.raises(BrokenError, match=why):
        await client.ask(b"GET / HTTP/1.1\r\n\r\n", lambda _: None, patience=0.2)

    assert client.transport.is_closing()
    server.close()
    await server.wait_closed()


async def test_a_client_tells_of_an_end_between_two_requests() -> None:
    """Unless the last answer has said so."""
    told: list[float] = []
    for field, count in ((b"", 1), (b"Connection: close\r\n", 0)):
        server, port = await answering(OK + field + b"Content-Length: 0\r\n\r\n", end=True)
        client = await Client.open(port)
        client.on_idle_end = told.append
        await client.ask(b"GET / HTTP/1.1\r\n\r\n", lambda _: None)
        async with asyncio.timeout(10):
            while client.is_open:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
        assert count == len(told)
        with pytest.raises(BrokenError, match="had ended"):
            await client.ask(b"GET / HTTP/1.1\r\n\r\n", lambda _: None)
        told.clear()
        server.close()
        await server.wait_closed()

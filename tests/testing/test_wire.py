"""HTTP/1.1 read strictly."""

import asyncio

import pytest

from gatekeeper.testing.wire import (
    Head,
    WireError,
    body_length,
    parse_fields,
    read_chunks,
    read_exactly,
    read_head,
)


def reader(data: bytes) -> asyncio.StreamReader:
    """A stream that has ended."""
    stream = asyncio.StreamReader(limit=1000)
    stream.feed_data(data)
    stream.feed_eof()
    return stream


async def test_a_head_is_its_start_line_and_fields() -> None:
    """And the bytes that it came as."""
    raw = b"GET / HTTP/1.1\r\nA: 1\r\na:\t2 3 \r\n\r\n"

    head = await read_head(reader(raw + b"rest"))

    assert head is not None
    assert (b"GET / HTTP/1.1", [(b"A", b"1"), (b"a", b"2 3")], raw) == (head.start, head.fields, head.raw)
    assert [b"1", b"2 3"] == head.get_all(b"a")
    assert None is await read_head(reader(b""))


@pytest.mark.parametrize("raw", [b"GET / HT", b"GET / HTTP/1.1\r\n\r", b"G" * 2000])
async def test_half_a_head_is_an_error(raw: bytes) -> None:
    """So is one without end."""
    with pytest.raises(WireError):
        await read_head(reader(raw))


@pytest.mark.parametrize(
    "line", [b"a b: c", b"a : c", b": c", b"a", b"a: \x00", b" a: b", b"a: b\nc: d", b""]
)
def test_what_is_no_field_is_an_error(line: bytes) -> None:
    """No folding, no blanks before the colon."""
    with pytest.raises(WireError):
        parse_fields([line])


@pytest.mark.parametrize(
    ("fields", "length"),
    [
        ([], -1),
        ([(b"Content-Length", b"5")], 5),
        ([(b"transfer-encoding", b"chunked")], None),
        ([(b"content-length", b"5"), (b"content-length", b"5")], "more than one"),
        ([(b"content-length", b"5"), (b"transfer-encoding", b"chunked")], "more than one"),
        ([(b"content-length", b"+5")], "Content-Length"),
        ([(b"transfer-encoding", b"gzip, chunked")], "Transfer-Encoding"),
    ],
)
def test_a_message_says_once_how_long_it_is(
    fields: list[tuple[bytes, bytes]], length: int | str | None
) -> None:
    """Or not at all."""
    head = Head(b"", fields, b"")

    if isinstance(length, str):
        with pytest.raises(WireError, match=length):
            body_length(head)
    else:
        assert length == body_length(head)


async def test_chunks_are_joined_and_trailers_returned() -> None:
    """What follows is left alone."""
    stream, body = reader(b"3\r\nabc\r\nA\r\n0123456789\r\n0\r\nX: 1\r\n\r\nrest"), bytearray()

    assert [(b"X", b"1")] == await read_chunks(stream, body)
    assert (b"abc0123456789", b"rest") == (bytes(body), await stream.read())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"3\r\nab",
        b"3\r\nabcd\r\n",
        b"x\r\n",
        b"3;a=b\r\nabc\r\n0\r\n\r\n",
        b"0\r\n",
        b"0\r\nX\r\n\r\n",
        b"-1\r\n",
    ],
)
async def test_what_are_no_chunks_is_an_error(data: bytes) -> None:
    """Extensions too: the gateway has no reason to write them."""
    with pytest.raises(WireError):
        await read_chunks(reader(data), bytearray())


async def test_what_is_missing_is_an_error() -> None:
    """With how much it is."""
    with pytest.raises(WireError, match="2 bytes are missing"):
        await read_exactly(reader(b"abc"), 5, bytearray())

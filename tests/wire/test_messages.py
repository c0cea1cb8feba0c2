"""The reader of both ends: what is sound is cut out exactly, what is not is never repaired."""

import pytest

from tests.wire.messages import Message, Reader, WrongError


GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def read(
    data: bytes, *, answers: bool, to_head: tuple[int, ...] = ()
) -> tuple[list[Message], Message | None]:
    """The messages in some bytes, and what ends with the stream."""
    reader = Reader(answers=answers, to_head=to_head)
    found = reader.feed(data)
    return found, reader.end()


@pytest.mark.parametrize(
    ("data", "body", "framing"),
    [
        pytest.param(GET, b"", "none", id="no body"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok", b"ok", "length", id="length"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nX: 1\r\n\r\n",
            b"ok",
            "chunked",
            id="chunked",
        ),
    ],
)
def test_requests_are_cut_out_wherever_they_are_divided(data: bytes, body: bytes, framing: str) -> None:
    """And so is the one behind."""
    for position in range(len(data)):
        reader = Reader(answers=False)
        found = reader.feed(data[:position]) + reader.feed(data[position:] + GET)

        assert [(data, body, framing), (GET, b"", "none")] == [
            (one.raw, one.body, one.framing) for one in found
        ]
        assert b"" == reader.rest


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\nHost: a\n\n\r\n\r\n", id="lf"),
        pytest.param(b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", id="two blanks"),
        pytest.param(b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", id="version"),
        pytest.param(b"GET /\xe9 HTTP/1.1\r\nHost: a\r\n\r\n", id="target"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no host"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", id="two hosts"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", id="blank before the colon"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", id="folded"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nX: \x00\r\n\r\n", id="nul"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 02\r\n\r\nok", id="leading nought"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n", id="two lengths"
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", id="both"
        ),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", id="coding"),
        pytest.param(b"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", id="coding in 1.0"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n", id="size"),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nokk\r\n", id="overrun"
        ),
        pytest.param(
            b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX\r\n\r\n", id="trailer"
        ),
    ],
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    """Nothing is repaired: the proxy has to have done that."""
    with pytest.raises(WrongError):
        read(data, answers=False)


@pytest.mark.parametrize(
    ("data", "to_head", "expected"),
    [
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", (), [(200, b"ok", True)], id="length"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", (), [(200, b"o", False)], id="cut length"
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\n\r\nok", (), [(200, b"ok", True)], id="until the end"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
            (),
            [(200, b"ok", False)],
            id="cut chunks",
        ),
        pytest.param(b"HTTP/1.1 204 No\r\n\r\n", (), [(204, b"", True)], id="204"),
        pytest.param(b"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", (), [(304, b"", True)], id="304"),
        pytest.param(
            b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
            (0,),
            [(103, b"", True), (200, b"", True)],
            id="to HEAD, behind an interim one",
        ),
    ],
)
def test_answers(data: bytes, to_head: tuple[int, ...], expected: list[tuple[int, bytes, bool]]) -> None:
    """Whether one is complete says its framing, and nothing else."""
    found, last = read(data, answers=True, to_head=to_head)

    assert expected == [(one.status, one.body, one.complete) for one in (*found, *([last] if last else []))]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", id="framing in a 204"),
        pytest.param(b"HTTP/1.1 99 No\r\n\r\n", id="status"),
        pytest.param(b"HTTP/2 200\r\n\r\n", id="version"),
        pytest.param(b"okHTTP/1.1 200 OK\r\n\r\n", id="bytes before it"),
    ],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    """So that a proxy is found out that writes too much or too little."""
    with pytest.raises(WrongError):
        read(data, answers=True)


def test_what_comes_behind_a_101_is_not_read() -> None:
    """It belongs to another protocol."""
    reader = Reader(answers=True)

    found = reader.feed(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nHTTP/1.1")
    found += reader.feed(b" 200")

    assert [101] == [one.status for one in found]
    assert (b"HTTP/1.1 200", b"") == (bytes(reader.tunnel), reader.rest)
    assert None is reader.end()

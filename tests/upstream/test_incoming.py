"""What the parser makes of an answer, however its bytes are cut; ids name the row of reliability.md."""

import asyncio
import itertools
from typing import Any, cast

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.clock import Wheel
from gatekeeper.core.exchange import Attempt
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Field
from gatekeeper.testing import make_exchange
from gatekeeper.upstream.answer import Answer
from gatekeeper.upstream.connection import Connection
from gatekeeper.upstream.pool import Pool
from tests.edge.wire import OK, on_both_loops, until
from tests.upstream.sending import Limits, ok, replying, sending
from tests.upstream.test_upgrade import ANSWER as SWITCHED
from tests.upstream.test_upgrade import KEY


HINTS = ok(b"Link: </a>", status=b"103 Early Hints")


# ---- framing ------------------------------------------------------------------------------------------------------


@on_both_loops
@pytest.mark.parametrize(
    ("method", "reply", "chunked", "length"),
    [
        pytest.param("GET", ok(b"Content-Length: 2", body=b"ok"), False, 2, id="length"),
        pytest.param("GET", ok(b"Content-Length: 2", body=b"o|k"), False, 2, id="length-streamed"),
        pytest.param("GET", ok(b"Transfer-Encoding: chunked", body=b"2\r\nok\r\n0\r\n\r\n"), True, 2, id="chunked"),
        pytest.param(
            "GET", ok(b"Transfer-Encoding: chunked", body=b"2\r\nok|\r\n0\r\n\r\n"), True, None, id="chunked-streamed"
        ),
        pytest.param("GET", ok(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"), True, 0, id="chunked-empty"),
        pytest.param("HEAD", ok(b"Content-Length: 2"), False, 2, id="HEAD-length"),
        pytest.param("HEAD", ok(b"Transfer-Encoding: chunked"), True, None, id="HEAD-chunked"),
        pytest.param("HEAD", ok(), False, None, id="HEAD-not-told"),
        pytest.param("GET", ok(b"Content-Length: 9", status=b"304 Not Modified"), False, 9, id="304-length"),
        pytest.param("GET", ok(b"Transfer-Encoding: chunked", status=b"304 Not Modified"), True, None, id="304-chunked"),
        pytest.param("GET", ok(b"Transfer-Encoding: chunked", status=b"204 No Content"), False, 0, id="204-chunked"),
    ],
)  # fmt: skip
async def test_an_answer_keeps_its_framing(
    method: str, reply: bytes, length: int | None, *, chunked: bool
) -> None:
    """HOP-06: what came in chunks goes on in chunks, whether it is all there or not."""
    async with sending(replying(reply)) as play:
        response = await play.ask(method)

        assert (chunked, length) == (response.body.chunked, response.body.length)
        assert b"ok"[
            : length if method == "GET" and response.status == 200 else 0
        ] == await response.body.read(10)


@on_both_loops
async def test_an_answer_until_the_end_of_the_connection_has_neither() -> None:
    """It goes on in chunks, or until the end."""

    async def script(origin: Any, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.request(reader)
        writer.write(ok(body=b"until the end"))

    async with sending(script) as play:
        response = await play.ask()
        assert (False, None) == (response.body.chunked, response.body.length)
        assert b"until the end" == await response.body.read(20)


@on_both_loops
async def test_a_switch_behind_an_answer_is_nobodys() -> None:
    """UPS-13: the answer itself was fine."""
    async with sending(replying(OK + SWITCHED)) as play:
        async with asyncio.timeout(2.0):
            response = await play.ask()

        assert (200, b"ok", None) == (response.status, response.body.data, response.tunnel)
        await until(lambda: not play.pool.open_count)


CHUNKED = ok(b"Transfer-Encoding: chunked", body=b"2\r\nok\r\n0\r\n\r\n")


@on_both_loops
@pytest.mark.parametrize("behind", [b"\r\n", b"\n", b"\r", b"\r\n" * 10], ids=repr)
@pytest.mark.parametrize(
    ("method", "reply"),
    [
        pytest.param("GET", OK, id="length"),
        pytest.param("GET", ok(b"Content-Length: 2", body=b"|ok"), id="length-in-pieces"),
        pytest.param("GET", ok(b"Content-Length: 0"), id="no-body"),
        pytest.param("GET", CHUNKED, id="chunks"),
        pytest.param("GET", CHUNKED[:-5] + b"|" + CHUNKED[-5:], id="chunks-in-pieces"),
        pytest.param("HEAD", ok(b"Content-Length: 2"), id="HEAD"),
        pytest.param("GET", ok(status=b"204 No Content"), id="204"),
        pytest.param("GET", ok(b"Content-Length: 2", status=b"304 Not Modified"), id="304"),
    ],
)
async def test_line_ends_behind_an_answer_are_not_passed_over(
    method: str, reply: bytes, behind: bytes
) -> None:
    """UPS-13: the parser would; whoever sends them may send more."""
    async with sending(replying(reply + behind)) as play:
        assert await (await play.ask(method)).body.read(10) in {b"ok", b""}
        await until(lambda: not play.pool.open_count)


@on_both_loops
@pytest.mark.parametrize(
    ("method", "reply"),
    [
        pytest.param("GET", ok(b"Content-Length: 3", body=b"ok\n"), id="length"),
        pytest.param("GET", ok(b"Content-Length: 3", body=b"|ok\n"), id="length-in-pieces"),
        pytest.param("GET", ok(b"Content-Length: 3", body=b"o|k\n"), id="body-in-pieces"),
        pytest.param("GET", ok(b"Content-Length: 4")[:-1] + b"|\nok\r\n", id="head-in-pieces"),
        pytest.param("GET", ok(b"Content-Length: 8", body=b"\r\n\r\n\r\n\r\n"), id="nothing-else"),
        pytest.param("GET", CHUNKED, id="chunks"),
        pytest.param("GET", CHUNKED[:-1] + b"|\n", id="chunks-in-pieces"),
        pytest.param("GET", CHUNKED[:-4] + b"|\r\n\r\n", id="last-chunk-in-pieces"),
        pytest.param("GET", CHUNKED[:-2] + b"X: y\r\n\r\n", id="trailers"),
        pytest.param("HEAD", ok(b"Content-Length: 2"), id="HEAD"),
        pytest.param("HEAD", ok(b"Transfer-Encoding: chunked"), id="HEAD-chunked"),
        pytest.param("HEAD", ok(b"Content-Length: 2")[:-2] + b"|\r\n", id="HEAD-in-pieces"),
        pytest.param("GET", ok(status=b"204 No Content"), id="204"),
        pytest.param("GET", ok(b"Transfer-Encoding: chunked", status=b"304 Not Modified"), id="304"),
    ],
)
async def test_line_ends_that_are_the_end_of_an_answer_keep_its_connection(method: str, reply: bytes) -> None:
    """However it comes."""
    async with sending(replying(reply)) as play:
        await (await play.ask(method)).body.read(10)
        await until(lambda: play.pool.idle_count)


@on_both_loops
async def test_a_chunk_behind_an_answer_to_head_is_not_passed_over() -> None:
    """UPS-11: not even the last."""
    async with sending(replying(ok(b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"))) as play:
        assert 200 == (await play.ask("HEAD")).status
        await until(lambda: not play.pool.open_count)


# ---- whatever comes, however it is cut ----------------------------------------------------------------------------


class Transport:
    """Takes what is written to it, and can be closed."""

    def __init__(self) -> None:
        self.closed = False

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0

    def abort(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        """Do nothing: all the bytes are here."""

    resume_reading = pause_reading


@attrs.frozen
class Verdict:
    """What became of an answer."""

    status: int
    fields: tuple[Field, ...] = ()
    body: bytes = b""
    trailers: tuple[Field, ...] = ()
    interim: tuple[int, ...] = ()
    tunnel: bool = False
    error: str = ""


async def verdict_on(pieces: list[bytes], method: str, upgrade: str) -> Verdict:
    """Feed the pieces to the answer of a request, and the end of the connection; what came of it."""
    wheel = Wheel(0.0)
    instance = Instance("s", "i", "http", "192.0.2.1", 80)
    pool = Pool(instance, wheel)
    pool.close()
    connection = Connection(pool, asyncio.get_running_loop())
    connection.connection_made(cast(asyncio.Transport, Transport()))
    exchange = make_exchange(method, headers={"Sec-WebSocket-Key": KEY.decode()})
    exchange.request.upgrade, exchange.request.takes_trailers = upgrade, True
    interim: list[int] = []
    exchange.interim = lambda status, _: interim.append(status)
    attempt = Attempt(exchange, instance, 1, 0.0)
    answer = Answer(connection, attempt, exchange.request, Limits(), wheel, lambda: 1.0)
    for piece in pieces:
        if connection.answer is None or not connection.is_open:
            break
        connection.data_received(piece)
    if connection.answer is not None:
        connection.eof_received()
    waiting = asyncio.ensure_future(answer.head())
    await asyncio.sleep(0)
    assert waiting.done(), "a request that hangs"
    error = waiting.exception() or answer.error
    assert answer.tunnel is not None or connection.answer is None
    assert (answer.tunnel is not None) == instance.in_flight
    assert 0 == len(wheel)
    if error is not None:
        # how much of its head or body came before is a matter of chance
        return Verdict(0, interim=tuple(interim), error=type(error).__name__)
    trailers = answer.trailers.fields if answer.trailers is not None else []
    return Verdict(
        answer.status,
        tuple(answer.fields),
        answer.take(),
        tuple(trailers),
        tuple(interim),
        answer.tunnel is not None,
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"2\nok\r\n0\r\n\r\n", id="LF-behind-size"),
        pytest.param(b"2\r\nok\n0\r\n\r\n", id="LF-behind-data"),
        pytest.param(b"2\r\nok\r\n0\n\r\n", id="LF-behind-last-size"),
        pytest.param(b"2\r\nok\r\n0\r\n\n", id="LF-at-the-end"),
        pytest.param(b"2\r\nok\r\n0\r\n", id="no-end"),
        pytest.param(b"2\r\r\nok\r\n0\r\n\r\n", id="CR-twice"),
        pytest.param(b"0x2\r\nok\r\n0\r\n\r\n", id="size-0x"),
        pytest.param(b"+2\r\nok\r\n0\r\n\r\n", id="size-plus"),
        pytest.param(b"-2\r\nok\r\n0\r\n\r\n", id="size-minus"),
        pytest.param(b"2_\r\nok\r\n0\r\n\r\n", id="size-underscore"),
        pytest.param(b"2 \r\nok\r\n0\r\n\r\n", id="size-blank"),
        pytest.param(b"\r\nok\r\n0\r\n\r\n", id="size-missing"),
        pytest.param(b"F" * 17 + b"\r\nok\r\n0\r\n\r\n", id="size-overflow"),
        pytest.param(b"3\r\nok\r\n0\r\n\r\n", id="less-than-said"),
        pytest.param(b"1\r\nok\r\n0\r\n\r\n", id="more-than-said"),
        pytest.param(b"2;a\nb\r\nok\r\n0\r\n\r\n", id="extension-LF"),
        pytest.param(b"2;a\rb\r\nok\r\n0\r\n\r\n", id="extension-CR"),
        pytest.param(b"2;a\x00b\r\nok\r\n0\r\n\r\n", id="extension-NUL"),
    ],
)
def test_chunks_that_two_readers_could_read_differently_are_refused(body: bytes) -> None:
    """UPS-22: as those of requests are; what came before is no whole answer."""
    reply = ok(b"Transfer-Encoding: chunked", body=body)

    assert "AnswerTruncated" == asyncio.run(verdict_on([reply], "GET", "")).error


ANSWERS = [
    OK,
    HINTS * 2 + OK,
    ok(b"Transfer-Encoding: chunked", b"Trailer: X", body=b"3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nX: 1\r\n\r\n"),
    ok(b"Connection: x-hop", b"X-Hop: 1", b"Transfer-Encoding: chunked", body=b"1\r\na\r\n0\r\nX-Hop: 1\r\nY: 2\r\n\r\n"),
    ok(body=b"until the end"),
    ok(status=b"204 No Content") + OK,
    ok(b"Content-Length: 5", status=b"304 Not Modified"),
    SWITCHED + b"bytes of another protocol",
    HINTS + SWITCHED,
    OK + SWITCHED,
]  # fmt: skip

BYTES = [
    b"",
    b"\r",
    b"\n",
    b"\r\n",
    b" ",
    b":",
    b"0",
    b"-1",
    b"\0",
    b"\x80",
    b";",
    b"chunked",
    b"HTTP/1.1 200 OK\r\n\r\n",
]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """An answer with some bytes of it replaced by others."""
    data = draw(st.sampled_from(ANSWERS))
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(data)))
        size = draw(st.integers(0, 3))
        data = data[:start] + draw(st.sampled_from(BYTES)) + data[start + size :]
    return data


@given(
    mutated(),
    st.lists(st.integers(0, 200), max_size=6),
    st.sampled_from(["GET", "HEAD"]),
    st.sampled_from(["", "websocket"]),
)
def test_it_does_not_matter_how_an_answer_is_cut(
    data: bytes, cuts: list[int], method: str, upgrade: str
) -> None:
    """FRM-38, UPS-22: whatever it is; nothing hangs, nothing is left, and each attempt ends."""

    async def run() -> None:
        at = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
        pieces = [data[start:end] for start, end in itertools.pairwise(at) if start < end]
        whole = await verdict_on([data], method, upgrade)
        assert whole == await verdict_on(pieces, method, upgrade)
        assert whole == await verdict_on([data[n : n + 1] for n in range(len(data))], method, upgrade)

    asyncio.run(run())

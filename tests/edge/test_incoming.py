"""Bytes into requests, one at a time, without a socket."""

import asyncio
import itertools
import random

import pytest

from gatekeeper.core.clock import Wheel
from gatekeeper.core.errors import BadRequest, ClientGone, ContentTooLarge, GatewayError
from gatekeeper.core.exchange import Exchange
from gatekeeper.edge.head import HeadReader
from gatekeeper.edge.incoming import BACKLOG_LIMIT, BODY, CHUNKS_AT_ONCE, DEAF, HEAD, WHOLE, Incoming
from gatekeeper.edge.peer import Peer
from gatekeeper.edge.request import Reader
from gatekeeper.edge.settings import EdgeSettings
from gatekeeper.observe.request_id import RequestIds


GET = b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


class Connection:
    """Takes what is handed over; stands for the connection and for its edge."""

    def __init__(self) -> None:
        self.edge = self
        self.settings = EdgeSettings()
        self.wheel = Wheel(0.0)
        self.peer = Peer(None, "http", "main")
        self.requests: list[Exchange] = []
        self.refusals: list[GatewayError] = []
        self.heads = 0
        self.paused = False
        self.turns = 0
        self.continued = 0
        self._reader = Reader(RequestIds(), random.Random(0).getrandbits)
        self.incoming = Incoming(self)  # type: ignore[arg-type]

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The one that runs."""
        return asyncio.get_running_loop()

    def read(self, head: HeadReader, peer: Peer) -> Exchange:
        """As the edge does."""
        return self._reader.read(head, peer, 0.0)

    def hand_over(self, exchange: Exchange, error: GatewayError | None) -> None:
        """A request is there."""
        assert error is None
        self.requests.append(exchange)

    def refuse(self, error: GatewayError) -> None:
        """What came is none."""
        self.incoming.stop()
        self.refusals.append(error)

    def head_begins(self) -> None:
        """A part of a head is there."""
        self.heads += 1

    def pause_client(self) -> None:
        """Too much has come."""
        self.paused = True

    def let_others(self) -> None:
        """Very many chunks have come at once."""
        self.turns += 1

    def resume_client(self) -> None:
        """There is room again."""
        self.paused = False

    def write_continue(self) -> None:
        """The body is wanted."""
        self.continued += 1


def fed(*pieces: bytes) -> Connection:
    """A connection on which this has come."""
    connection = Connection()
    for piece in pieces:
        connection.incoming.feed(piece)
    return connection


async def body_of(exchange: Exchange) -> bytes:
    """All of it."""
    return b"".join([chunk async for chunk in exchange.request.body])


def test_one_request_is_read_and_the_next_when_it_is_answered() -> None:
    """FRM-31: in order, and what follows costs no more than its bytes."""
    connection = fed(GET % 1 + GET % 2 + GET % 3)
    incoming = connection.incoming
    for number in (1, 2, 3):
        assert [f"/{at}" for at in range(1, number + 1)] == [one.request.path for one in connection.requests]
        assert (WHOLE, number < 3) == (incoming.state, incoming.waits)
        incoming.go_on()
    assert (HEAD, 3, 3) == (incoming.state, incoming.requests, len(connection.requests))


def test_good_requests_before_a_bad_one_are_handed_over() -> None:
    """And the bad one only when these are answered."""
    connection = fed(GET % 1 + b"BAD\r\n\r\n")
    assert (1, []) == (len(connection.requests), connection.refusals)
    connection.incoming.go_on()
    assert (1, [BadRequest]) == (len(connection.requests), [type(one) for one in connection.refusals])
    assert DEAF == connection.incoming.state


def test_what_comes_behind_a_refusal_is_not_heard() -> None:
    """Whatever it is."""
    connection = fed(b"BAD\r\n\r\n", GET % 1)
    assert [] == connection.requests


@pytest.mark.parametrize(
    ("data", "expected", "chunked"),
    [
        pytest.param(POST + b"hello", b"hello", False, id="length"),
        pytest.param(CHUNKED + b"5\r\nhello\r\n0\r\n\r\n", b"hello", True, id="chunks"),
        pytest.param(CHUNKED + b"2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Sum: 1\r\n\r\n", b"hello", True, id="trailer"),
        pytest.param(CHUNKED + b"0\r\n\r\n", b"", True, id="no-chunk"),
        pytest.param(POST.replace(b"5", b"0"), b"", False, id="no-length"),
    ],
)
async def test_a_body_is_read_wherever_it_is_cut(data: bytes, expected: bytes, *, chunked: bool) -> None:
    """FRM-38: with another request behind it; a whole one in one piece is complete at once."""
    whole = fed(data + GET % 2)
    assert expected == whole.requests[0].request.body.data
    for position in range(1, len(data)):
        connection = fed(data[:position], data[position:] + GET % 2)
        (exchange,) = connection.requests
        assert expected == await body_of(exchange), position
        assert (chunked, len(expected)) == (exchange.request.body.chunked, exchange.bytes_in)
        connection.incoming.go_on()
        assert "/2" == connection.requests[1].request.path


KINDS = {
    "length": POST + b"hello",
    "chunks": CHUNKED + b"5\r\nhello\r\n0\r\n\r\n",
    "no body": GET % 1,
}


@pytest.mark.parametrize("cuts", [*itertools.product([None, -3], repeat=3)])
@pytest.mark.parametrize("kinds", [*itertools.product(KINDS, repeat=3)])
async def test_nothing_of_a_request_stays_for_the_next_one(
    kinds: tuple[str, ...], cuts: tuple[int | None, ...]
) -> None:
    """However their bodies are framed, and whether they come in one piece or in two."""
    connection = Connection()
    for number, (kind, cut) in enumerate(zip(kinds, cuts, strict=True)):
        data = KINDS[kind]
        connection.incoming.feed(data[:cut])
        if cut is not None:
            connection.incoming.feed(data[cut:])
        exchange = connection.requests[number]
        assert (b"" if kind == "no body" else b"hello") == await body_of(exchange)
        connection.incoming.go_on()

    assert ([], HEAD, 3) == (connection.refusals, connection.incoming.state, len(connection.requests))


@pytest.mark.parametrize("cut", [len(CHUNKED), len(CHUNKED) + 8])
async def test_a_broken_chunk_ends_the_body_and_the_connection(cut: int) -> None:
    """FRM-10: in the piece of the head nothing is handed over, in a later one the reader meets it."""
    data = CHUNKED + b"5\r\nhello\r\nzz\r\n"
    assert ([], [BadRequest]) == (fed(data).requests, [type(one) for one in fed(data).refusals])
    connection = fed(data[:cut], data[cut:])
    (exchange,) = connection.requests
    with pytest.raises(BadRequest):
        await body_of(exchange)
    assert DEAF == connection.incoming.state


async def test_a_body_that_nobody_reads_stops_the_client() -> None:
    """And it goes on when somebody does."""
    connection = fed(POST.replace(b"5", b"1000000"))
    for _ in range(5):
        connection.incoming.feed(b"x" * 100_000)
    before = connection.paused
    assert 500_000 == len(await connection.requests[0].request.body.next())
    assert (True, False) == (before, connection.paused)


def test_much_behind_a_request_stops_the_client() -> None:
    """It waits as bytes."""
    connection = fed(GET % 1)
    paused = []
    for piece in (b"x" * BACKLOG_LIMIT, b"x"):
        connection.incoming.feed(piece)
        paused.append(connection.paused)
    assert [False, True] == paused
    assert b"x" * (BACKLOG_LIMIT + 1) == connection.incoming.take_backlog()
    assert not connection.incoming.waits


@pytest.mark.parametrize("before", [True, False])
async def test_a_limit_holds_for_what_has_come_and_what_will(*, before: bool) -> None:
    """LIM-05: the route is known only when a part of the body may be here."""
    connection = fed(CHUNKED + b"5\r\nhello\r\n")
    connection.incoming.limit_body(4 if before else 6)
    if not before:
        connection.incoming.feed(b"2\r\nab\r\n")
    with pytest.raises(ContentTooLarge):
        await body_of(connection.requests[0])


def test_a_limit_of_a_body_that_is_whole_is_nobodys() -> None:
    """It is the edge's, which sees the size."""
    connection = fed(POST + b"hello")
    connection.incoming.limit_body(1)
    assert b"hello" == connection.requests[0].request.body.data


@pytest.mark.parametrize(
    ("pieces", "expects"),
    [
        pytest.param([POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")], True, id="withheld"),
        pytest.param(
            [POST.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n") + b"he"], False, id="begun"
        ),
        pytest.param([POST], False, id="not-asked"),
    ],
)
async def test_a_client_waits_to_hear_that_its_body_is_wanted(pieces: list[bytes], *, expects: bool) -> None:
    """FRM-32: only if nothing of it has come."""
    connection = fed(*pieces)
    body = connection.requests[0].request.body
    assert expects == body.expects_continue
    assert 0 == connection.continued
    reading = asyncio.ensure_future(body.next())
    await asyncio.sleep(0)
    assert int(expects) == connection.continued
    connection.incoming.feed(b"hello")
    await reading


async def test_what_ends_the_connection_ends_the_body() -> None:
    """With the reason of whoever ended it."""
    connection = fed(POST + b"he")
    assert BODY == connection.incoming.state
    connection.incoming.stop(ClientGone())
    with pytest.raises(ClientGone):
        await body_of(connection.requests[0])


def test_a_part_of_a_head_is_told() -> None:
    """It has a time of its own."""
    connection = fed(b"GET / HT")
    assert (1, HEAD, True) == (connection.heads, connection.incoming.state, connection.incoming.head.begun)


@pytest.mark.parametrize(("count", "turns"), [(CHUNKS_AT_ONCE, 0), (CHUNKS_AT_ONCE + 1, 1)])
async def test_very_many_chunks_at_once_let_others_have_their_turn(count: int, turns: int) -> None:
    """FRM-13: bodies in chunks of one byte."""
    connection = fed(CHUNKED, b"1\r\nx\r\n" * count)
    assert (turns, count) == (connection.turns, connection.requests[0].bytes_in)


def test_an_empty_line_behind_a_request_is_no_beginning() -> None:
    """RFC 9112 section 2.2: old clients send one behind a body, and then wait for as long as they like."""
    assert (0, 1) == (fed(b"\r\n").heads, fed(b"\r\n\r").heads)


def test_a_request_that_is_refused_is_not_handed_over() -> None:
    """What it is was understood, and may not be."""
    connection = fed(b"GET / HTTP/1.1\r\n\r\n" + GET % 1)
    assert ([], [BadRequest]) == (connection.requests, [type(one) for one in connection.refusals])

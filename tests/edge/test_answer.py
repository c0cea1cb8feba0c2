"""Responses onto the wire; ids name the row of reliability.md."""

import asyncio

import h11
import pytest

from gatekeeper.config.model import FilterConfig
from gatekeeper.core.body import Body
from gatekeeper.core.errors import AnswerTruncated
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Response
from gatekeeper.core.text import Text
from gatekeeper.edge.answer import DateField
from gatekeeper.filters.static import BodyConfig, StaticConfig
from tests.edge.wire import HOST, Broken, Message, Origin, on_both_loops, running


GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
HEAD = b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n"
OLD = b"GET / HTTP/1.0\r\n" + HOST + b"\r\n"
OLD_KEPT = b"GET / HTTP/1.0\r\n" + HOST + b"Connection: keep-alive\r\n\r\n"
LAST = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"


def reply(*fields: bytes, status: bytes = b"200 OK", body: bytes = b"") -> bytes:
    return b"\r\n".join((b"HTTP/1.1 " + status, *fields, b"", body))


@on_both_loops
async def test_the_fields_of_an_answer_arrive_as_they_were_sent() -> None:
    """HOP-06, HOP-07, HOP-08, UPS-16: order, case and duplicates; only the date and the id are added."""
    fields = (
        (b"Server", b"origin/1"),
        (b"Set-Cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"Content-Encoding", b"gzip"),
        (b"X-Odd", b"\xe4\xff"),
        (b"Via", b"1.1 other"),
    )
    async with running(
        Origin(reply(*(n + b": " + v for n, v in fields), b"Content-Length: 2", body=b"ok"))
    ) as wire:
        answer = await wire.ask(GET)
        assert fields == answer.fields[: len(fields)]
        assert sorted(n for n, _ in answer.fields[len(fields) :]) == [
            b"Content-Length",
            b"Date",
            b"x-request-id",
        ]
        assert wire.origin.requests[0].all(b"x-request-id") == answer.all(b"x-request-id")


@on_both_loops
async def test_a_date_is_added_only_where_there_is_none() -> None:
    """RFC 9110 section 6.6.1."""
    async with running(Origin(reply(b"Date: " + DATE, b"Content-Length: 0"))) as wire:
        assert (await wire.ask(GET)).all(b"date") == [DATE]


@on_both_loops
async def test_the_id_stands_in_an_answer_once() -> None:
    """Many services send it back."""
    async with running(Origin(reply(b"X-Request-Id: other", b"Content-Length: 0"))) as wire:
        answer = await wire.ask(GET)
        assert wire.origin.requests[0].all(b"x-request-id") == answer.all(b"x-request-id")


@on_both_loops
async def test_hop_by_hop_and_nominated_fields_of_an_answer_are_not_passed_on() -> None:
    """HOP-01, HOP-04: but a cookie cannot be nominated away."""
    fields = [
        b"Connection: X-Mine, Set-Cookie, keep-alive",
        b"Keep-Alive: timeout=5",
        b"Proxy-Connection: keep-alive",
        b"Proxy-Authenticate: Basic",
        b"Upgrade: h2c",
        b"Trailer: X-Sum",
        b"TE: trailers",
        b"X-Mine: 1",
        b"Set-Cookie: a=b",
        b"Content-Length: 2",
    ]
    async with running(Origin(reply(*fields, body=b"ok"))) as wire:
        answer = await wire.ask(GET)
        names = sorted(name.lower() for name, _ in answer.fields)
        assert names == [b"content-length", b"date", b"set-cookie", b"x-request-id"]


@on_both_loops
@pytest.mark.parametrize(
    "line", [b"200 Fine, thanks", b"200 ", b"404 \xe4", b"299 Odd", b"500 Oops"], ids=repr
)
async def test_the_reason_is_kept(line: bytes) -> None:
    """As the instance wrote it, also none."""
    async with running(Origin(reply(b"Content-Length: 0", status=line))) as wire:
        assert b"HTTP/1.1 " + line == (await wire.ask(GET)).line


CASES = {
    # request, answer of the instance, framing and connection fields, body
    "length": (GET, reply(b"Content-Length: 2", body=b"ok"), ([b"2"], [], []), b"ok"),
    "chunked": (
        GET,
        reply(b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n"),
        ([], [b"chunked"], []),
        b"hello",
    ),
    "HEAD-length": (HEAD, reply(b"Content-Length: 5"), ([b"5"], [], []), b""),
    "HEAD-nothing": (HEAD, reply(b"Content-Length: 0"), ([b"0"], [], []), b""),
    "HEAD-unknown": (HEAD, reply(b"Transfer-Encoding: chunked"), ([], [], []), b""),
    "204": (GET, reply(status=b"204 No Content"), ([], [], []), b""),
    "204-with-length": (GET, reply(b"Content-Length: 0", status=b"204 No Content"), ([], [], []), b""),
    "304": (GET, reply(status=b"304 Not Modified"), ([], [], []), b""),
    "304-with-length": (GET, reply(b"Content-Length: 5", status=b"304 Not Modified"), ([b"5"], [], []), b""),
    "1.0": (OLD, reply(b"Content-Length: 2", body=b"ok"), ([b"2"], [], [b"close"]), b"ok"),
    "1.0-kept": (OLD_KEPT, reply(b"Content-Length: 2", body=b"ok"), ([b"2"], [], [b"keep-alive"]), b"ok"),
    "1.0-chunked": (
        OLD,
        reply(b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n"),
        ([], [], [b"close"]),
        b"hello",
    ),
    "1.0-kept-chunked": (
        OLD_KEPT,
        reply(b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n"),
        ([], [], [b"close"]),
        b"hello",
    ),
    "close": (LAST, reply(b"Content-Length: 2", body=b"ok"), ([b"2"], [], [b"close"]), b"ok"),
    "instance-closes": (
        GET,
        reply(b"Connection: close", b"Content-Length: 2", body=b"ok"),
        ([b"2"], [], []),
        b"ok",
    ),
}


@on_both_loops
@pytest.mark.parametrize(("request_bytes", "origin_bytes", "framing", "body"), CASES.values(), ids=CASES)
async def test_an_answer_is_framed_for_its_client(
    request_bytes: bytes, origin_bytes: bytes, framing: tuple[list[bytes], ...], body: bytes
) -> None:
    """HOP-06, UPS-11: exactly one framing field that matches, and the connection goes on or ends as it says."""
    streamed = b"chunked" in origin_bytes and not request_bytes.startswith(b"HEAD")

    async with running(Origin(origin_bytes + (b"0\r\n\r\n" if streamed else b""))) as wire:
        client = await wire.client()
        answer = await client.ask(request_bytes, to_head=request_bytes is HEAD)
        if framing[1] and answer.all(b"content-length"):
            framing = ([str(len(body)).encode()], [], framing[2])  # it was complete at once
        elif streamed and answer.all(b"content-length"):
            kept = [b"keep-alive"] if request_bytes is OLD_KEPT else [b"close"]
            framing = ([str(len(body)).encode()], [], kept)
        assert framing == tuple(
            answer.all(name) for name in (b"content-length", b"transfer-encoding", b"connection")
        )
        assert body == answer.body
        if answer.all(b"connection") == [b"close"]:
            assert await client.ended() == b""
        else:
            assert answer.status == (await client.ask(request_bytes, to_head=request_bytes is HEAD)).status


@on_both_loops
async def test_a_connection_takes_request_after_request() -> None:
    """Of all kinds, each answered for itself; h11 is the referee."""

    def mixed(request: Message) -> bytes:
        kind = int(request.target[1:]) % 5
        if request.line.startswith(b"HEAD") or kind == 0:
            return reply(b"Content-Length: 3", body=b"" if request.line.startswith(b"HEAD") else b"abc")
        return (
            reply(b"Transfer-Encoding: chunked", body=b"3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n"),
            reply(status=b"204 No Content"),
            reply(b"Content-Length: 3", status=b"304 Not Modified"),
            reply(b"Content-Length: 100000", body=b"x" * 100_000),
        )[kind - 1]

    async with running(Origin(mixed)) as wire:
        client = await wire.client()
        referee = h11.Connection(h11.CLIENT)
        for number in range(60):
            method = "HEAD" if number % 7 == 3 else "GET"
            request = h11.Request(method=method, target=f"/{number}", headers=[("Host", "example.test")])
            client.send(referee.send(request) or b"", referee.send(h11.EndOfMessage()) or b"")
            body = b""
            while not isinstance(event := referee.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    referee.receive_data(await client.reader.read(65536))
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
            expected = {0: b"abc", 1: b"abcabc", 4: b"x" * 100_000}.get(number % 5, b"")
            assert (b"" if method == "HEAD" else expected) == body
            referee.start_next_cycle()


@on_both_loops
@pytest.mark.parametrize("size", [5, 200_000])
async def test_an_answer_of_our_own_has_a_body_only_where_one_may_be(size: int) -> None:
    """What a filter answers, small in one write, large in two."""
    static = FilterConfig(
        kind="static", name="static", options=StaticConfig(body=BodyConfig(text=Text("x" * size)))
    )
    async with running(filters=[static]) as wire:
        client = await wire.client()
        for request_bytes, body in ((GET, b"x" * size), (HEAD, b""), (GET, b"x" * size)):
            answer = await client.ask(request_bytes, to_head=request_bytes is HEAD)
            assert ([b"%d" % size], body) == (answer.all(b"content-length"), answer.body)
        assert wire.origin.requests == []


class Pieces:
    """A body of these pieces; an exception is raised in its turn."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = list(pieces)
        self.aborted = False

    async def read(self) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    def abort(self) -> None:
        self.aborted = True


@on_both_loops
@pytest.mark.parametrize(
    "pieces",
    [(b"hello", b"hello"), (b"hel",), (b"hel", ZeroDivisionError("secret")), (b"hel", AnswerTruncated())],
    ids=["too-much", "too-little", "failing", "cut"],
)
async def test_a_body_that_is_not_what_it_announced_has_no_clean_end(
    pieces: tuple[bytes | Exception, ...],
) -> None:
    """Whatever a filter makes of it: the client must see that it is incomplete."""
    async with running() as wire:
        source = Pieces(*pieces)

        async def answer(exchange: Exchange) -> Response:
            return Response(200, body=Body.stream(source, 8))

        wire.answer_by(answer)
        client = await wire.client()
        with pytest.raises(Broken):
            await client.ask(GET)
        await wire.quiet()
        (record,) = wire.records
        assert (record["error"], record["flags"]) == ("upstream-answer-truncated", ["cut"])


@on_both_loops
async def test_a_streamed_body_that_may_not_be_sent_is_given_up() -> None:
    """HEAD of something that the service was asked for by GET."""
    async with running() as wire:
        source = Pieces(b"hello")

        async def answer(exchange: Exchange) -> Response:
            return Response(200, body=Body.stream(source, 5))

        wire.answer_by(answer)
        client = await wire.client()
        head = await client.ask(HEAD, to_head=True)
        assert (head.all(b"content-length"), source.aborted) == ([b"5"], True)
        assert (await client.ask(HEAD, to_head=True)).status == 200


def test_the_date_changes_with_the_second() -> None:
    """In the one form that RFC 9110 section 5.6.7 has for it."""
    field = DateField()
    assert field.line(784111777.9) == b"Date: " + DATE
    assert b"Date: " + DATE.replace(b"37", b"38") == field.line(784111778.0)


@on_both_loops
@pytest.mark.parametrize("request_bytes", [OLD, OLD_KEPT], ids=["1.0", "1.0-kept"])
@pytest.mark.parametrize("is_whole", [True, False])
async def test_a_body_of_unknown_length_ends_with_its_connection(
    request_bytes: bytes, *, is_whole: bool
) -> None:
    """UPS-05, UPS-24: for who knows no chunks; with a reset where it was cut short, which nobody takes for its end."""

    async def in_parts(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await asyncio.sleep(0.05)
        writer.write(b"0\r\n\r\n" if is_whole else b"5\r\nhe")
        await asyncio.sleep(0.05)

    async with running(Origin(script=in_parts)) as wire:
        client = await wire.client()
        client.send(request_bytes)
        head = await client.head()
        assert [b"close"] == head.all(b"connection")
        assert [] == head.all(b"content-length")
        async with asyncio.timeout(5):
            if is_whole:
                assert b"hello" == await client.reader.read()
            else:
                with pytest.raises(ConnectionResetError):
                    await client.reader.read()

"""The strict protocol on the wire; ids name the row of reliability.md."""

import asyncio
import time

import pytest

from gatekeeper.config.model import ConcurrencyConfig, ServerTimeoutsConfig
from tests.edge.wire import (
    HOST,
    OK,
    Broken,
    Client,
    Message,
    Origin,
    Stalls,
    Wire,
    on_both_loops,
    running,
    until,
)


GET = b"GET /next HTTP/1.1\r\n" + HOST + b"\r\n"
POST = b"POST /body HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello"
CHUNKED = b"POST /chunks HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
TRAILERS = b"X-Sum: 1\r\nX-User-Id: admin"
WITH_TRAILERS = CHUNKED + b"5\r\nhello\r\n0\r\n" + TRAILERS + b"\r\n\r\n"
BAD = b"GET /bad HTTP/1.1\r\nHost : example.test\r\n\r\n"

SHORT = ServerTimeoutsConfig(head=0.2, body=0.2, idle=0.4, write=0.3)


def names(message: Message) -> set[bytes]:
    return {name.lower() for name, _ in message.fields}


async def verdicts(client: Client, count: int) -> list[int]:
    """The statuses of so many answers."""
    return [(await client.answer()).status for _ in range(count)]


async def uploading(wire: Wire, client: Client, head: bytes) -> None:
    """Send the head of an upload with its first bytes, and wait until the origin has it."""
    client.send(head)
    await until(lambda: wire.in_flight == (1, 1))
    await until(lambda: wire.origin.connections)


# ---- trailers -----------------------------------------------------------------------------------------------------


@on_both_loops
async def test_a_trailer_is_never_a_field_of_the_next_request_wherever_the_bytes_are_cut() -> None:
    """FRM-14: the parser of aiohttp gives the last trailer of a message to the next one."""
    async with running() as wire:
        data = WITH_TRAILERS + GET
        for position in range(1, len(data)):
            client = await wire.client()
            await client.cut(data, position)
            assert await verdicts(client, 2) == [200, 200]
            first, second = wire.origin.requests[-2:]
            assert (first.body, second.body) == (b"hello", b"")
            assert {b"x-sum", b"x-user-id"} & (names(first) | names(second)) == set(), position
            client.writer.close()


@on_both_loops
async def test_a_trailer_is_dropped_when_both_requests_come_in_one_segment() -> None:
    """FRM-14: also many times over one connection."""
    async with running() as wire:
        client = await wire.client()
        client.send((WITH_TRAILERS + GET) * 5)
        assert await verdicts(client, 10) == [200] * 10
        assert all(b"x-user-id" not in names(request) for request in wire.origin.requests)


@on_both_loops
@pytest.mark.parametrize(
    "trailer",
    [
        b"Content-Length: 3",
        b"Transfer-Encoding: chunked",
        b"Connection: close",
        b"Host: evil.test",
        b"Cookie: a=b",
    ],
    ids=lambda trailer: trailer.decode(),
)
async def test_a_trailer_that_would_frame_the_next_request_is_refused_or_dropped(trailer: bytes) -> None:
    """FRM-14: what matters is that the next request is read as it was sent, or not at all."""
    async with running() as wire:
        client = await wire.client()
        client.send(CHUNKED + b"5\r\nhello\r\n0\r\n" + trailer + b"\r\n\r\n" + GET)
        first = await client.answer()
        if first.status == 400:
            assert await client.ended() == b""
        else:
            assert (await client.answer()).status == 200
            last = wire.origin.requests[-1]
            assert (last.all(b"host"), last.body, last.all(b"cookie")) == ([b"example.test"], b"", [])


# ---- broken bodies ------------------------------------------------------------------------------------------------


@on_both_loops
@pytest.mark.parametrize(
    "chunk",
    [
        b"zz\r\nhello\r\n",
        b"+2\r\nok\r\n",
        b"0x2\r\nok\r\n",
        b"2_\r\nok\r\n",
        b"2\nok\r\n",
        b"2\r\nokay\r\n",
        b"F" * 17,
    ],
    ids=repr,
)
async def test_a_bad_chunk_in_a_later_segment_is_refused_at_once(chunk: bytes) -> None:
    """FRM-10, FRM-11: the error is met by whoever reads the body, and the origin sees that the body is incomplete."""
    async with running() as wire:
        client = await wire.client()
        await uploading(wire, client, CHUNKED + b"5\r\nhello\r\n")
        client.send(chunk)
        answer = await client.answer(within=1.0)
        assert (answer.status, answer.all(b"connection")) == (400, [b"close"])
        assert await client.ended() == b""
        await until(lambda: wire.origin.cut == 1, 1.0)
        await wire.quiet()
        assert [record["status"] for record in wire.records] == [400]


@on_both_loops
async def test_a_bad_chunk_in_the_segment_of_the_head_is_refused() -> None:
    """FRM-10: no complete request reaches the origin."""
    async with running() as wire:
        client = await wire.client()
        answer = await client.ask(CHUNKED + b"5\r\nhello\r\nzz\r\n")
        assert answer.status == 400
        assert await client.ended() == b""
        await wire.quiet()
        assert wire.origin.requests == []


@on_both_loops
async def test_a_bad_chunk_behind_much_data_that_the_origin_has_not_taken_is_refused() -> None:
    """FRM-10: the parser holds back what it has no room for, and meets the error only when it goes on."""

    async def slow(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.4)
        await origin.request(reader)

    async with running(Origin(script=slow)) as wire:
        client = await wire.client()
        client.send(CHUNKED + b"10000\r\n" + b"x" * 65536 + b"\r\n")
        client.send((b"10000\r\n" + b"x" * 65536 + b"\r\n") * 200 + b"zz\r\n")
        assert (await client.answer()).status == 400
        await until(lambda: wire.origin.cut == 1)


@on_both_loops
async def test_a_bad_chunk_of_a_body_that_nobody_reads_ends_the_connection() -> None:
    """FRM-10: a route that does not exist answers without the body."""
    async with running() as wire:
        client = await wire.client()
        answer = await client.ask(
            b"POST /healthz HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel"
        )
        assert (answer.status, answer.all(b"connection")) == (200, [b"close"])
        client.send(b"lo\r\nzz\r\n")
        assert await client.ended() == b""


# ---- several messages in one segment ------------------------------------------------------------------------------


@on_both_loops
async def test_good_requests_before_a_bad_one_are_answered_wherever_the_bytes_are_cut() -> None:
    """One segment, then two with every cut: 200, 200, 400, and the end."""
    async with running() as wire:
        data = GET + POST + BAD + GET
        for position in range(1, len(data)):
            client = await wire.client()
            await client.cut(data, position)
            assert await verdicts(client, 3) == [200, 200, 400], position
            assert await client.ended() == b""


LEGAL = [
    GET,
    POST,
    WITH_TRAILERS,
    b"\r\n" + GET,
    CHUNKED + b"5;name=value\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
    b"HEAD /head?x=%20 HTTP/1.1\r\n" + HOST + b"Accept: */*\r\nCookie: a=b; c=d\r\n\r\n",
    b"PUT /old HTTP/1.0\r\n" + HOST + b"Connection: keep-alive\r\nContent-Length: 8\r\n\r\n\r\n\r\n\r\n\r\n",
    b"DELETE http://example.test/absolute HTTP/1.1\r\nHost: other.test\r\n\r\n",
    CHUNKED + b"8\r\n\r\n\r\n\r\n\r\n\r\n0\r\n\r\n",
]


@on_both_loops
@pytest.mark.parametrize("request_bytes", LEGAL, ids=range(len(LEGAL)))
async def test_a_legal_request_is_read_alike_wherever_its_bytes_are_cut(request_bytes: bytes) -> None:
    """FRM-38: the origin gets the same from one segment, from two with every cut, and from one byte in each."""
    to_head = request_bytes.startswith(b"HEAD")
    framing = {b"content-length", b"transfer-encoding"}  # a body that is there at once is sent as one
    async with running() as wire:

        async def seen(*positions: int) -> tuple[int, bytes, bytes, set[bytes]]:
            client = await wire.client()
            await client.cut(request_bytes, *positions)
            status = (await client.answer(to_head=to_head)).status
            client.writer.close()
            request = wire.origin.requests[-1]
            return status, request.line, request.body, names(request) - framing

        whole = await seen()
        assert whole[0] == 200
        for position in range(1, len(request_bytes)):
            assert whole == await seen(position)
        assert whole == await seen(*range(1, len(request_bytes)))


@on_both_loops
async def test_pipelined_requests_are_answered_in_order() -> None:
    """FRM-31: however many wait."""

    def echo(request: Message) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(request.target), request.target)

    async with running(Origin(echo)) as wire:
        client = await wire.client()
        count = 500
        client.send(b"".join(b"GET /%d HTTP/1.1\r\n%b\r\n" % (number, HOST) for number in range(count)))
        assert [b"/%d" % number for number in range(count)] == [
            (await client.answer()).body for _ in range(count)
        ]
        assert count == len(wire.records)


@on_both_loops
async def test_a_segment_full_of_blank_lines_does_not_hold_up_the_others() -> None:
    """FRM-13, FRM-18: each blank line could be the end of a message, none costs more than the one before."""
    async with running() as wire:
        client = await wire.client()
        chunk = b"20000\r\n" + b"\r\n" * 65536 + b"\r\n"
        data = CHUNKED + chunk * 16 + b"0\r\n\r\n"
        async with Stalls() as stalls:
            client.send(data)
            assert (await client.answer()).status == 200
        assert chunk[7:-2] * 16 == wire.origin.requests[0].body
        assert stalls.longest < 0.6


@on_both_loops
async def test_blank_lines_without_a_request_are_refused() -> None:
    """FRM-18: a few are read over, a segment full of them is not."""
    async with running() as wire:
        client = await wire.client()
        assert (await client.ask(b"\r\n" * 20 + GET)).status == 200
        async with Stalls() as stalls:
            assert (await client.ask(b"\r\n" * 100_000)).status == 400
        assert stalls.longest < 0.6


# ---- limits of a head ---------------------------------------------------------------------------------------------


HUGE = {
    "LIM-01-one-long-field": (431, b"X-Canary: " + b"c" * 9000 + b"\r\n"),
    "LIM-01-too-many-fields": (431, b"X-Canary: c\r\n" * 120),
    "LIM-02-a-large-block": (431, (b"X-Canary: " + b"c" * 7000 + b"\r\n") * 12),
    "LIM-02-a-huge-block": (431, (b"X-Canary: " + b"c" * 7000 + b"\r\n") * 40),
}


@on_both_loops
@pytest.mark.parametrize(("status", "fields"), HUGE.values(), ids=HUGE)
@pytest.mark.parametrize("size", [1 << 20, 1000], ids=["one-segment", "dripping"])
async def test_a_huge_head_is_refused(status: int, fields: bytes, size: int) -> None:
    """The page arrives although bytes were still on their way, and shows nothing of them."""
    async with running() as wire:
        client = await wire.client()
        data = b"GET /canary HTTP/1.1\r\n" + HOST + fields + b"\r\n"
        await client.cut(data, *range(size, len(data), size))
        answer = await client.answer()
        assert (status, [b"close"]) == (answer.status, answer.all(b"connection"))
        assert b"anary" not in answer.body
        assert await client.ended() == b""
        await wire.quiet()
        assert ([], [status]) == (wire.origin.requests, [record["status"] for record in wire.records])


@on_both_loops
@pytest.mark.parametrize("length", [8300, 100_000], ids=["over", "far-over"])
async def test_a_long_target_is_refused(length: int) -> None:
    """LIM-03."""
    async with running() as wire:
        client = await wire.client()
        answer = await client.ask(b"GET /" + b"c" * length + b" HTTP/1.1\r\n" + HOST + b"\r\n")
        assert (answer.status, answer.all(b"connection")) == (414, [b"close"])
        assert b"ccc" not in answer.body


@on_both_loops
async def test_a_head_within_the_limits_is_taken() -> None:
    """LIM-01 to LIM-03, from the other side."""
    async with running() as wire:
        fields = (b"X-Long: " + b"c" * 7900 + b"\r\n") * 6 + b"X-Short: c\r\n" * 90
        assert (
            await wire.ask(b"GET /" + b"c" * 8000 + b" HTTP/1.1\r\n" + HOST + fields + b"\r\n")
        ).status == 200


# ---- time ---------------------------------------------------------------------------------------------------------


@on_both_loops
@pytest.mark.parametrize("before", [b"", GET], ids=["first", "second-on-the-connection"])
async def test_a_head_that_does_not_arrive_in_time_is_refused(before: bytes) -> None:
    """LIM-06: 408, and the end."""
    async with running(server=SHORT) as wire:
        client = await wire.client()
        if before:
            assert (await client.ask(before)).status == 200
        answer = await client.ask(b"GET / HTTP/1.1\r\nHo")
        assert (answer.status, answer.all(b"connection")) == (408, [b"close"])
        assert await client.ended() == b""


@on_both_loops
@pytest.mark.parametrize(
    "data", [GET[:-4] + b"\r\nX: " + b"y" * 500, b"\r\n" * 500], ids=["fields", "FRM-18-blank-lines"]
)
async def test_a_dripping_head_is_refused(data: bytes) -> None:
    """LIM-06: the time is for the whole head, not for each byte."""
    async with running(server=SHORT) as wire:
        client = await wire.client()
        started = time.monotonic()

        async def drip() -> None:
            for byte in data:
                client.send(bytes([byte]))
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert (await client.answer()).status == 408
        assert 0.2 <= time.monotonic() - started < 0.8
        dripping.cancel()


@on_both_loops
async def test_a_request_in_time_is_not_hurt_by_the_head_before_it() -> None:
    """LIM-06: the timer belongs to one head."""
    async with running(server=SHORT) as wire:
        client = await wire.client()
        for _ in range(3):
            await client.cut(GET, 10)
            assert (await client.answer()).status == 200
            await asyncio.sleep(0.2)


@on_both_loops
async def test_a_head_behind_one_that_came_in_pieces_has_a_time_of_its_own() -> None:
    """LIM-06: that of the head before has ended with it."""
    async with running(server=SHORT) as wire:
        client = await wire.client()
        await client.cut(GET, 10)
        assert 200 == (await client.answer()).status

        answer = await client.ask(b"GET / HTTP/1.1\r\nHo")

        assert (408, [b"close"]) == (answer.status, answer.all(b"connection"))
        assert b"" == await client.ended()


@on_both_loops
@pytest.mark.parametrize("head", [CHUNKED + b"5\r\nhello\r\n", POST[:-2]], ids=["chunked", "length"])
async def test_a_body_that_stalls_is_refused_and_the_origin_sees_that_it_is_cut(head: bytes) -> None:
    """LIM-07: 408, close, and the upstream aborted."""
    async with running(server=SHORT) as wire:
        client = await wire.client()
        await uploading(wire, client, head)
        answer = await client.answer(within=1.5)
        assert (answer.status, answer.all(b"connection")) == (408, [b"close"])
        assert await client.ended() == b""
        await until(lambda: wire.origin.cut == 1, 1.0)
        await wire.quiet()
        assert (wire.records[0]["status"], wire.records[0]["error"]) == (408, "request-timeout")


@on_both_loops
async def test_a_slow_body_is_taken_while_it_moves() -> None:
    """LIM-07: the limit is on silence."""
    async with running(server=SHORT) as wire:
        client = await wire.client()
        client.send(CHUNKED)
        for _ in range(6):
            client.send(b"1\r\nx\r\n")
            await asyncio.sleep(0.1)
        assert (await client.ask(b"0\r\n\r\n")).status == 200
        assert wire.origin.requests[0].body == b"xxxxxx"


@on_both_loops
@pytest.mark.parametrize("before", [b"", GET], ids=["silent-from-the-start", "after-a-request"])
async def test_an_idle_connection_is_closed(before: bytes) -> None:
    """Without an answer that nobody asked for."""
    async with running(server=SHORT) as wire:
        client = await wire.client()
        if before:
            assert (await client.ask(before)).status == 200
        started = time.monotonic()
        assert await client.ended() == b""
        assert 0.3 < time.monotonic() - started < 1.5


# ---- clients that do not read, or go ------------------------------------------------------------------------------


@on_both_loops
@pytest.mark.parametrize("size", [30_000_000, 60_000], ids=["streamed", "small-answers-in-a-pipeline"])
async def test_a_client_that_does_not_read_is_cut_off(size: int) -> None:
    """CLI-02: within the time for writing; what is kept for it is bounded."""
    origin = Origin(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    async with running(origin, server=SHORT) as wire:
        client = await wire.client(limit=1024, receive_buffer=4096)
        client.send(GET * (1 if size > 1_000_000 else 2000))
        await until(lambda: not wire.edge.connections, 4.0)
        await wire.quiet()
        assert len(origin.requests) < 200
        assert wire.records[-1]["error"] == "client-gone"


@on_both_loops
async def test_a_client_that_does_not_read_makes_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """LIM-16: where all places are taken, who takes none of its answer gives its place to who waits."""
    monkeypatch.setattr("gatekeeper.edge.connected.PATIENCE", 0.3)
    size = 500_000
    large = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    origin = Origin(lambda request: large if request.target == b"/large" else OK)
    concurrency = ConcurrencyConfig(limit=2, queue=5, wait=2.0)
    async with running(origin, settings={"concurrency": concurrency}) as wire:
        for _ in range(2):
            client = await wire.client(limit=1024, receive_buffer=4096)
            client.send(b"GET /large HTTP/1.1\r\n" + HOST + b"\r\n")
        await until(lambda: len(wire.origin.requests) == 2)

        assert 200 == (await wire.ask(GET)).status
        assert ["client-gone"] == [record["error"] for record in wire.records if record["path"] == "/large"]


@on_both_loops
async def test_a_last_answer_that_is_not_read_does_not_keep_its_connection() -> None:
    """CLI-02: an answer that fits into the buffers counts as sent, and its connection still ends."""
    size = 60_000
    origin = Origin(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    async with running(origin, server=SHORT) as wire:
        client = await wire.client(limit=1024, receive_buffer=4096)
        client.send(GET * 2 + GET[:-2] + b"Connection: close\r\n\r\n")
        edge = wire.edge
        await until(lambda: wire.records)
        transports = [protocol.transport for protocol in edge.connections]
        await until(lambda: not edge.connections, 4.0)
        await until(lambda: all(t.get_extra_info("socket").fileno() == -1 for t in transports if t), 2.0)


@on_both_loops
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_client_that_goes_inside_its_upload_takes_the_upstream_request_with_it(how: str) -> None:
    """CLI-04: within a second, with nothing left in flight and a record of it."""
    async with running() as wire:
        client = await wire.client()
        await uploading(wire, client, CHUNKED + b"5\r\nhello\r\n")
        if how == "close":
            client.writer.close()
        else:
            client.reset()
        await until(lambda: wire.origin.cut == 1, 1.0)
        await wire.quiet(1.0)
        assert [(r["error"], r["flags"]) for r in wire.records] == [("client-gone", ["client_gone"])]


@on_both_loops
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_client_that_goes_inside_its_download_takes_the_upstream_request_with_it(how: str) -> None:
    """CLI-04: an endless answer ends within a second."""
    sent = 0

    async def endless(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await origin.request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            await writer.drain()
            sent += 4096
            await asyncio.sleep(0)

    async with running(Origin(script=endless)) as wire:
        client = await wire.client()
        client.send(GET)
        await client.head()
        await until(lambda: sent > 100_000)
        if how == "close":
            client.writer.transport.abort()
        else:
            client.reset()
        await until(lambda: wire.origin.open == 0, 2.0)
        await wire.quiet(1.0)
        assert [record["error"] for record in wire.records] == ["client-gone"]


@on_both_loops
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_client_that_goes_while_it_waits_takes_the_upstream_request_with_it(how: str) -> None:
    """CLI-03: the attempt is aborted, and counted once."""

    async def silent(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.request(reader)
        await reader.read()

    async with running(Origin(script=silent)) as wire:
        client = await wire.client()
        client.send(GET)
        await until(lambda: wire.origin.requests)
        if how == "close":
            client.writer.close()
        else:
            client.reset()
        await until(lambda: wire.origin.open == 0, 2.0)
        await wire.quiet(1.0)
        assert [record["status"] for record in wire.records] == [499]


# ---- upgrades -----------------------------------------------------------------------------------------------------


@on_both_loops
@pytest.mark.parametrize("token", [b"websocket", b"h2c"])
async def test_an_upgrade_that_is_not_made_leaves_an_ordinary_request(token: bytes) -> None:
    """HOP-01: the fields are gone, and the client is not left waiting on a connection that nobody reads."""
    async with running() as wire:
        client = await wire.client()
        upgrade = b"Connection: Upgrade\r\nUpgrade: " + token + b"\r\n\r\n"
        answer = await client.ask(GET[:-2] + upgrade)
        assert answer.status == 200
        assert not {b"connection", b"upgrade"} & names(wire.origin.requests[0])
        if answer.all(b"connection") == [b"close"]:
            assert await client.ended(1.0) == b""
        else:
            assert (await client.ask(GET)).status == 200


@on_both_loops
@pytest.mark.parametrize("token", [b"websocket", b"h2c"])
@pytest.mark.parametrize("cut", [0, 3], ids=["one-segment", "two-segments"])
async def test_an_upgrade_with_a_body_is_forwarded_with_its_body(token: bytes, cut: int) -> None:
    """`curl --http2` offers an upgrade with every request, also with a body."""
    async with running() as wire:
        client = await wire.client()
        data = POST.replace(
            b"Content-Length", b"Connection: Upgrade\r\nUpgrade: " + token + b"\r\nContent-Length"
        )
        await client.cut(data, len(data) - cut)
        assert (await client.answer(within=1.0)).status == 200
        assert wire.origin.requests[0].body == b"hello"


@on_both_loops
async def test_a_cut_answer_has_no_clean_end() -> None:
    """UPS-05: neither the last chunk nor all the bytes announced."""
    for framing in (b"Content-Length: 100\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"):

        async def dying(
            origin: Origin,
            reader: asyncio.StreamReader,
            writer: asyncio.StreamWriter,
            framing: bytes = framing,
        ) -> None:
            await origin.request(reader)
            writer.write(b"HTTP/1.1 200 OK\r\n" + framing)
            await asyncio.sleep(0.05)

        async with running(Origin(script=dying)) as wire:
            client = await wire.client()
            with pytest.raises(Broken):
                await client.ask(GET)
            await wire.quiet()
            assert [record["flags"] for record in wire.records] == [["cut"]]


@on_both_loops
async def test_each_request_of_a_half_closed_client_has_its_own_patience() -> None:
    """CLI-05: what it has sent before is answered one after the other, however long that takes together."""

    async def slowly(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await origin.request(reader):
            await asyncio.sleep(0.25)
            writer.write(OK)

    async with running(Origin(script=slowly), settings={"half_close": 0.5}) as wire:
        client = await wire.client()
        client.send(GET * 4)
        client.writer.write_eof()

        assert [200] * 4 == [(await client.answer()).status for _ in range(4)]
        assert b"" == await client.ended()

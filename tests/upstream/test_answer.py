"""What comes back from an instance, and what must not; ids name the row of reliability.md."""

import asyncio
import contextlib
import socket
import struct

import pytest

from gatekeeper.config.model import ServerTimeoutsConfig, TimeoutsConfig
from gatekeeper.core.errors import AnswerTruncated
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Response
from tests.edge.wire import (
    HOST,
    OK,
    Broken,
    Message,
    Origin,
    Script,
    Wire,
    on_both_loops,
    read_head,
    running,
    transport_of,
    until,
)
from tests.upstream.sending import Limits, sending


GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
HEAD = b"HEAD / HTTP/1.1\r\n" + HOST + b"\r\n"
NEXT = b"GET /next HTTP/1.1\r\n" + HOST + b"\r\n"
OLD = b"GET / HTTP/1.0\r\n" + HOST + b"\r\n"


def replying(*answers: bytes, close: bool = False) -> Script:
    """Give these answers to the first requests, one after the other over all connections, and a good one afterwards."""
    left = list(answers)

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await origin.request(reader):
            bad = bool(left)
            writer.write(left.pop(0) if left else OK)
            if bad and close:
                writer.close()
                return

    return script


async def the_next_is_clean(wire: Wire) -> None:
    """Whatever happened, the next exchange gets its own answer, and nothing is left over."""
    await wire.quiet()
    answer = await wire.ask(NEXT)
    assert (answer.status, answer.body) == (200, b"ok")
    assert wire.origin.requests[-1].target == b"/next"
    assert wire.origin.requests[-1].line.count(b" /") == 1


def ok(*fields: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join((b"HTTP/1.1 200 OK", *fields, b"", body))


REFUSED = {
    "UPS-06-length-and-chunked": ok(
        b"Content-Length: 5", b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n\r\n"
    ),
    "UPS-06-two-lengths": ok(b"Content-Length: 5", b"Content-Length: 6", body=b"hello"),
    "UPS-06-two-equal-lengths": ok(b"Content-Length: 5", b"Content-Length: 5", body=b"hello"),
    "UPS-06-list-of-lengths": ok(b"Content-Length: 2,2", body=b"ok"),
    "UPS-06-signed-length": ok(b"Content-Length: +2", body=b"ok"),
    "UPS-06-empty-length": ok(b"Content-Length: ", body=b"ok"),
    "UPS-06-overflow": ok(b"Content-Length: 18446744073709551616", body=b"ok"),
    "UPS-06-gzip": ok(b"Transfer-Encoding: gzip", body=b"ok"),
    "UPS-06-xchunked": ok(b"Transfer-Encoding: xchunked", body=b"2\r\nok\r\n0\r\n\r\n"),
    "UPS-06-chunked-identity": ok(b"Transfer-Encoding: chunked, identity", body=b"2\r\nok\r\n0\r\n\r\n"),
    "UPS-06-gzip-chunked": ok(b"Transfer-Encoding: gzip, chunked", body=b"2\r\nok\r\n0\r\n\r\n"),
    "UPS-06-chunked-twice": ok(
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n"
    ),
    "UPS-06-empty-coding": ok(b"Transfer-Encoding: ", body=b"0\r\n\r\n"),
    "UPS-06-chunked-in-1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "UPS-07-many-fields": ok(*(b"X-%d: y" % n for n in range(129)), b"Content-Length: 2", body=b"ok"),
    "UPS-07-large-head": ok(
        *(b"X-%d: %b" % (n, b"y" * 6000) for n in range(12)), b"Content-Length: 2", body=b"ok"
    ),
    "UPS-07-large-fields-of-the-hop": ok(
        b"Connection: x",
        b"Keep-Alive: " + b"y" * 40_000,
        b"X: " + b"y" * 40_000,
        b"Content-Length: 2",
        body=b"ok",
    ),
    "UPS-07-head-without-end": ok(b"X: " + b"y" * 100_000),
    "UPS-08-control-in-value": ok(b"X: a\x01b", b"Content-Length: 2", body=b"ok"),
    "UPS-08-nul-in-value": ok(b"X: a\0b", b"Content-Length: 2", body=b"ok"),
    "UPS-08-cr-in-value": ok(b"X: a\rb", b"Content-Length: 2", body=b"ok"),
    "UPS-08-control-in-reason": b"HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok",
    "UPS-08-escape-in-reason": b"HTTP/1.1 200 \x1b[31m\r\nContent-Length: 2\r\n\r\nok",
    "UPS-09-version-2": b"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "UPS-09-version-1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "UPS-09-version-0.9": b"HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "UPS-09-rtsp": b"RTSP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "UPS-09-icecast": b"ICE/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
    "UPS-09-line-first": b"\r\n" + OK,
    "UPS-09-ssh": b"SSH-2.0-OpenSSH_9.2\r\n",
    "UPS-09-garbage": b"\x00\x01\x02 garbage\r\n\r\n",
    "UPS-09-lf-only": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "UPS-09-obs-fold": ok(b"X: a", b" folded", b"Content-Length: 2", body=b"ok"),
    "UPS-09-blank-before-colon": ok(b"X : a", b"Content-Length: 2", body=b"ok"),
    "UPS-09-no-name": ok(b": a", b"Content-Length: 2", body=b"ok"),
    "UPS-10-upgrade": ok(b"").replace(
        b"200 OK", b"101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket"
    ),
    "UPS-10-101-without-upgrade": b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "status-600": b"HTTP/1.1 600 X\r\nContent-Length: 2\r\n\r\nok",
    "status-999": b"HTTP/1.1 999 X\r\nContent-Length: 2\r\n\r\nok",
    "status-99": b"HTTP/1.1 99 X\r\nContent-Length: 2\r\n\r\nok",
    "status-099": b"HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\nok",
    "status-1000": b"HTTP/1.1 1000 X\r\nContent-Length: 2\r\n\r\nok",
}


@on_both_loops
@pytest.mark.parametrize("reply", REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("cut", [False, True], ids=["one-segment", "two-segments"])
async def test_an_answer_that_breaks_the_rules_is_refused(reply: bytes, *, cut: bool) -> None:
    """UPS-06 to UPS-10: 502 with our page, the connection closed, and the next exchange clean."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await origin.request(reader):
            if request.target == b"/next":
                writer.write(OK)
            elif cut:
                writer.write(reply[: len(reply) // 2])
                await asyncio.sleep(0.01)
                writer.write(reply[len(reply) // 2 :])
            else:
                writer.write(reply)

    async with running(Origin(script=script), service=TimeoutsConfig(first_byte=2.0)) as wire:
        answer = await wire.ask(GET)
        assert (answer.status, answer.line) == (502, b"HTTP/1.1 502 Bad Gateway")
        assert b"upstream-bad-answer" in answer.body
        await until(lambda: wire.origin.open == 0)
        assert (len(wire.origin.requests), wire.pools[0].idle_count) == (1, 0)
        await the_next_is_clean(wire)
        assert len(wire.records) == 2


@on_both_loops
async def test_an_answer_that_ends_in_its_head_is_refused() -> None:
    """UPS-09: a connection that ends in the middle of a head is no answer."""
    async with running(Origin(script=replying(b"HTTP/1.1 200 OK\r\nConte", close=True))) as wire:
        assert (await wire.ask(GET)).status == 502
        await the_next_is_clean(wire)


TAKEN: dict[str, tuple[bytes, bytes, int, bytes, bool]] = {
    # what the instance sends → (request, status, body, whether the connection is used again)
    "length": (GET, ok(b"Content-Length: 2", body=b"ok"), 200, b"ok", True),
    "FRM-04-zeros": (GET, ok(b"Content-Length: 0002", body=b"ok"), 200, b"ok", True),
    "trailing-blanks": (GET, ok(b"Content-Length: 2  ", b"X: y \t", body=b"ok"), 200, b"ok", True),
    "no-body": (GET, ok(b"Content-Length: 0"), 200, b"", True),
    "chunked": (GET, ok(b"Transfer-Encoding: Chunked", body=b"2\r\nok\r\n0\r\n\r\n"), 200, b"ok", True),
    "chunked-extension": (
        GET,
        ok(b"Transfer-Encoding: chunked", body=b"2;a=b\r\nok\r\n0\r\n\r\n"),
        200,
        b"ok",
        True,
    ),
    "connection-close": (GET, ok(b"Connection: close", b"Content-Length: 2", body=b"ok"), 200, b"ok", False),
    "old": (GET, b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", False),
    "old-keep-alive": (
        GET,
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
        200,
        b"ok",
        True,
    ),
    "UPS-11-head-with-length": (HEAD, ok(b"Content-Length: 5"), 200, b"", True),
    "UPS-11-head-chunked": (HEAD, ok(b"Transfer-Encoding: chunked"), 200, b"", True),
    "UPS-11-head-with-body": (HEAD, ok(b"Content-Length: 5", body=b"hello"), 200, b"", False),
    "UPS-11-head-with-answer": (HEAD, ok(b"Content-Length: 5", body=OK), 200, b"", False),
    "UPS-11-204": (GET, b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "UPS-11-204-with-length": (
        GET,
        b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
        204,
        b"",
        False,
    ),
    "UPS-11-204-chunked": (
        GET,
        b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
        204,
        b"",
        True,
    ),
    "UPS-11-304": (GET, b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b"", True),
    "UPS-11-304-with-body": (
        GET,
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello",
        304,
        b"",
        False,
    ),
    "continue-swallowed": (GET, b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"ok", True),
    "UPS-13-second-answer": (GET, OK + OK.replace(b"ok", b"no"), 200, b"ok", False),
    "UPS-13-garbage-behind": (GET, OK + b"garbage", 200, b"ok", False),
    "UPS-13-half-an-answer-behind": (GET, OK + b"HTTP/1.1 20", 200, b"ok", False),
    "UPS-13-behind-chunks": (
        GET,
        ok(b"Transfer-Encoding: chunked", body=b"2\r\nok\r\n0\r\n\r\n") + OK,
        200,
        b"ok",
        False,
    ),
    "upgrade-offered": (
        GET,
        ok(b"Upgrade: h2c", b"Connection: upgrade", b"Content-Length: 2", body=b"ok"),
        200,
        b"ok",
        True,
    ),
    "status-599": (GET, b"HTTP/1.1 599 Odd\r\nContent-Length: 2\r\n\r\nok", 599, b"ok", True),
    "UPS-15-redirect": (
        GET,
        ok(b"Location: http://127.0.0.1:1/", b"Content-Length: 0").replace(b"200 OK", b"302 Found"),
        302,
        b"",
        True,
    ),
}


@on_both_loops
@pytest.mark.parametrize(("request_bytes", "reply", "status", "body", "kept"), TAKEN.values(), ids=TAKEN)
@pytest.mark.parametrize("cut", [False, True], ids=["one-segment", "byte-by-byte"])
async def test_an_answer_is_taken_and_its_connection_used_again_only_where_that_is_safe(
    request_bytes: bytes, reply: bytes, status: int, body: bytes, *, kept: bool, cut: bool
) -> None:
    """UPS-11, UPS-13: and the next exchange is clean either way."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await origin.request(reader):
            if request.target == b"/next":
                writer.write(OK)
                continue
            for piece in [reply[n : n + 1] for n in range(len(reply))] if cut else [reply]:
                writer.write(piece)
                await asyncio.sleep(0)

    async with running(Origin(script=script)) as wire:
        answer = await wire.ask(request_bytes, to_head=request_bytes is HEAD)
        assert (status, body) == (answer.status, answer.body)
        await wire.quiet()
        if not kept:
            await until(lambda: not wire.pools[0].open_count)
        await asyncio.sleep(0.01)
        await the_next_is_clean(wire)
        assert (1 if kept else 2) == wire.origin.connections


@on_both_loops
@pytest.mark.parametrize("version", [b"1.1", b"1.0"])
@pytest.mark.parametrize("segments", [1, 3])
async def test_an_answer_that_ends_with_its_connection_is_passed_on(version: bytes, segments: int) -> None:
    """In chunks to a client of HTTP/1.1, until the end to an older one."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhello")
        for _ in range(segments - 1):
            await asyncio.sleep(0.01)
            writer.write(b"hello")

    async with running(Origin(script=script)) as wire:
        client = await wire.client()
        answer = await client.ask(GET.replace(b"1.1", version))
        assert (200, b"hello" * segments) == (answer.status, answer.body)
        if version == b"1.0":
            assert (answer.all(b"connection"), answer.all(b"transfer-encoding")) == ([b"close"], [])
        await wire.quiet()
        assert wire.pools[0].open_count == 0


TRAILERS = ok(b"Transfer-Encoding: chunked", body=b"2\r\nok\r\n0\r\nSet-Cookie: user=a\r\nX-Sum: 1\r\n\r\n")


@on_both_loops
async def test_a_trailer_is_never_a_field_of_the_next_answer_wherever_the_bytes_are_cut() -> None:
    """FRM-14, for answers: one user's cookie must not reach the next user of the connection."""
    position = 0

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await origin.request(reader):
            if request.target == b"/next":
                writer.write(OK)
            else:
                writer.write(TRAILERS[:position])
                await asyncio.sleep(0)
                writer.write(TRAILERS[position:])

    async with running(Origin(script=script)) as wire:
        client = await wire.client()
        for position in range(1, len(TRAILERS) + 1):  # noqa: B007  # the script cuts there
            first, second = await client.ask(GET), await client.ask(NEXT)
            assert (first.body, second.body) == (b"ok", b"ok")
            for answer in (first, second):
                assert (answer.all(b"set-cookie"), answer.all(b"x-sum")) == ([], [])
        assert wire.origin.connections == 1


@on_both_loops
@pytest.mark.parametrize("how", ["fin", "reset"])
@pytest.mark.parametrize(
    "reply",
    [
        ok(b"Content-Length: 100", body=b"hello"),
        ok(b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n"),
        ok(b"Transfer-Encoding: chunked", body=b"5\r\nhel"),
    ],
    ids=["length", "between-chunks", "inside-a-chunk"],
)
async def test_an_instance_that_dies_in_its_answer_cuts_the_client_off(reply: bytes, how: str) -> None:
    """UPS-05: without a clean end, and said in the record."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.request(reader)
        writer.write(reply)
        await asyncio.sleep(0.05)
        if how == "reset":
            writer.transport.abort()

    async with running(Origin(script=script)) as wire:
        client = await wire.client()
        with pytest.raises(Broken):
            await client.ask(GET)
        await wire.quiet()
        (record,) = wire.records
        assert (record["status"], record["error"], record["flags"]) == (
            200,
            "upstream-answer-truncated",
            ["cut"],
        )


@on_both_loops
@pytest.mark.parametrize("first", [b"2\r\nok\r\n", b""], ids=["after-data", "at-once"])
async def test_a_malformed_chunk_of_an_answer_cuts_the_client_off(first: bytes) -> None:
    """UPS-22: the head is out already; where it is not, 502 would do as well."""
    async with running(
        Origin(script=replying(ok(b"Transfer-Encoding: chunked", body=first + b"zz\r\n")))
    ) as wire:
        client = await wire.client()
        with contextlib.suppress(Broken):
            assert (await client.ask(GET)).status == 502
        await the_next_is_clean(wire)


@on_both_loops
async def test_a_body_in_many_segments_of_known_length_may_have_bytes_behind_it() -> None:
    """UPS-13: they are nobody's, also where the body goes past the parser."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await origin.request(reader):
            if request.target == b"/next":
                writer.write(OK)
                continue
            writer.write(ok(b"Content-Length: 8", body=b"good"))
            await asyncio.sleep(0.02)
            writer.write(b"good" + OK)

    async with running(Origin(script=script)) as wire:
        assert (await wire.ask(GET)).body == b"goodgood"
        await the_next_is_clean(wire)
        assert wire.origin.connections == 2


# ---- time ---------------------------------------------------------------------------------------------------------


async def silent(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read everything and say nothing."""
    while await origin.request(reader):
        pass


def beginning(reply: bytes) -> Script:
    """Answer with this, and then with nothing more."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.request(reader)
        writer.write(reply)
        await reader.read()

    return script


@on_both_loops
@pytest.mark.parametrize(
    "reply", [b"", b"HTTP/1.1 200", b"HTTP/1.1 100 Continue\r\n\r\n"], ids=["nothing", "half", "interim"]
)
async def test_an_answer_that_does_not_begin_in_time_is_given_up(reply: bytes) -> None:
    """UPS-02."""
    async with running(Origin(script=beginning(reply)), service=TimeoutsConfig(first_byte=0.2)) as wire:
        client = await wire.client()
        client.send(GET)
        answer = await client.answer(within=1.5)
        assert answer.status == 504
        await until(lambda: wire.origin.open == 0)
        await wire.quiet()
        assert (wire.records[0]["error"], wire.records[0]["attempts"]) == ("upstream-timeout", 1)
        assert (await client.ask(GET.replace(b"/ ", b"/healthz "))).status == 200


@on_both_loops
async def test_a_head_that_drips_is_given_up_at_the_time_for_the_whole_of_it() -> None:
    """UPS-03: each byte is no new beginning."""

    async def dripping(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.request(reader)
        for byte in OK + b"x" * 100:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.05)

    async with running(Origin(script=dripping), service=TimeoutsConfig(first_byte=0.3)) as wire:
        client = await wire.client()
        client.send(GET)
        assert (await client.answer(within=1.5)).status == 504


@on_both_loops
async def test_a_body_that_stalls_cuts_the_client_off() -> None:
    """UPS-04: the time for silence in a body holds, however long the first byte may take."""
    reply = ok(b"Content-Length: 100", body=b"hello")
    async with running(
        Origin(script=beginning(reply)), service=TimeoutsConfig(first_byte=30.0, read=0.2)
    ) as wire:
        client = await wire.client()
        client.send(GET)
        with pytest.raises(Broken):
            await client.answer(within=1.5)
        await until(lambda: wire.origin.open == 0)
        await wire.quiet()
        assert wire.records[0]["error"] == "upstream-answer-truncated"


@on_both_loops
async def test_a_slow_client_is_no_silence_of_the_instance() -> None:
    """UPS-04: the time runs only while the instance is read from."""
    size = 8 << 20
    async with running(
        Origin(ok(b"Content-Length: %d" % size, body=b"x" * size)), service=TimeoutsConfig(read=0.2)
    ) as wire:
        client = await wire.client(limit=1024, receive_buffer=4096)
        client.send(GET)
        await asyncio.sleep(0.7)
        assert size == len((await client.answer()).body)


@on_both_loops
async def test_an_instance_is_not_silent_while_its_bytes_wait_for_a_slow_client() -> None:
    """UPS-04: neither where they are too few to hold it back."""
    read = asyncio.Event()

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.request(reader)
        writer.write(ok(b"Content-Length: 10", body=b"hello"))
        await read.wait()
        writer.write(b"world")
        await reader.read()

    async with sending(script) as play:
        response = await play.ask()
        for _ in range(3):
            play.pass_time(play.limits.read)

        assert b"hello" == await response.body.next()
        read.set()
        assert b"world" == await response.body.next()


@on_both_loops
async def test_the_time_to_the_first_byte_begins_when_the_request_is_out() -> None:
    """An upload may take longer than that; the answer behind it may not."""
    timeouts = TimeoutsConfig(first_byte=0.3, write=30.0)
    async with running(Origin(script=silent), service=timeouts) as wire:
        client = await wire.client()
        client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 8\r\n\r\n")
        for _ in range(8):
            await asyncio.sleep(0.1)
            client.send(b"x")
        answer = await client.answer(within=1.5)
        assert answer.status == 504
        assert wire.origin.requests[0].body == b"xxxxxxxx"


@on_both_loops
async def test_an_instance_that_does_not_read_an_upload_is_given_up() -> None:
    """UPS-02: 504 in the time for writing."""

    async def stalled(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        transport_of(writer).pause_reading()
        await asyncio.sleep(10)

    async with running(Origin(script=stalled), service=TimeoutsConfig(write=0.3)) as wire:
        client = await wire.client()
        size = 15 << 20
        client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % size, b"x" * size)
        answer = await client.answer(within=3.0)
        assert (answer.status, answer.all(b"connection")) == (504, [b"close"])
        assert b"upstream-write-timeout" in answer.body
        await wire.quiet()


@on_both_loops
@pytest.mark.parametrize(
    "reply", [b"", ok(b"Content-Length: 100", body=b"hello")], ids=["before-the-head", "after-the-head"]
)
async def test_the_total_time_ends_an_exchange(reply: bytes) -> None:
    """504 where there is no head yet, else the client is cut off."""
    async with running(Origin(script=beginning(reply)), service=TimeoutsConfig(total=0.3)) as wire:
        client = await wire.client()
        client.send(GET)
        if reply:
            with pytest.raises(Broken):
                await client.answer(within=1.5)
        else:
            assert (await client.answer(within=1.5)).status == 504
        await until(lambda: wire.origin.open == 0)
        await wire.quiet()
        assert wire.records[0]["error"] == "deadline-exceeded"


@on_both_loops
async def test_the_total_time_is_no_concern_of_those_who_are_quicker() -> None:
    """No timer is left behind."""
    async with running(service=TimeoutsConfig(total=0.2)) as wire:
        client = await wire.client()
        for _ in range(4):
            assert (await client.ask(GET)).status == 200
            await asyncio.sleep(0.15)


# ---- large answers ------------------------------------------------------------------------------------------------


@on_both_loops
@pytest.mark.parametrize("framing", ["length", "chunked", "until-close"])
async def test_a_large_answer_arrives_whole_and_is_held_back_while_the_client_does_not_read(
    framing: str,
) -> None:
    """UPS-20: what the gateway takes ahead of the client is bounded."""
    size, piece = 24 << 20, bytes(range(256)) * 256
    sent = 0

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await origin.request(reader)
        fields = {"length": (b"Content-Length: %d" % size,), "chunked": (b"Transfer-Encoding: chunked",)}
        writer.write(ok(*fields.get(framing, ())))
        while sent < size:
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if framing == "chunked" else piece)
            sent += len(piece)
            await writer.drain()
        if framing == "chunked":
            writer.write(b"0\r\n\r\n")

    async with running(Origin(script=script)) as wire:
        client = await wire.client(limit=65536, receive_buffer=65536)
        client.send(GET)
        await client.head()
        await asyncio.sleep(0.3)
        assert sent < size * 0.75
        body = hashable = 0
        while body < size:
            if framing == "length":
                data = await client.reader.read(1 << 20)
                body += len(data)
                hashable += data.count(b"\xff")
            else:
                length = int(await client.reader.readuntil(b"\r\n"), 16)
                hashable += (await client.reader.readexactly(length + 2)).count(b"\xff")
                body += length
        assert (size, size // 256) == (body, hashable)
        await wire.quiet()
        assert size == wire.records[0]["bytes_out"]


# ---- answers before the end of the request ------------------------------------------------------------------------


UPLOAD = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000000\r\n\r\nfirst bytes"


def early(reply: bytes, *, then: str) -> Script:
    """Answer after the head of a request."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await read_head(reader)
        assert head is not None
        origin.requests.append(head)
        if head.target == b"/next":
            writer.write(OK)
            return
        writer.write(reply)
        if then == "read":
            await reader.read()
        await asyncio.sleep(0.05)

    return script


@on_both_loops
@pytest.mark.parametrize("then", ["read", "close"])
@pytest.mark.parametrize(
    "reply",
    [
        ok(b"Content-Length: 5", body=b"early"),
        ok(b"Transfer-Encoding: chunked", body=b"5\r\nearly\r\n0\r\n\r\n"),
    ],
    ids=["length", "chunked"],
)
async def test_an_answer_before_the_end_of_the_upload_is_passed_on(reply: bytes, then: str) -> None:
    """FRM-35: at once, with an end to both connections; what still comes is nobody's request."""
    async with running(Origin(script=early(reply, then=then))) as wire:
        client = await wire.client()
        client.send(UPLOAD)
        answer = await client.answer(within=1.0)
        assert (answer.status, answer.body, answer.all(b"connection")) == (200, b"early", [b"close"])
        client.send(b"y" * 1000)
        await until(lambda: not wire.pools[0].open_count)
        client.writer.close()
        await the_next_is_clean(wire)


@on_both_loops
async def test_an_early_answer_whose_body_is_still_coming_ends_its_attempt_when_the_instance_hangs_up() -> (
    None
):
    """The instance's count of what is in flight goes back to nothing, though the upload never ended."""
    body = b"x" * 300_000

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(ok(b"Content-Length: %d" % len(body)))
        await asyncio.sleep(0.02)
        writer.write(body)
        await writer.drain()

    async with running(Origin(script=script)) as wire:
        client = await wire.client()
        client.send(UPLOAD)
        assert body == (await client.answer()).body
        await wire.quiet()
        assert wire.pools[0].open_count == 0


@on_both_loops
async def test_an_upload_that_goes_on_behind_an_answer_and_its_connection_ends_its_attempt() -> None:
    """As before, with a filter that takes its time behind the service."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(len(b"first bytes"))
        writer.write(ok(b"Content-Length: 10", body=b"hello"))
        await asyncio.sleep(0.02)
        writer.write(b"hello")

    async with running(Origin(script=script)) as wire:
        original = wire.chain.handler

        async def late(exchange: Exchange) -> Response:
            response = await original(exchange)
            await asyncio.sleep(0.2)
            return response

        wire.answer_by(late)
        client = await wire.client()
        client.send(UPLOAD)
        await until(lambda: wire.origin.connections and not wire.pools[0].open_count)
        client.send(b"y" * 1000)
        assert (await client.answer()).body == b"hellohello"
        await wire.quiet()


@on_both_loops
async def test_an_upload_that_ends_after_its_early_answer_leaves_nothing_behind() -> None:
    """Also where both end at about the same time."""
    async with running(
        Origin(script=early(ok(b"Connection: close", b"Content-Length: 2", body=b"ok"), then="read"))
    ) as wire:
        for number in range(20):
            client = await wire.client()
            client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nhello")
            for _ in range(number % 10):
                await asyncio.sleep(0)
            client.send(b"hello")
            assert (await client.answer()).status == 200
        await wire.quiet()


@on_both_loops
async def test_a_client_that_reads_late_gets_an_answer_in_pieces() -> None:
    """What came while nobody read is joined."""

    def slow(request: Message) -> bytes:
        return ok(b"Content-Length: 300000", body=b"x" * 300_000)

    async with running(Origin(slow), server=ServerTimeoutsConfig(write=5.0)) as wire:
        clients = [await wire.client(limit=1024, receive_buffer=4096) for _ in range(5)]
        for client in clients:
            client.send(GET + NEXT)
        await asyncio.sleep(0.1)
        for client in clients:
            assert [len((await client.answer()).body) for _ in range(2)] == [300_000, 300_000]


@on_both_loops
async def test_a_reset_is_no_end_of_an_answer_that_ends_with_its_connection() -> None:
    """UPS-05: what came before it may be a part."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.request(reader)
        writer.write(ok(body=b"half of"))
        await asyncio.sleep(0.02)
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with sending(script) as play:
        response = await play.ask()
        with pytest.raises(AnswerTruncated):
            await response.body.read(100)


# ---- event streams ------------------------------------------------------------------------------------------------


@on_both_loops
@pytest.mark.parametrize("kind", [b"text/event-stream;charset=utf-8", b"text/plain"])
@pytest.mark.parametrize(
    "framing", [b"Transfer-Encoding: chunked", b"X: until-the-end"], ids=["chunks", "end"]
)
async def test_an_event_stream_may_be_silent_for_long(kind: bytes, framing: bytes) -> None:
    """UPS-04, UPS-21: each event is passed on as it comes; what ends it is the limit for streams."""
    said = asyncio.Event()
    event = b"data: 1\n\n"

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await origin.request(reader)
        writer.write(ok(b"Content-Type: " + kind, framing))
        while True:
            writer.write(b"%x\r\n%b\r\n" % (len(event), event) if b"chunked" in framing else event)
            await said.wait()
            said.clear()

    async with sending(script, limits=Limits(read=5.0, stream=60.0)) as play:
        response = await play.ask()
        assert event == await response.body.next()
        reading = asyncio.create_task(response.body.next())
        await asyncio.sleep(0.01)

        play.pass_time(6.0)
        if kind == b"text/plain":
            with pytest.raises(AnswerTruncated):
                await reading
            return
        said.set()
        assert event == await reading
        reading = asyncio.create_task(response.body.next())
        await asyncio.sleep(0.01)
        play.pass_time(30.0)
        play.pass_time(29.0)
        assert not reading.done()
        play.pass_time(2.0)
        with pytest.raises(AnswerTruncated):
            await reading


@on_both_loops
async def test_an_event_stream_that_begins_inside_an_upload_has_its_limit_behind_it() -> None:
    """Whatever came first."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await read_head(reader)
        assert head is not None
        writer.write(ok(b"Content-Type: text/event-stream", b"Transfer-Encoding: chunked"))
        await reader.read()

    async with sending(script, limits=Limits(read=5.0, stream=60.0)) as play:
        response = await play.ask("POST", body=[b"a", b"b"])
        reading = asyncio.create_task(response.body.next())
        await asyncio.sleep(0.02)
        play.pass_time(40.0)
        assert not reading.done()
        play.pass_time(30.0)
        with pytest.raises(AnswerTruncated):
            await reading

"""Bodies on their way to an instance: how they are framed, when they begin, and what ends them."""

import asyncio

import pytest

from gatekeeper.core.body import Body
from gatekeeper.core.errors import FilterFailed, GatewayError, RequestTimeout, Reset
from gatekeeper.testing import Chunks
from gatekeeper.upstream.upload import as_chunk, goes_in_chunks
from tests.edge.wire import OK, Origin, Script, on_both_loops, read_body, read_head, until
from tests.upstream.sending import Endless, ok, sending


CONTINUE = ok(status=b"100 Continue")


def test_a_chunk_says_how_long_it_is() -> None:
    """In hexadecimal digits."""
    assert b"1f\r\n" + b"x" * 31 + b"\r\n" == as_chunk(b"x" * 31)


@pytest.mark.parametrize(
    ("body", "chunked", "expected"),
    [
        pytest.param(Body(b"ab"), False, False, id="complete"),
        pytest.param(Body(b"ab"), True, True, id="complete-that-came-in-chunks"),
        pytest.param(Body.stream(Chunks(), 2), False, False, id="of-known-length"),
        pytest.param(Body.stream(Chunks(), None), False, True, id="of-unknown-length"),
    ],
)
def test_chunks_are_for_what_came_so_or_has_no_length(body: Body, chunked: bool, expected: bool) -> None:
    """Everything else has a length."""
    body.chunked = chunked

    assert expected == goes_in_chunks(body)


@on_both_loops
@pytest.mark.parametrize(
    ("body", "length", "chunked", "field"),
    [
        pytest.param(b"hello", None, False, (b"Content-Length", b"5"), id="complete"),
        pytest.param(b"hello", None, True, (b"Transfer-Encoding", b"chunked"), id="complete-in-chunks"),
        pytest.param(b"", None, True, (b"Transfer-Encoding", b"chunked"), id="empty-in-chunks"),
        pytest.param(b"", None, False, (b"Content-Length", b"0"), id="empty"),
        pytest.param([b"he", b"llo"], 5, False, (b"Content-Length", b"5"), id="streamed"),
        pytest.param([b"he", b"llo"], None, False, (b"Transfer-Encoding", b"chunked"), id="of-no-length"),
        pytest.param([b"he", b"llo"], None, True, (b"Transfer-Encoding", b"chunked"), id="in-chunks"),
        pytest.param(b"x" * 100_000, None, True, (b"Transfer-Encoding", b"chunked"), id="large-in-chunks"),
    ],
)
async def test_a_body_has_one_framing_field_that_matches_it(
    body: bytes | list[bytes], length: int | None, *, chunked: bool, field: tuple[bytes, bytes]
) -> None:
    """HOP-05: chunks stay chunks, also where all of them are there already."""
    async with sending() as play:
        response = await play.ask("POST", body=body, length=length, chunked=chunked)

        assert 200 == response.status
        (request,) = play.origin.requests
        assert [field] == [
            (name, value)
            for name, value in request.fields
            if name.lower() in {b"content-length", b"transfer-encoding"}
        ]
        assert (body if isinstance(body, bytes) else b"".join(body)) == request.body
        assert 200 == (await play.ask()).status
        assert 1 == play.origin.connections


@on_both_loops
@pytest.mark.parametrize("chunks", [[b"hello", b"!"], [b"hello!"], [b"hell"], []], ids=repr)
async def test_a_body_of_another_length_than_it_announced_is_never_sent(chunks: list[bytes]) -> None:
    """HOP-05: what is too much would be the next request; a filter has made it, as the edge counts what clients send."""
    async with sending() as play:
        with pytest.raises(FilterFailed):
            await play.ask("POST", body=chunks, length=5)

        await until(lambda: play.origin.open == 0)
        assert 0 == play.pool.open_count
        assert [b"hello"] * (len(chunks) == 2) == [request.body for request in play.origin.requests]


@on_both_loops
async def test_a_client_that_fails_ends_the_request() -> None:
    """The instance sees that it is incomplete."""
    async with sending() as play:
        with pytest.raises(RequestTimeout):
            await play.ask("POST", body=[b"hello", RequestTimeout()])

        await until(lambda: play.origin.cut == 1)


# ---- Expect -------------------------------------------------------------------------------------------------------


class Watched(Chunks):
    """A body that knows when it was first read."""

    def __init__(self, *chunks: bytes | GatewayError) -> None:
        super().__init__(*chunks)
        self.wanted = asyncio.Event()

    async def read(self) -> bytes:
        """Return the next chunk."""
        self.wanted.set()
        return await super().read()


def awaiting(body: Watched, *before: bytes, says: bytes = b"") -> Script:
    """Answer to the head with these; then say `says`, and answer when the body has come."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (head := await read_head(reader)) is not None:
            origin.requests.append(head)
            if head.line.startswith(b"GET"):
                writer.write(OK)
                continue
            for piece in before:
                writer.write(piece)
            for _ in range(5):
                await asyncio.sleep(0)
            assert not body.wanted.is_set(), "sent without having been asked for"
            if says:
                writer.write(says)
            data = await read_body(reader, head, to_the_end=False)
            writer.write(ok(b"Content-Length: %d" % len(data), body=data))

    return script


@on_both_loops
@pytest.mark.parametrize("length", [5, None], ids=["length", "chunks"])
async def test_a_body_is_sent_when_the_instance_asks_for_it(length: int | None) -> None:
    """FRM-32: and read from the client not before; the 100 stays here."""
    body = Watched(b"hello")
    async with sending(awaiting(body, says=CONTINUE)) as play:
        response = await play.ask("POST", body=Body.stream(body, length), expects_continue=True)

        assert (b"hello", []) == (response.body.data, play.interim)
        assert [b"100-continue"] == play.origin.requests[0].all(b"expect")
        assert 200 == (await play.ask()).status
        assert 1 == play.origin.connections


@on_both_loops
async def test_a_body_is_sent_to_an_instance_that_says_nothing() -> None:
    """RFC 9110 section 10.1.1: it may not know of 100; another interim answer does not ask for the body."""
    body = Watched(b"hello")
    async with sending(awaiting(body, ok(status=b"102 Processing"))) as play:
        response = await play.ask("POST", body=Body.stream(body, 5), expects_continue=True)

        assert (b"hello", [(102, [])]) == (response.body.data, play.interim)


@on_both_loops
@pytest.mark.parametrize("status", [b"401 Unauthorized", b"417 Expectation Failed", b"413 Content Too Large"])
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
async def test_an_answer_instead_of_100_means_that_the_body_is_never_read(
    status: bytes, *, streamed: bool
) -> None:
    """FRM-35: the answer is passed on, and its connection, on which a body has been announced, is not used again."""
    body = Watched(b"hello")

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await read_head(reader)
        assert head is not None
        if head.line.startswith(b"GET"):
            writer.write(OK)
            return
        writer.write(ok(b"Content-Length: 4", status=status))
        if streamed:
            await asyncio.sleep(0.02)
        writer.write(b"nope")
        await reader.read()

    async with sending(script) as play:
        response = await play.ask("POST", body=Body.stream(body, 5), expects_continue=True)

        assert int(status[:3]) == response.status
        assert b"nope" == await response.body.read(10)
        await until(lambda: body.aborted)
        assert not body.wanted.is_set()
        await until(lambda: not play.pool.open_count)
        assert 0 == play.instance.in_flight
        assert 200 == (await play.ask()).status


@on_both_loops
async def test_a_body_that_is_here_already_is_not_announced() -> None:
    """A filter has read it; there is nothing to wait for."""
    async with sending() as play:
        await play.ask("POST", body=b"hello", expects_continue=True)

        (request,) = play.origin.requests
        assert ([], b"hello") == (request.all(b"expect"), request.body)


@on_both_loops
async def test_an_instance_that_hangs_up_on_an_expectation_has_failed() -> None:
    """The body has not been touched."""
    body = Watched(b"hello")

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)

    async with sending(script) as play:
        with pytest.raises(Reset):
            await play.ask("POST", body=Body.stream(body, 5), expects_continue=True)

        assert (0, False) == (body.reads, body.aborted)


@on_both_loops
async def test_a_request_that_is_given_up_while_it_waits_for_100_leaves_nothing() -> None:
    """No task, no timer, no connection."""

    async def script(origin: Origin, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_head(reader)
        asking.cancel()
        await reader.read()

    async with sending(script) as play:
        body = Body.stream(Endless(), None)
        asking = asyncio.create_task(play.ask("POST", body=body, expects_continue=True))
        await asyncio.wait([asking])
        play.exchanges[0].complete()
        await until(lambda: not play.pool.open_count)
        assert 0 == len(play.wheel)

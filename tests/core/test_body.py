"""Bodies: complete, streamed, copied while they pass."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.body import DISCARD_LIMIT, EMPTY, Body, Tee
from gatekeeper.core.errors import AnswerTooLarge, ClientGone, ContentTooLarge
from gatekeeper.testing import Chunks


chunk_lists = st.lists(st.binary(min_size=1, max_size=20), max_size=8)


def streamed(*chunks: bytes | ClientGone, length: int | None = None) -> tuple[Body, Chunks]:
    """A streamed body and its source."""
    source = Chunks(*chunks)
    return Body.stream(source, length), source


@given(chunk_lists, st.integers(0, 100))
def test_read_returns_everything_or_refuses(chunks: list[bytes], limit: int) -> None:
    """Within the limit the body is complete afterwards."""
    whole = b"".join(chunks)

    async def run() -> None:
        body, _ = streamed(*chunks)
        if len(whole) > limit:
            with pytest.raises(ContentTooLarge):
                await body.read(limit)
            return
        assert whole == await body.read(limit)
        assert whole == await body.read(limit)
        assert (whole, len(whole), True) == (body.data, body.length, body.replayable)

    asyncio.run(run())


@given(chunk_lists, st.integers(0, 100))
def test_a_tee_has_what_passed_if_it_fitted_and_ended(chunks: list[bytes], limit: int) -> None:
    """Whether the body was streamed or complete; the reader sees the same either way."""
    whole = b"".join(chunks)

    async def run() -> None:
        for body in (streamed(*chunks)[0], Body(whole)):
            first, second = body.tee(limit), body.tee(10**6)
            if body.data is None:
                assert first.data is None
            assert whole == b"".join([chunk async for chunk in body])
            assert (whole if len(whole) <= limit else None) == first.data
            assert whole == second.data

    asyncio.run(run())


@given(st.lists(st.binary(max_size=9)), st.integers(0, 40))
def test_a_tee_holds_no_more_than_its_limit(chunks: list[bytes], limit: int) -> None:
    """Beyond it everything is dropped."""
    tee = Tee(limit)
    size = 0
    for chunk in chunks:
        tee.feed(chunk)
        size += len(chunk)
        assert sum(map(len, tee._parts)) <= limit
        assert (size > limit) == tee.overflowed


async def test_a_tee_of_what_broke_off_is_nothing() -> None:
    """Half an answer is not to be cached."""
    body, _ = streamed(b"abc", ClientGone())
    tee = body.tee(100)

    with pytest.raises(ClientGone):
        await body.read(100)

    assert tee.data is None
    assert not tee.complete


async def test_the_largest_declared_limit_holds() -> None:
    """A filter that reads less does not refuse what another may hold."""
    body, _ = streamed(b"abcdef")
    body.limit = 6

    assert b"abcdef" == await body.read(3)
    assert b"abcdef" == await body.read(1)


async def test_an_announced_length_over_the_limit_is_refused_unread() -> None:
    """Nothing is buffered in vain."""
    body, source = streamed(b"abc", length=1000)

    with pytest.raises(ContentTooLarge):
        await body.read(10)

    assert 0 == source.reads


async def test_a_complete_body_over_the_limit_is_refused() -> None:
    """Whether it came in one piece must not make a difference."""
    with pytest.raises(ContentTooLarge):
        await Body(b"abc").read(2)


async def test_the_overflow_of_an_answer_is_the_upstream_s() -> None:
    """Each side has its own error."""
    body = Body.stream(Chunks(b"abc"), None, AnswerTooLarge)

    with pytest.raises(AnswerTooLarge):
        await body.read(2)


async def test_chunks_come_as_they_are() -> None:
    """One by one, and the empty one is the end."""
    body, _ = streamed(b"ab", b"c")

    assert [b"ab", b"c", b""] == [await body.next() for _ in range(3)]
    with pytest.raises(RuntimeError, match="has been read already"):
        await body.next()


async def test_a_complete_body_is_one_chunk_and_an_empty_one_none() -> None:
    """As if it had been streamed."""
    assert [b"abc"] == [chunk async for chunk in Body(b"abc")]
    assert [] == [chunk async for chunk in Body()]


@pytest.mark.parametrize(
    ("chunks", "length", "kept"),
    [
        pytest.param([b"x" * 10], None, True, id="small"),
        pytest.param([b"x" * DISCARD_LIMIT], None, True, id="just within the limit"),
        pytest.param([b"x" * DISCARD_LIMIT, b"x"], None, False, id="one byte more"),
        pytest.param([b"x"], DISCARD_LIMIT + 1, False, id="announced to be more"),
        pytest.param([b"x", ClientGone()], None, False, id="breaks off"),
        pytest.param([], 0, True, id="empty"),
    ],
)
async def test_discard_reads_little_away_and_gives_up_on_more(
    chunks: list[bytes | ClientGone], length: int | None, kept: bool
) -> None:
    """Where it gives up, the source hears of it."""
    body, source = streamed(*chunks, length=length)

    assert kept is await body.discard()
    assert source.aborted is not kept


async def test_what_is_complete_or_read_needs_no_discarding() -> None:
    """And costs nothing."""
    body, source = streamed(b"a")
    await body.next()
    await body.next()

    assert await body.discard()
    assert await Body(b"a").discard()
    assert 2 == source.reads


async def test_abort_tells_the_source_once() -> None:
    """And nobody after the end."""
    body, source = streamed(b"a")
    body.abort()
    assert source.aborted
    source.aborted = False

    body.abort()
    EMPTY.abort()

    assert not source.aborted


@given(chunk_lists, st.integers(0, 60), st.booleans())
def test_what_is_gathered_is_the_beginning_or_all(chunks: list[bytes], size: int, late: bool) -> None:
    """No byte is lost or read twice, by whoever reads or copies it."""

    async def gather() -> None:
        body, source = streamed(*chunks)
        tees = [] if late else [body.tee(1000)]
        await body.gather(size)
        if late:
            tees.append(body.tee(1000))
        whole = sum(map(len, chunks)) < size
        assert whole is (body.data is not None)
        if not whole:
            gathered = 0
            expected = 0
            for chunk in chunks:
                if gathered >= size:
                    break
                gathered += len(chunk)
                expected += 1
            assert expected == source.reads
        assert chunks == [chunk async for chunk in body] if not whole else b"".join(chunks) == body.data
        assert [b"".join(chunks)] == [tee.data for tee in tees]

    asyncio.run(gather())


async def test_what_is_gathered_can_be_sent_again_where_it_is_all() -> None:
    """As if it had come at once; its length is known now."""
    body, _ = streamed(b"ab", b"c")

    await body.gather(100)

    assert (b"abc", 3, True) == (body.data, body.length, body.replayable)
    await body.gather(100)


async def test_a_body_that_is_not_asked_for_is_not_waited_for() -> None:
    """Its sender waits itself."""
    body, source = streamed(b"ab")
    body.expects_continue = True

    await body.gather(100)

    assert (0, True) == (source.reads, body.expects_continue)


async def test_what_is_gathered_and_breaks_off_has_failed() -> None:
    """For whoever gathers it, before anybody has a connection for it."""
    body, _ = streamed(b"ab", ClientGone())

    with pytest.raises(ClientGone):
        await body.gather(100)


async def test_what_is_gathered_is_given_up_with_the_rest() -> None:
    """Nobody reads it after that."""
    body, source = streamed(b"ab", b"c")
    await body.gather(1)

    body.abort()

    assert source.aborted
    with pytest.raises(RuntimeError):
        await body.next()


def test_reprs_show_sizes_and_no_bytes() -> None:
    """Bodies are private, too."""
    assert "<Body 3 bytes>" == repr(Body(b"abc"))
    assert "<Body streamed, unknown length>" == repr(streamed()[0])
    assert "<Body streamed, 7 bytes>" == repr(streamed(length=7)[0])

"""Where an answer begins, and what may come before; ids name the row of reliability.md."""

import pytest

from gatekeeper.core.errors import BadAnswer
from gatekeeper.core.message import Field
from gatekeeper.upstream.interim import INTERIM_COUNT, INTERIM_SIZE, Beginning
from tests.edge.wire import OK, on_both_loops, until
from tests.upstream.sending import ok, replying, sending


HINTS = ok(b"Link: </a.css>; rel=preload", status=b"103 Early Hints")
CONTINUE = ok(status=b"100 Continue")


@pytest.mark.parametrize(
    ("raw", "passed"),
    [
        pytest.param([(b"Link", b"</a>"), (b"link", b"</b> \t")], [(b"Link", b"</a>"), (b"link", b"</b>")], id="own"),
        pytest.param(
            [(b"Content-Length", b"3"), (b"Transfer-Encoding", b"chunked"), (b"Trailer", b"X")], [], id="framing"
        ),
        pytest.param(
            [(b"Keep-Alive", b"5"), (b"Upgrade", b"h2c"), (b"X-Request-Id", b"x"), (b"TE", b"trailers")], [], id="hop"
        ),
        pytest.param(
            [(b"X-Hop", b"1"), (b"Connection", b"x-hop, set-cookie"), (b"Set-Cookie", b"a=1"), (b"connection", b"y")],
            [(b"Set-Cookie", b"a=1")],
            id="nominated",
        ),
    ],
)  # fmt: skip
def test_fields_pass_as_those_of_an_answer_do(raw: list[Field], passed: list[Field]) -> None:
    """Without framing: an interim answer has no body."""
    assert passed == Beginning().clean(raw, b"")


def test_there_may_be_so_many() -> None:
    """And no more."""
    beginning = Beginning()
    for _ in range(INTERIM_COUNT):
        beginning.clean([], b"")

    with pytest.raises(BadAnswer, match="more than 16"):
        beginning.clean([], b"")


def test_together_they_may_be_so_large() -> None:
    """In bytes on the wire."""
    beginning = Beginning()
    half = ok(b"X: " + b"y" * (INTERIM_SIZE // 2 - 23), status=b"103 H")
    assert INTERIM_SIZE == 2 * len(half)
    assert (half, half) == beginning.cut(half + half)
    assert (half, b"") == beginning.cut(half)

    with pytest.raises(BadAnswer, match="more than 65536 bytes"):
        beginning.cut(b"HTTP/1.1 1")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1000])
def test_it_is_cut_where_an_answer_begins(size: int) -> None:
    """However it comes: interim answers one by one, and then all the rest, from the status line on."""
    beginning = Beginning()
    parsed: list[bytes] = []
    data = HINTS + CONTINUE + HINTS + OK
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        while piece and not beginning.final:
            for_parser, piece = beginning.cut(piece)
            parsed.append(for_parser)
        if beginning.final:
            break

    assert b"".join((HINTS, CONTINUE, HINTS)) == b"".join(parsed[:-1])
    assert OK.startswith(parsed[-1])
    assert parsed[-1].startswith(b"HTTP/1.1 2")
    assert all(piece.count(b"\r\n\r\n") <= 1 for piece in parsed)


@pytest.mark.parametrize("before", [b"", HINTS], ids=["first", "behind-an-interim-answer"])
@pytest.mark.parametrize(
    "line",
    [
        b"HTTP/2.0 200",
        b"HTTP/1.2 200",
        b"HTTP/1.1 600",
        b"HTTP/1.1 099",
        b"RTSP/1.0 200",
        b"ICE/1.0 200",
        b"HHTTP/1.1 200",
        b"http/1.1 200",
        b"\r\nHTTP/1.1 200",
        b" HTTP/1.1 200",
    ],
)
def test_anything_else_is_no_answer(before: bytes, line: bytes) -> None:
    """UPS-09: at the first byte that is wrong."""
    for pieces in ([before + line], [before, *(line[n : n + 1] for n in range(len(line)))]):
        beginning = Beginning()
        with pytest.raises(BadAnswer, match="no status line"):
            for piece in pieces:
                left = piece
                while left:
                    _, left = beginning.cut(left)


# ---- over the wire ------------------------------------------------------------------------------------------------


@on_both_loops
@pytest.mark.parametrize("cut", [b"", b"|"], ids=["one-segment", "segments"])
async def test_interim_answers_are_passed_on_before_the_answer(cut: bytes) -> None:
    """In order; 100 is between the instance and the gateway."""
    reply = cut.join((HINTS, CONTINUE, ok(status=b"102 Processing"), HINTS, OK))
    async with sending(replying(reply)) as play:
        response = await play.ask()

        link = (b"Link", b"</a.css>; rel=preload")
        assert [(103, [link]), (102, []), (103, [link])] == play.interim
        assert (200, b"OK", b"ok") == (response.status, response.reason, response.body.data)
        assert 1 == play.pool.idle_count


@on_both_loops
async def test_nobody_who_would_understand_them_gets_none() -> None:
    """An HTTP/1.0 client, say."""
    async with sending(replying(HINTS + OK)) as play:
        exchange = play.exchange()
        exchange.interim = None

        assert 200 == (await play.send(exchange)).status


@on_both_loops
@pytest.mark.parametrize("cut", [b"", b"|"], ids=["one-segment", "segments"])
async def test_an_interim_answer_behind_the_answer_is_nobodys(cut: bytes) -> None:
    """The connection is closed."""
    async with sending(replying(OK + cut + HINTS)) as play:
        assert 200 == (await play.ask()).status
        assert [] == play.interim
        await until(lambda: not play.pool.open_count)

        assert 200 == (await play.ask()).status
        assert [] == play.interim
        assert 2 == play.origin.connections


@on_both_loops
@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(HINTS * (INTERIM_COUNT + 1) + OK, id="many"),
        pytest.param(b"|".join([HINTS] * (INTERIM_COUNT + 1)) + OK, id="many-in-segments"),
        pytest.param(
            ok(b"X: " + b"y" * 40_000, status=b"103 Hints") * 2 + OK, id="large"
        ),
        pytest.param(ok(*[b"X: " + b"y" * 70_000], status=b"103 Hints") + OK, id="one-that-is-large"),
        pytest.param(ok(b"X: " + b"y" * 200_000, status=b"103 Hints"), id="one-without-end"),
        pytest.param(ok(b"X: a\x01b", status=b"103 Hints") + OK, id="UPS-08-control"),
        pytest.param(b"HTTP/1.1 103 Hints\r\nX: a\r\n b\r\n\r\n" + OK, id="UPS-09-obs-fold"),
        pytest.param(b"HTTP/1.1 103 Hints\nX: a\n\n" + OK, id="UPS-09-line-feeds"),
        pytest.param(ok(status=b"103 \x1b[31m") + OK, id="UPS-08-escape-in-reason"),
        pytest.param(HINTS + b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", id="UPS-09-version"),
        pytest.param(HINTS + b"\r\n" + OK, id="UPS-09-blank-line"),
        pytest.param(b"HTTP/1.1 199 X\r\nX : a\r\n\r\n" + OK, id="UPS-09-blank-before-colon"),
    ],
)  # fmt: skip
async def test_interim_answers_that_break_the_rules_are_refused(reply: bytes) -> None:
    """As an answer is."""
    async with sending(replying(reply)) as play:
        with pytest.raises(BadAnswer):
            await play.ask()
        await until(lambda: not play.pool.open_count)


@on_both_loops
async def test_interim_answers_take_nothing_from_the_room_for_the_head() -> None:
    """Each has its own."""
    large = b"X: " + b"y" * 60_000
    reply = ok(large, status=b"103 Hints") + b"|" + ok(large, b"Content-Length: 2", body=b"ok")
    async with sending(replying(reply)) as play:
        response = await play.ask()
        assert (200, b"ok") == (response.status, response.body.data)

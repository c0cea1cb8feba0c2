"""Interim answers: which of their fields pass, and how many there may be."""

import pytest

from gatekeeper.core.errors import BadAnswer
from gatekeeper.core.message import Field
from gatekeeper.upstream.interim import INTERIM_COUNT, INTERIM_SIZE, Interims
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
    assert passed == Interims().clean(raw, "1.1")


def test_there_may_be_so_many() -> None:
    """And no more."""
    interims = Interims()
    for _ in range(INTERIM_COUNT):
        interims.clean([], "1.1")

    with pytest.raises(BadAnswer, match="more than 16"):
        interims.clean([], "1.1")


def test_together_they_may_be_so_large() -> None:
    """In bytes on the wire."""
    interims = Interims()
    half = [(b"X", b"y" * (INTERIM_SIZE // 2 - 5))]
    interims.clean(half, "1.1")
    interims.clean(half, "1.1")

    with pytest.raises(BadAnswer, match="more than 65536 bytes"):
        interims.clean([(b"X", b"y")], "1.1")


def test_another_version_is_no_interim_answer() -> None:
    """As with answers."""
    with pytest.raises(BadAnswer, match=r"HTTP/2\.0"):
        Interims().clean([], "2.0")


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

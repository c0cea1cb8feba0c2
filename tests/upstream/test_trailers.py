"""What may stand behind the chunks of an answer."""

import pytest

from gatekeeper.core.body import Body
from gatekeeper.core.errors import AnswerTruncated
from gatekeeper.core.message import Field
from gatekeeper.upstream.trailers import FRAMING_LIMIT, TRAILER_COUNT, TRAILER_SIZE, Trailers
from tests.edge.wire import OK, on_both_loops, until
from tests.upstream.sending import ok, replying, sending


REFUSED = [
    "Content-Length",
    "Transfer-Encoding",
    "Trailer",
    "TE",
    "Connection",
    "Keep-Alive",
    "Upgrade",
    "Host",
    "Max-Forwards",
    "Via",
    "X-Request-Id",
    "Authorization",
    "WWW-Authenticate",
    "Proxy-Authenticate",
    "Authentication-Info",
    "Set-Cookie",
    "Cookie",
    "Content-Type",
    "Content-Encoding",
    "Content-Range",
    "content-disposition",
    "Content-Security-Policy",
    "Cache-Control",
    "Age",
    "Expires",
    "Date",
    "Vary",
    "Location",
    "Retry-After",
    "Pragma",
    "If-Match",
    "Range",
    "Expect",
    "Access-Control-Allow-Origin",
    "Strict-Transport-Security",
    "Sec-WebSocket-Accept",
    "X-Forwarded-For",
]


def taken(raw: list[Field], nominated: frozenset[bytes] = frozenset(), *, wanted: bool = True) -> list[Field]:
    trailers = Trailers(nominated, wanted=wanted)
    trailers.take(raw)
    return trailers.fields


@pytest.mark.parametrize("name", ["X-Sum", "Server-Timing", "ETag", "Content-Digest", "grpc-status"])
def test_what_is_about_the_whole_passes(name: str) -> None:
    """Digests, timings, results: what is known at the end only."""
    assert [(name.encode(), b"a b")] == taken([(name.encode(), b"a b \t")])


@pytest.mark.parametrize("name", [*REFUSED, "SET-COOKIE"])
def test_what_must_be_known_before_the_body_is_dropped(name: str) -> None:
    """FRM-14: framing, routing, who somebody is, how to read the body, what to do with it."""
    assert [(b"X", b"1")] == taken([(name.encode(), b"1"), (b"X", b"1")])


def test_what_the_head_nominates_is_dropped() -> None:
    """RFC 9110 section 7.6.1 means trailers, too."""
    assert [(b"X", b"1")] == taken([(b"X-Hop", b"1"), (b"X", b"1")], frozenset({b"x-hop"}))


def test_a_client_who_takes_none_gets_none() -> None:
    """They have been announced to the instance as unwanted."""
    assert [] == taken([(b"X", b"1")], wanted=False)


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize(
    "raw",
    [
        pytest.param([(b"X", b"1")] * (TRAILER_COUNT + 1), id="FRM-15-many"),
        pytest.param([(b"X", b"y" * (TRAILER_SIZE - 4))], id="FRM-15-large"),
    ],
)
def test_more_than_there_may_be_is_an_error(raw: list[Field], *, wanted: bool) -> None:
    """Whoever takes them."""
    with pytest.raises(AnswerTruncated):
        taken(raw, wanted=wanted)


def test_as_much_as_there_may_be_passes() -> None:
    """To the byte."""
    assert TRAILER_COUNT == len(taken([(b"X", b"1")] * TRAILER_COUNT))
    assert 1 == len(taken([(b"X", b"y" * (TRAILER_SIZE - 5))]))


def test_a_body_that_is_under_way_gets_them() -> None:
    """Whoever reads it finds them at its end."""
    trailers = Trailers(frozenset(), wanted=True)
    trailers.body = Body()

    trailers.take([(b"X", b"1")])

    assert [(b"X", b"1")] == trailers.body.trailers


def test_framing_without_body_is_bounded() -> None:
    """What comes with bytes of the body is not."""
    trailers = Trailers(frozenset(), wanted=True)
    for _ in range(3):
        trailers.count(FRAMING_LIMIT, has_body=False)
        trailers.count(FRAMING_LIMIT * 2, has_body=True)

    with pytest.raises(AnswerTruncated):
        trailers.count(FRAMING_LIMIT + 1, has_body=False)


# ---- over the wire ------------------------------------------------------------------------------------------------


def chunked(*fields: bytes, head: tuple[bytes, ...] = (), body: bytes = b"2\r\nok\r\n") -> bytes:
    return ok(*head, b"Transfer-Encoding: chunked", body=body + b"\r\n".join((b"0", *fields, b"", b"")))


@on_both_loops
@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("cut", [b"", b"|"], ids=["at-once", "in-segments"])
async def test_trailers_are_there_when_the_body_has_ended(cut: bytes, *, wanted: bool) -> None:
    """Streamed or not; to a client that takes them, and who has been told about them."""
    reply = chunked(b"X-Sum: 1", b"Set-Cookie: a=b", head=(b"Trailer: X-Sum",), body=b"2\r\nok\r\n" + cut)
    async with sending(replying(reply)) as play:
        response = await play.ask(takes_trailers=wanted)

        assert (cut == b"") == response.body.replayable
        assert b"ok" == await response.body.read(10)
        assert ([(b"X-Sum", b"1")] if wanted else []) == list(response.body.trailers)
        assert (b"X-Sum" if wanted else None) == response.headers.get(b"trailer")
        (request,) = play.origin.requests
        assert ([b"trailers"] if wanted else []) == request.all(b"te")
        assert ([b"TE"] if wanted else []) == request.all(b"connection")
        assert 1 == play.pool.idle_count


@on_both_loops
async def test_what_is_announced_without_chunks_is_not_passed_on() -> None:
    """There will be none; nor where `Connection` makes it a field of the hop."""
    for reply in (
        ok(b"Trailer: X", b"Content-Length: 2", body=b"ok"),
        chunked(head=(b"Trailer: X", b"Connection: trailer")),
    ):
        async with sending(replying(reply)) as play:
            response = await play.ask(takes_trailers=True)
            assert None is response.headers.get(b"trailer")


@on_both_loops
async def test_fields_of_another_answer_are_no_trailers() -> None:
    """UPS-13: nor are those behind an answer to HEAD, or to one without a body."""
    second = ok(b"X-Second: 1", b"Content-Length: 2", body=b"no")
    for reply in (chunked(b"X-Sum: 1") + second, OK + second):
        async with sending(replying(reply)) as play:
            response = await play.ask(takes_trailers=True)
            assert (b"ok", False) == (response.body.data, (b"X-Second", b"1") in response.body.trailers)
            await until(lambda: not play.pool.open_count)
    async with sending(replying(chunked(b"X-Sum: 1"))) as play:
        response = await play.ask("HEAD", takes_trailers=True)
        assert (b"", []) == (response.body.data, list(response.body.trailers))
        await until(lambda: not play.pool.open_count)


@on_both_loops
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param([b"X: 1"] * (TRAILER_COUNT + 1), id="FRM-15-many"),
        pytest.param([b"X: " + b"y" * TRAILER_SIZE], id="FRM-15-large"),
        pytest.param([b"X: " + b"y" * 300_000], id="FRM-15-without-end"),
        pytest.param([b"X: a\0b"], id="UPS-08-nul"),
        pytest.param([b"X: a\rb"], id="UPS-08-cr"),
        pytest.param([b"X: a", b" b"], id="UPS-09-obs-fold"),
        pytest.param([b"X : a"], id="UPS-09-blank-before-colon"),
        pytest.param([b"Content-Length: 5"], id="FRM-14-length"),
    ],
)
@pytest.mark.parametrize("cut", [b"", b"|"], ids=["at-once", "in-segments"])
async def test_trailers_that_break_the_rules_end_the_answer_without_an_end(
    fields: list[bytes], cut: bytes
) -> None:
    """Before its head is taken it is an error; behind it the body breaks off."""
    async with sending(replying(chunked(*fields, body=b"2\r\nok\r\n" + cut))) as play:
        with pytest.raises(AnswerTruncated):
            await (await play.ask(takes_trailers=True)).body.read(10)
        await until(lambda: not play.pool.open_count)


@on_both_loops
async def test_a_trailer_without_end_is_not_waited_for() -> None:
    """The parser would hold all of it: what comes without a byte of the body is bounded."""
    reply = chunked(body=b"2\r\nok\r\n")[:-4] + b"X: " + b"|".join([b"y" * 10_000] * 20)
    async with sending(replying(reply)) as play:
        with pytest.raises(AnswerTruncated):
            await (await play.ask()).body.read(10)
        await until(lambda: not play.pool.open_count)

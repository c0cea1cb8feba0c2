"""One filter with the test in the place of what comes next."""

import asyncio
from typing import Any

import attrs
import pytest

from gatekeeper import hookimpl
from gatekeeper.config.problems import ConfigError
from gatekeeper.core.chain import AttemptHandler, Handler
from gatekeeper.core.errors import FilterFailed, Rejection, Reset
from gatekeeper.core.exchange import Attempt, Exchange
from gatekeeper.core.message import Response
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.testing import RunFilter, config_problems, make_exchange


@attrs.frozen
class Options:
    """What it does."""

    do: str = "pass"


@attrs.frozen
class Doing:
    """A filter that does what its options say."""

    do: str

    def wrap(self, following: Handler, /) -> Handler:
        async def doing(exchange: Exchange) -> Response:
            if self.do == "reject":
                raise Rejection
            if self.do == "break":
                raise ZeroDivisionError
            if self.do == "forget":
                return None  # type: ignore[return-value]
            if self.do == "wait":
                await asyncio.sleep(60)
            if self.do == "give up":
                async with asyncio.timeout(0.01):
                    await following(exchange)
            return await following(exchange)

        return following if self.do == "nothing" else doing


@attrs.frozen
class Trying:
    """The same for attempts."""

    do: str

    def wrap(self, following: AttemptHandler, /) -> AttemptHandler:
        async def trying(attempt: Attempt) -> Response:
            attempt.edit().headers.set(b"x-try", b"%d" % attempt.number)
            return await following(attempt)

        return trying


class Kinds:
    """A plugin with both."""

    @hookimpl
    def gatekeeper_register(self, catalog: Catalog) -> None:
        catalog.filter("doing", Options, lambda config, _: Doing(config.do), main="do")
        catalog.attempt_filter("trying", Options, lambda config, _: Trying(config.do))
        catalog.filter("picky", Options, picky)


def picky(config: Options, context: BuildContext) -> Doing:
    raise ValueError(f"{context.name} is picky")


KINDS = [Kinds()]


async def test_the_test_plays_what_comes_next(run_filter: RunFilter) -> None:
    """It sees the request as the filter left it, and gets the answer as the filter gives it."""
    call = run_filter("transform", {"request": {"headers": {"set": {"x": "1"}}}}, make_exchange("GET", "/a"))

    played = await call.upstream()
    played.respond(201, {"y": "2"}, json={"a": 1})
    response = await call.response()

    assert "1" == played.exchange.request.headers.text(b"x")
    assert (201, "2", b'{"a":1}') == (response.status, response.headers.text(b"y"), response.body.data)
    assert played.answered
    assert not played.cancelled


async def test_a_streamed_answer_is_read_when_somebody_reads(run_filter: RunFilter) -> None:
    """Chunk by chunk; an error among them breaks it off."""
    call = run_filter("doing", plugins=KINDS)
    source = (await call.upstream()).stream(b"a", Reset(), status=206, length=5)

    response = await call.response()

    assert (206, 5, 0) == (response.status, response.body.length, source.reads)
    assert b"a" == await response.body.next()
    with pytest.raises(Reset):
        await response.body.next()


async def test_a_failure_is_an_answer_to_a_filter(run_filter: RunFilter) -> None:
    """Filters see responses only."""
    call = run_filter("doing", plugins=KINDS)
    error = FilterFailed()
    (await call.upstream()).fail(error)

    assert error is (await call.response()).error


async def test_a_failure_is_an_exception_to_an_attempt_filter(run_filter: RunFilter) -> None:
    """Which gets an attempt of its own."""
    call = run_filter("trying", plugins=KINDS)
    played = await call.upstream()
    assert "1" == played.attempt.request.headers.text(b"x-try")
    assert call.exchange is played.exchange
    played.fail(Reset())

    with pytest.raises(Reset):
        await call.response()


async def test_a_rejection_is_an_answer_however_it_is_made(run_filter: RunFilter) -> None:
    """As the guard of the chain has it."""
    assert 400 == (await run_filter("doing", "reject", plugins=KINDS).response()).status


async def test_a_filter_that_answers_itself_is_told_from_one_that_hangs(run_filter: RunFilter) -> None:
    """The test fails at once, with what the filter answered."""
    call = run_filter("static", {"status": 418})

    with pytest.raises(AssertionError, match="the filter answered without calling next: <Response 418"):
        await call.upstream()


@pytest.mark.parametrize(
    ("do", "wait", "message"),
    [
        ("pass", "response", "the filter called next: answer it with"),
        ("wait", "upstream", "the filter did not call next within 0.05 s"),
        ("wait", "response", "the filter did not answer within 0.05 s"),
        ("forget", "response", "the filter answered with None, which is no Response"),
    ],
)
async def test_what_would_hang_fails(run_filter: RunFilter, do: str, wait: str, message: str) -> None:
    """And says what is missing."""
    call = run_filter("doing", do, plugins=KINDS)

    with pytest.raises(AssertionError, match=message):
        await getattr(call, wait)(within=0.05)


async def test_a_call_that_is_not_answered_is_named(run_filter: RunFilter) -> None:
    """It was waited for, and then forgotten."""
    call = run_filter("doing", plugins=KINDS)
    await call.upstream()

    with pytest.raises(AssertionError, match="the filter waits for next"):
        await call.response(within=0.05)


@pytest.mark.parametrize("wait", ["upstream", "response"])
async def test_a_bug_shows_itself(run_filter: RunFilter, wait: str) -> None:
    """As what it is, with its traceback."""
    call = run_filter("doing", "break", plugins=KINDS)

    with pytest.raises(ZeroDivisionError):
        await getattr(call, wait)()


async def test_a_filter_that_gives_up_is_seen(run_filter: RunFilter) -> None:
    """The call of next is cancelled."""
    call = run_filter("doing", "give up", plugins=KINDS)
    played = await call.upstream()

    with pytest.raises(TimeoutError):
        await call.response()

    assert played.cancelled


async def test_a_filter_that_is_off_is_seen(run_filter: RunFilter) -> None:
    """It returned next itself."""
    assert run_filter("doing", "nothing", plugins=KINDS).passed_over
    assert not run_filter("doing", "pass", plugins=KINDS).passed_over


async def test_a_client_may_hang_up(run_filter: RunFilter) -> None:
    """Which cancels everything."""
    call = run_filter("doing", "wait", plugins=KINDS)
    await asyncio.sleep(0)
    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call.response()


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("doing", {}, None),
        ("doing", {"doo": "x"}, "did you mean `do`"),
        ("doing", 5, "not the number 5"),
        ("picky", {}, "picky is picky"),
    ],
)
def test_refusals_can_be_asked_for(kind: str, options: Any, words: str | None) -> None:
    """In the words of the configuration."""
    problems = config_problems(kind, options, plugins=KINDS)

    assert (words is None) == (not problems)
    if words is not None:
        assert words in str(problems[0])


async def test_refused_options_are_a_config_error(run_filter: RunFilter) -> None:
    """And an unknown kind is none of the catalog."""
    with pytest.raises(ConfigError):
        run_filter("static", {"nothing": 1})
    with pytest.raises(KeyError):
        run_filter("nothing")

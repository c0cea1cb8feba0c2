"""The body of a request as it arrives; ids name the row of reliability.md."""

import asyncio
from types import SimpleNamespace
from typing import cast

import attrs
import pytest

from gatekeeper.core.errors import BadRequest, ClientGone, ContentTooLarge, RequestTimeout
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Headers, Request
from gatekeeper.edge.body import HIGH_WATER, RATE_WINDOW, ClientBody
from gatekeeper.edge.protocol import StrictProtocol
from gatekeeper.edge.settings import EdgeLimits, EdgeSettings, EdgeTimeouts
from gatekeeper.testing.clock import FakeClock


pytestmark = pytest.mark.asyncio

SILENCE = 30.0
RATE = 100
ENOUGH = int(RATE * RATE_WINDOW)
"""Bytes that are enough for one measure of the rate."""


class Upload:
    """A body, with a connection that only notes what is asked of it, and time that stands still."""

    def __init__(self, *, expects_continue: bool = False, rate: int | None = RATE) -> None:
        self.clock = FakeClock()
        self.resumed = 0
        self.continued = 0
        self.loop = asyncio.get_running_loop()
        settings = EdgeSettings(timeouts=EdgeTimeouts(body=SILENCE), limits=EdgeLimits(body_rate=rate))
        self.edge = SimpleNamespace(wheel=self.clock.wheel, settings=settings)
        self.exchange = Exchange("id", Request("POST", "/", b"/", "", "a", b"a", Headers()), 0.0)
        connection = cast(StrictProtocol, self)
        if expects_continue:
            self.body = ClientBody(connection, self.exchange, expects_continue=True)
        else:
            self.body = ClientBody(connection, self.exchange)
        self._task: asyncio.Task[bytes] | None = None

    def write_continue(self) -> None:
        self.continued += 1

    def resume_client(self) -> None:
        self.resumed += 1

    @property
    def timers(self) -> int:
        """How many are pending."""
        return len(self.clock.wheel)

    async def reading(self) -> "asyncio.Task[bytes]":
        """Begin to read, as far as that goes."""
        task = asyncio.create_task(self.body.read())
        await turn()
        return task

    async def drip(self, seconds: float, data: bytes = b"") -> bytes | None:
        """Wait for bytes that come after so much time; None where none came, and the wait goes on."""
        if self._task is None:
            self._task = await self.reading()
        self.clock.advance(seconds)
        if data:
            self.body.feed(data)
        await turn()
        if not self._task.done():
            return None
        task, self._task = self._task, None
        return task.result()

    async def stop(self) -> None:
        """Give up a wait that goes on."""
        task, self._task = self._task, None
        assert task is not None
        task.cancel()
        await asyncio.wait([task])


async def turn() -> None:
    """Let tasks go on."""
    for _ in range(3):
        await asyncio.sleep(0)


# ---- bytes ----------------------------------------------------------------------------------------------------------


async def test_bytes_are_read_as_they_came() -> None:
    """What came since the last read in one piece; at the end nothing, as often as it is asked for."""
    upload = Upload()
    upload.body.feed(b"a")
    upload.body.feed(b"b")

    assert b"ab" == await upload.body.read()
    upload.body.feed(b"c")
    upload.body.end()
    assert b"c" == await upload.body.read()
    assert b"" == await upload.body.read()
    assert b"" == await upload.body.read()
    assert 0 == upload.timers


async def test_a_piece_is_not_copied() -> None:
    """Where it came alone."""
    upload = Upload()
    data = bytes(100)
    upload.body.feed(data)

    assert data is await upload.body.read()


@pytest.mark.parametrize("last", [pytest.param(b"", id="the-end"), pytest.param(b"a", id="bytes")])
async def test_who_reads_waits(last: bytes) -> None:
    """For bytes, or for the end."""
    upload = Upload()
    task = await upload.reading()

    assert not task.done()
    if last:
        upload.body.feed(last)
        upload.body.feed(last)
    else:
        upload.body.end()
    assert last * 2 == await task


async def test_bytes_are_counted_as_they_come() -> None:
    """Also those that nobody wants any more."""
    upload = Upload()
    upload.body.feed(b"ab")
    assert 2 == upload.exchange.bytes_in
    upload.body.abort()
    upload.body.feed(b"ab")
    assert 4 == upload.exchange.bytes_in
    upload.body.fail(BadRequest())
    upload.body.feed(b"ab")

    assert 6 == upload.exchange.bytes_in


async def test_who_does_not_read_slows_down_the_client() -> None:
    """CLI-08: beyond so much that waits, the connection stops reading, until somebody reads here."""
    upload = Upload()

    assert upload.body.feed(bytes(HIGH_WATER))
    assert not upload.body.feed(b"a")
    assert not upload.body.feed(b"b")
    assert 0 == upload.resumed
    assert HIGH_WATER + 2 == len(await upload.body.read())
    assert 1 == upload.resumed
    assert upload.body.feed(bytes(HIGH_WATER))


# ---- limits and ends ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "late", [pytest.param(False, id="known-before"), pytest.param(True, id="known-later")]
)
@pytest.mark.parametrize("ended", [pytest.param(False, id="going-on"), pytest.param(True, id="ended")])
@pytest.mark.parametrize(
    ("size", "fits"), [pytest.param(10, True, id="as-much"), pytest.param(11, False, id="one-more")]
)
async def test_a_limit_is_exact(*, late: bool, ended: bool, size: int, fits: bool) -> None:
    """LIM-05: in whatever order bytes and the limit come."""
    upload = Upload()
    if not late:
        upload.body.bound(10)
    upload.body.feed(bytes(size - 5))
    upload.body.feed(bytes(5))
    if ended:
        upload.body.end()
    if late:
        upload.body.bound(10)

    if fits:
        assert size == len(await upload.body.read())
    else:
        with pytest.raises(ContentTooLarge):
            await upload.body.read()


async def test_a_limit_counts_what_was_read_too() -> None:
    """LIM-05: it is the whole body that must not be larger."""
    upload = Upload()
    upload.body.feed(b"abc")
    await upload.body.read()
    upload.body.bound(5)
    upload.body.feed(b"de")
    assert b"de" == await upload.body.read()
    upload.body.feed(b"f")

    with pytest.raises(ContentTooLarge):
        await upload.body.read()


async def test_who_waits_hears_of_the_limit() -> None:
    """LIM-05: at once."""
    upload = Upload()
    upload.body.bound(1)
    task = await upload.reading()
    upload.body.feed(b"ab")

    with pytest.raises(ContentTooLarge):
        await task


@pytest.mark.parametrize("waiting", [pytest.param(True, id="waiting"), pytest.param(False, id="not-waiting")])
async def test_a_failure_reaches_who_reads(*, waiting: bool) -> None:
    """FRM-10: instead of what had come and was not read; the first one counts, and stays."""
    upload = Upload()
    error = BadRequest("broken")
    task = await upload.reading() if waiting else None
    if not waiting:
        upload.body.feed(b"never read")
    upload.body.fail(error)
    upload.body.fail(ClientGone())

    for reading in (task or upload.body.read(), upload.body.read()):
        with pytest.raises(BadRequest) as caught:
            await reading
        assert error is caught.value
    assert 0 == upload.timers
    assert upload.body.feed(bytes(HIGH_WATER + 1))


async def test_a_failure_counts_although_all_has_come() -> None:
    """CLI-04: the client has gone, so nobody needs what it sent."""
    upload = Upload()
    upload.body.feed(b"a")
    upload.body.end()
    upload.body.fail(ClientGone())

    with pytest.raises(ClientGone):
        await upload.body.read()


async def test_what_nobody_wants_is_thrown_away() -> None:
    """And the client may go on sending it."""
    upload = Upload()
    upload.body.feed(bytes(HIGH_WATER + 1))
    upload.body.abort()

    assert upload.body.feed(bytes(HIGH_WATER + 1))
    upload.body.end()
    assert b"" == await upload.body.read()


# ---- 100-continue -----------------------------------------------------------------------------------------------------


async def test_a_client_that_waits_is_told_to_go_on() -> None:
    """FRM-32: when somebody wants the body, and once."""
    upload = Upload(expects_continue=True)
    await turn()
    assert (True, 0) == (upload.body.expects_continue, upload.continued)

    task = await upload.reading()
    assert (False, 1) == (upload.body.expects_continue, upload.continued)
    upload.body.feed(b"a")
    assert b"a" == await task
    upload.body.end()
    assert b"" == await upload.body.read()
    assert 1 == upload.continued


async def test_a_client_that_has_not_waited_is_told_nothing() -> None:
    """FRM-32: its body is here (RFC 9110 section 10.1.1)."""
    upload = Upload(expects_continue=True)
    upload.body.feed(b"a")

    await upload.body.read()
    assert (False, 0) == (upload.body.expects_continue, upload.continued)


async def test_a_client_that_does_not_ask_is_told_nothing() -> None:
    """It would take it for an answer."""
    upload = Upload()
    task = await upload.reading()
    upload.body.feed(b"a")

    await task
    assert 0 == upload.continued


async def test_whoever_gives_the_body_up_does_not_ask_for_it() -> None:
    """FRM-33: a refusal is the answer then."""
    upload = Upload(expects_continue=True)
    upload.body.abort()

    assert 0 == upload.continued


# ---- time ---------------------------------------------------------------------------------------------------------


async def test_silence_ends_a_body() -> None:
    """LIM-07: after its time, up to a tick late."""
    upload = Upload(rate=None)

    assert None is await upload.drip(SILENCE - 0.1)
    with pytest.raises(RequestTimeout):
        await upload.drip(0.3)
    assert 0 == upload.timers
    with pytest.raises(RequestTimeout):
        await upload.body.read()


async def test_silence_counts_from_the_last_byte() -> None:
    """LIM-07: however often something came before."""
    upload = Upload(rate=None)
    for _ in range(5):
        assert b"a" == await upload.drip(SILENCE - 1, b"a")
        assert 1 == upload.timers

    assert None is await upload.drip(SILENCE - 0.1)
    with pytest.raises(RequestTimeout):
        await upload.drip(0.3)


async def test_a_client_is_not_silent_while_nobody_waits_for_it() -> None:
    """LIM-07: an upstream that reads slowly is not its fault."""
    upload = Upload(rate=None)
    assert b"a" == await upload.drip(1, b"a")
    upload.clock.advance(10 * SILENCE)
    assert 1 == upload.timers

    assert None is await upload.drip(SILENCE - 0.1)
    assert b"b" == await upload.drip(0.0, b"b")


async def test_a_body_that_nobody_waits_for_has_no_timer() -> None:
    """What is here is read without one."""
    upload = Upload()
    upload.body.feed(b"a")
    await upload.body.read()

    assert 0 == upload.timers


@pytest.mark.parametrize(
    ("got", "good"),
    [
        pytest.param(ENOUGH, True, id="just-enough"),
        pytest.param(ENOUGH - 1, False, id="one-less"),
        pytest.param(1, False, id="LIM-07-one-byte-in-ten-seconds"),
    ],
)
@pytest.mark.parametrize("parts", [1, 4, 10])
async def test_a_body_must_come_fast_enough(*, got: int, good: bool, parts: int) -> None:
    """LIM-07: over ten seconds of waiting, in however many pieces."""
    upload = Upload()
    for _ in range(parts - 1):
        assert b"a" == await upload.drip(RATE_WINDOW / parts, b"a")
    rest = b"a" * max(1, got - parts + 1)

    if good:
        assert rest == await upload.drip(RATE_WINDOW / parts, rest)
    else:
        with pytest.raises(RequestTimeout):
            await upload.drip(RATE_WINDOW / parts, rest)
        assert 0 == upload.timers


async def test_the_rate_is_not_asked_for_before_its_time() -> None:
    """LIM-07: ten seconds of waiting must have passed."""
    upload = Upload()

    assert b"a" == await upload.drip(RATE_WINDOW - 0.1, b"a")


async def test_a_longer_wait_needs_more() -> None:
    """LIM-07: the time that has really passed counts."""
    upload = Upload()
    data = bytes(2 * ENOUGH)
    assert data == await upload.drip(2 * RATE_WINDOW, data)

    slow = Upload()
    with pytest.raises(RequestTimeout):
        await slow.drip(2 * RATE_WINDOW, bytes(2 * ENOUGH - 1))


async def test_the_rate_is_measured_again_and_again() -> None:
    """LIM-07: nobody who began fast may become slow."""
    upload = Upload()
    upload.body.feed(bytes(100 * ENOUGH))
    await upload.body.read()
    assert b"a" == await upload.drip(RATE_WINDOW, b"a")

    with pytest.raises(RequestTimeout):
        await upload.drip(RATE_WINDOW, b"a")


async def test_who_stays_fast_enough_is_never_given_up() -> None:
    """LIM-07: each measure is one of its own."""
    upload = Upload()

    for _ in range(5):
        assert ENOUGH == len(await upload.drip(RATE_WINDOW, bytes(ENOUGH)) or b"")


async def test_time_in_which_nobody_waits_does_not_count() -> None:
    """LIM-07: for the rate neither."""
    upload = Upload()
    for _ in range(9):
        assert b"a" == await upload.drip(1, b"a")
        upload.clock.advance(100)

    with pytest.raises(RequestTimeout):
        await upload.drip(1, b"a")


async def test_a_rate_can_be_switched_off() -> None:
    """`false` in the configuration."""
    upload = Upload(rate=None)

    for _ in range(10):
        assert b"a" == await upload.drip(RATE_WINDOW * 2, b"a")


async def test_the_end_is_never_too_slow() -> None:
    """LIM-07: it is there now."""
    upload = Upload()
    task = await upload.reading()
    upload.clock.advance(RATE_WINDOW)
    upload.body.feed(b"a")
    upload.body.end()

    assert b"a" == await task


async def test_settings_can_change_meanwhile() -> None:
    """A reload holds for what is under way."""
    upload = Upload(rate=None)
    assert b"a" == await upload.drip(SILENCE - 1, b"a")
    upload.edge.settings = attrs.evolve(upload.edge.settings, timeouts=EdgeTimeouts(body=3.0))

    with pytest.raises(RequestTimeout):
        await upload.drip(6)


# ---- giving up ------------------------------------------------------------------------------------------------------


async def test_a_wait_that_is_cancelled_leaves_nothing() -> None:
    """CLI-03: no timer; and whoever reads next waits as the first one did, with one."""
    upload = Upload()
    assert None is await upload.drip(1)
    assert 1 == upload.timers
    await upload.stop()

    assert 0 == upload.timers
    upload.body.feed(b"a")
    assert b"a" == await upload.body.read()
    assert b"b" == await upload.drip(1, b"b")
    with pytest.raises(RequestTimeout):
        await upload.drip(SILENCE + 0.2)


async def test_bytes_that_come_with_a_cancellation_are_not_lost() -> None:
    """Both in one turn of the loop."""
    upload = Upload()
    task = await upload.reading()
    upload.body.feed(b"a")
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    assert b"a" == await upload.body.read()
    assert 0 == upload.timers


@pytest.mark.parametrize("how", ["end", "abort", "fail"])
async def test_an_end_leaves_no_timer(how: str) -> None:
    """Also where it comes between two reads."""
    upload = Upload()
    assert b"a" == await upload.drip(1, b"a")
    assert 1 == upload.timers
    if how == "end":
        upload.body.end()
        assert b"" == await upload.body.read()
    elif how == "fail":
        upload.body.fail(ClientGone())
        with pytest.raises(ClientGone):
            await upload.body.read()
    else:
        upload.body.abort()

    assert 0 == upload.timers


@pytest.mark.parametrize("how", ["end", "fail"])
async def test_a_body_that_has_ended_is_not_asked_for(how: str) -> None:
    """FRM-32: it was empty, or broken, before anybody wanted it."""
    upload = Upload(expects_continue=True)
    if how == "end":
        upload.body.end()
        assert b"" == await upload.body.read()
    else:
        upload.body.fail(BadRequest())
        with pytest.raises(BadRequest):
            await upload.body.read()

    assert 0 == upload.continued


async def test_bytes_count_once_for_the_rate() -> None:
    """LIM-07: those that end one measure are no part of the next one."""
    upload = Upload()
    assert ENOUGH == len(await upload.drip(RATE_WINDOW, bytes(ENOUGH)) or b"")

    with pytest.raises(RequestTimeout):
        await upload.drip(RATE_WINDOW, b"a")


async def test_what_nobody_wants_need_not_wait_for_anybody() -> None:
    """CLI-08: a client that was slowed down may send the rest, which is thrown away; it may read the answer only then."""
    upload = Upload()
    assert not upload.body.feed(bytes(HIGH_WATER + 1))
    upload.body.abort()

    assert 1 == upload.resumed

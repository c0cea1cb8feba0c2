"""Tunnels between transports that are played: what passes, what holds it back, and how it ends."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gatekeeper.core.clock import TICK, Wheel
from gatekeeper.core.tunnel import End, Tunnel, Upgrades


HIGH, LOW = 100, 20
IDLE, WRITE = 60.0, 5.0


class Wire:
    """A transport and the peer behind it, who reads when the test says so."""

    def __init__(self, *, tls: bool = False) -> None:
        self.end: End | None = None
        self.waiting = b""
        """What was written and the peer has not read."""
        self.taken = b""
        """What the peer has read."""
        self.peer_saw_eof = False
        self.is_reading = True
        self.refuses_eof = False
        self.aborted = False
        self._tls = tls
        self._closing = self._eof = self._lost = self._paused = False

    @property
    def as_transport(self) -> asyncio.Transport:
        """As the tunnel takes it."""
        return cast(asyncio.Transport, self)

    # ---- the transport's side -------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        assert not self._closing, "written to a transport that is closing"
        assert not self._eof, "written behind the end"
        self.waiting += data
        if len(self.waiting) > HIGH and not self._paused:
            self._paused = True
            assert self.end is not None, "nobody to pause"
            self.end.pause()

    def get_write_buffer_size(self) -> int:
        return len(self.waiting)

    def can_write_eof(self) -> bool:
        return not self._tls

    def write_eof(self) -> None:
        assert not self._tls
        assert not self._eof, "ended twice"
        if self.refuses_eof:
            raise OSError("not connected")
        self._eof = True

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        if not self._closing:
            assert self.end is None or not self.end.ended, "read on behind the end"
            self.is_reading = True

    def close(self) -> None:
        assert not self._lost, "closed when it had ended"
        self._closing = True
        if not self.waiting:
            self._end()

    def get_extra_info(self, name: str) -> None:
        assert "socket" == name

    def abort(self) -> None:
        assert not self._lost, "aborted when it had ended"
        self._closing = self.aborted = True
        self.waiting = b""
        self._end()

    def _end(self) -> None:
        asyncio.get_running_loop().call_soon(self.lose)

    # ---- the peer's side ------------------------------------------------------------------------------------------

    @property
    def open(self) -> bool:
        return not (self._closing or self._lost)

    @property
    def lost(self) -> bool:
        return self._lost

    def send(self, data: bytes) -> bool:
        """Bytes come, if they are read; whether they did."""
        assert self.end is not None
        if not self.is_reading or not self.open or self.end.ended:
            return False
        self.end.received(data)
        return True

    def finish(self) -> bool:
        """The peer half-closes; whether that was read."""
        assert self.end is not None
        if not self.is_reading or not self.open or self.end.ended:
            return False
        if not self.end.eof() or self._tls:
            assert not self._tls or not self.end.transport.can_write_eof()
            if not self._closing:
                self.close()
        return True

    def lose(self) -> None:
        """The connection has ended."""
        if not self._lost:
            self._closing = self._lost = True
            self.waiting = b""
            if self.end is not None:
                self.end.lost()

    def read(self, size: int) -> None:
        """The peer reads."""
        if self._lost:
            return
        self.taken += self.waiting[:size]
        self.waiting = self.waiting[size:]
        if self._paused and len(self.waiting) <= LOW:
            self._paused = False
            assert self.end is not None
            self.end.resume()
        if not self.waiting:
            self.peer_saw_eof |= self._eof or self._closing
            if self._closing:
                self._end()


class Play:
    """A tunnel between an instance and a client."""

    def __init__(self, early: bytes = b"", *, instance_tls: bool = False, client_tls: bool = False) -> None:
        self.wheel = Wheel(0.0)
        self.instance = Wire(tls=instance_tls)
        self.client = Wire(tls=client_tls)
        self.tunnel = Tunnel(self.instance.as_transport, early, self.wheel, IDLE, WRITE)
        self.instance.end = self.tunnel.instance

    async def join(self, early: bytes = b"", lifetime: float | None = None) -> None:
        self.client.end = self.tunnel.join(self.client.as_transport, early, lifetime)
        await turn()

    def pass_time(self, seconds: float) -> None:
        self.wheel.advance(self.wheel.now + seconds)

    @property
    def over(self) -> bool:
        return self.tunnel.closed.done()


async def turn() -> None:
    """Let the loop turn."""
    for _ in range(3):
        await asyncio.sleep(0)


async def joined(early: bytes = b"", *, instance_tls: bool = False, client_tls: bool = False) -> Play:
    play = Play(early, instance_tls=instance_tls, client_tls=client_tls)
    await play.join()
    return play


# ---- what passes --------------------------------------------------------------------------------------------------


async def test_bytes_pass_both_ways_and_are_counted() -> None:
    """Each as it came."""
    play = await joined()

    play.client.send(b"hello")
    play.instance.send(b"good ")
    play.instance.send(b"day")

    assert (b"hello", b"good day") == (play.instance.waiting, play.client.waiting)
    assert play.tunnel.client is not None
    assert (5, 8) == (play.tunnel.client.bytes_in, play.tunnel.instance.bytes_in)


async def test_what_was_sent_before_the_tunnel_stood_comes_first() -> None:
    """The instance's behind its 101, the client's behind its request, and what is read before the first turn."""
    play = Play(b"early answer, ")
    play.client.end = play.tunnel.join(play.client.as_transport, b"early request, ")
    play.client.send(b"more")
    play.tunnel.instance.received(b"more")
    assert b"" == play.client.waiting + play.instance.waiting

    await turn()

    assert (b"early request, more", b"early answer, more") == (play.instance.waiting, play.client.waiting)
    assert (19, 18) == (play.client.end.bytes_in, play.tunnel.instance.bytes_in)


async def test_the_instance_is_not_read_from_before_the_client_has_joined() -> None:
    """What it sends would have to be held."""
    play = Play()
    assert not play.instance.is_reading

    await play.join()

    assert play.instance.is_reading


@pytest.mark.parametrize("side", ["instance", "client"])
async def test_who_does_not_read_is_not_written_to_without_end(side: str) -> None:
    """The other is read from again when there is room."""
    play = await joined()
    slow, quick = (play.instance, play.client) if side == "instance" else (play.client, play.instance)

    while quick.send(b"x" * 30):
        pass

    assert HIGH < len(slow.waiting) <= HIGH + 30
    slow.read(HIGH - LOW)
    assert not quick.is_reading
    slow.read(HIGH)
    assert quick.is_reading


async def test_early_bytes_hold_back_who_sends_more() -> None:
    """The client's connection may be full with what came behind the 101 alone."""
    play = await joined(b"x" * (HIGH + 1))

    assert not play.instance.is_reading
    play.client.read(HIGH + 1)
    assert play.instance.is_reading


async def test_a_client_whose_connection_is_full_already_holds_back_the_instance() -> None:
    """The edge says so when it joins."""
    play = Play(b"early")
    play.client.end = play.tunnel.join(play.client.as_transport, b"")
    play.client.end.pause()

    await turn()

    assert not play.instance.is_reading
    play.client.end.resume()
    assert play.instance.is_reading


# ---- half-closed --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["instance", "client"])
async def test_who_half_closes_is_half_closed_on(first: str) -> None:
    """The other way stays open, and the tunnel ends when both have."""
    play = await joined()
    one, other = (play.instance, play.client) if first == "instance" else (play.client, play.instance)
    one.send(b"last words")

    one.finish()

    other.read(100)
    assert (b"last words", True) == (other.taken, other.peer_saw_eof)
    assert other.send(b"answer")
    other.finish()
    await turn()
    assert not one.lost  # it has not read all of it
    one.read(100)
    await turn()
    assert (b"answer", True) == (one.taken, one.peer_saw_eof)
    assert (True, True, True) == (one.lost, other.lost, play.over)


async def test_who_has_half_closed_is_not_paused_or_resumed_any_more() -> None:
    """Reading on would bring the end once more."""
    play = await joined()
    play.client.finish()

    play.instance.send(b"x" * 90)
    play.client.read(100)
    assert play.tunnel.client is not None
    play.tunnel.instance.pause()
    play.tunnel.instance.resume()

    assert not play.over


@pytest.mark.parametrize("first", ["instance", "client"])
async def test_a_half_close_towards_tls_closes(first: str) -> None:
    """TLS has no half-closed connections; what was written goes out before."""
    play = await joined(instance_tls=first == "client", client_tls=first == "instance")
    one, other = (play.instance, play.client) if first == "instance" else (play.client, play.instance)
    one.send(b"last words")

    one.finish()

    assert not other.open
    other.read(100)
    await turn()
    assert (b"last words", True, True) == (other.taken, one.lost, play.over)


async def test_the_end_of_a_tls_connection_is_no_half_close() -> None:
    """`eof_received` must say False there, and the transport closes itself."""
    play = await joined(client_tls=True)

    assert play.tunnel.client is not None
    assert not play.tunnel.client.eof()

    assert not play.instance.peer_saw_eof
    play.instance.read(0)
    assert play.instance.peer_saw_eof


async def test_a_half_close_that_the_kernel_refuses_cuts_the_connection() -> None:
    """The peer has sent a reset, of which the loop has not heard."""
    play = await joined()
    play.instance.refuses_eof = True

    play.client.finish()
    await turn()

    assert (True, True, True) == (play.instance.aborted, play.client.lost, play.over)


# ---- the end ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["instance", "client"])
async def test_a_connection_that_is_lost_ends_the_other_after_what_was_written(first: str) -> None:
    """Both have ended then, and no timer is left."""
    play = await joined()
    one, other = (play.instance, play.client) if first == "instance" else (play.client, play.instance)
    one.send(b"last words")

    one.lose()

    assert not other.open
    assert not play.over
    other.read(100)
    await turn()
    assert (b"last words", True) == (other.taken, play.over)
    assert 0 == len(play.wheel)


async def test_closing_lets_out_what_was_written() -> None:
    """To both; nothing more passes."""
    play = await joined()
    play.client.send(b"to instance")
    play.instance.send(b"to client")

    play.tunnel.close()
    play.tunnel.close()

    play.client.read(100)
    play.instance.read(100)
    await turn()
    assert (b"to instance", b"to client", True) == (play.instance.taken, play.client.taken, play.over)
    assert 0 == len(play.wheel)


async def test_who_does_not_read_when_it_is_closed_is_cut_off() -> None:
    """In the time for writing."""
    play = await joined()
    play.instance.send(b"never read")
    play.tunnel.close()
    await turn()
    assert not play.over

    play.pass_time(WRITE + 2 * TICK)
    await turn()

    assert (True, True) == (play.client.aborted, play.over)
    assert 0 == len(play.wheel)


async def test_aborting_ends_both_at_once() -> None:
    """Whatever was written."""
    play = await joined()
    play.instance.send(b"never read")

    play.tunnel.abort()
    await turn()

    assert (b"", True) == (play.client.taken, play.over)


async def test_what_comes_for_a_side_that_is_being_closed_is_dropped() -> None:
    """Also an end: it has its own already."""
    play = await joined()
    play.instance.send(b"never read")
    play.tunnel._close_side(play.tunnel.client or play.tunnel.instance)

    play.instance.send(b"too late")
    play.instance.finish()

    assert b"never read" == play.client.waiting


async def test_silence_ends_a_tunnel_and_anything_that_passes_keeps_it() -> None:
    """In either direction."""
    play = await joined()
    for one in (play.client, play.instance) * 2:
        play.pass_time(IDLE * 0.7)
        one.send(b"x")
        play.client.read(1)
        play.instance.read(1)
    assert play.client.open

    play.pass_time(IDLE)
    play.pass_time(2 * TICK)
    await turn()

    assert play.over
    assert 0 == len(play.wheel)


async def test_a_lifetime_ends_a_tunnel_whatever_passes() -> None:
    """What was written goes out."""
    play = Play()
    await play.join(lifetime=30.0)
    for _ in range(31):
        play.pass_time(1.0)
        play.client.send(b"x")

    play.pass_time(2 * TICK)
    play.instance.read(100)
    await turn()

    assert play.over
    assert 0 == len(play.wheel)


async def test_who_takes_nothing_of_what_waits_for_it_ends_the_tunnel() -> None:
    """As long as it takes something, however little, it goes on."""
    play = await joined()
    play.instance.send(b"x" * (HIGH + 1))
    for _ in range(8):
        play.pass_time(WRITE / 2)
        play.client.read(1)
    assert play.client.open

    for _ in range(4):
        play.pass_time(WRITE)
    await turn()

    assert (True, True) == (play.client.aborted, play.over)
    assert 0 == len(play.wheel)


async def test_who_has_taken_what_waited_is_not_watched_any_more() -> None:
    """Until it is full again."""
    play = await joined()
    play.instance.send(b"x" * (HIGH + 1))
    play.client.read(HIGH + 1)

    play.pass_time(WRITE * 3)

    assert play.client.open


# ---- loss before it stands ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["lost", "half-closed"])
async def test_an_instance_that_ends_before_the_client_joins_is_heard_all_the_same(how: str) -> None:
    """Its early bytes arrive, and then the end."""
    play = Play(b"early")
    if how == "lost":
        play.instance.lose()
    else:
        assert play.tunnel.instance.eof()

    await play.join(b"too late")

    play.client.read(100)
    assert (b"early", True) == (play.client.taken, play.client.peer_saw_eof)
    await turn()
    assert (how == "lost") == play.over


async def test_both_lost_before_the_first_byte() -> None:
    """In the turn in which they were joined."""
    play = Play(b"early")
    play.client.end = play.tunnel.join(play.client.as_transport, b"early")
    play.client.lose()
    play.instance.lose()
    assert not play.tunnel.closed.done()

    await turn()

    assert play.over
    assert 0 == len(play.wheel)


async def test_a_tunnel_that_nobody_joins_can_be_ended() -> None:
    """A filter has taken its 101 away, say."""
    for ending in (Tunnel.abort, Tunnel.close):
        play = Play(b"early")
        ending(play.tunnel)
        await turn()
        assert play.instance.lost
        play.pass_time(WRITE + 2 * TICK)
        assert 0 == len(play.wheel)


async def test_a_client_that_joins_what_is_being_closed_is_ended() -> None:
    """The time of the route was over, say."""
    play = Play()
    play.tunnel.close()

    await play.join(b"early")
    await turn()

    assert (True, True) == (play.client.lost, play.over)


# ---- whatever happens ---------------------------------------------------------------------------------------------


@attrs.frozen
class Step:
    """What somebody does next."""

    who: str
    what: str
    size: int = 0


steps = st.one_of(
    st.builds(Step, st.sampled_from(["instance", "client"]), st.just("send"), st.integers(1, 60)),
    st.builds(Step, st.sampled_from(["instance", "client"]), st.just("read"), st.integers(1, 200)),
    st.builds(Step, st.sampled_from(["instance", "client"]), st.sampled_from(["finish", "lose"])),
    st.builds(Step, st.just("time"), st.just("pass"), st.integers(1, 20)),
    st.builds(Step, st.just("loop"), st.just("turn")),
    st.builds(Step, st.just("tunnel"), st.sampled_from(["close", "abort"])),
)


def run(play: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(play())


@given(
    st.lists(steps, max_size=40),
    st.binary(max_size=150),
    st.binary(max_size=150),
    st.booleans(),
    st.booleans(),
)
@example([Step("client", "finish"), Step("instance", "finish")], b"early", b"early", False, False)
def test_nothing_is_lost_added_or_held_without_end(
    doing: list[Step], early: bytes, client_early: bytes, instance_tls: bool, client_tls: bool
) -> None:
    """Whatever the two do, in whatever order; and in the end both connections have ended and no timer is left."""

    async def play() -> None:
        play = Play(early, instance_tls=instance_tls, client_tls=client_tls)
        sent = {"instance": bytearray(early), "client": bytearray(client_early)}
        wires = {"instance": play.instance, "client": play.client}
        others = {"instance": play.client, "client": play.instance}
        cut = False
        number = 0
        await play.join(client_early)

        def check() -> None:
            for name, wire in others.items():
                passed = wire.taken + wire.waiting
                assert bytes(sent[name]).startswith(passed)
                assert len(wire.waiting) <= HIGH + 150
            assert (play.instance.lost and play.client.lost) >= play.over

        for step in doing:
            wire = wires.get(step.who)
            if wire is not None and step.what == "send":
                number += 1
                data = bytes([number % 256]) * step.size
                if wire.send(data):
                    sent[step.who] += data
            elif wire is not None and step.what == "read":
                wire.read(step.size)
            elif wire is not None and step.what == "finish":
                wire.finish()
            elif wire is not None and step.what == "lose":
                cut = True
                wire.lose()
            elif step.who == "time":
                play.pass_time(step.size)
            elif step.who == "tunnel":
                cut = True
                getattr(play.tunnel, step.what)()
            else:
                await turn()
            cut = cut or play.client.aborted or play.instance.aborted
            check()

        if not cut and not instance_tls and not client_tls:
            # nobody was cut off: all that was read from one side arrives at the other
            for _ in range(40):
                play.client.read(1000)
                play.instance.read(1000)
                await turn()
            for name, wire in others.items():
                assert bytes(sent[name]) == wire.taken
        if not play.over:
            play.client.lose()
        play.pass_time(WRITE + 2 * TICK)
        await turn()
        assert play.over
        assert 0 == len(play.wheel)
        assert (len(sent["client"]), len(sent["instance"])) == (
            play.tunnel.client and play.tunnel.client.bytes_in,
            play.tunnel.instance.bytes_in,
        )

    run(play)


def test_websockets_are_what_a_route_lets_through_by_itself() -> None:
    """From any page, for as long as they last."""
    assert Upgrades(frozenset({"websocket"}), None, None) == Upgrades()

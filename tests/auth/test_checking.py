"""Checks of passwords: never on the loop, never too many, and not twice what was right."""

import asyncio
import threading
from collections.abc import AsyncIterator

import attrs
import pytest
import pytest_asyncio

from gatekeeper.auth.checking import AT_ONCE, IN_LINE, MOST, REMEMBERED, Checks
from gatekeeper.auth.passwords import PasswordHash
from gatekeeper.core.errors import IdentityUnknown
from gatekeeper.testing import FakeClock


PATIENCE = 5.0


@attrs.frozen(eq=False)
class Gate:
    """Holds checks until it is opened, and counts them."""

    opened: threading.Event = attrs.field(factory=threading.Event)
    begun: list[bytes] = attrs.field(factory=list)
    threads: set[int] = attrs.field(factory=set)
    _changed: threading.Condition = attrs.field(factory=threading.Condition)

    async def has_begun(self, count: int) -> None:
        """Wait until so many have."""

        def wait() -> bool:
            with self._changed:
                return self._changed.wait_for(lambda: len(self.begun) >= count, PATIENCE)

        assert await asyncio.to_thread(wait)

    def begin(self, password: bytes) -> None:
        """Note one more."""
        with self._changed:
            self.begun.append(password)
            self.threads.add(threading.get_ident())
            self._changed.notify_all()

    def hashed(self, digest: bytes = b"right") -> PasswordHash:
        """A hash that only one password fits, checked by passing the gate."""
        gate = self

        class Held(PasswordHash):
            def fits(self, password: bytes) -> bool:
                gate.begin(password)
                assert gate.opened.wait(PATIENCE)
                return password == self.digest

        return Held(f"hash of {digest!r}", (14, 8, 1), b"", digest)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest_asyncio.fixture
async def checks(clock: FakeClock, gate: Gate) -> AsyncIterator[Checks]:
    made = Checks(clock.monotonic)
    yield made
    gate.opened.set()
    made.close()


@pytest.mark.both_loops
async def test_a_real_check_runs_beside_the_loop(checks: Checks) -> None:
    """RFC 7914: with a hash as it is made."""
    hashed = await asyncio.to_thread(PasswordHash.of, b"horse", b"0123456789", (14, 8, 1))

    assert await checks.fits("ada", hashed, b"horse")
    assert not await checks.fits("ada", hashed, b"house")


async def test_what_was_right_is_not_checked_again_for_a_while(
    checks: Checks, gate: Gate, clock: FakeClock
) -> None:
    """Then it is once more."""
    gate.opened.set()
    hashed = gate.hashed()
    for _ in range(3):
        assert await checks.fits("ada", hashed, b"right")
    assert 1 == len(gate.begun)

    clock.advance(REMEMBERED - 1)
    assert await checks.fits("ada", hashed, b"right")
    assert 1 == len(gate.begun)

    clock.advance(1)
    assert await checks.fits("ada", hashed, b"right")
    assert 2 == len(gate.begun)
    assert threading.get_ident() not in gate.threads


async def test_what_was_wrong_is_checked_each_time(checks: Checks, gate: Gate) -> None:
    """Nothing is remembered of it."""
    gate.opened.set()
    hashed = gate.hashed()

    assert [False, False] == [await checks.fits("ada", hashed, b"wrong") for _ in range(2)]
    assert 2 == len(gate.begun)


async def test_another_hash_user_or_password_is_another_check(checks: Checks, gate: Gate) -> None:
    """After a change of the hash, what was right is forgotten."""
    gate.opened.set()
    assert await checks.fits("ada", gate.hashed(), b"right")

    assert not await checks.fits("ada", gate.hashed(b"changed"), b"right")
    assert not await checks.fits("ada", gate.hashed(), b"wrong")
    assert await checks.fits("bob", gate.hashed(), b"right")
    assert 4 == len(gate.begun)


async def test_a_few_run_and_a_few_wait_and_the_rest_hears_so_at_once(checks: Checks, gate: Gate) -> None:
    """KEY-07: a flood fills the line, and who has been right passes by it."""
    gate.opened.set()
    assert await checks.fits("ada", gate.hashed(), b"right")
    gate.opened.clear()
    hashed = gate.hashed()
    flood = [
        asyncio.create_task(checks.fits("eve", hashed, b"%d" % number)) for number in range(AT_ONCE + IN_LINE)
    ]
    await gate.has_begun(1 + AT_ONCE)

    with pytest.raises(IdentityUnknown) as refused:
        await checks.fits("eve", hashed, b"one more")
    assert (b"Retry-After", b"1") in refused.value.headers
    assert AT_ONCE + IN_LINE == len(checks)
    assert await checks.fits("ada", gate.hashed(), b"right")
    assert 1 + AT_ONCE == len(gate.begun)

    gate.opened.set()
    assert [False] * len(flood) == await asyncio.gather(*flood)
    assert 0 == len(checks)
    assert not await checks.fits("eve", hashed, b"one more")


async def test_the_same_is_checked_once_for_all_who_send_it(checks: Checks, gate: Gate) -> None:
    """A client that begins with a hundred requests; who gives up takes nobody along."""
    hashed = gate.hashed()
    crowd = [asyncio.create_task(checks.fits("ada", hashed, b"right")) for _ in range(100)]
    await gate.has_begun(1)
    crowd[0].cancel()
    await asyncio.sleep(0)
    gate.opened.set()

    assert [True] * 99 == await asyncio.gather(*crowd[1:])
    assert crowd[0].cancelled()
    assert 1 == len(gate.begun)


async def test_several_users_never_share_a_check(checks: Checks, gate: Gate) -> None:
    """Else those whom nobody knows would be told apart, by what they share, from one who is known."""
    hashed = gate.hashed()
    both = [asyncio.create_task(checks.fits(user, hashed, b"x")) for user in ("ada", "eve")]
    await gate.has_begun(2)
    gate.opened.set()

    assert [False, False] == await asyncio.gather(*both)


async def test_a_check_that_fails_fails_for_who_waits_and_is_not_remembered(checks: Checks) -> None:
    """Nobody passes by it."""

    class Failing(PasswordHash):
        def fits(self, password: bytes) -> bool:
            raise MemoryError

    for _ in range(2):
        with pytest.raises(MemoryError):
            await checks.fits("ada", Failing("hash", (14, 8, 1), b"", b""), b"x")
    assert 0 == len(checks)


async def test_what_is_remembered_is_bounded(checks: Checks, gate: Gate) -> None:
    """The oldest go first."""
    gate.opened.set()
    hashed = gate.hashed()
    for number in range(MOST + 1):
        assert await checks.fits(f"{number}", hashed, b"right")
    seen = len(gate.begun)

    assert await checks.fits(f"{MOST}", hashed, b"right")
    assert await checks.fits("1", hashed, b"right")
    assert seen == len(gate.begun)
    assert await checks.fits("0", hashed, b"right")
    assert seen + 1 == len(gate.begun)


async def test_passwords_are_not_kept(checks: Checks, gate: Gate) -> None:
    """Only what cannot be made again without the key of this process."""
    gate.opened.set()
    assert await checks.fits("ada", gate.hashed(b"correct horse"), b"correct horse")

    assert b"correct horse" not in b"".join(checks._right)
    assert {32} == set(map(len, checks._right))
    assert checks._right.keys() != Checks(lambda: 0.0)._right.keys()
    assert checks._key != Checks(lambda: 0.0)._key

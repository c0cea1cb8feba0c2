"""Waiting after wrong tokens: when, how long, who, and how much of it is remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.admin.backoff import ADDRESSES, FIRST, FORGET, FREE, LONGEST, Backoff


ALICE, BOB = "10.0.0.1", "10.0.0.2"


def guess(backoff: Backoff, count: int, now: float = 0.0, address: str = ALICE, start: int = 0) -> None:
    for number in range(start, start + count):
        backoff.failed(address, f"digest {number}", now)


def test_the_limits() -> None:
    """What the documentation says."""
    assert (5, 1.0, 60.0, 600.0, 1024) == (FREE, FIRST, LONGEST, FORGET, ADDRESSES)


def test_the_first_wrong_ones_are_free() -> None:
    """A person mistypes."""
    backoff = Backoff()
    guess(backoff, FREE - 1)

    assert 0.0 == backoff.wait(ALICE, 0.0)


def test_then_the_wait_doubles_up_to_a_minute() -> None:
    """From a second on."""
    backoff, now, waits = Backoff(), 100.0, []
    guess(backoff, FREE - 1, now)
    for number in range(9):
        guess(backoff, 1, now, start=100 + number)
        waits.append(backoff.wait(ALICE, now))
        now += waits[-1]

    assert [1, 2, 4, 8, 16, 32, 60, 60, 60] == waits


def test_it_ends() -> None:
    """Neither before its time nor after it."""
    backoff = Backoff()
    guess(backoff, FREE, 10.0)

    assert [1.0, 0.25, 0.0, 0.0] == [backoff.wait(ALICE, now) for now in (10.0, 10.75, 11.0, 500.0)]


def test_others_do_not_wait() -> None:
    """Each address for itself."""
    backoff = Backoff()
    guess(backoff, 50)

    assert 0.0 == backoff.wait(BOB, 0.0)


def test_the_right_token_ends_it() -> None:
    """And the next wrong one is the first."""
    backoff = Backoff()
    guess(backoff, FREE - 1)
    backoff.succeeded(ALICE)
    guess(backoff, FREE - 1)

    assert 0.0 == backoff.wait(ALICE, 0.0)
    backoff.succeeded(BOB)


def test_it_is_forgotten() -> None:
    """After ten minutes without a wrong one, and not before."""
    backoff = Backoff()
    guess(backoff, FREE)
    guess(backoff, 1, FORGET, start=50)
    assert 2.0 == backoff.wait(ALICE, FORGET)

    guess(backoff, 1, 2 * FORGET + 1, start=60)
    assert 0.0 == backoff.wait(ALICE, 2 * FORGET + 1)


def test_the_same_wrong_token_waits_once() -> None:
    """A scraper with an old token does not lock out who is right and comes from the same address."""
    backoff = Backoff()
    for _ in range(FREE):
        backoff.failed(ALICE, "old", 0.0)
    assert FIRST == backoff.wait(ALICE, 0.0)
    for _ in range(50):
        backoff.failed(ALICE, "old", 1.0)

    assert 0.0 == backoff.wait(ALICE, 1.0)
    backoff.failed(ALICE, "another", 1.0)
    assert 2.0 == backoff.wait(ALICE, 1.0)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param("2001:db8::1", "2001:db8::ffff:1", True, id="one-network"),
        pytest.param("2001:db8::1", "2001:db8:0:1::1", False, id="two-networks"),
        pytest.param("fe80::1%eth0", "fe80::2", True, id="with-scope"),
        pytest.param("10.0.0.1", "10.0.0.2", False, id="ipv4"),
        pytest.param("", "10.0.0.2", False, id="no-address"),
    ],
)
def test_who_is_the_same(one: str, other: str, same: bool) -> None:
    """An IPv6 host has as many addresses as it likes."""
    backoff = Backoff()
    guess(backoff, FREE, address=one)

    assert same == (backoff.wait(other, 0.0) > 0)
    assert backoff.wait(one, 0.0) > 0


def test_the_table_is_bounded() -> None:
    """Those that were wrong last stay."""
    backoff = Backoff(3)
    for number in (1, 2, 3, 1, 4):
        guess(backoff, FREE, address=f"10.0.0.{number}")

    assert 3 == len(backoff)
    assert [True, False, True, True] == [backoff.wait(f"10.0.0.{n}", 0.0) > 0 for n in (1, 2, 3, 4)]


def test_many_addresses() -> None:
    """Memory is what was decided, whatever comes."""
    backoff = Backoff()
    for number in range(2 * ADDRESSES):
        backoff.failed(f"10.{number // 250}.{number % 250}.1", "x", 0.0)

    assert ADDRESSES == len(backoff)


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 3)), max_size=60))
def test_a_wait_is_never_longer_than_a_minute(steps: list[tuple[int, int]]) -> None:
    """Whatever was sent when."""
    backoff, now = Backoff(), 0.0
    for pause, digest in steps:
        now += pause
        backoff.failed(ALICE, str(digest), now)

        assert 0.0 <= backoff.wait(ALICE, now) <= LONGEST

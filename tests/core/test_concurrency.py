"""Places for so many at a time, and the line of those who wait."""

import asyncio
from collections.abc import Callable

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatekeeper.core.concurrency import Concurrency
from gatekeeper.core.errors import Overloaded


LONG = 3600.0


@attrs.frozen
class Figures:
    limit: int
    queue: int = 0
    wait: float = 0.0


async def turns(count: int = 5) -> None:
    """Let whoever can go on do so."""
    for _ in range(count):
        await asyncio.sleep(0)


async def standing(places: Concurrency, count: int) -> list[asyncio.Task[None]]:
    """So many who ask for a place, one after the other."""
    tasks = []
    for _ in range(count):
        tasks.append(asyncio.create_task(places.enter()))
        await turns()
    return tasks


async def end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def test_there_are_so_many_places() -> None:
    """And one more as soon as somebody leaves."""
    places = Concurrency(limit=2)

    assert [True, True, False] == [places.try_enter() for _ in range(3)]
    assert 2 == places.in_flight

    places.leave()

    assert [True, False] == [places.try_enter() for _ in range(2)]


async def test_who_waited_longest_is_next() -> None:
    """First in, first out; and nobody passes those who wait."""
    places = Concurrency(limit=1, queue=3, wait=LONG)
    places.try_enter()
    line = await standing(places, 3)

    served = []
    for _ in line:
        places.leave()
        assert not places.try_enter()
        await turns()
        served.append([task.done() for task in line].count(True))
        assert [True] * served[-1] == [task.done() for task in line[: served[-1]]]

    assert [1, 2, 3] == served
    assert (1, 0) == (places.in_flight, places.waiting)


@pytest.mark.parametrize(
    ("queue", "wait", "why"),
    [
        pytest.param(0, LONG, "the line is full", id="LIM-no-line"),
        pytest.param(1, 0.0, "no place became free in time", id="LIM-no-time"),
    ],
)
async def test_who_finds_no_place_is_told_when_to_come_back(queue: int, wait: float, why: str) -> None:
    """With 503 and Retry-After; the log says what is full."""
    places = Concurrency(limit=1, queue=queue, wait=wait, name="service `users`")
    places.try_enter()

    with pytest.raises(Overloaded) as caught:
        await places.enter()

    assert (503, ((b"retry-after", b"1"),)) == (caught.value.status, caught.value.headers)
    assert f"service `users`: 1 of 1 requests are under way and 0 wait; {why}" == caught.value.log
    assert (1, 0) == (places.in_flight, places.waiting)


async def test_the_line_is_no_longer_than_its_limit() -> None:
    """Whoever comes then is refused, and those in line are not."""
    places = Concurrency(limit=1, queue=2, wait=LONG)
    places.try_enter()
    line = await standing(places, 3)

    assert [False, False, True] == [task.done() for task in line]
    assert 2 == places.waiting
    with pytest.raises(Overloaded):
        line[2].result()
    await end(line)


async def test_who_goes_away_frees_its_place_in_line() -> None:
    """The next one moves up."""
    places = Concurrency(limit=1, queue=2, wait=LONG)
    places.try_enter()
    first, second = await standing(places, 2)

    first.cancel()
    await turns()
    (third,) = await standing(places, 1)
    places.leave()
    await turns()

    assert [True, True, False] == [task.done() for task in (first, second, third)]
    assert (1, 1) == (places.in_flight, places.waiting)
    await end([third])


@pytest.mark.parametrize("cancelled_first", [True, False], ids=["gone first", "let in first"])
async def test_a_place_that_is_given_to_someone_who_is_going_is_not_lost(cancelled_first: bool) -> None:
    """Both in the same turn of the loop: the next in line has it."""
    places = Concurrency(limit=1, queue=2, wait=LONG)
    places.try_enter()
    first, second = await standing(places, 2)

    steps: list[Callable[[], object]] = [first.cancel, places.leave]
    for step in steps if cancelled_first else reversed(steps):
        step()
    await turns()

    assert first.cancelled()
    assert second.done()
    assert (1, 0) == (places.in_flight, places.waiting)


async def test_more_places_let_those_in_who_wait() -> None:
    """A reload that raises the limit helps at once."""
    places = Concurrency(limit=1, queue=3, wait=LONG)
    places.try_enter()
    line = await standing(places, 3)

    places.reconfigure(Figures(limit=3))
    await turns()

    assert [True, True, False] == [task.done() for task in line]
    assert (3, 1) == (places.in_flight, places.waiting)
    await end(line)


async def test_fewer_places_hold_as_soon_as_enough_have_left() -> None:
    """Nobody who is inside is sent away, and nobody comes in before their number fits."""
    places = Concurrency(limit=3, queue=1, wait=LONG)
    for _ in range(3):
        places.try_enter()
    places.reconfigure(Figures(limit=1, queue=1, wait=LONG))
    (task,) = await standing(places, 1)

    entered = []
    for _ in range(3):
        places.leave()
        await turns()
        entered.append((task.done(), places.in_flight))

    assert [(False, 2), (False, 1), (True, 1)] == entered


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["enter", "leave", "turn"]), st.just(0)),
        st.tuples(st.sampled_from(["cancel", "limit", "wait"]), st.integers(0, 4)),
    ),
    max_size=60,
)


@given(steps=STEPS, limit=st.integers(1, 3), queue=st.integers(0, 4))
def test_all_counts_are_exact_whatever_happens(steps: list[tuple[str, int]], limit: int, queue: int) -> None:
    """Whoever comes, leaves, gives up or runs out of time, in any order and in the same turn of the loop."""

    async def play() -> None:
        places = Concurrency(limit=limit, queue=queue, wait=LONG)
        most = limit
        tasks: list[asyncio.Task[None]] = []
        left = 0

        def inside() -> int:
            return len(
                [task for task in tasks if task.done() and not task.cancelled() and not task.exception()]
            )

        for step, number in steps:
            if step == "enter":
                tasks.append(asyncio.create_task(places.enter()))
            elif step == "leave" and inside() > left:
                left += 1
                places.leave()
            elif step == "cancel" and number < len(tasks):
                tasks[-1 - number].cancel()
            elif step == "limit":
                most = max(most, number + 1)
                places.reconfigure(Figures(number + 1, queue, LONG))
            elif step == "wait" and number < places.waiting:
                places._give_up(places._line[number])
            else:
                await turns()
            assert places.waiting <= queue
            assert places.in_flight <= most
        await turns()

        waiting = [task for task in tasks if not task.done()]
        assert (inside() - left, len(waiting)) == (places.in_flight, places.waiting)
        assert not waiting or places.in_flight >= places.limit
        await end(tasks)
        assert (inside() - left, 0) == (places.in_flight, places.waiting)

    asyncio.run(play())


async def test_who_merely_holds_a_place_is_asked_to_go() -> None:
    """At once and once more while somebody waits, and never without need."""
    places = Concurrency(limit=1, queue=1, wait=0.2)
    asked: list[int] = []
    await places.enter(asked.append)
    assert [] == asked

    with pytest.raises(Overloaded):
        await places.enter(asked.append)
    assert [1, 1] == asked

    await places.enter(lambda _: places.leave())
    assert (1, 0) == (places.in_flight, places.waiting)


@pytest.mark.parametrize(("inside", "expected"), [(0, False), (2, False), (3, True), (4, True)])
def test_places_are_scarce_when_more_than_half_are_taken(inside: int, expected: bool) -> None:
    """What can wait elsewhere does so from then on."""
    places = Concurrency(limit=4)
    for _ in range(inside):
        places.try_enter()

    assert expected is places.is_scarce


async def test_it_says_how_full_it_is() -> None:
    """For whoever debugs."""
    places = Concurrency(limit=2, queue=1, wait=LONG)
    places.try_enter()

    assert "<Concurrency the gateway: 1 of 2, 0 waiting>" == repr(places)


async def test_one_that_is_shut_lets_nobody_in() -> None:
    """At once, and with its reason; who is in stays in, and who waits does so."""
    places = Concurrency(limit=1, queue=2, wait=5.0)
    await places.enter()
    waiting = asyncio.create_task(places.enter())
    await asyncio.sleep(0)
    places.shut("memory is short")

    with pytest.raises(Overloaded) as caught:
        await places.enter()
    places.leave()
    await asyncio.sleep(0)
    still = waiting.done()
    places.reconfigure(Concurrency(limit=3, queue=2, wait=5.0))
    shut = places.try_enter()
    places.shut("")
    await waiting

    assert "memory is short" in str(caught.value.log)
    assert (False, False, True) == (still, shut, places.try_enter())
    assert 2 == places.in_flight

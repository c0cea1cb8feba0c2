"""What outlives a configuration."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import attrs
import pytest

from gatekeeper.runtime.keep import Hold, Keep, Plan


KEY = ("route users", "counter", "table")


class Thing:
    """Something that is opened and closed."""

    def __init__(self, config: object) -> None:
        self.config = config
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class Adaptable(Thing):
    """Something that takes another configuration while it is open."""

    def reconfigure(self, config: object) -> None:
        if config == "bad":
            raise RuntimeError("cannot")
        self.config = config


@attrs.define
class Life:
    """Configurations one after the other, as a gateway has them."""

    keep: Keep
    hold: Hold | None = None

    def next(self, plan: Plan) -> None:
        """Bring a plan into force, and let the one before go."""
        before, self.hold = self.hold, plan.commit()
        if before is not None:
            before.release()


def never(name: str, work: Coroutine[Any, Any, None]) -> None:
    raise AssertionError(f"{name}: {work}")


@pytest.fixture
def life() -> Life:
    return Life(Keep(never))


@pytest.mark.parametrize("kind", [Thing, Adaptable])
def test_an_equal_configuration_gets_the_same_thing(life: Life, kind: type[Thing]) -> None:
    """It is neither opened again nor told anything."""
    first, second = life.keep.plan(), life.keep.plan()
    thing = first(KEY, kind, [1])
    life.next(first)

    again = second(KEY, kind, [1])
    life.next(second)

    assert thing is again
    assert (0, [1]) == (thing.closed, thing.config)
    assert 1 == len(life.keep)


def test_another_configuration_gets_another_thing(life: Life) -> None:
    """The one before is closed when the last configuration that holds it lets go, and not before."""
    first, second = life.keep.plan(), life.keep.plan()
    old = first(KEY, Thing, 1)
    hold = first.commit()

    new = second(KEY, Thing, 2)
    later = second.commit()

    assert new is not old
    assert (0, 0) == (old.closed, new.closed)
    hold.release()
    assert (1, 0) == (old.closed, new.closed)
    assert new is life.keep.plan()(KEY, Thing, 2)
    later.release()
    assert (1, 1) == (old.closed, new.closed)
    assert 0 == len(life.keep)


def test_a_thing_that_can_adapt_does_so_at_the_commit(life: Life) -> None:
    """Until then it is as it was: the configuration before is still in force."""
    first, second = life.keep.plan(), life.keep.plan()
    thing = first(KEY, Adaptable, 1)
    life.next(first)

    again = second(KEY, Adaptable, 2)

    assert (thing, 1) == (again, thing.config)
    life.next(second)
    assert (2, 0) == (thing.config, thing.closed)
    third = life.keep.plan()
    assert thing is third(KEY, Thing, 2)


def test_an_adaptation_that_fails_is_logged(life: Life, caplog: pytest.LogCaptureFixture) -> None:
    """A commit cannot fail."""
    first, second = life.keep.plan(), life.keep.plan()
    thing = first(KEY, Adaptable, 1)
    life.next(first)
    second(KEY, Adaptable, "bad")

    with caplog.at_level(logging.ERROR):
        life.next(second)

    assert (1, 0) == (thing.config, thing.closed)
    assert "could not be reconfigured" in caplog.text


@pytest.mark.parametrize("kind", [Thing, Adaptable])
def test_what_was_planned_in_vain_is_undone(life: Life, kind: type[Thing]) -> None:
    """What was opened is closed, and what was there goes on as it was."""
    first, second = life.keep.plan(), life.keep.plan()
    old = first(KEY, kind, 1)
    life.next(first)
    other = second(("another",), Thing, 1)
    new = second(KEY, kind, 2)

    second.abandon()

    assert (1, 0, 1) == (other.closed, old.closed, old.config)
    assert (kind is Thing) is (new.closed == 1)
    assert old is life.keep.plan()(KEY, kind, 1)


@pytest.mark.parametrize("kind", [Thing, Adaptable])
def test_two_parts_may_share_a_thing(life: Life, kind: type[Thing]) -> None:
    """If they mean the same; it is held once."""
    for config in (1, 2):
        plan = life.keep.plan()

        assert plan(KEY, kind, config) is plan(KEY, kind, config)
        life.next(plan)

    assert life.hold is not None
    assert 1 == len(life.hold.things)


@pytest.mark.parametrize("kind", [Thing, Adaptable])
def test_two_parts_cannot_keep_different_things_under_one_key(life: Life, kind: type[Thing]) -> None:
    """Keys name things."""
    first = life.keep.plan()
    first(KEY, kind, 1)
    life.next(first)
    plan = life.keep.plan()
    plan(KEY, kind, 2)

    with pytest.raises(ValueError, match="two parts keep different things as route users/counter/table"):
        plan(KEY, kind, 1)


def test_what_cannot_be_closed_is_let_go(life: Life, caplog: pytest.LogCaptureFixture) -> None:
    """A number needs no closing; one that fails to close is logged, and the others are closed all the same."""

    class Broken(Thing):
        def close(self) -> None:
            raise RuntimeError("stuck")

    first = life.keep.plan()
    first(("number",), lambda _: 1, None)
    first(("broken",), Broken, None)
    thing = first(KEY, Thing, None)
    life.next(first)

    with caplog.at_level(logging.ERROR):
        life.next(life.keep.plan())

    assert 1 == thing.closed
    assert "could not be closed" in caplog.text
    assert 0 == len(life.keep)


async def test_a_close_may_take_its_time() -> None:
    """It runs as a task with a name."""
    named: list[str] = []
    closed = asyncio.Event()

    class Slow:
        async def close(self) -> None:
            await asyncio.sleep(0)
            closed.set()

    def spawn(name: str, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        named.append(name)
        return asyncio.create_task(work)

    life = Life(Keep(spawn))
    first = life.keep.plan()
    first(KEY, lambda _: Slow(), None)
    life.next(first)
    life.next(life.keep.plan())

    await closed.wait()

    assert ["close route users/counter/table"] == named


def test_things_are_found_by_the_beginning_of_their_keys(life: Life) -> None:
    """For whoever counts connections."""
    plan = life.keep.plan()
    for key in (("pool", "a"), ("pool", "b"), ("table", "a")):
        plan(key, "/".join, key)
    life.next(plan)

    assert ["pool/a", "pool/b"] == life.keep.things("pool")
    assert "<Keep 3 things>" == repr(life.keep)
    kept = life.keep.held(("table", "a"))
    assert kept is not None
    assert "<Kept table/a 1 holders>" == repr(kept)


class Beginning(Thing):
    """Something that has to do beside requests."""

    begun = 0

    def begin(self) -> None:
        self.begun += 1
        if self.config == "bad":
            raise RuntimeError("cannot")


def test_a_thing_begins_when_it_comes_into_force(life: Life) -> None:
    """Once, and not while its configuration is only prepared."""
    first, second, third = life.keep.plan(), life.keep.plan(), life.keep.plan()
    thing = first(KEY, Beginning, 1)
    in_vain = third(("another",), Beginning, 1)

    assert 0 == thing.begun
    life.next(first)
    second(KEY, Beginning, 1)
    life.next(second)
    third.abandon()

    assert (1, 0) == (thing.begun, in_vain.begun)


def test_a_thing_that_cannot_begin_is_logged(life: Life, caplog: pytest.LogCaptureFixture) -> None:
    """A commit cannot fail, and the others begin."""
    plan = life.keep.plan()
    plan(KEY, Beginning, "bad")
    other = plan(("another",), Beginning, 1)

    life.next(plan)

    assert 1 == other.begun
    assert "could not begin" in caplog.text

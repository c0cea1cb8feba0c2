"""The watch: real files changed in all the ways people and tools change them, by a clock that a test moves."""

import asyncio
import concurrent.futures
import contextlib
import errno
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gatekeeper.policy.settling import APART
from gatekeeper.runtime import look, watch
from gatekeeper.runtime.watch import Watch
from gatekeeper.testing import FakeClock
from gatekeeper.testing.origin import PATIENCE


LATER = 4e9
"""A time at which every file of a test has been as it is for years."""


class Time(FakeClock):
    """A clock, and the sleep of a watch: `wait` lets time pass, and the watch look whenever it is due."""

    def __init__(self, wall: float = LATER) -> None:
        super().__init__(wall=wall)
        self.due = 0.0
        self._asleep = asyncio.Event()
        self._wake = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.due = self.monotonic() + seconds
        self._wake.clear()
        self._asleep.set()
        await self._wake.wait()

    async def settle(self) -> None:
        """Until the watch sleeps."""
        await self._asleep.wait()

    async def wake(self) -> None:
        """Let it look, and sleep again."""
        await self.settle()
        self._asleep.clear()
        self._wake.set()
        await self.settle()

    async def wait(self, seconds: float) -> None:
        """Let so much time pass."""
        await self.settle()
        end = self.monotonic() + seconds
        while self.due <= end:
            self.advance(self.due - self.monotonic())
            await self.wake()
        self.advance(end - self.monotonic())


class Watched:
    """A watch at work. `calls` has what was on the disk when it called, `times` when that was."""

    def __init__(self, files: Iterable[Path], folders: Iterable[Path], time: Time) -> None:
        self.files, self.folders, self.time = list(files), list(folders), time
        self.calls: list[dict[str, str | None]] = []
        self.times: list[float] = []
        self.then: Callable[[], Awaitable[None]] | None = None
        self.watch: Watch

    async def changed(self) -> None:
        self.calls.append(await asyncio.to_thread(self.read))
        self.times.append(self.time.monotonic())
        if self.then is not None:
            await self.then()

    def read(self) -> dict[str, str | None]:
        """What is on the disk."""
        return {path.name: text_of(path) for path in self.files}

    @property
    def texts(self) -> list[str | None]:
        """What was in the only file at each call."""
        return [text for call in self.calls for text in call.values()]

    async def wait(self, seconds: float) -> None:
        await self.time.wait(seconds)


def text_of(path: Path) -> str | None:
    """What is in a file; None for no file."""
    try:
        return path.read_text()
    except OSError:
        return None


@contextlib.asynccontextmanager
async def watching(
    *files: Path, folders: Iterable[Path] = (), wall: float = LATER, past: float = 3, **options: Any
) -> AsyncIterator[Watched]:
    """A watch that knows its files."""
    watched = Watched(files, folders, Time(wall))
    async with Watch(
        files, folders, on_change=watched.changed, clock=watched.time, sleep=watched.time.sleep, **options
    ) as watched.watch:
        await watched.time.settle()
        # by default past the time in which files are read at each look
        await watched.wait(past)
        yield watched


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one line."""
    path = tmp_path / "gateway.yaml"
    path.write_text("one\n")
    return path


# ---- how a change comes about ---------------------------------------------------------------------------------------


def write(path: Path, text: str = "two\n") -> None:
    path.write_text(text)


def write_piece_by_piece(path: Path) -> None:
    with path.open("w") as file:
        for letter in "two\n":
            file.write(letter)
            file.flush()


def remove(path: Path) -> None:
    path.unlink()


def become_a_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


def changed_at(path: Path) -> float:
    """When the file system says that it changed last."""
    return path.stat().st_ctime


def move_over(path: Path) -> None:
    new = path.with_suffix(".new")
    new.write_text("two\n")
    new.rename(path)


def move_over_with_the_same_time(path: Path) -> None:
    times = path.stat()
    new = path.with_suffix(".new")
    new.write_text("two\n")
    os.utime(new, ns=(times.st_atime_ns, times.st_mtime_ns))
    new.rename(path)


def save_as_vim_does(path: Path) -> None:
    probe = path.with_name("4913")
    probe.touch()
    probe.unlink()
    backup = path.with_name(f"{path.name}~")
    path.rename(backup)
    path.write_text("two\n")
    backup.unlink()


def write_through_a_hard_link(path: Path) -> None:
    other = path.with_suffix(".other")
    os.link(path, other)
    other.write_text("two\n")


def link_elsewhere(path: Path) -> None:
    other = path.with_suffix(".other")
    other.write_text("two\n")
    link = path.with_suffix(".link")
    link.symlink_to(other)
    link.rename(path)


def remove_and_write(path: Path) -> None:
    path.unlink()
    path.write_text("two\n")


WAYS = [
    pytest.param(way, id=way.__name__)
    for way in (
        write,
        write_piece_by_piece,
        move_over,
        move_over_with_the_same_time,
        save_as_vim_does,
        write_through_a_hard_link,
        link_elsewhere,
        remove_and_write,
    )
]


@pytest.mark.parametrize("way", WAYS)
async def test_a_change_is_called_for_within_a_second(path: Path, way: Callable[[Path], None]) -> None:
    """CFG-07: however it came about; once."""
    async with watching(path) as watched:
        way(path)
        await watched.wait(1)
        assert ["two\n"] == watched.texts

        await watched.wait(30)
        assert ["two\n"] == watched.texts


def touch(path: Path) -> None:
    os.utime(path, ns=(1, 2))


def write_the_same(path: Path) -> None:
    write(path, "one\n")


def move_the_same_over(path: Path) -> None:
    new = path.with_suffix(".new")
    write(new, "one\n")
    new.rename(path)


def change_and_change_back(path: Path) -> None:
    write(path)
    write(path, "one\n")


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(way, id=way.__name__)
        for way in (touch, write_the_same, move_the_same_over, change_and_change_back)
    ],
)
async def test_what_only_looks_new_calls_nobody(path: Path, way: Callable[[Path], None]) -> None:
    """CFG-09: and what follows is seen as before."""
    async with watching(path) as watched:
        for _ in range(3):
            way(path)
            await watched.wait(5)
        assert [] == watched.calls

        write(path)
        await watched.wait(1)
        assert ["two\n"] == watched.texts


async def test_a_hundred_swaps(path: Path) -> None:
    """CFG-07: it is still watched after them."""
    async with watching(path) as watched:
        for number in range(100):
            new = path.with_suffix(".new")
            write(new, f"{number}\n")
            new.rename(path)
            await watched.wait(1.5)

    assert [f"{number}\n" for number in range(100)] == watched.texts


async def test_kubernetes_swaps_a_link(tmp_path: Path) -> None:
    """CFG-07: files and folders are links into a folder that is a link."""

    def publish(name: str, text: str, *more: str) -> None:
        version = tmp_path / f"..{name}"
        (version / "routes").mkdir(parents=True)
        (version / "gateway.yaml").write_text(text)
        for file in more:
            (version / "routes" / file).write_text("x: 1\n")
        link = tmp_path / "..data_tmp"
        link.symlink_to(version.name)
        link.rename(tmp_path / "..data")

    publish("2026_01", "one\n", "a.yaml")
    path, routes = tmp_path / "gateway.yaml", tmp_path / "routes"
    path.symlink_to("..data/gateway.yaml")
    routes.symlink_to("..data/routes")

    async with watching(path, folders=[routes]) as watched:
        publish("2026_02", "two\n", "a.yaml")
        await watched.wait(1)
        assert ["two\n"] == watched.texts
        await watched.wait(1)

        publish("2026_03", "two\n", "a.yaml", "b.yaml")
        await watched.wait(1)
        assert ["two\n", "two\n"] == watched.texts
        await watched.wait(1)

        publish("2026_04", "two\n", "a.yaml", "b.yaml")
        await watched.wait(5)

    assert ["two\n", "two\n"] == watched.texts


async def test_a_file_goes_and_comes_back(path: Path) -> None:
    """CFG-08: whoever loads keeps what he has, and loads again when there is something to load."""
    async with watching(path) as watched:
        remove(path)
        await watched.wait(10)
        assert [None] == watched.texts

        write(path, "one\n")
        await watched.wait(1)

    assert [None, "one\n"] == watched.texts


async def test_a_file_comes_that_was_not_there(tmp_path: Path) -> None:
    """It was looked for, and so it is watched; its folder need not be there."""
    path = tmp_path / "env" / ".env"
    async with watching(path) as watched:
        path.parent.mkdir()
        await watched.wait(5)
        assert [] == watched.calls

        write(path, "A=1\n")
        await watched.wait(1)

    assert ["A=1\n"] == watched.texts


async def test_a_file_that_becomes_a_folder(path: Path) -> None:
    """That is a change, too."""
    async with watching(path) as watched:
        become_a_folder(path)
        await watched.wait(1)
        (path / "x").touch()
        await watched.wait(5)

    assert [None] == watched.texts


async def test_the_names_in_a_folder(tmp_path: Path) -> None:
    """New ones and gone ones; what is in the files is theirs, and hidden ones are nobody's."""
    (tmp_path / "a.yaml").write_text("a\n")
    async with watching(folders=[tmp_path]) as watched:
        (tmp_path / "b.yaml").write_text("b\n")
        await watched.wait(1)
        assert 1 == len(watched.calls)

        await watched.wait(1)
        (tmp_path / "a.yaml").unlink()
        await watched.wait(1)
        assert 2 == len(watched.calls)

        await watched.wait(1)
        (tmp_path / "b.yaml").write_text("c\n")
        (tmp_path / ".b.yaml.swp").write_text("c\n")
        await watched.wait(5)

    assert 2 == len(watched.calls)


async def test_what_changes_together_is_called_for_once(tmp_path: Path) -> None:
    """Files and folders of one edit."""
    paths = [tmp_path / f"{name}.yaml" for name in "abc"]
    async with watching(*paths, folders=[tmp_path]) as watched:
        for path in paths:
            write(path, "x\n")
            await watched.wait(0.2)
        await watched.wait(5)

    assert [{"a.yaml": "x\n", "b.yaml": "x\n", "c.yaml": "x\n"}] == watched.calls


# ---- when it is called for ------------------------------------------------------------------------------------------


async def test_the_beginning_of_a_file_is_not_called_for(path: Path) -> None:
    """CFG-06: half of it, a pause of 500 ms, the rest."""
    async with watching(path) as watched:
        with path.open("w") as file:
            file.write("two\nth")
            file.flush()
            await watched.wait(0.5)
            file.write("ree\n")
        await watched.wait(5)

    assert ["two\nthree\n"] == watched.texts


async def test_one_byte_at_a_time(path: Path) -> None:
    """CFG-06: over ten seconds, and called for soon after."""
    text = "three hundred\n" * 10
    async with watching(path) as watched:
        with path.open("w") as file:
            for letter in text:
                file.write(letter)
                file.flush()
                await watched.wait(10 / len(text))
            assert [] == watched.calls
        await watched.wait(1)

    assert [text] == watched.texts


async def test_one_byte_at_a_time_where_nobody_knows_who_writes(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CFG-06: a file of another user, written as fast as one types."""
    monkeypatch.setattr(look, "_is_open_for_writing", lambda _: None)
    text = "one: two\nthree\n"
    async with watching(path) as watched:
        with path.open("w") as file:
            for letter in text:
                file.write(letter)
                file.flush()
                await watched.wait(0.1)
        await watched.wait(1)

    assert [text] == watched.texts


async def test_a_file_is_emptied_and_filled_later(path: Path) -> None:
    """CFG-06: though it is closed in between."""
    async with watching(path) as watched:
        write(path, "")
        await watched.wait(1.5)
        write(path)
        await watched.wait(1)

    assert ["two\n"] == watched.texts


async def test_a_file_that_stays_empty_is_called_for(path: Path) -> None:
    """Somebody has to say that it is."""
    async with watching(path) as watched:
        write(path, "")
        await watched.wait(3)

    assert [""] == watched.texts


async def test_a_file_that_stays_open_is_called_for(path: Path) -> None:
    """Two seconds after the last write, if nobody closes it."""
    async with watching(path) as watched:
        with path.open("w") as file:
            file.write("two\n")
            file.flush()
            await watched.wait(1.9)
            assert [] == watched.calls
            await watched.wait(1)
            assert ["two\n"] == watched.texts
        await watched.wait(5)

    assert ["two\n"] == watched.texts


async def test_a_file_that_is_written_without_end_is_called_for(path: Path) -> None:
    """After twenty seconds, again and again."""
    async with watching(path) as watched:
        with path.open("w") as file:
            for _ in range(600):
                file.write("x\n")
                file.flush()
                await watched.wait(0.1)
        await watched.wait(5)

    assert 3 <= len(watched.calls) <= 4
    assert "x\n" * 600 == watched.texts[-1]


async def test_a_thousand_writes(path: Path) -> None:
    """CFG-09: in ten seconds; the last one wins."""
    async with watching(path) as watched:
        for number in range(1000):
            write(path, f"{number}\n")
            await watched.wait(0.01)
        await watched.wait(5)

    assert 1 <= len(watched.calls) <= 10
    assert "999\n" == watched.texts[-1]


async def test_bursts_of_writes(path: Path) -> None:
    """CFG-09: even if each of them comes to rest; calls are a second apart."""
    async with watching(path) as watched:
        for number in range(40):
            write(path, f"{number}\n")
            await watched.wait(0.6)
        await watched.wait(5)

    assert "39\n" == watched.texts[-1]
    assert (
        min(later - sooner for sooner, later in zip(watched.times, watched.times[1:], strict=False)) >= APART
    )


async def test_what_was_written_a_while_ago_is_called_for_at_once(path: Path) -> None:
    """The first look that sees it knows from its time that it has come to rest."""
    async with watching(path) as watched:
        write(path)
        watched.time._wall = changed_at(path) - 0.1
        await watched.wait(0.5)

    assert ["two\n"] == watched.texts


async def test_of_several_changes_the_last_one_counts(tmp_path: Path) -> None:
    """One has come to rest, the other has not."""
    old, young = tmp_path / "old", tmp_path / "young"
    async with watching(old, young) as watched:
        write(old)
        write(young)
        now = changed_at(old) + 0.4
        os.utime(young, (now - 0.1, now - 0.1))
        watched.time._wall = now - 0.5
        await watched.wait(0.5)
        assert [] == watched.calls
        await watched.wait(0.25)

    assert 1 == len(watched.calls)


async def test_a_change_without_a_time_is_one_of_now(tmp_path: Path) -> None:
    """Whatever is older beside it."""
    path, gone = tmp_path / "path", tmp_path / "folder" / "gone"
    become_a_folder(gone.parent)
    write(gone)
    async with watching(path, gone) as watched:
        write(path)
        shutil.rmtree(gone.parent)
        watched.time._wall = changed_at(path) - 0.1
        await watched.wait(0.5)
        assert [] == watched.calls
        await watched.wait(0.25)

    assert 1 == len(watched.calls)


async def test_what_only_looks_new_delays_nothing(path: Path) -> None:
    """Only calls are a second apart."""
    async with watching(path) as watched:
        touch(path)
        await watched.wait(0.75)
        write(path)
        await watched.wait(0.75)

    assert ["two\n"] == watched.texts


async def test_the_time_between_two_calls_begins_with_the_end_of_the_first(path: Path) -> None:
    """Who loads for long is not called again at once."""

    async def load() -> None:
        watched.then = None
        watched.time.advance(5)
        await asyncio.to_thread(write, path, "three\n")

    async with watching(path) as watched:
        watched.then = load
        write(path)
        while len(watched.calls) < 2:
            watched.time.advance(0.125)
            await watched.time.wake()

    assert ["two\n", "three\n"] == watched.texts
    assert 5 + APART <= watched.times[1] - watched.times[0]


async def test_a_clock_that_is_wrong_does_no_harm(path: Path) -> None:
    """What was written ages ago, or will be in years, has changed since the last look."""
    for wall in (0.0, LATER):
        write(path, "one\n")
        async with watching(path, wall=wall) as watched:
            write(path)
            watched.time.due = watched.time.monotonic()
            await watched.wait(0)
            assert [] == watched.calls
            await watched.wait(0.25)
            assert ["two\n"] == watched.texts


async def test_what_changes_before_it_is_read_is_not_called_for_yet(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has not come to rest after all; where it never does, it is called for all the same."""
    real = watch._read
    texts = [*"abcdefgh"]

    def read(*arguments: Any) -> Any:
        if texts:
            write(path, texts.pop())
        return real(*arguments)

    async with watching(path) as watched:
        monkeypatch.setattr(watch, "_read", read)
        write(path)
        await watched.wait(1)
        assert [] == watched.calls
        assert texts

        await watched.wait(1.5)

    assert [text_of(path)] == watched.texts


# ---- the call -------------------------------------------------------------------------------------------------------


async def test_a_call_that_fails_is_logged_and_the_content_is_not_called_for_again(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Until it changes."""

    async def fail() -> None:
        raise ZeroDivisionError

    async with watching(path) as watched:
        watched.then = fail
        write(path)
        await watched.wait(10)
        touch(path)
        await watched.wait(10)
        assert ["two\n"] == watched.texts
        assert ["what has changed could not be loaded"] == [record.message for record in caplog.records]

        write(path, "three\n")
        await watched.wait(1)

    assert ["two\n", "three\n"] == watched.texts


async def test_a_call_that_is_cancelled_from_within_is_logged(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What it waited for went away; the watch did not."""

    async def fail() -> None:
        raise asyncio.CancelledError

    async with watching(path) as watched:
        watched.then = fail
        write(path)
        await watched.wait(1)
        watched.then = None
        write(path, "three\n")
        await watched.wait(2)

    assert ["two\n", "three\n"] == watched.texts
    assert ["what has changed could not be loaded: it was cancelled"] == [
        record.message for record in caplog.records
    ]


async def test_no_call_begins_while_one_runs(path: Path) -> None:
    """What changed meanwhile is noticed afterwards."""
    running, done = asyncio.Event(), asyncio.Event()

    async def load() -> None:
        running.set()
        await done.wait()

    async with watching(path) as watched:
        watched.then = load
        write(path)
        waiting = asyncio.ensure_future(watched.wait(1))
        await running.wait()
        write(path, "three\n")
        assert ["two\n"] == watched.texts

        done.set()
        await waiting
        await watched.wait(2)

    assert ["two\n", "three\n"] == watched.texts


async def test_closing_ends_a_call(path: Path) -> None:
    """A load is cancelled like any other task; closing again does nothing."""
    running, ends = asyncio.Event(), []

    async def load() -> None:
        running.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ends.append("cancelled")

    async with watching(path) as watched:
        watched.then = load
        write(path)
        waiting = asyncio.ensure_future(watched.wait(1))
        await running.wait()
        await watched.watch.close()
        assert ["cancelled"] == ends
        await watched.watch.close()
        waiting.cancel()


async def test_closing_ends_the_thread(path: Path) -> None:
    """Unless it hangs."""
    async with watching(path) as watched:
        background = watched.watch._thread
        assert background is not None
        assert background._thread.is_alive()

    await asyncio.to_thread(background._thread.join, PATIENCE)
    assert not background._thread.is_alive()


async def test_a_watch_that_was_not_started_can_be_closed() -> None:
    """Whoever could not start stops all the same."""

    async def changed() -> None:
        raise AssertionError

    await Watch([], [], on_change=changed).close()


async def test_a_call_may_close_the_watch(path: Path) -> None:
    """A load that ends the process, say."""
    done = []

    async def changed() -> None:
        done.append("begun")
        await own.close()
        done.append("not reached")

    clock = Time()
    own = Watch([path], [], on_change=changed, clock=clock, sleep=clock.sleep)
    own.start()
    task = own._task
    assert task is not None
    await clock.wait(3)
    write(path)
    waiting = asyncio.ensure_future(clock.wait(1))
    await asyncio.wait([task])
    waiting.cancel()

    assert ["begun"] == done


# ---- what is watched ------------------------------------------------------------------------------------------------


async def test_what_is_watched_can_change(tmp_path: Path) -> None:
    """Others are forgotten; those that are known stay known."""
    one, two, three = (tmp_path / name for name in ("one", "two", "three"))
    for path in (one, two, three):
        write(path, "1\n")
    async with watching(one, two) as watched:
        watched.watch.of([two, three], [])
        write(one, "2\n")
        write(two, "2\n")
        await watched.wait(3)
        assert [{"one": "2\n", "two": "2\n"}] == watched.calls

        write(three, "2\n")
        await watched.wait(1)
        assert 2 == len(watched.calls)

        write(one, "3\n")
        await watched.wait(5)
        assert 2 == len(watched.calls)


async def test_what_is_new_is_known_as_the_next_look_finds_it(tmp_path: Path) -> None:
    """Where nobody says since when it counts."""
    path = tmp_path / "x"
    async with watching() as watched:
        write(path, "1\n")
        watched.watch.of([path], [tmp_path])
        write(path, "2\n")
        await watched.wait(5)
        assert [] == watched.calls

        write(path, "3\n")
        await watched.wait(1)

    assert 1 == len(watched.calls)


@pytest.mark.parametrize(
    ("since", "calls"),
    [
        pytest.param(0.0, 1, id="before it was written"),
        pytest.param(0.04, 1, id="as it was written"),
        pytest.param(0.2, 0, id="after it was written"),
    ],
)
async def test_what_was_written_since_it_was_read_is_called_for(path: Path, since: float, calls: int) -> None:
    """Between the reading of the files and the first look at them."""
    written = changed_at(path)
    async with watching(path, since=written + since) as watched:
        await watched.wait(5)

    assert calls == len(watched.calls)


async def test_what_went_since_it_was_read_is_called_for(path: Path) -> None:
    """Its folder knows when."""
    remove(path)
    since = changed_at(path.parent)
    async with watching(path, since=since) as watched:
        await watched.wait(5)

    assert [None] == watched.texts


async def test_what_is_written_since_it_was_read_may_still_be_being_written(path: Path) -> None:
    """It is old enough, but open."""
    since = changed_at(path)
    watched = Watched([path], [], Time(wall=since + 1))
    with path.open("a") as file:
        async with Watch(
            [path], [], on_change=watched.changed, clock=watched.time, sleep=watched.time.sleep, since=since
        ):
            await watched.wait(0.5)
            assert [] == watched.calls
            file.write("two\n")
            file.close()
            await watched.wait(1)

    assert ["one\ntwo\n"] == watched.texts


async def test_what_a_load_reads_for_the_first_time_may_change_under_its_hands(path: Path) -> None:
    """A file that it includes from now on is called for if it is newer than the beginning of the call."""
    new = path.with_name("new.yaml")
    write(new, "1\n")

    async def load() -> None:
        await asyncio.to_thread(new.write_text, "2\n")
        watched.watch.of([path, new], [])

    async with watching(path) as watched:
        watched.time.wall = time.time  # type: ignore[method-assign]
        watched.then = load
        write(path)
        await watched.wait(1)
        assert 1 == len(watched.calls)

        watched.then = None
        await watched.wait(5)
        assert 2 == len(watched.calls)

        await watched.wait(5)
        assert 2 == len(watched.calls)


async def test_a_file_that_goes_back_to_what_was_seen_is_called_for(path: Path) -> None:
    """Somebody was asked to read it in between, and what was read then is in force."""
    async with watching(path) as watched:
        before = path.read_text()  # noqa: ASYNC240
        write(path)
        watched.watch.of([path], [])
        write(path, before)
        await watched.wait(5)

    assert [{path.name: before}] == watched.calls


async def test_what_somebody_else_has_loaded_is_called_for_once_more(path: Path) -> None:
    """It may have changed since; what is new there has nothing to do with a call."""
    new = path.with_name("new.yaml")
    async with watching(path, wall=0.0) as watched:
        write(path)
        await watched.wait(1)
        assert 1 == len(watched.calls)

        write(new)
        watched.watch.of([path, new], [])
        await watched.wait(5)

    assert 2 == len(watched.calls)


async def test_what_is_new_stays_so_until_it_was_looked_at(path: Path) -> None:
    """Whoever names it again, and knows nothing of when it was read."""
    new = path.with_name("new.yaml")
    write(new)
    async with watching(path) as watched:
        watched.watch.of([path, new], [], since=0.0)
        watched.watch.of([path, new], [])
        await watched.wait(5)

    assert 1 == len(watched.calls)


async def test_what_is_watched_may_change_during_a_look(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The look is forgotten, and made again."""
    other = path.with_name("other.yaml")
    real, real_read = watch._look_at, watch._read

    async with watching(path) as watched:
        loop = asyncio.get_running_loop()

        def of(*paths: Path) -> None:
            done = threading.Event()

            def tell() -> None:
                watched.watch.of(paths, [], since=LATER)
                done.set()

            loop.call_soon_threadsafe(tell)
            done.wait()

        def look_at(*arguments: Any) -> Any:
            monkeypatch.setattr(watch, "_look_at", real)
            of(path, other)
            return real(*arguments)

        def read(*arguments: Any) -> Any:
            monkeypatch.setattr(watch, "_read", real_read)
            of(other)
            return real_read(*arguments)

        monkeypatch.setattr(watch, "_look_at", look_at)
        await watched.wait(0.5)
        write(other, "1\n")
        await watched.wait(1)
        assert 1 == len(watched.calls)

        monkeypatch.setattr(watch, "_read", read)
        write(path)
        await watched.wait(5)
        assert 1 == len(watched.calls)

    assert [] == caplog.records


async def test_a_change_that_no_look_can_see_is_found_by_reading(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CFG-07: within the same tick of a coarse clock, just after the last one was noticed."""
    monkeypatch.setattr(look, "_signature", lambda found: (found.st_mode,))
    async with watching(path, past=0) as watched:
        write(path, "six\n")
        await watched.wait(1)
        assert ["six\n"] == watched.texts

        write(path, "ten\n")
        await watched.wait(1)
        assert ["six\n", "ten\n"] == watched.texts

        await watched.wait(2)
        write(path, "one\n")
        await watched.wait(5)

    assert ["six\n", "ten\n"] == watched.texts, "files are not read for ever"


async def test_what_cannot_be_read_is_called_for_and_again_when_it_can(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file server that is away for a while, without a trace on the file."""
    real = look._contents

    def fail(_: int) -> look.Contents:
        raise OSError(errno.EIO, "no")

    async with watching(path) as watched:
        monkeypatch.setattr(look, "_contents", fail)
        touch(path)
        await watched.wait(20)
        assert 1 == len(watched.calls)

        monkeypatch.setattr(look, "_contents", real)
        await watched.wait(1)
        assert 2 == len(watched.calls)


# ---- what goes wrong ------------------------------------------------------------------------------------------------


async def test_a_look_that_fails_is_logged_once_and_made_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Until it works; then it may fail anew."""
    real = watch._look_at

    def fail(*_: Any) -> Any:
        raise MemoryError

    async with watching(path) as watched:
        for count in (1, 2):
            monkeypatch.setattr(watch, "_look_at", fail)
            await watched.wait(5)
            write(path, f"{count}\n")
            monkeypatch.setattr(watch, "_look_at", real)
            await watched.wait(1)
            assert ["the files of the configuration could not be looked at"] * count == [
                record.message for record in caplog.records
            ]

    assert ["1\n", "2\n"] == watched.texts
    assert all(record.levelno == logging.ERROR for record in caplog.records)


HANGING = """
import asyncio, sys, threading
from gatekeeper.runtime import watch

hangs = threading.Event()

def look_at(*_):
    hangs.set()
    threading.Event().wait()

async def changed():
    pass

async def main():
    watch._look_at = look_at
    async with watch.Watch([], [], on_change=changed):
        while not hangs.is_set():
            await asyncio.sleep(0)
        print("the loop runs")
    print("closed")

asyncio.run(main())
print("ended")
"""


async def test_a_file_system_that_hangs_stops_nothing(tmp_path: Path) -> None:
    """CFG-14: neither the loop, nor the closing, nor the end of the process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HANGING, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    printed, _ = await process.communicate()

    assert (b"the loop runs\nclosed\nended\n", 0) == (printed, process.returncode)


async def test_work_that_nobody_waits_for_is_not_done() -> None:
    """It was given up before the thread came to it."""
    future: concurrent.futures.Future[None] = concurrent.futures.Future()
    future.cancel()
    done = []

    watch._fulfil(future, lambda: done.append(1))

    assert [] == done


# ---- whatever happens -----------------------------------------------------------------------------------------------

NAMES = ("gateway.yaml", "a.yaml", "b.yaml", ".env")
TEXTS = ("", "one\n", "two\n", "six", "three\nlines\nhere\n")


class Model(RuleBasedStateMachine):
    """Files and links that change at random, and a watch that must not miss what they come to.

    Whoever loads reads the first file, which says what else there is to read, and sometimes fails, or is slow enough
    for somebody to write meanwhile.
    """

    @initialize(linked=st.booleans())
    def begin(self, *, linked: bool) -> None:
        self.loop = asyncio.new_event_loop()
        self.stack = contextlib.ExitStack()
        self.folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.serial = 0
        self.open: dict[str, IO[str]] = {}
        self.changes = 0
        self.calls = 0
        self.grown = 0
        self.meanwhile: list[tuple[str, str]] = []
        self.fails = False
        for version in "xy":
            (self.folder / f"..{version}").mkdir()
            for name in NAMES[:2]:
                (self.folder / f"..{version}" / name).write_text(f"{version}: {name}\n")
        (self.folder / "..data").symlink_to("..x")
        if linked:
            for name in NAMES[:2]:
                (self.folder / name).symlink_to(f"..data/{name}")
        else:
            self.put(NAMES[0], "one\n")
        self.time = Time()
        # times of files are of the machine, and those of loads are compared with them
        self.time.wall = time.time  # type: ignore[method-assign]
        self.handed_over = self.read()
        self.listed = self.files()
        self.loop.run_until_complete(self.start())

    async def start(self) -> None:
        files, folders = self.watched()
        self.watch = Watch(files, folders, on_change=self.load, clock=self.time, sleep=self.time.sleep)
        self.watch.start()
        await self.time.settle()

    def watched(self) -> tuple[list[Path], list[Path]]:
        return [self.folder / name for name in self.listed], [self.folder] * (len(self.listed) > 1)

    def read(self) -> dict[str, str | None]:
        """What a load reads: the first file, and what that leads to; the names where there are others."""
        found = {NAMES[0]: text_of(self.folder / NAMES[0])}
        # the shape of the text decides
        if len(found[NAMES[0]] or "") > 4:
            found |= {name: text_of(self.folder / name) for name in NAMES[1:]}
            found["names"] = " ".join(
                sorted(path.name for path in self.folder.iterdir() if path.name[0] != ".")
            )
        return found

    def files(self) -> list[str]:
        """The files that a load has read."""
        return [name for name in self.handed_over if name != "names"]

    async def load(self) -> None:
        await asyncio.to_thread(self.load_in_thread)

    def load_in_thread(self) -> None:
        self.calls += 1
        self.handed_over = self.read()
        for name, text in self.meanwhile:
            self.put(name, text)
            self.changes += 1
        self.meanwhile.clear()
        listed = self.files()
        # what is looked at for the first time may be younger than the load, and is called for then
        self.grown += len(set(listed) - set(self.listed))
        self.listed = listed
        self.watch.of(*self.watched())
        if self.fails:
            raise ValueError("this configuration is broken")

    def put(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        self.stamp(path)

    def stamp(self, path: Path) -> None:
        """Give it a time that no file had: between two looks of a test the clock of a file system may not tick."""
        self.serial += 1
        os.utime(path, ns=(self.serial, self.serial))

    # ---- what people and tools do ---------------------------------------------------------------------------------

    @rule(name=st.sampled_from(NAMES), text=st.sampled_from(TEXTS))
    def write(self, name: str, text: str) -> None:
        self.put(name, text)
        self.changes += 1

    @rule(name=st.sampled_from(NAMES), text=st.sampled_from(TEXTS))
    def begin_to_write(self, name: str, text: str) -> None:
        if name not in self.open:
            file = self.open[name] = (self.folder / name).open("w")
            file.write(text)
            file.flush()
            self.stamp(self.folder / name)
            self.changes += 1

    @precondition(lambda self: self.open)
    @rule(text=st.sampled_from(TEXTS))
    def finish_writing(self, text: str) -> None:
        _, file = self.open.popitem()
        with file:
            file.write(text)
            file.flush()
            os.utime(file.fileno(), ns=(self.serial, self.serial + 1))
            self.serial += 1
        self.changes += 1

    @rule(name=st.sampled_from(NAMES), text=st.sampled_from(TEXTS))
    def move_over(self, name: str, text: str) -> None:
        self.put(".new", text)
        (self.folder / ".new").rename(self.folder / name)
        self.changes += 1

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)
        self.changes += 1

    @rule(name=st.sampled_from(NAMES))
    def touch(self, name: str) -> None:
        if (self.folder / name).exists():
            self.stamp(self.folder / name)

    @rule(name=st.sampled_from(NAMES), text=st.sampled_from(TEXTS))
    def write_through_another_name(self, name: str, text: str) -> None:
        path = self.folder / name
        if path.exists():
            os.link(path.resolve(), self.folder / ".other")
            self.put(".other", text)
            (self.folder / ".other").unlink()
            self.changes += 1

    @rule(version=st.sampled_from("xy"))
    def swap_the_link(self, version: str) -> None:
        (self.folder / "..new").symlink_to(f"..{version}")
        (self.folder / "..new").rename(self.folder / "..data")
        self.changes += 1

    @rule(name=st.sampled_from(NAMES[:2]))
    def link(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)
        (self.folder / name).symlink_to(f"..data/{name}")
        self.changes += 1

    @rule(name=st.sampled_from(NAMES), text=st.sampled_from(TEXTS))
    def write_during_the_next_load(self, name: str, text: str) -> None:
        self.meanwhile.append((name, text))

    @rule(fails=st.booleans())
    def loads_fail(self, *, fails: bool) -> None:
        self.fails = fails

    # ---- what the watch does --------------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([0.1, 0.3, 0.5, 1.0, 3.0]))
    def wait(self, seconds: float) -> None:
        self.loop.run_until_complete(self.time.wait(seconds))

    @rule()
    def rest(self) -> None:
        """Everybody finishes, and some time passes."""
        while self.open:
            self.finish_writing("")
        self.loop.run_until_complete(self.time.wait(30))

        assert self.read() == self.handed_over

    @invariant()
    def nobody_is_called_without_reason(self) -> None:
        if hasattr(self, "calls"):
            assert self.calls <= self.changes + self.grown

    def teardown(self) -> None:
        if not hasattr(self, "watch"):
            return
        try:
            self.rest()
        finally:
            self.loop.run_until_complete(self.watch.close())
            self.loop.run_until_complete(self.loop.shutdown_default_executor())
            self.loop.close()
            self.stack.close()


def test_whatever_happens_the_last_call_has_what_is_on_the_disk() -> None:
    """And there are no more calls than changes."""
    run_state_machine_as_test(
        Model,
        settings=settings(max_examples=25, stateful_step_count=30, suppress_health_check=list(HealthCheck)),
    )


@pytest.mark.both_loops
async def test_by_the_clock_of_the_machine(path: Path) -> None:
    """As it runs in a gateway: what has changed since it was read is called for."""
    called = asyncio.Event()

    async def changed() -> None:
        called.set()

    async with Watch([path], [path.parent], on_change=changed, every=0.01, debounce=0.01, since=0):
        await called.wait()

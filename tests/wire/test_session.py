"""Many rows against one target: who is blamed, and who gets another chance."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import attrs
import pytest

from tests.wire import session, targets
from tests.wire.engine import Outcome
from tests.wire.others import SLOW
from tests.wire.row import Row, declined
from tests.wire.session import Bench
from tests.wire.targets import Running
from tests.wire.upstream import Upstream


ROWS = [Row(f"X-0{number}", b"x", declined(400)) for number in range(8)]


class Scripted:
    """An engine whose rows leave behind what they are told to."""

    def __init__(self, guilty: set[str], slow: int = 0) -> None:
        self.guilty = guilty
        self.slow = slow
        self.mess = 0
        self.ran: list[str] = []

    async def run(self, row: Row) -> Outcome:
        """Run a row."""
        self.ran.append(row.id)
        self.mess += row.id in self.guilty
        late = row.id == "X-00" and self.ran.count(row.id) <= self.slow
        return Outcome(row, ("it was over after 3.00 s, not within 1",) if late else ())


class Scene(Bench):
    """A bench that looks at the mess of a scripted engine."""

    def __init__(self, upstream: Upstream, engine: Scripted) -> None:
        super().__init__(upstream, Running(0, house=True))
        self._engine = engine  # type: ignore[assignment]
        self.script = engine

    async def _left(self, _: object) -> list[str]:
        mess, self.script.mess = self.script.mess, 0
        return ["a mess"] if mess else []


@contextlib.asynccontextmanager
async def scene(*guilty: str, slow: int = 0) -> AsyncIterator[Scene]:
    """A scene with some rows that leave a mess."""
    async with Upstream(("origin",)) as upstream:
        yield Scene(upstream, Scripted(set(guilty), slow))


@pytest.mark.parametrize("guilty", [["X-00"], ["X-05"], ["X-00", "X-07"], []])
async def test_the_row_that_leaves_something_behind_is_found(guilty: list[str]) -> None:
    """By running ever fewer rows."""
    async with scene(*guilty) as one:
        outcomes = await one.judge(ROWS, 4)

    assert guilty == [outcome.row.id for outcome in outcomes if outcome.left]
    assert [row.id for row in ROWS] == [outcome.row.id for outcome in outcomes]


async def test_what_only_happens_in_company_fails_too() -> None:
    """Somebody has to be blamed."""
    async with scene("X-03") as one:
        one.script.mess = 1
        one.script.guilty.clear()
        outcomes = await one.judge(ROWS[:2], 2)

    assert [(), ("2 rows together: a mess",)] == [outcome.left for outcome in outcomes]


@pytest.mark.parametrize(
    ("slow", "passed", "runs"), [(0, True, 1), (1, True, 2), (2, True, 3), (3, False, 3)]
)
async def test_what_is_only_slow_runs_again(slow: int, passed: bool, runs: int) -> None:
    """The machine may have been busy; three times in a row it was not the machine."""
    async with scene(slow=slow) as one:
        outcome = await one.again(await one.script.run(ROWS[0]))

    assert (passed, runs) == (outcome.passed, len(one.script.ran))


def test_what_counts_as_slow() -> None:
    """And nothing else does."""
    assert SLOW.search("it was over after 2.51 s, not within 2.5")
    assert SLOW.search("on another connection: the pulse took 0.31 s")
    assert SLOW.search("on another connection: no answer within 1.00 s")
    assert not SLOW.search("on another connection: b'HTTP/1.1 502 Bad Gateway'")
    assert not SLOW.search("0 answers [], not 1 ['400']")


@pytest.fixture
def process() -> Iterator[Running]:
    """A process that holds a few descriptors."""
    command = [sys.executable, "-c", "print('ready', flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()
        yield Running(0, process=running)
        running.kill()


async def test_what_a_process_holds_is_counted(process: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what it holds beyond that is told."""
    monkeypatch.setattr(targets, "QUIET", 0.0)

    assert "" == await process.quiet(process.descriptors())
    assert "it holds" in await process.quiet(0)
    assert 0 < process.resident()


async def test_a_process_that_has_ended_ends_the_session(process: Running) -> None:
    """Nobody can say anything about rows then."""
    assert process.process is not None
    process.process.kill()
    await asyncio.to_thread(process.process.wait)
    async with Upstream(("origin",)) as upstream:
        with pytest.raises(RuntimeError, match="has ended"):
            await Bench(upstream, process)._left([])


async def test_rows_of_profiles_that_a_peer_does_not_have_are_left_out() -> None:
    """The stubs have all: they know nothing of configurations."""
    rows = [attrs.evolve(ROWS[0], id="X plain"), attrs.evolve(ROWS[0], id="X other", profile="small")]

    assert ["X plain", "X other"] == [one.row.id for one in await session.judge("silent", rows)]


def test_a_peer_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name."""
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)

    with pytest.raises(targets.MissingError, match="haproxy is not installed"):
        targets.find("haproxy", None)

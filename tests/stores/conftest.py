"""A key book in a folder of its own, and processes beside this one."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gatekeeper.stores.keys import KeyBook
from gatekeeper.testing import FakeClock


PATIENCE = 20.0

OTHER = """
import sys
from pathlib import Path
from gatekeeper.core.clock import SystemClock
from gatekeeper.stores.keys import KeyBook
book = KeyBook(Path(sys.argv[1]), SystemClock())
"""


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a database is to be."""
    return tmp_path / "gatekeeper.db"


@pytest.fixture
def book(path: Path, clock: FakeClock) -> KeyBook:
    """Its key book; nothing has been written yet."""
    return KeyBook(path, clock)


def command(path: Path, code: str) -> tuple[str, ...]:
    """A process that does this with `book`."""
    return sys.executable, "-c", OTHER + code, str(path)


async def elsewhere(path: Path, code: str) -> str:
    """Do it in another process; what that prints."""
    process = await asyncio.create_subprocess_exec(*command(path, code), stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert 0 == process.returncode
    return said.decode()


class Looks:
    """Hears of what a watch has found."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def __call__(self) -> None:
        self._loop.call_soon_threadsafe(self._event.set)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for looks until the condition holds."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await self._event.wait()
                self._event.clear()

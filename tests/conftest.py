"""What holds for every test: nothing blocks the loop, and nothing is left running.

Mark a test `both_loops` to run it on asyncio's own loop and on uvloop.
"""

import asyncio
import gc
import inspect
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pytest
import pytest_asyncio
from blockbuster import BlockBuster
from hypothesis import settings


pytest_plugins = ["gatekeeper.testing"]

# how long an example takes says nothing where tests share a machine
settings.register_profile("gatekeeper", deadline=None)
settings.load_profile("gatekeeper")

MAY_BLOCK = [
    # (call, end of the file, functions): why it does no harm
    # the last lines of the logs are waited for when the process ends, and not for ever
    ("threading.Lock.acquire", "gatekeeper/observe/output.py", {"close"}),
    # a socket file that nobody uses goes with its last descriptor, when a change is given up or the gateway ends
    ("os.unlink", "gatekeeper/edge/socketfile.py", {"release"}),
]


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "both_loops: run on asyncio's loop and on uvloop")


def pytest_asyncio_loop_factories(
    item: pytest.Item,
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Name the loops that a test runs on."""
    loops: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {"asyncio": asyncio.new_event_loop}
    if item.get_closest_marker("both_loops") is not None and sys.platform != "win32":
        import uvloop

        loops["uvloop"] = uvloop.new_event_loop
    return loops


@pytest.fixture(scope="session", autouse=True)
def _nothing_blocks() -> Iterator[None]:
    """A call of the gateway's that blocks while a loop runs raises BlockingError."""
    guard = BlockBuster("gatekeeper", excluded_modules=["gatekeeper.testing"])
    for call, file, functions in MAY_BLOCK:
        guard.functions[call].can_block_in(file, functions)
    guard.activate()
    # what was imported stays: the collections after each test need not look at it
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()
    guard.deactivate()


@pytest.fixture(autouse=True)
def _nothing_is_left(request: pytest.FixtureRequest) -> None:
    """Ask for the check below first, so that it is made last; only where there is a loop."""
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_no_task_is_left")


@pytest_asyncio.fixture
async def _no_task_is_left() -> AsyncIterator[None]:
    """A test ends when everything it started has; sockets and files that nobody closed are warnings, and those errors."""
    before = asyncio.all_tasks()
    yield
    left: set[asyncio.Task[object]] = set()
    for _ in range(20):
        left = {task for task in asyncio.all_tasks() - before - {asyncio.current_task()} if not task.done()}
        if not left:
            break
        await asyncio.sleep(0.01)
    assert not left, f"tasks are left: {left}"
    gc.collect()

"""The loop that a process runs in."""

import asyncio
import errno
import gc
from collections.abc import Iterator

import pytest

from gatekeeper.runtime import loop as module
from gatekeeper.runtime.loop import LoopErrors, run, settle_later


async def name_of_the_loop() -> int:
    """1 for uvloop's."""
    return int(type(asyncio.get_running_loop()).__module__.startswith("uvloop"))


def test_it_is_uvloops_where_that_exists() -> None:
    """Half the time of asyncio's."""
    assert 1 == run(name_of_the_loop())


def test_it_is_asyncios_where_it_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is different."""
    monkeypatch.setitem(__import__("sys").modules, "uvloop", None)

    assert 0 == run(name_of_the_loop())


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
async def test_exhaustion_is_told_once_in_a_while(number: int, caplog: pytest.LogCaptureFixture) -> None:
    """The loop tries again each second."""
    errors, loop = LoopErrors(), asyncio.get_running_loop()
    for _ in range(100):
        errors(loop, {"exception": OSError(number, "no more"), "socket": object()})

    assert ["no connection can be accepted: no more"] == caplog.messages


async def test_all_else_is_told_as_always(caplog: pytest.LogCaptureFixture) -> None:
    """Also what is exhausted elsewhere than in accepting."""
    errors, loop = LoopErrors(), asyncio.get_running_loop()
    errors(loop, {"message": "a task failed", "exception": OSError(errno.EMFILE, "no more")})
    errors(loop, {"message": "another one"})

    assert ["a task failed", "another one"] == [message.splitlines()[0] for message in caplog.messages]


@pytest.fixture
def no_collections() -> Iterator[None]:
    """As a process starts."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_collections")
async def test_memory_settles_after_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """What stays is not looked through again, and collections go on."""
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.01)
    before = gc.get_freeze_count()

    settle_later()
    assert not gc.isenabled()
    await asyncio.sleep(0.1)

    assert gc.isenabled()
    assert gc.get_freeze_count() >= before

"""Gateways of several workers, for as long as a test takes."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.workers.supervising import HELLO, Supervise, Supervisor, start


@pytest_asyncio.fixture
async def supervise(tmp_path: Path) -> AsyncIterator[Supervise]:
    """Start gateways of two workers, or of as many as is said."""
    started: list[Supervisor] = []

    async def supervise(
        text: str = HELLO, *, count: int = 2, plugins: Sequence[Path] = (), **options: Any
    ) -> Supervisor:
        path = tmp_path / f"gateway-{len(started)}.yaml"
        started.append(await start(path, text, count=count, plugins=plugins, **options))
        return started[-1]

    yield supervise
    for supervisor in started:
        await supervisor.client.close()
        await supervisor.gateway.stop(0, linger=False)


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[[str], Path]:
    """Write a plugin."""

    def write(code: str) -> Path:
        path = tmp_path / "own.py"
        path.write_text(code)
        return path

    return write

"""A process of hostile clients as who sends them sees it."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final

import attrs
import orjson

from tests.crowd.hostile import Figures, Options
from tests.crowd.process import PYTHON
from tests.soak.process import ROOT


PATIENCE: Final = 60.0
"""Seconds until all who were sent are there, or were refused."""
LOOK: Final = 0.25


class Herd:
    """One kind of hostile client."""

    def __init__(self, options: Options, process: asyncio.subprocess.Process) -> None:
        self.options: Final = options
        self.figures = Figures(wanted=options.count)
        """The latest."""
        self._process = process

    async def tell(self, command: str) -> None:
        """Give a command that is not answered."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        await self._process.stdin.drain()

    async def look(self) -> Figures:
        """What has become of them."""
        await self.tell("report")
        assert self._process.stdout is not None
        found = orjson.loads(await self._process.stdout.readline())
        found["cuts"] = [(status, seconds) for status, seconds in found["cuts"]]
        self.figures = Figures(**found)
        return self.figures

    async def until(self, condition: Callable[[Figures], bool], patience: float = PATIENCE) -> bool:
        """Wait until something is true of them; whether it is."""
        deadline = monotonic() + patience
        while not condition(await self.look()):
            if monotonic() > deadline:
                return False
            await asyncio.sleep(LOOK)
        return True

    async def come(self) -> None:
        """Let them come, and wait until each is there, or was sent away."""
        await self.tell("come")
        await self.until(
            lambda found: found.open + found.refused + found.dropped + found.unconnected >= found.wanted
        )

    async def leave(self) -> None:
        """Let all of them go; what had become of them until then is told no more."""
        await self.tell("leave")


@asynccontextmanager
async def waiting(options: Options) -> AsyncIterator[Herd]:
    """A process of them, who wait until they are to come; they are gone at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.crowd.hostile",
        orjson.dumps(attrs.asdict(options)).decode(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=PYTHON,
        limit=1 << 26,
    )
    try:
        yield Herd(options, process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

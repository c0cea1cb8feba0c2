"""Good traffic: requests at a steady rate, each second one on a connection of its own, none of them sent twice."""

import asyncio
from collections.abc import Sequence
from random import Random
from time import monotonic
from typing import Final

import attrs

from tests.soak import checks
from tests.soak.traffic import Asked, Traffic
from tests.soak.wire import BrokenError, Client


ADDRESSES: Final = 200
KINDS: Final = ("GET", "GET", "GET", "POST")


@attrs.frozen
class Phase:
    """A part of the time; `begin` and `end` are those of `time.monotonic`."""

    name: str
    begin: float
    end: float
    cpu: float = 0.0
    """Seconds of a processor that the gateway has used."""
    resident: int = 0
    """Bytes of the gateway at its end."""
    lines: int = 0
    """Of its log but for the access log."""
    answers: int = 0
    """Lines of its access log."""


class Good(Traffic):
    """Clients who keep their connections, and as many who do not."""

    def __init__(self, port: int, rate: int, random: Random, slowness: int = 0) -> None:
        super().__init__(port, rate, random, KINDS, slowness)
        self.took: list[tuple[float, float]] = []
        """When each was due, and seconds from then to the end of its answer."""

    async def _open(self, port: int) -> Client:
        # from one address there is not room for all whom a stall would bring
        address = f"127.0.0.{2 + self.connections % ADDRESSES}"
        try:
            _, client = await asyncio.get_running_loop().create_connection(
                Client, "127.0.0.1", port, local_addr=(address, 0)
            )
        except OSError as error:
            raise BrokenError(f"no connection: {error}") from error
        client.on_idle_end = self._hung_up
        self.connections += 1
        return client

    async def _send(self, due: float) -> None:
        kind, fresh = self._random.choice(self._kinds), self._random.random() < 0.5
        client = await self._ask(kind, None if fresh else self._free())
        self.took.append((due, monotonic() - due))
        if client is None:
            return
        if fresh:
            client.close()
        else:
            self._idle.append(client)


def failed(asked: Sequence[Asked], phase: Phase | None = None) -> list[Asked]:
    """Those that were not answered as they should be."""
    return [one for one in asked if one.why and (phase is None or phase.begin <= one.sent < phase.end)]


def waited(took: Sequence[tuple[float, float]], phase: Phase, part: float) -> float:
    """Seconds that this part of the requests of a phase was answered within."""
    return checks.share((seconds for due, seconds in took if phase.begin <= due < phase.end), part)

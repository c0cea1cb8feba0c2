"""How much is restarted, and all that was seen meanwhile."""

from collections.abc import Sequence
from typing import Final

import attrs

from tests.soak.traffic import Asked


@attrs.frozen
class Options:
    """How much is restarted."""

    times: int = 50
    rate: int = 100
    seed: int = 0
    grace: float = 15.0
    """Seconds, `server.drain`."""
    pauses: Sequence[float] = (1.0, 2.0, 9.0, 13.0)
    """Of clients that ask rarely; those above `IDLE_GRACE` let a drain wait for them, and are hung up on."""
    sabotage: str = ""


SHORT: Final = Options(times=4, pauses=(1.0, 2.0))
"""Where gateways are spoiled."""


@attrs.frozen
class Life:
    """One restart; times are those of `time.monotonic`."""

    name: str
    asked: float
    """When SIGTERM was sent."""
    told: float
    """When the balancer heard of it; 0 if it never did before the end."""
    ended: float
    code: int | None
    ready: float
    """When the next one was."""
    complaints: Sequence[str] = ()


@attrs.define
class Story:
    """All that was seen."""

    options: Options
    asked: Sequence[Asked] = ()
    lives: list[Life] = attrs.field(factory=list)
    sent: int = 0
    due: int = 0
    connections: int = 0
    idle_ends: Sequence[float] = ()
    refused: int = 0
    lonely: int = 0
    broken: str = ""
    """What kept it from its end."""

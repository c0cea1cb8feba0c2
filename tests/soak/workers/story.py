"""What is done to the workers, and all that was seen meanwhile."""

from collections.abc import Sequence
from typing import Final, Literal

import attrs

from tests.soak.traffic import Asked


@attrs.frozen
class Options:
    """How much of it."""

    renewals: int = 50
    reloads: int = 100
    """While workers are renewed."""
    tunnels: int = 1000
    """That are open meanwhile."""
    kills: int = 100
    stops: int = 20
    rate: int = 200
    seed: int = 0
    sabotage: str = ""


SHORT: Final = Options(renewals=3, reloads=4, tunnels=40, kills=3, stops=1, rate=80)
"""Where gateways are spoiled, and in the suite."""


@attrs.frozen
class Blow:
    """A worker that was killed or stopped; times are those of `time.monotonic`, and `replaced` is 0 if it never was."""

    kind: Literal["kill", "stop"]
    pid: str
    at: float
    replaced: float

    @property
    def took(self) -> float:
        """Seconds until there were as many as before."""
        return self.replaced - self.at if self.replaced else float("inf")


@attrs.define
class Story:
    """All that was seen."""

    options: Options
    asked: Sequence[Asked] = ()
    blows: list[Blow] = attrs.field(factory=list)
    renewed: int = 0
    """Times that all workers were."""
    reloaded: int = 0
    quiet_until: float = 0.0
    """Until then workers were only renewed: nothing may fail."""
    tunnels_open: int = 0
    """At the end of the renewals."""
    tunnels_dropped: Sequence[str] = ()
    words: int = 0
    workers_left: int = 0
    """After the last tunnel has ended."""
    totals: list[float] = attrs.field(factory=list)
    """Requests answered, as the metrics had it from second to second."""
    connects: Sequence[tuple[float, float]] = ()
    """When clients began to connect, and how many seconds that took."""
    sent: int = 0
    due: int = 0
    connections: int = 0
    descriptors: tuple[int, int] = (0, 0)
    """Of the supervisor, before and after."""
    complaints: Sequence[str] = ()
    code: int | None = None
    broken: str = ""
    """What kept it from its end."""

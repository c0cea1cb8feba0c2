"""What is done to instances, and all that was seen meanwhile."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from tests.soak.failover.instance import Begun
from tests.soak.traffic import Asked


RATE: Final = 200
SLOWNESS: Final = 150
"""Milliseconds that an answer takes at most: something is under way on each instance at any moment."""
WEIGHT: Final = 3
HEALTH: Final = """\
    health: {http: /health, every: 1s, timeout: 500ms, healthy_after: 2, unhealthy_after: 2}
    outliers: {eject_for: 1s}
"""
"""How a gateway is told to look after them, in its file."""


@attrs.frozen
class Options:
    """How much is done. Times are in seconds."""

    rounds: int = 3
    rate: int = RATE
    seed: int = 0
    kills: int = 5
    away: float = 2.5
    """How long one that was killed stays away."""
    frozen: float = 8.0
    flaps: int = 6
    watched: float = 2.0
    """How long an instance is looked at that is to get nothing."""
    weighed: float = 8.0
    """How long it is counted who gets what."""
    sabotage: str = ""


SHORT: Final = Options(rounds=1, kills=1, away=2.0, frozen=4.5, flaps=2, watched=0.7, weighed=2.0)
"""Half a minute."""


@attrs.define
class Stage:
    """One of the things that happen, to one instance; times are those of `time.monotonic`."""

    name: str
    instance: str
    begun: float
    happened: float = 0.0
    """When it was killed or stopped, or when the admin side had answered."""
    unfit: float = 0.0
    """When the admin side was seen to know of it."""
    over: float = 0.0
    """When its cause was over."""
    fit: float = 0.0
    """When the admin side was seen to know that."""
    ended: float = 0.0


@attrs.define
class Story:
    """All that was seen."""

    options: Options
    asked: Sequence[Asked] = ()
    begun: Sequence[Begun] = ()
    stages: list[Stage] = attrs.field(factory=list)
    deaths: list[tuple[str, float]] = attrs.field(factory=list)
    blamed: Mapping[int, str] = attrs.field(factory=dict)
    """The last instance of each request that failed, as the access log has it."""
    sent: int = 0
    due: int = 0
    idle_ends: int = 0
    last: Mapping[str, Any] = attrs.field(factory=dict)
    """The service, as the admin side shows it at the end."""
    complaints: Sequence[str] = ()
    code: int | None = None
    broken: str = ""
    """What kept it from its end."""

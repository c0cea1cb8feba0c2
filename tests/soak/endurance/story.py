"""How long it lasts, and all that was seen meanwhile."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import attrs


@attrs.frozen
class Options:
    """How long and how much."""

    seconds: float = 1800.0
    rate: int = 1150
    """Requests a second."""
    every: float = 10.0
    """Seconds between two things that happen."""
    svg: str = ""
    """Where the curve is drawn."""
    seed: int = 0
    sabotage: str = ""


SHORT: Final = Options(seconds=30.0, rate=300, every=2.0)
"""Where gateways are spoiled, and in the suite."""


@attrs.frozen
class Point:
    """What all processes of the gateway take at one moment."""

    at: float
    """Seconds since the load began."""
    answered: int
    resident: Mapping[str, int]
    """Bytes, by the name of the process."""
    descriptors: int

    @property
    def total(self) -> int:
        """Bytes of all of them."""
        return sum(self.resident.values())


@attrs.define
class Story:
    """All that was seen."""

    options: Options
    points: list[Point] = attrs.field(factory=list)
    happened: Counter[str] = attrs.field(factory=Counter)
    """What was done, and how often."""
    refused: int = 0
    """Things that the gateway did not do."""
    answered: int = 0
    failed: Counter[str] = attrs.field(factory=Counter)
    excused: int = 0
    sent: int = 0
    due: int = 0
    counted: int = 0
    """Requests answered, as the metrics have it."""
    before: Mapping[str, int] = attrs.field(factory=dict)
    """Descriptors but for those of pooled connections, and tasks, before the load."""
    after: Mapping[str, int] = attrs.field(factory=dict)
    """The same after it."""
    complaints: list[str] = attrs.field(factory=list)
    renewed: bool = False
    """Whether the workers were, at the end and under load, and no request has failed."""
    code: int | None = None
    broken: str = ""
    """What kept it from its end."""

"""How many come, what they meet, and all that was seen of it."""

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from tests.crowd.good import Phase
from tests.crowd.hostile import Figures
from tests.crowd.process import Cut, Line
from tests.soak.traffic import Asked


@attrs.frozen
class Options:
    """How many come, and what the gateway is told; times are in seconds."""

    idle: int = 10_000
    heads: int = 2_000
    bodies: int = 500
    deaf: int = 500
    resets: int = 5_000
    """A second."""
    resetting: float = 30.0
    """How long."""
    place: int = 1_000
    """Connections from one address, by the configuration."""
    beyond: int = 200
    """Who come from one address that has no place for them any more."""
    rate: int = 300
    """Good requests a second."""
    quiet: float = 15.0
    """Without anybody hostile."""
    connections: int = 10_000
    """That may be open, by the configuration."""
    rounds: int = 2
    head: float = 10.0
    """`server.timeouts`."""
    window: float = 10.0
    """Of the least rate of bodies."""
    write: float = 60.0
    """`server.timeouts`."""
    idle_time: float = 75.0
    """`server.timeouts.idle`."""
    pool_idle: float = 30.0
    """`services.*.pool.idle`."""
    drip: float = 3.0
    """Seconds between two bytes of a head; a body has one a second."""
    server: str = ""
    """More of the file, as in `limits: {connections: 20000}`."""
    service: str = ""
    """The same of the service."""
    plugin: str = ""
    descriptors: int = 1_024
    """That the gateway may have at first, as most systems give them."""
    idle_bar: float = 12.0
    """KiB for an idle connection."""
    deaf_bar: float = 1.0
    """MiB for a client that does not read, of the gateway and of the kernel."""
    seed: int = 0


SMALL: Final = Options(
    idle=300,
    heads=100,
    bodies=40,
    deaf=20,
    resets=200,
    resetting=1.5,
    place=120,
    beyond=20,
    rate=50,
    quiet=0.5,
    rounds=1,
    head=1.0,
    window=1.0,
    write=1.5,
    idle_time=7.0,
    pool_idle=1.0,
    drip=0.3,
    server="timeouts: {head: 1s, write: 1500ms, idle: 7s}, limits: {connections_per_address: 120}",
    service="pool: {idle: 1s}",
    plugin="from gatekeeper.edge import body\n\nbody.RATE_WINDOW = 1.0\n",
    idle_bar=60.0,
)
"""The same with hundreds, in a few seconds."""


@attrs.frozen
class Held:
    """What the gateway holds while nobody asks for anything."""

    descriptors: int
    objects: Mapping[str, int]

    def exceeds(self, other: "Held") -> bool:
        """Whether it holds more of anything."""
        return self.descriptors > other.descriptors or any(
            count > other.objects.get(name, 0) for name, count in self.objects.items()
        )


@attrs.frozen
class Round:
    """The crowd once; what has become of each kind."""

    resets: Figures
    address: Figures
    """Of those from one address."""
    idle: Figures
    heads: Figures
    bodies: Figures
    deaf: Figures
    cut: Sequence[Cut]
    """Of those who did not read."""
    each_idle: float
    """Bytes of the gateway for each idle connection."""
    each_deaf: float
    """The same for each who does not read."""
    kernel_deaf: float
    """Bytes of the kernel for each of them."""
    counted: int
    """Connections over the limit for one address, as the gateway counts them."""
    resident: int
    """Bytes of the gateway when all of them are gone."""


@attrs.define
class Story:
    """All that was seen."""

    options: Options
    rounds: list[Round] = attrs.field(factory=list)
    phases: list[Phase] = attrs.field(factory=list)
    asked: Sequence[Asked] = ()
    took: Sequence[tuple[float, float]] = ()
    sent: int = 0
    due: int = 0
    idle_ends: int = 0
    """Good connections that were hung up on."""
    highest: int = 0
    """Bytes of the gateway."""
    descriptors: int = 0
    """The most that were open."""
    allowed: tuple[int, int] = (0, 0)
    """Descriptors that the gateway may have when the crowd is there."""
    said: Sequence[Line] = ()
    before: Held | None = None
    after: Held | None = None
    refused: Mapping[str, int] = attrs.field(factory=dict)
    """Connections, by the limit that they met."""
    code: int | None = None
    broken: str = ""
    """What kept it from its end."""

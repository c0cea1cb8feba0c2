"""What a part is handed when it is built, so that it neither reaches for globals nor for the network."""

import logging
from collections.abc import Callable, Sequence
from random import Random, SystemRandom
from typing import Final

import attrs

from gatekeeper.core.chain import AttemptHandler
from gatekeeper.core.clock import Clock, Wheel
from gatekeeper.core.instance import Instance
from gatekeeper.extend.running import RunningGateway
from gatekeeper.observe.metrics import Metrics


ALL_ROUTES: Final = "all routes"
"""The owner of the global filters."""

Pick = Callable[[Sequence[Instance]], Instance | None]
"""The instance for the next attempt, if possible none of those that were tried; None where there is none."""


@attrs.frozen
class Target:
    """The service that a chain ends at: who may be asked, and the way there.

    `send` takes one attempt through the service's attempt filters to its instance; failures are exceptions.
    `total` is the time in seconds that all attempts of an exchange may take together, None without limit.
    """

    service: str
    pick: Pick
    send: AttemptHandler
    total: float | None = None


@attrs.frozen(kw_only=True)
class BuildContext:
    """The surroundings of one filter in one snapshot.

    `owner` says where it stands (`route users`, `service orders`, `all routes`), `name` is its name in the chain, and
    `target` the service behind it, where it stands in a service.
    """

    gateway: RunningGateway
    wheel: Wheel
    name: str
    owner: str
    target: Target | None = None
    random: Random = attrs.field(factory=SystemRandom)

    @property
    def logger(self) -> logging.Logger:
        """A logger that carries the filter's name."""
        return logging.getLogger(f"gatekeeper.filter.{self.name}")

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.gateway.clock

    @property
    def metrics(self) -> Metrics:
        """Where to count; a family that exists already is returned as it is."""
        return self.gateway.metrics

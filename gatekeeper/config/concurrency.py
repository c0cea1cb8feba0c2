"""How many requests may be under way at the same time, at the gateway or at one service."""

import attrs

from gatekeeper.config.fields import AtLeast, help_line
from gatekeeper.config.problems import Refusal
from gatekeeper.config.units import Duration


@attrs.frozen(kw_only=True)
class ConcurrencyConfig:
    """How many requests may be under way; more wait in line, and are refused with 503 where it is full."""

    limit: int = attrs.field(
        validator=AtLeast(1), metadata=help_line("how many may be under way at the same time")
    )
    queue: int = attrs.field(
        default=0, validator=AtLeast(0), metadata=help_line("how many more may wait for a place")
    )
    wait: Duration = attrs.field(default=0.0, metadata=help_line("how long each of them waits at most"))

    def __attrs_post_init__(self) -> None:
        if self.queue and not self.wait:
            raise Refusal(
                "`queue` needs `wait`: how long a request waits for a place, as in `wait: 1s`", "needs"
            )
        if self.wait and not self.queue:
            raise Refusal("`wait` needs `queue`: how many requests may wait, as in `queue: 100`", "needs")

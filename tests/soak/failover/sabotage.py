"""What spoils a gateway so that the soak of failover has to find it out."""

from collections.abc import Mapping
from typing import Final

from tests.soak.failover.story import HEALTH
from tests.soak.sabotage import Sabotage


SABOTAGES: Final[Mapping[str, Sabotage]] = {
    "no retries": Sabotage(
        fails=("GETs failed, but for a frozen instance", "POSTs failed, but on one that died or froze"),
        replaced=("    retries: {}", "    retries: false"),
    ),
    "retries POST": Sabotage(
        plugin="""
from gatekeeper.policy import retry

retry.IDEMPOTENT = retry.IDEMPOTENT | {"POST"}
""",
        fails=("POSTs sent twice", "POSTs answered were begun and ended once"),
    ),
    "no health": Sabotage(
        fails=("until it is known, longest", "timed out on a frozen one", "sent to one that is out"),
        replaced=(HEALTH, "    health: false\n    outliers: false\n"),
    ),
    "never well again": Sabotage(
        plugin="""
from gatekeeper.policy.health import Health

note = Health.note
Health.note = lambda self, *outcome: note(self, *outcome) if self.fit else self
""",
        fails=(
            "until one that is well again is fit, longest",
            "came back and were asked",
            "states at the end",
        ),
    ),
    "deaf": Sabotage(
        plugin="""
from gatekeeper.registry.services import Service

Service.override = lambda self, instance, **changes: self.member(instance)
""",
        fails=("sent to one that is out", "begun there 0.5 s after the answer", "off its weight, most"),
    ),
    "forgets to take out": Sabotage(
        plugin="""
from gatekeeper.runtime.local import LocalNode


async def remove_instance(self, service, instance):
    pass


LocalNode.remove_instance = remove_instance
""",
        fails=("sent to one that is out", "begun there 0.5 s after the answer", "states at the end"),
    ),
    "counts wrong": Sabotage(
        plugin="""
from gatekeeper.core.exchange import Attempt

complete = Attempt.complete


def lose(self, error=None):
    if error is not None and not self._ended:
        self.instance.in_flight += 1
    complete(self, error)


Attempt.complete = lose
""",
        fails=("in flight at the end",),
    ),
}

"""What spoils workers so that their soak has to find it out."""

from collections.abc import Mapping
from typing import Final

from tests.soak.sabotage import Sabotage


SABOTAGES: Final[Mapping[str, Sabotage]] = {
    "takes the socket along": Sabotage(
        plugin="""
from gatekeeper.edge.server import EdgeServer

drain = EdgeServer.drain


async def alone(self, grace, *, linger=True, hand_over=False):
    return await drain(self, grace, linger=linger)


EdgeServer.drain = alone
""",
        fails=("longest way to a connection in renewals",),
    ),
    "cuts tunnels": Sabotage(
        plugin="""
from gatekeeper.edge.server import EdgeServer

drain_before = EdgeServer.drain


async def short(self, grace, *, linger=True, hand_over=False):
    return await drain_before(self, 0.5, linger=linger, hand_over=hand_over)


EdgeServer.drain = short
""",
        fails=("tunnels dropped", "tunnels open after all renewals"),
    ),
    "forgets who has died": Sabotage(
        plugin="""
from gatekeeper.observe.totals import Totals

Totals.end = lambda self, key: self._latest.pop(key, None)
""",
        fails=("times that a total went down",),
    ),
    "waits for nobody": Sabotage(
        plugin="""
from gatekeeper.workers import crew

crew.STUCK = 12.0
""",
        fails=("stopped to replaced, longest",),
    ),
}

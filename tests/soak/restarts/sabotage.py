"""What spoils the end of a gateway so that the soak of restarts has to find it out."""

from collections.abc import Mapping
from typing import Final

from tests.soak.sabotage import Sabotage


SABOTAGES: Final[Mapping[str, Sabotage]] = {
    "closes at once": Sabotage(
        plugin="""
from gatekeeper.edge import server

server.LINGER = 0.0
""",
        fails=("connections refused by one that was ready",),
    ),
    "never says close": Sabotage(
        plugin="""
from gatekeeper.edge.listener import Listener

Listener.leaving = property(lambda self: False, lambda self, value: None)
""",
        fails=("answers while draining say close",),
    ),
    "impatient": Sabotage(
        plugin="""
from gatekeeper.edge.server import EdgeServer

drain = EdgeServer.drain
EdgeServer.drain = lambda self, grace, **options: drain(self, 0.1, **options)
""",
        fails=("exit code 0", "complaints in the logs"),
    ),
    "stays": Sabotage(
        plugin="""
import asyncio
from gatekeeper.edge.server import EdgeServer

drain = EdgeServer.drain


async def stay(self, grace, **options):
    await asyncio.sleep(grace)
    return await drain(self, grace, **options)


EdgeServer.drain = stay
""",
        fails=("SIGTERM to the end, longest",),
    ),
}

"""What spoils a gateway so that the soak of reloads has to find it out."""

from collections.abc import Mapping
from typing import Final

from tests.soak.sabotage import Sabotage


_COMMIT: Final = """
from gatekeeper.runtime.gateway import Gateway

commit = Gateway.commit


async def spoiled(self, change):
    await commit(self, change)
    after(self)


Gateway.commit = spoiled
"""

SABOTAGES: Final[Mapping[str, Sabotage]] = {
    "closes idle connections": Sabotage(
        plugin=_COMMIT
        + """
def after(gateway):
    for connection, transport in gateway.front.edge._connections.items():
        if connection.is_idle:
            transport.close()
""",
        fails=("connections ended without a word",),
    ),
    "cuts what is under way": Sabotage(
        plugin=_COMMIT
        + """
def after(gateway):
    for transport in list(gateway.front.edge._connections.values()):
        transport.abort()
""",
        fails=("transfers that were not whole", "slow transfers whole", "event streams without a gap"),
    ),
    "is away for a moment": Sabotage(
        plugin=_COMMIT
        + """
from gatekeeper.core.errors import GatewayError
from gatekeeper.runtime.snapshot import Snapshot

match, left = Snapshot.match, 0


class Away(GatewayError):
    status = 503


def after(gateway):
    global left
    left = 3


def refusing(self, exchange):
    global left
    left -= 1
    return match(self, exchange) if left < 0 else self._refuse(exchange, Away())


Snapshot.match = refusing
""",
        fails=("requests answered", "failed requests", "answers 5xx, as the gateway counts"),
    ),
    "spoils a byte": Sabotage(
        plugin="""
from gatekeeper.edge import server

send, number = server.send, 0


async def spoiled(response, *arguments, **options):
    global number
    number += 1
    if number % 200 == 0 and response.body.data:
        response.body.data = b"?" + response.body.data[1:]
    return await send(response, *arguments, **options)


server.send = spoiled
""",
        fails=("failed requests",),
    ),
    "forgets to close pools": Sabotage(
        plugin="""
from gatekeeper.upstream.pool import Pool

Pool.close = lambda self: None
""",
        fails=("descriptors", "objects: Connection"),
    ),
    "never lets go": Sabotage(
        plugin="""
from gatekeeper.runtime.keep import Hold

Hold.release = lambda self: None
""",
        fails=("kept things",),
    ),
    "keeps old snapshots": Sabotage(
        plugin=_COMMIT
        + """
old = []


def after(gateway):
    old.append(gateway.snapshot)
""",
        fails=("objects: Snapshot",),
    ),
    "forgets the memory it takes": Sabotage(
        plugin=_COMMIT
        + """
taken = []


def after(gateway):
    taken.append(bytearray(b"x") * 2_000_000)
""",
        fails=("memory growth",),
    ),
    "leaves tasks behind": Sabotage(
        plugin=_COMMIT
        + """
import asyncio


def after(gateway):
    gateway.spawn("left behind", asyncio.sleep(3600))
""",
        fails=("tasks",),
    ),
    "leaves threads behind": Sabotage(
        plugin=_COMMIT
        + """
import threading


def after(gateway):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
""",
        fails=("other threads",),
    ),
    "hears late of files": Sabotage(
        plugin="""
from gatekeeper.policy import settling

settling.APART = 8.0
""",
        fails=("sound edits, longest",),
    ),
    "thinks for long": Sabotage(
        plugin="""
import asyncio
from gatekeeper.runtime.reload import Reloader

change = Reloader._change


async def slowly(self, *arguments, **options):
    await asyncio.sleep(1.5)
    return await change(self, *arguments, **options)


Reloader._change = slowly
""",
        fails=("sound edits, median", "sound edits that nobody asked to read, median"),
    ),
    "goes back after a refusal": Sabotage(
        plugin=_COMMIT
        + """
from gatekeeper.runtime.reload import Reloader

unsound, history = Reloader._unsound, []


def after(gateway):
    history.append(gateway.snapshot)


def going_back(self, *arguments, **options):
    if len(history) > 1:
        self._gateway.snapshot = history[-2]
    return unsound(self, *arguments, **options)


Reloader._unsound = going_back
""",
        fails=("answers of a wrong revision",),
    ),
    "tells another line": Sabotage(
        plugin="""
import attrs
from gatekeeper.runtime import local

local._problem = lambda problem: {**attrs.asdict(problem), "line": problem.line + 1}
""",
        fails=("broken edits told with their place",),
    ),
    "tells everything twice": Sabotage(
        plugin="""
from gatekeeper.runtime import reload

error = reload.log.error


def twice(*arguments, **options):
    error(*arguments, **options)
    error(*arguments, **options)


reload.log.error = twice
""",
        fails=("edits not told exactly once",),
    ),
    "tells nothing": Sabotage(
        plugin="""
from gatekeeper.runtime import reload

reload.log.error = lambda *arguments, **options: None
""",
        fails=("edits not told exactly once",),
    ),
    "complains": Sabotage(
        plugin=_COMMIT
        + """
import logging


def after(gateway):
    logging.getLogger("spoiled").warning("something is odd")
""",
        fails=("other complaints in the log",),
    ),
    "never closes listeners": Sabotage(
        plugin="""
from gatekeeper.edge.server import EdgeServer


async def nothing(self, name):
    pass


EdgeServer.close_listener = nothing
""",
        fails=("differences between file and state", "failures at a listener that comes and goes"),
    ),
    "hangs up with a listener": Sabotage(
        plugin="""
from gatekeeper.edge.server import EdgeServer

close = EdgeServer.close_listener


async def hanging_up(self, name):
    listener = self._listeners[name]
    await close(self, name)
    for connection, transport in list(self._connections.items()):
        if connection.accepted_by is listener:
            transport.abort()


EdgeServer.close_listener = hanging_up
""",
        fails=("connections ended without a word", "transfers that were not whole"),
    ),
    "keeps connections": Sabotage(
        plugin="""
from gatekeeper.edge.protocol import StrictProtocol

kept, made = [], StrictProtocol.connection_made


def keeping(self, transport):
    kept.append(self)
    made(self, transport)


StrictProtocol.connection_made = keeping
""",
        fails=("objects: StrictProtocol",),
    ),
    "ends with 1": Sabotage(
        plugin="""
from gatekeeper.cli.process import _Process

_Process._say_goodbye = lambda self, lost: 1
""",
        fails=("exit code",),
    ),
}
"""By name."""

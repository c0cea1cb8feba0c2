"""Gateways that must be found out: each is spoiled by a plugin, and a check of the soak of reloads has to fail.

python -m tests.soak sabotage
"""

from collections.abc import Mapping
from typing import Final

import attrs


@attrs.frozen
class Sabotage:
    """A plugin, and the checks that fail with it."""

    plugin: str
    fails: tuple[str, ...]


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
        _COMMIT
        + """
def after(gateway):
    for connection, transport in gateway._edge._connections.items():
        if connection._waiter is not None:
            transport.close()
""",
        ("connections ended without a word",),
    ),
    "cuts what is under way": Sabotage(
        _COMMIT
        + """
def after(gateway):
    for transport in list(gateway._edge._connections.values()):
        transport.abort()
""",
        ("transfers that were not whole", "slow transfers whole", "event streams without a gap"),
    ),
    "is away for a moment": Sabotage(
        _COMMIT
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
        ("requests answered", "failed requests", "answers 5xx, as the gateway counts"),
    ),
    "spoils a byte": Sabotage(
        """
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
        ("failed requests",),
    ),
    "forgets to close pools": Sabotage(
        """
from gatekeeper.upstream.pool import Pool

Pool.close = lambda self: None
""",
        ("descriptors", "objects: Connection"),
    ),
    "never lets go": Sabotage(
        """
from gatekeeper.runtime.keep import Hold

Hold.release = lambda self: None
""",
        ("kept things",),
    ),
    "keeps old snapshots": Sabotage(
        _COMMIT
        + """
old = []


def after(gateway):
    old.append(gateway.snapshot)
""",
        ("objects: Snapshot",),
    ),
    "forgets the memory it takes": Sabotage(
        _COMMIT
        + """
taken = []


def after(gateway):
    taken.append(bytearray(b"x") * 2_000_000)
""",
        ("memory growth",),
    ),
    "leaves tasks behind": Sabotage(
        _COMMIT
        + """
import asyncio


def after(gateway):
    gateway.spawn("left behind", asyncio.sleep(3600))
""",
        ("tasks",),
    ),
    "leaves threads behind": Sabotage(
        _COMMIT
        + """
import threading


def after(gateway):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
""",
        ("other threads",),
    ),
    "hears late of files": Sabotage(
        """
from gatekeeper.policy import settling

settling.APART = 8.0
""",
        ("sound edits in force within 5 s", "edits late, or not at all"),
    ),
    "thinks for long": Sabotage(
        """
import asyncio
from gatekeeper.runtime.reload import Reloader

change = Reloader._change


async def slowly(self, *arguments, **options):
    await asyncio.sleep(1.5)
    return await change(self, *arguments, **options)


Reloader._change = slowly
""",
        ("sound edits, median", "sound edits that nobody asked to read, median"),
    ),
    "goes back after a refusal": Sabotage(
        _COMMIT
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
        ("answers of a wrong revision",),
    ),
    "tells another line": Sabotage(
        """
import attrs
from gatekeeper.runtime import local

local._problem = lambda problem: {**attrs.asdict(problem), "line": problem.line + 1}
""",
        ("broken edits told within 5 s, with place",),
    ),
    "tells everything twice": Sabotage(
        """
from gatekeeper.runtime import reload

error = reload.log.error


def twice(*arguments, **options):
    error(*arguments, **options)
    error(*arguments, **options)


reload.log.error = twice
""",
        ("edits not told exactly once",),
    ),
    "tells nothing": Sabotage(
        """
from gatekeeper.runtime import reload

reload.log.error = lambda *arguments, **options: None
""",
        ("edits not told exactly once",),
    ),
    "complains": Sabotage(
        _COMMIT
        + """
import logging


def after(gateway):
    logging.getLogger("spoiled").warning("something is odd")
""",
        ("other complaints in the log",),
    ),
    "never closes listeners": Sabotage(
        """
from gatekeeper.edge.server import EdgeServer


async def nothing(self, name):
    pass


EdgeServer.close_listener = nothing
""",
        ("differences between file and state", "failures at a listener that comes and goes"),
    ),
    "hangs up with a listener": Sabotage(
        """
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
        ("failures at a listener that comes and goes",),
    ),
    "keeps connections": Sabotage(
        """
from gatekeeper.edge.protocol import StrictProtocol

kept, made = [], StrictProtocol.connection_made


def keeping(self, transport):
    kept.append(self)
    made(self, transport)


StrictProtocol.connection_made = keeping
""",
        ("objects: StrictProtocol",),
    ),
    "ends with 1": Sabotage(
        """
from gatekeeper.cli.process import _Process

_Process._say_goodbye = lambda self, lost: 1
""",
        ("exit code",),
    ),
}
"""By name."""

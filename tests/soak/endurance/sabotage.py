"""What spoils a gateway so that a long soak has to find it out."""

from collections.abc import Mapping
from typing import Final

from tests.soak.sabotage import Sabotage


_EACH = """
from gatekeeper.observe.observer import Observer

finish = Observer.finish
kept = []


def spoiled(self, exchange):
    finish(self, exchange)
    keep(exchange)


Observer.finish = spoiled
"""

SABOTAGES: Final[Mapping[str, Sabotage]] = {
    "keeps a little of each request": Sabotage(
        plugin=_EACH
        + """

def keep(exchange):
    kept.append(bytearray(4096))
""",
        fails=("growth of memory",),
    ),
    "keeps a file open now and then": Sabotage(
        plugin=_EACH
        + """

def keep(exchange):
    kept.append(open("/dev/null") if len(kept) % 100 == 0 else None)
""",
        fails=("descriptors",),
    ),
    "loses one in a thousand": Sabotage(
        plugin=_EACH
        + """

def keep(exchange):
    kept.append(None)
    if len(kept) % 1000 == 0:
        raise RuntimeError("lost")
""",
        fails=("complaints in the log",),
    ),
}

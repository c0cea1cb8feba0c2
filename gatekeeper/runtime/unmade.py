"""What stands for parts that could not be made, until that is reported, and at the end of chains that have none."""

from collections.abc import Awaitable

from gatekeeper.core.chain import Handler
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Response


class Unmade:
    """Stands for a part that could not be made, until that is reported."""

    challenge = ""

    def wrap(self, following: Handler, /) -> Handler:
        """As if it were not there."""
        return following


def never(exchange: Exchange) -> bool:  # noqa: ARG001
    """A condition that does not hold."""
    return False


def nothing_beyond(exchange: Exchange) -> Awaitable[Response]:
    """The end of a chain in which somebody before it has to answer."""
    raise AssertionError(f"{exchange!r} went past the end of its chain")

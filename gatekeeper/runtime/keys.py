"""API keys as operators deal with them: whom one may be made for, and the key book in the words of the admin side."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any, Final, TypeVar

from gatekeeper.admin.errors import Unavailable
from gatekeeper.config.model import GatewayConfig
from gatekeeper.config.problems import did_you_mean, quoted
from gatekeeper.core.clock import Clock
from gatekeeper.stores.database import StoreError
from gatekeeper.stores.keys import KeyBook


T = TypeVar("T")

KIND: Final = "api_key"
"""Of the authenticators that keys are for."""
GRACE: Final = 86400.0
"""Seconds that a key is good for after it has been rotated, where nobody says otherwise."""
_AT_MOST: Final = 20

Names = tuple[Collection[str], Collection[str]]


def names_in(config: GatewayConfig) -> Names:
    """The consumers of a configuration, and the authenticators that take keys."""
    return config.consumers, [name for name, one in config.authenticators.items() if one.kind == KIND]


def check_names(
    consumer: str,
    authenticator: str | None,
    consumers: Collection[str],
    authenticators: Collection[str],
) -> str:
    """See to it that a key is for somebody; return the authenticator: the only one that there is, if none is named.

    Raises:
        ValueError: there is no such consumer or authenticator, or several of these.

    """
    if consumer not in consumers:
        raise ValueError(f"there is no consumer `{consumer}`{_instead(consumer, consumers, 'consumers')}")
    if authenticator is not None:
        if authenticator not in authenticators:
            instead = _instead(authenticator, authenticators, "authenticators")
            raise ValueError(f"there is no authenticator `{authenticator}` that takes API keys{instead}")
        return authenticator
    if len(authenticators) > 1:
        raise ValueError(f"name the authenticator that the key is for; there are {quoted(authenticators)}")
    for only in authenticators:
        return only
    raise ValueError(f"no authenticator takes API keys; write `authenticators: {{keys: {KIND}}}`")


def _instead(word: str, known: Collection[str], section: str) -> str:
    if near := did_you_mean(word, known):
        return near
    if not known:
        return f"; `{section}` of the configuration is empty"
    return f"; there are {quoted(known)}" if len(known) <= _AT_MOST else ""


class Keys:
    """The keys of a gateway, as its admin side asks for them: plain data.

    What does not exist is a `LookupError`, a wish that cannot be met a `ValueError`, and a database that cannot be used
    is `Unavailable`.
    """

    def __init__(self, book: KeyBook, clock: Clock, names: Callable[[], Names]) -> None:
        """Deal with the keys of a book; `names` are those that a key may be made for at the moment."""
        self._book: Final = book
        self._clock: Final = clock
        self._names: Final = names

    async def list(self) -> list[dict[str, Any]]:
        """All keys, oldest first."""
        return await self._ask(lambda: [one.shown(self._clock.wall()) for one in self._book.list()])

    async def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make a key; `key` of the answer is the plain one, which nobody can have again."""
        consumer = body["consumer"]
        authenticator = check_names(consumer, body.get("authenticator"), *self._names())

        def work() -> dict[str, Any]:
            record, plain = self._book.create(
                consumer,
                authenticator,
                scopes=body.get("scopes", ()),
                expires=body.get("expires"),
                note=body.get("note", ""),
            )
            return {**record.shown(self._clock.wall()), "key": plain}

        return await self._ask(work)

    async def rotate(self, key_id: str, body: dict[str, Any]) -> dict[str, Any]:
        """Make a key in the place of another one; `key` of the answer is the plain one."""

        def work() -> dict[str, Any]:
            record, plain = self._book.rotate(key_id, body.get("grace", GRACE))
            return {**record.shown(self._clock.wall()), "key": plain}

        return await self._ask(work)

    async def revoke(self, key_id: str) -> None:
        """Take a key out, at once."""
        await self._ask(lambda: self._book.revoke(key_id))

    async def _ask(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except StoreError as error:
            raise Unavailable(str(error)) from error

"""What outlives a configuration: pools, counters, tables. Keys name things, never settings.

A configuration that is being prepared asks for things through a `Plan`; when it comes into force the plan becomes a
`Hold`, and when it has retired it lets go. What nobody holds is closed.
"""

import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import attrs


log = logging.getLogger(__name__)

C = TypeVar("C")
T = TypeVar("T")

Key = tuple[str, ...]
Finish = Callable[[str, Coroutine[Any, Any, None]], object]
"""Runs what a close still has to do."""


class Kept:
    """A thing, what it was made of, and how many configurations hold it."""

    __slots__ = ("config", "holders", "key", "thing")

    def __init__(self, key: Key, thing: Any, config: object) -> None:
        self.key: Final = key
        self.thing: Final = thing
        self.config = config
        self.holders = 0

    def __repr__(self) -> str:
        return f"<Kept {'/'.join(self.key)} {self.holders} holders>"


class Keep:
    """Everything that is kept. Plans are made one after the other; only making one may be done in another thread."""

    def __init__(self, finish: Finish) -> None:
        """Keep nothing yet; `finish` runs what is asynchronous about closing."""
        self._kept: dict[Key, Kept] = {}
        self._finish = finish

    def plan(self) -> "Plan":
        """What a configuration asks for while it is prepared."""
        return Plan(self)

    def held(self, key: Key) -> Kept | None:
        """What is held under a key."""
        return self._kept.get(key)

    def enter(self, kept: Kept) -> None:
        """Hold a thing once more, as the one under its key from now on."""
        kept.holders += 1
        self._kept[kept.key] = kept

    def leave(self, kept: Kept) -> None:
        """Hold it once less; the last one closes it."""
        kept.holders -= 1
        if kept.holders:
            return
        if self._kept.get(kept.key) is kept:
            del self._kept[kept.key]
        self.close(kept)

    def close(self, kept: Kept) -> None:
        """Close a thing, if it can be; what goes wrong is logged."""
        close = getattr(kept.thing, "close", None)
        if close is None:
            return
        try:
            result = close()
        except Exception:
            log.exception("%r could not be closed", kept)
            return
        if inspect.iscoroutine(result):
            self._finish(f"close {'/'.join(kept.key)}", result)

    def things(self, kind: str) -> list[Any]:
        """All things whose keys begin so."""
        return [kept.thing for key, kept in list(self._kept.items()) if key[0] == kind]

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"<Keep {len(self)} things>"


class Plan:
    """What one configuration asks for. Nothing of it is in force before `commit`, and `abandon` undoes all of it."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._taken: dict[Key, Kept] = {}
        self._opened: list[Kept] = []
        self._changes: list[tuple[Kept, object]] = []

    def __call__(self, key: Key, open: Callable[[C], T], config: C, /) -> T:  # noqa: A002 - what it does
        """Return the thing of this key, or open it.

        Raises:
            ValueError: the same key is asked for twice with different configurations.

        """
        kept = self._taken.get(key)
        if kept is None:
            kept = self._taken[key] = self._take(key, open, config)
        elif self._config(kept) != config:
            raise ValueError(
                f"two parts keep different things as {'/'.join(key)}; give them names of their own"
            )
        thing: T = kept.thing
        return thing

    def _take(self, key: Key, open: Callable[[C], T], config: C) -> Kept:  # noqa: A002
        kept = self._keep.held(key)
        if kept is not None:
            if kept.config == config:
                return kept
            if hasattr(kept.thing, "reconfigure"):
                self._changes.append((kept, config))
                return kept
        kept = Kept(key, open(config), config)
        self._opened.append(kept)
        return kept

    @property
    def changing(self) -> frozenset[Key]:
        """The keys of what `commit` reconfigures."""
        return frozenset(kept.key for kept, _ in self._changes)

    def _config(self, kept: Kept) -> object:
        return next((config for changed, config in self._changes if changed is kept), kept.config)

    def commit(self) -> "Hold":
        """Come into force; cannot fail."""
        for kept, config in self._changes:
            try:
                kept.thing.reconfigure(config)
            except Exception:
                log.exception("%r could not be reconfigured, and goes on as it was", kept)
            kept.config = config
        for kept in self._taken.values():
            self._keep.enter(kept)
        for kept in self._opened:
            begin = getattr(kept.thing, "begin", None)
            if begin is None:
                continue
            try:
                begin()
            except Exception:
                log.exception("%r could not begin", kept)
        return Hold(self._keep, tuple(self._taken.values()))

    def abandon(self) -> None:
        """Close what was opened."""
        for kept in self._opened:
            self._keep.close(kept)


@attrs.define
class Hold:
    """What one configuration holds, until it lets go."""

    keep: Keep
    things: tuple[Kept, ...]

    def release(self) -> None:
        """Let go of everything."""
        things, self.things = self.things, ()
        for kept in things:
            self.keep.leave(kept)

"""Sources of services and routes beside the files: each says, again and again, what there is to be.

A provider says whole states, never changes: whoever has missed one knows with the next what holds. What it says is text,
and nothing is trusted in it; the configuration judges it, and refuses it as a whole where something is wrong.
"""

from collections.abc import AsyncIterator
from typing import Protocol

import attrs


@attrs.frozen
class ProviderStatus:
    """How a provider is doing. Times are seconds since the epoch, 0 for never.

    `failures` is how many tries have failed since one did not, and `last_error` why the last that did, healed or not.
    """

    last_success: float = 0.0
    last_error: str = ""
    last_error_at: float = 0.0
    failures: int = 0

    @property
    def error(self) -> str:
        """What is wrong now; empty for nothing."""
        return self.last_error if self.failures else ""


class Provider(Protocol):
    """A source of services and routes."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    @property
    def status(self) -> ProviderStatus:
        """How it is doing."""
        ...

    def watch(self) -> AsyncIterator[str]:
        """Yield a whole state as YAML or JSON, at first as soon as there is one, then whenever it has changed.

        It never ends, and raises nothing but the cancellation of whoever waits: a source that cannot be reached is
        tried again, and what it said last holds. Each call begins anew.
        """
        ...

"""What happens to each header field of a message that is passed on: one dictionary look-up per field.

The keys are names as they were sent, so that nothing is lower-cased twice; what a name means is remembered, within
bounds, because an attacker chooses the names.
"""

import functools
from collections.abc import Callable
from typing import Final, TypeVar


REMEMBERED: Final = 2048
"""Names that are kept."""
REMEMBERED_LENGTH: Final = 64
"""Bytes of the longest of them."""

A = TypeVar("A")


class FieldActions(dict[bytes, A | None]):
    """Name as sent → what to do, as `decide` says for the name in lower case; None passes the field on."""

    __slots__ = ("_decide",)

    def __init__(self, decide: Callable[[bytes], A | None]) -> None:
        super().__init__()
        self._decide = decide

    def __missing__(self, name: bytes) -> A | None:
        action = self._decide(name.lower())
        if len(self) < REMEMBERED and len(name) <= REMEMBERED_LENGTH:
            self[name] = action
        return action


@functools.lru_cache(maxsize=64)
def only(names: frozenset[bytes]) -> FieldActions[bool]:
    """Whether a name as sent is one of these, which are in lower case; remembered once, however many ask."""
    return FieldActions(lambda name: name in names)

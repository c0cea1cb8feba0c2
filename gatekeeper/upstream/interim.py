"""Interim answers: what comes before the answer (RFC 9110 section 15.2).

An instance may send as many as it likes, so they are counted and weighed.
"""

from typing import Final

from gatekeeper.core.errors import BadAnswer
from gatekeeper.core.message import Field
from gatekeeper.upstream.fields import ACTIONS, BLANKS, KEPT, Action
from gatekeeper.upstream.head import connection_options, size_of, without


INTERIM_COUNT: Final = 16
"""Interim answers before one answer."""
INTERIM_SIZE: Final = 64 * 1024
"""Bytes of all of them."""


class Interims:
    """The interim answers to one request."""

    __slots__ = ("_count", "_size")

    def __init__(self) -> None:
        self._count = 0
        self._size = 0

    def clean(self, raw: list[Field], version: str) -> list[Field]:
        """Take the fields of the next one; return those that may be passed on.

        Raises:
            BadAnswer: there are too many, they are too large, or it is no HTTP/1.1.

        """
        self._count += 1
        self._size += size_of(raw)
        if self._count > INTERIM_COUNT:
            raise BadAnswer(log=f"more than {INTERIM_COUNT} interim answers")
        if self._size > INTERIM_SIZE:
            raise BadAnswer(log=f"interim answers of more than {INTERIM_SIZE} bytes")
        if version not in {"1.1", "1.0"}:
            raise BadAnswer(log=f"version HTTP/{version}")
        fields: list[Field] = []
        nominated: frozenset[bytes] = frozenset()
        for name, value in raw:
            action = ACTIONS[name]
            if action is None:
                fields.append((name, value.rstrip(BLANKS)))
            elif action is Action.CONNECTION:
                nominated |= connection_options(value)
        return without(nominated - KEPT, fields)

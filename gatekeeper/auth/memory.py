"""What is known of the latest tokens, by their SHA-256: so many, and so many bytes, as a machine can hold.

What has the same beginning, or other case, is another token. Who invents tokens pushes out what is in the same memory only:
good ones stand in one of their own.
"""

from typing import Final, Generic, Protocol, TypeVar


KEPT: Final = 10_000
"""Tokens of one memory."""
KEPT_BYTES: Final = 32 * 1024 * 1024
"""Bytes of what they say, as it came; in memory it takes up to ten times as much."""


class Sized(Protocol):
    """What can be known of a token."""

    @property
    def size(self) -> int:
        """Bytes of what it says, as they came."""
        ...


V = TypeVar("V", bound=Sized)


class Memory(Generic[V]):
    """What is known of the latest tokens; the oldest is forgotten first."""

    def __init__(self, most: int = KEPT, largest: int = KEPT_BYTES) -> None:
        """Know nothing; `most` tokens, and `largest` bytes."""
        self._most = most
        self._largest = largest
        self._known: dict[bytes, V] = {}
        self.get: Final = self._known.get
        """What is known of a token; None where that is nothing."""
        self.size = 0

    def __len__(self) -> int:
        return len(self._known)

    def put(self, digest: bytes, known: V) -> None:
        """Keep what is known of a token, as the newest."""
        self.drop(digest)
        self._known[digest] = known
        self.size += known.size
        while len(self._known) > self._most or self.size > self._largest:
            self.drop(next(iter(self._known)))

    def drop(self, digest: bytes) -> None:
        """Forget a token."""
        known = self._known.pop(digest, None)
        if known is not None:
            self.size -= known.size

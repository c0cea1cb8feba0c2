"""Trailers: the fields behind the last chunk of an answer.

RFC 9110 section 6.5.1: a field may stand there only if its meaning allows for being read after the body. What frames a
message, routes it, proves who somebody is, says how to read the body or what to do with the answer does not; whoever
merges trailers into the head would have a second, unchecked head otherwise.
"""

from typing import Final

from gatekeeper.core.body import Body
from gatekeeper.core.errors import AnswerTruncated
from gatekeeper.core.fields import FieldActions
from gatekeeper.core.message import Field
from gatekeeper.upstream.fields import ACTIONS, BLANKS
from gatekeeper.upstream.head import size_of


TRAILER_COUNT: Final = 64
"""Trailers of one answer."""
TRAILER_SIZE: Final = 8 * 1024
"""Bytes of all of them."""
FRAMING_LIMIT: Final = 64 * 1024
"""Bytes that may come one after the other without one of the body among them."""

_REFUSED: Final = frozenset(
    {
        # framing, the hop and routing
        *(b"host", b"max-forwards", b"via", b"forwarded"),
        # who somebody is
        *(b"authorization", b"authentication-info", b"cookie", b"set-cookie", b"set-cookie2"),
        *(b"proxy-authorization", b"www-authenticate"),
        # conditions and expectations
        *(b"expect", b"range", b"if-match", b"if-none-match", b"if-modified-since", b"if-range"),
        b"if-unmodified-since",
        # what to do with the answer
        *(b"age", b"cache-control", b"clear-site-data", b"date", b"expires", b"location", b"pragma"),
        *(b"refresh", b"retry-after", b"vary", b"warning", b"alt-svc", b"strict-transport-security"),
        b"x-frame-options",
    }
)
_REFUSED_FAMILIES: Final = (b"content-", b"access-control-", b"cross-origin-", b"sec-", b"x-forwarded-")
_DIGEST: Final = b"content-digest"
"""RFC 9530 section 2: may be a trailer, and mostly is."""


def _is_refused(name: bytes) -> bool | None:
    if ACTIONS[name] is not None or name in _REFUSED:
        return True
    return True if name.startswith(_REFUSED_FAMILIES) and name != _DIGEST else None


_refused: Final = FieldActions(_is_refused)


class Trailers:
    """What comes behind the chunks of an answer, and may do so only within bounds.

    `wanted` says that the client takes trailers, `nominated` are the names in `Connection`. `fields` are known at the
    end of the answer; `body`, where there is one, gets them then.
    """

    __slots__ = ("_nominated", "_wanted", "_without_body", "body", "fields")

    def __init__(self, nominated: frozenset[bytes], *, wanted: bool) -> None:
        self.fields: list[Field] = []
        self.body: Body | None = None
        self._nominated = nominated
        self._wanted = wanted
        self._without_body = 0

    def count(self, size: int, *, has_body: bool) -> None:
        """Count what was read: a field without end, or chunks of nothing, would be held by the parser.

        Raises:
            AnswerTruncated: more than `FRAMING_LIMIT` bytes came without one of the body.

        """
        self._without_body = 0 if has_body else self._without_body + size
        if self._without_body > FRAMING_LIMIT:
            raise AnswerTruncated(log=f"more than {FRAMING_LIMIT} bytes of chunks without one of the body")

    def take(self, raw: list[Field]) -> None:
        """Take the fields at the end.

        Raises:
            AnswerTruncated: there are too many, or they are too large.

        """
        if len(raw) > TRAILER_COUNT:
            raise AnswerTruncated(log=f"more than {TRAILER_COUNT} trailers")
        if size_of(raw) > TRAILER_SIZE:
            raise AnswerTruncated(log=f"trailers of more than {TRAILER_SIZE} bytes")
        if self._wanted:
            self.fields = [
                (name, value.rstrip(BLANKS))
                for name, value in raw
                if not _refused[name] and name.lower() not in self._nominated
            ]
            if self.body is not None:
                self.body.trailers = self.fields

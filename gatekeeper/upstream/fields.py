"""What happens to each header field of an answer: one dictionary look-up per field.

The keys are names as they were sent, so that nothing is lower-cased twice; what a name means is remembered, within
bounds, because an attacker chooses the names.
"""

import enum
import re
from typing import Final


class Action(enum.IntEnum):
    """What to do with a field that is not simply passed on."""

    DROP = 0
    CONNECTION = 1
    CONTENT_LENGTH = 2
    TRANSFER_ENCODING = 3


# RFC 9110 section 7.6.1, and what older software sends between two hops
_ACTIONS: Final = {
    b"connection": Action.CONNECTION,
    b"content-length": Action.CONTENT_LENGTH,
    b"transfer-encoding": Action.TRANSFER_ENCODING,
    b"http2-settings": Action.DROP,
    b"keep-alive": Action.DROP,
    b"proxy-authenticate": Action.DROP,
    b"proxy-authentication-info": Action.DROP,
    b"proxy-connection": Action.DROP,
    b"te": Action.DROP,
    b"trailer": Action.DROP,
    b"upgrade": Action.DROP,
    # instances like to send back what they got; the answer gets it from us, once
    b"x-request-id": Action.DROP,
}

_REMEMBERED_NAMES: Final = 2048
_REMEMBERED_LENGTH: Final = 64


class FieldActions(dict[bytes, Action | None]):
    """Name as sent → what to do; None passes the field on."""

    def __missing__(self, name: bytes) -> Action | None:
        action = _ACTIONS.get(name.lower())
        if len(self) < _REMEMBERED_NAMES and len(name) <= _REMEMBERED_LENGTH:
            self[name] = action
        return action


ACTIONS: Final = FieldActions()

# fields that a Connection header cannot take away: a peer must not be able to strip what protects users
KEPT: Final = frozenset(
    {b"set-cookie", b"content-type", b"content-encoding", b"cache-control", b"vary", b"etag"}
)

REASON: Final = re.compile(rb"[\t !-~\x80-\xff]*")
CONTENT_LENGTH: Final = re.compile(rb"[0-9]{1,19}")

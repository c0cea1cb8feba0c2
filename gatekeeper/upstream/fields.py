"""What happens to each header field of an answer."""

import enum
import re
from typing import Final

from gatekeeper.core.fields import FieldActions
from gatekeeper.core.message import Field


class Action(enum.IntEnum):
    """What to do with a field that is not simply passed on."""

    DROP = 0
    CONNECTION = 1
    CONTENT_LENGTH = 2
    TRANSFER_ENCODING = 3
    TRAILER = 4
    UPGRADE = 5


# RFC 9110 section 7.6.1, and what older software sends between two hops
_ACTIONS: Final = {
    b"connection": Action.CONNECTION,
    b"content-length": Action.CONTENT_LENGTH,
    b"transfer-encoding": Action.TRANSFER_ENCODING,
    b"alpn": Action.DROP,
    # it would lead clients past the gateway
    b"alt-svc": Action.DROP,
    b"close": Action.DROP,
    b"http2-settings": Action.DROP,
    b"keep-alive": Action.DROP,
    b"proxy-authenticate": Action.DROP,
    b"proxy-authentication-info": Action.DROP,
    b"proxy-authorization": Action.DROP,
    b"proxy-connection": Action.DROP,
    b"proxy-features": Action.DROP,
    b"proxy-instruction": Action.DROP,
    b"security-scheme": Action.DROP,
    b"te": Action.DROP,
    b"trailer": Action.TRAILER,
    b"upgrade": Action.UPGRADE,
    # instances like to send back what they got; the answer gets it from us, once
    b"x-request-id": Action.DROP,
}

ACTIONS: Final = FieldActions(_ACTIONS.get)

# fields that a Connection header cannot take away: a peer must not be able to strip what protects users
KEPT: Final = frozenset(
    {b"set-cookie", b"content-type", b"content-encoding", b"cache-control", b"vary", b"etag"}
)

BLANK_LINE: Final = b"\r\n\r\n"
"""With the end of the line before it."""
BLANKS: Final = b" \t"
"""What the parser leaves at the end of a value."""
REASON: Final = re.compile(rb"[\t !-~\x80-\xff]*")
CONTENT_LENGTH: Final = re.compile(rb"[0-9]{1,18}")
"""Any length that all readers have room for: below 2^63."""


def is_event_stream(fields: list[Field]) -> bool:
    """Whether an answer is one whose instance may have nothing to say for long."""
    for name, value in fields:
        if name.lower() == b"content-type":
            return value.partition(b";")[0].strip().lower() == b"text/event-stream"
    return False

"""What happens to each header field of a client's request."""

import enum
from typing import Final

from gatekeeper.core.fields import FieldActions


class Action(enum.IntEnum):
    """What to do with a field that is not simply passed on."""

    DROP = 0
    CONNECTION = 1
    CONTENT_LENGTH = 2
    EXPECT = 3
    FORWARDED = 4
    FORWARDED_FOR = 5
    FORWARDED_HOST = 6
    FORWARDED_PROTO = 7
    HOST = 8
    ONCE = 9
    REQUEST_ID = 10
    TRACEPARENT = 11
    TRACESTATE = 12
    TRANSFER_ENCODING = 13
    VIA = 14


_ACTIONS: Final = {
    # who reads the first and who reads the last must see the same; aiohttp sees to the standard ones of this kind
    b"authorization": Action.ONCE,
    b"x-api-key": Action.ONCE,
    b"connection": Action.CONNECTION,
    b"content-length": Action.CONTENT_LENGTH,
    b"expect": Action.EXPECT,
    b"forwarded": Action.FORWARDED,
    b"host": Action.HOST,
    b"traceparent": Action.TRACEPARENT,
    b"tracestate": Action.TRACESTATE,
    b"transfer-encoding": Action.TRANSFER_ENCODING,
    b"via": Action.VIA,
    b"x-forwarded-for": Action.FORWARDED_FOR,
    b"x-forwarded-host": Action.FORWARDED_HOST,
    b"x-forwarded-proto": Action.FORWARDED_PROTO,
    b"x-request-id": Action.REQUEST_ID,
    # between two hops only (RFC 9110 section 7.6.1), and what older software sends there
    **dict.fromkeys(
        (
            b"http2-settings",
            b"keep-alive",
            b"proxy-authorization",
            b"proxy-connection",
            b"te",
            b"trailer",
            b"upgrade",
        ),
        Action.DROP,
    ),
    # claims about the client, the target or the method that only a proxy in front may make, and which ours replace
    **dict.fromkeys(
        (
            b"cf-connecting-ip",
            b"client-ip",
            b"fastly-client-ip",
            b"proxy",
            b"true-client-ip",
            b"x-client-ip",
            b"x-cluster-client-ip",
            b"x-forwarded",
            b"x-forwarded-port",
            b"x-forwarded-prefix",
            b"x-forwarded-scheme",
            b"x-forwarded-server",
            b"x-forwarded-ssl",
            b"x-http-method",
            b"x-http-method-override",
            b"x-method-override",
            b"x-original-method",
            b"x-original-uri",
            b"x-original-url",
            b"x-real-ip",
            b"x-rewrite-url",
        ),
        Action.DROP,
    ),
}


def _decide(name: bytes) -> Action | None:
    # servers that turn names into variables cannot tell `x_user` from `x-user`: such names are dropped
    return Action.DROP if b"_" in name else _ACTIONS.get(name)


ACTIONS: Final = FieldActions(_decide)

"""What happens to each header field of a client's request."""

import enum
import re
from collections.abc import Callable, Mapping
from typing import Final, Literal

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
    MAX_FORWARDS = 9
    ONCE = 10
    REFUSE = 11
    REQUEST_ID = 12
    TE = 13
    TRACEPARENT = 14
    TRACESTATE = 15
    TRANSFER_ENCODING = 16
    UPGRADE = 17
    VIA = 18


Underscores = Literal["drop", "keep", "reject"]
"""What happens to names with `_`."""


_ACTIONS: Final = {
    # who reads the first and who reads the last must see the same (RFC 9110 section 5.3)
    **dict.fromkeys(
        (
            b"authorization",
            b"content-location",
            b"content-range",
            b"content-type",
            b"if-modified-since",
            b"if-range",
            b"if-unmodified-since",
            b"origin",
            b"range",
            b"referer",
            b"sec-websocket-key",
            b"sec-websocket-version",
            b"user-agent",
            b"x-api-key",
        ),
        Action.ONCE,
    ),
    b"connection": Action.CONNECTION,
    b"content-length": Action.CONTENT_LENGTH,
    b"expect": Action.EXPECT,
    b"forwarded": Action.FORWARDED,
    b"host": Action.HOST,
    b"max-forwards": Action.MAX_FORWARDS,
    b"te": Action.TE,
    b"upgrade": Action.UPGRADE,
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
            b"trailer",
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


# who somebody is, in the words of proxies that have authenticated them: no client may say that of itself
_is_identity: Final = re.compile(
    rb"(?:x-(?:authenticated|consumer|credential|auth-request|ssl-client|client-cert|tls-client|envoy)"
    rb"|ssl-client|remote-user|x-remote-user|x-remote-groups?|x-user-(?:id|name|email|roles?|groups?|scopes?)"
    rb"|x-forwarded-(?:user|email|groups|preferred-username|access-token|client-cert)"
    rb"|x-anonymous-consumer)(?:-[!-~]*)?"
).fullmatch


def _decider(underscores: Underscores) -> Callable[[bytes], Action | None]:
    def decide(name: bytes) -> Action | None:
        if b"_" in name:
            # servers that turn names into variables cannot tell `x_user` from `x-user`
            meant = name.replace(b"_", b"-")
            if underscores == "reject":
                return Action.REFUSE
            return (
                None
                if underscores == "keep" and meant not in _ACTIONS and not _is_identity(meant)
                else Action.DROP
            )
        action = _ACTIONS.get(name)
        return Action.DROP if action is None and _is_identity(name) else action

    return decide


ACTIONS: Final[Mapping[Underscores, FieldActions[Action]]] = {
    mode: FieldActions(_decider(mode)) for mode in ("drop", "keep", "reject")
}

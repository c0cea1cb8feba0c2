"""What happens to each header field of a client's request."""

import enum
import functools
import re
from collections.abc import Callable
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
    BAGGAGE = 19


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
    b"baggage": Action.BAGGAGE,
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
            b"alpn",
            b"alt-svc",
            b"close",
            b"http2-settings",
            b"keep-alive",
            b"proxy-authenticate",
            b"proxy-authentication-info",
            b"proxy-authorization",
            b"proxy-connection",
            b"proxy-features",
            b"proxy-instruction",
            b"security-scheme",
            b"trailer",
        ),
        Action.DROP,
    ),
    # claims about the client, the target or the method that only a proxy in front may make, and which ours replace
    **dict.fromkeys(
        (
            b"ali-cdn-real-ip",
            b"cdn-src-ip",
            b"cf-connecting-ip",
            b"cf-connecting-ipv6",
            b"cf-pseudo-ipv4",
            b"client-ip",
            b"do-connecting-ip",
            b"fastly-client-ip",
            b"fly-client-ip",
            b"forwarded-for",
            b"front-end-https",
            b"incap-client-ip",
            b"proxy",
            b"proxy-client-ip",
            b"remote-addr",
            b"true-client-ip",
            b"wl-proxy-client-ip",
            b"x-accel-mapping",
            b"x-appengine-user-ip",
            b"x-azure-clientip",
            b"x-azure-socketip",
            b"x-client-ip",
            b"x-cluster-client-ip",
            b"x-host",
            b"x-http-method",
            b"x-http-method-override",
            b"x-method-override",
            b"x-middleware-subrequest",
            b"x-nf-client-connection-ip",
            b"x-originating-ip",
            b"x-proxyuser-ip",
            b"x-real-ip",
            b"x-remote-addr",
            b"x-remote-ip",
            b"x-rewrite-url",
            b"x-scheme",
            b"x-sendfile-type",
            b"x-url-scheme",
            b"x-vercel-forwarded-for",
        ),
        Action.DROP,
    ),
}


# who somebody is, in the words of proxies that have authenticated them, and what was asked of a proxy in front: no
# client may say that of itself
_is_claim: Final = re.compile(
    rb"(?:x-(?:forwarded|original|authenticated|consumer|anonymous-consumer|credential|auth-request|authentik|envoy"
    rb"|webauth|goog-authenticated|goog-iap|ms-client-principal|ms-token|amzn-oidc|amzn-mtls|pomerium|vouch|jwt"
    rb"|ssl|tls|mtls|client-(?:cert|certificate|dn|subject|issuer|fingerprint|verify)|clientcert|remote-(?:user|name|email|groups?)"
    rb"|user-(?:id|name|email|roles?|groups?|scopes?))"
    rb"|x-(?:endpoint-api|apigateway-api)-userinfo|x-arr-(?:clientcert|ssl)"
    rb"|cf-access|(?:cf-)?client-cert|client-certificate|ssl-client|tailscale-user|remote-(?:user|name|email|groups?))(?:-[0-9a-z-]*)?"
).fullmatch
_ODD: Final = re.compile(rb"[^0-9a-z-]")


def _decider(underscores: Underscores, own: frozenset[bytes]) -> Callable[[bytes], Action | None]:
    # servers that turn names into variables cannot tell `x_user` from `x-user`, some not even `x.user`
    ours = frozenset(_ODD.sub(b"-", name) for name in own)

    def decide(name: bytes) -> Action | None:
        action = _ACTIONS.get(name)
        if name in ours or (action is None and _is_claim(name)):
            return Action.DROP
        if action is not None or not _ODD.search(name):
            return action
        meant = _ODD.sub(b"-", name)
        if b"_" in name and underscores != "keep":
            return Action.DROP if underscores == "drop" else Action.REFUSE
        return Action.DROP if meant in _ACTIONS or meant in ours or _is_claim(meant) else None

    return decide


@functools.lru_cache(maxsize=16)
def field_actions(underscores: Underscores, own: frozenset[bytes]) -> FieldActions[Action]:
    """What happens to fields; those of the names `own`, in lower case, are the gateway's own, and no client sends them."""
    return FieldActions(_decider(underscores, own))

"""Whether a connection may switch to another protocol (RFC 9110 section 7.8), and to which."""

import re
from typing import Final

from gatekeeper.core.errors import BadRequest, OriginRefused, UpgradeRequired
from gatekeeper.core.message import Request
from gatekeeper.core.tunnel import Upgrades


_SPOKEN: Final = (
    # RFC 9110 section 15.5.22, RFC 6455 section 4.4
    (b"upgrade", b"websocket"),
    (b"connection", b"upgrade"),
    (b"sec-websocket-version", b"13"),
)

_is_key: Final = re.compile(rb"[A-Za-z0-9+/]{21}[AQgw]==").fullmatch


def settle(request: Request, upgrades: Upgrades | None) -> None:
    """Leave of what the client asks for only a protocol that the route allows; nothing makes an ordinary request.

    Raises:
        BadRequest: a handshake of WebSocket (RFC 6455 section 4.2.1) that is none.
        UpgradeRequired: another version of it than 13.
        OriginRefused: opened by a page that may not.

    """
    wanted = (protocol.strip(" \t") for protocol in request.upgrade.split(","))
    allowed = upgrades.protocols if upgrades is not None and not _has_body(request) else frozenset()
    request.upgrade = next((protocol for protocol in wanted if protocol in allowed), "")
    if request.upgrade == "websocket" and upgrades is not None:
        _check_websocket(request, upgrades)


def _has_body(request: Request) -> bool:
    return request.body.data is None or bool(request.body.data)


def _check_websocket(request: Request, upgrades: Upgrades) -> None:
    headers = request.headers
    if request.method != "GET":
        raise BadRequest("a WebSocket is opened with GET")
    if headers.get_all(b"sec-websocket-version") != [b"13"]:
        raise UpgradeRequired("only version 13 of WebSocket is spoken", headers=_SPOKEN)
    key = headers.get_all(b"sec-websocket-key")
    if len(key) != 1 or not _is_key(key[0]):
        raise BadRequest("the Sec-WebSocket-Key is malformed")
    if upgrades.origins is not None:
        origin = headers.text(b"origin").lower()
        # who sends none is no browser, and could send any
        if origin and origin not in upgrades.origins:
            raise OriginRefused

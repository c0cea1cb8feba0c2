"""Whether an instance that switches protocols has switched to what it was asked for (RFC 9110 section 7.8).

A 101 that was not asked for, or that names another protocol, would let an instance choose what the bytes of a client
mean; one to a WebSocket proves that the instance has read the request (RFC 6455 section 4.2.2).
"""

import base64
import hashlib
from typing import Final

from gatekeeper.core.errors import BadAnswer
from gatekeeper.core.message import Field, Request
from gatekeeper.upstream.fields import ACTIONS, BLANKS, Action
from gatekeeper.upstream.head import FIELD_LIMIT, connection_options, without


_ACCEPT: Final = b"sec-websocket-accept"
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def accept_of(key: bytes) -> bytes:
    """What `Sec-WebSocket-Accept` says for a `Sec-WebSocket-Key`."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def check_switch(raw: list[Field], version: str, request: Request) -> list[Field]:
    """Return the fields of a 101 as they go to the client: with `Upgrade`, without `Connection`.

    Raises:
        BadAnswer: it is not the answer to this request.

    """
    if not request.upgrade:
        raise BadAnswer(log="switched protocols without being asked to")
    if version != "1.1":
        raise BadAnswer(log=f"switched protocols in HTTP/{version}")
    if len(raw) > FIELD_LIMIT:
        raise BadAnswer(log=f"more than {FIELD_LIMIT} header fields")
    fields: list[Field] = []
    protocols: list[Field] = []
    options: frozenset[bytes] = frozenset()
    for name, value in raw:
        action = ACTIONS[name]
        if action is None:
            fields.append((name, value.rstrip(BLANKS)))
        elif action is Action.UPGRADE:
            protocols.append((name, value.rstrip(BLANKS)))
        elif action is Action.CONNECTION:
            options |= connection_options(value)
        elif action in {Action.CONTENT_LENGTH, Action.TRANSFER_ENCODING}:
            raise BadAnswer(log="switched protocols with a body")
    if [request.upgrade.encode()] != [value.lower() for _, value in protocols]:
        raise BadAnswer(log=f"switched to {[value for _, value in protocols]!r}, not to {request.upgrade}")
    if b"upgrade" not in options:
        raise BadAnswer(log="switched protocols without `Connection: upgrade`")
    if request.upgrade == "websocket":
        wanted = accept_of(request.headers.get(b"sec-websocket-key") or b"")
        if [wanted] != [value for name, value in fields if name.lower() == _ACCEPT]:
            raise BadAnswer(log="Sec-WebSocket-Accept is not that of this request")
    return [*without(options - {b"upgrade"}, fields), *protocols]

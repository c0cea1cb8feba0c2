"""Handshakes of WebSocket and of other protocols, of which rows are made."""

from typing import Final

from tests.wire.row import Answered, Sent, answered
from tests.wire.rows.parts import PATH, request


KEY: Final = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT: Final = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""What RFC 6455 section 1.3 answers to that key."""
CONNECTION: Final = b"Connection: Upgrade"
WEBSOCKET: Final = b"Upgrade: websocket"
VERSION: Final = b"Sec-WebSocket-Version: 13"
ASKS: Final = (CONNECTION, WEBSOCKET, VERSION, b"Sec-WebSocket-Key: " + KEY)
WS: Final = b"/ws" + PATH
"""A route that allows WebSockets."""
CHAT: Final = b"/chat" + PATH
"""A route that allows `chat`, too."""
SWITCHING: Final = b"HTTP/1.1 101 Switching Protocols"
ACCEPTS: Final = (CONNECTION, WEBSOCKET, b"Sec-WebSocket-Accept: " + ACCEPT)


def handshake(*more: bytes, target: bytes = WS) -> bytes:
    """A client opens a WebSocket."""
    return request(*ASKS, *more, target=target)


def switch(*fields: bytes) -> bytes:
    """An instance switches; the fields are all there are."""
    return b"\r\n".join((SWITCHING, *fields)) + b"\r\n\r\n"


SWITCH: Final = switch(*ACCEPTS)
CHATS: Final = switch(CONNECTION, b"Upgrade: chat")
SWITCHED: Final[Answered] = answered(
    101,
    fields={b"upgrade": b"websocket", b"sec-websocket-accept": ACCEPT},
    present=(b"connection",),
    absent=(b"content-length", b"transfer-encoding"),
)
ASKED: Final = Sent(
    method=b"GET",
    target=WS,
    fields={
        b"upgrade": b"websocket",
        b"sec-websocket-version": b"13",
        b"sec-websocket-key": KEY,
    },
    framing="none",
)
"""What the instance has got of a handshake."""

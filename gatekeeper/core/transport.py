"""What asyncio's transports do not do by themselves."""

import asyncio
import contextlib
import socket
import struct
from typing import Final


_AT_ONCE: Final = struct.pack("ii", 1, 0)


def unsent(transport: asyncio.WriteTransport) -> int:
    """Bytes that wait to be sent; none where it has ended."""
    try:
        return transport.get_write_buffer_size()
    except AttributeError:  # asyncio's own, of TLS
        return 0


def reset_at_end(transport: asyncio.Transport) -> None:
    """Let a connection end with a reset: what was cut short must not look like an end."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        # it has ended by itself, as the kernel says, or uvloop
        with contextlib.suppress(OSError, ValueError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)


def cut(transport: asyncio.Transport) -> None:
    """End a connection now; with a reset, where something waits for a peer who does not read.

    The kernel would else keep what it has of it for a quarter of an hour after the end.
    """
    if unsent(transport):
        reset_at_end(transport)
    transport.abort()

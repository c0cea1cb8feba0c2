"""From what a configuration says of an address to a socket that is bound to it, and back to words."""

import errno
import socket
from typing import Final

from gatekeeper.config.addresses import Listen
from gatekeeper.edge.listener import bind
from gatekeeper.edge.socketfile import bind_file
from gatekeeper.runtime.activation import NOTHING, Handed


_CURES: Final = {
    errno.EADDRINUSE: "end what uses it, or ",
    errno.EADDRNOTAVAIL: "this machine has no such address: ",
}
_PORT_CURES: Final = {
    errno.EACCES: "ports below 1024 take a permission (CAP_NET_BIND_SERVICE): give it that, or ",
}
_FILE_CURES: Final = {
    errno.ENOENT: "make its folder, or ",
    errno.EACCES: "let the gateway's user write to its folder, or ",
    errno.EEXIST: "move that away, or ",
}
"""What else may help where an address cannot be listened on."""


def open_socket(address: Listen, handed: Handed = NOTHING) -> socket.socket:
    """A socket that nobody has, bound and not yet listening, or one of those that were `handed` over.

    It may take a look at the disk.

    Raises:
        OSError: the address cannot be used.

    """
    if address.handed is not None:
        return handed.find(address.handed)
    if address.path:
        return bind_file(address.path)
    return bind(address.host, address.port)


def why_not(error: OSError) -> str:
    """What is in the way of listening somewhere, in words."""
    return error.strerror.lower() if error.strerror else str(error)


def cure(error: OSError, address: Listen) -> str:
    """What may help before the address is changed; empty for nothing that is known."""
    if address.handed is not None:
        return "or "  # what helps was said
    more = _FILE_CURES if address.path else _PORT_CURES
    code = error.errno or 0
    return _CURES.get(code) or more.get(code, "")


def shown(sock: socket.socket) -> str:
    """The address of a socket, as people write it."""
    if sock.family == socket.AF_UNIX:
        return f"unix://{sock.getsockname()}"
    host, port = sock.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

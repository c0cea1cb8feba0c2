"""The authority of a request: `Host`, or the authority of an absolute target."""

import ipaddress
import re
from typing import Final

from gatekeeper.core.errors import BadRequest


# RFC 3986 section 3.2.2, without what only misleads: no userinfo, no percent-encoding, no empty labels
_NAME: Final = re.compile(
    r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)
_AUTHORITY: Final = re.compile(rb"(?:\[([0-9A-Fa-f:.]+)\]|([0-9A-Za-z_.-]+))(?::([0-9]{1,5}))?")
_REMEMBERED: Final = 1024
_LONGEST: Final = 255


class Hosts(dict[bytes, str]):
    """Authority as sent → host in lower case, without port and without the final dot."""

    def __missing__(self, authority: bytes) -> str:
        host = canonical_host(authority)
        if len(self) < _REMEMBERED:
            self[authority] = host
        return host


def canonical_host(authority: bytes) -> str:
    """Return the host in the one form that everything compares.

    Raises:
        BadRequest: it is no host, or one that two readers could understand differently.

    """
    match = _AUTHORITY.fullmatch(authority)
    if match is None or len(authority) > _LONGEST:
        raise BadRequest("the Host is malformed", log=f"Host {authority[:100]!r}")
    literal, name, port = match.groups()
    if port is not None and int(port) > 65535:
        raise BadRequest("the Host's port is out of range", log=f"Host {authority!r}")
    if literal is not None:
        try:
            return str(ipaddress.IPv6Address(literal.decode()))
        except ValueError:
            raise BadRequest("the Host is malformed", log=f"Host {authority!r}") from None
    host = name.decode().lower().removesuffix(".")
    if not _NAME.fullmatch(host):
        raise BadRequest("the Host is malformed", log=f"Host {authority!r}")
    return host


HOSTS: Final = Hosts()

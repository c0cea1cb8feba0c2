"""What may not even ask: pages of other sites in the browser of somebody who may, and who came through a proxy.

A page can make a browser send a request anywhere (CSRF), to a name of its own that means 127.0.0.1 too (DNS rebinding). It
cannot forge `Host`, `Origin` and `Sec-Fetch-Site`, and without asking first it can send forms and plain text, but no JSON. So
these are looked at, before any token, and nobody is ever asked first: there is no CORS here.
"""

import ipaddress
import re
from typing import Final

from aiohttp import web

from gatekeeper.admin.answers import JSON, YAML
from gatekeeper.admin.errors import AdminError


SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer; a plugin may have pages that need another policy, and says so in its own answer."""

_LOCAL: Final = re.compile(
    r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?", re.ASCII | re.IGNORECASE
)
_FORWARDING: Final = ("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")
_OWN_PAGE: Final = frozenset({"same-origin", "none"})


def check_way(request: web.Request, *, loopback: bool, trusting: bool) -> None:
    """Check how a request got here.

    On `loopback` it must ask for a name of this machine. Where there are no tokens (`trusting`) it must come straight from
    this machine: not even a route of this gateway that leads here passes.

    Raises:
        AdminError: it may not.

    """
    if not request.raw_path.startswith("/"):
        raise AdminError(400, "the request target must be a path")
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1 or (loopback and not _LOCAL.fullmatch(hosts[0])):
        raise AdminError(403, "the admin listener answers as localhost only; ask for `127.0.0.1`")
    if trusting:
        if not _is_loopback(peer(request)):
            raise AdminError(403, "without `admin.users` the admin listener answers this machine only")
        if any(name in request.headers for name in _FORWARDING):
            raise AdminError(
                403, "this came through a proxy; without `admin.users` the admin listener is asked directly"
            )


def check_page(request: web.Request) -> None:
    """Check that no page of another site has sent what changes something.

    Raises:
        AdminError: one has, or may have.

    """
    if request.method in SAFE_METHODS:
        return
    site = request.headers.get("Sec-Fetch-Site", "none")
    if "Origin" in request.headers or site not in _OWN_PAGE:
        raise AdminError(403, "web pages may not change anything here; use a program, or the command line")
    media_types = request.headers.getall("Content-Type", [])
    if not media_types and not request.body_exists:
        return
    if len(media_types) != 1 or media_type(request) not in {JSON, YAML}:
        raise AdminError(415, f"send `Content-Type: {JSON}` or `{YAML}`")


def media_type(request: web.Request) -> str:
    """The media type of a body, in lower case and without parameters."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def peer(request: web.Request) -> str:
    """The address that the connection comes from."""
    name = request.transport.get_extra_info("peername") if request.transport is not None else None
    return str(name[0]) if name else ""


def dress(response: web.StreamResponse) -> None:
    """Give an answer what every answer has, and take what none may have."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "gatekeeper"
    for name in {*response.headers}:
        if name.lower().startswith("access-control-"):
            del response.headers[name]


def _is_loopback(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback

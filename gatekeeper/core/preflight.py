"""Preflights: what a browser asks before it sends a request of a page to another site (Fetch, CORS protocol).

A preflight is about a request that may follow: which route it is for, that request says, and not the preflight's own method.
"""

from gatekeeper.core.message import Request


def requested_method(request: Request) -> str | None:
    """The method that a preflight asks for, as it came; None where the request is no preflight."""
    if request.method != "OPTIONS" or b"origin" not in request.headers:
        return None
    lines = request.headers.get_all(b"access-control-request-method")
    # several are none: no method has a comma
    return b", ".join(lines).decode("latin-1") if lines else None

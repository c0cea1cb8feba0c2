"""Query parameters, read as forms are (WHATWG URL section 5.1); what is not touched keeps the bytes it came with."""

from urllib.parse import unquote_plus

from gatekeeper.core.message import Request


def query_values(query: str, name: str) -> list[str]:
    """All values of a parameter, decoded, in order."""
    found = []
    for part in query.split("&") if query else ():
        key, _, value = part.partition("=")
        if unquote_plus(key) == name:
            found.append(unquote_plus(value))
    return found


def drop_query(request: Request, name: str) -> None:
    """Take all parameters of this name out of a request."""
    parts = request.query.split("&")
    kept = [part for part in parts if unquote_plus(part.partition("=")[0]) != name]
    if len(kept) < len(parts):
        request.query = "&".join(kept)
        path = request.target.partition(b"?")[0]
        request.target = path + b"?" + request.query.encode() if kept else path

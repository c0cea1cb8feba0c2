"""The canonical form of a request's path (RFC 3986 section 6.2.2), made once and used by every decision.

A path that two readers could understand differently is refused. Of what is left there are two forms. The *decision*
form serves matching, auth, cache and rate keys: dot segments resolved, empty segments merged, escapes of unreserved
bytes decoded once, all other escapes in upper-case hex. The *forwarded* form is what the upstream reads: the client's
own bytes, with dot segments resolved. The decision on what is forwarded is the decision that was made.

Measured: 0.25 µs for a clean path of three segments, 3 to 6 µs for any other.
"""

import re
from typing import Final

from gatekeeper.core.errors import BadTarget


# RFC 3986 section 3.3: pchar without escapes. A segment that begins with two dots or `;` may need a second look.
_CHAR: Final = rb"A-Za-z0-9\-._~!$&'()*+,;=:@"
_FIRST: Final = rb"A-Za-z0-9\-_~!$&'()*+,=:@"

_is_clean: Final = re.compile(rb"/(?:\.?+[" + _FIRST + rb"][" + _CHAR + rb"]*+/?+)*+").fullmatch

_DOT: Final = rb"(?:\.|%2[Ee])"
_SEMICOLON: Final = rb"(?:;|%3[Bb])"
_SLASH: Final = rb"%(?:2[Ff]|5[Cc])"

_REFUSED: Final = re.compile(
    rb"(?P<malformed>%(?![0-9A-Fa-f]{2}))"
    rb"|(?P<control>[\x00-\x1f\x7f]|%(?:[01][0-9A-Fa-f]|7[Ff]))"
    rb"|(?P<slash>" + _SLASH + rb")"
    rb"|(?P<overlong>%(?:[Cc][01]%[89ABab]|[Ee]0%[89]|[Ff]0%8))"
    rb"|(?P<raw>[ \\#?\x80-\xff])"
    rb"|(?P<parameters>/(?:" + _DOT + rb"{1,2}" + _SEMICOLON + rb"|" + _SEMICOLON + rb"[^/]*/))"
)

_DETAILS: Final = {
    "malformed": "a `%` in the path is not followed by two hexadecimal digits",
    "control": "the path holds a control character",
    "slash": "the path holds an encoded slash or backslash",
    "overlong": "the path holds an overlong UTF-8 sequence",
    "raw": "the path holds a byte that has to be escaped",
    # Some servers strip `;...` first and resolve dots and merge slashes afterwards: `/public/..;/admin` is `/admin` there.
    "parameters": "the path holds a dot or empty segment with parameters",
    "beside": "the path holds a dot segment beside an encoded slash",
}

_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_TO_DECIDE: Final = re.compile(rb"%[0-9A-Fa-f]{2}|[^/" + _CHAR + rb"]")
_HAS_DOTS: Final = re.compile(rb"/" + _DOT + rb"{1,2}(?:/|\Z)")
_EMPTY: Final = re.compile(rb"//+")
_SPLIT_ENCODED: Final = re.compile(_SLASH)
_PARAMETERS: Final = re.compile(r";[^/]*")
_is_dots: Final = re.compile(_DOT + rb"{1,2}(?:" + _SEMICOLON + rb".*)?").fullmatch


def canonical(raw: bytes, *, keep_encoded_slashes: bool = False) -> tuple[str, bytes]:
    """Return the decision form and the forwarded form of a path, which comes without its query.

    Where nothing had to be resolved the forwarded form is `raw` itself. With `keep_encoded_slashes` an encoded slash or
    backslash passes as an opaque part of its segment, unless a reader who decodes it would then see a dot segment.

    Raises:
        BadTarget: two readers could understand the path differently.

    """
    if _is_clean(raw):
        return raw.decode("ascii"), raw
    if not raw.startswith(b"/"):
        raise BadTarget("the path does not begin with a slash")
    for found in _REFUSED.finditer(raw):
        if found.lastgroup != "slash" or not keep_encoded_slashes:
            raise BadTarget(_DETAILS[found.lastgroup or "raw"])
    forwarded = _resolve_dots(raw)
    if keep_encoded_slashes and _SPLIT_ENCODED.search(forwarded):
        _check_beside(forwarded)
    decision = _TO_DECIDE.sub(_decided, _EMPTY.sub(b"/", forwarded))
    return decision.decode("ascii"), forwarded


def decision_form(text: str) -> str:
    """The decision form of a piece of a path, as a person wrote it; nothing is resolved or refused."""
    return _TO_DECIDE.sub(_decided, text.encode()).decode("ascii")


def has_encoded_slash(path: str) -> bool:
    """Whether the decision form of a path holds an encoded slash or backslash.

    The edge lets them pass for the sake of routes that keep them; whoever serves a route that does not asks this.
    """
    return "%" in path and ("%2F" in path or "%5C" in path)


def without_parameters(path: str) -> str:
    """A path as servers see it that drop the parameters of its segments (RFC 3986 section 3.3)."""
    return _PARAMETERS.sub("", path)


def _resolve_dots(raw: bytes) -> bytes:
    """Remove dot segments as RFC 3986 section 5.2.4 does; the same object where there are none."""
    if not _HAS_DOTS.search(raw):
        return raw
    segments = raw.split(b"/")
    kept: list[bytes] = []
    last = len(segments) - 1
    for index, segment in enumerate(segments):
        plain = _undot(segment)
        if plain not in {b".", b".."}:
            kept.append(segment)
            continue
        if plain == b".." and len(kept) > 1:
            kept.pop()
        if index == last:
            kept.append(b"")
    return b"/".join(kept)


def _undot(segment: bytes) -> bytes:
    return segment.replace(b"%2e", b".").replace(b"%2E", b".") if b"%2" in segment else segment


def _check_beside(forwarded: bytes) -> None:
    for segment in forwarded.split(b"/"):
        for part in _SPLIT_ENCODED.split(segment):
            if _is_dots(part):
                raise BadTarget(_DETAILS["beside"])


def _decided(found: re.Match[bytes]) -> bytes:
    """Decode an escape of an unreserved byte; write any other, and a byte that is no URI character, as an escape."""
    text = found[0]
    byte = int(text[1:], 16) if len(text) > 1 else text[0]
    return bytes((byte,)) if byte in _UNRESERVED else b"%%%02X" % byte

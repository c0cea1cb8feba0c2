"""What the fields of a request say that only some requests have, and what frames its body."""

import re
from typing import Final

from gatekeeper.core.errors import BadRequest, BadTarget, ExpectationFailed, LoopDetected, NotSupported
from gatekeeper.edge.fields import Action
from gatekeeper.observe.trace import keeps_tracestate


NOMINATIONS: Final = 32
"""Names in `Connection` fields beyond which a request is refused."""
HOPS: Final = 5
"""Times that a request may have passed a gatekeeper before it is taken for going round in circles."""
BAGGAGE_SIZE: Final = 8192
"""Bytes of W3C baggage that are passed on, and what a platform must propagate at least; more is dropped whole."""
BAGGAGE_MEMBERS: Final = 64
"""Members of it, likewise."""

# RFC 9110 section 7.6.3: protocol, pseudonym, comment
_find_self: Final = re.compile(rb"(?:^|,)[ \t]*[^ \t,()]+[ \t]+gatekeeper(?=[ \t]*(?:\(|,|$))").findall
_BLANKS: Final = " \t"  # RFC 9110 section 5.6.3; text has others that are none
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_is_token: Final = re.compile(_TOKEN).fullmatch
_is_upgrade: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z/, \t]+").fullmatch
_is_number: Final = re.compile(rb"[0-9]{1,19}").fullmatch
_is_trailers: Final = re.compile(rb"(?i)(?:^|.*,)[ \t]*trailers[ \t]*(?:,.*|$)").fullmatch


class Facts:
    """The fields that only some requests have."""

    __slots__ = (
        "baggage", "chain", "expect", "forwarded", "host", "max_forwards", "proto", "request_id", "takes_trailers", "traceparent",
        "tracestate", "upgrade", "via",
    )  # fmt: skip

    def __init__(self, special: list[tuple[Action, bytes]]) -> None:
        """Take them apart.

        Raises:
            GatewayError: one of them is none that a request may have.

        """
        by_action: dict[Action, list[bytes]] = {}
        for action, value in special:
            by_action.setdefault(action, []).append(value)

        def joined(action: Action) -> bytes | None:
            values = by_action.get(action)
            return None if values is None else b",".join(values)

        def text(action: Action) -> str:
            return (joined(action) or b"").decode("latin-1")

        if Action.REFUSE in by_action:
            raise BadRequest("header fields with `_` in their names are refused here")
        self.expect = joined(Action.EXPECT)
        if self.expect is not None and self.expect.lower() != b"100-continue":
            raise ExpectationFailed(log=f"Expect: {self.expect[:100]!r}")
        self.max_forwards = _number(by_action.get(Action.MAX_FORWARDS))
        upgrade = joined(Action.UPGRADE) or b""
        self.upgrade = upgrade.decode("ascii").lower() if _is_upgrade(upgrade) else ""
        self.takes_trailers = _is_trailers(joined(Action.TE) or b"") is not None
        self.request_id = joined(Action.REQUEST_ID)
        self.traceparent = joined(Action.TRACEPARENT)
        state = joined(Action.TRACESTATE)
        self.tracestate = state if state is not None and keeps_tracestate(state) else None
        self.forwarded = text(Action.FORWARDED) if Action.FORWARDED in by_action else None
        self.chain = [part for part in text(Action.FORWARDED_FOR).split(",") if part.strip(_BLANKS)]
        # of several entries the last is the one that the trusted neighbour wrote
        self.proto = text(Action.FORWARDED_PROTO).rpartition(",")[2].strip(_BLANKS)
        self.host = text(Action.FORWARDED_HOST).rpartition(",")[2].strip(_BLANKS)
        baggage = by_action.get(Action.BAGGAGE, [])
        size = sum(map(len, baggage)) + len(baggage) - 1  # as one list
        members = sum(value.count(b",") + 1 for value in baggage)
        kept = size <= BAGGAGE_SIZE and members <= BAGGAGE_MEMBERS
        self.baggage = [(b"baggage", value) for value in baggage] if kept else []
        vias = by_action.get(Action.VIA, [])
        self.via = [(b"Via", value) for value in vias]
        if sum(len(_find_self(value)) for value in vias) >= HOPS:
            raise LoopDetected(log="the request has passed too many gateways")


def _number(values: list[bytes] | None) -> int | None:
    if values is None:
        return None
    if len(values) > 1 or not _is_number(values[0]):
        raise BadRequest("Max-Forwards is no number")
    return int(values[0])


def length_of(value: bytes) -> int:
    """Read a `Content-Length`.

    Raises:
        BadRequest: it is no number of bytes.

    """
    if not _is_number(value):
        raise BadRequest("the Content-Length is malformed")
    return int(value)


def check_coding(value: bytes) -> None:
    """Check a `Transfer-Encoding`; the parser is content with any list that ends in `chunked`.

    Raises:
        BadRequest: it is no list of codings.
        NotSupported: it has another one than `chunked`.

    """
    if value.lower() == b"chunked":
        return
    if not all(_is_token(coding.strip(b" \t")) for coding in value.split(b",")):
        raise BadRequest("the Transfer-Encoding is malformed")
    raise NotSupported("chunked is the only transfer coding here")


def connection_options(value: bytes) -> set[bytes]:
    """The options of all `Connection` fields, in lower case (RFC 9110 section 7.6.1).

    Raises:
        BadRequest: they are too many, or no tokens.

    """
    options = {option for part in value.lower().split(b",") if (option := part.strip(b" \t"))}
    if len(options) > NOMINATIONS:
        raise BadRequest("too many names in Connection")
    if not all(map(_is_token, options)):
        raise BadRequest("the Connection is malformed")
    return options


def absolute(target: bytes, method: str, scheme: str) -> tuple[bytes, bytes]:
    """Split a target that is no path: its path with query, and its authority; empty where it has none.

    Raises:
        BadTarget: it is no target that a server is asked for (RFC 9112 section 3.2).

    """
    if target == b"*":
        if method != "OPTIONS":
            raise BadTarget("only OPTIONS is asked of a whole server")
        return target, b""
    found, colon, rest = target.partition(b"://")
    if not colon or found.lower() != scheme.encode():
        raise BadTarget("the target is neither a path nor an address here")
    end = min(at for at in (rest.find(b"/"), rest.find(b"?"), len(rest)) if at >= 0)
    path = rest[end:]
    if not rest[:end]:
        raise BadTarget("the target names no host")
    return (path if path.startswith(b"/") else b"/" + path), rest[:end]

"""Dirty bytes in, a clean request out.

Nothing below ever sees the dirty one: hop-by-hop and `Connection`-named fields are gone, identity and forwarding fields
are settled, host and path are canonical, and framing is the body's length. The pass over the fields is one dictionary
look-up each, with the name as it was sent.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from aiohttp.http import HttpVersion10, HttpVersion11
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD, StreamReader

from gatekeeper.core.body import EMPTY, Body
from gatekeeper.core.clock import Timer
from gatekeeper.core.errors import (
    BadRequest,
    BadTarget,
    ClientGone,
    ExpectationFailed,
    GatewayError,
    LoopDetected,
    MethodNotAllowed,
    NotSupported,
    RequestTimeout,
    VersionNotSupported,
)
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.message import Field, Headers, Request
from gatekeeper.edge.fields import ACTIONS, Action
from gatekeeper.edge.forwarded import Network, parse_forwarded, walk
from gatekeeper.edge.host import HOSTS
from gatekeeper.observe.request_id import RequestIds, acceptable
from gatekeeper.observe.trace import accept, keeps_tracestate
from gatekeeper.routing.path import canonical


if TYPE_CHECKING:
    from gatekeeper.edge.protocol import StrictProtocol

NOMINATIONS: Final = 32
"""Names in `Connection` fields beyond which a request is refused."""
HOPS: Final = 5
"""Times that a request may have passed a gatekeeper before it is taken for going round in circles."""

_VIA_SELF: Final = b" gatekeeper"
_KEEP_ALIVE: Final = frozenset({b"keep-alive", b"Keep-Alive", b"close"})
_REFUSED_METHODS: Final = frozenset({"CONNECT", "TRACE"})
_CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

# global names cost a third of attributes of an enumeration
_DROP, _HOST, _CONNECTION = Action.DROP, Action.HOST, Action.CONNECTION
_CONTENT_LENGTH, _TRANSFER_ENCODING, _ONCE = Action.CONTENT_LENGTH, Action.TRANSFER_ENCODING, Action.ONCE


class Reader:
    """Makes exchanges of what the protocol hands over."""

    __slots__ = ("_getrandbits", "_ids", "_networks")

    def __init__(
        self, ids: RequestIds, getrandbits: Callable[[int], int], networks: tuple[Network, ...] = ()
    ) -> None:
        self._ids = ids
        self._getrandbits = getrandbits
        self._networks = networks

    def read(
        self, message: RawRequestMessage, payload: StreamReader, protocol: "StrictProtocol", started: float
    ) -> Exchange:
        """Return the exchange of a request.

        Raises:
            GatewayError: the request is refused.

        """
        fields: list[Field] = []
        special: list[tuple[Action, bytes]] | None = None
        authority = b""
        connection: bytes | None = None
        once: list[bytes] | None = None
        length = 0
        for field in message.raw_headers:
            action = ACTIONS[field[0]]
            if action is None:
                fields.append(field)
            elif action is _HOST:
                authority = field[1]
            elif action is _CONNECTION:
                connection = field[1] if connection is None else connection + b"," + field[1]
            elif action is _CONTENT_LENGTH:
                length = int(field[1])
            elif action is _ONCE:
                name = field[0].lower()
                if once is None:
                    once = [name]
                elif name in once:
                    raise BadRequest("a header field that may stand only once is repeated")
                else:
                    once.append(name)
                fields.append(field)
            elif action is _TRANSFER_ENCODING:
                if field[1] != b"chunked":
                    _check_coding(field[1])
            elif action is not _DROP:
                if special is None:
                    special = []
                special.append((action, field[1]))

        method = message.method
        version = message.version
        if version is HttpVersion11:
            version_text = "1.1"
        elif version is HttpVersion10:
            version_text = "1.0"
            if message.chunked:
                # RFC 9112 section 6.1: such a message must be treated "as if the framing is faulty"
                raise BadRequest("HTTP/1.0 has no transfer codings")
        else:
            raise VersionNotSupported
        if method in _REFUSED_METHODS:
            raise MethodNotAllowed(headers=[(b"allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")])
        target = message.path
        if target[0] != "/":
            target, authority = _absolute(target)
        path_text, mark, query = target.partition("?")
        raw_path = path_text.encode()
        # what they mean to the route decides whether encoded slashes pass
        path, forwarded_path = canonical(raw_path, keep_encoded_slashes=True)
        if not mark:
            target_bytes = forwarded_path
        elif forwarded_path is raw_path:
            target_bytes = target.encode()
        else:
            target_bytes = forwarded_path + b"?" + query.encode()
        if "#" in query:
            raise BadTarget("a target has no fragment")
        # HTTP/1.0 has no Host, which health checks of load balancers make use of
        host = HOSTS[authority] if authority or version is HttpVersion11 else ""

        if connection is not None and connection not in _KEEP_ALIVE:
            fields = _without_nominated(fields, connection)
        request = Request(
            method,
            path,
            target_bytes,
            query,
            host,
            authority,
            Headers(fields),
            EMPTY,
            protocol.scheme,
            version_text,
            protocol.peer,
            protocol.peer,
            protocol.listener,
        )
        expects_continue = False
        request_id = ""
        traceparent: bytes | None = None
        tracestate: bytes | None = None
        if special is None:
            fields += protocol.forwarded
            fields.append((b"X-Forwarded-Host", authority))
        else:
            facts = _Special(special)
            expects_continue = facts.expect is not None and version_text == "1.1"
            traceparent, tracestate = facts.traceparent, facts.tracestate
            if protocol.trusted:
                if facts.request_id is not None and acceptable(facts.request_id):
                    request_id = facts.request_id.decode()
                self._believe(request, facts)
            else:
                fields += protocol.forwarded
                fields.append((b"X-Forwarded-Host", authority))
            fields += facts.via

        header, trace_id, fresh = accept(traceparent, self._getrandbits)
        fields.append((b"traceparent", header))
        if tracestate is not None and not fresh:
            fields.append((b"tracestate", tracestate))
        if not request_id:
            request_id = self._ids.next()
        fields.append((b"x-request-id", request_id.encode()))
        exchange = Exchange(request_id, request, started, trace_id)
        if payload is not EMPTY_PAYLOAD:
            if payload.is_eof():
                data = payload.read_nowait()
                exchange.bytes_in = len(data)
                request.body = Body(data)
            else:
                source = ClientBody(protocol, payload, exchange, expects_continue=expects_continue)
                request.body = Body.stream(source, None if message.chunked else length)
        return exchange

    def unreadable(self, method: str, target: str, protocol: "StrictProtocol", started: float) -> Exchange:
        """Return an exchange for a request that is refused before it is understood."""
        path = target.partition("?")[0][:1024]
        request = Request(
            method, path, b"", "", "", b"", Headers(), client=protocol.peer, peer=protocol.peer,
            scheme=protocol.scheme, listener=protocol.listener,
        )  # fmt: skip
        return Exchange(self._ids.next(), request, started)

    def _believe(self, request: Request, facts: "_Special") -> None:
        """Take over what a trusted proxy says about the client, and tell the instance one truth of it."""
        fields = request.headers.fields
        chain, scheme, host = facts.chain, facts.proto, facts.host
        if facts.forwarded is not None:
            # RFC 7239 is the standard: where it is there and well-formed, it wins
            elements = parse_forwarded(facts.forwarded)
            if elements is not None:
                chain = [element.get("for", "") for element in elements]
                scheme = elements[-1].get("proto", scheme)
                host = elements[-1].get("host", host)
        request.client, believed = walk(chain, request.peer, self._networks)
        if scheme.lower() in {"http", "https"}:
            request.scheme = scheme.lower()
        forwarded_host = request.authority
        if host:
            request.host = HOSTS[host.encode("latin-1")]
            forwarded_host = host.encode("latin-1")
        fields += [
            (b"X-Forwarded-For", ", ".join(believed).encode()),
            (b"X-Forwarded-Proto", request.scheme.encode()),
            (b"X-Forwarded-Host", forwarded_host),
        ]
        if facts.forwarded is not None:
            node = ", ".join(f'for="[{a}]"' if ":" in a else f"for={a}" for a in believed)
            fields.append(
                (b"Forwarded", f'{node};proto={request.scheme};host="{forwarded_host.decode()}"'.encode())
            )


class _Special:
    """The fields that only some requests have."""

    __slots__ = (
        "chain", "expect", "forwarded", "host", "proto", "request_id", "traceparent", "tracestate", "via",
    )  # fmt: skip

    def __init__(self, special: list[tuple[Action, bytes]]) -> None:
        by_action: dict[Action, list[bytes]] = {}
        for action, value in special:
            by_action.setdefault(action, []).append(value)

        def joined(action: Action) -> bytes | None:
            values = by_action.get(action)
            return None if values is None else b",".join(values)

        def text(action: Action) -> str:
            return (joined(action) or b"").decode("latin-1")

        self.expect = joined(Action.EXPECT)
        if self.expect is not None and self.expect.lower() != b"100-continue":
            raise ExpectationFailed(log=f"Expect: {self.expect[:100]!r}")
        self.request_id = joined(Action.REQUEST_ID)
        self.traceparent = joined(Action.TRACEPARENT)
        state = joined(Action.TRACESTATE)
        self.tracestate = state if state is not None and keeps_tracestate(state) else None
        self.forwarded = text(Action.FORWARDED) if Action.FORWARDED in by_action else None
        self.chain = [part for part in text(Action.FORWARDED_FOR).split(",") if part.strip()]
        # of several entries the last is the one that the trusted neighbour wrote
        self.proto = text(Action.FORWARDED_PROTO).rpartition(",")[2].strip()
        self.host = text(Action.FORWARDED_HOST).rpartition(",")[2].strip()
        vias = by_action.get(Action.VIA, [])
        self.via = [(b"Via", value) for value in vias]
        if sum(value.count(_VIA_SELF) for value in vias) >= HOPS:
            raise LoopDetected(log="the request has passed too many gateways")


def _check_coding(value: bytes) -> None:
    # the parser is content with a list that ends in `chunked`, and with an empty field
    if not value:
        raise BadRequest("an empty Transfer-Encoding")
    if value.lower() != b"chunked":
        raise NotSupported("chunked is the only transfer coding here")


def _absolute(target: str) -> tuple[str, bytes]:
    """Split an absolute target; its authority replaces the Host (RFC 9112 section 3.2.2)."""
    scheme, colon, rest = target.partition("://")
    if not colon or scheme.lower() not in {"http", "https"}:
        raise NotSupported("this form of target is not supported") if target == "*" else BadTarget
    authority, slash, path = rest.partition("/")
    if "?" in authority:
        authority, _, query = authority.partition("?")
        return "/?" + query + slash + path, authority.encode()
    return "/" + path, authority.encode()


def _without_nominated(fields: list[Field], connection: bytes) -> list[Field]:
    # RFC 9110 section 7.6.1; only what the client sent is there yet, so that ours cannot be nominated away
    names = {name.strip(b" \t") for name in connection.lower().split(b",")}
    if len(names) > NOMINATIONS:
        raise BadRequest("too many names in Connection")
    names -= {b"close", b"keep-alive", b""}
    if not names:
        return fields
    return [field for field in fields if field[0].lower() not in names]


class ClientBody:
    """A request's body as it arrives. Silence beyond the limit ends it, and so does a client that goes away."""

    __slots__ = ("_exchange", "_expects_continue", "_payload", "_protocol", "_timer", "_waiting_since")

    def __init__(
        self, protocol: "StrictProtocol", payload: StreamReader, exchange: Exchange, *, expects_continue: bool
    ) -> None:
        self._protocol = protocol
        self._payload = payload
        self._exchange = exchange
        self._expects_continue = expects_continue
        self._waiting_since: float | None = None
        self._timer: Timer | None = None

    async def read(self) -> bytes:
        """Return what has arrived, `b""` at the end.

        Raises:
            RequestTimeout: nothing came for too long.
            BadRequest: the framing is broken.
            ClientGone: the client hung up.

        """
        protocol = self._protocol
        if self._expects_continue:
            self._expects_continue = False
            # only now that somebody wants the body: RFC 9110 section 10.1.1
            if not self._payload.total_bytes and protocol.transport is not None:
                protocol.transport.write(_CONTINUE)
        if self._timer is None:
            self._timer = protocol.edge.wheel.add(protocol.edge.timeouts.body, self._check_time)
        self._waiting_since = protocol.edge.wheel.now
        try:
            data = await self._payload.readany()
        except (GatewayError, asyncio.CancelledError):
            self._stop_timer()
            raise
        except Exception as error:
            self._stop_timer()
            if protocol.transport is None:
                raise ClientGone(log="the client went away inside its body") from error
            raise BadRequest("the body is malformed", log=repr(error)) from error
        finally:
            self._waiting_since = None
        if data:
            self._exchange.bytes_in += len(data)
        else:
            self._stop_timer()
        return data

    def abort(self) -> None:
        """Nobody reads on; aiohttp reads the rest away for a moment before it closes the connection."""
        self._stop_timer()

    def _check_time(self) -> None:
        wheel, limit = self._protocol.edge.wheel, self._protocol.edge.timeouts.body
        silent = 0.0 if self._waiting_since is None else wheel.now - self._waiting_since
        if silent >= limit:
            self._timer = None
            self._payload.set_exception(RequestTimeout(log=f"no byte of the body for {silent:.1f} s"))
        else:
            self._timer = wheel.add(limit - silent, self._check_time)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

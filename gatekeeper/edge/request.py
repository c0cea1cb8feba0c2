"""Dirty bytes in, a clean request out.

Nothing below ever sees the dirty one: hop-by-hop and `Connection`-named fields are gone, identity and forwarding fields
are settled, host and path are canonical, and framing is the body's length. The pass over the fields is one dictionary
look-up each, with the name as it was sent.
"""

import math
from collections.abc import Callable
from typing import Final

from gatekeeper.core.body import EMPTY
from gatekeeper.core.errors import BadRequest, BadTarget, MethodNotAllowed
from gatekeeper.core.exchange import Exchange, Key
from gatekeeper.core.message import Field, Headers, Request
from gatekeeper.edge.facts import Facts, absolute, check_coding, connection_options, length_of
from gatekeeper.edge.fields import Action, field_actions
from gatekeeper.edge.forwarded import node_address, parse_forwarded, walk
from gatekeeper.edge.head import HeadReader
from gatekeeper.edge.host import HOSTS
from gatekeeper.edge.peer import Peer
from gatekeeper.edge.settings import DEFAULTS, EdgeSettings
from gatekeeper.observe.request_id import RequestIds, acceptable
from gatekeeper.observe.trace import accept
from gatekeeper.routing.path import canonical


LAST_HOP: Final = Key[bool]("last hop")
"""Whether a request is for the gateway itself: it may be forwarded no further (RFC 9110 section 7.6.2)."""
ALLOW: Final = (b"allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
"""The methods of which a client may expect something, whatever its path."""

_REFUSED_METHODS: Final = frozenset({"CONNECT", "TRACE"})
_METHODS: Final = {
    name.encode(): name
    for name in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY")
}
_SLASH: Final = ord("/")

# global names cost a third of attributes of an enumeration
_DROP, _HOST, _CONNECTION = Action.DROP, Action.HOST, Action.CONNECTION
_CONTENT_LENGTH, _TRANSFER_ENCODING, _ONCE = Action.CONTENT_LENGTH, Action.TRANSFER_ENCODING, Action.ONCE


class Reader:
    """Makes exchanges of what the connection hands over."""

    __slots__ = ("_actions", "_getrandbits", "_ids", "_networks", "_since")

    def __init__(
        self,
        ids: RequestIds,
        getrandbits: Callable[[int], int],
        settings: EdgeSettings = DEFAULTS,
        since: float = -math.inf,
    ) -> None:
        """Read by these settings; by others before the moment `since`."""
        self._ids = ids
        self._getrandbits = getrandbits
        self._networks = settings.networks
        self._actions = field_actions(settings.underscore_headers, settings.identity_headers)
        self._since = since

    def read(self, head: HeadReader, peer: Peer, started: float) -> Exchange:
        """Return the exchange of a request, still without its body; what frames that is noted on the head.

        Raises:
            GatewayError: the request is refused.

        """
        fields: list[Field] = []
        special: list[tuple[Action, bytes]] | None = None
        authority: bytes | None = None
        connection: bytes | None = None
        once: list[bytes] | None = None
        length = -1
        chunked = False
        actions = self._actions
        for field in head.fields:
            action = actions[field[0]]
            if action is None:
                fields.append(field)
            elif action is _HOST:
                if authority is not None:
                    raise BadRequest("more than one Host")
                authority = field[1]
            elif action is _CONNECTION:
                connection = field[1] if connection is None else connection + b"," + field[1]
            elif action is _CONTENT_LENGTH:
                if length >= 0 or chunked:
                    raise BadRequest("the body is framed twice")
                length = length_of(field[1])
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
                if length >= 0 or chunked:
                    raise BadRequest("the body is framed twice")
                check_coding(field[1])
                chunked = True
            elif action is not _DROP:
                if special is None:
                    special = []
                special.append((action, field[1]))

        version = head.version
        method = _METHODS.get(head.method) or head.method.decode("ascii")
        if version == "1.1":
            if authority is None:
                # RFC 9112 section 3.2; HTTP/1.0 has none, which health checks of load balancers make use of
                raise BadRequest("the Host is missing")
        elif chunked:
            # RFC 9112 section 6.1: such a message must be treated "as if the framing is faulty"
            raise BadRequest("HTTP/1.0 has no transfer codings")
        if method in _REFUSED_METHODS:
            raise MethodNotAllowed(headers=[ALLOW])
        host = HOSTS[authority] if authority is not None else ""
        target = head.target
        if target[0] != _SLASH:
            # RFC 9112 section 3.2.2: its authority replaces the Host
            target, found = absolute(target, method, peer.scheme)
            if found:
                authority, host = found, HOSTS[found]
        raw_path, mark, raw_query = target.partition(b"?")
        query = raw_query.decode("ascii") if mark else ""
        if target == b"*":
            path, forwarded_path = "*", target
        else:
            # what they mean to the route decides whether encoded slashes pass
            path, forwarded_path = canonical(raw_path, keep_encoded_slashes=True)
        if not mark:
            target = forwarded_path
        elif forwarded_path is not raw_path:
            target = forwarded_path + b"?" + raw_query
        if "#" in query:
            raise BadTarget("a target has no fragment")

        options: set[bytes] | None = None
        if connection is None:
            last = version != "1.1"
        else:
            options = connection_options(connection)
            last = b"close" in options or (version != "1.1" and b"keep-alive" not in options)
            fields = _without_nominated(fields, options)
        head.length = max(length, 0)
        head.chunked = chunked
        head.last = last
        head.expects_continue = False
        request = Request(
            method,
            path,
            target,
            query,
            host,
            authority or b"",
            Headers(fields),
            EMPTY,
            peer.scheme,
            version,
            peer.address,
            peer.address,
            peer.listener,
            certificate=peer.certificate,
        )
        request_id = ""
        traceparent: bytes | None = None
        tracestate: bytes | None = None
        max_forwards: int | None = None
        if special is None:
            fields += peer.forwarded
            fields.append((b"X-Forwarded-Host", request.authority))
        else:
            facts = Facts(special)
            head.expects_continue = facts.expect is not None and version == "1.1"
            traceparent, tracestate = facts.traceparent, facts.tracestate
            request.takes_trailers = facts.takes_trailers and version == "1.1"
            if facts.upgrade and options is not None and b"upgrade" in options and version == "1.1":
                request.upgrade = facts.upgrade
            max_forwards = facts.max_forwards
            if peer.trusted:
                if facts.request_id is not None and acceptable(facts.request_id):
                    request_id = facts.request_id.decode()
                self._believe(request, facts)
            else:
                fields += peer.forwarded
                fields.append((b"X-Forwarded-Host", request.authority))
            fields += facts.via
            if options is None or b"baggage" not in options:
                fields += facts.baggage

        header, trace_id, fresh = accept(traceparent, self._getrandbits)
        fields.append((b"traceparent", header))
        if tracestate is not None and not fresh:
            fields.append((b"tracestate", tracestate))
        if not request_id:
            request_id = self._ids.next()
        fields.append((b"x-request-id", request_id.encode()))
        exchange = Exchange(request_id, request, started, trace_id)
        if max_forwards is not None:
            _count_down(exchange, max_forwards)
        return exchange

    def revise(self, exchange: Exchange) -> None:
        """Take out of a request what nobody may send by these settings, if it was read by others.

        It may have waited for its turn while a reload changed the fields by which services are told who asks.
        """
        if exchange.started <= self._since:
            headers, actions = exchange.request.headers, self._actions
            headers.fields = [field for field in headers.fields if actions[field[0]] is not _DROP]

    def unreadable(self, head: HeadReader, peer: Peer, started: float) -> Exchange:
        """Return an exchange for a request that is refused before it is understood."""
        method = _METHODS.get(head.method, "-")
        path = head.target.partition(b"?")[0][:1024].decode("latin-1") if head.version else ""
        request = Request(
            method, path, b"", "", "", b"", Headers(), client=peer.address, peer=peer.address, scheme=peer.scheme,
            listener=peer.listener,
        )  # fmt: skip
        return Exchange(self._ids.next(), request, started)

    def _believe(self, request: Request, facts: Facts) -> None:
        """Take over what a trusted proxy says about the client, and tell the instance one truth of it."""
        fields = request.headers.fields
        chain, scheme, host = facts.chain, facts.proto, facts.host
        if facts.forwarded is not None and not (chain or scheme or host):
            # RFC 7239 is the standard, but proxies that do not write it pass it on as it came from a client: it counts
            # only where there is nothing of what nearly all of them write
            elements = parse_forwarded(facts.forwarded)
            if elements is not None:
                chain = [node_address(element.get("for", "")) for element in elements]
                scheme = elements[-1].get("proto", "")
                host = elements[-1].get("host", "")
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


def _count_down(exchange: Exchange, forwards: int) -> None:
    """Heed `Max-Forwards`, which means something for OPTIONS only; elsewhere it is passed on as it came."""
    fields = exchange.request.headers.fields
    if exchange.request.method != "OPTIONS":
        fields.append((b"Max-Forwards", b"%d" % forwards))
    elif forwards:
        fields.append((b"Max-Forwards", b"%d" % (forwards - 1)))
    else:
        exchange[LAST_HOP] = True


def _without_nominated(fields: list[Field], options: set[bytes]) -> list[Field]:
    # only what the client sent is there yet, so that ours cannot be nominated away
    names = options - {b"close", b"keep-alive"}
    return [field for field in fields if field[0].lower() not in names] if names else fields

"""`gatekeeper doc limits`: all limits that protect the gateway, in one table.

Made of what holds: the defaults of the configuration's classes, the constants of the modules that enforce the others, and
the errors that clients get.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import attrs

from gatekeeper.admin import bodies, connection
from gatekeeper.config.model import RouteDefaultsConfig, ServerConfig, ServiceDefaultsConfig, WebsocketConfig
from gatekeeper.config.page import Page, Table
from gatekeeper.config.show import show_value
from gatekeeper.config.units import show_duration, show_size
from gatekeeper.config.wording import keys, written
from gatekeeper.core import body, concurrency, errors
from gatekeeper.core.errors import GatewayError
from gatekeeper.edge import body as client_body
from gatekeeper.edge import chunks, connected, facts, head, incoming, protocol, proxied
from gatekeeper.observe import log, metrics
from gatekeeper.policy import pressure
from gatekeeper.upstream import answer, interim, trailers
from gatekeeper.upstream import head as answer_head


SUMMARY: Final = "what protects the gateway: all limits and times, and what clients see of them"

_COLUMNS: Final = ("limit", "default", "meaning", "the client sees")
_ENDS: Final = "the connection ends"
_CUT: Final = "the connection is cut"
_SLOWER: Final = "it is read no further"
_NOTHING: Final = "nothing"


def _sees(error: type[GatewayError]) -> str:
    return f"{error.status} {error.code}"


_OVERLOADED: Final = _sees(errors.Overloaded)
_MALFORMED: Final = _sees(errors.BadRequest)
_BAD_ANSWER: Final = _sees(errors.BadAnswer)
_SLOW: Final = _sees(errors.RequestTimeout)
_LARGE_HEAD: Final = _sees(errors.HeadersTooLarge)
_TURNED_AWAY: Final = "503 without a body"

_SERVER: Final = ServerConfig()
_SERVICE: Final = ServiceDefaultsConfig()

SET: Final[tuple[tuple[str, Any, Mapping[str, str]], ...]] = (
    ("server.timeouts", _SERVER.timeouts, {"head": _SLOW, "body": _SLOW, "idle": _ENDS, "write": _CUT}),
    (
        "server.limits",
        _SERVER.limits,
        {
            "header_count": _LARGE_HEAD,
            "header_line": _LARGE_HEAD,
            "header_block": _LARGE_HEAD,
            "target": _sees(errors.UriTooLong),
            "body_rate": _SLOW,
            "connections": _TURNED_AWAY,
            "connections_per_address": _TURNED_AWAY,
            "requests_per_connection": "connection: close",
        },
    ),
    ("server.concurrency", _SERVER.concurrency, dict.fromkeys(("limit", "queue", "wait"), _OVERLOADED)),
    (
        "server",
        _SERVER,
        {"half_close": _ENDS, "underscore_headers": f"with `reject` {_MALFORMED}", "drain": _CUT},
    ),
    ("routes", RouteDefaultsConfig(), {"max_body": _sees(errors.ContentTooLarge)}),
    (
        "routes.websocket",
        WebsocketConfig(),
        {
            "origins": _sees(errors.OriginRefused),
            "lifetime": _ENDS,
            "protocols": "the answer to a plain request",
        },
    ),
    ("services.concurrency", _SERVICE.concurrency, dict.fromkeys(("limit", "queue", "wait"), _OVERLOADED)),
    (
        "services.timeouts",
        _SERVICE.timeouts,
        {
            "connect": _sees(errors.ConnectTimeout),
            "write": _sees(errors.WriteTimeout),
            "read": _CUT,
            "first_byte": _sees(errors.FirstByteTimeout),
            "total": _sees(errors.DeadlineExceeded),
            "stream": _ENDS,
        },
    ),
    (
        "services.pool",
        _SERVICE.pool,
        {"max_connections": _sees(errors.PoolExhausted), "idle": _NOTHING, "max_requests": _NOTHING},
    ),
)
"""Where keys stand, what they are where nothing is said, and what clients see of them."""

FIXED: Final = (
    (
        "a PROXY header, version 1 and 2",
        f"{show_size(proxied.LONGEST_TEXT)}, {show_size(proxied.LONGEST)}",
        _ENDS,
    ),
    ("empty lines before a request", show_size(head.BLANK_LIMIT), _MALFORMED),
    ("names in `Connection` of a request", str(facts.NOMINATIONS), _MALFORMED),
    ("gatekeepers that a request may pass", str(facts.HOPS), _sees(errors.LoopDetected)),
    ("the line before a chunk of a request", show_size(chunks.LINE_LIMIT), _MALFORMED),
    ("what frames chunks, beyond what is usual", show_size(chunks.OVERHEAD_LIMIT), _MALFORMED),
    ("trailers of a request", f"{chunks.TRAILER_COUNT}, {show_size(chunks.TRAILER_LIMIT)}", _LARGE_HEAD),
    (
        "connections beyond those there are, by memory that a control group allows",
        f"{pressure.TIGHT_FROM:.0%}",
        _TURNED_AWAY,
    ),
    ("requests, by the same", f"{pressure.SHORT_FROM:.0%}", _OVERLOADED),
    ("requests that wait behind another one", show_size(incoming.BACKLOG_LIMIT), _SLOWER),
    ("a body that a service does not take", show_size(client_body.HIGH_WATER), _SLOWER),
    ("a body that nobody wants, read away", show_size(body.DISCARD_LIMIT), _ENDS),
    (
        "what comes behind a refusal, read away",
        f"{show_size(protocol.LINGER_LIMIT)}, {show_duration(protocol.LINGER)}",
        _ENDS,
    ),
    ("header fields of an answer", str(answer_head.FIELD_LIMIT), _BAD_ANSWER),
    ("the head of an answer", show_size(answer_head.HEAD_LIMIT), _BAD_ANSWER),
    ("interim answers", f"{interim.INTERIM_COUNT}, {show_size(interim.INTERIM_SIZE)}", _BAD_ANSWER),
    ("trailers of an answer", f"{trailers.TRAILER_COUNT}, {show_size(trailers.TRAILER_SIZE)}", _CUT),
    ("chunks of an answer without data", show_size(trailers.FRAMING_LIMIT), _CUT),
    ("an answer that a client does not take", show_size(answer.HIGH_WATER), _NOTHING),
    (
        "a place or connection that others wait for, by who does not read, or hardly sends",
        show_duration(concurrency.PATIENCE),
        f"{_CUT}, or {_SLOW}",
    ),
    ("a body, before it gets one where they are scarce", show_size(concurrency.SCARCE), _NOTHING),
    ("an idle connection that others want the place of", show_duration(connected.IDLE), _ENDS),
    ("until a body is sent without 100 (Continue)", show_duration(answer.CONTINUE_WAIT), _NOTHING),
    ("connections of the admin API", str(connection.CONNECTIONS), _ENDS),
    ("until a request of the admin API has come", show_duration(connection.IDLE), _ENDS),
    ("the body of a request of the admin API", show_size(bodies.LIMIT), "413"),
    ("lines of the log that nobody reads", str(log.QUEUE_RECORDS), "nothing; they are counted"),
    ("time series of a metric", str(metrics.MAX_CHILDREN), f"nothing; others are `{metrics.OTHER}`"),
)
"""What no key changes, how much it is, and what clients see of it."""


def page() -> Page:
    """The page: what a configuration sets, and what is fixed."""
    fixed = tuple((what, limit, sees) for what, limit, sees in FIXED)
    text = (
        "What clients may send, how many of them there may be, how long anything may take, and what somebody sees who goes"
        " beyond. Sizes are bytes in powers of 1024; `false` is no limit."
    )
    return Page(
        "limits",
        text,
        (
            Table("set by the configuration", _COLUMNS, tuple(_rows())),
            Table("fixed", ("what", "limit", "the client sees"), fixed),
        ),
    )


def _rows() -> Iterator[tuple[str, str, str, str]]:
    for place, settings, seen in SET:
        fields = keys(attrs.resolve_types(type(settings)))
        for key, sees in seen.items():
            field = fields[key]
            shown = show_value(getattr(settings, field.name), field.type)
            default = f"[{', '.join(shown)}]" if isinstance(shown, list) else written(shown)
            yield f"{place}.{key}", default, str(field.metadata["help"]), sees

"""Faults that are planted into the gateway, one at a time: each must be found, or nothing that is not found means anything."""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from unittest import mock

import attrs

from gatekeeper.core.errors import GatewayError
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.fields import FieldActions
from gatekeeper.core.message import Request
from gatekeeper.edge import body, chunks, head, incoming, request
from gatekeeper.edge import fields as edge_fields
from gatekeeper.edge import protocol as edge_protocol
from gatekeeper.edge.peer import Peer
from gatekeeper.upstream import answer, connection, send
from gatekeeper.upstream import fields as upstream_fields


@attrs.frozen
class Fault:
    """A way to spoil the gateway, and the direction in which it is to be found."""

    direction: str
    plant: Callable[[], contextlib.AbstractContextManager[object]]


def _patched(
    owner: object, name: str, new: object
) -> Callable[[], contextlib.AbstractContextManager[object]]:
    return lambda: mock.patch.object(owner, name, new)


# ---- the front ----------------------------------------------------------------------------------------------------------


def _length_beside_chunks() -> contextlib.AbstractContextManager[object]:
    original = send.serialise

    def serialise(sent: Request, host: bytes) -> bytes:
        line, end, rest = original(sent, host).partition(b"\r\n")
        return line + end + (b"Content-Length: 5\r\n" if sent.body.chunked else b"") + rest

    return mock.patch.object(send, "serialise", serialise)


def _line_feeds_in_heads() -> contextlib.AbstractContextManager[object]:
    """A bare line feed is taken for the end of a line."""
    original = incoming.Incoming._take_head

    def take(self: incoming.Incoming, data: bytes) -> None:
        top, blank, rest = data.partition(b"\n\n")
        if blank:
            data = re.sub(rb"\r?\n", b"\r\n", top) + b"\r\n\r\n" + rest
        original(self, data)

    return mock.patch.object(incoming.Incoming, "_take_head", take)


@contextlib.contextmanager
def _trailers_as_fields() -> Iterator[None]:
    """A trailer of a request becomes one of its fields."""
    seen: list[tuple[bytes, bytes]] = []
    original, begin = chunks.Chunks._check_trailer, incoming.Incoming._begin_body

    def check(self: chunks.Chunks, line: bytes, is_good: Callable[[bytes], object]) -> None:
        original(self, line, is_good)
        name, _, value = line.partition(b":")
        if line.endswith(b"\r\n"):
            seen.append((name, value.strip()))

    def begin_body(self: incoming.Incoming, exchange: Exchange, data: bytes) -> None:
        seen.clear()
        begin(self, exchange, data)
        exchange.request.headers.fields += seen

    with (
        mock.patch.object(chunks.Chunks, "_check_trailer", check),
        mock.patch.object(incoming.Incoming, "_begin_body", begin_body),
    ):
        yield


def _refusals_end_bodies() -> contextlib.AbstractContextManager[object]:
    """A body that turns out to be malformed ends like any other."""

    def fail(self: body.ClientBody, _: GatewayError) -> None:
        self.end()

    return mock.patch.object(body.ClientBody, "fail", fail)


def _loses_carriage_returns() -> contextlib.AbstractContextManager[object]:
    """One at the end of a segment is lost."""
    original = head.HeadReader.feed

    def feed(self: head.HeadReader, data: bytes) -> int:
        return original(self, data.removesuffix(b"\r") or data)

    return mock.patch.object(head.HeadReader, "feed", feed)


def _host_is_optional() -> contextlib.AbstractContextManager[object]:
    """The first of several is taken."""
    original = request.Reader.read

    def read(self: request.Reader, one: head.HeadReader, peer: Peer, started: float) -> Exchange:
        found = [field for field in one.fields if field[0].lower() == b"host"]
        if len(found) > 1:
            one.fields = [field for field in one.fields if field not in found[1:]]
        return original(self, one, peer, started)

    return mock.patch.object(request.Reader, "read", read)


def _reads_on_behind_refusals() -> contextlib.AbstractContextManager[object]:
    """What follows a request that is refused is the next one."""

    def refuse(self: edge_protocol.StrictProtocol, error: GatewayError) -> None:
        self._incoming.state = incoming.HEAD
        data = self._incoming.take_backlog()
        self._incoming.head = head.HeadReader(self.edge.settings.limits)
        self.hand_over(self.edge.unreadable(self._incoming.head, self.peer), error)
        if data:
            self._incoming.feed(data)

    return mock.patch.object(edge_protocol.StrictProtocol, "refuse", refuse)


def _actions() -> FieldActions[edge_fields.Action]:
    return edge_fields.field_actions("drop", frozenset())


# ---- towards the instance ---------------------------------------------------------------------------------------------------


def _ends_are_whole() -> contextlib.AbstractContextManager[object]:
    """An answer that breaks off is taken for whole."""
    original = answer.Answer.end_of_stream

    def end(self: answer.Answer, **more: Any) -> None:
        if self.has_head and not self.complete and self.error is None:
            self.length = self.trailers = None
            more = {}
        original(self, **more)

    return mock.patch.object(answer.Answer, "end_of_stream", end)


def _resets_are_ends() -> contextlib.AbstractContextManager[object]:
    """A reset is the end of a body that ends with its connection."""
    original = answer.Answer.end_of_stream
    return mock.patch.object(answer.Answer, "end_of_stream", lambda self, **_: original(self))


def _deaf_when_idle() -> contextlib.AbstractContextManager[object]:
    """What comes unasked for is thrown away, and its connection used again."""
    original = connection.Connection.data_received

    def received(self: connection.Connection, data: bytes) -> None:
        if self.answer is not None or self.end is not None:
            original(self, data)

    return mock.patch.object(connection.Connection, "data_received", received)


def _always_used_again() -> contextlib.AbstractContextManager[object]:
    """A connection is kept, whatever came behind the answer on it, and what comes is the next answer."""
    late: dict[int, list[bytes]] = {}
    original, release = connection.Connection.data_received, answer.Answer._release

    def received(self: connection.Connection, data: bytes) -> None:
        if self.answer is None and self.end is None:
            late.setdefault(id(self), []).append(data)
        else:
            original(self, b"".join(late.pop(id(self), [])) + data)

    def keep(self: answer.Answer) -> None:
        self.keep_alive = True
        release(self)

    stack = contextlib.ExitStack()
    stack.enter_context(mock.patch.object(connection.Connection, "data_received", received))
    stack.enter_context(mock.patch.object(answer.Answer, "_release", keep))
    return stack


def _lenient_sizes() -> contextlib.AbstractContextManager[object]:
    """Sizes of chunks are whatever `int` takes."""
    lenient = re.compile(rb"[ \t]*([+]?(?:0x)?[0-9A-Fa-f_]*[0-9A-Fa-f])[ \t]*(?:;[^\n]*)?\r?\n").fullmatch
    return mock.patch.object(chunks, "_is_size", lenient)


_OF_THE_HOP: Final = (b"Proxy-Connection", b"Keep-Alive", b"TE", b"HTTP2-Settings", b"Proxy-Authenticate")

FAULTS: Final[Mapping[str, Fault]] = {
    "a length beside chunks": Fault("requests", _length_beside_chunks),
    "a length is passed on as it came": Fault(
        "requests", lambda: mock.patch.dict(_actions(), {b"Content-Length": None})
    ),
    "a coding is passed on as it came": Fault(
        "requests", lambda: mock.patch.dict(_actions(), {b"Transfer-Encoding": None})
    ),
    "bare line feeds in heads": Fault("requests", _line_feeds_in_heads),
    "trailers become fields": Fault("requests", _trailers_as_fields),
    "any number is the size of a chunk": Fault("requests", _lenient_sizes),
    "a chunk may be longer than its size": Fault("requests", _patched(chunks, "_LINE_END", b"")),
    "a malformed body ends like a whole one": Fault("requests", _refusals_end_bodies),
    "a carriage return at the end of a segment is lost": Fault("requests", _loses_carriage_returns),
    "the first of several hosts": Fault("requests", _host_is_optional),
    "a refusal is not the end": Fault("requests", _reads_on_behind_refusals),
    "nominated fields pass": Fault(
        "requests", _patched(request, "_without_nominated", lambda fields, _: fields)
    ),
    "the last chunk is missing": Fault("requests", _patched(send, "LAST_CHUNK", b"0\r\n")),
    "an answer that breaks off is whole": Fault("answers", _ends_are_whole),
    "a reset is an end": Fault("answers", _resets_are_ends),
    "nobody listens to idle connections": Fault("answers", _deaf_when_idle),
    "what comes late is the next answer": Fault("answers", _always_used_again),
    "the length of an answer is passed on as it came": Fault(
        "answers", lambda: mock.patch.dict(upstream_fields.ACTIONS, {b"Content-Length": None})
    ),
    "fields of the hop are passed on": Fault(
        "answers", lambda: mock.patch.dict(upstream_fields.ACTIONS, dict.fromkeys(_OF_THE_HOP))
    ),
}
"""By name."""

"""Exchanges without a socket."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from gatekeeper.core.body import Body
from gatekeeper.core.errors import GatewayError
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.identity import Consumer
from gatekeeper.core.message import Field, Headers, Request, check_field
from gatekeeper.routing.path import canonical


Fields = Mapping[str, str] | Iterable[tuple[str | bytes, str | bytes]]
"""Header fields as a test writes them."""


class Chunks:
    """The source of a streamed body: what a test says, one chunk per read; an error among them is raised."""

    def __init__(self, *chunks: bytes | GatewayError) -> None:
        self._chunks = list(chunks)
        self.reads = 0
        self.aborted = False

    @property
    def left(self) -> int:
        """Chunks that nobody has read."""
        return len(self._chunks)

    async def read(self) -> bytes:
        """Return the next chunk, `b""` after the last."""
        self.reads += 1
        if not self._chunks:
            return b""
        chunk = self._chunks.pop(0)
        if isinstance(chunk, GatewayError):
            raise chunk
        return chunk

    def abort(self) -> None:
        """Note that nobody will read on."""
        self.aborted = True


def as_fields(headers: Fields) -> list[Field]:
    """The fields as bytes, checked."""
    pairs: Iterable[tuple[str | bytes, str | bytes]] = (
        headers.items() if isinstance(headers, Mapping) else headers
    )
    return [check_field(_bytes(name), _bytes(value)) for name, value in pairs]


def as_body(body: Body | bytes | str | Iterable[bytes | GatewayError], length: int | None = None) -> Body:
    """A body: complete from bytes or text, streamed from chunks."""
    if isinstance(body, Body):
        return body
    if isinstance(body, bytes | str):
        return Body(_bytes(body))
    return Body.stream(Chunks(*body), length)


def make_exchange(
    method: str = "GET",
    path: str = "/",
    headers: Fields = (),
    body: Body | bytes | str | Iterable[bytes | GatewayError] = b"",
    *,
    json: Any = None,
    length: int | None = None,
    host: str = "example.com",
    scheme: str = "http",
    client: str = "203.0.113.7",
    peer: str = "",
    captures: Mapping[str, str] | None = None,
    consumer: Consumer | None = None,
    exchange_id: str = "test",
    started: float = 1000.0,
) -> Exchange:
    """Return the exchange that the edge would make of such a request.

    `path` may have a query and becomes canonical as on the wire; a `body` of several chunks is streamed, with `length`
    announced. `consumer` is who has been proven to ask. `started` is where a FakeClock begins.

    Raises:
        BadTarget: the edge would refuse the path.

    """
    raw, mark, query = path.partition("?")
    decided, forwarded = canonical(raw.encode(), keep_encoded_slashes=True)
    fields = as_fields(headers)
    if json is not None:
        body = orjson.dumps(json)
        if not any(name.lower() == b"content-type" for name, _ in fields):
            fields.append((b"content-type", b"application/json"))
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    request = Request(
        method,
        decided,
        forwarded + (mark + query).encode(),
        query,
        name.strip("[]").lower(),
        host.encode(),
        Headers(fields),
        as_body(body, length),
        scheme,
        client=client,
        peer=peer or client,
    )
    exchange = Exchange(exchange_id, request, started)
    if captures is not None:
        exchange.captures = dict(captures)
    exchange.consumer = consumer
    return exchange


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text

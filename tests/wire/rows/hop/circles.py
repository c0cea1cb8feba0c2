"""HOP-09: a route that leads to the gateway itself."""

from collections.abc import Iterator

import attrs

from tests.wire.row import Row, declined
from tests.wire.rows.parts import CHUNKED, chunks, length, request


def rows() -> Iterator[Row]:
    """With the configuration that has such a route."""
    target = b"/loop/RUN00000"
    end = attrs.evolve(declined(508, 502), within=1.0)
    for name, send in {
        "GET": request(target=target),
        "POST": request(length(b"hello"), target=target, method=b"POST", body=b"hello"),
        "chunked POST": request(CHUNKED, target=target, method=b"POST", body=chunks(b"hello")),
        "large POST": request(length(bytes(300_000)), target=target, method=b"POST", body=bytes(300_000)),
        "Via nominated": request(b"Connection: via", target=target),
        "another's Via": request(b"Via: 1.1 other", target=target),
        "its own Via": request(b"Via: 1.1 gatekeeper", target=target),
        "another Host": request(target=target, host=b"Host: localhost"),
        "dots": request(target=b"/RUN00000/../loop/RUN00000"),
    }.items():
        yield Row(f"HOP-09 round, {name}", send, end, profile="mapped")
    head = request(target=target, method=b"HEAD")
    yield Row("HOP-09 round, HEAD", head, end, profile="mapped", to_head=(0,))
    old = request(target=target, version=b"HTTP/1.0")
    yield Row("HOP-09 round, in 1.0", old, end, profile="mapped")
    hops = request(b"Max-Forwards: 2", target=target, method=b"OPTIONS")
    yield Row(
        "HOP-09 round, as often as it may",
        hops,
        attrs.evolve(declined(200, 204), within=1.0),
        profile="mapped",
    )

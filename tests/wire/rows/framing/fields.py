"""FRM-36 and FRM-37: names that some servers take for others, and fields that may stand only once."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Row, Sent, declined, forwarded
from tests.wire.rows.parts import BEHIND, placed, request


UNDERSCORES: Final[Mapping[str, tuple[bytes, bool]]] = {
    # the second: whether `keep` keeps it; with a dash for it the name would mean something to a gateway
    "identity": (b"X_User_Id: admin", False),
    "mixed": (b"X-User_Id: admin", False),
    "upper case": (b"X_USER_ID: admin", False),
    "length": (b"Content_Length: 5", False),
    "coding": (b"Transfer_Encoding: chunked", False),
    "forwarded for": (b"X_Forwarded_For: 6.6.6.6", False),
    "request id": (b"X_Request_Id: forged", False),
    "connection": (b"Proxy_Connection: keep-alive", False),
    "harmless": (b"X_Colour: red", True),
    "first": (b"_X: 1", True),
    "last": (b"X_: 1", True),
    "alone": (b"_: 1", True),
    "twice": (b"X__One: 1", True),
}

ONCE: Final[Mapping[str, tuple[bytes, bytes]]] = {
    "content-type": (b"Content-Type: text/plain", b"Content-Type: text/html"),
    "content-type same": (b"Content-Type: text/plain", b"Content-Type: text/plain"),
    "authorization": (b"Authorization: Bearer a", b"Authorization: Bearer b"),
    "authorization in other case": (b"Authorization: Bearer a", b"authorization: Bearer b"),
    "authorization of other kinds": (b"Authorization: Basic eDp5", b"Authorization: Bearer b"),
    "x-api-key": (b"X-Api-Key: a", b"X-Api-Key: b"),
    "x-api-key in other case": (b"X-Api-Key: a", b"X-API-KEY: b"),
    "x-api-key empty": (b"X-Api-Key:", b"X-Api-Key: b"),
}


def rows() -> Iterator[Row]:
    """FRM-36 and FRM-37."""
    for name, (field, stays) in UNDERSCORES.items():
        raw, _, value = field.partition(b": ")
        for place, head in placed(field):
            expect = forwarded(Sent(absent=(raw,), body=b""), Sent())
            yield Row(f"FRM-36 {name} {place}", request(*head, host=None) + BEHIND, expect, choice=True)
        kept = Sent(fields={raw: value}, body=b"") if stays else Sent(absent=(raw,), body=b"")
        yield Row(f"FRM-36 {name} kept", request(field) + BEHIND, forwarded(kept, Sent()), profile="keeping")
        yield Row(f"FRM-36 {name} rejected", request(field), declined(400), profile="rejecting")
    for name, (first, second) in ONCE.items():
        for place, head in placed(first, second):
            yield Row(f"FRM-37 {name} {place}", request(*head, host=None), declined(400), choice=True)
        yield Row(f"FRM-37 {name} apart", request(first, b"X-Between: 1", second), declined(400), choice=True)

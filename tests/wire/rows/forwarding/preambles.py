"""FWD-06: the PROXY protocol, where nobody has asked for it."""

from collections.abc import Iterator, Mapping
from typing import Final

from tests.wire.row import Row, hung_up, refused
from tests.wire.rows.parts import BEHIND, request


SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"

PREAMBLES: Final[Mapping[str, bytes]] = {
    "v1 of four": b"PROXY TCP4 6.6.6.6 127.0.0.1 1234 80\r\n",
    "v1 of six": b"PROXY TCP6 2001:db8::1 ::1 1234 80\r\n",
    "v1 unknown": b"PROXY UNKNOWN\r\n",
    "v1 unknown with addresses": b"PROXY UNKNOWN 6.6.6.6 127.0.0.1 1 2\r\n",
    "v1 in lower case": b"proxy tcp4 6.6.6.6 127.0.0.1 1234 80\r\n",
    "v1 without carriage return": b"PROXY TCP4 6.6.6.6 127.0.0.1 1234 80\n",
    "v1 behind a blank line": b"\r\nPROXY TCP4 6.6.6.6 127.0.0.1 1234 80\r\n",
    "v1 cut": b"PROXY TCP4 6.6.6.6",
    "v1 twice": b"PROXY TCP4 6.6.6.6 127.0.0.1 1 2\r\nPROXY TCP4 7.7.7.7 127.0.0.1 1 2\r\n",
    "v1 that looks like a request": b"PROXY /RUN00000 HTTP/1.1\r\n",
    "v2 of four": SIGNATURE + bytes.fromhex("2111000c060606067f00000104d20050"),
    "v2 of six": SIGNATURE + bytes.fromhex("21210024") + bytes(36),
    "v2 local": SIGNATURE + bytes.fromhex("20000000"),
    "v2 of a unix socket": SIGNATURE + bytes.fromhex("213100d8") + bytes(216),
    "v2 of another version": SIGNATURE + bytes.fromhex("3111000c060606067f00000104d20050"),
    "v2 cut": SIGNATURE + bytes.fromhex("2111"),
    "v2 signature alone": SIGNATURE,
    "v2 longer than it is": SIGNATURE + bytes.fromhex("2111ffff060606067f00000104d20050"),
}


def rows() -> Iterator[Row]:
    """FWD-06."""
    for name, preamble in PREAMBLES.items():
        for profile in ("plain", "trusting"):
            ending = " of a trusted peer" if profile == "trusting" else ""
            send = preamble + request() + BEHIND
            expect = (refused(400, 405, 501, 505), hung_up())
            yield Row(f"FWD-06 {name}{ending}", send, expect, profile=profile)

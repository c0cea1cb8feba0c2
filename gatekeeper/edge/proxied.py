"""What a proxy says of its client before the client's first byte: PROXY protocol 1 and 2, from bytes to a decision.

Nothing is read that does not belong to the header: whoever reads asks for no more bytes than are certainly still to come.
So a request or a TLS handshake behind it, also in the same segment, is left to whom it is meant for.

Source: haproxy's doc/proxy-protocol.txt, sections 2.1 (text) and 2.2 (binary). Stricter than its 2.2 is the length: 64 KiB
of extensions (TLV) would be allowed there.
"""

import ipaddress
import re
from typing import Final

import attrs

from gatekeeper.edge.forwarded import Address


LONGEST_TEXT: Final = 107
"""Bytes of a whole header of version 1."""
LONGEST: Final = 4096
"""Bytes of a whole header of version 2, with the extensions that are passed over."""

_TEXT: Final = b"PROXY "
_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_SHORTEST: Final = len(b"PROXY UNKNOWN\r\n")  # those of version 2 are longer
_FIXED: Final = 16
"""Bytes of version 2 before the addresses."""

_LOCAL, _PROXY = 0x20, 0x21
_UNSPECIFIED, _TCP4, _TCP6, _UNIX = 0x00, 0x11, 0x21, 0x31
_ADDRESSES: Final = {_UNSPECIFIED: 0, _TCP4: 12, _TCP6: 36, _UNIX: 216}
"""Families that can have connections, and the bytes that addresses and ports take there."""

_PORT: Final = "(0|[1-9][0-9]{0,4})"
_LINE: Final = re.compile(
    rf"PROXY (?:TCP4 ([0-9.]+) ([0-9.]+)|TCP6 ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+)) {_PORT} {_PORT}\r\n"
)
_UNKNOWN: Final = re.compile(rb"PROXY UNKNOWN(?: [^\r\n]*)?\r\n")
_SPACES: Final = 5
_LAST_PORT: Final = 65535


class MalformedHeader(Exception):
    """These bytes do not begin with a header; the message says why."""


@attrs.frozen
class Told:
    """What a header says: the client's address, None where there is none to be told."""

    address: Address | None = None
    is_own: bool = False
    """Whether the proxy has connected for itself, as for a health check: then it is the client."""


def read(data: bytes) -> Told | int:
    """What a header says that is complete; else how many bytes are still to come, at least.

    Raises:
        MalformedHeader: it is none.

    """
    if _SIGNATURE.startswith(data[: len(_SIGNATURE)]) and data[:1] != b"":
        return _FIXED - len(data) if len(data) < _FIXED else _read_binary(data)
    if not _TEXT.startswith(data[: len(_TEXT)]):
        raise MalformedHeader("it does not begin with one")
    return _SHORTEST - len(data) if len(data) < _SHORTEST else _read_text(data)


def _read_text(data: bytes) -> Told | int:
    if data.endswith(b"\r\n"):
        return _parse_line(data)
    if b"\n" in data or b"\r" in data[:-1]:
        raise MalformedHeader("its line does not end in CRLF")
    fields = 0 if data.startswith(b"PROXY UNKNOWN") else max(_SPACES - data.count(b" "), 0)
    # each field that is missing has a space before it and one character at least
    missing = 1 if data.endswith(b"\r") else 2 * fields + 2
    if len(data) + missing > LONGEST_TEXT:
        raise MalformedHeader(f"it is longer than {LONGEST_TEXT} bytes")
    return missing


def _parse_line(line: bytes) -> Told:
    if _UNKNOWN.fullmatch(line):
        return Told()
    found = _LINE.fullmatch(line.decode("latin-1"))
    if found is None:
        raise MalformedHeader("its line is none of the protocol")
    source4, target4, source6, target6, *ports = found.groups()
    try:
        if source4 is not None:
            address, _ = ipaddress.IPv4Address(source4), ipaddress.IPv4Address(target4)
            told = Told(address)
        else:
            source, _ = ipaddress.IPv6Address(source6), ipaddress.IPv6Address(target6)
            told = Told(source.ipv4_mapped or source)
    except ValueError as error:
        raise MalformedHeader(f"its addresses are none: {error}") from error
    if any(int(port) > _LAST_PORT for port in ports):
        raise MalformedHeader(f"its ports go beyond {_LAST_PORT}")
    return told


def _read_binary(data: bytes) -> Told | int:
    command, family = data[12], data[13]
    length = int.from_bytes(data[14:_FIXED], "big")
    if command not in {_LOCAL, _PROXY}:
        raise MalformedHeader(f"version and command are 0x{command:02x}")
    if _FIXED + length > LONGEST:
        raise MalformedHeader(f"it is longer than {LONGEST} bytes")
    if command == _PROXY and length < _ADDRESSES.get(family, LONGEST):
        raise MalformedHeader(f"its {length} bytes are no addresses of a connection (family 0x{family:02x})")
    if missing := _FIXED + length - len(data):
        return missing
    if command == _LOCAL:
        return Told(is_own=True)
    if family == _TCP4:
        return Told(ipaddress.IPv4Address(data[16:20]))
    if family == _TCP6:
        source = ipaddress.IPv6Address(data[16:32])
        return Told(source.ipv4_mapped or source)
    return Told()

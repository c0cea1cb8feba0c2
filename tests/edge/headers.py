"""PROXY headers, built from haproxy's doc/proxy-protocol.txt without a word of the code that reads them."""

import ipaddress
import socket
import struct


SIGNATURE = b"\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a"

LOCAL, PROXY = 0x20, 0x21
UNSPECIFIED, TCP4, TCP6, UNIX = 0x00, 0x11, 0x21, 0x31


def text(source: str, target: str = "", ports: tuple[int, int] = (56324, 443)) -> bytes:
    """Version 1."""
    kind = "TCP6" if ":" in source else "TCP4"
    target = target or ("2001:db8::1" if kind == "TCP6" else "192.0.2.1")
    return f"PROXY {kind} {source} {target} {ports[0]} {ports[1]}\r\n".encode()


def block(command: int, family: int, content: bytes) -> bytes:
    """Version 2, whatever it says."""
    return SIGNATURE + struct.pack("!BBH", command, family, len(content)) + content


def extension(kind: int, content: bytes) -> bytes:
    """One TLV."""
    return struct.pack("!BH", kind, len(content)) + content


def addresses(source: str) -> bytes:
    """The address block of version 2."""
    if ":" in source:
        packed = socket.inet_pton(socket.AF_INET6, source) + ipaddress.IPv6Address("2001:db8::1").packed
    else:
        packed = socket.inet_aton(source) + socket.inet_aton("192.0.2.1")
    return packed + struct.pack("!HH", 56324, 443)


def binary(source: str, extensions: bytes = b"") -> bytes:
    """Version 2, of a client that has connected by TCP."""
    return block(PROXY, TCP6 if ":" in source else TCP4, addresses(source) + extensions)

"""Who the client is: the forwarding fields of proxies that are trusted, walked from the right.

`X-Forwarded-For` grows at its right end, so that everything left of the first address that is not a trusted proxy is
hearsay (RFC 7239 section 8.1). Addresses are parsed strictly: what is none ends the walk.
"""

import ipaddress
import re
from collections.abc import Sequence
from typing import Final


Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

HOPS: Final = 32
"""Entries that are looked at; a longer list is cut at its left end."""

# RFC 7239 section 4: forwarded-pair = token "=" value, value = token / quoted-string
_PAIR: Final = re.compile(
    r"[ \t]*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)=([!#$%&'*+\-.^_`|~0-9A-Za-z:]+|\"[\t !#-\[\]-~]*\")[ \t]*"
)
_IPV4_PORT: Final = re.compile(r"([0-9.]+):([0-9]{1,5})")
_IPV6_BRACKETS: Final = re.compile(r"\[([0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)\](?::([0-9]{1,5}))?")
_LAST_PORT: Final = 65535


def parse_address(text: str) -> Address | None:
    """An address as proxies write it, with or without port; None if it is none. IPv4 in IPv6 is IPv4."""
    text = text.strip(" \t")
    if match := _IPV4_PORT.fullmatch(text) or _IPV6_BRACKETS.fullmatch(text):
        text, port = match.groups()
        if port is not None and int(port) > _LAST_PORT:
            return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        return address.ipv4_mapped or address
    return address


def is_trusted(address: Address, networks: Sequence[Network]) -> bool:
    """Whether the address lies in one of the networks."""
    return any(address.version == network.version and address in network for network in networks)


def parse_forwarded(value: str) -> list[dict[str, str]] | None:
    """The elements of a `Forwarded` field (RFC 7239) in order; None if it is malformed."""
    elements = []
    for element in value.split(","):
        pairs: dict[str, str] = {}
        for pair in element.split(";"):
            match = _PAIR.fullmatch(pair)
            if match is None or match[1].lower() in pairs:
                return None
            pairs[match[1].lower()] = match[2].strip('"')
        elements.append(pairs)
    return elements


def node_address(node: str) -> str:
    """The address of a node of `Forwarded` (RFC 7239 section 6); empty where it tells none, or not as it must."""
    bare = ":" in node and not node.startswith("[") and not _IPV4_PORT.fullmatch(node)
    return "" if bare else node


def walk(chain: Sequence[str], peer: str, networks: Sequence[Network]) -> tuple[str, list[str]]:
    """Find the client in a list of addresses, oldest first, that the trusted `peer` handed over.

    Returns the client's address, and the addresses from it onward that are worth passing on.
    """
    client, believed = peer, [peer]
    for text in reversed(chain[-HOPS:]):
        address = parse_address(text)
        if address is None:
            break
        client = str(address)
        believed.append(client)
        if not is_trusted(address, networks):
            break
    believed.reverse()
    return client, believed

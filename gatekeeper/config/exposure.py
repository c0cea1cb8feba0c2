"""Instances that open to clients what is not meant for them: this gateway's own operators' side, and a cloud's.

Nothing is refused: a gateway may stand before another one's admin listener, and a link-local service may be what it is
for. Whoever writes such an address is told what it means. Names are not looked up.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, Literal

from gatekeeper.config.addresses import Listen, Url


Address = IPv4Address | IPv6Address

_LOCALHOST: Final[tuple[Address, ...]] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))


def risk(url: Url, admin: Listen | Literal[False]) -> str:
    """What sending requests there may open; empty for nothing that is known. `admin` is `admin.listen`."""
    if admin and leads_to(url, admin):
        return f"`{url}` is `admin.listen` of this gateway: clients would come to the side of its operators"
    if any(address.is_link_local for address in _addresses(url.host)):
        return (
            f"`{url}` is link-local: in a cloud, whoever asks there may get the credentials of this machine"
        )
    return ""


def leads_to(url: Url, listen: Listen) -> bool:
    """Whether who asks a URL from this machine comes to an address that is listened on here."""
    if url.port != listen.port:
        return False
    return url.host == listen.host or any(
        _is_reached(asked, there) for asked in _addresses(url.host) for there in _addresses(listen.host)
    )


def _is_reached(asked: Address, there: Address) -> bool:
    if there.is_unspecified or asked.is_unspecified:
        # all addresses of this machine, of which those of its loopback are known
        return all(address.is_unspecified or address.is_loopback for address in (asked, there))
    return asked == there


def _addresses(host: str) -> tuple[Address, ...]:
    """The addresses that a host certainly is."""
    if host == "localhost" or host.endswith(".localhost"):
        return _LOCALHOST
    try:
        found = ip_address(host)
    except ValueError:
        return ()
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found,)

"""Where things are: hosts, addresses to listen on, instances, networks (gateway-yaml.md section (b) 2)."""

import ipaddress
import re
from typing import Final, Self

import attrs

from gatekeeper.config.problems import Refusal


Network = ipaddress.IPv4Network | ipaddress.IPv6Network
"""Addresses with a common prefix, or one address."""

# a last label of digits alone would be read as an address by some: `127.1`
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*(?!(?:[0-9]+|0[Xx].*)\Z){_LABEL}")
_ADDRESS: Final = re.compile(r"(?:\[(?P<v6>[^\[\]]*)\]|(?P<host>[^:\[\]]*))(?::(?P<port>[^:]*))?")


def parse_host(text: str) -> str:
    """Check a host name or an address.

    Raises:
        Refusal: it is none, has a port, or is in upper case.

    """
    if _is_address(text):
        return text
    bare = text.rpartition("://")[2].partition("/")[0].partition(":")[0]
    if text != bare and _HOST.fullmatch(bare):
        raise Refusal(f"`{text}`: a host has no scheme, port and path: write `{bare}`")
    if not _HOST.fullmatch(text):
        raise Refusal(f"`{text}` is no host name{_in_ascii(text)}")
    if text != text.lower():
        raise Refusal(f"hosts are in lower case: write `{text.lower()}`")
    return text


def parse_host_pattern(text: str) -> str:
    """Check a host, `*.` with a host behind it, or `*`.

    Raises:
        Refusal: it is none of these.

    """
    if text == "*":
        return text
    if text.startswith("*.") and "*" not in text[2:] and not _is_address(text[2:]):
        return "*." + parse_host(text[2:])
    if "*" in text:
        raise Refusal(
            f"`{text}`: `*` stands for one label at the start, as in `*.example.com`, or alone for any host"
        )
    return parse_host(text)


def _in_ascii(text: str) -> str:
    """What a name beyond ASCII is in requests."""
    try:
        name = "" if text.isascii() else text.encode("idna").decode()
    except UnicodeError:
        name = ""
    return (
        f": write `{name}`"
        if _HOST.fullmatch(name)
        else "; it has letters, digits and `-`, with dots between"
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _port(text: str, lowest: int) -> int:
    if not text.isdecimal() or not lowest <= int(text) <= 65535:
        raise Refusal(
            f"no port `{text}`; there are 1 to 65535" if text else "the port is missing behind the `:`"
        )
    return int(text)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


LONGEST_FILE: Final = 107
"""Bytes of the path of a socket file, as kernels have it (`sun_path`)."""


@attrs.frozen
class Listen:
    """An address to listen on; port 0 lets the system choose one. A socket file and what systemd has opened have no host."""

    host: str
    port: int
    path: str = ""
    """Of a socket file."""
    handed: str | None = None
    """The name of what systemd hands over, empty for all that it does; None where it is opened here."""

    @property
    def has_host(self) -> bool:
        """Whether it is an address with a port."""
        return not self.path and self.handed is None

    @classmethod
    def parse(cls, value: int | str) -> Self:
        """Read `8080`, `"0.0.0.0:8080"`, `"[::1]:8080"`, `"unix:///run/gateway.sock"`, `"systemd"` or `"systemd:web"`.

        A port alone listens on all IPv4 addresses.

        Raises:
            Refusal: it is no address, or has no port.

        """
        if isinstance(value, int):
            return cls("0.0.0.0", _port(str(value), 0))  # noqa: S104
        if value.isdecimal():
            raise Refusal(f"write {value} without quotes", "wrong-type")
        if value.startswith("unix:"):
            return cls("", 0, _socket_file(value))
        if value == "systemd" or value.startswith("systemd:"):
            return cls("", 0, handed=_handed(value))
        if "://" in value:
            raise Refusal(f'`{value}`: an address to listen on has no scheme, as in "0.0.0.0:8080"')
        if value.count(":") > 1 and "[" not in value:
            raise Refusal(f'`{value}`: write an IPv6 address in brackets, like "[::1]:8080"')
        found = _ADDRESS.fullmatch(value)
        if found is None:
            raise Refusal(f'`{value}` is no address; write 8080, "0.0.0.0:8080" or "[::1]:8080"')
        host = found["v6"] if found["v6"] is not None else found["host"]
        if found["port"] is None:
            raise Refusal(f'`{value}` has no port: write "{value}:8080"')
        port = _port(found["port"], 0)
        if not host:
            raise Refusal(f'`{value}` has no host: write {port} or "0.0.0.0:{port}"')
        if found["v6"] is not None and not _is_address(host):
            raise Refusal(f"`{host}` is no IPv6 address")
        return cls(parse_host(host), port)

    def __str__(self) -> str:
        if self.handed is not None:
            return f"systemd:{self.handed}" if self.handed else "systemd"
        return f"unix://{self.path}" if self.path else f"{_bracketed(self.host)}:{self.port}"


def _handed(value: str) -> str:
    name = value.removeprefix("systemd").removeprefix(":")
    # systemd.socket(5): ASCII without control characters and `:`, up to 255 characters
    if value != "systemd" and not re.fullmatch(r"[!-9;-~]{1,255}", name):
        raise Refusal(
            f'`{value}`: write "systemd", or "systemd:NAME" with the `FileDescriptorName=` of a socket'
        )
    return name


def _socket_file(value: str) -> str:
    path = value.removeprefix("unix://")
    if not re.fullmatch(r"/[^\x00]*[^\x00/]", path):
        hint = (
            f"/{path.removeprefix('unix:').strip('/')}"
            if path.strip("/") not in {"", "unix:"}
            else "/run/gateway.sock"
        )
        raise Refusal(f'`{value}`: a socket file has a whole path: write "unix://{hint}"')
    if len(path.encode()) > LONGEST_FILE:
        raise Refusal(
            f"the path of a socket file has at most {LONGEST_FILE} bytes; this one has {len(path.encode())}"
        )
    return path


_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@attrs.frozen
class Url:
    """Where an instance is: `scheme` is http, https or unix; `path` is that of a socket file, and empty otherwise."""

    scheme: str
    host: str
    port: int
    path: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `http://host:port`, `https://host` or `unix:///run/app.sock`.

        Raises:
            Refusal: it is none of these, or says more than where.

        """
        scheme, separator, rest = text.partition("://")
        if not separator:
            raise Refusal(f"`{text}` has no scheme: write `http://{text.lstrip('/')}`")
        if scheme == "unix":
            if not re.fullmatch(r"/[^\x00?#]+", rest):
                raise Refusal(f"`{text}`: a socket file has a whole path, like `unix:///run/app.sock`")
            return cls(scheme, "", 0, rest)
        if scheme not in _DEFAULT_PORTS:
            raise Refusal(f"`{scheme}` is no scheme of an instance; there are http, https and unix")
        if "@" in rest:
            raise Refusal(
                "credentials do not stand in an address; send them with `transform`, from a variable"
            )
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        beyond = rest[len(authority) :]
        if beyond.startswith("/") and beyond != "/":
            raise Refusal(f"`{beyond}` does not belong in an address; use `rewrite.prefix` of the route")
        if beyond not in {"", "/"}:
            raise Refusal(
                f"`{beyond}` does not belong in an address; `transform` of the route changes queries"
            )
        found = _ADDRESS.fullmatch(authority)
        if found is None or (found["v6"] is not None and not _is_address(found["v6"])):
            raise Refusal(f"`{authority}` is no host; IPv6 addresses stand in brackets")
        if not (found["v6"] or found["host"]):
            raise Refusal(f"`{text}` has no host")
        host = found["v6"] or parse_host(found["host"].lower())
        port = _port(found["port"], 1) if found["port"] is not None else _DEFAULT_PORTS[scheme]
        return cls(scheme, host, port)

    def __str__(self) -> str:
        if self.scheme == "unix":
            return f"unix://{self.path}"
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{_bracketed(self.host)}{port}"


def parse_network(text: str) -> Network:
    """Read `10.0.0.0/8`, `2001:db8::/32` or one address.

    Raises:
        Refusal: it is none, or has bits set beyond the prefix.

    """
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        hint = "write one like `10.0.0.0/8`, `2001:db8::/32` or an address"
        raise Refusal(f"`{text}` is no network; {hint}") from None
    raise Refusal(f"`{text}` has bits set beyond its prefix: write `{network}`")


def parse_proxies(text: str) -> Network:
    """Read a network that is not all there is.

    Raises:
        Refusal: it is no network, or holds all addresses.

    """
    network = parse_network(text)
    if network.prefixlen == 0:
        raise Refusal(
            f"`{network}` would believe everybody; name the networks of your own proxies", "insecure"
        )
    return network

"""The types of values that have a notation of their own (gateway-yaml.md section (b) 2).

A field of a config class names one as its type and holds a plain value afterwards: `timeout: Duration = 5.0` is a float
to everybody else, and `5s` in a file. `Listen` and `Url` are small classes. Any class with a class method `parse(text)`
that raises ValueError is a type for such a field too.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Self

import attrs

from gatekeeper.config.problems import Refusal


VERSION: Final = 1
"""The version of the grammar."""
Version = Annotated[int, "version"]
"""The version of the grammar that a file is written in."""
Name = Annotated[str, "name"]
"""What something is called: `[a-z][a-z0-9_-]*`, at most 63 characters."""
Duration = Annotated[float, "duration"]
"""Seconds."""
Size = Annotated[int, "size"]
"""Bytes."""
Status = Annotated[int, "status"]
"""The status of an answer, 100 to 599."""
Host = Annotated[str, "host"]
"""A host name or address in lower case, without port."""
Method = Annotated[str, "method"]
"""A method in upper case."""
LiteralPath = Annotated[str, "path"]
"""A path without captures, as it stands in a request."""
File = Annotated[str, "file"]
"""An absolute path of a file that exists; written from the file it stands in."""
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
"""Addresses with a common prefix, or one address."""
Proxies = Annotated[Network, "proxies"]
"""A network of proxies whose word is taken; not everybody's."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_NO_NAMES: Final = frozenset({"yes", "no", "on", "off", "y", "n", "true", "false", "null"})


def parse_version(version: int) -> int:
    """Check the version of the grammar.

    Raises:
        Refusal: it is not known here.

    """
    if version != VERSION:
        raise Refusal(f"version {version} of the grammar is not known here; write `version: {VERSION}`")
    return version


def parse_name(text: str) -> str:
    """Check a name.

    Raises:
        Refusal: it is none.

    """
    if text in _NO_NAMES:
        raise Refusal(f"`{text}` is a value in other YAML tools; choose another name", "bad-name")
    if _NAME.fullmatch(text):
        return text
    proposal = re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-")
    hint = f": write `{proposal}`" if _NAME.fullmatch(proposal) and proposal not in _NO_NAMES else ""
    raise Refusal(f"`{text}` is no name (a-z first, then a-z, 0-9, - and _, at most 63){hint}", "bad-name")


# ---- time and size ------------------------------------------------------------------------------------------------

_SECONDS: Final = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_NUMBER: Final = r"([0-9]+(?:\.[0-9]+)?)"
_DURATION: Final = re.compile("".join(f"(?:{_NUMBER}{unit})?" for unit in _SECONDS))
_WITH_UNIT: Final = re.compile(_NUMBER + r"\s*([A-Za-z]+)")
_TIME_WORDS: Final = {
    word: unit
    for unit, words in {
        "d": "d day days",
        "h": "h hr hrs hour hours",
        "m": "m min mins minute minutes",
        "s": "s sec secs second seconds",
        "ms": "ms msec msecs millis millisecond milliseconds",
    }.items()
    for word in words.split()
}


def parse_duration(value: str | float) -> float:
    """Read `250ms`, `5s`, `1.5m`, `1h30m`, `7d`; the result is in seconds.

    Raises:
        Refusal: it is no time, or has no unit.

    """
    if not isinstance(value, str) or re.fullmatch(_NUMBER, value):
        raise Refusal(f"{value} has no unit: write {value}s or {value}ms", "no-unit")
    found = _DURATION.fullmatch(value)
    if found and value:
        parts = zip(found.groups(), _SECONDS.values(), strict=True)
        return sum(float(number) * unit for number, unit in parts if number is not None)
    other = _WITH_UNIT.fullmatch(value)
    unit = _TIME_WORDS.get(other[2].lower()) if other else None
    hint = f"write {other[1]}{unit}" if other and unit else "write one like 250ms, 5s, 1.5m, 1h30m or 7d"
    raise Refusal(f"`{value}` is no time; {hint}")


_BYTES: Final = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_SIZE: Final = re.compile(r"([0-9]+)(B|KiB|MiB|GiB)")
_OTHER_SIZE: Final = re.compile(r"([0-9]+)\s*([KkMmGg])[Ii]?[Bb]?")


def parse_size(value: str | float) -> int:
    """Read `512B`, `8KiB`, `16MiB`, `1GiB`; the result is in bytes.

    Raises:
        Refusal: it is no size, or has no unit.

    """
    if not isinstance(value, str) or value.isdecimal():
        raise Refusal(f"{value} has no unit: write {value}B, {value}KiB or {value}MiB", "no-unit")
    if found := _SIZE.fullmatch(value):
        return int(found[1]) * _BYTES[found[2]]
    other = _OTHER_SIZE.fullmatch(value)
    hint = f"write {other[1]}{other[2].upper()}iB" if other else "write one like 512B, 8KiB, 16MiB or 1GiB"
    raise Refusal(f"`{value}` is no size; {hint}")


# ---- HTTP -----------------------------------------------------------------------------------------------------------


def parse_status(value: int | str) -> int:
    """Check a status.

    Raises:
        Refusal: it is none.

    """
    if isinstance(value, str):
        hint = f"; write {value} without quotes" if value.isdecimal() else ""
        raise Refusal(f"`{value}` is no status{hint}", "wrong-type" if hint else "bad-value")
    if not 100 <= value <= 599:
        raise Refusal(f"{value} is no status; there are 100 to 599")
    return value


def parse_method(text: str) -> str:
    """Check a method.

    Raises:
        Refusal: it is none, or in lower case.

    """
    if re.fullmatch(r"[A-Z][A-Z-]*", text):
        return text
    if re.fullmatch(r"[A-Za-z][A-Za-z-]*", text):
        raise Refusal(f"methods are in upper case: write {text.upper()}")
    raise Refusal(f"`{text}` is no method; for any method leave `method` out")


def parse_path(text: str) -> str:
    """Check a path that is compared and sent as it stands.

    Raises:
        Refusal: it is none.

    """
    if not text.startswith("/"):
        raise Refusal(f"a path begins with `/`: write `/{text}`")
    if "{" in text or "*" in text:
        raise Refusal(f"`{text}`: captures and `**` have no meaning here")
    if not re.fullmatch(r"(?:[A-Za-z0-9\-._~!$&'()+,;=:@/]|%[0-9A-Fa-f]{2})+", text):
        raise Refusal(f"`{text}` holds what has to be escaped in a path")
    if "//" in text or {".", ".."} & set(text.split("/")):
        raise Refusal(f"`{text}` is not in canonical form: leave out `//`, `.` and `..`")
    return text


# ---- addresses ------------------------------------------------------------------------------------------------------

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
    if ":" in text:
        raise Refusal(f"`{text}`: a host is written without port")
    if not _HOST.fullmatch(text):
        raise Refusal(f"`{text}` is no host name")
    if text != text.lower():
        raise Refusal(f"hosts are in lower case: write `{text.lower()}`")
    return text


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _port(text: str, lowest: int) -> int:
    if not text.isdecimal() or not lowest <= int(text) <= 65535:
        raise Refusal(
            f"port {text or 'is missing'}" + ("; there are 1 to 65535" if text else " behind the `:`")
        )
    return int(text)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@attrs.frozen
class Listen:
    """An address to listen on; port 0 lets the system choose one."""

    host: str
    port: int

    @classmethod
    def parse(cls, value: int | str) -> Self:
        """Read `8080`, `"0.0.0.0:8080"` or `"[::1]:8080"`; a port alone listens on all IPv4 addresses.

        Raises:
            Refusal: it is no address, or has no port.

        """
        if isinstance(value, int):
            return cls("0.0.0.0", _port(str(value), 0))  # noqa: S104
        if value.isdecimal():
            raise Refusal(f"write {value} without quotes", "wrong-type")
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
        return f"{_bracketed(self.host)}:{self.port}"


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
            raise Refusal("credentials do not stand in an address; use `upstream_auth`")
        authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
        beyond = rest[len(authority) :]
        if beyond.startswith("/") and beyond != "/":
            raise Refusal(f"`{beyond}` does not belong in an address; use `rewrite.prefix` of the route")
        if beyond not in {"", "/"}:
            raise Refusal(f"`{beyond}` does not belong in an address")
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


@attrs.frozen
class Unit:
    """How a value of a type is read: `written` says what is expected, `takes` which plain types `parse` looks at."""

    written: str
    parse: Callable[[Any], Any]
    takes: tuple[type, ...] = (str,)


UNITS: Final[Mapping[Any, Unit]] = {
    Version: Unit(f"the version of the grammar, {VERSION}", parse_version, (int,)),
    Name: Unit("a name", parse_name),
    Duration: Unit("a time like `5s`", parse_duration, (str, int, float)),
    Size: Unit("a size like `16MiB`", parse_size, (str, int, float)),
    Status: Unit("a status like 404", parse_status, (int, str)),
    Host: Unit("a host name", parse_host),
    Method: Unit("a method like `GET`", parse_method),
    LiteralPath: Unit("a path like `/health`", parse_path),
    Listen: Unit('a port like 8080 or an address like "0.0.0.0:8080"', Listen.parse, (int, str)),
    Url: Unit("an address like `http://host:8080`", Url.parse),
    Proxies: Unit("a network like `10.0.0.0/8`", parse_proxies),
    Network: Unit("a network like `10.0.0.0/8`", parse_network),
    ipaddress.IPv4Network: Unit("a network like `10.0.0.0/8`", parse_network),
    ipaddress.IPv6Network: Unit("a network like `2001:db8::/32`", parse_network),
}

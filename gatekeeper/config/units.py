"""The types of values that have a notation of their own (gateway-yaml.md section (b) 2).

A field of a config class names one as its type and holds a plain value afterwards: `timeout: Duration = 5.0` is a float
to everybody else, and `5s` in a file. `Listen` and `Url` are small classes (`config.addresses`). Any class with a class
method `parse(text)` that raises ValueError is a type for such a field too: `str()` of a value gives the text back, and a
class attribute `PATTERN` may hold a regular expression for what it takes, for the schema.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final

import attrs

from gatekeeper.config.addresses import (
    Listen,
    Network,
    Url,
    parse_host,
    parse_host_pattern,
    parse_network,
    parse_proxies,
)
from gatekeeper.config.failures import HIGHEST, LOWEST, Failure, parse_failure
from gatekeeper.config.failures import PATTERN as _FAILURE
from gatekeeper.config.moments import TIME, parse_time, show_time
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
HostPattern = Annotated[str, "host pattern"]
"""A host, `*.` and a host for one label more, or `*` for any."""
Share = Annotated[float, "share"]
"""A part of the whole, 0 to 1."""
Weight = Annotated[int, "weight"]
"""A part in relation to other parts, 0 or more."""
Method = Annotated[str, "method"]
"""A method in upper case."""
LiteralPath = Annotated[str, "path"]
"""A path without captures, as it stands in a request."""
File = Annotated[str, "file"]
"""An absolute path of a file that exists; written from the file it stands in."""
Proxies = Annotated[Network, "proxies"]
"""A network of proxies whose word is taken; not everybody's."""
Sha256 = Annotated[str, "sha256"]
"""A SHA-256 in hexadecimal, in lower case."""
Time = Annotated[float, "time"]
"""Seconds since 1970."""

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
    if "://" in text:
        raise Refusal(f"`{text}` is an address; give it a name under `services`, and write that", "bad-name")
    if text.startswith("/"):
        raise Refusal(f"`{text}` is a path, which stands in `match`; choose a name", "bad-name")
    if "${" in text:
        raise Refusal(f"`{text}`: variables stand in values, and not in names", "bad-name")
    proposal = likely_name(text)
    hint = f": write `{proposal}`" if proposal else ""
    raise Refusal(f"`{text}` is no name (a-z first, then a-z, 0-9, - and _, at most 63){hint}", "bad-name")


def likely_name(text: str) -> str | None:
    """The name that was probably meant; None where none is near."""
    proposal = re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-")
    return proposal if _NAME.fullmatch(proposal) and proposal not in _NO_NAMES else None


# ---- time and size ------------------------------------------------------------------------------------------------

LONGEST: Final = 3650 * 86400.0
"""The longest time."""

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
        seconds = sum(float(number) * unit for number, unit in parts if number is not None)
        if seconds > LONGEST:
            raise Refusal(
                f"{value[:20]}{'...' if len(value) > 20 else ''} is longer than ten years; write at most 3650d"
            )
        return seconds
    other = _WITH_UNIT.fullmatch(value)
    unit = _TIME_WORDS.get(other[2].lower()) if other else None
    hint = f"write {other[1]}{unit}" if other and unit else "write one like 250ms, 5s, 1.5m, 1h30m or 7d"
    raise Refusal(f"`{value}` is no time; {hint}")


def digits(number: float) -> str:
    """The shortest digits that mean exactly this number, without exponent."""
    text = format(Decimal(repr(float(number))), "f")
    return text.removesuffix(".0")


def show_duration(seconds: float) -> str:
    """The time as a file has it: `1m30s`, `250ms`; what is read from it is the same number."""
    text, rest = "", seconds
    if 0 < seconds < 1:
        text = f"{digits(round(seconds * 1000, 6))}ms"
    else:
        for unit in ("d", "h", "m"):
            count, rest = divmod(rest, _SECONDS[unit])
            text += f"{count:.0f}{unit}" if count else ""
        rest = round(rest, 9)
        text += f"{digits(rest)}s" if rest or not text else ""
    return text if parse_duration(text) == seconds else f"{digits(seconds)}s"


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


def show_size(size: int) -> str:
    """The size as a file has it, in the largest unit without fraction."""
    unit = next((unit for unit in reversed(_BYTES) if size and size % _BYTES[unit] == 0), "B")
    return f"{size // _BYTES[unit]}{unit}"


_SHARE: Final = re.compile(_NUMBER + "%")


def parse_share(value: str | float) -> float:
    """Read `0.5%`, `20%`, `100%`; the result is between 0 and 1.

    Raises:
        Refusal: it is no share, or has no unit.

    """
    if not isinstance(value, str) or re.fullmatch(_NUMBER, value):
        number = float(value)
        hint = f"write {number * 100:g}%" if number <= 1 else f"write {number:g}%"
        raise Refusal(f"{value} has no unit: {hint}", "no-unit")
    found = _SHARE.fullmatch(value)
    if found is None:
        raise Refusal(f"`{value}` is no share; write one like 0.5%, 20% or 100%")
    if float(found[1]) > 100:
        raise Refusal(f"`{value}` is more than the whole; write at most 100%")
    # of 20%, the number nearest to 0.2; what is divided by 100 may be one beside it
    return float(f"{found[1]}e-2")


def show_share(share: float) -> str:
    """The share as a file has it; what is read from it is the same number."""
    return f"{format(Decimal(repr(float(share))).scaleb(2).normalize(), 'f')}%"


def parse_weight(value: int) -> int:
    """Check a weight.

    Raises:
        Refusal: it is none.

    """
    if not 0 <= value <= 1_000_000:
        raise Refusal(f"{value} is no weight; write 0 to 1000000")
    return value


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
    if re.fullmatch(r"[A-Z]+(?:[\s,|]+[A-Z]+)+", text):
        raise Refusal(f"`{text}` are several methods: write `[{', '.join(re.findall('[A-Z]+', text))}]`")
    raise Refusal(f"`{text}` is no method; for any method leave `method` out")


def parse_path(text: str) -> str:
    """Check a path that is compared and sent as it stands.

    Raises:
        Refusal: it is none.

    """
    if not text.startswith("/"):
        raise Refusal(f"a path begins with `/`: write `/{text}`")
    if text.endswith("/**") and not re.search(r"[{*]", text[:-3]):
        raise Refusal(f"`{text}`: `**` has no meaning here: write `{text[:-3] or '/'}`")
    if "{" in text or "*" in text:
        raise Refusal(f"`{text}`: captures and `**` have no meaning here")
    if not re.fullmatch(r"(?:[A-Za-z0-9\-._~!$&'()+,;=:@/]|%[0-9A-Fa-f]{2})+", text):
        raise Refusal(f"`{text}` holds what has to be escaped in a path")
    if "//" in text or {".", ".."} & set(text.split("/")):
        raise Refusal(f"`{text}` is not in canonical form: leave out `//`, `.` and `..`")
    return text


def parse_sha256(text: str) -> str:
    """Check a SHA-256; what is none is not shown, as it may be what was to be hashed.

    Raises:
        Refusal: it is none.

    """
    if re.fullmatch(r"[0-9A-Fa-f]{64}", text):
        return text.lower()
    raise Refusal("a SHA-256 is 64 hexadecimal digits; `printf %s TOKEN | sha256sum` writes that of a token")


@attrs.frozen
class Unit:
    """How a value of a type is read and written.

    `written` says what is expected, `takes` which plain types `parse` looks at, if only to say what is wrong with them.
    `show` is the way back. Good texts fit `pattern`, whole, and good numbers are `between` two: as far as a schema can tell.
    """

    written: str
    parse: Callable[[Any], Any]
    takes: tuple[type, ...] = (str,)
    show: Callable[[Any], Any] = str
    pattern: str = ""
    between: tuple[int, int] | None = None


def _same(value: Any) -> Any:
    return value


_DECIMAL: Final = r"[0-9]+(?:\.[0-9]+)?"
_LABEL: Final = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME_OR_V4: Final = rf"(?:{_LABEL}\.)*{_LABEL}"
_V6: Final = "[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*"
_HOST: Final = f"{_NAME_OR_V4}|{_V6}"
_AUTHORITY: Final = rf"(?:{_NAME_OR_V4}|\[{_V6}\])"
_URL: Final = rf"https?://{_AUTHORITY.replace('a-z', 'A-Za-z')}(?::[0-9]{{1,5}})?/?|unix:///[^?#]+"
_NETWORK: Final = rf"(?:[0-9]{{1,3}}(?:\.[0-9]{{1,3}}){{3}}|{_V6})(?:/[0-9.]+)?"
_PATH: Final = r"(?!.*//)(?!.*/\.{1,2}(?:/|$))/(?:[A-Za-z0-9\-._~!$&'()+,;=:@/]|%[0-9A-Fa-f]{2})*"

UNITS: Final[Mapping[Any, Unit]] = {
    Version: Unit(
        f"the version of the grammar, {VERSION}",
        parse_version,
        (int,),
        show=_same,
        between=(VERSION, VERSION),
    ),
    Name: Unit("a name", parse_name, pattern=rf"(?!(?:{'|'.join(sorted(_NO_NAMES))})$){_NAME.pattern}"),
    Duration: Unit(
        "a time like `5s`",
        parse_duration,
        (str, int, float),
        show=show_duration,
        pattern="(?=[0-9])" + "".join(f"(?:{_DECIMAL}{unit})?" for unit in _SECONDS),
    ),
    Size: Unit(
        "a size like `16MiB`",
        parse_size,
        (str, int, float),
        show=show_size,
        pattern=rf"[0-9]+(?:{'|'.join(_BYTES)})",
    ),
    Status: Unit("a status like 404", parse_status, (int, str), show=_same, between=(100, 599)),
    Host: Unit("a host name", parse_host, pattern=_HOST),
    HostPattern: Unit(
        'a host like `api.example.com` or "*.example.com"',
        parse_host_pattern,
        pattern=rf"\*|(?:\*\.)?(?:{_HOST})",
    ),
    Share: Unit(
        "a share like `20%`",
        parse_share,
        (str, int, float),
        show=show_share,
        pattern=r"0*(?:100(?:\.0+)?|[0-9]{1,2}(?:\.[0-9]+)?)%",
    ),
    Weight: Unit("a weight like 95", parse_weight, (int,), show=_same, between=(0, 1_000_000)),
    Failure: Unit(
        "a failure like `connect` or 502",
        parse_failure,
        (int, str),
        show=_same,
        pattern=_FAILURE,
        between=(LOWEST, HIGHEST),
    ),
    Sha256: Unit("a SHA-256", parse_sha256, pattern="[0-9A-Fa-f]{64}"),
    Time: Unit('a time like "2027-01-01T00:00:00Z"', parse_time, show=show_time, pattern=TIME),
    Method: Unit("a method like `GET`", parse_method, pattern="[A-Z][A-Z-]*"),
    LiteralPath: Unit("a path like `/health`", parse_path, pattern=_PATH),
    Listen: Unit(
        'a port like 8080 or an address like "0.0.0.0:8080"',
        Listen.parse,
        (int, str),
        pattern=rf"{_AUTHORITY}:[0-9]{{1,5}}|unix:///(?:.*[^/])?|systemd(?::[!-9;-~]+)?",
        between=(0, 65535),
    ),
    Url: Unit("an address like `http://host:8080`", Url.parse, pattern=_URL),
    Proxies: Unit("a network like `10.0.0.0/8`", parse_proxies, pattern=f"(?!.*/0$){_NETWORK}"),
    Network: Unit("a network like `10.0.0.0/8`", parse_network, pattern=_NETWORK),
    ipaddress.IPv4Network: Unit("a network like `10.0.0.0/8`", parse_network, pattern=_NETWORK),
    ipaddress.IPv6Network: Unit("a network like `2001:db8::/32`", parse_network, pattern=_NETWORK),
}

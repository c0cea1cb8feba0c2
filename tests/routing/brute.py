"""Routing once more, slowly: what the grammar says about `match`, read word by word, for comparison with the table.

It shares no code with the package. It takes routes as they stand in gateway.yaml and requests as they were sent, looks at
every route for every request, and ranks what fits with the words of the grammar. Use `decide` on whatever has come in:

    routes = [Route("users", "/users/{id:int}"), Route("rest", {"path": "/**", "method": "GET"})]
    decide(routes, Asked("GET", "/users/7")).names == {"users"}

Predicates of plugins and `share` are not known to it. A request is one that the edge let pass.
"""

import dataclasses
import functools
import importlib
import ipaddress
import re
import urllib.parse
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any


Condition = Any
"""A condition as it is written: a path, a mapping, or a list of both."""
Matcher = Any
"""A matcher as it is written: a text, a mapping, or a list of both."""

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
RESERVED = "!$&'()*+,;=:@"


@dataclasses.dataclass(frozen=True)
class Route:
    """A route of the file, as far as it decides who answers."""

    name: str
    match: Condition
    priority: int = 0


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request: `path` as it was sent, `host` and `client` as the edge settled them."""

    method: str
    path: str
    query: str = ""
    host: str = "a.example"
    headers: tuple[tuple[str, str], ...] = ()
    client: str = "203.0.113.7"
    scheme: str = "http"
    listener: str = "main"


@dataclasses.dataclass(frozen=True)
class Fit:
    """An alternative of a route that fits in all but the method, which is allowed or not."""

    name: str
    captures: tuple[tuple[str, str], ...]
    rank: tuple[Any, ...]
    methods: frozenset[str] | None
    allowed: bool


@dataclasses.dataclass(frozen=True)
class Decision:
    """What may answer: several where equal ranks overlap, which the gateway refuses to load."""

    fits: tuple[Fit, ...]

    @property
    def best(self) -> list[Fit]:
        """Those that no other outranks."""
        allowed = [fit for fit in self.fits if fit.allowed]
        top = max((fit.rank for fit in allowed), default=None)
        return [fit for fit in allowed if fit.rank == top]

    @property
    def names(self) -> set[str]:
        """The routes of the best."""
        return {fit.name for fit in self.best}

    @property
    def allow(self) -> list[str]:
        """The methods of all that fit in all but the method."""
        return sorted({method for fit in self.fits if fit.methods is not None for method in fit.methods})


def decide(routes: Iterable[Route], asked: Asked, services: Collection[str] = ()) -> Decision:
    """Look at every alternative of every route."""
    fits = []
    for route in routes:
        for alternative in _listed(route.match):
            fits += _fits_of(route, _mapping(alternative), asked, services)
    return Decision(tuple(fits))


def _fits_of(
    route: Route, condition: Mapping[str, Any], asked: Asked, services: Collection[str]
) -> list[Fit]:
    keys = 0
    for key, value in condition.items():
        if key in {"host", "path"}:
            continue
        keys += len(value) if key in {"header", "query", "cookie"} else 1
        if key != "method" and not _key_holds(key, value, asked, services):
            return []
    methods = None
    if "method" in condition:
        methods = _with_head(_listed(condition["method"]))
    fits = []
    for host in _listed(condition.get("host", "*")):
        if not host_fits(host, asked.host):
            continue
        host_rank = {"*": 0}.get(host, 1 if host.startswith("*.") else 2)
        for path in _listed(condition.get("path", "/**")):
            captures = path_fits(path, asked.path, services)
            if captures is not None:
                fits.append(
                    Fit(
                        route.name,
                        tuple(sorted(captures.items())),
                        (route.priority, host_rank, path_rank(path), keys),
                        methods,
                        methods is None or asked.method in methods,
                    )
                )
    return fits


def holds(condition: Condition, asked: Asked, services: Collection[str] = ()) -> bool:
    """Whether a condition holds of a request: one of the list, all keys of a mapping."""
    return any(
        all(_key_holds(key, value, asked, services) for key, value in _mapping(one).items())
        for one in _listed(condition)
    )


def _key_holds(key: str, value: Any, asked: Asked, services: Collection[str]) -> bool:
    if key == "not":
        return not holds(value, asked, services)
    if key == "path":
        return any(path_fits(path, asked.path, services) is not None for path in _listed(value))
    if key == "host":
        return any(host_fits(host, asked.host) for host in _listed(value))
    if key == "method":
        return asked.method in _with_head(_listed(value))
    if key == "scheme":
        return asked.scheme in _listed(value)
    if key == "listener":
        return asked.listener in _listed(value)
    if key == "address":
        return any(_address_in(asked.client, network) for network in _listed(value))
    read = {"header": header, "query": query, "cookie": cookie}[key]
    return all(value_fits(matcher, read(asked, name)) for name, matcher in value.items())


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _mapping(condition: Any) -> Mapping[str, Any]:
    return {"path": condition} if isinstance(condition, str) else condition


def _with_head(methods: Sequence[str]) -> frozenset[str]:
    return frozenset([*methods, *(["HEAD"] if "GET" in methods else [])])


# ---- values ---------------------------------------------------------------------------------------------------------


def header(asked: Asked, name: str) -> str | None:
    """All lines of a field."""
    lines = [value for field, value in asked.headers if field.lower() == name.lower()]
    return ", ".join(lines) if lines else None


def query(asked: Asked, name: str) -> str | None:
    """The first parameter of a name."""
    pairs = urllib.parse.parse_qsl(asked.query, keep_blank_values=True)
    return next((value for key, value in pairs if key == name), None)


def cookie(asked: Asked, name: str) -> str | None:
    """The first cookie of a name."""
    field = next((value for field, value in asked.headers if field.lower() == "cookie"), "")
    for pair in field.split(";"):
        key, equals, value = pair.partition("=")
        if equals and key.strip() == name:
            return value.strip().strip('"')
    return None


def value_fits(matcher: Matcher, value: str | None) -> bool:
    """Whether a value is what a matcher asks for; None is a value that is missing."""
    for one in _listed(matcher):
        form, argument = next(iter(one.items())) if isinstance(one, dict) else ("exact", one)
        if form == "not":
            fits = not value_fits(argument, value)
        elif form == "present":
            fits = argument is (value is not None)
        elif value is None:
            fits = False
        elif form == "regex":
            fits = re.fullmatch(argument, value, re.DOTALL) is not None
        else:
            fits = {
                "exact": value == argument,
                "prefix": value[: len(argument)] == argument,
                "suffix": value[-len(argument) :] == argument,
                "contains": argument in value,
            }[form]
        if fits:
            return True
    return False


def host_fits(pattern: str, host: str) -> bool:
    """Whether the labels of a host are those of a pattern."""
    if pattern == "*":
        return True
    wanted, labels = pattern.split("."), host.split(".")
    return len(wanted) == len(labels) and all(
        want in {"*", label} and label != "" for want, label in zip(wanted, labels, strict=True)
    )


def _address_in(client: str, network: str) -> bool:
    try:
        address = ipaddress.ip_address(client)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    within = ipaddress.ip_network(network)
    return within.version == (mapped or address).version and (mapped or address) in within


# ---- paths ----------------------------------------------------------------------------------------------------------


@functools.cache
def spelled(sent: str) -> str:
    """A piece of a path with nothing escaped that need not be, and all else escaped."""
    text, at = "", 0
    data = sent.encode()
    while at < len(data):
        byte, length = data[at], 1
        if byte == 0x25 and re.fullmatch(rb"[0-9A-Fa-f]{2}", data[at + 1 : at + 3]):
            byte, length = int(data[at + 1 : at + 3], 16), 3
        char = chr(byte)
        plain = char in UNRESERVED or (length == 1 and char in RESERVED + "/")
        text += char if plain else f"%{byte:02X}"
        at += length
    return text


@functools.cache
def shape(sent: str) -> str:
    """A path in the form in which paths are compared: dots resolved, slashes merged, spelled in one way."""
    # dot segments go before empty ones do: `/a//../b` is `/a/b`
    kept: list[str] = []
    segments = spelled(sent).split("/")[1:]
    for index, segment in enumerate(segments):
        last = index == len(segments) - 1
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
        if last and segment in {".", ".."}:
            kept.append("")
    return re.sub("/+", "/", "/" + "/".join(kept))


def path_fits(pattern: Any, sent: str, services: Collection[str] = ()) -> dict[str, str] | None:
    """What a path pattern captures; None where it does not fit."""
    path = shape(sent)
    if isinstance(pattern, str):
        return _template_fits(pattern, path, services)
    ((form, value),) = pattern.items()
    if form == "regex":
        found = re.fullmatch(value, path, re.DOTALL)
        return None if found is None else found.groupdict("")
    if form == "prefix":
        base = shape(value).rstrip("/")
        below = path == base or path.startswith(base + "/")
        return {"rest": path[len(base) + 1 :]} if below else None
    if form == "not":
        return {} if all(path_fits(one, sent, services) is None for one in _listed(value)) else None
    fits = {
        "exact": lambda: path == shape(value),
        "suffix": lambda: path.endswith(spelled(value)),
        "contains": lambda: spelled(value) in path,
    }[form]()
    return {} if fits else None


def _template_fits(template: str, path: str, services: Collection[str]) -> dict[str, str] | None:
    wanted, segments = template[1:].split("/"), path[1:].split("/")
    captures = {}
    if wanted[-1] == "**":
        wanted.pop()
        captures["rest"] = "/".join(segments[len(wanted) :])
        segments = segments[: len(wanted)]
    if len(wanted) != len(segments):
        return None
    for want, segment in zip(wanted, segments, strict=True):
        if not want.startswith("{"):
            if spelled(want) != segment:
                return None
            continue
        name, _, kind = want[1:-1].partition(":")
        if not _segment_is(kind, segment, services):
            return None
        captures[name] = segment
    return captures


def _segment_is(kind: str, segment: str, services: Collection[str]) -> bool:
    if not segment:
        return False
    if not kind:
        return True
    if kind == "service":
        return segment in services
    if kind == "int":
        return all(char in "0123456789" for char in segment)
    if kind == "slug":
        return all(
            part and all(char in "abcdefghijklmnopqrstuvwxyz0123456789" for char in part)
            for part in segment.split("-")
        )
    if kind == "uuid":
        parts = segment.split("-")
        return [len(part) for part in parts] == [8, 4, 4, 4, 12] and all(
            char in "0123456789abcdefABCDEF" for char in "".join(parts)
        )
    if kind == "date":
        parts = segment.split("-")
        if [len(part) for part in parts] != [4, 2, 2] or not "".join(parts).isdecimal():
            return False
        return 1 <= int(parts[1]) <= 12 and 1 <= int(parts[2]) <= 31
    return segment in kind.split("|")


def path_rank(pattern: Any) -> tuple[int, int, int]:
    """Exact > template > prefix > the rest; longer literal first; of two prefixes the deeper one."""
    if isinstance(pattern, str):
        parts = pattern[1:].split("/")
        prefix = parts[-1] == "**"
        parts = parts[:-1] if prefix else parts
        literals = [part for part in parts if not part.startswith("{")]
        form = 1 if prefix else 2 if len(literals) < len(parts) else 3
        return form, sum(len(spelled(part)) + 1 for part in literals), len(parts)
    ((form, value),) = pattern.items()
    if form == "exact":
        return 3, len(shape(value)), shape(value).count("/")
    if form == "prefix":
        base = shape(value).rstrip("/")
        return 1, len(base), base.count("/")
    if form == "not":
        return 0, 0, 0
    if form == "regex":
        return 0, literal_characters(value), 0
    return 0, len(spelled(value)), 0


@functools.cache
def literal_characters(pattern: str) -> int:
    """How many characters that are written out every match of a regular expression has, at least."""
    parser: Any = importlib.import_module("re._parser")
    return _literals(parser.parse(pattern))


def _literals(items: Any) -> int:
    total = 0
    for operation, argument in items:
        name = str(operation)
        if name == "LITERAL":
            total += 1
        elif name in {"MAX_REPEAT", "MIN_REPEAT"}:
            total += argument[0] * _literals(argument[2])
        elif name == "SUBPATTERN":
            total += _literals(argument[3])
        elif name == "BRANCH":
            total += min(_literals(branch) for branch in argument[1])
    return total

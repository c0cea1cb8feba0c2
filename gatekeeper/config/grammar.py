"""What the classes of a configuration do not say about its grammar, for the schema and the reference.

Tests hold each line of it against what reads configurations: the short forms against their expansion, examples and refused
ones against their types.
"""

import ipaddress
import json
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args

import attrs

from gatekeeper.config.addresses import Listen, Network, Url
from gatekeeper.config.conditions import Condition, Match, Matcher, MatcherConfig, PathPattern
from gatekeeper.config.failures import Failure
from gatekeeper.config.fields import help_line
from gatekeeper.config.identity import Credentials
from gatekeeper.config.model import (
    AuditFileConfig,
    AuthenticatorConfig,
    BackoffConfig,
    BalanceConfig,
    BudgetConfig,
    ConcurrencyConfig,
    DefaultsConfig,
    FilterConfig,
    GatewayConfig,
    HealthConfig,
    InstanceConfig,
    ListenerConfig,
    ProviderConfig,
    RetriesConfig,
    RewriteConfig,
    ServiceConfig,
    SinkConfig,
    StickyConfig,
    TargetConfig,
    Targets,
    UseConfig,
)
from gatekeeper.config.parts import SORTS
from gatekeeper.config.show import show_value
from gatekeeper.config.units import (
    VERSION,
    Duration,
    File,
    Host,
    HostPattern,
    LiteralPath,
    Method,
    Name,
    Sha256,
    Share,
    Size,
    Status,
    Time,
    Version,
    Weight,
)
from gatekeeper.config.upgrades import Origin, Protocol
from gatekeeper.config.wording import LISTS, is_enum, is_parsed, keys, origin, takes_true, written
from gatekeeper.core.text import Text, Value
from gatekeeper.policy.regex import Regex


@attrs.frozen(kw_only=True)
class _Sources:
    """What is done with before the rest is read."""

    include: tuple[str, ...] = attrs.field(
        default=(), metadata=help_line("files that belong to this one: paths, or patterns like routes/*.yaml")
    )
    environments: Mapping[Name, str | tuple[str, ...]] = attrs.field(
        factory=dict, metadata=help_line("files that are put over these where `--env` chooses them, by name")
    )
    defaults: DefaultsConfig = attrs.field(
        factory=DefaultsConfig, metadata=help_line("what entries have that do not say otherwise")
    )


@attrs.frozen(kw_only=True)
class _Like:
    """What an entry takes of another one."""

    like: Name | None = attrs.field(
        default=None, metadata=help_line("a service whose keys this one has too, but for its `instances`")
    )


_MORE: Final[Mapping[type, type]] = {GatewayConfig: _Sources, ServiceConfig: _Like}


def all_keys(cls: Any) -> "dict[str, attrs.Attribute[Any]]":
    """The fields of a class by the key that sets them, and the keys that are gone when it is made."""
    own = keys(attrs.resolve_types(cls))
    more = keys(attrs.resolve_types(_MORE[cls])) if cls in _MORE else {}
    return dict(sorted({**more, **own}.items(), key=lambda item: item[0] != "version"))


SHORT: Final[Mapping[type, Mapping[str, str]]] = {
    ListenerConfig: {"8080": "{address: 8080}"},
    SinkConfig: {"file": "{file: {}}"},
    AuditFileConfig: {"audit.jsonl": "{path: audit.jsonl}"},
    ServiceConfig: {"http://localhost:3000": "{instances: [http://localhost:3000], health: false}"},
    InstanceConfig: {"http://localhost:3000": "{url: http://localhost:3000}"},
    BalanceConfig: {"random": "{random: {}}", "{slow_start: 30s}": "{round_robin: {}, slow_start: 30s}"},
    HealthConfig: {
        "/ready": "{http: {path: /ready}}",
        "tcp": "{tcp: {}}",
        "{every: 5s}": "{http: {}, every: 5s}",
        "true": "{http: {}}",
    },
    RetriesConfig: {"2": "{count: 2}", "0": "false"},
    BackoffConfig: {"25ms": "{base: 25ms}"},
    BudgetConfig: {"10%": "{share: 10%}"},
    ConcurrencyConfig: {"500": "{limit: 500}"},
    RewriteConfig: {'"/people/{path.id}"': '{path: "/people/{path.id}"}'},
    TargetConfig: {"95": "{weight: 95}"},
    StickyConfig: {
        "header.x-user": "{by: [header.x-user]}",
        "[cookie.session, address]": "{by: [cookie.session, address]}",
    },
}
"""The short forms of classes, and what they mean."""
SHORT_TYPES: Final[Mapping[type, tuple[Any, ...]]] = {
    ListenerConfig: (Listen,),
    SinkConfig: (Literal["file"],),
    AuditFileConfig: (str,),
    ServiceConfig: (Url,),
    InstanceConfig: (Url,),
    BalanceConfig: (),
    HealthConfig: (LiteralPath,),
    RetriesConfig: (int,),
    BackoffConfig: (Duration,),
    BudgetConfig: (Share,),
    ConcurrencyConfig: (int,),
    RewriteConfig: (Text,),
    TargetConfig: (Weight,),
    StickyConfig: (Value, tuple[Value, ...]),
}
"""The types of the short forms; of parts, a kind alone is one more."""
SHORT_LISTEN: Final = {"8080": "{main: {address: 8080}}"}
SHORT_TARGETS: Final = {
    "users": "{users: {weight: 1}}",
    "{users: 95, v2: 5}": "{users: {weight: 95}, v2: {weight: 5}}",
}
SHORT_CONDITION: Final = {"/users/**": "{path: /users/**}"}


VALUES: Final[Mapping[str, str]] = {
    "request.id": "the id of the request, as logs have it and `x-request-id` tells it",
    "request.method": "its method",
    "request.host": "the host that it asks, without port",
    "request.path": "its path as routes are compared with: decoded once, dots and `//` resolved",
    "request.scheme": "http or https, as far as trusted proxies tell",
    "path.NAME": "what the path template captured; `path.rest` is what `/**` took",
    "query.NAME": "a parameter of the query, its first value, decoded",
    "header.NAME": "a header field of the request",
    "cookie.NAME": "a cookie",
    "address": "the client's address, after `server.trusted_proxies`; as a bare value, IPv6 by /64",
    "consumer": "who was proven to ask: `acme`, `staff:u-17`; in texts `anonymous` for nobody, bare the address",
    "consumer.plan": "their plan",
    "consumer.roles": "their roles; several are joined by `,`",
    "consumer.scopes": "their scopes, likewise",
    "consumer.labels.NAME": "a label of theirs",
    "claim.NAME": "a claim of their token; dots lead into objects, a list is joined by `,`",
    "authenticator": "what has proven it",
    "route": "the name of the route",
    "service": "the name of the service",
    "instance": "the id of the instance that answered; on the way back only",
}
"""What a text may insert in braces, and what stands bare where only a value can."""


@attrs.frozen
class TypeWords:
    """A type of values: how it is written, what is refused (as YAML), and what is to be known."""

    kind: Any
    written: tuple[str, ...]
    refused: tuple[str, ...]
    note: str


PATH_TEMPLATE: Final = "path template"

TYPES: Final[Mapping[str, TypeWords]] = {
    "Name": TypeWords(
        Name,
        ("users", "users-v2"),
        ("Users", "2nd", '"yes"'),
        "a-z first, then a-z, 0-9, - and _; at most 63",
    ),
    "Duration": TypeWords(
        Duration, ("250ms", "5s", "1.5m", "1h30m", "7d"), ("5", "5min", "1:30"), "time; it always has a unit"
    ),
    "Size": TypeWords(
        Size, ("512B", "8KiB", "16MiB", "1GiB"), ("10", "10MB", "10M"), "bytes, in powers of 1024"
    ),
    "Share": TypeWords(Share, ("0.5%", "20%", "100%"), ("0.2", "120%"), "a part of the whole"),
    "Weight": TypeWords(Weight, ("0", "95"), ("20%", "-1"), "a part in relation to other weights"),
    "Status": TypeWords(Status, ("404",), ('"404"', "600"), "100 to 599"),
    "Failure": TypeWords(
        Failure,
        ("connect", "reset", "timeout", "protocol", "unavailable", "502", "5xx"),
        ('"502"', "refused", "200", "3xx"),
        "what became of an attempt, or the status of its answer; `unavailable`: nothing fit to send to",
    ),
    "Sha256": TypeWords(
        Sha256, (), ("secret", '"0xC0FFEE"'), "64 hexadecimal digits, as `sha256sum` writes them"
    ),
    "Listen": TypeWords(
        Listen,
        ("8080", '"0.0.0.0:8080"', '"[::1]:8080"', '"unix:///run/gateway.sock"', "systemd", '"systemd:web"'),
        ('"8080"', "localhost", "70000", '"unix:gateway.sock"'),
        "where to listen; a port alone is all IPv4 addresses, port 0 a free one; `systemd` has opened it before",
    ),
    "Url": TypeWords(
        Url,
        ("http://users:8080", "https://users", "unix:///run/users.sock"),
        ("users:8080", "http://users/v1", "http://me:secret@users"),
        "where an instance is; paths belong in `rewrite.prefix` of a route",
    ),
    "Network": TypeWords(
        Network,
        ("10.0.0.0/8", '"2001:db8::/32"', "127.0.0.1"),
        ("10.1.0.0/8", "127.1", "localhost"),
        "addresses",
    ),
    "Host": TypeWords(
        Host, ("api.example.com", "10.0.0.1"), ("API.example.com", '"api.example.com:443"'), "without port"
    ),
    "Host pattern": TypeWords(
        HostPattern,
        ("api.example.com", '"*.example.com"', '"*"'),
        ('"api.*"', '"*.example.com:443"'),
        "`*.` is one label more, `*` any host; quoted, as `*` begins an alias in YAML",
    ),
    "Method": TypeWords(Method, ("GET", "PROPFIND"), ("get", '"*"'), "in upper case"),
    "Path": TypeWords(
        LiteralPath, ("/healthz",), ("healthz", "/a//b", "/**"), "a path as it stands in requests"
    ),
    "Path template": TypeWords(
        PATH_TEMPLATE,
        ("/users", '"/users/{id}"', '"/v/{id:int}/**"', '"/{v:v1|v2}"'),
        ("users", "/**/x", '"/{a}/{a}"', '"/{id:number}"'),
        "types int, uuid, slug, date, service, or choices; `/**` is the prefix itself and all below",
    ),
    "Text": TypeWords(
        Text,
        ("fixed", '"/people/{path.id}"'),
        ('"{{ x }}"', '"{nonsense}"'),
        "`{value}` inserts; see `values`",
    ),
    "Value": TypeWords(
        Value, ("address", "header.x-team"), ("nonsense", '"{address}"'), "bare; see `values`"
    ),
    "Origin": TypeWords(
        Origin,
        ("https://app.example.com", "http://localhost:3000"),
        ("app.example.com", "https://app.example.com/", '"https://*.example.com"'),
        "where a page comes from, as browsers say it",
    ),
    "Protocol": TypeWords(
        Protocol,
        ("websocket",),
        ("WebSocket", "h2c", "tls/1.3"),
        "as `Upgrade` fields name it; in lower case",
    ),
    "Regex": TypeWords(
        Regex, ("/users/[0-9]+",), ('"(a+)+"',), "for the whole value; only what takes linear time"
    ),
    "Time": TypeWords(
        Time,
        ('"2027-01-01T00:00:00Z"', '"2027-01-01T01:00:00+01:00"'),
        ('"2027-01-01"', '"2027-01-01T00:00:00"'),
        "a moment with its zone, quoted",
    ),
    "File": TypeWords(File, (), ("tls/missing.pem",), "a path, from the file it stands in; it has to exist"),
}
"""The types of values by the name that the reference calls them."""


# ---- types and defaults in words --------------------------------------------------------------------------------------

FILTER: Final[Any] = FilterConfig | UseConfig
"""The type of an entry of a list of filters."""
_WORDS: Final[Mapping[Any, str]] = {
    **{words.kind: name for name, words in TYPES.items()},
    ipaddress.IPv4Network: "Network",
    ipaddress.IPv6Network: "Network",
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Any: "anything",
    object: "anything",
    Condition: "condition",
    Match: "condition",
    Matcher: "matcher",
    MatcherConfig: "matcher",
    PathPattern: "Path template or matcher",
    Version: str(VERSION),
    Targets: "service, services with weights, or Text",
    FILTER: "filter",
    BalanceConfig: "balancer",
    HealthConfig: "health check",
    ProviderConfig: "provider",
    AuthenticatorConfig: "authenticator",
    Credentials: "name -> credential, or list",
}


def type_words(kind: Any) -> str:
    """A type, in the words of the grammar."""
    if kind in _WORDS:
        return _WORDS[kind]
    shape = origin(kind)
    if shape is Annotated:
        return type_words(get_args(kind)[0])
    if shape in {Union, UnionType}:
        arms = [type_words(arm) for arm in get_args(kind) if arm is not NoneType]
        return " or ".join(dict.fromkeys(arms))
    if shape is Literal:
        return " or ".join(written(choice) for choice in get_args(kind))
    if is_enum(kind):
        return " or ".join(written(member.value) for member in kind)
    if shape in LISTS:
        items = [type_words(item) for item in get_args(kind) if item is not Ellipsis] or ["anything"]
        return f"list of {items[0]}" if len(items) == 1 else f"list: {', '.join(items)}"
    if shape in {dict, Mapping}:
        key, item = get_args(kind) or (str, Any)
        return f"{type_words(key).lower()} -> {type_words(item)}"
    if is_parsed(kind) or not attrs.has(shape):
        return str(getattr(shape, "__name__", shape))
    names = list(all_keys(kind))
    if not names:
        return "no options"
    return "{" + ", ".join(names) + "}" if len(names) < 7 else shape.__name__.removesuffix("Config")


def default_words(field: "attrs.Attribute[Any]") -> str:
    """The default of a key as a file has it."""
    default: Any = field.default
    if default is attrs.NOTHING:
        return "required"
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class that is typed as a function
        if default.takes_self:
            return str(field.metadata.get("default", "see there"))
        default = default.factory()
    if default is None or field.type in (Condition, Match):
        return "-"
    if type(default) in SORTS:
        return str(default.kind)
    shown = show_value(default, field.type)
    if attrs.has(type(default)) and not is_parsed(type(default)):
        # what has no defaults of its own is another one in each place
        parts = ", ".join(f"{key}: {value}" for key, value in shown.items())
        return "on" if takes_true(type(default)) else f"{{{parts}}}"
    return shown if isinstance(shown, str) and shown else json.dumps(shown)

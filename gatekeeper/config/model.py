"""What a configuration says, once it has been read: frozen classes that hold the long form of everything.

Defaults are those of the grammar. Equal configurations are equal objects, wherever in a file they stood. The metadata
`help` of a field is one line about it, for documentation and schema.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import attrs

from gatekeeper.config.addresses import Listen, Url
from gatekeeper.config.conditions import HIDDEN, Condition, Match
from gatekeeper.config.problems import Place, Refusal
from gatekeeper.config.units import (
    VERSION,
    Duration,
    File,
    Host,
    HostPattern,
    LiteralPath,
    Method,
    Name,
    Proxies,
    Version,
    Weight,
)
from gatekeeper.core.text import Text, Value


STAND_IN: dict[str, Any] = {"stand_in": ()}
"""Metadata of a required field: what stands for a broken value, so that the rest can be checked."""


def _help(text: str) -> dict[str, Any]:
    return {"help": text}


def _is_positive(_instance: object, attribute: "attrs.Attribute[Any]", value: float | Literal[False]) -> None:
    if value is not False and value <= 0:
        raise Refusal(f"`{attribute.name}` must be longer than 0s")


# ---- filters ------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class FilterConfig:
    """One entry of a list of filters; `options` is an object of the class that its kind declares.

    `written` is what they were made of, in the long form, for a route that changes some of them.
    """

    kind: str = attrs.field(metadata=_help("what it is; plugins add kinds"))
    name: Name = attrs.field(
        metadata=_help("how logs and metrics call it; unique among the filters of a request")
    )
    when: Condition = attrs.field(default=(), metadata=_help("it is passed over where this does not hold"))
    if_error: Literal["fail", "skip"] = attrs.field(
        default="fail",
        metadata=_help("what an error of its own does: `fail` answers 500, `skip` goes on without it"),
    )
    options: Any = None
    written: Any = attrs.field(default=None, eq=False, repr=False, metadata=HIDDEN)
    place: Place = attrs.field(factory=Place, eq=False, repr=False, metadata=HIDDEN)


@attrs.frozen(kw_only=True)
class UseConfig:
    """A chain in the place of a filter."""

    use: Name = attrs.field(metadata=_help("the chain whose filters stand here"))
    when: Condition = attrs.field(
        default=(), metadata=_help("the whole chain is passed over where this does not hold")
    )
    place: Place = attrs.field(factory=Place, eq=False, repr=False, metadata=HIDDEN)


Filters = tuple[FilterConfig | UseConfig, ...]
"""A list of filters, in the order they run."""


@attrs.frozen(kw_only=True)
class InfoConfig:
    """What people want to know about it."""

    description: str = attrs.field(default="", metadata=_help("one line for people"))
    labels: Mapping[str, str] = attrs.field(factory=dict, metadata=_help("names and values of your own"))


# ---- the process --------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ListenerConfig:
    """Where requests come in."""

    address: Listen = attrs.field(metadata=_help("port, or address with port"))


@attrs.frozen(kw_only=True)
class ServerTimeoutsConfig:
    """How long clients may take."""

    head: Duration = attrs.field(
        default=10.0, validator=_is_positive, metadata=_help("for the whole head of a request")
    )
    body: Duration = attrs.field(
        default=30.0, validator=_is_positive, metadata=_help("of silence while a body is sent")
    )
    idle: Duration = attrs.field(
        default=75.0, validator=_is_positive, metadata=_help("between two requests of a connection")
    )
    write: Duration = attrs.field(
        default=60.0, validator=_is_positive, metadata=_help("without reading from an answer")
    )


def _listen_everywhere() -> Mapping[str, ListenerConfig]:
    return {"main": ListenerConfig(address=Listen("0.0.0.0", 8080))}  # noqa: S104


@attrs.frozen(kw_only=True)
class ServerConfig:
    """The side that clients see."""

    listen: Mapping[Name, ListenerConfig] = attrs.field(
        factory=_listen_everywhere, metadata=_help("addresses to listen on, by name")
    )
    timeouts: ServerTimeoutsConfig = attrs.field(
        factory=ServerTimeoutsConfig, metadata=_help("how long clients may take")
    )
    trusted_proxies: tuple[Proxies, ...] = attrs.field(
        default=(), metadata=_help("whose forwarded headers are believed")
    )
    health_path: LiteralPath | Literal[False] = attrs.field(
        default=False,
        metadata=_help("answered by the gateway itself, for load balancers: 200, or 503 while draining"),
    )
    drain: Duration = attrs.field(default=30.0, metadata=_help("for running requests after SIGTERM"))


@attrs.frozen(kw_only=True)
class AdminConfig:
    """The side that operators see."""

    listen: Listen | Literal[False] = attrs.field(
        default=Listen("127.0.0.1", 9901),
        metadata=_help("address of metrics and admin API; `false` for none"),
    )


# ---- services -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class InstanceConfig:
    """One address of a service."""

    url: Url = attrs.field(metadata=_help("scheme, host and port"))
    id: str = attrs.field(
        default=attrs.Factory(lambda self: str(self.url), takes_self=True),
        metadata=_help("how logs and metrics call it; the url"),
    )


@attrs.frozen(kw_only=True)
class TimeoutsConfig:
    """How long an attempt at a service may take; `total` is for all attempts together."""

    connect: Duration = attrs.field(
        default=5.0, validator=_is_positive, metadata=_help("until a connection is open")
    )
    write: Duration = attrs.field(
        default=30.0, validator=_is_positive, metadata=_help("without taking from a request")
    )
    read: Duration = attrs.field(
        default=30.0, validator=_is_positive, metadata=_help("of silence in an answer")
    )
    first_byte: Duration = attrs.field(
        default=attrs.Factory(lambda self: self.read, takes_self=True),
        validator=_is_positive,
        metadata=_help("until an answer begins; the value of `read`"),
    )
    total: Duration | Literal[False] = attrs.field(
        default=False, validator=_is_positive, metadata=_help("from the request to the end of the answer")
    )


@attrs.frozen(kw_only=True)
class TlsServiceConfig:
    """How the instances of a service prove themselves, and the gateway to them."""

    ca: File | None = attrs.field(
        default=None, metadata=_help("certificates of authorities, instead of the system's")
    )
    certificate: File | None = attrs.field(default=None, metadata=_help("certificate that the gateway shows"))
    key: File | None = attrs.field(default=None, metadata=_help("its private key"))
    server_name: Host | None = attrs.field(default=None, metadata=_help("expected name, instead of the host"))
    verify: bool = attrs.field(default=True, metadata=_help("whether certificates are verified"))


@attrs.frozen(kw_only=True)
class ServiceConfig(InfoConfig):
    """Equal instances, and how they are asked."""

    instances: tuple[InstanceConfig, ...] = attrs.field(metadata={**_help("addresses"), **STAND_IN})
    timeouts: TimeoutsConfig = attrs.field(
        factory=TimeoutsConfig, metadata=_help("how long attempts may take")
    )
    tls: TlsServiceConfig = attrs.field(factory=TlsServiceConfig, metadata=_help("for instances with https"))
    filters: Filters = attrs.field(default=(), metadata=_help("run after those of the route"))
    place: Place = attrs.field(factory=Place, eq=False, repr=False, metadata=HIDDEN)


# ---- routes -------------------------------------------------------------------------------------------------------


def _has_no_slash_at_the_end(_instance: object, attribute: "attrs.Attribute[Any]", path: str | None) -> None:
    if path is not None and path.endswith("/"):
        hint = f": write `{path.rstrip('/')}`" if path != "/" else ""
        raise Refusal(f"`{attribute.name}` must not end in `/`{hint}")


def _begins_with_slash(_instance: object, _attribute: object, path: Text | None) -> None:
    if path is not None and not path.source.startswith("/"):
        raise Refusal(f"a path begins with `/`: write `/{path.source}`")


def _has_an_answer(_instance: object, _attribute: object, method: str | None) -> None:
    if method == "HEAD":
        raise Refusal("an answer to HEAD has no body, and the client waits for one: write `method: GET`")


@attrs.frozen(kw_only=True)
class RewriteConfig:
    """What the service is asked for instead of what the client asked."""

    path: Text | None = attrs.field(
        default=None, validator=_begins_with_slash, metadata=_help("the whole path")
    )
    strip: LiteralPath | None = attrs.field(
        default=None, validator=_has_no_slash_at_the_end, metadata=_help("taken from the start of the path")
    )
    prefix: LiteralPath | None = attrs.field(
        default=None, validator=_has_no_slash_at_the_end, metadata=_help("put before the path")
    )
    method: Method | None = attrs.field(
        default=None,
        validator=_has_an_answer,
        metadata=_help("the method; not HEAD, whose answers are empty"),
    )


@attrs.frozen(kw_only=True)
class TargetConfig:
    """A service that a route sends to, among others."""

    weight: Weight = attrs.field(default=1, metadata=_help("its part of the requests, against the others"))
    pin: Condition = attrs.field(default=(), metadata=_help("these requests always go here"))


Targets = Annotated[Mapping[Name, TargetConfig] | Text, "targets"]
"""Services by name, or the capture that names one."""


@attrs.frozen(kw_only=True)
class StickyCookieConfig:
    """A cookie that keeps a client with the service it was sent to first."""

    name: str = attrs.field(default="gk_side", metadata=_help("name of the cookie"))
    ttl: Duration = attrs.field(
        default=7 * 86400.0, validator=_is_positive, metadata=_help("how long the client keeps it")
    )


@attrs.frozen(kw_only=True)
class StickyConfig:
    """What decides which of several services a client stays with: values, or a cookie."""

    by: tuple[Value, ...] = attrs.field(default=(), metadata=_help("equal values go to the same service"))
    cookie: StickyCookieConfig | None = attrs.field(
        default=None, metadata=_help("given to clients without one")
    )

    def __attrs_post_init__(self) -> None:
        if bool(self.by) == (self.cookie is not None):
            raise Refusal("`sticky` is by values like `header.x-user`, or by `cookie`")


@attrs.frozen(kw_only=True)
class RouteConfig(InfoConfig):
    """Which requests go where. `match` has alternatives."""

    match: Match = attrs.field(metadata={**_help("which requests"), **STAND_IN})
    priority: int = attrs.field(
        default=0, metadata=_help("higher comes first, before all that is more specific")
    )
    to: Targets | None = attrs.field(
        default=None, metadata=_help("the service, or several with weights; none where a filter answers")
    )
    sticky: StickyConfig | None = attrs.field(
        default=None, metadata=_help("what keeps a client with one of several services")
    )
    rewrite: RewriteConfig | None = attrs.field(default=None, metadata=_help("what the service is asked for"))
    filters: Filters = attrs.field(default=(), metadata=_help("run after the global ones"))
    override: Mapping[Name, FilterConfig | Literal[False]] = attrs.field(
        factory=dict,
        metadata=_help("other options for a filter of this route's chain, or `false` to drop it"),
    )
    encoded_slashes: Literal["reject", "keep"] = attrs.field(
        default="reject", metadata=_help("`keep` passes %2F and %5C as parts of their segment")
    )
    place: Place = attrs.field(factory=Place, eq=False, repr=False, metadata=HIDDEN)


# ---- defaults -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ServiceDefaultsConfig:
    """What services have that do not say otherwise."""

    timeouts: TimeoutsConfig = attrs.field(
        factory=TimeoutsConfig, metadata=_help("how long attempts may take")
    )
    tls: TlsServiceConfig = attrs.field(factory=TlsServiceConfig, metadata=_help("for instances with https"))


@attrs.frozen(kw_only=True)
class RouteDefaultsConfig:
    """What routes have that do not say otherwise."""

    encoded_slashes: Literal["reject", "keep"] = attrs.field(
        default="reject", metadata=_help("`keep` passes %2F and %5C as parts of their segment")
    )


@attrs.frozen(kw_only=True)
class DefaultsConfig:
    """What entries have that do not say otherwise; they are in the services and routes when all is read."""

    services: ServiceDefaultsConfig = attrs.field(
        factory=ServiceDefaultsConfig, metadata=_help("for all services")
    )
    routes: RouteDefaultsConfig = attrs.field(factory=RouteDefaultsConfig, metadata=_help("for all routes"))


@attrs.frozen(kw_only=True)
class GatewayConfig:
    """A whole configuration."""

    version: Version = attrs.field(
        default=VERSION, metadata=_help("version of the grammar; it has to be written")
    )
    hosts: tuple[HostPattern, ...] = attrs.field(
        default=(), metadata=_help("where routes answer that name no host; others get 421. None is any")
    )
    server: ServerConfig = attrs.field(factory=ServerConfig, metadata=_help("the side that clients see"))
    admin: AdminConfig = attrs.field(factory=AdminConfig, metadata=_help("the side that operators see"))
    filters: Filters = attrs.field(default=(), metadata=_help("run first, for every request"))
    chains: Mapping[Name, Filters] = attrs.field(
        factory=dict, metadata=_help("lists of filters that `use: name` puts in its place")
    )
    services: Mapping[Name, ServiceConfig] = attrs.field(factory=dict, metadata=_help("who answers, by name"))
    routes: Mapping[Name, RouteConfig] = attrs.field(factory=dict, metadata=_help("what goes where, by name"))

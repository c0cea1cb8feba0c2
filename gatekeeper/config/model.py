"""What a configuration says, once it has been read: frozen classes that hold the long form of everything.

Defaults are those of the grammar. Equal configurations are equal objects, wherever in a file they stood. The metadata
`help` of a field is one line about it, for documentation and schema. The process itself stands in `config.process`, how
services are asked in `config.policies`; whoever uses a configuration has all of its classes from here.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import attrs

from gatekeeper.config.addresses import Url
from gatekeeper.config.concurrency import ConcurrencyConfig
from gatekeeper.config.conditions import HIDDEN, Condition, Match
from gatekeeper.config.database import Database
from gatekeeper.config.fields import AtLeast, InfoConfig, help_line, is_positive
from gatekeeper.config.identity import (
    AuthenticatorConfig,
    ConsumerConfig,
    ConsumerDefaultsConfig,
    IdentityConfig,
    PlanConfig,
)
from gatekeeper.config.observe import AuditConfig, AuditFileConfig, ObserveConfig, SinkConfig
from gatekeeper.config.policies import (
    BackoffConfig,
    BalanceConfig,
    BudgetConfig,
    HealthConfig,
    OutliersConfig,
    PoolConfig,
    RetriesConfig,
    ServiceDefaultsConfig,
    TimeoutsConfig,
    TlsServiceConfig,
)
from gatekeeper.config.problems import Place, Refusal
from gatekeeper.config.process import (
    AdminConfig,
    AdminUserConfig,
    ListenerConfig,
    ProviderConfig,
    ReloadConfig,
    ServerConfig,
    ServerLimitsConfig,
    ServerTimeoutsConfig,
)
from gatekeeper.config.tls import TlsConfig
from gatekeeper.config.units import (
    VERSION,
    Duration,
    HostPattern,
    LiteralPath,
    Method,
    Name,
    Size,
    Version,
    Weight,
)
from gatekeeper.config.upgrades import WebsocketConfig
from gatekeeper.core.text import Text, Value


__all__ = [
    "STAND_IN",
    "AdminConfig",
    "AdminUserConfig",
    "AuditConfig",
    "AuditFileConfig",
    "AuthenticatorConfig",
    "BackoffConfig",
    "BalanceConfig",
    "BudgetConfig",
    "ConcurrencyConfig",
    "ConsumerConfig",
    "ConsumerDefaultsConfig",
    "DefaultsConfig",
    "FilterConfig",
    "Filters",
    "GatewayConfig",
    "HealthConfig",
    "IdentityConfig",
    "InfoConfig",
    "InstanceConfig",
    "ListenerConfig",
    "ObserveConfig",
    "OutliersConfig",
    "PlanConfig",
    "PoolConfig",
    "ProviderConfig",
    "ReloadConfig",
    "RetriesConfig",
    "RewriteConfig",
    "RouteConfig",
    "RouteDefaultsConfig",
    "ServerConfig",
    "ServerLimitsConfig",
    "ServerTimeoutsConfig",
    "ServiceConfig",
    "ServiceDefaultsConfig",
    "SinkConfig",
    "StickyConfig",
    "StickyCookieConfig",
    "TargetConfig",
    "Targets",
    "TimeoutsConfig",
    "TlsConfig",
    "TlsServiceConfig",
    "UseConfig",
    "WebsocketConfig",
]

STAND_IN: dict[str, Any] = {"stand_in": ()}
"""Metadata of a required field: what stands for a broken value, so that the rest can be checked."""


# ---- filters ------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class FilterConfig:
    """One entry of a list of filters; `options` is an object of the class that its kind declares.

    `written` is what they were made of, in the long form, for a route that changes some of them.
    """

    kind: str = attrs.field(metadata=help_line("what it is; plugins add kinds"))
    name: Name = attrs.field(
        metadata=help_line("how logs and metrics call it; unique among the filters of a request")
    )
    when: Condition = attrs.field(
        default=(), metadata=help_line("it is passed over where this does not hold")
    )
    if_error: Literal["fail", "skip"] = attrs.field(
        default="fail",
        metadata=help_line("what an error of its own does: `fail` answers 500, `skip` goes on without it"),
    )
    options: Any = None
    written: Any = attrs.field(default=None, eq=False, repr=False, metadata=HIDDEN)
    place: Place = attrs.field(factory=Place, eq=False, repr=False, metadata=HIDDEN)


@attrs.frozen(kw_only=True)
class UseConfig:
    """A chain in the place of a filter."""

    use: Name = attrs.field(metadata=help_line("the chain whose filters stand here"))
    when: Condition = attrs.field(
        default=(), metadata=help_line("the whole chain is passed over where this does not hold")
    )
    place: Place = attrs.field(factory=Place, eq=False, repr=False, metadata=HIDDEN)


Filters = tuple[FilterConfig | UseConfig, ...]
"""A list of filters, in the order they run."""


# ---- services -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class InstanceConfig:
    """One address of a service."""

    url: Url = attrs.field(metadata=help_line("scheme, host and port"))
    id: str = attrs.field(
        default=attrs.Factory(lambda self: str(self.url), takes_self=True),
        metadata=help_line("how logs and metrics call it; the url"),
    )
    weight: Weight = attrs.field(
        default=1, metadata=help_line("its part of the requests, against the others")
    )
    zone: str = attrs.field(default="", metadata=help_line("where it runs, for `balance.prefer_zone`"))
    priority: int = attrs.field(
        default=0,
        validator=AtLeast(0),
        metadata=help_line("0 is asked first; 1 where too few of 0 are fit, and so on"),
    )


def _who_comes_first(_cls: type, fields: "list[attrs.Attribute[Any]]") -> "list[attrs.Attribute[Any]]":
    """Who answers comes before how it is asked, wherever a service is shown; the sort is stable."""
    first = ("description", "labels", "instances")
    return sorted(fields, key=lambda field: first.index(field.name) if field.name in first else len(first))


@attrs.frozen(kw_only=True, field_transformer=_who_comes_first)
class ServiceConfig(ServiceDefaultsConfig):
    """Equal instances, and how they are asked."""

    description: str = attrs.field(default="", metadata=help_line("one line for people"))
    labels: Mapping[str, str] = attrs.field(factory=dict, metadata=help_line("names and values of your own"))
    instances: tuple[InstanceConfig, ...] = attrs.field(metadata={**help_line("addresses"), **STAND_IN})
    filters: Filters = attrs.field(default=(), metadata=help_line("run after those of the route"))
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
        default=None, validator=_begins_with_slash, metadata=help_line("the whole path")
    )
    strip: LiteralPath | None = attrs.field(
        default=None,
        validator=_has_no_slash_at_the_end,
        metadata=help_line("taken from the start of the path"),
    )
    prefix: LiteralPath | None = attrs.field(
        default=None, validator=_has_no_slash_at_the_end, metadata=help_line("put before the path")
    )
    method: Method | None = attrs.field(
        default=None,
        validator=_has_an_answer,
        metadata=help_line("the method; not HEAD, whose answers are empty"),
    )


@attrs.frozen(kw_only=True)
class TargetConfig:
    """A service that a route sends to, among others."""

    weight: Weight = attrs.field(
        default=1, metadata=help_line("its part of the requests, against the others")
    )
    pin: Condition = attrs.field(default=(), metadata=help_line("these requests always go here"))


Targets = Annotated[Mapping[Name, TargetConfig] | Text, "targets"]
"""Services by name, or the capture that names one."""


@attrs.frozen(kw_only=True)
class StickyCookieConfig:
    """A cookie that keeps a client with the service it was sent to first."""

    name: str = attrs.field(default="gk_side", metadata=help_line("name of the cookie"))
    ttl: Duration = attrs.field(
        default=7 * 86400.0, validator=is_positive, metadata=help_line("how long the client keeps it")
    )


@attrs.frozen(kw_only=True)
class StickyConfig:
    """What decides which of several services a client stays with: values, or a cookie."""

    by: tuple[Value, ...] = attrs.field(default=(), metadata=help_line("equal values go to the same service"))
    cookie: StickyCookieConfig | None = attrs.field(
        default=None, metadata=help_line("given to clients without one")
    )

    def __attrs_post_init__(self) -> None:
        if bool(self.by) == (self.cookie is not None):
            raise Refusal("`sticky` is by values like `header.x-user`, or by `cookie`")


@attrs.frozen(kw_only=True)
class RouteConfig(InfoConfig):
    """Which requests go where. `match` has alternatives."""

    match: Match = attrs.field(metadata={**help_line("which requests"), **STAND_IN})
    priority: int = attrs.field(
        default=0, metadata=help_line("higher comes first, before all that is more specific")
    )
    to: Targets | None = attrs.field(
        default=None, metadata=help_line("the service, or several with weights; none where a filter answers")
    )
    sticky: StickyConfig | None = attrs.field(
        default=None, metadata=help_line("what keeps a client with one of several services")
    )
    rewrite: RewriteConfig | None = attrs.field(
        default=None, metadata=help_line("what the service is asked for")
    )
    filters: Filters = attrs.field(default=(), metadata=help_line("run after the global ones"))
    override: Mapping[Name, FilterConfig | Literal[False]] = attrs.field(
        factory=dict,
        metadata=help_line("other options for a filter of this route's chain, or `false` to drop it"),
    )
    public: bool = attrs.field(
        default=False,
        metadata=help_line(
            "whether everybody may come; leaves out an `auth` of all routes that must not be passed"
        ),
    )
    max_body: Size | Literal[False] = attrs.field(
        default=16 * 1024 * 1024,
        # no byte at all, which is 0, and any number of them, which is False, are equal to Python
        eq=repr,
        metadata=help_line("bytes of a request's body, which streams; 413 for more"),
    )
    websocket: WebsocketConfig | Literal[False] = attrs.field(
        default=False, metadata=help_line("whether connections may switch to WebSocket")
    )
    encoded_slashes: Literal["reject", "keep"] = attrs.field(
        default="reject", metadata=help_line("`keep` passes %2F and %5C as parts of their segment")
    )
    place: Place = attrs.field(factory=Place, eq=False, repr=False, metadata=HIDDEN)


# ---- defaults -----------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class RouteDefaultsConfig:
    """What routes have that do not say otherwise."""

    max_body: Size | Literal[False] = attrs.field(
        default=16 * 1024 * 1024,
        # no byte at all, which is 0, and any number of them, which is False, are equal to Python
        eq=repr,
        metadata=help_line("bytes of a request's body, which streams; 413 for more"),
    )
    websocket: WebsocketConfig | Literal[False] = attrs.field(
        default=False, metadata=help_line("whether connections may switch to WebSocket")
    )
    encoded_slashes: Literal["reject", "keep"] = attrs.field(
        default="reject", metadata=help_line("`keep` passes %2F and %5C as parts of their segment")
    )


@attrs.frozen(kw_only=True)
class DefaultsConfig:
    """What entries have that do not say otherwise; they are in the services and routes when all is read."""

    services: ServiceDefaultsConfig = attrs.field(
        factory=ServiceDefaultsConfig, metadata=help_line("for all services")
    )
    routes: RouteDefaultsConfig = attrs.field(
        factory=RouteDefaultsConfig, metadata=help_line("for all routes")
    )
    consumers: ConsumerDefaultsConfig = attrs.field(
        factory=ConsumerDefaultsConfig, metadata=help_line("for all consumers")
    )


@attrs.frozen(kw_only=True)
class GatewayConfig:
    """A whole configuration."""

    version: Version = attrs.field(
        default=VERSION, metadata=help_line("version of the grammar; it has to be written")
    )
    hosts: tuple[HostPattern, ...] = attrs.field(
        default=(), metadata=help_line("where routes answer that name no host; others get 421. None is any")
    )
    server: ServerConfig = attrs.field(factory=ServerConfig, metadata=help_line("the side that clients see"))
    admin: AdminConfig = attrs.field(factory=AdminConfig, metadata=help_line("the side that operators see"))
    observe: ObserveConfig = attrs.field(factory=ObserveConfig, metadata=help_line("what is recorded"))
    database: Database = attrs.field(
        default=Database("gatekeeper.db"),
        metadata=help_line("the file of API keys, from the folder of this file. Takes a restart"),
    )
    providers: Mapping[Name, ProviderConfig] = attrs.field(
        factory=dict, metadata=help_line("where more services and routes come from, by name")
    )
    authenticators: Mapping[Name, AuthenticatorConfig] = attrs.field(
        factory=dict, metadata=help_line("what finds out who asks, by name")
    )
    plans: Mapping[Name, PlanConfig] = attrs.field(
        factory=dict, metadata=help_line("what consumers have agreed to, by name")
    )
    consumers: Mapping[Name, ConsumerConfig] = attrs.field(
        factory=dict, metadata=help_line("who may be known when asking, by name")
    )
    filters: Filters = attrs.field(default=(), metadata=help_line("run first, for every request"))
    chains: Mapping[Name, Filters] = attrs.field(
        factory=dict, metadata=help_line("lists of filters that `use: name` puts in its place")
    )
    services: Mapping[Name, ServiceConfig] = attrs.field(
        factory=dict, metadata=help_line("who answers, by name")
    )
    routes: Mapping[Name, RouteConfig] = attrs.field(
        factory=dict, metadata=help_line("what goes where, by name")
    )

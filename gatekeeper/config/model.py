"""What a configuration says, once it has been read: frozen classes that hold the long form of everything.

Defaults are those of the grammar. Equal configurations are equal objects, wherever in a file they stood. The metadata
`help` of a field is one line about it, for documentation and schema.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Protocol

import attrs

from gatekeeper.config.problems import Place, Refusal
from gatekeeper.config.units import (
    VERSION,
    Duration,
    File,
    Host,
    Listen,
    LiteralPath,
    Method,
    Name,
    Proxies,
    Url,
    Version,
)
from gatekeeper.core.text import Text


Target = Annotated[Text, "target"]
"""The name of a service, or a capture that is one."""


class KindConfig(Protocol):
    """A kind of filter, as far as a configuration has to know it."""

    @property
    def config(self) -> type:
        """The attrs class of its options."""
        ...

    @property
    def main(self) -> str | None:
        """The option that a value which is no mapping sets."""
        ...

    @property
    def terminal(self) -> bool:
        """Whether it answers itself and ends the chain."""
        ...

    @property
    def scope(self) -> str:
        """`exchange`, or `attempt` for what runs once per try."""
        ...


def _help(text: str) -> dict[str, str]:
    return {"help": text}


def _is_positive(_instance: object, attribute: "attrs.Attribute[Any]", value: float | Literal[False]) -> None:
    if value is not False and value <= 0:
        raise Refusal(f"`{attribute.name}` must be longer than 0s")


# ---- filters ------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class FilterConfig:
    """One entry of a list of filters; `options` is an object of the class that its kind declares."""

    kind: str = attrs.field(metadata=_help("what it is; plugins add kinds"))
    name: Name = attrs.field(
        metadata=_help("how logs and metrics call it; unique among the filters of a request")
    )
    if_error: Literal["fail", "skip"] = attrs.field(
        default="fail",
        metadata=_help("what an error of its own does: `fail` answers 500, `skip` goes on without it"),
    )
    options: Any = None
    place: Place = attrs.field(factory=Place, eq=False, repr=False)


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
class ServiceConfig:
    """Equal instances, and how they are asked."""

    instances: tuple[InstanceConfig, ...] = attrs.field(metadata=_help("addresses"))
    timeouts: TimeoutsConfig = attrs.field(
        factory=TimeoutsConfig, metadata=_help("how long attempts may take")
    )
    tls: TlsServiceConfig = attrs.field(factory=TlsServiceConfig, metadata=_help("for instances with https"))
    filters: tuple[FilterConfig, ...] = attrs.field(
        default=(), metadata=_help("run after those of the route")
    )


# ---- routes -------------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class MatchConfig:
    """A condition on requests; all its keys hold. No method means any."""

    path: str = attrs.field(default="/**", metadata=_help("path template"))
    method: tuple[Method, ...] = attrs.field(default=(), metadata=_help("one of these; GET includes HEAD"))


def _has_no_slash_at_the_end(_instance: object, attribute: "attrs.Attribute[Any]", path: str | None) -> None:
    if path is not None and path.endswith("/"):
        hint = f": write `{path.rstrip('/')}`" if path != "/" else ""
        raise Refusal(f"`{attribute.name}` must not end in `/`{hint}")


def _begins_with_slash(_instance: object, _attribute: object, path: Text | None) -> None:
    if path is not None and not path.source.startswith("/"):
        raise Refusal(f"a path begins with `/`: write `/{path.source}`")


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
    method: Method | None = attrs.field(default=None, metadata=_help("the method"))


@attrs.frozen(kw_only=True)
class RouteConfig:
    """Which requests go where. `match` has alternatives; `to` is the name of a service, or a capture that is one."""

    match: tuple[MatchConfig, ...] = attrs.field(metadata=_help("which requests"))
    to: Target | None = attrs.field(default=None, metadata=_help("the service; none where a filter answers"))
    rewrite: RewriteConfig | None = attrs.field(default=None, metadata=_help("what the service is asked for"))
    filters: tuple[FilterConfig, ...] = attrs.field(default=(), metadata=_help("run after the global ones"))


@attrs.frozen(kw_only=True)
class GatewayConfig:
    """A whole configuration."""

    version: Version = attrs.field(
        default=VERSION, metadata=_help("version of the grammar; it has to be written")
    )
    server: ServerConfig = attrs.field(factory=ServerConfig, metadata=_help("the side that clients see"))
    admin: AdminConfig = attrs.field(factory=AdminConfig, metadata=_help("the side that operators see"))
    services: Mapping[Name, ServiceConfig] = attrs.field(factory=dict, metadata=_help("who answers, by name"))
    routes: Mapping[Name, RouteConfig] = attrs.field(factory=dict, metadata=_help("what goes where, by name"))
    filters: tuple[FilterConfig, ...] = attrs.field(
        default=(), metadata=_help("run first, for every request")
    )

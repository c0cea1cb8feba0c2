"""What a configuration says of the process: where clients come in, who operates it, where else services come from.

Frozen classes that hold the long form of everything, like those of `config.model`, which has them too.
"""

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from gatekeeper.config.addresses import Listen
from gatekeeper.config.concurrency import ConcurrencyConfig
from gatekeeper.config.conditions import HIDDEN
from gatekeeper.config.fields import AtLeast, help_line, is_positive, is_some
from gatekeeper.config.problems import Place
from gatekeeper.config.tls import TlsConfig
from gatekeeper.config.units import Duration, LiteralPath, Name, Proxies, Sha256, Size


@attrs.frozen(kw_only=True)
class ListenerConfig:
    """Where requests come in."""

    address: Listen = attrs.field(metadata=help_line("port, address with port, socket file, or `systemd`"))
    tls: TlsConfig | None = attrs.field(default=None, metadata=help_line("makes it speak HTTPS"))
    proxy_protocol: bool = attrs.field(
        default=False,
        metadata=help_line(
            "whether each connection begins with a PROXY header, version 1 or 2; from `trusted_proxies` only"
        ),
    )
    place: Place = attrs.field(factory=Place, eq=False, repr=False, metadata=HIDDEN)


@attrs.frozen(kw_only=True)
class ServerTimeoutsConfig:
    """How long clients may take."""

    head: Duration = attrs.field(
        default=10.0, validator=is_positive, metadata=help_line("for the whole head of a request")
    )
    body: Duration = attrs.field(
        default=30.0, validator=is_positive, metadata=help_line("of silence while a body is sent")
    )
    idle: Duration = attrs.field(
        default=75.0, validator=is_positive, metadata=help_line("between two requests of a connection")
    )
    write: Duration = attrs.field(
        default=60.0, validator=is_positive, metadata=help_line("without reading from an answer")
    )


@attrs.frozen(kw_only=True)
class ServerLimitsConfig:
    """What clients may send, and how many of them there may be."""

    header_count: int = attrs.field(
        default=100, validator=AtLeast(1), metadata=help_line("header fields of a request")
    )
    header_line: Size = attrs.field(
        default=8192, validator=is_some, metadata=help_line("bytes of one header field")
    )
    header_block: Size = attrs.field(
        default=65536, validator=is_some, metadata=help_line("bytes of the whole head of a request")
    )
    target: Size = attrs.field(
        default=8192, validator=is_some, metadata=help_line("bytes of its target: path and query")
    )
    body_rate: Size | Literal[False] = attrs.field(
        default=100,
        validator=is_some,
        metadata=help_line("bytes a second of a body that is waited for, over ten seconds"),
    )
    connections: int = attrs.field(
        default=10_000,
        validator=AtLeast(1),
        metadata=help_line(
            "that are open at the same time; fewer where the system allows too few descriptors for them"
        ),
    )
    connections_per_address: int | Literal[False] = attrs.field(
        default=1000,
        validator=AtLeast(1),
        metadata=help_line("of these, from one address; those of trusted proxies are not counted"),
    )
    requests_per_connection: int | Literal[False] = attrs.field(
        default=10_000, validator=AtLeast(1), metadata=help_line("after which a connection ends")
    )


@attrs.frozen(kw_only=True)
class ReloadConfig:
    """When a change of the files comes into force."""

    watch: bool = attrs.field(
        default=True,
        metadata=help_line("whether the files are looked at; else SIGHUP and the admin API reload"),
    )
    debounce: Duration = attrs.field(
        default=0.25, metadata=help_line("how long nothing must change before they are read")
    )


def _listen_everywhere() -> Mapping[str, ListenerConfig]:
    return {"main": ListenerConfig(address=Listen("0.0.0.0", 8080))}  # noqa: S104


def _as_many_as_one_process_serves() -> ConcurrencyConfig:
    return ConcurrencyConfig(limit=2000, queue=500, wait=1.0)


@attrs.frozen(kw_only=True)
class ServerConfig:
    """The side that clients see."""

    listen: Mapping[Name, ListenerConfig] = attrs.field(
        factory=_listen_everywhere, metadata=help_line("addresses to listen on, by name")
    )
    timeouts: ServerTimeoutsConfig = attrs.field(
        factory=ServerTimeoutsConfig, metadata=help_line("how long clients may take")
    )
    limits: ServerLimitsConfig = attrs.field(
        factory=ServerLimitsConfig, metadata=help_line("what clients may send, and how many there may be")
    )
    concurrency: ConcurrencyConfig = attrs.field(
        factory=_as_many_as_one_process_serves,
        metadata=help_line("how many requests may be under way; 503 for those beyond"),
    )
    half_close: Literal["wait", "abort"] | Duration = attrs.field(
        default=1.0,
        metadata=help_line(
            "for the answer to a client that has closed its side: it may be gone; `wait` is for ever, `abort` not at all"
        ),
    )
    underscore_headers: Literal["drop", "keep", "reject"] = attrs.field(
        default="drop",
        metadata=help_line("header fields with `_`, which many services take for `-`; `reject` answers 400"),
    )
    trusted_proxies: tuple[Proxies, ...] = attrs.field(
        default=(), metadata=help_line("whose forwarded headers are believed")
    )
    health_path: LiteralPath | Literal[False] = attrs.field(
        default=False,
        metadata=help_line("answered by the gateway itself, for load balancers: 200, or 503 while draining"),
    )
    workers: int | Literal["auto"] = attrs.field(
        default=1,
        validator=AtLeast(1),
        metadata=help_line("processes that take requests; `auto` is one for each core. Takes a restart"),
    )
    drain: Duration = attrs.field(default=30.0, metadata=help_line("for running requests after SIGTERM"))
    reload: ReloadConfig = attrs.field(
        factory=ReloadConfig, metadata=help_line("when a change of the files comes into force")
    )


@attrs.frozen(kw_only=True)
class AdminUserConfig:
    """Somebody who may use the admin API, known by a token."""

    role: Literal["viewer", "operator", "admin"] = attrs.field(
        metadata=help_line(
            "`viewer` reads, `operator` also checks, drains and reloads, `admin` also changes the configuration"
        )
    )
    token_sha256: Sha256 = attrs.field(
        repr=False, metadata={**help_line("the SHA-256 of the token, in hexadecimal"), "secret": True}
    )


@attrs.frozen(kw_only=True)
class AdminConfig:
    """The side that operators see."""

    listen: Listen | Literal[False] = attrs.field(
        default=Listen("127.0.0.1", 9901),
        metadata=help_line("address of metrics and admin API; `false` for none"),
    )
    users: Mapping[Name, AdminUserConfig] = attrs.field(
        factory=dict, metadata=help_line("who may use it, by name; none is everybody on this machine")
    )


@attrs.frozen(kw_only=True)
class ProviderConfig:
    """A source of services and routes beside the files.

    `options` is an object of the class that its kind declares.
    """

    kind: str = attrs.field(metadata=HIDDEN)
    options: Any = attrs.field(default=None, metadata=HIDDEN)
    may_provide: tuple[Literal["services", "routes"], ...] = attrs.field(
        default=("services", "routes"), metadata=help_line("the sections that it may add to")
    )
    required: bool = attrs.field(
        default=False, metadata=help_line("whether the gateway waits for it before it takes requests")
    )
    place: Place = attrs.field(factory=Place, eq=False, repr=False, metadata=HIDDEN)

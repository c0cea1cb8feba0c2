"""How the instances of a service are asked: what a service says for itself, and `defaults.services` for all of them.

Frozen classes that hold the long form of everything, like those of `config.model`, which has them too. Parts
(`balance`, `health`) are a kind with its options; their keys are those that all kinds share.
"""

from typing import Any, ClassVar, Final, Literal

import attrs

from gatekeeper.config.concurrency import ConcurrencyConfig
from gatekeeper.config.conditions import HIDDEN
from gatekeeper.config.failures import Failures
from gatekeeper.config.fields import AtLeast, help_line, is_positive
from gatekeeper.config.problems import Refusal
from gatekeeper.config.units import Duration, File, Host, Share, Size
from gatekeeper.core.message import check_field


LONGEST_TIMEOUT: Final = 5.0
"""Seconds that a health check may take where nothing is said."""


# ---- who is asked -------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class BalanceConfig:
    """Which instance is asked next.

    `options` is an object of the class that the kind declares; None is its own defaults.
    """

    kind: str = attrs.field(default="round_robin", metadata=HIDDEN)
    options: Any = attrs.field(default=None, metadata=HIDDEN)
    slow_start: Duration = attrs.field(
        default=0.0,
        metadata=help_line("until an instance that became fit has its whole part of the requests"),
    )
    panic_below: Share = attrs.field(
        default=0.0,
        metadata=help_line("where fewer than this are fit, all are asked: health may be what is wrong"),
    )
    prefer_zone: str = attrs.field(
        default="", metadata=help_line("instances of this zone are asked while one of them is fit")
    )


def _is_within_every(instance: Any, _attribute: object, timeout: float) -> None:
    if timeout > instance.every:
        raise Refusal("`timeout` is longer than `every`: a check would still run when the next one begins")


@attrs.frozen(kw_only=True)
class HealthConfig:
    """How instances are asked whether they are well.

    `options` is an object of the class that the kind declares; None is its own defaults.
    """

    WRITTEN: ClassVar[str] = "a health check, like `/ready`,"

    kind: str = attrs.field(default="http", metadata=HIDDEN)
    options: Any = attrs.field(default=None, metadata=HIDDEN)
    every: Duration = attrs.field(
        default=30.0, validator=is_positive, metadata=help_line("between two checks of an instance")
    )
    timeout: Duration = attrs.field(
        default=attrs.Factory(lambda self: min(LONGEST_TIMEOUT, self.every), takes_self=True),
        validator=[is_positive, _is_within_every],
        metadata={**help_line("for one check; `every` where that is shorter"), "default": "5s"},
    )
    healthy_after: int = attrs.field(
        default=2, validator=AtLeast(1), metadata=help_line("good answers in a row that make it fit again")
    )
    unhealthy_after: int = attrs.field(
        default=3, validator=AtLeast(1), metadata=help_line("failures in a row that make it unfit")
    )


@attrs.frozen(kw_only=True)
class OutliersConfig:
    """When instances that fail real requests are left out for a while."""

    consecutive_failures: int | Literal[False] = attrs.field(
        default=5, validator=AtLeast(1), metadata=help_line("failures in a row that eject an instance")
    )
    failure_rate: Share | Literal[False] = attrs.field(
        default=False, metadata=help_line("the part of its requests in `window` that, failing, ejects it")
    )
    min_requests: int = attrs.field(
        default=50, validator=AtLeast(1), metadata=help_line("how many there must be for `failure_rate`")
    )
    window: Duration = attrs.field(
        default=30.0, validator=is_positive, metadata=help_line("how far back `failure_rate` looks")
    )
    failures: Failures = attrs.field(
        default=("connect", "reset", "timeout", 502, 503, 504), metadata=help_line("what counts as a failure")
    )
    eject_for: Duration = attrs.field(
        default=30.0,
        validator=is_positive,
        metadata=help_line("for how long; times how often it was ejected"),
    )
    eject_at_most: Share = attrs.field(
        default=0.5, metadata=help_line("the part of the instances that may be left out at once")
    )

    def __attrs_post_init__(self) -> None:
        if self.consecutive_failures is False and self.failure_rate is False:
            raise Refusal(
                "nothing ejects an instance here; give `consecutive_failures` or `failure_rate`, or write"
                " `outliers: false`"
            )


# ---- how it is asked ----------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class TimeoutsConfig:
    """How long an attempt at a service may take; `total` is for all attempts together."""

    connect: Duration = attrs.field(
        default=5.0, validator=is_positive, metadata=help_line("until a connection is open")
    )
    write: Duration = attrs.field(
        default=30.0, validator=is_positive, metadata=help_line("without taking from a request")
    )
    read: Duration = attrs.field(
        default=30.0, validator=is_positive, metadata=help_line("of silence in an answer")
    )
    first_byte: Duration = attrs.field(
        default=attrs.Factory(lambda self: self.read, takes_self=True),
        validator=is_positive,
        metadata=help_line("until an answer begins; the value of `read`"),
    )
    total: Duration | Literal[False] = attrs.field(
        default=False, validator=is_positive, metadata=help_line("from the request to the end of the answer")
    )
    stream: Duration = attrs.field(
        default=3600.0,
        validator=is_positive,
        metadata=help_line("of silence in event streams and WebSockets, instead of `read`"),
    )


def _is_not_below_base(instance: Any, _attribute: object, longest: float) -> None:
    if longest < instance.base:
        raise Refusal("`max` is shorter than `base`")


@attrs.frozen(kw_only=True)
class BackoffConfig:
    """How long to wait before a request is sent again: at random, up to a limit that doubles each time."""

    base: Duration = attrs.field(default=0.025, metadata=help_line("the limit of the first wait"))
    max: Duration = attrs.field(
        default=attrs.Factory(lambda self: 10 * self.base, takes_self=True),
        validator=_is_not_below_base,
        metadata={**help_line("the limit of all waits"), "default": "10 x base"},
    )


@attrs.frozen(kw_only=True)
class BudgetConfig:
    """How many requests may be sent again, against all that are sent: what is overloaded gets no more load."""

    share: Share = attrs.field(default=0.1, metadata=help_line("their part of the requests of the service"))
    floor: int = attrs.field(
        default=3, validator=AtLeast(0), metadata=help_line("so many a second whatever the part is")
    )


def _is_field_name(_instance: object, _attribute: object, name: str | None) -> None:
    if name is not None:
        check_field(name.encode(), b"")


def _is_something(_instance: object, _attribute: object, failures: Failures) -> None:
    if not failures:
        raise Refusal("an empty list, for which nothing is sent again; write `retries: false`")


@attrs.frozen(kw_only=True)
class RetriesConfig:
    """When a request is sent again that got no answer, or none that is good."""

    WRITTEN: ClassVar[str] = "how often, like 2, or a mapping"

    count: int = attrs.field(
        default=1, validator=AtLeast(0), metadata=help_line("how often at most; 0 is `retries: false`")
    )
    if_: Failures = attrs.field(
        default=("connect", "reset"),
        validator=_is_something,
        metadata=help_line("after which failures, and answers with which status"),
    )
    backoff: BackoffConfig = attrs.field(
        factory=BackoffConfig, metadata=help_line("how long to wait before it")
    )
    budget: BudgetConfig = attrs.field(
        factory=BudgetConfig, metadata=help_line("how many of all requests may be sent again")
    )
    replay_body: Size = attrs.field(
        default=64 * 1024, metadata=help_line("bytes of a body that are kept to be sent again")
    )
    honour_retry_after: bool = attrs.field(
        default=True, metadata=help_line("whether to wait as long as an answer asks for, in `retry-after`")
    )
    idempotency_key: str | None = attrs.field(
        default=None,
        validator=_is_field_name,
        metadata=help_line(
            "a header field that makes any request safe to send again, if the client gives it"
        ),
    )


@attrs.frozen(kw_only=True)
class PoolConfig:
    """The connections to each instance."""

    max_connections: int = attrs.field(
        default=256, validator=AtLeast(1), metadata=help_line("how many at most; who comes later waits")
    )
    idle: Duration = attrs.field(
        default=30.0, validator=is_positive, metadata=help_line("how long one is kept that nobody uses")
    )
    max_requests: int | Literal[False] = attrs.field(
        default=False, validator=AtLeast(1), metadata=help_line("after how many requests one is closed")
    )


@attrs.frozen(kw_only=True)
class TlsServiceConfig:
    """How the instances of a service prove themselves, and the gateway to them."""

    ca: File | None = attrs.field(
        default=None, metadata=help_line("certificates of authorities, instead of the system's")
    )
    certificate: File | None = attrs.field(
        default=None, metadata=help_line("certificate that the gateway shows")
    )
    key: File | None = attrs.field(default=None, metadata=help_line("its private key"))
    server_name: Host | None = attrs.field(
        default=None, metadata=help_line("expected name, instead of the host")
    )
    verify: bool = attrs.field(default=True, metadata=help_line("whether certificates are verified"))


def _as_many_as_a_service_bears() -> ConcurrencyConfig:
    return ConcurrencyConfig(limit=1000, queue=100, wait=1.0)


@attrs.frozen(kw_only=True)
class ServiceDefaultsConfig:
    """What services have that do not say otherwise."""

    balance: BalanceConfig = attrs.field(
        factory=BalanceConfig, metadata=help_line("which instance is asked next")
    )
    health: HealthConfig | Literal[False] = attrs.field(
        factory=HealthConfig,
        metadata=help_line(
            "how instances are asked whether they are well; off for a service that is a url alone"
        ),
    )
    outliers: OutliersConfig | Literal[False] = attrs.field(
        factory=OutliersConfig,
        metadata=help_line("when instances that fail requests are left out for a while"),
    )
    timeouts: TimeoutsConfig = attrs.field(
        factory=TimeoutsConfig, metadata=help_line("how long attempts may take")
    )
    retries: RetriesConfig | Literal[False] = attrs.field(
        factory=RetriesConfig, metadata=help_line("when a request is sent again")
    )
    concurrency: ConcurrencyConfig = attrs.field(
        factory=_as_many_as_a_service_bears,
        metadata=help_line("how many requests may be under way at it; 503 for those beyond"),
    )
    pool: PoolConfig = attrs.field(factory=PoolConfig, metadata=help_line("the connections to each instance"))
    tls: TlsServiceConfig = attrs.field(
        factory=TlsServiceConfig, metadata=help_line("for instances with https")
    )
    host_header: Host | Literal["client", "upstream"] = attrs.field(
        default="client",
        metadata=help_line("what `Host` says: what the client asked, the instance's address, or a name"),
    )

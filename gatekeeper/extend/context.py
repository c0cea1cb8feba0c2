"""What a part is handed when it is built, so that it neither reaches for globals nor for the network."""

import logging
from collections.abc import Callable, Mapping, Sequence
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import attrs

from gatekeeper.core.chain import AttemptHandler, Predicate
from gatekeeper.core.clock import Clock, Wheel
from gatekeeper.core.exchange import Attempt, Exchange, Key
from gatekeeper.core.identity import Consumer
from gatekeeper.core.instance import Instance
from gatekeeper.core.message import Response
from gatekeeper.extend.authenticate import Authenticator, Credential, Identify, StoredKeys
from gatekeeper.extend.running import RunningGateway
from gatekeeper.extend.vocabulary import Condition, Matcher
from gatekeeper.observe.metrics import Metrics
from gatekeeper.policy.retry import Budget, RetryPolicy


if TYPE_CHECKING:
    import ssl

C = TypeVar("C")
T = TypeVar("T")

ALL_ROUTES: Final = "all routes"
"""The owner of the global filters."""

AUTHENTICATORS: Final = "authenticators"
"""The owner of those who find out who asks."""

DRY_RUN: Final = Key[bool]("dry run")
"""Set where nobody has sent the request: a filter is tried by it before its configuration comes into force.

What a filter raises then refuses the configuration; what it answers does not matter. A filter that changes something beyond
the exchange (takes from a limit, writes, sends, counts) leaves that out where `exchange.get(DRY_RUN, False)`, and goes on as
if it had done it: others may rely on what it leaves on the exchange.
"""

Pick = Callable[[Exchange, Sequence[Instance]], Instance | None]
"""The instance for the next attempt, if possible none of those that were tried; None where there is none."""


@attrs.frozen
class Target:
    """The service that a chain ends at: who may be asked, and the way there.

    `send` takes one attempt through the service's attempt filters to its instance; failures are exceptions. `observe`
    hears of the end of each attempt, and `answered` may add to the answer. `total` is the time in seconds that all
    attempts of an exchange may take together, None without limit; `retries` says what is tried again, and `budget` how
    much of it.
    """

    service: str
    pick: Pick
    send: AttemptHandler
    total: float | None = None
    observe: Callable[[Attempt], object] | None = None
    answered: Callable[[Exchange, Instance, Response], object] | None = None
    retries: RetryPolicy = attrs.field(factory=RetryPolicy)
    budget: Budget = attrs.field(factory=Budget)


class TlsIdentity(Protocol):
    """How a service's connections prove who they are, and whom they believe."""

    @property
    def context(self) -> "ssl.SSLContext":
        """What a handshake goes by."""
        ...

    @property
    def server_name(self) -> str:
        """The name that is expected of the other side; empty for the host it is connected to by."""
        ...


class Keeper(Protocol):
    """Holds what outlives a configuration."""

    def __call__(self, key: tuple[str, ...], open: Callable[[C], T], config: C, /) -> T:  # noqa: A002
        """Return what is held under the key, or what is opened."""
        ...


def _nobody(claims: Mapping[str, Any], /) -> Consumer:
    raise LookupError(
        f"only an authenticator that reads claims makes consumers of them, not of {len(claims)}"
    )


def _no_keys() -> StoredKeys:
    raise LookupError("only an authenticator has the keys of the database")


def _no_fit(matchers: Mapping[str, Matcher], /) -> Callable[[Mapping[str, Any]], bool]:
    raise LookupError(f"only an authenticator asks about claims, not about {', '.join(matchers)}")


def _no_question(condition: Condition, /) -> Predicate:
    raise LookupError(f"conditions cannot be asked here: {condition!r}")


def _keep_nothing(key: tuple[str, ...], open: Callable[[C], T], config: C, /) -> T:  # noqa: A002, ARG001
    return open(config)


@attrs.frozen(kw_only=True)
class BuildContext:
    """The surroundings of one part in one snapshot.

    `owner` says where it stands (`route users`, `service orders`, `all routes`, `authenticators`), `name` is its name
    there, and `target` the service behind it, for what stands at the end of a chain. `tls` is how the instances of its
    service are spoken to where they speak TLS. `predicate` makes a question of a condition among its options.

    Filters find those who tell who asks in `authenticators`, by their names. An authenticator has the `consumers` of
    the configuration as it proves them, with their `credentials`, makes others of claims by
    `identify`, and asks by `fit` whether claims are what they must be. `stored_keys` opens those of the database.
    """

    gateway: RunningGateway
    wheel: Wheel
    name: str
    owner: str
    target: Target | None = None
    tls: TlsIdentity | None = None
    predicate: Callable[[Condition], Predicate] = _no_question
    authenticators: Mapping[str, Authenticator] = attrs.field(factory=dict)
    consumers: Mapping[str, Consumer] = attrs.field(factory=dict)
    credentials: Sequence[Credential] = ()
    stored_keys: Callable[[], StoredKeys] = _no_keys
    identify: Identify = _nobody
    fit: Callable[[Mapping[str, Matcher]], Callable[[Mapping[str, Any]], bool]] = _no_fit
    random: Random = attrs.field(factory=SystemRandom)
    keeper: Keeper = _keep_nothing

    def keep(self, name: str, open: Callable[[C], T], config: C) -> T:  # noqa: A002
        """Return a thing that outlives the configuration: a bucket, a table, a connection.

        The first time, and where nothing fits, it is what `open(config)` returns. After a reload the same part, in the
        same place and under the same name, gets the same thing back if its `config` equals the one before. If it does
        not, a thing with a method `reconfigure(config)` is kept, and that is called at the moment when the new
        configuration comes into force; any other is opened anew. A thing with a method `begin` has that called, in the
        loop, when the configuration that it was opened for comes into force. What no configuration holds any more is
        closed, where it has a method `close` (which may be a coroutine).
        """
        return self.keeper((self.owner, self.name, name), open, config)

    @property
    def logger(self) -> logging.Logger:
        """A logger that carries the filter's name."""
        return logging.getLogger(f"gatekeeper.filter.{self.name}")

    @property
    def clock(self) -> Clock:
        """The time."""
        return self.gateway.clock

    @property
    def metrics(self) -> Metrics:
        """Where to count; a family that exists already is returned as it is."""
        return self.gateway.metrics

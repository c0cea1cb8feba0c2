"""The kinds of balancers, as `balance` of a service names them."""

import math
import re
from collections.abc import Callable, Mapping
from random import Random as Dice
from typing import Annotated, Any, Final, Literal

import attrs

from gatekeeper.core.text import Value
from gatekeeper.extend.catalog import Catalog
from gatekeeper.extend.context import BuildContext
from gatekeeper.extend.hookspecs import hookimpl
from gatekeeper.policy.affinity import Cookie, Hash
from gatekeeper.policy.balance import Balancer, Latency, LeastConnections, PowerOfTwo, Random, RoundRobin


Duration = Annotated[float, "duration"]
"""Seconds, written like `5s`: the annotation is that of `gatekeeper.config.units`."""

_SHARE: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?%")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


@attrs.frozen
class Excess:
    """A share of at least the whole, written like `125%`; `share` is 1.25."""

    PATTERN = r"0*[1-9][0-9]{2,}(?:\.[0-9]+)?%"

    text: str = attrs.field(eq=False)
    share: float = attrs.field(init=False, repr=False)

    @share.default
    def _share(self) -> float:
        # the number nearest to what is written; what is divided by 100 may be one beside it
        return float(f"{self.text.removesuffix('%')}e-2")

    @classmethod
    def parse(cls, text: str) -> "Excess":
        """Read it.

        Raises:
            ValueError: it is none, or less than the whole.

        """
        if not _SHARE.fullmatch(text):
            raise ValueError(f"`{text}` is no share; write one like 125%")
        excess = cls(text)
        if excess.share < 1:
            raise ValueError(f"{text} is too little for all requests to be placed; write 100% or more")
        return excess

    def __str__(self) -> str:
        return self.text


# ---- without options ----------------------------------------------------------------------------------------------


@attrs.frozen
class RoundRobinConfig:
    """One instance after the other; who has more weight, more often."""


@attrs.frozen
class LeastConnectionsConfig:
    """Whoever has fewest requests in flight for its weight."""


@attrs.frozen
class RandomConfig:
    """Any instance, by weight."""


@attrs.frozen
class PowerOfTwoConfig:
    """Of two that are drawn by weight, the one with fewer requests in flight for its weight."""


@attrs.frozen
class LatencyConfig:
    """Of two that are drawn by weight, the one that will probably answer first."""


def _dice(context: BuildContext) -> Dice:
    # the system's own numbers cost 1.4 µs each, these 0.1, and nobody gains by guessing them
    return Dice(context.random.getrandbits(128))  # noqa: S311


_SIMPLE: Final[Mapping[str, tuple[type, Callable[[Any, BuildContext], Balancer]]]] = {
    "round_robin": (RoundRobinConfig, lambda _, __: RoundRobin()),
    "least_connections": (LeastConnectionsConfig, lambda _, __: LeastConnections()),
    "random": (RandomConfig, lambda _, context: Random(_dice(context))),
    "power_of_two": (PowerOfTwoConfig, lambda _, context: PowerOfTwo(_dice(context))),
    "latency": (LatencyConfig, lambda _, context: Latency(_dice(context))),
}


# ---- those that stick ---------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class HashConfig:
    """Equal values go to the same instance; requests without the value take turns."""

    by: Value = attrs.field(metadata={"help": "the value, like `header.x-user`, `path.room` or `address`"})
    bounded: Excess | Literal[False] = attrs.field(
        default=Excess("125%"),
        metadata={
            "help": "how much of its part an instance takes before the next one does; `false` where all have to meet"
        },
    )


def _is_token(_instance: object, _attribute: object, name: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"`{name}` is no name for a cookie; use letters, digits, - and _")


def _is_kept(_instance: object, _attribute: object, ttl: float | Literal[False]) -> None:
    if ttl is not False and ttl < 1:
        raise ValueError("write 1s or more, or `false` for as long as the browser is open")


@attrs.frozen(kw_only=True)
class CookieConfig:
    """A client stays with its instance, which a cookie names. Services of one host need cookies of different names."""

    name: str = attrs.field(
        default="gk_instance", validator=_is_token, metadata={"help": "name of the cookie"}
    )
    ttl: Duration | Literal[False] = attrs.field(
        default=3600.0,
        validator=_is_kept,
        metadata={"help": "how long the client keeps it; `false` is until the browser is closed"},
    )
    otherwise: Literal["round_robin", "least_connections", "random", "power_of_two", "latency"] = attrs.field(
        default="round_robin", metadata={"help": "who gets the requests without a cookie"}
    )


def build_hash(config: HashConfig, context: BuildContext) -> Hash:  # noqa: ARG001
    """Make the balancer."""
    return Hash(config.by.read, config.bounded.share if config.bounded else math.inf)


def build_cookie(config: CookieConfig, context: BuildContext) -> Cookie:
    """Make the balancer, and the one for clients without a cookie."""
    _, build = _SIMPLE[config.otherwise]
    return Cookie(config.name, config.ttl or None, build(None, context))


@hookimpl
def gatekeeper_register(catalog: Catalog) -> None:
    """Declare the kinds."""
    for kind, (config, build) in _SIMPLE.items():
        catalog.balancer(kind, config, build)
    catalog.balancer("hash", HashConfig, build_hash, main="by")
    catalog.balancer("cookie", CookieConfig, build_cookie, main="name")

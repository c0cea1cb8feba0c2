"""What plugins contribute to the grammar, as far as a configuration has to know it."""

from collections.abc import Mapping
from typing import Protocol

from gatekeeper.config.interpolate import SecretResolver


class PartKind(Protocol):
    """A kind of part that a plugin brings: of condition, balancer, health check or provider."""

    @property
    def config(self) -> type:
        """The attrs class of its options."""
        ...

    @property
    def main(self) -> str | None:
        """The option that a value which is no mapping sets."""
        ...


class KindConfig(PartKind, Protocol):
    """A kind of filter."""

    @property
    def terminal(self) -> bool:
        """Whether it answers itself and ends the chain."""
        ...

    @property
    def scope(self) -> str:
        """`exchange`, or `attempt` for what runs once per try."""
        ...


class AuthenticatorKindConfig(PartKind, Protocol):
    """A kind of authenticator."""

    @property
    def credential(self) -> type | None:
        """The attrs class of what consumers prove themselves with; None where they are not known by it."""
        ...

    @property
    def reads_claims(self) -> bool:
        """Whether who somebody is comes from claims, which `identity` may speak of."""
        ...


class Kinds(Protocol):
    """What plugins contribute to the grammar; the catalog is one."""

    @property
    def authenticators(self) -> Mapping[str, AuthenticatorKindConfig]:
        """The kinds of `authenticators`."""
        ...

    @property
    def secrets(self) -> Mapping[str, SecretResolver]:
        """What brings the values of `${SCHEME:name}`, by scheme."""
        ...

    @property
    def filters(self) -> Mapping[str, KindConfig]:
        """The kinds of filters."""
        ...

    @property
    def predicates(self) -> Mapping[str, PartKind]:
        """The kinds of conditions."""
        ...

    @property
    def balancers(self) -> Mapping[str, PartKind]:
        """The kinds of `balance`."""
        ...

    @property
    def probes(self) -> Mapping[str, PartKind]:
        """The kinds of `health`."""
        ...

    @property
    def providers(self) -> Mapping[str, PartKind]:
        """The kinds of `providers`."""
        ...

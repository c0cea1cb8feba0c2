"""What finds out who asks: the filter `auth` asks authenticators by their names."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import attrs

from gatekeeper.core.errors import Unauthenticated
from gatekeeper.core.exchange import Exchange
from gatekeeper.core.identity import Consumer


class OfAnother(Unauthenticated):
    """A credential that is wrong here because another authenticator may know it: of several that refuse it, others say why."""


class Authenticator(Protocol):
    """Tells by a request who sends it."""

    @property
    def challenge(self) -> str:
        """What `WWW-Authenticate` says of it (RFC 9110 section 11.6.1), as in `Bearer realm="shop"`; empty for nothing."""
        ...

    async def authenticate(self, exchange: Exchange, /) -> Consumer | None:
        """Return who asks; None where the request has no credential of this kind at all.

        Raises:
            Unauthenticated: the credential is there and wrong; `log` says why, and never shows it.
            OfAnother: it is one that another authenticator may know.
            RefusedElsewhere: the same, with an answer that is passed on as it is.
            IdentityUnknown: it cannot be checked now.

        """
        ...

    def conceal(self, exchange: Exchange, /) -> None:
        """Take out of the request what must not be passed on: a key, a password. It is called whatever was found."""
        ...


@attrs.frozen
class Credential:
    """What a consumer of the configuration proves itself with; `config` is of the class that the kind declares."""

    consumer: Consumer
    config: Any = attrs.field(repr=False)


class StoredKey(Protocol):
    """A key that somebody has made while gateways run."""

    @property
    def consumer(self) -> str:
        """The name of who has it."""
        ...

    @property
    def authenticator(self) -> str:
        """The name of the authenticator that takes it."""
        ...

    @property
    def scopes(self) -> tuple[str, ...]:
        """What it may do; where there are none, what its consumer may."""
        ...


class StoredKeys(Protocol):
    """The keys that are made, rotated and revoked while gateways run; a look-up is one access of a dict."""

    @property
    def state(self) -> Literal["up", "stale", "down"]:
        """Where it is not `up`, nobody can say that a key does not exist."""
        ...

    def lookup(self, digest: bytes, now: float, /) -> StoredKey | None:
        """The key of this SHA-256 that works at `now` (seconds since 1970); None where there is none."""
        ...


class Identify(Protocol):
    """Makes a consumer of the claims of a token that has been verified."""

    def __call__(self, claims: Mapping[str, Any], /) -> Consumer:
        """Return who that is, as `identity` of the authenticator and the credentials of consumers say.

        Raises:
            Unauthenticated: it is nobody, for want of a subject.

        """
        ...

"""The kinds of parts that there are, built-in or not."""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import attrs

from gatekeeper.config.identity import ClaimsConfig
from gatekeeper.config.interpolate import SecretResolver
from gatekeeper.core.chain import AttemptFilter, Filter, Predicate
from gatekeeper.extend.authenticate import Authenticator
from gatekeeper.extend.context import BuildContext
from gatekeeper.policy.balance import Balancer


if TYPE_CHECKING:
    from gatekeeper.registry.health import Probe
    from gatekeeper.registry.providers import Provider

C = TypeVar("C")

PREDICATES: Final = frozenset(
    {
        *(
            "host",
            "path",
            "method",
            "scheme",
            "listener",
            "header",
            "query",
            "cookie",
            "address",
            "share",
            "not",
        ),
        *("consumer", "role", "scope", "plan", "authenticator", "claim"),
    }
)
"""The keys of conditions that the gateway brings itself."""

_KIND: Final = re.compile(r"[a-z][a-z0-9_]*")


class CatalogError(Exception):
    """A kind that cannot be registered; the message names the plugins concerned."""


@attrs.frozen(kw_only=True)
class Kind:
    """A kind of part: its options, and how one is made of them.

    `main` is the option that a value which is no mapping sets.
    """

    kind: str
    config: type
    build: Callable[[Any, BuildContext], Any]
    main: str | None
    plugin: str

    @property
    def summary(self) -> str:
        """The first line of what its options say about themselves."""
        return (self.config.__doc__ or "").strip().partition("\n")[0]


@attrs.frozen(kw_only=True)
class FilterKind(Kind):
    """A kind of filter. A `terminal` one answers itself and ends a chain."""

    terminal: bool
    scope: Literal["exchange", "attempt"]


@attrs.frozen(kw_only=True)
class AuthenticatorKind(Kind):
    """A kind of authenticator. `credential` is the class of what consumers of the configuration prove themselves with."""

    credential: type | None
    reads_claims: bool


K = TypeVar("K", bound=Kind)


class Catalog:
    """Where plugins declare their kinds; `plugin` is whose turn it is."""

    def __init__(self) -> None:
        self.filters: dict[str, FilterKind] = {}
        self.authenticators: dict[str, AuthenticatorKind] = {}
        self.secrets: dict[str, SecretResolver] = {}
        self.predicates: dict[str, Kind] = {}
        self.balancers: dict[str, Kind] = {}
        self.probes: dict[str, Kind] = {}
        self.providers: dict[str, Kind] = {}
        self.plugin = "gatekeeper"
        self._bringers: dict[str, str] = {}

    def of_plugin(self, plugin: str) -> tuple[str, ...]:
        """The names of all kinds that a plugin has declared."""
        tables: tuple[Mapping[str, Kind], ...] = (
            *(self.filters, self.authenticators, self.predicates),
            *(self.balancers, self.probes, self.providers),
        )
        kinds = [kind.kind for table in tables for kind in table.values() if kind.plugin == plugin]
        return (*kinds, *(f"${{{scheme}:}}" for scheme, owner in self._bringers.items() if owner == plugin))

    def filter(
        self,
        kind: str,
        config: type[C],
        build: Callable[[C, BuildContext], Filter],
        *,
        main: str | None = None,
        terminal: bool = False,
    ) -> None:
        """Declare a kind of filter, in exchange scope: round everything, retries included.

        Each filter that is new is tried with one request before its configuration comes into force (`DRY_RUN`): what it
        raises then refuses the configuration.

        Raises:
            CatalogError: the kind exists, its name is none, or its options are no attrs class.

        """
        self._add_filter(kind, config, build, main, "exchange", terminal=terminal)

    def attempt_filter(
        self,
        kind: str,
        config: type[C],
        build: Callable[[C, BuildContext], AttemptFilter],
        *,
        main: str | None = None,
    ) -> None:
        """Declare a kind of filter in attempt scope: once per try, allowed in a service's `filters` only.

        Raises:
            CatalogError: the kind exists, its name is none, or its options are no attrs class.

        """
        self._add_filter(kind, config, build, main, "attempt", terminal=False)

    def authenticator(
        self,
        kind: str,
        config: type[C],
        build: Callable[[C, BuildContext], Authenticator],
        *,
        main: str | None = None,
        credential: type | None = None,
        reads_claims: bool = False,
    ) -> None:
        """Declare a kind of authenticator: an entry of `authenticators`, which the filter `auth` asks by its name.

        `credential` is an attrs class, of which consumers write one or several under `credentials`; `build` finds them in
        `context.credentials`. An authenticator that `reads_claims` makes consumers of them by `context.identify`; then
        `credential` is not given: consumers say which claims are theirs.

        Raises:
            CatalogError: the kind exists, its name is none, its options or credentials are no attrs class, or it has
                both `credential` and `reads_claims`.

        """
        if credential is not None and reads_claims:
            raise CatalogError(
                f"plugin {self.plugin!r}: {kind!r} reads claims, and so consumers say which claims are theirs; "
                f"leave `credential` out"
            )
        if credential is not None and not attrs.has(credential):
            raise CatalogError(
                f"plugin {self.plugin!r}: the credentials of {kind!r} are {credential!r}, not an attrs class"
            )
        made = AuthenticatorKind(
            kind=kind,
            config=config,
            build=build,
            main=main,
            plugin=self.plugin,
            credential=ClaimsConfig if reads_claims else credential,
            reads_claims=reads_claims,
        )
        self._add("authenticator", self.authenticators, made)

    def secret(self, scheme: str, resolve: SecretResolver) -> None:
        """Declare what brings secrets that are kept elsewhere: `${SCHEME:name}` in a configuration is `resolve(name)`.

        It is asked in a thread whenever a configuration is read, once for each reference, and must answer soon. It raises
        LookupError where there is no such secret.

        Raises:
            CatalogError: there is such a scheme, or its name is none.

        """
        if not _KIND.fullmatch(scheme):
            raise CatalogError(
                f"plugin {self.plugin!r}: {scheme!r} is no name for a scheme; use a-z, 0-9 and _"
            )
        owner = "gatekeeper" if scheme in {"file", "env"} else self._bringers.get(scheme)
        if owner is not None:
            raise CatalogError(
                f"plugin {self.plugin!r} declares `${{{scheme}:...}}`, which plugin {owner!r} has declared; choose another"
            )
        self.secrets[scheme] = resolve
        self._bringers[scheme] = self.plugin

    def predicate(
        self,
        kind: str,
        config: type[C],
        build: Callable[[C, BuildContext], Predicate],
        *,
        main: str | None = None,
    ) -> None:
        """Declare a kind of condition: a key of `match`, `when` and the like, next to `path` and `method`.

        What `build` returns is asked on the way of requests: it must be quick, and may not wait for anything.

        Raises:
            CatalogError: the kind exists, its name is none or that of a built-in one, or its options are no attrs class.

        """
        if kind in PREDICATES:
            raise CatalogError(
                f"plugin {self.plugin!r} declares predicate {kind!r}, which is built in; choose another name"
            )
        self._add_kind("predicate", self.predicates, kind, config, build, main)

    def balancer(
        self,
        kind: str,
        config: type[C],
        build: Callable[[C, BuildContext], Balancer],
        *,
        main: str | None = None,
    ) -> None:
        """Declare a kind of balancer: a value of `balance`. Its `pick` is on the way of requests.

        Raises:
            CatalogError: the kind exists, its name is none, or its options are no attrs class.

        """
        self._add_kind("balancer", self.balancers, kind, config, build, main)

    def probe(
        self,
        kind: str,
        config: type[C],
        build: "Callable[[C, BuildContext], Probe]",
        *,
        main: str | None = None,
    ) -> None:
        """Declare a kind of health check: a value of `health`.

        Raises:
            CatalogError: the kind exists, its name is none, or its options are no attrs class.

        """
        self._add_kind("probe", self.probes, kind, config, build, main)

    def provider(
        self,
        kind: str,
        config: type[C],
        build: "Callable[[C, BuildContext], Provider]",
        *,
        main: str | None = None,
    ) -> None:
        """Declare a kind of provider: a value of `providers`, a source of services and routes.

        Raises:
            CatalogError: the kind exists, its name is none, or its options are no attrs class.

        """
        self._add_kind("provider", self.providers, kind, config, build, main)

    def _add_filter(
        self,
        kind: str,
        config: type,
        build: Callable[[Any, BuildContext], Any],
        main: str | None,
        scope: Literal["exchange", "attempt"],
        *,
        terminal: bool,
    ) -> None:
        made = FilterKind(
            kind=kind,
            config=config,
            build=build,
            main=main,
            terminal=terminal,
            scope=scope,
            plugin=self.plugin,
        )
        self._add("filter", self.filters, made)

    def _add_kind(
        self,
        what: str,
        kinds: dict[str, Kind],
        kind: str,
        config: type,
        build: Callable[[Any, BuildContext], Any],
        main: str | None,
    ) -> None:
        made = Kind(kind=kind, config=config, build=build, main=main, plugin=self.plugin)
        self._add(what, kinds, made)

    def _add(self, what: str, kinds: dict[str, K], kind: K) -> None:
        name = kind.kind
        if not _KIND.fullmatch(name):
            raise CatalogError(f"plugin {self.plugin!r}: {name!r} is no name for a kind; use a-z, 0-9 and _")
        if not attrs.has(kind.config):
            raise CatalogError(
                f"plugin {self.plugin!r}: the options of {what} {name!r} are {kind.config!r}, not an attrs class"
            )
        if name in kinds:
            other = kinds[name].plugin
            raise CatalogError(
                f"plugin {self.plugin!r} declares {what} {name!r}, which plugin {other!r} has declared; "
                f"prefix the kinds of a plugin with its name, or block one of the two"
            )
        kinds[name] = kind

"""The kinds of parts that there are, built-in or not."""

import re
from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar

import attrs

from gatekeeper.core.chain import AttemptFilter, Filter, Predicate
from gatekeeper.extend.context import BuildContext


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


K = TypeVar("K", "FilterKind", "PredicateKind")


class CatalogError(Exception):
    """A kind that cannot be registered; the message names the plugins concerned."""


@attrs.frozen
class FilterKind:
    """A kind of filter: its options, and how one is made of them.

    `main` is the option that a value which is no mapping sets; a `terminal` kind answers itself and ends a chain.
    """

    kind: str
    config: type
    build: Callable[[Any, BuildContext], Any]
    main: str | None
    terminal: bool
    scope: Literal["exchange", "attempt"]
    plugin: str

    @property
    def summary(self) -> str:
        """The first line of what its options say about themselves."""
        return (self.config.__doc__ or "").strip().partition("\n")[0]


@attrs.frozen
class PredicateKind:
    """A kind of condition: its options, and how a question about an exchange is made of them.

    `main` is the option that a value which is no mapping sets.
    """

    kind: str
    config: type
    build: Callable[[Any, BuildContext], Predicate]
    main: str | None
    plugin: str

    @property
    def summary(self) -> str:
        """The first line of what its options say about themselves."""
        return (self.config.__doc__ or "").strip().partition("\n")[0]


class Catalog:
    """Where plugins declare their kinds; `plugin` is whose turn it is."""

    def __init__(self) -> None:
        self.filters: dict[str, FilterKind] = {}
        self.predicates: dict[str, PredicateKind] = {}
        self.plugin = "gatekeeper"

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

        Raises:
            CatalogError: the kind exists, its name is none, or its options are no attrs class.

        """
        self._add(
            "filter", self.filters, FilterKind(kind, config, build, main, terminal, "exchange", self.plugin)
        )

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
        made = FilterKind(kind, config, build, main, terminal=False, scope="attempt", plugin=self.plugin)
        self._add("filter", self.filters, made)

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
        self._add("predicate", self.predicates, PredicateKind(kind, config, build, main, self.plugin))

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

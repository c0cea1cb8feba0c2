"""Rules about who asks: that every route has an answer to it, and that nobody is asked about before it is known."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import attrs

from gatekeeper.config.checker import Checker, texts
from gatekeeper.config.conditions import ConditionConfig
from gatekeeper.config.filters import changes_of, is_required
from gatekeeper.config.identity import AUTH, AUTHORIZE, MTLS, ConsumerConfig, asks_who, wants_somebody
from gatekeeper.config.model import FilterConfig, RouteConfig, TargetConfig
from gatekeeper.config.problems import Path
from gatekeeper.core.text import Text, Value


OF_CONSUMERS: Final = frozenset({"consumer", "claim", "authenticator"})
"""The first words of values that tell who asks."""


@attrs.define
class IdentityChecker(Checker):
    """Checks authenticators and consumers, each for itself, and what filters make of them."""

    def identities(self) -> None:
        """Check authenticators and consumers."""
        for name, authenticator in self.config.authenticators.items():
            kind = self.kinds.authenticators[authenticator.kind]
            if authenticator.identity is not None and not kind.reads_claims:
                message = f"`identity` is made of what a token says, and `{authenticator.kind}` reads none"
                self.refuse("not-here", ("authenticators", name, "identity"), message, at_key=True)
            if authenticator.kind == MTLS:
                self._certificates(name)
        owners: dict[tuple[str, Any], str] = {}
        for name, consumer in self.config.consumers.items():
            path: Path = ("consumers", name)
            if consumer.plan is not None:
                self.exists("plans", "plan", consumer.plan, (*path, "plan"))
            self._credentials(path, name, consumer, owners)

    def _certificates(self, name: str) -> None:
        """Check that somebody is asked for certificates."""
        listeners = self.config.server.listen.values()
        asks = any(one.tls is not None and one.tls.client is not None for one in listeners)
        if not asks and not self.tree.incomplete and self.is_sound(("server", "listen")):
            message = (
                f"no listener asks clients for certificates, so `{name}` would know nobody; write "
                "`client: {ca: FILE, mode: optional}` under `tls` of one"
            )
            self.refuse("needs", ("authenticators", name), message, at_key=True)

    def _credentials(
        self, path: Path, name: str, consumer: ConsumerConfig, owners: dict[tuple[str, Any], str]
    ) -> None:
        """Check that a credential tells who it is that shows it."""
        for authenticator, credentials in consumer.credentials.items():
            for credential in credentials:
                key = getattr(credential, "key", credential)
                first = next(
                    (owner for (one, own), owner in owners.items() if one == authenticator and own == key), ""
                )
                owners[authenticator, key] = owners.get((authenticator, key), name)
                if first:
                    whose = "twice" if first == name else f"by `{first}` too"
                    message = f"this credential is had {whose}; it could not be told who asks"
                    self.refuse("bad-value", (*path, "credentials", authenticator), message)

    # ---- routes ---------------------------------------------------------------------------------------------------

    def guarded(
        self,
        name: str,
        route: RouteConfig,
        flat: Sequence[FilterConfig],
        behind: Iterable[Sequence[FilterConfig]],
    ) -> None:
        """Check that it is said who may come: `flat` are the filters of a route, `behind` those of each of its services."""
        path: Path = ("routes", name)
        changes = changes_of(route, self.global_flat)
        conditional = self.conditional((*self.config.filters, *route.filters))
        own = [item for item in flat if changes.get(item.name) is not False]
        whole = [*(changes.get(item.name, item) for item in self.global_flat), *own]
        chain = [item for item in whole if isinstance(item, FilterConfig)]
        has_guard = any(_is_guard(item) and item.name not in conditional for item in chain)
        every = list(behind)
        has_guard = has_guard or (bool(every) and all(any(map(_is_guard, one)) for one in every))
        if route.public:
            first = next((item for item in own if is_required(item)), None)
            if first is not None:
                message = f"`public` lets everybody come, and `{first.name}` of this route does not; drop one of the two"
                self.refuse("conflict", (*path, "public"), message, at_key=True)
        elif self.names("authenticators") and not has_guard:
            message = f"route `{name}` runs no `auth`; add one, or say `public: true`"
            self.refuse("no-auth", path, message, at_key=True)
        self._known_before(name, chain, route)

    def _known_before(self, name: str, chain: Sequence[FilterConfig], route: RouteConfig) -> None:
        """Check that nobody is asked about before somebody may be known."""
        why = f"is known behind `auth`, and route `{name}` runs none before this"
        known = False
        for item in chain:
            if not known:
                self._nobody(item.when, why)
                if item.kind == AUTHORIZE and item.options is not None:
                    self._nobody(item.options.condition, why)
                for steps, text in texts(item.options):
                    if item.kind != AUTH:
                        self._no_value((*item.place.path, item.kind, *steps), text, why)
            known = known or item.kind == AUTH
        if known:
            return
        for target in route.to.values() if not isinstance(route.to, Text | None) else ():
            assert isinstance(target, TargetConfig)
            self._nobody(target.pin, why)
        if route.sticky is not None:
            for value in route.sticky.by:
                self._no_value((*route.place.path, "sticky"), value, why)

    def _nobody(self, conditions: Iterable[ConditionConfig], why: str) -> None:
        for condition in conditions:
            for key in asks_who(condition):
                self.refuse("no-identity", condition.place.path, f"`{key}` {why}")

    def _no_value(self, path: Path, text: Text | Value, why: str) -> None:
        for value in text.names if isinstance(text, Text) else (text.source,):
            if value.partition(".")[0] in OF_CONSUMERS:
                self.refuse("no-identity", path, f"`{value}` {why}")

    def fails_closed(self, filters: Iterable[FilterConfig]) -> None:
        """Check that filters which guard do not pass over their own failures, and that they can be asked."""
        for item in filters:
            if item.kind in {AUTH, AUTHORIZE} and item.if_error == "skip":
                message = f"a request would pass when `{item.kind}` fails; leave `if_error` out"
                self.refuse("insecure", (*item.place.path, "if_error"), message, at_key=True)
            for key, name in _asked(item):
                self.exists("authenticators", "authenticator", name, (*item.place.path, AUTH, key))


def _is_guard(item: FilterConfig) -> bool:
    """Whether nobody passes without somebody having thought of who may."""
    if item.kind == AUTHORIZE and item.options is not None:
        return all(map(wants_somebody, item.options.condition))
    return is_required(item)


def _asked(item: FilterConfig) -> Iterator[tuple[str, str]]:
    if item.kind == AUTH and item.options is not None:
        for key in ("any_of", "all_of"):
            for name in getattr(item.options, key):
                yield key, name

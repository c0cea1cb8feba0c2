"""Rules about who asks: that every route has an answer to it, and that nobody is asked about before it is known."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import attrs

from gatekeeper.config.checker import Checker, conditions, texts
from gatekeeper.config.conditions import IDENTITY_KEYS, ConditionConfig
from gatekeeper.config.filters import changes_of, is_required, walk
from gatekeeper.config.identity import AUTH, AUTHORIZE, MTLS, ConsumerConfig, wants_somebody
from gatekeeper.config.model import FilterConfig, RouteConfig, TargetConfig
from gatekeeper.config.problems import Path
from gatekeeper.core.text import Text, Value


OF_CONSUMERS: Final = frozenset({"consumer", "claim", "authenticator"})
"""The first words of values that tell who asks."""


@attrs.define
class IdentityChecker(Checker):
    """Checks authenticators and consumers, each for itself, and what filters make of them."""

    _unknown: set[Path] = attrs.field(factory=set, init=False)
    """Where somebody is asked about too early, as it has been told of one route."""

    def identities(self) -> None:
        """Check authenticators and consumers."""
        for name, authenticator in self.config.authenticators.items():
            kind = self.kinds.authenticators[authenticator.kind]
            if authenticator.identity is not None and not kind.reads_claims:
                message = f"`identity` is made of what a token says, and `{authenticator.kind}` reads none"
                self.refuse("not-here", ("authenticators", name, "identity"), message, at_key=True)
            if authenticator.kind == MTLS:
                self._certificates(name)
        owners: dict[str, dict[Any, str]] = {}
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
        self, path: Path, name: str, consumer: ConsumerConfig, owners: dict[str, dict[Any, str]]
    ) -> None:
        """Check that a credential tells who it is that shows it."""
        for authenticator, credentials in consumer.credentials.items():
            of = owners.setdefault(authenticator, {})
            for credential in credentials:
                key = getattr(credential, "key", repr(credential))
                if key in of:
                    whose = "stands here twice" if of[key] == name else f"is that of `{of[key]}` too"
                    message = f"this credential {whose}; nobody could tell who shows it"
                    self.refuse("bad-value", (*path, "credentials", authenticator), message)
                of.setdefault(key, name)

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
        own = [item for item in flat if changes.get(item.name) is not False]
        chain = [
            (change, when)
            for item, when in walk((*self.config.filters, *route.filters), self.config.chains)
            if (change := changes.get(item.name, item)) is not False
        ]
        has_guard = any(_is_guard(item) and not when for item, when in chain)
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

    def _known_before(
        self, name: str, chain: Sequence[tuple[FilterConfig, Sequence[ConditionConfig]]], route: RouteConfig
    ) -> None:
        """Check that nobody is asked about before somebody may be known."""
        why = f"is known behind `auth`, and route `{name}` runs none before this"
        known = False
        for item, when in chain:
            if not known:
                self._nobody(when, why)
                self._nobody(conditions(item.options), why)
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
        for condition in (inner for outer in conditions for inner in outer.inner()):
            for key in IDENTITY_KEYS:
                if getattr(condition, key):
                    self._too_early((*condition.place.path, key), f"`{key}` {why}", at_key=True)

    def _no_value(self, path: Path, text: Text | Value, why: str) -> None:
        for value in text.names if isinstance(text, Text) else (text.source,):
            if value.partition(".")[0] in OF_CONSUMERS:
                self._too_early(path, f"`{value}` {why}")

    def _too_early(self, path: Path, message: str, *, at_key: bool = False) -> None:
        if path not in self._unknown:
            self._unknown.add(path)
            self.refuse("no-identity", path, message, at_key=at_key)

    def _own_fields(self, item: FilterConfig) -> None:
        """Check that a field which tells services who asks is not one that clients have to send: theirs are dropped."""
        read = {name: _reads(one.options) for name, one in self.config.authenticators.items()}
        for field in sorted(getattr(item.options, "identity_headers", ())):
            reader = next((name for name, header in read.items() if header == field), None)
            if reader is not None:
                message = (
                    f"`{field}` is where `{reader}` reads credentials, and clients could not send it any more"
                )
                self.refuse("conflict", (*item.place.path, item.kind, "upstream_headers", field), message)

    def asked(self, filters: Iterable[FilterConfig]) -> None:
        """Check what filters refer to, and that those which guard do not pass over their own failures."""
        for item in filters:
            if item.kind in {AUTH, AUTHORIZE} and item.if_error == "skip":
                message = f"a request would pass when `{item.kind}` fails; leave `if_error` out"
                self.refuse("insecure", (*item.place.path, "if_error"), message, at_key=True)
            self.condition(conditions(item.options))
            self._own_fields(item)
            for key, name in _asked(item):
                self.exists("authenticators", "authenticator", name, (*item.place.path, AUTH, key))


def _reads(options: Any) -> str:
    """The header field that an authenticator reads, in lower case; empty where that is another place."""
    if getattr(options, "cookie", None) or getattr(options, "query", None):
        return ""
    return (getattr(options, "header", None) or "").lower()


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

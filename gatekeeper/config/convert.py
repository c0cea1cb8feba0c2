"""Read data → a `GatewayConfig`: the short forms, parts of all sorts, and what a route makes of the filters of others.

A service that is a url alone stands for its instances; that these are not asked for their health, which those of the
long form are, is a mark on the list (`config.defaults.Unasked`): as a key it would beat `defaults.services.health`.
"""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from types import UnionType
from typing import Any, Final, Union, get_args

import attrs

from gatekeeper.config.defaults import Unasked
from gatekeeper.config.document import BROKEN, meaning
from gatekeeper.config.filters import FORWARD, FilterReader, flatten
from gatekeeper.config.hints import meant
from gatekeeper.config.identity import Credentials
from gatekeeper.config.kinds import AuthenticatorKindConfig, Kinds, PartKind
from gatekeeper.config.later import is_later
from gatekeeper.config.matching import ParseTemplate
from gatekeeper.config.model import (
    AuditFileConfig,
    AuthenticatorConfig,
    BackoffConfig,
    BalanceConfig,
    BudgetConfig,
    ConcurrencyConfig,
    ConsumerConfig,
    DefaultsConfig,
    FilterConfig,
    GatewayConfig,
    HealthConfig,
    InstanceConfig,
    ListenerConfig,
    ProviderConfig,
    RetriesConfig,
    RewriteConfig,
    RouteConfig,
    ServerConfig,
    ServiceConfig,
    SinkConfig,
    StickyConfig,
    TargetConfig,
    Targets,
    UseConfig,
)
from gatekeeper.config.parts import SORTS, Sort, one_or_list
from gatekeeper.config.problems import Fault, Path, Place, did_you_mean, quoted
from gatekeeper.config.structure import Expand, Hook
from gatekeeper.config.tree import Tree
from gatekeeper.config.units import VERSION, Name
from gatekeeper.config.wording import keys, origin, whole
from gatekeeper.core.text import Text


_SOURCES: Final = frozenset({"include", "environments", "defaults"})
"""Top-level keys that are done with before the rest is read."""


def convert(tree: Tree, kinds: Kinds, template: ParseTemplate) -> tuple[GatewayConfig | None, list[Fault]]:
    """Return the configuration, and what is wrong with it.

    Where something is wrong, the configuration is what is left without that, good for further checks only; None where
    nothing is.
    """
    reader = _GatewayReader(tree, kinds, template)
    if isinstance(tree.data, dict) and not any(
        key == "version" or meant("", key) == "version" for key in tree.data
    ):
        reader.refuse(f"`version` is missing; write `version: {VERSION}`", "missing-key")
    if isinstance(tree.data, dict) and "defaults" in tree.data:
        reader.read(tree.data["defaults"], DefaultsConfig, "defaults")
    config = reader.read(tree.data, GatewayConfig)
    tree.files += reader.files
    # it knows its hooks, and they know it: what is large must not wait for a collection
    del reader.tree, reader.template
    return (None if config is BROKEN else config), reader.faults


# ---- short forms --------------------------------------------------------------------------------------------------


def _expand_gateway(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: item for key, item in value.items() if key not in _SOURCES and not key.startswith("x-")}
    return value


def _expand_server(value: Any) -> Any:
    if isinstance(value, dict) and _is_plain(value.get("listen")):
        return {**value, "listen": {"main": value["listen"]}}
    return value


def _expand_service(value: Any) -> Any:
    return {"instances": Unasked([value])} if isinstance(value, str) else value


def _expand_kind(value: Any) -> Any:
    return {str(value): {}} if _is_name(value) else value


def _expand_health(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("/"):
        return {"http": {"path": value}}
    return {str(value): {}} if _is_name(value) else value


def _expand_budget(value: Any) -> Any:
    # a number without a unit is told what it lacks
    return {"share": value} if _is_plain(value) or isinstance(value, float) else value


def _expand_targets(value: Any) -> Any:
    return {value: {}} if isinstance(value, str) and "{" not in value else value


def _expand_sticky(value: Any) -> Any:
    if isinstance(value, str):
        return {"by": [value]}
    return {"by": value} if isinstance(value, list) else value


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(meaning(value), bool)


def _wrap(key: str) -> Expand:
    """Make the expansion of a single value to a mapping with this key."""
    return lambda value: {key: value} if _is_plain(value) else value


_SHORT_FORMS: Final[Mapping[Any, Expand]] = {
    GatewayConfig: _expand_gateway,
    ServerConfig: _expand_server,
    ListenerConfig: _wrap("address"),
    SinkConfig: _expand_kind,
    AuditFileConfig: _wrap("path"),
    ServiceConfig: _expand_service,
    InstanceConfig: _wrap("url"),
    BalanceConfig: _expand_kind,
    HealthConfig: _expand_health,
    RetriesConfig: _wrap("count"),
    BackoffConfig: _wrap("base"),
    BudgetConfig: _expand_budget,
    ConcurrencyConfig: _wrap("limit"),
    RewriteConfig: _wrap("path"),
    StickyConfig: _expand_sticky,
    TargetConfig: _wrap("weight"),
    Targets: _expand_targets,
}


def expand_at(kinds: Kinds, path: Path, value: Any) -> Any:
    """The long form of a value at a place of the grammar; what has none there comes back as it is."""
    kind: Any = GatewayConfig
    options: PartKind | None = None
    for step in path:
        by_key, others = _inner(kind)
        sort, options = _sort(kind), None
        if sort is None or step in by_key:
            kind = by_key.get(step, others)
        else:
            options = sort.kinds(kinds).get(sort.aliases.get(str(step), str(step)))
            kind = options and options.config
    if options is not None:
        if options.main is None or _has_parts(value) or whole(options.config) is not None:
            return value
        return {options.main: one_or_list(value, options)}
    for expand in _expansions(kind):
        if (long := expand(value)) is not value:
            return long
    return value


@functools.cache
def _sort(kind: Any) -> Sort | None:
    """The sort of the parts that values of a type are."""
    return next((SORTS[arm] for arm in _arms(kind) if arm in SORTS), None)


def _has_parts(value: Any) -> bool:
    """Whether a value is options already; `true` and `false` are read as such."""
    return isinstance(value, dict) or isinstance(meaning(value), bool)


@functools.cache
def _inner(kind: Any) -> tuple[Mapping[str | int, Any], Any]:
    """The types of what stands under the keys of a type, and that of what stands under any other key."""
    for arm in _arms(kind):
        if attrs.has(origin(arm)):
            return {key: field.type for key, field in keys(attrs.resolve_types(arm)).items()}, None
        if origin(arm) in {dict, Mapping}:
            return {}, get_args(arm)[1]
        if arm == Targets:
            return {}, TargetConfig
    return {}, None


@functools.cache
def _expansions(kind: Any) -> tuple[Expand, ...]:
    return tuple(_SHORT_FORMS[arm] for arm in _arms(kind) if arm in _SHORT_FORMS)


def _arms(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if origin(kind) in {Union, UnionType} else (kind,)


# ---- what is no plain class ---------------------------------------------------------------------------------------


_TARGETS: Final = Mapping[Name, TargetConfig]
_WHOLE: Final = TargetConfig()


def _default_part(cls: Any, kinds: Kinds) -> Any:
    """A part of which nothing is said; without options where its kind is not there, or wants some."""
    default = cls()
    found = SORTS[cls].kinds(kinds).get(default.kind)
    if found is None or any(field.default is attrs.NOTHING for field in keys(found.config).values()):
        return default
    return attrs.evolve(default, options=found.config())


class _GatewayReader(FilterReader):
    """Reads a whole configuration: what comes first is known to what comes later."""

    def __init__(self, tree: Tree, kinds: Kinds, template: ParseTemplate) -> None:
        super().__init__(FilePath.cwd(), _SHORT_FORMS, is_later, kinds.predicates, template)
        self.tree = tree
        self.kinds = {kind: config for kind, config in kinds.filters.items() if kind != FORWARD}
        self._defaults = {cls: _default_part(cls, kinds) for cls in (BalanceConfig, HealthConfig)}
        self._unsaid: dict[str, Any] = {}
        self.chain_names = frozenset(tree.names(("chains",)))
        self._globals: list[FilterConfig | UseConfig] = []
        self._chains: dict[str, list[FilterConfig | UseConfig]] = {}
        self._authenticators: dict[str, AuthenticatorKindConfig] = {}
        factory = self.converter.register_structure_hook_factory
        factory(lambda kind: kind == Targets, lambda _: self._targets)
        factory(lambda kind: kind == FilterConfig | UseConfig, lambda _: self._entry)
        factory(lambda kind: kind in {ListenerConfig, AuditFileConfig}, self._placed)
        factory(lambda kind: kind is ServiceConfig, self._service)
        factory(lambda kind: kind in {BalanceConfig, HealthConfig}, lambda kind: self._part(kind, kinds))
        factory(
            lambda kind: kind is ProviderConfig,
            lambda kind: self._part(kind, kinds, lambda: {"kind": "", "place": self.locate()}),
        )
        factory(lambda kind: kind is AuthenticatorConfig, lambda kind: self._authenticator(kind, kinds))
        factory(lambda kind: kind == Credentials, lambda _: self._credentials)
        factory(lambda kind: kind is ConsumerConfig, self._placed)
        factory(lambda kind: kind is RetriesConfig, self._retries)
        factory(lambda kind: kind is RouteConfig, self._route)

    def folder(self) -> FilePath:
        """Paths are relative to the file that they stand in."""
        return self.tree.folder(tuple(self.path))

    def locate(self) -> Place:
        """Where the value that is being read stands."""
        return self.tree.place(tuple(self.path))

    def _placed(self, kind: Any) -> Hook:
        return self.class_hook(kind, lambda: {"place": self.locate()})

    def _part(self, kind: Any, kinds: Kinds, beside: Callable[[], Mapping[str, Any]] = dict) -> Hook:
        return self.part_hook(kind, SORTS[kind].kinds(kinds), beside)

    def _service(self, kind: Any) -> Hook:
        """What a service leaves unsaid has the options of its kind, so that they are shown."""
        placed = self.class_hook(kind, lambda: {"place": self.locate(), **self._unsaid})

        def hook(value: Any, _: Any) -> Any:
            value = _expand_service(value)
            self._unsaid = {}
            if isinstance(value, dict):
                is_asked = not isinstance(value.get("instances"), Unasked)
                if "balance" not in value:
                    self._unsaid["balance"] = self._defaults[BalanceConfig]
                if "health" not in value:
                    self._unsaid["health"] = is_asked and self._defaults[HealthConfig]
            return placed(value, kind)

        return hook

    def _authenticator(self, kind: Any, kinds: Kinds) -> Hook:
        """What somebody proves itself with, the kind says: it is remembered for consumers."""
        plain = self._part(kind, kinds, lambda: {"kind": "", "place": self.locate()})

        def hook(value: Any, _: Any) -> Any:
            found = plain(value, kind)
            if found is not BROKEN:
                self._authenticators[str(self.path[-1])] = kinds.authenticators[found.kind]
            return found

        return hook

    def _credentials(self, value: Any, _: Any) -> Any:
        """By the names of authenticators, what their kinds know a consumer by: one, or a list of them."""
        if not isinstance(value, dict):
            message = "expected a mapping by authenticators, as in `{keys: {sha256: ...}}`"
            return self.refuse(message, "wrong-type")
        found: dict[str, tuple[Any, ...]] = {}
        for name, item in value.items():
            self.path.append(name)
            made = self._of_authenticator(name, item)
            self.path.pop()
            if made is not BROKEN:
                found[name] = made
        return found

    def _of_authenticator(self, name: str, value: Any) -> Any:
        kind = self._authenticators.get(name)
        known = self.tree.names(("authenticators",))
        if kind is None:
            if name in known or self.tree.incomplete:
                return BROKEN  # what is wrong with it is told there
            there = f"; there are {quoted(sorted(known))}" if known else "; there are none"
            message = f"no authenticator `{name}`{did_you_mean(name, known) or there}"
            return self.refuse(message, "unknown-name", at_key=True)
        if kind.credential is None:
            return self.refuse(
                "this kind of authenticator does not know consumers by credentials", "not-here"
            )
        if isinstance(value, list):
            return self.read(value, tuple[kind.credential, ...])  # type: ignore[name-defined]
        if not isinstance(value, dict):
            # it may be the secret itself, which is nobody's business
            message = f"expected a mapping with {quoted(keys(kind.credential))}"
            return self.refuse(f"{message}, or a list of them", "wrong-type")
        made = self.read(value, kind.credential)
        return made if made is BROKEN else (made,)

    def _retries(self, kind: Any) -> Hook:
        """None are the same as `false`."""
        plain = self.class_hook(kind)

        def hook(value: Any, _: Any) -> Any:
            found = plain(value, kind)
            return found if found is BROKEN or found.count else False

        return hook

    def _route(self, kind: Any) -> Hook:
        placed = self._placed(kind)

        def hook(value: Any, _: Any) -> Any:
            if not isinstance(value, dict) or "override" not in value:
                return placed(value, kind)
            route = placed({key: item for key, item in value.items() if key != "override"}, kind)
            if route is BROKEN or value["override"] is BROKEN:
                return route
            chain = flatten((*self._globals, *route.filters), self._chains)
            self.path.append("override")
            override = self.read_override(value["override"], list(chain))
            self.path.pop()
            return route if override is BROKEN else attrs.evolve(route, override=override)

        return hook

    def _entry(self, value: Any, _: Any) -> Any:
        """An entry of a list of filters; those that routes share are remembered for `override`."""
        found = self.read_filter(value, _)
        if found is not BROKEN:
            section, name = self.path[0], self.path[1]
            if section == "filters":
                self._globals.append(found)
            elif section == "chains":
                self._chains.setdefault(str(name), []).append(found)
        return found

    def _targets(self, value: Any, _: Any) -> Any:
        """A service, several of them with weights, or the capture that names one."""
        if isinstance(value, str) and "{" in value:
            return self.read(value, Text)
        if isinstance(value, str):
            name = self.read(value, Name)
            return BROKEN if name is BROKEN else {name: _WHOLE}
        if not isinstance(value, dict):
            services = (
                value if isinstance(value, list) and all(isinstance(item, str) for item in value) else []
            )
            hint = f"; write `{{{', '.join(f'{name}: 1' for name in services)}}}`" if services else ""
            return self.mistyped("the name of a service, or services with weights", value, hint)
        if not value:
            return self.refuse("`to` is empty; write the name of a service")
        return self.read(value, _TARGETS) or BROKEN

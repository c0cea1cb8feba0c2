"""Lists of filters as people write them: kinds with their options, chains in place, changes that a route makes."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal

import attrs

from gatekeeper.config.conditions import Condition, ConditionConfig
from gatekeeper.config.document import BROKEN, meaning
from gatekeeper.config.identity import AUTH
from gatekeeper.config.kinds import KindConfig, PartKind
from gatekeeper.config.later import LATER_KINDS
from gatekeeper.config.merge import merge_data
from gatekeeper.config.model import FilterConfig, RouteConfig, UseConfig
from gatekeeper.config.parts import FILTER, PartReader, Sort, one_or_list
from gatekeeper.config.problems import did_you_mean, quoted
from gatekeeper.config.units import Name
from gatekeeper.config.wording import keys, whole


FORWARD: Final = "forward"
"""The kind of filter that ends every chain by itself."""

FilterEntry = FilterConfig | UseConfig


def chains_of(entry: FilterEntry, chains: Mapping[str, Sequence[FilterEntry]]) -> list[str]:
    """All chains that an entry puts in its place, with those that stand in them."""
    found: list[str] = []
    waiting = [entry]
    while waiting:
        item = waiting.pop()
        if isinstance(item, UseConfig) and item.use not in found:
            found.append(item.use)
            waiting += chains.get(item.use, ())
    return found


def is_required(item: FilterConfig) -> bool:
    """Whether a filter lets nobody pass who is not proven."""
    return item.kind == AUTH and not getattr(item.options, "optional", False)


def changes_of(
    route: RouteConfig, inherited: Iterable[FilterConfig]
) -> Mapping[str, FilterConfig | Literal[False]]:
    """What a route makes of the filters in its chain, by their names; one for everybody leaves out who asks who it is."""
    if not route.public:
        return route.override
    return {**{item.name: False for item in inherited if is_required(item)}, **route.override}


def flatten(
    filters: Sequence[FilterEntry], chains: Mapping[str, Sequence[FilterEntry]]
) -> Iterator[FilterConfig]:
    """All filters of a list, those of its chains in their places; a chain that is in itself is left out there."""
    return (item for item, _ in walk(filters, chains))


def walk(
    filters: Sequence[FilterEntry],
    chains: Mapping[str, Sequence[FilterEntry]],
    inside: Mapping[str, Condition] = MappingProxyType({}),
) -> Iterator[tuple[FilterConfig, tuple[ConditionConfig, ...]]]:
    """The same, each with all conditions that it runs by: its own, and those of the chains that it stands in."""
    around = tuple(condition for when in inside.values() for condition in when)
    for item in filters:
        if isinstance(item, FilterConfig):
            yield item, (*around, *item.when)
        elif item.use not in inside:
            yield from walk(chains.get(item.use, ()), chains, {**inside, item.use: item.when})


@attrs.frozen(kw_only=True)
class _Shared:
    """The keys that stand beside the kind of a filter."""

    name: Name | None = None
    when: Condition = ()
    if_error: Literal["fail", "skip"] = "fail"


@attrs.frozen(kw_only=True)
class _Use:
    """The keys of an entry that puts a chain in its place."""

    use: Name
    when: Condition = ()


class FilterReader(PartReader):
    """Reads filters too."""

    kinds: Mapping[str, KindConfig]
    chain_names: Collection[str] = ()

    def read_filter(self, value: Any, _: Any) -> Any:
        """A kind alone, or `kind: options` with the shared keys beside it; or `use: chain`."""
        if isinstance(value, dict) and "use" in value:
            return self._use(value)
        shared = self.converter.get_structure_hook(_Shared)
        part = self.read_part(value, FILTER, self.kinds, _Shared, shared)
        if part is BROKEN:
            return BROKEN
        return FilterConfig(
            kind=part.kind,
            name=part.shared.name or part.kind,
            when=part.shared.when,
            if_error=part.shared.if_error,
            options=part.options,
            written=part.written if part.options is not None else None,
            place=self.locate(),
        )

    def _use(self, value: Mapping[str, Any]) -> Any:
        if isinstance(value["use"], list):
            self.path.append("use")
            self.mistyped("the name of a chain", value["use"], "; write an entry for each")
            self.path.pop()
            return BROKEN
        for key in value:
            if key not in {"use", "when"} and (key in self.kinds or key in keys(_Shared)):
                message = f"`{key}` has no meaning beside `use`, which takes `when` only"
                self.refuse(message, "one-kind" if key in self.kinds else "unknown-key", key, at_key=True)
        found = self.read(
            {
                key: item
                for key, item in value.items()
                if key not in self.kinds and (key == "when" or key not in keys(_Shared))
            },
            _Use,
        )
        return BROKEN if found is BROKEN else UseConfig(use=found.use, when=found.when, place=self.locate())

    def refuse_kind(self, kind: str, sort: Sort, kinds: Mapping[str, PartKind]) -> None:
        """Say what is meant; a chain may be called like this."""
        if sort is FILTER and kind == FORWARD:
            self.refuse("`forward` ends every chain by itself; leave it out", "bad-value", kind, at_key=True)
        elif sort is FILTER and kind in self.chain_names and kind not in LATER_KINDS:
            message = f"no filter `{kind}`; did you mean the chain, `use: {kind}`?"
            self.refuse(message, "unknown-kind", kind, at_key=True)
        else:
            super().refuse_kind(kind, sort, kinds)

    # ---- changes of a route ---------------------------------------------------------------------------------------

    def read_override(self, value: Any, chain: Sequence[FilterConfig]) -> Any:
        """Other options for filters of a chain by their names, or `false`; the rest of their options stays."""
        if not isinstance(value, dict):
            return self.mistyped("a mapping of filters by name", value)
        by_name = {item.name: item for item in chain}
        found: dict[str, FilterConfig | Literal[False]] = {}
        for name, item in value.items():
            self.path.append(name)
            result = self._changed(name, item, by_name)
            if result is not BROKEN:
                found[name] = result
            self.path.pop()
        return found

    def _changed(self, name: str, value: Any, by_name: Mapping[str, FilterConfig]) -> Any:
        if value is BROKEN:
            return BROKEN
        if name not in by_name:
            named = next(
                (f"; it is called `{item.name}` here" for item in by_name.values() if item.kind == name), ""
            )
            known = f"; there are {quoted(by_name)}" if by_name else "; there are none"
            message = (
                f"no filter `{name}` in this route's chain{named or did_you_mean(name, by_name) or known}"
            )
            return self.refuse(message, "unknown-name", at_key=True)
        if meaning(value) is False:
            return False
        base = by_name[name]
        if base.written is None:
            return BROKEN
        kind = self.kinds[base.kind]
        options_of = keys(kind.config)
        if meaning(value) is True:
            written: Any = {}
        elif whole(kind.config) is not None:
            written = value
        elif isinstance(value, dict):
            written = {
                key: item for key, item in value.items() if key in options_of or key not in keys(_Shared)
            }
            for key in value.keys() - written.keys():
                message = f"`{key}` is no option of `{base.kind}`, and `override` changes options"
                self.refuse(message, "unknown-key", key, at_key=True)
        elif kind.main is not None:
            written = {kind.main: one_or_list(value, kind)}
        elif isinstance(value, str) and value in {"off", "no"}:
            return self.refuse(f"`{value}` is text here; write false", "yaml11-word")
        else:
            expected = f"a mapping with {quoted(options_of)}" if options_of else "`false`: it has no options"
            return self.mistyped(expected, value)
        merged = merge_data(base.written, written) if isinstance(value, dict) or not written else written
        options = self.read(merged, kind.config)
        if options is BROKEN:
            return BROKEN
        return attrs.evolve(base, options=options, written=merged, place=self.locate())

"""What the rules about several values have in common: how they report, and what they know of filters and conditions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs

from gatekeeper.config.conditions import ConditionConfig, MatcherConfig
from gatekeeper.config.filters import FORWARD, FilterEntry, chains_of, flatten
from gatekeeper.config.kinds import Kinds
from gatekeeper.config.matching import ParseTemplate
from gatekeeper.config.model import FilterConfig, GatewayConfig, UseConfig
from gatekeeper.config.problems import Fault, Path, did_you_mean, nearest, quoted
from gatekeeper.config.tree import Tree
from gatekeeper.config.units import likely_name
from gatekeeper.config.wording import keys
from gatekeeper.core.text import Text, Value


ANY_PATH: Final = "/**"
"""The path template of a condition that names no path."""


@attrs.define
class Checker:
    """Collects faults. What follows from a fault that is known already is not reported."""

    config: GatewayConfig
    kinds: Kinds
    tree: Tree
    parse: ParseTemplate
    known: Sequence[Fault]
    faults: list[Fault] = attrs.field(factory=list, init=False)
    global_flat: Sequence[FilterConfig] = attrs.field(default=(), init=False)
    """The global filters, which run before all others."""
    repeated: set[str] = attrs.field(factory=set, init=False)
    """Chains that have been refused because they would run twice."""
    _names: dict[str, frozenset[str]] = attrs.field(factory=dict, init=False)
    _known: tuple[set[Path], set[Path]] | None = attrs.field(default=None, init=False)

    def refuse(self, fault_id: str, path: Path, message: str, *, at_key: bool = False) -> None:
        """Note a fault, unless something on its path, or below, has been refused already."""
        if self.is_sound(path):
            self.faults.append(Fault(fault_id, path, message, at_key))

    def warn(self, fault_id: str, path: Path, message: str, *, at_key: bool = False) -> None:
        """Note what is nearly always a mistake."""
        if self.is_sound(path):
            self.faults.append(Fault(fault_id, path, message, at_key, severity="warning"))

    def is_sound(self, path: Path) -> bool:
        """Whether nothing on the path, or below, has been refused."""
        whole, beginnings = self._refused()
        return path not in beginnings and not any(path[:length] in whole for length in range(1, len(path)))

    def _refused(self) -> tuple[set[Path], set[Path]]:
        """The paths of known faults, and all ways to them."""
        if self._known is None:
            whole = {fault.path for fault in self.known if fault.path}
            self._known = whole, {known[:length] for known in whole for length in range(1, len(known) + 1)}
        return self._known

    def is_inherited(self, path: Path, source: Path) -> bool:
        """Whether a value is the one that stands at another place, from where it was taken."""
        here, there = self.tree.place(path), self.tree.place(source)
        return (
            there.line > 0
            and there.path == source
            and (here.file, here.line, here.column) == (there.file, there.line, there.column)
        )

    def names(self, section: str) -> frozenset[str]:
        """The names of a section: those that are written wrongly exist too."""
        names = self._names.get(section)
        if names is None:
            written = self.tree.names((section,))
            meant = [name for name in map(likely_name, written) if name is not None]
            names = self._names[section] = frozenset([*getattr(self.config, section), *written, *meant])
        return names

    def exists(
        self, section: str, what: str, name: str, path: Path, why: str = "", *, at_key: bool = False
    ) -> None:
        """Check a reference."""
        names = self.names(section)
        if name in names or self.tree.incomplete or (section,) in self._refused()[0]:
            return
        near = nearest(name, names)
        there = self.where((section, near), path) if near else ""
        hint = (
            f"; did you mean `{near}`{there}?"
            if near
            else f"; there are {quoted(sorted(names))}"
            if names
            else ""
        )
        self.refuse("unknown-name", path, f"no {what} `{name}`{why}{hint}", at_key=at_key)

    def where(self, path: Path, seen_from: Path) -> str:
        """Where a key stands, for the end of a message about another place; empty where that is not known."""
        place = self.tree.place(path, at_key=True)
        if not place.line or place.path != path:
            return ""
        return f" (line {place.line})" if place.file == self.tree.place(seen_from).file else f" ({place})"

    # ---- conditions -----------------------------------------------------------------------------------------------

    def condition(self, conditions: Iterable[ConditionConfig]) -> None:
        """Check what a condition refers to."""
        listeners = self.config.server.listen
        for outer in conditions:
            for condition in outer.inner():
                for section, what in (
                    ("plans", "plan"),
                    ("authenticators", "authenticator"),
                    ("consumers", "consumer"),
                ):
                    for name in getattr(condition, what):
                        # others are named by their authenticator and what it calls them
                        if ":" not in name:
                            self.exists(section, what, name, (*condition.place.path, what))
                for name in condition.listener:
                    if name not in listeners and self.is_sound(("server", "listen")):
                        hint = did_you_mean(name, listeners) or f"; there are {quoted(listeners)}"
                        message = f"no listener `{name}` under `server.listen`{hint}"
                        self.refuse("unknown-name", (*condition.place.path, "listener"), message)

    # ---- filters --------------------------------------------------------------------------------------------------

    def uses(self, items: Iterable[FilterEntry], outer: Iterable[FilterEntry] = ()) -> None:
        """Check the chains that a list names, and the conditions of its entries; `outer` run before it."""
        chains = self.config.chains
        seen = {name for item in outer for name in chains_of(item, chains)}
        for item in items:
            self.condition(item.when)
            if isinstance(item, UseConfig):
                path = (*item.place.path, "use")
                self.exists("chains", "chain", item.use, path)
                within = chains_of(item, chains)
                if any(chains.get(name) is items for name in within):
                    continue  # the list is in itself, which is told as such
                again = next((name for name in within if name in seen), None)
                if again is not None:
                    message = f"the chain `{again}` runs before this already; use it once, or put what differs into another"
                    self.refuse("name-taken", path, message)
                    self.repeated.add(again)
                seen.update(within)

    def flat(self, items: Sequence[FilterEntry]) -> list[FilterConfig]:
        """All filters of a list."""
        return list(flatten(items, self.config.chains))

    def conditional(self, filters: Sequence[FilterEntry]) -> set[str]:
        """The filters of a list that may be passed over, by a condition of their own or of a chain they stand in."""
        chains = self.config.chains
        entries = list(filters)
        for name in {name: None for entry in filters for name in chains_of(entry, chains)}:
            entries += chains.get(name, ())
        return {item.name for entry in entries if entry.when for item in self.flat((entry,))}

    def not_per_attempt(self, filters: Iterable[FilterConfig]) -> None:
        """Refuse filters of attempt scope."""
        for item in filters:
            if self.kinds.filters[item.kind].scope == "attempt":
                message = f"`{item.kind}` runs once per attempt; put it last in the `filters` of a service"
                self.refuse("wrong-scope", item.place.path, message)

    def unique_names(
        self, outer: Sequence[FilterConfig], inner: Sequence[FilterConfig], where: str, hint: str = ""
    ) -> None:
        """Refuse filters of the inner list whose name is taken before them."""
        taken = {item.name: item for item in outer}
        for item in inner:
            if item.name == FORWARD:
                message = f"`{FORWARD}` is what ends every chain; choose another name"
                self.refuse("name-taken", item.place.path, message)
            elif item.name in taken and not self.is_repeated(item):
                self.refuse("name-taken", item.place.path, _taken(taken[item.name], item, where, hint))
            taken.setdefault(item.name, item)

    def is_repeated(self, item: FilterConfig) -> bool:
        """Whether a filter stands in a chain of which that has been said already."""
        section, *rest = item.place.path or ("",)
        return section == "chains" and rest[0] in self.repeated


def _taken(first: FilterConfig, second: FilterConfig, where: str, hint: str) -> str:
    if first.place == second.place:
        return f"the filter `{first.name}` stands twice in {where}, by `use`"
    lines = ""
    if first.place.line:
        same_file = first.place.file == second.place.file
        lines = (
            f" (lines {first.place.line} and {second.place.line})"
            if same_file
            else f" ({first.place} and {second.place})"
        )
    return f"two filters named `{first.name}` in {where}{lines}; give one a `name`{hint}"


def captures(value: Text | Value) -> list[str]:
    """What a text, or a value, takes from the path."""
    names = value.names if isinstance(value, Text) else (value.source,)
    return [name.removeprefix("path.") for name in names if name.startswith("path.")]


def texts(value: Any, path: Path = ()) -> Iterator[tuple[Path, Text | Value]]:
    """All texts and values in the options of a filter, with the way to them."""
    if isinstance(value, Text | Value):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from texts(item, (*path, index))
    elif attrs.has(type(value)):
        for key, field in keys(type(value)).items():
            yield from texts(getattr(value, field.name), (*path, key))


def conditions(value: Any) -> Iterator[ConditionConfig]:
    """All conditions in the options of a filter, without those that they negate."""
    if isinstance(value, ConditionConfig):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from conditions(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from conditions(item)
    elif attrs.has(type(value)):
        for field in keys(type(value)).values():
            yield from conditions(getattr(value, field.name))


Captures = Mapping[str, frozenset[str] | str]
"""Name → choices, or type; `service` is one, empty is anything."""


def pattern_captures(pattern: str | MatcherConfig, parse: ParseTemplate) -> Captures | None:
    """What a path pattern captures; None where it is none, and has been refused."""
    if isinstance(pattern, MatcherConfig):
        if pattern.regex is not None:
            return dict.fromkeys(pattern.regex.groups, "")
        return {"rest": ""} if pattern.prefix is not None else {}
    try:
        return parse(pattern).captures
    except ValueError:
        return None


def show_pattern(pattern: str | MatcherConfig) -> str:
    """A path pattern as messages name it."""
    if isinstance(pattern, str):
        return pattern
    form, value = pattern.form
    return f"{form.rstrip('_')}: {value}"

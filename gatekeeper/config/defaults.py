"""`defaults` and `like`: what entries take of others, unless they say it themselves.

One default of the grammar is not the same everywhere: instances are asked for their health, but that of a service which
is a url alone is not. This is less than what `defaults` says, so it is not among the keys that the short form stands for:
a key would win. Its list of instances carries it (`Unasked`), and it counts in the end where nobody has said anything.
So a service that takes its keys of such a one is not asked either; and where a file of an environment gives a service
other instances, those are no url alone any more.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import attrs

from gatekeeper.config.document import BROKEN, Interpolated, shown
from gatekeeper.config.merge import Expand, Merger, Value, fault_at, long_form
from gatekeeper.config.problems import Path, did_you_mean
from gatekeeper.config.tree import Tree
from gatekeeper.config.wording import describe


_SECTIONS: Final = ("services", "routes", "consumers")
_NOT_LIKE: Final = frozenset({"like", "instances", "for_tenants", "description", "labels"})
"""The keys of a service that no other takes."""


class Unasked(list[Any]):
    """Instances that are not asked for their health, unless it is said."""


def apply_defaults(
    tree: Tree, expand: Expand, taken: Mapping[str, frozenset[str]] = MappingProxyType({})
) -> None:
    """Put the keys of entries over those of the service that `like` names, and these over `defaults`.

    `taken` has the keys that entries of a section take; others of its `defaults` are refused, and go no further.
    `like` is gone afterwards. `defaults` stays, so that what is wrong in it is found where nothing takes it.
    """
    if isinstance(tree.data, dict):
        for section in _SECTIONS:
            _Section(tree, section, Merger(expand, at_upper=True), taken.get(section)).apply()


@attrs.define
class _Section:
    tree: Tree
    section: str
    merger: Merger
    taken: frozenset[str] | None

    def apply(self) -> None:
        """Replace the section, if anything in it takes something."""
        entries = self.tree.data.get(self.section)
        if not isinstance(entries, dict):
            return
        lower = self.defaults()
        if lower is None and not any(self.is_like(entry) for entry in entries.values()):
            return
        values, children = {}, {}
        for name in entries:
            own = self.like(name)
            if lower is not None and isinstance(own[0], dict):
                own = self.merger.merge(lower, own, (self.section, name))
            values[name], children[name] = own
        root = self.spot()
        self.tree.data = {**self.tree.data, self.section: values}
        spot = root.children[self.section].holding(children)
        self.tree.spot = root.holding({**root.children, self.section: spot})

    def spot(self) -> Any:
        """The place of the root, which is there where data is."""
        return self.tree.spot

    def defaults(self) -> Value | None:
        """What all entries take."""
        defaults = self.tree.data.get("defaults")
        if not isinstance(defaults, dict) or not isinstance(defaults.get(self.section), dict):
            return None
        values, spot = defaults[self.section], self.spot().children["defaults"].children[self.section]
        others = frozenset() if self.taken is None else frozenset(values) - self.taken
        return _without((values, spot), others) if others else (values, spot)

    def entry(self, name: str) -> Value:
        """The keys that an entry has of its own."""
        path = (self.section, name)
        value = (self.tree.data[self.section][name], self.spot().children[self.section].children[name])
        return long_form(value, self.merger.expand, path)

    def is_like(self, entry: Any) -> bool:
        """Whether an entry takes something of another one."""
        return self.section == "services" and isinstance(entry, dict) and "like" in entry

    def like(self, name: str) -> Value:
        """The keys of an entry over those of the one that it names."""
        own = self.entry(name)
        if not self.is_like(own[0]):
            return own
        other = self.named(name, own)
        own = _without(own, frozenset({"like"}))
        if other is None:
            return own
        instances = own[0].get("instances")
        if isinstance(other[0].get("instances"), Unasked) and isinstance(instances, list):
            own = {**own[0], "instances": Unasked(instances)}, own[1]
        return self.merger.merge(_without(other, _NOT_LIKE), own, (self.section, name))

    def named(self, name: str, own: Value) -> Value | None:
        """The entry that `like` names; None, and a fault, where it names none."""
        like, spot = own[0]["like"], own[1].children["like"]
        services = self.tree.data[self.section]
        fault_id, message = "bad-value", ""
        if not isinstance(like, str):
            fault_id, message = "wrong-type", f"expected the name of a service, not {describe(like)}"
        elif like == name:
            message = f"`{shown(like)}` is this service itself; name another one"
        elif like not in services:
            # a value that came from outside is not compared with names: the answer would show it
            hint = "" if isinstance(like, Interpolated) else did_you_mean(like, services)
            fault_id, message = "unknown-name", f"no service `{shown(like)}`{hint}"
        elif self.is_like(services[like]):
            message = (
                f"`{shown(like)}` has a `like` of its own, and one leads no further; write its keys here"
            )
        if message:
            if like is not BROKEN and not (fault_id == "unknown-name" and self.tree.incomplete):
                path: Path = (self.section, name, "like")
                self.tree.faults.append(fault_at(fault_id, path, message, spot))
            return None
        other = self.entry(like)
        return other if isinstance(other[0], dict) else None


def _without(value: Value, unwanted: frozenset[str]) -> Value:
    data, spot = value
    children = {key: child for key, child in spot.children.items() if key not in unwanted}
    return {key: item for key, item in data.items() if key not in unwanted}, spot.holding(children)

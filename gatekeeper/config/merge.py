"""The one rule by which values are put over others, and how those of several files come together.

A mapping merges key by key, anything else replaces the whole value; `true` is `{}`, and `false` takes an entry out of a
named mapping. A part of another kind replaces the part, and the keys that all kinds share stay. A short form that is
merged into is expanded first. Places follow the values. Nothing is changed in place: aliases repeat the same objects.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import attrs

from gatekeeper.config.document import BROKEN, Spot, meaning, shown
from gatekeeper.config.later import section
from gatekeeper.config.model import AuthenticatorConfig, BalanceConfig, HealthConfig, ProviderConfig
from gatekeeper.config.problems import Fault, Path, nearest
from gatekeeper.config.wording import describe, keys


Expand = Callable[[Path, Any], Any]
"""The way to a value, and its short form → its long form; anything else → itself."""
Value = tuple[Any, Spot]
"""Plain data, and where it stands."""

SECTIONS: Final[Mapping[str, str]] = {
    "stores": "store",
    "providers": "provider",
    "services": "service",
    "authenticators": "authenticator",
    "plans": "plan",
    "consumers": "consumer",
    "chains": "chain",
    "routes": "route",
    "tenants": "tenant",
    "tests": "test",
}
"""The keys at the top whose mappings name things, and what one of these is."""

NAMED: Final[Mapping[Path, str]] = {
    **{(section,): what for section, what in SECTIONS.items()},
    ("server", "listen"): "listener",
    ("admin", "users"): "user",
}
"""The same for all mappings whose entries `false` takes out."""

_SHARED: Final = {
    place: frozenset(keys(cls))
    for place, cls in (
        ("services.*.balance", BalanceConfig),
        ("services.*.health", HealthConfig),
        ("authenticators.*", AuthenticatorConfig),
        ("providers.*", ProviderConfig),
    )
}
"""Where parts stand, and the keys that all of their kinds share; each other key is a kind."""


def fault_at(fault_id: str, path: Path, message: str, spot: Spot, *, at_key: bool = False) -> Fault:
    """A fault that stands at a spot, whatever becomes of the value there."""
    line, column = (spot.key_line, spot.key_column) if at_key else (spot.line, spot.column)
    return Fault(fault_id, path, message, line=line + 1, column=column + 1, file=spot.file)


def no_mapping(value: Value, path: Path) -> Fault:
    """The fault of a value that is to be a mapping."""
    data, spot = value
    what = describe(shown(data) if isinstance(data, str) else data)
    return fault_at("wrong-type", path, f"expected a mapping, not {what}", spot)


def merge_data(lower: Any, upper: Any) -> Any:
    """One value over another by the same rule, where there are no short forms and nobody asks for places: options."""
    if not isinstance(lower, dict):
        return upper
    if meaning(upper) is True:
        return lower
    if not isinstance(upper, dict):
        return upper
    return {
        **lower,
        **{key: merge_data(lower[key], item) if key in lower else item for key, item in upper.items()},
    }


@attrs.define
class Merger:
    """Puts values over others, and collects what is wrong with that.

    A merged mapping stands where the lower one stands, or with `at_upper` where the upper one does. With `incomplete` an
    entry that is to be taken out may be one that could not be read.
    """

    expand: Expand
    at_upper: bool = False
    incomplete: bool = False
    faults: list[Fault] = attrs.field(factory=list, init=False)

    def merge(self, lower: Value, upper: Value, path: Path = ()) -> Value:
        """The upper value over the lower one; what a mapping is put over and is broken stays so."""
        data, spot = upper
        is_empty = meaning(data) is True
        if not isinstance(data, dict) and (not is_empty or meaning(lower[0]) is True):
            # `true` twice may be a plain switch, which is no mapping
            return upper
        if lower[0] is BROKEN:
            return BROKEN, spot
        below, below_spot = long_form(lower, self.expand, path)
        if not isinstance(below, dict):
            return upper
        stand = spot if self.at_upper else below_spot
        if is_empty:
            return below, stand.holding(below_spot.children)
        values, children = dict(below), dict(below_spot.children)
        shared = _SHARED.get(section(path)) if path[:1] != ("routes",) else None
        if shared is not None and not shared.issuperset(data):
            for kind in values.keys() - shared - data.keys():
                del values[kind], children[kind]
        for key, item in data.items():
            self._put(values, children, (item, spot.children[key]), (*path, key))
        return values, stand.holding(children)

    def _put(self, values: dict[str, Any], children: dict[str | int, Spot], item: Value, path: Path) -> None:
        """Put one key over what is there, or take it out."""
        key = str(path[-1])
        what = NAMED.get(path[:-1])
        if what is not None and meaning(item[0]) is False:
            if key in values:
                del values[key], children[key]
            elif not self.incomplete:
                near = nearest(key, values)
                there = f" ({children[near].file}:{children[near].key_line + 1})" if near else ""
                hint = f"; did you mean `{near}`{there}?" if near else ""
                message = f"there is no {what} `{key}` to take out{hint}"
                self.faults.append(fault_at("unknown-name", path, message, item[1], at_key=True))
            return
        if key not in values and path in NAMED and isinstance(item[0], dict):
            values[key], children[key] = {}, item[1].holding({})
        if key in values:
            values[key], children[key] = self.merge((values[key], children[key]), item, path)
        elif self.incomplete and what is not None and isinstance(item[0], dict):
            # the rest of the entry may stand where nothing could be read
            values[key], children[key] = BROKEN, item[1]
        else:
            values[key], children[key] = item


def long_form(value: Value, expand: Expand, path: Path) -> Value:
    """The value as a mapping, if it is one in its long form; what was unwritten stands where the short form stands."""
    data, spot = value
    if not path:
        return value
    long = {} if meaning(data) is True else expand(path, data)
    if long is data or not isinstance(long, dict):
        return value
    written = data if isinstance(data, dict) else {}
    children = {}
    for key, item in long.items():
        child = spot.children.get(key, spot)
        if key not in written or item is not written[key]:
            child = _spread(item, child)
        children[key] = child
    return long, spot.holding(children)


def _spread(data: Any, place: Spot) -> Spot:
    """The same place for what was unwritten there, and for all that is in it."""
    spot = Spot(place.file, place.line, place.column)
    if isinstance(data, dict):
        spot.children = {key: _spread(item, place) for key, item in data.items()}
    elif isinstance(data, list):
        spot.children = {index: _spread(item, place) for index, item in enumerate(data)}
    return spot


# ---- files beside each other --------------------------------------------------------------------------------------


def join(files: Sequence[Value]) -> tuple[Value, list[Fault]]:
    """Make one mapping of those of several files: named things join, everything else stands in one file only."""
    found: dict[str, list[Value]] = {}
    for data, spot in files:
        for key, value in data.items():
            found.setdefault(key, []).append((value, spot.children[key]))
    faults: list[Fault] = []
    values, children = {}, dict(files[0][1].children)
    for key, parts in found.items():
        named = key in SECTIONS or key == "defaults"
        values[key], children[key] = (_joined if named else _only_one)(parts, (key,), faults)
    return (values, files[0][1].holding(children)), faults


def _joined(parts: list[Value], path: Path, faults: list[Fault]) -> Value:
    if len(parts) == 1:
        return parts[0]
    found: dict[str, list[Value]] = {}
    for data, spot in parts:
        if isinstance(data, dict):
            for name, value in data.items():
                found.setdefault(name, []).append((value, spot.children[name]))
        elif data is not BROKEN:
            faults.append(no_mapping((data, spot), path))
    values: dict[str, Any] = {}
    children: dict[str | int, Spot] = {}
    for name, items in found.items():
        values[name], children[name] = _only_one(items, (*path, name), faults)
    return values, parts[0][1].holding(children)


def _only_one(parts: list[Value], path: Path, faults: list[Fault]) -> Value:
    first = parts[0][1]
    for _, spot in parts[1:]:
        rule = "choose another name" if path[0] in SECTIONS else "it stands in one file only"
        places = f"{first.file}:{first.key_line + 1} and {spot.file}:{spot.key_line + 1}"
        message = f"`{path[-1]}` stands in {places}; {rule}"
        faults.append(fault_at("name-taken", path, message, spot, at_key=True))
    return parts[0]

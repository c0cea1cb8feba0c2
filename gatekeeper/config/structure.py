"""Plain data → objects of attrs classes, strictly: nothing is turned into something else without a word.

cattrs picks the hook for a type; every hook is ours, because those of cattrs turn 5 into "5", stop at the first fault of a
class and cannot say what to write. A hook that refuses a value notes the fault and returns BROKEN; what holds the value
goes on with the next one, so that one reading finds everything. Classes of plugins are read like those of the model.

Field types: str, int, float, bool, the units (`config.units`), `core.text.Text`, literals, enums, lists, tuples, sets,
mappings, unions of these (also with `False` or `None`), attrs classes, classes with `parse(text)`, and Any.
"""

from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from types import NoneType, UnionType
from typing import Any, Final, Literal, TypeVar, Union, cast, get_args

import attrs
import cattrs

from gatekeeper.config.document import BROKEN, Interpolated, Variable, meaning, resolve
from gatekeeper.config.hints import elsewhere, hint, meant
from gatekeeper.config.later import section
from gatekeeper.config.problems import (
    ConfigError,
    Fault,
    Path,
    Problem,
    Refusal,
    did_you_mean,
    nearest,
    quoted,
    show_path,
)
from gatekeeper.config.scalars import YAML11_BOOLEANS, ScalarReader
from gatekeeper.config.units import UNITS, File, Unit
from gatekeeper.config.validation import id_of, is_meant, tell, unless_shown
from gatekeeper.config.wording import (
    LISTS,
    expected,
    is_enum,
    is_parsed,
    keys,
    number_hint,
    origin,
    takes_true,
    whole,
    written,
)


T = TypeVar("T")
Hook = Callable[[Any, Any], Any]
Expand = Callable[[Any], Any]
"""A short form → its long form; anything else → itself."""


class Reader(ScalarReader):
    """Reads values and collects what is wrong with them; for one configuration.

    `expand` has the short forms of classes, `later` tells whether a key at a path belongs to something that is not built
    yet. Files are looked for from `base`; those that values name are in `files`, whether they are there or not.
    """

    def __init__(
        self,
        base: FilePath,
        expand: Mapping[type, Expand] | None = None,
        later: Callable[[Path], bool] = lambda _: False,
    ) -> None:
        super().__init__(base, later)
        self._expand: Final = expand or {}
        converter = self.converter = cattrs.Converter()
        for kind, hook in ((str, self.text), (int, self.int), (float, self.float), (bool, self.bool)):
            converter.register_structure_hook(kind, hook)
        factory = converter.register_structure_hook_factory
        factory(is_enum, self._enum_hook)
        factory(lambda kind: origin(kind) is Literal, self._literal_hook)
        factory(lambda kind: origin(kind) in LISTS, self._list_hook)
        factory(lambda kind: origin(kind) in {dict, Mapping}, self._mapping_hook)
        factory(lambda kind: origin(kind) in {Union, UnionType}, self._union_hook)
        factory(attrs.has, self.class_hook)
        factory(is_parsed, self._parsed_hook)
        factory(lambda kind: kind in UNITS, lambda kind: self._unit_hook(UNITS[kind]))
        factory(lambda kind: kind == File, lambda _: self.file)
        factory(lambda kind: kind in {Any, object}, lambda _: self.anything)

    def read(self, value: Any, kind: Any, *steps: str | int) -> Any:
        """Return the value as its type wants it, or BROKEN with at least one more fault; `steps` lead to the value."""
        self.path.extend(steps)
        try:
            return self._read(value, self.converter.get_structure_hook(kind), kind)
        finally:
            del self.path[len(self.path) - len(steps) :]

    def _read(self, value: Any, hook: Hook, kind: Any) -> Any:
        if value is BROKEN:
            return BROKEN
        before = len(self.faults)
        result = hook(value, kind)
        if isinstance(value, Interpolated) and value.reference and len(self.faults) > before:
            # what was put in may be a secret, and so may every part of it
            message = f"the value of `{value.reference}` does not fit"
            fault = self.faults[before]
            if not fault.message.startswith(message):
                words = expected(kind)
                message += "" if words == "a mapping" else f"; expected {words}"
                fault = attrs.evolve(fault, message=message)
            self.faults[before:] = [fault]
        return result

    def expansion(self, cls: Any) -> Expand:
        """What makes the long form of the short ones of a class."""
        return self._expand.get(cls, lambda value: value)

    # ---- single values --------------------------------------------------------------------------------------------

    def _unit_hook(self, unit: Unit) -> Hook:
        def hook(value: Any, _: Any) -> Any:
            if isinstance(value, Variable) and type(resolve(value)) in unit.takes:
                value = resolve(value)
            if not isinstance(value, unit.takes) or isinstance(value, bool):
                return self.mistyped(unit.written, value, number_hint(value) if int in unit.takes else "")
            try:
                return unit.parse(str(value) if isinstance(value, str) else value)
            except Refusal as refusal:
                return self.refuse(str(refusal), refusal.id)

        return hook

    def _parsed_hook(self, kind: Any) -> Hook:
        def hook(value: Any, _: Any) -> Any:
            text = self.text(value, str)
            try:
                return text if text is BROKEN else kind.parse(text)
            except ValueError as error:
                return self.refuse(str(error), id_of(error))

        return hook

    def _literal_hook(self, kind: Any) -> Hook:
        return self._choice_hook([(choice, choice) for choice in get_args(kind)])

    def _enum_hook(self, kind: Any) -> Hook:
        return self._choice_hook([(member.value, member) for member in kind])

    def _choice_hook(self, choices: list[tuple[Any, Any]]) -> Hook:
        known = [written(choice) for choice, _ in choices]
        types = {type(choice) for choice, _ in choices}

        def hook(value: Any, _: Any) -> Any:
            plain = meaning(value)
            plain = str(value) if type(plain) not in types and isinstance(value, str) else plain
            for choice, result in choices:
                if type(choice) is type(plain) and choice == plain:
                    return result
            if type(plain) not in types - {bool} or self.later((*self.path, str(plain))):
                return self.mistyped(" or ".join(f"`{word}`" for word in known), value)
            hint = did_you_mean(str(plain), known) or did_you_mean(str(plain).lower(), known)
            return self.refuse(f"`{plain}` is none of {quoted(known)}{hint}")

        return hook

    # ---- what holds values ----------------------------------------------------------------------------------------

    def _list_hook(self, kind: Any) -> Hook:
        make = LISTS[origin(kind)]
        types = [item for item in get_args(kind) if item is not Ellipsis] or [Any]
        hook_of = self.converter.get_structure_hook

        def hook(value: Any, _: Any) -> Any:
            if not isinstance(value, list):
                hint = f"; write `[{written(value)}]`" if isinstance(value, str | int | float) else ""
                return self.mistyped("a list", value, hint or "; write `- ` before each entry")
            if len(types) > 1 and len(value) != len(types):
                return self.refuse(f"expected {len(types)} entries, not {len(value)}", "wrong-type")
            item_types = types if len(types) > 1 else types * len(value)
            items = []
            for index, (item, item_type) in enumerate(zip(value, item_types, strict=True)):
                self.path.append(index)
                items.append(self._read(item, hook_of(item_type), item_type))
                self.path.pop()
            sound = [item for item in items if item is not BROKEN]
            return BROKEN if items and not sound else make(sound)

        return hook

    def _mapping_hook(self, kind: Any) -> Hook:
        key_type, value_type = get_args(kind) or (str, Any)
        hook_of = self.converter.get_structure_hook

        def hook(value: Any, _: Any) -> Any:
            if not isinstance(value, dict):
                hint = "; write `NAME: ` instead of each `- `" if isinstance(value, list) else ""
                return self.mistyped("a mapping", value, hint)
            found = {}
            key_hook, value_hook = hook_of(key_type), hook_of(value_type)
            for key, item in value.items():
                if item is BROKEN:
                    continue
                self.path.append(key)
                before = len(self.faults)
                # keys are text in the document; those of another type are read like a value that came as a text
                name = key_hook(Variable(key), key_type)
                for index in range(before, len(self.faults)):
                    self.faults[index] = attrs.evolve(self.faults[index], at_key=True)
                result = self._read(item, value_hook, value_type)
                self.path.pop()
                if name is not BROKEN and result is not BROKEN:
                    found[name] = result
            return found

        return hook

    def _union_hook(self, kind: Any) -> Hook:
        arms = [arm for arm in get_args(kind) if arm is not NoneType]
        switches = [written(arg) for arm in arms for arg in get_args(arm) if isinstance(arg, bool)]
        if switches and any(takes_true(arm) for arm in arms):
            switches.insert(0, "true")

        def hook(value: Any, _: Any) -> Any:
            failed: list[tuple[Any, list[Fault]]] = []
            before = len(self.faults)
            for arm in arms:
                result = self.read(value, arm)
                faults = self.faults[before:]
                del self.faults[before:]
                if not faults:
                    return result
                failed.append((result, faults))
            if isinstance(value, str) and value.lower() in YAML11_BOOLEANS and switches:
                return self.refuse(f"`{value}` is text here; write {' or '.join(switches)}", "yaml11-word")
            here = tuple(self.path)
            for arm, (result, faults) in zip(arms, failed, strict=True):
                # the arm that was meant is the one that went beyond the type of the value, or nearly one of its words
                if len(arms) == 1 or is_meant(arm, value, faults, here):
                    self.faults += faults
                    return result
            is_item = isinstance(value, str) and LISTS.keys() & map(origin, arms)
            hint = f"; write `[{value}]`" if is_item else ""
            return self.mistyped(" or ".join(expected(arm) for arm in arms), value, hint)

        return hook

    def class_hook(self, kind: Any, beside: Callable[[], Mapping[str, Any]] = dict) -> Hook:
        """What reads objects of an attrs class from mappings; `beside` gives fields that are no keys."""
        cls = attrs.resolve_types(origin(kind))
        if (all_of_it := whole(cls)) is not None:
            return lambda value, _: self._alone(value, cls, all_of_it)
        fields = keys(cls)
        required = {key for key, field in fields.items() if field.default is attrs.NOTHING}
        stand_ins = {key: fields[key].metadata.get("stand_in", BROKEN) for key in required}
        names = {key: str(field.alias) for key, field in fields.items()}
        hooks: dict[str, Hook] = {}
        expand = self.expansion(cls)
        wanted = f"a mapping with {quoted(fields)}" if fields else "no options"
        lists = [
            f"; write `{key}:` above it"
            for key in fields
            if key in required and origin(fields[key].type) in LISTS
        ]

        def hook(value: Any, _: Any) -> Any:
            value = expand(value)
            if not hooks:
                # not before: a class may be a part of itself
                get_hook = self.converter.get_structure_hook
                for key, field in fields.items():
                    hooks[key] = unless_shown(get_hook(field.type or Any), field, self.refuse, self.faults)
            if value is True and not required:
                value = {}
            if not isinstance(value, dict):
                return self.mistyped(wanted, value, "".join(lists[:1]) if isinstance(value, list) else "")
            before = len(self.faults)
            intended = {self._unknown(key, fields) for key in value if key not in names}
            if not intended.intersection(value):
                # otherwise a key that is not available yet may stand for one that is missing
                for key in sorted(required.difference(value, intended)):
                    self.refuse(f"`{key}` is missing", "missing-key", at_key=True)
            found = {}
            is_whole = True
            for key, field in fields.items():
                if key in value:
                    self.path.append(key)
                    result = self._read(value[key], hooks[key], field.type)
                    self.path.pop()
                    if result is BROKEN:
                        is_whole = False
                        result = stand_ins.get(key, BROKEN)
                    if result is not BROKEN:
                        found[key] = result
            if not required.issubset(found):
                return BROKEN
            # what has a default goes on with it, so that checks find what is wrong elsewhere
            try:
                return cls(**{names[key]: item for key, item in found.items()}, **beside())
            except (ValueError, TypeError) as error:
                return tell(cls, found, error, self.refuse, is_whole=is_whole and len(self.faults) == before)

        return hook

    def _alone(self, value: Any, cls: Any, field: "attrs.Attribute[Any]") -> Any:
        found = self.read(value, field.type)
        return found if found is BROKEN else cls(**{str(field.alias): found})

    def _unknown(self, key: str, fields: Mapping[str, Any]) -> str | None:
        """Refuse a key, and return the one that was probably meant; the key itself where it has a meaning later."""
        place = section(tuple(self.path))
        if why := elsewhere(place, key):
            self.refuse(f"`{key}` does not belong in `{place}`; {why}", "not-here", key, at_key=True)
        elif self.later((*self.path, key)):
            self.refuse(f"`{key}` is not available yet{hint(place, key)}", "not-available", key, at_key=True)
            return key
        else:
            ending = hint(place, key, fields) if fields else "; there are none"
            self.refuse(f"unknown key `{key}`{ending}", "unknown-key", key, at_key=True)
        return (meant(place, key) or "").partition(".")[0] or nearest(key, fields)


def structure_options(cls: type[T], data: Any, path: Path = (), base: FilePath | None = None) -> T:
    """Read plain data as an object of an attrs class; what `kind: options` of a file goes through.

    Raises:
        ConfigError: it is none, with all that is wrong; `path` is where it stands.

    """
    reader = Reader(base or FilePath.cwd())
    found = reader.read(data, cls, *path)
    if reader.faults:
        raise ConfigError(Problem(fault.id, show_path(fault.path), fault.message) for fault in reader.faults)
    return cast("T", found)

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

from gatekeeper.config.document import BROKEN, Broken, Variable, resolve
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
from gatekeeper.config.units import UNITS, File, Unit
from gatekeeper.config.wording import (
    LISTS,
    describe,
    expected,
    is_enum,
    is_parsed,
    keys,
    number_hint,
    origin,
    written,
)
from gatekeeper.core.text import BadPlaceholderError, Text


T = TypeVar("T")
Hook = Callable[[Any, Any], Any]
Expand = Callable[[Any], Any]
"""A short form → its long form; anything else → itself."""

_YAML11_BOOLEANS: Final = {"yes", "no", "on", "off", "y", "n", "true", "false"}


class Reader:
    """Reads values and collects what is wrong with them; for one configuration.

    `expand` has the short forms of classes, `later` tells whether a key at a path belongs to something that is not built
    yet. Files are looked for from `base`.
    """

    def __init__(
        self,
        base: FilePath,
        expand: Mapping[type, Expand] | None = None,
        later: Callable[[Path], bool] = lambda _: False,
    ) -> None:
        self.base: Final = base
        self.faults: list[Fault] = []
        self.path: list[str | int] = []
        self._expand: Final = expand or {}
        self._later: Final = later
        converter = self.converter = cattrs.Converter()
        for kind, hook in ((str, self._text), (int, self._int), (float, self._float), (bool, self._bool)):
            converter.register_structure_hook(kind, hook)
        factory = converter.register_structure_hook_factory
        factory(is_enum, self._enum_hook)
        factory(lambda kind: origin(kind) is Literal, self._literal_hook)
        factory(lambda kind: origin(kind) in LISTS, self._list_hook)
        factory(lambda kind: origin(kind) in {dict, Mapping}, self._mapping_hook)
        factory(lambda kind: origin(kind) in {Union, UnionType}, self._union_hook)
        factory(attrs.has, self._class_hook)
        factory(is_parsed, self._parsed_hook)
        factory(lambda kind: kind in UNITS, lambda kind: self._unit_hook(UNITS[kind]))
        factory(lambda kind: kind is Text, lambda _: self._placeholders)
        factory(lambda kind: kind == File, lambda _: self._file)
        factory(lambda kind: kind in {Any, object}, lambda _: self._anything)

    def read(self, value: Any, kind: Any, *steps: str | int) -> Any:
        """Return the value as its type wants it, or BROKEN with at least one more fault; `steps` lead to the value."""
        if value is BROKEN:
            return BROKEN
        self.path.extend(steps)
        try:
            return self.converter.get_structure_hook(kind)(value, kind)
        finally:
            del self.path[len(self.path) - len(steps) :]

    def refuse(
        self, message: str, fault_id: str = "bad-value", *steps: str | int, at_key: bool = False
    ) -> Broken:
        """Note what is wrong here, or where the steps lead."""
        self.faults.append(Fault(fault_id, (*self.path, *steps), message, at_key))
        return BROKEN

    def mistyped(self, expected: str, value: Any, hint: str = "") -> Broken:
        """Note that the value is of another type; without a word where something in it is broken already."""
        if isinstance(value, dict) and BROKEN in value.values():
            return BROKEN
        return self.refuse(f"expected {expected}, not {describe(value)}{hint}", "wrong-type")

    # ---- single values --------------------------------------------------------------------------------------------

    def _text(self, value: Any, _: Any) -> Any:
        if isinstance(value, str):
            return str(value)
        hint = f'; write "{written(value)}"' if isinstance(value, int | float) else ""
        if isinstance(value, dict):
            hint = "; quote a value that begins with `{`"
        return self.mistyped("text", value, hint)

    def _int(self, value: Any, _: Any) -> Any:
        value = _resolved(value)
        return value if type(value) is int else self.mistyped("a whole number", value, number_hint(value))

    def _float(self, value: Any, _: Any) -> Any:
        value = _resolved(value)
        if type(value) in {int, float}:
            return float(value)
        return self.mistyped("a number", value, number_hint(value))

    def _bool(self, value: Any, _: Any) -> Any:
        value = _resolved(value)
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _YAML11_BOOLEANS:
            return self.refuse(f"`{value}` is text here; write true or false", "yaml11-word")
        return self.mistyped("true or false", value)

    def _placeholders(self, value: Any, _: Any) -> Any:
        source = self._text(value, str)
        if source is BROKEN:
            return BROKEN
        try:
            return Text(source)
        except BadPlaceholderError as error:
            return self.refuse(str(error), _fault_id(error))

    def _file(self, value: Any, _: Any) -> Any:
        text = self._text(value, str)
        if text is BROKEN:
            return BROKEN
        path = self.base.absolute() / text
        if not path.is_file():
            return self.refuse(f"`{text}` does not exist (looked for {path})", "not-found")
        return str(path)

    def _anything(self, value: Any, _: Any) -> Any:
        if isinstance(value, dict):
            found = {key: self._anything(item, _) for key, item in value.items()}
            return BROKEN if BROKEN in found.values() else found
        if isinstance(value, list):
            items = [self._anything(item, _) for item in value]
            return BROKEN if BROKEN in items else items
        return str(value) if isinstance(value, str) else value

    def _unit_hook(self, unit: Unit) -> Hook:
        def hook(value: Any, _: Any) -> Any:
            if isinstance(value, Variable) and type(resolve(value)) in unit.takes:
                value = resolve(value)
            if not isinstance(value, unit.takes) or isinstance(value, bool):
                return self.mistyped(unit.written, value)
            try:
                return unit.parse(str(value) if isinstance(value, str) else value)
            except Refusal as refusal:
                return self.refuse(str(refusal), refusal.id)

        return hook

    def _parsed_hook(self, kind: Any) -> Hook:
        def hook(value: Any, _: Any) -> Any:
            if not isinstance(value, str):
                return self.mistyped("text", value)
            try:
                return kind.parse(str(value))
            except ValueError as error:
                return self.refuse(str(error), _fault_id(error))

        return hook

    def _literal_hook(self, kind: Any) -> Hook:
        return self._choice_hook([(choice, choice) for choice in get_args(kind)])

    def _enum_hook(self, kind: Any) -> Hook:
        return self._choice_hook([(member.value, member) for member in kind])

    def _choice_hook(self, choices: list[tuple[Any, Any]]) -> Hook:
        known = [written(choice) for choice, _ in choices]
        types = {type(choice) for choice, _ in choices}

        def hook(value: Any, _: Any) -> Any:
            plain = _resolved(value)
            plain = str(value) if type(plain) not in types and isinstance(value, str) else plain
            for choice, result in choices:
                if type(choice) is type(plain) and choice == plain:
                    return result
            if type(plain) not in types - {bool}:
                return self.mistyped(" or ".join(f"`{word}`" for word in known), value)
            hint = did_you_mean(plain, known) if isinstance(plain, str) else ""
            return self.refuse(f"`{plain}` is none of {quoted(known)}{hint}")

        return hook

    # ---- what holds values ----------------------------------------------------------------------------------------

    def _list_hook(self, kind: Any) -> Hook:
        make = LISTS[origin(kind)]
        types = [item for item in get_args(kind) if item is not Ellipsis] or [Any]

        def hook(value: Any, _: Any) -> Any:
            if not isinstance(value, list):
                hint = f"; write `[{written(value)}]`" if isinstance(value, str | int | float) else ""
                return self.mistyped("a list", value, hint or "; write `- ` before each entry")
            if len(types) > 1 and len(value) != len(types):
                return self.refuse(f"expected {len(types)} entries, not {len(value)}", "wrong-type")
            item_types = types if len(types) > 1 else types * len(value)
            items = [
                self.read(item, item_type, index)
                for index, (item, item_type) in enumerate(zip(value, item_types, strict=True))
            ]
            return make([item for item in items if item is not BROKEN])

        return hook

    def _mapping_hook(self, kind: Any) -> Hook:
        key_type, value_type = get_args(kind) or (str, Any)

        def hook(value: Any, _: Any) -> Any:
            if not isinstance(value, dict):
                return self.mistyped("a mapping", value)
            found = {}
            for key, item in value.items():
                # keys are text in the document; those of another type are read like a value that came as a text
                before = len(self.faults)
                name = self.read(Variable(key), key_type, key)
                for index in range(before, len(self.faults)):
                    self.faults[index] = attrs.evolve(self.faults[index], at_key=True)
                result = self.read(item, value_type, key)
                if name is not BROKEN and result is not BROKEN:
                    found[name] = result
            return found

        return hook

    def _union_hook(self, kind: Any) -> Hook:
        arms = [arm for arm in get_args(kind) if arm is not NoneType]
        switches = [written(arg) for arm in arms for arg in get_args(arm) if isinstance(arg, bool)]

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
            if isinstance(value, str) and value.lower() in _YAML11_BOOLEANS and switches:
                return self.refuse(f"`{value}` is text here; write {' or '.join(switches)}", "yaml11-word")
            here = tuple(self.path)
            for result, faults in failed:
                # the arm that was meant is the one that went beyond the type of the value
                if len(arms) == 1 or [(fault.id, fault.path) for fault in faults] != [("wrong-type", here)]:
                    self.faults += faults
                    return result
            return self.mistyped(" or ".join(expected(arm) for arm in arms), value)

        return hook

    def _class_hook(self, kind: Any) -> Hook:
        cls = attrs.resolve_types(origin(kind))
        fields = keys(cls)
        required = {key for key, field in fields.items() if field.default is attrs.NOTHING}
        expand = self._expand.get(cls, lambda value: value)

        def hook(value: Any, _: Any) -> Any:
            value = expand(value)
            if value is True and not required:
                value = {}
            if not isinstance(value, dict):
                return self.mistyped(f"a mapping with {quoted(fields)}" if fields else "no options", value)
            meant = {self._unknown(key, fields) for key in value if key not in fields}
            if not meant.intersection(value):
                # otherwise a key that is not available yet may stand for one that is missing
                for key in required.difference(value, meant):
                    self.refuse(f"`{key}` is missing", "missing-key", at_key=True)
            found = {
                key: self.read(value[key], fields[key].type or Any, key) for key in fields if key in value
            }
            found = {key: item for key, item in found.items() if item is not BROKEN}
            if not required.issubset(found):
                return BROKEN
            # what has a default goes on with it, so that checks find what is wrong elsewhere
            return self._make(cls, found, whole=len(found) == len(fields.keys() & value.keys()))

        return hook

    def _unknown(self, key: str, fields: Mapping[str, Any]) -> str | None:
        """Refuse a key, and return the one that was probably meant; the key itself where it has a meaning later."""
        if self._later((*self.path, key)):
            self.refuse(f"`{key}` is not available yet", "not-available", key, at_key=True)
            return key
        meant = nearest(key, fields)
        known = f"; there are {quoted(fields)}" if fields else "; there are none"
        message = f"unknown key `{key}`{did_you_mean(key, fields) or known}"
        self.refuse(message, "unknown-key", key, at_key=True)
        return meant

    def _make(self, cls: Any, values: Mapping[str, Any], *, whole: bool) -> Any:
        fields = keys(cls)
        try:
            return cls(**{str(fields[key].alias): value for key, value in values.items()})
        except (ValueError, TypeError) as error:
            faults = _validate(cls, values)
            for key, fault in faults:
                self.refuse(_message(fault), _fault_id(fault), key)
            if whole and not faults:
                self.refuse(_message(error), _fault_id(error))
            return BROKEN


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


def _validate(cls: Any, values: Mapping[str, Any]) -> list[tuple[str, Exception]]:
    """Run the validators of all values, of which attrs runs those before the first that fails."""
    draft = cls.__new__(cls)
    given = {field: values[key] for key, field in keys(cls).items() if key in values}
    for field in attrs.fields(cls):
        default = field.default
        if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class that is typed as a function
            default = default.factory(draft) if default.takes_self else default.factory()
        object.__setattr__(draft, field.name, given.get(field, default))
    faults: list[tuple[str, Exception]] = []
    for key, field in keys(cls).items():
        if field.validator is not None and key in values:
            try:
                field.validator(draft, field, values[key])
            except (ValueError, TypeError) as error:
                faults.append((key, error))
    return faults


def _fault_id(error: Exception) -> str:
    if isinstance(error, BadPlaceholderError):
        return "bad-placeholder"
    return error.id if isinstance(error, Refusal) else "bad-value"


def _message(error: Exception) -> str:
    # the validators of attrs put the attribute and the value behind the message
    return str(error.args[0]) if error.args else type(error).__name__


def _resolved(value: Any) -> Any:
    return resolve(value) if isinstance(value, Variable) else value

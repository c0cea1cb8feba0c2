"""JSON Schema (2020-12) of gateway.yaml, made of the classes and the kinds that are installed.

It is for editors and for whoever writes configurations by program. It takes everything that the loader takes, and refuses
what can be seen without knowing the rest: references between parts, files and variables are the loader's. Each text may
hold `${...}`, and where a value is no text, one `${...}` may stand for it.
"""

import re
from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args

import attrs

from gatekeeper.config.addresses import Listen
from gatekeeper.config.conditions import (
    IDENTITY_KEYS,
    Condition,
    ConditionConfig,
    Match,
    Matcher,
    MatcherConfig,
    PathPattern,
)
from gatekeeper.config.fields import AtLeast
from gatekeeper.config.filters import FORWARD
from gatekeeper.config.grammar import FILTER, SHORT_TYPES, TYPES, VALUES, all_keys
from gatekeeper.config.identity import Credentials
from gatekeeper.config.kinds import Kinds, PartKind
from gatekeeper.config.model import (
    FilterConfig,
    Filters,
    GatewayConfig,
    HealthConfig,
    TargetConfig,
    Targets,
    UseConfig,
)
from gatekeeper.config.parts import SORTS
from gatekeeper.config.schema_rules import REFERENCE, RULES, TRUE, Schema
from gatekeeper.config.show import show_value
from gatekeeper.config.units import UNITS, LiteralPath, Name, Unit
from gatekeeper.config.wording import LISTS, is_enum, is_parsed, keys, origin, whole
from gatekeeper.core.text import Text, Value


DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
ID: Final = "urn:gatekeeper:schema:gateway:1"

_ANYTHING: Final[Schema] = {"type": ["string", "number", "boolean", "array", "object"]}
_PLACEHOLDER: Final = "|".join(
    re.escape(name.removesuffix("NAME")) + ("[^{}]+" if name.endswith(".NAME") else "") for name in VALUES
)
_TEXT: Final = rf"(?:[^{{}}]|\{{(?:{_PLACEHOLDER})\}})*"
_SEGMENT: Final = r"(?:(?!:)[^/{}*?#[\]\\^|<>]+|\{[A-Za-z_][A-Za-z0-9_]*(?::(?:int|uuid|slug|date|service|[^/{}|]+(?:\|[^/{}|]+)+))?\})"
_TEMPLATE: Final = rf"(?=/)(?:/{_SEGMENT})*(?:/(?:\*\*)?)?"


def schema(kinds: Kinds) -> Schema:
    """The schema for the kinds of parts that there are."""
    return _Writer(kinds).whole()


def _text(pattern: str) -> Schema:
    """A text of this form, or one that holds a reference."""
    return {"type": "string", "pattern": f"^(?:{pattern})$|{REFERENCE}"}


def _any_of(schemas: Iterable[Schema]) -> Schema:
    """One of these, each once."""
    found: list[Schema] = []
    for one in schemas:
        found += [arm for arm in (one["anyOf"] if one.keys() == {"anyOf"} else [one]) if arm not in found]
    return found[0] if len(found) == 1 else {"anyOf": found}


def _entries(item: Schema) -> Schema:
    return {"type": "array", "items": item}


class _Writer:
    """Writes one schema; what is used twice, or contains itself, stands in `$defs`."""

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self.filters = {kind: found for kind, found in kinds.filters.items() if kind != FORWARD}
        self.defs: dict[str, Schema] = {}
        self._names: dict[Any, str] = {}
        self._plain: Final[Mapping[Any, Schema]] = {
            str: {"type": "string"},
            int: self.or_variable({"type": "integer"}),
            float: self.or_variable({"type": "number"}),
            bool: self.or_variable({"type": "boolean"}),
            Text: self.shared("text", _text(_TEXT)),
            Value: self.shared("value", _text(_PLACEHOLDER)),
        }

    def whole(self) -> Schema:
        """The schema of a root file."""
        root = self.mapping(GatewayConfig)
        root["required"] = ["version"]
        root["patternProperties"] = {"^x-": {"description": "your own notes, and values for aliases"}}
        return {
            "$schema": DIALECT,
            "$id": ID,
            "title": "gateway.yaml",
            **root,
            "$defs": dict(sorted(self.defs.items())),
        }

    def shared(self, name: str, made: Schema) -> Schema:
        """Put a schema where others can refer to it."""
        self.defs[name] = made
        return {"$ref": f"#/$defs/{name}"}

    def or_variable(self, made: Schema) -> Schema:
        """The same, or a whole `${...}`, which takes the type of its key."""
        variable = self.shared("variable", {"type": "string", "pattern": rf"^{REFERENCE}.+\}}$"})
        return _any_of([made, variable])

    # ---- types ----------------------------------------------------------------------------------------------------

    def value(self, kind: Any) -> Schema:
        """The schema of values of a type."""
        if kind in _GRAMMAR:
            return self.recursive(kind)
        if kind in UNITS:
            return self.unit(kind)
        if kind in self._plain:
            return self._plain[kind]
        shape = origin(kind)
        if shape is Annotated:
            return self.value(get_args(kind)[0])
        if shape in {Union, UnionType}:
            return _any_of(self.value(arm) for arm in get_args(kind) if arm is not NoneType)
        if shape is Literal:
            return self.choice(get_args(kind))
        if is_enum(kind):
            return self.choice([member.value for member in kind])
        if shape in LISTS:
            return self.entries(kind)
        if shape in {dict, Mapping}:
            return self.named(*(get_args(kind) or (str, Any)))
        if is_parsed(kind):
            pattern = getattr(kind, "PATTERN", "")
            return _text(pattern) if pattern else {"type": "string"}
        return self.recursive(kind) if attrs.has(shape) else _ANYTHING

    def unit(self, kind: Any) -> Schema:
        """The schema of a type with a notation of its own."""
        unit: Unit = UNITS[kind]
        name = next(
            (name.lower().replace(" ", "_") for name, words in TYPES.items() if words.kind == kind), ""
        )
        arms: list[Schema] = []
        if unit.between is not None:
            lowest, highest = unit.between
            arms.append({"type": "integer", "minimum": lowest, "maximum": highest})
        if unit.pattern:
            arms.append(_text(unit.pattern))
        made = _any_of(arms)
        made = made if unit.pattern else self.or_variable(made)
        return self.shared(name, made) if name else made

    def choice(self, choices: Iterable[Any]) -> Schema:
        """One of some words."""
        return self.or_variable({"enum": list(choices)})

    def entries(self, kind: Any) -> Schema:
        """A list; a tuple of several types has one entry of each."""
        types = [item for item in get_args(kind) if item is not Ellipsis] or [Any]
        if len(types) == 1:
            return _entries(self.value(types[0]))
        return {
            "type": "array",
            "prefixItems": [self.value(item) for item in types],
            "items": False,
            "minItems": len(types),
        }

    def named(self, key: Any, item: Any, **more: Any) -> Schema:
        """A mapping of things by name; there may be more to be known of each than its type."""
        made = {**self.value(item), **more}
        if key in UNITS and UNITS[key].pattern:
            pattern = f"^(?:{UNITS[key].pattern})$"
            return {"type": "object", "patternProperties": {pattern: made}, "additionalProperties": False}
        return {"type": "object", "additionalProperties": made}

    def recursive(self, kind: Any) -> Schema:
        """A reference to what may contain itself."""
        if kind not in self._names:
            name = _GRAMMAR.get(kind) or kind.__name__.removesuffix("Config") or "Config"
            while name in self.defs:
                name += "_"
            self._names[kind] = name
            self.defs[name] = {}  # the name is taken while what it holds is written
            self.defs[name] = self.definition(kind)
        return {"$ref": f"#/$defs/{self._names[kind]}"}

    def definition(self, kind: Any) -> Schema:
        """What a name in `$defs` stands for."""
        makers = {
            "condition": self.condition,
            "match": self.match,
            "matcher": lambda: self.alternatives({"type": "string"}, self.forms(path=False)),
            "path_pattern": lambda: _any_of([_text(_TEMPLATE), self.forms(path=True)]),
            "targets": self.targets,
            "credentials": self.credentials,
            "filter": self.filter,
        }
        if kind in _GRAMMAR:
            return makers[_GRAMMAR[kind]]()
        return self.part(kind) if kind in SORTS else self.object(kind)

    # ---- classes --------------------------------------------------------------------------------------------------

    def mapping(self, cls: Any, but: Iterable[str] = (), *, whole: bool = True) -> Schema:
        """A class in its long form; what is not the whole may lack what is required."""
        fields = {key: field for key, field in all_keys(cls).items() if key not in but}
        required = [key for key, field in fields.items() if field.default is attrs.NOTHING]
        made: Schema = {
            "description": _summary(cls),
            "type": "object",
            "properties": {key: self.field(field) for key, field in fields.items()},
            "additionalProperties": False,
        }
        return {**made, "required": required} if required and whole else made

    def object(self, cls: Any) -> Schema:
        """A class in its long form and its short ones; `true` is all defaults."""
        if (field := whole(cls)) is not None:
            return self.value(field.type)
        long = self.mapping(cls)
        short = [self.value(kind) for kind in SHORT_TYPES.get(cls, ())]
        return {**_any_of([long, *short, *([] if "required" in long else [TRUE])]), **RULES.get(cls, {})}

    def field(self, field: "attrs.Attribute[Any]") -> Schema:
        """One key."""
        told = {"description": field.metadata["help"]} if field.metadata.get("help") else {}
        least = {"minimum": field.validator.least} if isinstance(field.validator, AtLeast) else {}
        return {**told, **self.field_value(field.type), **least, **_default(field)}

    def field_value(self, kind: Any) -> Schema:
        """What a key takes: some take more than values of their type."""
        arms = get_args(kind)
        if origin(kind) is Mapping and arms[1] == Filters:
            return self.named(arms[0], arms[1], minItems=1)
        if origin(kind) is Mapping and FilterConfig in get_args(arms[1]):
            # what a filter of this name is, the chain decides
            return self.named(arms[0], Any)
        if origin(kind) is Mapping and Listen in SHORT_TYPES.get(arms[1], ()):
            return _any_of([self.value(Listen), {**self.value(kind), "minProperties": 1}])
        return self.value(kind)

    # ---- what is no plain class -----------------------------------------------------------------------------------

    def alternatives(self, *arms: Schema) -> Schema:
        """One of these, or a list of them: any."""
        one = _any_of(arms)
        return _any_of([one, {**_entries(one), "minItems": 1}])

    def condition(self, but: Iterable[str] = (), inner: Any = Condition) -> Schema:
        """A condition without some keys, a path alone, or a list of these."""
        whole = self.mapping(ConditionConfig, ("predicates", *but))
        properties = whole["properties"]
        for key, field in keys(attrs.resolve_types(ConditionConfig)).items():
            if key in properties and origin(field.type) is tuple:
                told = {"description": properties[key]["description"]}
                properties[key] = {**told, **self.alternatives(self.value(get_args(field.type)[0]))}
            elif key in properties and origin(field.type) is Mapping:
                properties[key]["minProperties"] = 1
        properties["not"] = {"description": properties["not"]["description"], **self.value(inner)}
        for kind, found in self.kinds.predicates.items():
            main = all_keys(found.config)[found.main].type if found.main is not None else None
            single = [self.value(get_args(main)[0])] if origin(main) in LISTS else []
            properties[kind] = _any_of([self.options(found.config, found.main), *single])
        return self.alternatives(_text(_TEMPLATE), {**whole, "minProperties": 1})

    def match(self) -> Schema:
        """A condition that routes are found by."""
        return self.condition(("share", *IDENTITY_KEYS), Match)

    def forms(self, *, path: bool) -> Schema:
        """A matcher in its long form."""
        whole = self.mapping(MatcherConfig, ("present",) if path else ())
        properties = whole["properties"]
        for form in ("prefix", "suffix", "contains"):
            properties[form]["minLength"] = 1
        if path:
            for form in ("exact", "prefix"):
                properties[form] = {"description": properties[form]["description"], **self.value(LiteralPath)}
            properties["not"] = self.alternatives(self.value(PathPattern))
        return {**whole, "minProperties": 1, "maxProperties": 1}

    def targets(self) -> Schema:
        """A service, several with weights, or the capture that names one."""
        several = {**self.named(Name, TargetConfig), "minProperties": 1}
        return _any_of([self.value(Name), _text(rf"(?=.*\{{){_TEXT}"), several])

    def credentials(self) -> Schema:
        """By authenticators, whose kinds a schema cannot know: one credential of any kind, or several."""
        kinds = {
            found.credential: None
            for found in self.kinds.authenticators.values()
            if found.credential is not None
        }
        one = _any_of(self.value(kind) for kind in kinds) if kinds else {"not": {}}
        return self.named(Name, Any, **_any_of([one, _entries(one)]))

    def options(self, config: type, main: str | None, *, whole: bool = True) -> Schema:
        """The options of a kind; its main one may stand for them, and `true` for none.

        Where they are not the `whole`, what is required may be taken from elsewhere: `defaults`, or another service.
        """
        is_partial = not whole and _needs_options(config)
        arms = [self.mapping(config, whole=False), TRUE] if is_partial else [self.value(config)]
        if main is not None:
            kind = all_keys(config)[main].type
            arms.append(self.value(kind))
            if origin(kind) in LISTS:
                arms.append(self.value(get_args(kind)[0]))
        return _any_of(arms)

    def filter(self) -> Schema:
        """An entry of a list of filters: a kind alone, a kind with options, or a chain."""
        shared = self.mapping(FilterConfig, ("kind", "options"), whole=False)
        return _any_of([*self.kinds_of(self.filters, shared), self.mapping(UseConfig)])

    def part(self, cls: Any) -> Schema:
        """A part that stands alone: a kind alone, or a kind with options; where there is a default, without one."""
        sort = SORTS[cls]
        kinds = dict(sort.kinds(self.kinds))
        kinds |= {alias: kinds[kind] for alias, kind in sort.aliases.items() if kind in kinds}
        arms = [*self.kinds_of(kinds, self.mapping(cls), optional=bool(sort.default))]
        arms += [_text("/.*")] if cls is HealthConfig else []
        return _any_of([*arms, TRUE] if sort.default else arms)

    def kinds_of(
        self, kinds: Mapping[str, PartKind], shared: Schema, *, optional: bool = False
    ) -> Iterable[Schema]:
        """A kind alone, and a kind with options and what all kinds share; with `optional` there need be none."""
        alone = [kind for kind, found in kinds.items() if not _needs_options(found.config)]
        if alone:
            yield self.or_variable({"enum": alone})
        properties = {
            kind: {
                "description": _summary(found.config),
                **self.options(found.config, found.main, whole=not optional),
            }
            for kind, found in kinds.items()
        }
        one: list[Schema] = [{"required": [kind]} for kind in kinds]
        if optional:
            one.append({"not": {"anyOf": list(one)}} if one else {})
        yield {
            **shared,
            "properties": {**properties, **shared["properties"]},
            **({"oneOf": one} if one else {"not": {}}),
        }


_GRAMMAR: Final[Mapping[Any, str]] = {
    Condition: "condition",
    Match: "match",
    Matcher: "matcher",
    PathPattern: "path_pattern",
    Targets: "targets",
    Credentials: "credentials",
    FILTER: "filter",
}
"""The types that have a grammar of their own, as `$defs` call them."""


def _summary(cls: Any) -> str:
    return (cls.__doc__ or "").strip().partition("\n")[0]


def _needs_options(cls: Any) -> bool:
    return any(field.default is attrs.NOTHING for field in all_keys(cls).values())


def _default(field: "attrs.Attribute[Any]") -> Schema:
    """The default as a file has it, where it is the same for everybody and has a notation."""
    default: Any = field.default
    if isinstance(default, attrs.Factory):  # type: ignore[arg-type]  # a class that is typed as a function
        if default.takes_self:
            return {}
        default = default.factory()
    has_parts = attrs.has(type(default)) and not is_parsed(type(default))
    if default is attrs.NOTHING or default is None or has_parts or field.type in (Condition, Match):
        return {}
    return {"default": show_value(default, field.type)}
